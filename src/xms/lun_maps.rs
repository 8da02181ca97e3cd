//! `lun-maps`: volumes made visible to initiator groups.
//!
//! A mapping is named `V_I_T` by the indexes of volume, initiator group and target group. What is
//! mapped where is read from the volume, whose list holds all three and the LUN, in one call and
//! in every dialect.

use futures::future::try_join_all;
use reqwest::Method;
use serde::Deserialize;

use super::Xms;
use super::error::XmsError;
use super::send::Created;
use super::value::{Content, Count, Oid, optional_list};

const TYPE: &str = "lun-maps";

/// A mapping of a volume, on the wire `[ig, tg, lun]`: read strictly, for a mapping whose target
/// group is not known cannot be named.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "(Oid, Oid, Count)")]
pub struct GroupMapping {
    /// The initiator group.
    pub initiator_group: Oid,
    /// The target group.
    pub target_group: Oid,
    /// Its LUN there.
    pub lun: u64,
}

impl From<(Oid, Oid, Count)> for GroupMapping {
    fn from((initiator_group, target_group, lun): (Oid, Oid, Count)) -> Self {
        Self {
            initiator_group,
            target_group,
            lun: lun.0,
        }
    }
}

/// A volume and all its mappings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MappedVolume {
    /// `index` of the volume.
    pub index: Count,
    /// Its mappings.
    #[serde(default, deserialize_with = "optional_list")]
    pub lun_mapping_list: Vec<GroupMapping>,
}

impl MappedVolume {
    const PROPS: &'static [&'static str] = &["index", "lun-mapping-list"];

    /// Name of one of its mappings.
    pub fn name_of(&self, mapping: &GroupMapping) -> String {
        format!(
            "{}_{}_{}",
            self.index.0, mapping.initiator_group.index, mapping.target_group.index
        )
    }
}

/// References in a list of mappings: all that dialect v1 lists.
#[derive(Debug, Deserialize)]
struct References {
    #[serde(rename = "lun-maps")]
    lun_maps: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    name: String,
}

impl Reference {
    /// Whether the name does not rule the group out.
    fn may_be_of(&self, group: u64) -> bool {
        let middle = self.name.split('_').nth(1).and_then(|i| i.parse().ok());
        middle.is_none_or(|index: u64| index == group)
    }
}

#[derive(Debug, Deserialize)]
struct Luns {
    #[serde(rename = "lun-maps")]
    lun_maps: Vec<Lun>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Lun {
    lun: Count,
    ig_index: Count,
}

/// Calls about mappings.
#[derive(Debug)]
pub struct LunMaps<'a> {
    xms: &'a Xms,
}

impl<'a> LunMaps<'a> {
    pub(super) fn new(xms: &'a Xms) -> Self {
        Self { xms }
    }

    /// Maps a volume to a group, under this LUN or one of the array's choice. `Found` when the
    /// answer was lost and the mapping is there, under whatever LUN.
    ///
    /// # Errors
    /// [`XmsError::AlreadyMapped`]; [`XmsError::LunInUse`]; [`XmsError::NotFound`] when volume
    /// ([`XmsError::is_missing_volume`]) or group are missing; those of any call.
    pub async fn create(
        &self,
        volume: &str,
        group: &str,
        lun: Option<u64>,
    ) -> Result<Created<MappedVolume>, XmsError> {
        let session = self.xms.session().await?;
        let mut request = session
            .request(Method::POST, TYPE)
            .field("vol-id", volume)
            .field("ig-id", group);
        if let Some(lun) = lun {
            request = request.field("lun", lun);
        }
        let look_up = session
            .request(Method::GET, "volumes")
            .named(volume)
            .props(MappedVolume::PROPS);
        let is_mapped = |reply: &Content<MappedVolume>| {
            let mut mappings = reply.content.lun_mapping_list.iter();
            mappings.any(|mapping| mapping.initiator_group.name == group)
        };
        Ok(
            match self.xms.create(&request, &look_up, is_mapped).await? {
                Created::New => Created::New,
                Created::Found(reply) => Created::Found(reply.content),
            },
        )
    }

    /// The volume of this name with its mappings.
    ///
    /// # Errors
    /// [`XmsError::NotFound`]; those of any call.
    pub async fn of_volume(&self, volume: &str) -> Result<MappedVolume, XmsError> {
        let session = self.xms.session().await?;
        let request = session
            .request(Method::GET, "volumes")
            .named(volume)
            .props(MappedVolume::PROPS);
        let reply: Content<MappedVolume> = self.xms.read(&request).await?;
        Ok(reply.content)
    }

    /// The LUNs that a group has given away. On dialect v1, which has no filters, one call for
    /// the names of all mappings and one for each of the group.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn luns_of_group(&self, name: &str, index: u64) -> Result<Vec<u64>, XmsError> {
        let session = self.xms.session().await?;
        let list = session.request(Method::GET, TYPE);
        let luns = if session.dialect.has_filters() {
            let list = list.full().props(&["lun", "ig-index"]);
            // Text is compared more reliably than numbers, but a comma would divide terms.
            let list = if name.contains(',') {
                list.filter("ig-index", &index.to_string())
            } else {
                list.filter("ig-name", name)
            };
            self.xms.read::<Luns>(&list).await?.lun_maps
        } else {
            let references: References = self.xms.read(&list).await?;
            let of_group = references.lun_maps.iter().filter(|r| r.may_be_of(index));
            let calls = of_group.map(|reference| {
                let request = session.request(Method::GET, TYPE).named(&reference.name);
                async move {
                    match self.xms.read::<Content<Lun>>(&request).await {
                        Ok(reply) => Ok(Some(reply.content)),
                        // It may go between list and look.
                        Err(XmsError::NotFound { .. }) => Ok(None),
                        Err(error) => Err(error),
                    }
                }
            });
            try_join_all(calls).await?.into_iter().flatten().collect()
        };
        let own = luns.into_iter().filter(|lun| lun.ig_index.0 == index);
        Ok(own.map(|lun| lun.lun.0).collect())
    }

    /// Deletes the mapping named so.
    ///
    /// # Errors
    /// [`XmsError::NotFound`] when it was missing before the first try; those of any call.
    pub async fn delete(&self, name: &str) -> Result<(), XmsError> {
        let session = self.xms.session().await?;
        self.xms
            .change(&session.request(Method::DELETE, TYPE).named(name))
            .await
    }
}
