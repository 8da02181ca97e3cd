//! Backend sections, `[backend_defaults]`, and the sample file.

use cinder_volume_xtremio::config::{LoadArgs, LockBackend, OverSubscription, Protocol, load};
use secrecy::ExposeSecret as _;

use super::{BASE, Files, base_and, faults};

#[test]
fn every_historical_class_path_selects_a_protocol() {
    let rows = [
        (
            "cinder.volume.drivers.emc.xtremio.XtremIOISCSIDriver",
            Protocol::Iscsi,
        ),
        (
            "cinder.volume.drivers.dell_emc.xtremio.XtremIOISCSIDriver",
            Protocol::Iscsi,
        ),
        (
            "cinder.volume.drivers.emc.xtremio.XtremIOFibreChannelDriver",
            Protocol::FibreChannel,
        ),
        (
            "cinder.volume.drivers.dell_emc.xtremio.XtremIOFibreChannelDriver",
            Protocol::FibreChannel,
        ),
        (
            "cinder.volume.drivers.dell_emc.xtremio.XtremIOFCDriver",
            Protocol::FibreChannel,
        ),
    ];
    for (path, protocol) in rows {
        let loaded = base_and(&format!("[xio]\nvolume_driver = {path}")).unwrap();
        assert_eq!(loaded.config.backends[0].protocol, protocol, "{path}");
    }
    for other in [
        "cinder.volume.drivers.dell_emc.xtremio.XtremIOVolumeDriver",
        "xtremio.XtremIOFCDriver",
        "lvm",
    ] {
        let found = faults(base_and(&format!("[xio]\nvolume_driver = {other}")));
        assert_eq!(
            found,
            ["[DEFAULT] enabled_backends: names no section with an XtremIO volume_driver"],
            "{other}"
        );
    }
}

#[test]
fn defaults_are_those_of_the_python_driver() {
    let loaded = Files::with(BASE).load().unwrap();
    let backend = &loaded.config.backends[0];
    assert_eq!(
        (backend.name.as_str(), backend.host.as_str()),
        ("xio", "ctl1@xio")
    );
    assert_eq!(
        (
            backend.san_ip.as_str(),
            backend.san_api_port,
            backend.san_login.as_str()
        ),
        ("xms", 443, "admin")
    );
    assert_eq!(backend.san_password.expose_secret(), "sansecret");
    assert_eq!(
        (
            backend.busy_retry_count,
            backend.busy_retry_interval.as_secs()
        ),
        (5, 5)
    );
    assert_eq!(
        (backend.volumes_per_glance_cache, backend.clean_unused_ig),
        (100, false)
    );
    assert_eq!(
        backend.max_over_subscription_ratio,
        OverSubscription::Ratio(20.0)
    );
    assert_eq!(
        (
            backend.reserved_percentage,
            backend.thin_provision,
            backend.use_chap_auth
        ),
        (0, true, false)
    );
    assert_eq!(
        (backend.ssl_verify, &backend.ssl_ca, &backend.cluster_name),
        (false, &None, &None)
    );
    assert_eq!(
        (backend.xms_call_timeout.as_secs(), backend.xms_concurrency),
        (30, 32)
    );
    assert_eq!(backend.availability_zone, "nova");
    assert_eq!(backend.volume_backend_name, None);
    assert!(
        loaded
            .warnings
            .iter()
            .any(|w| w.contains("[xio] driver_ssl_cert_verify is off"))
    );
}

#[test]
fn sections_override_backend_defaults() {
    let loaded = base_and(
        "[backend_defaults]\nsan_login = shared\nreserved_percentage = 7\nxtremio_ports = a,b\nbackend_host = no\n\
         backend_availability_zone = az\nmax_over_subscription_ratio = auto\nxtremio_cluster_name = x1\n\
         [xio]\nreserved_percentage = 9\nbackend_host = array\nxtremio_cluster_name =",
    )
    .unwrap();
    let backend = &loaded.config.backends[0];
    assert_eq!(
        (backend.san_login.as_str(), backend.reserved_percentage),
        ("shared", 9)
    );
    assert_eq!(backend.ports, ["a", "b"]);
    assert_eq!(backend.host, "array@xio");
    assert_eq!(backend.availability_zone, "az");
    assert_eq!(backend.max_over_subscription_ratio, OverSubscription::Auto);
    assert_eq!(backend.cluster_name, None);
}

#[test]
fn foreign_sections_are_left_alone_with_a_warning() {
    let loaded = base_and(
        "[DEFAULT]\nenabled_backends = lvm1, xio, plain\n[lvm1]\nvolume_driver = cinder.volume.drivers.lvm.LVMVolumeDriver\n\
         san_api_port = nonsense\n[plain]\nx = 1",
    )
    .unwrap();
    assert_eq!(loaded.config.backends.len(), 1);
    for name in ["lvm1", "plain"] {
        let start = format!(
            "[{name}] is left alone: its volume_driver cinder.volume.drivers.lvm.LVMVolumeDriver"
        );
        assert!(
            loaded.warnings.iter().any(|w| w.starts_with(&start)),
            "{:?}",
            loaded.warnings
        );
    }
}

#[test]
fn unusable_sections_are_faults() {
    let rows = [
        (
            "[DEFAULT]\nenabled_backends =",
            "[DEFAULT] enabled_backends: names no section",
        ),
        (
            "[DEFAULT]\nenabled_backends = xio,gone",
            "[DEFAULT] enabled_backends: names \"gone\", but there is no section [gone]",
        ),
        (
            "[DEFAULT]\nenabled_backends = xio,XIO",
            "[DEFAULT] enabled_backends: names \"XIO\" more than once",
        ),
        ("[xio]\nsan_ip =", "[xio] san_ip: is not set"),
        (
            "[xio]\nsan_ip = https://xms/",
            "[xio] san_ip: is not an address",
        ),
        (
            "[xio]\nsan_ip = xms:99999",
            "[xio] san_ip: is not an address",
        ),
        ("[xio]\nsan_password =", "[xio] san_password: is not set"),
        (
            "[xio]\nsan_api_port = 44x",
            "[xio] san_api_port: \"44x\" is not allowed",
        ),
        (
            "[xio]\nreserved_percentage = 101",
            "[xio] reserved_percentage: \"101\" is not allowed",
        ),
        (
            "[xio]\nmax_over_subscription_ratio = 0.5",
            "[xio] max_over_subscription_ratio: \"0.5\" is not allowed",
        ),
        (
            "[xio]\nmax_over_subscription_ratio = 1e2",
            "[xio] max_over_subscription_ratio: \"1e2\" is not allowed",
        ),
        (
            "[backend_defaults]\nzoning_mode = Fabric",
            "[backend_defaults] zoning_mode: \"fabric\" is not supported",
        ),
        (
            "[xio]\nreplication_device = a:1,san_password:s3cr3t",
            "[xio] replication_device: replication is not supported",
        ),
        (
            "[xio]\nuse_chap_auth = maybe",
            "[xio] use_chap_auth: \"maybe\" is not a boolean",
        ),
    ];
    for (text, fault) in rows {
        let result = base_and(text);
        assert!(!format!("{result:?}").contains("s3cr3t"), "{text}");
        assert_eq!(faults(result), [fault], "{text}");
    }
    let found = faults(base_and("[xio]\nextra_capabilities = [1]"));
    assert!(
        found[0].starts_with("[xio] extra_capabilities: is not a JSON object"),
        "{found:?}"
    );
    let found = faults(base_and(
        "[xio]\ndriver_ssl_cert_verify = on\ndriver_ssl_cert_path = /no/ca",
    ));
    assert!(
        found[0].starts_with("[xio] driver_ssl_cert_path: /no/ca cannot be read"),
        "{found:?}"
    );
}

#[test]
fn san_ip_takes_ports_and_ipv6() {
    for address in ["xms:8443", "10.0.0.1", "[::1]:443", "[fe80::1]", "fe80::1"] {
        let loaded = base_and(&format!("[xio]\nsan_ip = {address}")).unwrap();
        assert_eq!(loaded.config.backends[0].san_ip, address);
    }
}

#[test]
fn the_sample_file_loads_as_its_comments_say() {
    let args = LoadArgs {
        config_files: vec!["config/cinder-volume-xtremio.sample.conf".into()],
        ..LoadArgs::default()
    };
    let loaded = load(&args, &|_| None).unwrap_or_else(|error| panic!("{error}"));
    let config = &loaded.config;
    let backends: Vec<_> = config
        .backends
        .iter()
        .map(|b| (b.host.as_str(), b.protocol))
        .collect();
    let expected = [
        ("ctl1@xtremio-iscsi", Protocol::Iscsi),
        ("ctl1@xtremio-fc", Protocol::FibreChannel),
    ];
    assert_eq!(backends, expected);
    assert_eq!(config.messaging.url.hosts.len(), 2);
    assert!(config.backends[1].clean_unused_ig);
    assert_eq!(config.backends[0].reserved_percentage, 5);
    let expected = "certificate is not checked";
    assert!(
        loaded.warnings.iter().all(|w| w.contains(expected)),
        "{:?}",
        loaded.warnings
    );
}

/// A file as a deployment tool writes it: many services' options, foreign backends, secrets.
#[test]
fn the_file_of_a_deployment_tool_loads_unchanged() {
    let args = LoadArgs {
        config_files: vec!["tests/data/config/kolla-like.conf".into()],
        ..LoadArgs::default()
    };
    let loaded = load(&args, &|_| None).unwrap_or_else(|error| panic!("{error}"));
    let config = &loaded.config;
    assert_eq!(config.backends.len(), 1);
    let backend = &config.backends[0];
    assert_eq!(
        (backend.name.as_str(), backend.san_login.as_str()),
        ("xtremio1", "cinder")
    );
    assert_eq!(backend.san_password.expose_secret(), "Xms-S3cret$5");
    assert_eq!(
        backend.filter_function.as_deref(),
        Some("volume.size < 1000")
    );
    assert_eq!(
        (
            config.messaging.url.hosts.len(),
            config.messaging.url.vhost.as_str()
        ),
        (3, "/")
    );
    assert!(config.messaging.quorum_queue && config.messaging.use_queue_manager);
    assert_eq!(
        config.notifications.topics,
        ["notifications", "cinder_events"]
    );
    assert_eq!(
        config.coordination.backend,
        LockBackend::Foreign("redis".into())
    );
    assert_eq!(config.database.max_connections, 51);
    let log_file = config
        .logging
        .log_file
        .as_deref()
        .and_then(|path| path.to_str());
    assert_eq!(log_file, Some("/var/log/kolla/cinder/cinder-volume.log"));
    assert_eq!(config.logging.default_log_levels.len(), 10);
    assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);
    let shown = format!("{loaded:?}\n{}\n{:?}", loaded.describe(), loaded.warnings);
    assert!(!shown.contains("S3cret"), "{shown}");
}

#[test]
fn a_shared_value_is_one_fault_for_all_sections() {
    let section = "volume_driver = cinder.volume.drivers.dell_emc.xtremio.XtremIOFCDriver\nsan_ip = x\nsan_password = y\n";
    let found = faults(base_and(&format!(
        "[DEFAULT]\nenabled_backends = xio,b,c\n[b]\n{section}[c]\n{section}reserved_percentage = 200\n\
         [backend_defaults]\nreserved_percentage = 101\n"
    )));
    assert_eq!(
        found,
        [
            "[backend_defaults] reserved_percentage: \"101\" is not allowed",
            "[c] reserved_percentage: \"200\" is not allowed",
        ]
    );
}
