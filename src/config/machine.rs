//! Defaults that come from the machine, and those that other values may refer to.

use std::net::UdpSocket;

/// The node name, as Python's `socket.gethostname()` gives it.
pub(super) fn host_name() -> String {
    nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

/// The address that the default route would use; no packet is sent.
pub(super) fn my_ip() -> String {
    UdpSocket::bind("0.0.0.0:0")
        .and_then(|socket| {
            socket.connect("192.0.2.1:9")?;
            socket.local_addr()
        })
        .map_or_else(|_| "127.0.0.1".to_owned(), |addr| addr.ip().to_string())
}

/// Cinder's default of a `[DEFAULT]` option that files like to refer to without setting it.
pub(super) fn default(name: &str) -> Option<String> {
    match name {
        "host" => Some(host_name()),
        "my_ip" => Some(my_ip()),
        "state_path" => Some("/var/lib/cinder".to_owned()),
        "storage_availability_zone" => Some("nova".to_owned()),
        "volumes_dir" => Some("$state_path/volumes".to_owned()),
        "target_ip_address" => Some("$my_ip".to_owned()),
        _ => None,
    }
}
