//! PostgreSQL for tests.
//!
//! [`database`] makes a database of its own for a test, on one server that all tests of a process
//! share. What kills or stops its server starts one of its own, [`Server::start`].
//!
//! With `MENJIN_TEST_DATABASE_URL` (of a role that may create databases) the shared server is that
//! one.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::listening::{free_port, unprivileged};

/// How long starting may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends the server when the tests end, however that is: its standard input is closed then. A stopped
/// process does not even notice that its parent has gone, so all are killed by name.
const WATCHDOG: &str = r#"
read -r _
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
    kill -KILL "$pid" $(cat "/proc/$pid/task/$pid/children" 2>/dev/null) 2>/dev/null
    sleep 0.2
fi
rm -rf "$1"
"#;

/// A database of a test's own; dropped with its server.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its URL, as menjin takes it.
    pub url: String,
}

impl Database {
    /// A connection beside those of the store.
    pub async fn connect(&self) -> Client {
        connect(&self.url).await
    }
}

/// An empty database on the shared server.
pub async fn database() -> Database {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    enum Shared {
        Private(Server),
        Given(String),
    }
    let start = || match std::env::var("MENJIN_TEST_DATABASE_URL") {
        Ok(url) => Shared::Given(url),
        Err(_unset) => Shared::Private(Server::start()),
    };
    // Starting blocks.
    let shared = tokio::task::spawn_blocking(move || SHARED.get_or_init(start)).await.unwrap();
    match shared {
        Shared::Private(server) => server.database().await,
        Shared::Given(url) => create_database(url).await,
    }
}

async fn create_database(url: &str) -> Database {
    let name = format!("menjin_test_{}", uuid::Uuid::from_u128(random()).simple());
    connect(url).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let (place, parameters) = url.split_once('?').map_or((url, None), |(a, b)| (a, Some(b)));
    let server = place.rfind('/').map_or(place, |slash| place.get(..slash).unwrap());
    let parameters = parameters.map_or_else(String::new, |parameters| format!("?{parameters}"));
    Database { url: format!("{server}/{name}{parameters}") }
}

fn random() -> u128 {
    use std::hash::{BuildHasher as _, RandomState};
    let half = || u128::from(RandomState::new().hash_one(std::process::id()));
    half() << 64 | half()
}

/// A connection without anything of menjin's.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A PostgreSQL server, in a temporary folder and on a free port of the loopback interface.
pub struct Server {
    folder: TempDir,
    port: u16,
    options: &'static [&'static str],
    process: Mutex<Option<Child>>,
    watchdog: Child,
}

impl Server {
    /// Makes and starts one for tests; blocks for a second or two. It does not sync to disk: what it
    /// has acknowledged survives its own death, but not the machine's.
    pub fn start() -> Self {
        Self::start_with(&["fsync=off", "shared_buffers=32MB"])
    }

    /// The same with these settings, written `name=value`, beside PostgreSQL's defaults.
    pub fn start_with(options: &'static [&'static str]) -> Self {
        let folder = TempDir::with_prefix("menjin-postgres-").unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        if let Some((uid, gid)) = unprivileged() {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        // Before anything can fail: dropping it cleans up.
        let watchdog = watch(folder.path());
        let mut server = Self { folder, port: 0, options, process: Mutex::new(None), watchdog };
        let folder = server.folder.path();
        let initdb = program("initdb", folder)
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"])
            .args(["--no-sync", "--pgdata"])
            .arg(folder.join("data"))
            .output()
            .unwrap();
        assert!(initdb.status.success(), "{}", String::from_utf8_lossy(&initdb.stderr));
        // Somebody else may take the port before the server does.
        for _ in 0..5 {
            let port = free_port();
            if let Some(process) = run(folder, port, options) {
                server.port = port;
                server.process = Mutex::new(Some(process));
                return server;
            }
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        panic!("PostgreSQL does not start:\n{log}");
    }

    /// Makes and starts a standby of it, which takes over all that is written here before that is
    /// acknowledged. Blocks.
    #[must_use]
    pub fn standby(&self) -> Self {
        let folder = TempDir::with_prefix("menjin-postgres-").unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        if let Some((uid, gid)) = unprivileged() {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let watchdog = watch(folder.path());
        let process = Mutex::new(None);
        let mut server = Self { folder, port: 0, options: self.options, process, watchdog };
        let folder = server.folder.path();
        let copied = program("pg_basebackup", folder)
            .args(["--host=127.0.0.1", "--username=postgres", "--write-recovery-conf"])
            .args(["--checkpoint=fast", "--no-sync", "--port", &self.port.to_string(), "--pgdata"])
            .arg(folder.join("data"))
            .output()
            .unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        for _ in 0..5 {
            let port = free_port();
            if let Some(process) = run(folder, port, self.options) {
                server.port = port;
                server.process = Mutex::new(Some(process));
                return server;
            }
        }
        panic!("the standby does not start:\n{}", server.log());
    }

    /// Has what is written acknowledged only when its standby has it.
    pub async fn wait_for_standby(&self) {
        let client = connect(&self.url()).await;
        let set = "ALTER SYSTEM SET synchronous_standby_names = '*'";
        client.batch_execute(set).await.unwrap();
        client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        let deadline = Instant::now() + PATIENCE;
        let is_in_step = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'";
        while client.query_one(is_in_step, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            assert!(Instant::now() < deadline, "the standby is not in step");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// An empty database on it.
    pub async fn database(&self) -> Database {
        create_database(&self.url()).await
    }

    /// The URL of its first database, `postgres`.
    pub fn url(&self) -> String {
        format!("postgres://postgres:canary@127.0.0.1:{}/postgres", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder that its Unix socket is in.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// Lets a new role of this name in by a certificate for that name alone, signed by this authority
    /// in PEM. It takes effect with [`Server::offer_tls`].
    pub async fn demand_certificate(&self, authority: &str, role: &str) {
        self.keep("ca.crt", authority);
        let path = self.data().join("pg_hba.conf");
        let others = fs::read_to_string(&path).unwrap();
        let demand = format!(
            "hostssl all {role} 127.0.0.1/32 trust clientcert=verify-full\n\
             host all {role} 127.0.0.1/32 reject\n"
        );
        fs::write(path, demand + &others).unwrap();
        let client = connect(&self.url()).await;
        client.batch_execute(&format!("CREATE ROLE {role} LOGIN SUPERUSER")).await.unwrap();
        client.batch_execute("ALTER SYSTEM SET ssl_ca_file = 'ca.crt'").await.unwrap();
    }

    /// Writes a file of its own.
    fn keep(&self, name: &str, text: &str) {
        let path = self.data().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        if let Some((uid, gid)) = unprivileged() {
            chown(&path, Some(uid), Some(gid)).unwrap();
        }
    }

    /// Makes it offer TLS, with this certificate and key in PEM, beside what it does without.
    pub async fn offer_tls(&self, certificate: &str, key: &str) {
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            self.keep(name, text);
        }
        let client = connect(&self.url()).await;
        client.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
        client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        let deadline = Instant::now() + PATIENCE;
        while connect(&self.url())
            .await
            .query_one("SHOW ssl", &[])
            .await
            .unwrap()
            .get::<_, String>(0)
            != "on"
        {
            assert!(Instant::now() < deadline, "TLS is not turned on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills all its processes, as the kernel does when there is no memory left.
    pub fn kill(&self) {
        let Some(mut process) = self.process.lock().unwrap().take() else { return };
        let children = children(process.id());
        process.kill().unwrap();
        // Else it stays a zombie, which the next one takes for alive.
        process.wait().unwrap();
        for child in children {
            send(child, Signal::KILL);
        }
        // They name a process that is gone, or by now another's.
        drop(fs::remove_file(self.data().join("postmaster.pid")));
        drop(fs::remove_file(self.folder.path().join(format!(".s.PGSQL.{}.lock", self.port))));
    }

    /// Starts it anew after [`Server::kill`], with the same data on the same port. Blocks.
    pub fn restart(&self) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            // What is left of the one before may hold its memory a moment longer.
            if let Some(process) = run(self.folder.path(), self.port, self.options) {
                *self.process.lock().unwrap() = Some(process);
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL does not start again");
    }

    /// Stops all its processes (SIGSTOP): connections stay open, and nothing is answered.
    pub fn stop(&self) {
        self.send_all(Signal::STOP);
    }

    /// Lets them go on.
    pub fn resume(&self) {
        self.send_all(Signal::CONT);
    }

    fn send_all(&self, signal: Signal) {
        let process = self.process.lock().unwrap();
        let id = process.as_ref().unwrap().id();
        // The first one first: it makes no new ones then.
        send(id, signal);
        for child in children(id) {
            send(child, signal);
        }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.path().join("log")).unwrap()).into_owned()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        drop(self.watchdog.stdin.take());
        drop(self.watchdog.wait());
    }
}

/// Starts a server and waits until it is ready; `None` if it ends instead.
fn run(folder: &Path, port: u16, options: &[&str]) -> Option<Child> {
    let data = folder.join("data");
    let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut process = program("postgres", folder)
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-k"])
        .arg(folder)
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"])
        // Whole statements in what tells of activity: some are longer than a kilobyte.
        .args(["-c", "track_activity_query_size=8kB"])
        .args(options.iter().flat_map(|option| ["-c", option]))
        .stderr(log)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while process.try_wait().unwrap().is_none() {
        let state = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        if state.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
            return Some(process);
        }
        assert!(Instant::now() < deadline, "PostgreSQL does not get ready");
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

fn watch(folder: &Path) -> Child {
    // In a group of its own, which Ctrl-C does not reach.
    Command::new("sh")
        .args(["-c", WATCHDOG, "watchdog"])
        .arg(folder)
        .process_group(0)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A program of PostgreSQL's, to be run by somebody without privileges: it refuses root.
fn program(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(find(name));
    // Not the folder of the tests, which that somebody may not enter.
    command.current_dir(folder).env("LC_ALL", "C").env_remove("PGDATA").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    if let Some((uid, gid)) = unprivileged() {
        command.uid(uid).gid(gid);
    }
    command
}

/// Where a program of PostgreSQL's is: `initdb`, `postgres`, and what is installed beside them.
pub fn find(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .collect();
    versions.sort_unstable_by_key(|(version, _)| std::cmp::Reverse(*version));
    // The newest first, and both programs from one folder: versions do not mix.
    folders.splice(0..0, versions.into_iter().map(|(_, folder)| folder));
    folders.push("/usr/local/bin".into());
    let complete =
        |folder: &&PathBuf| ["initdb", "postgres"].iter().all(|p| folder.join(p).exists());
    let Some(folder) = folders.iter().find(complete) else {
        panic!(
            "PostgreSQL's server is not installed: run scripts/test-tools, or install it \
             (Debian: apt-get install postgresql)"
        )
    };
    folder.join(name)
}

fn send(id: u32, signal: Signal) {
    let id = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    // Whoever has ended meanwhile needs no signal.
    let _ = kill_process(id, signal);
}

/// The processes that this one has started.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let of_parent = |id: &u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // After the name, which may hold anything: state, parent.
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        rest.split_whitespace().nth(1) == Some(&parent.to_string())
    };
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(of_parent)
        .collect()
}
