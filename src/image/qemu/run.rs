//! One run of a program, from its start to its end or its stall.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::child;
use super::tail::Tail;
use super::watchdog::Watchdog;
use crate::image::error::ImageError;

/// The longest answer that is kept, bytes; one of `qemu-img info` is some hundred.
const ANSWER: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Run<'a> {
    what: &'a str,
    stall: Duration,
}

impl<'a> Run<'a> {
    pub(super) fn new(what: &'a str, stall: Duration) -> Self {
        Self { what, stall }
    }

    /// Runs it and returns what it answered; `said` sees each piece of that. Exit code 0 is
    /// success, whatever it wrote to the error output. Dropped, it kills the program.
    pub(super) async fn to_end(
        &self,
        command: Command,
        mut said: impl FnMut(&str),
    ) -> Result<Vec<u8>, ImageError> {
        let started = child::start(command).await;
        let mut child = started.map_err(ImageError::io(format!("starting {}", self.what)))?;
        let (mut answer, mut errors) = (Vec::new(), Tail::default());
        let status = self
            .follow(&mut child, &mut answer, &mut errors, &mut said)
            .await;
        match status {
            Ok(Some(status)) if status.success() => {
                let text = errors.text();
                if !text.is_empty() {
                    tracing::warn!(what = self.what, "done, but it said: {text}");
                }
                Ok(answer)
            }
            Ok(Some(status)) => Err(ImageError::Failed {
                what: self.what.to_owned(),
                status: child::described(status),
                stderr: errors.text(),
            }),
            Ok(None) => {
                child::stop(&mut child).await;
                Err(ImageError::Stalled {
                    what: self.what.to_owned(),
                    limit: self.stall,
                })
            }
            Err(source) => {
                child::stop(&mut child).await;
                Err(ImageError::io(format!("waiting for {}", self.what))(source))
            }
        }
    }

    /// Until it has ended (its status) or stalled (nothing).
    async fn follow(
        &self,
        child: &mut Child,
        answer: &mut Vec<u8>,
        errors: &mut Tail,
        said: &mut impl FnMut(&str),
    ) -> std::io::Result<Option<ExitStatus>> {
        let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
        let (mut out, mut err) = ([0; 4096], [0; 4096]);
        let mut watchdog = Watchdog::new(child.id(), self.stall);
        // both ends of its output come before its end, so that no word is lost
        while stdout.is_some() || stderr.is_some() {
            let look = watchdog.next_look(Instant::now());
            tokio::select! {
                read = next(&mut stdout, &mut out) => match read? {
                    0 => stdout = None,
                    length => {
                        watchdog.feed(Instant::now());
                        let piece = &out[..length];
                        said(&String::from_utf8_lossy(piece));
                        let room = ANSWER.saturating_sub(answer.len()).min(length);
                        answer.extend_from_slice(&piece[..room]);
                    }
                },
                read = next(&mut stderr, &mut err) => match read? {
                    0 => stderr = None,
                    length => errors.push(&err[..length]),
                },
                () = tokio::time::sleep_until(look) => if watchdog.look(Instant::now()) {
                    return Ok(None);
                },
            }
        }
        // What has closed its output is about to end.
        match tokio::time::timeout(self.stall, child.wait()).await {
            Ok(status) => status.map(Some),
            Err(_) => Ok(None),
        }
    }
}

/// Reads on, or waits for ever on what has ended.
async fn next(
    stream: &mut Option<impl AsyncRead + Unpin>,
    buffer: &mut [u8],
) -> std::io::Result<usize> {
    match stream {
        Some(stream) => stream.read(buffer).await,
        None => std::future::pending().await,
    }
}
