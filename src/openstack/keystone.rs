//! A token for the account of a section, and the catalog that comes with it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Certificate, Client, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::OpenStackError;
use crate::config::{Account, Named, Scope, ServiceAccess};

/// A token is not used in its last minute: the call it is for takes time as well.
const LAST_MINUTE: TimeDelta = TimeDelta::minutes(1);
const CALL: &str = "POST keystone tokens";

/// A token and where services are.
#[derive(Debug)]
pub struct Token {
    /// For `X-Auth-Token`.
    pub id: SecretString,
    expires_at: DateTime<Utc>,
    catalog: Vec<Service>,
}

#[derive(Debug, Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Deserialize)]
struct Endpoint {
    interface: String,
    url: String,
    #[serde(default)]
    region: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Issued {
    token: IssuedToken,
}

#[derive(Debug, Deserialize)]
struct IssuedToken {
    expires_at: DateTime<Utc>,
    #[serde(default)]
    catalog: Vec<Service>,
}

/// The account of one section.
#[derive(Debug)]
pub struct Keystone {
    access: ServiceAccess,
    http: Client,
    token: Mutex<Option<Arc<Token>>>,
}

impl Keystone {
    /// Nothing is sent before the first call.
    ///
    /// # Errors
    /// [`OpenStackError::Setup`] when `cafile` cannot be used.
    pub fn new(access: ServiceAccess) -> Result<Self, OpenStackError> {
        let http = client(&access)?;
        Ok(Self {
            access,
            http,
            token: Mutex::new(None),
        })
    }

    /// The token in hand, or a new one.
    ///
    /// # Errors
    /// [`OpenStackError::NoAccount`]; those of the call.
    pub async fn token(&self) -> Result<Arc<Token>, OpenStackError> {
        // Held while a token is fetched: one is enough for all who wait.
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref()
            && token.expires_at - LAST_MINUTE > Utc::now()
        {
            return Ok(token.clone());
        }
        let token = Arc::new(self.fetch().await?);
        *held = Some(token.clone());
        Ok(token)
    }

    /// Forgets a token that a service did not take: it may have been revoked.
    pub async fn forget(&self) {
        *self.token.lock().await = None;
    }

    /// Address of a service, without a slash at its end.
    ///
    /// # Errors
    /// [`OpenStackError::NoEndpoint`]
    pub fn endpoint(&self, token: &Token, service: &'static str) -> Result<String, OpenStackError> {
        let (interface, region) = (self.access.interface, &self.access.region);
        let found = token
            .catalog
            .iter()
            .filter(|entry| entry.kind == service)
            .flat_map(|entry| &entry.endpoints)
            .find(|endpoint| {
                endpoint.interface == interface && (region.is_none() || endpoint.region == *region)
            });
        match found {
            Some(endpoint) => Ok(endpoint.url.trim_end_matches('/').to_owned()),
            None => Err(OpenStackError::NoEndpoint {
                service,
                interface,
                region: region.clone(),
            }),
        }
    }

    /// The client of this section, for calls with its token.
    pub(super) fn http(&self) -> &Client {
        &self.http
    }

    async fn fetch(&self) -> Result<Token, OpenStackError> {
        let Some(account) = &self.access.account else {
            return Err(OpenStackError::NoAccount {
                section: self.access.section.clone(),
            });
        };
        let url = format!("{}/v3/auth/tokens", account.auth_url);
        let response = send(CALL, self.http.post(url).json(&request(account))).await?;
        let id = response
            .headers()
            .get("X-Subject-Token")
            .and_then(|value| value.to_str().ok())
            .map(SecretString::from);
        let issued: Issued = body(CALL, response).await?;
        let Some(id) = id else {
            return Err(OpenStackError::Protocol {
                call: CALL,
                reason: "no X-Subject-Token".to_owned(),
            });
        };
        Ok(Token {
            id,
            expires_at: issued.token.expires_at,
            catalog: issued.token.catalog,
        })
    }
}

/// Sends a call; what is not 2xx is an error.
pub(super) async fn send(
    call: &'static str,
    request: RequestBuilder,
) -> Result<Response, OpenStackError> {
    let response = request.send().await.map_err(|error| {
        let error = error.without_url();
        OpenStackError::Unreachable {
            call,
            reason: chain(&error),
        }
    })?;
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(OpenStackError::Refused {
            call,
            status: response.status().as_u16(),
        })
    }
}

/// The JSON of an answer.
pub(super) async fn body<T: serde::de::DeserializeOwned>(
    call: &'static str,
    response: Response,
) -> Result<T, OpenStackError> {
    response
        .json()
        .await
        .map_err(|error| OpenStackError::Protocol {
            call,
            reason: chain(&error.without_url()),
        })
}

pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn client(access: &ServiceAccess) -> Result<Client, OpenStackError> {
    let fault = |reason: String| OpenStackError::Setup {
        section: access.section.clone(),
        reason,
    };
    // An error says that somebody was faster: also fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .timeout(access.timeout)
        .redirect(reqwest::redirect::Policy::none())
        .tls_danger_accept_invalid_certs(access.insecure);
    if let Some(path) = &access.cafile {
        let about = |what: &str| fault(format!("cafile {}: {what}", path.display()));
        let pem = std::fs::read(path).map_err(|error| about(&error.to_string()))?;
        let certificates = Certificate::from_pem_bundle(&pem)
            .map_err(|_| about("not a PEM file of certificates"))?;
        builder = builder.tls_certs_only(certificates);
    }
    builder.build().map_err(|error| fault(chain(&error)))
}

fn request(account: &Account) -> Value {
    let mut user = named(&account.user);
    if let (Named::Name(_), Some(domain)) = (&account.user, &account.user_domain) {
        user["domain"] = named(domain);
    }
    user["password"] = account.password.expose_secret().into();
    let mut auth = json!({"identity": {"methods": ["password"], "password": {"user": user}}});
    match &account.scope {
        Scope::Project(project, domain) => {
            let mut scope = named(project);
            if let (Named::Name(_), Some(domain)) = (project, domain) {
                scope["domain"] = named(domain);
            }
            auth["scope"] = json!({"project": scope});
        }
        Scope::Domain(domain) => auth["scope"] = json!({"domain": named(domain)}),
        Scope::System => auth["scope"] = json!({"system": {"all": true}}),
        Scope::Unscoped => {}
    }
    json!({"auth": auth})
}

fn named(named: &Named) -> Value {
    match named {
        Named::Id(id) => json!({"id": id}),
        Named::Name(name) => json!({"name": name}),
    }
}
