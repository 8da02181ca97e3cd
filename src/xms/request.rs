//! A call to the XMS as a value.

use std::fmt;

use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use super::dialect::Dialect;

/// Which object of its type a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    /// The whole type: a list, or a creation.
    All,
    /// By `index`, in the path.
    Index(u64),
    /// By `name`, in the query.
    Name(String),
}

/// What may be done when no answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RetryClass {
    /// `GET`: again, freely.
    Read,
    /// `PUT` and `DELETE` of a named object: again; it says the same twice.
    ByName,
    /// `POST`: look first whether it was applied.
    Create,
}

/// A call to the XMS. The cluster, where one is given, travels as this method wants it.
#[derive(Debug, Clone)]
pub(super) struct Request {
    method: Method,
    dialect: Dialect,
    object_type: &'static str,
    selector: Selector,
    cluster: Option<String>,
    props: Vec<&'static str>,
    full: bool,
    filters: Vec<String>,
    body: Map<String, Value>,
    secrets: Vec<(&'static str, SecretString)>,
}

impl Request {
    /// An array takes at most so many filter terms in one call.
    pub(super) const MOST_TERMS: usize = 149;

    /// A call about all objects of a type, in this dialect, with no cluster.
    pub(super) fn new(method: Method, dialect: Dialect, object_type: &'static str) -> Self {
        Self {
            method,
            dialect,
            object_type,
            selector: Selector::All,
            cluster: None,
            props: Vec::new(),
            full: false,
            filters: Vec::new(),
            body: Map::new(),
            secrets: Vec::new(),
        }
    }

    /// About the object of this name.
    pub(super) fn named(mut self, name: &str) -> Self {
        self.selector = Selector::Name(name.to_owned());
        self
    }

    /// About the object of this index.
    pub(super) fn indexed(mut self, index: u64) -> Self {
        self.selector = Selector::Index(index);
        self
    }

    /// Within this cluster; ignored by dialect v1, which knows one cluster only.
    pub(super) fn in_cluster(mut self, cluster: &str) -> Self {
        self.cluster = Some(cluster.to_owned());
        self
    }

    /// Asks for these properties only, where the dialect can.
    pub(super) fn props(mut self, props: &[&'static str]) -> Self {
        self.props = props.to_vec();
        self
    }

    /// Asks for whole objects rather than references, where the dialect can.
    pub(super) fn full(mut self) -> Self {
        self.full = true;
        self
    }

    /// Keeps objects whose `property` has this value; several calls must all hold. A comma would
    /// divide terms and cannot be written: such a value is the caller's to avoid. What comes back
    /// is to be checked, for an array may ignore a filter.
    pub(super) fn filter(self, property: &str, value: &str) -> Self {
        self.filter_any(property, &[value])
    }

    /// As [`Request::filter`], with several values of which one must hold. More than one only
    /// where the dialect has alternatives, and at most [`Request::MOST_TERMS`].
    pub(super) fn filter_any(mut self, property: &str, values: &[&str]) -> Self {
        debug_assert!(values.len() == 1 || self.dialect.has_alternatives());
        debug_assert!(values.len() <= Self::MOST_TERMS);
        debug_assert!(values.iter().all(|value| !value.contains(',')));
        let terms: Vec<String> = values
            .iter()
            .map(|value| format!("{property}:eq:{value}"))
            .collect();
        self.filters.push(terms.join(","));
        self
    }

    /// A key of the JSON body that no log and no error may show.
    pub(super) fn secret(mut self, key: &'static str, value: SecretString) -> Self {
        self.secrets.push((key, value));
        self
    }

    /// A key of the JSON body.
    pub(super) fn field(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.body.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// The cluster that the call really names.
    pub(super) fn cluster(&self) -> Option<&str> {
        self.cluster
            .as_deref()
            .filter(|_| self.dialect.has_clusters())
    }

    pub(super) fn class(&self) -> RetryClass {
        match self.method {
            Method::GET => RetryClass::Read,
            Method::POST => RetryClass::Create,
            _ => RetryClass::ByName,
        }
    }

    /// Path below the root of the XMS, with a leading slash.
    pub(super) fn path(&self) -> String {
        let types = self.dialect.types_path();
        match self.selector {
            Selector::Index(index) => format!("{types}/{}/{index}", self.object_type),
            Selector::All | Selector::Name(_) => format!("{types}/{}", self.object_type),
        }
    }

    /// Query parameters. `name` comes first: an array was seen to take the tail of a leading
    /// `cluster-name=` for the object's name; by index the cluster stays out of the URL for
    /// the same reason, except on reads.
    pub(super) fn query(&self) -> Vec<(&'static str, &str)> {
        let mut query = Vec::new();
        if let Selector::Name(name) = &self.selector {
            query.push(("name", name.as_str()));
        }
        let in_url = match self.method {
            Method::GET => true,
            Method::DELETE => matches!(self.selector, Selector::Name(_)),
            _ => false,
        };
        if let Some(cluster) = self.cluster()
            && in_url
        {
            query.push(("cluster-name", cluster));
        }
        if self.full && self.dialect.has_filters() {
            query.push(("full", "1"));
        }
        if self.dialect.has_filters() {
            query.extend(self.filters.iter().map(|f| ("filter", f.as_str())));
        }
        if self.dialect.has_props() {
            query.extend(self.props.iter().map(|prop| ("prop", *prop)));
        }
        query
    }

    /// JSON body; `None` for reads and for calls that have nothing to say.
    pub(super) fn body(&self) -> Option<Map<String, Value>> {
        if self.method == Method::GET {
            return None;
        }
        let mut body = self.body.clone();
        for (key, secret) in &self.secrets {
            body.insert((*key).to_owned(), secret.expose_secret().into());
        }
        if let Some(cluster) = self.cluster() {
            body.insert("cluster-id".to_owned(), cluster.into());
        }
        (!body.is_empty()).then_some(body)
    }
}

/// Method, type and object: what errors and logs may show. Bodies hold secrets and stay out.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.object_type)?;
        match &self.selector {
            Selector::All => {
                for filter in &self.filters {
                    write!(f, " filter={filter}")?;
                }
            }
            Selector::Index(index) => write!(f, " index={index}")?,
            Selector::Name(name) => write!(f, " name={name}")?,
        }
        // A creation names its object in the body only.
        if self.method == Method::POST {
            for key in [
                "vol-name",
                "vol-id",
                "cg-id",
                "snap-vol-name",
                "snap-suffix",
                "ig-name",
                "port-address",
                "ig-id",
            ] {
                if let Some(Value::String(name)) = self.body.get(key) {
                    write!(f, " {key}={name}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn the_cluster_travels_where_each_method_wants_it() {
        let call = |method| {
            Request::new(method, Dialect::V2, "volumes")
                .named("v1")
                .in_cluster("c1")
        };
        assert_eq!(
            call(Method::GET).props(&["index"]).query(),
            [("name", "v1"), ("cluster-name", "c1"), ("prop", "index")]
        );
        assert_eq!(call(Method::GET).body(), None);
        assert_eq!(call(Method::PUT).query(), [("name", "v1")]);
        assert_eq!(call(Method::PUT).body().unwrap()["cluster-id"], "c1");
        assert_eq!(
            call(Method::DELETE).query(),
            [("name", "v1"), ("cluster-name", "c1")]
        );
        assert_eq!(call(Method::DELETE).body().unwrap()["cluster-id"], "c1");
        let by_index = Request::new(Method::DELETE, Dialect::V2, "volumes")
            .indexed(7)
            .in_cluster("c1");
        assert!(by_index.query().is_empty());
        assert_eq!(by_index.body().unwrap()["cluster-id"], "c1");
        assert_eq!(by_index.path(), "/api/json/v2/types/volumes/7");
    }

    #[test]
    fn dialect_v1_knows_neither_clusters_nor_props() {
        let get = Request::new(Method::GET, Dialect::V1, "volumes")
            .named("v1")
            .in_cluster("c1")
            .props(&["index"]);
        assert_eq!(get.path(), "/api/json/types/volumes");
        assert_eq!(get.query(), [("name", "v1")]);
        let post = Request::new(Method::POST, Dialect::V1, "volumes")
            .in_cluster("c1")
            .field("vol-name", "v1");
        let body = post.body().unwrap();
        assert_eq!(body.len(), 1);
        assert_eq!(post.to_string(), "POST volumes vol-name=v1");
        assert_eq!(post.cluster(), None);
    }

    #[test]
    fn filters_of_several_calls_are_all_sent_and_v1_has_none() {
        let get = |dialect| {
            Request::new(Method::GET, dialect, "targets")
                .full()
                .filter("port-type", "fc")
                .filter("port-state", "up")
        };
        assert_eq!(
            get(Dialect::V2).query(),
            [
                ("full", "1"),
                ("filter", "port-type:eq:fc"),
                ("filter", "port-state:eq:up")
            ]
        );
        assert!(get(Dialect::V1).query().is_empty());
        let any = Request::new(Method::GET, Dialect::V6, "initiators")
            .filter_any("port-address", &["aa:bb", "AA:BB"]);
        assert_eq!(
            any.query(),
            [("filter", "port-address:eq:aa:bb,port-address:eq:AA:BB")]
        );
    }

    #[test]
    fn a_secret_is_in_the_body_and_nowhere_else() {
        let put = Request::new(Method::PUT, Dialect::V2, "initiators")
            .indexed(3)
            .secret(
                "initiator-authentication-password",
                SecretString::from("HUSH"),
            );
        let body = put.body().unwrap();
        assert_eq!(body["initiator-authentication-password"], "HUSH");
        assert!(!format!("{put} {put:?}").contains("HUSH"));
    }

    #[test]
    fn the_method_decides_the_retry_class() {
        let class = |method| Request::new(method, Dialect::V1, "volumes").class();
        assert_eq!(class(Method::GET), RetryClass::Read);
        assert_eq!(class(Method::PUT), RetryClass::ByName);
        assert_eq!(class(Method::DELETE), RetryClass::ByName);
        assert_eq!(class(Method::POST), RetryClass::Create);
    }
}
