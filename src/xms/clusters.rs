//! `clusters`: versions and capacities.

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Xms;
use super::error::XmsError;
use super::value::{Content, Kilobytes, optional_text};

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

/// Whether initiators must authenticate themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChapModes {
    /// At login.
    pub login: bool,
    /// At discovery.
    pub discovery: bool,
}

/// On the wire: `disabled`, `initiator` or `mutual`; absent is taken as disabled.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct WireChapModes {
    #[serde(default, deserialize_with = "optional_text")]
    chap_authentication_mode: Option<String>,
    #[serde(default, deserialize_with = "optional_text")]
    chap_discovery_mode: Option<String>,
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
        self.get(&[]).await
    }

    /// Whether the cluster of the session asks initiators for CHAP credentials.
    ///
    /// # Errors
    /// Those of [`Clusters::current`].
    pub async fn chap_modes(&self) -> Result<ChapModes, XmsError> {
        let modes: WireChapModes = self
            .get(&["chap-authentication-mode", "chap-discovery-mode"])
            .await?;
        let on = |mode: Option<String>| mode.is_some_and(|mode| mode != "disabled");
        Ok(ChapModes {
            login: on(modes.chap_authentication_mode),
            discovery: on(modes.chap_discovery_mode),
        })
    }

    async fn get<T: DeserializeOwned>(&self, props: &[&'static str]) -> Result<T, XmsError> {
        let session = self.xms.session().await?;
        // Clusters belong to the XMS: no cluster is named beside the object itself.
        let request = super::request::Request::new(Method::GET, session.dialect, "clusters")
            .named(&session.cluster)
            .props(props);
        let read = self.xms.read::<Content<T>>(&request).await;
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
