//! Simulated arrays of every kind, with Cinder's drivers and our backend before each.

use std::sync::Arc;
use std::time::Duration;

use cinder_volume_xtremio::backend::{self, Backend};
use cinder_volume_xtremio::config::{BackendOptions, OverSubscription, Protocol};
use cinder_volume_xtremio::sim::{SimOptions, XmsVersion};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::peer::Peer;
use crate::support::xms::{PASSWORD, TestXms, USER};

/// One simulated array; drivers of several kinds may stand before it.
pub(super) struct Array {
    /// `4.2`, and `two` for the XMS that manages two clusters.
    pub(super) label: &'static str,
    /// Its simulator.
    pub(super) xms: TestXms,
    cluster: Option<&'static str>,
    ca: String,
    peer: Arc<Mutex<Peer>>,
    _dir: Arc<TempDir>,
}

/// A kind of section: its name, class, and options beside those that all have.
pub(super) type Kind = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// A plain iSCSI section.
pub(super) const ISCSI: Kind = ("iscsi", "XtremIOISCSIDriver", &[]);
/// A plain FC section.
pub(super) const FC: Kind = ("fc", "XtremIOFCDriver", &[]);

/// Starts an array of every kind, and one Python process with the drivers of all.
pub(super) async fn arrays(kinds: &[Kind]) -> Vec<Array> {
    let releases = [
        ("3.0", XmsVersion::V30),
        ("4.0", XmsVersion::V40),
        ("4.2", XmsVersion::V42),
        ("6.3", XmsVersion::V63),
        ("two", XmsVersion::V42),
    ];
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let mut sections = Map::new();
    let mut started = Vec::new();
    for (label, version) in releases {
        let mut options = SimOptions::new(version);
        let mut cluster = None;
        if label == "two" {
            options.clusters = vec!["east".into(), "west".into()];
            cluster = Some("west");
        }
        let xms = TestXms::start_with(options).await;
        let ca = dir.path().join(format!("ca-{label}.pem"));
        std::fs::write(&ca, &xms.sim.ca_pem).unwrap();
        let ca = ca.to_str().unwrap().to_owned();
        for (kind, class, more) in kinds {
            let mut section = json!({
                "volume_driver": format!("cinder.volume.drivers.dell_emc.xtremio.{class}"),
                "san_ip": format!("127.0.0.1:{}", xms.sim.port),
                "san_login": USER,
                "san_password": PASSWORD,
                "driver_ssl_cert_verify": "true",
                "driver_ssl_cert_path": ca,
                "xtremio_cluster_name": cluster.unwrap_or_default(),
            });
            for (key, value) in *more {
                section[*key] = json!(value);
            }
            sections.insert(format!("{label}-{kind}"), section);
        }
        started.push((label, xms, cluster, ca));
    }
    let peer = Arc::new(Mutex::new(Peer::start(&sections, dir.path()).await));
    let array = |(label, xms, cluster, ca)| Array {
        label,
        xms,
        cluster,
        ca,
        peer: peer.clone(),
        _dir: dir.clone(),
    };
    started.into_iter().map(array).collect()
}

impl Array {
    /// Whether it knows filters, consistency groups and snapshot sets.
    pub(super) fn has_v2(&self) -> bool {
        self.label != "3.0"
    }

    /// Whether Cinder's driver asks for all addresses of a host at once.
    pub(super) fn has_or_filters(&self) -> bool {
        self.has_v2() && self.label != "4.0"
    }

    /// The class of client that Cinder's driver chose.
    pub(super) async fn client(&self, (kind, ..): Kind) -> Value {
        let section = format!("{}-{kind}", self.label);
        self.peer.lock().await.clients[section].clone()
    }

    /// Calls Cinder's driver; the peer's answer.
    pub(super) async fn ask(&self, kind: Kind, call: &str, args: Value) -> Value {
        self.ask_with(kind, call, args, json!({})).await
    }

    /// As [`Self::ask`], with arguments by name.
    pub(super) async fn ask_with(
        &self,
        (kind, ..): Kind,
        call: &str,
        args: Value,
        kwargs: Value,
    ) -> Value {
        let section = format!("{}-{kind}", self.label);
        self.peer
            .lock()
            .await
            .ask(&section, call, args, kwargs)
            .await
    }

    /// Calls Cinder's driver, which must not fail.
    pub(super) async fn tell(&self, kind: Kind, call: &str, args: Value) -> Value {
        self.tell_with(kind, call, args, json!({})).await
    }

    /// As [`Self::tell`], with arguments by name.
    pub(super) async fn tell_with(
        &self,
        kind: Kind,
        call: &str,
        args: Value,
        kwargs: Value,
    ) -> Value {
        let answer = self.ask_with(kind, call, args.clone(), kwargs).await;
        let error = answer.get("error");
        assert!(error.is_none(), "{} {call} {args}: {answer}", self.label);
        answer["result"].clone()
    }

    /// The class of the exception that Cinder's driver must raise.
    pub(super) async fn raised(&self, kind: Kind, call: &str, args: Value) -> String {
        let answer = self.ask(kind, call, args.clone()).await;
        let error = answer["error"].as_str();
        let error = error.unwrap_or_else(|| panic!("{} {call} {args}: {answer}", self.label));
        error.to_owned()
    }

    /// `create_volume` of Cinder's driver.
    pub(super) async fn create(&self, size: u64) -> Value {
        let row = volume(size);
        self.tell(ISCSI, "create_volume", json!([row])).await;
        row
    }

    /// Our backend with the options of this kind.
    pub(super) fn ours(&self, kind: Kind) -> Arc<dyn Backend> {
        let protocol = match kind.1 {
            "XtremIOFCDriver" => Protocol::FibreChannel,
            _ => Protocol::Iscsi,
        };
        let options = BackendOptions {
            name: "xtremio1".to_owned(),
            protocol,
            host: "ctl1@xtremio1".to_owned(),
            volume_backend_name: None,
            availability_zone: "nova".to_owned(),
            san_ip: format!("127.0.0.1:{}", self.xms.sim.port),
            san_api_port: 443,
            san_login: USER.to_owned(),
            san_password: PASSWORD.into(),
            cluster_name: self.cluster.map(str::to_owned),
            busy_retry_count: 5,
            busy_retry_interval: Duration::from_millis(50),
            volumes_per_glance_cache: 100,
            clean_unused_ig: kind.2.contains(&("xtremio_clean_unused_ig", "true")),
            ports: Vec::new(),
            ssl_verify: true,
            ssl_ca: Some(self.ca.clone().into()),
            max_over_subscription_ratio: OverSubscription::Ratio(20.0),
            reserved_percentage: 0,
            thin_provision: true,
            use_chap_auth: false,
            extra_capabilities: Map::new(),
            filter_function: None,
            goodness_function: None,
            report_discard_supported: false,
            disk_geometry: None,
            volume_copy_bps_limit: 0,
            image_copy_stall_timeout: Duration::from_secs(300),
            data_path: Default::default(),
            xms_call_timeout: Duration::from_secs(30),
            xms_concurrency: 32,
        };
        backend::connect(&options, "volume-%s", "snapshot-%s").unwrap()
    }

    /// All objects of a type in the cluster meant; the other one must be untouched.
    pub(super) fn objects(&self, kind: &str) -> Vec<Value> {
        let mut found = Vec::new();
        for cluster in self.xms.sim.state()["clusters"].as_array().unwrap() {
            let objects = cluster[kind].as_array().unwrap().clone();
            match self.cluster {
                Some(meant) if cluster["name"] != meant => assert!(objects.is_empty()),
                _ => found = objects,
            }
        }
        found
    }

    /// The object of that name.
    pub(super) fn object(&self, kind: &str, name: &Value) -> Value {
        let mut all = self.objects(kind).into_iter();
        let found = all.find(|object| object["name"] == *name);
        found.unwrap_or_else(|| panic!("{}: no {kind} {name}", self.label))
    }

    /// Names of all objects of a type, sorted.
    pub(super) fn names(&self, kind: &str) -> Vec<String> {
        let objects = self.objects(kind);
        let name = |object: &Value| object["name"].as_str().unwrap().to_owned();
        let mut names: Vec<String> = objects.iter().map(name).collect();
        names.sort();
        names
    }

    /// `volume group LUN` of all mappings, sorted.
    pub(super) fn mapped(&self) -> Vec<String> {
        let text = |m: &Value| {
            let (volume, group) = (m["vol-name"].as_str(), m["ig-name"].as_str());
            format!("{} {} {}", volume.unwrap(), group.unwrap(), m["lun"])
        };
        let mut all: Vec<String> = self.objects("lun-maps").iter().map(text).collect();
        all.sort();
        all
    }

    /// Makes something as an administrator does.
    pub(super) async fn make(&self, kind: &str, mut body: Value) {
        if let Some(cluster) = self.cluster {
            body["cluster-id"] = json!(cluster);
        }
        self.xms.post(&format!("types/{kind}"), body).await;
    }

    /// Deletes these volumes with Cinder's driver; nothing must be left but the hosts made known.
    pub(super) async fn delete(&self, rows: &[&Value]) {
        for row in rows {
            self.tell(ISCSI, "delete_volume", json!([row])).await;
        }
        for kind in ["volumes", "lun-maps", "snapshot-sets", "consistency-groups"] {
            let left = self.objects(kind);
            assert!(left.is_empty(), "{}: {kind} {left:?}", self.label);
        }
        let stats = self.xms.sim.stats();
        assert!(stats.rejected_keys.is_empty(), "{}: {stats:?}", self.label);
        assert_eq!(stats.auth_failures, 0, "{}", self.label);
    }
}

/// A volume as drivers get it.
pub(super) fn volume(size: u64) -> Value {
    let id = Uuid::new_v4().to_string();
    json!({
        "id": id, "name_id": id, "_name_id": null, "name": format!("volume-{id}"),
        "size": size, "volume_attachment": null, "group_id": null,
        "consistencygroup_id": null, "provider_location": null,
    })
}

/// A snapshot as drivers get it.
pub(super) fn snapshot(of: &Value) -> Value {
    let id = Uuid::new_v4().to_string();
    json!({
        "id": id, "name": format!("snapshot-{id}"), "volume_id": of["id"],
        "volume_size": of["size"], "cgsnapshot_id": null, "consistencygroup_id": null,
    })
}

/// The id of a row.
pub(super) fn id(row: &Value) -> &str {
    row["id"].as_str().unwrap()
}
