//! Copies between images and volumes: what the commands of the manager are given.

use std::io;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::check::{self, ImageFacts};
use super::error::{ImageError, blocking, blocking_within};
use super::gzip;
use super::path::Place;
use super::progress::{Progress, Step};
use super::qemu::{NewImage, Qemu, Source, Target};
use super::reading::Reading;
use super::work_dir::{Purpose, WorkDir, WorkFile};
use crate::config::{BackendOptions, ImageOptions};

const GIB: u64 = 1 << 30;
/// Bytes of a volume that tell whether an image was written into it.
const HEAD: u64 = 8 << 20;

/// Copies images and volumes for one backend.
#[derive(Debug, Clone)]
pub struct Copier {
    qemu: Qemu,
    work: WorkDir,
    options: ImageOptions,
    stall: Duration,
}

/// An image that was looked at and taken. The file goes on drop.
#[derive(Debug)]
pub struct Prepared {
    file: WorkFile,
    /// Name of qemu's driver for it.
    pub format: &'static str,
    /// Size of the disk in it, bytes.
    pub virtual_size: u64,
}

impl Copier {
    /// With the options of the service and of this backend.
    pub fn new(options: &ImageOptions, backend: &BackendOptions) -> Self {
        let work = WorkDir::new(&options.conversion_dir, &backend.host);
        let stall = backend.image_copy_stall_timeout;
        let limit = backend.volume_copy_bps_limit;
        Self {
            qemu: Qemu::new(options, work.clone(), limit, stall),
            work,
            options: options.clone(),
            stall,
        }
    }

    /// The work directory: at start its left-overs are removed.
    pub fn work(&self) -> &WorkDir {
        &self.work
    }

    /// The converter, for `doctor`.
    pub fn qemu(&self) -> &Qemu {
        &self.qemu
    }

    /// Refuses what can be refused before a byte of the image was read, and otherwise gives the
    /// file that it is to be downloaded to. `volume_size` is in GiB.
    ///
    /// # Errors
    /// [`ImageError::Unacceptable`], [`ImageError::ConversionNotAllowed`],
    /// [`ImageError::TooBig`], or a fault of this host.
    pub async fn admit(
        &self,
        image: &ImageFacts,
        volume_size: u64,
    ) -> Result<WorkFile, ImageError> {
        check::before_download(image, volume_size, &self.options)?;
        self.work
            .create(Purpose::Fetch, &image.id, image.size)
            .await
    }

    /// Looks at a downloaded image, unpacked first if its container is `compressed`, and takes or
    /// refuses it. `volume_size` is in GiB. From here to its conversion nobody can put another
    /// file in the place of this one: it is not opened by its name again.
    ///
    /// # Errors
    /// [`ImageError::Unacceptable`], [`ImageError::TooBig`], or as of `qemu-img info`.
    pub async fn prepare(
        &self,
        file: WorkFile,
        image: &ImageFacts,
        volume_size: u64,
        progress: &Progress,
    ) -> Result<Prepared, ImageError> {
        check::before_download(image, volume_size, &self.options)?;
        progress.begin(Step::Check, image.size);
        let file = if image.is_compressed() {
            self.unpack(file, image, volume_size).await?
        } else {
            file
        };
        let reader = file.reader().map_err(ImageError::io("reading an image"))?;
        let id = image.id.clone();
        let found = blocking("inspecting an image", move || check::safe(&id, reader)).await?;
        let format = found.format.qemu_driver();
        let info = self.qemu.info(&file, format).await?;
        check::downloaded(
            image,
            found,
            &info,
            volume_size,
            &self.options.vmdk_allowed_types,
        )?;
        Ok(Prepared {
            file,
            format,
            virtual_size: info.virtual_size,
        })
    }

    async fn unpack(
        &self,
        packed: WorkFile,
        image: &ImageFacts,
        volume_size: u64,
    ) -> Result<WorkFile, ImageError> {
        let unpacked = self
            .work
            .create(Purpose::Fetch, &image.id, image.size)
            .await?;
        // What unpacks to more than any image of a disk that fits is none of them.
        let limit = volume_size
            .saturating_mul(GIB + GIB / 8)
            .saturating_add(GIB);
        let what = format!("unpacking image {}", image.id);
        let from = packed.reader().map_err(ImageError::io(what.clone()))?;
        let to = unpacked.hand_over().map_err(ImageError::io(what.clone()))?;
        let done = self.packing(&what, image, move |stop| {
            if gzip::is_gzip(&from)? {
                let size = gzip::unpack(&from, &to, limit, stop)?;
                return Ok(size
                    .is_none()
                    .then_some("it unpacks to more than the volume can hold"));
            }
            Ok(Some(
                "Unsupported compressed image format found. Only gzip is supported currently",
            ))
        });
        match done.await? {
            Some(reason) => Err(ImageError::unacceptable(&image.id, reason)),
            None => Ok(unpacked),
        }
    }

    /// Packs or unpacks, and stops when nobody waits for it any more.
    async fn packing<T: Send + 'static>(
        &self,
        what: &str,
        image: &ImageFacts,
        work: impl FnOnce(&CancellationToken) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ImageError> {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let _stop_with_us = stop.drop_guard();
        let (id, dir) = (image.id.clone(), self.work.path().to_owned());
        let failed = ImageError::io(what.to_owned());
        blocking(what, move || {
            work(&stopped).map_err(|error| match error.kind() {
                io::ErrorKind::StorageFull => no_room(&id, &dir),
                io::ErrorKind::InvalidInput
                | io::ErrorKind::InvalidData
                | io::ErrorKind::UnexpectedEof => {
                    ImageError::unacceptable(&id, "its compressed data are damaged")
                }
                _ => failed(error),
            })
        })
        .await
    }

    /// Image to volume. Zeros become unmapped blocks where the target can do that; with `sparse`
    /// off they are written as data, as Cinder wants it of a volume that gets another image.
    ///
    /// # Errors
    /// [`ImageError::Stalled`], [`ImageError::Failed`], or a fault of this host. The volume is not
    /// usable then.
    pub async fn write(
        &self,
        from: &Prepared,
        to: &Place,
        sparse: bool,
        progress: &Progress,
    ) -> Result<(), ImageError> {
        let source = Source::Image(&from.file, from.format);
        let target = Target::Volume(to, sparse);
        self.qemu
            .convert(source, target, from.virtual_size, progress)
            .await
    }

    /// Volume to volume, the whole of it: `size` bytes. The target is as large at least.
    ///
    /// # Errors
    /// As [`Copier::write`].
    pub async fn copy(
        &self,
        from: &Place,
        to: &Place,
        size: u64,
        sparse: bool,
        progress: &Progress,
    ) -> Result<(), ImageError> {
        let target = Target::Volume(to, sparse);
        self.qemu
            .convert(Source::Volume(from), target, size, progress)
            .await
    }

    /// Volume of `size` bytes to an image of the wanted disk and container format, as a stream.
    /// Raw bytes of a file or device of the kernel are read in place; all else goes through a
    /// work file, which goes with the stream.
    ///
    /// # Errors
    /// [`ImageError::Unacceptable`], [`ImageError::ConversionNotAllowed`],
    /// [`ImageError::TooBig`], [`ImageError::Stalled`], [`ImageError::Failed`], or a fault of
    /// this host.
    pub async fn read(
        &self,
        from: &Place,
        image: &ImageFacts,
        size: u64,
        progress: &Progress,
    ) -> Result<Reading, ImageError> {
        check::before_upload(image, &self.options)?;
        let plain = image.disk_format == "raw" && !image.is_compressed();
        match from {
            Place::File(path) | Place::Device(path) if plain => {
                return Reading::of(path, self.stall, progress).await;
            }
            _ => {}
        }
        let file = if plain {
            self.convert(from, image, size, progress).await?
        } else {
            self.look_at(from, image, size, progress).await?;
            self.made(from, image, size, progress).await?
        };
        Reading::of_work(file, self.stall, progress).await
    }

    /// Volume to a work file in the wanted format.
    async fn convert(
        &self,
        from: &Place,
        image: &ImageFacts,
        size: u64,
        progress: &Progress,
    ) -> Result<WorkFile, ImageError> {
        let file = self.work.create(Purpose::Upload, &image.id, 0).await?;
        let driver = check::driver_of(&image.disk_format);
        let new = NewImage {
            // a VHD is otherwise rounded up, and does not fit a volume of the same size again
            options: (driver == "vpc").then_some("force_size=on"),
            compressed: driver == "qcow2" && self.options.compress_on_upload,
        };
        let target = Target::Image(&file, driver, new);
        let source = Source::Volume(from);
        match self.qemu.convert(source, target, size, progress).await {
            Err(ImageError::Failed { stderr, .. }) if stderr.contains("No space left") => {
                Err(no_room(&image.id, self.work.path()))
            }
            done => done.map(|()| file),
        }
    }

    /// Refuses a volume whose bytes look like an image that leads elsewhere: a tenant may have
    /// written that, and what is made of it would be such an image.
    async fn look_at(
        &self,
        from: &Place,
        image: &ImageFacts,
        size: u64,
        progress: &Progress,
    ) -> Result<(), ImageError> {
        let what = "looking at a volume";
        let id = image.id.clone();
        let (head, _work) = match from {
            Place::File(path) | Place::Device(path) => {
                let path = path.clone();
                let open = move || std::fs::File::open(&path).map_err(ImageError::io(what));
                (blocking_within(self.stall, what, open).await?, None)
            }
            Place::Iscsi(_) => {
                let head = HEAD.min(size);
                let work = self.work.create(Purpose::Look, &id, head).await?;
                let target = Target::Image(&work, "raw", NewImage::default());
                let source = Source::Head(from, head);
                self.qemu.convert(source, target, head, progress).await?;
                let file = work.hand_over().map_err(ImageError::io(what))?;
                // the rest of the volume, as a hole
                file.set_len(size).map_err(ImageError::io(what))?;
                (file, Some(work))
            }
        };
        blocking_within(self.stall, what, move || check::volume_content(&id, head)).await
    }

    /// The image that is to be uploaded, checked once more: converted, and packed if its
    /// container is to be `compressed`.
    async fn made(
        &self,
        from: &Place,
        image: &ImageFacts,
        size: u64,
        progress: &Progress,
    ) -> Result<WorkFile, ImageError> {
        let file = self.convert(from, image, size, progress).await?;
        let driver = check::driver_of(&image.disk_format);
        if driver != "raw" {
            let info = self.qemu.info(&file, driver).await?;
            let reader = file.reader().map_err(ImageError::io("reading an image"))?;
            let image = image.clone();
            blocking("inspecting an image", move || {
                let found = check::safe(&image.id, reader)?;
                check::converted(&image, &info, found.format.qemu_driver())
            })
            .await?;
        }
        if !image.is_compressed() {
            return Ok(file);
        }
        let packed = self.work.create(Purpose::Upload, &image.id, 0).await?;
        let what = format!("packing image {}", image.id);
        let from = file.reader().map_err(ImageError::io(what.clone()))?;
        let to = packed.hand_over().map_err(ImageError::io(what.clone()))?;
        self.packing(&what, image, move |stop| gzip::pack(&from, &to, stop))
            .await?;
        Ok(packed)
    }
}

fn no_room(image_id: &str, dir: &std::path::Path) -> ImageError {
    ImageError::TooBig {
        image_id: image_id.to_owned(),
        reason: format!(
            "Insufficient free space on {} for image conversion.",
            dir.display()
        ),
    }
}
