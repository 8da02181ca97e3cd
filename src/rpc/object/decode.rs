//! From JSON to objects, with the conversions and failures of Python's deserialiser.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Field, Kind, NAMESPACE, Object, PREFIX, Spec, known};
use crate::rpc::failure::{Failure, VERSIONED_OBJECTS};
use crate::rpc::json::{python_repr, python_str, python_type};
use crate::rpc::time;
use crate::rpc::version::Version;

/// Checks and normalises every object in `value`, at any depth outside of other objects'
/// opaque dictionaries.
///
/// # Errors
///
/// The failure with which a Python server would answer the message.
pub fn check_all(value: Value) -> Result<Value, Failure> {
    match value {
        Value::Object(map) if map.contains_key("versioned_object.name") => {
            let object = decode(Value::Object(map), None)?;
            serde_json::to_value(object).map_err(|error| Failure::value_error(error.to_string()))
        }
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| Ok((key, check_all(value)?)))
            .collect(),
        Value::Array(list) => list.into_iter().map(check_all).collect(),
        scalar => Ok(scalar),
    }
}

/// Decodes one object; `expected` names the kind a field must hold.
pub(super) fn decode(value: Value, expected: Option<&'static Spec>) -> Result<Object, Failure> {
    let Value::Object(mut envelope) = value else {
        let kind = python_type(&value);
        return Err(Failure::type_error(format!(
            "'{kind}' object is not subscriptable"
        )));
    };
    let namespace = take(&mut envelope, "namespace")?;
    let name = python_str(&take(&mut envelope, "name")?);
    let version = take(&mut envelope, "version")?;
    if namespace != NAMESPACE {
        let namespace = python_str(&namespace);
        return Err(unsupported(&format!("{namespace}.{name}")));
    }
    let spec = known::spec(&name).ok_or_else(|| unsupported(&name))?;
    if let Some(expected) = expected.filter(|expected| *expected != spec) {
        return Err(Failure::value_error(format!(
            "An object of type {} is required, not a {name}",
            expected.name
        )));
    }
    let version = check_version(spec, &version)?;
    let mut data = match take(&mut envelope, "data")? {
        Value::Object(data) => data,
        other => {
            let kind = python_type(&other);
            return Err(Failure::type_error(format!(
                "argument of type '{kind}' is not iterable"
            )));
        }
    };
    for field in spec.fields {
        match data.get_mut(field.name) {
            Some(value) => *value = coerce(field, value.take())?,
            None if field.key => return Err(not_loadable(field.name)),
            None => {}
        }
    }
    let changes = match envelope.remove("versioned_object.changes") {
        Some(Value::Array(changes)) => changes
            .into_iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    };
    Ok(Object {
        spec,
        version,
        data,
        changes,
    })
}

/// For the `Deserialize` implementations of the typed structs.
pub(crate) fn from_serde<'de, D: Deserializer<'de>>(
    deserializer: D,
    spec: &'static Spec,
) -> Result<Object, D::Error> {
    let value = Value::deserialize(deserializer)?;
    decode(value, Some(spec)).map_err(serde::de::Error::custom)
}

fn take(envelope: &mut Map<String, Value>, key: &str) -> Result<Value, Failure> {
    let key = format!("{PREFIX}{key}");
    envelope
        .remove(&key)
        .ok_or_else(|| Failure::key_error(&key))
}

/// The version without a third part, if it is one we understand.
fn check_version(spec: &Spec, version: &Value) -> Result<String, Failure> {
    let Some(asked) = version.as_str().and_then(Version::parse) else {
        let shown = match version {
            Value::String(text) => python_repr(text),
            other => python_str(other),
        };
        return Err(Failure::new(
            "packaging.version",
            "InvalidVersion",
            format!("Invalid version: {shown}"),
            Map::new(),
        ));
    };
    if asked.major == spec.version.major && asked.minor <= spec.version.minor {
        return Ok(asked.to_string());
    }
    let (name, supported) = (spec.name, spec.version.to_string());
    Err(objects_failure(
        "IncompatibleObjectVersion",
        format!("Version {asked} of {name} is not supported, supported version is {supported}"),
        &[
            ("objname", name),
            ("objver", &asked.to_string()),
            ("supported", &supported),
        ],
    ))
}

/// Converts a value to its field's type, as setting the attribute does in Python.
pub(super) fn coerce(field: &Field, value: Value) -> Result<Value, Failure> {
    if value.is_null() {
        return match field {
            Field { nullable: true, .. } => Ok(Value::Null),
            Field {
                kind: Kind::BoolOrTrue,
                ..
            } => Ok(Value::Bool(true)),
            _ => Err(null(field.name)),
        };
    }
    match field.kind {
        Kind::Text | Kind::Uuid => text(field.name, value),
        Kind::Int => int(value),
        Kind::Bool | Kind::BoolOrTrue => Ok(Value::Bool(truth(&value))),
        Kind::Time => date(&value),
        Kind::Enum(allowed) => match value.as_str() {
            Some(word) if allowed.contains(&word) => Ok(value),
            _ => {
                let shown = python_str(&value);
                Err(Failure::value_error(format!(
                    "Field value {shown} is invalid"
                )))
            }
        },
        Kind::Strings => dict(field.name, value, false),
        Kind::NullableStrings => dict(field.name, value, true),
        Kind::Any => match value {
            Value::Object(_) => Ok(value),
            other => Err(no_items(&other)),
        },
        Kind::List => list(field.name, value, |item| match item {
            Value::Null => Err(null(field.name)),
            item => text(field.name, item),
        }),
        Kind::Object(spec) => nested(value, spec()),
        Kind::Objects(spec) => list(field.name, value, |item| nested(item, spec())),
    }
}

fn nested(value: Value, spec: &'static Spec) -> Result<Value, Failure> {
    let object = decode(value, Some(spec))?;
    serde_json::to_value(object).map_err(|error| Failure::value_error(error.to_string()))
}

fn text(name: &str, value: Value) -> Result<Value, Failure> {
    match value {
        Value::String(_) => Ok(value),
        Value::Array(_) | Value::Object(_) => {
            let kind = python_type(&value);
            Err(Failure::value_error(format!(
                "A string is required in field {name}, not a {kind}"
            )))
        }
        scalar => Ok(Value::String(python_str(&scalar))),
    }
}

fn int(value: Value) -> Result<Value, Failure> {
    match &value {
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(value),
        Value::Number(number) => match number.as_f64() {
            // A float loses its fraction; what is beyond 64 bits is no size of anything.
            Some(float) if float.abs() < 9.0e18 => Ok(Value::from(float.trunc() as i64)),
            _ => Err(Failure::builtin(
                "OverflowError",
                format!("number {number} is too large"),
            )),
        },
        Value::Bool(flag) => Ok(Value::from(i64::from(*flag))),
        Value::String(text) => text.trim().parse::<i64>().map(Value::from).map_err(|_| {
            let shown = python_repr(text);
            Failure::value_error(format!("invalid literal for int() with base 10: {shown}"))
        }),
        other => {
            let kind = python_type(other);
            Err(Failure::type_error(format!(
                "int() argument must be a string, a bytes-like object or a real number, not '{kind}'"
            )))
        }
    }
}

fn date(value: &Value) -> Result<Value, Failure> {
    let Value::String(text) = value else {
        let kind = python_type(value);
        return Err(Failure::value_error(format!(
            "expected string or bytes-like object, got '{kind}'"
        )));
    };
    match time::parse(text) {
        Some(parsed) => Ok(Value::String(time::object(parsed))),
        None => {
            let shown = python_repr(text);
            Err(Failure::value_error(format!(
                "Unable to parse date string {shown}"
            )))
        }
    }
}

fn dict(name: &str, value: Value, nulls: bool) -> Result<Value, Failure> {
    let Value::Object(map) = value else {
        return Err(no_items(&value));
    };
    map.into_iter()
        .map(|(key, value)| match value {
            Value::Null if nulls => Ok((key, Value::Null)),
            Value::Null => Err(null(&format!("{name}[{key}]"))),
            value => {
                let value = text(&format!("{name}[{key}]"), value)?;
                Ok((key, value))
            }
        })
        .collect()
}

fn list(
    name: &str,
    value: Value,
    item: impl Fn(Value) -> Result<Value, Failure>,
) -> Result<Value, Failure> {
    match value {
        Value::Array(items) => items.into_iter().map(item).collect(),
        other => {
            let kind = python_type(&other);
            Err(Failure::value_error(format!(
                "A list is required in field {name}, not a {kind}"
            )))
        }
    }
}

/// Python's idea of truth.
fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

fn null(name: &str) -> Failure {
    Failure::value_error(format!("Field `{name}' cannot be None"))
}

fn no_items(value: &Value) -> Failure {
    let kind = python_type(value);
    Failure::builtin(
        "AttributeError",
        format!("'{kind}' object has no attribute 'items'"),
    )
}

fn unsupported(name: &str) -> Failure {
    objects_failure(
        "UnsupportedObjectError",
        format!("Unsupported object type {name}"),
        &[("objtype", name)],
    )
}

fn not_loadable(name: &str) -> Failure {
    let reason = format!("attribute {name} not lazy-loadable");
    objects_failure(
        "ObjectActionError",
        format!("Object action obj_load_attr failed because: {reason}"),
        &[("action", "obj_load_attr"), ("reason", &reason)],
    )
}

fn objects_failure(class: &str, text: String, kwargs: &[(&str, &str)]) -> Failure {
    let mut map: Map<String, Value> = kwargs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
        .collect();
    map.insert("code".to_owned(), 500.into());
    Failure::new(VERSIONED_OBJECTS, class, text, map)
}
