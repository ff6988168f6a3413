//! What the domain's example keeps in memory, for others to copy from.

#[path = "../../../crates/domain/examples/in_memory"]
mod in_memory {
    mod accounts;
    mod audit;
    mod credentials;
    mod invitations;
    mod jobs;
    mod lockouts;
    mod mails;
    mod mfa;
    mod one_time;
    mod rows;
    mod sessions;
    pub(super) mod store;
    #[expect(dead_code, reason = "of the toys only the limits have a contract suite")]
    pub(super) mod toys;
}

use std::sync::Arc;

use menjin_tests::contract::Store;
use menjin_tests::contract::mails::Mailing;
use menjin_tests::contract::rates::Limiter;

pub(crate) async fn store() -> Store {
    mailing().await.store
}

pub(crate) async fn mailing() -> Mailing {
    let store = Arc::new(in_memory::store::Store::default());
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
            keep: Arc::new(()),
        },
    }
}

pub(crate) async fn limiter() -> Limiter {
    Arc::new(in_memory::toys::Rates::default())
}
