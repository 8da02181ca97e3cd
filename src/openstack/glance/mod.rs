//! Glance: what an image is, its bytes, and an image made of a volume's bytes.
//!
//! Called with the token of the request, as cinder-volume does; with `[service_user]
//! send_service_user_token` the service's own goes with it.

mod error;
mod image;
mod servers;
mod sums;
mod transfer;

use std::future::Future;
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, Method, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tracing::warn;

pub use error::GlanceError;
pub use image::Image;
pub use transfer::Upload;

use super::keystone::{Keystone, chain};
use crate::config::GlanceOptions;
use crate::retry::Delays;

const QUESTION: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_secs(300);

/// Who asks: what the context of a request holds of it.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// `auth_token`
    pub auth_token: Option<SecretString>,
    /// `service_catalog`
    pub service_catalog: Vec<Value>,
    /// `global_request_id`, else `request_id`.
    pub request_id: String,
}

/// The image service.
#[derive(Debug)]
pub struct Glance {
    options: GlanceOptions,
    http: Client,
    service_user: Option<Keystone>,
}

impl Glance {
    /// Nothing is sent before the first call.
    ///
    /// # Errors
    /// [`GlanceError::Setup`] when a file of certificates cannot be used.
    pub fn new(options: GlanceOptions) -> Result<Self, GlanceError> {
        let service_user = match &options.service_user {
            Some(access) => {
                let keystone = Keystone::new(access.clone());
                Some(keystone.map_err(GlanceError::ServiceToken)?)
            }
            None => None,
        };
        Ok(Self {
            http: client(&options)?,
            options,
            service_user,
        })
    }

    /// `verify_glance_signatures`
    pub fn verifies_signatures(&self) -> bool {
        self.options.verify_signatures
    }

    /// What Glance says of the image.
    ///
    /// # Errors
    /// [`GlanceError::NotFound`], [`GlanceError::NotAuthorized`],
    /// [`GlanceError::ConnectionFailed`] after all tries.
    pub async fn show(&self, caller: &Caller, image_id: &str) -> Result<Image, GlanceError> {
        const CALL: &str = "GET image";
        let path = &path_of(image_id)?;
        let timeout = self.options.request_timeout.unwrap_or(QUESTION);
        self.retried(caller, |server| async move {
            let request = self
                .request(caller, Method::GET, &format!("{server}{path}"))
                .await?
                .timeout(timeout);
            let response = self.send(CALL, image_id, request).await?;
            response
                .json()
                .await
                .map_err(|error| GlanceError::Protocol {
                    image_id: image_id.to_owned(),
                    call: CALL,
                    reason: chain(&error.without_url()),
                })
        })
        .await
    }

    /// Deletes the image.
    ///
    /// # Errors
    /// As [`Glance::show`].
    pub async fn delete(&self, caller: &Caller, image_id: &str) -> Result<(), GlanceError> {
        let path = &path_of(image_id)?;
        let timeout = self.options.request_timeout.unwrap_or(QUESTION);
        self.retried(caller, |server| async move {
            let request = self
                .request(caller, Method::DELETE, &format!("{server}{path}"))
                .await?
                .timeout(timeout);
            self.send("DELETE image", image_id, request).await?;
            Ok(())
        })
        .await
    }

    /// How long a transfer may stand still.
    fn idle(&self) -> Duration {
        self.options.request_timeout.unwrap_or(IDLE)
    }

    /// Asks one server after the other, and the first again, until one answers or
    /// `glance_num_retries` are used up.
    async fn retried<T, F>(
        &self,
        caller: &Caller,
        call: impl Fn(String) -> F,
    ) -> Result<T, GlanceError>
    where
        F: Future<Output = Result<T, GlanceError>>,
    {
        let servers = servers::of(&self.options, &caller.service_catalog)?;
        let mut delays = Delays::constant(Duration::from_secs(1));
        let (mut tries, mut renewed) = (0, self.service_user.is_none());
        loop {
            let server = &servers[tries as usize % servers.len()];
            match call(server.clone()).await {
                Err(error) if error.is_transient() && tries < self.options.num_retries => {
                    warn!(%error, "asking glance again");
                    tries += 1;
                    tokio::time::sleep(delays.next_delay()).await;
                }
                // Only the service's token can be another one the next time.
                Err(GlanceError::NotAuthorized { status: 401, .. }) if !renewed => renewed = true,
                outcome => return outcome,
            }
        }
    }

    async fn request(
        &self,
        caller: &Caller,
        method: Method,
        url: &str,
    ) -> Result<RequestBuilder, GlanceError> {
        let mut request = self.http.request(method, url);
        if let Some(token) = &caller.auth_token {
            request = request.header("X-Auth-Token", token.expose_secret());
        }
        if let Some(keystone) = &self.service_user {
            let token = keystone.token().await.map_err(GlanceError::ServiceToken)?;
            request = request.header("X-Service-Token", token.id.expose_secret());
        }
        if !caller.request_id.is_empty() {
            request = request.header("X-OpenStack-Request-ID", &caller.request_id);
        }
        Ok(request)
    }

    async fn send(
        &self,
        call: &'static str,
        image_id: &str,
        request: RequestBuilder,
    ) -> Result<Response, GlanceError> {
        let response = request
            .send()
            .await
            .map_err(|error| GlanceError::ConnectionFailed {
                call,
                reason: chain(&error.without_url()),
            })?;
        let image_id = || image_id.to_owned();
        match response.status().as_u16() {
            200..=299 => Ok(response),
            404 => Err(GlanceError::NotFound {
                image_id: image_id(),
            }),
            413 => Err(GlanceError::LimitExceeded {
                image_id: image_id(),
                call,
            }),
            status @ (401 | 403) => {
                if let (401, Some(keystone)) = (status, &self.service_user) {
                    // The token may have been revoked before its time.
                    keystone.forget().await;
                }
                Err(GlanceError::NotAuthorized {
                    image_id: image_id(),
                    call,
                    status,
                })
            }
            status => Err(GlanceError::Refused {
                image_id: image_id(),
                call,
                status,
            }),
        }
    }
}

/// Where an image is on every server. Ids are UUIDs; what has other characters than those of a
/// word is the id of no image, and as a path it could lead to something else.
fn path_of(image_id: &str) -> Result<String, GlanceError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if image_id.is_empty() || !image_id.chars().all(allowed) {
        return Err(GlanceError::NotFound {
            image_id: image_id.to_owned(),
        });
    }
    Ok(format!("/v2/images/{image_id}"))
}

fn client(options: &GlanceOptions) -> Result<Client, GlanceError> {
    let fault = |option, reason: String| GlanceError::Setup { option, reason };
    // An error says that somebody was faster: also fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .tls_danger_accept_invalid_certs(options.insecure);
    if let Some(path) = &options.ca_file {
        const OPTION: &str = "glance_ca_certificates_file";
        let pem = std::fs::read(path).map_err(|error| fault(OPTION, error.to_string()))?;
        let certificates = Certificate::from_pem_bundle(&pem)
            .map_err(|_| fault(OPTION, "not a PEM file of certificates".to_owned()))?;
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(certificate) = &options.certfile {
        const OPTION: &str = "glance_certfile, glance_keyfile";
        let read = |path| std::fs::read(path).map_err(|error| fault(OPTION, error.to_string()));
        let mut pem = read(certificate)?;
        if let Some(key) = &options.keyfile {
            pem.push(b'\n');
            pem.extend(read(key)?);
        }
        let identity = Identity::from_pem(&pem)
            .map_err(|_| fault(OPTION, "not a certificate and its key as PEM".to_owned()))?;
        builder = builder.identity(identity);
    }
    builder
        .build()
        .map_err(|error| fault("glance", chain(&error)))
}
