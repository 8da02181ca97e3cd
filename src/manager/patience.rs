//! Waiting out an outage of database or array (decision 0004).

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tracing::warn;

use super::Run;
use super::error::CommandError;
use crate::backend::BackendError;
use crate::db::DbError;
use crate::report::CastError;
use crate::retry::Delays;
use crate::rpc::request::Request;

/// How long a cast waits for an array that cannot be reached.
const ARRAY_OUTAGE: Duration = Duration::from_secs(120);

/// How long a cast is offered to the broker before the next try.
const CAST_LIMIT: Duration = Duration::from_secs(30);

impl Run<'_> {
    /// A database step that is safe to repeat: casts wait until the database is back, calls
    /// for as long as their caller does.
    pub(super) async fn db<T, F>(&self, step: impl Fn() -> F) -> Result<T, CommandError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        self.patient(
            step,
            DbError::is_transient,
            self.origin.patience,
            "database",
        )
        .await
    }

    /// A step on the array that is safe to repeat.
    pub(super) async fn array<T, F>(&self, step: impl Fn() -> F) -> Result<T, CommandError>
    where
        F: Future<Output = Result<T, BackendError>>,
    {
        let limit = self.origin.patience.map_or(ARRAY_OUTAGE, |p| p / 3);
        let away = |error: &BackendError| matches!(error, BackendError::Unavailable { .. });
        self.patient(step, away, Some(limit), "array").await
    }

    /// Sends a cast that must arrive: repeated until the broker has it.
    pub(super) async fn cast(&self, request: &Request) -> Result<(), CommandError> {
        let send = || self.report.casts.send(request, CAST_LIMIT);
        self.patient(send, |_: &CastError| true, None, "RabbitMQ")
            .await
    }

    /// Whoever looks sees what is waited for, and how often it was tried again.
    async fn patient<T, E, F>(
        &self,
        step: impl Fn() -> F,
        is_outage: impl Fn(&E) -> bool,
        limit: Option<Duration>,
        what: &'static str,
    ) -> Result<T, CommandError>
    where
        F: Future<Output = Result<T, E>>,
        E: std::error::Error,
        CommandError: From<E>,
    {
        let seen = self.operation.within(what);
        let waiting = async {
            let called = self.origin.patience.map(|_| self.began);
            let retried = || seen.retried();
            Ok(wait_out(step, is_outage, limit, called, what, retried).await?)
        };
        tokio::select! {
            ended = waiting => ended,
            () = self.stop.cancelled() => Err(CommandError::Stopping),
        }
    }
}

/// Repeats a step until it ends otherwise than by an outage, or `limit` has passed: since
/// `called`, where a caller has waited from then on, else since the outage was met. What a cast
/// waited for before, its turn or the end of another outage, is no part of this one.
async fn wait_out<T, E, F>(
    step: impl Fn() -> F,
    is_outage: impl Fn(&E) -> bool,
    limit: Option<Duration>,
    called: Option<Instant>,
    what: &'static str,
    retried: impl Fn(),
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: std::error::Error,
{
    let mut delays = Delays::new(Duration::from_millis(200), Duration::from_secs(5));
    let since = called.unwrap_or_else(Instant::now);
    loop {
        match step().await {
            Err(error) if is_outage(&error) => {
                let pause = delays.next_delay();
                if limit.is_some_and(|limit| since.elapsed() + pause > limit) {
                    return Err(error);
                }
                warn!(%error, "waiting for the {what} to come back");
                sleep(pause).await;
                retried();
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::cell::Cell;
    use std::io::{Error, ErrorKind};

    use super::*;

    /// A step that meets an outage twice, and how often it was tried.
    async fn tried(called: Option<Instant>) -> (Result<(), Error>, u32) {
        let tries = Cell::new(0);
        let step = || async {
            tries.set(tries.get() + 1);
            match tries.get() {
                1 | 2 => Err(Error::from(ErrorKind::TimedOut)),
                _ => Ok(()),
            }
        };
        let outage = |error: &Error| error.kind() == ErrorKind::TimedOut;
        let limit = Some(Duration::from_secs(10));
        let retries = Cell::new(0);
        let retried = || retries.set(retries.get() + 1);
        let ended = wait_out(step, outage, limit, called, "array", retried).await;
        assert_eq!(retries.get() + 1, tries.get(), "each retry is told");
        (ended, tries.get())
    }

    #[tokio::test]
    async fn a_cast_waits_out_each_outage_and_a_call_only_until_its_caller_has_gone() {
        let long_ago = Instant::now() - Duration::from_secs(60);
        assert!(matches!(tried(None).await, (Ok(()), 3)));
        assert!(matches!(tried(Some(Instant::now())).await, (Ok(()), 3)));
        assert!(matches!(tried(Some(long_ago)).await, (Err(_), 1)));
    }

    #[tokio::test]
    async fn what_is_no_outage_is_final() {
        let step = || async { Err::<(), _>(Error::from(ErrorKind::NotFound)) };
        let ended = wait_out(step, |_| false, None, None, "array", || {}).await;
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::NotFound);
    }
}
