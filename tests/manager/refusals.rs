//! Every method that this version cannot run: its documented error state, and nothing stuck.

use std::collections::BTreeSet;

use cinder_volume_xtremio::cli::call::Answer;
use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::rpc::registry::METHODS;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::support::bodies::{Body, PROJECT, TYPE};
use crate::support::lab::{Lab, LabBuilder};

const VOLUME: &str = "/args/volume/versioned_object.data/id";
const SNAPSHOT: &str = "/args/snapshot/versioned_object.data/id";
const GROUP: &str = "/args/group/versioned_object.data/id";
const GROUP_SNAPSHOT: &str = "/args/group_snapshot/versioned_object.data/id";

/// Methods that are served: other tests are about them.
const SERVED: [&str; 21] = [
    "copy_volume_to_image",
    "get_backup_device",
    "attach_volume",
    "detach_volume",
    "initialize_connection",
    "terminate_connection",
    "remove_export",
    "attachment_update",
    "attachment_delete",
    "create_volume",
    "delete_volume",
    "create_snapshot",
    "delete_snapshot",
    "extend_volume",
    "extend_volume_completion",
    "get_capabilities",
    "publish_service_capabilities",
    "accept_transfer",
    "secure_file_operations_enabled",
    "list_replication_targets",
    "failover_completed",
];

/// A row and what becomes of one column of it.
struct Row {
    table: &'static str,
    /// Where its id stands in the request.
    id: &'static str,
    /// Columns and values before.
    before: String,
    column: &'static str,
    after: &'static str,
}

fn volume(before: &str, after: &'static str) -> Row {
    row("volumes", VOLUME, before, "status", after)
}

fn snapshot(before: &str, after: &'static str) -> Row {
    row(
        "snapshots",
        SNAPSHOT,
        &format!("status={before}"),
        "status",
        after,
    )
}

fn group(before: &str, after: &'static str) -> Row {
    row(
        "groups",
        GROUP,
        &format!("status={before}"),
        "status",
        after,
    )
}

fn row(
    table: &'static str,
    id: &'static str,
    before: &str,
    column: &'static str,
    after: &'static str,
) -> Row {
    let before = before.to_owned();
    Row {
        table,
        id,
        before,
        column,
        after,
    }
}

/// One method.
struct Case {
    method: &'static str,
    body: Body,
    rows: Vec<Row>,
    /// Where ids of reservations stand in the request.
    reservations: &'static [&'static str],
    message: Option<(&'static str, &'static str)>,
}

fn case(method: &'static str, rows: Vec<Row>) -> Case {
    case_with(method, Body::of(method), rows)
}

fn case_with(method: &'static str, body: Body, rows: Vec<Row>) -> Case {
    Case {
        method,
        body,
        rows,
        reservations: &[],
        message: None,
    }
}

impl Case {
    fn reserved(mut self, arguments: &'static [&'static str]) -> Self {
        self.reservations = arguments;
        self
    }

    fn told(mut self, id: &'static str, event: &'static str) -> Self {
        self.message = Some((id, event));
        self
    }
}

/// A request made of another one's context and these arguments.
fn made(method: &str, version: &str, args: Value) -> Body {
    let mut body = Body::of("remove_export");
    body.0["method"] = json!(method);
    body.0["version"] = json!(version);
    body.0["args"] = args;
    body
}

fn argument(of: &str, name: &str) -> Value {
    Body::of(of).0["args"][name].clone()
}

fn casts() -> Vec<Case> {
    let vol = |status: &str| format!("status={status},previous_status=available");
    let group_object = argument("create_group", "group");
    let cleanup = json!({"cleanup_request": {
        "versioned_object.name": "CleanupRequest", "versioned_object.namespace": "cinder",
        "versioned_object.version": "1.0", "versioned_object.data": {
            "service_id": null, "cluster_name": null, "host": "ctl1@xio", "binary": "cinder-volume",
            "is_up": false, "disabled": null, "resource_id": null, "resource_type": null,
            "until": "2026-11-22T09:30:34Z"}}});
    let replication = |method, extra: Value, before: &str| {
        let mut args = json!({"group": group_object});
        for (name, value) in extra.as_object().unwrap() {
            args[name] = value.clone();
        }
        let before = format!("status=available,replication_status={before}");
        let row = row("groups", GROUP, &before, "replication_status", "error");
        case_with(method, made(method, "3.14", args), vec![row])
    };
    vec![
        case(
            "revert_to_snapshot",
            vec![
                volume("status=reverting", "error"),
                snapshot("restoring", "available"),
            ],
        ),
        case(
            "retype",
            vec![volume("status=retyping,previous_status=in-use", "in-use")],
        )
        .reserved(&["reservations", "old_reservations"]),
        case(
            "migrate_volume",
            vec![
                volume(
                    "status=maintenance,previous_status=available,migration_status=starting",
                    "available",
                ),
                row("", VOLUME, "", "migration_status", "error"),
            ],
        ),
        case(
            "manage_existing",
            vec![volume("status=managing", "error_managing")],
        ),
        case(
            "manage_existing_snapshot",
            vec![snapshot("creating", "error")],
        ),
        case(
            "reimage",
            vec![
                volume(&vol("downloading"), "error"),
                row("", VOLUME, "", "previous_status", "downloading"),
            ],
        )
        .told(VOLUME, "VOLUME_VOLUME_016_001"),
        case("create_group", vec![group("creating", "error")]),
        case("create_group_from_src", vec![group("creating", "error")]),
        case("delete_group", vec![group("deleting", "error")]),
        case("update_group", vec![group("updating", "error")]),
        case(
            "create_group_snapshot",
            vec![row(
                "group_snapshots",
                GROUP_SNAPSHOT,
                "status=creating",
                "status",
                "error",
            )],
        ),
        case(
            "delete_group_snapshot",
            vec![row(
                "group_snapshots",
                GROUP_SNAPSHOT,
                "status=deleting",
                "status",
                "error",
            )],
        ),
        replication("enable_replication", json!({}), "enabling"),
        replication("disable_replication", json!({}), "disabling"),
        replication(
            "failover_replication",
            json!({"allow_attached_volume": false, "secondary_backend_id": null}),
            "failing-over",
        ),
        case_with(
            "failover",
            made("failover", "3.8", json!({"secondary_backend_id": null})),
            vec![],
        ),
        case_with(
            "failover_host",
            made(
                "failover_host",
                "3.0",
                json!({"secondary_backend_id": null}),
            ),
            vec![],
        ),
        case_with(
            "remove_export_snapshot",
            made(
                "remove_export_snapshot",
                "3.13",
                json!({"snapshot_id": Uuid::new_v4()}),
            ),
            vec![],
        ),
        case_with("do_cleanup", made("do_cleanup", "3.7", cleanup), vec![]),
        case("set_log_levels", vec![]),
    ]
}

async fn insert(lab: &Lab, row: &Row, id: &str) {
    let mut columns = String::from("created_at, deleted, id, project_id");
    let mut values = format!("'2026-01-02 03:04:05', false, '{id}', '{PROJECT}'");
    for (column, value) in row
        .before
        .split(',')
        .filter_map(|pair| pair.split_once('='))
    {
        columns += &format!(", {column}");
        values += &format!(", '{value}'");
    }
    let owner = Uuid::new_v4().to_string();
    let more: &[(&str, &str)] = match row.table {
        "" => return,
        "volumes" => &[
            ("volume_type_id", TYPE),
            ("host", "ctl1@xio#xio"),
            ("size", "1"),
        ],
        "snapshots" => {
            lab.volume(&owner, "xio", 1, "available").await;
            &[
                ("volume_type_id", TYPE),
                ("volume_id", &owner),
                ("volume_size", "1"),
            ]
        }
        "backups" => &[("volume_id", &owner)],
        "group_snapshots" => {
            lab.db
                .execute(&format!(
                    "INSERT INTO `groups` (created_at, deleted, id, project_id, status) VALUES \
                     ('2026-01-02 03:04:05', false, '{owner}', '{PROJECT}', 'available')"
                ))
                .await;
            &[("group_id", &owner)]
        }
        _ => &[],
    };
    for (column, value) in more {
        columns += &format!(", {column}");
        values += &format!(", '{value}'");
    }
    let table = row.table;
    lab.db
        .execute(&format!(
            "INSERT INTO `{table}` ({columns}) VALUES ({values})"
        ))
        .await;
    if table == "snapshots" && row.before == "status=creating" {
        lab.db
            .execute(&format!(
                "INSERT INTO workers (created_at, updated_at, deleted, resource_type, resource_id, \
                 status, race_preventer) VALUES ('2026-01-02 03:04:05', \
                 '2026-01-02 03:04:05.000000', false, 'Snapshot', '{id}', 'creating', 0)"
            ))
            .await;
    }
}

async fn reserve(lab: &Lab, body: &Body, arguments: &[&str]) {
    for argument in arguments {
        for id in body.0["args"][*argument].as_array().unwrap() {
            let id = id.as_str().unwrap();
            lab.db
                .execute(&format!(
                    "INSERT INTO reservations (created_at, deleted, uuid, usage_id, project_id, \
                     resource, delta, expire) SELECT '2026-01-02 03:04:05', false, '{id}', id, \
                     project_id, resource, 1, '2036-01-02 03:04:05' FROM quota_usages WHERE \
                     resource = 'gigabytes'"
                ))
                .await;
            lab.db
                .execute(
                    "UPDATE quota_usages SET reserved = reserved + 1 WHERE resource = 'gigabytes'",
                )
                .await;
        }
    }
}

#[tokio::test]
async fn every_cast_ends_in_its_error_state() {
    let newest = LabBuilder::new(Engine::MySql).option("cinder_release = 29");
    let mut lab = newest.start().await;
    lab.db
        .execute("UPDATE services SET replication_status = 'failing-over'")
        .await;
    let mut failed = 0;
    for mut case in casts() {
        let mut replaced = BTreeSet::new();
        for row in &case.rows {
            if replaced.insert(row.id) {
                let old = case.body.at(row.id).expect(case.method).to_owned();
                case.body = case.body.exchange(&old, &Uuid::new_v4().to_string());
            }
        }
        let id_of = |pointer: &str| case.body.at(pointer).expect(case.method).to_owned();
        for row in &case.rows {
            insert(&lab, row, &id_of(row.id)).await;
        }
        reserve(&lab, &case.body, case.reservations).await;
        lab.cast("xio", &case.body).await;
        failed += 1;
        lab.worker().says_times("command failed", failed).await;
        for row in &case.rows {
            let table = if row.table.is_empty() {
                "volumes"
            } else {
                row.table
            };
            let rest = format!("FROM `{table}` WHERE id = '{}'", id_of(row.id));
            let found = lab.db.text(row.column, &rest).await;
            assert_eq!(
                found.as_deref(),
                Some(row.after),
                "{}: {table}",
                case.method
            );
        }
        if let Some((id, event)) = case.message {
            assert_eq!(lab.messages(&id_of(id)).await, [event], "{}", case.method);
        }
        let reserved = lab.db.usage(PROJECT, "gigabytes").await.unwrap().1;
        assert_eq!(reserved, 0, "{}: reservations", case.method);
    }
    let service = "FROM services WHERE host = 'ctl1@xio'";
    let status = lab.db.text("replication_status", service).await;
    assert_eq!(status.as_deref(), Some("failover-error"));
    assert_eq!(
        lab.db
            .number("COUNT(*)", &format!("{service} AND disabled = true"))
            .await,
        1
    );
    lab.still_answers("xio").await;
    lab.finish().await;
}

fn calls() -> Vec<(&'static str, Map<String, Value>)> {
    let captured = |method: &'static str| (method, Body::of(method).args());
    let other = |method: &'static str, args: Value| (method, args.as_object().unwrap().clone());
    let migrated = Body::of("update_migrated_volume").args();
    vec![
        other(
            "initialize_connection_snapshot",
            json!({"snapshot_id": Uuid::new_v4(), "connector": {"host": "vm"}}),
        ),
        other(
            "terminate_connection_snapshot",
            json!({"snapshot_id": Uuid::new_v4(), "connector": {"host": "vm"}, "force": false}),
        ),
        other(
            "migrate_volume_completion",
            json!({"volume": migrated["volume"], "new_volume": migrated["new_volume"],
                "error": false}),
        ),
        captured("update_migrated_volume"),
        captured("get_manageable_volumes"),
        captured("get_manageable_snapshots"),
        captured("freeze_host"),
        captured("thaw_host"),
        captured("get_log_levels"),
    ]
}

#[tokio::test]
async fn every_call_gets_a_failure() {
    let newest = LabBuilder::new(Engine::Sqlite).option("cinder_release = 29");
    let lab = newest.start().await;
    for (method, args) in calls() {
        match lab.call("xio", method, args).await {
            Answer::Failure(failure) => {
                assert!(
                    failure.is_cinder("VolumeDriverException"),
                    "{method}: {failure}"
                );
                assert!(failure.message.contains("cannot"), "{method}: {failure}");
            }
            other => panic!("{method}: {other:?}"),
        }
    }
    // What needs no array is served.
    let mut args = Map::new();
    args.insert("volume".into(), Value::Null);
    let answer = lab
        .call("xio", "secure_file_operations_enabled", args)
        .await;
    assert!(
        matches!(answer, Answer::Result(Value::Bool(false))),
        "{answer:?}"
    );
    let mut args = Map::new();
    args.insert("group".into(), argument("create_group", "group"));
    let answer = lab.call("xio", "list_replication_targets", args).await;
    match answer {
        Answer::Result(value) => assert_eq!(value, json!({"replication_targets": []})),
        other => panic!("{other:?}"),
    }
    let id = lab.created("xio", 1).await;
    let transfer = Body::of("accept_transfer").arg("volume_id", json!(id));
    let answer = lab.call("xio", "accept_transfer", transfer.args()).await;
    assert!(matches!(answer, Answer::Result(Value::Null)), "{answer:?}");
    let gone = Body::of("accept_transfer");
    match lab.call("xio", "accept_transfer", gone.args()).await {
        Answer::Failure(failure) => assert!(failure.is_cinder("VolumeNotFound"), "{failure}"),
        other => panic!("{other:?}"),
    }
    lab.delete("xio", &id).await;
    lab.wait_status(&id, "deleted").await;
    lab.finish().await;
}

#[test]
fn every_method_is_in_one_of_the_tests() {
    let mut known: BTreeSet<&str> = SERVED.into();
    known.extend(casts().iter().map(|case| case.method));
    known.extend(calls().iter().map(|(method, _)| *method));
    let all: BTreeSet<&str> = METHODS.iter().map(|method| method.name).collect();
    assert_eq!(known, all);
}
