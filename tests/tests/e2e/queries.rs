//! What clients send in queries and in the headers that say who they are.

use menjin_tests::app::TestApp;
use menjin_tests::client::{Client, Send as _};
use reqwest::Method;
use serde_json::{Value, json};

/// The parameters that an answer says are not known.
fn unknown(answer: &Value) -> Vec<&str> {
    let problems = answer.pointer("/detail").or(answer.pointer("/data/detail"));
    let problems = problems.and_then(Value::as_array).unwrap();
    let unknown = problems.iter().filter(|problem| problem["type"] == "extra_forbidden");
    unknown
        .inspect(|problem| assert_eq!(problem["loc"][0], "query"))
        .map(|problem| problem["loc"][1].as_str().unwrap())
        .collect()
}

async fn in_english(client: &Client, path: &str, language: &str) -> bool {
    let request = client.request(Method::GET, path).header("accept-language", language);
    let answer = request.answer().await;
    answer.header("content-language") == Some("en")
}

#[tokio::test]
async fn j17_a_query_parameter_that_nobody_knows_is_named_and_not_ignored() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    for path in ["/api/auth/users", "/api/v1/audit", "/api/v1/users/me/sessions"] {
        for (query, names) in [
            ("?email=a@example.com", &["email"][..]),
            ("?Limit=1", &["Limit"]),
            ("?limit=0&b=1&a=2&b=3", &["a", "b"]),
            ("?%F0%9F%98%80=1", &["\u{1f600}"]),
            ("?=1", &[""]),
            ("?limit[]=1", &["limit[]"]),
        ] {
            let answer = admin.get(&format!("{path}{query}")).await;
            assert_eq!(answer.status, 422, "{path}{query}: {answer}");
            assert_eq!(unknown(&answer.body), names, "{path}{query}: {answer}");
            if path.starts_with("/api/auth") {
                assert_eq!(answer.body["code"], 422, "{answer}");
            }
            // What else is wrong is said in the same answer.
            let problems = answer.body.pointer("/detail").or(answer.body.pointer("/data/detail"));
            let others = usize::from(query.starts_with("?limit=0"));
            assert_eq!(problems.unwrap().as_array().unwrap().len(), names.len() + others);
        }
        for ignored in ["?_=1700000000", "?_&_=2&_t=x&limit=1", "?", "?&"] {
            assert_eq!(admin.get(&format!("{path}{ignored}")).await.status, 200, "{path}{ignored}");
        }
        // Who may not ask is told that, and nothing of parameters.
        assert_eq!(app.anonymous().get(&format!("{path}?email=x")).await.status, 401);
    }
    for path in ["/health", "/api/v1/users/me", "/api/auth/me", "/api/v1/users/1", "/openapi.json"]
    {
        assert_eq!(admin.get(&format!("{path}?v=2&email=x")).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn j17_the_plus_of_an_offset_may_come_as_a_space() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    // The test's clock stands at 2023-11-14T22:13:20Z.
    for (sign, count) in [("+", 0), ("%2B", 0), ("%20", 0), ("-", 2)] {
        let query = format!("?user_id=2&until=2023-11-15T06:00:00{sign}08:00");
        let answer = admin.get(&format!("/api/v1/audit{query}")).await;
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(answer.body["events"].as_array().unwrap().len(), count, "{query}: {answer}");
    }
    let answer = admin.get("/api/v1/audit?since=2023-11-15+06:00:00").await;
    assert_eq!(answer.body["detail"][0]["loc"], json!(["query", "since"]), "{answer}");
}

#[tokio::test]
async fn j17_a_language_may_be_called_as_systems_call_it() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    for path in ["/health", "/api/auth/me", "/nowhere"] {
        for language in ["en_US", "en-US", "en_US.UTF-8", "de_DE, en_GB;q=0.3"] {
            assert!(in_english(&client, path, language).await, "{path} {language}");
        }
        for language in ["zh_CN", "zh_TW, en_US;q=0.9", "de_DE", "C"] {
            assert!(!in_english(&client, path, language).await, "{path} {language}");
        }
    }
}
