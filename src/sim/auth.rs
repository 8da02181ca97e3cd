//! HTTP Basic authentication.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};

/// The one account.
#[derive(Debug)]
pub(crate) struct Account {
    user: String,
    password: SecretString,
}

impl Account {
    pub(crate) fn new(user: String, password: SecretString) -> Self {
        Self { user, password }
    }

    /// Whether the headers carry this account's name and password.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Basic "))
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        given
            .as_deref()
            .and_then(|given| given.split_once(':'))
            .is_some_and(|(user, password)| {
                user == self.user && password == self.password.expose_secret()
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_the_right_pair_is_admitted() {
        let account = Account::new("admin".into(), "a:b".into());
        let admits = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            account.admits(&headers)
        };
        assert!(admits(&format!("Basic {}", STANDARD.encode("admin:a:b"))));
        assert!(!admits(&format!("Basic {}", STANDARD.encode("admin:a"))));
        assert!(!admits(&format!("Basic {}", STANDARD.encode("admin"))));
        assert!(!admits("Basic ???"));
        assert!(!admits("Bearer x"));
        assert!(!account.admits(&HeaderMap::new()));
    }
}
