//! Private servers of Redis or Valkey: on free ports of the loopback interface, with nothing on disk
//! that outlives them, and gone with the process of the tests.
//!
//! `MENJIN_TEST_REDIS_SERVER` names another binary than the first found of `redis-server` and
//! `valkey-server`; `MENJIN_TEST_REDIS_URL` a server that runs already, for the tests that only
//! use one.

mod groups;
mod process;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;

pub use groups::{Cluster, Sentinels};
pub use process::{RedisServer, binary};

/// The URL of a server that all tests of this process share; see [`namespace`].
pub fn shared_url() -> String {
    static SERVER: OnceLock<RedisServer> = OnceLock::new();
    std::env::var("MENJIN_TEST_REDIS_URL")
        .unwrap_or_else(|_unset| SERVER.get_or_init(|| RedisServer::start(&[])).url())
}

/// A namespace that nobody else has.
pub fn namespace() -> String {
    format!("test-{:016x}", RandomState::new().hash_one(0))
}
