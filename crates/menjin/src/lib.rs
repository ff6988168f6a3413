#![doc = include_str!("../README.md")]
//! # A whole service
//!
//! This is `examples/axum.rs`, which the tests run: log-in, the own account, log-out, and a list for
//! administrators.
//!
//! ```no_run
#![doc = include_str!("../examples/axum.rs")]
//! ```
//!
//! # A command line
//!
//! `examples/command_line.rs`
//!
//! ```no_run
#![doc = include_str!("../examples/command_line.rs")]
//! ```
//!
//! # Tables of one's own
//!
//! `examples/own_tables.rs`
//!
//! ```no_run
#![doc = include_str!("../examples/own_tables.rs")]
//! ```
//!
//! # Unit tests on mocks
//!
//! `examples/unit_tests.rs`
//!
//! ```no_run
#![doc = include_str!("../examples/unit_tests.rs")]
//! ```

mod builder;
mod caller;
mod error;
mod maintenance;
mod menjin;
pub mod secret_file;
mod store;
mod wiring;

pub use menjin_domain::common::{Error, PortError, RequestContext};
pub use menjin_domain::ports::Policy;
pub use menjin_domain::services::Services;
pub use menjin_domain::{
    access, accounts, audit, cache, common, credentials, health, import, invitations, jobs,
    lockout, mail, mfa, one_time, passkeys, ports, services, sessions,
};
pub use menjin_web::{ApiError, ErrorKind, Locale};
/// What the signatures of ports and values need: times, ids, secrets that are not printed by mistake, and
/// traits with async methods.
pub use {async_trait::async_trait, chrono, secrecy, uuid};

pub use builder::Builder;
pub use caller::{client, field, to_the_end};
pub use error::{BuildError, SecretFileError};
pub use maintenance::Maintenance;
pub use menjin::Menjin;
pub use store::{Database, Store};

/// What implements the ports, and how it is configured.
pub mod adapters {
    pub use menjin_infra_credentials as credentials;
    #[cfg(feature = "mail")]
    pub use menjin_infra_mail as mail;
    pub use menjin_infra_memory as memory;
    #[cfg(feature = "postgres")]
    pub use menjin_infra_postgres as postgres;
    #[cfg(feature = "redis")]
    pub use menjin_infra_redis as redis;
    #[cfg(feature = "sqlite-system")]
    pub use menjin_infra_sqlite as sqlite;
}
