//! What Redis is used for, and what goes on without it.

use std::process::Command;
use std::time::{Duration, Instant};

use menjin_tests::client::Client;
use menjin_tests::process::{Server, command, output};
use menjin_tests::servers::redis::{RedisServer, namespace};
use menjin_tests::tls::Authority;
use serde_json::{Value, json};

use crate::MENJIN;

const PASSWORD: &str = "password123";

/// A command that runs menjin on this Redis.
fn on(redis: &RedisServer, folder: &std::path::Path) -> Command {
    let mut command = command(MENJIN, folder);
    command.env("MENJIN__REDIS__URL", redis.url()).env("MENJIN__REDIS__NAMESPACE", namespace());
    command
}

async fn register(client: &Client, name: &str) -> u16 {
    let email = format!("{name}@example.com");
    let body = json!({ "username": name, "email": email, "password": PASSWORD });
    client.post("/api/v1/auth/register", &body).await.status
}

/// The statuses of `/health`, `/health/ready` and of reading the cache; and what ready says.
async fn health(client: &Client) -> (u16, u16, u16, Value) {
    let ready = client.get("/health/ready").await;
    let cached = client.get("/cache/a").await.status;
    let healthy = client.get("/health").await.status;
    (healthy, ready.status, cached, ready.body.get("status").unwrap().clone())
}

/// Everything that accounts are for: none of it needs Redis.
async fn authentication_goes_on(client: &Client, admin: &Client, name: &str) {
    let started = Instant::now();
    assert_eq!(register(client, name).await, 201);
    let user = client.log_in(name, PASSWORD).await;
    assert_eq!(client.try_log_in(name, "wrong").await.status, 401);
    assert_eq!(user.me().await.status, 200);
    let refreshed = user.refresh().await;
    assert_eq!(refreshed.status, 200);
    let user = user.with_tokens(&refreshed.body);
    let me = user.me().await.body;
    let id = me.get("id").unwrap();
    assert_eq!(admin.get(&format!("/api/v1/users/{id}")).await.status, 200);
    for (action, status) in [("deactivate", 401), ("activate", 401)] {
        let answer = admin.post_empty(&format!("/api/v1/users/{id}/{action}")).await;
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(user.me().await.status, status, "its sessions have ended");
    }
    let again = client.log_in(name, PASSWORD).await;
    assert_eq!(again.post_empty("/api/v1/auth/logout").await.status, 200);
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_without_redis_authentication_goes_on() {
    let redis = RedisServer::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let mut command = on(&redis, folder.path());
    let server = Server::start(&mut command);
    let client = Client::new(&server.url);
    assert_eq!(register(&client, "mike").await, 201);
    let make_admin = "admin create --username admin --email admin@example.com --password-stdin";
    let mut create = on(&redis, folder.path());
    create.args(make_admin.split(' ')).stdin(password_file(folder.path()));
    assert!(output(&mut create).status.success());
    let admin = client.log_in("admin", PASSWORD).await;

    let entry = json!({ "data": { "x": 1 }, "ttl": 60 });
    assert_eq!(client.post("/cache/a", &entry).await.status, 200);
    let working = (200, 200, 200, json!("ready"));
    assert_eq!(health(&client).await, working);

    redis.kill();
    let degraded = (503, 200, 500, json!("degraded"));
    assert_eq!(health(&client).await, degraded);
    assert_eq!(client.post("/cache/a", &entry).await.status, 500);
    assert_eq!(client.post_empty("/cache/test").await.status, 500);
    authentication_goes_on(&client, &admin, "killed").await;

    redis.restart();
    assert_eq!(client.post("/cache/a", &entry).await.status, 200);
    assert_eq!(health(&client).await, working);
    // The limits try it again after a second.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(client.try_log_in("killed", "wrong").await.status, 401);
    assert!(redis.ask("KEYS *").contains("rate:{login:"), "counted in Redis again");

    redis.stop();
    authentication_goes_on(&client, &admin, "stopped").await;
    assert_eq!(health(&client).await, degraded);
    redis.cont();
    assert_eq!(health(&client).await, working);
    assert_eq!(client.post_empty("/cache/test").await.status, 200);

    let (status, log) = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    assert!(status.success());
    for (text, times) in [("shared limits do not work", 2), ("shared limits work again", 1)] {
        let said = log.iter().filter(|line| line.contains(text)).count();
        assert_eq!(said, times, "once an outage: {text}\n{}", log.join("\n"));
    }
}

fn password_file(folder: &std::path::Path) -> std::fs::File {
    let path = folder.join("password");
    std::fs::write(&path, format!("{PASSWORD}\n")).unwrap();
    std::fs::File::open(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_it_starts_without_redis_and_finds_it_later() {
    let redis = RedisServer::start(&[]);
    redis.kill();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&mut on(&redis, folder.path()));
    let client = Client::new(&server.url);
    assert_eq!(register(&client, "mike").await, 201);
    assert_eq!(health(&client).await, (503, 200, 500, json!("degraded")));
    redis.restart();
    assert_eq!(health(&client).await, (200, 200, 404, json!("ready")));
}

/// Two replicas on one Redis count and cache together.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_limits_and_cache() {
    let redis = RedisServer::start(&[]);
    let name = namespace();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let servers = folders.each_ref().map(|folder| {
        let mut command = on(&redis, folder.path());
        command.env("MENJIN__REDIS__NAMESPACE", &name);
        command.env("MENJIN__THROTTLE__PER_NETWORK__MAX", "4");
        Server::start(&mut command)
    });
    let [one, two] = servers.each_ref().map(|server| Client::new(&server.url));
    let entry = json!({ "data": { "x": 1 }, "ttl": 60 });
    assert_eq!(one.post("/cache/a", &entry).await.status, 200);
    assert_eq!(two.get("/cache/a").await.body["data"], json!({ "x": 1 }));
    for number in 0..4 {
        let client = if number % 2 == 0 { &one } else { &two };
        let answer = client.try_log_in(&format!("nobody{number}"), "wrong").await;
        assert_eq!(answer.status, 401, "{answer}");
    }
    for client in [&one, &two] {
        let answer = client.try_log_in("somebody", "wrong").await;
        assert_eq!(answer.status, 429, "{answer}");
    }
}

/// TLS with the authorities of the system, and with no others.
#[tokio::test(flavor = "multi_thread")]
async fn redis_is_reached_over_tls() {
    let certificates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tls");
    let file = |name: &str| certificates.join(name).display().to_string();
    let port = menjin_tests::servers::free_port().to_string();
    let (certificate, key) = (file("server.pem"), file("server.key"));
    let arguments = ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
    let redis = RedisServer::start(&[&arguments[..], &["--tls-auth-clients", "no"]].concat());
    for (authority, healthy) in [("ca.pem", 200), ("server.key", 503)] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = on(&redis, folder.path());
        command.env("MENJIN__REDIS__URL", format!("rediss://127.0.0.1:{port}"));
        let server = Server::start(command.env("SSL_CERT_FILE", file(authority)));
        let answer = Client::new(&server.url).get("/health").await;
        assert_eq!(answer.status, healthy, "{authority}: {answer}");
    }
}

/// The settings of TLS, from the file to the handshake.
#[tokio::test(flavor = "multi_thread")]
async fn j12_redis_is_trusted_by_an_authority_of_its_own() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let server = authority.certify(folder.path());
    let own = authority.certify_client(folder.path(), "menjin");
    let shown = |path: &std::path::Path| path.display().to_string();
    let ca = shown(&authority.publish(folder.path()));
    let port = menjin_tests::servers::free_port().to_string();
    let (certificate, key) = (shown(&server.certificate), shown(&server.key));
    let redis = RedisServer::start(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
    ]);
    let url = format!("rediss://127.0.0.1:{port}");
    let (own_certificate, own_key) = (shown(&own.certificate), shown(&own.key));
    let all = [
        ("MENJIN__REDIS__CA", ca.as_str()),
        ("MENJIN__REDIS__CERT", &own_certificate),
        ("MENJIN__REDIS__KEY", &own_key),
    ];
    for (given, healthy) in [(&all[..], 200), (&all[..1], 503), (&all[1..], 503)] {
        let place = tempfile::tempdir().unwrap();
        let mut command = on(&redis, place.path());
        command.env("MENJIN__REDIS__URL", &url).envs(given.iter().copied());
        let server = Server::start(&mut command);
        let answer = Client::new(&server.url).get("/health").await;
        assert_eq!(answer.status, healthy, "{given:?}: {answer}");
    }
}

#[test]
fn j12_files_for_redis_that_cannot_be_used_stop_the_start() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    authority.publish(folder.path());
    authority.certify(folder.path());
    authority.certify_client(folder.path(), "menjin");
    let (plain, secured) = ("redis://:canary@h", "rediss://:canary@h");
    let pem = "-----BEGIN PRIVATE KEY-----canary";
    for (url, files, name) in [
        (plain, &[("CA", "ca.pem")][..], "`redis.ca`"),
        ("", &[("CA", "ca.pem")], "`redis.ca`"),
        (secured, &[("CA", "nowhere.pem")], "`redis.ca`"),
        (secured, &[("CA", "server.key")], "`redis.ca`"),
        (secured, &[("CERT", "menjin.pem")], "`redis.key`"),
        (secured, &[("KEY", "menjin.key")], "`redis.cert`"),
        (secured, &[("CERT", "menjin.pem"), ("KEY", "server.key")], "`redis.key`"),
        (secured, &[("CERT", "menjin.pem"), ("KEY", pem)], "`redis.key`"),
    ] {
        let mut command = command(MENJIN, folder.path());
        command.env("MENJIN__REDIS__URL", url);
        for (setting, value) in files {
            command.env(format!("MENJIN__REDIS__{setting}"), value);
        }
        let mut check = command;
        let checked = output(check.args(["config", "check"]));
        let complaint = String::from_utf8(checked.stderr).unwrap();
        assert_eq!(checked.status.code(), Some(2), "{url} {files:?}: {complaint}");
        assert!(complaint.contains(name) && !complaint.contains("canary"), "{complaint}");
    }
}
