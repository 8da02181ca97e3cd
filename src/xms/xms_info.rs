//! `xms`: the version of the management server itself.

use serde::Deserialize;

use super::error::XmsError;

/// The XMS object; releases differ in which of the two versions they fill.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct XmsInfo {
    sw_version: Option<String>,
    version: Option<String>,
}

impl XmsInfo {
    /// `sw-version`, else `version`.
    pub(super) fn version(&self) -> Result<&str, XmsError> {
        self.sw_version
            .as_deref()
            .or(self.version.as_deref())
            .ok_or_else(|| XmsError::Protocol {
                call: "GET xms index=1".to_owned(),
                reason: "neither sw-version nor version".to_owned(),
            })
    }
}
