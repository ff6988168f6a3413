//! What users carry beside the fields of the documents (A13).

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Answer, Client, Send as _};
use reqwest::Method;
use serde_json::{Value, json};

/// Imports change who is there.
const UPDATE: &str = "?on_conflict=update";

const SCHOOL: [(&str, &str); 7] = [
    ("attributes.student_number.type", "text"),
    ("attributes.student_number.headings", "学号"),
    ("attributes.student_number.searchable", "true"),
    ("attributes.boards.type", "boolean"),
    ("attributes.entry_year.type", "integer"),
    ("attributes.leaves_on.type", "date"),
    ("attributes.leaves_on.rights", "users.delete"),
];

async fn edit(admin: &Client, id: u64, attributes: Value) -> Answer {
    let path = format!("/api/v1/users/{id}");
    let body = json!({ "attributes": attributes });
    admin.request(Method::PATCH, &path).json(&body).answer().await
}

#[tokio::test]
async fn a13_attributes_are_kept_as_they_are_declared() {
    let app = TestApp::start_with(&SCHOOL).await;
    let admin = app.admin("root").await;
    let eve = json!({
        "username": "eve", "email": "eve@example.com", "password": PASSWORD,
        "must_change_password": false,
        "attributes": { "student_number": " 2026-017 ", "entry_year": 2026, "boards": null },
    });
    let made = admin.post("/api/v1/users", &eve).await;
    assert_eq!(made.status, 201, "{made}");
    let kept = json!({ "entry_year": 2026, "student_number": "2026-017" });
    assert_eq!(made.body["attributes"], kept);
    let changed = edit(&admin, 2, json!({ "boards": true, "entry_year": null })).await;
    let kept = json!({ "boards": true, "student_number": "2026-017" });
    assert_eq!((changed.status, &changed.body["attributes"]), (200, &kept), "{changed}");
    let events = admin.events("&changed=attributes").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["changed"], json!(["attributes"]), "what it held is not recorded");
    // The owner sees it, in each session lookup, and changes nothing of it.
    let eve = app.anonymous().log_in("eve", PASSWORD).await;
    assert_eq!(eve.me().await.body["attributes"], kept);
    let own = json!({ "full_name": "Eve", "attributes": { "boards": false } });
    let own = eve.put("/api/v1/users/me", &own).await;
    assert_eq!(
        (own.status, &own.body["attributes"]),
        (200, &kept),
        "an unknown field has no effect"
    );
    let listed = admin.get("/api/v1/users?q=eve").await.body;
    assert_eq!(listed["users"][0]["attributes"], kept);
    // Another change leaves them as they are.
    let named = json!({ "full_name": "E. V. E." });
    let named = admin.request(Method::PATCH, "/api/v1/users/2").json(&named).answer().await;
    assert_eq!(named.body["attributes"], kept);
    let app = app.restart(&[]).await;
    let admin = app.anonymous().log_in("root", PASSWORD).await;
    let shown = admin.get("/api/v1/users/2").await.body;
    assert_eq!(shown["attributes"], kept, "also where they are declared no longer");
    assert_eq!(edit(&admin, 2, json!({ "boards": false })).await.status, 422);
}

#[tokio::test]
async fn a13_what_is_not_as_declared_is_refused_by_name() {
    let app = TestApp::start_with(&SCHOOL).await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    for (attributes, message) in [
        (json!({ "shoe_size": 43 }), "shoe_size：没有这个属性"),
        (json!({ "Shoe Size": 43 }), "没有这个属性"),
        (json!({ "student_number": 17 }), "student_number：应为字符串"),
        (json!({ "student_number": "x".repeat(201) }), "student_number：长度应至多为200个字符"),
        (json!({ "entry_year": 2026.5 }), "entry_year：应为整数"),
        (json!({ "entry_year": "2026" }), "entry_year：应为整数"),
        (json!({ "boards": "yes" }), "boards：应为 true 或 false"),
        (json!({ "leaves_on": "2026-02-30" }), "leaves_on：应为日期，例如 2026-11-28"),
        (json!([]), "应为JSON对象"),
    ] {
        let refused = edit(&admin, 2, attributes.clone()).await;
        let problem = &refused.body["detail"][0];
        assert_eq!(
            (refused.status, &problem["loc"]),
            (422, &json!(["body", "attributes"])),
            "{refused}"
        );
        assert_eq!(problem["msg"], message, "{attributes}");
    }
    assert_eq!(admin.get("/api/v1/users/2").await.body["attributes"], json!({}));
}

#[tokio::test]
async fn a13_an_attribute_needs_its_rights() {
    let clerk = ("roles.clerk.rights", "users.read,users.write,users.import");
    let settings: Vec<_> = SCHOOL.into_iter().chain([clerk]).collect();
    let app = TestApp::start_with(&settings).await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    let made = json!({
        "username": "clerk", "email": "clerk@example.com", "role": "clerk",
        "password": PASSWORD, "must_change_password": false,
    });
    assert_eq!(admin.post("/api/v1/users", &made).await.status, 201);
    let clerk = app.anonymous().log_in("clerk", PASSWORD).await;
    assert_eq!(edit(&clerk, 2, json!({ "boards": true })).await.status, 200);
    let leaves = json!({ "leaves_on": "2030-06-30" });
    let refused = edit(&clerk, 2, leaves.clone()).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("forbidden")));
    let eve = json!({ "username": "eve", "email": "eve@example.com", "attributes": leaves });
    assert_eq!(clerk.post("/api/v1/users", &eve).await.status, 403);
    assert_eq!(edit(&admin, 2, leaves).await.status, 200);
    let report = clerk.import(UPDATE, "username,leaves_on\nmike,2031-06-30\n").await;
    let row = &report["results"][0];
    assert_eq!(
        (&row["field"], &row["code"]),
        (&json!("leaves_on"), &json!("forbidden")),
        "{report}"
    );
}

#[tokio::test]
async fn a13_attributes_are_imported_and_exported() {
    let app = TestApp::start_with(&SCHOOL).await;
    let admin = app.admin("root").await;
    let table = "用户名,邮箱,学号,Boards,entry year\n\
        eve,eve@example.com,007,是,2026\n\
        fay,fay@example.com,008,perhaps,2026\n";
    let report = admin.import(UPDATE, table).await;
    assert_eq!((&report["created"], &report["failed"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(report["results"][1]["field"], "boards");
    let kept = json!({ "boards": true, "entry_year": 2026, "student_number": "007" });
    assert_eq!(admin.get("/api/v1/users?q=eve").await.body["users"][0]["attributes"], kept);
    let report = admin.import(UPDATE, "username,student_number,boards\neve,009,\n").await;
    assert_eq!(report["updated"], 1, "{report}");
    let kept = json!({ "boards": true, "entry_year": 2026, "student_number": "009" });
    assert_eq!(
        admin.get("/api/v1/users?q=eve").await.body["users"][0]["attributes"],
        kept,
        "an empty cell says nothing"
    );
    for (term, total) in [("009", 1), ("007", 0), ("2026", 0)] {
        let found = admin.get(&format!("/api/v1/users?q={term}")).await.body;
        assert_eq!(found["total"], total, "{term}: {found}");
    }
    let by_number = admin.get("/api/v1/users/export?format=ndjson&q=009").await.body;
    assert_eq!(by_number["username"], "eve");
    let csv = admin.get("/api/v1/users/export?q=eve").await;
    let csv = csv.body.as_str().unwrap();
    assert!(
        csv.lines().next().unwrap().ends_with("boards,entry_year,leaves_on,student_number"),
        "{csv}"
    );
    assert!(csv.lines().nth(1).unwrap().ends_with("true,2026,,009"), "{csv}");
    let again = admin.import(UPDATE, csv).await;
    assert_eq!((&again["unchanged"], &again["failed"]), (&json!(1), &json!(0)), "{again}");
    let line = admin.get("/api/v1/users/export?q=eve&format=ndjson").await.body;
    assert_eq!((&line["entry_year"], &line["leaves_on"]), (&json!(2026), &Value::Null));
    let template = admin.get("/api/v1/users/import/template").await;
    assert!(template.body.as_str().unwrap().trim().ends_with("boards,entry_year,leaves_on,学号"));
}
