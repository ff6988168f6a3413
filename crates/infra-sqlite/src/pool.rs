//! Connections, and how they are lent.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use diesel::connection::SimpleConnection;
use diesel::{Connection as _, ConnectionError, ConnectionResult, SqliteConnection};
use menjin_domain::common::PortError;

use crate::error::{COMPONENT, OrPortError as _, failed, is_read_only};
use crate::files::check_writable;

/// When a call is answered at the latest, though the disk does not.
pub(crate) const DEADLINE: Duration = Duration::from_millis(2800);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// For statements that change nothing; SQLite refuses others.
    Read,
    /// For transactions that change something.
    Write,
}

impl Access {
    /// The settings of every connection of its kind. `synchronous = FULL` syncs the log at each
    /// commit. A checkpoint comes every 4,000 pages (16 MB) and not every 1,000: a log-in writes some 20
    /// pages, many of them again and again, and each checkpoint syncs the file, too.
    fn pragmas(self) -> &'static str {
        match self {
            Self::Read => {
                "PRAGMA busy_timeout = 2000; PRAGMA temp_store = MEMORY;
                 PRAGMA foreign_keys = ON; PRAGMA query_only = ON;"
            }
            Self::Write => {
                "PRAGMA busy_timeout = 2000; PRAGMA temp_store = MEMORY;
                 PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;
                 PRAGMA wal_autocheckpoint = 4000;"
            }
        }
    }
}

/// Some writing. Returns whether what it did is to stay.
pub(crate) type Write = Box<dyn FnOnce(&mut SqliteConnection) -> bool + Send>;

/// A connection in a pool.
pub(crate) struct Connection {
    sqlite: SqliteConnection,
    /// Whether the connection is outside of a transaction. It is false during a transaction, so
    /// that it stays false after a panic.
    sound: bool,
}

impl Connection {
    /// Whether the connection can be used again.
    pub(crate) fn is_sound(&self) -> bool {
        self.sound
    }

    /// Reads with single statements.
    pub(crate) fn read<T>(&mut self, work: impl FnOnce(&mut SqliteConnection) -> T) -> T {
        self.sound = false;
        let result = work(&mut self.sqlite);
        self.sound = true;
        result
    }

    /// Reads in one transaction: all statements see the same moment.
    pub(crate) fn read_together<T, E: From<PortError>>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.transaction("BEGIN", work)
    }

    /// Writes in one transaction. Waits no longer than `patience` for a transaction of another
    /// process.
    pub(crate) fn write<T, E: From<PortError>>(
        &mut self,
        patience: Duration,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let begin = format!("PRAGMA busy_timeout = {}; BEGIN IMMEDIATE", patience.as_millis());
        self.transaction(&begin, work)
    }

    /// The same for several writes. Those that are not to stay are undone alone. If this fails, none
    /// of them stays.
    pub(crate) fn write_together(
        &mut self,
        patience: Duration,
        writes: Vec<Write>,
    ) -> Result<(), PortError> {
        self.write(patience, |sqlite| {
            writes.into_iter().try_for_each(|write| keep_or_undo(sqlite, write))
        })
    }

    /// diesel's transactions are not used: after a full disk SQLite has already rolled back, and
    /// diesel then returns the error of its own `ROLLBACK` instead of the reason.
    fn transaction<T, E: From<PortError>>(
        &mut self,
        begin: &str,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let sqlite = &mut self.sqlite;
        if let Err(error) = sqlite.batch_execute(begin) {
            self.sound = !is_read_only(&error);
            return Err(failed(error).into());
        }
        self.sound = false;
        let value = match work(sqlite) {
            Ok(value) => value,
            Err(error) => {
                self.roll_back();
                return Err(error);
            }
        };
        if let Err(error) = sqlite.batch_execute("COMMIT") {
            self.roll_back();
            return Err(failed(error).into());
        }
        self.sound = true;
        Ok(value)
    }

    /// If SQLite finds nothing to roll back, the connection is closed and a new one is opened.
    fn roll_back(&mut self) {
        self.sound = self.sqlite.batch_execute("ROLLBACK").is_ok();
    }
}

/// After some errors (a full disk, for one) SQLite has rolled back all of the transaction. Then there
/// is no savepoint to go back to.
fn keep_or_undo(sqlite: &mut SqliteConnection, write: Write) -> Result<(), PortError> {
    let is_gone = |error| PortError::unavailable(COMPONENT, error);
    sqlite.batch_execute("SAVEPOINT one_of_many").or_port_error()?;
    if !write(sqlite) {
        sqlite.batch_execute("ROLLBACK TO one_of_many").map_err(is_gone)?;
    }
    sqlite.batch_execute("RELEASE one_of_many").map_err(is_gone)
}

/// Opens a connection with all settings of its kind.
pub(crate) fn connect(url: &str, access: Access) -> ConnectionResult<SqliteConnection> {
    let mut sqlite = SqliteConnection::establish(url)?;
    sqlite.batch_execute(access.pragmas()).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(sqlite)
}

/// Makes the connections of a pool.
pub(crate) struct Manager {
    /// The path of the file.
    pub(crate) url: Arc<str>,
    /// What they are for.
    pub(crate) access: Access,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = ConnectionError;

    async fn create(&self) -> Result<Connection, ConnectionError> {
        let (url, access) = (Arc::clone(&self.url), self.access);
        let open = move || {
            check_writable(Path::new(&*url))
                .map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
            let mut sqlite = connect(&url, access)?;
            if access == Access::Write {
                // The connection before this one may have ended at a full disk. When there is room
                // again, a checkpoint comes first: otherwise the log grows into all of that room
                // before its checkpoint is due. If there is no room yet, the write reports it.
                let _ = sqlite.batch_execute("PRAGMA wal_checkpoint(PASSIVE)");
            }
            Ok::<_, ConnectionError>(sqlite)
        };
        let sqlite = tokio::task::spawn_blocking(open)
            .await
            .map_err(|error| ConnectionError::BadConnection(error.to_string()))??;
        Ok(Connection { sqlite, sound: true })
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        _metrics: &Metrics,
    ) -> RecycleResult<ConnectionError> {
        if connection.sound {
            Ok(())
        } else {
            Err(RecycleError::message("left in the middle of a transaction"))
        }
    }
}
