//! A command under way as those see it who ask, in this process or another.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::metrics::Direction;

/// Where a copy is now, from whoever copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyProgress {
    /// What it does: `download`, `convert`, ...
    pub step: &'static str,
    /// Bytes of this step that are done.
    pub done: u64,
    /// Bytes of this step; 0 if nobody knows.
    pub total: u64,
}

/// An operation as others see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationView {
    /// `host@backend`
    pub host: String,
    /// Name on the wire.
    pub method: String,
    /// `volume/<id>` and the like; `None` for what concerns the host.
    pub resource: Option<String>,
    /// `req-...`
    pub request_id: String,
    /// When it began here.
    pub since: DateTime<Utc>,
    /// For how long it has run.
    pub seconds: f64,
    /// How often it was started, this time included.
    pub starts: u32,
    /// What it does or waits for.
    pub step: String,
    /// How often this step was tried again, because what it needs is away.
    pub retries: u32,
    /// The copy under way.
    pub copy: Option<CopyView>,
}

/// A copy as others see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CopyView {
    /// From what to what.
    pub direction: Direction,
    /// What it does: `download`, `convert`, ...
    pub step: String,
    /// Bytes of this step that are done.
    pub done_bytes: u64,
    /// Bytes of this step; 0 if nobody knows.
    pub total_bytes: u64,
    /// The same in percent, `None` without a total.
    pub percent: Option<f64>,
}

impl CopyView {
    /// What a source says, with its percents.
    pub(super) fn new(direction: Direction, progress: CopyProgress) -> Self {
        let CopyProgress { step, done, total } = progress;
        // Tenths are enough: a mantissa holds more than any volume has bytes.
        #[allow(clippy::cast_precision_loss)]
        let percent = (total > 0).then(|| (done as f64 * 1000.0 / total as f64).floor() / 10.0);
        Self {
            direction,
            step: step.to_owned(),
            done_bytes: done,
            total_bytes: total,
            percent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_unknown_length_has_no_percent() {
        let progress = CopyProgress {
            step: "upload",
            done: 7,
            total: 0,
        };
        let view = CopyView::new(Direction::VolumeToImage, progress);
        assert_eq!((view.percent, view.done_bytes), (None, 7));
    }
}
