//! A certificate that makes no sense stops the start; one that does makes the address https.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use menjin_tests::process::{Server, command, output};
use menjin_tests::tls::{Authority, Pair};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::MENJIN;

pub(crate) fn secured(folder: &Path, pair: &Pair) -> Command {
    let mut command = command(MENJIN, folder);
    command.env("MENJIN__SERVER__TLS__CERTIFICATE", &pair.certificate);
    command.env("MENJIN__SERVER__TLS__KEY", &pair.key);
    command
}

#[test]
fn h7_bad_certificates_and_keys_are_named() {
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
    for (certificate, key, name) in [
        (place("nowhere.pem"), pair.key.clone(), "server.tls.certificate"),
        (place("empty.pem"), pair.key.clone(), "server.tls.certificate"),
        (place("torn.pem"), pair.key.clone(), "server.tls.certificate"),
        (place("nonsense.pem"), pair.key.clone(), "server.tls.certificate"),
        (pair.key.clone(), pair.key.clone(), "server.tls.certificate"),
        (pair.certificate.clone(), place("nowhere.key"), "server.tls.key"),
        (pair.certificate.clone(), place("empty.pem"), "server.tls.key"),
        (pair.certificate.clone(), place("locked.key"), "server.tls.key"),
        (pair.certificate.clone(), place("nonsense.key"), "server.tls.key"),
        (pair.certificate.clone(), other, "server.tls.key"),
        (pair.certificate.clone(), "".into(), "server.tls.key"),
        ("".into(), pair.key.clone(), "server.tls.certificate"),
    ] {
        for arguments in [&[][..], &["config", "check"]] {
            let folder = tempfile::tempdir().unwrap();
            let mut command = command(MENJIN, folder.path());
            command.args(arguments);
            command.env("MENJIN__SERVER__TLS__CERTIFICATE", &certificate);
            command.env("MENJIN__SERVER__TLS__KEY", &key);
            let output = output(&mut command);
            let text = String::from_utf8(output.stderr).unwrap();
            let at = format!("{arguments:?} {} {}: {text}", certificate.display(), key.display());
            assert_eq!(output.status.code(), Some(2), "{at}");
            assert!(text.contains(name) && !text.contains("canary"), "{at}");
            assert!(!text.contains("Y2FuYXJ5"), "{at}");
            let made = std::fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(made, 0, "a start that failed left something behind: {at}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h7_a_renewal_that_makes_no_sense_is_logged_and_the_old_certificate_kept() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let pair = authority.certify(folder.path());
    let mut command = secured(folder.path(), &pair);
    let server = Server::start(command.env("MENJIN__SERVER__TLS__CHECK_EVERY", "20ms"));
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(authority.certify(other.path()).key, &pair.key).unwrap();
    let server = waited_for(server, r#""level":"ERROR""#).await;
    assert_eq!(authority.shown(&server.url).await, pair.der);
    std::fs::remove_file(&pair.key).unwrap();
    let server = waited_for(server, "server.tls.key").await;
    assert_eq!(authority.shown(&server.url).await, pair.der);
    let new = authority.certify(folder.path());
    let server = waited_for(server, "a new one is used").await;
    assert_eq!(authority.shown(&server.url).await, new.der);
}

/// Waits for this in the log, without holding up what else the test does.
async fn waited_for(server: Server, text: &'static str) -> Server {
    let waiting = tokio::task::spawn_blocking(move || {
        server.wait_for_log(text);
        server
    });
    waiting.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn f7_sigterm_answers_what_is_in_flight_over_tls() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let pair = authority.certify(folder.path());
    // A hash of about a second: in flight for long enough.
    let server = Server::start(secured(folder.path(), &pair).env("MENJIN__HASHING__COST", "13"));
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let mut stream = authority.connect(&server.url, &["http/1.1"]).await;
    let body = json!({ "username": "mike", "email": "m@example.com", "password": "password123" });
    let body = body.to_string();
    let head = format!(
        "POST /api/v1/auth/register HTTP/1.1\r\nHost: menjin\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body: it has begun with the request.
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut go_on).await.unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100 "), "{}", go_on.escape_ascii());
    stream.write_all(body.as_bytes()).await.unwrap();
    let started = Instant::now();
    let (status, log) = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    assert!(status.success(), "{log:#?}");
    assert!(started.elapsed() < Duration::from_secs(10));
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}
