//! One event into one line: oslo.log's default format, or its JSON form.

use std::fmt;

use chrono::{DateTime, Local};
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::sink::Sink;

/// Formats events and hands the lines to the sinks.
pub(super) struct LineLayer {
    json: bool,
    sinks: Vec<Sink>,
}

impl LineLayer {
    pub(super) fn new(json: bool, sinks: Vec<Sink>) -> Self {
        Self { json, sinks }
    }
}

/// The `request_id` of a span, kept in its extensions.
struct RequestId(String);

/// Picks `request_id` out of a span's fields.
#[derive(Default)]
struct FindRequestId(Option<String>);

impl Visit for FindRequestId {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "request_id" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "request_id" {
            self.0 = Some(format!("{value:?}"));
        }
    }
}

/// Collects the message and the other fields of an event.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("message", other) => self.message = other.to_string(),
            (name, value) => self.others.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}

/// Python's name of a level.
fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

/// Line feeds and other control characters would let a message forge a second log line.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LineLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut found = FindRequestId::default();
        attributes.record(&mut found);
        if let (Some(span), Some(request)) = (context.span(id), found.0) {
            span.extensions_mut().replace(RequestId(request));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut found = FindRequestId::default();
        values.record(&mut found);
        if let (Some(span), Some(request)) = (context.span(id), found.0) {
            span.extensions_mut().replace(RequestId(request));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let request = context.event_scope(event).and_then(|mut scope| {
            scope.find_map(|span| span.extensions().get::<RequestId>().map(|id| id.0.clone()))
        });
        let now = Local::now();
        let level = *event.metadata().level();
        let target = event.metadata().target();
        let line = if self.json {
            json_line(now, level, target, request.as_deref(), fields)
        } else {
            text_line(now, level, target, request.as_deref(), &fields)
        };
        for sink in &self.sinks {
            sink.write(level, now, &line);
        }
    }
}

fn text_line(
    now: DateTime<Local>,
    level: Level,
    target: &str,
    request: Option<&str>,
    fields: &Fields,
) -> String {
    let mut line = format!(
        "{} {} {} {target} [{}] {}",
        now.format("%Y-%m-%d %H:%M:%S%.3f"),
        std::process::id(),
        level_name(level),
        one_line(request.unwrap_or("-")),
        one_line(&fields.message),
    );
    for (name, value) in &fields.others {
        let text = match value {
            Value::String(text) => one_line(text),
            other => other.to_string(),
        };
        line.push_str(&format!(" {name}={text}"));
    }
    line
}

fn json_line(
    now: DateTime<Local>,
    level: Level,
    target: &str,
    request: Option<&str>,
    fields: Fields,
) -> String {
    let extra: Map<String, Value> = fields
        .others
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    json!({
        "asctime": now.format("%Y-%m-%d %H:%M:%S").to_string(),
        "msecs": now.timestamp_subsec_millis(),
        "levelname": level_name(level),
        "name": target,
        "process": std::process::id(),
        "message": fields.message,
        "context": { "request_id": request },
        "extra": extra,
    })
    .to_string()
}
