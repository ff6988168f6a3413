//! What the log says of the proxies in front.

use menjin_tests::client::{Client, Send as _};
use menjin_tests::process::{Server, command};
use reqwest::Method;
use serde_json::json;

use crate::MENJIN;

#[tokio::test]
async fn j17_a_hop_that_cannot_be_read_is_one_line_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut menjin = command(MENJIN, folder.path());
    let server = Server::start(menjin.env("MENJIN__SERVER__TRUSTED_PROXIES", "127.0.0.1"));
    let client = Client::new(&server.url);
    let log_in = async |forwarded: &str| {
        let request = client.request(Method::POST, "/api/v1/auth/login");
        let request = request.header("x-forwarded-for", forwarded);
        let body = json!({ "username": "nobody", "password": "wrong-password" });
        assert_eq!(request.json(&body).answer().await.status, 401, "{forwarded}");
    };
    for readable in ["[2001:db8::7]", "192.0.2.9:80,", "\"[2001:db8::7]:443\"", "fe80::1%eth0"] {
        log_in(readable).await;
    }
    for _ in 0..3 {
        log_in("192.0.2.9, \"un\\known").await;
    }
    let (_, lines) = server.terminate();
    let said = lines.iter().filter(|line| line.contains("unreadable_forwarded_for"));
    let said: Vec<serde_json::Value> =
        said.map(|line| serde_json::from_str(line).unwrap()).collect();
    let [line] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((&line["level"], &line["peer"]), (&json!("WARN"), &json!("127.0.0.1")), "{line}");
    assert!(line["hop"].as_str().unwrap().contains("known"), "{line}");
}
