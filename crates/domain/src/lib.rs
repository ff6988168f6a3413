//! # menjin-domain
//!
//! The hexagon of menjin (门禁, access control): accounts and authentication as plain Rust, without
//! a web framework, a database, a cache or a token library.
//!
//! One folder is one feature: its entities, its value objects, its ports and a file for each
//! use-case with its input, its output, its errors and its unit tests.
//!
//! * [`accounts`]: users, their profiles and roles; registration, profiles, activation.
//! * [`credentials`]: passwords, their policy, hashing; changing a password.
//! * [`sessions`]: login, authentication, refresh, logout; the rules of refresh tokens.
//! * [`import`]: making and changing many accounts from a table.
//! * [`lockout`]: limits on guessing passwords, and the lockout that follows.
//! * [`mail`], [`one_time`]: the outbox and its delivery; tokens of links in mails.
//! * [`access`]: who calls, and what they may do.
//! * [`audit`]: what happened, by whom, from where.
//! * [`cache`], [`health`], [`transfer`]: the cache for clients, the state of the back ends, moving
//!   all data to another store.
//! * [`common`]: what every feature uses, and the rules that hold for every port.
//!
//! A value object parses: what holds an [`accounts::Username`] needs no further check. A port is a
//! trait whose documentation is its contract; the suite in the workspace's `tests/` holds every
//! adapter to it. The feature `mock` gives a mock of each port.
//!
//! To embed menjin, choose adapters for [`ports::Ports`] and build [`services::Services`] on them:
//! the example `in_memory` shows all of it, on ports of its own.

pub mod access;
pub mod accounts;
pub mod audit;
pub mod cache;
pub mod common;
pub mod credentials;
pub mod health;
pub mod import;
pub mod invitations;
pub mod jobs;
pub mod lockout;
pub mod mail;
pub mod mfa;
pub mod one_time;
pub mod passkeys;
pub mod ports;
#[cfg(test)]
mod properties;
pub mod services;
pub mod sessions;
#[cfg(test)]
mod testing;
pub mod transfer;
