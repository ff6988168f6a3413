//! The session cache in front of SQLite: it must not show.

use std::sync::Arc;
use std::time::Duration;

use menjin_contract::{Repositories, Store};
use menjin_infra_memory::{
    CachedAccounts, CachedCredentials, CachedFactors, CachedInvitations, CachedOneTimeTokens,
    CachedPasskeys, CachedSessions, SessionCache,
};
use menjin_infra_sqlite::{SqliteConfig, SqliteStore};

pub(crate) async fn fresh() -> Repositories {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("menjin.db");
    let open = move || SqliteStore::open(SqliteConfig::at(path)).unwrap();
    let store = Arc::new(tokio::task::spawn_blocking(open).await.unwrap());
    // Long enough that no row passes because a cached session has aged.
    let cache = Arc::new(SessionCache::new(1000, Duration::from_secs(3600)));
    Repositories {
        tokens: Arc::new(CachedOneTimeTokens::new(store.clone(), cache.clone(), None)),
        outbox: store.clone(),
        jobs: store.clone(),
        factors: Arc::new(CachedFactors::new(store.clone(), cache.clone(), None)),
        passkeys: Arc::new(CachedPasskeys::new(store.clone(), cache.clone(), None)),
        invitations: Arc::new(CachedInvitations::new(store.clone(), cache.clone(), None)),
        store: Store {
            accounts: Arc::new(CachedAccounts::new(store.clone(), cache.clone(), None)),
            credentials: Arc::new(CachedCredentials::new(store.clone(), cache.clone(), None)),
            sessions: Arc::new(CachedSessions::new(store.clone(), cache, None)),
            lockouts: store.clone(),
            records: store,
            keep: Arc::new(folder),
        },
    }
}
