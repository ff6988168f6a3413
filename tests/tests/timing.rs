//! E2: how long a refusal takes says nothing of its reason.
//!
//! A test of its own process, so that no other shares the threads that hash. Two things are measured
//! of each attempt, from the request to the answer: the time that the processor spends in this
//! process, server and client together; and what a client sees, the time by the clock. By the clock a
//! busy machine needs many attempts, so it counts only where there are.
//!
//! **The statistic.** Attempts of all kinds are interleaved: each round sends one of each, and begins
//! with another kind than the round before, so that whatever else the machine does meets all alike.
//! Of each kind the median `m` is taken, and the median absolute deviation from it, `MAD`. The error
//! of a median of `n` is about `1.2533 · 1.4826 · MAD / √n` (that of a mean is `σ / √n`, of a normal
//! distribution `σ = 1.4826 · MAD`, and the error of its median √(π/2) times that of its mean). Two
//! kinds are told apart if their medians differ by more than 5 % of a hash and by three errors of the
//! difference on top. So a busy machine widens what is tolerated for as long as it is busy, and more
//! rounds narrow it to the 5 %. That a difference is found is shown with one: an account whose hash
//! takes half the time.
//!
//! 100 attempts by default; `MENJIN_TEST_TIMING=2000` for the long suite.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and shows what it measured"
)]

use std::time::{Duration, Instant};

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::Client;
use serde_json::{Value, json};

/// High enough that a hash is most of a request.
const COST: &str = "10";

/// Half of it.
const CHEAPER: &str = "9";

/// What an attempt may differ by, in hashes.
const TOLERANCE: f64 = 0.05;

/// The kinds of attempts that are refused, and login name and password of each.
fn kinds() -> [(&'static str, &'static str, String); 6] {
    [
        ("wrong", "mike", "wrong password".to_owned()),
        ("unknown", "nobody", PASSWORD.to_owned()),
        ("inactive", "ann", PASSWORD.to_owned()),
        ("empty", "mike", String::new()),
        ("over-long", "mike", "x".repeat(200)),
        ("broken hash", "eve", PASSWORD.to_owned()),
    ]
}

/// What was measured of one kind, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Measured {
    median: f64,
    error: f64,
}

/// By which time.
#[derive(Debug, Clone, Copy)]
enum Time {
    Processor,
    Clock,
}

/// The times of each attempt of each kind.
type Times = Vec<Vec<[Duration; 2]>>;

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(below), Some(above)) if values.len().is_multiple_of(2) => {
            f64::midpoint(*below, *above)
        }
        (_, Some(middle)) => *middle,
        _ => f64::NAN,
    }
}

impl Measured {
    fn of(times: &[[Duration; 2]], time: Time) -> Self {
        let of = |times: &[Duration; 2]| times[time as usize].as_secs_f64() * 1000.0;
        let mut values: Vec<f64> = times.iter().map(of).collect();
        let middle = median(&mut values);
        let mut deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
        let count = f64::from(u32::try_from(times.len()).unwrap());
        let error = 1.2533 * 1.4826 * median(&mut deviations) / count.sqrt();
        Self { median: middle, error }
    }

    /// Whether a difference to another is shown.
    fn differs(self, other: Self, hash: f64) -> bool {
        let difference = (self.median - other.median).abs();
        difference > TOLERANCE * hash + 3.0 * self.error.hypot(other.error)
    }
}

/// Sends interleaved attempts, in both dialects by turns.
async fn measure(client: &Client, attempts: &[(&str, Value)], rounds: usize) -> Times {
    let mut times = vec![Vec::new(); attempts.len()];
    for round in 0..rounds {
        let path = ["/api/v1/auth/login", "/api/auth/login"][round % 2];
        for turn in 0..attempts.len() {
            let kind = (round / 2 + turn) % attempts.len();
            let (name, body) = &attempts[kind];
            let (work, started) = (processor_time(), Instant::now());
            let answer = client.post(path, body).await;
            times[kind].push([processor_time().saturating_sub(work), started.elapsed()]);
            assert_eq!(answer.status, 401, "{name}: {answer}");
        }
    }
    times
}

fn attempt(name: &str, password: &str) -> Value {
    json!({ "username": name, "password": password })
}

/// How many attempts are made in all, and what is judged.
fn extent() -> (usize, Vec<Time>) {
    match std::env::var("MENJIN_TEST_TIMING") {
        Ok(number) => (number.parse().unwrap(), vec![Time::Processor, Time::Clock]),
        Err(_) => (100, vec![Time::Processor]),
    }
}

/// Limits that nobody reaches: counting is to be part of what is measured.
const LIMITS: [(&str, &str); 4] = [
    ("hashing.cost", COST),
    ("throttle.per_client.max", "1000000"),
    ("throttle.per_account.max", "1000000"),
    ("throttle.per_network.max", "1000000"),
];

#[tokio::test(flavor = "multi_thread")]
async fn e2_the_time_of_a_refusal_says_nothing_of_its_reason() {
    let app = TestApp::start_with(&LIMITS).await;
    let admin = app.admin("root").await;
    for name in ["mike", "ann", "eve", "cheap"] {
        app.user(name).await;
    }
    assert_eq!(admin.post_empty("/api/v1/users/3/deactivate").await.status, 200);
    app.set_hash("eve", "$2b$31$broken").await;
    // Of another password, at half the price.
    let cheaper = app.hash_of("cheap").await.replace("$10$", &format!("${CHEAPER:0>2}$"));
    app.set_hash("cheap", &cheaper).await;

    let client = app.anonymous();
    let kinds = kinds();
    let attempts = kinds.each_ref().map(|(kind, name, password)| (*kind, attempt(name, password)));
    let (total, judged) = extent();
    let rounds = total.div_ceil(attempts.len());
    // Not measured: connections, statements and caches are made at the first time.
    measure(&client, &attempts, 2).await;
    let times = measure(&client, &attempts, rounds).await;
    let control = [attempts[0].clone(), ("cheaper", attempt("cheap", "wrong password"))];
    let control = measure(&client, &control, rounds).await;
    for time in judged {
        let of = |times: &Times| -> Vec<Measured> {
            times.iter().map(|times| Measured::of(times, time)).collect()
        };
        let (measured, control) = (of(&times), of(&control));
        let wrong = measured[0];
        println!("{time:?}, {rounds} rounds, tolerance 5 % of {:.2} ms:", wrong.median);
        for ((kind, _), Measured { median, error }) in attempts.iter().zip(&measured) {
            println!("{kind:<12} median {median:7.2} ms, error {error:5.2} ms");
        }
        let told = attempts.iter().zip(&measured);
        let told = told.filter(|(_, one)| one.differs(wrong, wrong.median));
        let told: Vec<_> = told.map(|((kind, _), _)| kind).collect();
        assert_eq!(told, Vec::<&&str>::new(), "{time:?}: {measured:#?}");
        // A difference of half a hash is found by as many attempts.
        assert!(control[1].differs(control[0], control[0].median), "{time:?}: {control:#?}");
    }
}

/// How many requests of each kind are sent: each costs little.
const ASKED: usize = 200;

/// W1: a request for a new password is one row, whoever has the name.
#[tokio::test(flavor = "multi_thread")]
async fn w1_the_time_of_a_request_for_a_new_password_says_nothing_of_who_has_the_name() {
    let app = TestApp::start_with(&[("mail.max_requests", "1000000")]).await;
    let admin = app.admin("root").await;
    for name in ["mike", "ann"] {
        app.user(name).await;
    }
    assert_eq!(admin.post_empty("/api/v1/users/3/deactivate").await.status, 200);
    let client = app.anonymous();
    let names = ["mike", "nobody", "ann", "root", "nobody@example.com", "mike@example.com"];
    let mut times = vec![Vec::new(); names.len()];
    for round in 0..ASKED + 10 {
        for turn in 0..names.len() {
            let kind = (round + turn) % names.len();
            let body = json!({ "username": names[kind] });
            let (work, started) = (processor_time(), Instant::now());
            let answer = client.post("/api/v1/auth/forgot-password", &body).await;
            let taken = [processor_time().saturating_sub(work), started.elapsed()];
            assert_eq!(answer.status, 202, "{answer}");
            // Not measured: what is made at the first time.
            if round >= 10 {
                times[kind].push(taken);
            }
        }
    }
    let measured: Vec<_> = times.iter().map(|times| Measured::of(times, Time::Processor)).collect();
    for (name, Measured { median, error }) in names.iter().zip(&measured) {
        println!("{name:<20} median {median:7.3} ms, error {error:6.3} ms");
    }
    let known = measured[0];
    let told: Vec<_> = names
        .iter()
        .zip(&measured)
        .filter(|(_, one)| one.differs(known, known.median))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(told, Vec::<&&str>::new(), "{measured:#?}");
}
