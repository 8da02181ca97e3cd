//! The date formats of the wire. All times are UTC.

use chrono::{DateTime, NaiveDateTime, Utc};

/// `2026-11-22T09:30:01.022290`: always six digits, no zone. Reports and plain dictionaries;
/// the scheduler refuses any other form.
pub fn naive(time: NaiveDateTime) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

/// `2026-11-22T09:30:01Z`: fields of versioned objects.
pub fn object(time: NaiveDateTime) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-11-22 09:30:34.457843`, without the fraction if it is zero: a notification's
/// `timestamp`, as Python's `str()` shows it.
pub fn notification(time: NaiveDateTime) -> String {
    format!("{}", time.format("%Y-%m-%d %H:%M:%S")) + &fraction(time)
}

/// `2026-11-22T09:30:34.447849+00:00`, without the fraction if it is zero: times inside
/// notification payloads.
pub fn payload(time: NaiveDateTime) -> String {
    format!(
        "{}{}+00:00",
        time.format("%Y-%m-%dT%H:%M:%S"),
        fraction(time)
    )
}

fn fraction(time: NaiveDateTime) -> String {
    match time.and_utc().timestamp_subsec_micros() {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    }
}

/// Reads any ISO 8601 date and time that peers write; a zone is converted, none means UTC.
pub fn parse(text: &str) -> Option<NaiveDateTime> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.with_timezone(&Utc).naive_utc());
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .into_iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_format_has_its_own_fraction_rule() {
        let whole = parse("2026-11-22T09:30:01Z").unwrap();
        let split = parse("2026-11-22T11:30:01.000230+02:00").unwrap();
        assert_eq!(naive(whole), "2026-11-22T09:30:01.000000");
        assert_eq!(naive(split), "2026-11-22T09:30:01.000230");
        assert_eq!(object(split), "2026-11-22T09:30:01Z");
        assert_eq!(notification(whole), "2026-11-22 09:30:01");
        assert_eq!(notification(split), "2026-11-22 09:30:01.000230");
        assert_eq!(payload(whole), "2026-11-22T09:30:01+00:00");
        assert_eq!(payload(split), "2026-11-22T09:30:01.000230+00:00");
        assert_eq!(parse("2026-11-22 09:30:01"), Some(whole));
        assert_eq!(parse("garbage"), None);
    }
}
