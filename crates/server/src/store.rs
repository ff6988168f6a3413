//! The database that the settings name, on SQLite or PostgreSQL.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use humantime::format_duration;
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
use menjin_domain::sessions::SessionRepository;
use menjin_infra_postgres::PostgresStore;
use menjin_infra_sqlite::{Claim, SqliteConfig, SqliteStore};

use crate::settings::{Database, Settings};

/// How long there is between two tries to open a database that is not there yet.
const BETWEEN_TRIES: Duration = Duration::from_millis(250);

/// How often it is said that a database is not there.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// An open database.
#[derive(Clone)]
pub(crate) enum Store {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Store {
    /// Opens the database, and creates or migrates it if needed.
    pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Self> {
        Self::open_at(settings.database()?).await
    }

    /// Opens a database, and creates or migrates it if needed.
    pub(crate) async fn open_at(database: Database) -> anyhow::Result<Self> {
        Ok(match database {
            Database::Sqlite(path) => {
                let open = move || SqliteStore::open(SqliteConfig::at(path));
                Self::Sqlite(blocking(open).await??)
            }
            Database::Postgres(config) => Self::Postgres(PostgresStore::open(config).await?),
        })
    }

    /// Claims a database that only one server may use at a time.
    pub(crate) async fn claim(settings: &Settings) -> anyhow::Result<Option<Claim>> {
        Ok(match settings.database()? {
            Database::Sqlite(path) => Some(blocking(move || SqliteStore::claim(&path)).await??),
            Database::Postgres(_) => None,
        })
    }

    /// Opens the database like [`Store::open`]. Waits for one that is not there yet, as long as the
    /// setting says, and says so.
    pub(crate) async fn open_patiently(settings: &Settings) -> anyhow::Result<Self> {
        let (started, wait) = (Instant::now(), settings.database.wait);
        let mut told: Option<Instant> = None;
        loop {
            let error = match Self::open(settings).await {
                Err(error) if may_pass(&error) && !wait.is_zero() => error,
                result => return result,
            };
            if started.elapsed() >= wait {
                let waited = format!("waited {} (database.wait)", format_duration(wait));
                return Err(error.context(waited));
            }
            if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
                told = Some(Instant::now());
                tracing::warn!(event = "database_awaited", "{error:#}: waiting for it");
            }
            let left = wait.saturating_sub(started.elapsed());
            tokio::time::sleep(BETWEEN_TRIES.min(left)).await;
        }
    }

    /// Opens a database that exists already.
    pub(crate) async fn open_existing(settings: &Settings) -> anyhow::Result<Self> {
        match Self::missing(settings).await? {
            Some(reason) => bail!(reason),
            None => Self::open(settings).await,
        }
    }

    /// Why there is no database yet, and what to do; `None` if there is one. A command that expects
    /// accounts must not make an empty file in the wrong folder, nor tables in the wrong database.
    pub(crate) async fn missing(settings: &Settings) -> anyhow::Result<Option<String>> {
        Ok(match settings.database()? {
            Database::Sqlite(path) if !path.exists() => Some(format!(
                "there is no database at {} (database.url): run this in the folder where the \
                 server was started, with the same settings",
                absolute(&path)
            )),
            Database::Postgres(config) if PostgresStore::is_empty(&config).await? => Some(format!(
                "the database {} (database.url) has no tables of menjin: run this with the settings \
                 of the server, which makes them when it is started",
                config.place()
            )),
            Database::Sqlite(_) | Database::Postgres(_) => None,
        })
    }

    /// Where a database is or would be.
    pub(crate) fn place_of(database: &Database) -> String {
        match database {
            Database::Sqlite(path) => absolute(path),
            Database::Postgres(config) => config.place(),
        }
    }

    /// Migrates the database. Returns where it is, and what was done.
    pub(crate) async fn migrate(settings: &Settings) -> anyhow::Result<(String, Vec<String>)> {
        Ok(match settings.database()? {
            Database::Sqlite(path) => {
                let place = path.display().to_string();
                (place, blocking(move || SqliteStore::migrate(&path)).await??)
            }
            Database::Postgres(config) => (config.place(), PostgresStore::migrate(&config).await?),
        })
    }

    /// Where the database is, for people: the absolute path of a file; or host, port and name.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Sqlite(store) => absolute(&store.path()),
            Self::Postgres(store) => store.place().to_owned(),
        }
    }

    /// Whether other processes may also be using it to serve requests.
    pub(crate) fn may_be_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Closes the database in order. Nothing is lost without this.
    pub(crate) async fn close(&self) -> Result<(), PortError> {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => {
                store.close();
                Ok(())
            }
        }
    }

    pub(crate) fn accounts(&self) -> Arc<dyn AccountRepository> {
        match self.clone() {
            Self::Sqlite(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
        }
    }

    pub(crate) fn credentials(&self) -> Arc<dyn CredentialRepository> {
        match self.clone() {
            Self::Sqlite(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
        }
    }

    pub(crate) fn sessions(&self) -> Arc<dyn SessionRepository> {
        match self.clone() {
            Self::Sqlite(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
        }
    }

    pub(crate) fn lockouts(&self) -> Arc<dyn LockoutRepository> {
        match self.clone() {
            Self::Sqlite(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
        }
    }

    pub(crate) fn audit_records(&self) -> Arc<dyn AuditRepository> {
        match self.clone() {
            Self::Sqlite(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
        }
    }

    pub(crate) fn one_time_tokens(&self) -> Arc<dyn OneTimeTokenRepository> {
        match self.clone() {
            Self::Sqlite(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
        }
    }

    pub(crate) fn factors(&self) -> Arc<dyn FactorRepository> {
        match self.clone() {
            Self::Sqlite(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
        }
    }

    pub(crate) fn invitations(&self) -> Arc<dyn InvitationRepository> {
        match self.clone() {
            Self::Sqlite(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
        }
    }

    pub(crate) fn jobs(&self) -> Arc<dyn JobRepository> {
        match self.clone() {
            Self::Sqlite(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
        }
    }

    pub(crate) fn outbox(&self) -> Arc<dyn Outbox> {
        match self.clone() {
            Self::Sqlite(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
        }
    }

    pub(crate) fn probe(&self) -> Arc<dyn HealthProbe> {
        match self.clone() {
            Self::Sqlite(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
        }
    }
}

/// Whether a database that was not opened may be opened later.
fn may_pass(error: &anyhow::Error) -> bool {
    match (error.downcast_ref(), error.downcast_ref()) {
        (Some(error), _) => menjin_infra_sqlite::OpenError::may_pass(error),
        (_, Some(error)) => menjin_infra_postgres::OpenError::may_pass(error),
        _ => false,
    }
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("a panic while opening the database")
}

fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path);
    absolute.unwrap_or_else(|_no_current_folder| path.to_path_buf()).display().to_string()
}
