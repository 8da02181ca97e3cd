//! A simulated XMS of a test's own, and a plain HTTPS client for it.

use std::sync::Arc;

use cinder_volume_xtremio::sim::{Sim, SimHandle, SimOptions, XmsVersion};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

/// User of [`SimOptions::new`].
pub(crate) const USER: &str = "admin";
/// Password of [`SimOptions::new`].
pub(crate) const PASSWORD: &str = "Xtrem10";

/// A running simulator.
pub(crate) struct TestXms {
    pub(crate) sim: SimHandle,
    pub(crate) http: reqwest::Client,
}

/// Status and body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl TestXms {
    /// An array with the customary options.
    pub(crate) async fn start(version: XmsVersion) -> Self {
        Self::start_with(SimOptions::new(version)).await
    }

    pub(crate) async fn start_with(options: SimOptions) -> Self {
        let sim = Sim::start(options).await.unwrap();
        let http = client(&sim.ca_pem);
        Self { sim, http }
    }

    /// Sends one request; `path` is what follows `/api/json/`.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, reqwest::Error> {
        let method = method.parse().unwrap();
        let mut request = self
            .http
            .request(method, format!("{}/api/json/{path}", self.sim.url))
            .basic_auth(USER, Some(PASSWORD));
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body })
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.send("GET", path, None).await.unwrap();
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.body);
        answer.body
    }

    /// The `content` of one object.
    pub(crate) async fn content(&self, path: &str) -> Value {
        self.get(path).await["content"].clone()
    }

    /// Indexes of what a POST made.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Vec<u64> {
        let answer = self.send("POST", path, Some(body.clone())).await.unwrap();
        assert_eq!(answer.status, 201, "POST {path} {body}: {}", answer.body);
        let index = |link: &Value| {
            link["href"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .parse()
        };
        let links = answer.body["links"].as_array().unwrap();
        links.iter().map(|link| index(link).unwrap()).collect()
    }

    pub(crate) async fn put(&self, path: &str, body: Value) {
        let answer = self.send("PUT", path, Some(body.clone())).await.unwrap();
        assert_eq!(answer.status, 200, "PUT {path} {body}: {}", answer.body);
    }

    pub(crate) async fn delete(&self, path: &str) {
        let answer = self.send("DELETE", path, None).await.unwrap();
        assert_eq!(answer.status, 200, "DELETE {path}: {}", answer.body);
    }

    /// The message of a request that must be refused with 400.
    pub(crate) async fn refused(&self, method: &str, path: &str, body: Value) -> String {
        let answer = self.send(method, path, Some(body.clone())).await.unwrap();
        assert_eq!(
            answer.status, 400,
            "{method} {path} {body}: {}",
            answer.body
        );
        assert_eq!(answer.body["error_code"], json!(400));
        answer.body["message"].as_str().unwrap().to_owned()
    }

    /// One request to the admin interface.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        let url = format!("{}{path}", self.sim.admin_url);
        let request = self.http.request(method.parse().unwrap(), url);
        let response = request.body(body.to_string()).send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            body: serde_json::from_str(&response.text().await.unwrap()).unwrap(),
        }
    }
}

/// A client that trusts only this authority.
pub(crate) fn client(ca_pem: &str) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap();
    roots.add(ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .build()
        .unwrap()
}
