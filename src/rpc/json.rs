//! JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` stand bare in it.
//!
//! Those three are read as the strings `"NaN"`, `"Infinity"` and `"-Infinity"`, which Python's
//! `float()` takes back. Integers of any length survive, because numbers keep their text.
//! Nesting is limited to serde_json's 128 levels; Python peers send fewer than ten.

use serde_json::Value;

/// Parses a document, bare non-finite numbers included.
///
/// # Errors
///
/// What serde_json says about the document, with line and column.
pub(crate) fn parse(text: &str) -> Result<Value, serde_json::Error> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(error) => match quote_non_finite(text) {
            Some(quoted) => serde_json::from_str(&quoted),
            None => Err(error),
        },
    }
}

/// The document with bare non-finite numbers put in quotes; `None` if there are none.
fn quote_non_finite(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find(['"', 'N', 'I', '-']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let len = if rest.starts_with('"') {
            let len = string_len(rest);
            out.push_str(&rest[..len]);
            len
        } else if let Some(word) = ["NaN", "Infinity", "-Infinity"]
            .into_iter()
            .find(|word| rest.starts_with(word))
        {
            found = true;
            out.push('"');
            out.push_str(word);
            out.push('"');
            word.len()
        } else {
            out.push_str(&rest[..1]);
            1
        };
        rest = &rest[len..];
    }
    out.push_str(rest);
    found.then_some(out)
}

/// Length in bytes of the string literal that `text` starts with, quotes included.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The Python type a JSON value is read as, for error texts.
pub(crate) fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) => {
            if number.is_i64() || number.is_u64() || is_integer(&number.to_string()) {
                "int"
            } else {
                "float"
            }
        }
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

fn is_integer(text: &str) -> bool {
    !text.contains(['.', 'e', 'E'])
}

/// A string between quotes as Python's `repr` shows it.
pub(crate) fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// A scalar as Python's `str()` shows it; containers as JSON.
pub(crate) fn python_str(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn bare_non_finite_numbers_become_strings() {
        let value = parse(r#"{"a": NaN, "b": [-Infinity, Infinity, -1], "c": "x NaN \" NaN"}"#);
        assert_eq!(
            value.unwrap(),
            json!({"a": "NaN", "b": ["-Infinity", "Infinity", -1], "c": "x NaN \" NaN"})
        );
    }

    #[test]
    fn long_integers_and_floats_keep_their_digits() {
        let text = r#"{"big":1180591620717411303424,"f":1.0}"#;
        assert_eq!(parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn broken_documents_stay_broken() {
        for text in ["{oops", "", "NaN NaN", "\"abc", "{\"a\": Nan}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
