//! Images: what is asked of Glance, and what becomes of answers that should not be.

use std::io::SeekFrom;
use std::path::PathBuf;
use std::time::Duration;

use cinder_volume_xtremio::config::{CatalogInfo, GlanceOptions};
use cinder_volume_xtremio::openstack::{Caller, Glance, GlanceError, Upload};
use secrecy::SecretString;
use serde_json::json;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use wiremock::matchers::{header, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::glance::TestGlance;

const TOKEN: &str = "the-users-token";
const UNKNOWN: &str = "4be0ab8a-0000-4000-8000-000000000000";

pub(super) fn options(servers: &[String]) -> GlanceOptions {
    GlanceOptions {
        api_servers: servers.to_vec(),
        catalog: CatalogInfo {
            service_type: "image".to_owned(),
            endpoint_type: "publicURL".to_owned(),
        },
        region: None,
        num_retries: 1,
        insecure: false,
        ca_file: None,
        certfile: None,
        keyfile: None,
        request_timeout: Some(Duration::from_secs(5)),
        verify_signatures: true,
        service_user: None,
    }
}

pub(super) fn caller() -> Caller {
    Caller {
        auth_token: Some(SecretString::from(TOKEN)),
        service_catalog: Vec::new(),
        request_id: "req-1".to_owned(),
    }
}

async fn reaching(server: &TestGlance) -> Glance {
    Glance::new(options(&[format!("127.0.0.1:{}", server.port)])).expect("a client")
}

pub(super) async fn scratch() -> (tempfile::TempDir, PathBuf, File) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("image");
    let file = File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(&path)
        .await
        .expect("a file");
    (dir, path, file)
}

fn bytes() -> Vec<u8> {
    (0..3_000_000_u32).flat_map(|n| n.to_le_bytes()).collect()
}

#[tokio::test]
async fn the_bytes_of_an_image_arrive_whole_and_are_counted() {
    let server = TestGlance::start().await;
    let id = server.image("raw", bytes());
    let glance = reaching(&server).await;
    let image = glance.show(&caller(), &id).await.expect("an image");
    assert_eq!(image.size, Some(12_000_000));
    assert_eq!(image.disk_format.as_deref(), Some("raw"));
    assert_eq!(image.volume_metadata()["os_type"], "linux");
    let (_dir, path, mut file) = scratch().await;
    let seen = std::sync::atomic::AtomicU64::new(0);
    let reached = |n| seen.store(n, std::sync::atomic::Ordering::Relaxed);
    let done = glance.download(&caller(), &image, &mut file, reached).await;
    done.expect("downloaded");
    assert_eq!(seen.into_inner(), 12_000_000);
    assert!(std::fs::read(path).expect("the file") == bytes());
}

#[tokio::test]
async fn bytes_of_another_sum_or_size_are_refused() {
    let server = TestGlance::start().await;
    let id = server.image("raw", b"good bytes".as_slice());
    let glance = reaching(&server).await;
    let faults = [
        json!({"os_hash_algo": "sha512", "os_hash_value": "00"}),
        json!({"os_hash_algo": "sha256", "os_hash_value": "00"}),
        json!({"checksum": "00"}),
        // An algorithm nobody knows: the other sum counts.
        json!({"os_hash_algo": "sha1024", "os_hash_value": "00", "checksum": "00"}),
        json!({"size": 9}),
        json!({"size": 11}),
    ];
    for fault in faults {
        server.change(&id, |image| image.properties = fault.clone());
        let image = glance.show(&caller(), &id).await.expect("an image");
        let (_dir, _path, mut file) = scratch().await;
        let done = glance.download(&caller(), &image, &mut file, |_| ()).await;
        assert!(
            matches!(done, Err(GlanceError::Damaged { .. })),
            "{fault}: {done:?}"
        );
    }
    let listed = {
        use md5::Digest as _;
        hex::encode(md5::Md5::digest(b"good bytes"))
    };
    server.change(&id, |image| {
        image.properties = json!({"checksum": listed.to_uppercase()})
    });
    let image = glance.show(&caller(), &id).await.expect("an image");
    let (_dir, _path, mut file) = scratch().await;
    let done = glance.download(&caller(), &image, &mut file, |_| ()).await;
    done.expect("case is of no matter");
}

#[tokio::test]
async fn a_download_that_breaks_off_is_begun_anew() {
    let broken = MockServer::start().await;
    let whole = b"0123456789".to_vec();
    let answer = |status| {
        Mock::given(method("GET"))
            .and(path("/v2/images/i/file"))
            .respond_with(status)
    };
    answer(ResponseTemplate::new(503))
        .up_to_n_times(1)
        .mount(&broken)
        .await;
    answer(ResponseTemplate::new(200).set_body_bytes(whole.clone()))
        .mount(&broken)
        .await;
    let described = json!({"id": "i", "status": "active", "size": 10});
    Mock::given(method("GET"))
        .and(path("/v2/images/i"))
        .and(header("X-Auth-Token", TOKEN))
        .and(header("X-OpenStack-Request-ID", "req-1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(described))
        .mount(&broken)
        .await;
    let glance = Glance::new(options(&[broken.uri()])).expect("a client");
    let image = glance.show(&caller(), "i").await.expect("an image");
    let (_dir, _path, mut file) = scratch().await;
    tokio::io::AsyncWriteExt::write_all(&mut file, b"left from before, and longer than that")
        .await
        .expect("written");
    let done = glance.download(&caller(), &image, &mut file, |_| ()).await;
    done.expect("the second time");
    let mut found = Vec::new();
    file.seek(SeekFrom::Start(0)).await.expect("the start");
    file.read_to_end(&mut found).await.expect("read");
    assert_eq!(found, whole);
}

#[tokio::test]
async fn an_image_gets_its_bytes_once() {
    let server = TestGlance::start().await;
    let id = server.queued("raw");
    let glance = reaching(&server).await;
    let upload = Upload {
        image_id: id.clone(),
        store_id: Some("fast".to_owned()),
        base_image_ref: None,
    };
    let data = bytes();
    let length = data.len() as u64;
    let source = std::io::Cursor::new(data.clone());
    glance
        .upload(&caller(), &upload, source, length)
        .await
        .expect("uploaded");
    let stored = server.stored(&id).expect("the image");
    assert_eq!(stored.status, "active");
    assert!(stored.data == data);
    let again = std::io::Cursor::new(data);
    let again = glance.upload(&caller(), &upload, again, length).await;
    assert!(
        matches!(again, Err(GlanceError::Refused { status: 409, .. })),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_source_that_ends_early_leaves_no_active_image() {
    let server = TestGlance::start().await;
    let id = server.queued("raw");
    let glance = reaching(&server).await;
    let upload = Upload {
        image_id: id.clone(),
        store_id: None,
        base_image_ref: None,
    };
    let short = std::io::Cursor::new(vec![7; 1000]);
    let ended = glance.upload(&caller(), &upload, short, 2000).await;
    assert!(
        matches!(&ended, Err(GlanceError::Read { source, .. })
            if source.to_string() == "they end after 1000 of 2000 bytes"),
        "{ended:?}"
    );
    let status = server.stored(&id).expect("the image").status;
    assert_ne!(status, "active");
}

#[tokio::test]
async fn what_glance_refuses_has_a_name() {
    let server = TestGlance::start().await;
    let glance = reaching(&server).await;
    let missing = glance.show(&caller(), UNKNOWN).await;
    assert!(
        matches!(missing, Err(GlanceError::NotFound { .. })),
        "{missing:?}"
    );
    let id = server.image("raw", b"x".as_slice());
    let nobody = glance.show(&Caller::default(), &id).await;
    assert!(
        matches!(nobody, Err(GlanceError::NotAuthorized { status: 401, .. })),
        "{nobody:?}"
    );
    glance.delete(&caller(), &id).await.expect("deleted");
    assert!(server.stored(&id).is_none());
    let nowhere = Glance::new(options(&[])).expect("a client");
    let lost = nowhere.show(&caller(), &id).await;
    assert!(
        matches!(lost, Err(GlanceError::NoServer { .. })),
        "{lost:?}"
    );
}

#[tokio::test]
async fn the_catalog_of_the_request_tells_where_it_is() {
    let server = TestGlance::start().await;
    let id = server.image("qcow2", b"x".as_slice());
    let url = format!("http://127.0.0.1:{}/v2", server.port);
    let mut asks = caller();
    asks.service_catalog = vec![
        json!({"type": "identity", "endpoints": [{"publicURL": "http://nowhere.invalid"}]}),
        json!({"type": "image", "endpoints": [
            {"region": "elsewhere", "publicURL": "http://nowhere.invalid"},
            {"region": "here", "publicURL": url, "internalURL": "http://nowhere.invalid"},
        ]}),
    ];
    let mut options = options(&[]);
    options.region = Some("here".to_owned());
    let glance = Glance::new(options).expect("a client");
    glance.show(&asks, &id).await.expect("found by its region");
}

#[tokio::test]
async fn a_server_that_is_away_is_passed_over_and_nothing_tells_the_token() {
    let server = TestGlance::start().await;
    let id = server.image("raw", b"x".as_slice());
    let dead = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").to_string()
    };
    let both = [dead.clone(), format!("127.0.0.1:{}", server.port)];
    let glance = Glance::new(options(&both)).expect("a client");
    for _ in 0..4 {
        glance
            .show(&caller(), &id)
            .await
            .expect("the other one answers");
    }
    let glance = Glance::new(options(&[dead])).expect("a client");
    let error = glance
        .show(&caller(), &id)
        .await
        .expect_err("nobody answers");
    assert!(
        matches!(error, GlanceError::ConnectionFailed { .. }),
        "{error:?}"
    );
    let told = format!("{error} {error:?} {glance:?} {:?}", caller());
    assert!(!told.contains(TOKEN), "{told}");
}

/// Both tokens go; one that was revoked before its time is fetched anew, once.
#[tokio::test]
async fn the_service_user_vouches_for_the_request() {
    use cinder_volume_xtremio::config::{Account, Named, Scope, ServiceAccess};
    let server = MockServer::start().await;
    let issued = json!({"token": {"expires_at": "2100-01-01T00:00:00Z", "catalog": []}});
    Mock::given(method("POST"))
        .and(path("/v3/auth/tokens"))
        .respond_with(
            ResponseTemplate::new(201)
                .insert_header("X-Subject-Token", "the-services-token")
                .set_body_json(issued),
        )
        .expect(3)
        .mount(&server)
        .await;
    let refusal = |id| Mock::given(method("GET")).and(path(format!("/v2/images/{id}")));
    refusal("i")
        .respond_with(ResponseTemplate::new(401))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    refusal("closed")
        .respond_with(ResponseTemplate::new(401))
        .expect(2)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/v2/images/i"))
        .and(header("X-Auth-Token", TOKEN))
        .and(header("X-Service-Token", "the-services-token"))
        .and(header_exists("X-OpenStack-Request-ID"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"id": "i", "status": "active"})),
        )
        .expect(2)
        .mount(&server)
        .await;
    let mut options = options(&[server.uri()]);
    options.service_user = Some(ServiceAccess {
        section: "service_user".to_owned(),
        account: Some(Account {
            auth_url: server.uri(),
            user: Named::Name("cinder".to_owned()),
            user_domain: Some(Named::Id("default".to_owned())),
            password: SecretString::from("pw"),
            scope: Scope::Unscoped,
        }),
        region: None,
        interface: "public",
        cafile: None,
        insecure: false,
        timeout: Duration::from_secs(5),
    });
    let glance = Glance::new(options).expect("a client");
    for _ in 0..2 {
        glance.show(&caller(), "i").await.expect("an image");
    }
    let refused = glance.show(&caller(), "closed").await;
    assert!(
        matches!(refused, Err(GlanceError::NotAuthorized { status: 401, .. })),
        "{refused:?}"
    );
}
