//! Bytes come back as they were written, thinly.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use rand::RngCore as _;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::array::Array;

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn what_is_written_is_read_back_and_holes_take_no_space() {
    let (array, host) = Array::with_volume().await;
    let mut noise = vec![0; 1 << 20];
    rand::rng().fill_bytes(&mut noise);
    let image = array.folder().join("image.raw");
    let file = File::create(&image).unwrap();
    file.set_len(64 * MIB).unwrap();
    file.write_all_at(&noise, 0).unwrap();
    file.write_all_at(&noise, 40 * MIB + 512).unwrap();
    // Zeros of the image must reach the disk, and free what is there.
    host.io(1, &["write -P 0xff 8M 8M"]).await.fine();
    host.upload(&image, 1).await.fine();

    let disk = array.file("v").await;
    let content = std::fs::read(&image).unwrap();
    assert!(std::fs::read(&disk).unwrap() == content, "on the array");
    let allocated = disk.metadata().unwrap().blocks() * 512;
    assert!(allocated < 4 * MIB, "{allocated} bytes allocated");
    let back = array.folder().join("back.raw");
    host.download(1, &back).await.fine();
    assert!(std::fs::read(&back).unwrap() == content, "read back");

    let luns = array.luns().await;
    let counted = &luns["initiators"][&host.iqn];
    assert!(
        counted["bytes_written"].as_u64().unwrap() > 10 * MIB,
        "{luns}"
    );
    assert!(counted["bytes_read"].as_u64().unwrap() > 2 * MIB, "{luns}");
    array.xms.delete("v2/types/volumes?name=v").await;
    assert!(!disk.exists());
    host.size(1)
        .await
        .unwrap_err()
        .failed_with("Target not found");
}

#[tokio::test]
async fn large_lun_numbers_work_in_their_encoded_form() {
    let (array, host) = Array::with_volume().await;
    array
        .xms
        .post(
            "v2/types/volumes",
            json!({"vol-name": "far", "vol-size": "8m"}),
        )
        .await;
    array.map("far", "a", 300).await;
    let flat = 300 + 0x4000;
    assert_eq!(host.size(flat).await.unwrap(), 8 * MIB);
    host.io(flat, &["write -P 0x5a 1M 4k"]).await.fine();
    let bytes = std::fs::read(array.file("far").await).unwrap();
    assert!(
        bytes[1 << 20..(1 << 20) + 4096]
            .iter()
            .all(|byte| *byte == 0x5a)
    );
    host.io(1, &["read -P 0 1M 4k"]).await.fine();
}

#[tokio::test]
async fn a_new_session_sees_that_a_volume_has_grown() {
    let (array, host) = Array::with_volume().await;
    host.io(1, &["write -P 0x11 63M 1M"]).await.fine();
    array
        .xms
        .put("v2/types/volumes/1", json!({"vol-size": "128m"}))
        .await;
    assert_eq!(host.size(1).await.unwrap(), 128 * MIB);
    let commands = [
        "read -P 0x11 63M 1M",
        "read -P 0 64M 64M",
        "write -P 0x22 127M 1M",
    ];
    host.io(1, &commands).await.fine();
    array
        .xms
        .put("v2/types/volumes/1", json!({"vol-name": "renamed"}))
        .await;
    assert_eq!(
        array.file("renamed").await.metadata().unwrap().len(),
        128 * MIB
    );
}

#[tokio::test]
async fn unmapping_takes_the_disk_from_under_a_session() {
    let (array, host) = Array::with_volume().await;
    array.volume("w").await;
    array.map("w", "a", 2).await;
    let mut shell = host.shell(1).spawn().unwrap();
    let mut input = shell.stdin.take().unwrap();
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
    let mut said = async |command: &str, wanted: &str| {
        input.write_all(command.as_bytes()).await.unwrap();
        loop {
            let line = lines.next_line().await.unwrap().expect("qemu-io ended");
            if line.contains("bytes at offset") || line.contains("failed") {
                assert!(line.contains(wanted), "{line}");
                return;
            }
        }
    };
    said("write -P 1 0 64k\n", "wrote 65536/65536").await;
    array.xms.delete("v2/types/lun-maps?name=1_1_1").await;
    said("write -P 2 0 64k\n", "write failed").await;
    host.size(1).await.unwrap_err().failed_with("NOT_SUPPORTED");
    // What is mapped still is still there, and so are the bytes.
    host.io(2, &["read -P 0 0 64k"]).await.fine();
    let bytes = std::fs::read(array.file("v").await).unwrap();
    assert_eq!((bytes[0], bytes[65535], bytes[65536]), (1, 1, 0));
    array.map("v", "a", 1).await;
    host.io(1, &["read -P 1 0 64k"]).await.fine();
}
