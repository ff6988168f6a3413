//! PostgreSQL slow, hanging, cut off and killed: what is answered meanwhile, how soon, and what
//! becomes of it afterwards.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use menjin_tests::client::Client;
use menjin_tests::process::Server;
use menjin_tests::servers::postgres;
use menjin_tests::servers::proxy::{Network, Proxy};
use menjin_tests::size::kills;
use tokio::task::JoinSet;

use crate::crowd::{Crowd, Got, IN_TIME};
use crate::support::{PASSWORD, Replicas, Way, moved, register};

/// What recovering may take, once the database is well again.
const RECOVERY: Duration = Duration::from_secs(2);

const BOUND: Duration = Duration::from_secs(1);
const SETTINGS: [(&str, &str); 2] =
    [("MENJIN__AUTH__SESSION_CACHE_TTL", "1s"), ("MENJIN__THROTTLE__ENABLED", "true")];

/// One replica, and another one whose way to the same PostgreSQL can be made bad.
struct Divided {
    replicas: Replicas,
    way: Proxy,
    _far: Server,
    far: Client,
    _postgres: postgres::Server,
}

impl Divided {
    async fn start() -> Self {
        let postgres = tokio::task::spawn_blocking(postgres::Server::start).await.unwrap();
        let way = Proxy::before(postgres.port()).await;
        let url = postgres.database().await.url;
        let mut settings = SETTINGS.to_vec();
        settings.push(("MENJIN__DATABASE__URL", &url));
        let replicas = Replicas::start_with(1, &settings).await;
        let [near, far] = [postgres.port(), way.port()].map(|port| format!(":{port}/"));
        let server = replicas.another(&[("MENJIN__DATABASE__URL", &url.replacen(&near, &far, 1))]);
        let far = Client::new(&server.url);
        Self { replicas, way, _far: server, far, _postgres: postgres }
    }
}

/// All were answered in time, as ever or with 503.
fn in_time(all: &[Got]) {
    for got in all {
        let as_ever = got.answer.status == got.expected;
        assert!(as_ever || got.answer.status == 503, "{got}");
        assert!(as_ever || got.answer.header("retry-after").is_some(), "{got}");
        assert!(got.took < IN_TIME, "{got}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f2_a_database_that_is_slow_hangs_or_is_cut_off_is_answered_for_in_time() {
    let divided = Divided::start().await;
    let Divided { replicas, way, far, .. } = &divided;
    let admin = replicas.admin().await;
    for (name, network) in [
        ("slow", Network::Slow(Duration::from_secs(2))),
        ("sluggish", Network::Slow(Duration::from_millis(500))),
        ("hanging", Network::Hanging),
        ("cut", Network::Cut),
    ] {
        let mut crowds = Vec::new();
        for n in 0..4 {
            crowds.push(Crowd::new(far, &admin, &format!("{name}{n}-")).await);
        }
        // Before it, for all connections are to be there already.
        as_ever(&crowds[0].ask(far).await);
        way.set(network);
        for crowd in &crowds[1..3] {
            let all = crowd.ask(far).await;
            in_time(&all);
            let worst = all.iter().max_by_key(|got| got.took).unwrap();
            eprintln!("{name}: {} of {} done, the longest: {worst}", done(&all), all.len());
            let started = Instant::now();
            assert_eq!(far.get("/health/live").await.status, 200);
            assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
        }
        way.set(Network::Sound);
        recovered(far).await;
        as_ever(&crowds[3].ask(far).await);
    }
}

fn as_ever(all: &[Got]) {
    for got in all {
        assert_eq!(got.answer.status, got.expected, "{got}");
    }
}

fn done(all: &[Got]) -> usize {
    all.iter().filter(|got| got.answer.status == got.expected).count()
}

/// Waits until it can be used again.
async fn recovered(client: &Client) {
    let started = Instant::now();
    while client.get("/health/ready").await.status != 200 {
        assert!(started.elapsed() < RECOVERY, "it does not recover");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    eprintln!("recovered after {:?}", started.elapsed());
}

/// Whoever cannot ask the database does not say 200 for long, whether it hears of changes or not.
#[tokio::test(flavor = "multi_thread")]
async fn f2_nobody_is_authenticated_from_what_was_true_before() {
    let divided = Divided::start().await;
    let Divided { replicas, way, far, .. } = &divided;
    for (name, network) in
        [("slow", Network::Slow(Duration::from_secs(2))), ("hanging", Network::Hanging)]
    {
        register(far, name).await;
        let mike = replicas.on(0).log_in(name, PASSWORD).await;
        let elsewhere = moved(&mike, far);
        for _ in 0..2 {
            assert_eq!(elsewhere.me().await.status, 200);
        }
        way.set(network);
        assert_eq!(mike.post_empty("/api/v1/auth/logout").await.status, 200);
        let ended = Instant::now();
        while ended.elapsed() < Duration::from_secs(4) {
            let sent = ended.elapsed();
            let status = elsewhere.me().await.status;
            assert!(status != 200 || sent < BOUND, "{name}: served, sent {sent:?} after its end");
        }
        way.set(Network::Sound);
        recovered(far).await;
        assert_eq!(elsewhere.me().await.status, 401);
    }
}

/// What clients under way have been told.
#[derive(Default)]
struct Told {
    names: Vec<String>,
    /// When each request was sent that was not done, and what the answer took.
    refused: Vec<(Instant, Duration)>,
    /// When each request was sent that was done.
    done: Vec<Instant>,
    stop: bool,
}

impl Told {
    /// Notes an answer; whether the request was done.
    fn note(&mut self, sent: Instant, status: u16, expected: u16) -> bool {
        let took = sent.elapsed();
        assert!(took < IN_TIME, "{status} after {took:?}");
        if status == expected {
            self.done.push(sent);
        } else {
            assert_eq!(status, 503, "instead of {expected}");
            self.refused.push((sent, took));
        }
        status == expected
    }
}

/// How long clients wait who were refused.
const BREATH: Duration = Duration::from_millis(5);

type Shared = Arc<Mutex<Told>>;

async fn registering(way: Arc<Way>, worker: usize, told: Shared) {
    for n in 0.. {
        let (name, sent) = (format!("user{worker}-{n}"), Instant::now());
        let status = register(&way.nobody(), &name).await.status;
        let done = {
            let mut told = told.lock().unwrap();
            if told.stop {
                return;
            }
            told.note(sent, status, 201)
        };
        if done {
            told.lock().unwrap().names.push(name);
        } else {
            tokio::time::sleep(BREATH).await;
        }
    }
}

/// Refreshes, with the same token again where the answer was not to be had; the session must live.
async fn refreshing(way: Arc<Way>, mut user: Client, told: Shared) {
    while !told.lock().unwrap().stop {
        let sent = Instant::now();
        let answer = way.next(&user).refresh().await;
        if told.lock().unwrap().note(sent, answer.status, 200) {
            user = user.with_tokens(&answer.body);
        } else {
            tokio::time::sleep(BREATH).await;
        }
    }
    way.refreshed(&user).await;
}

/// `MENJIN_TEST_KILLS` says how often.
#[tokio::test(flavor = "multi_thread")]
async fn f1_a_database_that_is_killed_under_load_loses_nothing_and_is_used_again_at_once() {
    let start = || Arc::new(postgres::Server::start());
    let postgres = tokio::task::spawn_blocking(start).await.unwrap();
    let database = postgres.database().await;
    // A refresh may be done and its answer lost.
    let settings =
        [("MENJIN__DATABASE__URL", database.url.as_str()), ("MENJIN__AUTH__REFRESH_GRACE", "1h")];
    let replicas = Replicas::start_with(2, &settings).await;
    let way = Arc::new(replicas.ways().remove(0));
    let told = Shared::default();
    let mut work = JoinSet::new();
    for worker in 0..4 {
        work.spawn(registering(Arc::clone(&way), worker, Arc::clone(&told)));
        let user = way.user(&format!("refresher{worker}")).await;
        work.spawn(refreshing(Arc::clone(&way), user, Arc::clone(&told)));
    }
    let mut outages = Vec::new();
    for _ in 0..kills(3) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let postgres = Arc::clone(&postgres);
        let outage = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            postgres.kill();
            std::thread::sleep(Duration::from_millis(700));
            postgres.restart();
            (begun, Instant::now())
        });
        outages.push(outage.await.unwrap());
        tokio::time::sleep(RECOVERY + Duration::from_millis(500)).await;
    }
    told.lock().unwrap().stop = true;
    while let Some(worker) = work.join_next().await {
        worker.unwrap();
    }
    let told = std::mem::take(&mut *told.lock().unwrap());
    for (n, (_, back)) in outages.iter().enumerate() {
        let next = outages.get(n + 1).map_or_else(Instant::now, |(begun, _)| *begun);
        let done = told.done.iter().filter(|sent| *sent >= back).min().unwrap();
        // Of those that the next outage has not caught.
        let refused = told.refused.iter().filter(|(sent, took)| *sent + *took < next);
        let last = refused.map(|(sent, _)| sent.saturating_duration_since(*back)).max().unwrap();
        eprintln!("first done {:?} after its return, last refused {last:?}", *done - *back);
        assert!(last < RECOVERY, "refused {last:?} after its return");
    }
    let slowest = told.refused.iter().map(|(_, took)| *took).max().unwrap();
    let (done, refused) = (told.done.len(), told.refused.len());
    eprintln!("{done} requests done, {refused} refused, the slowest of these after {slowest:?}");
    let raw = database.connect().await;
    let rows = raw.query("SELECT username FROM users", &[]).await.unwrap();
    let there: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    for name in told.names {
        assert!(there.contains(&name), "{name} was acknowledged and is lost");
    }
}
