//! Opens and migrates a database.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use menjin_domain::common::BoxError;
use menjin_infra_sql::migrations::{self, Applied, Found, Migration, SchemaError};

use crate::config::{PostgresConfig, Target};
use crate::connect::Connector;
use crate::error::is_passing;
use crate::statements::locks;

/// The migrations of this program, oldest first.
const MIGRATIONS: &[Migration] = menjin_infra_sql::migrations!();

/// How long opening waits for the server to answer.
pub(crate) const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be read. The error does not show it, because it may hold a password.
    #[error("the URL of the database {reason}")]
    Url {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The database has another encoding than UTF-8, and could not hold what users write.
    #[error(
        "the database {place} has the encoding {encoding}: menjin needs one with UTF8 (CREATE \
         DATABASE … ENCODING 'UTF8' TEMPLATE template0)"
    )]
    Encoding {
        /// Host, port and database.
        place: String,
        /// The name of its encoding.
        encoding: String,
    },
    /// The database cannot be reached or used, or a migration failed. A schema that this program
    /// cannot use is a [`SchemaError`].
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
    /// Whether it may pass by itself: the server is not there yet, starts or is full. What needs a
    /// person does not pass: a URL, a password that is refused, an encoding, a schema.
    pub fn may_pass(&self) -> bool {
        let Self::Unusable { source, .. } = self else { return false };
        match (source.downcast_ref(), source.downcast_ref()) {
            (Some(ConnectionError::BadConnection(_)), _) => true,
            (Some(ConnectionError::CouldntSetupConfiguration(error)), _) | (_, Some(error)) => {
                is_passing(error)
            }
            _ => false,
        }
    }

    pub(crate) fn unusable(place: &str, source: impl Into<BoxError>) -> Self {
        Self::Unusable { place: place.to_owned(), source: source.into() }
    }
}

pub(crate) fn target(config: &PostgresConfig) -> Result<Target, OpenError> {
    Target::parse(&config.url).map_err(|reason| OpenError::Url { reason })
}

pub(crate) async fn migrate(target: &Target) -> Result<Vec<String>, OpenError> {
    missing(target, true).await.map(migrations::names).map_err(|error| error.at(target))
}

pub(crate) async fn pending(target: &Target) -> Result<Vec<String>, OpenError> {
    missing(target, false).await.map(migrations::names).map_err(|error| error.at(target))
}

/// Whether it lacks all migrations.
pub(crate) async fn is_empty(target: &Target) -> Result<bool, OpenError> {
    let missing = missing(target, false).await.map_err(|error| error.at(target))?;
    Ok(missing.len() == MIGRATIONS.len())
}

/// Why the migrations were not found or run.
enum Reason {
    /// The encoding of the database.
    Encoding(String),
    Other(BoxError),
}

impl Reason {
    fn at(self, target: &Target) -> OpenError {
        match self {
            Self::Encoding(encoding) => OpenError::Encoding { place: target.place(), encoding },
            Self::Other(source) => OpenError::unusable(&target.place(), source),
        }
    }
}

impl<E: Into<BoxError>> From<E> for Reason {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// The migrations that the database lacks. With `run` they are run in one transaction, while no
/// other process migrates. The lock belongs to the transaction, because PgBouncer has no sessions
/// that could hold it. The connection is used for nothing else: whatever fails, the server rolls
/// back.
async fn missing(target: &Target, run: bool) -> Result<Vec<&'static Migration>, Reason> {
    // The transaction sets the statement timeout itself.
    let connector = Connector::new(target.clone(), Duration::ZERO)?;
    let mut postgres = tokio::time::timeout(CONNECT_PATIENCE, connector.connect(false))
        .await
        .map_err(|_elapsed| ConnectionError::BadConnection("it does not answer".into()))??;
    // A process that migrates may take its time, but a process that waits for it must not wait for
    // ever.
    let begin = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED;
         SET LOCAL statement_timeout = 0;
         SET LOCAL idle_in_transaction_session_timeout = 0;
         SET LOCAL lock_timeout = '60s';
         SELECT pg_advisory_xact_lock({});",
        locks::MIGRATIONS
    );
    postgres.batch_execute(&begin).await?;
    let encoding = encoding(&mut postgres).await?;
    if encoding != "UTF8" {
        return Err(Reason::Encoding(encoding));
    }
    let applied = applied(&mut postgres).await?;
    let missing = migrations::missing(MIGRATIONS, &applied)?;
    if run {
        for migration in &missing {
            postgres.batch_execute(&migration.script("now()")).await?;
        }
    }
    postgres.batch_execute("COMMIT").await?;
    Ok(missing)
}

/// The migrations that the database has. A database from before the first release is refused.
async fn applied(postgres: &mut AsyncPgConnection) -> Result<Vec<Applied>, BoxError> {
    if has_table(postgres, "menjin_schema").await? {
        return Ok(diesel::sql_query(migrations::APPLIED).load(postgres).await?);
    }
    let is_obsolete = has_table(postgres, "__diesel_schema_migrations").await?
        && is_found(postgres, migrations::IS_OBSOLETE).await?;
    if is_obsolete { Err(SchemaError::Obsolete.into()) } else { Ok(Vec::new()) }
}

#[derive(QueryableByName)]
struct Encoding {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The encoding of the database. What it cannot express it refuses to store; `SQL_ASCII` would
/// store it unchecked.
async fn encoding(postgres: &mut AsyncPgConnection) -> QueryResult<String> {
    let query = diesel::sql_query("SELECT current_setting('server_encoding') AS name");
    query.get_result(postgres).await.map(|Encoding { name }| name)
}

/// Whether the search path leads to a table of this name.
async fn has_table(postgres: &mut AsyncPgConnection, name: &str) -> QueryResult<bool> {
    is_found(postgres, &format!("SELECT to_regclass('{name}') IS NOT NULL AS found")).await
}

async fn is_found(postgres: &mut AsyncPgConnection, query: &str) -> QueryResult<bool> {
    diesel::sql_query(query).get_result(postgres).await.map(|Found { found }| found)
}
