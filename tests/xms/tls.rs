//! HTTPS: who is trusted, and how few handshakes it takes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cinder_volume_xtremio::backend::{Backend, BackendError};
use cinder_volume_xtremio::xms::{
    ClientOptions, ServerCertificate, Xms, XmsError, install_crypto_provider,
};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::fake::*;

/// An XMS over HTTPS that knows one cluster of 3.0, and counts its handshakes.
struct Https {
    url: String,
    handshakes: Arc<AtomicUsize>,
    dir: tempfile::TempDir,
}

impl Https {
    async fn start() -> Self {
        install_crypto_provider();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &ca)
            .unwrap();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![cert.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), ca.pem()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        let handshakes = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&handshakes);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, counter) = (acceptor.clone(), Arc::clone(&counter));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    counter.fetch_add(1, Ordering::SeqCst);
                    loop {
                        let request = read_request(&mut stream).await;
                        if request.is_empty() {
                            return;
                        }
                        let one = String::from_utf8_lossy(&request).contains("name=");
                        let body = if one {
                            cluster("xbrick", "3.0.3-11").to_string()
                        } else {
                            list("clusters", &["xbrick"]).to_string()
                        };
                        let reply = format!(
                            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                            body.len()
                        );
                        if stream.write_all(reply.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self {
            url,
            handshakes,
            dir,
        }
    }

    fn trusting(&self, certificate: ServerCertificate) -> ClientOptions {
        let mut options = client(self.url.clone());
        options.certificate = certificate;
        options
    }
}

#[tokio::test]
async fn a_ca_file_or_directory_makes_the_xms_trusted() {
    let https = Https::start().await;
    for path in [https.dir.path().join("ca.pem"), https.dir.path().to_owned()] {
        let options = https.trusting(ServerCertificate::Authorities(path));
        Xms::new(options).unwrap().session().await.expect("trusted");
    }
}

#[tokio::test]
async fn without_verification_anyone_is_trusted() {
    let https = Https::start().await;
    let options = https.trusting(ServerCertificate::Unverified);
    Xms::new(options)
        .unwrap()
        .session()
        .await
        .expect("not verified");
}

#[tokio::test]
async fn a_stranger_is_a_configuration_error_and_asked_once() {
    let https = Https::start().await;
    let stranger = Https::start().await;
    let ca = stranger.dir.path().join("ca.pem");
    let error = array(https.trusting(ServerCertificate::Authorities(ca.clone())))
        .setup()
        .await
        .unwrap_err();
    let BackendError::Config { reason } = &error else {
        panic!("{error:?}");
    };
    assert!(reason.contains("driver_ssl_cert_path"), "{reason}");
    let options = https.trusting(ServerCertificate::SystemAuthorities);
    let error = Xms::new(options).unwrap().session().await.unwrap_err();
    assert!(matches!(error, XmsError::Certificate { .. }), "{error:?}");
    assert_eq!(https.handshakes.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_the_certificate_does_not_bear_is_refused() {
    let https = Https::start().await;
    let ca = https.dir.path().join("ca.pem");
    let mut options = https.trusting(ServerCertificate::Authorities(ca));
    options.base_url = options.base_url.replace("localhost", "127.0.0.1");
    let error = Xms::new(options).unwrap().session().await.unwrap_err();
    assert!(matches!(error, XmsError::Certificate { .. }), "{error:?}");
}

#[tokio::test]
async fn missing_authorities_are_told_before_anything_is_sent() {
    let https = Https::start().await;
    let missing = PathBuf::from("/nonexistent/ca.pem");
    let error = Xms::new(https.trusting(ServerCertificate::Authorities(missing))).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/ca.pem"), "{error}");
}

#[tokio::test]
async fn calls_share_one_connection() {
    let https = Https::start().await;
    let array = array(https.trusting(ServerCertificate::Unverified));
    array.setup().await.expect("setup");
    for _ in 0..20 {
        array.stats().await.expect("stats");
    }
    assert_eq!(https.handshakes.load(Ordering::SeqCst), 1);
}
