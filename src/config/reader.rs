//! Looks options up: command line, environment, files, with substitution and conversion.
//!
//! A getter never stops the reading: it notes a fault and returns the default, so that all
//! faults come out together.

#[cfg(test)]
mod observed;
mod typed;

use std::collections::BTreeMap;

use super::describe::{HIDDEN, Setting};
use super::fault::{Fault, Origin};
use super::option::{Opt, names_a_secret};
use super::source::{Entry, Env, Text, Tree};
use super::substitute::substitute;

/// References within references are followed this deep.
const DEPTH: usize = 16;

/// A value after substitution.
pub(super) struct Found {
    pub(super) text: Text,
    pub(super) origin: Origin,
}

/// Reads options and collects what was found and what is wrong.
pub(super) struct Reader<'a> {
    pub(super) tree: &'a Tree,
    env: Env<'a>,
    flags: &'a BTreeMap<String, String>,
    /// `[oslo_messaging_rabbit]` options of the query of `transport_url`.
    pub(super) url_query: BTreeMap<String, String>,
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<String>,
    /// What was set, for the description.
    pub(super) settings: BTreeMap<(String, String), Setting>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tree: &'a Tree, env: Env<'a>, flags: &'a BTreeMap<String, String>) -> Self {
        Self {
            tree,
            env,
            flags,
            url_query: BTreeMap::new(),
            faults: Vec::new(),
            warnings: Vec::new(),
            settings: BTreeMap::new(),
        }
    }

    /// Notes a fault about an option, at the place of `origin`. A value of a shared section is
    /// one fault of that section, however many backends read it.
    pub(super) fn fault(
        &mut self,
        opt: &Opt<'_>,
        origin: Option<&Origin>,
        problem: impl Into<String>,
        allowed: impl Into<String>,
    ) {
        let own = Opt {
            fallback: None,
            ..*opt
        };
        let group = match opt.fallback {
            Some(shared) if origin.is_some() && self.origin(&own).is_none() => shared,
            _ => opt.group,
        };
        let mut problem = problem.into();
        if !opt.secret && self.is_hidden(opt) {
            // The problem may quote the value, and the value refers to a secret.
            "the value, which refers to a secret, is not allowed".clone_into(&mut problem);
        }
        let fault = Fault::option(group, opt.name, origin, problem, allowed);
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Whether the option's value holds a secret, its own or one that it refers to.
    fn is_hidden(&self, opt: &Opt<'_>) -> bool {
        let key = |group: &str| (group.to_owned(), opt.name.to_owned());
        let mut groups = std::iter::once(opt.group).chain(opt.fallback);
        let setting = groups.find_map(|group| self.settings.get(&key(group)));
        setting.is_some_and(|setting| setting.value == HIDDEN)
    }

    /// Notes a warning once: several backend sections may read one shared value.
    pub(super) fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// All values of a repeatable option, over all files, in their order.
    pub(super) fn all(&mut self, opt: &Opt<'_>) -> Vec<Found> {
        let groups = std::iter::once(opt.group).chain(opt.fallback);
        for group in groups {
            let opt = Opt { group, ..*opt };
            let found = self.all_of_group(&opt);
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn all_of_group(&mut self, opt: &Opt<'_>) -> Vec<Found> {
        if let Some(entry) = self.outside_files(opt.group, opt.name) {
            return self
                .resolve(opt, opt.group, opt.name, entry)
                .into_iter()
                .collect();
        }
        let mut entries: Vec<(usize, usize, &str, &str, Entry)> = Vec::new();
        for (order, (group, name)) in names(opt).enumerate() {
            let found = self.tree.entries(group, name);
            entries.extend(
                found
                    .iter()
                    .map(|e| (e.rank, usize::MAX - order, group, name, e.clone())),
            );
        }
        entries.sort_by_key(|(rank, order, ..)| (*rank, *order));
        entries
            .into_iter()
            .filter_map(|(_, _, group, name, entry)| self.resolve(opt, group, name, entry))
            .collect()
    }

    /// The value of a plain option. A faulty one is noted and counts as not set.
    pub(super) fn one(&mut self, opt: &Opt<'_>) -> Option<Found> {
        let groups = std::iter::once(opt.group).chain(opt.fallback);
        for group in groups {
            let opt = Opt { group, ..*opt };
            let winner = self
                .outside_files(group, opt.name)
                .map(|entry| (group, opt.name, entry))
                .or_else(|| self.in_files(&opt));
            if let Some((found_group, found_name, entry)) = winner {
                return self.resolve(&opt, found_group, found_name, entry);
            }
        }
        None
    }

    /// Where a plain option is set, without reading its value.
    pub(super) fn origin(&self, opt: &Opt<'_>) -> Option<Origin> {
        let groups = std::iter::once(opt.group).chain(opt.fallback);
        groups
            .map(|group| Opt { group, ..*opt })
            .find_map(|opt| {
                let outside = self.outside_files(opt.group, opt.name);
                outside.or_else(|| self.in_files(&opt).map(|(_, _, entry)| entry))
            })
            .map(|entry| entry.origin)
    }

    /// Command line before environment, which knows the current name only (oslo.config's rule).
    fn outside_files(&self, group: &str, name: &str) -> Option<Entry> {
        let entry = |text: String, origin| Entry {
            text: Text::One(text),
            origin,
            rank: usize::MAX,
            literal: false,
        };
        if group == "DEFAULT"
            && let Some(text) = self.flags.get(name)
        {
            return Some(entry(text.clone(), Origin::CommandLine));
        }
        if group == "oslo_messaging_rabbit"
            && let Some(text) = self.url_query.get(name)
        {
            let literal = entry(text.clone(), Origin::UrlQuery);
            return Some(Entry {
                literal: true,
                ..literal
            });
        }
        let variable = format!("OS_{}__{}", group.to_uppercase(), name.to_uppercase());
        let text = (self.env)(&variable)?;
        Some(entry(text, Origin::Environment(variable)))
    }

    /// The last file that has any of the names wins; within it the newest name, its last line.
    fn in_files<'o>(&self, opt: &Opt<'o>) -> Option<(&'o str, &'o str, Entry)> {
        let mut best: Option<(&'o str, &'o str, &Entry)> = None;
        for (group, name) in names(opt) {
            if let Some(entry) = self.tree.entries(group, name).last()
                && best.is_none_or(|(_, _, other)| entry.rank > other.rank)
            {
                best = Some((group, name, entry));
            }
        }
        best.map(|(group, name, entry)| (group, name, entry.clone()))
    }

    fn resolve(&mut self, opt: &Opt<'_>, group: &str, name: &str, entry: Entry) -> Option<Found> {
        if (group, name) != (opt.group, opt.name) {
            self.warn(format!(
                "{}: [{group}] {name} is an old name, use [{}] {}",
                entry.origin, opt.group, opt.name
            ));
        }
        let mut tainted = opt.secret;
        let text = if entry.literal {
            entry.text
        } else {
            let Text::One(text) = &entry.text else {
                return None;
            };
            match self.expand(text, opt.group, 0, &mut tainted) {
                Ok(text) => Text::One(text),
                Err(reference) => {
                    let problem = if opt.secret {
                        "holds a `$` reference that names no option set here".to_owned()
                    } else {
                        format!("`${reference}` names no option set here, or refers to itself")
                    };
                    let allowed =
                        "$name, ${name}, ${group.name} of a set option, $$ for a dollar sign";
                    self.fault(opt, Some(&entry.origin), problem, allowed);
                    return None;
                }
            }
        };
        let shown = if tainted {
            HIDDEN.to_owned()
        } else {
            match &text {
                Text::One(text) => text.clone(),
                Text::Many(items) => items.join(", "),
            }
        };
        let setting = Setting {
            value: shown,
            origin: entry.origin.clone(),
        };
        self.settings
            .insert((opt.group.to_owned(), opt.name.to_owned()), setting);
        Some(Found {
            text,
            origin: entry.origin,
        })
    }

    /// Replaces references: a bare name is looked for in the option's own section first.
    fn expand(
        &self,
        text: &str,
        group: &str,
        depth: usize,
        tainted: &mut bool,
    ) -> Result<String, String> {
        substitute(text, &mut |reference| {
            if depth >= DEPTH {
                return None;
            }
            *tainted |= names_a_secret(reference);
            let places = match reference.split_once('.') {
                Some(("DEFAULT", _)) => return None,
                Some((group, name)) => vec![(group, name)],
                None => vec![(group, reference), ("DEFAULT", reference)],
            };
            for (group, name) in places {
                let opt = Opt::new(group, name);
                let found = self.outside_files(group, name);
                let found = found.or_else(|| self.in_files(&opt).map(|(_, _, entry)| entry));
                if let Some(Entry { text, literal, .. }) = found {
                    return match text {
                        Text::One(text) if literal => Some(text),
                        Text::One(text) => self.expand(&text, group, depth + 1, tainted).ok(),
                        Text::Many(items) => Some(items.join(",")),
                    };
                }
                if group == "DEFAULT"
                    && let Some(default) = super::machine::default(name)
                {
                    return self.expand(&default, group, depth + 1, tainted).ok();
                }
            }
            None
        })
    }
}

fn names<'o>(opt: &Opt<'o>) -> impl Iterator<Item = (&'o str, &'o str)> + use<'o> {
    std::iter::once((opt.group, opt.name)).chain(opt.old.iter().copied())
}
