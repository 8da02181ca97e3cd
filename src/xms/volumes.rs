//! `volumes`: also what Cinder calls snapshots, which are volumes with an ancestor.

use reqwest::Method;
use serde::Deserialize;

use super::Xms;
use super::error::XmsError;
use super::send::Created;
use super::value::{Content, Count, Kilobytes, Oid, optional_list, optional_oid};

const TYPE: &str = "volumes";

/// A volume, as far as it tells whether it is the one meant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Volume {
    /// Size.
    pub vol_size: Kilobytes,
    /// What it is a snapshot of; none for a plain volume.
    #[serde(default, deserialize_with = "optional_oid")]
    pub ancestor_vol_id: Option<Oid>,
    /// The consistency groups it belongs to.
    #[serde(default, deserialize_with = "optional_list")]
    pub related_consistency_groups: Vec<Oid>,
}

impl Volume {
    pub(super) const PROPS: &'static [&'static str] =
        &["vol-size", "ancestor-vol-id", "related-consistency-groups"];

    /// Whether it is a copy of the volume of this name.
    pub fn is_copy_of(&self, source: &str) -> bool {
        self.ancestor_vol_id
            .as_ref()
            .is_some_and(|ancestor| ancestor.name == source)
    }

    /// Whether it belongs to the consistency group of this name.
    pub fn is_in_group(&self, group: &str) -> bool {
        self.related_consistency_groups
            .iter()
            .any(|related| related.name == group)
    }
}

/// Who sees a volume.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mappings {
    /// How many mappings there are.
    pub num_of_lun_mappings: Count,
    /// The mappings, where the array lists them.
    #[serde(default, deserialize_with = "optional_list")]
    pub lun_mapping_list: Vec<LunMapping>,
}

/// A mapping to an initiator group, on the wire `[ig, tg, lun]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "(Oid, serde_json::Value, Count)")]
pub struct LunMapping {
    /// The initiator group.
    pub initiator_group: Oid,
    /// Its LUN there.
    pub lun: u64,
}

impl From<(Oid, serde_json::Value, Count)> for LunMapping {
    fn from((initiator_group, _target_group, lun): (Oid, serde_json::Value, Count)) -> Self {
        Self {
            initiator_group,
            lun: lun.0,
        }
    }
}

/// Calls about volumes.
#[derive(Debug)]
pub struct Volumes<'a> {
    xms: &'a Xms,
}

impl<'a> Volumes<'a> {
    pub(super) fn new(xms: &'a Xms) -> Self {
        Self { xms }
    }

    /// Creates a volume; one call unless something is in the way. `Found` when there is one of
    /// that name, of whatever size.
    ///
    /// # Errors
    /// [`XmsError::Full`]; those of any call.
    pub async fn create(&self, name: &str, size_gib: u64) -> Result<Created<Volume>, XmsError> {
        let session = self.xms.session().await?;
        let request = session
            .request(Method::POST, TYPE)
            .field("vol-name", name)
            .field("vol-size", format!("{size_gib}g"));
        let look_up = session
            .request(Method::GET, TYPE)
            .named(name)
            .props(Volume::PROPS);
        let created = self
            .xms
            .create::<Content<Volume>>(&request, &look_up, |_| true)
            .await?;
        Ok(match created {
            Created::New => Created::New,
            Created::Found(reply) => Created::Found(reply.content),
        })
    }

    /// The volume of this name.
    ///
    /// # Errors
    /// [`XmsError::NotFound`]; those of any call.
    pub async fn get(&self, name: &str) -> Result<Volume, XmsError> {
        let session = self.xms.session().await?;
        let request = session
            .request(Method::GET, TYPE)
            .named(name)
            .props(Volume::PROPS);
        Ok(self.xms.read::<Content<Volume>>(&request).await?.content)
    }

    /// Who sees the volume of this name.
    ///
    /// # Errors
    /// [`XmsError::NotFound`]; those of any call.
    pub async fn mappings(&self, name: &str) -> Result<Mappings, XmsError> {
        let session = self.xms.session().await?;
        let request = session
            .request(Method::GET, TYPE)
            .named(name)
            .props(&["num-of-lun-mappings", "lun-mapping-list"]);
        Ok(self.xms.read::<Content<Mappings>>(&request).await?.content)
    }

    /// Deletes the volume of this name, mapped or not: the array does not mind.
    ///
    /// # Errors
    /// [`XmsError::NotFound`] when it was missing before the first try;
    /// [`XmsError::Scheduled`]; those of any call.
    pub async fn delete(&self, name: &str) -> Result<(), XmsError> {
        let session = self.xms.session().await?;
        self.xms
            .change(&session.request(Method::DELETE, TYPE).named(name))
            .await
    }

    /// Grows the volume of this name. The array refuses to shrink one.
    ///
    /// # Errors
    /// [`XmsError::NotFound`]; [`XmsError::Refused`] when it is larger already; those of any call.
    pub async fn resize(&self, name: &str, size_gib: u64) -> Result<(), XmsError> {
        let session = self.xms.session().await?;
        let request = session
            .request(Method::PUT, TYPE)
            .named(name)
            .field("vol-size", format!("{size_gib}g"));
        self.xms.change(&request).await
    }

    /// Renames a volume. One that bears the new name while the old one is gone was renamed before.
    ///
    /// # Errors
    /// [`XmsError::NotFound`] when neither name exists; [`XmsError::AlreadyExists`] when both do;
    /// those of any call.
    pub async fn rename(&self, name: &str, new_name: &str) -> Result<(), XmsError> {
        let session = self.xms.session().await?;
        let request = session
            .request(Method::PUT, TYPE)
            .named(name)
            .field("vol-name", new_name);
        match self.xms.change(&request).await {
            Err(missing @ XmsError::NotFound { .. }) => match self.get(new_name).await {
                Ok(_) => Ok(()),
                Err(XmsError::NotFound { .. }) => Err(missing),
                Err(error) => Err(error),
            },
            result => result,
        }
    }
}
