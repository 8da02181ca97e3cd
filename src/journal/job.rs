//! One call on its way to the writer and back.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::JournalError;
use super::file::File;

/// What a job does to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Writes, and needs new room.
    Begin,
    /// Writes, in room that is there already.
    Change,
    /// Does not write.
    Read,
}

/// A queued call.
pub(super) type Job = Box<dyn Queued>;

/// What the writer does with a job, whatever its outcome's type.
pub(super) trait Queued: Send {
    fn kind(&self) -> Kind;
    /// Runs the statements and keeps the outcome; may be called again after a rollback.
    fn run(&mut self, file: &File);
    /// Replaces the outcome.
    fn fail(&mut self, error: JournalError);
    fn failure(&self) -> Option<&JournalError>;
    /// Hands the outcome to the waiter, if there still is one.
    fn answer(self: Box<Self>);
}

struct Call<T, F> {
    kind: Kind,
    statements: F,
    outcome: Result<T, JournalError>,
    waiter: oneshot::Sender<Result<T, JournalError>>,
}

/// A job that runs `statements`, and where its outcome arrives. `unrun` is the outcome of a job
/// that nobody ran.
pub(super) fn job<T, F>(
    kind: Kind,
    unrun: JournalError,
    statements: F,
) -> (Job, oneshot::Receiver<Result<T, JournalError>>)
where
    T: Send + 'static,
    F: Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
{
    let (waiter, outcome) = oneshot::channel();
    let call = Call {
        kind,
        statements,
        outcome: Err(unrun),
        waiter,
    };
    (Box::new(call), outcome)
}

impl<T: Send, F: Fn(&Connection) -> rusqlite::Result<T> + Send> Queued for Call<T, F> {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn run(&mut self, file: &File) {
        self.outcome = (self.statements)(&file.conn).map_err(|e| file.error(e));
    }

    fn fail(&mut self, error: JournalError) {
        self.outcome = Err(error);
    }

    fn failure(&self) -> Option<&JournalError> {
        self.outcome.as_ref().err()
    }

    fn answer(self: Box<Self>) {
        // a waiter that went away does not mind
        let _ = self.waiter.send(self.outcome);
    }
}
