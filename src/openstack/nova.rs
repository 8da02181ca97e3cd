//! Tells Nova what its instances must know of a volume.

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;
use tracing::{info, warn};

use super::OpenStackError;
use super::keystone::{Keystone, body, send};
use crate::config::ServiceAccess;

const CALL: &str = "POST nova os-server-external-events";
/// The microversion that knows `volume-extended`.
const EXTENDED: &str = "2.51";

#[derive(Debug, Deserialize)]
struct Answer {
    events: Vec<AnsweredEvent>,
}

#[derive(Debug, Deserialize)]
struct AnsweredEvent {
    #[serde(default)]
    server_uuid: Option<String>,
    /// 200, or why this instance was not told (404, 422).
    #[serde(default)]
    code: Option<u16>,
}

/// Nova, called with the account of `[nova]`.
#[derive(Debug)]
pub struct Nova {
    keystone: Keystone,
}

impl Nova {
    /// Nothing is sent before the first call.
    ///
    /// # Errors
    /// [`OpenStackError::Setup`] when `[nova] cafile` cannot be used.
    pub fn new(access: ServiceAccess) -> Result<Self, OpenStackError> {
        Ok(Self {
            keystone: Keystone::new(access)?,
        })
    }

    /// Sends `volume-extended` for instances that hold a volume, so that their disks grow too.
    /// An instance that Nova does not find is only logged, as cinder-volume does.
    ///
    /// # Errors
    /// When Nova cannot be asked, knows none of the instances, or answers without saying what
    /// became of an event.
    pub async fn volume_extended(
        &self,
        volume_id: &str,
        instances: &[String],
        request_id: &str,
    ) -> Result<(), OpenStackError> {
        let events: Vec<_> = instances
            .iter()
            .map(|server| json!({"name": "volume-extended", "server_uuid": server, "tag": volume_id}))
            .collect();
        let body = json!({"events": events});
        match self.send(&body, request_id).await {
            // The token may have been revoked before its time.
            Err(OpenStackError::Refused { status: 401, .. }) => {
                self.keystone.forget().await;
                self.send(&body, request_id).await
            }
            sent => sent,
        }
    }

    async fn send(
        &self,
        events: &serde_json::Value,
        request_id: &str,
    ) -> Result<(), OpenStackError> {
        let token = self.keystone.token().await?;
        let url = self.keystone.endpoint(&token, "compute")?;
        let request = self
            .keystone
            .http()
            .post(format!("{url}/os-server-external-events"))
            .header("X-Auth-Token", token.id.expose_secret())
            .header("OpenStack-API-Version", format!("compute {EXTENDED}"))
            .header("X-OpenStack-Nova-API-Version", EXTENDED)
            .header("X-OpenStack-Request-ID", request_id)
            .json(events);
        let answer: Answer = body(CALL, send(CALL, request).await?).await?;
        for event in &answer.events {
            let server = event.server_uuid.as_deref().unwrap_or_default();
            match event.code {
                Some(200) => info!(instance = server, "Nova tells the instance"),
                Some(code) => warn!(instance = server, code, "Nova could not tell the instance"),
                None => {
                    return Err(OpenStackError::Protocol {
                        call: CALL,
                        reason: "an event has no code".to_owned(),
                    });
                }
            }
        }
        Ok(())
    }
}
