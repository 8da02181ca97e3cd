//! Compare-and-swap: an update that only one of several rivals can win.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use super::changes::VolumeChanges;
use super::entity::volumes::{Column, Entity};
use super::error::Result;
use super::sql::{Expr, live};
use super::{Db, now};

/// Volume columns that conditions look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeField {
    /// `status`
    Status,
    /// `attach_status`
    AttachStatus,
    /// `migration_status`
    MigrationStatus,
    /// `previous_status`
    PreviousStatus,
    /// `host`
    Host,
    /// `service_uuid`
    ServiceUuid,
}

impl VolumeField {
    pub(super) fn column(self) -> Column {
        match self {
            Self::Status => Column::Status,
            Self::AttachStatus => Column::AttachStatus,
            Self::MigrationStatus => Column::MigrationStatus,
            Self::PreviousStatus => Column::PreviousStatus,
            Self::Host => Column::Host,
            Self::ServiceUuid => Column::ServiceUuid,
        }
    }
}

/// What a column must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// This value; none means NULL.
    Is(Option<String>),
    /// One of these, NULL among them where there is a none.
    OneOf(Vec<Option<String>>),
    /// Anything else; NULL counts as different unless it is named.
    Not(Box<Expected>),
}

impl Expected {
    /// This value.
    pub fn is(value: &str) -> Self {
        Self::Is(Some(value.to_owned()))
    }

    /// One of these values.
    pub fn one_of<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let values = values.into_iter().map(|v| Some(v.to_owned()));
        Self::OneOf(values.collect())
    }

    /// The opposite.
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    fn names_null(&self) -> bool {
        match self {
            Self::Is(value) => value.is_none(),
            Self::OneOf(values) => values.iter().any(Option::is_none),
            Self::Not(inner) => inner.names_null(),
        }
    }

    pub(super) fn condition<C: ColumnTrait>(&self, column: C) -> Condition {
        match self {
            Self::Is(Some(value)) => Condition::all().add(column.eq(value.as_str())),
            Self::Is(None) => Condition::all().add(column.is_null()),
            Self::OneOf(values) => {
                let words: Vec<_> = values.iter().flatten().map(String::as_str).collect();
                let mut any = Condition::any();
                if !words.is_empty() || !self.names_null() {
                    any = any.add(column.is_in(words));
                }
                if self.names_null() {
                    any = any.add(column.is_null());
                }
                any
            }
            Self::Not(inner) => {
                let opposite = inner.condition(column).not();
                if inner.names_null() {
                    Condition::all().add(opposite)
                } else {
                    Condition::any().add(opposite).add(column.is_null())
                }
            }
        }
    }
}

impl Db {
    /// Writes `changes` if the live volume is as `expected`; true if it was.
    pub async fn conditional_volume_update(
        &self,
        id: &str,
        expected: &[(VolumeField, Expected)],
        changes: &VolumeChanges,
    ) -> Result<bool> {
        self.attempt(|| async {
            let mut update = Entity::update_many();
            for (column, value) in changes.assignments(self.engine) {
                update = update.col_expr(column, value);
            }
            update = update
                .col_expr(Column::UpdatedAt, Expr::val(self.time(now())))
                .filter(live(Column::Deleted))
                .filter(Column::Id.eq(id));
            for (field, expected) in expected {
                update = update.filter(expected.condition(field.column()));
            }
            Ok(update.exec(&self.conn()).await?.rows_affected > 0)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{DbBackend, QueryTrait};

    use super::*;

    fn filter(expected: Expected) -> String {
        let query = Entity::find().filter(expected.condition(Column::Status));
        let sql = query.build(DbBackend::MySql).to_string();
        sql.split_once(" WHERE ")
            .map(|(_, filter)| filter.replace("`volumes`.`status`", "status"))
            .unwrap_or_default()
    }

    #[test]
    fn each_form_minds_null_as_cinder_does() {
        assert_eq!(filter(Expected::is("a")), "status = 'a'");
        assert_eq!(filter(Expected::Is(None)), "status IS NULL");
        assert_eq!(filter(Expected::one_of(["a", "b"])), "status IN ('a', 'b')");
        assert_eq!(
            filter(Expected::OneOf(vec![Some("a".into()), None])),
            "status IN ('a') OR status IS NULL"
        );
        assert_eq!(
            filter(Expected::is("a").negated()),
            "(NOT status = 'a') OR status IS NULL"
        );
        assert_eq!(filter(Expected::Is(None).negated()), "NOT status IS NULL");
    }

    #[test]
    fn copies_come_before_choices_before_constants() {
        let changes = VolumeChanges::new()
            .migration_status(None)
            .choose(
                VolumeField::AttachStatus,
                (VolumeField::Status, Expected::is("x")),
                "a",
                "b",
            )
            .copy(VolumeField::PreviousStatus, VolumeField::Status);
        let order: Vec<_> = changes
            .assignments(crate::config::Engine::MySql)
            .into_iter()
            .map(|(column, _)| format!("{column:?}"))
            .collect();
        assert_eq!(order, ["PreviousStatus", "AttachStatus", "MigrationStatus"]);
        assert!(format!("{changes:?}").contains("MigrationStatus"));
    }
}
