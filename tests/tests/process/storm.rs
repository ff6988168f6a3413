//! Log-ins that keep every core busy leave everybody else alone.

use std::time::{Duration, Instant};

use menjin_tests::client::Client;
use menjin_tests::process::{Server, command};
use serde_json::json;
use tokio::task::JoinSet;

use crate::MENJIN;

/// What a slow answer may take: far below the quarter second that a hash holds a core for.
const SLOWEST: Duration = Duration::from_millis(150);

/// How much slower it may be than without a storm, on a machine that is busy with other things.
const FACTOR: u32 = 5;

/// The time that 99 of 100 requests keep within, at 200 a second.
async fn p99(mike: &Client) -> Duration {
    let mut requests = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    for _ in 0..600 {
        ticks.tick().await;
        let mike = mike.clone();
        requests.spawn(async move {
            let started = Instant::now();
            assert_eq!(mike.me().await.status, 200);
            started.elapsed()
        });
    }
    let mut took = requests.join_all().await;
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread")]
async fn l1_two_hundred_requests_a_second_are_unaffected_by_a_storm_of_log_ins() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = command(MENJIN, folder.path());
    settings.env("MENJIN__THROTTLE__ENABLED", "false").env("MENJIN__HASHING__COST", "12");
    let server = Server::start(&mut settings);
    let client = Client::new(&server.url);
    let body = json!({ "username": "mike", "email": "m@example.com", "password": "password123" });
    assert_eq!(client.post("/api/v1/auth/register", &body).await.status, 201);
    let mike = client.log_in("mike", "password123").await;

    let quiet = p99(&mike).await;
    let mut storm = JoinSet::new();
    for _ in 0..16 {
        let client = client.clone();
        storm.spawn(async move {
            loop {
                let status = client.try_log_in("mike", "wrong password").await.status;
                assert!([401, 503].contains(&status), "{status}");
            }
        });
    }
    let stormy = p99(&mike).await;
    storm.abort_all();
    while let Some(ended) = storm.join_next().await {
        assert!(ended.is_err_and(|error| error.is_cancelled()), "a log-in was answered wrongly");
    }
    assert!(stormy < SLOWEST.max(quiet * FACTOR), "p99 {stormy:?}, without a storm {quiet:?}");
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
