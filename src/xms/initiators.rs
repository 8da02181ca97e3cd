//! `initiators`: ports of hosts, found by address, with their CHAP credentials.

use std::fmt;

use futures::future::try_join_all;
use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::Deserializer;

use super::Xms;
use super::error::XmsError;
use super::request::Request;
use super::send::Created;
use super::session::Session;
use super::value::{Count, Oid, optional_text};

const TYPE: &str = "initiators";

/// What tells where an initiator belongs.
const PLACE: &[&str] = &["index", "port-address", "ig-id"];

/// The same and its credentials, which arrays hand out in clear.
const PLACE_AND_CHAP: &[&str] = &[
    "index",
    "port-address",
    "ig-id",
    "chap-authentication-initiator-user-name",
    "chap-authentication-initiator-password",
    "chap-discovery-initiator-user-name",
    "chap-discovery-initiator-password",
];

/// A port of a host.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Initiator {
    /// `index`
    pub index: Count,
    /// IQN, or WWPN with colons.
    pub port_address: String,
    /// The one initiator group it belongs to.
    #[serde(rename = "ig-id")]
    pub group: Oid,
    #[serde(default, deserialize_with = "optional_text")]
    chap_authentication_initiator_user_name: Option<String>,
    #[serde(default, deserialize_with = "optional_secret")]
    chap_authentication_initiator_password: Option<SecretString>,
    #[serde(default, deserialize_with = "optional_text")]
    chap_discovery_initiator_user_name: Option<String>,
    #[serde(default, deserialize_with = "optional_secret")]
    chap_discovery_initiator_password: Option<SecretString>,
}

impl Initiator {
    /// Credentials at login; none without a password.
    pub fn login(&self) -> Option<InitiatorChap> {
        InitiatorChap::of(
            self.login_user(),
            self.chap_authentication_initiator_password.as_ref(),
        )
    }

    /// Credentials at discovery; none without a password.
    pub fn discovery(&self) -> Option<InitiatorChap> {
        InitiatorChap::of(
            self.discovery_user(),
            self.chap_discovery_initiator_password.as_ref(),
        )
    }

    /// User name at login, with or without a password.
    pub fn login_user(&self) -> Option<&str> {
        self.chap_authentication_initiator_user_name.as_deref()
    }

    /// User name at discovery, with or without a password.
    pub fn discovery_user(&self) -> Option<&str> {
        self.chap_discovery_initiator_user_name.as_deref()
    }
}

/// With what an initiator authenticates itself.
#[derive(Clone)]
pub struct InitiatorChap {
    /// User name; none was set if `None`.
    pub user: Option<String>,
    /// The secret.
    pub password: SecretString,
}

impl InitiatorChap {
    fn of(user: Option<&str>, password: Option<&SecretString>) -> Option<Self> {
        password.map(|password| Self {
            user: user.map(str::to_owned),
            password: password.clone(),
        })
    }
}

/// The user only.
impl fmt::Debug for InitiatorChap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitiatorChap")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

fn optional_secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    Ok(optional_text(deserializer)?.map(SecretString::from))
}

/// An address in the one form in which two spellings of it are equal: lower case, WWNs without
/// colons.
pub fn canonical_address(address: &str) -> String {
    let lower = address.trim().to_ascii_lowercase();
    let digits: String = lower
        .strip_prefix("0x")
        .unwrap_or(&lower)
        .chars()
        .filter(|c| *c != ':')
        .collect();
    if digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        digits
    } else {
        lower
    }
}

/// An initiator to be made known, named by its address.
#[derive(Debug)]
pub struct NewInitiator<'a> {
    /// IQN, or WWPN with colons.
    pub address: &'a str,
    /// Name of its initiator group.
    pub group: &'a str,
    /// Credentials at login.
    pub login: Option<&'a InitiatorChap>,
    /// Credentials at discovery.
    pub discovery: Option<&'a InitiatorChap>,
}

/// One object or a list of them: which of the two depends on the dialect.
#[derive(Debug, Deserialize)]
struct Found {
    content: Option<Initiator>,
    #[serde(default)]
    initiators: Vec<Initiator>,
}

impl Found {
    /// What bears one of these addresses: an array may ignore a filter, and on v1 only the name
    /// was asked for.
    fn at(self, addresses: &[&str]) -> Vec<Initiator> {
        let wanted: Vec<String> = addresses.iter().map(|a| canonical_address(a)).collect();
        let found = self.content.into_iter().chain(self.initiators);
        found
            .filter(|i| wanted.contains(&canonical_address(&i.port_address)))
            .collect()
    }
}

/// Calls about initiators.
#[derive(Debug)]
pub struct Initiators<'a> {
    xms: &'a Xms,
}

impl<'a> Initiators<'a> {
    pub(super) fn new(xms: &'a Xms) -> Self {
        Self { xms }
    }

    /// The initiators that bear these addresses, in any case; dialect v1 knows them by name only,
    /// which is the address unless an administrator has chosen another. Credentials come only
    /// `with_chap`. One call where the dialect has alternatives in filters, else one an address
    /// (more for an unknown one, in other spellings).
    ///
    /// # Errors
    /// Those of any call.
    pub async fn find(
        &self,
        addresses: &[String],
        with_chap: bool,
    ) -> Result<Vec<Initiator>, XmsError> {
        let session = self.xms.session().await?;
        let props = if with_chap { PLACE_AND_CHAP } else { PLACE };
        let mut found = if session.dialect.has_alternatives() {
            let spellings: Vec<String> = addresses.iter().flat_map(|a| spellings(a)).collect();
            let calls = spellings.chunks(Request::MOST_TERMS).map(|some| {
                let some: Vec<&str> = some.iter().map(String::as_str).collect();
                let request = list(&session, props).filter_any("port-address", &some);
                async move {
                    let reply: Found = self.xms.read(&request).await?;
                    Ok::<_, XmsError>(reply.at(&some))
                }
            });
            try_join_all(calls).await?.concat()
        } else {
            let calls = addresses.iter().map(|a| self.one(&session, a, props));
            try_join_all(calls).await?.concat()
        };
        found.sort_by_key(|initiator| initiator.index);
        found.dedup_by_key(|initiator| initiator.index);
        Ok(found)
    }

    /// As [`Initiators::find`], one address in its spellings until one is known.
    async fn one(
        &self,
        session: &Session,
        address: &str,
        props: &[&'static str],
    ) -> Result<Vec<Initiator>, XmsError> {
        for spelling in spellings(address) {
            let request = look_up(session, &spelling, props);
            let found = match self.xms.read::<Found>(&request).await {
                Ok(found) => found.at(&[address]),
                Err(XmsError::NotFound { .. }) => Vec::new(),
                Err(error) => return Err(error),
            };
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// Makes an initiator known; one call unless something is in the way. `Found` when the address
    /// is known already, in whatever group.
    ///
    /// # Errors
    /// [`XmsError::NotFound`] when the group is missing; [`XmsError::AlreadyExists`] when name or
    /// address are taken and [`Initiators::find`] must tell by whom; those of any call.
    pub async fn create(&self, new: &NewInitiator<'_>) -> Result<Created<Initiator>, XmsError> {
        let session = self.xms.session().await?;
        let request = session
            .request(Method::POST, TYPE)
            .field("initiator-name", new.address)
            .field("port-address", new.address)
            .field("ig-id", new.group);
        let request = with_chap(request, new.login, new.discovery);
        let look_up = look_up(&session, new.address, PLACE_AND_CHAP);
        let same = |found: &Found| {
            let mut all = found.content.iter().chain(&found.initiators);
            let wanted = canonical_address(new.address);
            all.any(|i| canonical_address(&i.port_address) == wanted)
        };
        let created = self.xms.create::<Found>(&request, &look_up, same).await?;
        Ok(match created {
            Created::New => Created::New,
            Created::Found(found) => match found.at(&[new.address]).into_iter().next() {
                Some(initiator) => Created::Found(initiator),
                None => Created::New,
            },
        })
    }

    /// Sets credentials of a known initiator; what is `None` stays as it is.
    ///
    /// # Errors
    /// [`XmsError::NotFound`] when it is gone; those of any call.
    pub async fn set_chap(
        &self,
        index: u64,
        login: Option<&InitiatorChap>,
        discovery: Option<&InitiatorChap>,
    ) -> Result<(), XmsError> {
        let session = self.xms.session().await?;
        let request = session.request(Method::PUT, TYPE).indexed(index);
        self.xms.change(&with_chap(request, login, discovery)).await
    }
}

/// How an array may have written an address; the way it came first.
fn spellings(address: &str) -> Vec<String> {
    let mut all = vec![address.to_owned(), address.to_ascii_lowercase()];
    // An IQN is lower case by its standard; WWNs are seen in both.
    if canonical_address(address).len() == 16 {
        all.push(address.to_ascii_uppercase());
    }
    all.dedup();
    all
}

fn list(session: &Session, props: &[&'static str]) -> Request {
    session.request(Method::GET, TYPE).full().props(props)
}

fn look_up(session: &Session, spelling: &str, props: &[&'static str]) -> Request {
    if session.dialect.has_filters() {
        list(session, props).filter("port-address", spelling)
    } else {
        session.request(Method::GET, TYPE).named(spelling)
    }
}

fn with_chap(
    mut request: Request,
    login: Option<&InitiatorChap>,
    discovery: Option<&InitiatorChap>,
) -> Request {
    let keys = [
        (
            login,
            "initiator-authentication-user-name",
            "initiator-authentication-password",
        ),
        (
            discovery,
            "initiator-discovery-user-name",
            "initiator-discovery-password",
        ),
    ];
    for (chap, user_key, password_key) in keys {
        if let Some(chap) = chap {
            if let Some(user) = &chap.user {
                request = request.field(user_key, user.as_str());
            }
            request = request.secret(password_key, chap.password.clone());
        }
    }
    request
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn spellings_of_one_address_are_equal() {
        let wwn = canonical_address("21:00:00:1B:32:81:7c:5f");
        assert_eq!(wwn, canonical_address("2100001b32817c5f"));
        assert_eq!(wwn, canonical_address("0x2100001B32817C5F"));
        let iqn = "iqn.1993-08.org.debian:01:ABC";
        assert_eq!(canonical_address(iqn), iqn.to_ascii_lowercase());
        assert_ne!(canonical_address("iqn.a:b"), canonical_address("iqn.a:c"));
        assert_eq!(spellings("iqn.x:1"), ["iqn.x:1"]);
        assert_eq!(
            spellings("21:00:00:1b:32:81:7c:5f"),
            ["21:00:00:1b:32:81:7c:5f", "21:00:00:1B:32:81:7C:5F"]
        );
    }

    #[test]
    fn a_filter_that_was_ignored_is_made_up_for() {
        let reply: Found = serde_json::from_str(
            r#"{"initiators": [
                {"index": 1, "port-address": "iqn.x:1", "ig-id": ["g", "a", 1]},
                {"index": 2, "port-address": "IQN.x:2", "ig-id": ["g", "b", 2]}]}"#,
        )
        .unwrap();
        let found = reply.at(&["iqn.X:2"]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].group.name, "b");
    }

    #[test]
    fn secrets_are_read_and_not_shown() {
        let initiator: Initiator = serde_json::from_str(
            r#"{"index": 1, "port-address": "iqn.x:1", "ig-id": ["g", "a", 1],
                "chap-authentication-initiator-user-name": "me",
                "chap-authentication-initiator-password": "HUSH",
                "chap-discovery-initiator-user-name": null,
                "chap-discovery-initiator-password": ""}"#,
        )
        .unwrap();
        let login = initiator.login().unwrap();
        assert_eq!(login.password.expose_secret(), "HUSH");
        assert_eq!(login.user.as_deref(), Some("me"));
        assert!(initiator.discovery().is_none());
        assert!(!format!("{initiator:?} {login:?}").contains("HUSH"));
        let odd = r#"{"index": 1, "port-address": "a", "ig-id": ["g", "a", 1],
            "chap-authentication-initiator-password": 4711}"#;
        let error = serde_json::from_str::<Initiator>(odd).unwrap_err();
        assert!(!error.to_string().contains("4711"), "{error}");
    }
}
