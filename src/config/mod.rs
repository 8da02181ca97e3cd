//! Configuration: cinder.conf in the oslo.config dialect, or TOML, into typed options.
//!
//! Options of an existing cinder.conf keep their names, defaults and meaning. All faults are
//! collected and reported at once, each with file, section and key; secrets never print.

mod backend;
mod backend_section;
mod convert;
mod coordination;
mod data_path;
mod database;
pub mod database_url;
mod describe;
pub mod dialect;
mod fault;
mod glance;
mod image;
mod keystone;
mod load;
mod logging;
mod machine;
mod messaging;
mod notifications;
mod option;
mod query;
mod reader;
mod service;
mod source;
mod substitute;
pub mod transport_url;

pub use backend::{BackendOptions, DiskGeometry, OverSubscription, Protocol};
pub use coordination::{CoordinationOptions, LockBackend};
pub use data_path::{DataPathOptions, PathChoice};
pub use database::{DatabaseOptions, Engine};
pub use describe::{Description, Setting};
pub use fault::{ConfigError, Fault, Origin};
pub use glance::{CatalogInfo, GlanceOptions};
pub use image::ImageOptions;
pub use keystone::{Account, Named, Scope, ServiceAccess};
pub use load::{LoadArgs, Loaded, load, reload_mutable};
pub use logging::{LoggingOptions, SYSLOG_FACILITIES};
pub use messaging::{BrokerHost, Failover, MessagingOptions, RabbitTls, TransportUrl};
pub use notifications::{NotificationDriver, NotificationOptions};
pub use service::ServiceOptions;

/// Everything the program was told, parsed and validated.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[DEFAULT]` options of the service as a whole.
    pub service: ServiceOptions,
    /// `transport_url` and `[oslo_messaging_rabbit]`.
    pub messaging: MessagingOptions,
    /// `[oslo_messaging_notifications]`.
    pub notifications: NotificationOptions,
    /// `[database]`.
    pub database: DatabaseOptions,
    /// `[coordination]` and `lock_path`.
    pub coordination: CoordinationOptions,
    /// Logging options of oslo.log.
    pub logging: LoggingOptions,
    /// `[DEFAULT]` options of image files.
    pub image: ImageOptions,
    /// `[nova]`: how instances are told of a volume that grew.
    pub nova: ServiceAccess,
    /// `glance_*` and `[service_user]`: how images are reached.
    pub glance: GlanceOptions,
    /// One entry per section of `enabled_backends` whose driver is XtremIO, in that order.
    pub backends: Vec<BackendOptions>,
}
