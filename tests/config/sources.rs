//! Which source wins, and what is said about where a value came from.

use cinder_volume_xtremio::config::{ConfigError, NotificationDriver, reload_mutable};
use secrecy::ExposeSecret as _;

use super::{BASE, Files, base_and};

#[test]
fn command_line_before_environment_before_later_files() {
    let mut files = Files::with(BASE);
    files.named(
        "a.conf",
        "[DEFAULT]\nstate_path = /file-a\n[xio]\nsan_login = a",
    );
    files.named("b.conf", "[XIO]\nsan_login = b");
    let loaded = files.load().unwrap();
    assert_eq!(loaded.config.backends[0].san_login, "b");
    assert_eq!(loaded.config.service.state_path.to_str(), Some("/file-a"));

    files.env.insert("OS_XIO__SAN_LOGIN".into(), "env".into());
    files
        .env
        .insert("OS_DEFAULT__STATE_PATH".into(), "/env".into());
    let loaded = files.load().unwrap();
    assert_eq!(loaded.config.backends[0].san_login, "env");
    assert_eq!(loaded.config.service.state_path.to_str(), Some("/env"));

    files
        .args
        .overrides
        .insert("state_path".into(), "/flag".into());
    let loaded = files.load().unwrap();
    assert_eq!(loaded.config.service.state_path.to_str(), Some("/flag"));
}

#[test]
fn config_dirs_are_sorted_and_win_over_files() {
    let mut files = Files::with(BASE);
    files.write("d/20.conf", "[DEFAULT]\nstorage_availability_zone = twenty");
    files.write(
        "d/10.conf",
        "[DEFAULT]\nstorage_availability_zone = ten\ncontrol_exchange = ten",
    );
    files.write("d/30.txt", "[DEFAULT]\nstorage_availability_zone = no");
    files.write(
        "d/.40.conf",
        "[DEFAULT]\nstorage_availability_zone = hidden",
    );
    files.args.config_dirs = vec![files.path().join("d")];
    let config = files.load().unwrap().config;
    assert_eq!(config.service.storage_availability_zone, "twenty");
    assert_eq!(config.messaging.control_exchange, "ten");
}

#[test]
fn default_files_are_searched_from_home_on() {
    let mut files = Files::new();
    files
        .env
        .insert("HOME".into(), files.path().to_str().unwrap().into());
    files.write(".cinder/cinder.conf", BASE);
    files.write("cinder.conf", "not read: the first directory wins");
    files.write(
        "cinder-volume.conf",
        "[DEFAULT]\nstorage_availability_zone = prog",
    );
    files.write(
        ".cinder/cinder.conf.d/x.conf",
        "[DEFAULT]\ncontrol_exchange = dropin",
    );
    let loaded = files.load().unwrap();
    assert_eq!(loaded.config.service.storage_availability_zone, "prog");
    assert_eq!(loaded.config.messaging.control_exchange, "dropin");
    assert_eq!(loaded.describe().files.len(), 3);

    // A file of the command line replaces the default files but not the default directories,
    // and wins over these: what oslo.config does.
    files.named(
        "own.conf",
        &format!("{BASE}[DEFAULT]\ncontrol_exchange = own"),
    );
    let loaded = files.load().unwrap();
    assert_eq!(loaded.config.service.storage_availability_zone, "nova");
    assert_eq!(loaded.config.messaging.control_exchange, "own");
    assert_eq!(loaded.describe().files.len(), 2);
}

#[test]
fn toml_is_read_literally_and_may_follow_an_oslo_file() {
    let mut files = Files::with(BASE);
    files.named(
        "more.toml",
        r#"
[DEFAULT]
debug = true
report_interval = 7
enabled_backends = ["xio", "fc"]

[fc]
volume_driver = "cinder.volume.drivers.dell_emc.xtremio.XtremIOFCDriver"
san_ip = "xms2"
san_password = "a$b${c}"
xtremio_ports = ["58:cc:f0:98:49:22:07:02", "x"]
extra_capabilities = { tier = "gold", level = 3 }
max_over_subscription_ratio = 1.5

[oslo_messaging_notifications]
driver = ["messagingv2", "log"]
"#,
    );
    let config = files.load().unwrap().config;
    assert!(config.logging.debug);
    assert_eq!(config.service.report_interval.as_secs(), 7);
    assert_eq!(config.backends.len(), 2);
    let fc = &config.backends[1];
    assert_eq!(fc.san_password.expose_secret(), "a$b${c}");
    assert_eq!(fc.ports, ["58:cc:f0:98:49:22:07:02", "x"]);
    assert_eq!(
        serde_json::to_string(&fc.extra_capabilities).unwrap(),
        r#"{"level":3,"tier":"gold"}"#
    );
    assert_eq!(
        config.notifications.drivers,
        [NotificationDriver::MessagingV2, NotificationDriver::Log]
    );
}

#[test]
fn toml_faults_name_the_line_and_no_value() {
    let mut files = Files::with(BASE);
    let path = files.named(
        "a.toml",
        "top = 1\n[DEFAULT]\nreport_interval = 2020-01-01\nperiodic_interval = -1\n",
    );
    files.named("b.toml", "[xio]\nsan_password = \"s3cr3t\n");
    let error = files.load().unwrap_err();
    let at = |line| {
        error
            .faults
            .iter()
            .any(|f| f.file.as_ref() == Some(&path) && f.line == Some(line))
    };
    assert!(at(1) && at(3) && at(4), "{error}");
    assert!(
        error
            .faults
            .iter()
            .any(|f| f.file.as_ref().is_some_and(|f| f.ends_with("b.toml"))),
        "{error}"
    );
    assert!(!error.to_string().contains("s3cr3t"), "{error}");
}

#[test]
fn references_reach_other_sections_and_known_defaults() {
    let loaded = base_and(
        "[DEFAULT]\nlog_dir = $state_path/log\nstate_path = /s\nstorage_availability_zone = $xio.san_ip-${host}\n\
         [xio]\nvolume_backend_name = $san_ip\nextra_capabilities = {\"ip\": \"$my_ip\"}",
    )
    .unwrap();
    let config = loaded.config;
    assert_eq!(
        config.logging.log_file.unwrap().to_str(),
        Some("/s/log/cinder-volume.log")
    );
    assert_eq!(config.service.storage_availability_zone, "xms-ctl1");
    let backend = &config.backends[0];
    assert_eq!(backend.volume_backend_name.as_deref(), Some("xms"));
    let ip = backend.extra_capabilities["ip"].as_str().unwrap();
    assert!(ip.parse::<std::net::Ipv4Addr>().is_ok(), "{ip}");
}

#[test]
fn the_description_tells_origins_and_no_secret() {
    let mut files = Files::with(BASE);
    files.env.insert("OS_XIO__SAN_LOGIN".into(), "me".into());
    files.args.overrides.insert("debug".into(), "true".into());
    files.named(
        "more.conf",
        "[DEFAULT]\ntransport_url = rabbit://u:mqsecret@mq/v?ssl=false\nstorage_availability_zone = z$xio.san_password\n\
         [coordination]\nbackend_url = etcd3://u:etcdsecret@e",
    );
    let loaded = files.load().unwrap();
    let text = loaded.describe().to_string();
    let main = files.path().join("cinder.conf");
    assert!(
        text.contains(&format!("[DEFAULT] host = ctl1  # {}:2\n", main.display())),
        "{text}"
    );
    assert!(
        text.contains("[xio] san_login = me  # environment variable OS_XIO__SAN_LOGIN\n"),
        "{text}"
    );
    assert!(
        text.contains("[DEFAULT] debug = true  # command line\n"),
        "{text}"
    );
    assert!(
        text.contains("[oslo_messaging_rabbit] ssl = false  # query of transport_url\n"),
        "{text}"
    );
    assert!(text.contains("[xio] san_password = ***"), "{text}");
    assert!(
        text.contains("[DEFAULT] storage_availability_zone = ***"),
        "{text}"
    );
    let debug = format!("{loaded:?} {:?}", loaded.config);
    for secret in ["dbsecret", "mqsecret", "etcdsecret"] {
        assert!(!text.contains(secret), "{text}");
        assert!(!debug.contains(secret), "{debug}");
    }
    assert!(!text.contains("sansecret"), "{text}");
}

#[test]
fn debug_of_a_configuration_holds_no_secret() {
    let loaded = base_and("[DEFAULT]\ntransport_url = rabbit://u:mqsecret@mq/v").unwrap();
    let debug = format!("{loaded:?}");
    for secret in ["dbsecret", "mqsecret", "sansecret"] {
        assert!(!debug.contains(secret), "{secret}: {debug}");
    }
}

#[test]
fn logging_options_reload_even_when_other_sections_are_broken() {
    let mut files = Files::with(
        "[DEFAULT]\ndebug = yes\ndefault_log_levels = cinder=INFO, amqp=warn\nenabled_backends = gone",
    );
    let env = |_: &str| None;
    let options = reload_mutable(&files.args, &env).unwrap();
    assert!(options.debug);
    let levels = [
        ("cinder".to_owned(), "INFO".to_owned()),
        ("amqp".to_owned(), "WARN".to_owned()),
    ];
    assert_eq!(options.default_log_levels, levels);

    files.named(
        "bad.conf",
        "[DEFAULT]\ndefault_log_levels = cinder=LOUD\nsyslog_log_facility = LOG_NOWHERE",
    );
    let ConfigError { faults } = reload_mutable(&files.args, &env).unwrap_err();
    let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(keys, ["syslog_log_facility", "default_log_levels"]);
}

#[test]
fn a_lower_case_default_section_is_pointed_out() {
    let loaded = base_and("[default]\ndebug = true").unwrap();
    assert!(!loaded.config.logging.debug);
    assert!(
        loaded
            .warnings
            .iter()
            .any(|w| w.starts_with("[default] in lower case")),
        "{:?}",
        loaded.warnings
    );
}
