//! Copies of sessions in front of a store must not show: the contract suite on SQLite behind them.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use menjin_infra_memory::{CachedAccounts, CachedCredentials, CachedSessions, SessionCache};
use menjin_infra_sqlite::{SqliteConfig, SqliteStore};
use menjin_tests::contract::Store;

async fn fresh() -> Store {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("menjin.db");
    let open = move || SqliteStore::open(SqliteConfig::at(path)).unwrap();
    let store = Arc::new(tokio::task::spawn_blocking(open).await.unwrap());
    // Long enough that no row passes because a copy has aged.
    let cache = Arc::new(SessionCache::new(1000, Duration::from_secs(3600)));
    Store {
        accounts: Arc::new(CachedAccounts::new(store.clone(), cache.clone(), None)),
        credentials: Arc::new(CachedCredentials::new(store.clone(), cache.clone(), None)),
        sessions: Arc::new(CachedSessions::new(store.clone(), cache, None)),
        lockouts: store.clone(),
        records: store,
        keep: Arc::new(folder),
    }
}

menjin_tests::contract_tests!(fresh);
