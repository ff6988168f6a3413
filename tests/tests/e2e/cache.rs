//! `/cache/*`.

use std::time::Duration;

use insta::assert_snapshot;
use menjin_tests::app::{TestApp, on_replicas};
use serde_json::json;

#[tokio::test]
async fn an_entry_is_written_read_and_gone_in_time() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let body = json!({ "data": { "a": [1, "二", null] }, "ttl": 60 });
    assert_snapshot!(client.post("/cache/greeting", &body).await, @r#"
    200
    {
      "key": "greeting",
      "message": "缓存设置成功",
      "ttl": 60
    }
    "#);
    if on_replicas() {
        // Redis has a clock of its own.
        let body = json!({ "data": {}, "ttl": 1 });
        assert_eq!(client.post("/cache/greeting", &body).await.status, 200);
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_eq!(client.get("/cache/greeting").await.status, 404);
        return;
    }
    app.clock.advance(Duration::from_millis(10_500));
    assert_snapshot!(client.get("/cache/greeting").await, @r#"
    200
    {
      "data": {
        "a": [
          1,
          "二",
          null
        ]
      },
      "key": "greeting",
      "ttl": 50
    }
    "#);
    app.clock.advance(Duration::from_secs(50));
    assert_snapshot!(client.get("/cache/greeting").await, @r#"
    404
    {
      "code": "cache_key_not_found",
      "detail": "缓存键不存在"
    }
    "#);
}

#[tokio::test]
async fn an_hour_is_the_default() {
    let app = TestApp::start().await;
    for body in [json!({ "data": {} }), json!({ "data": {}, "ttl": null })] {
        assert_eq!(app.anonymous().post("/cache/a", &body).await.body["ttl"], 3600);
    }
}

#[tokio::test]
async fn the_probe_says_whether_the_cache_works() {
    let app = TestApp::start().await;
    assert_snapshot!(app.anonymous().post_empty("/cache/test").await, @r#"
    200
    {
      "message": "缓存功能正常"
    }
    "#);
    assert_eq!(app.anonymous().get("/cache/test").await.status, 404, "no probe is left");
}

#[tokio::test]
async fn c2_bad_keys_are_refused() {
    let app = TestApp::start().await;
    assert_snapshot!(app.anonymous().get("/cache/a%2Fb").await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "path",
            "key"
          ],
          "msg": "缓存键应为1-128个字符：A-Z a-z 0-9 . _ : -",
          "type": "string_pattern_mismatch"
        }
      ]
    }
    "#);
    let long = "x".repeat(129);
    for key in
        ["a%20b", "a%0d%0ab", "a%00", "%ff", "a/b", "..%2Fx", "%2e%2e%2f", "%E9%92%A5", &long, ""]
    {
        let path = format!("/cache/{key}");
        assert_eq!(app.anonymous().get(&path).await.status, 422, "{key}");
        assert_eq!(app.anonymous().post(&path, &json!({ "data": {} })).await.status, 422, "{key}");
    }
    assert_eq!(app.anonymous().get("/cache/session:1").await.status, 404, "nothing internal");
}

#[tokio::test]
async fn c4_bad_values_are_refused() {
    let app = TestApp::start().await;
    let post = async |body| app.anonymous().post("/cache/a", &body).await;
    assert_snapshot!(post(json!({ "data": [1], "ttl": 0 })).await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "body",
            "data"
          ],
          "msg": "应为JSON对象",
          "type": "dict_type"
        },
        {
          "loc": [
            "body",
            "ttl"
          ],
          "msg": "应大于或等于1",
          "type": "greater_than_equal"
        }
      ]
    }
    "#);
    assert_snapshot!(post(json!({ "ttl": 2_592_001 })).await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "body",
            "data"
          ],
          "msg": "缺少必填字段",
          "type": "missing"
        },
        {
          "loc": [
            "body",
            "ttl"
          ],
          "msg": "应小于或等于2592000",
          "type": "less_than_equal"
        }
      ]
    }
    "#);
    for ttl in
        [json!(-1), json!(9_223_372_036_854_775_808_u64), json!("60"), json!(1.5), json!(true)]
    {
        assert_eq!(post(json!({ "data": {}, "ttl": ttl })).await.status, 422, "{ttl}");
    }
    assert_eq!(post(json!({ "data": { "x": "y".repeat(65_536) } })).await.status, 413);
}

#[tokio::test]
async fn access_is_a_setting() {
    for (access, expected) in [
        ("public", [200, 200, 200]),
        ("authenticated", [401, 200, 200]),
        ("superuser", [401, 403, 200]),
        ("off", [404, 404, 404]),
    ] {
        let app = TestApp::start_with(&[("cache_api.access", access)]).await;
        let clients = [app.anonymous(), app.user("mike").await, app.admin("root").await];
        for (client, status) in clients.iter().zip(expected) {
            let written = client.post("/cache/a", &json!({ "data": {} })).await;
            let answers = [written.status, client.post_empty("/cache/test").await.status];
            assert_eq!(answers, [status; 2], "{access}: {written}");
            assert_eq!(client.get("/cache/a").await.status, status, "{access}");
        }
    }
}
