//! Shows that a work file is in use by a living process.

use std::fs::File;
use std::io;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// The one byte that is locked. Far behind those by which qemu marks its use of a file (100 and
/// 200 on), which would be in conflict with a lock on the whole.
const BYTE: libc::off_t = 1 << 62;

/// Marks the file for as long as it, a duplicate of it or a program that was given it lives: the
/// kernel lets go of the lock at any kind of death. `false` if another one has marked it.
///
/// `fcntl` locks of the open file: `flock` would become a lock on the whole file over NFS.
pub(super) fn try_mark(file: &File) -> io::Result<bool> {
    let byte = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: BYTE,
        l_len: 1,
        // must be zero for locks of this kind
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&byte)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
