//! Reads and fills a whole database file, for a transfer.

use std::path::PathBuf;

use async_trait::async_trait;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use menjin_domain::common::{Error, PortError};
use menjin_domain::transfer::{
    Archive, ArchiveReader, ArchiveWriter, Batch, Contents, NotEmpty, Row,
};
use menjin_infra_sql::transfer::{
    BATCH, Dialect, Kind, Position, Record, Scalar, TABLES, Table, must_be_empty,
};

use crate::error::{COMPONENT, OrPortError};
use crate::open::{self, OpenError};
use crate::pool::{Access, connect};

/// The values of columns, as SQLite keeps them.
struct SqliteValues;

impl Dialect for SqliteValues {
    fn text(kind: Kind, column: &str) -> String {
        match kind {
            Kind::Text | Kind::Address => column.to_owned(),
            Kind::Number | Kind::Flag | Kind::Moment => format!("CAST({column} AS TEXT)"),
            // `hex` turns null into an empty text.
            Kind::Uuid => format!("CASE WHEN {column} IS NOT NULL THEN lower(hex({column})) END"),
        }
    }

    fn value(kind: Kind, text: &str) -> String {
        match kind {
            Kind::Text | Kind::Address => text.to_owned(),
            Kind::Number | Kind::Flag | Kind::Moment => format!("CAST({text} AS INTEGER)"),
            Kind::Uuid => format!("unhex({text})"),
        }
    }

    fn parameter(_number: usize) -> String {
        "?".to_owned()
    }
}

/// `Archive` on a SQLite file that has been created and migrated. It has its own connections, which
/// may take as long as they need.
#[derive(Debug, Clone)]
pub struct SqliteArchive {
    path: PathBuf,
    url: String,
}

impl SqliteArchive {
    /// An archive on this file, which is not opened yet.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let path = path.into();
        Ok(Self { url: open::url(&path)?, path })
    }

    /// Opens the file and prevents all others from writing to it. Waits for a write that is in
    /// progress.
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
        must_be_empty(&transaction.contents().await?).map_err(Error::Refused)?;
        Ok(Box::new(transaction))
    }
}

/// A transaction that spans several calls. When it is dropped, SQLite rolls it back.
struct Transaction {
    /// Lent to the thread that works; lost if that thread panics.
    sqlite: Option<SqliteConnection>,
    /// How far the database has been read.
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
    async fn contents(&mut self) -> Result<Vec<Contents>, PortError> {
        self.run(|sqlite, _position| TABLES.iter().map(|table| contents(sqlite, table)).collect())
            .await
    }

    async fn next(&mut self) -> Result<Option<Batch>, PortError> {
        self.run(next).await
    }
}

#[async_trait]
impl ArchiveWriter for Transaction {
    async fn put(&mut self, batch: Batch) -> Result<(), PortError> {
        self.run(move |sqlite, _position| {
            let table = Table::named(batch.table)?;
            batch.rows.chunks(BATCH).try_for_each(|rows| insert(sqlite, table, rows))
        })
        .await
    }

    async fn reserve_ids(&mut self, given: Vec<Contents>) -> Result<(), PortError> {
        self.run(move |sqlite, _position| {
            let last_ids = given.iter().filter_map(|each| Some((each.table, each.last_id?)));
            last_ids.into_iter().try_for_each(|(table, last)| reserve(sqlite, table, last))
        })
        .await
    }

    fn written(&mut self) -> &mut dyn ArchiveReader {
        self
    }

    async fn commit(mut self: Box<Self>) -> Result<(), PortError> {
        self.run(|sqlite, _position| {
            sqlite.batch_execute("COMMIT").or_port_error()?;
            // Everything is still in the write-ahead log, which will not be this large again for a
            // long time. If another process reads the file at this moment, the log stays, which
            // does no harm.
            let _ = sqlite.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)");
            Ok(())
        })
        .await
    }
}

fn contents(sqlite: &mut SqliteConnection, table: &Table) -> Result<Contents, PortError> {
    let count = format!("SELECT count(*) AS number FROM {}", table.name);
    let count: Scalar = diesel::sql_query(count).get_result(sqlite).or_port_error()?;
    let last_id = table.gives_ids.then(|| last_id(sqlite, table.name)).transpose()?;
    let rows = u64::try_from(count.number).unwrap_or(0);
    Ok(Contents { table: table.name, rows, last_id })
}

/// The next rows.
fn next(
    sqlite: &mut SqliteConnection,
    position: &mut Position,
) -> Result<Option<Batch>, PortError> {
    while let Some(table) = position.table() {
        let select = table.select::<SqliteValues>(position.after().is_empty());
        let mut select = diesel::sql_query(select).into_boxed();
        for key in position.after() {
            select = select.bind::<Text, _>(key.clone());
        }
        if let Some(batch) = position.pass(select.load::<Record>(sqlite).or_port_error()?)? {
            return Ok(Some(batch));
        }
    }
    Ok(None)
}

/// Writes these rows as they are.
fn insert(sqlite: &mut SqliteConnection, table: &Table, rows: &[Row]) -> Result<(), PortError> {
    let values = table.columns.iter().map(|(_, kind)| SqliteValues::value(*kind, "?"));
    let values = format!("({})", values.collect::<Vec<_>>().join(", "));
    let insert = format!(
        "INSERT INTO {} ({}) VALUES {}",
        table.name,
        table.column_names(),
        vec![values; rows.len()].join(", ")
    );
    let mut insert = diesel::sql_query(insert).into_boxed();
    for value in rows.iter().flatten() {
        insert = insert.bind::<Nullable<Text>, _>(value.as_deref());
    }
    insert.execute(sqlite).or_port_error().map(drop)
}

fn last_id(sqlite: &mut SqliteConnection, table: &str) -> Result<i64, PortError> {
    let last = diesel::sql_query("SELECT seq AS number FROM sqlite_sequence WHERE name = ?")
        .bind::<Text, _>(table)
        .get_result::<Scalar>(sqlite)
        .optional()
        .or_port_error()?;
    Ok(last.map_or(0, |last| last.number))
}

/// Makes the ids of a table begin after this one.
fn reserve(sqlite: &mut SqliteConnection, table: &str, last: i64) -> Result<(), PortError> {
    let last = last.max(last_id(sqlite, table)?);
    // The table has no key, and SQLite itself looks its rows up by name.
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
