//! The pool behind a handle, and its replacement when connections have gone mute.
//!
//! The pool waits for the server's answer before it lends out a connection whose call was given
//! up. Over a line that died without a word that takes as long as the kernel believes in it,
//! about a quarter of an hour, and such connections count against the pool's size all the
//! while: a few given up calls, and a database that is back would not be reached. So when the
//! server was mute the next calls get a pool of their own; what the old one still carries ends
//! there.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures::FutureExt;
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tracing::warn;

use super::error::{DbError, Result};
use crate::config::Engine;

/// The pool of a handle and all its clones.
#[derive(Clone)]
pub(super) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    connect: ConnectOptions,
    engine: Engine,
    current: RwLock<Current>,
}

struct Current {
    conn: DatabaseConnection,
    generation: u64,
    renewed: Option<Instant>,
}

impl std::fmt::Debug for Pool {
    // the options hold the password
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool under these options, which must say `connect_lazy`: nothing is sent yet.
    pub(super) async fn new(connect: ConnectOptions, engine: Engine) -> Result<Self> {
        let conn = open(&connect).await?;
        Ok(Self {
            shared: Arc::new(Shared {
                connect,
                engine,
                current: RwLock::new(Current {
                    conn,
                    generation: 0,
                    renewed: None,
                }),
            }),
        })
    }

    /// What calls that start now use.
    pub(super) fn current(&self) -> DatabaseConnection {
        self.read(|current| current.conn.clone())
    }

    /// Counts the replacements.
    pub(super) fn generation(&self) -> u64 {
        self.read(|current| current.generation)
    }

    /// Replaces the pool that a call of this generation found mute, unless it has been replaced
    /// meanwhile or shortly before: a server that is only slow must not be flooded with
    /// connections. SQLite has no line that could die.
    pub(super) async fn renew(&self, generation: u64, at_most_every: Duration) {
        let due = self.read(|current| {
            current.generation == generation
                && current
                    .renewed
                    .is_none_or(|at| at.elapsed() >= at_most_every)
        });
        if !due || self.shared.engine == Engine::Sqlite {
            return;
        }
        let conn = match open(&self.shared.connect).boxed().await {
            Ok(conn) => conn,
            Err(error) => {
                warn!(%error, "database connections cannot be replaced");
                return;
            }
        };
        let mut current = self
            .shared
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if current.generation == generation {
            warn!("the database was mute: next calls use new connections");
            *current = Current {
                conn,
                generation: generation + 1,
                renewed: Some(Instant::now()),
            };
        }
    }

    fn read<T>(&self, look: impl FnOnce(&Current) -> T) -> T {
        look(
            &self
                .shared
                .current
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

async fn open(connect: &ConnectOptions) -> Result<DatabaseConnection> {
    Database::connect(connect.clone())
        .await
        .map_err(|error| match error {
            sea_orm::DbErr::Conn(sea_orm::RuntimeErr::Internal(_)) => {
                // its text would repeat the URL with the password in it
                DbError::Config("connection: not a URL this program can use".to_owned())
            }
            other => DbError::from(other),
        })
}
