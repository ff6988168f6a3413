//! Runs the work of a call on a connection of the pool, within its deadline.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager as _};
use futures_util::future::BoxFuture;
use menjin_domain::common::PortError;
use tokio::time::{Instant, timeout_at};

use crate::connect::Connector;
use crate::error::{Abort, COMPONENT};
use crate::readers::Readers;

/// When a call is answered at the latest.
pub(crate) const DEADLINE: Duration = Duration::from_millis(2800);
/// How often a call is tried while other transactions are in its way.
const TRIES: u32 = 5;

/// Work on a connection. It is a function and not a closure, so that it can be run again.
pub(crate) type Work<A, T, E> =
    for<'c> fn(&'c mut AsyncPgConnection, &'c A) -> BoxFuture<'c, Result<T, Abort<E>>>;

/// The transaction in which work runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// No transaction: each statement is its own transaction.
    Statement,
    /// A transaction in which each statement sees what others have committed by then.
    Transaction,
    /// A transaction that only reads, and sees one moment.
    Snapshot,
}

/// Runs work on connections of the pool.
///
/// Callers do not run statements themselves; tasks do. If a caller dropped a transaction of
/// diesel-async's half-way, its connection would be left in the middle of that transaction.
pub(crate) struct Executor {
    pub(crate) pool: Pool<AsyncPgConnection>,
    pub(crate) connector: Connector,
    pub(crate) readers: Arc<Readers>,
    pub(crate) acquire_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    pub(crate) prepared_statements: bool,
}

impl Executor {
    /// Runs the work on a connection, until the deadline at the latest.
    pub(crate) async fn serve<A, T, E>(
        &self,
        deadline: Instant,
        scope: Scope,
        arguments: A,
        work: Work<A, T, E>,
    ) -> Result<T, E>
    where
        E: From<PortError>,
    {
        let mut lent = self.lend(deadline).await?;
        let done = async {
            let mut tries = 1;
            loop {
                match lent.run(self.begin(scope).as_deref(), &arguments, work).await {
                    Err(abort) if abort.is_conflict() && tries < TRIES && lent.is_sound => {
                        tokio::time::sleep(Duration::from_millis(5) * tries).await;
                        tries += 1;
                    }
                    Err(abort) if abort.is_read_only() => {
                        lent.is_sound = false;
                        self.forget_idle();
                        break Err(abort.into_error());
                    }
                    result => break result.map_err(Abort::into_error),
                }
            }
        };
        let done = timeout_at(deadline, done).await;
        done.unwrap_or_else(|elapsed| {
            self.give_up(lent);
            if self.connector.has_several_hosts() {
                // This host may be silent for good.
                self.forget_idle();
            }
            Err(PortError::unavailable(COMPONENT, elapsed).into())
        })
    }

    async fn lend(&self, deadline: Instant) -> Result<Lent, PortError> {
        let in_time = deadline.min(Instant::now() + self.acquire_timeout);
        match timeout_at(in_time, self.pool.get()).await {
            Ok(Ok(connection)) => Ok(Lent { connection: Some(connection), is_sound: true }),
            Ok(Err(error)) => Err(PortError::unavailable(COMPONENT, error)),
            Err(_elapsed) => {
                let reason = "no connection came free, or could be made, in time";
                Err(PortError::unavailable(COMPONENT, reason))
            }
        }
    }

    /// Closes the connection, and asks the server to cancel what it is still doing there. Behind
    /// PgBouncer the statement may be waiting for a lock without any timeout.
    fn give_up(&self, lent: Lent) {
        let Some(token) = lent.connection.as_ref().map(|connection| connection.cancel_token())
        else {
            return;
        };
        drop(lent);
        let connector = self.connector.clone();
        tokio::spawn(async move {
            let cancelled = connector.cancel(token);
            drop(tokio::time::timeout(Duration::from_secs(1), cancelled).await);
        });
    }

    /// Closes all connections that nobody uses. They lead where a server was found that is silent or
    /// takes no writes; new ones may lead to the one that took its place.
    fn forget_idle(&self) {
        drop(self.pool.retain(|_connection, _metrics| false));
        self.readers.forget_all();
    }

    /// The statements that begin a scope, if any. The timeouts are set for the transaction alone,
    /// which PgBouncer passes on unchanged. A replica that is stopped in the middle of a
    /// transaction must not keep its locks.
    fn begin(&self, scope: Scope) -> Option<String> {
        let characteristics = match scope {
            Scope::Statement if self.prepared_statements => return None,
            Scope::Statement | Scope::Transaction => "ISOLATION LEVEL READ COMMITTED",
            Scope::Snapshot => "ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Some(format!(
            "BEGIN {characteristics}; SET LOCAL statement_timeout = {}; \
             SET LOCAL idle_in_transaction_session_timeout = 5000",
            self.statement_timeout.as_millis()
        ))
    }
}

/// A borrowed connection. If it is dropped in the middle of work (by a panic, or at the deadline),
/// it is closed and the server rolls back; it never goes back into the pool.
struct Lent {
    connection: Option<Object<AsyncPgConnection>>,
    /// Whether the connection is outside of a transaction and waits for no answer.
    is_sound: bool,
}

impl Lent {
    async fn run<A, T, E>(
        &mut self,
        begin: Option<&str>,
        arguments: &A,
        work: Work<A, T, E>,
    ) -> Result<T, Abort<E>> {
        let Some(connection) = self.connection.as_mut() else {
            return Err(PortError::internal(COMPONENT, "the connection is gone").into());
        };
        self.is_sound = false;
        let Some(begin) = begin else {
            let result = work(connection, arguments).await;
            self.is_sound = true;
            return result;
        };
        AnsiTransactionManager::begin_transaction_sql(&mut **connection, begin).await?;
        match work(connection, arguments).await {
            Ok(value) => {
                AnsiTransactionManager::commit_transaction(&mut **connection).await?;
                self.is_sound = true;
                Ok(value)
            }
            Err(abort) => {
                // The first error is the reason.
                let rolled_back =
                    AnsiTransactionManager::rollback_transaction(&mut **connection).await;
                self.is_sound = rolled_back.is_ok();
                Err(abort)
            }
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.is_sound
        {
            drop(Object::take(connection));
        }
    }
}
