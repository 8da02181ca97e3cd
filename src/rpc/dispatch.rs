//! oslo.messaging's way from a message to a method: namespaces, versions, names.

use serde_json::{Map, Value};

use super::failure::Failure;
use super::json::{python_str, python_type};
use super::message::Message;
use super::registry;
use super::version::Version;

/// A set of methods under one namespace and version.
#[derive(Clone, Copy)]
pub struct Endpoint<'a> {
    /// Namespace; Cinder's has none.
    pub namespace: Option<&'a str>,
    /// Newest version served.
    pub version: Version,
    /// Whether the endpoint has a method of that name.
    pub has: &'a dyn Fn(&str) -> bool,
}

/// Finds the method that a message asks for, in the first endpoint that has it.
///
/// # Errors
///
/// `UnsupportedVersion`, `NoSuchMethod`, or what a Python server fails with on members of the
/// wrong type.
pub fn route<'m>(message: &'m Message, endpoints: &[Endpoint<'_>]) -> Result<&'m str, Failure> {
    let mut compatible = false;
    for endpoint in endpoints {
        let same_namespace = match (&message.namespace, endpoint.namespace) {
            (Value::Null, None) => true,
            (Value::String(asked), Some(served)) => asked == served,
            _ => false,
        };
        if !same_namespace || !endpoint.version.serves(&message.version)? {
            continue;
        }
        let Value::String(method) = &message.method else {
            let kind = python_type(&message.method);
            return Err(Failure::type_error(format!(
                "attribute name must be string, not '{kind}'"
            )));
        };
        // Names that begin with an underscore are never served, whoever has them.
        if !method.starts_with('_') && (endpoint.has)(method) {
            return Ok(method);
        }
        compatible = true;
    }
    let method = python_str(&message.method);
    if compatible {
        Err(Failure::no_such_method(&method))
    } else {
        Err(Failure::unsupported_version(&message.version, &method))
    }
}

/// The arguments of a message, every object in them checked.
///
/// # Errors
///
/// `AttributeError` if they are no dictionary, or the failure of the first bad object.
pub fn arguments(message: &Message) -> Result<Map<String, Value>, Failure> {
    match &message.args {
        Value::Object(args) => registry::check_objects(args.clone()),
        other => {
            let kind = python_type(other);
            Err(Failure::builtin(
                "AttributeError",
                format!("'{kind}' object has no attribute 'items'"),
            ))
        }
    }
}
