//! The database: one store behind all ports of repositories.

use std::any::Any;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use menjin_domain::accounts::AccountRepository;
use menjin_domain::audit::AuditRepository;
use menjin_domain::common::PortError;
use menjin_domain::credentials::CredentialRepository;
use menjin_domain::health::HealthProbe;
use menjin_domain::invitations::InvitationRepository;
use menjin_domain::jobs::JobRepository;
use menjin_domain::lockout::LockoutRepository;
use menjin_domain::mail::Outbox;
use menjin_domain::mfa::FactorRepository;
use menjin_domain::one_time::OneTimeTokenRepository;
use menjin_domain::passkeys::PasskeyRepository;
use menjin_domain::ports::Repositories;
use menjin_domain::sessions::SessionRepository;
#[cfg(feature = "postgres")]
use menjin_infra_postgres::{PostgresConfig, PostgresStore};
#[cfg(feature = "sqlite-system")]
use menjin_infra_sqlite::{SqliteConfig, SqliteStore};

use crate::BuildError;

/// Where the data is to be.
///
/// ```
/// use menjin::adapters::sqlite::SqliteConfig;
/// use menjin::{Database, Menjin};
///
/// let few_readers = SqliteConfig { readers: 1, ..SqliteConfig::at("data/app.db") };
/// let builder = Menjin::builder().database(Database::Sqlite(few_readers));
/// # drop(builder);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Database {
    /// A file. One process serves it at a time.
    #[cfg(feature = "sqlite-system")]
    Sqlite(SqliteConfig),
    /// A server. Any number of processes serve it.
    #[cfg(feature = "postgres")]
    Postgres(PostgresConfig),
}

/// An open store, as the repositories that the use-cases need. Clones share it.
#[derive(Clone)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each field is named after its port, which is documented")]
pub struct Store {
    pub accounts: Arc<dyn AccountRepository>,
    pub credentials: Arc<dyn CredentialRepository>,
    pub sessions: Arc<dyn SessionRepository>,
    pub lockouts: Arc<dyn LockoutRepository>,
    pub audit_records: Arc<dyn AuditRepository>,
    pub one_time_tokens: Arc<dyn OneTimeTokenRepository>,
    pub factors: Arc<dyn FactorRepository>,
    pub passkeys: Arc<dyn PasskeyRepository>,
    pub invitations: Arc<dyn InvitationRepository>,
    pub jobs: Arc<dyn JobRepository>,
    pub outbox: Arc<dyn Outbox>,
    pub probe: Arc<dyn HealthProbe>,
    /// Whether other processes may serve the same data. Without Redis nothing is cached then: a logout has to
    /// hold everywhere at once.
    pub is_shared: bool,
    /// Where the data is, for people.
    pub place: String,
    pub(crate) engine: Engine,
}

/// What is closed at the end.
#[derive(Clone)]
pub(crate) enum Engine {
    #[cfg(feature = "sqlite-system")]
    Sqlite(SqliteStore),
    #[cfg(feature = "postgres")]
    Postgres(PostgresStore),
    /// Of the embedder's own, who closes it.
    Own,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a database. It is made if it is not there yet, and the migrations that it lacks are run.
    ///
    /// # Errors
    /// [`BuildError::Sqlite`] or [`BuildError::Postgres`].
    #[cfg_attr(
        not(any(feature = "sqlite-system", feature = "postgres")),
        expect(unused_variables, clippy::unused_async, reason = "there is no database to open")
    )]
    pub async fn open(database: Database) -> Result<Self, BuildError> {
        match database {
            #[cfg(feature = "sqlite-system")]
            Database::Sqlite(config) => {
                let open = move || SqliteStore::open(config);
                let opened = tokio::task::spawn_blocking(open).await;
                Ok(opened.map_err(BuildError::Panicked)??.into())
            }
            #[cfg(feature = "postgres")]
            Database::Postgres(config) => Ok(PostgresStore::open(config).await?.into()),
        }
    }

    /// A store of your own: whatever has all repositories. The contract suite (the crate `menjin-contract`)
    /// says whether it does what it must.
    ///
    /// ```
    /// # fn shown(database: menjin::adapters::sqlite::SqliteStore) {
    /// use menjin::{Menjin, Store};
    ///
    /// let mut store = Store::of(database);
    /// store.is_shared = false;
    /// let builder = Menjin::builder().store(store);
    /// # drop(builder); }
    /// ```
    ///
    /// It counts as shared with other processes, which is always right. Set [`is_shared`](Self::is_shared) to
    /// `false` if this process alone uses it, so that sessions are cached.
    pub fn of<S: Repositories + HealthProbe + 'static>(store: S) -> Self {
        let store = Arc::new(store);
        Self {
            accounts: store.clone(),
            credentials: store.clone(),
            sessions: store.clone(),
            lockouts: store.clone(),
            audit_records: store.clone(),
            one_time_tokens: store.clone(),
            factors: store.clone(),
            passkeys: store.clone(),
            invitations: store.clone(),
            jobs: store.clone(),
            outbox: store.clone(),
            probe: store,
            is_shared: true,
            place: "a store of the application".to_owned(),
            engine: Engine::Own,
        }
    }

    /// Stops using the database: later calls are `Unavailable`. Nothing is lost without this. For a file, what
    /// stands beside it is written into it, which leaves a single file to copy.
    ///
    /// # Errors
    /// The file could not be written.
    pub async fn close(&self) -> Result<(), PortError> {
        match &self.engine {
            #[cfg(feature = "sqlite-system")]
            Engine::Sqlite(store) => store.close().await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(store) => {
                store.close();
                Ok(())
            }
            Engine::Own => Ok(()),
        }
    }
}

#[cfg(feature = "sqlite-system")]
impl From<SqliteStore> for Store {
    fn from(store: SqliteStore) -> Self {
        let place = absolute(&store.path());
        let engine = Engine::Sqlite(store.clone());
        Self { is_shared: false, place, engine, ..Self::of(store) }
    }
}

#[cfg(feature = "postgres")]
impl From<PostgresStore> for Store {
    fn from(store: PostgresStore) -> Self {
        let place = store.place().to_owned();
        let engine = Engine::Postgres(store.clone());
        Self { is_shared: true, place, engine, ..Self::of(store) }
    }
}

/// What keeps a file from being served by another process, until it is dropped.
pub(crate) type Claim = Box<dyn Any + Send + Sync>;

impl Database {
    /// Claims a file, which one process at a time may serve; `None`: any number of them may.
    #[cfg_attr(
        not(feature = "sqlite-system"),
        expect(clippy::unused_async, reason = "with SQLite it waits")
    )]
    pub(crate) async fn claim(&self) -> Result<Option<Claim>, BuildError> {
        match *self {
            #[cfg(feature = "sqlite-system")]
            Self::Sqlite(ref config) => {
                let path = config.path.clone();
                let claim = move || SqliteStore::claim(&path);
                let claimed = tokio::task::spawn_blocking(claim).await;
                Ok(Some(Box::new(claimed.map_err(BuildError::Panicked)??)))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ok(None),
        }
    }

    /// Where the data is or would be, for people: the absolute path of a file; or host, port and name.
    pub fn place(&self) -> String {
        match *self {
            #[cfg(feature = "sqlite-system")]
            Self::Sqlite(ref config) => absolute(&config.path),
            #[cfg(feature = "postgres")]
            Self::Postgres(ref config) => config.place(),
        }
    }
}

#[cfg_attr(not(feature = "sqlite-system"), expect(dead_code, reason = "only files have paths"))]
fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path);
    absolute.unwrap_or_else(|_no_current_folder| path.to_path_buf()).display().to_string()
}
