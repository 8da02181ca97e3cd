//! The outermost layers of a message: compression, text, JSON and oslo's envelope.

use std::io::Read;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::json;
use super::message::Message;
use super::version::Version;

/// The envelope version that is written and understood.
pub const ENVELOPE_VERSION: &str = "2.0";
const SUPPORTED: Version = Version::new(2, 0);

/// Most bytes that a compressed body may grow to; RabbitMQ itself refuses larger bodies.
pub const MAX_BODY: u64 = 128 << 20;

/// The AMQP properties that decide how a body is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Properties<'a> {
    /// `content_type`; anything but `application/json` is refused.
    pub content_type: Option<&'a str>,
    /// `content_encoding`. Not looked at, as in kombu: JSON bodies are UTF-8 whatever it says.
    pub content_encoding: Option<&'a str>,
    /// The header `compression`.
    pub compression: Option<&'a str>,
}

impl<'a> Properties<'a> {
    /// The properties every peer sends.
    pub const JSON: Properties<'static> = Properties {
        content_type: Some("application/json"),
        content_encoding: Some("utf-8"),
        compression: None,
    };
}

/// oslo's envelope around a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Envelope {
    /// Version of the envelope, `2.0`.
    #[serde(rename = "oslo.version")]
    pub version: String,
    /// The message as JSON text.
    #[serde(rename = "oslo.message")]
    pub message: String,
}

/// Why a body cannot be read. Such a message is rejected without requeue and without reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reject {
    /// `content_type` is missing or another one.
    #[error("content_type is {0:?}, not application/json")]
    ContentType(Option<String>),
    /// A compression that oslo.messaging does not use.
    #[error("unknown compression {0:?}")]
    Compression(String),
    /// The compressed body is damaged.
    #[error("body does not decompress as {0}")]
    Decompress(String, #[source] std::io::Error),
    /// The body is larger than [`MAX_BODY`].
    #[error("body is larger than {MAX_BODY} bytes")]
    TooLarge,
    /// The body is no UTF-8.
    #[error("body is not UTF-8")]
    Utf8(#[source] std::str::Utf8Error),
    /// The body is no JSON.
    #[error("body is not JSON")]
    Json(#[source] serde_json::Error),
    /// The body is JSON, but no object.
    #[error("body is not a JSON object")]
    NotAnObject,
    /// The envelope is of a version that is not understood.
    #[error("envelope version {0} does not fit {ENVELOPE_VERSION}")]
    EnvelopeVersion(String),
    /// `oslo.message` is not a string.
    #[error("oslo.message is not a string")]
    MessageNotText,
    /// `oslo.message` is no JSON.
    #[error("oslo.message is not JSON")]
    MessageJson(#[source] serde_json::Error),
    /// `oslo.message` is JSON, but no object.
    #[error("oslo.message is not a JSON object")]
    MessageNotAnObject,
}

/// What a body that is not rejected holds.
#[derive(Debug)]
pub enum Opened {
    /// A request.
    Message(Box<Message>),
    /// Nothing: acknowledged and forgotten, as oslo.messaging does with an empty body.
    Empty,
}

/// Opens the body of a request.
///
/// # Errors
///
/// Why the message must be rejected (without requeue).
pub fn open(properties: &Properties<'_>, body: &[u8]) -> Result<Opened, Reject> {
    match open_object(properties, body)? {
        Some(object) => Ok(Opened::Message(Box::new(Message::from_wire(object)))),
        None => Ok(Opened::Empty),
    }
}

/// Opens any body: the object inside the envelope, or the bare object if there is none.
/// `None` for an empty body.
///
/// # Errors
///
/// As [`open`].
pub fn open_object(
    properties: &Properties<'_>,
    body: &[u8],
) -> Result<Option<Map<String, Value>>, Reject> {
    if body.len() as u64 > MAX_BODY {
        return Err(Reject::TooLarge);
    }
    let plain;
    let body = match properties.compression {
        Some(compression) => {
            plain = decompress(compression, body, MAX_BODY)?;
            plain.as_slice()
        }
        None => body,
    };
    if properties.content_type != Some("application/json") {
        let got = properties.content_type.map(str::to_owned);
        return Err(Reject::ContentType(got));
    }
    if body.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(body).map_err(Reject::Utf8)?;
    let Value::Object(mut outer) = json::parse(text).map_err(Reject::Json)? else {
        return Err(Reject::NotAnObject);
    };
    // Without both members it is no envelope but the message itself.
    let (Some(version), Some(_)) = (outer.get("oslo.version"), outer.get("oslo.message")) else {
        return Ok(Some(outer));
    };
    if !SUPPORTED.serves(version).unwrap_or(false) {
        let shown = version.to_string().chars().take(40).collect();
        return Err(Reject::EnvelopeVersion(shown));
    }
    let Some(Value::String(inner)) = outer.remove("oslo.message") else {
        return Err(Reject::MessageNotText);
    };
    match json::parse(&inner).map_err(Reject::MessageJson)? {
        Value::Object(message) => Ok(Some(message)),
        _ => Err(Reject::MessageNotAnObject),
    }
}

/// kombu's "gzip" is zlib's format.
fn decompress(compression: &str, body: &[u8], max: u64) -> Result<Vec<u8>, Reject> {
    let mut plain = Vec::new();
    let read = match compression.to_ascii_lowercase().as_str() {
        "application/x-gzip" | "gzip" | "zlib" => flate2::read::ZlibDecoder::new(body)
            .take(max + 1)
            .read_to_end(&mut plain),
        "application/x-bz2" | "bzip2" | "bzip" => bzip2::read::BzDecoder::new(body)
            .take(max + 1)
            .read_to_end(&mut plain),
        _ => return Err(Reject::Compression(compression.to_owned())),
    };
    read.map_err(|error| Reject::Decompress(compression.to_owned(), error))?;
    if plain.len() as u64 > max {
        return Err(Reject::TooLarge);
    }
    Ok(plain)
}

/// Puts a message into an envelope: the body to publish, with [`Properties::JSON`].
pub fn seal(message: &impl Serialize) -> Vec<u8> {
    // Only maps with keys that are no strings could fail here; no type of this room has any.
    let message = serde_json::to_string(message).unwrap_or_default();
    let envelope = Envelope {
        version: ENVELOPE_VERSION.to_owned(),
        message,
    };
    serde_json::to_vec(&envelope).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_body_may_not_grow_without_bound() {
        let mut zip = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        zip.write_all(&[b' '; 10_000]).unwrap();
        let body = zip.finish().unwrap();
        assert!(body.len() < 1000);
        let plain = decompress("application/x-gzip", &body, 10_000).unwrap();
        assert_eq!(plain.len(), 10_000);
        let refused = decompress("application/x-gzip", &body, 9_999);
        assert!(matches!(refused, Err(Reject::TooLarge)), "{refused:?}");
    }

    #[test]
    fn damaged_compression_is_a_reject() {
        let refused = decompress("application/x-bz2", b"BZh9 nonsense", 100);
        assert!(
            matches!(refused, Err(Reject::Decompress(..))),
            "{refused:?}"
        );
    }
}
