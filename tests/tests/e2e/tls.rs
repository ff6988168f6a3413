//! TLS of the server's own, and HTTP/2 over it.

use std::future::poll_fn;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{HeaderValue, Request};
use menjin_tests::app::{PASSWORD, Place, TestApp};
use menjin_tests::client::{Client, Send as _, faults_of_headers};
use menjin_tests::clock::TurnableClock;
use menjin_tests::tls::{Authority, Pair};
use reqwest::{Method, Version};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const LONGEST: Duration = Duration::from_secs(10);
const H2: &[&str] = &["h2"];

/// A server with a certificate.
struct Secured {
    app: TestApp,
    authority: Authority,
    pair: Pair,
    folder: TempDir,
}

impl Secured {
    async fn start_with(overrides: &[(&str, &str)]) -> Self {
        let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
        let pair = authority.certify(folder.path());
        let settings = pair.settings();
        let mut all: Vec<(&str, &str)> =
            settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        all.extend(overrides);
        let app = TestApp::start_at(Place::new().await, TurnableClock::default(), &all).await;
        Self { app, authority, pair, folder }
    }

    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A client that speaks these protocols.
    fn client(&self, protocols: &[&str]) -> Client {
        Client::trusting(&self.authority.client(protocols), self.app.url())
    }

    fn address(&self) -> String {
        self.app.url().replace("https://", "")
    }

    /// A connection that has shaken hands.
    async fn connect(&self, protocols: &[&str]) -> TlsStream<tokio::net::TcpStream> {
        let stream = tokio::net::TcpStream::connect(self.address()).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connector = TlsConnector::from(Arc::new(self.authority.client(protocols)));
        connector.connect(name, stream).await.unwrap()
    }

    /// The certificate that a new connection shows.
    async fn shown(&self) -> CertificateDer<'static> {
        let stream = self.connect(H2).await;
        stream.get_ref().1.peer_certificates().unwrap().first().unwrap().clone().into_owned()
    }

    /// A connection of HTTP/2 by hand, and what ends with it.
    async fn talk(&self) -> (SendRequest<Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
        let (send, connection) = h2::client::handshake(self.connect(H2).await).await.unwrap();
        (send, tokio::spawn(connection))
    }
}

type Bytes = actix_web::web::Bytes;

fn request(secured: &Secured, method: &str, path: &str) -> Request<()> {
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

#[tokio::test(flavor = "multi_thread")]
async fn clients_get_the_protocol_that_they_like_best() {
    let secured = Secured::start().await;
    for (protocols, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (H2, Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        for tls in [&TLS12, &TLS13] {
            let config = secured.authority.client_of(&[tls], protocols);
            let answer = Client::trusting(&config, secured.app.url()).get("/health").await;
            assert_eq!((answer.status, answer.version), (200, version), "{protocols:?} {tls:?}");
        }
    }
    let stranger = Client::trusting(&Authority::default().client(H2), secured.app.url());
    assert!(stranger.request(Method::GET, "/").send().await.is_err(), "another authority");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_over_http2() {
    let secured = Secured::start().await;
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

#[tokio::test(flavor = "multi_thread")]
async fn hosts_and_origins_count_over_http2_too() {
    let secured = Secured::start_with(&[("cors.origins", "https://app.example")]).await;
    let (mut send, _connection) = secured.talk().await;
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
async fn h5_only_who_came_by_tls_is_told_to_insist_on_it() {
    let header = "strict-transport-security";
    let hsts = ("server.hsts", "365d");
    for (overrides, expected) in [(&[][..], None), (&[hsts], Some("max-age=31536000"))] {
        let secured = Secured::start_with(overrides).await;
        for protocols in [H2, &["http/1.1"]] {
            for path in ["/health", "/nowhere", "/docs"] {
                let answer = secured.client(protocols).get(path).await;
                assert_eq!(answer.header(header), expected, "{path}");
            }
        }
    }
    let told = async |settings: &[(&str, &str)], proto: &[&str]| {
        let app = TestApp::start_with(settings).await;
        let request = app.anonymous().request(Method::GET, "/health");
        let request = proto.iter().fold(request, |all, one| all.header("x-forwarded-proto", *one));
        request.answer().await.header(header).is_some()
    };
    let proxy = ("server.trusted_proxies", "127.0.0.0/8");
    assert!(told(&[hsts, proxy], &["https"]).await);
    assert!(!told(&[hsts, proxy], &[]).await);
    assert!(!told(&[hsts, proxy], &["http"]).await);
    assert!(!told(&[hsts, proxy], &["https", "http"]).await);
    assert!(!told(&[hsts], &["https"]).await, "anybody can say so");
    assert!(!told(&[proxy], &["https"]).await, "not by default");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_used_without_a_restart() {
    let secured = Secured::start_with(&[("server.tls.check_every", "20ms")]).await;
    assert_eq!(secured.shown().await, secured.pair.der);
    let kept = secured.client(H2);
    assert_eq!(kept.get("/health/live").await.status, 200);
    // A key that is not the certificate's changes nothing.
    let (good, key) = (std::fs::read(&secured.pair.key).unwrap(), &secured.pair.key);
    let other = tempfile::tempdir().unwrap();
    for bad in [std::fs::read(secured.authority.certify(other.path()).key).unwrap(), Vec::new()] {
        std::fs::write(key, bad).unwrap();
        for _ in 0..20 {
            assert_eq!(secured.shown().await, secured.pair.der);
        }
    }
    std::fs::write(key, good).unwrap();
    let new = secured.authority.certify(secured.folder.path());
    assert_ne!(new.der, secured.pair.der);
    let deadline = Instant::now() + LONGEST;
    while secured.shown().await != new.der {
        assert!(Instant::now() < deadline, "the old certificate is still shown");
    }
    assert_eq!(kept.get("/health/live").await.status, 200, "old connections go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_a_handshake_that_does_not_end_is_cut_off() {
    let secured = Secured::start().await;
    // The begin of a handshake: a record that is never complete.
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let mut waiting = tokio::task::JoinSet::new();
    for sent in [&b""[..], hello] {
        let address = secured.address();
        waiting.spawn_blocking(move || {
            let started = Instant::now();
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(2 * LONGEST)).unwrap();
            stream.write_all(sent).unwrap();
            let mut answer = Vec::new();
            drop(stream.read_to_end(&mut answer));
            started.elapsed()
        });
    }
    // Who has shaken hands and says no more.
    for protocols in [H2, &["http/1.1"]] {
        let mut stream = secured.connect(protocols).await;
        waiting.spawn(async move {
            let started = Instant::now();
            let mut answer = Vec::new();
            let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer);
            drop(tokio::time::timeout(2 * LONGEST, read).await);
            started.elapsed()
        });
    }
    for took in waiting.join_all().await {
        assert!(took < LONGEST, "closed after {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_no_tls_is_not_kept_waiting() {
    let secured = Secured::start().await;
    let address = secured.address();
    let asking = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    });
    assert!(asking.await.unwrap(), "it is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_bodies_that_drip_over_http2_are_cut_off() {
    let secured = Secured::start().await;
    let (mut send, _connection) = secured.talk().await;
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
async fn h2_a_connection_takes_so_many_requests_and_heads_of_such_a_size() {
    let secured = Secured::start().await;
    let (send, _connection) = secured.talk().await;
    let mut send = send.ready().await.unwrap();
    let health = send.send_request(request(&secured, "GET", "/health"), true).unwrap().0;
    assert_eq!(health.await.unwrap().status(), 200);
    assert_eq!(send.current_max_send_streams(), 100);
    for (bytes, status) in [(20_000, 200), (33_000, 431)] {
        let mut request = request(&secured, "GET", "/health");
        let value = HeaderValue::from_str(&"x".repeat(bytes)).unwrap();
        request.headers_mut().insert("x", value);
        let answer = send.send_request(request, true).unwrap().0.await.unwrap();
        assert_eq!(answer.status(), status);
    }
}

/// CVE-2023-44487: requests that are taken back as soon as they are sent.
#[tokio::test(flavor = "multi_thread")]
async fn h2_who_takes_requests_back_in_numbers_is_sent_away() {
    let secured = Secured::start().await;
    let (send, connection) = secured.talk().await;
    let resetting = async move {
        let mut send = send;
        for _ in 0..10_000 {
            send = send.ready().await?;
            let mut login = Request::builder().method("POST").uri("https://x/api/v1/auth/login");
            login = login.header("content-type", "application/json");
            let (_answer, mut body) = send.send_request(login.body(()).unwrap(), false)?;
            // It has to be on its way before it is taken back.
            body.reserve_capacity(1);
            poll_fn(|cx| body.poll_capacity(cx)).await.transpose()?;
            body.send_reset(Reason::CANCEL);
            tokio::task::yield_now().await;
        }
        Ok::<_, h2::Error>(())
    };
    let error = tokio::time::timeout(4 * LONGEST, resetting).await.unwrap().unwrap_err();
    let ended = connection.await.unwrap();
    let reason = error.reason().or(ended.err().and_then(|error| error.reason()));
    assert_eq!(reason, Some(Reason::ENHANCE_YOUR_CALM), "{error}");
    assert_eq!(secured.client(H2).get("/health").await.status, 200, "others are served");
}

/// Who cancels now and then, as browsers do, is served on.
#[tokio::test(flavor = "multi_thread")]
async fn h2_who_takes_some_requests_back_is_served_on() {
    let secured = Secured::start().await;
    let (mut send, _connection) = secured.talk().await;
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
    let secured = Secured::start().await;
    let (mut send, connection) = secured.talk().await;
    let health = send.send_request(request(&secured, "GET", "/health"), true).unwrap().0;
    assert_eq!(health.await.unwrap().status(), 200);
    let idle = secured.connect(&["http/1.1"]).await;
    let started = Instant::now();
    secured.app.stop().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(connection.await.unwrap().is_ok(), "it was told to go");
    drop(idle);
}
