//! Figures for Prometheus: what was started, how it ended, how long it took, what was copied.
//!
//! Labels have few values, all known beforehand but for our hosts: no ids, no names of others.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};

use super::operations::Operations;

/// `Content-Type` of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds: from a call to the array to a copy of terabytes.
const SECONDS: [f64; 14] = [
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0,
];

type Label = (&'static str, &'static str);
type Copies = Family<[Label; 1], Gauge>;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked.
    Ok,
    /// It did not.
    Failed,
    /// The stop cut it off: whoever gets its message next goes on.
    HandedBack,
    /// This version does not do it, or it was started too often without an end.
    Refused,
    /// It had ended before: nothing was changed.
    Repeated,
}

/// From what to what bytes are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// An image of Glance fills a volume.
    ImageToVolume,
    /// A volume becomes an image of Glance.
    VolumeToImage,
    /// Between volumes of different backends.
    VolumeToVolume,
}

/// The figures of the process. Clones show and tell the same.
#[derive(Clone)]
pub struct Metrics(Arc<Figures>);

struct Figures {
    started: Family<[Label; 1], Counter>,
    ended: Family<[Label; 2], Counter>,
    seconds: Family<[Label; 1], Histogram, fn() -> Histogram>,
    running: Family<[Label; 1], Gauge>,
    open_intents: Family<[(&'static str, String); 1], Gauge>,
    copied: Family<[Label; 1], Counter>,
    copies: Copies,
    copies_done: Copies,
    copies_total: Copies,
    /// Locked while the figures of this moment are set and read.
    registry: Mutex<Registry>,
}

impl Outcome {
    fn label(self) -> Label {
        let name = match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::HandedBack => "handed_back",
            Self::Refused => "refused",
            Self::Repeated => "repeated",
        };
        ("outcome", name)
    }
}

impl Direction {
    const ALL: [Self; 3] = [
        Self::ImageToVolume,
        Self::VolumeToImage,
        Self::VolumeToVolume,
    ];

    fn label(self) -> Label {
        let name = match self {
            Self::ImageToVolume => "image_to_volume",
            Self::VolumeToImage => "volume_to_image",
            Self::VolumeToVolume => "volume_to_volume",
        };
        ("direction", name)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        let figures = Figures {
            started: Family::default(),
            ended: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            running: Family::default(),
            open_intents: Family::default(),
            copied: Family::default(),
            copies: Family::default(),
            copies_done: Family::default(),
            copies_total: Family::default(),
            registry: Mutex::new(Registry::with_prefix("cinder_volume_xtremio")),
        };
        figures.register();
        let metrics = Self(Arc::new(figures));
        // What was never counted would look like what is not measured.
        for direction in Direction::ALL {
            metrics.copied(direction, 0);
        }
        metrics
    }

    /// So many bytes of data were written to a volume, or sent from one, since the last call.
    pub fn copied(&self, direction: Direction, bytes: u64) {
        let labels = [direction.label()];
        self.0.copied.get_or_create(&labels).inc_by(bytes);
    }

    /// How many commands of a host have begun and not ended, by its journal; `None` if it cannot
    /// be asked.
    pub fn open_intents(&self, host: &str, count: Option<usize>) {
        let labels = [("host", host.to_owned())];
        match count {
            Some(count) => {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                self.0.open_intents.get_or_create(&labels).set(count);
            }
            None => {
                self.0.open_intents.remove(&labels);
            }
        }
    }

    pub(super) fn started(&self, method: &'static str) {
        self.0.started.get_or_create(&[("method", method)]).inc();
    }

    pub(super) fn ended(&self, method: &'static str, outcome: Outcome, took: Duration) {
        let method = ("method", method);
        self.0.ended.get_or_create(&[method, outcome.label()]).inc();
        let seconds = self.0.seconds.get_or_create(&[method]);
        seconds.observe(took.as_secs_f64());
    }

    /// All figures in the text form of OpenMetrics, which Prometheus reads.
    pub fn text(&self, operations: &Operations) -> String {
        let registry = self.0.registry.lock();
        let registry = registry.unwrap_or_else(PoisonError::into_inner);
        self.0.now(operations);
        let mut page = String::new();
        // A String takes all that is written to it.
        let _ = text::encode(&mut page, &registry);
        page
    }
}

impl Figures {
    fn register(&self) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register(
            "commands_started",
            "Commands that were started, by method",
            self.started.clone(),
        );
        registry.register(
            "commands_ended",
            "Commands that have ended, by method and outcome",
            self.ended.clone(),
        );
        registry.register(
            "command_seconds",
            "How long commands took, by method",
            self.seconds.clone(),
        );
        registry.register(
            "commands_running",
            "Commands that run now, by method",
            self.running.clone(),
        );
        registry.register(
            "open_intents",
            "Commands that have begun and not ended, by the journal",
            self.open_intents.clone(),
        );
        registry.register(
            "copied_bytes",
            "Bytes of images and volumes that were copied",
            self.copied.clone(),
        );
        registry.register("copies_running", "Copies that run now", self.copies.clone());
        registry.register(
            "copies_running_done_bytes",
            "Bytes that are done of the steps of copies that run now",
            self.copies_done.clone(),
        );
        registry.register(
            "copies_running_total_bytes",
            "Bytes of the steps of copies that run now",
            self.copies_total.clone(),
        );
    }

    /// Sets the figures that are read off and not counted.
    fn now(&self, operations: &Operations) {
        let mut running: BTreeMap<&'static str, i64> = BTreeMap::new();
        for method in operations.running() {
            *running.entry(method).or_default() += 1;
        }
        self.running.clear();
        for (method, count) in running {
            self.running.get_or_create(&[("method", method)]).set(count);
        }
        let copies: Vec<_> = operations
            .snapshot()
            .into_iter()
            .filter_map(|operation| operation.copy)
            .collect();
        for direction in Direction::ALL {
            let labels = [direction.label()];
            let of = || copies.iter().filter(|copy| copy.direction == direction);
            let bytes = |sum: u64| i64::try_from(sum).unwrap_or(i64::MAX);
            let count = i64::try_from(of().count()).unwrap_or(i64::MAX);
            self.copies.get_or_create(&labels).set(count);
            let done = of().map(|copy| copy.done_bytes).sum();
            self.copies_done.get_or_create(&labels).set(bytes(done));
            let total = of().map(|copy| copy.total_bytes).sum();
            self.copies_total.get_or_create(&labels).set(bytes(total));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::operation_view::CopyProgress;
    use super::super::operations::Beginning;
    use super::*;

    fn line(page: &str, start: &str) -> Option<String> {
        let found = page.lines().find(|line| line.starts_with(start))?;
        Some(found.rsplit(' ').next()?.to_owned())
    }

    #[test]
    fn starts_ends_and_what_runs_are_told_by_method() {
        let metrics = Metrics::new();
        let operations = Operations::new(metrics.clone());
        let subject = |method| Beginning {
            host: "ctl@xio",
            method,
            resource: Some("volume/5f3c".to_owned()),
            request_id: "req-77",
        };
        let create = operations.begin(subject("create_volume"));
        create.started(1);
        let delete = operations.begin(subject("delete_volume"));
        delete.started(1);
        delete.ends(Outcome::Failed);
        drop(delete);
        // Handed back without a start: it counts as neither.
        drop(operations.begin(subject("extend_volume")));
        metrics.open_intents("ctl@xio", Some(3));
        let page = metrics.text(&operations);
        let value = |name: &str| line(&page, &format!("cinder_volume_xtremio_{name}"));
        assert_eq!(
            value("commands_started_total{method=\"create_volume\"}").as_deref(),
            Some("1")
        );
        assert_eq!(
            value("commands_ended_total{method=\"delete_volume\",outcome=\"failed\"}").as_deref(),
            Some("1")
        );
        assert_eq!(value("commands_ended_total{method=\"create_volume\""), None);
        assert_eq!(
            value("commands_running{method=\"create_volume\"}").as_deref(),
            Some("1")
        );
        assert_eq!(value("commands_running{method=\"delete_volume\"}"), None);
        assert_eq!(
            value("open_intents{host=\"ctl@xio\"}").as_deref(),
            Some("3")
        );
        assert_eq!(
            value("command_seconds_count{method=\"delete_volume\"}").as_deref(),
            Some("1")
        );
        assert!(!page.contains("extend_volume"), "{page}");
        assert!(!page.contains("5f3c") && !page.contains("req-77"), "{page}");
        assert!(page.ends_with("# EOF\n"));
        drop(create);
        metrics.open_intents("ctl@xio", None);
        let page = metrics.text(&operations);
        assert!(page.contains("outcome=\"handed_back\""), "{page}");
        assert!(!page.contains("open_intents{"), "{page}");
        assert!(!page.contains("commands_running{"), "{page}");
    }

    #[test]
    fn bytes_are_counted_and_running_copies_are_summed_by_direction() {
        let metrics = Metrics::new();
        let operations = Operations::new(metrics.clone());
        metrics.copied(Direction::VolumeToImage, 5);
        metrics.copied(Direction::VolumeToImage, 6);
        let operation = |done| {
            let operation = operations.begin(Beginning {
                host: "ctl@xio",
                method: "create_volume",
                resource: None,
                request_id: "req-1",
            });
            let progress = CopyProgress {
                step: "convert",
                done,
                total: 100,
            };
            let copy = operation.watch(Direction::ImageToVolume, move || Some(progress));
            (operation, copy)
        };
        let _both = (operation(10), operation(25));
        let page = metrics.text(&operations);
        let value = |name: &str, direction: &str| {
            let start = format!("cinder_volume_xtremio_{name}{{direction=\"{direction}\"}}");
            line(&page, &start)
        };
        let expected = [
            ("copied_bytes_total", "volume_to_image", "11"),
            ("copied_bytes_total", "image_to_volume", "0"),
            ("copies_running", "image_to_volume", "2"),
            ("copies_running", "volume_to_volume", "0"),
            ("copies_running_done_bytes", "image_to_volume", "35"),
            ("copies_running_total_bytes", "image_to_volume", "200"),
        ];
        for (name, direction, wanted) in expected {
            assert_eq!(value(name, direction).as_deref(), Some(wanted), "{page}");
        }
    }
}
