//! A listener under test, with the broker it listens to.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use cinder_volume_xtremio::bus::{Delivery, Gate, Listener, ListenerState, ReadAhead, Verdict};
use cinder_volume_xtremio::config::MessagingOptions;
use lapin::Confirmation;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::support::broker::TestBroker;
use crate::support::messaging;

pub(crate) const HOST: &str = "ctl1@xtremio1";
pub(crate) const MAIN: &str = "cinder-volume.ctl1@xtremio1.ctl1";
/// A window that most tests never fill.
pub(crate) const AHEAD: ReadAhead = ReadAhead {
    messages: 100,
    slots: 64,
    bytes: 64 << 20,
};
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Answers with these verdicts in turn, the last one for ever.
pub(crate) struct Scripted(Mutex<VecDeque<Verdict>>);

impl Scripted {
    pub(crate) fn new(verdicts: &[Verdict]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(verdicts.iter().cloned().collect())))
    }
}

#[async_trait]
impl Gate for Scripted {
    async fn judge(&self, _consumers: u32) -> Verdict {
        let mut verdicts = self.0.lock().unwrap();
        match verdicts.len() {
            1 => verdicts[0].clone(),
            _ => verdicts.pop_front().unwrap(),
        }
    }
}

pub(crate) struct Bench {
    pub(crate) broker: TestBroker,
    pub(crate) listener: Listener,
    pub(crate) deliveries: UnboundedReceiver<Delivery>,
}

/// Customary options for a port of the broker or of a relay to it.
pub(crate) fn options(broker: &TestBroker, port: u16) -> MessagingOptions {
    messaging::options("127.0.0.1", port, broker.vhost())
}

impl Bench {
    pub(crate) async fn start() -> Self {
        let broker = TestBroker::new().await;
        let options = options(&broker, broker.port());
        Self::with(broker, &options, &[Verdict::Consume]).await
    }

    pub(crate) async fn with(
        broker: TestBroker,
        options: &MessagingOptions,
        verdicts: &[Verdict],
    ) -> Self {
        Self::reading(broker, options, verdicts, AHEAD).await
    }

    pub(crate) async fn reading(
        broker: TestBroker,
        options: &MessagingOptions,
        verdicts: &[Verdict],
        ahead: ReadAhead,
    ) -> Self {
        let (tx, deliveries) = unbounded_channel();
        let listener = Listener::spawn(options, HOST, ahead, Scripted::new(verdicts), tx);
        let bench = Self {
            broker,
            listener,
            deliveries,
        };
        if verdicts.last() == Some(&Verdict::Consume) {
            bench
                .state(|s| matches!(s, ListenerState::Consuming(_)))
                .await;
        }
        bench
    }

    pub(crate) async fn state(&self, wanted: impl Fn(&ListenerState) -> bool) -> ListenerState {
        let mut state = self.listener.state();
        let found = timeout(PATIENCE, state.wait_for(|s| wanted(s))).await;
        found
            .unwrap_or_else(|_| panic!("state stayed {:?}", self.listener.state().borrow()))
            .unwrap()
            .clone()
    }

    pub(crate) async fn send(&self, exchange: &str, key: &str, body: &str) {
        self.broker
            .publish(exchange, key, messaging::properties(), body.as_bytes())
            .await;
    }

    /// Sends these to the main queue, one after the other, each confirmed.
    pub(crate) async fn send_all(&self, bodies: impl IntoIterator<Item = Vec<u8>>) {
        let (connection, channel) = self.broker.channel().await;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .unwrap();
        for body in bodies {
            let sent = channel.basic_publish(
                "openstack".into(),
                MAIN.into(),
                BasicPublishOptions::default(),
                &body,
                messaging::properties(),
            );
            assert_eq!(sent.await.unwrap().await.unwrap(), Confirmation::Ack(None));
        }
        connection.close(200, "sent".into()).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Delivery {
        timeout(PATIENCE, self.deliveries.recv())
            .await
            .expect("nothing arrived")
            .unwrap()
    }

    pub(crate) async fn empty(&self, queue: &str) {
        self.broker.wait_for_queue(queue, |q| q.messages == 0).await;
    }
}
