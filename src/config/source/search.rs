//! Which files are read, in which order.

use std::path::{Path, PathBuf};

use super::super::LoadArgs;
use super::Fault;

/// Reads one environment variable; tests pass a map.
pub(crate) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// oslo's project and program names of cinder-volume: `cinder.conf`, then `cinder-volume.conf`.
const NAMES: [&str; 2] = ["cinder", "cinder-volume"];

/// The files in the order in which later ones win.
///
/// As oslo.config does: default files only when no `--config-file` is given, default
/// directories only when no `--config-dir` is, both before what the command line names.
pub(crate) fn files(args: &LoadArgs, env: Env<'_>, faults: &mut Vec<Fault>) -> Vec<PathBuf> {
    let mut out = Vec::new();
    if args.config_files.is_empty() {
        out.extend(
            NAMES
                .iter()
                .filter_map(|name| find(env, &format!("{name}.conf"))),
        );
    }
    if args.config_dirs.is_empty() {
        for dir in NAMES
            .iter()
            .filter_map(|name| find(env, &format!("{name}.conf.d")))
        {
            in_directory(&dir, &mut out, faults);
        }
    }
    for file in &args.config_files {
        out.push(expand(file, env));
    }
    for dir in &args.config_dirs {
        in_directory(&expand(dir, env), &mut out, faults);
    }
    out
}

/// `*.conf` of a directory, sorted by name; names that start with a dot are left out, as by glob.
fn in_directory(dir: &Path, out: &mut Vec<PathBuf>, faults: &mut Vec<Fault>) {
    let listing = match std::fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(error) => {
            let problem = format!("cannot be read as a directory: {error}");
            faults.push(Fault::file(
                dir,
                None,
                problem,
                "a directory of *.conf files",
            ));
            return;
        }
    };
    let mut found: Vec<PathBuf> = listing
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            name.is_some_and(|name| name.ends_with(".conf") && !name.starts_with('.'))
        })
        .collect();
    found.sort();
    out.append(&mut found);
}

fn find(env: Env<'_>, name: &str) -> Option<PathBuf> {
    let mut dirs = Vec::new();
    if let Some(home) = env("HOME").filter(|home| !home.is_empty()) {
        dirs.push(Path::new(&home).join(".cinder"));
        dirs.push(PathBuf::from(home));
    }
    dirs.push(PathBuf::from("/etc/cinder"));
    dirs.push(PathBuf::from("/etc"));
    for snap in ["SNAP_COMMON", "SNAP"] {
        dirs.extend(env(snap).map(|dir| Path::new(&dir).join("etc/cinder")));
    }
    dirs.into_iter()
        .map(|dir| dir.join(name))
        .find(|path| path.exists())
}

fn expand(path: &Path, env: Env<'_>) -> PathBuf {
    match (path.strip_prefix("~"), env("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.to_owned(),
    }
}
