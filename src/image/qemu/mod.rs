//! qemu-img: the only program that is let near image files, and only after they were inspected.
//!
//! It is given argument vectors, never a shell line; it is always told the format and never
//! guesses it; secrets are in no argument; and it does not outlive who waits for it.

mod child;
mod info;
mod node;
mod run;
mod tail;
mod watchdog;

use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use nix::fcntl::OFlag;
use secrecy::ExposeSecret as _;
use tokio::process::Command;

pub use info::{Info, Specific};
use node::{INPUT, Node, doubled};
use run::Run;

use super::error::{ImageError, blocking_within};
use super::path::Place;
use super::progress::{Progress, Step};
use super::work_dir::{Purpose, WorkDir, WorkFile};
use crate::config::ImageOptions;

/// Requests in flight at once. With writes in any order this all but doubles the throughput of a
/// LUN.
const REQUESTS: &str = "16";

/// How qemu-img is run.
#[derive(Debug, Clone)]
pub struct Qemu {
    work: WorkDir,
    /// Limits of `info`, as options of `prlimit`.
    limits: Vec<String>,
    /// Bytes a second of one copy.
    bps_limit: Option<u64>,
    /// A copy that moves nothing for so long is killed.
    stall: Duration,
}

/// Where a conversion reads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    /// An image file, in the format that qemu calls so.
    Image(&'a WorkFile, &'a str),
    /// A volume, raw.
    Volume(&'a Place),
    /// The first bytes of a volume, raw.
    Head(&'a Place, u64),
}

/// Where a conversion writes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'a> {
    /// A volume, which exists and is as large at least. Zeros are not written as data if `sparse`.
    Volume(&'a Place, bool),
    /// A new image in that format, with the options of its creation.
    Image(&'a WorkFile, &'a str, NewImage),
}

/// How a new image is made.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NewImage {
    /// `-o`, if anything.
    pub(super) options: Option<&'static str>,
    /// `-c`
    pub(super) compressed: bool,
}

impl Qemu {
    /// Secrets lie in `work` for the moment in which they are read. `bps_limit` is of one copy, 0
    /// is none; a copy that moves nothing for `stall` is killed.
    pub fn new(options: &ImageOptions, work: WorkDir, bps_limit: u64, stall: Duration) -> Self {
        let mut limits = Vec::new();
        let cpu = options.introspection_cpu_limit.as_secs();
        if cpu > 0 {
            limits.push(format!("--cpu={cpu}"));
        }
        let space = options.introspection_address_space_limit;
        if space > 0 {
            limits.push(format!("--as={space}"));
        }
        Self {
            work,
            limits,
            bps_limit: (bps_limit > 0).then_some(bps_limit),
            stall,
        }
    }

    /// What it says of an image file, within the limits of memory and processor time.
    ///
    /// # Errors
    /// [`ImageError::Failed`], [`ImageError::Answer`], or a fault of this host.
    pub async fn info(&self, file: &WorkFile, format: &str) -> Result<Info, ImageError> {
        let what = format!("qemu-img info of a {format} image");
        let mut command = child::command(&self.limits, "qemu-img");
        command.args(["info", "--output=json", "--image-opts"]);
        command.arg(Node::file(format, INPUT).to_string());
        command.stdin(file.hand_over().map_err(ImageError::io(what.clone()))?);
        let run = Run::new(&what, self.stall);
        let answer = run.to_end(command, |_| {}).await?;
        Info::parse(&answer).map_err(|source| ImageError::Answer { what, source })
    }

    /// Copies and converts. `total` is the size of the disk, bytes, for the progress.
    ///
    /// # Errors
    /// [`ImageError::Stalled`], [`ImageError::Failed`], or a fault of this host. The target is not
    /// usable then.
    pub(super) async fn convert(
        &self,
        from: Source<'_>,
        to: Target<'_>,
        total: u64,
        progress: &Progress,
    ) -> Result<(), ImageError> {
        let what = format!("copying {} to {}", from.describe(), to.describe());
        let mut command = child::command(&[], "qemu-img");
        command.args(["convert", "-p", "-m", REQUESTS]);
        if let Some(limit) = self.bps_limit {
            command.arg("-r").arg(limit.to_string());
        }
        let from_node = match from {
            Source::Image(_, format) => Node::file(format, INPUT),
            Source::Volume(place) => Node::place(place, "from"),
            Source::Head(place, bytes) => Node::place(place, "from").first(bytes),
        };
        if let Source::Volume(place) = from {
            command.args(["-T", self.cache_of(place).await?]);
        }
        // one end of a copy is an image, or none is
        if let (Source::Image(file, _), _) | (_, Target::Image(file, ..)) = (from, to) {
            command.stdin(file.hand_over().map_err(ImageError::io(what.clone()))?);
        }
        command.arg("--image-opts");
        let mut secrets = self.secrets(&mut command, &from_node).await?;
        match to {
            Target::Volume(place, sparse) => {
                let node = Node::place(place, "to");
                secrets.extend(self.secrets(&mut command, &node).await?);
                command.args(["-n", "-W", "-t", self.cache_of(place).await?]);
                if !sparse {
                    command.args(["-S", "0"]);
                }
                command.arg("--target-image-opts");
                command.arg(from_node.to_string()).arg(node.to_string());
            }
            Target::Image(_, format, new) => {
                // writes in any order and compression exclude each other
                command.arg(if new.compressed { "-c" } else { "-W" });
                if let Some(options) = new.options {
                    command.args(["-o", options]);
                }
                command.args(["-O", format]).arg(from_node.to_string());
                command.arg(INPUT);
            }
        }
        progress.begin(Step::Convert, total);
        let run = Run::new(&what, self.stall);
        run.to_end(command, |output| {
            // secrets are read before anything else is done
            secrets.clear();
            if let Some(percent) = watchdog::percent(output) {
                progress.reach_percent(percent);
            }
        })
        .await?;
        progress.reach(total);
        Ok(())
    }

    /// Names the node's secret in the command, which reads it from a file of this user alone.
    async fn secrets(
        &self,
        command: &mut Command,
        node: &Node,
    ) -> Result<Vec<WorkFile>, ImageError> {
        let Some((id, value)) = &node.secret else {
            return Ok(Vec::new());
        };
        let file = self.work.create(Purpose::Secret, "", 0).await?;
        let written: io::Result<()> = async {
            let mut writer = file.writer().await?;
            let value = value.expose_secret().as_bytes();
            tokio::io::AsyncWriteExt::write_all(&mut writer, value).await?;
            tokio::io::AsyncWriteExt::flush(&mut writer).await
        }
        .await;
        written.map_err(ImageError::io("handing a secret to qemu-img"))?;
        let path = doubled(&file.path().to_string_lossy());
        command.args(["--object", &format!("secret,id={id},file={path}")]);
        Ok(vec![file])
    }

    /// Past the page cache where that can be: what is written to a device is on the array when the
    /// copy ends. Where it cannot, a flush at the end does the same.
    async fn cache_of(&self, place: &Place) -> Result<&'static str, ImageError> {
        let device = match place {
            Place::Iscsi(_) => return Ok("none"),
            Place::File(_) => return Ok("writeback"),
            Place::Device(device) => device.clone(),
        };
        let what = format!("opening {}", device.display());
        blocking_within(self.stall, &what, move || {
            let mut options = std::fs::OpenOptions::new();
            options.read(true).custom_flags(OFlag::O_DIRECT.bits());
            let direct = options.open(&device).is_ok();
            Ok(if direct { "none" } else { "writeback" })
        })
        .await
    }

    /// Size of a volume, bytes, as who opens it sees it.
    pub(super) async fn size_of(&self, place: &Place) -> Result<u64, ImageError> {
        let what = format!("opening {}", described(place));
        let node = Node::place(place, "of");
        let mut command = child::command(&self.limits, "qemu-img");
        command.args(["info", "--output=json"]);
        let _until_read = self.secrets(&mut command, &node).await?;
        command.arg("--image-opts").arg(node.to_string());
        let answer = Run::new(&what, self.stall).to_end(command, |_| {}).await?;
        let info = Info::parse(&answer);
        info.map(|info| info.virtual_size)
            .map_err(|source| ImageError::Answer { what, source })
    }

    /// `qemu-img --version`, the first line.
    ///
    /// # Errors
    /// When it, `setpriv` or `prlimit` cannot be run.
    pub async fn version(&self) -> Result<String, ImageError> {
        let mut command = child::command(&self.limits, "qemu-img");
        command.arg("--version");
        let run = Run::new("qemu-img --version", self.stall);
        let answer = run.to_end(command, |_| {}).await?;
        let answer = String::from_utf8_lossy(&answer);
        Ok(answer.lines().next().unwrap_or_default().to_owned())
    }
}

impl Source<'_> {
    fn describe(&self) -> String {
        match self {
            Self::Image(_, format) => format!("a {format} image"),
            Self::Volume(place) => described(place),
            Self::Head(place, bytes) => format!("the first {bytes} bytes of {}", described(place)),
        }
    }
}

impl Target<'_> {
    fn describe(&self) -> String {
        match self {
            Self::Volume(place, _) => described(place),
            Self::Image(_, format, _) => format!("a {format} image"),
        }
    }
}

/// For messages.
fn described(place: &Place) -> String {
    match place {
        Place::File(path) | Place::Device(path) => path.display().to_string(),
        Place::Iscsi(lun) => format!("LUN {} of {} at {}", lun.lun, lun.target, lun.portal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_is_none() {
        let options = |cpu, space| ImageOptions {
            conversion_dir: "/nowhere".into(),
            introspection_cpu_limit: Duration::from_secs(cpu),
            introspection_address_space_limit: space,
            conversion_disable: false,
            compress_on_upload: true,
            vmdk_allowed_types: Vec::new(),
            allow_compressed_container: false,
            compression_format: "gzip",
        };
        let qemu = |cpu, space, bps| {
            let work = WorkDir::new("/nowhere", "ctl1@xio");
            Qemu::new(&options(cpu, space), work, bps, Duration::from_secs(1))
        };
        let none = qemu(0, 0, 0);
        assert_eq!((none.limits.len(), none.bps_limit), (0, None));
        let some = qemu(60, 1 << 30, 5);
        assert_eq!(some.limits, ["--cpu=60", "--as=1073741824"]);
        assert_eq!(some.bps_limit, Some(5));
    }
}
