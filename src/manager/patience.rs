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
    pub(super) async fn cast(
        &self,
        request: &Request,
        limit: Duration,
    ) -> Result<(), CommandError> {
        let send = || self.report.casts.send(request, limit);
        self.patient(send, |_: &CastError| true, None, "RabbitMQ")
            .await
    }

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
        let mut delays = Delays::new(Duration::from_millis(200), Duration::from_secs(5));
        let mut outage = None;
        loop {
            let tried = Instant::now();
            let result = tokio::select! {
                result = step() => result,
                () = self.stop.cancelled() => return Err(CommandError::Stopping),
            };
            match result {
                Err(error) if is_outage(&error) => {
                    let pause = delays.next_delay();
                    // A caller counts from its call. A cast has no caller: what it waited for
                    // before, an execution slot's turn or another outage, is no part of this one.
                    let since = match self.origin.patience {
                        Some(_) => self.began,
                        None => *outage.get_or_insert(tried),
                    };
                    if limit.is_some_and(|limit| since.elapsed() + pause > limit) {
                        return Err(error.into());
                    }
                    warn!(%error, "waiting for the {what} to come back");
                    tokio::select! {
                        () = sleep(pause) => {}
                        () = self.stop.cancelled() => return Err(CommandError::Stopping),
                    }
                }
                other => return Ok(other?),
            }
        }
    }
}
