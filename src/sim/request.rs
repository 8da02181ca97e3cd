//! From URL, query and body to an answer.

use hyper::Method;
use serde_json::{Map, Value, json};

use super::body::Ref;
use super::objects::{Made, clusters, tags};
use super::query::Query;
use super::refusal::Refusal;
use super::state::Xms;
use super::store::Id;
use super::version::{Api, Kind, XmsVersion};

/// Where an URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) api: Api,
    /// None: the list of types.
    pub(crate) kind: Option<Kind>,
    pub(crate) object: Option<Ref>,
}

impl Route {
    pub(crate) fn parse(path: &str, version: XmsVersion) -> Option<Self> {
        let (api, rest) = [Api::V1, Api::V2, Api::V3]
            .into_iter()
            .filter(|api| version.serves(*api))
            .find_map(|api| Some((api, path.strip_prefix(api.base())?)))?;
        let mut segments = rest.split('/').filter(|segment| !segment.is_empty());
        let kind = match segments.next() {
            None => None,
            Some(name) => Some(Kind::parse(name, version)?),
        };
        let object = match segments.next() {
            None => None,
            Some(text) => Some(match text.parse() {
                Ok(index) => Ref::Index(index),
                Err(_) if api == Api::V3 => Ref::Guid(text.to_owned()),
                Err(_) => return None,
            }),
        };
        segments
            .next()
            .is_none()
            .then_some(Self { api, kind, object })
    }
}

/// A request whose URL and body have been read.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) route: Route,
    pub(crate) query: Query,
    pub(crate) body: Map<String, Value>,
    /// `https://host:port` as the client wrote it, for links.
    pub(crate) origin: String,
}

/// Reads a body. On GET it is ignored, on DELETE it may be missing.
pub(crate) fn read_body(method: &Method, bytes: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if method == Method::GET || (method == Method::DELETE && bytes.is_empty()) {
        return Ok(Map::new());
    }
    serde_json::from_slice(bytes).map_err(|_| Refusal::new("Command Syntax Error: Invalid JSON"))
}

impl Request {
    /// Carries the request out. The status of success and its body.
    pub(crate) fn serve(&self, xms: &mut Xms) -> Result<(u16, Value), Refusal> {
        let Some(kind) = self.route.kind else {
            return match self.method {
                Method::GET => Ok((200, self.list_types(xms.version))),
                _ => Err(Refusal::method_not_allowed()),
            };
        };
        if self.route.api == Api::V3 && self.method != Method::GET {
            return Err(Refusal::method_not_allowed());
        }
        self.refuse_misread_name(kind)?;
        match self.method {
            Method::GET => self.get(xms, kind).map(|body| (200, body)),
            Method::POST => self.post(xms, kind).map(|body| (201, body)),
            Method::PUT => self.put(xms, kind).map(|()| (200, json!({}))),
            Method::DELETE => self.delete(xms, kind).map(|()| (200, json!({}))),
            _ => Err(Refusal::method_not_allowed()),
        }
    }

    /// Real arrays take the tail of `cluster-name=` for the name of the object when one of
    /// these is addressed by index.
    fn refuse_misread_name(&self, kind: Kind) -> Result<(), Refusal> {
        let misread = match self.method {
            Method::PUT => matches!(
                kind,
                Kind::Initiators | Kind::Targets | Kind::Volumes | Kind::Snapshots
            ),
            Method::DELETE => kind == Kind::SnapshotSets,
            _ => false,
        };
        if misread && self.route.object.is_some() && self.query.cluster_name.is_some() {
            return Err(Refusal::new(format!("{}_not_found", kind.token())));
        }
        Ok(())
    }

    /// The last path segment, if it names an object.
    pub(crate) fn path_name(&self) -> Option<String> {
        match self.route.object.as_ref()? {
            Ref::Index(index) => Some(index.to_string()),
            Ref::Guid(text) | Ref::Name(text) => Some(text.clone()),
        }
    }

    /// The object that path or query name, if they name one.
    fn target(&self) -> Option<Ref> {
        let named = || self.query.name.clone().map(Ref::Name);
        self.route.object.clone().or_else(named)
    }

    /// The cluster the request is about.
    fn cluster(&self, xms: &Xms) -> Result<usize, Refusal> {
        let in_body = self
            .body
            .get("cluster-id")
            .filter(|_| xms.version >= XmsVersion::V40)
            .map(|value| Ref::parse("cluster-id", value))
            .transpose()?;
        let by_name = || self.query.cluster_name.clone().map(Ref::Name);
        let by_index = || {
            let id = self.query.cluster_id.clone()?;
            Some(id.parse().map_or(Ref::Name(id), Ref::Index))
        };
        match in_body.or_else(by_name).or_else(by_index) {
            Some(reference) => xms
                .find_cluster(&reference)
                .ok_or_else(|| Refusal::new("sys_not_found")),
            None if xms.clusters.len() > 1 => Err(Refusal::new("cluster_id_is_required")),
            None => Ok(0),
        }
    }

    fn get(&self, xms: &Xms, kind: Kind) -> Result<Value, Refusal> {
        if let Some(target) = self.target() {
            let object = self
                .find(xms, kind, &target)?
                .ok_or_else(Refusal::not_found)?;
            let own = Id {
                guid: text(&object, "guid"),
                ..Id::new("", object.get("index").and_then(Value::as_u64).unwrap_or(0))
            };
            let object = match self.route.api {
                Api::V1 => object,
                _ => self.query.select(object),
            };
            let href = self.href(kind, &own);
            return Ok(json!({"content": object, "links": [{"href": href, "rel": "self"}]}));
        }
        let items: Vec<Value> = if self.query.full {
            let objects = self.all(xms, kind)?.into_iter();
            let kept = objects.filter(|object| self.query.matches(object));
            kept.map(|o| Value::Object(self.query.select(o))).collect()
        } else {
            let ids = self.ids(xms, kind)?;
            let keep: Vec<bool> = if self.query.filters.is_empty() {
                vec![true; ids.len()]
            } else {
                let all = self.all(xms, kind)?;
                all.iter().map(|o| self.query.matches(o)).collect()
            };
            let kept = ids.iter().zip(keep).filter(|(_, keep)| *keep);
            kept.map(|(id, _)| json!({"href": self.href(kind, id), "name": id.name}))
                .collect()
        };
        let list = format!("{}{}/{}", self.origin, self.route.api.base(), kind.wire());
        let mut reply = json!({"links": [{"href": list, "rel": "self"}]});
        reply[kind.list_key()] = json!(items);
        if self.query.full {
            reply["params"] = json!({"id-property": kind.oid()});
        }
        Ok(reply)
    }

    fn find(
        &self,
        xms: &Xms,
        kind: Kind,
        target: &Ref,
    ) -> Result<Option<Map<String, Value>>, Refusal> {
        Ok(match kind {
            Kind::Clusters => xms
                .find_cluster(target)
                .map(|at| xms.clusters[at].render_cluster()),
            Kind::Xms => match target {
                Ref::Index(1) => Some(clusters::render_xms(xms)),
                Ref::Name(name) if *name == xms.id.name => Some(clusters::render_xms(xms)),
                _ => None,
            },
            Kind::Tags => {
                let tag = xms.tags.find(target).and_then(|index| xms.tags.get(index));
                tag.map(|tag| tags::render(xms, tag))
            }
            _ => {
                let cluster = &xms.clusters[self.cluster(xms)?];
                let index = cluster.find(kind, target);
                index.and_then(|index| cluster.render(kind, index))
            }
        })
    }

    fn ids(&self, xms: &Xms, kind: Kind) -> Result<Vec<Id>, Refusal> {
        Ok(match kind {
            Kind::Clusters => xms.clusters.iter().map(|c| c.id.clone()).collect(),
            Kind::Xms => vec![xms.id.clone()],
            Kind::Tags => xms.tags.iter().map(|t| t.id.clone()).collect(),
            _ => xms.clusters[self.cluster(xms)?].ids(kind),
        })
    }

    fn all(&self, xms: &Xms, kind: Kind) -> Result<Vec<Map<String, Value>>, Refusal> {
        Ok(match kind {
            Kind::Clusters => xms.clusters.iter().map(|c| c.render_cluster()).collect(),
            Kind::Xms => vec![clusters::render_xms(xms)],
            Kind::Tags => xms.tags.iter().map(|t| tags::render(xms, t)).collect(),
            _ => xms.clusters[self.cluster(xms)?].render_all(kind).collect(),
        })
    }

    fn post(&self, xms: &mut Xms, kind: Kind) -> Result<Value, Refusal> {
        let made = match kind {
            Kind::Tags => tags::create(xms, &self.body)?,
            kind if kind.xms_wide() => return Err(Refusal::method_not_allowed()),
            kind => {
                let cluster = self.cluster(xms)?;
                xms.clusters[cluster].create(kind, self.route.api, &self.body)?
            }
        };
        let links: Vec<Value> = made
            .iter()
            .map(|made| self.link(made, xms.version))
            .collect();
        Ok(json!({"links": links}))
    }

    fn link(&self, (kind, id): &Made, version: XmsVersion) -> Value {
        let mut link = json!({"href": self.href(*kind, id), "rel": "self"});
        if version >= XmsVersion::V40 {
            link["index"] = json!(id.index);
        }
        if version >= XmsVersion::V63 {
            link["guid"] = json!(id.guid);
        }
        link
    }

    fn put(&self, xms: &mut Xms, kind: Kind) -> Result<(), Refusal> {
        if matches!(kind, Kind::Clusters | Kind::Xms) {
            return Err(Refusal::method_not_allowed());
        }
        let target = self.target().ok_or_else(Refusal::not_found)?;
        if kind == Kind::Tags {
            let index = xms.tags.find(&target).ok_or_else(Refusal::not_found)?;
            return tags::update(xms, index, &self.body);
        }
        let cluster = self.cluster(xms)?;
        let cluster = &mut xms.clusters[cluster];
        let index = cluster.find(kind, &target).ok_or_else(Refusal::not_found)?;
        cluster.update(kind, self.route.api, index, &self.body)
    }

    fn delete(&self, xms: &mut Xms, kind: Kind) -> Result<(), Refusal> {
        if matches!(kind, Kind::Clusters | Kind::Xms) {
            return Err(Refusal::method_not_allowed());
        }
        let target = self.target().ok_or_else(Refusal::not_found)?;
        if kind == Kind::Tags {
            let index = xms.tags.find(&target).ok_or_else(Refusal::not_found)?;
            return tags::remove(xms, index, &self.body);
        }
        let cluster = self.cluster(xms)?;
        let cluster = &mut xms.clusters[cluster];
        let index = cluster.find(kind, &target).ok_or_else(Refusal::not_found)?;
        cluster.remove(kind, index, &self.body)
    }

    fn href(&self, kind: Kind, id: &Id) -> String {
        let base = self.route.api.base();
        match self.route.api {
            Api::V3 => format!("{}{base}/{}/{}", self.origin, kind.wire(), id.guid),
            _ => format!("{}{base}/{}/{}", self.origin, kind.wire(), id.index),
        }
    }

    fn list_types(&self, version: XmsVersion) -> Value {
        let base = self.route.api.base();
        let children: Vec<Value> = Kind::ALL
            .into_iter()
            .filter(|kind| kind.exists(version))
            .map(|kind| {
                let name = kind.wire();
                json!({"href": format!("{}{base}/{name}", self.origin), "name": name})
            })
            .collect();
        let links = json!([{"href": format!("{}{base}", self.origin), "rel": "self"}]);
        json!({"children": children, "links": links})
    }
}

fn text(object: &Map<String, Value>, key: &str) -> String {
    let text = object.get(key).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn each_release_serves_its_own_paths() {
        let served = |path, version| Route::parse(path, version).is_some();
        assert!(served("/api/json/types/volumes", XmsVersion::V30));
        assert!(!served("/api/json/v2/types/volumes", XmsVersion::V30));
        assert!(!served("/api/json/types/xms/1", XmsVersion::V30));
        assert!(!served(
            "/api/json/types/consistency-groups",
            XmsVersion::V30
        ));
        assert!(served("/api/json/types/xms/1", XmsVersion::V40));
        assert!(served("/api/json/v2/types/volumes/", XmsVersion::V40));
        assert!(!served("/api/json/v3/types", XmsVersion::V42));
        assert!(served("/api/json/v3/types", XmsVersion::V63));
        assert!(!served("/api/json/v2/types/volumes/abc", XmsVersion::V63));
        assert!(!served("/api/json/v2/types/volumes/1/2", XmsVersion::V63));
        assert!(!served("/elsewhere", XmsVersion::V63));
    }
}
