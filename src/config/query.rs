//! Parts of URLs, read the way Python's `urllib.parse` reads them.

use percent_encoding::percent_decode_str;

/// Percent-decodes; a broken escape stays, bytes that are no UTF-8 become U+FFFD.
pub(super) fn unquote(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The pairs of a query string: `+` is a space, pairs without a value are dropped.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| {
            let decode = |part: &str| unquote(&part.replace('+', " "));
            (decode(name), decode(value))
        })
        .collect()
}
