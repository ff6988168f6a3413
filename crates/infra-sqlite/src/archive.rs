//! All that a file holds, for a transfer.

mod records;

use std::path::PathBuf;

use async_trait::async_trait;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use menjin_domain::common::{Error, PortError};
use menjin_domain::transfer::{Archive, ArchiveReader, ArchiveWriter, Batch, Contents, NotEmpty};

use crate::error::{COMPONENT, OrPortError};
use crate::open::{self, OpenError};
use crate::pool::{Access, connect};
use crate::schema::{audit_events, login_throttles, sessions, users};
use records::Position;

/// `Archive` on a SQLite file that has been made and migrated. Its connections are its own, and
/// take as long as they need.
#[derive(Debug, Clone)]
pub struct SqliteArchive {
    path: PathBuf,
    url: String,
}

impl SqliteArchive {
    /// The file, which is not opened yet.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let path = path.into();
        Ok(Self { url: open::url(&path)?, path })
    }

    /// Opens the file and keeps all others from writing to it. Waits for one who is at it.
    async fn begin(&self) -> Result<Transaction, PortError> {
        let archive = self.clone();
        let begin = move || {
            let unusable = |error| {
                PortError::unavailable(COMPONENT, OpenError::unusable(&archive.path, error))
            };
            let mut sqlite = connect(&archive.url, Access::Write).map_err(unusable)?;
            sqlite.batch_execute("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE").or_port_error()?;
            Ok(Transaction { sqlite: Some(sqlite), position: Position::default() })
        };
        let done = tokio::task::spawn_blocking(begin).await;
        done.map_err(|error| PortError::internal(COMPONENT, error))?
    }
}

#[async_trait]
impl Archive for SqliteArchive {
    async fn export(&self) -> Result<Box<dyn ArchiveReader>, PortError> {
        Ok(Box::new(self.begin().await?))
    }

    async fn import(&self) -> Result<Box<dyn ArchiveWriter>, Error<NotEmpty>> {
        let mut transaction = self.begin().await?;
        let counts = transaction.run(|sqlite, _position| counts(sqlite)).await?;
        match counts.into_iter().find(|(_what, count)| *count > 0) {
            Some((what, _count)) => Err(Error::Refused(NotEmpty { what })),
            None => Ok(Box::new(transaction)),
        }
    }
}

/// What the file holds, by kind, and how many of each.
fn counts(sqlite: &mut SqliteConnection) -> Result<[(&'static str, i64); 4], PortError> {
    Ok([
        ("users", users::table.count().get_result(sqlite).or_port_error()?),
        ("sessions", sessions::table.count().get_result(sqlite).or_port_error()?),
        (
            "counts of failed log-ins",
            login_throttles::table.count().get_result(sqlite).or_port_error()?,
        ),
        (
            "records of what happened",
            audit_events::table.count().get_result(sqlite).or_port_error()?,
        ),
    ])
}

/// A transaction that goes over several calls; dropped, SQLite rolls it back.
struct Transaction {
    /// Lent to the thread that works; lost if that panics.
    sqlite: Option<SqliteConnection>,
    /// What has been read.
    position: Position,
}

impl Transaction {
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection, &mut Position) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let gone = || PortError::internal(COMPONENT, "an earlier step of this transfer panicked");
        let mut sqlite = self.sqlite.take().ok_or_else(gone)?;
        let mut position = std::mem::take(&mut self.position);
        let work = move || {
            let result = work(&mut sqlite, &mut position);
            (sqlite, position, result)
        };
        let (sqlite, position, result) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| PortError::internal(COMPONENT, error))?;
        self.sqlite = Some(sqlite);
        self.position = position;
        result
    }
}

#[async_trait]
impl ArchiveReader for Transaction {
    async fn contents(&mut self) -> Result<Contents, PortError> {
        self.run(|sqlite, _position| {
            let counts = counts(sqlite)?.into_iter();
            let records = counts.filter_map(|(_what, count)| u64::try_from(count).ok()).sum();
            let last_user_id = last_id(sqlite, "users")?;
            let last_event_id = last_id(sqlite, "audit_events")?;
            Ok(Contents { records, last_user_id, last_event_id })
        })
        .await
    }

    async fn next(&mut self) -> Result<Option<Batch>, PortError> {
        self.run(|sqlite, position| position.next(sqlite)).await
    }
}

#[async_trait]
impl ArchiveWriter for Transaction {
    async fn put(&mut self, batch: Batch) -> Result<(), PortError> {
        self.run(move |sqlite, _position| records::insert(sqlite, &batch)).await
    }

    async fn reserve_ids(&mut self, given: Contents) -> Result<(), PortError> {
        self.run(move |sqlite, _position| {
            reserve(sqlite, "users", given.last_user_id)?;
            reserve(sqlite, "audit_events", given.last_event_id)
        })
        .await
    }

    fn written(&mut self) -> &mut dyn ArchiveReader {
        self
    }

    async fn commit(mut self: Box<Self>) -> Result<(), PortError> {
        self.run(|sqlite, _position| {
            sqlite.batch_execute("COMMIT").or_port_error()?;
            // All of it is in the log, and it will not be as large for a long time. Where somebody
            // reads the file at this moment, the log stays: no harm.
            let _ = sqlite.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)");
            Ok(())
        })
        .await
    }
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

fn last_id(sqlite: &mut SqliteConnection, table: &str) -> Result<i64, PortError> {
    let last = diesel::sql_query("SELECT seq FROM sqlite_sequence WHERE name = ?")
        .bind::<Text, _>(table)
        .get_result::<Last>(sqlite)
        .optional()
        .or_port_error()?;
    Ok(last.map_or(0, |last| last.seq))
}

/// Lets ids of a table begin after this one.
fn reserve(sqlite: &mut SqliteConnection, table: &str, last: i64) -> Result<(), PortError> {
    let last = last.max(last_id(sqlite, table)?);
    // The table has no key: SQLite itself looks rows up by their name.
    diesel::sql_query("DELETE FROM sqlite_sequence WHERE name = ?")
        .bind::<Text, _>(table)
        .execute(sqlite)
        .or_port_error()?;
    diesel::sql_query("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)")
        .bind::<Text, _>(table)
        .bind::<BigInt, _>(last)
        .execute(sqlite)
        .or_port_error()
        .map(drop)
}
