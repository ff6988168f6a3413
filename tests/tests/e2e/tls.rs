//! TLS of the server's own.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Client, Send as _};
use menjin_tests::tls::{Authority, SecuredApp};
use reqwest::{Method, Version};
use rustls::version::{TLS12, TLS13};
use serde_json::json;

/// What the requirement allows; the server's own limits are below it.
const LONGEST: Duration = Duration::from_secs(10);
const HTTP1: &[&str] = &["http/1.1"];

#[tokio::test(flavor = "multi_thread")]
async fn h7_http_1_1_is_the_only_protocol_on_offer() {
    let secured = SecuredApp::start().await;
    for protocols in [&["h2", "http/1.1"][..], HTTP1, &[]] {
        for tls in [&TLS12, &TLS13] {
            let config = secured.authority.client_of(&[tls], protocols);
            let answer = Client::trusting(&config, secured.app.url()).get("/health").await;
            let got = (answer.status, answer.version);
            assert_eq!(got, (200, Version::HTTP_11), "{protocols:?} {tls:?}");
        }
    }
    let failed = async |client: Client| client.request(Method::GET, "/").send().await.is_err();
    assert!(failed(secured.client(&["h2"])).await, "HTTP/2 alone");
    let stranger = Client::trusting(&Authority::default().client(HTTP1), secured.app.url());
    assert!(failed(stranger).await, "another authority");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_over_tls() {
    let secured = SecuredApp::start().await;
    let client = secured.client(HTTP1);
    let body = json!({ "username": "mike", "email": "m@example.com", "password": PASSWORD });
    assert_eq!(client.post("/api/v1/auth/register", &body).await.status, 201);
    let mike = client.log_in("mike", PASSWORD).await;
    let me = mike.me().await;
    assert_eq!((me.status, &me.body["username"]), (200, &json!("mike")));
    assert_eq!(mike.get("/api/auth/me").await.body["code"], 200);
    assert_eq!(mike.refresh().await.status, 200);
    let head = mike.request(Method::HEAD, "/health").answer().await;
    assert_eq!((head.status, head.body.as_str()), (200, Some("")));
    // More than the buffers hold.
    let page = client.get("/docs/swagger-ui-bundle.js").await;
    assert!(page.body.as_str().unwrap().len() > 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn f7_stopping_does_not_wait_for_idle_connections() {
    let secured = SecuredApp::start().await;
    let client = secured.client(HTTP1);
    // Kept by the client, and by the one that has said nothing yet.
    assert_eq!(client.get("/health").await.status, 200);
    let idle = secured.connect(HTTP1).await;
    let started = Instant::now();
    secured.app.stop().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop((client, idle));
}

#[tokio::test(flavor = "multi_thread")]
async fn h5_h7_only_who_came_by_tls_is_told_to_insist_on_it() {
    let header = "strict-transport-security";
    let hsts = ("server.hsts", "365d");
    for (overrides, expected) in [(&[][..], None), (&[hsts], Some("max-age=31536000"))] {
        let secured = SecuredApp::start_with(overrides).await;
        for path in ["/health", "/nowhere", "/docs"] {
            let answer = secured.client(HTTP1).get(path).await;
            assert_eq!(answer.header(header), expected, "{path}");
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
async fn h7_a_new_certificate_is_used_without_a_restart() {
    let secured = SecuredApp::start_with(&[("server.tls.check_every", "20ms")]).await;
    assert_eq!(secured.authority.shown(&secured.app.url()).await, secured.pair.der);
    let kept = secured.client(HTTP1);
    assert_eq!(kept.get("/health/live").await.status, 200);
    // A key that is not the certificate's changes nothing.
    let (good, key) = (std::fs::read(&secured.pair.key).unwrap(), &secured.pair.key);
    let other = tempfile::tempdir().unwrap();
    for bad in [std::fs::read(secured.authority.certify(other.path()).key).unwrap(), Vec::new()] {
        std::fs::write(key, bad).unwrap();
        for _ in 0..20 {
            assert_eq!(secured.authority.shown(&secured.app.url()).await, secured.pair.der);
        }
    }
    std::fs::write(key, good).unwrap();
    let new = secured.authority.certify(secured.folder.path());
    assert_ne!(new.der, secured.pair.der);
    let deadline = Instant::now() + LONGEST;
    while secured.authority.shown(&secured.app.url()).await != new.der {
        assert!(Instant::now() < deadline, "the old certificate is still shown");
    }
    assert_eq!(kept.get("/health/live").await.status, 200, "old connections go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_h7_a_handshake_that_does_not_end_is_cut_off() {
    let secured = SecuredApp::start().await;
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
    let mut stream = secured.connect(HTTP1).await;
    waiting.spawn(async move {
        let started = Instant::now();
        let mut answer = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer);
        drop(tokio::time::timeout(2 * LONGEST, read).await);
        started.elapsed()
    });
    for took in waiting.join_all().await {
        assert!(took < LONGEST, "closed after {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_no_tls_is_not_kept_waiting() {
    let secured = SecuredApp::start().await;
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

/// RFC 8996: nobody gets a version that is no longer safe. All else that these ask for is offered.
#[tokio::test(flavor = "multi_thread")]
async fn h7_what_is_older_than_tls_1_2_is_refused() {
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    let secured = SecuredApp::start().await;
    for (version, kind) in [([3, 1], ALERT), ([3, 2], ALERT), ([3, 3], HANDSHAKE)] {
        let address = secured.address();
        let asking = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(LONGEST)).unwrap();
            stream.write_all(&client_hello(version)).unwrap();
            let mut answer = [0; 7];
            stream.read_exact(&mut answer).unwrap();
            answer
        });
        let answer = asking.await.unwrap();
        assert_eq!(answer[0], kind, "{version:?}: {answer:?}");
        if kind == ALERT {
            // Fatal, protocol_version (RFC 5246 §7.2).
            assert_eq!(answer[5..], [2, 70], "{version:?}: {answer:?}");
        }
    }
}

/// What a client says first that knows this version and none that is newer (RFC 5246 §7.4.1.2).
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    let (random, session) = ([7; 32], [0]);
    // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, and no compression.
    let suites = [0, 2, 0xc0, 0x2b, 1, 0];
    let extensions = [
        &[0, 0x0d, 0, 4, 0, 2, 4, 3][..], // signatures: ecdsa_secp256r1_sha256
        &[0, 0x0a, 0, 4, 0, 2, 0, 0x1d],  // groups: x25519
        &[0, 0x0b, 0, 2, 1, 0],           // points: uncompressed
        &[0, 0x17, 0, 0],                 // the extended master secret
    ]
    .concat();
    let length = u8::try_from(extensions.len()).unwrap();
    let body = [&version[..], &random, &session, &suites, &[0, length], &extensions].concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat()
}
