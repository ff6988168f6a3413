//! Logging in as OAuth2 clients do: by a form, with the errors that they know (RFC 6749 §5.2).

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Answer, Send as _};
use reqwest::Method;
use serde_json::Value;

const LOGIN: &str = "/api/v1/auth/login";
const FORM: &str = "application/x-www-form-urlencoded";

async fn send(app: &TestApp, media_type: &str, body: &str) -> Answer {
    let request = app.anonymous().request(Method::POST, LOGIN).body(body.to_owned());
    request.header("content-type", media_type).answer().await
}

/// Whether a description has only the characters that RFC 6749 §5.2 allows.
fn is_allowed(description: &str) -> bool {
    !description.is_empty()
        && description.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte))
}

#[tokio::test]
async fn j18_an_answer_to_a_form_says_what_oauth2_clients_read_beside_the_rest() {
    let app = TestApp::start_with(&[("throttle.per_client.max", "5")]).await;
    app.user("mike").await;
    let right = format!("grant_type=password&username=mike&password={PASSWORD}");
    assert_eq!(send(&app, FORM, &right).await.status, 200);
    let long = format!("username={}", "x".repeat(70_000));
    for (body, status, error) in [
        ("username=mike&password=wrong-password", 401, "invalid_grant"),
        ("grant_type=password&username=nobody&password=wrong", 401, "invalid_grant"),
        ("grant_type=password&username=mike", 422, "invalid_request"),
        ("grant_type=password", 422, "invalid_request"),
        ("", 422, "invalid_request"),
        ("username=a&username=b&password=c", 422, "invalid_request"),
        ("username=nobody&%22%5C%F0%9F%98%80=1&password=x", 401, "invalid_grant"),
        (&long, 413, "invalid_request"),
        ("grant_type=refresh_token&refresh_token=x", 400, "unsupported_grant_type"),
        ("grant_type=client_credentials&username=mike&password=x", 400, "unsupported_grant_type"),
        ("grant_type=Password&username=mike&password=x", 400, "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", 400, "unsupported_grant_type"),
    ] {
        for media_type in [FORM, "Application/X-WWW-Form-Urlencoded; charset=UTF-8"] {
            let answer = send(&app, media_type, body).await;
            assert_eq!(answer.status, status, "{body}: {answer}");
            assert_eq!(answer.body["error"], error, "{body}: {answer}");
            assert!(!answer.body["detail"].is_null(), "what is there stays: {answer}");
            let description = answer.body["error_description"].as_str().unwrap();
            assert!(is_allowed(description), "{description}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    let answer = send(&app, FORM, "grant_type=&username=mike").await;
    assert_eq!(answer.body["error_description"], "password: Field required", "{answer}");
    assert_eq!(answer.body["detail"][0]["loc"][1], "password", "{answer}");
    // One who fails too often is told so in the same manner.
    for _ in 0..4 {
        send(&app, FORM, "username=mike&password=wrong-password").await;
    }
    let answer = send(&app, FORM, &right).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (429, &Value::from("temporarily_unavailable"))
    );
    assert_eq!(answer.body["code"], "too_many_attempts", "{answer}");
    assert!(answer.header("retry-after").is_some(), "{answer}");
}

#[tokio::test]
async fn j18_an_answer_to_json_is_as_ever() {
    let app = TestApp::start().await;
    for (body, status) in [
        (r#"{"username":"nobody","password":"wrong"}"#, 401),
        (r#"{"grant_type":"client_credentials","username":"nobody","password":"wrong"}"#, 401),
        ("{}", 422),
        ("x", 422),
    ] {
        let answer = send(&app, "application/json", body).await;
        assert_eq!(answer.status, status, "{answer}");
        assert!(answer.body.get("error").is_none(), "{answer}");
        assert!(answer.body.get("error_description").is_none(), "{answer}");
    }
}

#[tokio::test]
async fn j18_multipart_is_answered_with_what_is_taken() {
    let app = TestApp::start().await;
    let multipart = "multipart/form-data; boundary=x";
    let body = "--x\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nmike\r\n--x--\r\n";
    let answer = send(&app, multipart, body).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (415, &Value::from("unsupported_media_type"))
    );
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("application/json") && detail.contains(FORM), "{detail}");
    let taken = "application/json, application/x-www-form-urlencoded";
    assert_eq!(answer.header("accept"), Some(taken));
    for path in ["/api/v1/auth/register", "/api/auth/login", "/cache/a"] {
        let request = app.anonymous().request(Method::POST, path).body(body);
        let answer = request.header("content-type", multipart).answer().await;
        assert_eq!((answer.status, answer.header("accept")), (415, Some("application/json")));
        let text = answer.body["detail"].as_str().or(answer.body["message"].as_str()).unwrap();
        assert!(text.contains("application/json") && !text.contains(FORM), "{text}");
    }
}
