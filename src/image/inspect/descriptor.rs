//! The text in a VMDK that says where its data are.
//!
//! Two programs need not find the same things in it: qemu searches it for names wherever they
//! stand, comments too, and others go line by line. So a name that matters may stand once, where
//! both see it.

/// Kinds that keep all in this one file.
const ALLOWED: [&str; 2] = ["monolithicsparse", "streamoptimized"];

/// The rules that a descriptor breaks: every line must be one that is understood, and none may
/// lead out of this file. `sector` is what stands in its place, `claimed` how long the header
/// says it is.
pub(super) fn broken_rules(place: &[u8], claimed: usize) -> Vec<&'static str> {
    let length = place.iter().position(|byte| *byte == 0);
    let (text, rest) = place.split_at(length.unwrap_or(place.len()));
    let mut rules = Rules::default();
    // Where no zero ends it, qemu reads on.
    rules.refuse_if(
        text.len() > claimed,
        "its descriptor is longer than it says",
    );
    let rest = rest.get(..claimed.saturating_sub(text.len()));
    rules.refuse_if(
        rest.is_none() && text.len() <= claimed,
        "its descriptor is cut off",
    );
    rules.refuse_if(
        rest.unwrap_or_default().iter().any(|byte| *byte != 0),
        "its descriptor goes on behind its end",
    );
    if !text.is_ascii() {
        rules.broken.push("its descriptor is not ASCII");
        return rules.broken;
    }
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    rules.refuse_if(
        text.contains("parentfilenamehint"),
        "it names a parent disk",
    );
    for line in text.lines().map(str::trim) {
        rules.line(line);
    }
    rules.refuse_if(
        !rules.kind_is_allowed || text.matches("createtype").count() != 1,
        "it is neither monolithicSparse nor streamOptimized",
    );
    // The one that it is itself.
    rules.refuse_if(rules.extents != 1, "it does not have one extent");
    rules.broken
}

#[derive(Default)]
struct Rules {
    broken: Vec<&'static str>,
    extents: usize,
    kind_is_allowed: bool,
}

impl Rules {
    /// Each rule once: the text may be long.
    fn refuse_if(&mut self, broken: bool, reason: &'static str) {
        if broken && !self.broken.contains(&reason) {
            self.broken.push(reason);
        }
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() || line.starts_with('#') || line.starts_with("ddb") {
            return;
        }
        let mut words = line.split(' ');
        if let Some("rw" | "rdonly" | "noaccess") = words.next() {
            self.extents += 1;
            self.refuse_if(line.contains('/'), "an extent names a path");
            self.refuse_if(
                words.nth(1) != Some("sparse"),
                "an extent is not a part of the file",
            );
            return;
        }
        match line.split_once('=') {
            Some((key, value)) if is_name(key) => self.field(key, value),
            _ => self.refuse_if(true, "its descriptor has a line that is not understood"),
        }
    }

    fn field(&mut self, key: &str, value: &str) {
        match key {
            "createtype" => {
                let kind = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
                self.kind_is_allowed = kind.is_some_and(|kind| ALLOWED.contains(&kind));
            }
            // No parent is all ones.
            "parentcid" => self.refuse_if(value != "ffffffff", "it has a parent disk"),
            _ => {}
        }
    }
}

fn is_name(key: &str) -> bool {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    !key.is_empty() && key.as_bytes().iter().all(part)
}
