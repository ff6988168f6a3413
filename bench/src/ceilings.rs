//! What menjin is measured against, as processes of their own: a handler that does nothing but answer,
//! and a core that does nothing but hash.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer, web};
use anyhow::{Context as _, bail};
use menjin_bcrypt_lanes::{Job, Key, Lanes};
use menjin_test_servers::dying_with_this_process;
use serde::Serialize;

use crate::process::{Process, free_address, own_cpu};
use crate::stats::float;

/// That of menjin's hashing threads.
const NICE: i32 = 10;

/// Where [`Bare`] answers.
const PATH: &str = "/api/v1/users/me";

const PASSWORD: &str = "correct horse 7";

/// What a child of this program is to be.
#[derive(clap::Subcommand, Debug, Clone)]
pub(crate) enum Ceiling {
    /// Answers as `GET /api/v1/users/me` does, and looks at nothing.
    Bare {
        address: SocketAddr,
        /// How many workers; one for each core unless given.
        #[arg(long)]
        workers: Option<usize>,
    },
    /// Hashes on every core, with so many lanes or, with none, with the plain crate; prints how many
    /// hashes a second that were, and how many seconds of processor time each of them took.
    Hash { cost: u32, millis: u64, lanes: usize },
}

impl Ceiling {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Bare { address, workers } => {
                Ok(actix_web::rt::System::new().block_on(serve(*address, *workers))?)
            }
            Self::Hash { cost, millis, lanes } => {
                let (rate, cpu) = hash(*cost, Duration::from_millis(*millis), *lanes)?;
                Ok(writeln!(std::io::stdout(), "{rate} {cpu}")?)
            }
        }
    }
}

/// The fields of menjin's answer, and as long.
#[derive(Serialize)]
struct User {
    id: i64,
    username: &'static str,
    email: &'static str,
    full_name: Option<&'static str>,
    phone: Option<&'static str>,
    bio: Option<&'static str>,
    avatar: Option<&'static str>,
    is_active: bool,
    is_verified: bool,
    is_superuser: bool,
    role: &'static str,
    created_at: &'static str,
    updated_at: Option<&'static str>,
    last_login_at: Option<&'static str>,
}

const USER: User = User {
    id: 17,
    username: "mike17",
    email: "mike17@example.com",
    full_name: Some("Mike Example"),
    phone: None,
    bio: None,
    avatar: None,
    is_active: true,
    is_verified: false,
    is_superuser: false,
    role: "student",
    created_at: "2026-01-01T00:00:00.000000Z",
    updated_at: None,
    last_login_at: Some("2026-01-01T00:00:00.000000Z"),
};

async fn serve(address: SocketAddr, workers: Option<usize>) -> std::io::Result<()> {
    let me = || async { web::Json(USER) };
    let mut server = HttpServer::new(move || App::new().route(PATH, web::get().to(me)));
    if let Some(workers) = workers {
        server = server.workers(workers);
    }
    server.bind(address)?.run().await
}

/// The bare server.
pub(crate) struct Bare(pub(crate) Process);

impl Bare {
    pub(crate) fn start(folder: &Path) -> anyhow::Result<Self> {
        Self::start_by(dying_with_this_process(std::env::current_exe()?), folder, None)
    }

    /// Starts it by a command that ends with running this program, with so many workers.
    pub(crate) fn start_by(
        mut command: Command,
        folder: &Path,
        workers: Option<usize>,
    ) -> anyhow::Result<Self> {
        let address = free_address();
        command.args(["ceiling", "bare", &address.to_string()]);
        if let Some(workers) = workers {
            command.args(["--workers", &workers.to_string()]);
        }
        let mut process = Process::spawn(&mut command, address, &folder.join("log-bare"))?;
        process.wait(PATH)?;
        Ok(Self(process))
    }
}

/// Hashes a second on all cores together, and the seconds that a core works on one; at the priority that
/// menjin hashes at: where the machine has other work, both are to wait for it alike.
fn hash(cost: u32, span: Duration, lanes: usize) -> anyhow::Result<(f64, f64)> {
    rustix::process::setpriority_process(None, NICE)?;
    let cores = std::thread::available_parallelism()?.get();
    let threads: Vec<_> = (0..cores)
        .map(|_| {
            std::thread::spawn(move || -> anyhow::Result<(f64, f64)> {
                let started = Instant::now();
                let mut hashes = 0.0;
                if lanes == 0 {
                    while started.elapsed() < span {
                        bcrypt::non_truncating_hash(PASSWORD, cost)?;
                        hashes += 1.0;
                    }
                } else {
                    hashes = interleaved(cost, lanes, || started.elapsed() < span)?;
                }
                Ok((hashes / started.elapsed().as_secs_f64(), hashes))
            })
        })
        .collect();
    let (mut rate, mut hashes) = (0.0, 0.0);
    for thread in threads {
        let (of_one, number) = crate::load::joined(thread.join())?;
        rate += of_one;
        hashes += number;
    }
    Ok((rate, own_cpu()?.as_secs_f64() / f64::max(hashes, f64::MIN_POSITIVE)))
}

/// How many hashes, and parts of hashes, with all lanes taken all the time.
fn interleaved(cost: u32, lanes: usize, go_on: impl Fn() -> bool) -> anyhow::Result<f64> {
    let mut taken = Lanes::new(lanes);
    let mut steps = 0_u32;
    while go_on() {
        while taken.len() < taken.capacity() {
            taken.join(Job::new(Key::new(PASSWORD.as_bytes())?, [7; 16], cost)?, ())?;
        }
        taken.step();
        steps += 1;
    }
    Ok(f64::from(steps) * float(lanes) / f64::from(1_u32 << cost))
}

/// What [`Ceiling::Hash`] came to.
pub(crate) struct HashRate {
    pub(crate) a_second: f64,
    /// How long one takes while every core hashes.
    pub(crate) one: Duration,
    /// How long a core works on one.
    pub(crate) cpu: Duration,
}

impl HashRate {
    /// Of the plain crate.
    pub(crate) fn measure(cost: u32, span: Duration) -> anyhow::Result<Self> {
        Self::of(cost, span, 0)
    }

    /// Of so many lanes a core, without a server around them.
    pub(crate) fn in_lanes(cost: u32, span: Duration, lanes: usize) -> anyhow::Result<Self> {
        Self::of(cost, span, lanes)
    }

    fn of(cost: u32, span: Duration, lanes: usize) -> anyhow::Result<Self> {
        let mut command = dying_with_this_process(std::env::current_exe()?);
        let output = command
            .args(["ceiling", "hash", &cost.to_string(), &span.as_millis().to_string()])
            .arg(lanes.to_string())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            bail!("the hashing ceiling has failed");
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let (rate, cpu) = text.trim().split_once(' ').context("the hashing ceiling is silent")?;
        let (a_second, cpu): (f64, f64) = (rate.parse()?, cpu.parse()?);
        let cores = float(std::thread::available_parallelism()?.get());
        Ok(Self {
            a_second,
            one: Duration::from_secs_f64(cores / a_second),
            cpu: Duration::from_secs_f64(cpu),
        })
    }
}
