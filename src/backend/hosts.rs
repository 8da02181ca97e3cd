//! Hosts on the array: their initiators, and the groups these are in.

use super::attach::Host;
use super::{BackendError, XtremIo, chap};
use crate::xms::{
    ChapModes, Created, Initiator, InitiatorChap, NewInitiator, XmsError, canonical_address,
};

/// A group by name; by index too unless it was just made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) index: Option<u64>,
    pub(super) name: String,
}

/// An initiator that the array knows.
#[derive(Debug)]
pub(super) struct Member {
    address: String,
    pub(super) group: Group,
    pub(super) login: Option<InitiatorChap>,
    pub(super) discovery: Option<InitiatorChap>,
}

impl From<&Initiator> for Member {
    fn from(initiator: &Initiator) -> Self {
        Self {
            address: canonical_address(&initiator.port_address),
            group: Group {
                index: Some(initiator.group.index),
                name: initiator.group.name.clone(),
            },
            login: initiator.login(),
            discovery: initiator.discovery(),
        }
    }
}

/// What the array knows of a host.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) members: Vec<Member>,
}

impl Known {
    fn of(initiators: &[Initiator]) -> Self {
        Self {
            members: initiators.iter().map(Member::from).collect(),
        }
    }

    fn knows(&self, address: &str) -> bool {
        let wanted = canonical_address(address);
        self.members.iter().any(|member| member.address == wanted)
    }

    /// Whether every address is known, with the credentials that are asked for.
    pub(super) fn is_complete(&self, host: &Host, chap: ChapModes) -> bool {
        host.addresses.iter().all(|address| self.knows(address))
            && self.members.iter().all(|member| {
                (member.login.is_some() || !chap.login)
                    && (member.discovery.is_some() || !chap.discovery)
            })
    }

    /// The groups of its initiators, each once, oldest first.
    pub(super) fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.members.iter().map(|m| m.group.clone()).collect();
        groups.sort();
        groups.dedup_by(|a, b| a.name == b.name);
        groups
    }
}

impl XtremIo {
    /// What the array knows of the host.
    pub(super) async fn known(
        &self,
        volume: &str,
        host: &Host,
        chap: ChapModes,
    ) -> Result<Known, BackendError> {
        Ok(Known::of(&self.find(volume, host, chap).await?))
    }

    async fn find(
        &self,
        volume: &str,
        host: &Host,
        chap: ChapModes,
    ) -> Result<Vec<Initiator>, BackendError> {
        let with_chap = chap.login || chap.discovery;
        let initiators = self.xms.initiators();
        let found = initiators.find(&host.addresses, with_chap).await;
        found.map_err(|error| BackendError::of(volume, error))
    }

    /// Makes known what is missing: a group if none of the host's addresses is in one, the
    /// addresses, their credentials. What somebody else makes at the same time is adopted.
    /// `None` when a group went away meanwhile: start again.
    pub(super) async fn make_known(
        &self,
        volume: &str,
        host: &Host,
        chap: ChapModes,
    ) -> Result<Option<Known>, BackendError> {
        let lock = self.attach.hosts.of(&host.key);
        let _alone = lock.write().await;
        // Another command of this host may have been faster.
        let mut found = self.find(volume, host, chap).await?;
        if self.complete_chap(volume, &found, chap).await? {
            // Another process may have set others at the same time: the array's count.
            found = self.find(volume, host, chap).await?;
        }
        let mut known = Known::of(&found);
        let home = match known.groups().into_iter().next() {
            Some(group) => group,
            None => {
                let name = host.new_group()?;
                match self.xms.initiator_groups().create(name).await {
                    Ok(()) => Group {
                        index: None,
                        name: name.to_owned(),
                    },
                    Err(XmsError::AlreadyExists { .. }) => return Ok(None),
                    Err(error) => return Err(BackendError::of(name, error)),
                }
            }
        };
        for address in &host.addresses {
            if known.knows(address) {
                continue;
            }
            match self.make_initiator(address, &home, chap).await? {
                Some(member) => known.members.push(member),
                None => return Ok(None),
            }
        }
        Ok(Some(known))
    }

    /// Makes one initiator known, or takes the one that is; `None` when the group is gone.
    async fn make_initiator(
        &self,
        address: &str,
        home: &Group,
        chap: ChapModes,
    ) -> Result<Option<Member>, BackendError> {
        let initiators = self.xms.initiators();
        let login = chap.login.then(chap::new_credentials);
        let discovery = chap.discovery.then(chap::new_credentials);
        let new = NewInitiator {
            address,
            group: &home.name,
            login: login.as_ref(),
            discovery: discovery.as_ref(),
        };
        match initiators.create(&new).await {
            Ok(Created::New) => {
                tracing::info!(
                    initiator = address,
                    group = home.name,
                    "initiator is made known"
                );
                Ok(Some(Member {
                    address: canonical_address(address),
                    group: home.clone(),
                    login,
                    discovery,
                }))
            }
            Ok(Created::Found(initiator)) => Ok(Some(Member::from(&initiator))),
            Err(taken @ XmsError::AlreadyExists { .. }) => {
                let addresses = [address.to_owned()];
                let found = initiators.find(&addresses, true).await;
                let found = found.map_err(|error| BackendError::of(address, error))?;
                match found.first() {
                    Some(initiator) => Ok(Some(Member::from(initiator))),
                    None => Err(BackendError::Conflict {
                        name: address.to_owned(),
                        reason: format!(
                            "{taken}: an initiator has this name or this address but not both; \
                             name it by its address on the array"
                        ),
                    }),
                }
            }
            Err(XmsError::NotFound { .. }) => Ok(None),
            Err(error) => Err(BackendError::of(address, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(address: &str, index: Option<u64>, group: &str) -> Member {
        Member {
            address: canonical_address(address),
            group: Group {
                index,
                name: group.to_owned(),
            },
            login: None,
            discovery: None,
        }
    }

    #[test]
    fn a_group_counts_once_and_the_oldest_is_home() {
        let known = Known {
            members: vec![
                member("aa", Some(9), "late"),
                member("bb", Some(2), "early"),
                member("cc", Some(9), "late"),
            ],
        };
        let groups = known.groups();
        let names: Vec<&str> = groups.iter().map(|g| g.name.as_str()).collect();
        assert_eq!(names, ["early", "late"]);
    }
}
