//! Reads and fills a whole database, for a transfer.

use std::time::Duration;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use menjin_domain::common::{Error, PortError};
use menjin_domain::transfer::{
    Archive, ArchiveReader, ArchiveWriter, Batch, Contents, NotEmpty, Row,
};
use menjin_infra_sql::transfer::{
    Dialect, Kind, Position, Record, Scalar, TABLES, Table, must_be_empty,
};

use crate::config::{PostgresConfig, Target};
use crate::connect::Connector;
use crate::error::{COMPONENT, failed};
use crate::open::{self, CONNECT_PATIENCE, OpenError};

/// The names of all tables that are copied.
fn tables() -> String {
    TABLES.iter().map(|table| table.name).collect::<Vec<_>>().join(", ")
}

/// Others may read. A new writer waits until the transaction ends, and the locks wait for writers
/// that are in progress. The locks come before the first look at the data, which then holds
/// everything that was committed before.
fn begin_export() -> String {
    format!(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; LOCK TABLE {} IN SHARE MODE",
        tables()
    )
}

/// Nobody else sees the tables until the transaction ends. Accounts are counted once, at the end:
/// with the trigger, each batch would leave dead versions of the count rows behind, and the next
/// batch would have to step over them.
fn begin_import() -> String {
    format!(
        "LOCK TABLE {}, user_counts IN ACCESS EXCLUSIVE MODE;
         ALTER TABLE users DISABLE TRIGGER users_counted",
        tables()
    )
}

fn commit_import() -> String {
    format!(
        "ALTER TABLE users ENABLE TRIGGER users_counted;
         INSERT INTO user_counts (role, shard, total)
         SELECT role, id % 16, count(*) FROM users GROUP BY 1, 2
         ON CONFLICT (role, shard) DO UPDATE SET total = excluded.total;
         ANALYZE {}, user_counts;
         COMMIT",
        tables()
    )
}

/// The values of columns, as PostgreSQL keeps them.
struct PostgresValues;

impl Dialect for PostgresValues {
    fn text(kind: Kind, column: &str) -> String {
        match kind {
            Kind::Text => column.to_owned(),
            Kind::Number => format!("{column}::text"),
            Kind::Flag => format!("{column}::int::text"),
            Kind::Moment => format!("(extract(epoch FROM {column}) * 1000000)::bigint::text"),
            Kind::Uuid => format!("replace({column}::text, '-', '')"),
            Kind::Address => format!("host({column})"),
        }
    }

    fn value(kind: Kind, text: &str) -> String {
        match kind {
            Kind::Text => text.to_owned(),
            Kind::Number => format!("{text}::bigint"),
            Kind::Flag => format!("{text}::int::boolean"),
            Kind::Moment => {
                format!("timestamptz 'epoch' + {text}::bigint * interval '1 microsecond'")
            }
            Kind::Uuid => format!("{text}::uuid"),
            Kind::Address => format!("{text}::inet"),
        }
    }

    fn parameter(number: usize) -> String {
        format!("${number}")
    }
}

/// `Archive` on a PostgreSQL database that has been migrated. It has its own connections, which may
/// take as long as they need. The role must own the tables, as the role that migrated them does.
#[derive(Clone)]
pub struct PostgresArchive {
    target: Target,
}

impl PostgresArchive {
    /// An archive on this database, without a connection yet.
    pub fn new(config: &PostgresConfig) -> Result<Self, OpenError> {
        Ok(Self { target: open::target(config)? })
    }

    async fn begin(&self, setup: &str) -> Result<Transaction, PortError> {
        let connector = Connector::new(self.target.clone(), Duration::ZERO)
            .map_err(|error| PortError::internal(COMPONENT, error))?;
        let postgres = tokio::time::timeout(CONNECT_PATIENCE, connector.connect(false)).await;
        let mut postgres = postgres
            .map_err(|elapsed| PortError::unavailable(COMPONENT, elapsed))?
            .map_err(|error| PortError::unavailable(COMPONENT, error))?;
        // diesel's transactions are not used, because this transaction outlives the call.
        let begin = format!(
            "BEGIN;
             SET LOCAL statement_timeout = 0;
             SET LOCAL idle_in_transaction_session_timeout = 0;
             SET LOCAL lock_timeout = '10s';
             {setup}"
        );
        postgres.batch_execute(&begin).await.map_err(failed)?;
        Ok(Transaction { postgres, position: Position::default() })
    }
}

#[async_trait]
impl Archive for PostgresArchive {
    async fn export(&self) -> Result<Box<dyn ArchiveReader>, PortError> {
        Ok(Box::new(self.begin(&begin_export()).await?))
    }

    async fn import(&self) -> Result<Box<dyn ArchiveWriter>, Error<NotEmpty>> {
        let mut transaction = self.begin(&begin_import()).await?;
        must_be_empty(&transaction.contents().await?).map_err(Error::Refused)?;
        Ok(Box::new(transaction))
    }
}

/// A transaction that spans several calls. When it is dropped, its connection ends, and PostgreSQL
/// rolls it back.
struct Transaction {
    postgres: AsyncPgConnection,
    /// How far the database has been read.
    position: Position,
}

impl Transaction {
    async fn number(&mut self, query: String) -> QueryResult<i64> {
        let number = diesel::sql_query(query).get_result(&mut self.postgres).await;
        number.map(|Scalar { number }| number)
    }

    /// The last id that a table has handed out.
    async fn last_id(&mut self, table: &str) -> QueryResult<i64> {
        // Before its first call, the sequence holds the next id instead of the last.
        let last = "last_value - CASE WHEN is_called THEN 0 ELSE 1 END AS number";
        self.number(format!("SELECT {last} FROM {table}_id_seq")).await
    }

    async fn insert(&mut self, table: &Table, rows: &[Row]) -> QueryResult<()> {
        let columns = || table.columns.iter().enumerate();
        let values =
            columns().map(|(at, (_, kind))| PostgresValues::value(*kind, &format!("c{at}")));
        let insert = format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM unnest({}) AS given ({})",
            table.name,
            table.column_names(),
            values.collect::<Vec<_>>().join(", "),
            columns().map(|(at, _)| format!("${}", at + 1)).collect::<Vec<_>>().join(", "),
            columns().map(|(at, _)| format!("c{at}")).collect::<Vec<_>>().join(", "),
        );
        let mut insert = diesel::sql_query(insert).into_boxed();
        for (at, _) in columns() {
            let column = rows.iter().map(|row| row.get(at).and_then(Option::as_deref));
            insert = insert.bind::<Array<Nullable<Text>>, _>(column.collect::<Vec<_>>());
        }
        insert.execute(&mut self.postgres).await.map(drop)
    }

    /// Makes the ids of a table begin after this one.
    async fn reserve(&mut self, table: &str, last: i64) -> QueryResult<()> {
        // A rollback would not undo `setval`.
        let next = last.max(self.last_id(table).await?).saturating_add(1);
        let restart = format!("ALTER TABLE {table} ALTER COLUMN id RESTART WITH {next}");
        self.postgres.batch_execute(&restart).await
    }
}

#[async_trait]
impl ArchiveReader for Transaction {
    async fn contents(&mut self) -> Result<Vec<Contents>, PortError> {
        let mut contents = Vec::new();
        for table in TABLES {
            let count = format!("SELECT count(*) AS number FROM {}", table.name);
            let rows = u64::try_from(self.number(count).await.map_err(failed)?).unwrap_or(0);
            let last_id = if table.gives_ids {
                Some(self.last_id(table.name).await.map_err(failed)?)
            } else {
                None
            };
            contents.push(Contents { table: table.name, rows, last_id });
        }
        Ok(contents)
    }

    async fn next(&mut self) -> Result<Option<Batch>, PortError> {
        while let Some(table) = self.position.table() {
            let select = table.select::<PostgresValues>(self.position.after().is_empty());
            let mut select = diesel::sql_query(select).into_boxed();
            for key in self.position.after() {
                select = select.bind::<Text, _>(key.clone());
            }
            let records: Vec<Record> = select.load(&mut self.postgres).await.map_err(failed)?;
            if let Some(batch) = self.position.pass(records)? {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl ArchiveWriter for Transaction {
    async fn put(&mut self, batch: Batch) -> Result<(), PortError> {
        let table = Table::named(batch.table)?;
        self.insert(table, &batch.rows).await.map_err(failed)
    }

    async fn reserve_ids(&mut self, given: Vec<Contents>) -> Result<(), PortError> {
        for (table, last) in given.into_iter().filter_map(|each| Some((each.table, each.last_id?)))
        {
            self.reserve(table, last).await.map_err(failed)?;
        }
        Ok(())
    }

    fn written(&mut self) -> &mut dyn ArchiveReader {
        self
    }

    async fn commit(mut self: Box<Self>) -> Result<(), PortError> {
        self.postgres.batch_execute(&commit_import()).await.map_err(failed)
    }
}
