//! How an option is named: section, key, old names, and whether its value is a secret.

/// An option that some section reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opt<'a> {
    pub(super) group: &'a str,
    pub(super) name: &'a str,
    /// Older section and key pairs, tried in this order within one file.
    pub(super) old: &'a [(&'a str, &'a str)],
    /// A section whose value stands in when the first has none.
    pub(super) fallback: Option<&'a str>,
    pub(super) secret: bool,
}

impl<'a> Opt<'a> {
    pub(super) const fn new(group: &'a str, name: &'a str) -> Self {
        Self {
            group,
            name,
            old: &[],
            fallback: None,
            secret: false,
        }
    }

    /// An option of `[DEFAULT]`.
    pub(super) const fn default(name: &'a str) -> Self {
        Self::new("DEFAULT", name)
    }

    pub(super) const fn old(mut self, names: &'a [(&'a str, &'a str)]) -> Self {
        self.old = names;
        self
    }

    pub(super) const fn fallback(mut self, group: &'a str) -> Self {
        self.fallback = Some(group);
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// Whether an option of this name holds a secret, wherever it stands: decides what a
/// reference may carry into a printed value.
pub(super) fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "password",
        "secret",
        "token",
        "transport_url",
        "connection",
        "backend_url",
        "credential",
        "_key",
    ]
    .iter()
    .any(|part| name.contains(part))
}
