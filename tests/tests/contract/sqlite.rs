//! A file of SQLite.

use menjin_contract::Repositories;
use menjin_infra_sqlite::{SqliteConfig, SqliteStore};
use tempfile::TempDir;

pub(crate) async fn fresh() -> Repositories {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(SqliteConfig::at(folder.path().join("menjin.db"))).unwrap();
    Repositories::of(store).keeping(folder)
}
