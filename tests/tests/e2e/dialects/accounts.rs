//! X, Z and I4: accounts, and what their owners may.

use menjin_tests::app::TestApp;
use serde_json::json;

use super::BOTH;

#[tokio::test]
async fn x1_i4_of_many_registrations_of_one_name_in_both_dialects_one_succeeds() {
    let app = TestApp::start_with(&[("throttle.enabled", "false")]).await;
    let spellings = ["straße", "STRASSE", "Ｓtrasse", "strasse"];
    let mut attempts = tokio::task::JoinSet::new();
    for number in 0..48 {
        let (client, dialect) = (app.anonymous(), BOTH[number % 2]);
        let body = json!({
            "username": spellings[number % 4], "email": format!("user{number}@example.com"),
            "password": "password123", "role": "student", "name": "张三",
        });
        attempts.spawn(async move {
            let answer = client.post(&dialect.auth("register"), &body).await;
            let made = dialect.registered(&answer);
            // 503: the queue of the hashing threads was full.
            if !made && answer.status != 503 {
                assert_eq!(answer.status, 400, "{answer}");
                dialect.assert_shape(&answer, "X1");
            }
            made
        });
    }
    let made = attempts.join_all().await.into_iter().filter(|made| *made).count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn z4_z5_what_an_administrator_takes_away_is_gone_at_once() {
    for dialect in BOTH {
        let app = TestApp::start().await;
        let admin = app.admin("root").await;
        let mike = app.user("mike").await;
        assert_eq!(dialect.me(&mike).await.status, 200);
        assert_eq!(dialect.set(&admin, "2", "deactivate").await.status, 200);
        dialect.assert_refused(&dialect.me(&mike).await, "Z5");
        assert_eq!(mike.refresh().await.status, 401, "Z5");
        assert_eq!(dialect.set(&admin, "2", "activate").await.status, 200);
        dialect.assert_refused(&dialect.me(&mike).await, "ended for good");
        let again = dialect.log_in(&app, "mike").await;
        assert_eq!(dialect.me(&again).await.status, 200);
    }
}

#[tokio::test]
async fn z6_the_last_administrator_stays_in_both_dialects() {
    for dialect in BOTH {
        let app = TestApp::start().await;
        let admin = app.admin("root").await;
        let answer = dialect.set(&admin, "1", "deactivate").await;
        assert_eq!(answer.status, 400, "{answer}");
        dialect.assert_shape(&answer, "Z6");
        assert_eq!(dialect.me(&admin).await.status, 200);
    }
}

#[tokio::test]
async fn z2_z7_no_more_is_taken_and_no_more_is_shown_than_is_documented() {
    for dialect in BOTH {
        let app = TestApp::start().await;
        app.user("first").await;
        let body = json!({
            "username": "mallory", "email": "mallory@example.com", "password": "password123",
            "role": "student", "name": "张三", "id": 77, "is_superuser": true, "is_active": false,
            "is_verified": true, "password_hash": "$2b$04$x", "hash": "x", "credential_version": 9,
            "created_at": "2001-01-01T00:00:00Z",
        });
        let made = app.anonymous().post(&dialect.auth("register"), &body).await;
        assert!(dialect.registered(&made), "{made}");
        let mallory = dialect.log_in(&app, "mallory").await;
        let changes = json!({
            "name": "李四", "full_name": "李四", "role": "admin", "is_superuser": true, "id": 1,
            "username": "first", "password": "x", "credential_version": 3,
        });
        let updated = mallory.put(dialect.me_path(), &changes).await;
        assert_eq!(updated.status, 200, "{updated}");
        let me = mallory.me().await;
        assert_eq!(
            (&me.body["id"], &me.body["username"], &me.body["role"], &me.body["is_superuser"]),
            (&json!(2), &json!("mallory"), &json!("student"), &json!(false)),
        );
        assert_eq!(me.body["is_verified"], json!(false));
        assert!(me.body["created_at"].as_str().unwrap() > "2002", "{me}");
        for answer in [made, updated, dialect.me(&mallory).await] {
            let text = answer.body.to_string();
            for secret in ["hash", "credential_version", "$2b$", "generation"] {
                assert!(!text.contains(secret), "Z7 {dialect:?}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn e5_i2_ids_tell_a_user_nothing() {
    let app = TestApp::start().await;
    app.admin("root").await;
    let mike = app.user("mike").await;
    for dialect in BOTH {
        let mut answers = Vec::new();
        for id in ["1", "2", "4711", "0", "-1", "9223372036854775808", "1%00", "x"] {
            let answer = dialect.set(&mike, id, "deactivate").await;
            assert_eq!(answer.status, 403, "{id}: {answer}");
            dialect.assert_shape(&answer, id);
            answers.push(answer.body);
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    }
}
