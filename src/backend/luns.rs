//! Which LUN: one for all groups of a host, and none that somebody else takes at the same time.
//!
//! For one group the array chooses. For several the LUN must be free in each of them; the array is
//! asked for it by number and refuses it to all but one who ask, so that nothing is decided here.

use std::collections::BTreeSet;

use futures::future::try_join_all;

use super::hosts::Group;
use super::{BackendError, XtremIo};
use crate::xms::{Created, GroupMapping, MappedVolume, XmsError};

/// How often another LUN is tried when somebody else was faster.
const TRIES: usize = 10;

/// Lowest and highest LUN; 0 is left to the array.
const LUNS: std::ops::RangeInclusive<u64> = 1..=16_383;

/// What came of mapping.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mapped {
    /// The LUN in all groups.
    Lun(u64),
    /// A group is not there any more.
    GroupGone,
}

/// What came of asking several groups for one LUN.
enum Asked {
    /// All have it, or have got the volume from somebody else meanwhile.
    Done,
    /// One refused it.
    Refused(XmsError),
    GroupGone,
}

fn in_group<'a>(mapped: &'a MappedVolume, group: &Group) -> Option<&'a GroupMapping> {
    mapped
        .lun_mapping_list
        .iter()
        .find(|mapping| match group.index {
            Some(index) => mapping.initiator_group.index == index,
            None => mapping.initiator_group.name == group.name,
        })
}

impl XtremIo {
    /// Maps a volume to all these groups under one LUN. What is mapped already keeps its own.
    pub(super) async fn map_to(
        &self,
        volume: &str,
        groups: &[Group],
    ) -> Result<Mapped, BackendError> {
        let mut guards = Vec::new();
        // By name, so that two who want the same groups take them in the same order.
        let names: BTreeSet<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        for name in names {
            guards.push(self.attach.groups.of(name).read_owned().await);
        }
        match groups {
            [group] => self.map_to_one(volume, group).await,
            _ => self.map_to_several(volume, groups).await,
        }
    }

    async fn map_to_one(&self, volume: &str, group: &Group) -> Result<Mapped, BackendError> {
        let mapped = match self.xms.lun_maps().create(volume, &group.name, None).await {
            Ok(Created::Found(mapped)) => mapped,
            Ok(Created::New) | Err(XmsError::AlreadyMapped { .. }) => self.mapped(volume).await?,
            Err(error @ XmsError::NotFound { .. }) if !error.is_missing_volume() => {
                return Ok(Mapped::GroupGone);
            }
            Err(error) => return Err(BackendError::of(volume, error)),
        };
        self.attach.seen.note(volume, &mapped);
        Ok(match in_group(&mapped, group) {
            Some(mapping) => Mapped::Lun(mapping.lun),
            None => Mapped::GroupGone,
        })
    }

    async fn map_to_several(&self, volume: &str, groups: &[Group]) -> Result<Mapped, BackendError> {
        let mut refused = BTreeSet::new();
        let mut last = None;
        for _ in 0..TRIES {
            let mapped = self.mapped(volume).await?;
            let existing = common_lun(volume, &mapped, groups)?;
            let missing: Vec<&Group> = groups
                .iter()
                .filter(|group| in_group(&mapped, group).is_none())
                .collect();
            let lun = match existing {
                Some(lun) if missing.is_empty() => {
                    self.attach.seen.note(volume, &mapped);
                    return Ok(Mapped::Lun(lun));
                }
                Some(lun) => lun,
                None => self.free_lun(volume, groups, &refused).await?,
            };
            match self.ask_for(volume, &missing, lun).await? {
                Asked::Done => {}
                Asked::GroupGone => return Ok(Mapped::GroupGone),
                Asked::Refused(error) if existing.is_some() => {
                    return Err(BackendError::Conflict {
                        name: volume.to_owned(),
                        reason: format!(
                            "the host has it as LUN {lun} through some of its initiator groups, \
                             and that LUN is not free in all of the others: {error}; detach it \
                             from the host first"
                        ),
                    });
                }
                Asked::Refused(error) => {
                    tracing::info!(
                        volume.id = volume,
                        lun,
                        "LUN was taken by somebody else; trying another"
                    );
                    refused.insert(lun);
                    last = Some(error);
                }
            }
        }
        Err(last.map_or_else(
            || BackendError::Array {
                reason: format!("mappings of {volume} keep going away"),
                source: None,
            },
            |error| BackendError::of(volume, error),
        ))
    }

    /// Maps to each of the groups under this LUN; what was mapped is undone if not all can be.
    async fn ask_for(
        &self,
        volume: &str,
        groups: &[&Group],
        lun: u64,
    ) -> Result<Asked, BackendError> {
        let mut own = Vec::new();
        for group in groups {
            let lun_maps = self.xms.lun_maps();
            let error = match lun_maps.create(volume, &group.name, Some(lun)).await {
                Ok(_) => {
                    own.push(*group);
                    continue;
                }
                // The next round sees under which LUN.
                Err(XmsError::AlreadyMapped { .. }) => continue,
                Err(error) => error,
            };
            self.undo(volume, &own).await;
            return match error {
                // The words for a LUN that is taken are not known for sure.
                XmsError::LunInUse { .. } | XmsError::Refused { status: 400, .. } => {
                    Ok(Asked::Refused(error))
                }
                XmsError::NotFound { .. } if !error.is_missing_volume() => Ok(Asked::GroupGone),
                error => Err(BackendError::of(volume, error)),
            };
        }
        Ok(Asked::Done)
    }

    /// Removes mappings made just now; what cannot be removed is met by the next attach.
    async fn undo(&self, volume: &str, own: &[&Group]) {
        if own.is_empty() {
            return;
        }
        let undone = async {
            let mapped = self.mapped(volume).await?;
            for mapping in own.iter().filter_map(|group| in_group(&mapped, group)) {
                self.delete_mapping(volume, &mapped.name_of(mapping))
                    .await?;
            }
            Ok::<_, BackendError>(())
        };
        if let Err(error) = undone.await {
            tracing::warn!(volume.id = volume, %error, "mappings to some groups stay");
        }
    }

    /// The lowest LUN that all groups have free, but for those refused before.
    async fn free_lun(
        &self,
        volume: &str,
        groups: &[Group],
        refused: &BTreeSet<u64>,
    ) -> Result<u64, BackendError> {
        let calls = groups.iter().map(|group| async move {
            // Only a group made just now has no index, and it has no mappings.
            match group.index {
                Some(index) => self.xms.lun_maps().luns_of_group(&group.name, index).await,
                None => Ok(Vec::new()),
            }
        });
        let used = try_join_all(calls).await;
        let used = used.map_err(|error| BackendError::of(volume, error))?;
        let used: BTreeSet<u64> = used.into_iter().flatten().collect();
        let full = || BackendError::Full {
            reason: "no LUN is free in all initiator groups of the host".to_owned(),
        };
        LUNS.into_iter()
            .find(|lun| !used.contains(lun) && !refused.contains(lun))
            .ok_or_else(full)
    }
}

/// The LUN under which groups see the volume already.
///
/// # Errors
/// [`BackendError::Conflict`] when they see it under several: a host that looks for one of them
/// through all of its ports might find another volume.
fn common_lun(
    volume: &str,
    mapped: &MappedVolume,
    groups: &[Group],
) -> Result<Option<u64>, BackendError> {
    let luns: BTreeSet<u64> = groups
        .iter()
        .filter_map(|group| in_group(mapped, group))
        .map(|mapping| mapping.lun)
        .collect();
    if luns.len() > 1 {
        return Err(BackendError::Conflict {
            name: volume.to_owned(),
            reason: format!(
                "the host's initiator groups see it under several LUNs ({luns:?}); detach it from \
                 the host first"
            ),
        });
    }
    Ok(luns.into_iter().next())
}
