//! Requests we send: casts to the scheduler, to cinder-backup and to other volume hosts, and
//! the calls of the test publisher.

use schemars::JsonSchema;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::context::RequestContext;
use super::envelope;
use super::registry::MethodInfo;
use super::version::Version;

/// Namespace of the ids that are derived from others.
const DERIVED: Uuid = Uuid::from_u128(0x6f1d_8f6a_93c1_4d0e_9c55_0e7a_5b1f_c3d2);

/// Where a request goes, in oslo.messaging's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Topic, e.g. `cinder-scheduler`.
    pub topic: String,
    /// One server of the topic; none for any of them.
    pub server: Option<String>,
    /// Whether every server of the topic gets it.
    pub fanout: bool,
}

impl Target {
    /// Any server of a topic.
    pub fn topic(topic: impl Into<String>) -> Self {
        Self {
            topic: topic.into(),
            server: None,
            fanout: false,
        }
    }

    /// One server of a topic.
    pub fn server(topic: impl Into<String>, server: impl Into<String>) -> Self {
        Self {
            server: Some(server.into()),
            ..Self::topic(topic)
        }
    }

    /// All servers of a topic.
    pub fn fanout(topic: impl Into<String>) -> Self {
        Self {
            fanout: true,
            ..Self::topic(topic)
        }
    }

    /// The volume service of `host@backend` or `host@backend#pool`, addressed as clients
    /// since API 3.6 do.
    pub fn volume(host: &str) -> Self {
        let backend = host.split('#').next().unwrap_or(host);
        let plain = backend.split('@').next().unwrap_or(backend);
        Self::server(format!("cinder-volume.{backend}"), plain)
    }

    /// Exchange to publish to; `control_exchange` is the option of that name.
    pub fn exchange(&self, control_exchange: &str) -> String {
        if self.fanout {
            format!("{}_fanout", self.topic)
        } else {
            control_exchange.to_owned()
        }
    }

    /// Routing key to publish with.
    pub fn routing_key(&self) -> String {
        match &self.server {
            _ if self.fanout => String::new(),
            Some(server) => format!("{}.{server}", self.topic),
            None => self.topic.clone(),
        }
    }
}

/// What makes a request a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Id of the call, 32 hexadecimal digits.
    pub msg_id: String,
    /// Queue the reply shall go to.
    pub reply_q: String,
    /// Call-monitor timeout in seconds, if heartbeats are wanted.
    pub monitor_timeout: Option<u32>,
}

/// A request to send.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where it goes.
    pub target: Target,
    /// Method.
    pub method: String,
    /// Arguments.
    pub args: Map<String, Value>,
    /// Version of the peer's API it asks for.
    pub version: Version,
    /// Who asks.
    pub context: RequestContext,
    /// Id by which the peer drops repeats: give repeats the same one.
    pub unique_id: String,
    /// Set for calls.
    pub reply: Option<Reply>,
}

impl Request {
    /// A cast.
    pub fn cast(
        target: Target,
        method: &str,
        version: Version,
        args: Map<String, Value>,
        context: RequestContext,
        unique_id: impl Into<String>,
    ) -> Self {
        Self {
            target,
            method: method.to_owned(),
            args,
            version,
            context,
            unique_id: unique_id.into(),
            reply: None,
        }
    }

    /// A request to the volume service of `host@backend`, in the version that clients stamp
    /// on the method.
    pub fn to_volume(
        host: &str,
        method: &MethodInfo,
        args: Map<String, Value>,
        context: RequestContext,
        unique_id: impl Into<String>,
    ) -> Self {
        let target = Target::volume(host);
        Self::cast(target, method.name, method.sent, args, context, unique_id)
    }

    /// The same request as a call.
    #[must_use]
    pub fn call(mut self, reply: Reply) -> Self {
        self.reply = Some(reply);
        self
    }

    /// The message inside the envelope. Holds the context's token in the clear.
    pub fn to_wire(&self) -> Map<String, Value> {
        let mut wire = Map::new();
        wire.insert("method".to_owned(), self.method.clone().into());
        wire.insert("args".to_owned(), Value::Object(self.args.clone()));
        wire.insert("version".to_owned(), self.version.to_string().into());
        if let Some(reply) = &self.reply {
            wire.insert("_msg_id".to_owned(), reply.msg_id.clone().into());
            wire.insert("_reply_q".to_owned(), reply.reply_q.clone().into());
            wire.insert("_timeout".to_owned(), reply.monitor_timeout.into());
        }
        wire.insert("_unique_id".to_owned(), self.unique_id.clone().into());
        wire.extend(self.context.to_wire());
        wire
    }

    /// The body to publish.
    pub fn to_body(&self) -> Vec<u8> {
        envelope::seal(&self.to_wire())
    }
}

/// A fresh id of 32 hexadecimal digits: `_unique_id`, `_msg_id`, reply queues.
pub fn new_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A UUID that is always the same for the same origin and purpose: a command that runs again
/// makes the same reservations and casts.
pub fn derived_uuid(origin: &str, purpose: &str) -> Uuid {
    Uuid::new_v5(&DERIVED, format!("{origin}/{purpose}").as_bytes())
}

/// [`derived_uuid`] in the form of `_unique_id`.
pub fn derived_id(origin: &str, purpose: &str) -> String {
    derived_uuid(origin, purpose).simple().to_string()
}

/// Shape of a request's message, for its JSON Schema.
#[derive(JsonSchema)]
#[schemars(rename = "Request")]
#[allow(dead_code)] // read by schemars only
pub(crate) struct RequestShape {
    /// Method.
    method: String,
    /// Arguments by name.
    args: super::opaque::Opaque,
    /// Namespace of the method; Cinder sets none.
    #[schemars(default)]
    namespace: Option<String>,
    /// API version asked for.
    version: String,
    /// Id of a call.
    #[serde(rename = "_msg_id", default)]
    msg_id: Option<String>,
    /// Queue for the reply to a call.
    #[serde(rename = "_reply_q", default)]
    reply_q: Option<String>,
    /// Call-monitor timeout in seconds.
    #[serde(rename = "_timeout", default)]
    timeout: Option<f64>,
    /// The same in every delivery of one message.
    #[serde(rename = "_unique_id")]
    unique_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_clients() {
        let target = Target::volume("ctl1@xio1#pool");
        assert_eq!(target.exchange("openstack"), "openstack");
        assert_eq!(target.routing_key(), "cinder-volume.ctl1@xio1.ctl1");
        let fanout = Target::fanout("cinder-volume");
        assert_eq!(fanout.exchange("openstack"), "cinder-volume_fanout");
        assert_eq!(fanout.routing_key(), "");
    }

    #[test]
    fn derived_ids_depend_on_origin_and_purpose_only() {
        let id = derived_id("a", "x");
        assert_eq!(id, derived_id("a", "x"));
        assert_eq!(id.len(), 32);
        assert!(id != derived_id("a", "y") && id != derived_id("b", "x"));
        assert_ne!(new_id(), new_id());
    }
}
