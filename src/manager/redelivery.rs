//! What a command that is delivered again may do: one table over all methods, without I/O.
//!
//! A message comes again when this process or a channel died before the acknowledgement, or when
//! the sender published it twice. The finish records of the journal answer most repeats; this
//! table is what holds when there is none: which state of which row proves that the command is
//! still wanted, and what a repeat does. For commands that this version refuses the lines are the
//! specification they will be built to; until then their refusal ends rows in the states named
//! here only.

/// The word that tells whether a command is still wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// None: the command works on no row, or each of its steps sees whether it is done.
    None,
    /// `volumes.status`
    Volume,
    /// `volumes.migration_status`
    Migration,
    /// `snapshots.status`
    Snapshot,
    /// `volume_attachment.attach_status`
    Attachment,
    /// `groups.status`
    Group,
    /// `groups.replication_status`
    GroupReplication,
    /// `group_snapshots.status`
    GroupSnapshot,
    /// `backups.status`
    Backup,
    /// `services.replication_status` of ours.
    Service,
}

/// What a repeat does while the word says that the command is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It only asks: it runs as often as it comes, and leaves nothing in the journal.
    Ask,
    /// It goes on where it stopped: every step looks whether it is done.
    Continue,
    /// As [`Repeat::Continue`], and never without its message: the word alone does not hold
    /// what is to be done, or undoing newer data could be the result.
    WithMessage,
    /// Done means done: a finish record, and no word, keeps it from undoing what came later.
    Once,
}

/// What a repeat is answered with once the word says that there is nothing left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// Nothing: acknowledged.
    Acknowledge,
    /// The reply it had, read from rows and array; nothing is changed.
    FromRows,
}

/// The line of one method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    /// Name on the wire.
    pub method: &'static str,
    /// Where the state stands.
    pub word: Word,
    /// States in which the command is wanted.
    pub wanted: &'static [&'static str],
    /// What a repeat does then.
    pub repeat: Repeat,
    /// What it does in any other state.
    pub otherwise: Otherwise,
}

impl Rule {
    /// Whether the state shows that the command is still to be done.
    pub(super) fn wants(&self, state: Option<&str>) -> bool {
        self.word == Word::None || state.is_some_and(|state| self.wanted.contains(&state))
    }

    /// Whether its start and end are written to the journal.
    pub(super) fn is_journaled(&self) -> bool {
        self.repeat != Repeat::Ask
    }
}

/// The line of a method; every method has one.
pub(super) fn of(method: &str) -> &'static Rule {
    RULES
        .iter()
        .find(|rule| rule.method == method)
        .unwrap_or(&UNKNOWN)
}

/// For a method without a line, which a test rules out: its message, and nothing but it, counts.
const UNKNOWN: Rule = Rule {
    method: "",
    word: Word::None,
    wanted: &[],
    repeat: Repeat::Once,
    otherwise: Otherwise::Acknowledge,
};

macro_rules! rules {
    ($($method:literal: $word:ident $wanted:tt $repeat:ident, $otherwise:ident;)*) => {
        &[$(Rule {
            method: $method,
            word: Word::$word,
            wanted: &$wanted,
            repeat: Repeat::$repeat,
            otherwise: Otherwise::$otherwise,
        },)*]
    };
}

#[rustfmt::skip]
const RULES: &[Rule] = rules! {
    // Also only while the row names this host: without one it is offered to the scheduler again,
    // with another it is that host's.
    "create_volume": Volume ["creating", "downloading", "migration_target_creating"] Continue, Acknowledge;
    // A live row is enough: the array's missing volume and the derived reservations are found.
    "delete_volume": None [] Continue, Acknowledge;
    "create_snapshot": Snapshot ["creating"] Continue, Acknowledge;
    "delete_snapshot": Snapshot ["deleting", "unmanaging"] Continue, Acknowledge;
    // Restoring twice would undo what was written in between.
    "revert_to_snapshot": Volume ["reverting"] WithMessage, Acknowledge;
    "attach_volume": Volume ["attaching"] Continue, FromRows;
    "detach_volume": Attachment ["attached", "detaching", "error_detaching"] Continue, Acknowledge;
    // Mapping an initiator group that is mapped changes nothing, and the reply is read anew.
    "initialize_connection": None [] Continue, FromRows;
    // A late repeat would unmap a disk that was attached again.
    "terminate_connection": None [] Once, Acknowledge;
    "remove_export": None [] Once, Acknowledge;
    // `attached` must not fall back to `attaching`.
    "attachment_update": Attachment ["reserved", "attaching"] Continue, FromRows;
    "attachment_delete": Attachment ["reserved", "attaching", "attached", "detaching", "error_attaching", "error_detaching"] Continue, Acknowledge;
    "initialize_connection_snapshot": None [] Continue, FromRows;
    "terminate_connection_snapshot": None [] Once, Acknowledge;
    "remove_export_snapshot": None [] Once, Acknowledge;
    // Growing to a size that is there changes nothing; the reservations commit once.
    "extend_volume": Volume ["extending"] Continue, Acknowledge;
    "extend_volume_completion": Volume ["extending"] Continue, Acknowledge;
    "copy_volume_to_image": Volume ["uploading"] WithMessage, Acknowledge;
    "retype": Volume ["retyping"] WithMessage, Acknowledge;
    "migrate_volume": Migration ["starting", "migrating"] WithMessage, Acknowledge;
    "migrate_volume_completion": Migration ["migrating", "completing"] Continue, FromRows;
    "update_migrated_volume": Migration ["migrating", "completing"] Continue, Acknowledge;
    "manage_existing": Volume ["managing"] WithMessage, Acknowledge;
    "manage_existing_snapshot": Snapshot ["creating"] WithMessage, Acknowledge;
    "get_manageable_volumes": None [] Ask, FromRows;
    "get_manageable_snapshots": None [] Ask, FromRows;
    "get_capabilities": None [] Ask, FromRows;
    "get_backup_device": Backup ["creating"] Continue, FromRows;
    "secure_file_operations_enabled": None [] Ask, FromRows;
    // Owners are the API's to write; ours only looks.
    "accept_transfer": None [] Ask, FromRows;
    "create_group": Group ["creating"] Continue, Acknowledge;
    "delete_group": Group ["deleting"] Continue, Acknowledge;
    "update_group": Group ["updating"] WithMessage, Acknowledge;
    "create_group_from_src": Group ["creating"] WithMessage, Acknowledge;
    "create_group_snapshot": GroupSnapshot ["creating"] Continue, Acknowledge;
    "delete_group_snapshot": GroupSnapshot ["deleting"] Continue, Acknowledge;
    "enable_replication": GroupReplication ["enabling"] Continue, Acknowledge;
    "disable_replication": GroupReplication ["disabling"] Continue, Acknowledge;
    "failover_replication": GroupReplication ["failing-over"] Continue, Acknowledge;
    "list_replication_targets": None [] Ask, FromRows;
    // A repeated freeze must not undo a thaw, nor the other way round.
    "freeze_host": None [] Once, Acknowledge;
    "thaw_host": None [] Once, Acknowledge;
    "failover": Service ["failing-over"] Continue, Acknowledge;
    "failover_host": Service ["failing-over"] Continue, Acknowledge;
    "failover_completed": None [] Once, Acknowledge;
    // Each resource is claimed row by row.
    "do_cleanup": None [] Continue, Acknowledge;
    "publish_service_capabilities": None [] Ask, Acknowledge;
    "set_log_levels": None [] Once, Acknowledge;
    "get_log_levels": None [] Ask, FromRows;
    // Writing the image again would undo what was written in between.
    "reimage": Volume ["downloading"] WithMessage, Acknowledge;
    "oslo_rpc_server_ping": None [] Ask, FromRows;
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rpc::registry::{METHODS, PING};

    #[test]
    fn every_method_has_one_line() {
        let served: BTreeSet<_> = METHODS.iter().map(|m| m.name).chain([PING]).collect();
        let ruled: BTreeSet<_> = RULES.iter().map(|rule| rule.method).collect();
        assert_eq!(served, ruled);
        assert_eq!(RULES.len(), ruled.len(), "a method has two lines");
    }

    #[test]
    fn a_state_is_wanted_where_there_is_a_word_only() {
        for rule in RULES {
            let wordless = rule.word == Word::None;
            assert_eq!(wordless, rule.wanted.is_empty(), "{}", rule.method);
            assert!(
                !rule.wants(Some("no such state")) || wordless,
                "{}",
                rule.method
            );
        }
    }

    #[test]
    fn what_came_later_is_not_undone() {
        let wants = |method: &str, state| of(method).wants(Some(state));
        assert!(!wants("attachment_update", "attached"));
        assert!(!wants("create_volume", "available"));
        assert!(!wants("revert_to_snapshot", "available"));
        for method in ["terminate_connection", "freeze_host", "thaw_host"] {
            assert_eq!(of(method).repeat, Repeat::Once, "{method}");
        }
    }
}
