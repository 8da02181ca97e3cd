//! Files of the real qemu-img.

use std::path::Path;
use std::process::Command;

use cinder_volume_xtremio::image::inspect::{Format, InspectError, Inspected, inspect};

use super::cases::guessed;
use super::oracle::{Oracle, objection};

const SIZE: u64 = 3 << 20;

fn qemu_img(args: &[&str]) {
    let output = Command::new("qemu-img").args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
}

/// Converts a disk that is not empty.
fn convert(dir: &Path, format: &str, options: &str) -> std::path::PathBuf {
    let (from, to) = (dir.join("disk"), dir.join("image"));
    if !from.exists() {
        let bytes: Vec<u8> = (0..SIZE).map(|at| (at % 251) as u8).collect();
        std::fs::write(&from, bytes).unwrap();
    }
    let (from, path) = (from.to_str().unwrap(), to.to_str().unwrap());
    let mut args = vec!["convert", "-q", "-O", format];
    if options == "-c" {
        args.push("-c");
    } else if !options.is_empty() {
        args.extend(["-o", options]);
    }
    args.extend([from, path]);
    qemu_img(&args);
    to
}

fn look(path: &Path) -> Result<Inspected, InspectError> {
    inspect(std::fs::File::open(path).unwrap())
}

#[test]
fn each_format_is_taken_by_all() {
    let dir = tempfile::tempdir().unwrap();
    let mut oracle = Oracle::start();
    for (format, options, expected) in [
        ("raw", "", Format::Raw),
        ("qcow2", "", Format::Qcow2),
        ("qcow2", "-c", Format::Qcow2),
        ("qcow2", "compat=0.10", Format::Qcow2),
        ("qcow2", "compression_type=zstd", Format::Qcow2),
        ("qcow2", "cluster_size=512", Format::Qcow2),
        ("qcow2", "lazy_refcounts=on", Format::Qcow2),
        ("vmdk", "", Format::Vmdk),
        ("vmdk", "subformat=streamOptimized", Format::Vmdk),
        ("vpc", "force_size=on", Format::Vhd),
        ("vhdx", "", Format::Vhdx),
        ("vhdx", "subformat=fixed", Format::Vhdx),
        ("vdi", "", Format::Vdi),
        ("vdi", "static=on", Format::Vdi),
        ("parallels", "", Format::Raw),
    ] {
        let what = format!("{format} {options}");
        let path = convert(dir.path(), format, options);
        let found = look(&path).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(found.format, expected, "{what}");
        if format != "parallels" {
            assert_eq!(found.virtual_size, SIZE, "{what}");
            assert_eq!(
                guessed(&path).as_deref(),
                Some(found.format.qemu_driver()),
                "{what}"
            );
        }
        let answer = oracle.ask(&std::fs::read(&path).unwrap());
        assert_eq!(objection(found, &answer), None, "{what}");
    }
}

#[test]
fn what_leads_elsewhere_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    let at = image.to_str().unwrap();
    let data = format!(
        "data_file={},data_file_raw=on",
        dir.path().join("data").display()
    );
    convert(dir.path(), "raw", "");
    let disk = dir.path().join("disk");
    let disk = disk.to_str().unwrap();
    let over = ["-b", disk, "-F", "raw"];
    let cases: [(&str, &[&str], &str); 8] = [
        ("qcow2", &over, "it has a backing file"),
        (
            "qcow2",
            &["-o", "compat=0.10", "-b", disk, "-F", "raw"],
            "it has a backing file",
        ),
        ("qcow2", &["-o", &data, "1M"], "it has a data file"),
        (
            "qcow2",
            &["-o", "extended_l2=on", "1M"],
            "it has unknown features",
        ),
        ("qed", &["1M"], "the format is not allowed"),
        (
            "vmdk",
            &["-o", "subformat=monolithicFlat", "1M"],
            "its data are in other files",
        ),
        (
            "vmdk",
            &["-o", "subformat=twoGbMaxExtentSparse", "1M"],
            "its data are in other files",
        ),
        ("qcow", &["1M"], "its version is not 2 or 3"),
    ];
    for (format, args, why) in cases {
        let _ = std::fs::remove_file(&image);
        let mut all = vec!["create", "-q", "-f", format];
        let (options, size): (Vec<&str>, Vec<&str>) = args.iter().partition(|a| **a != "1M");
        all.extend(options);
        all.push(at);
        all.extend(size);
        qemu_img(&all);
        let error = look(&image).unwrap_err().to_string();
        assert!(error.contains(why), "{format} {args:?}: {error}");
    }
    // a VMDK over another
    let (base, child) = (dir.path().join("base"), dir.path().join("child"));
    let (base, child) = (base.to_str().unwrap(), child.to_str().unwrap());
    qemu_img(&["create", "-q", "-f", "vmdk", base, "1M"]);
    qemu_img(&[
        "create", "-q", "-f", "vmdk", "-b", base, "-F", "vmdk", child,
    ]);
    let error = look(Path::new(child)).unwrap_err().to_string();
    assert!(error.contains("it names a parent disk"), "{error}");
}

#[test]
fn luks_is_copied_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "a secret").unwrap();
    let object = format!("secret,id=s,file={}", secret.display());
    let at = image.to_str().unwrap();
    let of_luks = ["-o", "key-secret=s,iter-time=10", at, "1M"];
    let of_qcow2 = [
        "-o",
        "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10",
        at,
        "1M",
    ];
    for (format, rest, expected) in [
        ("luks", of_luks, Format::Luks),
        ("qcow2", of_qcow2, Format::Qcow2),
    ] {
        let mut args = vec!["create", "-q", "-f", format, "--object", &object];
        args.extend(rest);
        qemu_img(&args);
        let found = look(&image).unwrap();
        assert_eq!(found.format, expected);
        if format == "luks" {
            let size = std::fs::metadata(&image).unwrap().len();
            assert_eq!(found.virtual_size, size);
        }
        let answer = Oracle::start().ask(&std::fs::read(&image).unwrap());
        assert_eq!(objection(found, &answer), None);
        std::fs::remove_file(&image).unwrap();
    }
}
