//! `clusters`: versions and capacities.

use reqwest::Method;
use serde::Deserialize;

use super::Xms;
use super::error::XmsError;
use super::value::{Content, Kilobytes};

/// References in a list of clusters.
#[derive(Debug, Deserialize)]
pub(super) struct ClusterList {
    pub(super) clusters: Vec<ClusterRef>,
}

/// One reference.
#[derive(Debug, Deserialize)]
pub(super) struct ClusterRef {
    pub(super) name: String,
}

/// A cluster, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cluster {
    /// Name.
    pub name: String,
    /// Software version, e.g. `4.0.15-24`.
    pub sys_sw_version: String,
    /// Usable physical space.
    pub ud_ssd_space: Kilobytes,
    /// Physical space in use.
    pub ud_ssd_space_in_use: Kilobytes,
    /// Sum of the sizes of all volumes.
    pub vol_size: Kilobytes,
}

/// Calls about clusters.
#[derive(Debug)]
pub struct Clusters<'a> {
    xms: &'a Xms,
}

impl<'a> Clusters<'a> {
    pub(super) fn new(xms: &'a Xms) -> Self {
        Self { xms }
    }

    /// The cluster of the session, as it is now.
    ///
    /// # Errors
    /// [`XmsError::UnknownCluster`] when it is gone or renamed; those of any call.
    pub async fn current(&self) -> Result<Cluster, XmsError> {
        let session = self.xms.session().await?;
        // Clusters belong to the XMS: no cluster is named beside the object itself.
        let request = super::request::Request::new(Method::GET, session.dialect, "clusters")
            .named(&session.cluster);
        let read = self.xms.read::<Content<Cluster>>(&request).await;
        let result = read
            .map(|reply| reply.content)
            .map_err(|error| match error {
                XmsError::NotFound { .. } => XmsError::UnknownCluster {
                    cluster: session.cluster.clone(),
                    clusters: Vec::new(),
                },
                other => other,
            });
        self.xms.watched(result)
    }
}
