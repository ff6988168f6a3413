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

use menjin_domain::ports::PortError;
use menjin_infra_postgres::{PostgresConfig, PostgresStore};
use menjin_tests::contract::Store;
use menjin_tests::servers::{pgbouncer, postgres};

async fn fresh() -> Store {
    let database = postgres::database().await;
    of(&open(&database.url).await)
}

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(PostgresConfig::at(url)).await.unwrap()
}

fn of(store: &PostgresStore) -> Store {
    Store {
        users: Arc::new(store.clone()),
        sessions: Arc::new(store.clone()),
        throttle: Arc::new(store.clone()),
        records: Arc::new(store.clone()),
        keep: Arc::new(()),
    }
}

fn is_unavailable<T>(result: &Result<T, PortError>) -> bool {
    matches!(result, Err(PortError::Unavailable { component: "database", .. }))
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
