//! The first screen: where the server listens, where its data is, and what to do next.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::application::Missing;
use crate::cli::{Cli, Environment};
use crate::mail;
use crate::settings::{Settings, Writings, is_secret};

/// The command that makes an administrator.
pub(crate) const ADMIN: &str = "admin create --username root --email root@example.com";

/// How the server was started, as far as other commands have to be given the same.
pub(crate) struct Start {
    /// The program and its flags, ready to be pasted.
    program: String,
    /// The variables of the environment with settings.
    variables: Vec<String>,
}

impl Start {
    pub(crate) fn of(cli: &Cli, writings: &Writings) -> Self {
        // As the program was called, so that the line can be pasted.
        let mut words = vec![std::env::args().next().unwrap_or_else(|| "menjin".to_owned())];
        if let Some(folder) = cli.config.as_ref().filter(|_| cli.config_is_flag) {
            words.extend(["--config".to_owned(), folder.display().to_string()]);
        }
        if cli.env == Environment::Production && cli.env_is_flag {
            words.extend(["--env".to_owned(), "production".to_owned()]);
        }
        for assignment in cli.set.iter().filter(|assignment| may_be_shown(assignment)) {
            words.extend(["--set".to_owned(), assignment.clone()]);
        }
        let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
        Self { program: words.join(" "), variables: writings.variables() }
    }

    /// Another command, with the same flags.
    pub(crate) fn command(&self, command: &str) -> String {
        format!("{} {command}", self.program)
    }
}

/// Secrets do not belong on a screen.
fn may_be_shown(assignment: &str) -> bool {
    let (name, value) = assignment.split_once('=').unwrap_or((assignment, ""));
    !is_secret(name) || (name.ends_with("url") && !value.contains(['@', '?']))
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// What the first screen is made of.
pub(crate) struct Banner<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    pub(crate) data: String,
    pub(crate) missing: Missing,
    pub(crate) start: &'a Start,
}

impl Banner<'_> {
    /// The lines, which end with an empty one.
    pub(crate) fn text(&self) -> String {
        let here = self.reachable();
        let mut lines = vec![
            String::new(),
            format!("  menjin 门禁 {} listens on {}", env!("CARGO_PKG_VERSION"), self.url),
            format!("  docs    {here}/docs"),
            format!("  data    {}", self.data),
        ];
        let pages = self.settings.pages.settings(&self.settings.server, false, false);
        if pages.as_ref().is_some_and(|pages| pages.account) {
            lines.push(format!("  pages   {here}/account"));
        }
        if pages.is_some_and(|pages| pages.console) {
            lines.push(format!("  console {here}/console"));
        }
        if mail::sent_mails(self.settings).is_some() {
            lines.push(format!("  mails   {here}/dev/mail"));
        }
        if self.missing == Missing::Accounts {
            lines.push("  next    there is no account yet; register one:".to_owned());
            lines.push(format!("          {}", self.register(&here)));
        }
        match self.missing {
            Missing::Accounts => lines.push("          and make an administrator:".to_owned()),
            Missing::Administrator => {
                lines.push("  next    there is no administrator yet; make one:".to_owned());
            }
            Missing::Nothing => lines.push(format!("  try     curl {here}/health")),
        }
        if self.missing != Missing::Nothing {
            lines.push(format!("          {}", self.start.command(ADMIN)));
            lines.extend(self.conditions());
        }
        lines.push("  stop    Ctrl-C".to_owned());
        lines.extend([String::new(), String::new()]);
        lines.join("\n")
    }

    /// What the command needs beside its flags.
    fn conditions(&self) -> Option<String> {
        let folder = std::env::current_dir().ok()?;
        let variables = match self.start.variables.as_slice() {
            [] => String::new(),
            names => format!(" with the same {}", names.join(", ")),
        };
        Some(format!("          (in {}{variables})", folder.display()))
    }

    fn register(&self, here: &str) -> String {
        // Production asks for more than the example of the documents.
        let password =
            if self.settings.production { "mango-River-72-lantern" } else { "password123" };
        format!(
            "curl {here}/api/v1/auth/register -H 'Content-Type: application/json' -d \
             '{{\"username\":\"mike\",\"email\":\"mike@example.com\",\"password\":\"{password}\"}}'"
        )
    }

    /// An address that works from this machine.
    fn reachable(&self) -> String {
        let port = self.address.port();
        match self.address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => self.url.replace("0.0.0.0", "127.0.0.1"),
            address if address.is_unspecified() => {
                self.url.replace(&format!("[::]:{port}"), &format!("[::1]:{port}"))
            }
            _ => self.url.clone(),
        }
    }
}
