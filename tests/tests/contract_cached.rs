//! Copies of sessions in front of a store must not show: the contract suite on SQLite behind them.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use menjin_infra_memory::{CachedSessions, CachedUsers, SessionCopies};
use menjin_infra_sqlite::{SqliteConfig, SqliteStore};
use menjin_tests::contract::Store;

async fn fresh() -> Store {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("menjin.db");
    let open = move || SqliteStore::open(SqliteConfig::at(path)).unwrap();
    let store = Arc::new(tokio::task::spawn_blocking(open).await.unwrap());
    // Long enough that no row passes because a copy has aged.
    let copies = Arc::new(SessionCopies::new(1000, Duration::from_secs(3600)));
    Store {
        users: Arc::new(CachedUsers::new(store.clone(), copies.clone(), None)),
        sessions: Arc::new(CachedSessions::new(store.clone(), copies, None)),
        throttle: store.clone(),
        records: store,
        keep: Arc::new(folder),
    }
}

menjin_tests::contract_tests!(fresh);
