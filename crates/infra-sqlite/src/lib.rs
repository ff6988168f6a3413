//! # menjin-infra-sqlite
//!
//! The accounts, sessions, counts of failed log-ins and audit log in one SQLite file: menjin's embedded
//! default. [`SqliteStore`] implements the ports; the library is bundled.
//!
//! * **Durable.** Write-ahead log with `synchronous = FULL`: what was acknowledged survives the loss
//!   of power.
//! * **One writer, many readers.** Every change is one `BEGIN IMMEDIATE` transaction on the only
//!   connection that may write; readers neither wait for it nor hold it up. Other processes may
//!   write as well (`menjin admin create` beside a running server).
//! * **Bounded.** What cannot be answered within three seconds is
//!   [`PortError::Unavailable`](menjin_domain::common::PortError::Unavailable).

// Named so that its feature `bundled` is on wherever this crate is used.
use libsqlite3_sys as _;

mod archive;
mod audit;
mod credentials;
mod error;
mod listing;
mod lookups;
mod open;
mod pool;
mod sessions;
mod store;
mod throttle;
mod users;

pub use archive::SqliteArchive;
pub use menjin_infra_sql::migrations::SchemaError;
pub use open::{OpenError, SqliteConfig};
pub use store::SqliteStore;

#[cfg(test)]
mod tests;
