//! The bytes of a volume or file as a stream, for an upload.

use std::fmt;
use std::future::Future as _;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeekExt as _, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::error::ImageError;
use super::progress::{Progress, Step};
use super::work_dir::WorkFile;

/// A stream of a known number of bytes. One that ends early, or stands still for
/// `image_copy_stall_timeout`, gives an error.
pub struct Reading {
    file: File,
    length: u64,
    read: u64,
    stall: Duration,
    timer: Pin<Box<Sleep>>,
    /// Whether the timer runs.
    waits: bool,
    progress: Progress,
    /// The file that is read, if it is to go when it was.
    _work: Option<WorkFile>,
}

impl Reading {
    /// The bytes of a device or file, all of them.
    pub(super) async fn of(
        path: &Path,
        stall: Duration,
        progress: &Progress,
    ) -> Result<Self, ImageError> {
        let what = format!("reading {}", path.display());
        let opened = async {
            let file = File::open(path).await?;
            Self::all(file, stall, progress, None).await
        };
        match tokio::time::timeout(stall, opened).await {
            Ok(opened) => opened.map_err(ImageError::io(what)),
            Err(_) => Err(ImageError::Stalled { what, limit: stall }),
        }
    }

    /// The bytes of a work file, which goes with the stream.
    pub(super) async fn of_work(
        work: WorkFile,
        stall: Duration,
        progress: &Progress,
    ) -> Result<Self, ImageError> {
        let what = format!("reading {}", work.path().display());
        let file = work.reader().map_err(ImageError::io(what.clone()))?;
        let opened = Self::all(File::from_std(file), stall, progress, Some(work));
        opened.await.map_err(ImageError::io(what))
    }

    async fn all(
        mut file: File,
        stall: Duration,
        progress: &Progress,
        work: Option<WorkFile>,
    ) -> io::Result<Self> {
        // the size of a device is where its end is
        let length = file.seek(io::SeekFrom::End(0)).await?;
        file.rewind().await?;
        progress.begin(Step::Upload, length);
        Ok(Self {
            file,
            length,
            read: 0,
            stall,
            timer: Box::pin(tokio::time::sleep(stall)),
            waits: false,
            progress: progress.clone(),
            _work: work,
        })
    }

    /// How many bytes it gives in all.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl AsyncRead for Reading {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let left = usize::try_from(this.length - this.read).unwrap_or(usize::MAX);
        if left == 0 || buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.file).poll_read(cx, buf) {
            Poll::Ready(read) => read?,
            Poll::Pending => {
                // who takes the bytes may be slow; the time counts from when he waits
                if !this.waits {
                    this.timer.as_mut().reset(Instant::now() + this.stall);
                    this.waits = true;
                }
                ready!(this.timer.as_mut().poll(cx));
                let said = format!("no byte came for {} s", this.stall.as_secs_f64());
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, said)));
            }
        }
        this.waits = false;
        let length = (buf.filled().len() - before).min(left);
        // what was promised, even if the file grew
        buf.set_filled(before + length);
        if length == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        this.read += length as u64;
        this.progress.reach(this.read);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("file", &self.file)
            .field("length", &self.length)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::io::AsyncReadExt as _;

    use super::*;

    const STALL: Duration = Duration::from_secs(20);

    async fn read(before: u64, after: u64) -> (io::Result<usize>, Progress) {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(before).unwrap();
        let progress = Progress::new();
        let mut reading = Reading::of(file.path(), STALL, &progress).await.unwrap();
        assert_eq!(reading.length(), before);
        file.as_file().set_len(after).unwrap();
        let mut bytes = Vec::new();
        (reading.read_to_end(&mut bytes).await, progress)
    }

    #[tokio::test]
    async fn what_was_promised_is_given() {
        let (read, progress) = read(5_000_000, 6_000_000).await;
        assert_eq!(read.unwrap(), 5_000_000);
        let now = progress.now();
        assert_eq!((now.done, now.total), (5_000_000, 5_000_000));
    }

    #[tokio::test]
    async fn an_early_end_is_an_error() {
        let (read, _) = read(5_000_000, 4_000_000).await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
