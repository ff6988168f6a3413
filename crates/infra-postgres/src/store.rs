//! The store: connections, deadlines, the health probe.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;

use deadpool::managed::{Hook, HookError, QueueMode};
use diesel::sql_types::BigInt;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::common::Timestamp;
use menjin_domain::health::HealthProbe;
use menjin_infra_sql::cleanup::in_parts;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::sql_types::Moment;
use tokio::time::{Duration, Instant};

use crate::config::{PostgresConfig, Target};
use crate::connect::Connector;
use tokio::runtime::Handle;
use tracing::Instrument as _;

use crate::error::COMPONENT;
use crate::executor::{DEADLINE, Executor, Scope, Work};
use crate::open::{self, OpenError};
use crate::readers::Readers;
use crate::refreshes::Refreshes;

/// The store: `AccountRepository`, `SessionRepository`, `LockoutRepository`, `AuditRepository` and
/// `HealthProbe` on one PostgreSQL database. Clones are cheap and share their connections.
///
/// Its work and its connections live on the tokio runtime that it was opened on, wherever it is
/// called from. The workers of a web server end one by one, and a connection made on one of them
/// would end in the middle of another worker's call. A call whose future is dropped either still
/// does all of its work, or none.
///
/// Transactions take locks in one order, so that they never deadlock: a user's row, the lock on
/// deactivations of administrators, sessions; and before any count of failures the lock on its
/// subject. Appending an audit record waits for no lock. Deletions pass over locked rows.
#[derive(Clone)]
pub struct PostgresStore {
    executor: Arc<Executor>,
    pub(crate) readers: Arc<Readers>,
    pub(crate) refreshes: Arc<Refreshes>,
    place: Arc<str>,
    pub(crate) runtime: Handle,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("place", &self.place).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects, and runs the missing migrations. Of several processes that start at once, one
    /// migrates and the others wait for it.
    pub async fn open(config: PostgresConfig) -> Result<Self, OpenError> {
        let target = open::target(&config)?;
        let place: Arc<str> = target.place().into();
        let applied = open::migrate(&target).await?;
        if !applied.is_empty() {
            tracing::info!(?applied, %place, "database migrated");
        }
        let executor =
            executor(&config, target).map_err(|source| OpenError::unusable(&place, source))?;
        let readers = Arc::clone(&executor.readers);
        // The more statements, the fewer refreshes share one.
        let refreshes = Refreshes::new(executor.pool.status().max_size / 4);
        let executor = Arc::new(executor);
        Ok(Self { executor, readers, refreshes, place, runtime: Handle::current() })
    }

    /// Runs the missing migrations, and returns their names.
    pub async fn migrate(config: &PostgresConfig) -> Result<Vec<String>, OpenError> {
        open::migrate(&open::target(config)?).await
    }

    /// The names of the missing migrations.
    pub async fn pending_migrations(config: &PostgresConfig) -> Result<Vec<String>, OpenError> {
        open::pending(&open::target(config)?).await
    }

    /// Whether the database has nothing of menjin's. Changes nothing.
    pub async fn is_empty(config: &PostgresConfig) -> Result<bool, OpenError> {
        open::is_empty(&open::target(config)?).await
    }

    /// Host, port and database.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Closes the connections: later calls are `Unavailable`. Acknowledged changes are safe without
    /// it.
    pub fn close(&self) {
        self.executor.pool.close();
        self.readers.close();
    }

    /// Runs work that is one statement.
    pub(crate) async fn statement<A, T, E>(&self, with: A, work: Work<A, T, E>) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: From<PortError> + Send + 'static,
    {
        self.run(Scope::Statement, with, work).await
    }

    /// Runs work that is several statements: all of them take effect, or none.
    pub(crate) async fn transaction<A, T, E>(&self, with: A, work: Work<A, T, E>) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: From<PortError> + Send + 'static,
    {
        self.run(Scope::Transaction, with, work).await
    }

    /// Reads with several statements, which all see the same moment.
    pub(crate) async fn snapshot<A, T, E>(&self, with: A, work: Work<A, T, E>) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: From<PortError> + Send + 'static,
    {
        self.run(Scope::Snapshot, with, work).await
    }

    async fn run<A, T, E>(&self, scope: Scope, with: A, work: Work<A, T, E>) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: From<PortError> + Send + 'static,
    {
        self.run_until(Instant::now() + DEADLINE, scope, with, work).await
    }

    /// Runs the work as its own task, which ends by its deadline whether or not the caller still
    /// waits: diesel's transactions cannot be stopped half-way.
    pub(crate) async fn run_until<A, T, E>(
        &self,
        deadline: Instant,
        scope: Scope,
        with: A,
        work: Work<A, T, E>,
    ) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: From<PortError> + Send + 'static,
    {
        let executor = Arc::clone(&self.executor);
        let work = async move { executor.serve(deadline, scope, with, work).await };
        let task = self.runtime.spawn(work.in_current_span());
        match task.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(PortError::internal(COMPONENT, error).into()),
            Err(shutting_down) => Err(PortError::unavailable(COMPONENT, shutting_down).into()),
        }
    }

    /// Runs a statement that deletes rows older than a moment. The statement takes the moment and
    /// the greatest number of rows.
    pub(crate) async fn delete_in_parts(
        &self,
        statement: &'static str,
        before: Timestamp,
    ) -> Result<u64, PortError> {
        let delete = |part| {
            self.statement((statement, before, part), |postgres, (statement, before, part)| {
                async move {
                    let statement = diesel::sql_query(*statement);
                    let statement = statement.bind::<Moment, _>(Micros::from(*before));
                    Ok(statement.bind::<BigInt, _>(*part).execute(postgres).await?)
                }
                .boxed()
            })
        };
        in_parts(delete).await
    }
}

/// Whether the database takes writes.
const TAKES_WRITES: &str = "UPDATE sessions SET last_used_at = last_used_at WHERE false";

#[async_trait]
impl HealthProbe for PostgresStore {
    async fn check(&self) -> Result<(), PortError> {
        self.statement((), |postgres, ()| {
            async move {
                let any = users::table.select(users::id).limit(1);
                let _first: Option<i64> = any.get_result(postgres).await.optional()?;
                // Changes nothing, but a server that takes no writes refuses it.
                diesel::sql_query(TAKES_WRITES).execute(postgres).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

/// How many of the connections serve only session lookups: one per core, and at most a quarter of
/// all. They need statements that stay prepared.
fn readers_of(config: &PostgresConfig) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    if config.prepared_statements { cores.min(config.pool_size / 4) } else { 0 }
}

fn executor(
    config: &PostgresConfig,
    target: Target,
) -> Result<Executor, menjin_domain::common::BoxError> {
    let millisecond = Duration::from_millis(1);
    let statement_timeout =
        config.statement_timeout.clamp(millisecond, PostgresConfig::MAX_STATEMENT_TIMEOUT);
    let connector = Connector::new(target, statement_timeout)?;
    let prepared_statements = config.prepared_statements;
    let mut manager = ManagerConfig::<AsyncPgConnection>::default();
    // No query on reuse: diesel-async knows when the server has closed a connection, and a
    // connection in a doubtful state never comes back to the pool.
    manager.recycling_method = RecyclingMethod::Fast;
    let connecting = connector.clone();
    manager.custom_setup = Box::new(move |_url| {
        let connector = connecting.clone();
        async move { connector.connect_beside(prepared_statements).await }.boxed()
    });
    // No URL here: it holds the password, and the connector has everything that is needed.
    let manager = AsyncDieselConnectionManager::new_with_config(String::new(), manager);
    // The connection that was used last has the warmest caches, and is the most likely to be alive.
    let (readers, max_age) = (readers_of(config), config.max_age);
    let pool = Pool::builder(manager)
        .max_size(config.pool_size.saturating_sub(readers).max(1))
        .queue_mode(QueueMode::Lifo)
        .pre_recycle(Hook::sync_fn(move |_connection, metrics| {
            if metrics.age() < max_age { Ok(()) } else { Err(HookError::message("too old")) }
        }))
        .build()?;
    let readers = Readers::new(connector.clone(), readers, statement_timeout, max_age);
    Ok(Executor {
        pool,
        connector,
        readers: Arc::new(readers),
        acquire_timeout: config.acquire_timeout.min(PostgresConfig::MAX_ACQUIRE_TIMEOUT),
        statement_timeout,
        prepared_statements,
    })
}
