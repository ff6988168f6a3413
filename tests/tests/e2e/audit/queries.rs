//! Pages, filters, and queries that are refused.

use std::time::Duration;

use insta::assert_snapshot;
use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::Send as _;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn pages_follow_each_other_and_filters_hold() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    app.clock.advance(Duration::from_secs(60));
    for _ in 0..5 {
        app.anonymous().log_in("mike", PASSWORD).await;
        app.clock.advance(Duration::from_secs(1));
    }
    let all = admin.events("").await;
    let actions: Vec<_> = all.iter().map(|event| event["action"].as_str().unwrap()).collect();
    // Who is made on the command line is made by the system's clock, years later than the test's.
    assert_eq!((actions[0], &actions[1..6]), ("admin_created", &["logged_in"; 5][..]));
    assert_eq!(actions[6..], ["logged_in", "registered", "logged_in"]);

    let mut walked = Vec::new();
    let mut path = "/api/v1/audit?limit=2".to_owned();
    loop {
        let page = admin.get(&path).await.body;
        let events = page["events"].as_array().unwrap();
        walked.extend(events.iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        assert_eq!(events.len(), 2);
        path = format!("/api/v1/audit?limit=2&before={next}");
    }
    assert_eq!(walked, all);
    for (query, count) in [
        ("", 9),
        ("&user_id=2", 7),
        ("&user_id=2&action=logged_in", 6),
        ("&user_id=4711", 0),
        ("&outcome=failure", 0),
        ("&outcome=success&action=registered", 1),
        ("&since=2023-11-14T22:14:20Z", 6),
        ("&since=2023-11-14T22:14:21Z&until=2023-11-14T22:14:23Z", 2),
        ("&since=2023-11-15T06:14:24%2B08:00&until=2024-01-01T00:00:00Z", 1),
        ("&until=2023-11-14T22:14:20Z&user_id=1", 1),
        ("&_=x", 9),
    ] {
        assert_eq!(admin.events(query).await.len(), count, "{query}");
    }
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_refused_by_name() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let query = "?user_id=0&action=dance&outcome=x&since=today&until=2023-02-30T00:00:00Z\
                 &before=42&limit=101";
    let request = admin.request(Method::GET, &format!("/api/v1/audit{query}"));
    assert_snapshot!(request.header("accept-language", "en").answer().await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "query",
            "user_id"
          ],
          "msg": "Input should be greater than or equal to 1",
          "type": "greater_than_equal"
        },
        {
          "loc": [
            "query",
            "action"
          ],
          "msg": "Input should be the name of an action",
          "type": "enum"
        },
        {
          "loc": [
            "query",
            "outcome"
          ],
          "msg": "Input should be 'success' or 'failure'",
          "type": "enum"
        },
        {
          "loc": [
            "query",
            "since"
          ],
          "msg": "Input should be a time in RFC 3339, such as 2024-01-31T08:00:00Z",
          "type": "datetime_parsing"
        },
        {
          "loc": [
            "query",
            "until"
          ],
          "msg": "Input should be a time in RFC 3339, such as 2024-01-31T08:00:00Z",
          "type": "datetime_parsing"
        },
        {
          "loc": [
            "query",
            "before"
          ],
          "msg": "Input should be the `next` of a page",
          "type": "value_error"
        },
        {
          "loc": [
            "query",
            "limit"
          ],
          "msg": "Input should be less than or equal to 100",
          "type": "less_than_equal"
        }
      ]
    }
    "#);
    for bad in [
        "limit=0",
        "limit=-1",
        "limit=1e1",
        "limit=",
        "limit=1&limit=2",
        "user_id=x",
        "user_id=1%00",
        "action=",
        "action=Logged_In",
        "since=2023-11-14T22:14:20",
        "before=1-",
        "before=x-1",
        "before=99999999999999999999-1",
        "outcome=SUCCESS",
    ] {
        let answer = admin.get(&format!("/api/v1/audit?{bad}")).await;
        assert_eq!(answer.status, 422, "{bad}: {answer}");
    }
    let answer = admin.post_empty("/api/v1/audit").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(admin.get("/api/v1/audit?before=1-1").await.body["events"], json!([]));
}
