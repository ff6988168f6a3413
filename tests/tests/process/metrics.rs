//! Metrics, on an address of their own.

use std::net::TcpListener;

use menjin_tests::client::Client;
use menjin_tests::process::{Server, command, output};
use menjin_tests::servers::free_port;
use serde_json::json;

use crate::MENJIN;

/// The value of a metric as Prometheus reads it.
fn value(metrics: &str, name: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[tokio::test]
async fn metrics_are_served_on_an_address_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let mut settings = command(MENJIN, folder.path());
    let server = Server::start(settings.env("MENJIN__METRICS__LISTEN", &address));
    let client = Client::new(&server.url);
    let body = json!({ "username": "mike", "email": "m@example.com", "password": "password123" });
    assert_eq!(client.post("/api/v1/auth/register", &body).await.status, 201);
    for path in ["/api/v1/users/1", "/api/v1/users/2", "/metrics", "/no/such/path"] {
        assert!([401, 404].contains(&client.get(path).await.status), "{path}");
    }
    let metrics = Client::new(format!("http://{address}")).get("/metrics").await;
    assert_eq!(metrics.status, 200, "{metrics}");
    let metrics = metrics.body.as_str().unwrap();
    for (name, expected) in [
        (
            r#"menjin_http_requests_total{method="POST",route="/api/v1/auth/register",status="201"}"#,
            1.0,
        ),
        (
            r#"menjin_http_requests_total{method="GET",route="/api/v1/users/{user_id}",status="401"}"#,
            2.0,
        ),
        (r#"menjin_http_requests_total{method="GET",route="none",status="404"}"#, 2.0),
        (r#"menjin_http_request_duration_seconds_count{method="GET",route="none"}"#, 2.0),
        ("menjin_hashing_wait_seconds_count", 1.0),
        ("menjin_hashing_waiting", 0.0),
        (r#"menjin_hashing_refused_total{reason="full"}"#, 0.0),
        (r#"menjin_hashing_refused_total{reason="late"}"#, 0.0),
    ] {
        assert_eq!(value(metrics, name), Some(expected), "{name}:\n{metrics}");
    }
    assert!(value(metrics, "menjin_hashing_lanes").unwrap() >= 1.0);
    assert!(metrics.contains(r#"menjin_build_info{version=""#));
    assert!(!metrics.contains("/no/such/path"), "clients would decide how many series there are");
    assert!(!metrics.contains("mike"));
}

#[test]
fn an_address_that_is_taken_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = output(command(MENJIN, folder.path()).env("MENJIN__METRICS__LISTEN", address));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("metrics.listen"), "{said}");
}
