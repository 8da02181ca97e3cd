//! `iscsi-portals`: where iSCSI hosts connect.

use futures::future::try_join_all;
use reqwest::Method;
use serde::Deserialize;

use super::Xms;
use super::error::XmsError;
use super::value::{Content, Count};

const TYPE: &str = "iscsi-portals";

/// A portal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct IscsiPortal {
    /// Address and prefix length: `10.205.68.5/16`.
    ip_addr: String,
    /// TCP port.
    pub ip_port: Count,
    /// IQN of the target port behind it; each has its own.
    #[serde(rename = "port-address")]
    pub iqn: String,
}

impl IscsiPortal {
    /// The address without its prefix length.
    pub fn address(&self) -> &str {
        self.ip_addr.split('/').next().unwrap_or_default()
    }
}

#[derive(Debug, Deserialize)]
struct Portals {
    #[serde(rename = "iscsi-portals")]
    portals: Vec<IscsiPortal>,
}

#[derive(Debug, Deserialize)]
struct References {
    #[serde(rename = "iscsi-portals")]
    portals: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    name: String,
}

/// Calls about portals.
#[derive(Debug)]
pub struct IscsiPortals<'a> {
    xms: &'a Xms,
}

impl<'a> IscsiPortals<'a> {
    pub(super) fn new(xms: &'a Xms) -> Self {
        Self { xms }
    }

    /// All portals of the cluster: a handful a brick, fixed equipment, hence no filter. On
    /// dialect v1 one more call for each.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn all(&self) -> Result<Vec<IscsiPortal>, XmsError> {
        let session = self.xms.session().await?;
        let list = session.request(Method::GET, TYPE);
        if session.dialect.has_filters() {
            let list = list.full().props(&["ip-addr", "ip-port", "port-address"]);
            return Ok(self.xms.read::<Portals>(&list).await?.portals);
        }
        let references: References = self.xms.read(&list).await?;
        let calls = references.portals.iter().map(|reference| {
            let request = session.request(Method::GET, TYPE).named(&reference.name);
            async move {
                let reply: Content<IscsiPortal> = self.xms.read(&request).await?;
                Ok::<_, XmsError>(reply.content)
            }
        });
        try_join_all(calls).await
    }
}
