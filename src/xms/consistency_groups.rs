//! `consistency-groups` and `consistency-group-volumes` (4.0 and later).

use reqwest::Method;

use super::Xms;
use super::error::XmsError;
use super::value::Content;
use super::volumes::Volume;

/// Calls about consistency groups. Dialect v1 has none.
#[derive(Debug)]
pub struct ConsistencyGroups<'a> {
    xms: &'a Xms,
}

impl<'a> ConsistencyGroups<'a> {
    pub(super) fn new(xms: &'a Xms) -> Self {
        Self { xms }
    }

    /// Makes the volume a member of the group; one that is a member already counts as done.
    ///
    /// # Errors
    /// [`XmsError::NotFound`] when the group or the volume is missing; those of any call.
    pub async fn add_volume(&self, group: &str, volume: &str) -> Result<(), XmsError> {
        let session = self.xms.session().await?;
        let request = session
            .request(Method::POST, "consistency-group-volumes")
            .field("cg-id", group)
            .field("vol-id", volume);
        let look_up = session
            .request(Method::GET, "volumes")
            .named(volume)
            .props(&["vol-size", "related-consistency-groups"]);
        let is_member = |reply: &Content<Volume>| reply.content.is_in_group(group);
        match self.xms.create(&request, &look_up, is_member).await {
            Ok(_) => Ok(()),
            // How an array refuses a second membership is not known: look for the fact.
            Err(refused @ (XmsError::Refused { .. } | XmsError::AlreadyMapped { .. })) => {
                match self.xms.read(&look_up).await {
                    Ok(reply) if is_member(&reply) => Ok(()),
                    _ => Err(refused),
                }
            }
            Err(error) => Err(error),
        }
    }
}
