//! The parser alone: line numbers, all bad lines, and no input that makes it panic.

use cinder_volume_xtremio::config::dialect::{Parsed, parse};
use cinder_volume_xtremio::config::{database_url, transport_url};
use proptest::prelude::*;

fn flat(parsed: &Parsed) -> Vec<(&str, &str, &str, usize)> {
    let flat = |a: &'_ cinder_volume_xtremio::config::dialect::Assignment| a.line;
    let assignments = parsed.assignments.iter();
    assignments
        .map(|a| {
            (
                a.section.as_str(),
                a.key.as_str(),
                a.value.as_str(),
                flat(a),
            )
        })
        .collect()
}

#[test]
fn assignments_know_their_lines() {
    let parsed = parse("# c\n[DEFAULT]\na = 1\n  2\n\n; c\nb: 'x'\r\n[s]\n\nc=\n d\n");
    assert_eq!(
        flat(&parsed),
        [
            ("DEFAULT", "a", "1\n2", 3),
            ("DEFAULT", "b", "x", 7),
            ("s", "c", "\nd", 10)
        ]
    );
    assert!(parsed.bad_lines.is_empty());
}

#[test]
fn all_bad_lines_are_found_and_the_rest_is_read() {
    let parsed =
        parse("a = 1\n more\n[DEFAULT]\nnonsense\n continued\n= 2\n[open\n\n lost\n[]\nb = 3");
    let lines: Vec<usize> = parsed.bad_lines.iter().map(|bad| bad.line).collect();
    assert_eq!(lines, [1, 4, 6, 7, 9, 10]);
    assert_eq!(flat(&parsed), [("DEFAULT", "b", "3", 11)]);
}

#[test]
fn debug_of_an_assignment_hides_the_value() {
    let parsed = parse("[DEFAULT]\nsan_password = s3cr3t");
    assert!(!format!("{parsed:?}").contains("s3cr3t"));
}

proptest! {
    #[test]
    fn no_text_panics(text in ".*") {
        parse(&text);
    }

    /// Texts near the dialect reach more of the parser than random ones.
    #[test]
    fn no_dialect_like_text_panics(lines in proptest::collection::vec(
        "[ \t]{0,2}[\\[\\]a=:#;$\"'{}\u{fc}\r ]{0,8}", 0..12
    )) {
        let text = lines.join("\n");
        let parsed = parse(&text);
        for assignment in &parsed.assignments {
            prop_assert!(!assignment.key.is_empty());
            prop_assert!(assignment.line >= 1);
        }
    }

    /// What is written plainly comes back.
    #[test]
    fn plain_assignments_round_trip(pairs in proptest::collection::vec(("[a-z_]{1,9}", "[a-z0-9/.]{0,9}"), 0..9)) {
        let mut text = String::from("[s]\n");
        for (key, value) in &pairs {
            text.push_str(&format!("{key} = {value}\n"));
        }
        let parsed = parse(&text);
        prop_assert!(parsed.bad_lines.is_empty());
        let read: Vec<_> = parsed.assignments.iter().map(|a| (a.key.clone(), a.value.clone())).collect();
        prop_assert_eq!(read, pairs);
    }

    #[test]
    fn no_url_panics(text in "(rabbit|mysql|sqlite)?(://)?[a@:/\\[\\],?&=#%0-9\u{fc}]{0,24}") {
        drop(transport_url::parse(&text));
        drop(database_url::parse(&text, false));
    }

    /// Any user and password survive the way into sqlx's URL and the broker's list.
    #[test]
    fn percent_encoded_passwords_survive(password in "\\PC{1,20}") {
        use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
        use secrecy::ExposeSecret as _;
        let encoded = utf8_percent_encode(&password, NON_ALPHANUMERIC).to_string();
        let parsed = transport_url::parse(&format!("rabbit://u:{encoded}@h:1/v")).unwrap();
        prop_assert_eq!(parsed.url.hosts[0].password.expose_secret(), &password);
        let parsed = database_url::parse(&format!("mysql+pymysql://u:{encoded}@h/d"), false).unwrap();
        let url = parsed.url.expose_secret();
        let inner = url.strip_prefix("mysql://u:").unwrap().strip_suffix("@h/d").unwrap();
        prop_assert_eq!(percent_decode_str(inner).decode_utf8_lossy(), password);
    }
}
