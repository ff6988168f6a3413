//! What holds for every route, by `/openapi.json`; and for the few that it does not name.

use std::collections::{BTreeMap, BTreeSet};

use menjin_tests::app::TestApp;
use menjin_tests::client::{Answer, Send as _};
use menjin_tests::openapi::{Document, any_value, filled};
use reqwest::Method;

const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "BREW"];

/// Routes that are no operations of the API.
const PAGES: [&str; 8] = [
    "/openapi.json",
    "/docs",
    "/docs/start.js",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui-bundle.js",
    "/redoc",
    "/redoc/start.js",
    "/redoc/redoc.standalone.js",
];

/// Each path with the methods that it knows.
async fn routes(app: &TestApp) -> BTreeMap<String, BTreeSet<String>> {
    let document = Document::new(app.anonymous().get("/openapi.json").await.body);
    let mut routes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (method, path) in document.operations().into_keys() {
        let path = filled(&path, any_value);
        routes.entry(path).or_default().insert(method);
    }
    for page in PAGES {
        routes.entry(page.to_owned()).or_default().insert("GET".to_owned());
    }
    // It is a key like any other, but for writing.
    routes.entry("/cache/test".to_owned()).or_default().insert("GET".to_owned());
    for methods in routes.values_mut().filter(|methods| methods.contains("GET")) {
        methods.insert("HEAD".to_owned());
    }
    assert!(routes.len() > 25, "{routes:?}");
    routes
}

async fn send(app: &TestApp, method: &str, path: &str) -> Answer {
    app.anonymous().request(method.parse::<Method>().unwrap(), path).answer().await
}

#[tokio::test]
async fn h3_each_route_names_the_methods_that_it_knows() {
    let app = TestApp::start().await;
    for (path, known) in routes(&app).await {
        for method in METHODS {
            let answer = send(&app, method, &path).await;
            if known.contains(method) {
                assert_ne!(answer.status, 405, "{method} {path}");
                continue;
            }
            let allow = answer.header("allow").unwrap_or_default().split(", ");
            let allow: BTreeSet<String> = allow.map(str::to_owned).collect();
            assert_eq!((answer.status, &allow), (405, &known), "{method} {path}");
        }
    }
}

/// What answers with a file.
const FILES: [&str; 2] = ["/api/v1/users/export", "/api/v1/users/import/template"];

/// A body, with its media type.
type Body = Option<(&'static str, String)>;

#[tokio::test]
async fn h5_each_answer_is_json_and_says_what_browsers_are_to_make_of_it() {
    let app = TestApp::start().await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    let bodies: [Body; 5] = [
        None,
        Some(("application/json", "{}".to_owned())),
        Some(("application/json", "{".to_owned())),
        Some(("application/json", " ".repeat(65_537))),
        Some(("text/plain", "x".to_owned())),
    ];
    let mut statuses = BTreeSet::new();
    let mut paths: Vec<String> = routes(&app).await.into_keys().collect();
    paths.retain(|path| !PAGES.contains(&path.as_str()));
    // Whoever has logged out is nobody.
    paths.sort_by_key(|path| path.ends_with("/logout"));
    paths.extend(["/nowhere", "/api/auth/nowhere", "/api/v1/users/x"].map(str::to_owned));
    for client in [&app.anonymous(), &mike, &admin] {
        for path in &paths {
            for method in ["GET", "POST", "PUT", "DELETE"] {
                for body in &bodies {
                    let request = client.request(method.parse().unwrap(), path);
                    let request = match body {
                        Some((media, body)) => {
                            request.header("content-type", *media).body(body.clone())
                        }
                        None => request,
                    };
                    let answer = request.answer().await;
                    let at = format!("{method} {path} {answer}");
                    let is_file = FILES.contains(&path.as_str()) && answer.status == 200;
                    let media_type =
                        if is_file { "text/csv; charset=utf-8" } else { "application/json" };
                    let is_empty = answer.status == 204;
                    let expected = (!is_empty).then_some(media_type);
                    assert_eq!(answer.header("content-type"), expected, "{at}");
                    assert_eq!(answer.body.is_object(), !is_file && !is_empty, "{at}");
                    let faults = answer.faults_of_headers(path);
                    assert_eq!(faults, Vec::<String>::new(), "{at}");
                    statuses.insert(answer.status);
                }
            }
        }
    }
    let expected = BTreeSet::from([200, 401, 403, 404, 405, 413, 415, 422]);
    assert!(statuses.is_superset(&expected), "{statuses:?}");
}

#[tokio::test]
async fn h5_answers_with_tokens_are_not_kept() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let log_in = serde_json::json!({ "username": "mike", "password": "password123" });
    for answer in [
        mike.refresh().await,
        app.anonymous().post("/api/v1/auth/login", &log_in).await,
        app.anonymous().post("/api/auth/login", &log_in).await,
    ] {
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    }
}

#[tokio::test]
async fn h5_pages_may_do_what_they_need_and_no_more() {
    let app = TestApp::start().await;
    for path in PAGES {
        let answer = send(&app, "GET", path).await;
        let media = answer.header("content-type").unwrap();
        let expected = match path.rsplit_once('.') {
            Some((_, "json")) => "application/json",
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!((answer.status, media), (200, expected), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-eval") && !policy.contains('*'), "{path}: {policy}");
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src"));
        let scripts = scripts.map_or("script-src 'self'", str::trim);
        assert_eq!(scripts, "script-src 'self'", "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
    }
}
