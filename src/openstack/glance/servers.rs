//! Where Glance is, for one caller.

use rand::seq::SliceRandom;
use serde_json::Value;

use super::GlanceError;
use crate::config::GlanceOptions;

/// Addresses, each up to the version, in random order: those of `glance_api_servers`, or the one
/// in the catalog of the request.
pub(super) fn of(options: &GlanceOptions, catalog: &[Value]) -> Result<Vec<String>, GlanceError> {
    let mut servers: Vec<String> = match options.api_servers.as_slice() {
        [] => from_catalog(options, catalog).into_iter().collect(),
        listed => listed.iter().map(|server| normal(server)).collect(),
    };
    if servers.is_empty() {
        return Err(GlanceError::NoServer {
            service_type: options.catalog.service_type.clone(),
        });
    }
    servers.shuffle(&mut rand::rng());
    Ok(servers)
}

fn from_catalog(options: &GlanceOptions, catalog: &[Value]) -> Option<String> {
    let of_type = |entry: &&Value| entry["type"] == *options.catalog.service_type;
    let endpoints = catalog.iter().find(of_type)?["endpoints"].as_array()?;
    let in_region = options.region.as_deref().and_then(|region| {
        endpoints
            .iter()
            .find(|endpoint| endpoint["region"] == region)
    });
    let endpoint = in_region.or_else(|| endpoints.first())?;
    Some(normal(endpoint[&options.catalog.endpoint_type].as_str()?))
}

/// With a scheme, without a version and a slash at its end.
fn normal(server: &str) -> String {
    let server = server.trim().trim_end_matches('/');
    let bare = match server.rsplit_once('/') {
        Some((before, version)) if is_version(version) => before,
        _ => server,
    };
    if bare.contains("//") {
        bare.to_owned()
    } else {
        format!("http://{bare}")
    }
}

fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_brought_into_one_form() {
        for (given, normalised) in [
            ("glance:9292", "http://glance:9292"),
            ("https://g/image/v2/", "https://g/image"),
            ("http://g:9292/v2.0", "http://g:9292"),
            ("http://g:9292/vault", "http://g:9292/vault"),
        ] {
            assert_eq!(normal(given), normalised);
        }
    }
}
