//! Reads the sections that `enabled_backends` names.

use std::path::PathBuf;

use secrecy::SecretString;

use super::option::Opt;
use super::reader::Reader;
use super::{BackendOptions, DiskGeometry, OverSubscription, Protocol, ServiceOptions, data_path};

/// Options that a backend section does not set come from here.
const SHARED: &str = "backend_defaults";

/// The driver Cinder takes when a section names none.
const CINDER_DEFAULT_DRIVER: &str = "cinder.volume.drivers.lvm.LVMVolumeDriver";

/// The protocol of an XtremIO driver class, by every path it ever had: in `emc` before the move
/// to `dell_emc`, and the FC class under its old name in either place.
pub(super) fn protocol(driver: &str) -> Option<Protocol> {
    let class = driver
        .strip_prefix("cinder.volume.drivers.dell_emc.xtremio.")
        .or_else(|| driver.strip_prefix("cinder.volume.drivers.emc.xtremio."))?;
    match class {
        "XtremIOISCSIDriver" => Some(Protocol::Iscsi),
        "XtremIOFCDriver" | "XtremIOFibreChannelDriver" => Some(Protocol::FibreChannel),
        _ => None,
    }
}

/// Reads all sections; foreign ones are left alone with a warning.
pub(super) fn read(r: &mut Reader<'_>, service: &ServiceOptions) -> Vec<BackendOptions> {
    let enabled = Opt::default("enabled_backends");
    let (names, origin) = match r.list(&enabled) {
        Some((names, origin)) => (Some(names), Some(origin)),
        None => (None, r.origin(&enabled)),
    };
    let mut seen: Vec<String> = Vec::new();
    let mut backends = Vec::new();
    let mut foreign = 0;
    // A value that could not be read is a fault of its own already.
    let mut faulty = names.is_none() && origin.is_some();
    for name in names.into_iter().flatten().filter(|name| !name.is_empty()) {
        if seen.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            faulty = true;
            let problem = format!("names {name:?} more than once");
            r.fault(&enabled, origin.as_ref(), problem, "each section once");
            continue;
        }
        seen.push(name.clone());
        let driver_opt = Opt::new(&name, "volume_driver").fallback(SHARED);
        let driver = r.filled(&driver_opt);
        if driver.is_none() && !r.tree.has_section(&name) {
            faulty = true;
            let problem = format!("names {name:?}, but there is no section [{name}]");
            r.fault(
                &enabled,
                origin.as_ref(),
                problem,
                "names of sections in the configuration files",
            );
            continue;
        }
        let driver = driver.map_or_else(|| CINDER_DEFAULT_DRIVER.to_owned(), |(driver, _)| driver);
        match protocol(driver.trim()) {
            Some(protocol) => backends.push(section(r, &name, protocol, service)),
            None => {
                foreign += 1;
                r.warn(format!(
                    "[{name}] is left alone: its volume_driver {driver} is not XtremIO. Run a \
                     Python cinder-volume for it, with an enabled_backends of its own"
                ));
            }
        }
    }
    if backends.is_empty() && !faulty {
        let problem = if foreign > 0 {
            "names no section with an XtremIO volume_driver"
        } else {
            "names no section"
        };
        let allowed = "at least one section with volume_driver = \
                       cinder.volume.drivers.dell_emc.xtremio.XtremIOISCSIDriver or ...XtremIOFCDriver";
        r.fault(&enabled, origin.as_ref(), problem, allowed);
    }
    backends
}

fn section(
    r: &mut Reader<'_>,
    name: &str,
    protocol: Protocol,
    service: &ServiceOptions,
) -> BackendOptions {
    let opt = |key| Opt::new(name, key).fallback(SHARED);
    // Cinder reads this one from the section alone.
    let host = r
        .filled(&Opt::new(name, "backend_host"))
        .map(|(host, _)| host);
    let host = host.unwrap_or_else(|| service.host.clone());
    let zone = r
        .filled(&opt("backend_availability_zone"))
        .map(|(zone, _)| zone);
    refuse_unsupported(r, name);
    let verify = r.boolean(&opt("driver_ssl_cert_verify"), false);
    if !verify {
        r.warn(format!(
            "[{name}] driver_ssl_cert_verify is off: the XMS certificate is not checked"
        ));
    }
    BackendOptions {
        name: name.to_owned(),
        protocol,
        host: format!("{host}@{name}"),
        volume_backend_name: r.filled(&opt("volume_backend_name")).map(|(text, _)| text),
        availability_zone: zone.unwrap_or_else(|| service.storage_availability_zone.clone()),
        san_ip: san_ip(r, &opt("san_ip")),
        san_api_port: r.number(&opt("san_api_port"), 443, 1..=65_535),
        san_login: r.text_or(&opt("san_login"), "admin"),
        san_password: required_secret(r, &opt("san_password").secret()),
        cluster_name: r
            .filled(&opt("xtremio_cluster_name"))
            .map(|(text, _)| text.trim().to_owned()),
        busy_retry_count: r.number(&opt("xtremio_array_busy_retry_count"), 5, 0..=1000),
        busy_retry_interval: r.seconds(&opt("xtremio_array_busy_retry_interval"), 5, 0),
        volumes_per_glance_cache: r.number(
            &opt("xtremio_volumes_per_glance_cache"),
            100,
            0..=i64::from(u32::MAX),
        ),
        clean_unused_ig: r.boolean(&opt("xtremio_clean_unused_ig"), false),
        ports: r
            .list(&opt("xtremio_ports"))
            .map(|(ports, _)| ports.into_iter().filter(|port| !port.is_empty()).collect())
            .unwrap_or_default(),
        ssl_verify: verify,
        ssl_ca: ssl_ca(r, &opt("driver_ssl_cert_path"), verify),
        max_over_subscription_ratio: over_subscription(r, &opt("max_over_subscription_ratio")),
        reserved_percentage: r.number(&opt("reserved_percentage"), 0, 0..=100),
        thin_provision: r.boolean(&opt("san_thin_provision"), true),
        use_chap_auth: r.boolean(&opt("use_chap_auth"), false),
        extra_capabilities: extra_capabilities(r, &opt("extra_capabilities")),
        filter_function: r.filled(&opt("filter_function")).map(|(text, _)| text),
        goodness_function: r.filled(&opt("goodness_function")).map(|(text, _)| text),
        report_discard_supported: r.boolean(&opt("report_discard_supported"), false),
        disk_geometry: disk_geometry(r, &opt("disk_geometry")),
        volume_copy_bps_limit: copy_limit(r, &opt("volume_copy_bps_limit")),
        image_copy_stall_timeout: r.seconds(&opt("image_copy_stall_timeout"), 300, 1),
        data_path: data_path::read(r, opt, &service.state_path),
        xms_call_timeout: r.seconds(&opt("xms_call_timeout"), 30, 1),
        xms_concurrency: r.number(&opt("xms_concurrency"), 32, 1..=1024),
    }
}

/// As the driver reads it: nothing and 0 in the section mean the service's own.
fn copy_limit(r: &mut Reader<'_>, opt: &Opt<'_>) -> u64 {
    match r.number(opt, 0, 0..=i64::MAX) {
        0 => r.number(&Opt::default("volume_copy_bps_limit"), 0, 0..=i64::MAX),
        limit => limit,
    }
}

/// Sizes of blocks that hosts are told.
fn disk_geometry(r: &mut Reader<'_>, opt: &Opt<'_>) -> Option<DiskGeometry> {
    match r.choice(opt, &["", "512", "512e", "4k"], "", false) {
        "512" => Some(DiskGeometry::Native512),
        "512e" => Some(DiskGeometry::Emulated512),
        "4k" => Some(DiskGeometry::Native4k),
        _ => None,
    }
}

/// Options whose silence would lose data paths or copies.
fn refuse_unsupported(r: &mut Reader<'_>, name: &str) {
    let zoning = Opt::new(name, "zoning_mode").fallback(SHARED);
    if let Some((mode, origin)) = r.filled(&zoning)
        && mode.trim().eq_ignore_ascii_case("fabric")
    {
        r.fault(
            &zoning,
            Some(&origin),
            "\"fabric\" is not supported",
            "unset; zone the fabric beforehand",
        );
    }
    // Secret: the value holds the other array's password.
    let replication = Opt::new(name, "replication_device")
        .fallback(SHARED)
        .secret();
    if let Some((_, origin)) = r
        .multi(&replication)
        .into_iter()
        .find(|(text, _)| !text.trim().is_empty())
    {
        r.fault(
            &replication,
            Some(&origin),
            "replication is not supported",
            "unset",
        );
    }
}

fn san_ip(r: &mut Reader<'_>, opt: &Opt<'_>) -> String {
    let allowed = "address or name of the XMS, NAME:PORT, [IPV6]:PORT";
    let Some((text, origin)) = r.filled(opt) else {
        missing(r, opt, allowed);
        return String::new();
    };
    let text = text.trim().to_owned();
    let port = match text.rsplit_once(':') {
        Some((_, port)) if text.starts_with('[') && !text.ends_with(']') => Some(port),
        // An IPv6 address without brackets has several colons, and no port.
        Some((host, port)) if !host.contains(':') && !text.starts_with('[') => Some(port),
        _ => None,
    };
    let bad_port = port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0));
    if bad_port || text.contains(['/', '@']) || text.contains(char::is_whitespace) {
        r.fault(opt, Some(&origin), "is not an address", allowed);
    }
    text
}

fn required_secret(r: &mut Reader<'_>, opt: &Opt<'_>) -> SecretString {
    match r.text(opt) {
        Some((text, _)) if !text.is_empty() => SecretString::from(text),
        _ => {
            missing(r, opt, "the password of san_login on the XMS");
            SecretString::from(String::new())
        }
    }
}

/// Notes that a required option is not set or empty, unless its value is a fault already.
fn missing(r: &mut Reader<'_>, opt: &Opt<'_>, allowed: &str) {
    let origin = r.origin(opt);
    if origin.is_none() || r.text(opt).is_some() {
        r.fault(opt, origin.as_ref(), "is not set", allowed);
    }
}

fn ssl_ca(r: &mut Reader<'_>, opt: &Opt<'_>, verify: bool) -> Option<PathBuf> {
    let (text, origin) = r.filled(opt)?;
    let path = PathBuf::from(text);
    if path.is_dir() {
        if let Err(error) = std::fs::read_dir(&path) {
            let problem = format!("{} cannot be read: {error}", path.display());
            r.fault(
                opt,
                Some(&origin),
                problem,
                "a readable file or directory of CA certificates",
            );
        }
    } else if verify {
        r.check_file(opt, Some(&origin), &path);
    }
    Some(path)
}

fn over_subscription(r: &mut Reader<'_>, opt: &Opt<'_>) -> OverSubscription {
    const DEFAULT: OverSubscription = OverSubscription::Ratio(20.0);
    let Some((text, origin)) = r.filled(opt) else {
        return DEFAULT;
    };
    if text == "auto" {
        return OverSubscription::Auto;
    }
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match text.parse::<f64>() {
        Ok(ratio) if plain && ratio >= 1.0 => OverSubscription::Ratio(ratio),
        _ => {
            r.fault(
                opt,
                Some(&origin),
                format!("{text:?} is not allowed"),
                "auto, or a number of at least 1.0",
            );
            DEFAULT
        }
    }
}

fn extra_capabilities(
    r: &mut Reader<'_>,
    opt: &Opt<'_>,
) -> serde_json::Map<String, serde_json::Value> {
    let Some((text, origin)) = r.filled(opt) else {
        return serde_json::Map::new();
    };
    serde_json::from_str(&text).unwrap_or_else(|error| {
        let problem = format!("is not a JSON object: {error}");
        r.fault(
            opt,
            Some(&origin),
            problem,
            "a JSON object, e.g. {\"tier\": \"gold\"}",
        );
        serde_json::Map::new()
    })
}
