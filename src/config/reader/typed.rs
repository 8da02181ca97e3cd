//! Typed getters: convert, check the range, or note a fault and take the default.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::super::convert;
use super::{Found, Opt, Origin, Reader, Text};

/// The longest span an option may name: ten years, far below any overflow.
const LONGEST: i64 = 315_360_000;

impl Reader<'_> {
    /// The text as it is, an empty one too.
    pub(in super::super) fn text(&mut self, opt: &Opt<'_>) -> Option<(String, Origin)> {
        let Found { text, origin } = self.one(opt)?;
        let text = match text {
            Text::One(text) => text,
            Text::Many(items) => items.join(","),
        };
        Some((text, origin))
    }

    /// The text, `None` when it is empty or blank.
    pub(in super::super) fn filled(&mut self, opt: &Opt<'_>) -> Option<(String, Origin)> {
        self.text(opt).filter(|(text, _)| !text.trim().is_empty())
    }

    /// The text, or the default when the option is not set.
    pub(in super::super) fn text_or(&mut self, opt: &Opt<'_>, default: &str) -> String {
        self.text(opt)
            .map_or_else(|| default.to_owned(), |(text, _)| text)
    }

    pub(in super::super) fn boolean(&mut self, opt: &Opt<'_>, default: bool) -> bool {
        let Some((text, origin)) = self.text(opt) else {
            return default;
        };
        convert::boolean(&text).unwrap_or_else(|| {
            let allowed = "true, false, yes, no, on, off, 1, 0";
            self.fault(
                opt,
                Some(&origin),
                quoted("is not a boolean", opt, &text),
                allowed,
            );
            default
        })
    }

    pub(in super::super) fn integer(
        &mut self,
        opt: &Opt<'_>,
        default: i64,
        range: RangeInclusive<i64>,
    ) -> i64 {
        // An empty number means "not set", as in oslo.config.
        let Some((text, origin)) = self.filled(opt) else {
            return default;
        };
        match convert::integer(&text).filter(|number| range.contains(number)) {
            Some(number) => number,
            None => {
                let allowed = format!("a whole number from {} to {}", range.start(), range.end());
                self.fault(
                    opt,
                    Some(&origin),
                    quoted("is not allowed", opt, &text),
                    allowed,
                );
                default
            }
        }
    }

    /// A whole number that fits the wanted type; the range must fit it too.
    pub(in super::super) fn number<T: TryFrom<i64>>(
        &mut self,
        opt: &Opt<'_>,
        default: T,
        range: RangeInclusive<i64>,
    ) -> T {
        if self.filled(opt).is_none() {
            return default;
        }
        let low = *range.start();
        T::try_from(self.integer(opt, low, range)).unwrap_or(default)
    }

    pub(in super::super) fn float(
        &mut self,
        opt: &Opt<'_>,
        default: f64,
        range: RangeInclusive<f64>,
    ) -> f64 {
        let Some((text, origin)) = self.filled(opt) else {
            return default;
        };
        match convert::float(&text).filter(|number| range.contains(number)) {
            Some(number) => number,
            None => {
                let allowed = format!("a number from {} to {}", range.start(), range.end());
                self.fault(
                    opt,
                    Some(&origin),
                    quoted("is not allowed", opt, &text),
                    allowed,
                );
                default
            }
        }
    }

    /// Whole seconds, at least `least`.
    pub(in super::super) fn seconds(
        &mut self,
        opt: &Opt<'_>,
        default: u64,
        least: i64,
    ) -> Duration {
        Duration::from_secs(self.number(opt, default, least..=LONGEST))
    }

    /// One of the given words, any case when `any_case`; returns the word as listed.
    pub(in super::super) fn choice<'w>(
        &mut self,
        opt: &Opt<'_>,
        words: &[&'w str],
        default: &'w str,
        any_case: bool,
    ) -> &'w str {
        let Some((text, origin)) = self.text(opt) else {
            return default;
        };
        let same = |word: &&&str| **word == text || any_case && word.eq_ignore_ascii_case(&text);
        match words.iter().find(same) {
            Some(word) => word,
            None => {
                self.fault(
                    opt,
                    Some(&origin),
                    quoted("is not allowed", opt, &text),
                    words.join(", "),
                );
                default
            }
        }
    }

    /// A comma separated list, or an array of a TOML file.
    pub(in super::super) fn list(&mut self, opt: &Opt<'_>) -> Option<(Vec<String>, Origin)> {
        let Found { text, origin } = self.one(opt)?;
        let items = match text {
            Text::One(text) => convert::list(&text),
            Text::Many(items) => items,
        };
        Some((items, origin))
    }

    /// A repeatable option: one text for each occurrence.
    pub(in super::super) fn multi(&mut self, opt: &Opt<'_>) -> Vec<(String, Origin)> {
        let mut out = Vec::new();
        for Found { text, origin } in self.all(opt) {
            match text {
                Text::One(text) => out.push((text, origin)),
                Text::Many(items) => {
                    out.extend(items.into_iter().map(|item| (item, origin.clone())))
                }
            }
        }
        out
    }

    /// A file that must be readable now; an empty text means none.
    pub(in super::super) fn readable_file(&mut self, opt: &Opt<'_>) -> Option<PathBuf> {
        let (text, origin) = self.filled(opt)?;
        let path = PathBuf::from(text);
        self.check_file(opt, Some(&origin), &path);
        Some(path)
    }

    /// Notes a fault when `path` cannot be opened for reading.
    pub(in super::super) fn check_file(
        &mut self,
        opt: &Opt<'_>,
        origin: Option<&Origin>,
        path: &std::path::Path,
    ) {
        if let Err(error) = std::fs::File::open(path) {
            let problem = format!("{} cannot be read: {error}", path.display());
            self.fault(opt, origin, problem, "a file readable by this process");
        }
    }
}

/// The problem with the value before it, unless the option is a secret.
fn quoted(problem: &str, opt: &Opt<'_>, text: &str) -> String {
    if opt.secret {
        return format!("the value {problem}");
    }
    let short: String = text.chars().take(60).collect();
    format!("{short:?} {problem}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_quoted() {
        let secret = Opt::default("x").secret();
        assert_eq!(quoted("is bad", &secret, "s3cr3t"), "the value is bad");
        assert_eq!(quoted("is bad", &Opt::default("x"), "y"), "\"y\" is bad");
    }
}
