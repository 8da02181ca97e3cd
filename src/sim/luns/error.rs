//! Why the simulated array's disks are not there.

use std::io;
use std::path::PathBuf;

/// Why a LUN could not be kept, shown or reached.
#[derive(Debug, thiserror::Error)]
pub enum LunError {
    /// A file or folder of the disks could not be used.
    #[error("cannot {what} {}", path.display())]
    File {
        /// What was to be done: `make`, `copy`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another simulator uses the folder.
    #[error("another simulator keeps its disks in {}", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The folder's name does not fit into the address of a Unix socket.
    #[error("the folder name {} is too long for tgtd's control socket", path.display())]
    TooLong {
        /// The folder.
        path: PathBuf,
    },
    /// A program could not be run.
    #[error("cannot run {program}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// tgtd did not serve; its log tells more.
    #[error("tgtd does not serve, see {}", log.display())]
    Daemon {
        /// Where it writes its log.
        log: PathBuf,
    },
    /// tgtd refused a command.
    #[error("tgtadm {arguments}: {message}")]
    Refused {
        /// The command.
        arguments: String,
        /// What it printed.
        message: String,
    },
    /// The simulator is ending.
    #[error("the simulator is ending")]
    Ending,
}

impl LunError {
    pub(crate) fn file(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
