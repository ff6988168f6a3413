//! A certificate that makes no sense stops the start; one that does makes the address https.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use menjin_tests::client::{Client, Send as _};
use menjin_tests::process::{Server, command, output};
use menjin_tests::tls::{Authority, Pair};
use reqwest::{Method, Version};
use serde_json::json;

use crate::MENJIN;

fn secured(folder: &Path, pair: &Pair) -> Command {
    let mut command = command(MENJIN, folder);
    command.env("MENJIN__SERVER__TLS__CERTIFICATE", &pair.certificate);
    command.env("MENJIN__SERVER__TLS__KEY", &pair.key);
    command
}

#[test]
fn bad_certificates_and_keys_are_named() {
    let (authority, files) = (Authority::default(), tempfile::tempdir().unwrap());
    let (pair, other) = (authority.certify(files.path()), tempfile::tempdir().unwrap());
    let other = authority.certify(other.path()).key;
    let place = |name: &str| files.path().join(name);
    std::fs::write(place("empty.pem"), "").unwrap();
    std::fs::write(place("torn.pem"), "-----BEGIN CERTIFICATE-----\ncanary").unwrap();
    let inside = "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n";
    std::fs::write(place("nonsense.pem"), inside).unwrap();
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nY2FuYXJ5\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(place("locked.key"), locked).unwrap();
    std::fs::write(place("nonsense.key"), inside.replace("CERTIFICATE", "PRIVATE KEY")).unwrap();
    for (certificate, key, name, code) in [
        (place("nowhere.pem"), pair.key.clone(), "server.tls.certificate", 1),
        (place("empty.pem"), pair.key.clone(), "server.tls.certificate", 1),
        (place("torn.pem"), pair.key.clone(), "server.tls.certificate", 1),
        (place("nonsense.pem"), pair.key.clone(), "server.tls.certificate", 1),
        (pair.key.clone(), pair.key.clone(), "server.tls.certificate", 1),
        (pair.certificate.clone(), place("nowhere.key"), "server.tls.key", 1),
        (pair.certificate.clone(), place("empty.pem"), "server.tls.key", 1),
        (pair.certificate.clone(), place("locked.key"), "server.tls.key", 1),
        (pair.certificate.clone(), place("nonsense.key"), "server.tls.key", 1),
        (pair.certificate.clone(), other, "server.tls.key", 1),
        (pair.certificate.clone(), "".into(), "server.tls.key", 2),
        ("".into(), pair.key.clone(), "server.tls.certificate", 2),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(MENJIN, folder.path());
        command.env("MENJIN__SERVER__TLS__CERTIFICATE", &certificate);
        command.env("MENJIN__SERVER__TLS__KEY", &key);
        let output = output(&mut command);
        let text = String::from_utf8(output.stderr).unwrap();
        let at = format!("{} {}: {text}", certificate.display(), key.display());
        assert_eq!(output.status.code(), Some(code), "{at}");
        assert!(text.contains(name) && !text.contains("canary"), "{at}");
        assert!(!text.contains("Y2FuYXJ5"), "{at}");
        let made = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(made, 0, "a start that failed left something behind: {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f7_sigterm_answers_what_is_in_flight_over_http2() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let pair = authority.certify(folder.path());
    // A hash of about a second: in flight for long enough.
    let server = Server::start(secured(folder.path(), &pair).env("MENJIN__HASHING__COST", "14"));
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let client = Client::trusting(&authority.client(&["h2"]), &server.url);
    let body = json!({ "username": "mike", "email": "m@example.com", "password": "password123" });
    assert_eq!(client.get("/health").await.version, Version::HTTP_2);
    let request = client.request(Method::POST, "/api/v1/auth/register").json(&body);
    let in_flight = tokio::spawn(request.answer());
    // The same connection: the request has arrived once one that was sent after it is answered.
    assert_eq!(client.get("/health").await.status, 200);
    let started = Instant::now();
    let (status, log) = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    assert!(status.success(), "{log:#?}");
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(in_flight.await.unwrap().status, 201);
}
