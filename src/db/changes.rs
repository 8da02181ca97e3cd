//! What an update writes: only the fields that were set.

use chrono::NaiveDateTime;
use sea_orm::Value;
use sea_orm::sea_query::CaseStatement;

use super::conditional::{Expected, VolumeField};
use super::entity::{snapshots, volumes};
use super::secret::SecretText;
use super::sql::{Expr, time_value};
use crate::config::Engine;

/// One value to write; times take their engine's form late.
#[derive(Clone)]
pub(super) enum Change {
    Plain(Value),
    Time(Option<NaiveDateTime>),
}

impl Change {
    pub(super) fn value(&self, engine: Engine) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Time(time) => time_value(engine, *time),
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($column:ident): $kind:ident),* $(,)?) => {
        $(setters!(@one $(#[$doc])* $name, $column, $kind);)*
    };
    (@one $(#[$doc:meta])* $name:ident, $column:ident, word) => {
        $(#[$doc])*
        pub fn $name(self, value: impl Into<String>) -> Self {
            self.set(Column::$column, Change::Plain(value.into().into()))
        }
    };
    (@one $(#[$doc:meta])* $name:ident, $column:ident, text) => {
        $(#[$doc])*
        pub fn $name(self, value: Option<&str>) -> Self {
            self.set(Column::$column, Change::Plain(value.map(str::to_owned).into()))
        }
    };
    (@one $(#[$doc:meta])* $name:ident, $column:ident, secret) => {
        $(#[$doc])*
        pub fn $name(self, value: Option<SecretText>) -> Self {
            self.set(Column::$column, Change::Plain(value.into()))
        }
    };
    (@one $(#[$doc:meta])* $name:ident, $column:ident, int) => {
        $(#[$doc])*
        pub fn $name(self, value: i32) -> Self {
            self.set(Column::$column, Change::Plain(value.into()))
        }
    };
    (@one $(#[$doc:meta])* $name:ident, $column:ident, flag) => {
        $(#[$doc])*
        pub fn $name(self, value: bool) -> Self {
            self.set(Column::$column, Change::Plain(value.into()))
        }
    };
    (@one $(#[$doc:meta])* $name:ident, $column:ident, maybe) => {
        $(#[$doc])*
        pub fn $name(self, value: Option<bool>) -> Self {
            self.set(Column::$column, Change::Plain(value.into()))
        }
    };
    (@one $(#[$doc:meta])* $name:ident, $column:ident, time) => {
        $(#[$doc])*
        pub fn $name(self, value: Option<NaiveDateTime>) -> Self {
            self.set(Column::$column, Change::Time(value))
        }
    };
}
pub(super) use setters;

/// A column that takes another's value, or one of two by a condition.
#[derive(Clone)]
enum Term {
    Copy(VolumeField),
    Case(VolumeField, Expected, String, String),
}

/// Changes of a volume row.
#[derive(Clone, Default)]
pub struct VolumeChanges {
    terms: Vec<(volumes::Column, Term)>,
    sets: Vec<(volumes::Column, Change)>,
}

impl VolumeChanges {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing was set.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.sets.is_empty()
    }

    /// `to` takes the value `from` has before this update.
    pub fn copy(mut self, to: VolumeField, from: VolumeField) -> Self {
        self.terms.push((to.column(), Term::Copy(from)));
        self
    }

    /// `to` becomes `then` where `field` is as expected, else `otherwise`.
    pub fn choose(
        mut self,
        to: VolumeField,
        (field, expected): (VolumeField, Expected),
        then: &str,
        otherwise: &str,
    ) -> Self {
        let term = Term::Case(field, expected, then.to_owned(), otherwise.to_owned());
        self.terms.push((to.column(), term));
        self
    }

    /// The SET list in the order MySQL needs, which reads new values further right: copies,
    /// then choices, then constants.
    pub(super) fn assignments(&self, engine: Engine) -> Vec<(volumes::Column, Expr)> {
        let mut list = Vec::with_capacity(self.terms.len() + self.sets.len());
        for (to, term) in &self.terms {
            if let Term::Copy(from) = term {
                list.push((*to, Expr::col(from.column())));
            }
        }
        for (to, term) in &self.terms {
            if let Term::Case(field, expected, then, otherwise) = term {
                let case = CaseStatement::new()
                    .case(expected.condition(field.column()), Expr::val(then.clone()))
                    .finally(Expr::val(otherwise.clone()));
                list.push((*to, case.into()));
            }
        }
        let constants = self.sets.iter();
        list.extend(constants.map(|(to, change)| (*to, Expr::val(change.value(engine)))));
        list
    }

    fn set(mut self, column: volumes::Column, change: Change) -> Self {
        self.sets.retain(|(set, _)| *set as u32 != column as u32);
        self.sets.push((column, change));
        self
    }
}

impl std::fmt::Debug for VolumeChanges {
    /// Names only: `provider_auth` may be among the values.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.terms.iter().map(|(c, _)| c);
        f.debug_set()
            .entries(columns.chain(self.sets.iter().map(|(c, _)| c)))
            .finish()
    }
}

mod volume_setters {
    use super::volumes::Column;
    use super::{Change, NaiveDateTime, SecretText, VolumeChanges};

    impl VolumeChanges {
        setters! {
            /// `_name_id`: the array's object is named by this id instead.
            name_id(NameId): text,
            /// `host`; none while it is scheduled again.
            host(Host): text,
            /// `cluster_name`.
            cluster_name(ClusterName): text,
            /// `size`, GiB.
            size(Size): int,
            /// `availability_zone`.
            availability_zone(AvailabilityZone): text,
            /// `status`.
            status(Status): word,
            /// `attach_status`.
            attach_status(AttachStatus): word,
            /// `migration_status`.
            migration_status(MigrationStatus): text,
            /// `previous_status`.
            previous_status(PreviousStatus): text,
            /// `scheduled_at`, UTC.
            scheduled_at(ScheduledAt): time,
            /// `launched_at`, UTC.
            launched_at(LaunchedAt): time,
            /// `terminated_at`, UTC.
            terminated_at(TerminatedAt): time,
            /// `display_name`.
            display_name(DisplayName): text,
            /// `display_description`.
            display_description(DisplayDescription): text,
            /// `provider_location`.
            provider_location(ProviderLocation): text,
            /// `provider_auth`.
            provider_auth(ProviderAuth): secret,
            /// `provider_geometry`.
            provider_geometry(ProviderGeometry): text,
            /// `provider_id`.
            provider_id(ProviderId): text,
            /// `volume_type_id`.
            volume_type_id(VolumeTypeId): word,
            /// `encryption_key_id`.
            encryption_key_id(EncryptionKeyId): text,
            /// `group_id`.
            group_id(GroupId): text,
            /// `source_volid`.
            source_volid(SourceVolid): text,
            /// `snapshot_id`.
            snapshot_id(SnapshotId): text,
            /// `user_id` (transfers).
            user_id(UserId): text,
            /// `project_id` (transfers).
            project_id(ProjectId): text,
            /// `bootable`.
            bootable(Bootable): flag,
            /// `multiattach`.
            multiattach(Multiattach): flag,
            /// `use_quota`.
            use_quota(UseQuota): flag,
            /// `replication_status`.
            replication_status(ReplicationStatus): text,
            /// `replication_extended_status`.
            replication_extended_status(ReplicationExtendedStatus): text,
            /// `replication_driver_data`.
            replication_driver_data(ReplicationDriverData): text,
            /// `service_uuid`: must be a service's.
            service_uuid(ServiceUuid): text,
            /// `shared_targets`.
            shared_targets(SharedTargets): maybe,
        }
    }
}

/// Changes of a snapshot row.
#[derive(Clone, Default)]
pub struct SnapshotChanges {
    pub(super) sets: Vec<(snapshots::Column, Change)>,
}

impl SnapshotChanges {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn set(mut self, column: snapshots::Column, change: Change) -> Self {
        self.sets.retain(|(set, _)| *set as u32 != column as u32);
        self.sets.push((column, change));
        self
    }
}

impl std::fmt::Debug for SnapshotChanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.sets.iter().map(|(column, _)| column))
            .finish()
    }
}

mod snapshot_setters {
    use super::snapshots::Column;
    use super::{Change, SecretText, SnapshotChanges};

    impl SnapshotChanges {
        setters! {
            /// `status`.
            status(Status): word,
            /// `progress`, such as `100%`.
            progress(Progress): word,
            /// `volume_size`, GiB.
            volume_size(VolumeSize): int,
            /// `display_name`.
            display_name(DisplayName): text,
            /// `encryption_key_id`.
            encryption_key_id(EncryptionKeyId): text,
            /// `provider_location`.
            provider_location(ProviderLocation): text,
            /// `provider_id`.
            provider_id(ProviderId): text,
            /// `provider_auth`.
            provider_auth(ProviderAuth): secret,
        }
    }
}
