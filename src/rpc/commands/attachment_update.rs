//! `attachment_update`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::opaque::Opaque;
use crate::rpc::version::Version;

/// Maps a volume for an attachment of the current attach flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentUpdate {
    /// The volume.
    pub vref: Volume,
    /// Initiators and addresses of the attaching host.
    pub connector: Opaque,
    /// Id of the attachment.
    pub attachment_id: String,
}

impl Method for AttachmentUpdate {
    const NAME: &'static str = "attachment_update";
    const SINCE: Version = Version::new(3, 9);
    const SENT: Version = Version::new(3, 9);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[
        Param::required("vref"),
        Param::required("connector"),
        Param::required("attachment_id"),
    ];
    /// Connection information, flat; holds CHAP secrets.
    type Reply = Opaque;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![
            Resource::Volume(self.vref.id()),
            Resource::Attachment(&self.attachment_id),
        ]
    }
}
