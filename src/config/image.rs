//! `[DEFAULT]`: how image files are inspected and converted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::option::Opt;
use super::reader::Reader;

/// Bytes in one GiB, the unit of the memory limit.
const GIB: u64 = 1 << 30;

/// Options of `[DEFAULT]` that concern image files.
#[derive(Debug, Clone)]
pub struct ImageOptions {
    /// `image_conversion_dir` (default `$state_path/conversion`): where downloads and conversions
    /// lie while they are worked on.
    pub conversion_dir: PathBuf,
    /// `image_introspection_cpu_limit` (default 60 s; old name `image_conversion_cpu_limit`; 0 is
    /// none): processor time of one `qemu-img info`.
    pub introspection_cpu_limit: Duration,
    /// `image_introspection_address_space_limit` (default 1 GiB, set in GiB; old name
    /// `image_conversion_address_space_limit`; 0 is none): memory of one `qemu-img info`, bytes.
    pub introspection_address_space_limit: u64,
    /// `image_conversion_disable` (default false): only raw images are taken and made.
    pub conversion_disable: bool,
    /// `image_compress_on_upload` (default true): qcow2 images that are uploaded are compressed.
    pub compress_on_upload: bool,
    /// `vmdk_allowed_types` (default `streamOptimized,monolithicSparse`): values of `createType`
    /// that are taken; none refuses all VMDK images.
    pub vmdk_allowed_types: Vec<String>,
    /// `allow_compression_on_image_upload` (default false): images in a `compressed` container
    /// are taken.
    pub allow_compressed_container: bool,
    /// `compression_format` (default and only choice `gzip`): of that container.
    pub compression_format: &'static str,
}

/// Reads the options of image files.
pub(super) fn read(r: &mut Reader<'_>, state_path: &Path) -> ImageOptions {
    let opt = Opt::default;
    let cpu =
        opt("image_introspection_cpu_limit").old(&[("DEFAULT", "image_conversion_cpu_limit")]);
    let space = opt("image_introspection_address_space_limit")
        .old(&[("DEFAULT", "image_conversion_address_space_limit")]);
    let vmdk = r.list(&opt("vmdk_allowed_types"));
    ImageOptions {
        conversion_dir: r
            .filled(&opt("image_conversion_dir"))
            .map_or_else(|| state_path.join("conversion"), |(dir, _)| dir.into()),
        introspection_cpu_limit: r.seconds(&cpu, 60, 0),
        introspection_address_space_limit: r.number::<u64>(&space, 1, 0..=1 << 20) * GIB,
        conversion_disable: r.boolean(&opt("image_conversion_disable"), false),
        compress_on_upload: r.boolean(&opt("image_compress_on_upload"), true),
        vmdk_allowed_types: vmdk.map_or_else(
            || vec!["streamOptimized".to_owned(), "monolithicSparse".to_owned()],
            |(types, _)| types.into_iter().filter(|t| !t.is_empty()).collect(),
        ),
        allow_compressed_container: r.boolean(&opt("allow_compression_on_image_upload"), false),
        compression_format: r.choice(&opt("compression_format"), &["gzip"], "gzip", false),
    }
}
