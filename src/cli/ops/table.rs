//! The table of `ops`, at most 120 columns wide.

use std::fmt::Write as _;

use crate::app::ProcessView;
use crate::report::{CopyView, OperationView};

const WIDTH: usize = 120;
/// More of a host or method is cut off.
const LONGEST_HOST: usize = 24;
const LONGEST_METHOD: usize = 24;
/// `group_snapshot/` and a UUID.
const LONGEST_RESOURCE: usize = 51;
const MIB: u64 = 1 << 20;
const HEADS: [&str; 4] = ["AGE", "HOST", "METHOD", "RESOURCE"];

/// All operations of these processes, the oldest first, and a line about each process.
pub(super) fn of(views: &[&ProcessView]) -> String {
    let mut page = String::new();
    for view in views {
        let what = match view.operations.len() {
            0 => "nothing runs".to_owned(),
            count => format!("{count} under way"),
        };
        let line = format!("process {} ({}): {what}", view.pid, view.hosts.join(", "));
        push(&mut page, &cut(&line, WIDTH));
    }
    let mut operations: Vec<_> = views.iter().flat_map(|view| &view.operations).collect();
    if operations.is_empty() {
        return page;
    }
    operations.sort_by_key(|operation| operation.since);
    let rows: Vec<[String; 4]> = operations
        .iter()
        .map(|operation| cells(operation))
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([HEADS[column].len()]).max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let left = |row: &[String; 4]| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        line
    };
    push(&mut page, &(left(&HEADS.map(str::to_owned)) + "STEP"));
    for (row, operation) in rows.iter().zip(&operations) {
        let line = left(row);
        let step = step(operation);
        if line.chars().count() + step.chars().count() <= WIDTH {
            push(&mut page, &(line + &step));
        } else {
            push(&mut page, line.trim_end());
            push(&mut page, &cut(&format!("    {step}"), WIDTH));
        }
    }
    page
}

fn push(page: &mut String, line: &str) {
    page.push_str(line);
    page.push('\n');
}

fn cells(operation: &OperationView) -> [String; 4] {
    [
        age(operation.seconds),
        cut(&operation.host, LONGEST_HOST),
        cut(&operation.method, LONGEST_METHOD),
        cut(
            operation.resource.as_deref().unwrap_or("-"),
            LONGEST_RESOURCE,
        ),
    ]
}

/// `4.2s`, `3m05s`, `2h07m`
fn age(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{seconds:.1}s"),
        60..3600 => format!("{}m{:02}s", whole / 60, whole % 60),
        _ => format!("{}h{:02}m", whole / 3600, whole / 60 % 60),
    }
}

fn step(operation: &OperationView) -> String {
    let mut text = match &operation.copy {
        Some(copy) if operation.step == "copy" => copied(copy),
        Some(copy) => format!("{}, {}", operation.step, copied(copy)),
        None => operation.step.clone(),
    };
    if operation.retries > 0 {
        let _ = write!(text, ", retry {}", operation.retries);
    }
    if operation.starts > 1 {
        let _ = write!(text, ", start {}", operation.starts);
    }
    text
}

fn copied(copy: &CopyView) -> String {
    let done = copy.done_bytes / MIB;
    match copy.percent {
        Some(percent) => {
            let total = copy.total_bytes.div_ceil(MIB);
            format!("{} {percent:.1}% {done}/{total} MiB", copy.step)
        }
        None => format!("{} {done} MiB", copy.step),
    }
}

/// At most so many characters, the last of them showing that more are missing.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::Direction;

    const ID: &str = "5f3cbd9c-95a3-4d0b-8f31-2f5f5a0dd44c";

    fn operation(method: &str, since: i64) -> OperationView {
        OperationView {
            host: "ctl1@xio".to_owned(),
            method: method.to_owned(),
            resource: Some(format!("volume/{ID}")),
            request_id: "req-1".to_owned(),
            since: chrono::DateTime::from_timestamp(since, 0).unwrap(),
            seconds: 65.0,
            starts: 1,
            step: "array".to_owned(),
            retries: 0,
            copy: None,
        }
    }

    fn process(operations: Vec<OperationView>) -> ProcessView {
        ProcessView {
            pid: 7,
            version: "1".to_owned(),
            hosts: vec!["ctl1@xio".to_owned()],
            at: chrono::DateTime::UNIX_EPOCH,
            operations,
        }
    }

    #[test]
    fn the_oldest_comes_first_and_copies_tell_how_far_they_are() {
        let mut copying = operation("create_volume", 10);
        copying.step = "copy".to_owned();
        copying.copy = Some(CopyView {
            direction: Direction::ImageToVolume,
            step: "convert".to_owned(),
            done_bytes: 512 * MIB,
            total_bytes: 1024 * MIB,
            percent: Some(50.0),
        });
        let mut retried = operation("delete_volume", 5);
        retried.retries = 3;
        retried.starts = 2;
        let (one, other) = (process(vec![copying]), process(vec![retried]));
        let page = of(&[&one, &other]);
        let expected = format!(
            "process 7 (ctl1@xio): 1 under way\n\
             process 7 (ctl1@xio): 1 under way\n\
             AGE    HOST      METHOD         {:43}  STEP\n\
             1m05s  ctl1@xio  delete_volume  volume/{ID}  array, retry 3, start 2\n\
             1m05s  ctl1@xio  create_volume  volume/{ID}  convert 50.0% 512/1024 MiB\n",
            "RESOURCE"
        );
        assert_eq!(page, expected);
    }

    #[test]
    fn no_line_is_wider_than_the_table_may_be() {
        let mut long = operation("initialize_connection_snapshot", 1);
        long.host = "a-controller-with-a-name.example.org@a-backend-with-another".to_owned();
        long.resource = Some(format!("group_snapshot/{ID}"));
        long.step = format!("waits for lock xtremio-mapping-{ID}-{ID}");
        let mut wide = process(vec![long]);
        wide.hosts = vec!["ctl1@some-backend".to_owned(); 20];
        let page = of(&[&wide]);
        let widest = page.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(WIDTH), "{page}");
        assert!(
            page.contains("\n    waits for lock xtremio-mapping"),
            "{page}"
        );
    }

    #[test]
    fn a_process_at_rest_says_so() {
        assert_eq!(
            of(&[&process(Vec::new())]),
            "process 7 (ctl1@xio): nothing runs\n"
        );
        assert_eq!(of(&[]), "");
    }

    #[test]
    fn ages_are_short() {
        let ages = [0.04, 59.94, 60.0, 3599.0, 7620.0].map(age);
        assert_eq!(ages, ["0.0s", "59.9s", "1m00s", "59m59s", "2h07m"]);
    }
}
