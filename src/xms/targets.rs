//! `targets`: the array's own ports.

use futures::future::try_join_all;
use reqwest::Method;
use serde::Deserialize;

use super::Xms;
use super::error::XmsError;
use super::value::Content;

const TYPE: &str = "targets";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Target {
    port_type: String,
    port_state: String,
    port_address: String,
}

#[derive(Debug, Deserialize)]
struct TargetList {
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct References {
    targets: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    name: String,
}

/// Calls about target ports.
#[derive(Debug)]
pub struct Targets<'a> {
    xms: &'a Xms,
}

impl<'a> Targets<'a> {
    pub(super) fn new(xms: &'a Xms) -> Self {
        Self { xms }
    }

    /// WWPNs, with colons, of the FC ports that are up. Names of ports tell nothing: on X2 they
    /// do not bear the protocol. On dialect v1 one more call for each port of any kind.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn fc_up(&self) -> Result<Vec<String>, XmsError> {
        let session = self.xms.session().await?;
        let list = session.request(Method::GET, TYPE);
        let targets = if session.dialect.has_filters() {
            let list = list
                .full()
                .filter("port-type", "fc")
                .filter("port-state", "up")
                .props(&["port-type", "port-state", "port-address"]);
            self.xms.read::<TargetList>(&list).await?.targets
        } else {
            let references: References = self.xms.read(&list).await?;
            let calls = references.targets.iter().map(|reference| {
                let request = session.request(Method::GET, TYPE).named(&reference.name);
                async move {
                    let reply: Content<Target> = self.xms.read(&request).await?;
                    Ok::<_, XmsError>(reply.content)
                }
            });
            try_join_all(calls).await?
        };
        let up = targets
            .into_iter()
            .filter(|target| target.port_type == "fc" && target.port_state == "up");
        Ok(up.map(|target| target.port_address).collect())
    }
}
