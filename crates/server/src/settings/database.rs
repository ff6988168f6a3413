//! `[database]`: a SQLite file, or a PostgreSQL server.

use std::path::PathBuf;

use menjin_infra_postgres::PostgresConfig;
use secrecy::{ExposeSecret as _, SecretString};

use super::Settings;
use super::masked::ServerUrl;
use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct DatabaseSettings {
    #[serde(with = "text")]
    pub(crate) url: ServerUrl,
    #[garde(range(min = 1, max = 1000))]
    pool_size: usize,
    // The two together bound how long a call takes: every call is answered within three seconds.
    #[serde(with = "humantime_serde")]
    #[garde(custom(lasts(10 * MILLISECOND, PostgresConfig::MAX_ACQUIRE_TIMEOUT)))]
    acquire_timeout: Duration,
    #[serde(with = "humantime_serde")]
    #[garde(custom(lasts(10 * MILLISECOND, PostgresConfig::MAX_STATEMENT_TIMEOUT)))]
    statement_timeout: Duration,
    prepared_statements: bool,
    #[serde(with = "humantime_serde")]
    #[garde(custom(lasts(Duration::ZERO, LONGEST)))]
    pub(crate) wait: Duration,
}

/// Which database `database.url` names.
#[derive(Debug, Clone)]
pub enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(PostgresConfig),
}

impl Settings {
    /// The database that `[database]` describes.
    ///
    /// # Errors
    /// The URL has another scheme, or cannot be read.
    pub fn database(&self) -> Result<Database, SettingsError> {
        self.database.at("database.url", &self.database.url.0)
    }

    /// The database at another URL, given by the argument of this name, with the other settings of
    /// `[database]`.
    ///
    /// # Errors
    /// The URL has another scheme, or cannot be read.
    pub(crate) fn database_at(
        &self,
        name: &str,
        url: &SecretString,
    ) -> Result<Database, SettingsError> {
        self.database.at(name, url)
    }
}

impl DatabaseSettings {
    /// The database at a URL; `name` is the setting or argument that holds it. A URL that cannot be
    /// read is not shown, because it may hold a password.
    fn at(&self, name: &str, url: &SecretString) -> Result<Database, SettingsError> {
        let bad = |reason: &str| SettingsError::bad(name, reason);
        match url.expose_secret().split_once("://") {
            Some(("sqlite", "")) => Err(bad("a path must follow sqlite://")),
            Some(("sqlite", path)) => Ok(Database::Sqlite(PathBuf::from(path))),
            Some(("postgres" | "postgresql", _)) => {
                PostgresConfig::check_url(url.expose_secret()).map_err(bad)?;
                Ok(Database::Postgres(PostgresConfig {
                    url: url.clone(),
                    pool_size: self.pool_size,
                    acquire_timeout: self.acquire_timeout,
                    statement_timeout: self.statement_timeout,
                    max_age: PostgresConfig::MAX_AGE,
                    prepared_statements: self.prepared_statements,
                }))
            }
            _ => {
                Err(bad("write it as sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE"))
            }
        }
    }
}
