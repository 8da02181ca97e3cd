//! An image as Glance describes it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// Members that Glance's schema has for every image: what is none of them is a property, also
/// what an import has left behind.
const BASE: [&str; 25] = [
    "id",
    "name",
    "status",
    "visibility",
    "protected",
    "os_hidden",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "owner",
    "size",
    "virtual_size",
    "container_format",
    "disk_format",
    "created_at",
    "updated_at",
    "tags",
    "direct_url",
    "min_ram",
    "min_disk",
    "self",
    "file",
    "schema",
    "locations",
    "stores",
];

/// Properties of a signed image.
const SIGNATURE: [&str; 4] = [
    "img_signature",
    "img_signature_certificate_uuid",
    "img_signature_hash_method",
    "img_signature_key_type",
];

/// An image. Sizes are in bytes, but for `min_disk` (GiB) and `min_ram` (MiB).
#[derive(Debug, Clone, Deserialize)]
pub struct Image {
    /// `id`
    pub id: String,
    /// `name`
    #[serde(default)]
    pub name: Option<String>,
    /// `status`: `queued`, `saving`, `active`, ...
    pub status: String,
    /// Bytes of the file, once it is there.
    #[serde(default)]
    pub size: Option<u64>,
    /// Bytes of the disk in it, if Glance has looked.
    #[serde(default)]
    pub virtual_size: Option<u64>,
    /// `disk_format`
    #[serde(default)]
    pub disk_format: Option<String>,
    /// `container_format`
    #[serde(default)]
    pub container_format: Option<String>,
    /// GiB that a disk for it must have.
    #[serde(default)]
    pub min_disk: Option<u64>,
    /// MiB that an instance of it must have.
    #[serde(default)]
    pub min_ram: Option<u64>,
    /// MD5 of the file, in hexadecimal digits.
    #[serde(default)]
    pub checksum: Option<String>,
    /// Such as `sha512`.
    #[serde(default)]
    pub os_hash_algo: Option<String>,
    /// In hexadecimal digits.
    #[serde(default)]
    pub os_hash_value: Option<String>,
    /// All other members.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Image {
    /// What is neither in every image nor null: what its owner has noted.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &Value)> {
        let own =
            |(key, value): &(&String, &Value)| !BASE.contains(&key.as_str()) && !value.is_null();
        self.rest
            .iter()
            .filter(own)
            .map(|(key, value)| (key.as_str(), value))
    }

    /// Whether its owner has signed it, be it in part.
    pub fn is_signed(&self) -> bool {
        self.properties().any(|(key, _)| SIGNATURE.contains(&key))
    }

    /// What a volume made of the image tells of it (`volume_glance_metadata`): the properties, and
    /// over them what every image has.
    pub fn volume_metadata(&self) -> BTreeMap<String, String> {
        let mut pairs: BTreeMap<String, String> = self
            .properties()
            .map(|(key, value)| (key.to_owned(), text(value)))
            .collect();
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let base = [
            ("image_id", Some(self.id.clone())),
            (
                "image_name",
                self.name.clone().filter(|name| !name.is_empty()),
            ),
            ("checksum", self.checksum.clone()),
            ("container_format", self.container_format.clone()),
            ("disk_format", self.disk_format.clone()),
            ("min_disk", number(self.min_disk)),
            ("min_ram", number(self.min_ram)),
            ("size", number(self.size)),
        ];
        for (key, value) in base {
            if let Some(value) = value {
                pairs.insert(key.to_owned(), value);
            }
        }
        pairs
    }
}

/// As Python writes a value into a text column.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn properties_go_with_the_volume_and_base_members_win() {
        let image: Image = serde_json::from_value(serde_json::json!({
            "id": "i", "name": "cirros", "status": "active", "size": 12, "min_disk": 0,
            "min_ram": 64, "checksum": "c", "disk_format": "qcow2", "container_format": "bare",
            "owner": "p", "visibility": "public", "tags": [], "os_hidden": false,
            "os_type": "linux", "hw_vif_model": null, "image_id": "not this", "file": "/v2/f",
        }))
        .unwrap();
        let pairs = image.volume_metadata();
        let keys: Vec<_> = pairs.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "checksum",
                "container_format",
                "disk_format",
                "image_id",
                "image_name",
                "min_disk",
                "min_ram",
                "os_type",
                "size",
            ]
        );
        assert_eq!(pairs["image_id"], "i");
        assert_eq!(pairs["min_disk"], "0");
    }
}
