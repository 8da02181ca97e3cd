//! The command lines with which distributions start cinder-volume, and our subcommands.

use std::path::Path;

use cinder_volume_xtremio::cli::args::{ChapMode, Cli, Command, XmsVersion};
use clap::{CommandFactory as _, Parser as _};

fn parse(line: &str) -> Command {
    match Cli::try_parse_from(line.split_whitespace()) {
        Ok(cli) => cli.into_command(),
        Err(error) => panic!("{line}: {error}"),
    }
}

fn refused(line: &str) -> i32 {
    Cli::try_parse_from(line.split_whitespace())
        .expect_err(line)
        .exit_code()
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn exec_start_lines_of_distributions_serve() {
    // Debian (openstack-pkg-tools), with and without syslog; RDO; kolla; devstack.
    let lines: [(&str, &[&str], Option<&str>); 6] = [
        (
            "/usr/bin/cinder-volume --config-file=/etc/cinder/cinder.conf --log-file=/var/log/cinder/cinder-volume.log",
            &["/etc/cinder/cinder.conf"],
            Some("/var/log/cinder/cinder-volume.log"),
        ),
        (
            "/usr/bin/cinder-volume --config-file=/etc/cinder/cinder.conf --use-syslog --log-file=/var/log/cinder/cinder-volume.log",
            &["/etc/cinder/cinder.conf"],
            Some("/var/log/cinder/cinder-volume.log"),
        ),
        (
            "/usr/bin/cinder-volume --config-file /usr/share/cinder/cinder-dist.conf --config-file /etc/cinder/cinder.conf --logfile /var/log/cinder/volume.log",
            &[
                "/usr/share/cinder/cinder-dist.conf",
                "/etc/cinder/cinder.conf",
            ],
            Some("/var/log/cinder/volume.log"),
        ),
        (
            "cinder-volume --config-file /etc/cinder/cinder.conf",
            &["/etc/cinder/cinder.conf"],
            None,
        ),
        (
            "cinder-volume --config-file /etc/cinder/cinder.conf --debug",
            &["/etc/cinder/cinder.conf"],
            None,
        ),
        ("cinder-volume", &[], None),
    ];
    for (line, files, log_file) in lines {
        let Command::Serve(args) = parse(line) else {
            panic!("{line}");
        };
        let load = args.load_args();
        let files: Vec<&Path> = files.iter().map(Path::new).collect();
        assert_eq!(load.config_files, files, "{line}");
        assert_eq!(
            load.overrides.get("log_file").map(String::as_str),
            log_file,
            "{line}"
        );
        let syslog = load.overrides.get("use_syslog").map(String::as_str);
        assert_eq!(
            syslog,
            line.contains("--use-syslog").then_some("true"),
            "{line}"
        );
        let debug = load.overrides.get("debug").map(String::as_str);
        assert_eq!(debug, line.contains("--debug").then_some("true"), "{line}");
    }
}

#[test]
fn every_flag_of_cinder_volume_29_is_taken() {
    let line = "cinder-volume --backend_host b --config-dir /d --config-file /f --debug --log-config-append l \
                --log-date-format %Y --log-dir /l --log-file f --nodebug --nouse-journal --nouse-json \
                --nouse-syslog --state_path /s --syslog-log-facility LOG_LOCAL1 --use-journal --use-json \
                --use-syslog -d -v --verbose --watch-log-file --use-stderr --standalone";
    let Command::Serve(args) = parse(line) else {
        panic!();
    };
    let load = args.load_args();
    assert!(load.standalone);
    assert_eq!(load.config_dirs, [Path::new("/d")]);
    let given: Vec<String> = load
        .overrides
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(
        given,
        [
            "backend_host=b",
            "debug=true",
            "log_config_append=l",
            "log_dir=/l",
            "log_file=f",
            "state_path=/s",
            "syslog_log_facility=LOG_LOCAL1",
            "use_journal=true",
            "use_json=true",
            "use_stderr=true",
            "use_syslog=true",
        ]
    );
    for alias in [
        "--logdir /x",
        "--logfile /x",
        "--log-config x",
        "--log_config x",
        "--state-path /x",
    ] {
        parse(&format!("cinder-volume {alias}"));
    }
}

#[test]
fn the_last_of_a_pair_of_flags_wins() {
    let Command::Serve(args) = parse("cinder-volume --debug --nodebug --nouse-json --use-json")
    else {
        panic!();
    };
    let overrides = args.load_args().overrides;
    assert_eq!(overrides["debug"], "false");
    assert_eq!(overrides["use_json"], "true");
}

#[test]
fn subcommands_take_their_arguments() {
    let Command::Serve(args) = parse("x serve --config-file /c --standalone") else {
        panic!();
    };
    assert!(args.standalone);

    let Command::Call(call) = parse(
        "x call get_capabilities --json {\"discover\":true} --host ctl1@xio --version 3.1 --timeout 5 \
         --context {\"is_admin\":true} --config-file /c",
    ) else {
        panic!();
    };
    assert_eq!(call.method, "get_capabilities");
    assert_eq!(call.json["discover"], true);
    assert_eq!(call.host.as_deref(), Some("ctl1@xio"));
    assert_eq!(
        (call.rpc_version.as_str(), call.timeout, call.cast),
        ("3.1", Some(5), false)
    );
    assert_eq!(call.context.unwrap()["is_admin"], true);
    assert_eq!(call.oslo.config_file, [Path::new("/c")]);

    let Command::SimulateXms(simulate) = parse(
        "x simulate-xms --listen 127.0.0.1:8443 --xms-version 6.3 --cluster a,b --cluster c --user u \
         --password-file /p --ca-out /ca --capacity-gib 100 --chap initiator",
    ) else {
        panic!();
    };
    assert_eq!(simulate.listen.port(), 8443);
    assert_eq!(simulate.admin.port(), 0);
    assert_eq!(simulate.xms_version, XmsVersion::V6_3);
    assert_eq!(simulate.cluster, ["a", "b", "c"]);
    assert_eq!(simulate.chap, ChapMode::Initiator);
    assert_eq!(simulate.capacity_gib, Some(100));

    assert!(matches!(
        parse("x check-config --config-file /c"),
        Command::CheckConfig(_)
    ));
}

#[test]
fn bad_arguments_end_with_2() {
    for line in [
        "x --no-such-flag",
        "x call",
        "x call m --json [1]",
        "x call m --timeout 0",
        "x simulate-xms --xms-version 5.0",
        "x simulate-xms --listen nowhere",
        "x frobnicate",
    ] {
        assert_eq!(refused(line), 2, "{line}");
    }
}

/// From the ExecStart line to the options: flags win over the file.
#[test]
fn a_service_line_loads() {
    let mut files = super::Files::with(super::BASE);
    let main = files.args.config_files[0].display().to_string();
    let dist = files.write(
        "cinder-dist.conf",
        "[DEFAULT]\nlogdir = /dist\nstate_path = /dist-state\ndebug = true\n",
    );
    let line = format!(
        "/usr/bin/cinder-volume --config-file {} --config-file {main} --logfile /var/log/${{host}}.log --nodebug --log-config /l",
        dist.display()
    );
    let Command::Serve(args) = parse(&line) else {
        panic!();
    };
    files.args = args.load_args();
    let loaded = files.load().unwrap();
    let logging = &loaded.config.logging;
    assert_eq!(
        logging.log_file.as_deref(),
        Some(Path::new("/var/log/ctl1.log"))
    );
    assert!(!logging.debug);
    assert_eq!(loaded.config.service.state_path, Path::new("/dist-state"));
    assert!(
        loaded
            .warnings
            .iter()
            .any(|w| w.contains("log_config_append")),
        "{:?}",
        loaded.warnings
    );
}
