//! The oslo.config file dialect: text into assignments, with line numbers.
//!
//! The rules were taken from runs of oslo.config 10.7; `tests/config` holds the observed table.

use std::fmt;

/// One `key = value`, continuation lines joined with a line feed.
#[derive(Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Section name as written, between the outer brackets.
    pub section: String,
    /// Key as written, trimmed.
    pub key: String,
    /// Value, trimmed; one pair of equal quotes around the first line is removed.
    pub value: String,
    /// Line of the key, from 1.
    pub line: usize,
}

impl fmt::Debug for Assignment {
    /// Leaves the value out: it may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assignment")
            .field("section", &self.section)
            .field("key", &self.key)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// A line that is not in the dialect. The line's text is left out: it may be half a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLine {
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Everything a text holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Assignments in file order.
    pub assignments: Vec<Assignment>,
    /// Section headers in file order: name and line.
    pub sections: Vec<(String, usize)>,
    /// Every bad line; real oslo.config stops at the first.
    pub bad_lines: Vec<BadLine>,
}

/// Reads a whole file. Never fails: what is wrong is in `bad_lines`.
pub fn parse(text: &str) -> Parsed {
    let mut out = Parsed::default();
    let mut section: Option<String> = None;
    let mut open: Option<Assignment> = None;
    let mut skipping = false;
    for (index, line) in lines(text).enumerate() {
        let number = index + 1;
        let line = line.trim_end();
        let continued = line.starts_with([' ', '\t']);
        if continued && (open.is_some() || skipping) {
            if let Some(assignment) = &mut open {
                assignment.value.push('\n');
                assignment.value.push_str(line.trim_start());
            }
            continue;
        }
        out.assignments.extend(open.take());
        skipping = false;
        if line.is_empty() {
            continue;
        }
        let mut bad = |problem| {
            out.bad_lines.push(BadLine {
                line: number,
                problem,
            });
        };
        if continued {
            bad("unexpected continuation line: no assignment is open before it");
        } else if let Some(rest) = line.strip_prefix('[') {
            match rest.strip_suffix(']') {
                None => bad("section header without closing bracket"),
                Some("") => bad("empty section name"),
                Some(name) => {
                    section = Some(name.to_owned());
                    out.sections.push((name.to_owned(), number));
                }
            }
        } else if !line.starts_with(['#', ';']) {
            match (split(line), &section) {
                (Err(problem), _) => {
                    bad(problem);
                    skipping = true;
                }
                (Ok(_), None) => {
                    bad("assignment before the first section header");
                    skipping = true;
                }
                (Ok((key, value)), Some(section)) => {
                    open = Some(Assignment {
                        section: section.clone(),
                        key: key.to_owned(),
                        value: value.to_owned(),
                        line: number,
                    });
                }
            }
        }
    }
    out.assignments.extend(open.take());
    out
}

/// Lines as Python's universal newlines cut them: LF, CRLF and a lone CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    })
}

fn split(line: &str) -> Result<(&str, &str), &'static str> {
    let at = line
        .find([':', '='])
        .ok_or("neither ':' nor '=' in the assignment")?;
    let key = line[..at].trim();
    if key.is_empty() {
        return Err("the key is empty");
    }
    let value = line[at + 1..].trim();
    Ok((key, unquote(value)))
}

/// Removes one pair of equal quotes; a lone quote character becomes empty, as in oslo.config.
fn unquote(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            if rest.is_empty() {
                return rest;
            }
            if let Some(inner) = rest.strip_suffix(quote) {
                return inner;
            }
        }
    }
    value
}
