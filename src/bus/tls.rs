//! TLS to the broker: whom we trust, who we are, and what a failed handshake means.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::BusError;
use crate::config::RabbitTls;

/// What to do when the broker does not want us.
const REFUSED: &str = "the broker refused: it may want another client certificate (ssl_cert_file, \
                       ssl_key_file)";

/// The client side of TLS under these options. Files are read anew each time, so that renewed
/// certificates count from the next connection on.
pub(super) fn client_config(tls: &RabbitTls) -> Result<Arc<ClientConfig>, BusError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = Arc::new(roots(tls.ca_file.as_deref())?);
    let chain = WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map_err(|error| setup(error.to_string()))?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(error.to_string()))?;
    let builder = if tls.verify_hostname {
        builder.with_webpki_verifier(chain)
    } else {
        let any_name = AnyName { chain, provider };
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(any_name))
    };
    let config = match (&tls.cert_file, &tls.key_file) {
        (Some(cert), Some(key)) => {
            let own = certificates(cert)?;
            let key_der = PrivateKeyDer::from_pem_slice(&read(key)?)
                .map_err(|_| unusable(key, "holds no PEM private key".to_owned()))?;
            builder
                .with_client_auth_cert(own, key_der)
                .map_err(|error| unusable(key, error.to_string()))?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

/// The authorities of `ssl_ca_file`, and only those; the system's without the option.
fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, BusError> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            roots.add_parsable_certificates(certificates(path)?);
            if roots.is_empty() {
                let problem = "holds no certificate that can be used".to_owned();
                return Err(unusable(path, problem));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                let problem = "the system has no certificate authorities: set ssl_ca_file";
                return Err(setup(problem.to_owned()));
            }
        }
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BusError> {
    let pem = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(unusable(path, "holds no PEM certificate".to_owned())),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BusError> {
    std::fs::read(path).map_err(|source| BusError::TlsFile {
        path: path.display().to_string(),
        source,
    })
}

fn unusable(path: &Path, problem: String) -> BusError {
    BusError::TlsFile {
        path: path.display().to_string(),
        source: io::Error::new(io::ErrorKind::InvalidData, problem),
    }
}

fn setup(problem: String) -> BusError {
    BusError::TlsSetup(problem)
}

/// What a failed handshake with `host` (`host:port`) tells the operator.
pub(super) fn explain(host: String, error: &io::Error) -> BusError {
    let cause = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    let advice = match cause {
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => {
            "name the host in transport_url as its certificate does, or set \
             ssl_enforce_hostname_verification = false"
        }
        Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "no authority in ssl_ca_file (without it: of the system) has signed its certificate"
        }
        Some(Error::InvalidCertificate(_)) => "the broker's certificate must be replaced",
        Some(Error::InvalidMessage(_)) => {
            "the port does not speak TLS: name the broker's TLS port in transport_url, or set \
             ssl = false"
        }
        Some(Error::AlertReceived(_)) => REFUSED,
        _ => "check that transport_url names the broker's TLS port",
    };
    BusError::Tls {
        host,
        reason: error.to_string(),
        advice,
    }
}

/// What it tells when the broker ends the connection right after the handshake, which is when
/// it has seen our certificate. Its alert may be overtaken by the reset of the line.
pub(super) fn broken_off(host: String, error: &io::Error) -> BusError {
    BusError::Tls {
        host,
        reason: error.to_string(),
        advice: REFUSED,
    }
}

/// Checks the chain of a certificate, but not for whom it was made.
#[derive(Debug)]
struct AnyName {
    chain: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let checked = self.chain.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match checked {
            // The name is looked at last: the chain was found good before.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
