//! Somebody else on our host's queues: refused by name, or waited for.

use std::time::Duration;

use cinder_volume_xtremio::config::Engine;
use lapin::options::{BasicConsumeOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, Consumer};
use tokio::task::JoinHandle;

use crate::support::lab::{Lab, LabBuilder};

/// A consumer as a Python cinder-volume has one, and its heartbeats in the database.
struct Stranger {
    connection: Connection,
    _consumer: Consumer,
    beats: Option<JoinHandle<()>>,
}

impl Stranger {
    async fn on(lab: &Lab) -> Self {
        let (connection, channel) = lab.broker.channel().await;
        let queue = lab.queue("xio");
        let options = QueueDeclareOptions::default();
        channel
            .queue_declare(queue.as_str().into(), options, FieldTable::default())
            .await
            .unwrap();
        let consumer = channel
            .basic_consume(
                queue.as_str().into(),
                "python".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await
            .unwrap();
        Self {
            connection,
            _consumer: consumer,
            beats: None,
        }
    }

    fn beating(mut self, lab: &Lab) -> Self {
        let db = lab.db.raw.clone();
        self.beats = Some(tokio::spawn(async move {
            use sea_orm::ConnectionTrait as _;
            let beat = "UPDATE services SET report_count = report_count + 1";
            loop {
                tokio::time::sleep(Duration::from_millis(300)).await;
                db.execute_unprepared(beat).await.unwrap();
            }
        }));
        self
    }

    async fn leaves(self) {
        if let Some(beats) = &self.beats {
            beats.abort();
        }
        self.connection.close(200, "done".into()).await.unwrap();
    }
}

#[tokio::test]
async fn a_living_stranger_is_refused_by_name() {
    let mut lab = LabBuilder::new(Engine::Sqlite).build().await;
    let stranger = Stranger::on(&lab).await.beating(&lab);
    let mut worker = lab.spawn(&[]);
    let status = worker.ended().await;
    assert_eq!(status.code(), Some(1));
    let log = worker.log();
    assert!(
        log.contains("another cinder-volume serves host ctl1@xio"),
        "{log}"
    );
    assert!(log.contains("wait_for_stranger"), "{log}");
    stranger.leaves().await;
    lab.finish_without_worker().await;
}

#[tokio::test]
async fn consumers_without_heartbeats_may_be_ghosts_and_are_waited_for() {
    let mut lab = LabBuilder::new(Engine::Sqlite).build().await;
    let stranger = Stranger::on(&lab).await;
    let mut worker = lab.spawn(&[]);
    worker.says("somebody consumes our queues").await;
    // It has looked once and goes on looking; what it must not do is consume.
    assert!(worker.runs() && !worker.log().contains(" serving"));
    stranger.leaves().await;
    worker.says(" serving").await;
    lab.still_answers("xio").await;
    lab.worker = Some(worker);
    lab.finish().await;
}

#[tokio::test]
async fn silent_consumers_that_stay_are_refused() {
    let quick = "[oslo_messaging_rabbit]\nheartbeat_timeout_threshold = 2\n[DEFAULT]";
    let mut lab = LabBuilder::new(Engine::Sqlite).option(quick).build().await;
    let stranger = Stranger::on(&lab).await;
    let mut worker = lab.spawn(&[]);
    assert_eq!(worker.ended().await.code(), Some(1));
    let log = worker.log();
    assert!(log.contains("without heartbeats"), "{log}");
    stranger.leaves().await;
    lab.finish_without_worker().await;
}

#[tokio::test]
async fn wait_for_stranger_waits_for_its_end() {
    let patient = LabBuilder::new(Engine::Sqlite).option("wait_for_stranger = true");
    let mut lab = patient.build().await;
    let stranger = Stranger::on(&lab).await.beating(&lab);
    let mut worker = lab.spawn(&[]);
    worker.says("somebody consumes our queues").await;
    let counted = "FROM services WHERE host = 'ctl1@xio' AND report_count > 5";
    lab.wait_count(counted, 1).await;
    assert!(worker.runs() && !worker.log().contains(" serving"));
    stranger.leaves().await;
    worker.says(" serving").await;
    lab.worker = Some(worker);
    lab.finish().await;
}
