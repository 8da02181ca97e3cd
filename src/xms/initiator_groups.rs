//! `initiator-groups`: what volumes are mapped to.

use reqwest::Method;
use serde::Deserialize;

use super::Xms;
use super::error::XmsError;
use super::value::{Content, Count};

const TYPE: &str = "initiator-groups";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Usage {
    num_of_vols: Count,
}

/// Calls about initiator groups.
#[derive(Debug)]
pub struct InitiatorGroups<'a> {
    xms: &'a Xms,
}

impl<'a> InitiatorGroups<'a> {
    pub(super) fn new(xms: &'a Xms) -> Self {
        Self { xms }
    }

    /// Makes a group of this name; one that exists, made by whomever, will do.
    ///
    /// # Errors
    /// [`XmsError::AlreadyExists`] when it went away while it was looked at; those of any call.
    pub async fn create(&self, name: &str) -> Result<(), XmsError> {
        let session = self.xms.session().await?;
        let request = session.request(Method::POST, TYPE).field("ig-name", name);
        let look_up = session
            .request(Method::GET, TYPE)
            .named(name)
            .props(&["num-of-vols"]);
        self.xms
            .create::<Content<Usage>>(&request, &look_up, |_| true)
            .await
            .map(|_| ())
    }

    /// How many volumes the group of this index sees.
    ///
    /// # Errors
    /// [`XmsError::NotFound`]; those of any call.
    pub async fn volumes(&self, index: u64) -> Result<u64, XmsError> {
        let session = self.xms.session().await?;
        let request = session
            .request(Method::GET, TYPE)
            .indexed(index)
            .props(&["num-of-vols"]);
        let usage: Content<Usage> = self.xms.read(&request).await?;
        Ok(usage.content.num_of_vols.0)
    }

    /// Deletes the group of this index with its initiators.
    ///
    /// # Errors
    /// [`XmsError::NotFound`]; [`XmsError::Refused`] when it sees volumes; those of any call.
    pub async fn delete(&self, index: u64) -> Result<(), XmsError> {
        let session = self.xms.session().await?;
        self.xms
            .change(&session.request(Method::DELETE, TYPE).indexed(index))
            .await
    }
}
