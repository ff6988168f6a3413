//! One server.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::listening::{dying_with_this_process, free_port, spawn};

/// How long a server may take to start, and a condition to come true.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server of one's own, to be killed and stopped; killed when dropped.
pub struct RedisServer {
    child: Mutex<Option<Child>>,
    /// Where it listens.
    pub port: u16,
    arguments: Vec<String>,
    folder: TempDir,
}

impl RedisServer {
    /// Starts one, with these arguments beside the fixed ones, and waits until it answers.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_from("", arguments)
    }

    /// Starts one that reads this text as its configuration.
    pub fn start_from(configuration: &str, arguments: &[&str]) -> Self {
        for _ in 0..10 {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("redis.conf"), configuration).unwrap();
            let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
            let server = Self { child: Mutex::default(), port: free_port(), arguments, folder };
            // Somebody may have been quicker to take the port.
            if server.run() {
                return server;
            }
        }
        panic!("no server of Redis starts: is `{}` one?", binary())
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where it listens, as `HOST:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills it as `kill -9` does and waits until it is gone.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            drop(child.kill());
            child.wait().unwrap();
        }
    }

    /// Starts it again where it was, empty.
    pub fn restart(&self) {
        self.kill();
        assert!(self.run(), "it does not start again: {}", self.log());
    }

    /// Stops it with SIGSTOP: connections stay open, and nothing is answered.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn cont(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.child();
        kill_process(Pid::from_child(child.as_ref().unwrap()), signal).unwrap();
    }

    /// What it answers to a line such as `PING`, in Redis' protocol; empty if it does not.
    pub fn ask(&self, line: &str) -> String {
        ask(self.port, line).unwrap_or_default()
    }

    /// Waits until its answer to this line contains all of these.
    pub fn wait_until(&self, line: &str, texts: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.ask(line);
            if texts.iter().all(|text| answer.contains(text)) {
                return;
            }
            assert!(Instant::now() < deadline, "{line}: {texts:?} not in {answer}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn runs(&self) -> bool {
        self.child().as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Starts the process; whether it answers.
    fn run(&self) -> bool {
        let mut command = dying_with_this_process(binary());
        let log = File::create(self.folder.path().join("log")).unwrap();
        command
            .arg(self.folder.path().join("redis.conf"))
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--dir"])
            .arg(self.folder.path())
            // A replica is otherwise kept waiting for others, which would share the work.
            .args(["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"])
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        *self.child() = Some(spawn(command));
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            // `+PONG`, or `-NOAUTH` where it wants a password.
            if ask(self.port, "PING").is_some_and(|answer| answer.starts_with(['+', '-'])) {
                return self.runs();
            }
            if !self.runs() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn ask(port: u16, line: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(500))).ok()?;
    stream.write_all(format!("{line}\r\nQUIT\r\n").as_bytes()).ok()?;
    let mut answer = Vec::new();
    // What has come before the time is up counts too.
    drop(stream.read_to_end(&mut answer));
    (!answer.is_empty()).then(|| String::from_utf8_lossy(&answer).into_owned())
}

/// The program that is started.
pub fn binary() -> &'static str {
    static BINARY: OnceLock<String> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Ok(named) = std::env::var("MENJIN_TEST_REDIS_SERVER") {
            return named;
        }
        let there = |name: &&str| {
            let version = Command::new(name).arg("--version").stdout(Stdio::null()).status();
            version.is_ok_and(|status| status.success())
        };
        let found = ["redis-server", "valkey-server"].into_iter().find(there);
        let Some(found) = found else {
            panic!("the tests need redis-server or valkey-server: apt-get install redis-server")
        };
        found.to_owned()
    })
}
