//! CHAP: credentials that the array asks of initiators, also when it begins to ask later.

use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use super::{BackendError, XtremIo};
use crate::xms::{ChapModes, Initiator, InitiatorChap, XmsError};

/// User name of credentials made here; the Python driver's.
const USER: &str = "chap_user";

/// Characters of a secret, each any of 36.
const LENGTH: usize = 12;
const LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Fresh credentials.
pub(super) fn new_credentials() -> InitiatorChap {
    credentials_for(None)
}

/// Fresh credentials of this user, if one was set already.
fn credentials_for(user: Option<&str>) -> InitiatorChap {
    // Seeded by the operating system, fit for secrets.
    let mut random = rand::rng();
    let secret: String = (0..LENGTH)
        .map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]))
        .collect();
    InitiatorChap {
        user: Some(user.unwrap_or(USER).to_owned()),
        password: SecretString::from(secret),
    }
}

/// Puts credentials into the data of a connection, where they are clear: hosts log in by them.
pub(super) fn tell(
    data: &mut Map<String, Value>,
    modes: ChapModes,
    login: Option<&InitiatorChap>,
    discovery: Option<&InitiatorChap>,
) {
    let kinds = [
        (modes.login, login, "auth"),
        (modes.discovery, discovery, "discovery_auth"),
    ];
    for (asked, chap, prefix) in kinds {
        if let (true, Some(chap)) = (asked, chap) {
            let user = chap.user.as_deref().unwrap_or(USER);
            data.insert(format!("{prefix}_method"), "CHAP".into());
            data.insert(format!("{prefix}_username"), user.into());
            let secret = chap.password.expose_secret();
            data.insert(format!("{prefix}_password"), secret.into());
        }
    }
}

impl XtremIo {
    /// Gives initiators the passwords that the array asks for and they lack, each alone: the other
    /// one may be in use. Whether there was anything to do.
    pub(super) async fn complete_chap(
        &self,
        volume: &str,
        initiators: &[Initiator],
        modes: ChapModes,
    ) -> Result<bool, BackendError> {
        let calls = self.xms.initiators();
        let mut done = false;
        for initiator in initiators {
            let login = (modes.login && initiator.login().is_none())
                .then(|| credentials_for(initiator.login_user()));
            let discovery = (modes.discovery && initiator.discovery().is_none())
                .then(|| credentials_for(initiator.discovery_user()));
            if login.is_none() && discovery.is_none() {
                continue;
            }
            tracing::info!(
                initiator = initiator.port_address,
                login = login.is_some(),
                discovery = discovery.is_some(),
                "initiator gets the CHAP credentials that the array asks for"
            );
            let index = initiator.index.0;
            let set = calls.set_chap(index, login.as_ref(), discovery.as_ref());
            match set.await {
                // One that went away is made anew by the caller.
                Ok(()) | Err(XmsError::NotFound { .. }) => done = true,
                Err(error) => return Err(BackendError::of(volume, error)),
            }
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn secrets_use_the_whole_space_and_repeat_letters() {
        let secrets: Vec<String> = (0..300)
            .map(|_| new_credentials().password.expose_secret().to_owned())
            .collect();
        let letters: BTreeSet<char> = secrets.iter().flat_map(|s| s.chars()).collect();
        assert_eq!(letters.len(), LETTERS.len());
        assert!(secrets.iter().all(|s| s.len() == LENGTH));
        let repeats = |s: &&String| s.chars().collect::<BTreeSet<_>>().len() < LENGTH;
        assert!(secrets.iter().any(|s| repeats(&s)));
        let distinct: BTreeSet<&String> = secrets.iter().collect();
        assert_eq!(distinct.len(), secrets.len());
    }
}
