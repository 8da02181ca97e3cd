//! Carries calls out: repeats them as their kind allows, and reads the replies.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Xms;
use super::client::Transport;
use super::error::XmsError;
use super::request::{Request, RetryClass};
use crate::retry::Delays;

/// How often calls are repeated, and after which pauses (jittered).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries while the array says `system_is_busy`; at least one is made.
    pub busy_tries: u32,
    /// Pause between them.
    pub busy_interval: Duration,
    /// Tries while the XMS cannot be reached or does not answer; at least one is made.
    pub unanswered_tries: u32,
    /// First pause between them; it doubles.
    pub unanswered_pause: Duration,
    /// Longest pause between them.
    pub unanswered_longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            busy_tries: 5,
            busy_interval: Duration::from_secs(5),
            unanswered_tries: 4,
            unanswered_pause: Duration::from_millis(500),
            unanswered_longest_pause: Duration::from_secs(5),
        }
    }
}

/// How an object came to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created<T> {
    /// This call created it.
    New,
    /// It was there: from an earlier try, or from someone else. Whether it is what was asked
    /// for is for the caller to judge.
    Found(T),
}

/// The tries of one call.
struct Tries<'a> {
    policy: &'a RetryPolicy,
    busy: u32,
    unanswered: u32,
    busy_pauses: Delays,
    unanswered_pauses: Delays,
}

impl<'a> Tries<'a> {
    fn of(policy: &'a RetryPolicy) -> Self {
        Self {
            policy,
            busy: 0,
            unanswered: 0,
            busy_pauses: Delays::constant(policy.busy_interval),
            unanswered_pauses: Delays::new(
                policy.unanswered_pause,
                policy.unanswered_longest_pause,
            ),
        }
    }

    /// Waits before the next try; fails with the error when no further try is due.
    async fn wait_after(&mut self, error: XmsError) -> Result<(), XmsError> {
        let pause = match &error {
            XmsError::Busy { call, .. } => {
                self.busy += 1;
                if self.busy >= self.policy.busy_tries {
                    return Err(XmsError::Busy {
                        call: call.clone(),
                        tries: self.busy,
                    });
                }
                self.busy_pauses.next_delay()
            }
            _ => {
                self.unanswered += 1;
                if self.unanswered >= self.policy.unanswered_tries {
                    return Err(error);
                }
                self.unanswered_pauses.next_delay()
            }
        };
        tracing::warn!(
            error = %error,
            pause_ms = pause.as_millis() as u64,
            "XMS call will be repeated"
        );
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

impl Transport {
    /// A `GET`: repeated freely within bounds, also when the reply is no JSON, as the pages of
    /// proxies before a restarting XMS are.
    pub(super) async fn read<T: DeserializeOwned>(&self, request: &Request) -> Result<T, XmsError> {
        debug_assert_eq!(request.class(), RetryClass::Read);
        let mut tries = Tries::of(&self.retry);
        loop {
            let reply = self.once(request).await.and_then(|body| {
                serde_json::from_slice::<Value>(&body).map_err(|error| XmsError::Protocol {
                    call: request.to_string(),
                    reason: format!("body of {} bytes: {error}", body.len()),
                })
            });
            match reply {
                Ok(value) => return decode(request, value),
                Err(error)
                    if error.is_transient() || matches!(error, XmsError::Protocol { .. }) =>
                {
                    tries.wait_after(error).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A `PUT` or `DELETE` of a named object: repeated within bounds. A `DELETE` that finds
    /// nothing after a try without an answer has done its work.
    pub(super) async fn change(&self, request: &Request) -> Result<(), XmsError> {
        debug_assert_eq!(request.class(), RetryClass::ByName);
        let mut tries = Tries::of(&self.retry);
        let mut perhaps_applied = false;
        loop {
            match self.once(request).await {
                // Replies to changes need not have a readable body.
                Ok(_) => return Ok(()),
                Err(XmsError::NotFound { .. })
                    if perhaps_applied && request.method() == reqwest::Method::DELETE =>
                {
                    return Ok(());
                }
                Err(error) if error.is_transient() => {
                    perhaps_applied |= error.is_unanswered();
                    tries.wait_after(error).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A `POST`: never repeated before `look_up` (a `GET` of what it creates) has shown that it
    /// was not applied. `counts` tells whether what was found is the object meant.
    pub(super) async fn create<T: DeserializeOwned>(
        &self,
        request: &Request,
        look_up: &Request,
        counts: impl Fn(&T) -> bool,
    ) -> Result<Created<T>, XmsError> {
        debug_assert_eq!(request.class(), RetryClass::Create);
        let mut tries = Tries::of(&self.retry);
        loop {
            let error = match self.once(request).await {
                // What it says is known already; that it says 2xx is all that counts.
                Ok(_) => return Ok(Created::New),
                Err(error) => error,
            };
            let (last, look) = match &error {
                XmsError::AlreadyExists { .. } => (Some(error), true),
                _ if error.is_transient() => {
                    let perhaps_applied = error.is_unanswered();
                    (tries.wait_after(error).await.err(), perhaps_applied)
                }
                _ => return Err(error),
            };
            if look {
                match self.read::<T>(look_up).await {
                    Ok(found) if counts(&found) => return Ok(Created::Found(found)),
                    Ok(_) | Err(XmsError::NotFound { .. }) => {}
                    // Not knowing is no ground for a second `POST`, nor for calling it a conflict.
                    Err(error) => return Err(error),
                }
            }
            if let Some(error) = last {
                return Err(error);
            }
        }
    }
}

/// Calls of the resources: as those of the transport, with an eye on the session.
impl Xms {
    pub(super) async fn read<T: DeserializeOwned>(&self, request: &Request) -> Result<T, XmsError> {
        self.watched(self.transport.read(request).await)
    }

    pub(super) async fn change(&self, request: &Request) -> Result<(), XmsError> {
        self.watched(self.transport.change(request).await)
    }

    pub(super) async fn create<T: DeserializeOwned>(
        &self,
        request: &Request,
        look_up: &Request,
        counts: impl Fn(&T) -> bool,
    ) -> Result<Created<T>, XmsError> {
        self.watched(self.transport.create(request, look_up, counts).await)
    }
}

fn decode<T: DeserializeOwned>(request: &Request, value: Value) -> Result<T, XmsError> {
    serde_path_to_error::deserialize(value).map_err(|error| XmsError::Protocol {
        call: request.to_string(),
        reason: format!("{}: {}", error.path(), error.inner()),
    })
}
