//! How images are reached: the `glance_*` options of `[DEFAULT]`, `[glance] region_name` and
//! `[service_user]`.

use std::path::PathBuf;
use std::time::Duration;

use super::keystone::{self, ServiceAccess};
use super::option::Opt;
use super::reader::Reader;

/// Where Glance is, in the catalog that comes with a request: `glance_catalog_info`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogInfo {
    /// Type of the service.
    pub service_type: String,
    /// `publicURL`, `internalURL` or `adminURL`.
    pub endpoint_type: String,
}

/// Options of the image service.
#[derive(Debug, Clone)]
pub struct GlanceOptions {
    /// `glance_api_servers` (default: the request's catalog): addresses, a scheme may be missing.
    pub api_servers: Vec<String>,
    /// `glance_catalog_info` (default `image:glance:publicURL`).
    pub catalog: CatalogInfo,
    /// `[glance] region_name`: of the catalog's endpoints; the first without it.
    pub region: Option<String>,
    /// `glance_num_retries` (default 3): tries after the first, of what may be tried again.
    pub num_retries: u32,
    /// `glance_api_insecure` (default false): certificates are not checked.
    pub insecure: bool,
    /// `glance_ca_certificates_file`: PEM file of authorities; `None` uses the machine's.
    pub ca_file: Option<PathBuf>,
    /// `glance_certfile`: PEM file of a certificate, shown to the server.
    pub certfile: Option<PathBuf>,
    /// `glance_keyfile`: PEM file of its key; without it the key is in `certfile`, too.
    pub keyfile: Option<PathBuf>,
    /// `glance_request_timeout` (default: 60 s for a question; of a transfer it is the time
    /// without a byte, by default 300 s).
    pub request_timeout: Option<Duration>,
    /// `verify_glance_signatures` (default `enabled`): signed images are taken only when their
    /// signature holds, and volumes tell whether it did.
    pub verify_signatures: bool,
    /// `[service_user]`, with `send_service_user_token`: its token goes with the user's, so that
    /// one that expires under a long transfer is still taken.
    pub service_user: Option<ServiceAccess>,
}

/// Reads the options of the image service.
pub(super) fn read(r: &mut Reader<'_>) -> GlanceOptions {
    let opt = Opt::default;
    let insecure = r.boolean(&opt("glance_api_insecure"), false);
    if insecure {
        r.warn("[DEFAULT] glance_api_insecure is on: certificates are not checked".to_owned());
    }
    let certfile = r.readable_file(&opt("glance_certfile"));
    let keyfile = r.readable_file(&opt("glance_keyfile"));
    if certfile.is_none() && keyfile.is_some() {
        r.warn("[DEFAULT] glance_keyfile is of no use without glance_certfile".to_owned());
    }
    let timeout = opt("glance_request_timeout");
    let request_timeout = r.filled(&timeout).map(|_| r.seconds(&timeout, 60, 1));
    let send = r.boolean(&Opt::new("service_user", "send_service_user_token"), false);
    let service_user = send.then(|| keystone::read(r, "service_user"));
    if let Some(access) = &service_user
        && access.account.is_none()
    {
        let opt = Opt::new("service_user", "auth_type");
        let problem = "send_service_user_token needs an account";
        r.fault(&opt, None, problem, "auth_type = password and its options");
    }
    let region = r.filled(&Opt::new("glance", "region_name"));
    let servers = r.list(&opt("glance_api_servers"));
    GlanceOptions {
        api_servers: servers
            .into_iter()
            .flat_map(|(servers, _)| servers)
            .filter(|server| !server.is_empty())
            .collect(),
        catalog: catalog_info(r),
        region: region.map(|(text, _)| text),
        num_retries: r.number(&opt("glance_num_retries"), 3, 0..=1000),
        insecure,
        ca_file: r.readable_file(&opt("glance_ca_certificates_file")),
        certfile,
        keyfile,
        request_timeout,
        verify_signatures: r.choice(
            &opt("verify_glance_signatures"),
            &["enabled", "disabled"],
            "enabled",
            false,
        ) == "enabled",
        service_user,
    }
}

fn catalog_info(r: &mut Reader<'_>) -> CatalogInfo {
    let opt = Opt::default("glance_catalog_info");
    let default = ("image", "publicURL");
    let info = |(kind, endpoint): (&str, &str)| CatalogInfo {
        service_type: kind.to_owned(),
        endpoint_type: endpoint.to_owned(),
    };
    let Some((text, origin)) = r.filled(&opt) else {
        return info(default);
    };
    match text.split(':').collect::<Vec<_>>()[..] {
        [kind, _, endpoint] => info((kind, endpoint)),
        _ => {
            let problem = format!("{text:?} is not allowed");
            let allowed = "<service_type>:<service_name>:<endpoint_type>";
            r.fault(&opt, Some(&origin), problem, allowed);
            info(default)
        }
    }
}
