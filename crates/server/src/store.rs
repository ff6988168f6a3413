//! The database that the settings name, on SQLite or PostgreSQL.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use humantime::format_duration;
use menjin::{BuildError, Store};
use menjin_infra_postgres::PostgresStore;
use menjin_infra_sqlite::{Claim, SqliteStore};

use crate::settings::{Database, Settings};

/// How long there is between two tries to open a database that is not there yet.
const BETWEEN_TRIES: Duration = Duration::from_millis(250);

/// How often it is said that a database is not there.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Opens the database, and creates or migrates it if needed.
pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Store> {
    open_at(settings.database()?).await
}

/// Opens a database, and creates or migrates it if needed.
pub(crate) async fn open_at(database: Database) -> anyhow::Result<Store> {
    Store::open(database.into()).await.map_err(plain)
}

/// The error of an adapter as it is, so that what it means can be found out.
pub(crate) fn plain(error: BuildError) -> anyhow::Error {
    match error {
        BuildError::Sqlite(error) => error.into(),
        BuildError::Postgres(error) => error.into(),
        BuildError::Secret(error) => anyhow::Error::from(error).context("auth.secret"),
        BuildError::Redis(error) => anyhow::Error::from(error).context("redis"),
        other => other.into(),
    }
}

/// Claims a database that only one server may use at a time.
pub(crate) async fn claim(settings: &Settings) -> anyhow::Result<Option<Claim>> {
    Ok(match settings.database()? {
        Database::Sqlite(path) => Some(blocking(move || SqliteStore::claim(&path)).await??),
        Database::Postgres(_) => None,
    })
}

/// Opens the database like [`open`]. Waits for one that is not there yet, as long as the setting says,
/// and says so.
pub(crate) async fn open_patiently(settings: &Settings) -> anyhow::Result<Store> {
    let (started, wait) = (Instant::now(), settings.database.wait);
    let mut told: Option<Instant> = None;
    loop {
        let error = match Store::open(settings.database()?.into()).await {
            Err(error) if error.may_pass() && !wait.is_zero() => plain(error),
            result => return result.map_err(plain),
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
pub(crate) async fn open_existing(settings: &Settings) -> anyhow::Result<Store> {
    match missing(settings).await? {
        Some(reason) => bail!(reason),
        None => open(settings).await,
    }
}

/// Why there is no database yet, and what to do; `None` if there is one. A command that expects
/// accounts must not make an empty file in the wrong folder, nor tables in the wrong database.
pub(crate) async fn missing(settings: &Settings) -> anyhow::Result<Option<String>> {
    let database = settings.database()?;
    let place = place_of(&database);
    Ok(match database {
        Database::Sqlite(path) if !path.exists() => Some(format!(
            "there is no database at {place} (database.url): run this in the folder where the \
             server was started, with the same settings"
        )),
        Database::Postgres(config) if PostgresStore::is_empty(&config).await? => Some(format!(
            "the database {place} (database.url) has no tables of menjin: run this with the settings \
             of the server, which makes them when it is started"
        )),
        Database::Sqlite(_) | Database::Postgres(_) => None,
    })
}

/// Where a database is or would be.
pub(crate) fn place_of(database: &Database) -> String {
    menjin::Database::from(database.clone()).place()
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

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("a panic on a thread that may block")
}
