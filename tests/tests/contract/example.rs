//! What the domain's example keeps in memory, for others to copy from.

#[path = "../../../crates/domain/examples/in_memory/audit.rs"]
mod audit;
#[path = "../../../crates/domain/examples/in_memory/store.rs"]
mod store;
#[path = "../../../crates/domain/examples/in_memory/toys.rs"]
#[expect(dead_code, reason = "of the toys only the limits have a contract suite")]
mod toys;

use std::sync::Arc;

use menjin_tests::contract::Store;
use menjin_tests::contract::rates::Limiter;

pub(crate) async fn store() -> Store {
    let store = Arc::new(store::Store::default());
    Store {
        accounts: store.clone(),
        credentials: store.clone(),
        sessions: store.clone(),
        lockouts: store.clone(),
        records: store,
        keep: Arc::new(()),
    }
}

pub(crate) async fn limiter() -> Limiter {
    Arc::new(toys::Rates::default())
}
