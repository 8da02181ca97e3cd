//! `snapshots`: how copies of volumes are made. What comes of it is a volume.

use reqwest::Method;
use serde_json::json;

use super::Xms;
use super::error::XmsError;
use super::send::Created;
use super::value::Content;
use super::volumes::Volume;

/// Whether hosts may write to a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyKind {
    /// `readonly`; dialect v1 knows writable copies only.
    ReadOnly,
    /// `regular`
    Regular,
}

/// Calls about snapshots.
#[derive(Debug)]
pub struct Snapshots<'a> {
    xms: &'a Xms,
}

impl<'a> Snapshots<'a> {
    pub(super) fn new(xms: &'a Xms) -> Self {
        Self { xms }
    }

    /// The name under which the array makes a copy: `<source>.<wanted>`, which is to be renamed;
    /// dialect v1 takes the wanted name at once.
    ///
    /// # Errors
    /// Those of [`Xms::session`].
    pub async fn first_name(&self, source: &str, wanted: &str) -> Result<String, XmsError> {
        let session = self.xms.session().await?;
        Ok(if session.dialect.names_snapshots() {
            wanted.to_owned()
        } else {
            format!("{source}.{wanted}")
        })
    }

    /// Makes a copy under its [`Snapshots::first_name`]; one call unless something is in the way.
    /// `Found` when there is a volume of that name, of whatever ancestor. `set_name` is the name
    /// of the set that will hold it; without one the array makes one up.
    ///
    /// # Errors
    /// [`XmsError::NotFound`] for a missing source; [`XmsError::AlreadyExists`] when only the
    /// name of the set is taken; [`XmsError::SnapshotLimit`], [`XmsError::Full`]; those of any
    /// call.
    pub async fn create(
        &self,
        source: &str,
        wanted: &str,
        kind: CopyKind,
        set_name: Option<&str>,
    ) -> Result<Created<Volume>, XmsError> {
        let session = self.xms.session().await?;
        let first_name = self.first_name(source, wanted).await?;
        let mut request = session.request(Method::POST, "snapshots");
        if session.dialect.names_snapshots() {
            request = request
                .field("ancestor-vol-id", source)
                .field("snap-vol-name", wanted);
        } else {
            let word = match kind {
                CopyKind::ReadOnly => "readonly",
                CopyKind::Regular => "regular",
            };
            request = request
                .field("volume-list", json!([source]))
                .field("snap-suffix", wanted)
                .field("snapshot-type", word);
            if let Some(set_name) = set_name {
                request = request.field("snapshot-set-name", set_name);
            }
        }
        let look_up = session
            .request(Method::GET, "volumes")
            .named(&first_name)
            .props(Volume::PROPS);
        let created = self
            .xms
            .create::<Content<Volume>>(&request, &look_up, |_| true)
            .await?;
        Ok(match created {
            Created::New => Created::New,
            Created::Found(reply) => Created::Found(reply.content),
        })
    }
}
