//! What signals do.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use menjin_tests::client::Client;
use menjin_tests::process::{Server, command};
use menjin_tests::tls::Authority;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::MENJIN;
use crate::postgres::on;
use crate::tls::secured;

/// Signals that must not end it.
const HARMLESS: [Signal; 3] = [Signal::HUP, Signal::USR1, Signal::USR2];

#[tokio::test(flavor = "multi_thread")]
async fn j05_harmless_signals_do_no_harm() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(&mut command(MENJIN, folder.path()));
    let client = Client::new(&server.url);
    for signal in HARMLESS.into_iter().cycle().take(9) {
        server.signal(signal);
        assert_eq!(client.get("/health/ready").await.status, 200, "{signal:?}");
    }
    server.wait_for_log("\"event\":\"reloaded\"");
    assert!(server.terminate().0.success());
}

/// During the start too, while it waits for its database.
#[tokio::test(flavor = "multi_thread")]
async fn j05_harmless_signals_do_no_harm_to_a_server_that_waits() {
    let folder = TempDir::new().unwrap();
    let url = "postgres://ann:canary@127.0.0.1:1/menjin";
    let server = Server::start_waiting(&mut on(url, folder.path()));
    let client = Client::new(&server.url);
    for signal in HARMLESS {
        server.signal(signal);
        assert_eq!(client.get("/health/live").await.status, 200, "{signal:?}");
    }
    server.wait_for_log("\"event\":\"reloaded\"");
    server.signal(Signal::QUIT);
    assert!(server.wait().0.success());
}

#[test]
fn j05_each_signal_that_stops_stops_in_order() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let folder = TempDir::new().unwrap();
        let server = Server::start(&mut command(MENJIN, folder.path()));
        server.signal(signal);
        let (status, log) = server.wait();
        assert!(status.success(), "{signal:?}: {status}");
        assert!(log.last().unwrap().contains("\"event\":\"stopped\""), "{log:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j05_a_hang_up_takes_over_the_level_of_the_log() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config/local.toml");
    std::fs::create_dir(folder.path().join("config")).unwrap();
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    write("[log]\nlevel = \"info\"\n");
    let server = Server::start(&mut command(MENJIN, folder.path()));
    let client = Client::new(&server.url);
    write("[log]\nlevel = \"trace\"\n");
    server.signal(Signal::HUP);
    server.wait_for_log("\"event\":\"reloaded\"");
    client.get("/health/ready").await;
    server.wait_for_log("\"level\":\"TRACE\"");
    // A mistake changes nothing, and does not stop the server.
    for mistake in ["[log]\nlevel = \"no=such=level\"\n", "[log\n", "[log]\nleevl = \"info\"\n"] {
        write(mistake);
        server.signal(Signal::HUP);
        server.wait_for_log("\"event\":\"not_reloaded\"");
        assert_eq!(client.get("/health/ready").await.status, 200);
        server.wait_for_log("\"level\":\"TRACE\"");
    }
    write("[log]\nlevel = \"info\"\n");
    server.signal(Signal::HUP);
    server.wait_for_log("\"event\":\"reloaded\"");
    client.get("/health/ready").await;
    let (status, log) = server.terminate();
    assert!(status.success());
    assert!(log.iter().any(|line| line.contains("/health/ready")), "{log:#?}");
    assert!(!log.iter().any(|line| line.contains("TRACE")), "{log:#?}");
}

#[test]
fn j05_a_hang_up_takes_over_the_certificate() {
    let (folder, files) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let pair = Authority::default().certify(files.path());
    let mut command = secured(folder.path(), &pair);
    let server = Server::start(command.env("MENJIN__SERVER__TLS__CHECK_EVERY", "1h"));
    let new = Authority::default().certify(TempDir::new().unwrap().keep().as_path());
    std::fs::copy(&new.key, &pair.key).unwrap();
    std::fs::copy(&new.certificate, &pair.certificate).unwrap();
    server.signal(Signal::HUP);
    server.wait_for_log("a new one is used");
    assert!(server.terminate().0.success());
}

#[test]
fn j05_a_second_signal_stops_at_once() {
    for (first, second) in [(Signal::TERM, Signal::TERM), (Signal::INT, Signal::INT)] {
        let folder = TempDir::new().unwrap();
        let mut command = command(MENJIN, folder.path());
        let server = Server::start(command.env("MENJIN__SERVER__SHUTDOWN_TIMEOUT", "60s"));
        let mut connection = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
        // A request whose body never comes is in flight.
        connection
            .write_all(
                b"POST /api/v1/auth/register HTTP/1.1\r\nHost: menjin\r\nExpect: 100-continue\r\n\
                  Content-Type: application/json\r\nContent-Length: 100\r\n\r\n",
            )
            .unwrap();
        let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        connection.read_exact(&mut go_on).unwrap();
        let started = Instant::now();
        server.signal(first);
        server.wait_for_log("\"event\":\"stopping\"");
        server.signal(second);
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(1), "{log:#?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}
