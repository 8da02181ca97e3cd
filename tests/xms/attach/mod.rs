//! Attaching, over HTTPS against the simulator, on every release and on an XMS of two clusters.

mod asked;
mod budget;
mod chap;
mod cleaning;
mod faults;
mod fc;
mod iscsi;
mod luns;
mod races;

use cinder_volume_xtremio::backend::{AttachOptions, Backend, Connector, XtremIo};
use cinder_volume_xtremio::config::Protocol;
use cinder_volume_xtremio::sim::{SimOptions, XmsVersion};
use serde_json::{Value, json};

use super::fake;
use crate::support::xms::{PASSWORD, TestXms};

const IQN: &str = "iqn.1993-08.org.debian:01:abc";
const WWPNS: [&str; 2] = ["2100001b32817c5f", "2100001b32817c60"];

const RELEASES: [XmsVersion; 4] = [
    XmsVersion::V30,
    XmsVersion::V40,
    XmsVersion::V42,
    XmsVersion::V63,
];

/// A simulated array and what a test does beside the code under test.
struct Lab {
    xms: TestXms,
    /// The cluster meant where there are several.
    cluster: Option<&'static str>,
}

impl Lab {
    async fn start(version: XmsVersion) -> Self {
        Self::with(SimOptions::new(version)).await
    }

    async fn with(options: SimOptions) -> Self {
        Self {
            xms: TestXms::start_with(options).await,
            cluster: None,
        }
    }

    /// Every release, and one XMS whose second cluster is meant.
    async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for version in RELEASES {
            all.push(Self::start(version).await);
        }
        let mut two = Self::with(SimOptions {
            clusters: vec!["east".into(), "west".into()],
            ..SimOptions::new(XmsVersion::V42)
        })
        .await;
        two.cluster = Some("west");
        all.push(two);
        all
    }

    /// A process of its own, with empty caches.
    fn array(&self, options: AttachOptions) -> XtremIo {
        let mut client = fake::client(self.xms.sim.url.clone());
        client.password = PASSWORD.into();
        client.cluster_name = self.cluster.map(str::to_owned);
        fake::array(client).attaching(options)
    }

    fn iscsi(&self) -> XtremIo {
        self.array(AttachOptions::default())
    }

    fn fc(&self) -> XtremIo {
        self.array(AttachOptions {
            protocol: Protocol::FibreChannel,
            ..AttachOptions::default()
        })
    }

    /// Makes something as an administrator does.
    async fn make(&self, kind: &str, mut body: Value) -> u64 {
        if let Some(cluster) = self.cluster {
            body["cluster-id"] = json!(cluster);
        }
        self.xms.post(&format!("types/{kind}"), body).await[0]
    }

    async fn volumes(&self, names: &[&str]) {
        for name in names {
            let body = json!({"vol-name": name, "vol-size": "1g"});
            self.make("volumes", body).await;
        }
    }

    /// Makes a group with initiators named by their addresses.
    async fn group(&self, name: &str, addresses: &[&str]) -> u64 {
        let index = self
            .make("initiator-groups", json!({"ig-name": name}))
            .await;
        for address in addresses {
            let body = json!({"initiator-name": address, "port-address": address, "ig-id": name});
            self.make("initiators", body).await;
        }
        index
    }

    async fn map(&self, volume: &str, group: &str, lun: u64) {
        let body = json!({"vol-id": volume, "ig-id": group, "lun": lun});
        self.make("lun-maps", body).await;
    }

    /// All objects of a type in the cluster meant; the other one must be untouched.
    fn objects(&self, kind: &str) -> Vec<Value> {
        let state = self.xms.sim.state();
        let mut found = Vec::new();
        for cluster in state["clusters"].as_array().unwrap() {
            let objects = cluster[kind].as_array().unwrap().clone();
            match self.cluster {
                Some(meant) if cluster["name"] != meant => {
                    assert!(objects.is_empty(), "{objects:?}")
                }
                _ => found = objects,
            }
        }
        found
    }

    /// `volume group LUN` of all mappings, sorted.
    fn mapped(&self) -> Vec<String> {
        let text = |m: &Value| {
            let (volume, group) = (m["vol-name"].as_str(), m["ig-name"].as_str());
            format!("{} {} {}", volume.unwrap(), group.unwrap(), m["lun"])
        };
        let mut all: Vec<String> = self.objects("lun-maps").iter().map(text).collect();
        all.sort();
        all
    }

    /// `address group` of all initiators, sorted.
    fn initiators(&self) -> Vec<String> {
        let text = |i: &Value| {
            let (address, group) = (i["port-address"].as_str(), i["ig-id"][1].as_str());
            format!("{} {}", address.unwrap(), group.unwrap())
        };
        let mut all: Vec<String> = self.objects("initiators").iter().map(text).collect();
        all.sort();
        all
    }

    fn groups(&self) -> Vec<String> {
        let name = |g: &Value| g["name"].as_str().unwrap().to_owned();
        self.objects("initiator-groups").iter().map(name).collect()
    }

    /// Waits until so many requests of this kind have come since the counters were reset.
    async fn until_asked(&self, what: &str, times: u64) {
        let come = async {
            while self.xms.sim.stats().by_type.get(what).copied().unwrap_or(0) < times {
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(20);
        tokio::time::timeout(limit, come).await.expect(what);
    }
}

fn iscsi_host() -> Connector {
    Connector {
        host: Some("node1".into()),
        initiator: Some(IQN.into()),
        ..Connector::default()
    }
}

fn fc_host() -> Connector {
    Connector {
        host: Some("node1".into()),
        wwpns: WWPNS.map(str::to_owned).into(),
        wwnns: vec!["2000001b32817c5f".into()],
        ..Connector::default()
    }
}

/// Data of a connection.
async fn attach(array: &XtremIo, volume: &str, connector: &Connector) -> Value {
    let connection = array.initialize_connection(volume, connector).await;
    Value::Object(connection.expect("attached").data)
}

async fn detach(array: &XtremIo, volume: &str, connector: &Connector) {
    let detached = array.terminate_connection(volume, Some(connector)).await;
    detached.expect("detached");
}
