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
        let what = || ImageError::io(format!("reading {}", path.display()));
        let file = File::open(path).await.map_err(what())?;
        Self::all(file, stall, progress, None).await.map_err(what())
    }

    /// The bytes of a work file, which goes with the stream.
    pub(super) async fn of_work(
        work: WorkFile,
        stall: Duration,
        progress: &Progress,
    ) -> Result<Self, ImageError> {
        let what = || ImageError::io(format!("reading {}", work.path().display()));
        let file = work.reader().map_err(what())?;
        let what = what();
        Self::all(File::from_std(file), stall, progress, Some(work))
            .await
            .map_err(what)
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
