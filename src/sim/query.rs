//! Query parameters and the filter grammar.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::version::{Api, XmsVersion};

/// At most so many filter terms in one request.
const MAX_TERMS: usize = 149;

/// The query of one request, sorted by meaning.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pub(crate) name: Option<String>,
    pub(crate) cluster_name: Option<String>,
    pub(crate) cluster_id: Option<String>,
    pub(crate) full: bool,
    pub(crate) props: Vec<String>,
    /// All must hold; of the terms of one, any.
    pub(crate) filters: Vec<Vec<Term>>,
    /// Names that mean nothing here; ignored, as the array does, but counted.
    pub(crate) unknown: Vec<String>,
}

impl Query {
    /// Reads the raw query text of an URL.
    pub(crate) fn parse(raw: &str, api: Api, version: XmsVersion) -> Result<Self, Refusal> {
        let mut query = Self::default();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decode(key), decode(value));
            let rich = api != Api::V1;
            match key.as_str() {
                "name" => query.name = Some(value),
                "cluster-name" if version >= XmsVersion::V40 => query.cluster_name = Some(value),
                "cluster-id" if version >= XmsVersion::V40 => query.cluster_id = Some(value),
                "full" if rich => query.full = value == "1",
                "prop" if rich => query.props.push(value),
                "filter" if rich => query.filters.push(terms(&value, version)?),
                _ => query.unknown.push(key),
            }
        }
        if query.filters.iter().map(Vec::len).sum::<usize>() > MAX_TERMS {
            return Err(Refusal::new("Command Syntax Error: Too many filters"));
        }
        Ok(query)
    }

    pub(crate) fn matches(&self, object: &Map<String, Value>) -> bool {
        self.filters
            .iter()
            .all(|any| any.iter().any(|term| term.holds(object)))
    }

    /// Keeps the properties asked for, and those that identify the object.
    pub(crate) fn select(&self, object: Map<String, Value>) -> Map<String, Value> {
        if self.props.is_empty() {
            return object;
        }
        object
            .into_iter()
            .filter(|(key, _)| {
                matches!(key.as_str(), "name" | "index") || self.props.iter().any(|p| p == key)
            })
            .collect()
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

fn terms(filter: &str, version: XmsVersion) -> Result<Vec<Term>, Refusal> {
    if version.filter_or() {
        filter.split(',').map(Term::parse).collect()
    } else {
        Ok(vec![Term::parse(filter)?])
    }
}

/// One `property:operator:value`; the value may hold colons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    property: String,
    operator: Operator,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Term {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = || Refusal::new(format!("Command Syntax Error: Invalid filter {text}"));
        let mut parts = text.splitn(3, ':');
        let (Some(property), Some(operator), Some(value)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(refuse());
        };
        let operator = match operator {
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "gt" => Operator::Gt,
            "ge" => Operator::Ge,
            "lt" => Operator::Lt,
            "le" => Operator::Le,
            _ => return Err(refuse()),
        };
        Ok(Self {
            property: property.to_owned(),
            operator,
            value: value.to_owned(),
        })
    }

    fn holds(&self, object: &Map<String, Value>) -> bool {
        let actual = match object.get(&self.property) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => return false,
        };
        let order = match (actual.parse::<i128>(), self.value.parse::<i128>()) {
            (Ok(actual), Ok(wanted)) => actual.cmp(&wanted),
            _ => actual.as_str().cmp(self.value.as_str()),
        };
        match self.operator {
            Operator::Eq => actual == self.value,
            Operator::Ne => actual != self.value,
            Operator::Gt => order.is_gt(),
            Operator::Ge => order.is_ge(),
            Operator::Lt => order.is_lt(),
            Operator::Le => order.is_le(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use serde_json::json;

    fn matches(query: &str, version: XmsVersion, object: &Value) -> bool {
        Query::parse(query, Api::V2, version)
            .unwrap()
            .matches(object.as_object().unwrap())
    }

    #[test]
    fn values_keep_their_colons_and_commas_are_or_from_4_2() {
        let object = json!({"port-address": "iqn.1993-08.org.debian:01:a", "lun": 12});
        let one = "filter=port-address%3Aeq%3Aiqn.1993-08.org.debian%3A01%3Aa";
        let two = format!("{one}%2Cport-address%3Aeq%3Ab");
        assert!(matches(one, XmsVersion::V40, &object));
        assert!(!matches(&two, XmsVersion::V40, &object));
        assert!(matches(&two, XmsVersion::V42, &object));
        assert!(!matches(
            &format!("{one}&filter=lun:eq:1"),
            XmsVersion::V42,
            &object
        ));
        assert!(matches(
            &format!("{one}&filter=lun:gt:9"),
            XmsVersion::V42,
            &object
        ));
        assert!(!matches("filter=nothing:eq:1", XmsVersion::V42, &object));
    }

    #[test]
    fn what_v1_does_not_know_is_counted() {
        let query = Query::parse("full=1&name=a+b&props=x", Api::V1, XmsVersion::V30).unwrap();
        assert_eq!(query.unknown, ["full", "props"]);
        assert_eq!(query.name.as_deref(), Some("a b"));
        assert!(!query.full);
    }

    #[test]
    fn broken_filters_and_too_many_are_refused() {
        for raw in ["filter=a", "filter=a:is:b", "filter=a:eq:b,c"] {
            assert!(
                Query::parse(raw, Api::V2, XmsVersion::V42).is_err(),
                "{raw}"
            );
        }
        let many = format!("filter={}", vec!["a:eq:b"; 150].join(","));
        assert!(Query::parse(&many, Api::V2, XmsVersion::V42).is_err());
    }
}
