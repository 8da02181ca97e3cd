//! Text into booleans, numbers and lists, as oslo.config's types do it.

/// `true/1/on/yes` and `false/0/off/no` in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Some(true),
        "false" | "0" | "off" | "no" => Some(false),
        _ => None,
    }
}

/// A decimal integer; a sign and single underscores between digits are allowed, as in Python.
pub(super) fn integer(text: &str) -> Option<i64> {
    plain_number(text)?.parse().ok()
}

/// A finite floating point number. Python's `inf` and `nan` have no meaning in our options.
pub(super) fn float(text: &str) -> Option<f64> {
    plain_number(text)?
        .parse()
        .ok()
        .filter(|n: &f64| n.is_finite())
}

fn plain_number(text: &str) -> Option<String> {
    let text = text.trim();
    let bytes = text.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        let digit = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(u8::is_ascii_digit)
        };
        if *byte == b'_' && !(digit(index.checked_sub(1)) && digit(Some(index + 1))) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// A comma separated list, items trimmed. Commas at the end do not count, other empty items
/// stay; an empty text is an empty list.
pub(super) fn list(text: &str) -> Vec<String> {
    let text = text.trim().trim_end_matches(',');
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| item.trim().to_owned()).collect()
}
