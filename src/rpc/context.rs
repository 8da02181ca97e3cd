//! The request context: who asks, with which rights, under which request id.

use chrono::NaiveDateTime;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::opaque::Opaque;
use super::time;

/// Cinder's `RequestContext`. Read tolerantly; written with every key Cinder 21 to 29 writes.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Id of the user; `None` in contexts of services.
    pub user_id: Option<String>,
    /// Id of the project; `None` in contexts of services.
    pub project_id: Option<String>,
    /// Name of the project.
    pub project_name: Option<String>,
    /// Id of the domain a token is scoped to.
    pub domain_id: Option<String>,
    /// Id of the user's domain.
    pub user_domain_id: Option<String>,
    /// Id of the project's domain.
    pub project_domain_id: Option<String>,
    /// `all` for a token with system scope.
    pub system_scope: Option<String>,
    /// Whether database reads see every project.
    pub is_admin: bool,
    /// Whether the project is the cloud's admin project.
    pub is_admin_project: bool,
    /// Names of roles.
    pub roles: Vec<String>,
    /// Token to call other services with.
    pub auth_token: Option<SecretString>,
    /// `req-<uuid>`.
    pub request_id: String,
    /// Request id of the caller that started it all.
    pub global_request_id: Option<String>,
    /// `no`, `yes` or `only`: whether reads see deleted rows.
    pub read_deleted: String,
    /// Unused by Cinder.
    pub read_only: bool,
    /// Unused by Cinder.
    pub show_deleted: bool,
    /// Address of the client.
    pub remote_address: Option<String>,
    /// Unused by Cinder.
    pub quota_class: Option<String>,
    /// Unused by Cinder.
    pub resource_uuid: Option<String>,
    /// Endpoints of the services Cinder talks to.
    pub service_catalog: Vec<Value>,
    /// When the request began, UTC: `2026-11-22T09:30:00.230871`.
    pub timestamp: String,
    /// Resource that user messages of a backup are about.
    pub message_resource_id: Option<String>,
    /// Type of that resource.
    pub message_resource_type: Option<String>,
    /// Action that user messages of a backup are about: a pair of id and text, or null.
    pub message_action: Value,
    /// Entries not known here (`trace_info`, `traceparent`, ...), passed on as they came.
    pub extra: Opaque,
}

/// Entries that are computed when the context is written.
const DERIVED: [&str; 5] = [
    "user",
    "project",
    "domain",
    "user_identity",
    "client_timeout",
];

impl RequestContext {
    /// The context of our own periodic work: administrator, no user, no project.
    pub fn for_service(request_id: impl Into<String>, now: NaiveDateTime) -> Self {
        Self {
            user_id: None,
            project_id: None,
            project_name: None,
            domain_id: None,
            user_domain_id: None,
            project_domain_id: None,
            system_scope: None,
            is_admin: true,
            is_admin_project: true,
            roles: vec!["admin".to_owned()],
            auth_token: None,
            request_id: request_id.into(),
            global_request_id: None,
            read_deleted: "no".to_owned(),
            read_only: false,
            show_deleted: false,
            remote_address: None,
            quota_class: None,
            resource_uuid: None,
            service_catalog: Vec::new(),
            timestamp: time::naive(now),
            message_resource_id: None,
            message_resource_type: None,
            message_action: Value::Null,
            extra: Opaque::default(),
        }
    }

    /// A fresh request id.
    pub fn new_request_id() -> String {
        format!("req-{}", Uuid::new_v4())
    }

    /// Reads the context of a message (keys without `_context_`). Missing or odd entries take
    /// their defaults; a missing request id is made up, a missing `is_admin` is false.
    pub fn from_wire(wire: &Map<String, Value>) -> Self {
        let mut rest = wire.clone();
        for key in DERIVED {
            rest.remove(key);
        }
        let mut text = |key: &str| match rest.remove(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let now = || time::naive(chrono::Utc::now().naive_utc());
        let mut context = Self {
            user_id: text("user_id"),
            project_id: text("project_id"),
            project_name: text("project_name"),
            domain_id: text("domain_id"),
            user_domain_id: text("user_domain"),
            project_domain_id: text("project_domain"),
            system_scope: text("system_scope"),
            auth_token: text("auth_token").map(SecretString::from),
            request_id: text("request_id").unwrap_or_else(Self::new_request_id),
            global_request_id: text("global_request_id"),
            read_deleted: text("read_deleted").unwrap_or_else(|| "no".to_owned()),
            remote_address: text("remote_address"),
            quota_class: text("quota_class"),
            resource_uuid: text("resource_uuid"),
            timestamp: text("timestamp").unwrap_or_else(now),
            message_resource_id: text("message_resource_id"),
            message_resource_type: text("message_resource_type"),

            is_admin: flag(&mut rest, "is_admin", false),
            is_admin_project: flag(&mut rest, "is_admin_project", true),
            read_only: flag(&mut rest, "read_only", false),
            show_deleted: flag(&mut rest, "show_deleted", false),
            roles: list(&mut rest, "roles")
                .into_iter()
                .filter_map(|role| role.as_str().map(str::to_owned))
                .collect(),
            service_catalog: list(&mut rest, "service_catalog"),
            message_action: rest.remove("message_action").unwrap_or_default(),
            extra: rest.into(),
        };
        if context.is_admin {
            context.add_admin_role();
        }
        context
    }

    /// The same context with the rights of an administrator; user and project stay.
    #[must_use]
    pub fn elevated(&self) -> Self {
        let mut context = self.clone();
        context.is_admin = true;
        context.add_admin_role();
        context
    }

    /// The context as notifications carry it: without token, catalog and what only matters
    /// to the request itself; `now` is the moment of sending.
    #[must_use]
    pub fn redacted(&self, now: NaiveDateTime) -> Self {
        Self {
            auth_token: None,
            service_catalog: Vec::new(),
            remote_address: None,
            quota_class: None,
            resource_uuid: None,
            read_deleted: "no".to_owned(),
            read_only: false,
            show_deleted: false,
            timestamp: time::naive(now),
            message_resource_id: None,
            message_resource_type: None,
            message_action: Value::Null,
            extra: Opaque::default(),
            ..self.clone()
        }
    }

    /// The entries to send, each under its `_context_` name. Holds the token in the clear.
    pub fn to_wire(&self) -> Map<String, Value> {
        let token = self
            .auth_token
            .as_ref()
            .map(|t| t.expose_secret().to_owned());
        let mut wire = Map::new();
        let mut put = |key: &str, value: Value| wire.insert(format!("_context_{key}"), value);
        put("user", self.user_id.clone().into());
        put("user_id", self.user_id.clone().into());
        put("project", self.project_id.clone().into());
        put("project_id", self.project_id.clone().into());
        put("project_name", self.project_name.clone().into());
        put("domain", self.domain_id.clone().into());
        put("domain_id", self.domain_id.clone().into());
        put("user_domain", self.user_domain_id.clone().into());
        put("project_domain", self.project_domain_id.clone().into());
        put("user_identity", self.user_identity().into());
        put("system_scope", self.system_scope.clone().into());
        put("is_admin", self.is_admin.into());
        put("is_admin_project", self.is_admin_project.into());
        put("roles", self.roles.clone().into());
        put("auth_token", token.into());
        put("request_id", self.request_id.clone().into());
        put("global_request_id", self.global_request_id.clone().into());
        put("read_deleted", self.read_deleted.clone().into());
        put("read_only", self.read_only.into());
        put("show_deleted", self.show_deleted.into());
        put("remote_address", self.remote_address.clone().into());
        put("quota_class", self.quota_class.clone().into());
        put("resource_uuid", self.resource_uuid.clone().into());
        put("service_catalog", self.service_catalog.clone().into());
        put("timestamp", self.timestamp.clone().into());
        put(
            "message_resource_id",
            self.message_resource_id.clone().into(),
        );
        put(
            "message_resource_type",
            self.message_resource_type.clone().into(),
        );
        put("message_action", self.message_action.clone());
        for (key, value) in self.extra.iter() {
            put(key, value.clone());
        }
        wire
    }

    /// User, project, domain, user's domain, project's domain; `-` for those not set.
    fn user_identity(&self) -> String {
        [
            &self.user_id,
            &self.project_id,
            &self.domain_id,
            &self.user_domain_id,
            &self.project_domain_id,
        ]
        .map(|id| id.as_deref().unwrap_or("-"))
        .join(" ")
    }

    fn add_admin_role(&mut self) {
        // Cinder compares with `admin` in whatever case the role was written.
        if !self
            .roles
            .iter()
            .any(|role| role.eq_ignore_ascii_case("admin"))
        {
            self.roles.push("admin".to_owned());
        }
    }
}

fn flag(rest: &mut Map<String, Value>, key: &str, default: bool) -> bool {
    match rest.remove(key) {
        Some(Value::Bool(flag)) => flag,
        _ => default,
    }
}

fn list(rest: &mut Map<String, Value>, key: &str) -> Vec<Value> {
    match rest.remove(key) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn read(wire: Value) -> RequestContext {
        RequestContext::from_wire(wire.as_object().unwrap())
    }

    #[test]
    fn missing_and_odd_entries_take_defaults() {
        let context =
            read(json!({"user_id": "u", "roles": "x", "is_admin": null, "project_id": 5}));
        assert_eq!(context.user_id.as_deref(), Some("u"));
        assert_eq!(context.project_id, None);
        assert!(!context.is_admin && context.roles.is_empty());
        assert!(context.request_id.starts_with("req-"));
        assert!(time::parse(&context.timestamp).is_some());
        let wire = context.to_wire();
        assert_eq!(wire["_context_user_identity"], "u - - - -");
        assert_eq!(wire.len(), 28);
    }

    #[test]
    fn elevating_adds_rights_and_keeps_the_person() {
        let context = read(json!({"user_id": "u", "project_id": "p", "roles": ["member"]}));
        let admin = context.elevated().elevated();
        assert!(admin.is_admin && !context.is_admin);
        assert_eq!(admin.roles, ["member", "admin"]);
        assert_eq!(admin.project_id.as_deref(), Some("p"));
    }

    #[test]
    fn unknown_entries_are_passed_on_but_not_to_notifications() {
        let context = read(json!({"traceparent": "00-1", "client_timeout": 4}));
        let wire = context.to_wire();
        assert_eq!(wire["_context_traceparent"], "00-1");
        assert!(!wire.contains_key("_context_client_timeout"));
        let redacted = context.redacted(NaiveDateTime::default()).to_wire();
        assert!(!redacted.contains_key("_context_traceparent"));
    }
}
