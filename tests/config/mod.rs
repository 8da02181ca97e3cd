//! Tests of `config` and of the command line in front of it.

mod args;
mod backends;
mod database;
mod dialect;
mod faults;
mod glance;
mod image;
mod messaging;
mod sources;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cinder_volume_xtremio::config::{ConfigError, LoadArgs, Loaded, load};

/// What every usable file needs, without `[DEFAULT]` options but these.
pub(crate) const BASE: &str = "\
[DEFAULT]
host = ctl1
enabled_backends = xio
[database]
connection = mysql+pymysql://cinder:dbsecret@db/cinder
[xio]
volume_driver = cinder.volume.drivers.dell_emc.xtremio.XtremIOISCSIDriver
san_ip = xms
san_password = sansecret
";

/// A directory of files, and a way to load them with an environment.
pub(crate) struct Files {
    dir: tempfile::TempDir,
    pub(crate) args: LoadArgs,
    pub(crate) env: BTreeMap<String, String>,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            args: LoadArgs::default(),
            env: BTreeMap::new(),
        }
    }

    /// One file that is named on the command line.
    pub(crate) fn with(text: &str) -> Self {
        let mut files = Self::new();
        files.named("cinder.conf", text);
        files
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn named(&mut self, name: &str, text: &str) -> PathBuf {
        let path = self.write(name, text);
        self.args.config_files.push(path.clone());
        path
    }

    pub(crate) fn load(&self) -> Result<Loaded, ConfigError> {
        load(&self.args, &|name| self.env.get(name).cloned())
    }
}

/// Loads `BASE` and then a second file.
pub(crate) fn base_and(text: &str) -> Result<Loaded, ConfigError> {
    let mut files = Files::with(BASE);
    files.named("more.conf", text);
    files.load()
}

/// The faults as `[section] key: problem`, without the place.
pub(crate) fn faults(result: Result<Loaded, ConfigError>) -> Vec<String> {
    let error = result.expect_err("must not load");
    let text = |f: &cinder_volume_xtremio::config::Fault| {
        format!("[{}] {}: {}", f.section, f.key, f.problem)
    };
    error.faults.iter().map(text).collect()
}
