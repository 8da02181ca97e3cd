//! Trust in the certificate of the XMS.

use std::path::{Path, PathBuf};

use reqwest::{Certificate, ClientBuilder};

use super::error::XmsError;

/// How the certificate that the XMS shows is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerCertificate {
    /// Not at all (`driver_ssl_cert_verify = false`, the default of the option).
    Unverified,
    /// By the machine's certificate authorities.
    SystemAuthorities,
    /// By the authorities in this PEM file, or in the PEM files of this directory, only.
    Authorities(PathBuf),
}

/// Makes ring the process-wide crypto provider of rustls, unless there is one already.
pub fn install_crypto_provider() {
    // An error says that another provider won the race: also fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Applies the choice to a client, and says loudly when nothing is verified.
pub(super) fn apply(
    certificate: &ServerCertificate,
    address: &str,
    builder: ClientBuilder,
) -> Result<ClientBuilder, XmsError> {
    match certificate {
        ServerCertificate::Unverified => {
            tracing::warn!(
                xms.address = address,
                "the certificate of the XMS is NOT verified: anyone between here and the XMS can \
                 read its password; set driver_ssl_cert_verify = true and driver_ssl_cert_path"
            );
            Ok(builder.tls_danger_accept_invalid_certs(true))
        }
        ServerCertificate::SystemAuthorities => Ok(builder),
        ServerCertificate::Authorities(path) => Ok(builder.tls_certs_only(authorities(path)?)),
    }
}

/// Certificates of a PEM file, or of all PEM files in a directory.
fn authorities(path: &Path) -> Result<Vec<Certificate>, XmsError> {
    let fault = |what: String| XmsError::Setup {
        reason: format!("driver_ssl_cert_path {}: {what}", path.display()),
    };
    let mut certificates = Vec::new();
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|e| fault(e.to_string()))?;
        for entry in entries {
            let file = entry.map_err(|e| fault(e.to_string()))?.path();
            // Such directories also hold keys, lists and notes.
            if file.is_file()
                && let Ok(pem) = std::fs::read(&file)
                && let Ok(found) = Certificate::from_pem_bundle(&pem)
            {
                certificates.extend(found);
            }
        }
    } else {
        let pem = std::fs::read(path).map_err(|e| fault(e.to_string()))?;
        certificates = Certificate::from_pem_bundle(&pem)
            .map_err(|_| fault("not a PEM file of certificates".to_owned()))?;
    }
    if certificates.is_empty() {
        return Err(fault("holds no certificate".to_owned()));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn self_signed() -> String {
        rcgen::generate_simple_self_signed(["xms".to_owned()])
            .unwrap()
            .cert
            .pem()
    }

    #[test]
    fn a_file_may_hold_several_authorities() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.pem");
        std::fs::write(&file, self_signed() + &self_signed()).unwrap();
        assert_eq!(authorities(&file).unwrap().len(), 2);
    }

    #[test]
    fn a_directory_gives_the_certificates_among_its_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.pem"), self_signed()).unwrap();
        std::fs::write(dir.path().join("0ff1ce.0"), self_signed()).unwrap();
        std::fs::write(dir.path().join("README"), "no certificate").unwrap();
        assert_eq!(authorities(dir.path()).unwrap().len(), 2);
    }

    #[test]
    fn what_holds_no_certificate_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let empty = dir.path().join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        for path in [dir.path().join("missing.pem"), empty, dir.path().to_owned()] {
            let reason = authorities(&path).unwrap_err().to_string();
            assert!(reason.contains("driver_ssl_cert_path"), "{reason}");
            assert!(reason.contains(path.to_str().unwrap()), "{reason}");
        }
    }
}
