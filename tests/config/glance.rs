//! Options of the image service.

use std::path::Path;
use std::time::Duration;

use super::{BASE, Files, base_and, faults};

#[test]
fn defaults_are_those_of_cinder() {
    let glance = Files::with(BASE).load().unwrap().config.glance;
    assert!(glance.api_servers.is_empty());
    assert_eq!(
        (
            glance.catalog.service_type.as_str(),
            glance.catalog.endpoint_type.as_str(),
        ),
        ("image", "publicURL")
    );
    assert_eq!(glance.num_retries, 3);
    assert!(!glance.insecure && glance.verify_signatures);
    assert!(glance.request_timeout.is_none() && glance.region.is_none());
    assert!(glance.ca_file.is_none() && glance.certfile.is_none() && glance.keyfile.is_none());
    assert!(glance.service_user.is_none());
}

#[test]
fn an_operators_values_are_read() {
    let loaded = base_and(
        "[DEFAULT]\nglance_api_servers = g1:9292, https://g2/image\nglance_num_retries = 0\n\
         glance_catalog_info = img::internalURL\nglance_request_timeout = 7\n\
         glance_api_insecure = true\nglance_ca_certificates_file = /dev/null\n\
         glance_keyfile = /dev/null\nverify_glance_signatures = disabled\n\
         [glance]\nregion_name = east\n\
         [service_user]\nsend_service_user_token = true\nauth_type = password\n\
         auth_url = http://k/v3\nusername = cinder\npassword = s3cret\nuser_domain_name = d\n",
    )
    .unwrap();
    let glance = &loaded.config.glance;
    assert_eq!(glance.api_servers, ["g1:9292", "https://g2/image"]);
    assert_eq!(glance.num_retries, 0);
    assert_eq!(glance.catalog.service_type, "img");
    assert_eq!(glance.catalog.endpoint_type, "internalURL");
    assert_eq!(glance.request_timeout, Some(Duration::from_secs(7)));
    assert_eq!(glance.ca_file.as_deref(), Some(Path::new("/dev/null")));
    assert_eq!(glance.region.as_deref(), Some("east"));
    assert!(!glance.verify_signatures);
    assert!(glance.service_user.is_some());
    for said in ["glance_api_insecure", "glance_keyfile"] {
        let warned = loaded.warnings.iter().any(|one| one.contains(said));
        assert!(warned, "{said}: {:?}", loaded.warnings);
    }
    assert!(!format!("{glance:?}").contains("s3cret"));
}

#[test]
fn what_cannot_be_meant_is_told_all_at_once() {
    let told = faults(base_and(
        "[DEFAULT]\nglance_catalog_info = image\nverify_glance_signatures = maybe\n\
         glance_certfile = /nonexistent.pem\n[service_user]\nsend_service_user_token = true\n",
    ));
    for wanted in [
        "[DEFAULT] glance_catalog_info: ",
        "[DEFAULT] verify_glance_signatures: ",
        "[DEFAULT] glance_certfile: ",
        "[service_user] auth_type: ",
    ] {
        assert!(told.iter().any(|one| one.starts_with(wanted)), "{told:?}");
    }
    assert_eq!(told.len(), 4, "{told:?}");
}
