use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use menjin_domain::common::BoxError;

use crate::config::{PostgresConfig, Target};
use crate::connect::Connector;
use crate::statements::locks;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// How long opening waits for the server to answer.
pub(crate) const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be read. It is not shown: it may hold a password.
    #[error("the URL of the database {reason}")]
    Url {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A newer version has migrated the database.
    #[error("the database {place} is newer than this program: it has the migration {version}")]
    Newer {
        /// Host, port and database.
        place: String,
        /// The newest migration that this binary does not know.
        version: String,
    },
    /// It cannot be reached or used, or a migration failed.
    #[error("cannot use the database {place}")]
    Unusable {
        /// Host, port and database.
        place: String,
        /// Why.
        #[source]
        source: BoxError,
    },
}

impl OpenError {
    pub(crate) fn unusable(place: &str, source: impl Into<BoxError>) -> Self {
        Self::Unusable { place: place.to_owned(), source: source.into() }
    }
}

pub(crate) fn target(config: &PostgresConfig) -> Result<Target, OpenError> {
    Target::parse(&config.url).map_err(|reason| OpenError::Url { reason })
}

pub(crate) async fn migrate(target: &Target) -> Result<Vec<String>, OpenError> {
    let state = in_transaction(target, |postgres| {
        let state = State::of(postgres)?;
        if state.unknown.is_none() && !state.pending.is_empty() {
            postgres.run_pending_migrations(MIGRATIONS)?;
        }
        Ok(state)
    });
    state.await?.into_pending(target)
}

pub(crate) async fn pending(target: &Target) -> Result<Vec<String>, OpenError> {
    in_transaction(target, State::of).await?.into_pending(target)
}

type Blocking = AsyncConnectionWrapper<AsyncPgConnection>;

/// Works on a connection of its own in one transaction, while nobody else migrates. The lock goes
/// with the transaction, since PgBouncer has no sessions to keep one in.
async fn in_transaction(
    target: &Target,
    work: fn(&mut Blocking) -> Result<State, BoxError>,
) -> Result<State, OpenError> {
    let place = target.place();
    let done = async {
        // The time-out of statements is for the transaction to set.
        let connector = Connector::new(target.clone(), Duration::ZERO)?;
        let postgres = tokio::time::timeout(CONNECT_PATIENCE, connector.connect(false))
            .await
            .map_err(|_elapsed| "it does not answer")??;
        // diesel's migrations block, so they have a thread of their own.
        let done = tokio::task::spawn_blocking(move || {
            Blocking::from(postgres).transaction(|postgres| {
                // Who migrates may take its time; who waits for it may not wait for ever.
                postgres.batch_execute(&format!(
                    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
                     SET LOCAL statement_timeout = 0;
                     SET LOCAL idle_in_transaction_session_timeout = 0;
                     SET LOCAL lock_timeout = '60s';
                     SELECT pg_advisory_xact_lock({});",
                    locks::MIGRATIONS
                ))?;
                work(postgres)
            })
        });
        done.await?
    };
    done.await.map_err(|source: BoxError| OpenError::unusable(&place, source))
}

/// How the migrations of a database compare with those of this binary.
struct State {
    /// The names of those that are missing, oldest first.
    pending: Vec<String>,
    /// The newest of those that this binary does not know.
    unknown: Option<String>,
}

#[derive(QueryableByName)]
struct Exists {
    #[diesel(sql_type = Bool)]
    exists: bool,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

impl State {
    /// Asks the database, without making diesel's table there.
    fn of(postgres: &mut Blocking) -> Result<Self, BoxError> {
        let table = "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS exists";
        if !diesel::sql_query(table).get_result::<Exists>(postgres)?.exists {
            return Self::from_applied(&[]);
        }
        let versions =
            "SELECT version::text AS version FROM __diesel_schema_migrations ORDER BY version";
        let versions = diesel::sql_query(versions).load::<Version>(postgres)?;
        Self::from_applied(&versions.into_iter().map(|row| row.version).collect::<Vec<_>>())
    }

    fn from_applied(applied: &[String]) -> Result<Self, BoxError> {
        let mut known = Vec::new();
        for migration in MigrationSource::<Pg>::migrations(&MIGRATIONS)? {
            let name = migration.name();
            known.push((name.version().to_string(), name.to_string()));
        }
        known.sort_unstable();
        let unknown = applied.iter().rfind(|each| known.iter().all(|(v, _)| v != *each)).cloned();
        known.retain(|(version, _)| !applied.contains(version));
        Ok(Self { pending: known.into_iter().map(|(_, name)| name).collect(), unknown })
    }

    fn into_pending(self, target: &Target) -> Result<Vec<String>, OpenError> {
        match self.unknown {
            Some(version) => Err(OpenError::Newer { place: target.place(), version }),
            None => Ok(self.pending),
        }
    }
}
