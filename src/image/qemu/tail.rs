//! What a program says when it fails, no more of it than is of use.

use std::collections::VecDeque;

/// Bytes that are kept.
const KEPT: usize = 4096;

/// The end of a text of any length.
#[derive(Debug, Default)]
pub(super) struct Tail(VecDeque<u8>);

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
        let surplus = self.0.len().saturating_sub(KEPT);
        self.0.drain(..surplus);
    }

    /// One line of printable text.
    pub(super) fn text(&mut self) -> String {
        let text = String::from_utf8_lossy(self.0.make_contiguous());
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        let text = lines.join("; ").trim_matches([';', ' ']).to_owned();
        text.chars().filter(|c| !c.is_control()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let mut tail = Tail::default();
        tail.push(&[b'x'; 10 * KEPT]);
        tail.push("first \u{1b}[31mline\nsecond é\n".as_bytes());
        let text = tail.text();
        assert!(text.len() <= KEPT, "{}", text.len());
        assert!(text.ends_with("first [31mline; second é"), "{text}");
    }
}
