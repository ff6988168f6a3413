//! Changing many users at once (A11).

use std::fmt::Write as _;
use std::time::Duration;

use menjin_domain::common::{Clock as _, rfc3339};
use menjin_tests::app::TestApp;
use menjin_tests::client::{Answer, Client};
use serde_json::{Value, json};

async fn batch(client: &Client, body: Value) -> Answer {
    client.post("/api/v1/users/batch", &body).await
}

/// Id, outcome and code of each.
fn told(answer: &Answer) -> Vec<(u64, &str, Option<&str>)> {
    assert_eq!(answer.status, 200, "{answer}");
    let results = answer.body["results"].as_array().unwrap().iter();
    results
        .map(|it| {
            let outcome = it["outcome"].as_str().unwrap();
            (it["id"].as_u64().unwrap(), outcome, it["code"].as_str())
        })
        .collect()
}

#[tokio::test]
async fn a11_many_users_are_changed_each_as_by_itself() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let (mike, ann) = (app.user("mike").await, app.user("ann").await);
    let until = rfc3339(app.clock.now() + Duration::from_secs(3600));
    let ban = json!({ "action": "ban", "ids": [3, 2, 99, 3], "until": until, "reason": "放假" });
    let mut dry = ban.clone();
    dry["dry_run"] = json!(true);
    let expected = [(2, "done", None), (3, "done", None), (99, "failed", Some("user_not_found"))];
    assert_eq!(told(&batch(&admin, dry).await), expected);
    assert_eq!(
        (mike.me().await.status, ann.me().await.status),
        (200, 200),
        "a dry run does nothing"
    );
    assert_eq!(told(&batch(&admin, ban).await), expected);
    assert_eq!((mike.me().await.status, ann.me().await.status), (401, 401));
    assert_eq!(admin.get("/api/v1/users/2").await.body["ban_reason"], "放假");

    let all = |action: &str| json!({ "action": action, "filter": { "role": "student" } });
    let done = [(2, "done", None), (3, "done", None)];
    assert_eq!(told(&batch(&admin, all("activate")).await), done);
    let unchanged = [(2, "unchanged", None), (3, "unchanged", None)];
    assert_eq!(told(&batch(&admin, all("activate")).await), unchanged);
    let again = app.anonymous().log_in("mike", menjin_tests::app::PASSWORD).await;
    assert_eq!(told(&batch(&admin, all("end_sessions")).await)[0], (2, "done", None));
    assert_eq!(again.me().await.status, 401);

    // One that is refused stops no other: nobody changes their own role, and the last one stays.
    let teachers = json!({ "action": "set_role", "ids": [1, 2], "role": "teacher" });
    let own = (1, "failed", Some("own_account"));
    assert_eq!(told(&batch(&admin, teachers).await), [own, (2, "done", None)]);
    let everybody = json!({ "action": "delete", "filter": {} });
    let last = (1, "failed", Some("last_admin"));
    let expected = [last, (2, "done", None), (3, "done", None)];
    assert_eq!(told(&batch(&admin, everybody).await), expected);
    assert!(admin.get("/api/v1/users/3").await.body["deletes_at"].is_string());
    let failures = admin.events_once("&action=user_change_failed", 2).await;
    let reasons: Vec<_> = failures.iter().map(|event| &event["reason"]).collect();
    assert_eq!(reasons, ["last_admin", "own_account"]);
}

#[tokio::test]
async fn a11_the_right_of_the_action_is_needed_and_the_password() {
    let app =
        TestApp::start_with(&[("roles.clerk.rights", "users.write"), ("admin.step_up", "15m")])
            .await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    let made = json!({
        "username": "clerk", "email": "clerk@example.com", "role": "clerk",
        "password": menjin_tests::app::PASSWORD, "must_change_password": false,
    });
    assert_eq!(admin.post("/api/v1/users", &made).await.status, 201);
    let clerk = app.anonymous().log_in("clerk", menjin_tests::app::PASSWORD).await;
    for (action, status) in
        [("deactivate", 200), ("activate", 200), ("delete", 403), ("end_sessions", 403)]
    {
        let answer = batch(&clerk, json!({ "action": action, "ids": [2] })).await;
        assert_eq!(answer.status, status, "{action}: {answer}");
    }
    let root = batch(&clerk, json!({ "action": "deactivate", "ids": [1] })).await;
    assert_eq!(told(&root), [(1, "failed", Some("user_has_more_rights"))]);
    app.clock.advance(Duration::from_secs(15 * 60));
    let asked = batch(&clerk, json!({ "action": "activate", "ids": [2] })).await;
    assert_eq!((asked.status, &asked.body["code"]), (403, &json!("reauthentication_required")));
}

#[tokio::test]
async fn a11_what_makes_no_sense_is_named() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let many: Vec<_> = (1..=10_001).collect();
    for (body, field) in [
        (json!({ "action": "explode", "ids": [1] }), "action"),
        (json!({ "action": "ban", "ids": [1] }), "until"),
        (json!({ "action": "ban", "ids": [1], "until": "2020-01-01T00:00:00Z" }), "until"),
        (json!({ "action": "set_role", "ids": [1] }), "role"),
        (json!({ "action": "set_role", "ids": [1], "role": "boss" }), "role"),
        (json!({ "action": "delete" }), "ids"),
        (json!({ "action": "delete", "ids": [1], "filter": {} }), "ids"),
        (json!({ "action": "delete", "ids": [] }), "ids"),
        (json!({ "action": "delete", "ids": many }), "ids"),
        (json!({ "action": "delete", "ids": ["1"] }), "ids"),
        (json!({ "action": "delete", "ids": [0] }), "ids"),
        (json!({ "action": "delete", "filter": { "name": "x" } }), "filter"),
        (json!({ "action": "delete", "filter": { "is_active": "x" } }), "filter"),
    ] {
        let answer = batch(&admin, body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {answer}");
        assert_eq!(answer.body["detail"][0]["loc"], json!(["body", field]), "{body}: {answer}");
    }
}

#[tokio::test]
async fn a11_of_many_users_a_job_takes_care() {
    let app = TestApp::start_with(&[("roles.clerk.rights", "users.write")]).await;
    let admin = app.admin("root").await;
    let mut file = "username,email\n".to_owned();
    for number in 0..250 {
        writeln!(file, "user{number},user{number}@example.com").unwrap();
    }
    admin.import("", &file).await;
    assert_eq!(admin.get("/api/v1/users").await.body["total"], 251);

    let mut ids: Vec<u64> = Vec::new();
    for (dry_run, active) in [(true, 251), (false, 1)] {
        let everybody = json!({ "action": "deactivate", "filter": {}, "dry_run": dry_run });
        let begun = batch(&admin, everybody).await;
        assert_eq!((begun.status, &begun.body["state"]), (202, &json!("running")), "{begun}");
        let path = format!("/api/v1/users/batches/{}", begun.body["id"]);
        let done = admin.rested(&path).await;
        assert_eq!(
            (&done["state"], &done["done"], &done["failed"]),
            (&json!("done"), &json!(250), &json!(1))
        );
        let (mut all, mut next) = (Vec::new(), Some("0".to_owned()));
        while let Some(part) = next {
            let report = admin.get(&format!("{path}?after={part}")).await;
            all.extend(told(&report).into_iter().map(|(id, outcome, _)| (id, outcome.to_owned())));
            next = report.body["next"].as_str().map(str::to_owned);
        }
        let done = all.iter().filter(|(_, outcome)| outcome == "done").count();
        assert_eq!((all.len(), &all[0], done), (251, &(1, "failed".to_owned()), 250));
        ids = all.into_iter().map(|(id, _)| id).filter(|id| *id != 1).collect();
        let users = admin.get("/api/v1/users?is_active=true").await.body;
        assert_eq!(users["total"], active);
        let other = app.anonymous().log_in("root", menjin_tests::app::PASSWORD).await;
        assert_eq!(other.get(&path).await.status, 200, "it is the user's, not the session's");
    }
    let sessions = batch(&admin, json!({ "action": "end_sessions", "ids": ids })).await;
    assert_eq!(sessions.status, 202, "{sessions}");
    let done = admin.rested(&format!("/api/v1/users/batches/{}", sessions.body["id"])).await;
    assert_eq!((&done["done"], &done["unchanged"]), (&json!(0), &json!(250)));
}
