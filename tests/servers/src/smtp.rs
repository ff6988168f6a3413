//! A mail server: `aiosmtpd`, which keeps what it is given and misbehaves towards some recipients.

use std::fs;
use std::path::Path;

use crate::listening::{Listening, dying_with_this_process};

/// What it runs.
const SCRIPT: &str = include_str!("smtp_server.py");

/// A mail server.
pub struct SmtpServer(Listening);

impl SmtpServer {
    /// Starts one with these arguments, which are explained in `smtp_server.py`.
    pub fn start(arguments: &[&str]) -> Self {
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
        assert!(python.exists(), "{} is missing: run scripts/test-tools", python.display());
        // Python may be where only who installed it can read.
        Self(Listening::start_as(None, |port, folder| {
            let script = folder.join("smtp_server.py");
            fs::write(&script, SCRIPT).unwrap();
            fs::create_dir(folder.join("mails")).unwrap();
            let mut command = dying_with_this_process(&python);
            command.arg(script).arg(port.to_string()).arg(folder).args(arguments);
            command
        }))
    }

    /// Where it listens, on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// The mails that it has taken, in their order, as JSON: `from`, `to`, `tls` and `user` are how
    /// it got one; `raw` is the mail; `subject`, `headers`, `text` and `html` are what Python's
    /// library reads in it.
    pub fn mails(&self) -> Vec<String> {
        let folder = self.0.folder.path().join("mails");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            files.filter(|file| file.extension().is_some_and(|it| it == "json")).collect();
        files.sort();
        files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
    }

    /// What it heard: a line `CONNECTION COMMAND` for each.
    pub fn heard(&self) -> Vec<String> {
        let file = self.0.folder.path().join("heard");
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}
