//! Our backend and Cinder's driver before one array: each ends what the other began.

use cinder_volume_xtremio::backend::Connector;
use serde_json::{Value, json};

use super::lab::{FC, ISCSI, arrays, id};

const IQN: &str = "iqn.1993-08.org.debian:01:abc";
const WWPNS: [&str; 2] = ["2100001b32817c5f", "2100001b32817c60"];

/// The same host as both see it.
fn host(name: &str) -> (Connector, Value) {
    let (mut iqn, mut wwpns) = (IQN.to_owned(), WWPNS.map(str::to_owned));
    if name != "node1" {
        iqn.push_str(name);
        wwpns = wwpns.map(|wwpn| wwpn.replace("32817c", "32aaaa"));
    }
    let theirs = json!({"host": name, "initiator": iqn, "wwpns": wwpns});
    let ours = Connector {
        host: Some(name.to_owned()),
        initiator: Some(iqn),
        wwpns: wwpns.to_vec(),
        wwnns: Vec::new(),
    };
    (ours, theirs)
}

/// Without what either picks by chance.
fn data(mut data: Value) -> Value {
    let data_of = data.as_object_mut().unwrap();
    for picked in ["target_portal", "target_iqn"] {
        data_of.remove(picked);
    }
    data
}

#[tokio::test]
async fn each_detaches_what_the_other_attached() {
    let (on, off) = ("initialize_connection", "terminate_connection");
    let arrays = arrays(&[ISCSI, FC]).await;
    for array in &arrays {
        for kind in [ISCSI, FC] {
            let label = format!("{} {}", array.label, kind.0);
            let (a, b) = (array.create(1).await, array.create(1).await);
            let ours = array.ours(kind);
            ours.setup().await.unwrap();
            let (us, them) = host("node1");
            let (us_2, them_2) = host("node2");

            // Ours attaches; theirs finds it attached, attaches another, and detaches both.
            let first = ours.initialize_connection(id(&a), &us).await.unwrap();
            let again = array.tell(kind, on, json!([a, them])).await;
            assert_eq!(again["driver_volume_type"], first.driver_volume_type);
            let first = data(Value::Object(first.data));
            assert_eq!(data(again["data"].clone()), first, "{label}");
            let known = array.objects("initiators");
            array.tell(kind, on, json!([b, them])).await;
            assert_eq!(array.objects("initiators").len(), known.len(), "{label}");
            assert_eq!(array.mapped().len(), 2, "{label}");
            array.tell(kind, off, json!([a, them])).await;
            array.tell(kind, off, json!([b, them])).await;
            assert!(array.mapped().is_empty(), "{label}");

            // Theirs makes another host known; ours finds it, and detaches.
            let theirs = array.tell(kind, on, json!([a, them_2])).await;
            let again = ours.initialize_connection(id(&a), &us_2).await.unwrap();
            let again = data(Value::Object(again.data));
            assert_eq!(again, data(theirs["data"].clone()), "{label}");
            ours.initialize_connection(id(&a), &us).await.unwrap();
            assert_eq!(array.mapped().len(), 2, "{label}: two hosts");
            ours.terminate_connection(id(&a), Some(&us_2))
                .await
                .unwrap();
            assert_eq!(array.mapped().len(), 1, "{label}");
            array.tell(kind, off, json!([a, them])).await;
            assert!(array.mapped().is_empty(), "{label}");

            // Detached from all hosts, by either, of what both attached.
            for ours_ends in [true, false] {
                ours.initialize_connection(id(&b), &us).await.unwrap();
                array.tell(kind, on, json!([b, them_2])).await;
                assert_eq!(array.mapped().len(), 2, "{label}");
                match ours_ends {
                    true => ours.terminate_connection(id(&b), None).await.unwrap(),
                    false => {
                        array.tell(kind, off, json!([b, null])).await;
                    }
                }
                assert!(array.mapped().is_empty(), "{label}");
            }
            array.delete(&[&a, &b]).await;
        }
    }
}
