//! Options of image files and of their copies.

use std::path::Path;

use super::{BASE, Files, base_and, faults};

#[test]
fn defaults_are_those_of_cinder() {
    let config = Files::with(BASE).load().unwrap().config;
    let image = &config.image;
    assert_eq!(
        image.conversion_dir,
        Path::new("/var/lib/cinder/conversion")
    );
    assert_eq!(image.introspection_cpu_limit.as_secs(), 60);
    assert_eq!(image.introspection_address_space_limit, 1 << 30);
    assert_eq!(
        (
            image.conversion_disable,
            image.compress_on_upload,
            image.allow_compressed_container,
            image.compression_format,
        ),
        (false, true, false, "gzip")
    );
    assert_eq!(
        image.vmdk_allowed_types,
        ["streamOptimized", "monolithicSparse"]
    );
    let backend = &config.backends[0];
    assert_eq!(
        (
            backend.volume_copy_bps_limit,
            backend.image_copy_stall_timeout.as_secs()
        ),
        (0, 300)
    );
}

#[test]
fn set_options_are_read() {
    let text = "[DEFAULT]
state_path = /srv/cinder
image_conversion_dir = $state_path/images
image_introspection_cpu_limit = 0
image_introspection_address_space_limit = 2
image_conversion_disable = true
image_compress_on_upload = false
allow_compression_on_image_upload = true
vmdk_allowed_types =
[xio]
volume_copy_bps_limit = 1048576
image_copy_stall_timeout = 20";
    let config = base_and(text).unwrap().config;
    let image = &config.image;
    assert_eq!(image.conversion_dir, Path::new("/srv/cinder/images"));
    assert_eq!(image.introspection_cpu_limit.as_secs(), 0);
    assert_eq!(image.introspection_address_space_limit, 2 << 30);
    assert!(image.conversion_disable && image.allow_compressed_container);
    assert!(!image.compress_on_upload);
    assert!(image.vmdk_allowed_types.is_empty());
    let backend = &config.backends[0];
    assert_eq!(
        (
            backend.volume_copy_bps_limit,
            backend.image_copy_stall_timeout.as_secs()
        ),
        (1 << 20, 20)
    );
}

#[test]
fn the_conversion_dir_follows_the_state_path() {
    let config = base_and("[DEFAULT]\nstate_path = /srv/c").unwrap().config;
    assert_eq!(config.image.conversion_dir, Path::new("/srv/c/conversion"));
}

#[test]
fn limits_have_old_names() {
    let text = "[DEFAULT]
image_conversion_cpu_limit = 7
image_conversion_address_space_limit = 3";
    let image = base_and(text).unwrap().config.image;
    assert_eq!(image.introspection_cpu_limit.as_secs(), 7);
    assert_eq!(image.introspection_address_space_limit, 3 << 30);
}

#[test]
fn the_copy_limit_of_the_service_stands_in() {
    let limit = |text: &str| base_and(text).unwrap().config.backends[0].volume_copy_bps_limit;
    assert_eq!(limit("[DEFAULT]\nvolume_copy_bps_limit = 5"), 5);
    assert_eq!(
        limit(
            "[DEFAULT]\nvolume_copy_bps_limit = 5\n[backend_defaults]\nvolume_copy_bps_limit = 6"
        ),
        6
    );
    assert_eq!(
        limit("[DEFAULT]\nvolume_copy_bps_limit = 5\n[xio]\nvolume_copy_bps_limit = 0"),
        5
    );
}

#[test]
fn what_cannot_be_is_a_fault() {
    let found = faults(base_and(
        "[DEFAULT]
image_conversion_disable = perhaps
image_introspection_cpu_limit = -1
compression_format = zstd
[xio]
volume_copy_bps_limit = many
image_copy_stall_timeout = 0",
    ));
    assert_eq!(
        found,
        [
            "[DEFAULT] image_introspection_cpu_limit: \"-1\" is not allowed",
            "[DEFAULT] image_conversion_disable: \"perhaps\" is not a boolean",
            "[DEFAULT] compression_format: \"zstd\" is not allowed",
            "[xio] volume_copy_bps_limit: \"many\" is not allowed",
            "[xio] image_copy_stall_timeout: \"0\" is not allowed",
        ]
    );
}
