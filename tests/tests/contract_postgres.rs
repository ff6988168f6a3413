//! The contract suite on PostgreSQL, and what is PostgreSQL's own: faults, and several processes.
#![expect(clippy::unwrap_used, reason = "in the helpers of tests as in tests")]

#[path = "contract_postgres/audit.rs"]
mod audit_log;
#[path = "contract_postgres/faults.rs"]
mod faults;
#[path = "contract_postgres/look_ups.rs"]
mod look_ups;
#[path = "contract_postgres/opening.rs"]
mod opening;
#[path = "contract_postgres/pages.rs"]
mod pages;
#[path = "contract_postgres/refreshes.rs"]
mod refreshes;
#[path = "contract_postgres/sharing.rs"]
mod sharing;
#[path = "contract_postgres/tls.rs"]
mod tls;
#[path = "contract_postgres/transferring.rs"]
mod transferring;

use std::sync::Arc;
use std::time::{Duration, Instant};

use menjin_domain::common::PortError;
use menjin_infra_postgres::{PostgresConfig, PostgresStore};
use menjin_tests::contract::Store;
use menjin_tests::servers::{pgbouncer, postgres};
use tokio_postgres::Client;

async fn fresh() -> Store {
    let database = postgres::database().await;
    of(&open(&database.url).await)
}

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(PostgresConfig::at(url)).await.unwrap()
}

fn of(store: &PostgresStore) -> Store {
    Store {
        accounts: Arc::new(store.clone()),
        credentials: Arc::new(store.clone()),
        sessions: Arc::new(store.clone()),
        lockouts: Arc::new(store.clone()),
        records: Arc::new(store.clone()),
        keep: Arc::new(()),
    }
}

fn is_unavailable<T>(result: &Result<T, PortError>) -> bool {
    matches!(result, Err(PortError::Unavailable { component: "database", .. }))
}

/// How many statements of the database wait for a lock. Not to be asked in a transaction, where the view
/// stays as it was first seen.
async fn locked_out(raw: &Client) -> i64 {
    let statement = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    raw.query_one(statement, &[]).await.unwrap().get(0)
}

/// Waits until there are so many.
async fn until_locked_out(raw: &Client, statements: i64) {
    let started = Instant::now();
    while locked_out(raw).await < statements {
        assert!(started.elapsed() < Duration::from_secs(2), "nobody waits");
    }
}

/// An error with its causes, as logs show it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

menjin_tests::contract_tests!(fresh);

/// The whole suite once more through `PgBouncer` in transaction mode, with a transaction around each
/// call and nothing prepared for later, as its older versions need it.
mod pooled {
    use super::{Store, through_pgbouncer};

    async fn fresh() -> Store {
        through_pgbouncer(false).await
    }

    menjin_tests::contract_tests!(fresh);
}

/// And once more with statements prepared for later, where this `PgBouncer` keeps them.
mod pooled_and_prepared {
    use super::{Store, pgbouncer, through_pgbouncer};

    async fn fresh() -> Store {
        through_pgbouncer(pgbouncer::keeps_statements()).await
    }

    menjin_tests::contract_tests!(fresh);
}

async fn through_pgbouncer(prepared_statements: bool) -> Store {
    let database = pgbouncer::through(&postgres::database().await).await;
    let config = PostgresConfig { prepared_statements, ..PostgresConfig::at(database.url) };
    of(&PostgresStore::open(config).await.unwrap())
}
