//! Copies of volumes and snapshots, from the first call to the final name.
//!
//! From 4.0 on an array names a copy itself and the name wanted is a second call. A break between
//! the two leaves the copy under its interim name, where a repeat finds it.

use super::{BackendError, ModelUpdate, NewVolume, XtremIo};
use crate::xms::{CopyKind, Created, Kilobytes, Volume, XmsError};

impl XtremIo {
    pub(super) async fn copy(
        &self,
        volume: &NewVolume,
        source: &str,
    ) -> Result<ModelUpdate, BackendError> {
        let found = match self
            .make_copy(&volume.name, source, CopyKind::Regular)
            .await
        {
            Ok(found) => found,
            Err(error) => {
                self.take_back_interim(&volume.name, source, &error).await;
                return Err(error);
            }
        };
        let finished = self.finish(volume, found.as_ref()).await;
        if let Err(error) = finished {
            // Its ancestor was checked, or this very call made it: it is ours to delete.
            self.take_back(&volume.name).await;
            return Err(error);
        }
        Ok(ModelUpdate::default())
    }

    /// Makes a copy of `source` and gives it its name; `Some` if it bore that name before.
    pub(super) async fn make_copy(
        &self,
        name: &str,
        source: &str,
        kind: CopyKind,
    ) -> Result<Option<Volume>, BackendError> {
        let snapshots = self.xms.snapshots();
        let first = self.first_name(source, name).await?;
        let failed = |error| match error {
            XmsError::NotFound { .. } => BackendError::NotFound {
                name: source.to_owned(),
            },
            XmsError::SnapshotLimit { .. } => BackendError::of(source, error),
            error => BackendError::of(name, error),
        };
        let created = match snapshots.create(source, name, kind, Some(name)).await {
            // The set has its name from an earlier try: either that was finished, or what it made
            // is gone and the set is not. A set of another name does as well.
            Err(XmsError::AlreadyExists { .. }) => {
                match self.xms.volumes().get(name).await {
                    Ok(found) => {
                        expect_copy(name, source, &found)?;
                        return Ok(Some(found));
                    }
                    Err(XmsError::NotFound { .. }) => {}
                    Err(error) => return Err(BackendError::of(name, error)),
                }
                snapshots.create(source, name, kind, None).await
            }
            result => result,
        }
        .map_err(failed)?;
        if let Created::Found(found) = created {
            expect_copy(&first, source, &found)?;
            if first == name {
                return Ok(Some(found));
            }
        }
        if first == name {
            return Ok(None);
        }
        match self.xms.volumes().rename(&first, name).await {
            Ok(()) => Ok(None),
            // Someone holds the final name: either this copy's twin, or not ours at all.
            Err(taken @ XmsError::AlreadyExists { .. }) => {
                let found = self.xms.volumes().get(name).await;
                self.take_back(&first).await;
                match found {
                    Ok(found) => {
                        expect_copy(name, source, &found)?;
                        Ok(Some(found))
                    }
                    Err(_) => Err(BackendError::of(name, taken)),
                }
            }
            Err(error) => Err(BackendError::of(name, error)),
        }
    }

    pub(super) async fn first_name(
        &self,
        source: &str,
        name: &str,
    ) -> Result<String, BackendError> {
        let first = self.xms.snapshots().first_name(source, name).await;
        first.map_err(|error| BackendError::of(name, error))
    }

    /// Size and group of a copy that bears its name.
    async fn finish(&self, volume: &NewVolume, found: Option<&Volume>) -> Result<(), BackendError> {
        let size = match (found, volume.source_size_gib) {
            (Some(found), _) => found.vol_size,
            (None, Some(gib)) => Kilobytes::from_gib(gib),
            (None, None) => {
                let made = self.xms.volumes().get(&volume.name).await;
                made.map_err(|error| BackendError::of(&volume.name, error))?
                    .vol_size
            }
        };
        if size < Kilobytes::from_gib(volume.size_gib) {
            self.extend(&volume.name, volume.size_gib).await?;
        }
        let group = volume.group.as_deref();
        let member = found.is_some_and(|found| group.is_some_and(|g| found.is_in_group(g)));
        self.join_group(volume, member).await
    }

    /// After a failure under the interim name: a copy of the right ancestor goes.
    async fn take_back_interim(&self, name: &str, source: &str, error: &BackendError) {
        if !matches!(
            error,
            BackendError::Unavailable { .. } | BackendError::Array { .. }
        ) {
            return;
        }
        let Ok(first) = self.first_name(source, name).await else {
            return;
        };
        for left in [first.as_str(), name] {
            if let Ok(found) = self.xms.volumes().get(left).await
                && found.is_copy_of(source)
            {
                self.take_back(left).await;
            }
        }
    }

    /// Deletes what a failed call made; that call's error is the one to tell.
    async fn take_back(&self, name: &str) {
        match self.remove_unmapped(name).await {
            Ok(_) => {}
            Err(error) => tracing::warn!(
                volume.id = name,
                error = %error,
                "what a failed copy made is left on the array"
            ),
        }
    }
}

fn expect_copy(name: &str, source: &str, found: &Volume) -> Result<(), BackendError> {
    if found.is_copy_of(source) {
        return Ok(());
    }
    Err(BackendError::Conflict {
        name: name.to_owned(),
        reason: match &found.ancestor_vol_id {
            Some(ancestor) => format!("it is a copy of {}, not of {source}", ancestor.name),
            None => format!("it is no copy of {source}"),
        },
    })
}
