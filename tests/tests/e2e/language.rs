//! The language of messages.

use menjin_tests::app::TestApp;
use menjin_tests::client::Send as _;
use reqwest::Method;

async fn message(app: &TestApp, accept: Option<&str>) -> (String, String) {
    let mut request = app.anonymous().request(Method::GET, "/nowhere");
    if let Some(accept) = accept {
        request = request.header("accept-language", accept);
    }
    let answer = request.answer().await;
    assert!(answer.header("vary").unwrap().contains("Accept-Language"));
    let language = answer.header("content-language").unwrap().to_owned();
    (language, answer.body["detail"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_client_chooses_and_the_default_is_a_setting() {
    let chinese = ("zh-CN".to_owned(), "接口不存在".to_owned());
    let english = ("en".to_owned(), "Not found".to_owned());
    let app = TestApp::start().await;
    assert_eq!(message(&app, None).await, chinese);
    assert_eq!(message(&app, Some("fr")).await, chinese);
    assert_eq!(message(&app, Some("en-US,en;q=0.9,zh;q=0.1")).await, english);
    let app = TestApp::start_with(&[("locale.default", "en")]).await;
    assert_eq!(message(&app, None).await, english);
    assert_eq!(message(&app, Some("zh-TW, en;q=0.5")).await, chinese);
}
