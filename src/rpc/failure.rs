//! Failures as oslo.messaging puts them into replies, and as its clients rebuild them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Module of the failures of message dispatch itself.
pub const DISPATCHER: &str = "oslo_messaging.rpc.dispatcher";
/// Module of the failures of object deserialisation.
pub const VERSIONED_OBJECTS: &str = "oslo_versionedobjects.exception";
/// Module of Cinder's own exceptions; with `builtins` the only one Cinder's clients rebuild.
pub const CINDER: &str = "cinder.exception";
/// Module of Python's built-in exceptions.
pub const BUILTINS: &str = "builtins";

/// A Python exception on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// Bare class name, e.g. `VolumeNotFound`.
    pub class: String,
    /// Python module of the class.
    pub module: String,
    /// `str()` of the exception.
    pub message: String,
    /// Lines of a traceback, each with its newline; may be empty.
    #[serde(default)]
    pub tb: Box<[String]>,
    /// Positional arguments the class is rebuilt with.
    #[serde(default)]
    pub args: Vec<Value>,
    /// Keyword arguments the class is rebuilt with; never holds the key `message`.
    #[serde(default)]
    pub kwargs: Box<Map<String, Value>>,
}

impl Failure {
    /// A failure whose only argument is its text, with a traceback of two lines.
    pub fn new(
        module: &str,
        class: &str,
        message: impl Into<String>,
        kwargs: Map<String, Value>,
    ) -> Self {
        let message = message.into();
        // format_exception() leaves the module name out for built-in classes.
        let name = match module {
            BUILTINS => class.to_owned(),
            module => format!("{module}.{class}"),
        };
        Self {
            class: class.to_owned(),
            module: module.to_owned(),
            tb: Box::new([
                "Traceback (most recent call last):\n".to_owned(),
                format!("{name}: {message}\n"),
            ]),
            args: vec![Value::String(message.clone())],
            message,
            kwargs: Box::new(kwargs),
        }
    }

    /// A built-in exception such as `TypeError` or `NotImplementedError`.
    pub fn builtin(class: &str, message: impl Into<String>) -> Self {
        Self::new(BUILTINS, class, message, Map::new())
    }

    /// `KeyError`, whose text is the key in quotes.
    pub fn key_error(key: &str) -> Self {
        let mut failure = Self::builtin("KeyError", super::json::python_repr(key));
        failure.args = vec![Value::String(key.to_owned())];
        failure
    }

    /// `TypeError`, e.g. for wrong argument names.
    pub fn type_error(message: impl Into<String>) -> Self {
        Self::builtin("TypeError", message)
    }

    /// `ValueError`, e.g. for a value outside an enumeration.
    pub fn value_error(message: impl Into<String>) -> Self {
        Self::builtin("ValueError", message)
    }

    /// No endpoint has the namespace and version the message asks for.
    pub fn unsupported_version(version: &Value, method: &str) -> Self {
        let version = super::json::python_str(version);
        Self::new(
            DISPATCHER,
            "UnsupportedVersion",
            format!("Endpoint does not support RPC version {version}. Attempted method: {method}"),
            Map::new(),
        )
    }

    /// The endpoint fits but has no such method.
    pub fn no_such_method(method: &str) -> Self {
        Self::new(
            DISPATCHER,
            "NoSuchMethod",
            format!("Endpoint does not support RPC method {method}"),
            Map::new(),
        )
    }

    /// Whether this is the Cinder exception `class`.
    pub fn is_cinder(&self, class: &str) -> bool {
        self.module == CINDER && self.class == class
    }

    /// The JSON text that goes into the `failure` member of a reply.
    pub fn to_wire(&self) -> String {
        // Serialising strings, lists and maps of them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}: {}", self.module, self.class, self.message)
    }
}

impl std::error::Error for Failure {}
