//! What commands need to move image bytes.

use std::sync::Arc;

use super::Run;
use super::error::CommandError;
use crate::image::{Copier, DataPath, PathError};
use crate::openstack::{Caller, Glance};

/// The ways to images, and to the bytes of volumes.
#[derive(Debug)]
pub struct Images {
    /// Where images are.
    pub glance: Glance,
    /// Converts and checks.
    pub copier: Copier,
    /// How this host reaches a LUN; without one only the commands that need it fail.
    pub path: Result<Arc<dyn DataPath>, PathError>,
}

impl Run<'_> {
    /// Who asks Glance: whoever asked us.
    pub(super) fn caller(&self) -> Caller {
        let context = self.context;
        Caller {
            auth_token: context.auth_token.clone(),
            service_catalog: context.service_catalog.clone(),
            request_id: context
                .global_request_id
                .clone()
                .unwrap_or_else(|| context.request_id.clone()),
        }
    }
}

impl Images {
    pub(super) fn path(&self) -> Result<&dyn DataPath, CommandError> {
        match &self.path {
            Ok(path) => Ok(path.as_ref()),
            Err(error) => Err(CommandError::NoDataPath {
                reason: error.to_string(),
            }),
        }
    }
}
