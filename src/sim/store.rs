//! Objects of one type, found by index, name or GUID.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Ref;

/// What identifies an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) guid: String,
    pub(crate) name: String,
    pub(crate) index: u64,
}

impl Id {
    pub(crate) fn new(name: impl Into<String>, index: u64) -> Self {
        Self {
            guid: Uuid::new_v4().simple().to_string(),
            name: name.into(),
            index,
        }
    }

    /// `[guid, name, index]`.
    pub(crate) fn oid(&self) -> Value {
        json!([self.guid, self.name, self.index])
    }
}

/// Something kept in a [`Store`].
pub(crate) trait Object {
    fn id(&self) -> &Id;
    fn id_mut(&mut self) -> &mut Id;
}

/// Gives a struct with a field `id` its [`Object`] implementation.
macro_rules! object {
    ($($name:ty),+ $(,)?) => {$(
        impl $crate::sim::store::Object for $name {
            fn id(&self) -> &$crate::sim::store::Id {
                &self.id
            }
            fn id_mut(&mut self) -> &mut $crate::sim::store::Id {
                &mut self.id
            }
        }
    )+};
}
pub(crate) use object;

/// Objects of one type. Indexes start at 1 and are never given twice.
#[derive(Debug)]
pub(crate) struct Store<T> {
    last: u64,
    items: BTreeMap<u64, T>,
    names: HashMap<String, u64>,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self {
            last: 0,
            items: BTreeMap::new(),
            names: HashMap::new(),
        }
    }
}

impl<T: Object> Store<T> {
    /// Adds an object. The caller has made sure that the name is free.
    pub(crate) fn add(&mut self, name: impl Into<String>, make: impl FnOnce(Id) -> T) -> Id {
        self.last += 1;
        let id = Id::new(name, self.last);
        self.names.insert(id.name.clone(), id.index);
        self.items.insert(id.index, make(id.clone()));
        id
    }

    pub(crate) fn get(&self, index: u64) -> Option<&T> {
        self.items.get(&index)
    }

    pub(crate) fn get_mut(&mut self, index: u64) -> Option<&mut T> {
        self.items.get_mut(&index)
    }

    /// The index of the object a reference means.
    pub(crate) fn find(&self, reference: &Ref) -> Option<u64> {
        match reference {
            Ref::Name(name) => self.names.get(name).copied(),
            Ref::Index(index) => self.items.contains_key(index).then_some(*index),
            Ref::Guid(guid) => self
                .items
                .values()
                .find(|item| item.id().guid == *guid)
                .map(|item| item.id().index),
        }
    }

    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Renames; false if another object has the name.
    pub(crate) fn rename(&mut self, index: u64, name: &str) -> bool {
        if self.names.get(name).is_some_and(|holder| *holder != index) {
            return false;
        }
        if let Some(item) = self.items.get_mut(&index) {
            self.names.remove(&item.id().name);
            item.id_mut().name = name.to_owned();
            self.names.insert(name.to_owned(), index);
        }
        true
    }

    pub(crate) fn remove(&mut self, index: u64) -> Option<T> {
        let item = self.items.remove(&index)?;
        self.names.remove(&item.id().name);
        Some(item)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn oid(&self, index: u64) -> Value {
        self.get(index).map_or(Value::Null, |item| item.id().oid())
    }

    /// The OIDs of several objects.
    pub(crate) fn oids<'a>(&self, indexes: impl IntoIterator<Item = &'a u64>) -> Value {
        indexes
            .into_iter()
            .map(|index| self.oid(*index))
            .filter(|oid| !oid.is_null())
            .collect()
    }

    /// Removes all objects; indexes go on where they were.
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.names.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    struct Thing {
        id: Id,
    }
    object!(Thing);

    #[test]
    fn indexes_are_never_given_twice_and_names_move_with_their_object() {
        let mut store = Store::default();
        let a = store.add("a", |id| Thing { id });
        let b = store.add("b", |id| Thing { id });
        assert!(!store.rename(a.index, "b"));
        assert!(store.rename(a.index, "a"), "to its own name");
        assert!(store.rename(a.index, "c"));
        assert_eq!(store.find(&Ref::Name("a".into())), None);
        assert_eq!(store.find(&Ref::Name("c".into())), Some(1));
        assert_eq!(store.find(&Ref::Guid(b.guid)), Some(2));
        store.remove(2);
        assert_eq!(store.find(&Ref::Index(2)), None);
        assert!(!store.has_name("b"));
        store.clear();
        assert_eq!(store.add("b", |id| Thing { id }).index, 3);
    }
}
