//! Names on the array, the same as the Python driver's: an object made by one is found by the other.

/// What the name of a volume becomes when Cinder gives it up: `volume_name_template` filled in,
/// and `-unmanged`, spelled as it has always been.
///
/// A volume is otherwise named by its Cinder id alone (`_name_id` if set).
pub fn unmanaged_volume(volume_name_template: &str, name: &str) -> String {
    format!("{}-unmanged", volume_name_template.replacen("%s", name, 1))
}

/// Cinder's default of `snapshot_name_template`.
pub const SNAPSHOT_NAME_TEMPLATE: &str = "snapshot-%s";

/// What the name of a snapshot becomes when Cinder gives it up: `snapshot_name_template` filled
/// in, and the same ending as a volume gets.
pub fn unmanaged_snapshot(snapshot_name_template: &str, name: &str) -> String {
    unmanaged_volume(snapshot_name_template, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_spelling_stays() {
        assert_eq!(
            unmanaged_volume("volume-%s", "ab-12"),
            "volume-ab-12-unmanged"
        );
        assert_eq!(unmanaged_volume("%s", "ab-12"), "ab-12-unmanged");
    }
}
