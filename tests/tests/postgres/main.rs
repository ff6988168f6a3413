//! What is PostgreSQL's own: plans, faults, and several processes. The contract suite is in `contract`.
#![expect(clippy::unwrap_used, reason = "in the helpers of tests as in tests")]

mod audit;
mod faults;
mod look_ups;
mod opening;
mod pages;
mod refreshes;
mod sharing;
mod tls;
mod transferring;

use std::sync::Arc;
use std::time::{Duration, Instant};

use menjin_contract::Store;
use menjin_domain::common::PortError;
use menjin_infra_postgres::{PostgresConfig, PostgresStore};
use tokio_postgres::Client;

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
