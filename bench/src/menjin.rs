//! The server under test: the real binary as a process of its own, on a place of its own.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use menjin_test_servers::dying_with_this_process;
use menjin_test_servers::redis::namespace;
use serde_json::json;
use tempfile::TempDir;

use crate::backends::Backends;
use crate::http::{bearer, field, request};
use crate::process::{Process, ask, free_address};

/// For how long what goes before a measurement is tried.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many requests of [`each`] are under way: enough for every core, and so few that on a busy machine
/// none is refused for how long it would wait.
const AT_ONCE: usize = 4;

/// Of every account.
pub(crate) const PASSWORD: &str = "correct horse 7";

/// A deployment profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// `SQLite`, and nothing else.
    Embedded,
    /// PostgreSQL and Redis.
    Replicas,
}

impl Profile {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Embedded => "SQLite",
            Self::Replicas => "PostgreSQL + Redis",
        }
    }
}

/// Where a server keeps its data; several of them where that can be shared.
pub(crate) struct Place {
    folder: TempDir,
    /// As menjin takes it.
    pub(crate) database: String,
    settings: Vec<(&'static str, String)>,
}

impl Place {
    pub(crate) fn new(profile: Profile, backends: &Backends) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("menjin.db");
        let (database, settings) = match profile {
            Profile::Embedded => (format!("sqlite://{}", file.display()), Vec::new()),
            Profile::Replicas => {
                let redis =
                    vec![("REDIS__URL", backends.redis()), ("REDIS__NAMESPACE", namespace())];
                (backends.database(), redis)
            }
        };
        Ok(Self { folder, database, settings })
    }

    /// The path of the file, where it is one.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("menjin.db")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The environment of a process on this place. What is tried is cheap to hash unless a row says
    /// otherwise, and clients are told apart by what a proxy says of them, as behind a real one.
    fn environment(&self, command: &mut Command) {
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("MENJIN__DATABASE__URL", &self.database)
            .env("MENJIN__AUTH__SECRET", "0123456789abcdef0123456789abcdef")
            .env("MENJIN__SERVER__TRUSTED_PROXIES", "127.0.0.1")
            .env("MENJIN__HASHING__COST", "4");
        for (name, value) in &self.settings {
            command.env(format!("MENJIN__{name}"), value);
        }
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
    }
}

/// The binary.
#[derive(Debug, Clone)]
pub(crate) struct Binary(pub(crate) PathBuf);

impl Binary {
    /// The one beside this program, unless another is named.
    pub(crate) fn find(named: Option<PathBuf>) -> anyhow::Result<Self> {
        let path = match named {
            Some(path) => path,
            None => std::env::current_exe()?.with_file_name("menjin"),
        };
        let path = std::path::absolute(path)?;
        if !path.is_file() {
            bail!("{} is not there: cargo build --release -p menjin-server", path.display());
        }
        Ok(Self(path))
    }

    /// What it calls itself.
    pub(crate) fn version(&self) -> String {
        let output = Command::new(&self.0).arg("--version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.unwrap_or_default()
    }

    /// Whether it takes this setting.
    pub(crate) fn takes(&self, setting: &str, folder: &Path) -> bool {
        let mut check = Command::new(&self.0);
        check.current_dir(folder).env_clear().args(["--set", setting, "config", "check"]);
        let status =
            check.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    /// Starts a server with these settings (`section__key`) beside the defaults, and waits for its
    /// first answer.
    pub(crate) fn start(&self, place: &Place, settings: &[(&str, &str)]) -> anyhow::Result<Menjin> {
        start(dying_with_this_process(&self.0), place, settings)
    }

    /// A command of it on this place, which says nothing.
    pub(crate) fn command(&self, place: &Place, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.0);
        place.environment(&mut command);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Makes an administrator.
    pub(crate) fn make_admin(&self, place: &Place, name: &str) -> anyhow::Result<()> {
        let mut command = Command::new(&self.0);
        place.environment(&mut command);
        let email = format!("{name}@example.com");
        let arguments =
            ["admin", "create", "--new-database", "--username", name, "--email", &email];
        let mut child = command
            .args(arguments)
            .arg("--password-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let mut input = child.stdin.take().context("no standard input")?;
        writeln!(input, "{PASSWORD}")?;
        drop(input);
        if !child.wait()?.success() {
            bail!("no administrator was made");
        }
        Ok(())
    }
}

/// Starts a server by a command that ends with running the binary, see [`Binary::start`].
pub(crate) fn start(
    mut command: Command,
    place: &Place,
    settings: &[(&str, &str)],
) -> anyhow::Result<Menjin> {
    place.environment(&mut command);
    for (name, value) in settings {
        command.env(format!("MENJIN__{}", name.to_uppercase()), value);
    }
    let address = free_address();
    command.env("MENJIN__SERVER__PORT", address.port().to_string());
    let log = place.folder.path().join(format!("log-{}", address.port()));
    let mut process = Process::spawn(&mut command, address, &log)?;
    if let Err(error) = process.wait("/health/ready") {
        let log = std::fs::read_to_string(log).unwrap_or_default();
        let end: Vec<&str> = log.lines().rev().take(5).collect();
        return Err(error.context(end.join("\n")));
    }
    Ok(Menjin { process })
}

/// A running server.
pub(crate) struct Menjin {
    pub(crate) process: Process,
}

/// The tokens of a login.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Menjin {
    pub(crate) fn address(&self) -> SocketAddr {
        self.process.address
    }

    /// What goes before a measurement. A busy machine may be told to come again (503): it does.
    fn post(&self, path: &str, body: &serde_json::Value) -> anyhow::Result<(u16, Vec<u8>)> {
        let request = request("POST", path, "", &body.to_string());
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = ask(self.address(), &request)?;
            if answer.0 != 503 || Instant::now() > deadline {
                return Ok(answer);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn register(&self, name: &str) -> anyhow::Result<()> {
        let email = format!("{name}@example.com");
        let body = json!({
            "username": name, "email": email, "password": PASSWORD, "full_name": "Mike Example",
        });
        let (status, body) = self.post("/api/v1/auth/register", &body)?;
        if status != 201 {
            bail!("{name} is not registered: {status} {}", String::from_utf8_lossy(&body));
        }
        Ok(())
    }

    pub(crate) fn log_in(&self, name: &str) -> anyhow::Result<Tokens> {
        let body = json!({ "username": name, "password": PASSWORD });
        let (status, body) = self.post("/api/v1/auth/login", &body)?;
        if status != 200 {
            bail!("{name} is not logged in: {status} {}", String::from_utf8_lossy(&body));
        }
        let text = |name| field(&body, name).map(str::to_owned).context("no token");
        Ok(Tokens { access: text("access_token")?, refresh: text("refresh_token")? })
    }

    /// As many users.
    pub(crate) fn register_all(&self, number: usize) -> anyhow::Result<()> {
        each(number, |number| self.register(&user(number))).map(drop)
    }

    /// As many users, logged in.
    pub(crate) fn users(&self, number: usize) -> anyhow::Result<Vec<Tokens>> {
        each(number, |number| {
            let name = user(number);
            self.register(&name)?;
            self.log_in(&name)
        })
    }
}

/// Does this for each number, a few at once: where hashes are expensive they fill every core, and no
/// queue.
pub(crate) fn each<T: Send>(
    number: usize,
    work: impl Fn(usize) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            if turn >= number {
                return Ok(done);
            }
            done.push((turn, work(turn)?));
        }
    };
    let mut all = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(crate::load::joined(thread.join())?);
        }
        anyhow::Ok(all)
    })?;
    all.sort_unstable_by_key(|(turn, _)| *turn);
    Ok(all.into_iter().map(|(_, it)| it).collect())
}

/// The name of one of [`Menjin::users`].
pub(crate) fn user(number: usize) -> String {
    format!("mike{number}")
}

/// The bytes of `GET /api/v1/users/me`, with the headers that a client in a browser or a library
/// sends at the least.
pub(crate) fn me(tokens: &Tokens) -> Vec<u8> {
    let headers = format!(
        "User-Agent: menjin-bench\r\nAccept: application/json\r\n{}",
        bearer(&tokens.access)
    );
    request("GET", "/api/v1/users/me", &headers, "")
}
