//! # menjin-infra-sqlite
//!
//! Accounts, sessions, counts of failed logins and the audit log in one SQLite file: menjin's
//! embedded default. [`SqliteStore`] implements the ports; the SQLite library is bundled.
//!
//! * **Durable.** The write-ahead log has `synchronous = FULL`: acknowledged changes survive a
//!   power loss.
//! * **One writer, many readers.** All changes go over the only connection that may write, in
//!   `BEGIN IMMEDIATE` transactions. Changes that wait at the same time are committed together, each
//!   with a savepoint of its own, because the sync of a commit costs more than most changes. Readers
//!   and the writer do not wait for each other. Other processes may write as well
//!   (`menjin admin create` beside a running server).
//! * **Bounded.** A call that cannot be answered within three seconds is
//!   [`PortError::Unavailable`](menjin_domain::common::PortError::Unavailable).

// Named here so that its feature `bundled` is on wherever this crate is used.
use libsqlite3_sys as _;

mod account_changes;
mod archive;
mod audit;
mod credentials;
mod deletions;
mod email_changes;
mod error;
mod files;
mod importing;
mod inserting;
mod invitations;
mod jobs;
mod listing;
mod lockouts;
mod lookups;
mod mails;
mod mfa;
mod one_time;
mod open;
mod passkeys;
mod pool;
mod recipients;
mod search;
mod sessions;
mod store;
mod terms;
mod users;
mod writes;

pub use archive::SqliteArchive;
pub use menjin_infra_sql::migrations::SchemaError;
pub use open::{Claim, OpenError, SqliteConfig};
pub use store::SqliteStore;

#[cfg(test)]
mod tests;
