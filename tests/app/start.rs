//! From the command line to a service, or to a list of faults.

use std::path::Path;

use cinder_volume_xtremio::config::Engine;
use nix::sys::signal::Signal;

use crate::support::lab::{FC, ISCSI, LabBuilder};
use crate::support::worker::{PATIENCE, Worker};

#[tokio::test]
async fn a_broken_cinder_conf_shows_all_its_faults_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("cinder.conf");
    let text = "[DEFAULT]\n\
         transport_url = kafka://u:mqsecret@h/\n\
         report_interval = soon\n\
         enabled_backends = xio\n\
         [database]\n\
         connection = oracle://u:dbsecret@h/cinder\n\
         [xio]\n\
         volume_driver = cinder.volume.drivers.dell_emc.xtremio.XtremIOFCDriver\n\
         san_ip = array\n\
         san_password = sansecret\n\
         zoning_mode = fabric\n\
         san_api_port = many\n";
    std::fs::write(&conf, text).unwrap();
    let conf = conf.display().to_string();
    let arguments = ["--config-file".to_owned(), conf.clone()];
    let mut worker = Worker::start(&arguments, &dir.path().join("log"));
    assert_eq!(worker.ended().await.code(), Some(64));
    let log = worker.log();
    for (line, key) in [
        (2, "transport_url"),
        (3, "report_interval"),
        (6, "connection"),
        (11, "zoning_mode"),
        (12, "san_api_port"),
    ] {
        let place = format!("{conf}:{line}: ");
        let fault = log.lines().find(|l| l.starts_with(&place));
        assert!(
            fault.is_some_and(|l| l.contains(key)),
            "{place}{key} in {log}"
        );
    }
    for secret in ["mqsecret", "dbsecret", "sansecret"] {
        assert!(!log.contains(secret), "{log}");
    }
}

/// The lines of Debian, RDO and kolla, with paths of the test's own.
#[tokio::test]
async fn exec_start_lines_of_distributions_start_the_worker() {
    let lines = [
        "--config-file={etc}/cinder.conf --log-file={log}/cinder-volume.log",
        "--config-file {etc}/cinder-dist.conf --config-file {etc}/cinder.conf --logfile {log}/volume.log",
        "--config-file {etc}/cinder.conf",
        "--config-file {etc}/cinder.conf --debug",
    ];
    let lab = LabBuilder::new(Engine::Sqlite).build().await;
    let etc = lab.dir();
    let dist = "[DEFAULT]\nlogdir = /nowhere\nlock_path = /tmp\nauth_strategy = keystone\n\
                rootwrap_config = /etc/cinder/rootwrap.conf\nlog_dir =\n";
    std::fs::write(etc.join("cinder-dist.conf"), dist).unwrap();
    for (n, line) in lines.iter().enumerate() {
        let logs = etc.join(format!("log-{n}"));
        std::fs::create_dir(&logs).unwrap();
        let line = line
            .replace("{etc}", &etc.display().to_string())
            .replace("{log}", &logs.display().to_string());
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let mut worker = Worker::start(&arguments, &etc.join(format!("out-{n}")));
        worker.says(" serving").await;
        lab.still_answers("xio").await;
        worker.stop().await;
        if line.contains("--log") {
            let name = Path::new(line.rsplit(['=', ' ']).next().unwrap()).to_owned();
            let log = std::fs::read_to_string(&name).unwrap();
            assert!(log.contains(" serving"), "{name:?}");
        }
        assert_eq!(
            worker.log().contains(" DEBUG "),
            line.contains("--debug"),
            "{line}"
        );
    }
    lab.finish_without_worker().await;
}

#[tokio::test]
async fn two_backends_live_in_one_process() {
    let both = [("xio", ISCSI), ("xfc", FC)];
    let lab = LabBuilder::new(Engine::Sqlite)
        .backends(&both)
        .start()
        .await;
    for (backend, protocol) in [("xio", "iSCSI"), ("xfc", "FC")] {
        lab.still_answers(backend).await;
        let rest = format!("FROM services WHERE host = 'ctl1@{backend}'");
        assert_eq!(lab.db.number("COUNT(*)", &rest).await, 1);
        let mut args = serde_json::Map::new();
        args.insert("discover".into(), true.into());
        let answer = lab.call(backend, "get_capabilities", args).await;
        let cinder_volume_xtremio::cli::call::Answer::Result(report) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(report["storage_protocol"], protocol);
    }
    lab.finish().await;
}

#[tokio::test]
async fn sighup_changes_the_log_level() {
    let mut lab = LabBuilder::new(Engine::Sqlite)
        .option("debug = false")
        .start()
        .await;
    lab.still_answers("xio").await;
    assert!(!lab.worker().log().contains(" DEBUG "));
    lab.change_conf("debug = false", "debug = true");
    lab.worker().signal(Signal::SIGHUP);
    lab.worker().says("reading log levels again").await;
    let id = lab.created("xio", 1).await;
    lab.worker().says(" DEBUG cinder_volume_xtremio").await;
    lab.delete("xio", &id).await;
    lab.wait_status(&id, "deleted").await;

    // A broken file is told and changes nothing.
    lab.change_conf("debug = true", "debug = perhaps");
    lab.worker().signal(Signal::SIGHUP);
    lab.worker().says("configuration not read again").await;
    lab.still_answers("xio").await;
    lab.finish().await;
}

#[tokio::test]
async fn systemd_is_told_of_readiness_life_and_stop() {
    let lab = LabBuilder::new(Engine::Sqlite).build().await;
    let path = lab.dir().join("notify");
    let socket = tokio::net::UnixDatagram::bind(&path).unwrap();
    let arguments = [
        "--config-file".to_owned(),
        lab.conf_path().display().to_string(),
    ];
    let env = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "1000000"),
    ];
    let mut worker = Worker::start_with(&arguments, &env, &lab.dir().join("notified.log"));
    let hear = async |wanted: &str| {
        let mut buffer = [0; 256];
        let heard = async {
            loop {
                let length = socket.recv(&mut buffer).await.unwrap();
                if std::str::from_utf8(&buffer[..length])
                    .unwrap()
                    .contains(wanted)
                {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard)
            .await
            .unwrap_or_else(|_| panic!("systemd never heard {wanted}"));
    };
    hear("READY=1").await;
    hear("WATCHDOG=1").await;
    worker.signal(Signal::SIGTERM);
    hear("STOPPING=1").await;
    assert!(worker.ended().await.success());
    lab.finish_without_worker().await;
}
