//! I: what is no sensible request, answered in the dialect's shape.

use menjin_tests::app::TestApp;
use menjin_tests::client::Send as _;
use reqwest::Method;
use serde_json::json;

use super::BOTH;

#[tokio::test]
async fn i6_bodies_that_are_no_json_or_not_only_one() {
    let app = TestApp::start().await;
    let deep = format!(r#"{{"username":{}1{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    let utf16 = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    for dialect in BOTH {
        for (told, body) in [
            ("nothing", Vec::new()),
            ("half", br#"{"username":"#.to_vec()),
            ("deep", deep.clone().into_bytes()),
            ("a name twice", br#"{"username":"mike","username":"root","password":"x"}"#.to_vec()),
            ("half a character", br#"{"username":"\ud800","password":"x"}"#.to_vec()),
            ("UTF-16", utf16.clone()),
            ("a mark of byte order", b"\xef\xbb\xbf{}".to_vec()),
            ("no UTF-8", b"{\"username\":\"\xff\"}".to_vec()),
            ("two documents", b"{}{}".to_vec()),
            ("a list", b"[]".to_vec()),
            ("NaN", br#"{"username":NaN}"#.to_vec()),
        ] {
            let request = app.anonymous().request(Method::POST, &dialect.auth("login"));
            let request = request.header("content-type", "application/json").body(body);
            let answer = request.answer().await;
            assert!((400..500).contains(&answer.status), "{dialect:?} {told}: {answer}");
            dialect.assert_shape(&answer, told);
        }
    }
}

#[tokio::test]
async fn i7_i8_bodies_that_are_too_large_or_of_another_type() {
    let app = TestApp::start().await;
    for dialect in BOTH {
        let send = async |media_type: &str, length: usize| {
            let mut body = br#"{"username":"mike","password":"x"}"#.to_vec();
            body.resize(length.max(body.len()), b' ');
            let request = app.anonymous().request(Method::POST, &dialect.auth("login"));
            request.header("content-type", media_type).body(body).answer().await
        };
        for (media_type, length, status) in [
            ("application/json", 64 * 1024, 401),
            ("application/json", 64 * 1024 + 1, 413),
            ("application/json; charset=utf-8", 0, 401),
            ("text/plain", 0, 415),
            ("application/xml", 0, 415),
            ("application/jsonx", 0, 415),
        ] {
            let answer = send(media_type, length).await;
            assert_eq!(answer.status, status, "{dialect:?} {media_type} {length}: {answer}");
            dialect.assert_shape(&answer, media_type);
        }
    }
}

#[tokio::test]
async fn i3_what_cannot_be_seen_is_in_no_name() {
    let app = TestApp::start().await;
    for dialect in BOTH {
        for name in
            ["mi\0ke", "mi\u{202e}ke", "mi\u{200b}ke", "mi\u{7}ke", "mi\nke", "\u{feff}mike"]
        {
            let answer = dialect.register(&app, name, "mike@example.com", "password123").await;
            assert_eq!(answer.status, 422, "{dialect:?} {name:?}: {answer}");
            dialect.assert_shape(&answer, name);
        }
    }
    assert!(
        BOTH[0]
            .registered(&BOTH[0].register(&app, "mike", "mike@example.com", "password123").await)
    );
}

#[tokio::test]
async fn p2_p3_passwords_that_are_too_long_or_hold_nul_are_refused_in_both_dialects() {
    let app = TestApp::start().await;
    for dialect in BOTH {
        for password in ["x".repeat(129), "😀".repeat(129), "abcdef\0abcdef".to_owned()] {
            let answer = dialect.register(&app, "mike", "mike@example.com", &password).await;
            assert_eq!(answer.status, 422, "{dialect:?} {password:?}: {answer}");
            dialect.assert_shape(&answer, &password);
        }
    }
}

#[tokio::test]
async fn p8_passwords_are_compared_exactly_in_both_dialects() {
    let app = TestApp::start().await;
    for dialect in BOTH {
        let name = format!("user{dialect:?}");
        let email = format!("{name}@example.com");
        let made = dialect.register(&app, &name, &email, "Password12345").await;
        assert!(dialect.registered(&made), "{made}");
        for wrong in ["password12345", "Password12345 ", " Password12345", "Password1234"] {
            let answer = dialect.try_log_in(&app.anonymous(), &name, wrong).await;
            assert_eq!(answer.status, 401, "{wrong:?}");
        }
        let right = dialect.try_log_in(&app.anonymous(), &name, "Password12345").await;
        assert_eq!(right.status, 200);
    }
}

#[tokio::test]
async fn z1_an_answer_to_nobody_has_the_shape_of_its_dialect() {
    let app = TestApp::start().await;
    for dialect in BOTH {
        let answer = app.anonymous().put(dialect.me_path(), &json!({})).await;
        assert_eq!(answer.status, 401);
        dialect.assert_shape(&answer, "nobody");
    }
}
