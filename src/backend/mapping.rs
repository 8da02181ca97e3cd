//! Mapping volumes to hosts: what iSCSI and FC backends have in common.
//!
//! A host's groups are looked up afresh by each command: an administrator may have moved its
//! initiators. What is missing is made; what vanishes in between (another process cleans up) is
//! made again.

use std::collections::BTreeSet;

use super::attach::{self, Host};
use super::hosts::Known;
use super::luns::Mapped;
use super::{BackendError, Connection, Connector, XtremIo};
use crate::config::Protocol;
use crate::xms::{ChapModes, MappedVolume, Oid, XmsError};

/// How often an attach starts again when groups vanish under it.
const TRIES: usize = 8;

/// A volume that a host sees.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) lun: u64,
    pub(super) known: Known,
}

impl XtremIo {
    pub(super) fn check(&self, connector: &Connector) -> Result<(), BackendError> {
        attach::check(self.attach.options.protocol, connector)
    }

    pub(super) async fn map(
        &self,
        volume: &str,
        connector: &Connector,
    ) -> Result<Connection, BackendError> {
        let protocol = self.attach.options.protocol;
        let host = Host::of(protocol, connector)?;
        let result = match protocol {
            Protocol::Iscsi => self.map_iscsi(volume, &host).await,
            Protocol::FibreChannel => self.map_fc(volume, &host).await,
        };
        if result.is_err() {
            self.attach.forget().await;
        }
        result
    }

    /// Makes the host known as far as it is not, and maps the volume to its groups.
    pub(super) async fn attach_host(
        &self,
        volume: &str,
        host: &Host,
        chap: ChapModes,
    ) -> Result<Attached, BackendError> {
        for _ in 0..TRIES {
            let known = match self.known(volume, host, chap).await? {
                known if known.is_complete(host, chap) => known,
                _ => match self.make_known(volume, host, chap).await? {
                    Some(known) => known,
                    None => continue,
                },
            };
            match self.map_to(volume, &known.groups()).await? {
                Mapped::Lun(lun) => {
                    tracing::info!(
                        volume.id = volume,
                        host = host.key,
                        lun,
                        "volume is mapped to the host"
                    );
                    return Ok(Attached { lun, known });
                }
                Mapped::GroupGone => {
                    tracing::info!(
                        volume.id = volume,
                        host = host.key,
                        "an initiator group went away while it was mapped to; starting again"
                    );
                }
            }
        }
        // Perhaps it was the volume that is missing, in words not known here.
        self.mapped(volume).await?;
        Err(BackendError::Array {
            reason: format!("the initiator groups of {} keep going away", host.key),
            source: None,
        })
    }

    /// The volume and its mappings.
    pub(super) async fn mapped(&self, volume: &str) -> Result<MappedVolume, BackendError> {
        let mapped = self.xms.lun_maps().of_volume(volume).await;
        mapped.map_err(|error| BackendError::of(volume, error))
    }

    /// The groups that the host's initiators are in.
    async fn groups_of(&self, volume: &str, host: &Host) -> Result<Vec<Oid>, BackendError> {
        let initiators = self.xms.initiators().find(&host.addresses, false).await;
        let mut groups: Vec<Oid> = Vec::new();
        for initiator in initiators.map_err(|error| BackendError::of(volume, error))? {
            if !groups.contains(&initiator.group) {
                groups.push(initiator.group);
            }
        }
        Ok(groups)
    }

    /// Whether the volume is mapped to any group of the host.
    pub(super) async fn maps(
        &self,
        volume: &str,
        connector: &Connector,
    ) -> Result<bool, BackendError> {
        let host = Host::of(self.attach.options.protocol, connector)?;
        let groups = self.groups_of(volume, &host).await?;
        if groups.is_empty() {
            return Ok(false);
        }
        let mapped = self.mapped_if_any(volume).await?;
        let mappings = mapped.map(|mapped| mapped.lun_mapping_list);
        Ok(mappings.unwrap_or_default().iter().any(|mapping| {
            let seen = mapping.initiator_group.index;
            groups.iter().any(|group| group.index == seen)
        }))
    }

    pub(super) async fn unmap(
        &self,
        volume: &str,
        connector: &Connector,
    ) -> Result<(), BackendError> {
        let host = Host::of(self.attach.options.protocol, connector)?;
        let groups = self.groups_of(volume, &host).await?;
        if groups.is_empty() {
            tracing::info!(
                volume.id = volume,
                host = host.key,
                "the array does not know the host: nothing to unmap"
            );
            return Ok(());
        }
        let indexes: Vec<u64> = groups.iter().map(|group| group.index).collect();
        self.remove_mappings(volume, &indexes).await?;
        tracing::info!(
            volume.id = volume,
            host = host.key,
            "volume is not mapped to the host"
        );
        self.clean(&groups).await;
        Ok(())
    }

    /// Deletes the mappings of a volume to these groups: by the names seen before, else by those
    /// that the volume lists.
    async fn remove_mappings(&self, volume: &str, groups: &[u64]) -> Result<(), BackendError> {
        let names = self.attach.seen.names(volume, groups);
        self.attach.seen.forget(volume, groups);
        let mut all_gone = names.is_some();
        for name in names.unwrap_or_default() {
            all_gone &= self.delete_mapping(volume, &name).await?;
        }
        if all_gone {
            return Ok(());
        }
        let Some(mapped) = self.mapped_if_any(volume).await? else {
            return Ok(());
        };
        for mapping in &mapped.lun_mapping_list {
            if groups.contains(&mapping.initiator_group.index) {
                self.delete_mapping(volume, &mapped.name_of(mapping))
                    .await?;
            }
        }
        Ok(())
    }

    /// Deletes a mapping; false if there was none.
    pub(super) async fn delete_mapping(
        &self,
        volume: &str,
        name: &str,
    ) -> Result<bool, BackendError> {
        match self.xms.lun_maps().delete(name).await {
            Ok(()) => Ok(true),
            Err(XmsError::NotFound { .. }) => Ok(false),
            Err(error) => Err(BackendError::of(volume, error)),
        }
    }

    async fn mapped_if_any(&self, volume: &str) -> Result<Option<MappedVolume>, BackendError> {
        match self.mapped(volume).await {
            Ok(mapped) => Ok(Some(mapped)),
            Err(BackendError::NotFound { .. }) => {
                tracing::info!(
                    volume.id = volume,
                    "volume is not on the array: nothing to unmap"
                );
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn unmap_all(&self, volume: &str) -> Result<(), BackendError> {
        let Some(mapped) = self.mapped_if_any(volume).await? else {
            return Ok(());
        };
        let mut groups: Vec<Oid> = Vec::new();
        for mapping in &mapped.lun_mapping_list {
            self.delete_mapping(volume, &mapped.name_of(mapping))
                .await?;
            if !groups.contains(&mapping.initiator_group) {
                groups.push(mapping.initiator_group.clone());
            }
        }
        let indexes: Vec<u64> = groups.iter().map(|group| group.index).collect();
        self.attach.seen.forget(volume, &indexes);
        let names: BTreeSet<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        tracing::info!(volume.id = volume, groups = ?names, "volume is not mapped to any host");
        self.clean(&groups).await;
        Ok(())
    }

    /// `xtremio_clean_unused_ig`: deletes those of the groups that see no volume any more. The
    /// volume is detached whether this succeeds or not.
    async fn clean(&self, groups: &[Oid]) {
        if !self.attach.options.clean_unused_ig {
            return;
        }
        for group in groups {
            // No attach of this process maps to it between look and deletion.
            let lock = self.attach.groups.of(&group.name);
            let _alone = lock.write().await;
            let deleted = match self.xms.initiator_groups().volumes(group.index).await {
                Ok(0) => self.xms.initiator_groups().delete(group.index).await,
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            match deleted {
                Ok(()) => tracing::info!(
                    group = group.name,
                    "initiator group without volumes is deleted"
                ),
                Err(XmsError::NotFound { .. }) => {}
                Err(error) => tracing::warn!(
                    group = group.name,
                    %error,
                    "initiator group without volumes is not deleted"
                ),
            }
        }
    }
}
