//! Clients that take their time do not hold connections for it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use menjin_tests::app::TestApp;
use menjin_tests::raw::{Conversation, RawAnswer};
use tokio::task::JoinSet;

/// What the requirement allows; the server's own limit is below it.
const LONGEST: Duration = Duration::from_secs(10);

const GET: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";

/// Sends a byte twice a second until the connection is closed; returns the answers and how long that
/// took.
fn drip(mut conversation: Conversation, bytes: &[u8]) -> (Vec<RawAnswer>, Duration) {
    let started = Instant::now();
    let mut answers = Vec::new();
    for byte in bytes.iter().cycle() {
        conversation.say(&[*byte]);
        answers.extend(conversation.answer());
        if conversation.is_closed() || started.elapsed() > 2 * LONGEST {
            break;
        }
    }
    (answers, started.elapsed())
}

fn half_a_second(app: &TestApp) -> Conversation {
    Conversation::with(&app.url(), Duration::from_millis(500))
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_a_head_that_drips_is_cut_off_on_a_new_connection_and_on_a_used_one() {
    let app = TestApp::start().await;
    let fresh = half_a_second(&app);
    let mut used = half_a_second(&app);
    let both = tokio::task::spawn_blocking(move || {
        assert!(used.say(GET));
        assert_eq!(used.answer().map(|answer| answer.status), Some(200));
        std::thread::scope(|scope| {
            let drips = [fresh, used].map(|line| scope.spawn(|| drip(line, b"GET /xxxxxxxxxxxx")));
            drips.map(|drip| drip.join().unwrap())
        })
    });
    for (answers, took) in both.await.unwrap() {
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [408]);
        assert_eq!(answers[0].json()["code"], "request_timeout");
        assert!(took < LONGEST, "closed after {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_a_body_that_drips_is_cut_off() {
    let app = TestApp::start().await;
    let mut dripping = JoinSet::new();
    for path in ["/api/v1/auth/login", "/api/auth/login"] {
        let mut conversation = half_a_second(&app);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: 1000\r\n\r\n"
        );
        assert!(conversation.say(head.as_bytes()));
        dripping.spawn_blocking(move || drip(conversation, b" "));
    }
    for (answers, took) in dripping.join_all().await {
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [408]);
        assert!(took < LONGEST, "closed after {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_who_says_nothing_is_told_nothing() {
    let app = TestApp::start().await;
    let started = Instant::now();
    let silent = Conversation::with(&app.url(), 2 * LONGEST);
    let exchange = tokio::task::spawn_blocking(|| silent.rest()).await.unwrap();
    assert!(exchange.closed && exchange.answers.is_empty(), "{exchange:?}");
    assert!(started.elapsed() < LONGEST, "closed after {:?}", started.elapsed());
}

/// A kept connection may be silent for longer than a head may take.
#[tokio::test(flavor = "multi_thread")]
async fn h2_who_has_asked_may_wait_before_asking_again() {
    let app = TestApp::start().await;
    let mut kept = Conversation::with(&app.url(), LONGEST);
    let asking = tokio::task::spawn_blocking(move || {
        for wait in [Duration::ZERO, LONGEST] {
            std::thread::sleep(wait);
            assert!(kept.say(GET));
            assert_eq!(kept.answer().map(|answer| answer.status), Some(200), "after {wait:?}");
        }
    });
    asking.await.unwrap();
}

/// Sends a head and then chunks for as long as they are taken; returns for how long, how many bytes,
/// and the answer.
fn flood(address: String, head: &str, pause: Duration) -> (Duration, usize, String) {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let answer = std::thread::spawn(move || {
        let mut answer = Vec::new();
        drop(reader.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    });
    let chunk = if pause.is_zero() {
        format!("10000\r\n{}\r\n", " ".repeat(0x10000))
    } else {
        "1\r\n \r\n".to_owned()
    };
    let mut sent = 0;
    while started.elapsed() < Duration::from_secs(20) && stream.write_all(chunk.as_bytes()).is_ok()
    {
        sent += chunk.len();
        std::thread::sleep(pause);
    }
    let took = started.elapsed();
    drop(stream);
    (took, sent, answer.join().unwrap())
}

/// The rest of a chunked body is not drained after the answer, however it comes.
#[tokio::test(flavor = "multi_thread")]
async fn h2_i7_a_chunked_body_does_not_go_on_after_the_answer() {
    let app = TestApp::start().await;
    let address = app.url().trim_start_matches("http://").to_owned();
    let mut flooding = JoinSet::new();
    for (path, status, pause) in [
        ("/api/v1/auth/login", "413", Duration::ZERO),
        ("/api/auth/login", "413", Duration::ZERO),
        ("/api/auth/change-password", "401", Duration::ZERO),
        ("/api/v1/auth/change-password", "401", Duration::from_millis(200)),
        ("/api/v1/auth/login", "408", Duration::from_millis(200)),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n"
        );
        let address = address.clone();
        flooding.spawn_blocking(move || {
            let (took, sent, answer) = flood(address, &head, pause);
            // A flood may reset the connection before its sender has read why.
            if !pause.is_zero() {
                assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
            }
            assert!(took < Duration::from_secs(11), "{path}: taken for {took:?}, {sent} bytes");
        });
    }
    flooding.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j10_an_idle_connection_is_kept_as_long_as_the_setting_says() {
    let (short, long) = tokio::join!(
        TestApp::start_with(&[("server.keep_alive", "1s")]),
        TestApp::start_with(&[("server.keep_alive", "1h")]),
    );
    tokio::task::block_in_place(|| {
        let patience = Duration::from_secs(10);
        let connect = |app: &TestApp| Conversation::with(&app.url(), patience);
        let (mut brief, mut kept) = (connect(&short), connect(&long));
        // The server counts from its answer, which is later, and may be read much later.
        let idle = Instant::now();
        for conversation in [&mut brief, &mut kept] {
            assert!(conversation.say(GET));
            assert_eq!(conversation.answer().map(|answer| answer.status), Some(200));
        }
        let rest = brief.rest();
        let took = idle.elapsed();
        assert!(rest.closed && rest.answers.is_empty(), "{rest:?}");
        assert!((900..5_000).contains(&took.as_millis()), "{took:?}");
        assert!(kept.say(GET));
        assert_eq!(kept.answer().map(|answer| answer.status), Some(200), "an hour has not passed");
    });
}
