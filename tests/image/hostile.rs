//! Files that are not what they claim, or lead to others: refused, in the words of Cinder.

use cinder_volume_xtremio::image::{ImageError, Place, Progress};

use super::target::Target;
use super::{Lab, MIB, disk, facts, qemu_img, text};

/// Whatever the inspector does not let pass.
const UNSAFE: &str = "Image/Volume failed safety check";

/// A qcow2 header of version 3: 1 MiB disk, nothing else, and what is to be different.
fn qcow2(changes: &[(usize, &[u8])]) -> Vec<u8> {
    let mut file = vec![0; 1 << 18];
    let mut set = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    set(0, b"QFI\xfb");
    set(4, &3_u32.to_be_bytes());
    set(20, &16_u32.to_be_bytes()); // cluster bits
    set(24, &(1_u64 << 20).to_be_bytes());
    set(36, &1_u32.to_be_bytes()); // size of the L1 table
    set(40, &0x3_0000_u64.to_be_bytes());
    set(48, &0x1_0000_u64.to_be_bytes()); // refcount table
    set(56, &1_u32.to_be_bytes());
    set(96, &4_u32.to_be_bytes()); // refcount order
    set(100, &104_u32.to_be_bytes()); // header length
    set(0x1_0000, &0x2_0000_u64.to_be_bytes());
    for cluster in 0..4 {
        set(0x2_0000 + 2 * cluster, &1_u16.to_be_bytes());
    }
    for (at, bytes) in changes {
        set(*at, bytes);
    }
    file
}

async fn refused(lab: &Lab, bytes: &[u8], format: &str) -> String {
    let path = lab.path("hostile");
    std::fs::write(&path, bytes).unwrap();
    let error = lab.prepared(&path, &facts(format)).await.unwrap_err();
    assert!(
        matches!(error, ImageError::Unacceptable { .. }),
        "{error:?}"
    );
    error.reason()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qcow2_that_leads_elsewhere_is_refused() {
    let lab = Lab::with("");
    std::fs::write(lab.path("good"), qcow2(&[])).unwrap();
    lab.prepared(&lab.path("good"), &facts("qcow2"))
        .await
        .unwrap();
    // offset and length of the backing file's name, and the name
    let backed = qcow2(&[
        (8, &512_u64.to_be_bytes()),
        (16, &11_u32.to_be_bytes()),
        (512, b"/etc/passwd"),
    ]);
    // incompatible feature: an external data file
    let with_data = qcow2(&[(72, &4_u64.to_be_bytes())]);
    let unknown = qcow2(&[(72, &(1_u64 << 40).to_be_bytes())]);
    for bytes in [&backed, &with_data, &unknown] {
        for claimed in ["qcow2", "raw", "ami"] {
            assert_eq!(refused(&lab, bytes, claimed).await, UNSAFE);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_with_a_huge_disk_is_refused() {
    let lab = Lab::with("");
    let size: u64 = (1 << 30) + 512;
    let path = lab.path("huge");
    qemu_img(&[
        "create",
        "-q",
        "-f",
        "qcow2",
        text(&path),
        &size.to_string(),
    ]);
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(
        refused(&lab, &bytes, "qcow2").await,
        "Image virtual size is 2GB and doesn't fit in a volume of size 1GB."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_format_in_disguise_is_refused() {
    let lab = Lab::with("");
    let differs = |claimed: &str| {
        format!(
            "The image format was claimed to be '{claimed}' but the image data appears to be in a \
             different format."
        )
    };
    assert_eq!(refused(&lab, &qcow2(&[]), "raw").await, differs("raw"));
    assert_eq!(refused(&lab, &qcow2(&[]), "vhd").await, differs("vpc"));
    assert_eq!(refused(&lab, &qcow2(&[]), "iso").await, differs("raw"));
    disk(&lab.path("disk"), MIB);
    let raw = std::fs::read(lab.path("disk")).unwrap();
    assert_eq!(refused(&lab, &raw, "qcow2").await, differs("qcow2"));
    assert_eq!(refused(&lab, &raw, "ploop").await, differs("parallels"));
    lab.prepared(&lab.path("disk"), &facts("ami"))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vmdk_that_names_a_file_of_this_host_is_refused() {
    let lab = Lab::with("");
    let descriptor = b"# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n\
        createType=\"monolithicFlat\"\n# Extent description\n\
        RW 8 FLAT \"/etc/passwd\" 0\nddb.adapterType = \"ide\"\n";
    let mut file = descriptor.to_vec();
    file.resize(4096, 0);
    for claimed in ["vmdk", "raw"] {
        let reason = refused(&lab, &file, claimed).await;
        assert!(reason == UNSAFE || claimed == "vmdk", "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vmdk_of_a_type_that_is_not_listed_is_refused() {
    let lab = Lab::set("vmdk_allowed_types = streamOptimized", "");
    disk(&lab.path("disk"), MIB);
    let (from, to) = (lab.path("disk"), lab.path("image"));
    qemu_img(&["convert", "-O", "vmdk", text(&from), text(&to)]);
    let sparse = std::fs::read(&to).unwrap();
    assert_eq!(
        refused(&lab, &sparse, "vmdk").await,
        "Invalid VMDK create-type specified"
    );
    let stream = ["-o", "subformat=streamOptimized"];
    let args = [
        "convert",
        "-O",
        "vmdk",
        stream[0],
        stream[1],
        text(&from),
        text(&to),
    ];
    qemu_img(&args);
    lab.prepared(&to, &facts("vmdk")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_in_the_place_of_an_inspected_one_is_not_read() {
    let lab = Lab::with("");
    let volume = lab.path("volume");
    std::fs::write(&volume, vec![0xff; MIB as usize]).unwrap();
    disk(&lab.path("disk"), MIB);
    let prepared = lab
        .prepared(&lab.path("disk"), &facts("raw"))
        .await
        .unwrap();
    let name = lab.work_files().pop().unwrap();
    let at = lab.copier.work().path().join(name);
    std::fs::remove_file(&at).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &at).unwrap();
    let place = Place::File(volume.clone());
    let written = lab
        .copier
        .write(&prepared, &place, true, &Progress::new())
        .await;
    written.unwrap();
    super::same(&lab.path("disk"), &volume);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_with_the_header_of_an_image_leads_nowhere() {
    let (lab, target) = (Lab::with(""), Target::start());
    std::fs::write(lab.path("secret"), vec![b'S'; MIB as usize]).unwrap();
    let (secret, image) = (lab.path("secret"), lab.path("volume"));
    let backing = ["-b", text(&secret), "-F", "raw"];
    let mut args = vec!["create", "-q", "-f", "qcow2"];
    args.extend(backing);
    args.push(text(&image));
    qemu_img(&args);
    let size = 2 * MIB;
    std::fs::File::options()
        .write(true)
        .open(&image)
        .unwrap()
        .set_len(size)
        .unwrap();
    target.lun_of(1, &image);
    for place in [target.place(1), Place::File(image.clone())] {
        let progress = Progress::new();
        for format in ["qcow2", "vmdk"] {
            let error = lab
                .copier
                .read(&place, &facts(format), size, &progress)
                .await;
            let error = error.unwrap_err();
            assert_eq!(error.exception(), "ImageUnacceptable");
            assert_eq!(error.reason(), UNSAFE);
        }
        // raw: its bytes as they are, and no other file's
        let read = lab
            .copier
            .read(&place, &facts("raw"), size, &progress)
            .await;
        let mut bytes = Vec::new();
        let mut reading = read.unwrap();
        tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut bytes)
            .await
            .unwrap();
        assert!(bytes == std::fs::read(&image).unwrap());
    }
}
