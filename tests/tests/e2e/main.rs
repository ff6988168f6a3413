//! The server as its clients see it: status and body of every row of the contract, over a real
//! socket, on the embedded default.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod administration;
mod attributes;
mod audit;
mod authentication;
mod authorisation;
mod batch;
mod cache;
mod console;
mod console_work;
mod cors;
mod deletion;
mod dialects;
mod email_change;
mod envelope;
mod every_route;
mod export;
mod framework;
mod general;
mod habits;
mod hand_off;
mod import;
mod invitations;
mod language;
mod limits;
mod locks;
mod mail;
mod matrix;
mod mfa;
mod oauth;
mod openapi;
mod own_sessions;
mod pages;
mod passkeys;
mod passwords;
mod queries;
mod races;
mod sessions;
mod slow;
mod static_files;
mod step_up;
mod throttle;
mod tls;
mod tokens;
mod users;
mod wire;
