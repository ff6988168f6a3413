//! How soon another replica refuses what was revoked. The bound is `auth.session_cache_ttl`, whatever
//! becomes of Redis; what was measured is printed. `MENJIN_TEST_ROUNDS` says how often it is measured.

use std::time::{Duration, Instant};

use menjin_tests::client::Client;
use menjin_tests::servers::proxy::{Network, Proxy};
use menjin_tests::servers::redis::RedisServer;
use menjin_tests::size::rounds;
use tokio::task::JoinSet;

use crate::support::{PASSWORD, Replicas};

/// The default of the setting, and what these replicas have.
const BOUND: Duration = Duration::from_secs(1);
const SETTING: (&str, &str) = ("MENJIN__AUTH__SESSION_CACHE_TTL", "1s");

/// What a replica says when it begins to hear of changes, and when it no longer does.
const SUBSCRIBED: &str = "subscribed to invalidations";
const LOST: &str = "the subscription to invalidations is lost";

/// A revocation as a client of another replica sees it, counted from its acknowledgement.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// When the first refusal arrived.
    refused: Duration,
    /// When the last request was sent that was still served; zero if none was. Unlike the other one
    /// it does not grow with the time that a busy machine takes to answer.
    served: Duration,
}

/// Asks until refused.
async fn watch(client: Client, acknowledged: Instant) -> Seen {
    let mut served = Duration::ZERO;
    loop {
        let sent = acknowledged.elapsed();
        let status = client.me().await.status;
        if status == 401 {
            return Seen { refused: acknowledged.elapsed(), served };
        }
        assert_eq!(status, 200);
        served = sent;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Prints what was seen and holds it to the bound.
fn judge(what: &str, mut seen: Vec<Seen>) {
    seen.sort_unstable_by_key(|seen| seen.refused);
    let of = |percent: usize| seen[(seen.len() - 1) * percent / 100].refused;
    let served = seen.iter().map(|seen| seen.served).max().unwrap();
    eprintln!(
        "{what}: {} revocations, refused elsewhere after p50 {:?}, p99 {:?}, worst {:?}; \
         served at the latest in a request sent after {served:?}",
        seen.len(),
        of(50),
        of(99),
        of(100),
    );
    assert!(served <= BOUND, "{what}: served {served:?} after it was revoked");
}

/// A session that is ended from the list is refused by the other replica in time.
#[tokio::test(flavor = "multi_thread")]
async fn d3_ended_sessions_are_heard_of_in_time() {
    let replicas = Replicas::start_with(2, &[SETTING]).await;
    assert_eq!(replicas.register("mike").await.status, 201);
    let keeping = replicas.on(0).log_in("mike", PASSWORD).await;
    let mut seen = Vec::new();
    for _ in 0..rounds(20) {
        let clients = replicas.everywhere("mike").await;
        assert_eq!(clients[1].me().await.status, 200, "it is in the cache there");
        let done = keeping.delete("/api/v1/users/me/sessions").await;
        assert_eq!(done.status, 200);
        seen.push(watch(clients[1].clone(), Instant::now()).await);
    }
    assert_eq!(keeping.me().await.status, 200);
    judge("ended sessions", seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_z5_log_outs_and_deactivations_are_heard_in_time() {
    let replicas = Replicas::start_with(2, &[SETTING]).await;
    let admin = replicas.admin().await;
    assert_eq!(replicas.register("mike").await.status, 201);
    let id = replicas.on(0).log_in("mike", PASSWORD).await.me().await.body["id"].clone();
    let (mut log_outs, mut deactivations) = (Vec::new(), Vec::new());
    for _ in 0..rounds(100).div_ceil(2) {
        let clients = replicas.everywhere("mike").await;
        let out = clients[0].post_empty("/api/v1/auth/logout").await;
        assert_eq!(out.status, 200);
        log_outs.push(watch(clients[1].clone(), Instant::now()).await);

        let clients = replicas.everywhere("mike").await;
        let done = admin.post_empty(&format!("/api/v1/users/{id}/deactivate")).await;
        assert_eq!(done.status, 200);
        deactivations.push(watch(clients[1].clone(), Instant::now()).await);
        assert_eq!(admin.post_empty(&format!("/api/v1/users/{id}/activate")).await.status, 200);
    }
    judge("log-outs", log_outs);
    judge("deactivations", deactivations);
}

/// Whatever happens to the way between one of two replicas and Redis at the moment of a logout, the
/// writer's or the reader's, the bound holds.
#[tokio::test(flavor = "multi_thread")]
async fn f9_the_bound_holds_while_one_replica_is_cut_off_from_redis() {
    const AT_ONCE: usize = 20;
    let divided = Divided::start().await;
    let names: Vec<String> = (0..AT_ONCE).map(|n| format!("mike{n}")).collect();
    for name in &names {
        assert_eq!(divided.replicas.register(name).await.status, 201);
    }
    let outages = [
        ("the reader's Redis hangs", 1, Network::Hanging),
        ("the reader is cut off", 1, Network::Cut),
        ("the reader hears late", 1, Network::Slow(Duration::from_millis(200))),
        ("the writer's Redis hangs", 0, Network::Hanging),
        ("the writer is cut off", 0, Network::Cut),
        ("the writer tells late", 0, Network::Slow(Duration::from_millis(200))),
    ];
    let times = rounds(outages.len() * AT_ONCE).div_ceil(outages.len() * AT_ONCE);
    for (what, whose, network) in outages {
        let mut seen = Vec::new();
        for _ in 0..times {
            seen.extend(divided.revoke(&names, whose, network).await);
        }
        judge(what, seen);
    }
}

/// Two replicas, each with its own way to one Redis.
struct Divided {
    replicas: Replicas,
    ways: [Proxy; 2],
    _redis: RedisServer,
}

impl Divided {
    async fn start() -> Self {
        let redis = tokio::task::spawn_blocking(|| RedisServer::start(&[])).await.unwrap();
        let ways = [Proxy::before(redis.port).await, Proxy::before(redis.port).await];
        let mut replicas = Replicas::start_with(0, &[SETTING]).await;
        for way in &ways {
            let url = format!("redis://127.0.0.1:{}", way.port());
            let server = replicas.another(&[("MENJIN__REDIS__URL", &url)]);
            server.wait_for_log(SUBSCRIBED);
            replicas.servers.push(server);
        }
        Self { replicas, ways, _redis: redis }
    }

    /// Makes the way of one replica bad just before sessions are ended on the first, and watches the
    /// second, which has looked them up. Then all is well again.
    async fn revoke(&self, names: &[String], whose: usize, network: Network) -> Vec<Seen> {
        let mut sessions = Vec::new();
        for name in names {
            sessions.push(self.replicas.everywhere(name).await);
        }
        let looking_up = sessions.iter().map(|clients| {
            let client = clients[1].clone();
            async move { client.me().await.status }
        });
        let statuses = looking_up.collect::<JoinSet<u16>>().join_all().await;
        assert!(statuses.into_iter().all(|status| status == 200));
        self.ways[whose].set(network);
        let revocations = sessions.into_iter().map(|clients| async move {
            let out = clients[0].post_empty("/api/v1/auth/logout").await;
            assert_eq!(out.status, 200);
            watch(clients[1].clone(), Instant::now()).await
        });
        let seen = revocations.collect::<JoinSet<Seen>>().join_all().await;
        let is_lost = matches!(network, Network::Hanging | Network::Cut);
        if is_lost {
            self.replicas.servers[whose].wait_for_log(LOST);
        }
        self.ways[whose].set(Network::Sound);
        if is_lost {
            self.replicas.servers[whose].wait_for_log(SUBSCRIBED);
        }
        seen
    }
}
