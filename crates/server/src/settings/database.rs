//! `[database]`: a SQLite file, or a PostgreSQL server.

use std::path::PathBuf;

use menjin_infra_postgres::PostgresConfig;
use menjin_infra_sqlite::SqliteConfig;
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
    #[serde(with = "duration")]
    #[garde(custom(lasts(10 * MILLISECOND, PostgresConfig::MAX_ACQUIRE_TIMEOUT)))]
    acquire_timeout: Duration,
    #[serde(with = "duration")]
    #[garde(custom(lasts(10 * MILLISECOND, PostgresConfig::MAX_STATEMENT_TIMEOUT)))]
    statement_timeout: Duration,
    prepared_statements: bool,
    #[serde(with = "duration")]
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

impl From<Database> for menjin::Database {
    fn from(database: Database) -> Self {
        match database {
            Database::Sqlite(path) => Self::Sqlite(SqliteConfig::at(path)),
            Database::Postgres(config) => Self::Postgres(config),
        }
    }
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
            Some(("sqlite", path)) => sqlite_path(path).map(Database::Sqlite).map_err(bad),
            Some(("postgres" | "postgresql", _)) => {
                PostgresConfig::check_url(url.expose_secret()).map_err(|reason| bad(&reason))?;
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

/// The path of the file that follows `sqlite://`. What other programs read as something else than a
/// path would become the name of a file here.
fn sqlite_path(path: &str) -> Result<PathBuf, &'static str> {
    let is_memory = path.contains(":memory:") || path.contains("mode=memory");
    match path {
        "" => return Err("a path must follow sqlite://"),
        _ if is_memory => {
            return Err("there is no database in memory, whose accounts would be lost with every \
                        stop: name a file, such as sqlite://data/menjin.db");
        }
        _ if path.contains(['?', '#']) => {
            return Err("a path takes no parameters: remove what begins with ? or #. The file is \
                        made if it is not there");
        }
        _ if path.starts_with("file:") => return Err("write the path without file:"),
        _ if path.starts_with('~') || path.starts_with('$') => {
            return Err("~ and $NAME are not filled in here: write the whole path");
        }
        _ if has_escapes(path) => {
            return Err("a path has no escapes such as %20: write it as it is");
        }
        _ if path.ends_with('/') => return Err("names a folder: add the name of a file"),
        _ => {}
    }
    let path = PathBuf::from(path);
    if path.is_dir() { Err("names a folder: add the name of a file") } else { Ok(path) }
}

/// Whether there is a percent sign with two hexadecimal digits.
fn has_escapes(path: &str) -> bool {
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    path.split('%').skip(1).any(|rest| {
        let bytes = rest.as_bytes();
        hex(bytes.first()) && hex(bytes.get(1))
    })
}
