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
    mod passkeys;
    mod rows;
    mod sessions;
    pub(super) mod store;
    #[expect(dead_code, reason = "of the toys only the limits have a contract suite")]
    pub(super) mod toys;
}

use std::sync::Arc;

use menjin_contract::Repositories;
use menjin_contract::rates::Limiter;

pub(crate) async fn fresh() -> Repositories {
    Repositories::of(in_memory::store::Store::default())
}

pub(crate) async fn limiter() -> Limiter {
    Arc::new(in_memory::toys::Rates::default())
}
