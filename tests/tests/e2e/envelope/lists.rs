//! Lists of users, and queries that are refused.

use insta::assert_snapshot;
use menjin_tests::app::TestApp;
use serde_json::json;

use super::register;

#[tokio::test]
async fn i1_bad_queries_are_refused() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    assert_snapshot!(admin.get("/api/auth/users?skip=-1&limit=1001&role=boss").await, @r#"
    422
    {
      "code": 422,
      "data": {
        "detail": [
          {
            "loc": [
              "query",
              "skip"
            ],
            "msg": "跳过的记录数应大于或等于0",
            "type": "value_error"
          },
          {
            "loc": [
              "query",
              "limit"
            ],
            "msg": "返回的记录数应小于或等于1000",
            "type": "value_error"
          },
          {
            "loc": [
              "query",
              "role"
            ],
            "msg": "用户角色应为 student、teacher 或 admin",
            "type": "value_error"
          }
        ]
      },
      "message": "数据验证失败"
    }
    "#);
    for query in [
        "skip=-1",
        "skip=9223372036854775808",
        "skip=NaN",
        "skip=1e9",
        "skip=",
        "after_id=",
        "after_id=0",
        "after_id=-1",
        "after_id=x",
        "after_id=9223372036854775808",
        "after_id=1&after_id=2",
        "after_id=1&skip=1",
        "limit=0",
        "limit=-1",
        "limit=1001",
        "limit=9223372036854775808",
        "limit=1&limit=2",
        "role=",
        "role=Admin",
        "role=a&role=b",
        "page=2",
    ] {
        let answer = admin.get(&format!("/api/auth/users?{query}")).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!(422)), "{query}: {answer}");
    }
    for query in [
        "",
        "skip=9223372036854775807",
        "after_id=9223372036854775807",
        "after_id=1&skip=0",
        "limit=1000",
        "_page=2",
    ] {
        assert_eq!(admin.get(&format!("/api/auth/users?{query}")).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn pages_are_in_the_order_of_ids_and_total_counts_all() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    for n in 0..5 {
        let role = if n % 2 == 0 { "student" } else { "teacher" };
        let email = format!("u{n}@example.com");
        let changes = json!({ "username": format!("user{n}"), "email": email, "role": role });
        assert_eq!(register(&app.anonymous(), &changes).await.status, 200);
    }
    let page = async |query: &str| {
        let answer = admin.get(&format!("/api/auth/users?{query}")).await;
        let data = &answer.body["data"];
        let ids: Vec<i64> = data["users"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["id"].as_i64().unwrap())
            .collect();
        (ids, data["total"].as_i64().unwrap())
    };
    assert_eq!(page("").await, (vec![1, 2, 3, 4, 5, 6], 6));
    assert_eq!(page("skip=2&limit=2").await, (vec![3, 4], 6));
    assert_eq!(page("role=student&skip=1").await, (vec![4, 6], 3));
    assert_eq!(page("role=admin").await, (vec![1], 1));
    assert_eq!(page("skip=100").await, (vec![], 6));
    assert_eq!(page("after_id=2&limit=2").await, (vec![3, 4], 6));
    assert_eq!(page("after_id=2&role=student").await, (vec![4, 6], 3));
    assert_eq!(page("after_id=6").await, (vec![], 6));
}
