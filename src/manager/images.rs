//! What commands need to move image bytes.

use std::sync::Arc;

use super::Run;
use crate::image::{Copier, DataPath, Progress, Step};
use crate::openstack::{Caller, Glance};
use crate::report::{CopyGuard, CopyProgress, Direction};

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
    /// Shows how far a copy is, for as long as the guard lives.
    pub(super) fn shown(&self, direction: Direction, progress: &Progress) -> CopyGuard {
        let progress = progress.clone();
        self.operation.watch(direction, move || {
            let at = progress.now();
            let step = match at.step {
                Step::Waiting => return None,
                Step::Download => "download",
                Step::Check => "check",
                Step::Convert => "convert",
                Step::Upload => "upload",
            };
            Some(CopyProgress {
                step,
                done: at.done,
                total: at.total,
            })
        })
    }

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
