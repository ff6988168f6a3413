use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::num::NonZero;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use menjin_domain::common::BoxError;

use crate::error::is_transient;
use crate::pool::{Access, connect};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// How long opening waits for another process that is opening, or migrating, the same file.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the database is and how it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteConfig {
    /// The file.
    pub path: PathBuf,
    /// How many connections read at once; at least one.
    pub readers: usize,
}

impl SqliteConfig {
    /// A file, with a reader for every core and no fewer than four.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { path: path.into(), readers: cores.max(4) }
    }
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The path cannot be handed to SQLite.
    #[error("the path of the database is not valid UTF-8: {}", .path.display())]
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// The file or its folder cannot be made.
    #[error("cannot make the database {}", .path.display())]
    Create {
        /// The path of the file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A newer version has migrated the database.
    #[error("the database {} is newer than this program: it has the migration {version}", .path.display())]
    Newer {
        /// The path of the file.
        path: PathBuf,
        /// The newest migration that this binary does not know.
        version: String,
    },
    /// It cannot be read or written, is no database, or a migration failed.
    #[error("cannot use the database {}", .path.display())]
    Unusable {
        /// The path of the file.
        path: PathBuf,
        /// Why.
        #[source]
        source: BoxError,
    },
}

impl OpenError {
    pub(crate) fn unusable(path: &Path, source: impl Into<BoxError>) -> Self {
        Self::Unusable { path: path.to_path_buf(), source: source.into() }
    }
}

/// The path as SQLite takes it. Absolute, so that no name can be read as a URI or as `:memory:`.
pub(crate) fn url(path: &Path) -> Result<String, OpenError> {
    let absolute = std::path::absolute(path).map_err(|source| OpenError::unusable(path, source))?;
    absolute
        .into_os_string()
        .into_string()
        .map_err(|_original| OpenError::NotUtf8 { path: path.to_path_buf() })
}

pub(crate) fn migrate(path: &Path) -> Result<Vec<String>, OpenError> {
    let url = url(path)?;
    create(path).map_err(|source| OpenError::Create { path: path.to_path_buf(), source })?;
    let unusable = |source: BoxError| OpenError::unusable(path, source);
    let mut sqlite = prepare(&url).map_err(unusable)?;
    // The write lock comes first: whoever waited for it finds the work done.
    let state = sqlite.immediate_transaction(|sqlite| {
        let state = State::of(sqlite)?;
        if state.unknown.is_none() && !state.pending.is_empty() {
            sqlite.run_pending_migrations(MIGRATIONS)?;
            check_foreign_keys(sqlite)?;
        }
        Ok::<_, BoxError>(state)
    });
    state.map_err(unusable)?.into_pending(path)
}

pub(crate) fn pending(path: &Path) -> Result<Vec<String>, OpenError> {
    let url = url(path)?;
    let state = || -> Result<State, BoxError> {
        if path.try_exists()? {
            State::of(&mut connect(&url, Access::Read)?)
        } else {
            State::from_applied(&[])
        }
    };
    state().map_err(|source| OpenError::unusable(path, source))?.into_pending(path)
}

/// Makes the file, and the folders above it, readable for their owner only.
fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    // SQLite gives `-wal` and `-shm` the mode of the file.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Opens a connection for migrations and turns on the write-ahead log, which stays on.
fn prepare(url: &str) -> Result<SqliteConnection, BoxError> {
    let mut sqlite = connect(url, Access::Write)?;
    // Off, since dropping a table in order to build it anew deletes what refers to it.
    sqlite.batch_execute(&format!(
        "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = OFF;",
        PATIENCE.as_millis()
    ))?;
    let started = Instant::now();
    loop {
        match sqlite.batch_execute("PRAGMA journal_mode = WAL") {
            // The change of mode does not wait for others by itself.
            Err(error) if is_transient(&error) && started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => break result?,
        }
    }
    Ok(sqlite)
}

/// How the migrations of a database compare with those of this binary.
struct State {
    /// The names of those that are missing, oldest first.
    pending: Vec<String>,
    /// The newest of those that this binary does not know.
    unknown: Option<String>,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

impl State {
    /// Asks the database, without making diesel's table there.
    fn of(sqlite: &mut SqliteConnection) -> Result<Self, BoxError> {
        let table = "SELECT name AS version FROM sqlite_schema
                     WHERE type = 'table' AND name = '__diesel_schema_migrations'";
        if diesel::sql_query(table).load::<Version>(sqlite)?.is_empty() {
            return Self::from_applied(&[]);
        }
        let versions = "SELECT version FROM __diesel_schema_migrations ORDER BY version";
        let versions = diesel::sql_query(versions).load::<Version>(sqlite)?;
        Self::from_applied(&versions.into_iter().map(|row| row.version).collect::<Vec<_>>())
    }

    fn from_applied(applied: &[String]) -> Result<Self, BoxError> {
        let mut known = Vec::new();
        for migration in MigrationSource::<Sqlite>::migrations(&MIGRATIONS)? {
            let name = migration.name();
            known.push((name.version().to_string(), name.to_string()));
        }
        known.sort_unstable();
        let unknown = applied.iter().rfind(|each| known.iter().all(|(v, _)| v != *each)).cloned();
        known.retain(|(version, _)| !applied.contains(version));
        Ok(Self { pending: known.into_iter().map(|(_, name)| name).collect(), unknown })
    }

    fn into_pending(self, path: &Path) -> Result<Vec<String>, OpenError> {
        match self.unknown {
            Some(version) => Err(OpenError::Newer { path: path.to_path_buf(), version }),
            None => Ok(self.pending),
        }
    }
}

#[derive(QueryableByName)]
struct Dangling {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    parent: String,
}

/// Foreign keys are not watched while migrations run.
fn check_foreign_keys(sqlite: &mut SqliteConnection) -> Result<(), BoxError> {
    let check = "SELECT \"table\", parent FROM pragma_foreign_key_check LIMIT 1";
    match diesel::sql_query(check).get_result::<Dangling>(sqlite).optional()? {
        Some(Dangling { table, parent }) => {
            Err(format!("after the migrations a row of {table} refers to none of {parent}").into())
        }
        None => Ok(()),
    }
}
