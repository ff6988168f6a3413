//! Replicas, and ways to them.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use menjin_tests::client::{Answer, Client};
use menjin_tests::process::{Server, command, output_given};
use menjin_tests::servers::balancer::LoadBalancer;
use menjin_tests::servers::postgres;
use menjin_tests::servers::redis::{namespace, shared_url};
use serde_json::json;
use tempfile::TempDir;

pub(crate) const MENJIN: &str = env!("CARGO_BIN_EXE_menjin-under-test");
pub(crate) const PASSWORD: &str = "password123";

/// How long a replica may take to hear of a change, on a machine that is busy with other tests.
pub(crate) const HEARD: Duration = Duration::from_secs(1);

/// Replicas, and what they have in common.
///
/// Each keeps what it looked up for a minute, sixty times the default: what passes then passes
/// because the replica was told, and not because a copy has aged.
pub(crate) struct Replicas {
    pub(crate) servers: Vec<Server>,
    settings: BTreeMap<&'static str, String>,
    folder: TempDir,
}

impl Replicas {
    /// This many on the PostgreSQL and the Redis of all tests, with a database and a namespace of
    /// their own.
    pub(crate) async fn start(number: usize) -> Self {
        Self::start_with(number, &[]).await
    }

    /// The same with other settings.
    pub(crate) async fn start_with(number: usize, settings: &[(&'static str, &str)]) -> Self {
        let database = postgres::database().await;
        let redis = tokio::task::spawn_blocking(shared_url).await.unwrap();
        let mut all = BTreeMap::from([
            ("MENJIN__DATABASE__URL", database.url),
            ("MENJIN__DATABASE__POOL_SIZE", "8".to_owned()),
            ("MENJIN__REDIS__URL", redis),
            ("MENJIN__REDIS__NAMESPACE", namespace()),
            ("MENJIN__AUTH__SECRET", "0123456789abcdef0123456789abcdef".to_owned()),
            ("MENJIN__AUTH__SESSION_CACHE_TTL", "1m".to_owned()),
            ("MENJIN__SERVER__TRUSTED_PROXIES", "127.0.0.1".to_owned()),
            ("MENJIN__THROTTLE__ENABLED", "false".to_owned()),
        ]);
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let folder = tempfile::tempdir().unwrap();
        let mut replicas = Self { servers: Vec::new(), settings: all, folder };
        for _ in 0..number {
            let server = replicas.another(&[]);
            replicas.servers.push(server);
        }
        replicas
    }

    /// One more, which differs in these settings.
    pub(crate) fn another(&self, settings: &[(&str, &str)]) -> Server {
        Server::start(self.command().envs(settings.iter().copied()))
    }

    /// Kills all of them and starts as many anew.
    pub(crate) fn restart(&mut self) {
        for server in &mut self.servers {
            server.kill();
        }
        self.servers = self.servers.iter().map(|_| self.another(&[])).collect();
    }

    /// The URL of their database.
    pub(crate) fn database(&self) -> &str {
        &self.settings["MENJIN__DATABASE__URL"]
    }

    fn command(&self) -> Command {
        let mut command = command(MENJIN, self.folder.path());
        command.envs(&self.settings);
        command
    }

    /// An administrator, made on the command line and logged in.
    pub(crate) async fn admin(&self) -> Client {
        let mut create = self.command();
        create.args(["admin", "create", "--password-stdin"]);
        create.args(["--username", "root", "--email", "root@example.com"]);
        let made = output_given(&mut create, PASSWORD);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        self.on(0).log_in("root", PASSWORD).await
    }

    /// A client of this replica.
    pub(crate) fn on(&self, number: usize) -> Client {
        Client::new(&self.servers[number].url)
    }

    /// The ways to all of them: straight to each in turn, and through load balancers.
    pub(crate) fn ways(&self) -> Vec<Way> {
        let urls: Vec<&str> = self.servers.iter().map(|server| server.url.as_str()).collect();
        let straight = urls.iter().map(|url| Client::new(*url)).collect();
        let way = |name, clients, balancer| Way {
            name,
            number: urls.len(),
            clients,
            turn: AtomicUsize::new(0),
            _balancer: balancer,
        };
        let mut ways = vec![way("straight", straight, None)];
        for (make, start) in LoadBalancer::MAKES {
            let balancer = start(&urls);
            ways.push(way(make, vec![Client::new(&balancer.url)], Some(balancer)));
        }
        ways
    }

    /// A new account.
    pub(crate) async fn register(&self, name: &str) -> Answer {
        register(&self.on(0), name).await
    }

    /// The same login on every replica, each of which has looked it up.
    pub(crate) async fn everywhere(&self, name: &str) -> Vec<Client> {
        let client = self.on(0).log_in(name, PASSWORD).await;
        let mut clients = Vec::new();
        for number in 0..self.servers.len() {
            let client = moved(&client, &self.on(number));
            // Twice: the second time from its copy, once it hears of changes.
            for _ in 0..2 {
                assert_eq!(client.me().await.status, 200);
            }
            clients.push(client);
        }
        clients
    }
}

/// A new account.
pub(crate) async fn register(client: &Client, name: &str) -> Answer {
    let email = format!("{name}@example.com");
    let body = json!({ "username": name, "email": email, "password": PASSWORD });
    client.post("/api/v1/auth/register", &body).await
}

/// The tokens of one client, used on another's replica.
pub(crate) fn moved(from: &Client, to: &Client) -> Client {
    to.with_tokens(&json!({
        "access_token": from.access_token, "refresh_token": from.refresh_token,
    }))
}

/// A way to replicas, which leads to another one with each request.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    /// How many replicas there are.
    number: usize,
    clients: Vec<Client>,
    turn: AtomicUsize,
    _balancer: Option<LoadBalancer>,
}

impl Way {
    /// Nobody, on the next replica.
    pub(crate) fn nobody(&self) -> Client {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.clients[turn % self.clients.len()].clone()
    }

    /// The same user on the next replica.
    pub(crate) fn next(&self, client: &Client) -> Client {
        moved(client, &self.nobody())
    }

    /// A new account, logged in.
    pub(crate) async fn user(&self, name: &str) -> Client {
        let registered = register(&self.nobody(), name).await;
        assert_eq!(registered.status, 201, "{registered}");
        self.nobody().log_in(name, PASSWORD).await
    }

    /// Trades the refresh token in.
    pub(crate) async fn refreshed(&self, client: &Client) -> Client {
        let answer = self.next(client).refresh().await;
        assert_eq!(answer.status, 200, "{}: {answer}", self.name);
        client.with_tokens(&answer.body)
    }

    /// Waits until the tokens of all of these are dead on every replica.
    pub(crate) async fn until_all_dead(&self, clients: impl IntoIterator<Item = &Client>) {
        for client in clients {
            self.until_dead(client).await;
        }
    }

    /// Waits until both tokens are dead on every replica.
    pub(crate) async fn until_dead(&self, client: &Client) {
        let started = Instant::now();
        let mut in_a_row = 0;
        while in_a_row < self.number {
            let is_dead = self.next(client).me().await.status == 401;
            in_a_row = if is_dead { in_a_row + 1 } else { 0 };
            assert!(started.elapsed() < HEARD, "{}: still alive", self.name);
        }
        for _ in 0..self.number {
            assert_eq!(self.next(client).refresh().await.status, 401, "{}", self.name);
        }
    }
}
