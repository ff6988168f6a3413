//! The real binary as a process of its own.

use std::cell::Cell;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command that runs menjin in this folder, on a free port and with cheap hashes.
pub fn command(binary: &str, folder: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .current_dir(folder)
        .env_clear()
        .env("MENJIN__SERVER__PORT", "0")
        .env("MENJIN__HASHING__COST", "4")
        .stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub fn output(command: &mut Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

/// Runs it to its end with this as its input.
pub fn output_given(command: &mut Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that refuses its arguments does not read its input.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

/// A server process; killed when dropped.
pub struct Server {
    child: Child,
    /// Where it listens, as `http://127.0.0.1:…`.
    pub url: String,
    log: mpsc::Receiver<String>,
    /// What it said before that it listens.
    unread: Cell<Vec<String>>,
}

impl Server {
    /// Starts it and waits until it says where it listens.
    pub fn start(command: &mut Command) -> Self {
        Self::start_until(command, "listening")
    }

    /// Starts it and waits until it says where it waits for its database.
    pub fn start_waiting(command: &mut Command) -> Self {
        Self::start_until(command, "waiting")
    }

    fn start_until(command: &mut Command, event: &str) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = read_lines(child.stderr.take().unwrap());
        // Create it before anything can fail: dropping it ends the process.
        let mut server = Self { child, url: String::new(), log, unread: Cell::default() };
        let (url, before) = server.find_in_log(event, |line| url_in(line, event));
        server.url = url;
        server.unread.set(before);
        server
    }

    /// Waits until a line of its log, after those that were waited for before, has this text.
    pub fn wait_for_log(&self, text: &str) {
        let found = |line: &str| line.contains(text).then_some(());
        let mut unread = self.unread.take().into_iter();
        let early = unread.find_map(|line| found(&line));
        self.unread.set(unread.collect());
        if early.is_none() {
            self.find_in_log(text, found);
        }
    }

    /// Returns what is found, and the lines before it.
    fn find_in_log<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> (T, Vec<String>) {
        let deadline = Instant::now() + PATIENCE;
        let mut before = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.log.recv_timeout(left) else {
                panic!("the server does not say: {what}; it said: {before:#?}")
            };
            if let Some(found) = find(&line) {
                return (found, before);
            }
            before.push(line);
        }
    }

    /// The id of the process.
    pub fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Kills it as `kill -9` does and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.id(), signal).unwrap();
    }

    /// Sends it SIGTERM, waits until it is gone, and returns how it ended with the rest of its log.
    pub fn terminate(self) -> (ExitStatus, Vec<String>) {
        self.signal(rustix::process::Signal::TERM);
        self.wait()
    }

    /// Waits until it is gone, and returns how it ended with the rest of its log.
    pub fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = Vec::new();
        // The log ends when the process does.
        while let Ok(line) =
            self.log.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            lines.push(line);
        }
        (self.child.wait().unwrap(), lines)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn read_lines(stderr: ChildStderr) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(text).is_err() {
                // Nobody reads any more. Drain the output, so that the process never waits for this
                // reader.
                drop(reader.read_to_end(&mut Vec::new()));
                return;
            }
            line.clear();
        }
    });
    receiver
}

/// The address in the line that says so (logs are JSON where there is no terminal).
fn url_in(line: &str, event: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line.get("event")? == event).then(|| line.get("url")?.as_str().map(str::to_owned))?
}
