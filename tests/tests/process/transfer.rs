//! `menjin transfer`: from the embedded file to PostgreSQL and back, with everybody logged in.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use menjin_contract as contract;
use menjin_domain::transfer::{Archive as _, Batch, Contents, Row};
use menjin_infra_sqlite::{SqliteArchive, SqliteStore};
use menjin_tests::client::Client;
use menjin_tests::process::{Server, command, output};
use menjin_tests::servers::postgres;
use menjin_tests::totp::{Authenticator, begin, confirm};
use serde_json::{Value, json};

use crate::MENJIN;
use crate::command_line::{ROOT, create_admin_by};

const PASSWORD: &str = "correct horse battery";

/// menjin on this database, where anonymous logins are limited.
fn on(folder: &Path, url: &str) -> Command {
    let mut command = command(MENJIN, folder);
    command.env("MENJIN__DATABASE__URL", url).env("MENJIN__THROTTLE__PER_CLIENT__MAX", "2");
    command
}

fn transfer(folder: &Path, from: &str, to: &str) -> Output {
    output(command(MENJIN, folder).args(["transfer", "--from", from, "--to", to]))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a transfer says that it moved.
fn moved(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{}", text(&output.stderr));
    let text = text(&output.stdout);
    assert!(text.contains("both databases hold the same\n"), "{text}");
    text.lines().filter(|line| line.contains("sha256:")).map(str::to_owned).collect()
}

async fn register(client: &Client, name: &str) -> Value {
    let body = json!({
        "username": name, "email": format!("{name}@example.com"), "password": PASSWORD,
    });
    let answer = client.post("/api/v1/auth/register", &body).await;
    assert_eq!(answer.status, 201, "{answer}");
    answer.body.get("id").cloned().unwrap()
}

async fn fail_to_log_in(client: &Client, name: &str) -> u16 {
    let body = json!({ "username": name, "password": "a wrong password" });
    client.post("/api/v1/auth/login", &body).await.status
}

/// Clients as they are when the server stops, and the same ones on another server.
struct People {
    active: Client,
    replayed: Client,
    locked: Client,
    gone: Client,
}

impl People {
    async fn come(client: &Client) -> Self {
        for name in ["ann", "bob", "cid"] {
            register(client, name).await;
        }
        let active = client.log_in("ann", PASSWORD).await;
        let replayed = client.log_in("ann", PASSWORD).await;
        assert_eq!(replayed.refresh().await.status, 200);
        let newer = replayed.refresh().await;
        assert_eq!(newer.status, 200, "within the grace");
        let locked = client.log_in("bob", PASSWORD).await;
        for expected in [401, 401, 429] {
            assert_eq!(fail_to_log_in(client, "bob").await, expected);
        }
        let gone = client.log_in("cid", PASSWORD).await;
        assert_eq!(gone.post("/api/v1/auth/logout", &json!({})).await.status, 200);
        Self { active, replayed, locked, gone }
    }

    async fn go_on(&self, url: &str) {
        let at = |client: &Client| {
            let tokens = json!({
                "access_token": client.access_token, "refresh_token": client.refresh_token,
            });
            Client::new(url).with_tokens(&tokens)
        };
        assert_eq!(at(&self.active).me().await.status, 200, "ann is still logged in");
        assert_eq!(at(&self.replayed).me().await.status, 200);
        assert_eq!(at(&self.locked).me().await.status, 200);
        assert_eq!(at(&self.gone).me().await.status, 401, "cid is still logged out");
        assert_eq!(at(&self.gone).refresh().await.status, 401);
        let client = Client::new(url);
        assert_eq!(fail_to_log_in(&client, "bob").await, 429, "R11: bob is still locked");
        client.log_in("ann", PASSWORD).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_stays_logged_in_there_and_back() {
    let (file, folder) = ("sqlite://data/menjin.db", tempfile::tempdir().unwrap());
    let folder = folder.path();
    let made = create_admin_by(on(folder, file), &ROOT, PASSWORD);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let server = Server::start(&mut on(folder, file));
    let people = People::come(&Client::new(&server.url)).await;
    assert!(server.terminate().0.success());

    let url = postgres::database().await.url;
    let there = transfer(folder, file, &url);
    let said = text(&there.stdout);
    assert!(said.contains("auth.secret is in data/auth.secret\n"), "{said}");
    let both = format!("{said}{}", text(&there.stderr));
    assert!(!both.contains("canary"), "the password of the URL is shown: {both}");
    let there = moved(&there);
    for (line, rows) in there.iter().zip(["4 rows", "4 rows", "2 rows"]) {
        assert!(line.contains(rows), "{there:#?}");
    }

    let back = moved(&transfer(folder, &url, "sqlite://back/menjin.db"));
    assert_eq!(there, back, "the same goes back");

    let secret = std::fs::read_to_string(folder.join("data/auth.secret")).unwrap();
    for (name, url) in [("dan", url.as_str()), ("dan", "sqlite://back/menjin.db")] {
        let server = Server::start(on(folder, url).env("MENJIN__AUTH__SECRET", secret.trim()));
        people.go_on(&server.url).await;
        assert_eq!(register(&Client::new(&server.url), name).await, 5, "ids go on");
        assert!(server.terminate().0.success());
    }
}

/// A factor comes along, and it is said where the secret of the new place cannot read it.
#[tokio::test(flavor = "multi_thread")]
async fn y7_a_second_factor_comes_along_if_the_secret_does() {
    let (file, folder) = ("sqlite://data/menjin.db", tempfile::tempdir().unwrap());
    let folder = folder.path();
    let serve = |url: &str| {
        let mut serve = on(folder, url);
        serve.env("MENJIN__MAIL__MODE", "off");
        serve
    };
    let made = create_admin_by(on(folder, file), &ROOT, PASSWORD);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let server = Server::start(&mut serve(file));
    let root = Client::new(&server.url).log_in("root", PASSWORD).await;
    let begun = begin(&root, &json!({ "current_password": PASSWORD })).await;
    let app = Authenticator::new(begun.body["secret"].as_str().unwrap());
    let confirmed = confirm(&root, &app.code_in(0)).await;
    assert_eq!(confirmed.status, 200, "{confirmed}");
    assert!(server.terminate().0.success());

    // The other file has no secret yet, and would get one of its own.
    let warning =
        "1 accounts have a second factor or recovery codes that need the secret of the old place";
    let lost = transfer(folder, file, "sqlite://other/menjin.db");
    assert!(text(&lost.stdout).contains("both databases hold the same"), "{lost:?}");
    assert!(text(&lost.stderr).contains(warning), "{}", text(&lost.stderr));

    let secret = std::fs::read_to_string(folder.join("data/auth.secret")).unwrap();
    let url = postgres::database().await.url;
    let mut kept = command(MENJIN, folder);
    kept.args(["transfer", "--from", file, "--to", &url]);
    let kept = output(kept.env("MENJIN__AUTH__SECRET", secret.trim()));
    assert!(kept.status.success() && !text(&kept.stderr).contains("factor"), "{kept:?}");
    let server = Server::start(serve(&url).env("MENJIN__AUTH__SECRET", secret.trim()));
    let form = json!({ "username": "root", "password": PASSWORD, "otp": app.code_in(1) });
    let logged_in = Client::new(&server.url).post("/api/v1/auth/login", &form).await;
    assert_eq!(logged_in.status, 200, "{logged_in}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_transferred_is_refused_by_name() {
    let (file, folder) = ("sqlite://data/menjin.db", tempfile::tempdir().unwrap());
    let folder = folder.path();
    let made = create_admin_by(on(folder, file), &ROOT, PASSWORD);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let nowhere = "postgres://ann:canary@127.0.0.1:1/menjin";
    for (from, to, code, reason) in [
        ("sqlite://none.db", "sqlite://new.db", 1, "--from: there is no file none.db"),
        (file, "sqlite://data/../data/menjin.db", 1, "are the same database"),
        (file, nowhere, 1, "cannot use the database 127.0.0.1:1/menjin"),
        (nowhere, file, 1, "cannot use the database 127.0.0.1:1/menjin"),
        ("mysql://root:canary@db/x", file, 2, "`--from`"),
        (file, "postgres://ann:canary@db:port/x", 2, "`--to`"),
    ] {
        let output = transfer(folder, from, to);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(reason), "{reason}: {said}");
        assert!(!said.contains("canary"), "{said}");
    }
    assert!(!folder.join("none.db").exists(), "what is read is not made");
    assert_eq!(moved(&transfer(folder, file, "sqlite://new.db")).len(), 11);
    let full = transfer(folder, file, "sqlite://new.db");
    assert_eq!(full.status.code(), Some(1));
    let said = text(&full.stderr);
    assert!(said.contains("nothing was transferred") && said.contains("it has users"), "{said}");
}

/// A file with so many users that moving them takes a while.
async fn crowd(path: &Path) {
    SqliteStore::migrate(path).unwrap();
    let mut writer = SqliteArchive::at(path).unwrap().import().await.unwrap();
    let (hash, text) = (contract::hash("x"), |value: String| Some(value));
    let row = |number: i64| -> Row {
        let (name, address) = (format!("user{number}"), format!("user{number}@example.com"));
        let mut row = vec![text(number.to_string()), text(name.clone()), text(name)];
        row.extend([text(address.clone()), text(address), text(hash.expose().to_owned())]);
        row.extend([text("0".into()), text("student".into()), None, None, None, None]);
        row.extend([text("1".into()), text("0".into()), text("0".into()), None, None]);
        row.extend([None, None, text("0".into()), None]);
        row.extend([None, None, None, None, text("0".into()), None, None, text("1".into())]);
        row.extend([const { None }; 8]);
        row.extend([text("0".into()), None]);
        row
    };
    let rows: Vec<_> = (1..=20_000).map(row).collect();
    for part in rows.chunks(800) {
        writer.put(Batch { table: "users", rows: part.to_vec() }).await.unwrap();
    }
    let given = Contents { table: "users", rows: 0, last_id: Some(20_000) };
    writer.reserve_ids(vec![given]).await.unwrap();
    writer.commit().await.unwrap();
}

/// Killed at any moment, all or nothing is there, and nothing is in the way of another try.
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_is_killed_has_done_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    crowd(&folder.path().join("menjin.db")).await;
    let database = postgres::database().await;
    let mut killed = 0;
    for moment in [100, 200, 400, 800, 1600] {
        let mut command = command(MENJIN, folder.path());
        command.args(["transfer", "--from", "sqlite://menjin.db", "--to", database.url.as_str()]);
        let null = std::process::Stdio::null;
        let mut child = command.stdout(null()).stderr(null()).spawn().unwrap();
        // Not awaiting anything: the moment of the kill is to be any.
        tokio::time::sleep(Duration::from_millis(moment)).await;
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            break;
        }
        killed += 1;
        let raw = database.connect().await;
        let table = "SELECT to_regclass('users') IS NOT NULL";
        if raw.query_one(table, &[]).await.unwrap().get(0) {
            let users: i64 = raw.query_one("SELECT count(*) FROM users", &[]).await.unwrap().get(0);
            // It may have been killed between its commit and its end.
            assert!([0, 20_000].contains(&users), "{users} users, killed after {moment} ms");
            if users > 0 {
                break;
            }
        }
    }
    assert!(killed > 0, "a transfer of 20,000 users takes more than 100 ms");
    let raw = database.connect().await;
    let done: i64 = raw.query_one("SELECT count(*) FROM users", &[]).await.unwrap().get(0);
    if done == 0 {
        let lines = moved(&transfer(folder.path(), "sqlite://menjin.db", &database.url));
        assert!(lines[0].contains("20000 rows"), "{lines:#?}");
    }
    let total = "SELECT sum(total)::bigint FROM user_counts";
    let total: i64 = raw.query_one(total, &[]).await.unwrap().get(0);
    assert_eq!(total, 20_000);
}
