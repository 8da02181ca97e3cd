//! How image bytes reach a volume: options of Cinder and os-brick, and two of ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::machine;
use super::option::Opt;
use super::reader::Reader;

/// `image_data_path`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PathChoice {
    /// `auto`: the kernel's where this host has what it needs, else userspace.
    #[default]
    Auto,
    /// `userspace`: iSCSI spoken by qemu-img.
    Userspace,
    /// `kernel`: open-iscsi or FC, and multipath.
    Kernel,
}

/// Options of the way to a volume's bytes.
#[derive(Debug, Clone)]
pub struct DataPathOptions {
    /// `image_data_path` (ours, default `auto`).
    pub choice: PathChoice,
    /// `iscsi_initiator_name` (ours, default that of `/etc/iscsi/initiatorname.iscsi`): the IQN
    /// of this host in the userspace path.
    pub initiator_name: Option<String>,
    /// `use_multipath_for_image_xfer` (default false).
    pub multipath: bool,
    /// `enforce_multipath_for_image_xfer` (default false): no copy without multipathd.
    pub enforce_multipath: bool,
    /// `num_volume_device_scan_tries` (default 3).
    pub scan_tries: u32,
    /// `[DEFAULT] my_ip` (default the address of the default route).
    pub my_ip: String,
    /// `[os_brick] lock_path`, else `[oslo_concurrency] lock_path` (default `$state_path/tmp`):
    /// Nova on the same host must have the same.
    pub lock_path: PathBuf,
    /// `[os_brick] wait_mpath_device_attempts` (default 4).
    pub mpath_attempts: u32,
    /// `[os_brick] wait_mpath_device_interval` (default 1 s), which doubles from try to try.
    pub mpath_interval: Duration,
}

impl Default for DataPathOptions {
    fn default() -> Self {
        Self {
            choice: PathChoice::Auto,
            initiator_name: None,
            multipath: false,
            enforce_multipath: false,
            scan_tries: 3,
            my_ip: "127.0.0.1".to_owned(),
            lock_path: "/var/lib/cinder/tmp".into(),
            mpath_attempts: 4,
            mpath_interval: Duration::from_secs(1),
        }
    }
}

/// Reads those of one backend. `opt` makes an option of its section.
pub(super) fn read<'a>(
    r: &mut Reader<'_>,
    opt: impl Fn(&'a str) -> Opt<'a>,
    state_path: &Path,
) -> DataPathOptions {
    let choices = ["auto", "userspace", "kernel"];
    let choice = match r.choice(&opt("image_data_path"), &choices, "auto", false) {
        "userspace" => PathChoice::Userspace,
        "kernel" => PathChoice::Kernel,
        _ => PathChoice::Auto,
    };
    let locks = r
        .filled(&Opt::new("os_brick", "lock_path"))
        .or_else(|| r.filled(&Opt::new("oslo_concurrency", "lock_path")));
    DataPathOptions {
        choice,
        initiator_name: r
            .filled(&opt("iscsi_initiator_name"))
            .map(|(name, _)| name.trim().to_owned()),
        multipath: r.boolean(&opt("use_multipath_for_image_xfer"), false),
        enforce_multipath: r.boolean(&opt("enforce_multipath_for_image_xfer"), false),
        scan_tries: r.number(&opt("num_volume_device_scan_tries"), 3, 1..=100),
        my_ip: r
            .filled(&Opt::default("my_ip"))
            .map_or_else(machine::my_ip, |(ip, _)| ip.trim().to_owned()),
        lock_path: locks.map_or_else(|| state_path.join("tmp"), |(path, _)| path.into()),
        mpath_attempts: r.number(
            &Opt::new("os_brick", "wait_mpath_device_attempts"),
            4,
            1..=100,
        ),
        mpath_interval: r.seconds(&Opt::new("os_brick", "wait_mpath_device_interval"), 1, 1),
    }
}
