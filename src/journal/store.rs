//! The statements of the journal. Each runs inside a transaction of the writer.

use std::time::{Duration, SystemTime};

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Map, Value};

use super::types::{Begun, Finish, Intent, NewIntent};

/// How long finish records are kept: 24 hours. A message that comes again later than that is
/// judged by its row and the array alone.
pub(super) const FINISHES_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Finish records deleted in one transaction, so that no command waits long for a purge.
const PURGED_AT_ONCE: u32 = 1000;
/// Bytes that a probe writes: as much as a few large intents.
const PROBE_BYTES: u32 = 64 * 1024;

/// Microseconds since 1970.
fn micros(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
}

fn time(micros: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// The JSON of a text column.
fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(e)))
}

pub(super) fn begin(conn: &Connection, new: &NewIntent) -> rusqlite::Result<Begun> {
    if let Some(finish) = finished(conn, &new.host, &new.unique_id)? {
        return Ok(Begun::Finished(finish));
    }
    let now = micros(SystemTime::now());
    let known = conn
        .prepare_cached(
            "SELECT starts, planned, details FROM intents WHERE host = ?1 AND unique_id = ?2",
        )?
        .query_row(params![new.host, new.unique_id], |row| {
            Ok((row.get::<_, u32>(0)?, json(row, 1)?, json(row, 2)?))
        })
        .optional()?;
    let Some((starts, mut planned, mut details)): Option<(u32, Vec<String>, Map<_, _>)> = known
    else {
        conn.prepare_cached(
            "INSERT INTO intents (host, unique_id, method, resource, planned, details, starts, \
             first_started, last_started) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?7)",
        )?
        .execute(params![
            new.host,
            new.unique_id,
            new.method,
            new.resource,
            Value::from(new.planned.clone()).to_string(),
            Value::from(new.details.clone()).to_string(),
            now,
        ])?;
        return Ok(Begun::Started { starts: 1 });
    };
    // what an earlier start planned may be on the array
    for name in &new.planned {
        if !planned.contains(name) {
            planned.push(name.clone());
        }
    }
    details.extend(new.details.clone());
    let starts = starts.saturating_add(1);
    conn.prepare_cached(
        "UPDATE intents SET starts = ?3, last_started = ?4, planned = ?5, details = ?6 \
         WHERE host = ?1 AND unique_id = ?2",
    )?
    .execute(params![
        new.host,
        new.unique_id,
        starts,
        now,
        Value::from(planned).to_string(),
        Value::from(details).to_string(),
    ])?;
    Ok(Begun::Started { starts })
}

fn finished(conn: &Connection, host: &str, id: &str) -> rusqlite::Result<Option<Finish>> {
    conn.prepare_cached(
        "SELECT unique_id, method, resource, finished_at FROM finishes \
         WHERE host = ?1 AND unique_id = ?2",
    )?
    .query_row(params![host, id], |row| {
        Ok(Finish {
            unique_id: row.get(0)?,
            method: row.get(1)?,
            resource: row.get(2)?,
            at: time(row.get(3)?),
        })
    })
    .optional()
}

pub(super) fn finish(conn: &Connection, host: &str, id: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO finishes (host, unique_id, method, resource, finished_at) \
         SELECT host, unique_id, method, resource, ?3 FROM intents \
         WHERE host = ?1 AND unique_id = ?2",
    )?
    .execute(params![host, id, micros(SystemTime::now())])?;
    conn.prepare_cached("DELETE FROM intents WHERE host = ?1 AND unique_id = ?2")?
        .execute(params![host, id])?;
    Ok(())
}

pub(super) fn hand_back(conn: &Connection, host: &str, id: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "UPDATE intents SET starts = max(starts - 1, 0) WHERE host = ?1 AND unique_id = ?2",
    )?
    .execute(params![host, id])?;
    Ok(())
}

pub(super) fn intents(conn: &Connection, host: &str) -> rusqlite::Result<Vec<Intent>> {
    // by number, not by time: clocks are set back
    let mut statement = conn.prepare_cached(
        "SELECT host, unique_id, method, resource, planned, details, starts, first_started, \
         last_started FROM intents WHERE host = ?1 ORDER BY number",
    )?;
    let rows = statement.query_map([host], |row| {
        Ok(Intent {
            host: row.get(0)?,
            unique_id: row.get(1)?,
            method: row.get(2)?,
            resource: row.get(3)?,
            planned: json(row, 4)?,
            details: json(row, 5)?,
            starts: row.get(6)?,
            first_started: time(row.get(7)?),
            last_started: time(row.get(8)?),
        })
    })?;
    rows.collect()
}

/// Whether [`purge`] would delete something; takes no write lock.
pub(super) fn has_old(conn: &Connection) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM finishes WHERE finished_at < ?1)")?
        .query_row([limit()], |row| row.get(0))
}

/// Deletes some of the finish records that are old enough.
pub(super) fn purge(conn: &Connection) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "DELETE FROM finishes WHERE (host, unique_id) IN \
         (SELECT host, unique_id FROM finishes WHERE finished_at < ?1 LIMIT ?2)",
    )?
    .execute(params![limit(), PURGED_AT_ONCE])?;
    Ok(())
}

/// Finish records older than this go.
fn limit() -> i64 {
    let now = SystemTime::now();
    micros(now.checked_sub(FINISHES_KEPT).unwrap_or(now))
}

/// Writes what needs new room on the disk; [`unprobe`] gives it back.
pub(super) fn probe(conn: &Connection) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO probe (id, filling) VALUES (1, zeroblob(?1))")?
        .execute([PROBE_BYTES])?;
    Ok(())
}

/// Takes away what [`probe`] wrote.
pub(super) fn unprobe(conn: &Connection) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM probe")?.execute([])?;
    Ok(())
}
