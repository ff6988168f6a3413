//! # menjin-infra-postgres
//!
//! The accounts, sessions, counts of failed log-ins and audit log in PostgreSQL (14 or newer), for
//! one process or for many that share it. [`PostgresStore`] implements the ports; no libpq is needed.
//!
//! * **Races are PostgreSQL's to settle.** Most calls are one conditional statement. Those that are
//!   not lock in one order, which `store.rs` tells, and never wait for each other in a circle.
//! * **Bounded.** What cannot be answered within three seconds is
//!   [`PortError::Unavailable`](menjin_domain::common::PortError::Unavailable), whether the server is
//!   down, stopped, busy or far away. It recovers by itself.
//! * **A caller who leaves breaks nothing.** Each call is a task of its own, and a connection whose
//!   state is in doubt is closed, not lent again.
//! * **PgBouncer** in transaction mode will do; see [`PostgresConfig::prepared_statements`].

mod archive;
mod audit;
mod config;
mod connect;
mod credentials;
mod error;
mod executor;
mod listing;
mod live;
mod open;
mod readers;
mod recorded;
mod refreshes;
mod sessions;
mod statements;
mod store;
mod throttle;
mod users;

pub use archive::PostgresArchive;
pub use config::PostgresConfig;
pub use menjin_infra_sql::migrations::SchemaError;
pub use open::OpenError;
pub use store::PostgresStore;
