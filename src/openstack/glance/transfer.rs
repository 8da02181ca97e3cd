//! Bytes from and to Glance, in memory never more than a few pieces of them.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Method, StatusCode};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeekExt as _, AsyncWriteExt as _, BufWriter};
use tokio_util::io::ReaderStream;

use super::sums::Sum;
use super::{Caller, Glance, GlanceError, Image, path_of};
use crate::openstack::keystone::chain;

const DOWNLOAD: &str = "GET image file";
const UPLOAD: &str = "PUT image file";
/// Bytes that are written to the file, or read for the wire, at once.
const PIECE: usize = 1 << 20;
/// How long Glance may take to store what it has: the answer comes after that.
const STORED: Duration = Duration::from_secs(3600);

/// An image that is to get its bytes.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Id of the image.
    pub image_id: String,
    /// Store that is to hold it, `x-image-meta-store`; Glance's default without.
    pub store_id: Option<String>,
    /// Image that the volume came from, `x-openstack-base-image-ref`.
    pub base_image_ref: Option<String>,
}

impl Glance {
    /// The image's file into `file`, from its start; `reached` is told how many bytes are there.
    /// Size and check sum are those that Glance lists. What breaks off is begun anew.
    ///
    /// # Errors
    /// [`GlanceError::Damaged`] when the bytes are others; [`GlanceError::Write`]; those of
    /// [`Glance::show`].
    pub async fn download(
        &self,
        caller: &Caller,
        image: &Image,
        file: &mut File,
        reached: impl Fn(u64),
    ) -> Result<(), GlanceError> {
        let file = &tokio::sync::Mutex::new(file);
        let path = &format!("{}/file", path_of(&image.id)?);
        let reached = &reached;
        self.retried(caller, |server| async move {
            let mut file = file.lock().await;
            let url = format!("{server}{path}");
            self.download_once(caller, image, &url, &mut file, reached)
                .await
        })
        .await
    }

    async fn download_once(
        &self,
        caller: &Caller,
        image: &Image,
        url: &str,
        file: &mut File,
        reached: &impl Fn(u64),
    ) -> Result<(), GlanceError> {
        let write = |source| GlanceError::Write {
            image_id: image.id.clone(),
            source,
        };
        file.rewind().await.map_err(write)?;
        file.set_len(0).await.map_err(write)?;
        let request = self.request(caller, Method::GET, url).await?;
        let still = || GlanceError::ConnectionFailed {
            call: DOWNLOAD,
            reason: format!("no byte for {} s", self.idle().as_secs()),
        };
        let sent = tokio::time::timeout(self.idle(), self.send(DOWNLOAD, &image.id, request));
        let response = sent.await.map_err(|_| still())??;
        if response.status() == StatusCode::NO_CONTENT {
            return Err(GlanceError::Damaged {
                image_id: image.id.clone(),
                reason: "glance has no bytes of it".to_owned(),
            });
        }
        let mut pieces = response.bytes_stream();
        let mut sum = Sum::of(image);
        let mut into = BufWriter::with_capacity(PIECE, file);
        let mut size = 0;
        loop {
            let piece = tokio::time::timeout(self.idle(), pieces.next());
            let Some(piece) = piece.await.map_err(|_| still())? else {
                break;
            };
            let piece = piece.map_err(|error| GlanceError::ConnectionFailed {
                call: DOWNLOAD,
                reason: chain(&error.without_url()),
            })?;
            if let Some(sum) = &mut sum {
                sum.add(&piece);
            }
            size += piece.len() as u64;
            if image.size.is_some_and(|listed| size > listed) {
                break;
            }
            into.write_all(&piece).await.map_err(write)?;
            reached(size);
        }
        into.flush().await.map_err(write)?;
        let fault = match image.size {
            Some(listed) if listed != size => Some(format!("it has {size} bytes, not {listed}")),
            _ => sum.and_then(Sum::fault),
        };
        match fault {
            None => Ok(()),
            Some(reason) => Err(GlanceError::Damaged {
                image_id: image.id.clone(),
                reason,
            }),
        }
    }

    /// The bytes of an image that has none yet, `length` of them. They can be read once: only a
    /// server that took none of them is followed by another.
    ///
    /// # Errors
    /// [`GlanceError::Read`] when `bytes` fail or end early; those of [`Glance::show`].
    pub async fn upload(
        &self,
        caller: &Caller,
        upload: &Upload,
        bytes: impl AsyncRead + Send + 'static,
        length: u64,
    ) -> Result<(), GlanceError> {
        let image_id = &upload.image_id;
        let path = &path_of(image_id)?;
        // Whoever answers this takes the bytes as well.
        let server = self
            .retried(caller, |server| async move {
                let request = self
                    .request(caller, Method::GET, &format!("{server}{path}"))
                    .await?
                    .timeout(self.idle());
                self.send("GET image", image_id, request).await?;
                Ok(server)
            })
            .await?;
        let watched = Watched::new(bytes, length);
        let (read, failed) = (watched.read.clone(), watched.failed.clone());
        let mut request = self
            .request(caller, Method::PUT, &format!("{server}{path}/file"))
            .await?
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, length);
        let headers = [
            ("x-image-meta-store", &upload.store_id),
            ("x-openstack-base-image-ref", &upload.base_image_ref),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let stream = ReaderStream::with_capacity(Box::pin(watched), PIECE);
        let sent = self.send(UPLOAD, image_id, request.body(Body::wrap_stream(stream)));
        let sent = tokio::select! {
            sent = sent => sent,
            reason = stalled(&read, length, self.idle()) => {
                Err(GlanceError::ConnectionFailed { call: UPLOAD, reason })
            }
        };
        let source = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (sent, source) {
            (Err(_), Some(source)) => Err(GlanceError::Read {
                image_id: image_id.clone(),
                source,
            }),
            (sent, _) => sent.map(|_| ()),
        }
    }
}

/// Ends, with the reason, when Glance takes nothing for `idle`, or does not answer for long after
/// the last byte.
async fn stalled(read: &AtomicU64, length: u64, idle: Duration) -> String {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        tokio::time::sleep(idle / 10).await;
        let now = read.load(Ordering::Relaxed);
        if now != last {
            (last, since) = (now, Instant::now());
        } else if now < length && since.elapsed() >= idle {
            return format!("no byte was taken for {} s", idle.as_secs());
        } else if since.elapsed() >= STORED {
            return format!("no answer for {} s after the last byte", STORED.as_secs());
        }
    }
}

/// Counts what is read, and keeps an error for whoever asks what went wrong.
struct Watched<R> {
    bytes: std::pin::Pin<Box<R>>,
    /// How many there should be.
    length: u64,
    read: Arc<AtomicU64>,
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl<R> Watched<R> {
    fn new(bytes: R, length: u64) -> Self {
        Self {
            bytes: Box::pin(bytes),
            length,
            read: Arc::default(),
            failed: Arc::default(),
        }
    }
}

impl<R: AsyncRead> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        let (before, room) = (buf.filled().len(), buf.remaining());
        let polled = self.bytes.as_mut().poll_read(cx, buf);
        let more = (buf.filled().len() - before) as u64;
        let read = self.read.fetch_add(more, Ordering::Relaxed) + more;
        let error = match polled {
            std::task::Poll::Ready(Err(error)) => error,
            std::task::Poll::Ready(Ok(())) if more == 0 && room > 0 && read < self.length => {
                let short = format!("they end after {read} of {} bytes", self.length);
                io::Error::new(io::ErrorKind::UnexpectedEof, short)
            }
            polled => return polled,
        };
        let kind = error.kind();
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        std::task::Poll::Ready(Err(kind.into()))
    }
}
