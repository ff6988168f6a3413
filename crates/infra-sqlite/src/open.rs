//! Opens and migrates a database file.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::num::NonZero;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use menjin_domain::common::BoxError;
use menjin_infra_sql::migrations::{self, Applied, Found, Migration, SchemaError};

use crate::error::is_transient;
use crate::files::check_writable;
use crate::pool::{Access, connect};

/// Now, in microseconds since 1970. The default of the column asks for SQLite 3.42.
const NOW: &str = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000";

/// The migrations of this program, oldest first.
pub(crate) const MIGRATIONS: &[Migration] = menjin_infra_sql::migrations!();

/// How long opening waits for another process that opens or migrates the same file.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the database is, and how it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteConfig {
    /// The file.
    pub path: PathBuf,
    /// How many connections read at once; at least one.
    pub readers: usize,
}

impl SqliteConfig {
    /// The database in this file, with one reader per core and at least four.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { path: path.into(), readers: cores.max(4) }
    }
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The path cannot be passed to SQLite.
    #[error("the path of the database is not valid UTF-8: {}", .path.display())]
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// Another server serves this file.
    #[error(
        "another server is using the database {}: run one server for each file, or several on \
         PostgreSQL", .path.display()
    )]
    Claimed {
        /// The path of the file.
        path: PathBuf,
    },
    /// The file or its folder cannot be created.
    #[error("cannot make the database {}", .path.display())]
    Create {
        /// The path of the file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file cannot be read or written, is no database, or a migration failed. A schema that
    /// this program cannot use is a [`SchemaError`].
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
    /// Whether it may pass by itself or by what somebody does elsewhere: the disk is full, the file
    /// is locked or may only be read. What is no database stays none.
    pub fn may_pass(&self) -> bool {
        let Self::Unusable { source, .. } = self else { return false };
        let source: &(dyn std::error::Error + 'static) = &**source;
        source.is::<io::Error>()
            || source.is::<ConnectionError>()
            || source.downcast_ref().is_some_and(is_transient)
    }

    pub(crate) fn unusable(path: &Path, source: impl Into<BoxError>) -> Self {
        Self::Unusable { path: path.to_path_buf(), source: source.into() }
    }
}

/// The path in the form that SQLite takes. It is absolute, so that no name can be read as a URI or
/// as `:memory:`.
pub(crate) fn url(path: &Path) -> Result<String, OpenError> {
    let absolute = std::path::absolute(path).map_err(|source| OpenError::unusable(path, source))?;
    absolute
        .into_os_string()
        .into_string()
        .map_err(|_original| OpenError::NotUtf8 { path: path.to_path_buf() })
}

/// Keeps other servers from serving a file. It ends with the process, however that ends.
#[derive(Debug)]
#[must_use]
pub struct Claim(#[expect(dead_code, reason = "held to be dropped")] Option<File>);

/// The lock is on a file of its own: SQLite's locks on the database would end when anybody in this
/// process closed the database. However the database is named, links included, the lock is the same.
pub(crate) fn claim(path: &Path) -> Result<Claim, OpenError> {
    let failed = |source| OpenError::Create { path: path.to_path_buf(), source };
    create_folder(path).map_err(failed)?;
    let mut lock = real_path(path).map_err(failed)?.into_os_string();
    lock.push("-server");
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(&lock);
    let file = file.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Claim(Some(file))),
        Err(TryLockError::WouldBlock) => Err(OpenError::Claimed { path: path.to_path_buf() }),
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, "this file system has no locks: run one server for each file");
            Ok(Claim(None))
        }
    }
}

/// The path without links, whether the file is there yet or not.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    if let Ok(real) = path.canonicalize() {
        return Ok(real);
    }
    let absolute = std::path::absolute(path)?;
    match (absolute.parent(), absolute.file_name()) {
        (Some(folder), Some(name)) => Ok(folder.canonicalize()?.join(name)),
        _ => Ok(absolute),
    }
}

pub(crate) fn migrate(path: &Path) -> Result<Vec<String>, OpenError> {
    let url = url(path)?;
    create(path).map_err(|source| OpenError::Create { path: path.to_path_buf(), source })?;
    let unusable = |source: BoxError| OpenError::unusable(path, source);
    check_writable(path).map_err(|error| unusable(error.into()))?;
    let mut sqlite = prepare(&url).map_err(unusable)?;
    // Take the write lock first: a process that waited for it finds the migrations done.
    let applied = sqlite.immediate_transaction(|sqlite| {
        let missing = missing(sqlite)?;
        for migration in &missing {
            sqlite.batch_execute(&migration.script(NOW))?;
        }
        if !missing.is_empty() {
            check_foreign_keys(sqlite)?;
        }
        Ok::<_, BoxError>(missing)
    });
    applied.map(migrations::names).map_err(unusable)
}

pub(crate) fn pending(path: &Path) -> Result<Vec<String>, OpenError> {
    let url = url(path)?;
    let missing = || -> Result<_, BoxError> {
        if path.try_exists()? {
            missing(&mut connect(&url, Access::Read)?)
        } else {
            Ok(migrations::missing(MIGRATIONS, &[])?)
        }
    };
    missing().map(migrations::names).map_err(|source| OpenError::unusable(path, source))
}

/// Creates the folders above the file, readable only for their owner.
fn create_folder(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => DirBuilder::new().recursive(true).mode(0o700).create(folder),
        None => Ok(()),
    }
}

/// Creates the file and the folders above it, readable only for their owner.
fn create(path: &Path) -> io::Result<()> {
    create_folder(path)?;
    // SQLite gives `-wal` and `-shm` the mode of the file.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Opens a connection for migrations, and turns on the write-ahead log, which stays on.
fn prepare(url: &str) -> Result<SqliteConnection, BoxError> {
    let mut sqlite = connect(url, Access::Write)?;
    // Foreign keys are off: a migration may drop a table to build it anew, and with foreign keys
    // that would delete the rows that refer to it.
    sqlite.batch_execute(&format!(
        "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = OFF;",
        PATIENCE.as_millis()
    ))?;
    refuse_obsolete(&mut sqlite)?;
    let started = Instant::now();
    loop {
        match sqlite.batch_execute("PRAGMA journal_mode = WAL") {
            // The change of the journal mode does not wait for others by itself.
            Err(error) if is_transient(&error) && started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => break result?,
        }
    }
    Ok(sqlite)
}

/// The migrations that the database lacks.
fn missing(sqlite: &mut SqliteConnection) -> Result<Vec<&'static Migration>, BoxError> {
    refuse_obsolete(sqlite)?;
    let applied = if has_table(sqlite, "menjin_schema")? {
        diesel::sql_query(migrations::APPLIED).load::<Applied>(sqlite)?
    } else {
        Vec::new()
    };
    Ok(migrations::missing(MIGRATIONS, &applied)?)
}

/// Refuses a database from before the first release, and changes nothing in it.
fn refuse_obsolete(sqlite: &mut SqliteConnection) -> Result<(), BoxError> {
    let is_obsolete = !has_table(sqlite, "menjin_schema")?
        && has_table(sqlite, "__diesel_schema_migrations")?
        && diesel::sql_query(migrations::IS_OBSOLETE).get_result::<Found>(sqlite)?.found;
    if is_obsolete { Err(SchemaError::Obsolete.into()) } else { Ok(()) }
}

fn has_table(sqlite: &mut SqliteConnection, name: &str) -> QueryResult<bool> {
    let table =
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?) AS found";
    let found = diesel::sql_query(table).bind::<Text, _>(name).get_result::<Found>(sqlite)?;
    Ok(found.found)
}

#[derive(QueryableByName)]
struct Dangling {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    parent: String,
}

/// SQLite does not enforce foreign keys while migrations run.
fn check_foreign_keys(sqlite: &mut SqliteConnection) -> Result<(), BoxError> {
    let check = "SELECT \"table\", parent FROM pragma_foreign_key_check LIMIT 1";
    match diesel::sql_query(check).get_result::<Dangling>(sqlite).optional()? {
        Some(Dangling { table, parent }) => {
            Err(format!("after the migrations a row of {table} refers to none of {parent}").into())
        }
        None => Ok(()),
    }
}
