//! `$name`, `${name}` and `$group.name` in values.

/// Replaces references in `text`; `lookup` returns the value of a name, `None` when there is
/// no such option. `$$` and `\$` give a dollar sign, a `$` before anything else stays.
///
/// # Errors
/// The first name that `lookup` does not know.
pub(super) fn substitute(
    text: &str,
    lookup: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<String, String> {
    if !text.contains('$') {
        return Ok(text.to_owned());
    }
    // oslo.config turns `\$` into `$$` before anything else, also within `\\$`.
    let text = text.replace("\\$", "$$");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            rest = tail;
            continue;
        }
        let (name, tail) = match after.strip_prefix('{') {
            Some(braced) => match name_length(braced) {
                0 => (None, after),
                length => match braced[length..].strip_prefix('}') {
                    Some(tail) => (Some(&braced[..length]), tail),
                    None => (None, after),
                },
            },
            None => match name_length(after) {
                0 => (None, after),
                length => (Some(&after[..length]), &after[length..]),
            },
        };
        match name {
            None => out.push('$'),
            Some(name) => out.push_str(&lookup(name).ok_or_else(|| name.to_owned())?),
        }
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// Bytes of the reference at the start of `text`: a letter or `_`, then letters, digits, `_`, `.`.
fn name_length(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return 0;
    }
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
        .unwrap_or(text.len())
}
