//! All faults at once, each with its place, and no secret.

use std::path::Path;

use cinder_volume_xtremio::config::LockBackend;

use super::{BASE, Files, base_and, faults};

#[test]
fn all_faults_come_together_with_their_places() {
    let mut files = Files::new();
    let main = files.named(
        "cinder.conf",
        "[DEFAULT]\n\
         transport_url = kafka://u:mqsecret@h/\n\
         report_interval = soon\n\
         nonsense\n\
         debug = perhaps\n\
         enabled_backends = xio\n\
         volume_name_template = vol\n\
         [xio]\n\
         volume_driver = cinder.volume.drivers.dell_emc.xtremio.XtremIOFCDriver\n\
         san_api_port = 0\n\
         san_password = a${nosuch}sansecret\n",
    );
    files
        .env
        .insert("OS_XIO__RESERVED_PERCENTAGE".into(), "-1".into());
    files.args.config_files.push("/no/such/file.conf".into());
    files.args.config_dirs.push("/no/such/dir".into());
    let error = files.load().unwrap_err();
    let text = error.to_string();
    let main = main.display();
    let expected = [
        "/no/such/dir: cannot be read as a directory".to_owned(),
        format!("{main}:4: neither ':' nor '=' in the assignment; allowed: [section], key = value"),
        "/no/such/file.conf: cannot be read".to_owned(),
        format!("{main}:3: [DEFAULT] report_interval: \"soon\" is not allowed; allowed: a whole number from 1 to "),
        format!("{main}:7: [DEFAULT] volume_name_template: \"vol\" is not allowed; allowed: a text with %s exactly once"),
        format!("{main}:2: [DEFAULT] transport_url: names another driver than rabbit; allowed: rabbit://"),
        "[database] connection: is not set; allowed: ".to_owned(),
        format!("{main}:5: [DEFAULT] debug: \"perhaps\" is not a boolean; allowed: true, false"),
        "[xio] san_ip: is not set; allowed: ".to_owned(),
        format!("{main}:10: [xio] san_api_port: \"0\" is not allowed; allowed: a whole number from 1 to 65535"),
        format!("{main}:11: [xio] san_password: holds a `$` reference that names no option set here"),
        "[xio] reserved_percentage: \"-1\" is not allowed (from the environment variable OS_XIO__RESERVED_PERCENTAGE)".to_owned(),
    ];
    let lines: Vec<&str> = text.lines().collect();
    for start in &expected {
        assert!(
            lines.iter().any(|line| line.starts_with(start)),
            "{start}\nnot in\n{text}"
        );
    }
    assert_eq!(lines.len(), expected.len(), "{text}");
    for secret in ["mqsecret", "sansecret", "nosuch"] {
        assert!(!text.contains(secret), "{text}");
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}

#[test]
fn a_bad_reference_is_one_fault_not_two() {
    for (section, key) in [
        ("DEFAULT", "enabled_backends"),
        ("xio", "san_ip"),
        ("xio", "san_password"),
        ("database", "connection"),
        ("DEFAULT", "transport_url"),
    ] {
        let found = faults(base_and(&format!("[{section}]\n{key} = x$nosuch")));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("[{section}] {key}: ")),
            "{found:?}"
        );
    }
}

#[test]
fn a_value_that_refers_to_a_secret_is_not_quoted() {
    let found = faults(base_and(
        "[DEFAULT]\nreport_interval = $xio.san_password\nvolume_name_template = ${database.connection}\n\
         [backend_defaults]\nextra_capabilities = $san_password\nmax_over_subscription_ratio = ${xio.san_password}",
    ));
    assert_eq!(found.len(), 4, "{found:?}");
    let hidden = "the value, which refers to a secret, is not allowed";
    assert!(
        found.iter().filter(|fault| fault.ends_with(hidden)).count() >= 3,
        "{found:?}"
    );
    assert!(
        !found
            .iter()
            .any(|fault| fault.contains("sansecret") || fault.contains("dbsecret")),
        "{found:?}"
    );
}

#[test]
fn values_out_of_range_are_faults() {
    let rows = [
        ("report_interval", "0"),
        ("backend_stats_polling_interval", "2"),
        ("executor_thread_pool_size", "0"),
        ("rpc_response_timeout", "-5"),
        ("cinder_release", "20"),
        ("cinder_release", "30"),
        ("quota_volumes", "-2"),
        ("graceful_shutdown_timeout", "99999999999999999999"),
        ("volume_name_template", "%s-%s"),
        ("metrics_listen", "9745"),
        ("metrics_listen", "controller:9745"),
    ];
    for (key, value) in rows {
        let found = faults(base_and(&format!("[DEFAULT]\n{key} = {value}")));
        assert_eq!(
            found,
            [format!("[DEFAULT] {key}: {value:?} is not allowed")]
        );
    }
}

#[test]
fn unknown_options_and_sections_are_accepted() {
    let loaded = base_and(
        "[DEFAULT]\nosapi_volume_workers = x\n[keystone_authtoken]\npassword = $nope\n[nova]\na: b",
    );
    assert!(loaded.is_ok(), "{loaded:?}");
}

#[test]
fn a_reference_to_nothing_is_a_fault_only_where_it_is_read() {
    let found = faults(base_and(
        "[DEFAULT]\nhost = $nothing\nunread = $nothing\nstate_path = $state_path",
    ));
    assert_eq!(
        found,
        [
            "[DEFAULT] host: `$nothing` names no option set here, or refers to itself",
            "[DEFAULT] state_path: `$state_path` names no option set here, or refers to itself",
        ]
    );
}

#[test]
fn service_options_keep_cinders_meaning() {
    let loaded =
        base_and(
        "[DEFAULT]\nreport_interval = 30\nservice_down_time = 30\ncinder_release = 24\nmetrics_listen = [::1]:9745",
    )
    .unwrap();
    let service = &loaded.config.service;
    assert_eq!(service.host, "ctl1");
    assert_eq!(service.service_down_time.as_secs(), 75);
    assert_eq!(service.cinder_release, Some(24));
    assert_eq!(service.metrics_listen, "[::1]:9745".parse().ok());
    assert!(
        loaded
            .warnings
            .iter()
            .any(|w| w.contains("service_down_time must be above"))
    );
    let node = Files::with(&BASE.replace("host = ctl1\n", ""))
        .load()
        .unwrap()
        .config
        .service
        .host;
    assert_eq!(node, nix::unistd::gethostname().unwrap().to_str().unwrap());
    let unset = base_and("[DEFAULT]\ncluster =").unwrap();
    assert_eq!(unset.config.service.cluster, None);
    let refused = base_and("[DEFAULT]\ncluster =  c1 ")
        .unwrap_err()
        .to_string();
    assert!(refused.contains("clusters are not supported"), "{refused}");
}

#[test]
fn coordination_urls() {
    let backend = |text: &str| base_and(text).unwrap().config.coordination.backend;
    assert_eq!(backend(""), LockBackend::File("/var/lib/cinder".into()));
    assert_eq!(
        backend("[DEFAULT]\nstate_path = /s\n[coordination]\nbackend_url = file://$state_path/l"),
        LockBackend::File("/s/l".into())
    );
    // The folder is what tooz makes of the URL.
    for url in ["file:///s/l?timeout=5", "FILE:///s/l", "file:///s/l#f"] {
        let found = backend(&format!("[coordination]\nbackend_url = {url}"));
        assert_eq!(found.folder(), Some(Path::new("/s/l")), "{url}");
    }
    let etcd = backend("[coordination]\nbackend_url = etcd3+http://e:2379");
    assert_eq!(etcd.folder(), None);
    assert_eq!(
        backend("[coordination]\nbackend_url = etcd3+http://u:p@e:2379"),
        LockBackend::Foreign("etcd3+http".into())
    );
    for bad in ["nowhere", "file://relative"] {
        let found = faults(base_and(&format!("[coordination]\nbackend_url = {bad}")));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("[coordination] backend_url"),
            "{found:?}"
        );
    }
}
