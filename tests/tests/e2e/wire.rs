//! What is no request at all is answered all the same, once, and the connection closed.

use std::time::Duration;

use menjin_tests::app::TestApp;
use menjin_tests::client::faults_of_headers;
use menjin_tests::raw::{self, Conversation, RawAnswer};
use menjin_tests::servers::balancer::LoadBalancer;
use menjin_tests::smuggling;

const PATIENCE: Duration = Duration::from_secs(5);

/// What is sent to this server in vain, and the one answer.
fn refused(app: &TestApp, request: &[u8]) -> RawAnswer {
    let mut exchange = tokio::task::block_in_place(|| raw::exchange(&app.url(), request, PATIENCE));
    let what = String::from_utf8_lossy(request.get(..request.len().min(120)).unwrap());
    assert!(exchange.closed && exchange.junk.is_empty(), "{what:?}: {exchange:?}");
    assert_eq!(exchange.answers.len(), 1, "{what:?}: {:?}", exchange.answers);
    exchange.answers.remove(0)
}

/// That an answer is a 400 with nothing in it. That the connection is closed is seen elsewhere.
fn assert_empty(answer: &RawAnswer) {
    assert_eq!((answer.status, answer.body.as_str()), (400, ""), "{answer}");
}

/// That an answer is one of menjin's.
fn assert_ours(answer: &RawAnswer, code: &str) {
    for (name, value) in [("content-type", "application/json"), ("connection", "close")] {
        assert_eq!(answer.header(name), Some(value), "{name}: {answer}");
    }
    assert_eq!(faults_of_headers(|name| answer.header(name)), Vec::<String>::new(), "{answer}");
    assert!(answer.header("date").is_some_and(|date| date.ends_with(" GMT")), "{answer}");
    let body = answer.json();
    assert_eq!(body["code"], code, "{answer}");
    assert!(body["detail"].is_string(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn h5_what_is_no_request_is_refused_with_an_empty_400() {
    let app = TestApp::start().await;
    for request in [
        &b"nonsense\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 is TLS\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/0.9\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",
        "GET /用户 HTTP/1.1\r\nHost: x\r\n\r\n".as_bytes(),
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        assert_empty(&refused(&app, request));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h5_what_came_before_it_is_answered_first() {
    const GET: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    // With a body that is read, and that would not do in a head.
    const POST: &[u8] = b"POST /api/v1/auth/refresh HTTP/1.1\r\nHost: x\r\n\
        Content-Type: application/json\r\nContent-Length: 2\r\n\r\n\n\n";
    let app = TestApp::start().await;
    let request = [GET, POST, GET, b"nonsense\r\n\r\n"].concat();
    // Wherever the bytes are torn apart, between the two that end a line too.
    tokio::task::block_in_place(|| {
        for at in GET.len()..request.len() {
            let (first, second) = request.split_at(at);
            let mut conversation = Conversation::with(&app.url(), PATIENCE);
            assert!(conversation.say(first), "{at}");
            let mut statuses = vec![conversation.answer().unwrap().status];
            assert!(conversation.say(second), "{at}");
            let exchange = conversation.rest();
            statuses.extend(exchange.answers.iter().map(|answer| answer.status));
            assert_eq!((statuses, exchange.closed), (vec![200, 422, 200, 400], true), "{at}");
            assert_empty(exchange.answers.last().unwrap());
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn h5_a_head_that_is_too_long_is_answered_in_json() {
    let app = TestApp::start().await;
    let value = "x".repeat(40_000);
    let many = "X: y\r\n".repeat(100);
    for request in [
        format!("GET / HTTP/1.1\r\nHost: x\r\nX: {value}\r\n\r\n"),
        format!("GET /{value} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
        format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", value.repeat(20)),
    ] {
        let answer = refused(&app, request.as_bytes());
        assert_eq!(answer.status, 431, "{answer}");
        assert_ours(&answer, "head_too_large");
    }
}

/// A client that says that it is done gets one answer, whatever it still sends.
#[tokio::test(flavor = "multi_thread")]
async fn h1_nothing_is_done_after_the_last_answer() {
    let app = TestApp::start().await;
    let inside = "POST /cache/after HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                  Content-Length: 11\r\n\r\n{\"data\": {}}";
    for (first, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
        ("GET / HTTP/1.0\r\n\r\n", 200),
        ("CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 404),
    ] {
        let request = format!("{first}{inside}");
        let exchange =
            tokio::task::block_in_place(|| raw::exchange(&app.url(), request.as_bytes(), PATIENCE));
        let statuses: Vec<u16> = exchange.answers.iter().map(|answer| answer.status).collect();
        assert_eq!((statuses, exchange.closed), (vec![status], true), "{first:?}");
        assert_eq!(app.anonymous().get("/cache/after").await.status, 404, "{first:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_kept_whatever_others_asked_for() {
    let app = TestApp::start_with(&[("server.workers", "1")]).await;
    tokio::task::block_in_place(|| {
        let mut kept = Conversation::with(&app.url(), PATIENCE);
        for _ in 0..20 {
            let old = raw::exchange(&app.url(), b"GET /health/live HTTP/1.0\r\n\r\n", PATIENCE);
            assert_eq!((old.answers.len(), old.closed), (1, true));
            assert!(kept.say(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"));
            assert_eq!(kept.answer().map(|answer| answer.status), Some(200));
        }
        let mut asked = Conversation::with(&app.url(), PATIENCE);
        for _ in 0..2 {
            assert!(asked.say(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
            assert_eq!(asked.answer().map(|answer| answer.status), Some(200));
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_what_could_be_read_in_two_ways_is_refused_once() {
    let app = TestApp::start().await;
    let server = app.anonymous();
    let mut faults = Vec::new();
    for probe in smuggling::probes() {
        let exchange =
            tokio::task::block_in_place(|| raw::exchange(&app.url(), &probe.request, PATIENCE));
        let statuses: Vec<u16> = exchange.answers.iter().map(|answer| answer.status).collect();
        if statuses != [400] || !exchange.closed || !exchange.junk.is_empty() {
            faults.push(format!("{}: {exchange:?}", probe.name));
        }
        if probe.got_through(&server).await {
            faults.push(format!("{}: the request inside was done", probe.name));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_what_asks_for_a_websocket_is_refused_and_closed() {
    let app = TestApp::start().await;
    let request = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
                    Connection: Upgrade\r\nContent-Type: application/json\r\n\
                    Content-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = refused(&app, request);
    assert_eq!(answer.status, 400, "{answer}");
    assert_ours(&answer, "bad_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_nothing_is_smuggled_past_haproxy_or_nginx() {
    let app = TestApp::start().await;
    for (_make, start) in LoadBalancer::MAKES {
        let proxy = tokio::task::block_in_place(|| start(&[&app.url()]));
        smuggling::pass_none(&proxy.url, &app.anonymous()).await;
    }
}
