//! A file of SQLite.

use std::sync::Arc;

use menjin_infra_sqlite::{SqliteConfig, SqliteStore};
use menjin_tests::contract::Store;
use menjin_tests::contract::mails::Mailing;
use tempfile::TempDir;

pub(crate) async fn store() -> Store {
    mailing().await.store
}

pub(crate) async fn mailing() -> Mailing {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(SqliteConfig::at(folder.path().join("menjin.db"))).unwrap();
    let store = Arc::new(store);
    Mailing {
        tokens: store.clone(),
        outbox: store.clone(),
        jobs: store.clone(),
        factors: store.clone(),
        invitations: store.clone(),
        store: Store {
            accounts: store.clone(),
            credentials: store.clone(),
            sessions: store.clone(),
            lockouts: store.clone(),
            records: store,
            keep: Arc::new(folder),
        },
    }
}
