//! A file of SQLite.

use std::sync::Arc;

use menjin_infra_sqlite::{SqliteConfig, SqliteStore};
use menjin_tests::contract::Store;
use tempfile::TempDir;

pub(crate) async fn store() -> Store {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(SqliteConfig::at(folder.path().join("menjin.db"))).unwrap();
    Store {
        accounts: Arc::new(store.clone()),
        credentials: Arc::new(store.clone()),
        sessions: Arc::new(store.clone()),
        lockouts: Arc::new(store.clone()),
        records: Arc::new(store),
        keep: Arc::new(folder),
    }
}
