//! The inspectors of oslo.utils and Cinder, in one Python process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use cinder_volume_xtremio::image::inspect::{Format, Inspected};
use serde::Deserialize;

/// What one inspector says.
#[derive(Debug, Deserialize)]
pub(super) struct Verdict {
    #[serde(default)]
    pub(super) format: Option<String>,
    #[serde(default)]
    size: i128,
    #[serde(default)]
    pub(super) refused: Option<String>,
    /// All that it matches, if it was refused.
    #[serde(default)]
    formats: Vec<String>,
}

/// What both say.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) oslo: Verdict,
    pub(super) cinder: Verdict,
}

/// The process, and a file that is given to it.
pub(super) struct Oracle {
    python: Child,
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    file: tempfile::NamedTempFile,
}

impl Oracle {
    pub(super) fn start() -> Self {
        let venv = std::env::var("CVX_PY_VENV")
            .expect("CVX_PY_VENV names no Python environment with Cinder: run `make test`");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/image_inspect/oracle.py");
        let mut python = Command::new(Path::new(&venv).join("bin/python"))
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            ask: python.stdin.take(),
            answers: BufReader::new(python.stdout.take().unwrap()),
            python,
            file: tempfile::NamedTempFile::new().unwrap(),
        }
    }

    /// What they say of these bytes.
    pub(super) fn ask(&mut self, bytes: &[u8]) -> Answer {
        std::fs::write(self.file.path(), bytes).unwrap();
        let ask = self.ask.as_mut().unwrap();
        writeln!(ask, "{}", self.file.path().display()).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // it ends when nobody asks any more
        drop(self.ask.take());
        let _ = self.python.wait();
    }
}

/// What speaks against having taken this file, if anything does.
pub(super) fn objection(taken: Inspected, answer: &Answer) -> Option<String> {
    by_oslo(taken, &answer.oslo).or_else(|| by_cinder(taken, &answer.cinder))
}

fn by_oslo(taken: Inspected, oslo: &Verdict) -> Option<String> {
    let name = taken.format.to_string();
    if oslo.refused.is_some() {
        // A bootable ISO: the same bytes, whichever of the two it is.
        let bootable = taken.format == Format::Iso && oslo.formats == ["gpt", "iso"];
        return (!bootable).then(|| format!("taken as {name}; oslo.utils: {oslo:?}"));
    }
    if oslo.format.as_ref() != Some(&name) {
        return Some(format!("taken as {name}; oslo.utils: {oslo:?}"));
    }
    let too_small = i128::from(taken.virtual_size) < oslo.size;
    too_small.then(|| format!("size {}; oslo.utils: {}", taken.virtual_size, oslo.size))
}

fn by_cinder(taken: Inspected, cinder: &Verdict) -> Option<String> {
    // It knows no partitions, ISOs and LUKS, and leaves what it does not understand at that:
    // such a file then is not what it claims to be.
    let name = taken.format.to_string();
    let format = cinder.format.as_deref();
    let same = format == Some("raw") || format == Some(&name);
    (cinder.refused.is_some() || !same).then(|| format!("taken as {name}; Cinder: {cinder:?}"))
}
