//! Logins that keep every core busy, and clients that take their time, leave everybody else alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use menjin_tests::client::Client;
use menjin_tests::measurements::measured;
use menjin_tests::process::{Server, command};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::MENJIN;

/// What a slow answer may take: far below the quarter second that a hash holds a core for.
const SLOWEST: Duration = Duration::from_millis(150);

/// How much slower it may be than without a storm, on a machine that is busy with other things.
const FACTOR: u32 = 5;

/// Storms are told apart only if there is one at a time.
static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Starts a server and logs a user in.
async fn start(settings: &mut std::process::Command) -> (Server, Client) {
    let server = Server::start(settings);
    let client = Client::new(&server.url);
    let body = json!({ "username": "mike", "email": "m@example.com", "password": "password123" });
    assert_eq!(client.post("/api/v1/auth/register", &body).await.status, 201);
    let mike = client.log_in("mike", "password123").await;
    (server, mike)
}

/// What 99 of 100 requests take at 200 a second, and what the slowest takes.
async fn normal_traffic(mike: &Client, requests: usize) -> (Duration, Duration) {
    let mut sent = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    for _ in 0..requests {
        ticks.tick().await;
        let mike = mike.clone();
        sent.spawn(async move {
            let started = Instant::now();
            assert_eq!(mike.me().await.status, 200);
            started.elapsed()
        });
    }
    let mut took = sent.join_all().await;
    took.sort_unstable();
    (*took.get(took.len() * 99 / 100).unwrap(), *took.last().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn l1_normal_traffic_is_unaffected_by_a_storm_of_log_ins() {
    let _one = ONE.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = command(MENJIN, folder.path());
    settings.env("MENJIN__THROTTLE__ENABLED", "false").env("MENJIN__HASHING__COST", "12");
    let (server, mike) = start(&mut settings).await;
    let (quiet, _slowest) = normal_traffic(&mike, 600).await;
    let mut storm = JoinSet::new();
    for _ in 0..16 {
        let client = Client::new(&server.url);
        storm.spawn(async move {
            loop {
                let status = client.try_log_in("mike", "wrong password").await.status;
                assert!([401, 503].contains(&status), "{status}");
            }
        });
    }
    let (stormy, slowest) = normal_traffic(&mike, 600).await;
    storm.abort_all();
    while let Some(ended) = storm.join_next().await {
        assert!(ended.is_err_and(|error| error.is_cancelled()), "a log-in was answered wrongly");
    }
    let bound = SLOWEST.max(quiet * FACTOR);
    assert!(stormy < bound, "p99 {stormy:?}, slowest {slowest:?}; without a storm {quiet:?}");
}

/// `MENJIN_TEST_SLOW_CLIENTS=1000` is what the requirement says, and holds it to its time.
#[tokio::test(flavor = "multi_thread")]
async fn l2_normal_traffic_is_unaffected_by_slow_clients() {
    let _one = ONE.lock().await;
    let (clients, bound) = match std::env::var("MENJIN_TEST_SLOW_CLIENTS") {
        Ok(clients) => (clients.parse().unwrap(), Duration::from_millis(100)),
        Err(_) => (200, Duration::from_millis(300)),
    };
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (server, mike) = start(&mut command(MENJIN, folder.path())).await;
    let connected = Arc::new(Semaphore::new(0));
    let mut slow = JoinSet::new();
    for n in 0..clients {
        let (address, connected) = (server.url.replace("http://", ""), connected.clone());
        slow.spawn(async move {
            // Not all at the same moment.
            tokio::time::sleep(Duration::from_secs(4) * n / clients).await;
            loop {
                let stream = TcpStream::connect(&address).await.unwrap();
                connected.add_permits(1);
                take_time(stream, n).await;
            }
        });
    }
    drop(connected.acquire_many(clients).await.unwrap());
    // Longer than the server puts up with any of them.
    let (p99, slowest) = normal_traffic(&mike, 2400).await;
    let begun = connected.available_permits();
    slow.shutdown().await;
    let value = format!("{begun} connections, p99 {p99:?}, slowest {slowest:?}");
    measured("L2", &format!("others beside {clients} slow clients"), value);
    assert!(p99 < bound, "{clients} slow clients: p99 {p99:?}, slowest {slowest:?}");
    assert!(begun > clients as usize, "the server cuts nobody off");
}

/// What slow clients do, until the server has had enough of it.
async fn take_time(mut stream: TcpStream, n: u32) {
    let (start, drip): (&[u8], &[u8]) = match n % 4 {
        0 => (b"", b""),
        1 => (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"y"),
        2 => (
            b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
              Content-Length: 1000\r\n\r\n",
            b" ",
        ),
        // Takes little of what it asks for.
        _ => (b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n", b""),
    };
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut taken = [0; 16];
    if stream.write_all(start).await.is_err() {
        return;
    }
    loop {
        ticks.tick().await;
        if stream.write_all(drip).await.is_err() {
            return;
        }
        let read = tokio::time::timeout(Duration::from_millis(1), stream.read(&mut taken)).await;
        if let Ok(Ok(0) | Err(_)) = read {
            return;
        }
    }
}

/// What cannot be hashed in time is answered before it is, by the number that waits and by the time.
#[tokio::test(flavor = "multi_thread")]
async fn l1_log_ins_in_excess_are_shed_before_they_are_hashed() {
    for (queue, max_wait) in [("2", "1m"), ("1000", "100ms")] {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = command(MENJIN, folder.path());
        settings.env("MENJIN__THROTTLE__ENABLED", "false").env("MENJIN__HASHING__COST", "10");
        // One hash at a time: 40 would take seconds.
        settings.env("MENJIN__HASHING__ENGINE", "plain").env("MENJIN__HASHING__THREADS", "1");
        settings.env("MENJIN__HASHING__QUEUE", queue).env("MENJIN__HASHING__MAX_WAIT", max_wait);
        let server = Server::start(&mut settings);
        let client = Client::new(&server.url);
        let mut storm = JoinSet::new();
        for _ in 0..40 {
            let client = client.clone();
            storm.spawn(async move { client.try_log_in("nobody", "password123").await });
        }
        let (mut hashed, mut shed) = (0, 0);
        for answer in storm.join_all().await {
            match answer.status {
                401 => hashed += 1,
                503 => {
                    assert!(answer.header("retry-after").is_some());
                    shed += 1;
                }
                other => panic!("{other}"),
            }
        }
        assert!(hashed >= 1 && shed >= 20, "{hashed} hashed, {shed} shed");
        assert_eq!(client.try_log_in("nobody", "password123").await.status, 401, "it goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_work_on_either_engine() {
    for engine in ["lanes", "plain"] {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = command(MENJIN, folder.path());
        let server = Server::start(settings.env("MENJIN__HASHING__ENGINE", engine));
        let client = Client::new(&server.url);
        let body =
            json!({ "username": "mike", "email": "m@example.com", "password": "password123" });
        assert_eq!(client.post("/api/v1/auth/register", &body).await.status, 201, "{engine}");
        for _ in 0..3 {
            client.log_in("mike", "password123").await;
            assert_eq!(client.try_log_in("mike", "password124").await.status, 401, "{engine}");
        }
    }
}
