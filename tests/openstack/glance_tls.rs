//! Glance over HTTPS: whom we believe, and what we show.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cinder_volume_xtremio::config::GlanceOptions;
use cinder_volume_xtremio::openstack::{Glance, GlanceError};
use cinder_volume_xtremio::xms::install_crypto_provider;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::glance::{caller, options};

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 28\r\nconnection: close\r\n\r\n{\"id\":\"i\",\"status\":\"active\"}";

/// One image over HTTPS, with an authority of its own.
struct Https {
    url: String,
    dir: tempfile::TempDir,
    task: JoinHandle<()>,
}

impl Https {
    /// `mutual`: only for clients with a certificate of this authority.
    async fn start(mutual: bool) -> Self {
        install_crypto_provider();
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = || KeyPair::generate().expect("a key");
        let ca = CertifiedIssuer::self_signed(params, key()).expect("an authority");
        let signed = |name: &str| {
            let key = key();
            let cert = CertificateParams::new(vec![name.to_owned()])
                .expect("parameters")
                .signed_by(&key, &ca)
                .expect("a certificate");
            (cert, key)
        };
        let dir = tempfile::tempdir().expect("a folder");
        let (cert, private) = signed("cinder");
        let files = [
            ("ca.pem", ca.pem()),
            ("client.pem", cert.pem()),
            ("client.key", private.serialize_pem()),
            (
                "both.pem",
                format!("{}{}", cert.pem(), private.serialize_pem()),
            ),
        ];
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).expect("written");
        }
        let (cert, private) = signed("localhost");
        let builder = rustls::ServerConfig::builder();
        let builder = if mutual {
            let mut roots = RootCertStore::empty();
            roots.add(ca.der().clone()).expect("an authority");
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        } else {
            builder.with_no_client_auth()
        };
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(private.serialize_der()));
        let config = builder
            .with_single_cert(vec![cert.der().clone()], private)
            .expect("a server");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who does not get through the handshake is seen at the other end.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                let _ = stream.write_all(ANSWER.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self {
            url: format!("https://localhost:{port}"),
            dir,
            task,
        }
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.dir.path().join(name))
    }

    fn options(&self) -> GlanceOptions {
        let mut options = options(std::slice::from_ref(&self.url));
        options.num_retries = 0;
        options
    }

    async fn show(&self, options: GlanceOptions) -> Result<(), GlanceError> {
        let glance = Glance::new(options)?;
        glance.show(&caller(), "i").await.map(|_| ())
    }
}

impl Drop for Https {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn its_authority_or_no_check_opens_the_door() {
    let (https, other) = (Https::start(false).await, Https::start(false).await);
    let mut options = https.options();
    options.ca_file = https.file("ca.pem");
    https.show(options.clone()).await.expect("its authority");
    options.ca_file = None;
    for ca_file in [None, other.file("ca.pem")] {
        options.ca_file = ca_file;
        let refused = https.show(options.clone()).await;
        assert!(
            matches!(&refused, Err(GlanceError::ConnectionFailed { reason, .. })
                if reason.contains("certificate")),
            "{refused:?}"
        );
    }
    options.insecure = true;
    https.show(options).await.expect("not checked");
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let https = Https::start(true).await;
    let mut options = https.options();
    options.ca_file = https.file("ca.pem");
    let stranger = https.show(options.clone()).await;
    assert!(
        matches!(stranger, Err(GlanceError::ConnectionFailed { .. })),
        "{stranger:?}"
    );
    options.certfile = https.file("client.pem");
    options.keyfile = https.file("client.key");
    https.show(options.clone()).await.expect("two files");
    options.certfile = https.file("both.pem");
    options.keyfile = None;
    https.show(options).await.expect("one file");
}

#[tokio::test]
async fn files_that_are_none_are_told_at_the_start() {
    let https = Https::start(false).await;
    let told = |change: &dyn Fn(&mut GlanceOptions), wanted: &str| {
        let mut options = https.options();
        change(&mut options);
        let error = Glance::new(options).expect_err("must not start");
        let text = error.to_string();
        assert!(
            matches!(error, GlanceError::Setup { .. }) && text.contains(wanted),
            "{text}"
        );
        assert!(!text.contains("PRIVATE"), "{text}");
    };
    let missing = Some(Path::new("/nonexistent.pem").to_owned());
    told(
        &|o| o.ca_file.clone_from(&missing),
        "glance_ca_certificates_file",
    );
    told(&|o| o.certfile.clone_from(&missing), "glance_certfile");
    told(
        &|o| o.certfile = https.file("client.pem"),
        "glance_certfile",
    );
}
