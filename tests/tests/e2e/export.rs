//! Downloading users (U6).

use menjin_tests::app::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn u6_users_are_downloaded_as_tables() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    let eve = json!({
        "username": "eve", "email": "eve@example.com", "full_name": "=1+1", "role": "teacher",
    });
    assert_eq!(admin.post("/api/v1/users", &eve).await.status, 201);
    let answer = admin.get("/api/v1/users/export").await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"users.csv\""));
    let csv = answer.body.as_str().unwrap();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 4, "{csv}");
    assert!(lines[0].trim_start_matches('\u{feff}').starts_with("username,email,full_name,role"));
    assert!(lines[3].starts_with("eve,eve@example.com,'=1+1,teacher,"), "{csv}");
    assert!(!csv.contains("$2b$") && !csv.contains("password"), "{csv}");

    let answer = admin.get("/api/v1/users/export?format=ndjson&role=teacher&q=EV").await;
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let user: Value = answer.body.clone();
    assert_eq!((&user["username"], &user["full_name"]), (&json!("eve"), &json!("=1+1")));
    assert_eq!((&user["id"], &user["is_active"]), (&json!(3), &json!(true)));
    let nobody = admin.get("/api/v1/users/export?format=ndjson&is_active=false").await;
    assert_eq!((nobody.status, &nobody.body), (200, &json!("")));
    let audit = admin.get("/api/v1/audit?action=users_exported").await.body;
    assert_eq!(audit["events"].as_array().unwrap().len(), 3, "{audit}");
    for query in ["format=pdf", "shoe_size=43", "role=boss"] {
        let refused = admin.get(&format!("/api/v1/users/export?{query}")).await;
        assert_eq!(refused.status, 422, "{query}: {refused}");
    }
}
