//! What iSCSI and Fibre Channel backends have in common: volumes, capacity, setup.

use async_trait::async_trait;

use super::attach::Attach;
use super::{
    AttachOptions, Backend, BackendError, Connection, Connector, ModelUpdate, NewVolume, Stats,
    naming,
};
use crate::config::BackendOptions;
use crate::xms::{ClientOptions, Created, Kilobytes, LunMapping, Mappings, Volume, Xms, XmsError};

/// An XtremIO cluster behind its XMS.
#[derive(Debug)]
pub struct XtremIo {
    pub(super) xms: Xms,
    /// Backend section, for log lines.
    pub(super) section: String,
    pub(super) volume_name_template: String,
    /// `snapshot_name_template` of `[DEFAULT]`.
    pub(super) snapshot_name_template: String,
    pub(super) attach: Attach,
}

impl XtremIo {
    /// The array of a backend section. `volume_name_template` is the `[DEFAULT]` option.
    ///
    /// # Errors
    /// [`BackendError::Config`] when the options cannot be used; nothing is sent yet.
    pub fn new(options: &BackendOptions, volume_name_template: &str) -> Result<Self, BackendError> {
        let array = Self::with_client(
            ClientOptions::from(options),
            &options.name,
            volume_name_template,
        )?;
        Ok(array.attaching(AttachOptions::from(options)))
    }

    /// As [`XtremIo::new`], with the client's options spelled out.
    ///
    /// # Errors
    /// [`BackendError::Config`] when the options cannot be used; nothing is sent yet.
    pub fn with_client(
        client: ClientOptions,
        section: &str,
        volume_name_template: &str,
    ) -> Result<Self, BackendError> {
        let xms = Xms::new(client).map_err(|error| BackendError::of(section, error))?;
        Ok(Self {
            xms,
            section: section.to_owned(),
            volume_name_template: volume_name_template.to_owned(),
            snapshot_name_template: naming::SNAPSHOT_NAME_TEMPLATE.to_owned(),
            attach: Attach::new(AttachOptions::default()),
        })
    }

    /// The same with this `snapshot_name_template`.
    #[must_use]
    pub fn naming_snapshots(mut self, template: &str) -> Self {
        template.clone_into(&mut self.snapshot_name_template);
        self
    }

    /// The same array, attaching as these options say.
    #[must_use]
    pub fn attaching(self, options: AttachOptions) -> Self {
        Self {
            attach: Attach::new(options),
            ..self
        }
    }

    /// Puts a volume into its consistency group, unless `member` says that it is there. A group
    /// that the array does not have is one of Cinder's alone: its volumes are as good without.
    pub(super) async fn join_group(
        &self,
        volume: &NewVolume,
        member: bool,
    ) -> Result<(), BackendError> {
        let Some(group) = volume.group.as_deref().filter(|_| !member) else {
            return Ok(());
        };
        let session = self.xms.session().await;
        let session = session.map_err(|error| BackendError::of(group, error))?;
        let joined = if session.dialect.has_consistency_groups() {
            let groups = self.xms.consistency_groups();
            groups.add_volume(group, &volume.name).await.map(|()| true)
        } else {
            Ok(false)
        };
        match joined {
            Ok(true) => Ok(()),
            Err(error) if error.is_missing_volume() => Err(BackendError::of(&volume.name, error)),
            Ok(false) | Err(XmsError::NotFound { .. }) => {
                tracing::warn!(
                    volume.id = volume.name,
                    group.id = group,
                    "the array has no such consistency group: the volume is in none"
                );
                Ok(())
            }
            Err(error) => Err(BackendError::of(group, error)),
        }
    }
}

#[async_trait]
impl Backend for XtremIo {
    async fn setup(&self) -> Result<(), BackendError> {
        let session = self
            .xms
            .detect()
            .await
            .map_err(|error| BackendError::of(&self.section, error))?;
        tracing::info!(
            backend = self.section,
            xms.cluster = session.cluster,
            xms.cluster_version = %session.cluster_version,
            xms.version = session.xms_version.as_ref().map(tracing::field::display),
            xms.dialect = %session.dialect,
            "XtremIO cluster found"
        );
        Ok(())
    }

    async fn stats(&self) -> Result<Stats, BackendError> {
        let failed = |error| BackendError::of(&self.section, error);
        let cluster = self.xms.clusters().current().await.map_err(failed)?;
        let session = self.xms.session().await.map_err(failed)?;
        Ok(Stats::of(&cluster, session.dialect))
    }

    async fn create_volume(&self, volume: &NewVolume) -> Result<ModelUpdate, BackendError> {
        let failed = |error| BackendError::of(&volume.name, error);
        let created = self
            .xms
            .volumes()
            .create(&volume.name, volume.size_gib)
            .await
            .map_err(failed)?;
        let member = match created {
            Created::New => false,
            Created::Found(found) => {
                if let Some(reason) = difference(volume, &found) {
                    return Err(BackendError::Conflict {
                        name: volume.name.clone(),
                        reason,
                    });
                }
                tracing::info!(
                    volume.id = volume.name,
                    "volume is on the array already, as wanted"
                );
                volume
                    .group
                    .as_deref()
                    .is_some_and(|g| found.is_in_group(g))
            }
        };
        self.join_group(volume, member).await?;
        Ok(ModelUpdate::default())
    }

    async fn delete_volume(&self, name: &str) -> Result<(), BackendError> {
        let volumes = self.xms.volumes();
        match volumes.mappings(name).await {
            Ok(mappings) => refuse_if_mapped(name, &mappings)?,
            Err(XmsError::NotFound { .. }) => {
                tracing::info!(
                    volume.id = name,
                    "volume is not on the array, nothing to delete"
                );
                return Ok(());
            }
            Err(error) => return Err(BackendError::of(name, error)),
        }
        match volumes.delete(name).await {
            Ok(()) | Err(XmsError::NotFound { .. }) => Ok(()),
            Err(error) => Err(BackendError::of(name, error)),
        }
    }

    async fn unmanage_volume(&self, name: &str) -> Result<(), BackendError> {
        let new_name = naming::unmanaged_volume(&self.volume_name_template, name);
        self.xms
            .volumes()
            .rename(name, &new_name)
            .await
            .map_err(|error| BackendError::of(name, error))
    }

    async fn extend_volume(&self, name: &str, size_gib: u64) -> Result<(), BackendError> {
        self.extend(name, size_gib).await
    }

    async fn volume_size(&self, name: &str) -> Result<Option<u64>, BackendError> {
        self.size(name).await
    }

    async fn create_snapshot(&self, name: &str, volume: &str) -> Result<(), BackendError> {
        self.snapshot(name, volume).await
    }

    async fn delete_snapshot(&self, name: &str, volume: &str) -> Result<(), BackendError> {
        self.remove_snapshot(name, volume).await
    }

    async fn unmanage_snapshot(&self, name: &str) -> Result<(), BackendError> {
        self.give_up_snapshot(name).await
    }

    async fn create_volume_from(
        &self,
        volume: &NewVolume,
        source: &str,
    ) -> Result<ModelUpdate, BackendError> {
        self.copy(volume, source).await
    }

    fn check_connector(&self, connector: &Connector) -> Result<(), BackendError> {
        self.check(connector)
    }

    async fn initialize_connection(
        &self,
        volume: &str,
        connector: &Connector,
    ) -> Result<Connection, BackendError> {
        self.map(volume, connector).await
    }

    async fn is_connected(
        &self,
        volume: &str,
        connector: &Connector,
    ) -> Result<bool, BackendError> {
        self.maps(volume, connector).await
    }

    async fn terminate_connection(
        &self,
        volume: &str,
        connector: Option<&Connector>,
    ) -> Result<(), BackendError> {
        match connector {
            Some(connector) => self.unmap(volume, connector).await,
            None => self.unmap_all(volume).await,
        }
    }
}

/// Why a volume found is not the one wanted; `None` when it is.
fn difference(wanted: &NewVolume, found: &Volume) -> Option<String> {
    if let Some(ancestor) = &found.ancestor_vol_id {
        return Some(format!("it is a snapshot of {}", ancestor.name));
    }
    (found.vol_size != Kilobytes::from_gib(wanted.size_gib)).then(|| {
        format!(
            "its size is {} KB, not {} GiB",
            found.vol_size.0, wanted.size_gib
        )
    })
}

/// The array would delete a mapped volume under the host that uses it.
pub(super) fn refuse_if_mapped(name: &str, mappings: &Mappings) -> Result<(), BackendError> {
    if mappings.num_of_lun_mappings.0 == 0 && mappings.lun_mapping_list.is_empty() {
        return Ok(());
    }
    let hosts: Vec<String> = mappings.lun_mapping_list.iter().map(shown).collect();
    Err(BackendError::VolumeIsBusy {
        name: name.to_owned(),
        reason: if hosts.is_empty() {
            format!("it has {} LUN mappings", mappings.num_of_lun_mappings.0)
        } else {
            format!("mapped to {}", hosts.join(", "))
        },
    })
}

fn shown(mapping: &LunMapping) -> String {
    format!("{} as LUN {}", mapping.initiator_group.name, mapping.lun)
}
