//! Mappings that no row stands for: what must not be made by a repeat, and must not be left.

use cinder_volume_xtremio::cli::call::Answer;
use cinder_volume_xtremio::kill::VARIABLE;
use cinder_volume_xtremio::sim::{Fault, FaultAction, FaultMatch};
use serde_json::{Value, json};

use super::calls::expired_after;
use super::case::{Case, lab};
use crate::support::attachments::connector;
use crate::support::bodies::Body;
use crate::support::lab::Lab;

const HOST: &str = "compute1";

async fn started() -> Lab {
    let mut lab = lab().await;
    lab.start_worker().await;
    lab
}

async fn delete(lab: &Lab, volume: &str, attachment: &str) {
    let body = lab.delete_of(volume, "xio", attachment);
    let answer = lab.call("xio", "attachment_delete", body.args()).await;
    assert!(matches!(answer, Answer::Result(Value::Null)), "{answer:?}");
}

#[tokio::test]
async fn a_repeated_initialize_connection_maps_no_host_that_was_given_up() {
    let mut lab = started().await;
    let case = Case::InitializeConnection;
    let given = case.prepare(&lab).await;
    given.send(&lab, 1).await;
    given.ended(&lab).await;
    let terminate = Body::of("terminate_connection")
        .arg("volume_id", json!(given.id))
        .arg("connector", connector(HOST));
    lab.call("xio", "terminate_connection", terminate.args())
        .await;
    // Another host has it now.
    lab.attach("xio", &given.id, "compute2").await;
    let wanted = lab.seen_by(&given.id).await;
    lab.worker().stop().await;
    lab.start_worker().await;
    given.send(&lab, 1).await;
    lab.worker().says_times("repeat of a command", 1).await;
    lab.wait_idle("xio").await;
    assert_eq!(lab.seen_by(&given.id).await, wanted);
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn an_attachment_that_has_its_host_is_mapped_to_no_other() {
    let lab = started().await;
    let volume = lab.created("xio", 1).await;
    let (attachment, _) = lab.attach("xio", &volume, HOST).await;
    let other = lab.update_of(&volume, "xio", &attachment, "compute2");
    match lab.call("xio", "attachment_update", other.args()).await {
        Answer::Failure(failure) => assert!(failure.is_cinder("InvalidVolume"), "{failure}"),
        answer => panic!("{answer:?}"),
    }
    assert_eq!(lab.seen_by(&volume).await.len(), 1);
    // Its own host may ask once more.
    let same = lab.update_of(&volume, "xio", &attachment, HOST);
    let answer = lab.call("xio", "attachment_update", same.args()).await;
    assert!(matches!(answer, Answer::Result(_)), "{answer:?}");
    delete(&lab, &volume, &attachment).await;
    assert!(lab.seen_by(&volume).await.is_empty());
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn a_reply_that_cannot_be_completed_leaves_no_mapping() {
    let lab = started().await;
    let volume = lab.created("xio", 1).await;
    let attachment = lab.attachment(&volume, "reserved").await;
    lab.db
        .execute("RENAME TABLE volume_type_extra_specs TO away")
        .await;
    let update = lab.update_of(&volume, "xio", &attachment, HOST);
    let answer = lab.call("xio", "attachment_update", update.args()).await;
    assert!(matches!(answer, Answer::Failure(_)), "{answer:?}");
    lab.db
        .execute("RENAME TABLE away TO volume_type_extra_specs")
        .await;
    // The API deletes what is `reserved` without asking us.
    assert!(lab.seen_by(&volume).await.is_empty());
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn an_attach_that_never_ends_leaves_no_mapping() {
    let mut lab = started().await;
    let given = Case::AttachmentUpdate.prepare(&lab).await;
    lab.worker().stop().await;
    given.send(&lab, 1).await;
    for _ in 0..3 {
        let mut doomed = lab.spawn_with(&[(VARIABLE, "connection.mapped")]);
        doomed.killed().await;
    }
    lab.start_worker().await;
    given.ended(&lab).await;
    assert!(lab.seen_by(&given.id).await.is_empty());
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn what_an_expired_attach_mapped_stays_while_the_old_flow_has_it_there() {
    let (mut lab, given) = expired_after(Case::AttachmentUpdate, "connection.mapped").await;
    // As `attach_volume` leaves it: no connector.
    let row = lab.attachment(&given.id, "attached").await;
    lab.set_attachment(&row, "attached_host = 'compute1'").await;
    lab.set(&given.id, "status = 'in-use', attach_status = 'attached'")
        .await;
    lab.start_worker().await;
    given.ended(&lab).await;
    assert_eq!(lab.seen_by(&given.id).await.len(), 1);
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn an_update_that_fails_takes_nothing_away_that_an_earlier_one_gave() {
    let lab = started().await;
    let volume = lab.created("xio", 1).await;
    let attachment = lab.attachment(&volume, "reserved").await;
    let update = lab.update_of(&volume, "xio", &attachment, HOST);
    let answer = lab.call("xio", "attachment_update", update.args()).await;
    assert!(matches!(answer, Answer::Result(_)), "{answer:?}");
    lab.xms.sim.add_fault(Fault {
        matching: FaultMatch {
            method: Some("POST".into()),
            ..FaultMatch::default()
        },
        action: FaultAction::Status(400),
        times: None,
    });
    let again = update.again();
    let answer = lab.call("xio", "attachment_update", again.args()).await;
    assert!(matches!(answer, Answer::Failure(_)), "{answer:?}");
    lab.xms.sim.clear_faults();
    assert_eq!(lab.seen_by(&volume).await.len(), 1, "the host may use it");
    lab.finish_as_it_is().await;
}
