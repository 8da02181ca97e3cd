//! Tags, as far as clients that only label their objects need them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Made;
use crate::sim::body::Body;
use crate::sim::refusal::Refusal;
use crate::sim::state::Xms;
use crate::sim::store::{Id, object};
use crate::sim::version::Kind;

/// A tag: `/Volume/gold`.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) id: Id,
    pub(crate) entity: String,
    /// Names of the objects that carry it.
    pub(crate) objects: BTreeSet<String>,
}

object!(Tag);

fn full_name(entity: &str, name: &str) -> String {
    if name.starts_with('/') {
        name.to_owned()
    } else {
        format!("/{entity}/{name}")
    }
}

pub(crate) fn create(xms: &mut Xms, map: &Map<String, Value>) -> Result<Vec<Made>, Refusal> {
    let body = Body::check(map, &[&["entity", "tag-name", "cluster-id"]])?;
    let entity = body.required_text("entity")?;
    let name = full_name(entity, body.required_text("tag-name")?);
    if xms.tags.has_name(&name) {
        return Err(Refusal::new("caption_not_unique"));
    }
    let id = xms.tags.add(name, |id| Tag {
        id,
        entity: entity.to_owned(),
        objects: BTreeSet::new(),
    });
    Ok(vec![(Kind::Tags, id)])
}

/// Tags an object, or renames the tag.
pub(crate) fn update(xms: &mut Xms, index: u64, map: &Map<String, Value>) -> Result<(), Refusal> {
    let body = Body::check(
        map,
        &[&["entity", "entity-details", "caption", "cluster-id"]],
    )?;
    let tag = xms.tags.get_mut(index).ok_or_else(Refusal::not_found)?;
    if let Some(object) = body.text("entity-details")? {
        tag.objects.insert(object.to_owned());
    }
    if let Some(caption) = body.text("caption")? {
        let name = full_name(&tag.entity.clone(), caption);
        if !xms.tags.rename(index, &name) {
            return Err(Refusal::new("caption_not_unique"));
        }
    }
    Ok(())
}

/// Takes the tag off the object that the body names, or removes the tag.
pub(crate) fn remove(xms: &mut Xms, index: u64, map: &Map<String, Value>) -> Result<(), Refusal> {
    let body = Body::check(map, &[&["entity", "entity-details", "cluster-id"]])?;
    match body.text("entity-details")? {
        None => {
            xms.tags.remove(index);
            Ok(())
        }
        Some(object) => {
            let tag = xms.tags.get_mut(index);
            let removed = tag.is_some_and(|tag| tag.objects.remove(object));
            removed.then_some(()).ok_or_else(Refusal::not_found)
        }
    }
}

pub(crate) fn render(xms: &Xms, tag: &Tag) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("name".into(), json!(tag.id.name));
    object.insert("index".into(), json!(tag.id.index));
    object.insert("guid".into(), json!(tag.id.guid));
    object.insert("tag-id".into(), tag.id.oid());
    object.insert("xms-id".into(), xms.id.oid());
    object.insert("caption".into(), json!(tag.id.name.rsplit('/').next()));
    object.insert("object-type".into(), json!(tag.entity));
    object.insert("num-of-direct-objs".into(), json!(tag.objects.len()));
    object.insert("obj-list".into(), json!(tag.objects));
    object
}
