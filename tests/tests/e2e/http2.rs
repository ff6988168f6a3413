//! HTTP/2, over TLS of the server's own.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{HeaderValue, Request};
use menjin_tests::app::PASSWORD;
use menjin_tests::client::{Answer, Client, Send as _, faults_of_headers};
use menjin_tests::frames::{
    CONTINUATION, END_HEADERS, ENHANCE_YOUR_CALM, Frame, Frames, GOAWAY, HEADERS, REFUSED_STREAM,
    RST_STREAM, post,
};
use menjin_tests::tls::SecuredApp;
use reqwest::{Method, Version};
use serde_json::{Value, json};

/// What the requirement allows; the server's own limits are below it.
const LONGEST: Duration = Duration::from_secs(10);
const H2: &[&str] = &["h2"];
/// Requests that a connection may have under way.
const MAX_STREAMS: u32 = 100;
const LOGIN: &str = "/api/v1/auth/login";

type Bytes = actix_web::web::Bytes;

fn request(secured: &SecuredApp, method: &str, path: &str) -> Request<()> {
    Request::builder().method(method).uri(format!("{}{path}", secured.app.url())).body(()).unwrap()
}

/// All of an answer's body.
async fn read(mut body: RecvStream) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        whole.extend_from_slice(&chunk);
    }
    whole
}

/// A connection of HTTP/2, request by request, and what ends with it.
async fn talk(
    secured: &SecuredApp,
) -> (SendRequest<Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
    let (send, connection) = h2::client::handshake(secured.connect(H2).await).await.unwrap();
    (send, tokio::spawn(connection))
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_over_http2() {
    let secured = SecuredApp::start().await;
    let client = secured.client(H2);
    let body = json!({ "username": "mike", "email": "m@example.com", "password": PASSWORD });
    assert_eq!(client.post("/api/v1/auth/register", &body).await.status, 201);
    let mike = client.log_in("mike", PASSWORD).await;
    let me = mike.me().await;
    assert_eq!(
        (me.status, me.version, &me.body["username"]),
        (200, Version::HTTP_2, &json!("mike"))
    );
    assert_eq!(mike.get("/api/auth/me").await.body["code"], 200);
    assert_eq!(mike.refresh().await.status, 200);
    let head = mike.request(Method::HEAD, "/health").answer().await;
    assert_eq!((head.status, head.body.as_str()), (200, Some("")));
    // More than the windows hold, both ways.
    let page = client.get("/docs/swagger-ui-bundle.js").await;
    assert!(page.body.as_str().unwrap().len() > 1_000_000);
    let post = |length: usize| {
        let body = format!("{{{}}}", " ".repeat(length - 2));
        let request = client.request(Method::POST, "/api/v1/auth/login").body(body);
        request.header("content-type", "application/json").answer()
    };
    for (length, status) in [(65_536, 422), (65_537, 413), (2, 422)] {
        let answer = post(length).await;
        assert_eq!(answer.status, status, "{answer}");
        assert_eq!(faults_of_headers(|name| answer.header(name)), Vec::<String>::new());
    }
    let many = futures(&client, 300).await;
    assert!(many.iter().all(|status| *status == 200), "{many:?}");
}

/// Requests at once, more of them than a connection takes.
async fn futures(client: &Client, count: usize) -> Vec<u16> {
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..count {
        let client = client.clone();
        requests.spawn(async move { client.get("/health/live").await.status });
    }
    requests.join_all().await
}

/// Who fails is told so in the same words, and with the same headers but for those of HTTP/1 alone.
#[tokio::test(flavor = "multi_thread")]
async fn h5_h8_failures_are_the_same_over_http2() {
    let secured = SecuredApp::start_with(&[("server.hsts", "365d")]).await;
    let clients = [H2, &["http/1.1"]].map(|protocols| secured.client(protocols));
    for (method, path, body, status) in [
        ("GET", "/nowhere", "", 404),
        ("DELETE", "/api/v1/auth/login", "", 405),
        ("GET", "/api/v1/users/me", "", 401),
        ("GET", "/api/auth/me", "", 401),
        ("POST", "/api/v1/auth/login", "{", 422),
        ("POST", "/api/auth/login", "{", 422),
        ("POST", "/api/v1/auth/register", "{}", 422),
    ] {
        let [over_2, over_1] = clients.each_ref().map(|client| {
            let request = client.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
            request.header("content-type", "application/json").body(body).answer()
        });
        let (over_2, over_1) = (over_2.await, over_1.await);
        assert_eq!((over_2.status, over_2.version), (status, Version::HTTP_2), "{over_2}");
        assert_eq!(over_1.version, Version::HTTP_11);
        assert_eq!(over_2.to_string(), over_1.to_string(), "{method} {path}");
        assert_eq!(names(&over_2), names(&over_1), "{method} {path}");
    }
}

fn names(answer: &Answer) -> BTreeSet<String> {
    let names = answer.headers.keys().map(ToString::to_string);
    names.filter(|name| !["connection", "transfer-encoding"].contains(&name.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_h6_hosts_and_origins_count_over_http2_too() {
    let secured = SecuredApp::start_with(&[("cors.origins", "https://app.example")]).await;
    let (mut send, _connection) = talk(&secured).await;
    for (host, status) in [(None, 200), (Some("127.0.0.1:1"), 400), (Some("a b"), 400)] {
        let mut request = request(&secured, "GET", "/health");
        if let Some(host) = host {
            request.headers_mut().insert("host", HeaderValue::from_static(host));
        }
        request.headers_mut().insert("origin", HeaderValue::from_static("https://app.example"));
        let answer = send.send_request(request, true).unwrap().0.await.unwrap();
        assert_eq!(answer.status(), status, "{host:?}");
        let allowed = answer.headers().get("access-control-allow-origin").unwrap();
        assert_eq!(allowed, "https://app.example");
    }
    let connect = Request::builder().method("CONNECT").uri("example.org:443").body(()).unwrap();
    let answer = send.send_request(connect, true).unwrap().0.await.unwrap();
    assert_eq!(answer.status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_h8_bodies_that_drip_over_http2_are_cut_off() {
    let secured = SecuredApp::start().await;
    let (mut send, _connection) = talk(&secured).await;
    let mut login = request(&secured, "POST", "/api/v1/auth/login");
    login.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    let started = Instant::now();
    let (answer, mut body) = send.send_request(login, false).unwrap();
    let dripping = tokio::spawn(async move {
        while body.send_data(Bytes::from_static(b" "), false).is_ok() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 408);
    assert!(started.elapsed() < LONGEST, "{:?}", started.elapsed());
    let body: Value = serde_json::from_slice(&read(answer.into_body()).await).unwrap();
    assert_eq!(body["code"], "request_timeout");
    // The connection is as good as before.
    let health = send.send_request(request(&secured, "GET", "/health"), true).unwrap().0;
    assert_eq!(health.await.unwrap().status(), 200);
    dripping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_h8_a_head_that_does_not_end_is_cut_off() {
    let secured = SecuredApp::start().await;
    let mut frames = Frames::begin(secured.connect(H2).await).await;
    let started = Instant::now();
    assert!(frames.say(&[Frame::new(HEADERS, 0, 1, post(LOGIN))]).await);
    while frames.next().await.is_some() {}
    assert!(started.elapsed() < LONGEST, "closed after {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn h8_a_head_is_answered_up_to_its_longest_length() {
    let secured = SecuredApp::start().await;
    let (mut send, _connection) = talk(&secured).await;
    for (bytes, status) in [(20_000, 200), (33_000, 431), (20_000, 200)] {
        let mut request = request(&secured, "GET", "/health");
        let value = HeaderValue::from_str(&"x".repeat(bytes)).unwrap();
        request.headers_mut().insert("x", value);
        let answer = send.send_request(request, true).unwrap().0.await.unwrap();
        assert_eq!(answer.status(), status);
        let headers = answer.headers().clone();
        let header = |name: &'static str| headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!(faults_of_headers(header), Vec::<String>::new());
        let body: Value = serde_json::from_slice(&read(answer.into_body()).await).unwrap();
        assert!(status == 200 || body["code"] == "head_too_large", "{body}");
    }
    // What no proper client sends, since it is told of the limit, is not worth a body.
    let mut request = request(&secured, "GET", "/health");
    request.headers_mut().insert("x", HeaderValue::from_str(&"x".repeat(70_000)).unwrap());
    let answer = send.send_request(request, true).unwrap().0.await.unwrap();
    assert_eq!(answer.status(), 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn h8_of_too_many_requests_at_once_the_last_are_refused() {
    let secured = SecuredApp::start().await;
    let mut frames = Frames::begin(secured.connect(H2).await).await;
    // Their bodies are still to come.
    let open = |index| Frame::new(HEADERS, END_HEADERS, 2 * index + 1, post(LOGIN));
    let all: Vec<Frame> = (0..=MAX_STREAMS).map(open).collect();
    assert!(frames.say(&all).await);
    let refused = frames.find(RST_STREAM).await.unwrap();
    assert_eq!((refused.stream, refused.reason()), (2 * MAX_STREAMS + 1, REFUSED_STREAM));
}

/// Sends these and returns why the connection is ended for it, while others are served on.
async fn sent_away(secured: &SecuredApp, attack: &[Frame]) -> u32 {
    let mut frames = Frames::begin(secured.connect(H2).await).await;
    // It may be closed before all is sent.
    frames.say(attack).await;
    let reason = frames.find(GOAWAY).await.unwrap().reason();
    while frames.next().await.is_some() {}
    assert_eq!(secured.client(H2).get("/health").await.status, 200, "others are served");
    reason
}

/// CVE-2023-44487: requests that are taken back as soon as they are sent.
#[tokio::test(flavor = "multi_thread")]
async fn h8_who_takes_requests_back_at_once_is_sent_away() {
    let secured = SecuredApp::start().await;
    let cancel = u32::from(Reason::CANCEL).to_be_bytes();
    let attack: Vec<Frame> = (0..1000)
        .map(|index| 2 * index + 1)
        .flat_map(|stream| {
            let head = Frame::new(HEADERS, END_HEADERS, stream, post(LOGIN));
            [head, Frame::new(RST_STREAM, 0, stream, cancel)]
        })
        .collect();
    assert_eq!(sent_away(&secured, &attack).await, ENHANCE_YOUR_CALM);
}

/// The same, but each request is begun with before it is taken back.
#[tokio::test(flavor = "multi_thread")]
async fn h8_who_takes_requests_back_in_numbers_is_sent_away() {
    let secured = SecuredApp::start().await;
    let (send, connection) = talk(&secured).await;
    let resetting = async {
        let mut send = send;
        for _ in 0..1000 {
            let mut begun = Vec::new();
            for _ in 0..3 {
                let mut login = request(&secured, "POST", LOGIN);
                let json = HeaderValue::from_static("application/json");
                login.headers_mut().insert("content-type", json);
                send = send.ready().await?;
                begun.push(send.send_request(login, false)?);
            }
            // Once this is answered, the server has begun with those.
            send = send.ready().await?;
            let health = send.send_request(request(&secured, "GET", "/health/live"), true)?.0;
            assert_eq!(health.await?.status(), 200);
            for (answer, mut body) in begun {
                body.send_reset(Reason::CANCEL);
                drop(answer);
            }
        }
        Ok::<_, h2::Error>(())
    };
    let error = tokio::time::timeout(4 * LONGEST, resetting).await.unwrap().unwrap_err();
    let ended = connection.await.unwrap();
    let reason = error.reason().or(ended.err().and_then(|error| error.reason()));
    assert_eq!(reason, Some(Reason::ENHANCE_YOUR_CALM), "{error}");
}

/// CVE-2025-8671: requests that this side takes back, since they make no sense.
#[tokio::test(flavor = "multi_thread")]
async fn h8_who_sends_nonsense_in_numbers_is_sent_away() {
    let secured = SecuredApp::start().await;
    // A method and a scheme, and no path.
    let nonsense = |index: u32| Frame::new(HEADERS, END_HEADERS, 2 * index + 1, [0x83, 0x87]);
    let attack: Vec<Frame> = (0..1000).map(nonsense).collect();
    assert_eq!(sent_away(&secured, &attack).await, ENHANCE_YOUR_CALM);
}

/// CVE-2024-27316 and its kin: a head in parts without end, which nobody would ever see.
#[tokio::test(flavor = "multi_thread")]
async fn h8_a_head_in_endless_parts_is_sent_away() {
    let secured = SecuredApp::start().await;
    // The field `x` with nothing in it, without the table.
    let part = Frame::new(CONTINUATION, 0, 1, *b"\x00\x01x\x00");
    let head = Frame::new(HEADERS, 0, 1, post("/health"));
    let attack: Vec<Frame> = std::iter::once(head).chain(vec![part; 10_000]).collect();
    assert_eq!(sent_away(&secured, &attack).await, ENHANCE_YOUR_CALM);
}

/// Who cancels now and then, as browsers do, is served on.
#[tokio::test(flavor = "multi_thread")]
async fn h8_who_takes_some_requests_back_is_served_on() {
    let secured = SecuredApp::start().await;
    let (mut send, _connection) = talk(&secured).await;
    for _ in 0..150 {
        let (cancelled, mut stream) =
            send.send_request(request(&secured, "POST", "/api/v1/auth/login"), false).unwrap();
        stream.send_reset(Reason::CANCEL);
        drop(cancelled);
        let health = send.send_request(request(&secured, "GET", "/health/live"), true).unwrap().0;
        assert_eq!(health.await.unwrap().status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f7_stopping_does_not_wait_for_idle_connections() {
    let secured = SecuredApp::start().await;
    let (mut send, connection) = talk(&secured).await;
    let health = send.send_request(request(&secured, "GET", "/health"), true).unwrap().0;
    assert_eq!(health.await.unwrap().status(), 200);
    let idle = secured.connect(&["http/1.1"]).await;
    let started = Instant::now();
    secured.app.stop().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(connection.await.unwrap().is_ok(), "it was told to go");
    drop(idle);
}
