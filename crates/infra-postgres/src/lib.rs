//! # menjin-infra-postgres
//!
//! Accounts, sessions, counts of failed logins and the audit log in PostgreSQL (14 or newer), for
//! one process or for many that share the database. [`PostgresStore`] implements the ports; libpq
//! is not needed.
//!
//! * **PostgreSQL decides races.** Most calls are one conditional statement. The other calls take
//!   their locks in one order, which `store.rs` describes, so they never deadlock.
//! * **Bounded.** A call that cannot be answered within three seconds is
//!   [`PortError::Unavailable`](menjin_domain::common::PortError::Unavailable), whether the server
//!   is down, stopped, busy or far away. The store recovers by itself.
//! * **A caller who leaves breaks nothing.** Each call is its own task, and a connection in a
//!   doubtful state is closed instead of being lent again.
//! * **PgBouncer** in transaction mode works; see [`PostgresConfig::prepared_statements`].

mod account_changes;
mod archive;
mod audit;
mod config;
mod connect;
mod credentials;
mod deletions;
mod email_changes;
mod error;
mod executor;
mod importing;
mod invitations;
mod jobs;
mod listing;
mod live;
mod lockouts;
mod mails;
mod mfa;
mod one_time;
mod open;
mod passkeys;
mod readers;
mod recipients;
mod recorded;
mod refreshes;
mod search;
mod sessions;
mod statements;
mod store;
mod terms;
mod tls;
mod users;

pub use archive::PostgresArchive;
pub use config::PostgresConfig;
pub use menjin_infra_sql::migrations::SchemaError;
pub use open::OpenError;
pub use store::PostgresStore;
