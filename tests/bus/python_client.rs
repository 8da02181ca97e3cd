//! The real oslo.messaging and Cinder clients against the whole worker.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use cinder_volume_xtremio::sim::XmsVersion;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::bench::{HOST, MAIN, PATIENCE};
use super::peer::Peer;
use crate::support::broker::TestBroker;
use crate::support::xms::{PASSWORD, TestXms, USER};

/// The program on a simulated array, with a database of its own.
struct Worker {
    child: Child,
    broker: TestBroker,
    xms: TestXms,
    _dir: tempfile::TempDir,
}

impl Worker {
    async fn start() -> Self {
        let (broker, xms) = (
            TestBroker::new().await,
            TestXms::start(XmsVersion::V42).await,
        );
        let dir = tempfile::tempdir().unwrap();
        let ca = dir.path().join("ca.pem");
        std::fs::write(&ca, &xms.sim.ca_pem).unwrap();
        let conf = dir.path().join("cinder.conf");
        std::fs::write(&conf, config(&broker, &xms, dir.path(), &ca)).unwrap();
        let log = dir.path().join("log");
        let child = Command::new(env!("CARGO_BIN_EXE_cinder-volume-xtremio"))
            .args(["--standalone", "--config-file"])
            .arg(&conf)
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut worker = Self {
            child,
            broker,
            xms,
            _dir: dir,
        };
        let began = Instant::now();
        loop {
            let queue = worker.broker.queue(MAIN).await;
            if queue.is_some_and(|q| q.consumers == 1) {
                return worker;
            }
            let ended = worker.child.try_wait().unwrap();
            assert!(
                ended.is_none() && began.elapsed() < PATIENCE,
                "{ended:?}: {}",
                std::fs::read_to_string(&log).unwrap()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn peer(&self) -> Peer {
        Peer::start(&self.broker.transport_url(), &json!({})).await
    }
}

fn config(broker: &TestBroker, xms: &TestXms, state: &Path, ca: &Path) -> String {
    format!(
        "[DEFAULT]\nhost = ctl1\ntransport_url = {url}\nstate_path = {state}\n\
         enabled_backends = xtremio1\n\
         [oslo_concurrency]\nlock_path = {state}\n\
         [xtremio1]\nvolume_driver = cinder.volume.drivers.dell_emc.xtremio.XtremIOISCSIDriver\n\
         volume_backend_name = xtremio1\nsan_ip = 127.0.0.1:{port}\nsan_login = {USER}\n\
         san_password = {PASSWORD}\nxtremio_cluster_name = {cluster}\n\
         driver_ssl_cert_verify = true\ndriver_ssl_cert_path = {ca}\n",
        url = broker.transport_url(),
        state = state.display(),
        ca = ca.display(),
        port = xms.sim.port,
        cluster = xms.sim.state()["clusters"][0]["name"].as_str().unwrap(),
    )
}

/// How current clients address a host.
fn target() -> Value {
    json!({"topic": format!("cinder-volume.{HOST}"), "server": "ctl1"})
}

fn call(method: &str, args: Value, monitor: Option<u32>) -> Value {
    json!({
        "do": "call", "target": target(), "method": method, "args": args, "timeout": 60,
        "monitor": monitor,
    })
}

#[tokio::test]
async fn clients_of_python_are_answered_as_by_python() {
    let worker = Worker::start().await;
    let mut peer = worker.peer().await;

    // By Cinder's own client, and its failure as Cinder's own exception.
    let backend = format!("{HOST}#pool");
    let capabilities = json!({"do": "volume_api", "method": "get_capabilities",
        "args": {"backend_id": backend, "discover": true}});
    let found = peer.tell(capabilities).await;
    assert_eq!(found["volume_backend_name"], "xtremio1", "{found}");
    assert_eq!(found["storage_protocol"], "iSCSI", "{found}");
    let id = uuid::Uuid::new_v4().to_string();
    let transfer = json!({"do": "volume_api", "method": "accept_transfer", "args": {
        "volume": {"id": id, "host": backend, "cluster_name": null}, "new_user": "u", "new_project": "p"}});
    let failed = peer.ask(transfer).await;
    assert!(
        failed["classes"]
            .as_array()
            .is_some_and(|c| c.contains(&json!("cinder.exception.VolumeNotFound"))),
        "{failed}"
    );
    assert!(failed["error"].as_str().unwrap().contains(&id), "{failed}");

    // What no service has.
    let failed = peer.ask(call("no_such_method", json!({}), None)).await;
    assert_eq!(failed["remote"], "NoSuchMethod", "{failed}");

    // A slow array: signs of life keep a call alive that would be given up after 2 s.
    worker.xms.sim.set_latency(Duration::from_secs(3));
    let slow = call("get_capabilities", json!({"discover": true}), Some(2));
    let answer = peer.ask(slow.clone()).await;
    assert_eq!(
        answer["result"]["volume_backend_name"], "xtremio1",
        "{answer}"
    );
    assert!(answer["seconds"].as_f64().unwrap() > 2.5, "{answer}");
    // The same with a limit that counts all the same.
    let mut limited = slow;
    limited["timeout"] = json!(1);
    limited["monitor"] = Value::Null;
    let failed = peer.ask(limited).await;
    assert_eq!(
        failed["classes"][0], "oslo_messaging.exceptions.MessagingTimeout",
        "{failed}"
    );
    worker.xms.sim.set_latency(Duration::ZERO);

    // Casts, to one and to all, leave nothing on the queues.
    for target in [
        target(),
        json!({"topic": "cinder-volume", "fanout": true}),
        json!({"topic": format!("cinder-volume.{HOST}"), "fanout": true}),
    ] {
        let cast = json!({"do": "cast", "target": target,
            "method": "publish_service_capabilities", "args": {}});
        peer.tell(cast).await;
    }
    let answer = peer.tell(call("get_capabilities", json!({"discover": false}), None));
    assert_eq!(answer.await["volume_backend_name"], "xtremio1");
    worker
        .broker
        .wait_for_queue(MAIN, |q| q.messages == 0 && q.consumers == 1)
        .await;
}
