//! Image files that would make a careless volume host give its own files away, fill the volume
//! with what another program sees, or run out of room; and what the user is told of each.

use std::path::{Path, PathBuf};

use super::disk_files::{
    DiskFile, OWN_EXTENT, VHDX_METADATA, VHDX_PARENT, descriptor, gpt, guid, iso, luks, mbr,
    partition, qcow2, qcow2_backed, qcow2_data_file, qcow2_features, qcow2_v2, qed, vdi, vhd,
    vhd_fixed, vhdx, vhdx_entry, vmdk, vmdk_footer, vmdk_of,
};

/// What is said of all that the inspection does not let pass.
pub(crate) const UNSAFE: &str = "Image/Volume failed safety check";

/// A hostile image.
#[derive(Debug, Clone)]
pub(crate) struct Hostile {
    /// What it tries; also the name of its file.
    pub(crate) name: &'static str,
    /// `disk_format` to claim in Glance.
    pub(crate) disk_format: &'static str,
    /// The reason in `Image ID is unacceptable: REASON`.
    pub(crate) reason: String,
    pub(crate) bytes: Vec<u8>,
}

/// One that was written.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) image: Hostile,
    pub(crate) path: PathBuf,
}

impl Hostile {
    /// What `ImageUnacceptable` says of it.
    pub(crate) fn message(&self, image_id: &str) -> String {
        format!("Image {image_id} is unacceptable: {}", self.reason)
    }
}

/// All of them. `secret` is a file of this host that they try to reach; volumes are of 1 GiB.
pub(crate) fn images(secret: &str) -> Vec<Hostile> {
    let named = [
        of_qcow2(secret),
        of_vmdk(secret),
        of_others(),
        in_disguise(),
    ];
    named.into_iter().flatten().collect()
}

/// Writes them into a folder, and beside them `index.json`: name, `disk_format`, reason.
pub(crate) fn write(folder: &Path, secret: &str) -> Vec<Written> {
    let written: Vec<Written> = images(secret)
        .into_iter()
        .map(|image| {
            let path = folder.join(image.name);
            std::fs::write(&path, &image.bytes).unwrap();
            Written { image, path }
        })
        .collect();
    let index: Vec<_> = written
        .iter()
        .map(|Written { image, .. }| {
            serde_json::json!({
                "name": image.name, "disk_format": image.disk_format, "reason": image.reason,
            })
        })
        .collect();
    let index = serde_json::to_vec_pretty(&index).unwrap();
    std::fs::write(folder.join("index.json"), index).unwrap();
    written
}

fn unsafe_one(name: &'static str, disk_format: &'static str, file: DiskFile) -> Hostile {
    Hostile {
        name,
        disk_format,
        reason: UNSAFE.to_owned(),
        bytes: file.0,
    }
}

fn of_qcow2(secret: &str) -> Vec<Hostile> {
    let one = |name, file| unsafe_one(name, "qcow2", file);
    let backed_v2 = qcow2_v2()
        .with(8, &512_u64.to_be_bytes())
        .with(16, &u32::try_from(secret.len()).unwrap().to_be_bytes())
        .with(512, secret.as_bytes());
    vec![
        one("qcow2-backed", qcow2_backed(secret)),
        one("qcow2-v2-backed", backed_v2),
        one(
            "qcow2-backed-json",
            qcow2_backed(&format!(
                "json:{{\"driver\":\"raw\",\"file\":\"{secret}\"}}"
            )),
        ),
        one("qcow2-data-file", qcow2_data_file(secret)),
        one("qcow2-extended-l2", qcow2_features(1 << 4)),
        one("qcow2-unknown-feature", qcow2_features(1 << 40)),
        one("qcow2-v1", qcow2().with(4, &1_u32.to_be_bytes())),
        one("qcow2-cut-off", qcow2().sized(100)),
        one("qcow2-absurd-size", qcow2().with(24, &[0xff; 8])),
        unsafe_one("qcow2-backed-as-raw", "raw", qcow2_backed(secret)),
    ]
}

fn of_vmdk(secret: &str) -> Vec<Hostile> {
    let one = |name, file| unsafe_one(name, "vmdk", file);
    let flat = format!("RW 2048 FLAT \"{secret}\" 0");
    let text = |kind, extent: &str| DiskFile(descriptor(kind, extent).into_bytes()).sized(4096);
    let with = |line: &str| {
        let text = descriptor("monolithicSparse", OWN_EXTENT) + line + "\n";
        vmdk_of(text.as_bytes())
    };
    let (commented, hint) = (
        format!("# parentFileNameHint=\"{secret}\""),
        format!("parentFileNameHint=\"{secret}\""),
    );
    vec![
        one("vmdk-flat", text("monolithicFlat", &flat)),
        unsafe_one("vmdk-flat-as-raw", "raw", text("monolithicFlat", &flat)),
        one(
            "vmdk-relative-extent",
            text("twoGbMaxExtentFlat", "RW 2048 FLAT \"other\" 0"),
        ),
        one(
            "vmdk-sparse-flat-kind",
            vmdk_of(descriptor("monolithicFlat", &flat).as_bytes()),
        ),
        one(
            "vmdk-sparse-path",
            vmdk_of(descriptor("monolithicSparse", &flat).as_bytes()),
        ),
        // qemu opens what the descriptor names where the header says that the disk is empty
        one(
            "vmdk-empty-second-kind",
            vmdk_of(
                format!(
                    "# createType=\"monolithicFlat\"\n{}",
                    descriptor("monolithicSparse", "RW 2048 FLAT \"other\" 0")
                )
                .as_bytes(),
            )
            .with(12, &[0; 8]),
        ),
        // qemu finds it wherever it stands
        one("vmdk-parent-in-comment", with(&commented)),
        one("vmdk-parent", with(&hint)),
        one("vmdk-footer-differs", {
            let file = vmdk_footer();
            let footer = file.0.len() - 1024;
            file.with(footer + 28, &3_u64.to_le_bytes())
        }),
        one("vmdk-esx", DiskFile::zeros(4096).with(0, b"COWD")),
    ]
}

fn of_others() -> Vec<Hostile> {
    let parent = vhdx_entry(VHDX_PARENT, 64 * 1024 + 16, 8);
    let with_parent = vhdx()
        .with(VHDX_METADATA + 10, &3_u16.to_le_bytes())
        .with(VHDX_METADATA + 96, &parent);
    assert!(with_parent.0.windows(16).any(|w| w == guid(VHDX_PARENT)));
    let boot = |file, partitions: &[Vec<u8>]| mbr(file, partitions);
    vec![
        unsafe_one("qed", "raw", qed()),
        unsafe_one("vhd-differencing", "vhd", vhd(4)),
        unsafe_one("vhdx-parent", "vhdx", with_parent),
        unsafe_one("vdi-differencing", "vdi", vdi(4)),
        unsafe_one("vdi-parent", "vdi", vdi(1).with(0x1b8, &[9; 16])),
        unsafe_one("luks-2", "raw", luks(2)),
        unsafe_one("gpt-and-more", "raw", {
            let protective = partition(0xee, 1, u32::MAX);
            boot(gpt(), &[protective, partition(0x83, 34, 100)])
        }),
        unsafe_one("mbr-empty", "raw", boot(DiskFile::zeros(4096), &[])),
        // two disks in one file
        unsafe_one("qcow2-and-gpt", "qcow2", {
            boot(qcow2(), &[partition(0x83, 34, 100)])
        }),
        unsafe_one("qcow2-and-iso", "iso", {
            qcow2().with(32 * 1024 + 1, b"CD001")
        }),
        unsafe_one("qcow2-and-vdi", "vdi", {
            vdi(1).with(0, &qcow2().0[..0x40]).sized(4096)
        }),
        unsafe_one("iso-and-vmdk", "iso", {
            let text = descriptor("monolithicFlat", OWN_EXTENT);
            iso(b"CD001").with(0, text.as_bytes())
        }),
    ]
}

fn in_disguise() -> Vec<Hostile> {
    let differs = |name, disk_format: &'static str, driver: &str, file: DiskFile| Hostile {
        name,
        disk_format,
        reason: format!(
            "The image format was claimed to be '{driver}' but the image data appears to be in a \
             different format."
        ),
        bytes: file.0,
    };
    let huge: u64 = (1 << 30) + 512;
    vec![
        differs("qcow2-as-raw", "raw", "raw", qcow2()),
        differs("qcow2-as-vmdk", "vmdk", "vmdk", qcow2()),
        differs("vmdk-as-iso", "iso", "raw", vmdk()),
        differs("raw-as-qcow2", "qcow2", "qcow2", DiskFile::zeros(4096)),
        differs("vhd-fixed", "vhd", "vpc", vhd_fixed()),
        Hostile {
            name: "qcow2-too-large",
            disk_format: "qcow2",
            reason: "Image virtual size is 2GB and doesn't fit in a volume of size 1GB.".to_owned(),
            bytes: qcow2()
                .with(24, &huge.to_be_bytes())
                .with(36, &3_u32.to_be_bytes())
                .0,
        },
    ]
}
