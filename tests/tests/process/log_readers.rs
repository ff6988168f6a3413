//! Logs that nobody reads, or that have nowhere to go: the server serves on, and stops when it is told to.

use std::fs::File;
use std::io::Read as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use menjin_tests::client::{Client, Send as _};
use menjin_tests::process::command;
use menjin_tests::servers::free_port;
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::MENJIN;

const PATIENCE: Duration = Duration::from_secs(60);

/// A server whose log a test does with as it likes.
struct Unread {
    child: Child,
    client: Client,
    metrics: Client,
    _folder: TempDir,
}

impl Drop for Unread {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Unread {
    /// Starts it, and waits until it answers.
    async fn start(format: &str, prepare: impl FnOnce(&mut Command)) -> Self {
        let folder = TempDir::new().unwrap();
        let (port, metrics) = (free_port(), free_port());
        let mut command = command(MENJIN, folder.path());
        command
            .env("MENJIN__SERVER__PORT", port.to_string())
            .env("MENJIN__METRICS__LISTEN", format!("127.0.0.1:{metrics}"))
            .env("MENJIN__LOG__FORMAT", format)
            // Many lines a request.
            .env("MENJIN__LOG__LEVEL", "trace")
            .stdout(Stdio::null());
        prepare(&mut command);
        let child = command.spawn().unwrap();
        let client = |port| Client::new(format!("http://127.0.0.1:{port}"));
        let server =
            Self { child, client: client(port), metrics: client(metrics), _folder: folder };
        let started = Instant::now();
        let is_ready = async || {
            let answer = server.client.request(Method::GET, "/health/ready").send().await;
            answer.is_ok_and(|answer| answer.status() == 200)
        };
        while !is_ready().await {
            assert!(started.elapsed() < PATIENCE, "it does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server
    }

    /// How many lines it says it has dropped.
    async fn dropped(&self) -> u64 {
        let answer = self.metrics.request(Method::GET, "/metrics").answer().await;
        let text = answer.body.as_str().unwrap();
        let name = "menjin_log_dropped_lines_total";
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap()
    }

    /// Sends requests until lines are dropped. Every one of them is answered.
    async fn fill(&self) {
        let started = Instant::now();
        while self.dropped().await == 0 {
            let mut answers = JoinSet::new();
            for _ in 0..100 {
                let client = self.client.clone();
                answers.spawn(async move { client.get("/health/live").await.status });
            }
            assert!(answers.join_all().await.iter().all(|status| *status == 200));
            assert!(started.elapsed() < PATIENCE, "nothing is dropped");
        }
        assert_eq!(self.client.get("/health/ready").await.status, 200);
    }

    /// SIGTERM, and how it ends.
    fn terminate(&mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < Duration::from_secs(10), "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j01_a_log_that_nobody_reads_stops_nothing() {
    for format in ["json", "text"] {
        let mut server = Unread::start(format, |command| {
            command.stderr(Stdio::piped());
        })
        .await;
        server.fill().await;
        assert!(server.terminate().success(), "{format}");
    }
}

/// Both outputs lead to the same pipe.
#[tokio::test(flavor = "multi_thread")]
async fn j01_nor_does_a_pipe_that_takes_everything() {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut server = Unread::start("json", |command| {
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
    })
    .await;
    server.fill().await;
    assert!(server.terminate().success());
    drop(reader);
}

#[tokio::test(flavor = "multi_thread")]
async fn j01_what_was_dropped_is_told_when_the_log_is_read_again() {
    let mut server = Unread::start("json", |command| {
        command.stderr(Stdio::piped());
    })
    .await;
    server.fill().await;
    let mut stderr = server.child.stderr.take().unwrap();
    let reading = std::thread::spawn(move || {
        let (mut log, mut part) = (Vec::new(), vec![0; 65536]);
        loop {
            let read = stderr.read(&mut part).unwrap();
            assert!(read > 0, "the log ended without a word");
            log.extend_from_slice(&part[..read]);
            if String::from_utf8_lossy(&log).contains("\"event\":\"log_dropped\"") {
                drop(std::io::copy(&mut stderr, &mut std::io::sink()));
                return;
            }
        }
    });
    // The line is written as soon as the queue is empty.
    let started = Instant::now();
    while !reading.is_finished() && started.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(server.terminate().success());
    reading.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn j01_a_full_disk_or_a_closed_pipe_under_the_log_stops_nothing() {
    for format in ["json", "text"] {
        let mut server = Unread::start(format, |command| {
            command.stderr(File::options().write(true).open("/dev/full").unwrap());
        })
        .await;
        server.fill().await;
        assert!(server.terminate().success(), "{format}");

        let mut server = Unread::start(format, |command| {
            command.stderr(Stdio::piped());
        })
        .await;
        drop(server.child.stderr.take());
        server.fill().await;
        assert!(server.terminate().success(), "{format}");
    }
}
