//! Clients that are not ours: the documents' own, generated ones, a browser, a linter, a fuzzer.
//!
//! They need Node.js, Python and Chromium with packages; `scripts/test-tools` (run by `make test`)
//! installs them. Without them these tests fail and say so.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod api_document;
mod browser;
mod documents;
mod generated;
mod manual;
mod second_factor;
mod tools;
mod verifiers;

use std::path::Path;
use std::process::Command;

use menjin_tests::client::Client;
use menjin_tests::process::{Server, command, output_given};
use serde_json::json;
use tempfile::TempDir;

/// A server with the users of the documents' examples.
pub(crate) struct Served {
    pub(crate) server: Server,
    _folder: TempDir,
}

fn menjin(folder: &Path) -> Command {
    command(env!("CARGO_BIN_EXE_menjin-under-test"), folder)
}

impl Served {
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = menjin(folder.path());
        command.envs(settings.iter().copied());
        let server = Server::start(&mut command);
        let client = Client::new(&server.url);
        let student = json!({
            "username": "student001", "password": "password123", "role": "student",
            "name": "张三", "email": "zhangsan@example.com",
        });
        assert_eq!(client.post("/api/auth/register", &student).await.status, 200);
        let mike = json!({
            "username": "mike", "password": "password123", "email": "mike@example.com",
        });
        assert_eq!(client.post("/api/v1/auth/register", &mike).await.status, 201);
        let mut create = menjin(folder.path());
        create.envs(settings.iter().copied()).args(["admin", "create", "--password-stdin"]);
        create.args(["--username", "root", "--email", "root@example.com"]);
        let made = output_given(&mut create, "password123");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { server, _folder: folder }
    }
}
