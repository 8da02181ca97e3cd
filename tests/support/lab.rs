//! Everything around a worker: its virtual host, database, array, cinder.conf and messages.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use cinder_volume_xtremio::cli::call::{self, Answer, Question};
use cinder_volume_xtremio::config::{Engine, MessagingOptions};
use cinder_volume_xtremio::db::{Read, Volume};
use cinder_volume_xtremio::rpc::{Message, Version};
use cinder_volume_xtremio::sim::{SimOptions, XmsVersion};
use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::bodies::{Body, PROJECT, TYPE};
use super::broker::TestBroker;
use super::database::TestDb;
use super::messaging;
use super::worker::{Worker, eventually};
use super::xms::{PASSWORD, TestXms, USER};

/// `host` of every lab.
pub(crate) const PLAIN: &str = "ctl1";
/// Class of the iSCSI driver, one of its names in a cinder.conf.
pub(crate) const ISCSI: &str = "cinder.volume.drivers.dell_emc.xtremio.XtremIOISCSIDriver";
/// The same for Fibre Channel.
pub(crate) const FC: &str = "cinder.volume.drivers.dell_emc.xtremio.XtremIOFCDriver";
/// Queue of the events.
pub(crate) const EVENTS: &str = "notifications.info";

/// What a lab is made of.
pub(crate) struct LabBuilder {
    engine: Engine,
    backends: Vec<(&'static str, &'static str)>,
    defaults: String,
    array: SimOptions,
    disks: Option<tempfile::TempDir>,
}

/// One virtual host, one database, one array, and a cinder.conf that names them.
pub(crate) struct Lab {
    /// The last worker started.
    pub(crate) worker: Option<Worker>,
    pub(crate) xms: TestXms,
    pub(crate) db: TestDb,
    pub(crate) broker: TestBroker,
    dir: tempfile::TempDir,
    /// The image service, where there is one.
    pub(crate) glance: Option<super::glance::TestGlance>,
    /// What the array's disks lie in, if it has any; outlives the array.
    _disks: Option<tempfile::TempDir>,
    backends: Vec<(&'static str, &'static str)>,
    started: usize,
    finished: bool,
}

impl LabBuilder {
    /// One iSCSI backend `xio`.
    pub(crate) fn new(engine: Engine) -> Self {
        let mut array = SimOptions::new(XmsVersion::V42);
        array.clusters = vec!["xbrick1".into()];
        Self {
            engine,
            backends: vec![("xio", ISCSI)],
            defaults: String::new(),
            array,
            disks: None,
        }
    }

    /// These backends instead: section and driver class.
    pub(crate) fn backends(mut self, backends: &[(&'static str, &'static str)]) -> Self {
        self.backends = backends.to_vec();
        self
    }

    /// One more line in `[DEFAULT]`.
    pub(crate) fn option(mut self, line: &str) -> Self {
        self.defaults.push_str(line);
        self.defaults.push('\n');
        self
    }

    /// Turns the array's options.
    pub(crate) fn array(mut self, change: impl FnOnce(&mut SimOptions)) -> Self {
        change(&mut self.array);
        self
    }

    /// With real disks behind the array's volumes.
    pub(crate) fn with_disks(mut self) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        self.array = self.array.with_luns(folder.path().join("luns"));
        self.disks = Some(folder);
        self
    }

    /// Makes everything but the worker.
    pub(crate) async fn build(self) -> Lab {
        let broker = TestBroker::new().await;
        let xms = TestXms::start_with(self.array).await;
        let db = TestDb::new(self.engine).await;
        db.volume_type(TYPE, "gold").await;
        let plain = ["volumes", "gigabytes", "snapshots"].map(str::to_owned);
        for resource in plain.iter().flat_map(|r| [r.clone(), format!("{r}_gold")]) {
            db.execute(&format!(
                "INSERT INTO quota_usages (created_at, updated_at, deleted, project_id, resource, \
                 in_use, reserved, race_preventer) VALUES ('2026-01-02 03:04:05', \
                 '2026-01-02 03:04:05', false, '{PROJECT}', '{resource}', 0, 0, true)"
            ))
            .await;
        }
        let lab = Lab {
            worker: None,
            xms,
            db,
            broker,
            dir: tempfile::tempdir().expect("a folder"),
            glance: None,
            _disks: self.disks,
            backends: self.backends,
            started: 0,
            finished: false,
        };
        let conf = lab.conf(&self.defaults);
        std::fs::write(lab.conf_path(), conf).expect("cinder.conf");
        std::fs::write(lab.dir.path().join("ca.pem"), &lab.xms.sim.ca_pem).expect("ca.pem");
        lab
    }

    /// Makes everything and starts the worker; returns when it serves.
    pub(crate) async fn start(self) -> Lab {
        let mut lab = self.build().await;
        lab.start_worker().await;
        lab
    }
}

impl Lab {
    fn conf(&self, defaults: &str) -> String {
        let names: Vec<_> = self.backends.iter().map(|(name, _)| *name).collect();
        let url = self.db.options.url.expose_secret();
        let url = match url.split_once("://") {
            Some(("mysql", rest)) => format!("mysql+pymysql://{rest}"),
            Some(("postgres", rest)) => format!("postgresql+psycopg2://{rest}"),
            Some(("sqlite", rest)) => format!("sqlite:///{}", rest.replace("?mode=rwc", "")),
            _ => panic!("unknown engine"),
        };
        let dir = self.dir.path().display();
        let mut conf = format!(
            "[DEFAULT]\nhost = {PLAIN}\nenabled_backends = {}\ntransport_url = {}\n\
             state_path = {dir}\nreport_interval = 1\nservice_down_time = 10\nuse_stderr = true\n\
             backend_stats_polling_interval = 5\n{defaults}\n\
             [database]\nconnection = {url}\n\n\
             [oslo_messaging_notifications]\ndriver = messagingv2\n\n",
            names.join(","),
            self.broker.transport_url(),
        );
        for (name, driver) in &self.backends {
            write!(
                conf,
                "[{name}]\nvolume_driver = {driver}\nvolume_backend_name = {name}\n\
                 san_ip = 127.0.0.1:{}\nsan_login = {USER}\nsan_password = {PASSWORD}\n\
                 xtremio_cluster_name = xbrick1\ndriver_ssl_cert_verify = true\n\
                 driver_ssl_cert_path = {dir}/ca.pem\n\n",
                self.xms.sim.port
            )
            .expect("text");
        }
        conf
    }

    /// The folder of the lab.
    pub(crate) fn dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// `cinder.conf`
    pub(crate) fn conf_path(&self) -> PathBuf {
        self.dir.path().join("cinder.conf")
    }

    /// Exchanges a text in `cinder.conf`.
    pub(crate) fn change_conf(&self, from: &str, to: &str) {
        let conf = std::fs::read_to_string(self.conf_path()).expect("cinder.conf");
        assert!(conf.contains(from), "no {from:?} in {conf}");
        std::fs::write(self.conf_path(), conf.replace(from, to)).expect("cinder.conf");
    }

    /// Starts a worker and returns at once.
    pub(crate) fn spawn(&mut self, arguments: &[&str]) -> Worker {
        self.start(arguments, &[])
    }

    /// The same with environment variables.
    pub(crate) fn spawn_with(&mut self, env: &[(&str, &str)]) -> Worker {
        self.start(&[], env)
    }

    fn start(&mut self, arguments: &[&str], env: &[(&str, &str)]) -> Worker {
        self.started += 1;
        let log = self.dir.path().join(format!("worker-{}.log", self.started));
        let conf = self.conf_path().display().to_string();
        let mut all = vec!["--config-file".to_owned(), conf];
        all.extend(arguments.iter().map(|&argument| argument.to_owned()));
        Worker::start_with(&all, env, &log)
    }

    /// Starts the lab's worker, and returns when all its backends serve.
    pub(crate) async fn start_worker(&mut self) {
        let mut worker = self.spawn(&[]);
        worker.says(" serving").await;
        worker
            .says_times("driver initialised", self.backends.len())
            .await;
        self.worker = Some(worker);
    }

    /// The lab's worker.
    pub(crate) fn worker(&mut self) -> &mut Worker {
        self.worker.as_mut().expect("a worker")
    }

    /// `ctl1@xio` for the backend `xio`.
    pub(crate) fn host(&self, backend: &str) -> String {
        format!("{PLAIN}@{backend}")
    }

    /// The queue that clients address.
    pub(crate) fn queue(&self, backend: &str) -> String {
        format!("cinder-volume.{PLAIN}@{backend}.{PLAIN}")
    }

    /// A volume row, its worker row and its quota, as scheduler and API leave them before a
    /// create.
    pub(crate) async fn creating(&self, backend: &str, size: i32) -> String {
        let id = Uuid::new_v4().to_string();
        self.volume(&id, backend, size, "creating").await;
        let values = format!("'Volume', '{id}', 'creating', NULL, 0");
        self.db
            .execute(&format!(
                "INSERT INTO workers (created_at, updated_at, deleted, resource_type, resource_id, \
                 status, service_id, race_preventer) VALUES ('2026-01-02 03:04:05', \
                 '2026-01-02 03:04:05.000000', false, {values})"
            ))
            .await;
        id
    }

    /// A volume row in any state, with its quota taken.
    pub(crate) async fn volume(&self, id: &str, backend: &str, size: i32, status: &str) {
        let host = format!("{PLAIN}@{backend}#{backend}");
        self.db
            .execute(&format!(
                "INSERT INTO volumes (created_at, deleted, id, project_id, user_id, host, size, \
                 status, attach_status, volume_type_id, use_quota, bootable, multiattach, \
                 availability_zone, display_name) VALUES ('2026-01-02 03:04:05', false, '{id}', \
                 '{PROJECT}', 'u1', '{host}', {size}, '{status}', 'detached', '{TYPE}', true, \
                 false, false, 'nova', 'test')"
            ))
            .await;
        self.db
            .execute(&format!(
                "UPDATE quota_usages SET in_use = in_use + CASE WHEN resource LIKE 'gigabytes%' \
                 THEN {size} ELSE 1 END WHERE project_id = '{PROJECT}' \
                 AND resource NOT LIKE 'snapshots%'"
            ))
            .await;
    }

    /// Sets columns of a volume.
    pub(crate) async fn set(&self, id: &str, columns: &str) {
        let sql = format!("UPDATE volumes SET {columns} WHERE id = '{id}'");
        self.db.execute(&sql).await;
    }

    /// Makes a volume through the worker and returns its id.
    pub(crate) async fn created(&self, backend: &str, size: i32) -> String {
        let id = self.creating(backend, size).await;
        let pool = format!("{PLAIN}@{backend}#{backend}");
        self.cast(backend, &Body::create(&id, &pool, size)).await;
        self.wait_status(&id, "available").await;
        id
    }

    /// Puts the row into `deleting` as the API does, and sends the cast.
    pub(crate) async fn delete(&self, backend: &str, id: &str) -> Body {
        self.set(id, "status = 'deleting'").await;
        let body = Body::delete(id, &format!("{PLAIN}@{backend}#{backend}"));
        self.cast(backend, &body).await;
        body
    }

    /// The row, also a deleted one.
    pub(crate) async fn row(&self, id: &str) -> Volume {
        self.db.db.volume(id, Read::WithDeleted).await.expect("row")
    }

    /// Waits until the row says what is wanted.
    pub(crate) async fn wait_row(&self, id: &str, wanted: impl Fn(&Volume) -> bool) -> Volume {
        eventually(&format!("volume {id}"), async || {
            Some(self.row(id).await).filter(|row| wanted(row))
        })
        .await
    }

    /// Waits for a status.
    pub(crate) async fn wait_status(&self, id: &str, status: &str) -> Volume {
        let what = format!("volume {id} in status {status}");
        eventually(&what, async || {
            Some(self.row(id).await).filter(|row| row.status.as_deref() == Some(status))
        })
        .await
    }

    /// Waits until a count is what it should be.
    pub(crate) async fn wait_count(&self, rest: &str, wanted: i64) {
        eventually(&format!("{wanted} rows {rest}"), async || {
            let found = self.db.number("COUNT(*)", rest).await;
            (found == wanted).then_some(())
        })
        .await;
    }

    /// Waits until there is any such row.
    pub(crate) async fn wait_some(&self, rest: &str) {
        eventually(&format!("rows {rest}"), async || {
            (self.db.number("COUNT(*)", rest).await > 0).then_some(())
        })
        .await;
    }

    /// Sends a cast to a backend's main queue.
    pub(crate) async fn cast(&self, backend: &str, body: &Body) {
        self.casts(backend, std::slice::from_ref(body)).await;
    }

    /// Sends many, each confirmed by the broker.
    pub(crate) async fn casts(&self, backend: &str, bodies: &[Body]) {
        let (connection, channel) = self.broker.channel().await;
        let options = ConfirmSelectOptions::default();
        channel.confirm_select(options).await.expect("confirms");
        let options = BasicPublishOptions {
            mandatory: true,
            ..Default::default()
        };
        for body in bodies {
            let sent = channel
                .basic_publish(
                    "openstack".into(),
                    self.queue(backend).into(),
                    options,
                    &body.bytes(),
                    messaging::properties(),
                )
                .await
                .expect("publish");
            let answer = sent.await.expect("confirm");
            assert!(answer.take_message().is_none(), "nobody's queue took it");
        }
        connection.close(200, "done".into()).await.expect("close");
    }

    /// How to reach the virtual host, for clients of the test's own.
    pub(crate) fn messaging(&self) -> MessagingOptions {
        messaging::options("127.0.0.1", self.broker.port(), self.broker.vhost())
    }

    /// Calls a method as a client does.
    pub(crate) async fn call(
        &self,
        backend: &str,
        method: &str,
        args: Map<String, Value>,
    ) -> Answer {
        let message = Message::from_wire(Body::of("delete_volume").0);
        let version = cinder_volume_xtremio::rpc::registry::method_info(method)
            .map_or(Version::new(3, 0), |info| info.sent);
        let question = Question {
            host: self.host(backend),
            method: method.to_owned(),
            args,
            version,
            context: message.request_context(),
            cast: false,
            timeout: Duration::from_secs(30),
        };
        let answer = call::ask(&self.messaging(), &question).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error:#}"))
    }

    /// Expects the worker to answer with its capabilities.
    pub(crate) async fn still_answers(&self, backend: &str) {
        let mut args = Map::new();
        args.insert("discover".into(), Value::Bool(false));
        match self.call(backend, "get_capabilities", args).await {
            Answer::Result(report) => assert_eq!(report["volume_backend_name"], backend),
            other => panic!("{other:?}"),
        }
    }

    /// A queue bound to the exchange of requests, for what goes to other services.
    pub(crate) async fn queue_of(&self, topic: &str) {
        let (connection, channel) = self.broker.channel().await;
        let none = FieldTable::default;
        let options = ExchangeDeclareOptions::default();
        channel
            .exchange_declare(
                "openstack".into(),
                lapin::ExchangeKind::Topic,
                options,
                none(),
            )
            .await
            .expect("exchange");
        let options = QueueDeclareOptions::default();
        channel
            .queue_declare(topic.into(), options, none())
            .await
            .expect("queue");
        let options = QueueBindOptions::default();
        channel
            .queue_bind(
                topic.into(),
                "openstack".into(),
                topic.into(),
                options,
                none(),
            )
            .await
            .expect("binding");
        connection.close(200, "done".into()).await.expect("close");
    }

    /// Waits for the next message of a queue that satisfies, dropping others.
    pub(crate) async fn next(&self, queue: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("a message in {queue}"), async || {
            let message = self.broker.get(queue).await?;
            Some(super::bodies::opened(&message.data)).filter(|message| wanted(message))
        })
        .await
    }

    /// The next event about a volume.
    pub(crate) async fn event(&self, id: &str, kind: &str) -> Value {
        let of = |m: &Value| m["payload"]["volume_id"] == id && m["event_type"] == kind;
        self.next(EVENTS, of).await
    }

    /// Messages ready in a queue; what a consumer holds is not counted.
    pub(crate) async fn ready(&self, queue: &str) -> u32 {
        let (connection, channel) = self.broker.channel().await;
        let options = QueueDeclareOptions {
            passive: true,
            ..Default::default()
        };
        let found = channel
            .queue_declare(queue.into(), options, FieldTable::default())
            .await
            .expect("the queue is there");
        connection.close(200, "done".into()).await.expect("close");
        found.message_count()
    }

    /// Waits until a backend's main queue holds nothing, and its consumer nothing of it.
    pub(crate) async fn wait_idle(&self, backend: &str) {
        let idle = |queue: &super::broker::Queue| queue.messages == 0;
        self.broker.wait_for_queue(&self.queue(backend), idle).await;
    }

    /// Names of the volumes on the array.
    pub(crate) fn array(&self) -> Vec<String> {
        let state = self.xms.sim.state();
        let volumes = state["clusters"][0]["volumes"].as_array().unwrap();
        let name = |volume: &Value| volume["name"].as_str().unwrap().to_owned();
        volumes.iter().map(name).collect()
    }

    /// `in_use` and `reserved` of volumes, gigabytes, and the same of the type.
    pub(crate) async fn usage(&self) -> [(i64, i64); 4] {
        let mut found = [(0, 0); 4];
        let resources = ["volumes", "gigabytes", "volumes_gold", "gigabytes_gold"];
        for (usage, resource) in found.iter_mut().zip(resources) {
            *usage = self.db.usage(PROJECT, resource).await.expect("a usage row");
        }
        found
    }

    /// User messages about a resource.
    pub(crate) async fn messages(&self, id: &str) -> Vec<String> {
        let rest = format!("FROM messages WHERE resource_uuid = '{id}'");
        let count = self.db.number("COUNT(*)", &rest).await;
        let mut found = Vec::new();
        for n in 0..count {
            let rest = format!("{rest} ORDER BY created_at, id LIMIT 1 OFFSET {n}");
            found.push(self.db.text("event_id", &rest).await.expect("an event"));
        }
        found
    }

    /// The end of a test: the worker stops when asked, and nothing is left over.
    pub(crate) async fn finish(self) {
        assert_eq!(self.array(), Vec::<String>::new(), "left on the array");
        self.finish_with_array().await;
    }

    /// The same, where volumes, worker rows and user messages may stay.
    pub(crate) async fn finish_as_it_is(mut self) {
        if self.worker().runs() {
            self.worker().stop().await;
        }
        self.finished = true;
        self.check_logs();
        let left = "FROM reservations WHERE deleted = false";
        assert_eq!(self.db.number("COUNT(*)", left).await, 0, "reservations");
        for (name, _) in self.backends.clone() {
            assert_eq!(self.ready(&self.queue(name)).await, 0, "messages");
        }
    }

    /// The same, where volumes are to stay on the array.
    pub(crate) async fn finish_with_array(mut self) {
        let worker = self.worker();
        worker.stop().await;
        self.finish_without_worker().await;
    }

    /// The same, where the workers have been stopped.
    pub(crate) async fn finish_without_worker(mut self) {
        self.finished = true;
        self.check_logs();
        let left = "FROM workers WHERE resource_type <> 'SENTINEL'";
        assert_eq!(self.db.number("COUNT(*)", left).await, 0, "workers rows");
        let left = "FROM reservations WHERE deleted = false";
        assert_eq!(self.db.number("COUNT(*)", left).await, 0, "reservations");
        for (name, _) in self.backends.clone() {
            assert_eq!(self.ready(&self.queue(name)).await, 0, "messages");
        }
    }

    fn check_logs(&self) {
        let mut log = String::new();
        for n in 1..=self.started {
            let path = self.dir.path().join(format!("worker-{n}.log"));
            log += &std::fs::read_to_string(path).expect("a log");
        }
        assert!(!log.contains("panicked"), "the worker panicked");
        assert!(!log.contains(PASSWORD), "a password in the log");
        assert!(!log.contains("lab-database"), "a password in the log");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !self.finished && !std::thread::panicking() {
            panic!("a test of a lab must end with finish()");
        }
    }
}
