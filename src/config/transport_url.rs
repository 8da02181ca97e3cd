//! `transport_url` as oslo.messaging reads it.
//!
//! Two deliberate differences: an empty port means 5672 (as before oslo.messaging 15), and a
//! `%2F` in a password works.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;

use super::query;
use super::{BrokerHost, TransportUrl};

/// The broker's port when the URL names none, also with TLS.
const PORT: u16 = 5672;

/// Why a URL cannot be used. Holds no part of the URL, which may be a piece of the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransportUrlError {
    /// No `SCHEME://` at the start.
    #[error("has no scheme")]
    NoScheme,
    /// A scheme other than `rabbit`.
    #[error("names another driver than rabbit")]
    OtherScheme,
    /// A port that is not a number from 1 to 65535.
    #[error("host {0} has a port that is not a number from 1 to 65535")]
    Port(usize),
    /// `[` without `]`.
    #[error("host {0} has an address with an unclosed bracket")]
    Bracket(usize),
    /// Text between the closing bracket of an IPv6 address and the port.
    #[error("host {0} has text after the closing bracket of its address")]
    AfterBracket(usize),
    /// Colons outside of brackets: an IPv6 address must be bracketed.
    #[error("host {0} has more than one colon; an IPv6 address needs brackets")]
    BareIpv6(usize),
    /// Credentials, but no host.
    #[error("host {0} has credentials but no host name")]
    NoHost(usize),
    /// A `#` starts a fragment and cuts off what follows it.
    #[error("holds a '#', which cuts off what follows it; in a password write %23")]
    Fragment,
}

impl TransportUrlError {
    /// What is allowed instead.
    pub(super) fn allowed() -> &'static str {
        "rabbit://USER:PASSWORD@HOST:PORT[,USER:PASSWORD@HOST:PORT...]/VHOST[?OPTION=VALUE...], special characters percent-encoded"
    }
}

/// A parsed URL and the driver options of its query.
#[derive(Clone)]
pub struct ParsedUrl {
    /// Hosts, credentials, virtual host.
    pub url: TransportUrl,
    /// Options of `[oslo_messaging_rabbit]` that override the files; repeated names are joined with `,`.
    pub query: BTreeMap<String, String>,
    /// Whether some hosts have credentials and others (then guest) have none.
    pub mixed_credentials: bool,
}

impl fmt::Debug for ParsedUrl {
    /// Leaves the query out: after an unescaped `?` in a password it holds the rest of that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedUrl")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Parses a `transport_url`.
///
/// # Errors
/// `TransportUrlError`; it names hosts by their position, from 1.
pub fn parse(url: &str) -> Result<ParsedUrl, TransportUrlError> {
    let (scheme, rest) = url
        .trim()
        .split_once(':')
        .ok_or(TransportUrlError::NoScheme)?;
    let rest = rest.strip_prefix("//").ok_or(TransportUrlError::NoScheme)?;
    if scheme.is_empty() {
        return Err(TransportUrlError::NoScheme);
    }
    if !scheme.eq_ignore_ascii_case("rabbit") {
        return Err(TransportUrlError::OtherScheme);
    }
    if rest.contains('#') {
        return Err(TransportUrlError::Fragment);
    }
    let (rest, raw_query) = rest.split_once('?').unwrap_or((rest, ""));
    let (netloc, path) = rest.split_once('/').unwrap_or((rest, ""));

    let mut query = BTreeMap::<String, String>::new();
    for (name, value) in query::pairs(raw_query) {
        query
            .entry(name)
            .and_modify(|old| {
                old.push(',');
                old.push_str(&value);
            })
            .or_insert(value);
    }

    let mut hosts = Vec::new();
    let mut with_credentials = 0;
    for (index, part) in netloc.split(',').enumerate() {
        if part.is_empty() {
            continue;
        }
        with_credentials += usize::from(part.contains('@'));
        hosts.push(host(part, index + 1)?);
    }
    let mixed_credentials = with_credentials > 0 && with_credentials < hosts.len();
    if hosts.is_empty() {
        hosts.push(BrokerHost {
            host: "localhost".to_owned(),
            port: PORT,
            user: "guest".to_owned(),
            password: SecretString::from("guest"),
        });
    }
    let vhost = match query::unquote(path) {
        vhost if vhost.is_empty() => "/".to_owned(),
        vhost => vhost,
    };
    Ok(ParsedUrl {
        url: TransportUrl { hosts, vhost },
        query,
        mixed_credentials,
    })
}

fn host(part: &str, number: usize) -> Result<BrokerHost, TransportUrlError> {
    let (user, address) = match part.rsplit_once('@') {
        None => (None, part),
        Some((user, address)) => (Some(user), address),
    };
    let (user, password) = match user {
        None => (None, None),
        Some(user) => match user.split_once(':') {
            None => (Some(query::unquote(user)), None),
            Some((user, password)) => (Some(query::unquote(user)), Some(query::unquote(password))),
        },
    };
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, tail) = rest
                .split_once(']')
                .ok_or(TransportUrlError::Bracket(number))?;
            match tail.strip_prefix(':') {
                Some(port) => (host, port),
                None if tail.is_empty() => (host, ""),
                None => return Err(TransportUrlError::AfterBracket(number)),
            }
        }
        None => match address.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err(TransportUrlError::BareIpv6(number));
            }
            Some((host, port)) => (host, port),
            None => (address, ""),
        },
    };
    if host.is_empty() {
        return Err(TransportUrlError::NoHost(number));
    }
    let port = match port {
        "" => PORT,
        port => port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or(TransportUrlError::Port(number))?,
    };
    // kombu puts the defaults in for an empty name, and for an empty password as well.
    let or_guest = |text: Option<String>| {
        text.filter(|t| !t.is_empty())
            .unwrap_or_else(|| "guest".to_owned())
    };
    Ok(BrokerHost {
        host: host.to_owned(),
        port,
        user: or_guest(user),
        password: SecretString::from(or_guest(password)),
    })
}
