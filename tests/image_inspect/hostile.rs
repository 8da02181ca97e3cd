//! The hostile images, on the way that every image goes: each is refused in Cinder's words, and
//! nothing of it is left.
//!
//! `CVX_HOSTILE_DIR=/a/folder cargo test --test it image_inspect::hostile` leaves the files there
//! for other tests, with an `index.json` of what they claim and what is to be said of them.

use std::path::Path;

use cinder_volume_xtremio::image::{Copier, ImageError, ImageFacts, Prepared, Progress};
use tokio::io::AsyncWriteExt as _;

use super::look;
use crate::config::base_and;
use crate::support::hostile::{UNSAFE, images, write};

const IMAGE: &str = "0d1e8c5e-6f0e-4f2c-b0a5-1b6f2c9f1a2b";
const SECRET: &str = "nobody may read this";

async fn prepared(
    copier: &Copier,
    bytes: &[u8],
    disk_format: &str,
) -> Result<Prepared, ImageError> {
    let image = ImageFacts {
        id: IMAGE.to_owned(),
        disk_format: disk_format.to_owned(),
        container_format: "bare".to_owned(),
        ..ImageFacts::default()
    };
    let file = copier.admit(&image, 1).await.unwrap();
    let mut writer = file.writer().await.unwrap();
    writer.write_all(bytes).await.unwrap();
    writer.flush().await.unwrap();
    copier.prepare(file, &image, 1, &Progress::new()).await
}

fn copier(dir: &Path) -> Copier {
    let text = format!(
        "[DEFAULT]\nimage_conversion_dir = {}\n[xio]\n",
        dir.display()
    );
    let config = base_and(&text).unwrap().config;
    Copier::new(&config.image, &config.backends[0])
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_refused_with_its_message() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("files");
    let folder = std::env::var_os("CVX_HOSTILE_DIR").map_or(own, Into::into);
    std::fs::create_dir_all(&folder).unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    let copier = copier(&dir.path().join("conversion"));
    let written = write(&folder, secret.to_str().unwrap());
    assert!(written.len() > 30, "{}", written.len());
    for one in written {
        let bytes = std::fs::read(&one.path).unwrap();
        let image = one.image;
        let error = prepared(&copier, &bytes, image.disk_format).await;
        let error = error.expect_err(image.name);
        assert_eq!(error.to_string(), image.message(IMAGE), "{}", image.name);
        assert!(!error.to_string().contains(SECRET));
        let left = std::fs::read_dir(copier.work().path()).unwrap().count();
        assert_eq!(left, 0, "{} left a file", image.name);
    }
}

#[test]
fn the_unsafe_are_refused_before_anyone_else_opens_them() {
    for image in images("/etc/passwd") {
        // of the others it takes both to see that they are not what they claim
        let inspected = look(&image.bytes);
        assert_eq!(inspected.is_err(), image.reason == UNSAFE, "{}", image.name);
    }
}
