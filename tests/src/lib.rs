//! # menjin-tests
//!
//! What the suites share:
//!
//! * [`app`]: a whole server in this process, on a free port, with a database of its own; it hands
//!   out clients, anonymous and logged in.
//! * [`authenticator`]: a software authenticator, for passkeys.
//! * [`browser`]: a browser without a screen, for pages.
//! * [`client`]: those clients; their answers print as snapshots.
//! * [`process`]: the real binary as a process of its own, to be killed.
//! * [`raw`]: HTTP by hand, for requests that no proper client sends.
//! * [`smuggling`]: requests that two servers could read differently.
//! * [`openapi`]: the document at `/openapi.json`, to check answers against.
//! * [`measurements`]: what a test measured, for the table of a long run.
//! * [`servers`]: servers of other makers, private to the tests.
//! * [`forge`]: tokens that nobody should accept.
//! * [`tls`]: an authority, clients that trust it or nobody, and a server with TLS.
//! * [`totp`]: an authenticator app.
//! * [`clock`]: a clock that moves only when a test turns it.
//! * [`waiting`]: waiting for what another process does.
//! * [`size`]: how often tests repeat races, measurements and kills.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test stops at the first surprise"
)]

pub mod app;
pub mod authenticator;
pub mod browser;
pub mod client;
pub mod forge;
pub mod measurements;
pub mod openapi;
pub mod process;
pub mod raw;
pub mod size;
pub mod smuggling;
pub mod tls;
pub mod totp;
pub mod waiting;

pub use menjin_contract::clock;
pub use menjin_test_servers as servers;

/// The migrations there are for a database, by their folders.
pub fn migrations(database: &str) -> Vec<String> {
    let folder = format!("{}/../migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let folders = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
