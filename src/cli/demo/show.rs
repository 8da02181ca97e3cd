//! What the demo prints.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::cloud::Heard;
use super::stage::OnArray;
use crate::cli::say;
use crate::db::Volume;

static STEP: AtomicU32 = AtomicU32::new(1);

/// A numbered heading.
pub(super) fn step(title: &str) {
    let number = STEP.fetch_add(1, Ordering::Relaxed);
    say(&format!("\n{number}. {title}"));
}

/// One line of the story.
pub(super) fn note(text: &str) {
    say(&format!("   {text}"));
}

/// Words of somebody else.
pub(super) fn quote(text: &str) {
    say(&format!("     | {text}"));
}

/// A JSON value, indented.
pub(super) fn json(value: &Value) {
    for line in format!("{value:#}").lines() {
        quote(line);
    }
}

/// A capability report in a few lines.
pub(super) fn report(heard: &Heard) {
    let words = |key: &str| heard.pool.get(key).map_or("-".to_owned(), Value::to_string);
    note(&format!("{}  {}", heard.host, heard.method));
    for key in [
        "pool_name",
        "storage_protocol",
        "total_capacity_gb",
        "free_capacity_gb",
        "allocated_capacity_gb",
        "provisioned_capacity_gb",
        "max_over_subscription_ratio",
    ] {
        quote(&format!("{key:<28} {}", words(key)));
    }
}

/// Rows of the table `volumes`.
pub(super) fn rows(rows: &[Volume]) {
    quote(&format!(
        "{:<37}{:<33}{:>4}  {:<10} {:<9} {:<9} deleted",
        "volumes.id", "host", "size", "status", "launched", "service"
    ));
    for row in rows {
        let set = |is: bool| if is { "set" } else { "null" };
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "null".to_owned());
        quote(&format!(
            "{:<37}{:<33}{:>4}  {:<10} {:<9} {:<9} {}",
            row.id,
            text(&row.host),
            row.size.unwrap_or_default(),
            text(&row.status),
            set(row.launched_at.is_some()),
            set(row.service_uuid.is_some()),
            row.deleted.unwrap_or_default(),
        ));
    }
}

/// Volumes on the array.
pub(super) fn array(volumes: &[OnArray]) {
    if volumes.is_empty() {
        quote("array: no volumes");
    }
    for volume in volumes {
        let mut line = format!("array: volume {}, {} GiB", volume.name, volume.gib);
        if let Some(origin) = &volume.made_from {
            line += &format!(", made from {origin}");
        }
        if volume.read_only {
            line += ", read-only";
        }
        for (group, lun) in &volume.maps {
            line += &format!(", LUN {lun} of {group}");
        }
        quote(&line);
    }
}
