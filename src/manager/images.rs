//! What commands need to move image bytes.

use std::sync::Arc;

use super::Run;
use crate::image::{Copier, DataPath};
use crate::openstack::{Caller, Glance};

/// The ways to images, and to the bytes of volumes.
#[derive(Debug)]
pub struct Images {
    /// Where images are.
    pub glance: Glance,
    /// Converts and checks.
    pub copier: Copier,
    /// How this host reaches a LUN.
    pub path: Arc<dyn DataPath>,
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
