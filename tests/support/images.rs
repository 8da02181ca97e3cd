//! Image files, and a lab whose worker can move their bytes.

use std::path::{Path, PathBuf};
use std::process::Command;

use cinder_volume_xtremio::config::Engine;
use serde_json::{Value, json};

use super::bodies::Body;
use super::glance::TestGlance;
use super::lab::{Lab, LabBuilder};

const POOL: &str = "ctl1@xio#xio";
/// IQN of the worker's host.
pub(crate) const INITIATOR: &str = "iqn.1993-08.org.debian:01:worker";

/// A lab with an image service and real disks.
pub(crate) struct ImageLab {
    pub(crate) lab: Lab,
    pub(crate) glance: TestGlance,
}

impl ImageLab {
    /// Everything but the worker.
    pub(crate) async fn build() -> Self {
        let glance = TestGlance::start().await;
        let builder = LabBuilder::new(Engine::MySql)
            .with_disks()
            .option("cinder_release = 29")
            .option(&glance.option())
            .option("glance_num_retries = 1")
            .option("[backend_defaults]")
            .option(&format!("iscsi_initiator_name = {INITIATOR}"))
            .option("image_data_path = userspace");
        let mut lab = builder.build().await;
        lab.glance = Some(glance.clone());
        Self { lab, glance }
    }

    /// With a worker that serves.
    pub(crate) async fn start() -> Self {
        let mut this = Self::build().await;
        this.lab.start_worker().await;
        this
    }
}

impl Lab {
    /// A volume row that an image is to fill, and the request for it.
    pub(crate) async fn made_from(&self, image: &str, size: i32) -> (String, Body) {
        let id = self.creating("xio", size).await;
        let body = Body::create(&id, POOL, size).everywhere("image_id", &json!(image));
        (id, body)
    }

    /// A volume that is to become that image, and the request for it.
    pub(crate) async fn uploaded_as(&self, volume: &str, image: &str, disk_format: &str) -> Body {
        self.set(
            volume,
            "status = 'uploading', previous_status = 'available'",
        )
        .await;
        let meta = json!({"id": image, "disk_format": disk_format, "container_format": "bare"});
        Body::of("copy_volume_to_image")
            .arg("volume_id", json!(volume))
            .arg("image_meta", meta)
    }

    /// The file with a volume's bytes.
    pub(crate) async fn disk(&self, volume: &str) -> PathBuf {
        let answer = self.xms.admin("GET", "/luns", Value::Null).await;
        let file = answer.body["files"]["xbrick1"][volume].as_str();
        file.unwrap_or_else(|| panic!("{}", answer.body)).into()
    }

    /// What copies have in progress on this host.
    pub(crate) fn work_files(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.dir().join("conversion")) else {
            return Vec::new();
        };
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        };
        entries.map(name).collect()
    }

    /// Mappings on the array.
    pub(crate) async fn mappings(&self) -> usize {
        let maps = self.xms.get("v2/types/lun-maps").await;
        maps["lun-maps"].as_array().map_or(0, Vec::len)
    }
}

/// `size` bytes of a file: random pieces with holes between them.
pub(crate) fn disk_content(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for piece in bytes.chunks_mut(1 << 20).step_by(3) {
        for byte in piece {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_le_bytes()[0];
        }
    }
    bytes
}

/// The same disk as an image of another format.
pub(crate) fn image_file(folder: &Path, content: &[u8], format: &str) -> Vec<u8> {
    if format == "raw" {
        return content.to_vec();
    }
    let raw = folder.join("content.raw");
    let image = folder.join(format!("content.{format}"));
    std::fs::write(&raw, content).expect("written");
    qemu_img(&["convert", "-f", "raw", "-O", format], &[&raw, &image]);
    std::fs::read(image).expect("the image")
}

/// The disk in an image.
pub(crate) fn disk_in(folder: &Path, image: &[u8], format: &str) -> Vec<u8> {
    if format == "raw" {
        return image.to_vec();
    }
    let file = folder.join("got");
    let raw = folder.join("got.raw");
    std::fs::write(&file, image).expect("written");
    qemu_img(&["convert", "-f", format, "-O", "raw"], &[&file, &raw]);
    std::fs::read(raw).expect("the disk")
}

fn qemu_img(arguments: &[&str], files: &[&Path]) {
    let done = Command::new("qemu-img")
        .args(arguments)
        .args(files)
        .output();
    let done = done.expect("qemu-img is not installed: run `make test`");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}
