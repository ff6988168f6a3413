//! Several replicas, real processes on one PostgreSQL and one Redis: what one does holds on the
//! others.
//!
//! Each keeps what it looked up for a minute here, sixty times the default: whatever passes, passes
//! because it was told, and not because a copy has aged.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod rotation;

use std::time::{Duration, Instant};

use menjin_tests::client::{Answer, Client};
use menjin_tests::process::{Server, command};
use menjin_tests::servers::haproxy::HaProxy;
use menjin_tests::servers::postgres::{self, Database};
use menjin_tests::servers::redis::{RedisServer, namespace, shared_url};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

const MENJIN: &str = env!("CARGO_BIN_EXE_menjin-under-test");
const PASSWORD: &str = "password123";

/// How long a replica may take to hear of a change, on a machine that is busy with other tests.
const HEARD: Duration = Duration::from_secs(1);

struct Replicas {
    servers: Vec<Server>,
    database: Database,
    namespace: String,
    redis: String,
    throttle: &'static str,
    folder: TempDir,
}

impl Replicas {
    async fn start(number: usize, redis: String) -> Self {
        Self::start_with(number, redis, "false").await
    }

    async fn start_with(number: usize, redis: String, throttle: &'static str) -> Self {
        let mut replicas = Self {
            servers: Vec::new(),
            database: postgres::database().await,
            namespace: namespace(),
            redis,
            throttle,
            folder: tempfile::tempdir().unwrap(),
        };
        for _ in 0..number {
            let server = replicas.another(&replicas.redis);
            replicas.servers.push(server);
        }
        replicas
    }

    /// One more, with this Redis.
    fn another(&self, redis: &str) -> Server {
        self.another_with(redis, &[])
    }

    /// One more, with settings beside those of all.
    fn another_with(&self, redis: &str, settings: &[(&str, &str)]) -> Server {
        let mut command = command(MENJIN, self.folder.path());
        for (name, value) in [
            ("MENJIN__DATABASE__URL", self.database.url.as_str()),
            ("MENJIN__DATABASE__POOL_SIZE", "8"),
            ("MENJIN__REDIS__URL", redis),
            ("MENJIN__REDIS__NAMESPACE", &self.namespace),
            ("MENJIN__AUTH__SECRET", "0123456789abcdef0123456789abcdef"),
            ("MENJIN__AUTH__SESSION_CACHE_TTL", "1m"),
            ("MENJIN__SERVER__TRUSTED_PROXIES", "127.0.0.1"),
            ("MENJIN__THROTTLE__ENABLED", self.throttle),
        ] {
            command.env(name, value);
        }
        command.envs(settings.iter().copied());
        Server::start(&mut command)
    }

    /// A client of this replica.
    fn on(&self, number: usize) -> Client {
        Client::new(&self.servers[number].url)
    }

    async fn register(&self, name: &str) -> Answer {
        let email = format!("{name}@example.com");
        let body = json!({ "username": name, "email": email, "password": PASSWORD });
        self.on(0).post("/api/v1/auth/register", &body).await
    }

    /// The same log-in on every replica, each of which has looked it up.
    async fn everywhere(&self, name: &str) -> Vec<Client> {
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

/// The tokens of one client, used on another's replica.
fn moved(from: &Client, to: &Client) -> Client {
    to.with_tokens(&from.tokens())
}

/// How long it takes until all are nobody.
async fn until_dead(clients: &[Client]) -> Duration {
    let started = Instant::now();
    for client in clients {
        while client.me().await.status != 401 {
            assert!(started.elapsed() < HEARD, "still alive after {:?}", started.elapsed());
        }
    }
    started.elapsed()
}

async fn shared() -> String {
    tokio::task::spawn_blocking(shared_url).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_t18_what_ends_sessions_on_one_ends_them_on_all() {
    let replicas = Replicas::start(3, shared().await).await;
    let mut worst = Duration::ZERO;
    for round in 0..20 {
        let name = format!("mike{round}");
        assert_eq!(replicas.register(&name).await.status, 201);
        let mut clients = replicas.everywhere(&name).await;
        let other = clients.swap_remove(round % 3);
        if round % 2 == 0 {
            assert_eq!(other.post_empty("/api/v1/auth/logout").await.status, 200);
            assert_eq!(other.me().await.status, 401, "the writer itself sees it at once");
        } else {
            let changer = other.log_in(&name, PASSWORD).await;
            let body = json!({
                "current_password": PASSWORD, "new_password": "newpassword456",
                "confirm_password": "newpassword456",
            });
            assert_eq!(changer.post("/api/v1/auth/change-password", &body).await.status, 200);
            assert_eq!(changer.me().await.status, 200, "the caller's session lives");
        }
        worst = worst.max(until_dead(&clients).await);
        for client in &clients {
            assert_eq!(client.refresh().await.status, 401);
        }
    }
    assert!(worst < HEARD, "{worst:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_on_one_is_shown_by_all() {
    let replicas = Replicas::start(2, shared().await).await;
    assert_eq!(replicas.register("mike").await.status, 201);
    let clients = replicas.everywhere("mike").await;
    for (number, writer) in clients.iter().enumerate() {
        let bio = format!("written by {number}");
        let answer = writer.put("/api/v1/users/me", &json!({ "bio": bio })).await;
        assert_eq!(answer.status, 200);
        let started = Instant::now();
        for reader in &clients {
            while reader.me().await.body["bio"] != json!(bio) {
                assert!(started.elapsed() < HEARD, "still shows the old one");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn x1_of_many_registrations_on_two_replicas_one_succeeds() {
    let replicas = Replicas::start(2, shared().await).await;
    let mut registrations = JoinSet::new();
    for n in 0..50 {
        let client = replicas.on(n % 2);
        let name = ["Mike", "mike", "Ｍｉｋｅ"][n % 3];
        let email = format!("m{n}@example.com");
        let body = json!({ "username": name, "email": email, "password": PASSWORD });
        registrations
            .spawn(async move { client.post("/api/v1/auth/register", &body).await.status });
    }
    let mut statuses = registrations.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, std::iter::once(201).chain([400; 49]).collect::<Vec<u16>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn x2_of_20_refreshes_over_two_replicas_one_branch_lives() {
    let replicas = Replicas::start(2, shared().await).await;
    for round in 0..10 {
        let name = format!("mike{round}");
        assert_eq!(replicas.register(&name).await.status, 201);
        let mike = replicas.on(0).log_in(&name, PASSWORD).await;
        let mut refreshes = JoinSet::new();
        for n in 0..20 {
            let client = moved(&mike, &replicas.on(n % 2));
            refreshes.spawn(async move {
                let answer = client.refresh().await;
                assert!([200, 401].contains(&answer.status), "{answer}");
                (answer.status == 200).then(|| client.with_tokens(&answer.body))
            });
        }
        let branches: Vec<Client> = refreshes.join_all().await.into_iter().flatten().collect();
        let mut went_on = 0;
        for (n, branch) in branches.iter().enumerate() {
            let branch = moved(branch, &replicas.on(n % 2));
            went_on += u32::from(branch.refresh().await.status == 200);
        }
        assert!(went_on <= 1, "{went_on} branches");
    }
}

/// Without a subscription nothing is taken from a copy: a replica that cannot hear asks.
#[tokio::test(flavor = "multi_thread")]
async fn f9_without_redis_the_database_is_asked() {
    let redis = tokio::task::spawn_blocking(|| RedisServer::start(&[])).await.unwrap();
    let replicas = Replicas::start(2, redis.url()).await;
    for (round, mend) in [(0, true), (1, false)] {
        let name = format!("mike{round}");
        assert_eq!(replicas.register(&name).await.status, 201);
        let clients = replicas.everywhere(&name).await;
        redis.kill();
        // A subscription that is lost is noticed within about a second.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_eq!(clients[0].post_empty("/api/v1/auth/logout").await.status, 200);
        assert_eq!(clients[1].me().await.status, 401, "at once");
        if mend {
            redis.restart();
        }
    }
}

/// One replica whose way to Redis is cut from the start neither trusts copies nor is late.
#[tokio::test(flavor = "multi_thread")]
async fn f9_a_replica_that_cannot_reach_redis_agrees_with_one_that_can() {
    let replicas = Replicas::start(1, shared().await).await;
    let nowhere = format!("redis://127.0.0.1:{}", menjin_tests::servers::redis::free_port());
    let cut_off = replicas.another(&nowhere);
    assert_eq!(replicas.register("mike").await.status, 201);
    let mike = replicas.on(0).log_in("mike", PASSWORD).await;
    let elsewhere = moved(&mike, &Client::new(&cut_off.url));
    assert_eq!(elsewhere.me().await.status, 200);
    assert_eq!(mike.post_empty("/api/v1/auth/logout").await.status, 200);
    assert_eq!(elsewhere.me().await.status, 401);
}

/// A client that is sent to another replica with each request notices nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_load_balancer_may_send_each_request_elsewhere() {
    let replicas = Replicas::start_with(3, shared().await, "true").await;
    let urls: Vec<&str> = replicas.servers.iter().map(|server| server.url.as_str()).collect();
    let proxy = HaProxy::start(&urls);
    let client = Client::new(&proxy.url);
    assert_eq!(replicas.register("mike").await.status, 201);
    let mut mike = client.log_in("mike", PASSWORD).await;
    for _ in 0..10 {
        for _ in 0..4 {
            assert_eq!(mike.me().await.status, 200);
        }
        let refreshed = mike.refresh().await;
        assert_eq!(refreshed.status, 200, "{refreshed}");
        mike = mike.with_tokens(&refreshed.body);
    }
    assert_eq!(mike.post_empty("/api/v1/auth/logout").await.status, 200);
    let started = Instant::now();
    // Three in a row are one of each.
    let mut refused = 0;
    while refused < 3 {
        refused = if mike.me().await.status == 401 { refused + 1 } else { 0 };
        assert!(started.elapsed() < HEARD);
    }
    assert_eq!(mike.refresh().await.status, 401);
    // R3, R9: one count over all replicas, for the address that the balancer names.
    for _ in 0..10 {
        assert_eq!(client.try_log_in("mike", "wrong").await.status, 401);
    }
    assert_eq!(client.try_log_in("mike", PASSWORD).await.status, 429);
}

/// A replica that is killed takes no acknowledged change with it, and the others go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_killed_is_not_missed() {
    let mut replicas = Replicas::start(2, shared().await).await;
    let urls: Vec<&str> = replicas.servers.iter().map(|server| server.url.as_str()).collect();
    let proxy = HaProxy::start(&urls);
    assert_eq!(replicas.register("mike").await.status, 201);
    let mike = Client::new(&proxy.url).log_in("mike", PASSWORD).await;
    replicas.servers[0].kill();
    // The balancer finds out by its checks; what it sent there before is answered by itself.
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut in_a_row = 0;
    while in_a_row < 10 {
        in_a_row = if mike.me().await.status == 200 { in_a_row + 1 } else { 0 };
        assert!(Instant::now() < deadline, "requests are still sent to the dead replica");
    }
    assert_eq!(mike.refresh().await.status, 200);
}
