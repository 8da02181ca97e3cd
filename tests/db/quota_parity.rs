//! The same quota cases as the real engine of Cinder 29 ran (`quota_cases.py`).

use cinder_volume_xtremio::db::DbError;
use serde_json::{Value, json};

use super::on_every_engine;
use super::quota::{request, volume};
use crate::support::database::TestDb;

const CASES: &str = include_str!("../data/cinder-schema/quota-cases.json");

on_every_engine!(quota_tables_end_as_with_cinder);

async fn quota_tables_end_as_with_cinder(t: TestDb) {
    let cases: serde_json::Map<String, Value> = serde_json::from_str(CASES).unwrap();
    assert_eq!(cases.len(), 9);
    for (number, (name, case)) in cases.iter().enumerate() {
        let project = format!("project-{number}");
        for size in [5, 7] {
            t.volume(&project, "ctl@xio#a", size, "available").await;
        }
        let results = run(&t, &project, case["steps"].as_array().unwrap()).await;
        assert_eq!(Value::from(results), case["results"], "{name}");
        for (resource, expected) in case["usage"].as_object().unwrap() {
            let (in_use, reserved) = t.usage(&project, resource).await.unwrap();
            assert_eq!(&json!([in_use, reserved]), expected, "{name}: {resource}");
        }
        let rest = format!("FROM reservations WHERE deleted = false AND project_id = '{project}'");
        assert_eq!(case["open"], t.number("COUNT(*)", &rest).await, "{name}");
    }
}

async fn run(t: &TestDb, project: &str, steps: &[Value]) -> Vec<Value> {
    let (mut made, mut results) = (Vec::<Vec<String>>::new(), Vec::new());
    for step in steps {
        let number = |n: usize| step[n].as_i64().unwrap();
        let mut ids = Vec::new();
        let outcome = match step[0].as_str().unwrap() {
            "reserve" => {
                let deltas = volume(
                    i32::try_from(number(1)).unwrap(),
                    i32::try_from(number(2)).unwrap(),
                );
                let reserved = t.db.reserve(&request(project, deltas)).await;
                reserved.map(|reserved| ids = reserved.ids)
            }
            word => {
                let of = &made[usize::try_from(number(1)).unwrap()];
                match word {
                    "rollback" => t.db.roll_back_reservations(project, of).await,
                    "commit" => t.db.commit_reservations(project, of).await,
                    "commit other" => t.db.commit_reservations("x", of).await,
                    other => panic!("unknown step {other}"),
                }
            }
        };
        made.push(ids);
        results.push(match outcome {
            Ok(()) => json!("ok"),
            Err(DbError::OverQuota { over, .. }) => {
                over.into_iter().map(|over| over.resource).collect()
            }
            Err(error) => panic!("{error:?}"),
        });
    }
    results
}
