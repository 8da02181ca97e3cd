//! The account and the session with which another service of the cloud is called: the options
//! that keystoneauth1 adds to a section such as `[nova]`.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::option::Opt;
use super::reader::Reader;

/// A name or an id, of a user, project or domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// `*_id`
    Id(String),
    /// `*_name`
    Name(String),
}

/// What the token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// `project_id`, or `project_name` in a domain.
    Project(Named, Option<Named>),
    /// `domain_id` or `domain_name`.
    Domain(Named),
    /// `system_scope = all`.
    System,
    /// As keystone chooses.
    Unscoped,
}

/// An account in keystone: `auth_type = password`.
#[derive(Debug, Clone)]
pub struct Account {
    /// `auth_url`, without a version at its end.
    pub auth_url: String,
    /// `user_id`, or `username` in a domain.
    pub user: Named,
    /// `user_domain_id` / `user_domain_name`; of no use to a user's id.
    pub user_domain: Option<Named>,
    /// `password`
    pub password: SecretString,
    /// What the token is scoped to.
    pub scope: Scope,
}

/// How a service is found and called.
#[derive(Debug, Clone)]
pub struct ServiceAccess {
    /// The section, for messages.
    pub section: String,
    /// Who calls; `None` without `auth_type`.
    pub account: Option<Account>,
    /// `region_name`
    pub region: Option<String>,
    /// `interface` (default `public`): `public`, `internal` or `admin`.
    pub interface: &'static str,
    /// `cafile`: PEM file of authorities; `None` uses the machine's.
    pub cafile: Option<PathBuf>,
    /// `insecure` (default false): certificates are not checked.
    pub insecure: bool,
    /// `timeout` (default 60 s): deadline of one call.
    pub timeout: Duration,
}

/// Reads the section; its account may stand in another one (`auth_section`).
pub(super) fn read(r: &mut Reader<'_>, section: &str) -> ServiceAccess {
    let opt = |name| Opt::new(section, name);
    let account_in = r
        .filled(&opt("auth_section"))
        .map_or_else(|| section.to_owned(), |(text, _)| text);
    let insecure = r.boolean(&opt("insecure"), false);
    if insecure {
        r.warn(format!(
            "[{section}] insecure is on: certificates are not checked"
        ));
    }
    ServiceAccess {
        section: section.to_owned(),
        account: account(r, &account_in),
        region: r.filled(&opt("region_name")).map(|(text, _)| text),
        interface: r.choice(
            &opt("interface"),
            &["public", "internal", "admin"],
            "public",
            false,
        ),
        cafile: r.readable_file(&opt("cafile")),
        insecure,
        timeout: r.seconds(&opt("timeout"), 60, 1),
    }
}

fn account(r: &mut Reader<'_>, section: &str) -> Option<Account> {
    let opt = |name| Opt::new(section, name);
    let kind = opt("auth_type");
    let (text, origin) = r.filled(&kind)?;
    if !["password", "v3password"].contains(&text.as_str()) {
        let problem = format!("{text:?} is not supported");
        r.fault(&kind, Some(&origin), problem, "password, v3password");
        return None;
    }
    let old_user: [(&str, &str); 2] = [(section, "user_name"), (section, "user-name")];
    let old_project: [(&str, &str); 2] = [(section, "tenant_name"), (section, "tenant-name")];
    let old_project_id: [(&str, &str); 2] = [(section, "tenant_id"), (section, "tenant-id")];
    let mut one = |id: Opt<'_>, name: Opt<'_>| {
        let id = r.filled(&id).map(|(text, _)| Named::Id(text));
        id.or_else(|| r.filled(&name).map(|(text, _)| Named::Name(text)))
    };
    let default_domain = one(opt("default_domain_id"), opt("default_domain_name"));
    let user = one(opt("user_id"), opt("username").old(&old_user));
    let user_domain = one(opt("user_domain_id"), opt("user_domain_name"));
    let project = one(
        opt("project_id").old(&old_project_id),
        opt("project_name").old(&old_project),
    );
    let project_domain = one(opt("project_domain_id"), opt("project_domain_name"));
    let domain = one(opt("domain_id"), opt("domain_name"));
    let system = r.filled(&opt("system_scope"));
    let auth_url = r.filled(&opt("auth_url"));
    let password = r.filled(&opt("password").secret());
    let (Some(user), Some((auth_url, _)), Some((password, _))) = (user, auth_url, password) else {
        let problem = format!("needs auth_url, username and password in [{section}]");
        r.fault(&kind, Some(&origin), problem, "all three set");
        return None;
    };
    let scope = match (project, domain, system) {
        (Some(project), _, _) => Scope::Project(project, project_domain.or(default_domain.clone())),
        (None, Some(domain), _) => Scope::Domain(domain),
        (None, None, Some((all, _))) if all == "all" => Scope::System,
        _ => Scope::Unscoped,
    };
    Some(Account {
        auth_url: without_version(&auth_url),
        user,
        user_domain: user_domain.or(default_domain),
        password: password.into(),
        scope,
    })
}

/// Operators write `auth_url` with and without its version.
fn without_version(url: &str) -> String {
    let url = url.trim().trim_end_matches('/');
    let bare = url
        .strip_suffix("/v3")
        .or_else(|| url.strip_suffix("/v2.0"));
    bare.unwrap_or(url).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_may_stand_at_the_end() {
        for url in [
            "http://k/",
            "http://k",
            "http://k/v3",
            "http://k/v3/",
            "http://k/v2.0",
        ] {
            assert_eq!(without_version(url), "http://k", "{url}");
        }
        assert_eq!(without_version("http://k/identity/v3"), "http://k/identity");
    }
}
