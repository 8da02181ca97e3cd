//! `attachment_delete`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::version::Version;

/// Unmaps a volume of an attachment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentDelete {
    /// Id of the attachment.
    pub attachment_id: String,
    /// The volume.
    pub vref: Volume,
}

impl Method for AttachmentDelete {
    const NAME: &'static str = "attachment_delete";
    const SINCE: Version = Version::new(3, 9);
    const SENT: Version = Version::new(3, 9);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[Param::required("attachment_id"), Param::required("vref")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![
            Resource::Volume(self.vref.id()),
            Resource::Attachment(&self.attachment_id),
        ]
    }
}
