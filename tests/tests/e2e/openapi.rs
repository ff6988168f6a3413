//! `/openapi.json` says what the server does: the whole of it, and nothing else.

mod reference;
pub(crate) mod traffic;

use std::collections::HashSet;
use std::path::Path;

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Answer, Send as _};
use menjin_tests::openapi::Document;
use reqwest::Method;
use serde_json::{Value, json};

async fn document(app: &TestApp) -> Document {
    let answer = app.anonymous().get("/openapi.json").await;
    assert_eq!(answer.status, 200, "{answer}");
    Document::new(answer.body)
}

#[tokio::test]
async fn the_document_changes_only_with_its_snapshot() {
    let app = TestApp::start().await;
    let mut served = document(&app).await.as_value().clone();
    served["info"]["version"] = "[version]".into();
    let served = serde_json::to_string_pretty(&served).unwrap() + "\n";
    assert_committed("tests/openapi.json", &served);
    let document = serde_json::from_str(&served).unwrap();
    for (page, tables) in reference::pages(&document) {
        assert_committed(page, &reference::with_tables(page, &tables));
    }
}

/// The file of the checkout says this.
fn assert_committed(file: &str, made: &str) {
    let path = checkout().join(file);
    if std::env::var_os("MENJIN_TEST_UPDATE").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = kept.lines().zip(made.lines()).find(|(kept, made)| kept != made);
    assert!(
        kept == made,
        "{file} is not what the program says any more; first difference: {differing:?}.\nIf that is \
         meant, run `MENJIN_TEST_UPDATE=1 cargo test -p menjin-tests --test e2e openapi` and commit \
         the file."
    );
}

fn checkout() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[tokio::test]
async fn it_is_fetched_again_only_when_it_has_changed() {
    let app = TestApp::start().await;
    let first = app.anonymous().get("/openapi.json").await;
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    let tag = first.header("etag").unwrap();
    for (known, status) in [(tag, 304), ("\"other\"", 200)] {
        let request = app.anonymous().request(Method::GET, "/openapi.json");
        let answer = request.header("if-none-match", known).answer().await;
        assert_eq!((answer.status, answer.header("etag")), (status, Some(tag)));
    }
    let head = app.anonymous().request(Method::HEAD, "/openapi.json").answer().await;
    assert_eq!((head.status, head.body.as_str()), (200, Some("")));
}

/// All objects in a document.
fn objects<'a>(value: &'a Value, found: &mut Vec<&'a serde_json::Map<String, Value>>) {
    match value {
        Value::Object(object) => {
            found.push(object);
            object.values().for_each(|value| objects(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| objects(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn it_is_well_formed() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let document = document.as_value();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.0."));
    let tags: HashSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{at}: {id} is another operation's id");
            assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{at}: {id}");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{at}");
            let own = operation["tags"].as_array().unwrap();
            assert!(own.len() == 1 && tags.contains(&own[0]), "{at}: {own:?}");
            let parameters: Vec<_> = path.split(['{', '}']).skip(1).step_by(2).collect();
            let documented = operation["parameters"].as_array().into_iter().flatten();
            let documented = documented.filter(|parameter| parameter["in"] == "path");
            let documented: Vec<_> = documented.map(|parameter| &parameter["name"]).collect();
            assert_eq!(documented, parameters, "{at}");
        }
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "{name}");
    }
    let mut all = Vec::new();
    objects(document, &mut all);
    let references = all.iter().filter_map(|object| object.get("$ref"));
    for reference in references {
        let pointer = reference.as_str().unwrap().trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(
        (&schemes["bearer"]["type"], &schemes["bearer"]["scheme"]),
        (&json!("http"), &json!("bearer"))
    );
    assert_eq!(
        schemes["OAuth2PasswordBearer"]["flows"]["password"]["tokenUrl"],
        "/api/v1/auth/login"
    );
}

#[tokio::test]
async fn its_examples_follow_its_schemas() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let mut all = Vec::new();
    objects(document.as_value(), &mut all);
    let mut count = 0;
    for object in all {
        if let (Some(_), Some(example)) = (object.get("type"), object.get("example")) {
            count += 1;
            let faults = document.faults(&json!(object), example);
            assert_eq!(faults, Vec::<String>::new(), "{object:?}");
        }
        let Some(schema) = object.get("schema") else { continue };
        let named = object.get("examples").and_then(Value::as_object);
        let named = named.into_iter().flatten().map(|(_, example)| &example["value"]);
        for example in named.chain(object.get("example")) {
            count += 1;
            assert_eq!(document.faults(schema, example), Vec::<String>::new(), "{example}");
        }
    }
    assert!(count > 100, "{count} examples were found");
}

#[tokio::test]
async fn its_request_rules_are_the_servers() {
    let app = TestApp::start_with(&[("throttle.enabled", "false")]).await;
    let document = document(&app).await;
    let good = |n: usize| {
        json!({
            "username": format!("user{n:02}"), "email": format!("u{n}@example.com"),
            "password": PASSWORD, "unknown": true,
        })
    };
    let long = |n: usize| json!("x".repeat(n));
    let url = |n: usize| json!(format!("https://{}", "x".repeat(n - 8)));
    let cases = [
        (
            "username",
            vec![long(3), long(50), json!("张三丰")],
            vec![long(2), long(51), json!("a b c"), json!("a@b"), Value::Null],
        ),
        ("email", vec![json!("x@example.com")], vec![json!("x"), json!(""), Value::Null]),
        (
            "password",
            vec![json!("12345678 "), long(128)],
            vec![long(7), long(129), Value::Null, json!(1)],
        ),
        ("full_name", vec![long(100), json!(""), Value::Null], vec![long(101), json!(1)]),
        (
            "phone",
            vec![json!("110"), json!(""), json!(" "), json!("+86 (0)10-1"), Value::Null],
            vec![json!("12"), json!("1a23"), json!("1".repeat(33))],
        ),
        ("bio", vec![long(1000), json!("a\nb"), Value::Null], vec![long(1001), json!([])]),
        (
            "avatar",
            vec![url(500), json!("HTTP://x"), json!(""), Value::Null],
            vec![url(501), json!("ftp://x"), json!("x")],
        ),
    ];
    let path = "/api/v1/auth/register";
    let schema = json!({ "$ref": "#/components/schemas/UserCreate" });
    let mut count = 0;
    for (field, valid, invalid) in cases {
        let verdicts = valid.iter().map(|value| (value, true));
        for (value, expected) in verdicts.chain(invalid.iter().map(|value| (value, false))) {
            count += 1;
            let mut body = good(count);
            body[field] = value.clone();
            assert_eq!(document.faults(&schema, &body).is_empty(), expected, "{field}: {value}");
            let answer = app.anonymous().post(path, &body).await;
            assert_eq!(answer.status != 422, expected, "{field}: {value}: {answer}");
        }
        let mut body = good(99);
        body.as_object_mut().unwrap().remove(field);
        let required = !document.faults(&schema, &body).is_empty();
        assert_eq!(required, ["username", "email", "password"].contains(&field), "{field}");
    }
}

#[tokio::test]
async fn its_request_rules_are_the_servers_in_envelopes_too() {
    let app = TestApp::start_with(&[("throttle.enabled", "false")]).await;
    let document = document(&app).await;
    let schema = json!({ "$ref": "#/components/schemas/EnvelopeRegister" });
    let long = |n: usize| json!("x".repeat(n));
    let mut count = 0;
    for (field, valid, invalid) in [
        ("username", vec![long(3), long(20)], vec![long(2), long(21), json!("a@b")]),
        ("password", vec![long(6), long(20)], vec![long(5), long(21)]),
        ("role", vec![json!("teacher")], vec![json!("admin"), json!("x"), Value::Null]),
        ("name", vec![json!("张三"), long(10)], vec![long(1), long(11), Value::Null]),
    ] {
        let verdicts = valid.iter().map(|value| (value, true));
        for (value, expected) in verdicts.chain(invalid.iter().map(|value| (value, false))) {
            count += 1;
            let mut body = json!({
                "username": format!("user{count:02}"), "email": format!("u{count}@example.com"),
                "password": PASSWORD, "role": "student", "name": "张三",
            });
            body[field] = value.clone();
            assert_eq!(document.faults(&schema, &body).is_empty(), expected, "{field}: {value}");
            let answer = app.anonymous().post("/api/auth/register", &body).await;
            assert_eq!(answer.status != 422, expected, "{field}: {value}: {answer}");
        }
    }
}

#[tokio::test]
async fn the_judge_is_not_blind() {
    let app = TestApp::start().await;
    let document = document(&app).await;
    let right = app.user("mike").await.me().await;
    let judge = |change: &dyn Fn(&mut Answer)| {
        let mut answer = right.clone();
        change(&mut answer);
        document.judge("GET", "/api/v1/users/me", &answer)
    };
    assert_eq!(judge(&|_| {}), Vec::<String>::new());
    let changes: [&dyn Fn(&mut Answer); 6] = [
        &|answer| answer.status = 418,
        &|answer| answer.body["password_hash"] = "x".into(),
        &|answer| answer.body["id"] = "1".into(),
        &|answer| answer.body["created_at"] = "yesterday".into(),
        &|answer| answer.body["username"] = Value::Null,
        &|answer| drop(answer.body.as_object_mut().unwrap().remove("bio")),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        assert_ne!(judge(change), Vec::<String>::new(), "change {n}");
    }
}
