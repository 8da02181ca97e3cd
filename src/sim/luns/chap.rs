//! CHAP with MD5 (RFC 1994), as an array asks it of hosts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use rand::RngCore as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::pdu::Keys;

/// A user name and its secret.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Not secret, but kept as the array keeps it.
    pub(crate) user: SecretString,
    pub(crate) secret: SecretString,
}

/// What a login must prove, and what the array proves in turn.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    /// The host's. Without it nobody can log in.
    pub(crate) initiator: Option<Account>,
    /// The array's own, for hosts that ask for it.
    pub(crate) cluster: Option<Account>,
    /// Whether hosts must ask for it.
    pub(crate) mutual: bool,
}

/// A question that was put to a host.
#[derive(Debug)]
pub(crate) struct Challenge {
    id: u8,
    bytes: [u8; 16],
}

impl Challenge {
    pub(crate) fn new() -> Self {
        let mut rng = rand::rng();
        let mut new = Self {
            id: 0,
            bytes: [0; 16],
        };
        rng.fill_bytes(&mut new.bytes);
        new.id = new.bytes[0];
        new
    }

    /// The keys that put it.
    pub(crate) fn keys(&self) -> Keys {
        let mut keys = Keys::default();
        keys.put("CHAP_A", "5");
        keys.put("CHAP_I", self.id.to_string());
        keys.put("CHAP_C", hex(&self.bytes));
        keys
    }

    /// The keys that end the exchange; None: the answer was wrong.
    pub(crate) fn check(&self, accounts: &Accounts, answer: &Keys) -> Option<Keys> {
        let account = accounts.initiator.as_ref()?;
        let response = binary(answer.get("CHAP_R")?)?;
        if answer.get("CHAP_N")? != account.user.expose_secret()
            || response != digest(self.id, &account.secret, &self.bytes)
        {
            return None;
        }
        let mut keys = Keys::default();
        match (answer.get("CHAP_I"), answer.get("CHAP_C")) {
            (None, None) if !accounts.mutual => {}
            (Some(id), Some(challenge)) => {
                let own = accounts.cluster.as_ref()?;
                let challenge = binary(challenge)?;
                // A host that sends ours back wants us to answer for it.
                if challenge == self.bytes {
                    return None;
                }
                let response = digest(id.parse().ok()?, &own.secret, &challenge);
                keys.put("CHAP_N", own.user.expose_secret());
                keys.put("CHAP_R", hex(&response));
            }
            _ => return None,
        }
        Some(keys)
    }
}

fn digest(id: u8, secret: &SecretString, challenge: &[u8]) -> Vec<u8> {
    let mut digest = Md5::new();
    digest.update([id]);
    digest.update(secret.expose_secret().as_bytes());
    digest.update(challenge);
    digest.finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    format!("0x{}", digits.collect::<String>())
}

/// A binary value as iSCSI writes it: hexadecimal or base 64.
fn binary(text: &str) -> Option<Vec<u8>> {
    let (mark, digits) = text.split_at_checked(2)?;
    match mark {
        "0x" | "0X" if digits.is_ascii() => {
            let padded = match digits.len() % 2 {
                0 => digits.to_owned(),
                _ => format!("0{digits}"),
            };
            let pairs = (0..padded.len()).step_by(2);
            pairs
                .map(|at| u8::from_str_radix(&padded[at..at + 2], 16).ok())
                .collect()
        }
        "0b" | "0B" => STANDARD.decode(digits).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn account(user: &str, secret: &str) -> Option<Account> {
        Some(Account {
            user: user.into(),
            secret: secret.into(),
        })
    }

    /// What a host that knows the account answers.
    fn answer(challenge: &Challenge, user: &str, secret: &str) -> Keys {
        let keys = challenge.keys();
        let id = keys.get("CHAP_I").unwrap().parse().unwrap();
        let question = binary(keys.get("CHAP_C").unwrap()).unwrap();
        let mut answer = Keys::default();
        answer.put("CHAP_N", user);
        answer.put("CHAP_R", hex(&digest(id, &secret.into(), &question)));
        answer
    }

    #[test]
    fn only_the_right_name_with_the_right_secret_passes() {
        let challenge = Challenge::new();
        let mut accounts = Accounts {
            initiator: account("host", "verysecret12"),
            cluster: None,
            mutual: false,
        };
        let passes = |accounts: &Accounts, user: &str, secret: &str| {
            let answer = answer(&challenge, user, secret);
            challenge.check(accounts, &answer).is_some()
        };
        assert!(passes(&accounts, "host", "verysecret12"));
        assert!(!passes(&accounts, "host", "verysecret13"));
        assert!(!passes(&accounts, "ghost", "verysecret12"));
        assert!(challenge.check(&accounts, &Keys::default()).is_none());
        accounts.initiator = None;
        assert!(!passes(&accounts, "host", "verysecret12"));
    }

    #[test]
    fn the_array_proves_itself_where_it_is_asked_or_must_be() {
        let challenge = Challenge::new();
        let accounts = Accounts {
            initiator: account("host", "verysecret12"),
            cluster: account("array", "othersecret1"),
            mutual: true,
        };
        let mut keys = answer(&challenge, "host", "verysecret12");
        assert!(challenge.check(&accounts, &keys).is_none(), "not asked");
        keys.put("CHAP_I", "7");
        keys.put("CHAP_C", "0bYWJjZA==");
        let own = challenge.check(&accounts, &keys).unwrap();
        assert_eq!(own.get("CHAP_N"), Some("array"));
        let expected = hex(&digest(7, &"othersecret1".into(), b"abcd"));
        assert_eq!(own.get("CHAP_R"), Some(expected.as_str()));

        let mut mirrored = answer(&challenge, "host", "verysecret12");
        mirrored.put("CHAP_I", "7");
        mirrored.put("CHAP_C", hex(&challenge.bytes));
        assert!(challenge.check(&accounts, &mirrored).is_none());
    }

    #[test]
    fn the_digest_is_that_of_the_standard() {
        // md5("\x01" + "secret" + "abc"), computed with coreutils' md5sum
        let expected = binary("0xea64469e3d699ce7884d07b0e6b1edb3").unwrap();
        assert_eq!(digest(1, &"secret".into(), b"abc"), expected);
        assert_eq!(binary("0x0g"), None);
        assert_eq!(binary("0xabc"), Some(vec![0x0a, 0xbc]));
        assert_eq!(binary("ab"), None);
        assert_eq!(binary("0xé1"), None);
    }
}
