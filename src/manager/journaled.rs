//! A command between its intent and its finish record.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;
use serde_json::Value;
use tracing::{error, info, warn};

use super::error::CommandError;
use super::redelivery::{self, Otherwise};
use super::refusal;
use super::sharing::BegunMapping;
use super::{Manager, Origin, Run, intent};
use crate::journal::{Begun, Health, JournalError};
use crate::kill::{self, Point};
use crate::report::{Beginning, Outcome};
use crate::retry::Delays;
use crate::rpc::{Command, Failure, RequestContext};

/// Starts without an end after which a command is ended instead of started again.
pub(super) const MOST_STARTS: u32 = 3;

/// What became of a command that was given to [`Manager::run`].
#[derive(Debug)]
pub enum Ended {
    /// It has ended for good: reply with this, and acknowledge.
    Outcome(Result<Value, Failure>),
    /// The stop cut it off: whoever gets the message next goes on.
    CutOff,
    /// The journal does not take its intent: nothing was started.
    NotStarted(Box<Command>),
}

impl Manager {
    /// Runs a command to its end, between an intent and a finish record in the journal.
    pub async fn run(&self, command: Command, context: RequestContext, origin: &Origin) -> Ended {
        let rule = redelivery::of(command.method());
        let operation = self.report.operations.begin(Beginning {
            host: &self.options.host,
            method: command.method(),
            resource: command
                .resources()
                .into_iter()
                .find_map(intent::resource_key),
            request_id: &context.request_id,
        });
        let mut run = Run {
            manager: self,
            context: &context,
            origin,
            rule,
            starts: 1,
            began: Instant::now(),
            operation,
        };
        if !rule.is_journaled() {
            run.operation.started(1);
            run.operation.step("asks");
            let outcome = run.guarded(command).await;
            run.operation.ends(outcome_of(&outcome));
            return match outcome {
                Err(CommandError::Stopping) => Ended::CutOff,
                outcome => Ended::Outcome(outcome.map_err(|e| Failure::from(&e))),
            };
        }
        run.operation.step("journal");
        kill::pass(Point::Received);
        let intent = intent::of(&command, &self.options.host, &origin.unique_id, &context);
        let outcome = match self.journal.begin(&intent).await {
            Ok(Begun::Started { starts }) => {
                kill::pass(Point::IntentWritten);
                run.starts = starts;
                run.operation.started(starts);
                run.operation.step("works");
                run.started(command).await
            }
            Ok(Begun::Finished(finish)) => {
                info!(ended = ?finish.at, "repeat of a command that has ended: nothing is changed");
                run.operation.started(1);
                run.operation.step("answers again");
                let outcome = run.answer_again(command).await;
                run.operation.ends(match outcome_of(&outcome) {
                    Outcome::HandedBack => Outcome::HandedBack,
                    _ => Outcome::Repeated,
                });
                return match outcome {
                    Err(CommandError::Stopping) => Ended::CutOff,
                    outcome => Ended::Outcome(outcome.map_err(|e| Failure::from(&e))),
                };
            }
            Err(error) => {
                warn!(%error, "the journal takes no intent: the command is not started");
                return Ended::NotStarted(Box::new(command));
            }
        };
        run.operation.step("journal");
        if matches!(outcome, Err(CommandError::Stopping)) {
            // An orderly end is none of the starts that count against it.
            if let Err(error) = self
                .journal
                .hand_back(&intent.host, &intent.unique_id)
                .await
            {
                warn!(%error, "the journal counts this start as one without an end");
            }
            return Ended::CutOff;
        }
        kill::pass(Point::CommandEnded);
        if !self.write_finish(&intent.host, &intent.unique_id).await {
            return Ended::CutOff;
        }
        kill::pass(Point::FinishWritten);
        run.operation.ends(outcome_of(&outcome));
        Ended::Outcome(outcome.map_err(|error| Failure::from(&error)))
    }

    /// Waits until the journal can be written, as far as this command needs it; false when the
    /// stop came first.
    pub async fn admits(&self, command: &Command) -> bool {
        if !redelivery::of(command.method()).is_journaled() {
            return true;
        }
        let mut health = self.journal.health();
        tokio::select! {
            well = health.wait_for(|health| *health == Health::Well) => well.is_ok(),
            () = self.stop.cancelled() => false,
        }
    }

    /// The end stands in the rows: the journal is waited for until it can say so too. False when
    /// the stop came first; then the repeat finds the rows.
    pub(super) async fn write_finish(&self, host: &str, unique_id: &str) -> bool {
        let mut delays = Delays::new(Duration::from_millis(200), Duration::from_secs(5));
        loop {
            match self.journal.finish(host, unique_id).await {
                Ok(()) => return true,
                Err(JournalError::Closed { .. }) => return false,
                Err(error) => warn!(%error, "waiting for the journal to take a finish record"),
            }
            tokio::select! {
                () = tokio::time::sleep(delays.next_delay()) => {}
                () = self.stop.cancelled() => return false,
            }
        }
    }
}

/// For the figures.
fn outcome_of(outcome: &Result<Value, CommandError>) -> Outcome {
    match outcome {
        Ok(_) => Outcome::Ok,
        Err(CommandError::Stopping) => Outcome::HandedBack,
        Err(CommandError::Unsupported { .. } | CommandError::Poisoned { .. }) => Outcome::Refused,
        Err(_) => Outcome::Failed,
    }
}

impl Run<'_> {
    /// The command, unless its starts without an end are too many.
    async fn started(&self, command: Command) -> Result<Value, CommandError> {
        if self.starts <= MOST_STARTS {
            return self.guarded(command).await;
        }
        let starts = self.starts - 1;
        error!(
            starts,
            "the command never comes to an end: it is ended visibly"
        );
        // If this is what kills it, it is not tried again.
        if self.starts == MOST_STARTS + 1
            && let Some(begun) = BegunMapping::of(&command)
        {
            self.give_up_mapping(&begun).await;
        }
        let error = CommandError::Poisoned { starts };
        self.end_visibly(&refusal::of(&command), &error).await?;
        Err(error)
    }

    /// The reply of a command whose finish record is there: read anew, no row changes.
    async fn answer_again(&self, command: Command) -> Result<Value, CommandError> {
        if self.rule.otherwise == Otherwise::Acknowledge {
            return Ok(Value::Null);
        }
        match command {
            Command::AttachmentUpdate(args) => self.attachment_update_again(*args).await,
            Command::InitializeConnection(args) => self.initialize_connection_again(*args).await,
            Command::AttachVolume(args) => self.attach_volume_again(*args).await,
            Command::GetBackupDevice(args) => self.get_backup_device_again(*args).await,
            // They were refused, and are again.
            other => Err(CommandError::Unsupported {
                what: refusal::of(&other).what,
            }),
        }
    }

    /// The command; what nobody foresaw ends its rows as a refusal would.
    async fn guarded(&self, command: Command) -> Result<Value, CommandError> {
        let ending = refusal::of(&command);
        let begun = BegunMapping::of(&command);
        match AssertUnwindSafe(self.dispatch(command))
            .catch_unwind()
            .await
        {
            Ok(outcome) => outcome,
            Err(_) => {
                error!("the command panicked; this is a defect, please report it");
                if let Some(begun) = begun {
                    self.give_up_mapping(&begun).await;
                }
                self.end_visibly(&ending, &CommandError::Defect).await?;
                Err(CommandError::Defect)
            }
        }
    }
}
