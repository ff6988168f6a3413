//! # menjin-domain
//!
//! The hexagon of menjin (门禁, access control): accounts and authentication as plain Rust, with
//! no web framework, database, cache or token library in sight.
//!
//! * [`values`]: value objects that parse. What holds a [`values::Username`] needs no further check.
//! * [`entities`]: [`entities::User`], [`entities::Session`], [`entities::TokenPair`] and
//!   [`entities::Principal`], the authenticated caller; [`entities::AuditEvent`], what happened.
//! * [`ports`]: the traits that adapters implement. The documentation of each method is its
//!   contract; the suite in the workspace's `tests/` holds every adapter to it.
//! * [`auth`], [`users`], [`audit`], [`cache`], [`health`], [`transfer`]: the use-cases, one file each, with its input, its
//!   output, its error and its rule.
//!
//! To embed menjin, build the use-cases that you need from adapters of your choice:
//! the example `in_memory` shows all of it, on ports of its own. Mocks of every port come with the feature
//! `mock`.

pub mod audit;
pub mod auth;
pub mod cache;
pub mod entities;
pub mod health;
pub mod ports;
pub mod transfer;
pub mod users;
pub mod values;

#[cfg(test)]
mod testing;
