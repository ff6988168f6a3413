//! What clients send out of habit: offers, encodings, languages, slashes, and forms of OAuth2.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Answer, Client, Send as _};
use menjin_tests::raw;
use reqwest::Method;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(5);

/// Sends the same request again and again on one connection, and returns the heads of the answers.
fn on_one_connection(url: &str, request: &str, times: usize) -> Vec<String> {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut heads = Vec::new();
    for number in 0..times {
        stream.write_all(request.as_bytes()).unwrap();
        let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
        let (head, length) = loop {
            let read = stream.read(&mut buffer).unwrap();
            assert_ne!(read, 0, "closed after {number} answers");
            answer.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&answer).to_lowercase();
            let Some(end) = text.find("\r\n\r\n") else { continue };
            let length = text.split("content-length: ").nth(1).unwrap();
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            break (text[..end].to_owned(), end + 4 + length);
        };
        while answer.len() < length {
            let read = stream.read(&mut buffer).unwrap();
            answer.extend_from_slice(&buffer[..read]);
        }
        assert_eq!(answer.len(), length);
        heads.push(head);
    }
    heads
}

/// Java's `HttpClient` offers HTTP/2 with every request; others write the header otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn j09_an_offer_to_upgrade_is_ignored_and_the_connection_stays_good() {
    let app = TestApp::start_with(&[("throttle.enabled", "false")]).await;
    let body = r#"{"username":"nobody","password":"wrong password"}"#;
    for offer in [
        "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\nUpgrade: h2c",
        "connection: upgrade\r\nupgrade: TLS/1.2, h2c",
        "Connection: keep-alive, Upgrade\r\nUpgrade: foo/2",
        "CONNECTION:UPGRADE\r\nUPGRADE:h2c",
    ] {
        let request = format!(
            "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n{offer}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let url = app.url();
        let heads = tokio::task::block_in_place(|| on_one_connection(&url, &request, 50));
        for head in heads {
            assert!(head.starts_with("http/1.1 401"), "{offer}: {head}");
            assert!(!head.contains("connection:") && !head.contains("upgrade"), "{offer}: {head}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j09_an_offer_that_arrives_in_two_pieces_closes_no_connection_unannounced() {
    let app = TestApp::start().await;
    let url = app.url();
    let (answer, is_closed) = tokio::task::block_in_place(|| {
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: Upg").unwrap();
        stream.write_all(b"rade\r\nUpgrade: h2c\r\n\r\n").unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).unwrap();
        let first = String::from_utf8_lossy(&answer[..read]).to_lowercase();
        let next = stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
        let is_closed = next.is_err() || !matches!(stream.read(&mut answer), Ok(1..));
        (first, is_closed)
    });
    // Whether it was read in one piece and is ignored, or in two and the connection is closed, nobody
    // waits on a connection that is gone.
    assert!(answer.starts_with("http/1.1 200") && !answer.contains("upgrade"), "{answer}");
    let is_announced = answer.contains("connection: close");
    assert_eq!(is_announced, is_closed, "{answer}");
}

fn form(client: &Client, body: &str) -> reqwest::RequestBuilder {
    let request = client.request(Method::POST, "/api/v1/auth/login");
    request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned())
}

fn oauth(answer: &Answer) -> (u16, &Value, bool) {
    let is_described = answer.body["error_description"].as_str().is_some_and(str::is_ascii);
    (answer.status, &answer.body["error"], is_described)
}

#[tokio::test]
async fn j18_errors_of_an_oauth2_form_are_those_of_rfc_6749_too() {
    let app = TestApp::start().await;
    app.user("mike").await;
    let client = app.anonymous();
    let wrong = form(&client, "username=mike&password=wrong&grant_type=password").answer().await;
    assert_eq!(oauth(&wrong), (401, &json!("invalid_grant"), true));
    assert_eq!(wrong.body["code"], "invalid_credentials", "what was there stays");
    let missing = form(&client, "grant_type=password").answer().await;
    assert_eq!(oauth(&missing), (422, &json!("invalid_request"), true));
    assert_eq!(missing.body["detail"][0]["loc"], json!(["body", "username"]));
    for grant in ["refresh_token", "client_credentials", "Password"] {
        for body in [
            format!("grant_type={grant}&refresh_token=x"),
            format!("grant_type={grant}&username=mike&password={PASSWORD}"),
        ] {
            let answer = form(&client, &body).answer().await;
            assert_eq!(oauth(&answer), (400, &json!("unsupported_grant_type"), true), "{body}");
            assert_eq!(answer.body["code"], "unsupported_grant_type");
        }
    }
    for body in ["", "grant_type=password&"] {
        let body = format!("{body}username=mike&password={PASSWORD}");
        assert_eq!(form(&client, &body).answer().await.status, 200, "{body}");
    }
    let json = client.try_log_in("mike", "wrong password").await;
    assert_eq!((json.status, &json.body["error"]), (401, &Value::Null), "not for JSON");
    let multipart = client.request(Method::POST, "/api/v1/auth/login");
    let multipart =
        multipart.header("content-type", "multipart/form-data; boundary=x").body("--x--");
    let answer = multipart.header("accept-language", "en").answer().await;
    assert_eq!(answer.status, 415);
    let detail = answer.body["detail"].as_str().unwrap();
    for taken in ["application/json", "application/x-www-form-urlencoded"] {
        assert!(detail.contains(taken), "{detail}");
    }
}

fn json_request(client: &Client, path: &str) -> reqwest::RequestBuilder {
    client.request(Method::POST, path).header("content-type", "application/json")
}

#[tokio::test]
async fn j19_compressed_bodies_are_refused_by_name() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    for (path, code) in [("/api/v1/auth/login", "/code"), ("/api/auth/login", "/code")] {
        for coding in ["gzip", "br", "identity, gzip", "x"] {
            let request = json_request(&client, path).header("content-encoding", coding);
            let answer = request.body(&b"\x1f\x8b"[..]).answer().await;
            assert_eq!(answer.status, 415, "{path} {coding}: {answer}");
            assert!(answer.body.pointer(code).is_some(), "{answer}");
        }
        let plain = json_request(&client, path).header("content-encoding", "identity");
        let answer = plain.body(r#"{"username":"x","password":"y"}"#).answer().await;
        assert_eq!(answer.status, 401, "{answer}");
    }
}

#[tokio::test]
async fn j19_json_that_is_refused_is_told_apart_from_what_is_no_json() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let deep = format!("{{\"username\":{}{}}}", "[".repeat(200), "]".repeat(200));
    for (body, kind, words) in [
        (r#"{"username":"a","username":"b"}"#, "value_error", "twice"),
        (&*deep, "value_error", "deep"),
        (r#"{"username":"\ud800"}"#, "string_unicode", "surrogate"),
        (r#"{"username":"#, "json_invalid", "not valid JSON"),
    ] {
        let request = json_request(&client, "/api/v1/auth/login").header("accept-language", "en");
        let answer = request.body(body.to_owned()).answer().await;
        let problem = &answer.body["detail"][0];
        assert_eq!((answer.status, &problem["type"]), (422, &json!(kind)), "{body}: {answer}");
        assert!(problem["msg"].as_str().unwrap().contains(words), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j19_the_cache_gives_back_what_was_sent() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let data = r#"{"z":1,"a":12345678901234567890123456789,"m":1.10,"é":"\u00e9","e":1E2}"#;
    let request = json_request(&client, "/cache/as-sent");
    let written = request.body(format!(r#"{{"ttl": 60, "data": {data}}}"#)).answer().await;
    assert_eq!(written.status, 200, "{written}");
    let request = b"GET /cache/as-sent HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let read = tokio::task::block_in_place(|| raw::exchange(&app.url(), request, PATIENCE));
    assert!(read.answers[0].body.contains(data), "{}", read.answers[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn j23_a_slash_after_a_route_is_redirected() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    for (path, location) in [
        ("/api/v1/users/me/", "../me"),
        ("/api/auth/login/?next=%2F%2Fevil.example&a=1", "../login?next=%2F%2Fevil.example&a=1"),
        ("/health/", "../health"),
        ("/api/v1/users/7/", "../7"),
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let url = app.url();
            let exchange =
                tokio::task::block_in_place(|| raw::exchange(&url, request.as_bytes(), PATIENCE));
            let answer = &exchange.answers[0];
            assert_eq!((answer.status, answer.header("location")), (307, Some(location)), "{path}");
        }
    }
    for path in ["/nowhere/", "//evil.example/", "/api/v1/users/me//", "/api/v1/users/me/x/", "//"]
    {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let url = app.url();
        let exchange =
            tokio::task::block_in_place(|| raw::exchange(&url, request.as_bytes(), PATIENCE));
        let answer = &exchange.answers[0];
        assert_eq!((answer.status, answer.header("location")), (404, None), "{path}: {answer}");
    }
    assert_eq!(mike.get("/api/v1/users/me/").await.status, 200, "clients follow it");
    let body = json!({ "username": "mike", "password": PASSWORD });
    assert_eq!(app.anonymous().post("/api/v1/auth/login/", &body).await.status, 200);
}

/// What `GET` shows as the name may be sent back, and changes nothing.
#[tokio::test]
async fn j25_the_shown_name_can_be_sent_back_whatever_its_length() {
    let app = TestApp::start().await;
    let long = "x".repeat(60);
    for (name, full_name) in
        [("a-name-of-18-chars", None), ("ann", Some(long.as_str())), ("bob", Some("张"))]
    {
        let client = app.user(name).await;
        if let Some(full_name) = full_name {
            let changed = client.put("/api/v1/users/me", &json!({ "full_name": full_name })).await;
            assert_eq!(changed.status, 200, "{changed}");
        }
        let before = client.me().await.body;
        let shown = client.get("/api/auth/me").await.body["data"]["user"].clone();
        assert_eq!(shown["name"], full_name.unwrap_or(name));
        let answer = client.put("/api/auth/me", &json!({ "name": shown["name"] })).await;
        assert_eq!((answer.status, &answer.body["data"]["user"]), (200, &shown), "{answer}");
        assert_eq!(client.me().await.body, before, "nothing has changed");
        let other = client.put("/api/auth/me", &json!({ "name": "y".repeat(60) })).await;
        assert_eq!(other.status, 422);
        assert_eq!(other.body["data"]["detail"][0]["msg"], "真实姓名长度应为2-10个字符");
        let whole = client.put("/api/auth/me", &shown).await;
        assert_eq!((whole.status, &whole.body["data"]["user"]["name"]), (200, &shown["name"]));
    }
}

#[tokio::test]
async fn j17_a_query_parameter_that_there_is_not_is_refused_by_name() {
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    for (path, detail) in [
        ("/api/v1/audit", "/detail"),
        ("/api/v1/users/me/sessions", "/detail"),
        ("/api/auth/users", "/data/detail"),
    ] {
        let answer = root.get(&format!("{path}?email=x%40example.com&limit=5&q=1")).await;
        let problems = answer.body.pointer(detail).and_then(Value::as_array).unwrap();
        let found: Vec<_> =
            problems.iter().map(|problem| (&problem["loc"], &problem["type"])).collect();
        let (email, q, kind) =
            (json!(["query", "email"]), json!(["query", "q"]), json!("extra_forbidden"));
        assert_eq!((answer.status, found), (422, vec![(&email, &kind), (&q, &kind)]), "{answer}");
        let ignored = root.get(&format!("{path}?_=1764300000&_cb=x&limit=5")).await;
        assert_eq!(ignored.status, 200, "against caches: {ignored}");
    }
    assert_eq!(root.get("/api/v1/users/me?utm_source=x").await.status, 200, "others ignore it");
    assert_eq!(root.get("/api/v1/audit?since=2026-01-01T00:00:00+08:00").await.status, 200);
    assert_eq!(root.get("/api/v1/audit?since=2026-01-01T00:00:00").await.status, 422);
}

#[tokio::test]
async fn j17_languages_and_proxies_are_understood_as_they_write() {
    let app =
        TestApp::start_with(&[("server.trusted_proxies", "127.0.0.1"), ("server.hsts", "1h")])
            .await;
    let client = app.anonymous();
    let request =
        client.request(Method::GET, "/api/v1/users/me").header("accept-language", "en_US");
    assert_eq!(request.answer().await.body["detail"], "Not authenticated");
    app.user("mike").await;
    for (forwarded, address) in [
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("\"[2001:db8::7]:4711\"", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("198.51.100.9, 203.0.113.7,", "203.0.113.7"),
        (" 203.0.113.7:80 ", "203.0.113.7"),
        ("unknown", "127.0.0.1"),
    ] {
        let request =
            json_request(&client, "/api/v1/auth/login").header("x-forwarded-for", forwarded);
        let body = json!({ "username": "mike", "password": PASSWORD });
        let answer = request.json(&body).answer().await;
        assert_eq!(answer.status, 200, "{answer}");
        let mike = client.with_tokens(&answer.body);
        let sessions = mike.get("/api/v1/users/me/sessions?limit=100").await.body;
        let own =
            sessions["sessions"].as_array().unwrap().iter().find(|each| each["current"] == true);
        assert_eq!(own.unwrap()["address"], address, "{forwarded}");
    }
    for (protocol, is_https) in [
        ("https", true),
        ("https, https", true),
        ("https,HTTPS", true),
        ("https, http", false),
        ("http", false),
        ("", false),
    ] {
        let request =
            client.request(Method::GET, "/health/live").header("x-forwarded-proto", protocol);
        let answer = request.answer().await;
        let told = answer.header("strict-transport-security").is_some();
        assert_eq!(told, is_https, "{protocol:?}");
    }
}

#[tokio::test]
async fn j20_tracing_headers_unknown_paths_and_stars_pass_cors() {
    let app = TestApp::start_with(&[
        ("cors.origins", "https://*.app.example"),
        ("cors.headers", "x-tenant"),
    ])
    .await;
    let client = app.anonymous();
    for (origin, is_allowed) in
        [("https://a.app.example", true), ("https://a.b.app.example", false)]
    {
        for path in ["/api/v1/auth/login", "/nowhere"] {
            let preflight = client
                .request(Method::OPTIONS, path)
                .header("origin", origin)
                .header("access-control-request-method", "POST");
            let answer = preflight.answer().await;
            let headers = answer.header("access-control-allow-headers").unwrap_or_default();
            let allowed: Vec<_> = headers.split(", ").collect();
            for name in [
                "authorization",
                "content-type",
                "traceparent",
                "tracestate",
                "baggage",
                "sentry-trace",
                "x-requested-with",
                "x-tenant",
            ] {
                assert_eq!(allowed.contains(&name), is_allowed, "{path}: {name}");
            }
            assert_eq!(answer.status == 204, is_allowed, "{path}: {answer}");
            let methods = answer.header("access-control-allow-methods").unwrap_or_default();
            assert_eq!(methods.contains("POST"), is_allowed, "{path}");
            let real = client.request(Method::POST, path).header("origin", origin);
            let real = real.answer().await;
            let expected = is_allowed.then_some(origin);
            assert_eq!(real.header("access-control-allow-origin"), expected, "{path}");
        }
    }
}

/// One rule for each field, the same at registration and at login, in both dialects.
#[tokio::test]
async fn j15_peoples_real_data_is_taken_as_it_is_typed() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let body = json!({
        "username": " mike ", "email": "mike＠qq。com", "password": PASSWORD,
        "full_name": "می\u{200c}خواهم 葛\u{e0100}城", "bio": "👩\u{200d}🚀 ❤\u{fe0f}",
        "phone": "\u{202a}+86 138\u{2011}0013\u{2011}8000\u{202c}",
    });
    let made = client.post("/api/v1/auth/register", &body).await;
    assert_eq!(made.status, 201, "{made}");
    for (field, expected) in [
        ("username", "mike"),
        ("email", "mike@qq.com"),
        ("full_name", "می\u{200c}خواهم 葛\u{e0100}城"),
        ("phone", "+86 138-0013-8000"),
    ] {
        assert_eq!(made.body[field], expected);
    }
    for name in ["mike", " mike ", "mike＠qq。com", "mike@qq.com", "MIKE＠ＱＱ．ＣＯＭ"] {
        assert_eq!(client.try_log_in(name, PASSWORD).await.status, 200, "{name}");
    }
    let body = json!({
        "username": "taro ", "email": "taro..yamada.@docomo.ne.jp", "password": PASSWORD,
        "role": "student", "name": "山田 太郎",
    });
    let made = client.post("/api/auth/register", &body).await;
    assert_eq!(made.body["data"]["user"]["email"], "taro..yamada.@docomo.ne.jp", "{made}");
    assert_eq!(client.try_log_in("taro..yamada.@docomo.ne.jp", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn i4_j15_names_that_deceive_are_refused_by_their_own_codes() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    for (name, status) in [("Admin", 400), ("аdmin", 422), ("ｒｏｏｔ", 400), ("系统管理员", 400)]
    {
        let body = json!({ "username": name, "email": "x@example.com", "password": PASSWORD });
        let answer = client.post("/api/v1/auth/register", &body).await;
        assert_eq!(answer.status, status, "{name}: {answer}");
        if status == 400 {
            assert_eq!(answer.body["code"], "username_reserved");
        }
    }
    app.admin("root").await;
}

/// Where each of these texts stands in the document.
async fn places(client: &Client, texts: &[&str]) -> Vec<usize> {
    let request = client.request(Method::GET, "/openapi.json").send().await.unwrap();
    let text = request.text().await.unwrap();
    texts.iter().map(|part| text.find(part).unwrap()).collect()
}

#[tokio::test]
async fn j28_the_document_is_in_the_order_of_use() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    for order in [
        &[
            r#""/api/v1/auth/register":"#,
            r#""/api/v1/auth/login":"#,
            r#""/api/v1/auth/refresh":"#,
            r#""/api/v1/auth/logout":"#,
            r#""/api/v1/users/me":"#,
            r#""/api/v1/users/{user_id}":"#,
            r#""/cache/{key}":"#,
            r#""/health":"#,
            r#""/api/auth/register":"#,
            r#""/api/auth/login":"#,
        ][..],
        // Both pages show the groups as they are listed here.
        &[
            r#"{"description":"Registration, log-in, tokens.","name":"Authentication"}"#,
            r#""name":"User Management"}"#,
            r#""name":"Audit"}"#,
            r#""name":"General"}"#,
        ],
    ] {
        let places = places(&client, order).await;
        assert!(places.is_sorted(), "{order:?}: {places:?}");
    }
}

/// A page can read why its request was refused before it was one, if it may call.
#[tokio::test(flavor = "multi_thread")]
async fn j20_a_head_that_is_too_long_is_answered_to_the_page_that_sent_it() {
    let app = TestApp::start_with(&[("cors.origins", "https://app.example")]).await;
    let url = app.url();
    let cookie = "x".repeat(40_000);
    for (origin, allowed) in [
        ("Origin: https://app.example\r\n", Some("https://app.example")),
        ("Origin: https://evil.example\r\n", None),
        ("Origin: https://app.example\r\nOrigin: https://app.example\r\n", None),
        ("", None),
    ] {
        let request =
            format!("GET /health HTTP/1.1\r\nHost: x\r\n{origin}Cookie: {cookie}\r\n\r\n");
        let exchange =
            tokio::task::block_in_place(|| raw::exchange(&url, request.as_bytes(), PATIENCE));
        let answer = &exchange.answers[0];
        let found = (answer.status, answer.header("access-control-allow-origin"));
        assert_eq!(found, (431, allowed), "{origin}: {answer}");
    }
}
