//! T: tokens that are none. With the right key they are forged beside the codec; here nobody has it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use menjin_tests::app::TestApp;
use menjin_tests::client::Send as _;
use reqwest::Method;
use serde_json::json;

use super::BOTH;

/// The token with another header.
fn with_header(token: &str, header: &str) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
}

fn forgeries(token: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature]: [&str; 3] = parts.try_into().unwrap();
    let unsigned = |alg: &str| {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "typ": "at+jwt" }).to_string());
        format!("{header}.{payload}.")
    };
    let flipped = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let typed = |alg: &str| with_header(token, &json!({ "alg": alg, "typ": "at+jwt" }).to_string());
    let keyed = |name: &str, value: &str| {
        with_header(token, &json!({ "alg": "HS256", "typ": "at+jwt", name: value }).to_string())
    };
    vec![
        ("T1 none", unsigned("none")),
        ("T1 None", unsigned("None")),
        ("T1 nOnE", unsigned("nOnE")),
        ("T1 empty", unsigned("")),
        ("T1 none, with a signature", typed("none")),
        ("T2 HS384", typed("HS384")),
        ("T2 HS512", typed("HS512")),
        ("T2 RS256", typed("RS256")),
        ("T3 payload", format!("{header}.{}.{signature}", flipped(payload, payload.len() / 2))),
        ("T3 signature", format!("{header}.{payload}.{}", flipped(signature, 7))),
        ("T3 cut", format!("{header}.{payload}.{}", &signature[..signature.len() - 1])),
        ("T3 padded", format!("{token}=")),
        ("T3 four parts", format!("{token}.{signature}")),
        ("T3 two parts", format!("{header}.{payload}")),
        ("T3 a part twice", format!("{header}.{payload}.{signature}{signature}")),
        (
            "T3 as JSON",
            json!({ "protected": header, "payload": payload, "signature": signature }).to_string(),
        ),
        ("T5 another type", with_header(token, r#"{"alg":"HS256","typ":"JWT"}"#)),
        ("T5 no type", with_header(token, r#"{"alg":"HS256"}"#)),
        (
            "T6 an extension",
            with_header(token, r#"{"alg":"HS256","typ":"at+jwt","crit":["exp"],"exp":1}"#),
        ),
        ("T10 kid", keyed("kid", "' OR 1")),
        ("T10 kid", keyed("kid", "../../x")),
        ("T10 kid", keyed("kid", &"x".repeat(5_000))),
        ("T10 jku", keyed("jku", "http://127.0.0.1:1/keys")),
        ("T10 x5u", keyed("x5u", "http://127.0.0.1:1/chain")),
        ("T10 jwk", keyed("jwk", r#"{"kty":"oct","k":"AAAA"}"#)),
        ("nothing", ".".into()),
        ("dots", "...".into()),
        ("words", "x".repeat(100)),
    ]
}

#[tokio::test]
async fn t01_t02_t03_t05_t06_t10_what_is_not_ours_to_the_byte_is_refused() {
    let app = TestApp::start().await;
    app.user("mike").await;
    for dialect in BOTH {
        let mike = dialect.log_in(&app, "mike").await;
        let token = mike.access_token.clone().unwrap();
        assert_eq!(dialect.me(&mike).await.status, 200);
        for (told, forged) in forgeries(&token) {
            let client = app.anonymous().with_tokens(&json!({ "access_token": forged }));
            dialect.assert_refused(&dialect.me(&client).await, told);
        }
        assert_eq!(dialect.me(&mike).await.status, 200, "none of it ended the session");
    }
}

#[tokio::test]
async fn t04_a_refresh_token_opens_nothing() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let tokens = json!({ "access_token": mike.refresh_token });
    for dialect in BOTH {
        let refused = dialect.me(&app.anonymous().with_tokens(&tokens)).await;
        dialect.assert_refused(&refused, "T4");
    }
}

#[tokio::test]
async fn t19_a_token_counts_in_one_header_only() {
    let app = TestApp::start().await;
    let token = app.user("mike").await.access_token.unwrap();
    for dialect in BOTH {
        let path = format!("{}?access_token={token}", dialect.me_path());
        assert_eq!(app.anonymous().get(&path).await.status, 401);
        let bearer = format!("Bearer {token}");
        let twice = app.anonymous().request(Method::GET, dialect.me_path());
        let twice = twice.header("authorization", &bearer).header("authorization", &bearer);
        dialect.assert_refused(&twice.answer().await, "T19");
    }
}

#[tokio::test]
async fn t18_a_password_changed_in_one_dialect_ends_the_sessions_of_both() {
    for dialect in BOTH {
        let app = TestApp::start().await;
        app.user("mike").await;
        let mut others = Vec::new();
        for other in BOTH {
            others.push((other, other.log_in(&app, "mike").await));
        }
        let mike = dialect.log_in(&app, "mike").await;
        let body = json!({
            "current_password": menjin_tests::app::PASSWORD, "old_password": menjin_tests::app::PASSWORD,
            "new_password": "newpassword456", "confirm_password": "newpassword456",
        });
        let changed = mike.post(&dialect.auth("change-password"), &body).await;
        assert_eq!(changed.status, 200, "{dialect:?}: {changed}");
        assert_eq!(dialect.me(&mike).await.status, 200);
        for (other, client) in others {
            other.assert_refused(&other.me(&client).await, "T18");
        }
    }
}
