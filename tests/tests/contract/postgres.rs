//! A PostgreSQL of the tests' own, with a database for each of them.

use menjin_contract::{Repositories, Store};
use menjin_infra_postgres::{PostgresConfig, PostgresStore};
use menjin_tests::servers::{pgbouncer, postgres};

async fn open(config: PostgresConfig) -> Repositories {
    Repositories::of(PostgresStore::open(config).await.unwrap())
}

pub(crate) async fn fresh() -> Repositories {
    open(PostgresConfig::at(postgres::database().await.url)).await
}

/// Through `PgBouncer` in transaction mode, with a transaction around each call and nothing prepared for
/// later, as its older versions need it.
pub(crate) async fn pooled() -> Store {
    through_pgbouncer(false).await
}

/// The same with statements prepared for later, where this `PgBouncer` keeps them.
pub(crate) async fn pooled_and_prepared() -> Store {
    through_pgbouncer(pgbouncer::keeps_statements()).await
}

async fn through_pgbouncer(prepared_statements: bool) -> Store {
    let database = pgbouncer::through(&postgres::database().await).await;
    open(PostgresConfig { prepared_statements, ..PostgresConfig::at(database.url) }).await.store
}
