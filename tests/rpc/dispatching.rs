//! Methods, signatures and objects that do not fit are refused as Python refuses them.

use cinder_volume_xtremio::rpc::commands::Resource;
use cinder_volume_xtremio::rpc::object::Volume;
use cinder_volume_xtremio::rpc::{
    Command, Failure, Message, Opened, Properties, Registry, Version,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ID: &str = "3220ff55-9f9f-4b24-878e-d8f8ce1f3cbf";

fn dispatch_to(registry: Registry, message: Value) -> Result<Command, Failure> {
    let message = Message::from_wire(message.as_object().unwrap().clone());
    registry.dispatch(&message)
}

fn dispatch(message: Value) -> Result<Command, Failure> {
    dispatch_to(Registry::default(), message)
}

fn refused(message: Value) -> String {
    dispatch(message).unwrap_err().to_string()
}

fn object(name: &str, version: Value, data: Value) -> Value {
    json!({
        "versioned_object.name": name, "versioned_object.namespace": "cinder",
        "versioned_object.version": version, "versioned_object.data": data,
    })
}

fn delete(volume: Value) -> Value {
    json!({"method": "delete_volume", "version": "3.0", "args": {"volume": volume}})
}

#[test]
fn arguments_with_defaults_may_be_left_out() {
    let message = delete(object("Volume", json!("1.9"), json!({"id": ID})));
    let Command::DeleteVolume(args) = dispatch(message).unwrap() else {
        panic!("another command");
    };
    assert_eq!((args.unmanage_only, args.cascade), (false, false));
    assert_eq!(args.volume.id(), ID);

    let volume = object(
        "Volume",
        json!("1.9"),
        json!({"id": ID, "_name_id": "other"}),
    );
    let message = json!({"method": "create_volume", "version": "3.0", "args": {"volume": volume}});
    let command = dispatch(message).unwrap();
    assert_eq!(command.resources(), [Resource::Volume(ID)]);
    let Command::CreateVolume(args) = command else {
        panic!("another command");
    };
    assert!(args.allow_reschedule && args.request_spec.is_none());
    assert_eq!(args.volume.name_id(), "other");
}

#[test]
fn wrong_signatures_are_type_errors_with_pythons_words() {
    let call =
        |args: Value| refused(json!({"method": "accept_transfer", "version": "3.0", "args": args}));
    assert_eq!(
        call(json!({"volume_id": ID, "new_user": "u", "wrong": 1})),
        "builtins.TypeError: VolumeManager.accept_transfer() got an unexpected keyword argument 'wrong'"
    );
    assert_eq!(
        call(json!({"volume_id": ID, "new_user": "u"})),
        "builtins.TypeError: VolumeManager.accept_transfer() missing 1 required positional argument: 'new_project'"
    );
    assert_eq!(
        call(json!({"new_user": "u"})),
        "builtins.TypeError: VolumeManager.accept_transfer() missing 2 required positional arguments: 'volume_id' and 'new_project'"
    );
    assert_eq!(
        call(json!({})),
        "builtins.TypeError: VolumeManager.accept_transfer() missing 3 required positional arguments: 'volume_id', 'new_user', and 'new_project'"
    );
    let typed = call(json!({"volume_id": 5, "new_user": "u", "new_project": "p"}));
    assert!(
        typed.starts_with(
            "builtins.TypeError: VolumeManager.accept_transfer() argument 'volume_id'"
        ),
        "{typed}"
    );
}

#[test]
fn methods_and_arguments_exist_from_their_version_on() {
    let at = |minor| Registry::new(Version::new(3, minor), false);
    let volume = object("Volume", json!("1.9"), json!({"id": ID}));
    let completion = json!({"method": "extend_volume_completion", "version": "3.0", "args": {
        "volume": volume, "new_size": 2, "reservations": null, "error": false,
    }});
    let failure = dispatch_to(at(18), completion.clone()).unwrap_err();
    assert_eq!(failure.class, "NoSuchMethod");
    assert!(dispatch_to(at(19), completion).is_ok());

    let reimage = json!({"method": "reimage", "version": "3.18", "args": {
        "volume": volume, "image_meta": {}, "image_snap": null,
    }});
    let failure = dispatch_to(at(19), reimage.clone()).unwrap_err();
    assert_eq!(failure.class, "TypeError");
    assert!(dispatch_to(at(20), reimage).is_ok());

    let failure = dispatch(json!({"method": "reimage", "version": "3.21"})).unwrap_err();
    assert_eq!(failure.class, "UnsupportedVersion");
}

#[test]
fn what_is_not_listed_is_not_callable() {
    for method in [
        "_private",
        "__init__",
        "init_host",
        "driver_delete_volume",
        "reset",
        "",
    ] {
        let failure = dispatch(json!({"method": method, "version": "3.0"})).unwrap_err();
        assert_eq!(failure.class, "NoSuchMethod", "{method}");
    }
    let namespace = json!({"method": "freeze_host", "version": "3.0", "namespace": "x"});
    assert_eq!(dispatch(namespace).unwrap_err().class, "UnsupportedVersion");
}

#[test]
fn ping_answers_at_its_own_version_and_only_if_enabled() {
    let ping = |version: &str| json!({"method": "oslo_rpc_server_ping", "version": version});
    let enabled = Registry::new(Version::new(3, 20), true);
    assert_eq!(dispatch_to(enabled, ping("1.0")), Ok(Command::Ping));
    let failure = dispatch_to(enabled, ping("3.0")).unwrap_err();
    assert_eq!(failure.class, "NoSuchMethod");
    let failure = dispatch(ping("1.0")).unwrap_err();
    assert_eq!(failure.class, "UnsupportedVersion");
}

/// Each text was produced by Cinder 29's own deserialiser for the same object.
#[test]
fn odd_objects_fail_as_cinders_deserialiser_does() {
    let volume = |data: Value| {
        let mut fields = json!({"id": ID});
        fields
            .as_object_mut()
            .unwrap()
            .extend(data.as_object().unwrap().clone());
        object("Volume", json!("1.9"), fields)
    };
    let ovo = "oslo_versionedobjects.exception";
    for (odd, failure) in [
        (
            object("Volume", json!("1.10"), json!({"id": ID})),
            format!(
                "{ovo}.IncompatibleObjectVersion: Version 1.10 of Volume is not supported, supported version is 1.9"
            ),
        ),
        (
            object("Volume", json!("2.0"), json!({"id": ID})),
            format!(
                "{ovo}.IncompatibleObjectVersion: Version 2.0 of Volume is not supported, supported version is 1.9"
            ),
        ),
        (
            object("Volume", json!("1.10.1"), json!({"id": ID})),
            format!(
                "{ovo}.IncompatibleObjectVersion: Version 1.10 of Volume is not supported, supported version is 1.9"
            ),
        ),
        (
            object("Nope", json!("1.0"), json!({})),
            format!("{ovo}.UnsupportedObjectError: Unsupported object type Nope"),
        ),
        (
            json!({
                "versioned_object.name": "Volume", "versioned_object.namespace": "nova",
                "versioned_object.version": "1.9", "versioned_object.data": {},
            }),
            format!("{ovo}.UnsupportedObjectError: Unsupported object type nova.Volume"),
        ),
        (
            object("Volume", json!("x"), json!({})),
            "packaging.version.InvalidVersion: Invalid version: 'x'".into(),
        ),
        (
            json!({"versioned_object.name": "Volume"}),
            "builtins.KeyError: 'versioned_object.namespace'".into(),
        ),
        (
            object("Volume", json!("1.9"), json!(null)),
            "builtins.TypeError: argument of type 'NoneType' is not iterable".into(),
        ),
        (
            volume(json!({"attach_status": "bogus"})),
            "builtins.ValueError: Field value bogus is invalid".into(),
        ),
        (
            volume(json!({"id": null})),
            "builtins.ValueError: Field `id' cannot be None".into(),
        ),
        (
            volume(json!({"size": "abc"})),
            "builtins.ValueError: invalid literal for int() with base 10: 'abc'".into(),
        ),
        (
            volume(json!({"created_at": "garbage"})),
            "builtins.ValueError: Unable to parse date string 'garbage'".into(),
        ),
        (
            volume(json!({"created_at": 5})),
            "builtins.ValueError: expected string or bytes-like object, got 'int'".into(),
        ),
        (
            volume(json!({"metadata": "x"})),
            "builtins.AttributeError: 'str' object has no attribute 'items'".into(),
        ),
        (
            volume(json!({"metadata": {"a": null}})),
            "builtins.ValueError: Field `metadata[a]' cannot be None".into(),
        ),
        (
            volume(json!({"display_name": []})),
            "builtins.ValueError: A string is required in field display_name, not a list".into(),
        ),
        (
            volume(json!({"volume_type": 5})),
            "builtins.TypeError: 'int' object is not subscriptable".into(),
        ),
    ] {
        assert_eq!(refused(delete(odd)), failure);
    }
}

#[test]
fn an_object_of_another_kind_is_a_clear_failure() {
    let snapshot = object("Snapshot", json!("1.6"), json!({"id": ID}));
    let text = refused(delete(snapshot));
    assert!(text.contains("delete_volume() argument 'volume'"), "{text}");
    assert!(
        text.contains("Volume is required, not a Snapshot"),
        "{text}"
    );
    let text = refused(delete(json!("just an id")));
    assert!(text.starts_with("builtins.TypeError"), "{text}");
}

#[test]
fn values_are_converted_as_pythons_fields_convert_them() {
    let data = json!({
        "id": ID, "size": "5", "bootable": "yes", "host": 5, "use_quota": null,
        "created_at": "2026-01-01T00:00:00.123456", "unknown": [1],
    });
    let volume: Volume = serde_json::from_value(object("Volume", json!("1.9.3"), data)).unwrap();
    assert_eq!(volume.version(), "1.9");
    assert_eq!(volume.size(), Some(5));
    assert_eq!(volume.flag("bootable"), Some(true));
    assert_eq!(volume.host(), Some("5"));
    assert!(volume.use_quota());
    assert_eq!(volume.text("created_at"), Some("2026-01-01T00:00:00Z"));
    assert!(volume.has("unknown") && !volume.has("status"));
}

#[test]
fn absent_fields_differ_from_null_ones() {
    let data = json!({"id": ID, "host": null});
    let mut volume: Volume = serde_json::from_value(object("Volume", json!("1.9"), data)).unwrap();
    assert!(volume.has("host") && !volume.has("status"));
    assert_eq!((volume.host(), volume.status()), (None, None));
    volume.set("status", "creating").unwrap();
    volume.unload("host");
    assert!(!volume.has("host"));
    assert!(volume.set("attach_status", "bogus").is_err());
    let wire = serde_json::to_value(&volume).unwrap();
    assert_eq!(
        wire["versioned_object.data"],
        json!({"id": ID, "status": "creating"})
    );
    assert!(wire.get("versioned_object.changes").is_none());
}

#[test]
fn debug_output_holds_no_credentials() {
    let data = json!({
        "id": ID, "provider_auth": "CHAP user secret-1",
        "metadata": {"note": "secret-2"},
    });
    let volume = object("Volume", json!("1.9"), data);
    let message = json!({"method": "initialize_connection", "version": "3.0", "args": {
        "volume": volume, "connector": {"auth_password": "secret-3"},
    }, "_context_auth_token": "secret-4", "_context_trace_info": {"hmac_key": "secret-5"}});
    let message = Message::from_wire(message.as_object().unwrap().clone());
    let command = Registry::default().dispatch(&message).unwrap();
    let text = format!("{message:?} {command:?} {:?}", message.request_context());
    assert!(text.contains(ID));
    assert!(!text.contains("secret-"), "{text}");
    let wire = message
        .request_context()
        .redacted(chrono::NaiveDateTime::default())
        .to_wire();
    assert!(!json!(wire).to_string().contains("secret-"));
    assert_eq!(
        message.request_context().to_wire()["_context_auth_token"],
        "secret-4"
    );
}

/// JSON nests 128 deep at most; objects as deep as that fits are decoded, deeper ones rejected.
#[test]
fn deep_nesting_ends_well() {
    let backup = |parent: Value| {
        object(
            "Backup",
            json!("1.7"),
            json!({
                "id": ID, "user_id": "u", "project_id": "p", "volume_id": ID, "parent": parent,
            }),
        )
    };
    let nested = |depth| (0..depth).fold(Value::Null, |parent, _| backup(parent));
    let open = |depth| {
        let message = json!({
            "method": "get_backup_device", "version": "3.17", "args": {"backup": nested(depth)},
        });
        let body = cinder_volume_xtremio::rpc::envelope::seal(&message);
        cinder_volume_xtremio::rpc::envelope::open(&Properties::JSON, &body)
    };
    let Ok(Opened::Message(message)) = open(55) else {
        panic!("must open");
    };
    let command = Registry::default().dispatch(&message).unwrap();
    assert_eq!(command.args()["backup"], nested(55));
    assert!(open(100).is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("versioned_object.name".to_owned()),
        Just("versioned_object.data".to_owned()),
        Just("versioned_object.version".to_owned()),
        Just("versioned_object.namespace".to_owned()),
        Just("Volume".to_owned()),
        Just("cinder".to_owned()),
        Just("1.9".to_owned()),
        Just("id".to_owned()),
        Just("metadata".to_owned()),
        ".{0,6}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(text.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn any_bytes_are_opened_or_rejected(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for compression in [None, Some("application/x-gzip"), Some("application/x-bz2")] {
            let properties = Properties { compression, ..Properties::JSON };
            let _ = cinder_volume_xtremio::rpc::envelope::open(&properties, &body);
        }
    }

    #[test]
    fn any_text_is_opened_or_rejected(text in r#"[{}\[\]",:NaInfinity0-9e.\\ -]{0,60}"#) {
        let _ = cinder_volume_xtremio::rpc::envelope::open(&Properties::JSON, text.as_bytes());
    }

    #[test]
    fn any_message_ends_in_a_command_or_a_failure(
        method in prop::sample::select(cinder_volume_xtremio::rpc::registry::METHODS),
        volume in any_json(),
        version in any_json(),
        other in any_json(),
    ) {
        let mut args = serde_json::Map::new();
        for param in method.params {
            args.insert(param.name.into(), if param.name == "volume" { volume.clone() } else { other.clone() });
        }
        for version in [json!("3.0"), version] {
            let message = json!({
                "method": method.name, "args": args, "version": version, "_timeout": other,
                "_context_roles": other, "_unique_id": volume,
            });
            let body = cinder_volume_xtremio::rpc::envelope::seal(&message);
            let opened = cinder_volume_xtremio::rpc::envelope::open(&Properties::JSON, &body);
            let Ok(Opened::Message(message)) = opened else {
                panic!("a sealed message must open");
            };
            let _ = message.heartbeat_interval();
            let _ = message.request_context().to_wire();
            let _ = Registry::default().dispatch(&message);
        }
    }

    #[test]
    fn a_good_object_survives_a_round_trip(
        size in any::<i32>(), name in ".{0,20}", metadata in prop::collection::btree_map(".{0,5}", ".{0,5}", 0..4),
    ) {
        let wire = object("Volume", json!("1.9"), json!({
            "id": ID, "size": size, "display_name": name, "metadata": metadata,
        }));
        let volume: Volume = serde_json::from_value(wire.clone()).unwrap();
        prop_assert_eq!(volume.size(), Some(i64::from(size)));
        prop_assert_eq!(volume.metadata(), Some(metadata));
        prop_assert_eq!(serde_json::to_value(&volume).unwrap(), wire);
    }
}
