//! Calls that die: replies, and what no caller waits for any more.

use cinder_volume_xtremio::kill::VARIABLE;
use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;
use serde_json::{Value, json};
use uuid::Uuid;

use super::case::{Case, Given, POOL, finish_recorded, lab};
use crate::support::bodies::{Body, opened};
use crate::support::lab::Lab;
use crate::support::messaging;
use crate::support::worker::eventually;

/// The caller's patience, in milliseconds as on the wire.
const EXPIRATION: &str = "3000";

/// Makes a call of a cast; the reply goes to a queue of the test's own.
fn as_call(body: &Body, queue: &str) -> Body {
    let mut body = body.clone();
    body.0.insert(
        "_msg_id".to_owned(),
        json!(Uuid::new_v4().simple().to_string()),
    );
    body.0.insert("_reply_q".to_owned(), json!(queue));
    body
}

async fn send(lab: &Lab, body: &Body, properties: BasicProperties) {
    let (connection, channel) = lab.broker.channel().await;
    channel
        .basic_publish(
            "openstack".into(),
            lab.queue("xio").into(),
            BasicPublishOptions::default(),
            &body.bytes(),
            properties,
        )
        .await
        .expect("publish");
    connection.close(200, "done".into()).await.expect("close");
}

async fn reply(lab: &Lab, queue: &str) -> Value {
    eventually("a reply", async || {
        let message = lab.broker.get(queue).await?;
        Some(opened(&message.data))
    })
    .await
}

#[tokio::test]
async fn a_reply_that_was_not_acknowledged_comes_again_and_says_the_same() {
    for case in [Case::Create, Case::Delete] {
        for point in ["command.ended", "finish.written", "reply.sent"] {
            let mut lab = lab().await;
            lab.start_worker().await;
            let given = case.prepare(&lab).await;
            lab.worker().stop().await;
            let queue = format!("reply_{}", Uuid::new_v4().simple());
            lab.queue_of(&queue).await;
            let call = as_call(&given.body, &queue);
            let mut doomed = lab.spawn_with(&[(VARIABLE, point)]);
            doomed.says(" serving").await;
            send(&lab, &call, messaging::properties()).await;
            doomed.killed().await;
            lab.start_worker().await;
            let times = if point == "reply.sent" { 2 } else { 1 };
            for _ in 0..times {
                let reply = reply(&lab, &queue).await;
                assert_eq!(reply["_msg_id"], call.0["_msg_id"], "{case:?} {point}");
                assert_eq!(reply["result"], Value::Null, "{case:?} {point}");
                assert!(reply["failure"].is_null(), "{case:?} {point}: {reply}");
            }
            lab.wait_idle("xio").await;
            let status = if case == Case::Create {
                "available"
            } else {
                "deleted"
            };
            lab.wait_status(&given.id, status).await;
            lab.finish_as_it_is().await;
        }
    }
}

/// Waits until the broker has the message back from a dead worker, and has dropped it because
/// its time is over.
async fn expire(lab: &Lab) {
    let main = lab.queue("xio");
    for wanted in [1, 0] {
        eventually(&format!("{wanted} messages"), async || {
            (lab.ready(&main).await == wanted).then_some(())
        })
        .await;
    }
}

/// Kills the worker at a point of a call, lets the message expire, and starts the next.
async fn expired(case: Case, point: &str) -> (Lab, Given) {
    let (mut lab, given) = expired_after(case, point).await;
    lab.start_worker().await;
    (lab, given)
}

/// Kills the worker at a point of a call, and lets the message expire.
pub(crate) async fn expired_after(case: Case, point: &str) -> (Lab, Given) {
    let mut lab = lab().await;
    lab.start_worker().await;
    let given = case.prepare(&lab).await;
    lab.worker().stop().await;
    let queue = format!("reply_{}", Uuid::new_v4().simple());
    lab.queue_of(&queue).await;
    let mut doomed = lab.spawn_with(&[(VARIABLE, point)]);
    doomed.says(" serving").await;
    let properties = messaging::properties().with_expiration(EXPIRATION.into());
    send(&lab, &as_call(&given.body, &queue), properties).await;
    doomed.killed().await;
    expire(&lab).await;
    (lab, given)
}

#[tokio::test]
async fn a_create_whose_call_expired_is_gone_on_with_from_journal_and_row() {
    let (lab, given) = expired(Case::Create, "create_volume.on_array").await;
    lab.wait_status(&given.id, "available").await;
    given.ended(&lab).await;
    assert_eq!(lab.array(), [given.id.as_str()]);
    lab.delete("xio", &given.id).await;
    lab.wait_status(&given.id, "deleted").await;
    lab.finish().await;
}

#[tokio::test]
async fn a_create_whose_call_and_row_are_gone_leaves_nothing_on_the_array() {
    row_gone(true).await;
}

#[tokio::test]
async fn a_create_that_comes_back_after_its_row_has_gone_leaves_nothing_either() {
    row_gone(false).await;
}

async fn row_gone(and_call: bool) {
    let mut lab = lab().await;
    lab.start_worker().await;
    let id = lab.creating("xio", 1).await;
    lab.worker().stop().await;
    let queue = format!("reply_{}", Uuid::new_v4().simple());
    lab.queue_of(&queue).await;
    let mut doomed = lab.spawn_with(&[(VARIABLE, "create_volume.on_array")]);
    doomed.says(" serving").await;
    let call = as_call(&Body::create(&id, POOL, 1), &queue);
    let properties = messaging::properties().with_expiration(EXPIRATION.into());
    send(&lab, &call, properties).await;
    doomed.killed().await;
    assert_eq!(
        lab.array(),
        [id.as_str()],
        "made, and the row does not say so"
    );
    // An administrator removes the row by hand.
    let gone = "deleted = true, status = 'deleted', deleted_at = '2026-01-02 03:04:05'";
    lab.set(&id, gone).await;
    lab.db
        .execute(&format!("DELETE FROM workers WHERE resource_id = '{id}'"))
        .await;
    if and_call {
        expire(&lab).await;
    }
    lab.start_worker().await;
    eventually("an empty array", async || {
        lab.array().is_empty().then_some(())
    })
    .await;
    eventually("the end", async || {
        finish_recorded(&lab, call.unique_id()).then_some(())
    })
    .await;
    lab.finish().await;
}

#[tokio::test]
async fn a_delete_whose_call_expired_is_gone_on_with_from_its_row() {
    let (lab, given) = expired(Case::Delete, "delete_volume.off_array").await;
    lab.wait_status(&given.id, "deleted").await;
    given.ended(&lab).await;
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.finish().await;
}
