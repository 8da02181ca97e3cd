//! Exchanges and queues: names, flags and arguments exactly as oslo.messaging declares them.
//!
//! A peer that declares the same object differently is refused with 406, so every flag here is
//! part of the contract; measured on oslo.messaging 14.0.3 and 18.3.1.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::config::MessagingOptions;

/// Type of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeType {
    /// `topic`
    Topic,
    /// `fanout`
    Fanout,
}

/// An exchange to declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeDecl {
    /// Its name.
    pub name: String,
    /// Topic or fanout.
    pub kind: ExchangeType,
    /// Survives a broker restart.
    pub durable: bool,
    /// Goes with its last binding.
    pub auto_delete: bool,
}

/// Value of a queue argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueArgument {
    /// A 32-bit signed integer.
    Int(i32),
    /// A long string.
    Str(String),
}

/// A queue to declare, and its binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDecl {
    /// Its name.
    pub name: String,
    /// Survives a broker restart.
    pub durable: bool,
    /// Goes with its last consumer.
    pub auto_delete: bool,
    /// `x-...` arguments.
    pub arguments: BTreeMap<&'static str, QueueArgument>,
    /// Exchange and routing key; `None` for reply queues, which use the default exchange.
    pub binding: Option<(ExchangeDecl, String)>,
    /// A stream queue: its consumers need `x-stream-offset`.
    pub stream: bool,
    /// Ours alone: deleted when we stop.
    pub private: bool,
}

impl QueueDecl {
    /// Whether it is a quorum queue.
    pub(super) fn is_quorum(&self) -> bool {
        self.arguments.get("x-queue-type") == Some(&QueueArgument::Str("quorum".into()))
    }
}

/// The queues one RPC server of a backend consumes, in oslo's order of declaring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerQueues {
    /// Topic queue, topic.server queue, fanout queue.
    pub queues: [QueueDecl; 3],
}

/// Builds declarations from the deployment's options.
#[derive(Debug, Clone)]
pub struct Topology {
    options: MessagingOptions,
}

impl Topology {
    /// Declarations under these options.
    pub fn new(options: &MessagingOptions) -> Self {
        Self {
            options: options.clone(),
        }
    }

    /// The topic exchange (`control_exchange`).
    pub fn topic_exchange(&self) -> ExchangeDecl {
        ExchangeDecl {
            name: self.options.control_exchange.clone(),
            kind: ExchangeType::Topic,
            durable: self.durable(),
            auto_delete: self.options.auto_delete,
        }
    }

    /// The fanout exchange of a topic.
    pub fn fanout_exchange(&self, topic: &str) -> ExchangeDecl {
        ExchangeDecl {
            name: format!("{topic}_fanout"),
            kind: ExchangeType::Fanout,
            durable: self.options.transient_quorum_queue,
            auto_delete: true,
        }
    }

    /// A queue on the topic exchange that is named as its routing key.
    pub fn topic_queue(&self, name: &str) -> QueueDecl {
        let mut arguments = BTreeMap::new();
        if self.options.ha_queues {
            arguments.insert("x-ha-policy", QueueArgument::Str("all".into()));
        }
        if self.options.quorum_queue {
            self.quorum(&mut arguments);
        }
        QueueDecl {
            name: name.to_owned(),
            durable: self.durable(),
            auto_delete: self.options.auto_delete,
            arguments,
            binding: Some((self.topic_exchange(), name.to_owned())),
            stream: false,
            private: false,
        }
    }

    /// Our fanout queue of a topic. `instance` makes its name ours when `use_queue_manager`
    /// asks for stable names; else the name is random, as oslo's.
    pub fn fanout_queue(&self, topic: &str, instance: &str) -> QueueDecl {
        let binding = Some((self.fanout_exchange(topic), topic.to_owned()));
        if self.options.stream_fanout {
            let mut arguments = BTreeMap::new();
            arguments.insert("x-queue-type", QueueArgument::Str("stream".into()));
            let ttl = self.options.transient_queues_ttl.as_secs();
            if ttl > 0 {
                arguments.insert("x-max-age", QueueArgument::Str(format!("{ttl}s")));
            }
            return QueueDecl {
                name: format!("{topic}_fanout"),
                durable: true,
                auto_delete: false,
                arguments,
                binding,
                stream: true,
                private: false,
            };
        }
        QueueDecl {
            name: self.private_name(&format!("{topic}_fanout_"), instance),
            binding,
            private: !self.options.use_queue_manager,
            ..self.transient_queue()
        }
    }

    /// A queue for replies to our own calls.
    pub fn reply_queue(&self, instance: &str) -> QueueDecl {
        QueueDecl {
            name: self.private_name("reply_", instance),
            private: true,
            ..self.transient_queue()
        }
    }

    /// The queues of a volume backend: the server on topic `cinder-volume` that old clients
    /// address, then the one on topic `cinder-volume.HOST` that current clients address.
    /// `host` is `plainhost@backend`.
    pub fn volume_servers(&self, host: &str) -> [ServerQueues; 2] {
        let plain = host.split('@').next().unwrap_or(host);
        [
            self.server("cinder-volume", host, host),
            self.server(&format!("cinder-volume.{host}"), plain, host),
        ]
    }

    fn server(&self, topic: &str, server: &str, instance: &str) -> ServerQueues {
        ServerQueues {
            queues: [
                self.topic_queue(topic),
                self.topic_queue(&format!("{topic}.{server}")),
                self.fanout_queue(topic, instance),
            ],
        }
    }

    fn durable(&self) -> bool {
        self.options.durable_queues || self.options.quorum_queue
    }

    fn private_name(&self, prefix: &str, instance: &str) -> String {
        if self.options.use_queue_manager {
            let o = &self.options;
            format!(
                "{prefix}{}:{}:{instance}",
                o.queue_hostname, o.queue_processname
            )
        } else {
            format!("{prefix}{}", Uuid::new_v4().simple())
        }
    }

    fn transient_queue(&self) -> QueueDecl {
        let mut arguments = BTreeMap::new();
        if self.options.ha_queues {
            arguments.insert("x-ha-policy", QueueArgument::Str("all".into()));
        }
        let ttl = self.options.transient_queues_ttl.as_millis();
        if ttl > 0 {
            let ttl = i32::try_from(ttl).unwrap_or(i32::MAX);
            arguments.insert("x-expires", QueueArgument::Int(ttl));
        }
        if self.options.transient_quorum_queue {
            self.quorum(&mut arguments);
        }
        QueueDecl {
            name: String::new(),
            durable: self.options.transient_quorum_queue,
            auto_delete: false,
            arguments,
            binding: None,
            stream: false,
            private: false,
        }
    }

    fn quorum(&self, arguments: &mut BTreeMap<&'static str, QueueArgument>) {
        arguments.insert("x-queue-type", QueueArgument::Str("quorum".into()));
        let o = &self.options;
        for (name, limit) in [
            ("x-delivery-limit", o.quorum_delivery_limit),
            ("x-max-in-memory-length", o.quorum_max_memory_length),
            ("x-max-in-memory-bytes", o.quorum_max_memory_bytes),
        ] {
            if limit > 0 {
                let limit = i32::try_from(limit).unwrap_or(i32::MAX);
                arguments.insert(name, QueueArgument::Int(limit));
            }
        }
    }
}
