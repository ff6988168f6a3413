//! The binary on PostgreSQL.

use std::path::Path;
use std::process::Command;

use menjin_tests::client::Client;
use menjin_tests::process::{Server, command, output, output_given};
use menjin_tests::servers::{pgbouncer, postgres};
use menjin_tests::tls::Authority;
use serde_json::json;

use crate::MENJIN;
use crate::command_line::{ROOT, create_admin_by};

/// menjin on this database.
pub(crate) fn on(url: &str, folder: &Path) -> Command {
    let mut command = command(MENJIN, folder);
    command.env("MENJIN__DATABASE__URL", url);
    command.env("MENJIN__AUTH__SECRET", "0123456789abcdef0123456789abcdef");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_works_and_replicas_share_sessions() {
    let url = postgres::database().await.url;
    let folder = tempfile::tempdir().unwrap();
    let migrate = || {
        let output = output(on(&url, folder.path()).arg("migrate"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let applied = migrate();
    let lines: Vec<_> = applied.lines().collect();
    let names = menjin_tests::migrations("postgres");
    assert_eq!(lines.len(), names.len(), "{applied}");
    for (line, name) in lines.iter().zip(names) {
        assert!(line.ends_with(&format!(": applied {name}")), "{applied}");
    }
    let again = migrate();
    assert!(again.ends_with(": nothing to do\n") && !again.contains("canary"), "{again}");
    let made = create_admin_by(on(&url, folder.path()), &ROOT, "correct horse battery\n");
    assert_eq!(String::from_utf8_lossy(&made.stdout), "made administrator root with id 1\n");

    let mut trace = on(&url, folder.path());
    let one = Server::start(trace.env("MENJIN__LOG__LEVEL", "trace"));
    let two = Server::start(&mut on(&url, folder.path()));
    let root = Client::new(&one.url).log_in("root", "correct horse battery").await;
    let tokens = json!({
        "access_token": root.access_token, "refresh_token": root.refresh_token,
    });
    let elsewhere = Client::new(&two.url).with_tokens(&tokens);
    assert_eq!(elsewhere.me().await.status, 200);
    assert_eq!(elsewhere.refresh().await.status, 200);
    assert_eq!(root.post("/api/v1/auth/logout", &json!({})).await.status, 200);
    assert_eq!(elsewhere.me().await.status, 401, "T12: logged out of every replica");
    let (status, log) = one.terminate();
    assert!(status.success());
    let log = log.join("\n");
    assert!(!log.contains("canary"), "S1: the password of the URL is in the log:\n{log}");
    drop(two);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no data folder is made");
}

/// Accounts and sessions through `PgBouncer` in transaction mode: migrated through it, on many
/// connections at once.
#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_works_through_pgbouncer() {
    let url = pgbouncer::through(&postgres::database().await).await.url;
    let folder = tempfile::tempdir().unwrap();
    let through = || {
        let mut command = on(&url, folder.path());
        let prepared = pgbouncer::keeps_statements().to_string();
        command.env("MENJIN__DATABASE__PREPARED_STATEMENTS", prepared);
        command.env("MENJIN__THROTTLE__PER_CLIENT__MAX", "3");
        command
    };
    let made = create_admin_by(through(), &ROOT, "correct horse battery\n");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let server = Server::start(&mut through());
    let client = Client::new(&server.url);
    let admin = client.log_in("root", "correct horse battery").await;
    let lives = (0..16).map(|n| life_of(client.clone(), admin.clone(), format!("user{n}")));
    let mut lives: tokio::task::JoinSet<()> = lives.collect();
    while let Some(life) = lives.join_next().await {
        life.unwrap();
    }
    assert_eq!(client.get("/health").await.status, 200);
    assert!(server.terminate().0.success());
}

/// From the registration of an account to its deactivation.
async fn life_of(client: Client, admin: Client, name: String) {
    let email = format!("{name}@example.com");
    let body = json!({ "username": name, "email": email, "password": "password123" });
    let id = client.post("/api/v1/auth/register", &body).await.body["id"].clone();
    for _ in 0..3 {
        assert_eq!(client.try_log_in(&name, "wrong").await.status, 401);
    }
    assert_eq!(client.try_log_in(&name, "password123").await.status, 429);
    let activate = format!("/api/v1/users/{id}/activate");
    assert_eq!(admin.post_empty(&activate).await.status, 200);
    let mut user = client.log_in(&name, "password123").await;
    for _ in 0..10 {
        assert_eq!(user.me().await.body["username"], json!(name));
        let refreshed = user.refresh().await;
        assert_eq!(refreshed.status, 200, "{refreshed}");
        user = user.with_tokens(&refreshed.body);
    }
    assert_eq!(user.post_empty("/api/v1/auth/logout").await.status, 200);
    assert_eq!(user.me().await.status, 401);
    let user = client.log_in(&name, "password123").await;
    assert_eq!(admin.post_empty(&format!("/api/v1/users/{id}/deactivate")).await.status, 200);
    assert_eq!(user.refresh().await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn f1_f2_without_the_database_the_answer_is_503_and_it_recovers() {
    let server = tokio::task::spawn_blocking(postgres::Server::start).await.unwrap();
    let url = server.database().await.url;
    let folder = tempfile::tempdir().unwrap();
    let menjin = Server::start(&mut on(&url, folder.path()));
    let client = Client::new(&menjin.url);
    let body = json!({ "username": "mike", "email": "m@example.com", "password": "password123" });
    assert_eq!(client.post("/api/v1/auth/register", &body).await.status, 201);
    let mike = client.log_in("mike", "password123").await;
    for (fail, mend) in [
        (postgres::Server::kill as fn(&_), postgres::Server::restart as fn(&_)),
        (postgres::Server::stop, postgres::Server::resume),
    ] {
        fail(&server);
        let started = std::time::Instant::now();
        let answer = mike.me().await;
        assert_eq!(answer.status, 503, "{answer}");
        assert!(started.elapsed().as_secs() < 3, "{:?}", started.elapsed());
        assert_eq!(client.get("/health/live").await.status, 200);
        mend(&server);
        let started = std::time::Instant::now();
        while mike.me().await.status != 200 {
            assert!(started.elapsed().as_secs() < 2, "does not recover");
        }
    }
    let (_, log) = menjin.terminate();
    let failures = log.iter().filter(|line| line.contains("a back end is unavailable"));
    let reasons: Vec<bool> =
        failures.map(|line| line.contains("\"error\":\"database is unavailable: ")).collect();
    assert!(!reasons.is_empty() && !reasons.contains(&false), "without the cause: {log:#?}");
}

#[test]
fn config_check_masks_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let url = "postgres://ann:canary@db.example:5433/menjin?sslmode=require";
    let printed = output(on(url, folder.path()).args(["config", "check"]));
    let text = String::from_utf8(printed.stdout).unwrap();
    let masked = "url = \"postgres://ann:***@db.example:5433/menjin?sslmode=require\"";
    assert!(text.lines().any(|line| line == masked) && !text.contains("canary"), "{text}");
    for line in ["pool_size = 16", "acquire_timeout = \"1s\"", "prepared_statements = true"] {
        assert!(text.lines().any(|found| found == line), "{line} in:\n{text}");
    }
}

/// How many tables there are.
async fn tables(database: &postgres::Database) -> i64 {
    let count = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    database.connect().await.query_one(count, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn j13_commands_that_expect_accounts_make_no_tables() {
    let (database, folder) = (postgres::database().await, tempfile::tempdir().unwrap());
    let place = database.url.rsplit('@').next().unwrap();
    let create = |more: &[&str]| {
        let mut create = on(&database.url, folder.path());
        create.args(["admin", "create", "--password-stdin"]).args(ROOT).args(more);
        output_given(&mut create, "correct horse battery\n")
    };
    let export = || output(on(&database.url, folder.path()).args(["audit", "export"]));
    for (refused, hint) in [
        (create(&[]), "--new-database"),
        (create(&["--if-absent"]), "--new-database"),
        (export(), "the settings of the server"),
    ] {
        let complaint = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{complaint}");
        for part in [place, "database.url", "no tables", "the settings of the server", hint] {
            assert!(complaint.contains(part), "{part}: {complaint}");
        }
        assert!(!complaint.contains("canary"), "{complaint}");
    }
    assert_eq!(tables(&database).await, 0, "nothing is made");
    let made = create(&["--new-database"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(create(&[]).status.code(), Some(3), "it is there now");
    assert!(export().status.success());

    // A server makes the tables, as ever.
    let other = postgres::database().await;
    drop(Server::start(&mut on(&other.url, folder.path())));
    let mut create = on(&other.url, folder.path());
    create.args(["admin", "create", "--password-stdin"]).args(ROOT);
    let made = output_given(&mut create, "correct horse battery\n");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A server that lets the role in by its certificate alone.
#[tokio::test(flavor = "multi_thread")]
async fn j12_the_certificate_of_the_url_is_shown_to_the_server() {
    let server = tokio::task::spawn_blocking(postgres::Server::start).await.unwrap();
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let ca = authority.publish(folder.path());
    let pair = authority.certify(folder.path());
    for name in ["menjin", "other"] {
        authority.certify_client(folder.path(), name);
    }
    server.demand_certificate(&read(&ca), "menjin").await;
    server.offer_tls(&read(&pair.certificate), &read(&pair.key)).await;
    let place = format!("postgres://menjin@127.0.0.1:{}/postgres", server.port());
    let verified = format!("{place}?sslmode=verify-full&sslrootcert=ca.pem");
    let own = |name: &str| format!("sslcert={name}.pem&sslkey={name}.key");
    for (url, reason) in [
        (&verified, "client certificate"),
        (&format!("{place}?sslmode=require"), "client certificate"),
        (&format!("{verified}&{}", own("other")), "authentication failed for user"),
    ] {
        let refused = output(on(url, folder.path()).arg("migrate"));
        let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{url}: {complaint}");
        assert!(complaint.contains(reason), "{url}: {complaint}");
    }
    for url in [
        format!("{verified}&{}", own("menjin")),
        format!("{place}?{}&sslmode=require", own("menjin")),
    ] {
        let server = Server::start(&mut on(&url, folder.path()));
        let client = Client::new(&server.url);
        assert_eq!(client.get("/health").await.status, 200, "{url}");
        assert_eq!(client.try_log_in("nobody", "wrong password").await.status, 401, "{url}");
    }
}

#[test]
fn j12_files_of_the_url_that_cannot_be_used_stop_the_start() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    authority.publish(folder.path());
    authority.certify(folder.path());
    authority.certify_client(folder.path(), "menjin");
    for (mode, files, parameter) in [
        ("require", "sslcert=menjin.pem", "sslkey"),
        ("require", "sslkey=menjin.key", "sslcert"),
        ("prefer", "sslcert=menjin.pem&sslkey=menjin.key", "sslmode"),
        ("require", "sslcert=nowhere.pem&sslkey=menjin.key", "sslcert nowhere.pem"),
        ("require", "sslcert=menjin.key&sslkey=menjin.key", "sslcert menjin.key"),
        ("require", "sslcert=menjin.pem&sslkey=nowhere.key", "sslkey nowhere.key"),
        ("require", "sslcert=menjin.pem&sslkey=menjin.pem", "sslkey menjin.pem"),
        ("require", "sslcert=menjin.pem&sslkey=server.key", "sslkey server.key"),
        ("verify-full", "sslrootcert=nowhere.pem", "sslrootcert nowhere.pem"),
        ("verify-full", "sslrootcert=menjin.key", "sslrootcert menjin.key"),
    ] {
        // Nobody listens there: it ends before it connects.
        let url = format!("postgres://menjin:canary@127.0.0.1:1/menjin?sslmode={mode}&{files}");
        let refused = output(on(&url, folder.path()).arg("migrate"));
        let complaint = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{url}: {complaint}");
        for part in ["`database.url`", parameter] {
            assert!(complaint.contains(part), "{part}: {complaint}");
        }
        assert!(!complaint.contains("canary"), "{complaint}");
    }
}
