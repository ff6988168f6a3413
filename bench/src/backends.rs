//! PostgreSQL and Redis, private to this run and started when first needed.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, bail};
use menjin_test_servers::postgres;
use menjin_test_servers::redis::{self, RedisServer};
use tokio::runtime::Runtime;

/// As an installation would have it: what is acknowledged is on the disk.
const OPTIONS: &[&str] = &["fsync=on", "synchronous_commit=on", "shared_buffers=256MB"];

/// The servers.
pub(crate) struct Backends {
    /// For what is asynchronous in here.
    pub(crate) runtime: Runtime,
    postgres: OnceLock<postgres::Server>,
    redis: OnceLock<RedisServer>,
}

impl Backends {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build()?;
        Ok(Self { runtime, postgres: OnceLock::new(), redis: OnceLock::new() })
    }

    fn postgres(&self) -> &postgres::Server {
        self.postgres.get_or_init(|| postgres::Server::start_with(OPTIONS))
    }

    /// The URL of an empty database.
    pub(crate) fn database(&self) -> String {
        let postgres = self.postgres();
        self.runtime.block_on(postgres.database()).url
    }

    /// The URL of the Redis.
    pub(crate) fn redis(&self) -> String {
        self.redis.get_or_init(|| RedisServer::start(&[])).url()
    }

    /// Runs statements on a database, each on its own: `VACUUM` wants no company.
    pub(crate) fn run(&self, url: &str, statements: &[&str]) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let client = postgres::connect(url).await;
            for statement in statements {
                client.batch_execute(statement).await.context("PostgreSQL refuses")?;
            }
            Ok(())
        })
    }

    /// The one number that a statement selects.
    pub(crate) fn number(&self, url: &str, statement: &str) -> anyhow::Result<f64> {
        self.runtime.block_on(async {
            let row = postgres::connect(url).await.query_one(statement, &[]).await;
            Ok(row.context("PostgreSQL refuses")?.try_get(0)?)
        })
    }

    /// What those that were started call themselves.
    pub(crate) fn versions(&self) -> Vec<String> {
        let ask = |program: &std::path::Path| {
            let output = Command::new(program).arg("--version").output().ok()?;
            Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let mut versions = Vec::new();
        if self.postgres.get().is_some() {
            versions.extend(ask(&postgres::find("postgres")));
        }
        if self.redis.get().is_some() {
            versions.extend(ask(redis::binary().as_ref()));
        }
        versions
    }
}

/// `pgbench`, with one statement a transaction, prepared.
pub(crate) struct PgBench<'a> {
    pub(crate) url: &'a str,
    pub(crate) clients: usize,
    pub(crate) seconds: u32,
}

/// How many rows it reads and writes.
const ROWS: usize = 10_000;

impl PgBench<'_> {
    /// Makes its table: rows as wide as a session, with the room that updates take.
    pub(crate) fn prepare(&self, backends: &Backends) -> anyhow::Result<()> {
        let table = "CREATE TABLE bench (id INT PRIMARY KEY, counter BIGINT NOT NULL, filler TEXT \
                     NOT NULL) WITH (fillfactor = 80)";
        let rows = format!(
            "INSERT INTO bench SELECT id, 0, repeat('x', 120) FROM generate_series(1, {ROWS}) AS id"
        );
        backends.run(self.url, &[table, &rows, "VACUUM ANALYZE bench"])
    }

    pub(crate) fn selects(&self) -> anyhow::Result<f64> {
        self.run("SELECT counter, filler FROM bench WHERE id = :id;")
    }

    pub(crate) fn updates(&self) -> anyhow::Result<f64> {
        self.run("UPDATE bench SET counter = counter + 1 WHERE id = :id;")
    }

    /// Transactions a second.
    fn run(&self, statement: &str) -> anyhow::Result<f64> {
        let script = tempfile::NamedTempFile::new()?;
        std::fs::write(&script, format!("\\set id random(1, {ROWS})\n{statement}\n"))?;
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let output = Command::new(postgres::find("pgbench"))
            .args(["--no-vacuum", "--protocol=prepared", "--file"])
            .arg(script.path())
            .arg(format!("--client={}", self.clients))
            .arg(format!("--jobs={}", threads.min(self.clients)))
            .arg(format!("--time={}", self.seconds))
            .arg(self.url)
            .stdin(Stdio::null())
            .output()
            .context("pgbench, which belongs to PostgreSQL, cannot be run")?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("pgbench: {}", String::from_utf8_lossy(&output.stderr));
        }
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rest| rest.split_whitespace().next());
        Ok(rate.context("pgbench tells no rate")?.parse()?)
    }
}
