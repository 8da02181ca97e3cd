//! Dialect and cluster: detected once, cached for a short time, dropped on any surprise.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;

use super::client::Transport;
use super::clusters::{Cluster, ClusterList};
use super::dialect::{Dialect, Version};
use super::error::XmsError;
use super::request::Request;
use super::value::Content;
use super::xms_info;

/// How long a detection is trusted.
const LIFETIME: Duration = Duration::from_secs(300);

/// How much longer it is trusted while the XMS cannot be asked.
const EXTENSION: Duration = Duration::from_secs(15);

/// The oldest cluster software that is served.
const OLDEST: [u64; 3] = [3, 0, 0];

/// What was found out about the XMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Dialect to speak.
    pub dialect: Dialect,
    /// Name of the cluster all calls are about.
    pub cluster: String,
    /// `sys-sw-version` of the cluster.
    pub cluster_version: Version,
    /// Version of the XMS; none before 4.0.
    pub xms_version: Option<Version>,
}

impl Session {
    /// A call in the dialect and cluster of this session.
    pub(super) fn request(&self, method: Method, object_type: &'static str) -> Request {
        Request::new(method, self.dialect, object_type).in_cluster(&self.cluster)
    }
}

#[derive(Debug)]
struct Cached {
    session: Arc<Session>,
    until: Instant,
}

/// The session in use and what it takes to renew it.
#[derive(Debug)]
pub(super) struct Sessions {
    /// `xtremio_cluster_name`
    configured: Option<String>,
    cached: Mutex<Option<Cached>>,
    detecting: tokio::sync::Mutex<()>,
}

impl Sessions {
    pub(super) fn new(configured: Option<String>) -> Self {
        Self {
            configured,
            cached: Mutex::new(None),
            detecting: tokio::sync::Mutex::new(()),
        }
    }

    /// The next call detects anew.
    pub(super) fn forget(&self) {
        *self.cached() = None;
    }

    /// The session; detected by one caller at a time. While an old one is renewed, and while the
    /// XMS cannot be asked, the old one serves.
    pub(super) async fn current(&self, transport: &Transport) -> Result<Arc<Session>, XmsError> {
        let (known, fresh) = self.look();
        if let (Some(session), true) = (&known, fresh) {
            return Ok(Arc::clone(session));
        }
        let _detecting = match &known {
            None => self.detecting.lock().await,
            Some(session) => match self.detecting.try_lock() {
                Ok(guard) => guard,
                Err(_) => return Ok(Arc::clone(session)),
            },
        };
        // Another caller may have been quicker.
        let (known, fresh) = self.look();
        if let (Some(session), true) = (&known, fresh) {
            return Ok(Arc::clone(session));
        }
        match (detect(transport, self.configured.as_deref()).await, known) {
            (Ok(session), _) => Ok(self.keep(Arc::new(session), LIFETIME)),
            (Err(error), Some(old)) if error.is_transient() => {
                tracing::warn!(error = %error, "XMS not asked for its version; using the last one");
                Ok(self.keep(old, EXTENSION))
            }
            (Err(error), _) => {
                self.forget();
                Err(error)
            }
        }
    }

    /// What is known, and whether it is fresh.
    fn look(&self) -> (Option<Arc<Session>>, bool) {
        match self.cached().as_ref() {
            Some(cached) => (
                Some(Arc::clone(&cached.session)),
                Instant::now() < cached.until,
            ),
            None => (None, false),
        }
    }

    fn keep(&self, session: Arc<Session>, lifetime: Duration) -> Arc<Session> {
        *self.cached() = Some(Cached {
            session: Arc::clone(&session),
            until: Instant::now() + lifetime,
        });
        session
    }

    fn cached(&self) -> MutexGuard<'_, Option<Cached>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks in v1, which every version answers: clusters, the one meant, and from 4.0 on the XMS.
async fn detect(transport: &Transport, configured: Option<&str>) -> Result<Session, XmsError> {
    let v1 = |object_type| Request::new(Method::GET, Dialect::V1, object_type);
    let list: ClusterList = transport.read(&v1("clusters")).await?;
    let names: Vec<String> = list.clusters.into_iter().map(|c| c.name).collect();
    let name = choose(configured, &names)?;
    let cluster: Content<Cluster> = transport.read(&v1("clusters").named(&name)).await?;
    let cluster_version = version(&cluster.content.sys_sw_version, "sys-sw-version")?;
    if !cluster_version.at_least(&OLDEST) {
        return Err(XmsError::TooOld {
            cluster: name,
            version: cluster_version.to_string(),
        });
    }
    let xms_version = if cluster_version.at_least(&[4]) {
        let info: Content<xms_info::XmsInfo> = transport.read(&v1("xms").indexed(1)).await?;
        Some(version(info.content.version()?, "sw-version")?)
    } else {
        None
    };
    Ok(Session {
        dialect: Dialect::of(&cluster_version, xms_version.as_ref()),
        cluster: name,
        cluster_version,
        xms_version,
    })
}

/// The cluster meant: the one configured, else the only one there is. Never just the first.
fn choose(configured: Option<&str>, names: &[String]) -> Result<String, XmsError> {
    match (configured, names) {
        (_, []) => Err(XmsError::NoCluster),
        (Some(wanted), _) if names.iter().any(|name| name == wanted) => Ok(wanted.to_owned()),
        (Some(wanted), _) => Err(XmsError::UnknownCluster {
            cluster: wanted.to_owned(),
            clusters: names.to_vec(),
        }),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(XmsError::ClusterRequired {
            clusters: names.to_vec(),
        }),
    }
}

fn version(text: &str, property: &str) -> Result<Version, XmsError> {
    Version::parse(text).ok_or_else(|| XmsError::Protocol {
        call: "version detection".to_owned(),
        reason: format!("{property} is {text:?}"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn the_cluster_is_never_guessed() {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(choose(None, &names(&["a"])).unwrap(), "a");
        assert_eq!(choose(Some("b"), &names(&["a", "b"])).unwrap(), "b");
        let several = choose(None, &names(&["a", "b"])).unwrap_err();
        assert_eq!(
            several.to_string(),
            "the XMS manages several clusters: a, b"
        );
        let unknown = choose(Some("c"), &names(&["a", "b"]))
            .unwrap_err()
            .to_string();
        assert!(
            unknown.contains("\"c\"") && unknown.contains("a, b"),
            "{unknown}"
        );
        assert!(matches!(choose(Some("c"), &[]), Err(XmsError::NoCluster)));
    }

    fn transport(base_url: String) -> Transport {
        let retry = crate::xms::RetryPolicy {
            unanswered_tries: 1,
            ..Default::default()
        };
        Transport::new(crate::xms::ClientOptions {
            base_url,
            login: "admin".into(),
            password: "secret".into(),
            cluster_name: None,
            certificate: crate::xms::ServerCertificate::Unverified,
            call_timeout: Duration::from_secs(5),
            concurrency: 1,
            retry,
        })
        .unwrap()
    }

    /// Sessions whose only one ran out just now.
    fn run_out() -> (Sessions, Arc<Session>) {
        let sessions = Sessions::new(None);
        let old = Session {
            dialect: Dialect::V2,
            cluster: "old".into(),
            cluster_version: Version::parse("4.0.2-80").unwrap(),
            xms_version: Version::parse("4.0.2-80"),
        };
        let old = sessions.keep(Arc::new(old), Duration::ZERO);
        (sessions, old)
    }

    #[tokio::test]
    async fn an_old_session_serves_while_the_xms_is_away() {
        let (sessions, old) = run_out();
        let nobody = transport("http://127.0.0.1:1".into());
        assert_eq!(sessions.current(&nobody).await.unwrap(), old);
        let (kept, fresh) = sessions.look();
        assert_eq!((kept, fresh), (Some(old), true));
    }

    #[tokio::test]
    async fn an_old_session_serves_while_another_caller_renews_it() {
        let (sessions, old) = run_out();
        let _renewing = sessions.detecting.lock().await;
        let nobody = transport("http://127.0.0.1:1".into());
        assert_eq!(sessions.current(&nobody).await.unwrap(), old);
    }

    #[tokio::test]
    async fn a_session_that_ran_out_is_renewed() {
        let (sessions, old) = run_out();
        let server = wiremock::MockServer::start().await;
        let reply = |body| wiremock::ResponseTemplate::new(200).set_body_json(body);
        let get = |path: &str| {
            wiremock::Mock::given(wiremock::matchers::path(format!("/api/json/types/{path}")))
        };
        get("clusters")
            .and(wiremock::matchers::query_param("name", "new"))
            .respond_with(reply(serde_json::json!({"content": {"name": "new",
                "sys-sw-version": "6.3.2-8", "ud-ssd-space": "1", "ud-ssd-space-in-use": "1",
                "vol-size": "1"}})))
            .mount(&server)
            .await;
        get("clusters")
            .respond_with(reply(serde_json::json!({"clusters": [{"name": "new"}]})))
            .mount(&server)
            .await;
        get("xms/1")
            .respond_with(reply(
                serde_json::json!({"content": {"version": "6.3.2-8"}}),
            ))
            .mount(&server)
            .await;
        let new = sessions.current(&transport(server.uri())).await.unwrap();
        assert_ne!(new, old);
        assert_eq!((new.dialect, new.cluster.as_str()), (Dialect::V6, "new"));
    }
}
