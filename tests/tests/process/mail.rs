//! Mails of the real binary: what is lost when it is killed (nothing), what its log says of tokens
//! (nothing), and its commands.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use menjin_domain::common::Clock as _;
use menjin_domain::mail::{Claim, Outbox as _};
use menjin_infra_mail::{SentMailBody, SentMails};
use menjin_infra_memory::SystemClock;
use menjin_infra_sqlite::{SqliteConfig, SqliteStore};
use menjin_tests::app::token_in;
use menjin_tests::client::Client;
use menjin_tests::measurements::measured;
use menjin_tests::process::{Server, command, output};
use menjin_tests::servers::smtp::SmtpServer;
use menjin_tests::size::kills;
use menjin_tests::waiting::until;
use serde_json::{Value, json};

use crate::MENJIN;

const PASSWORD: &str = "password123";
const NEW: &str = "newpassword456";

fn menjin(folder: &Path) -> Command {
    let mut command = command(MENJIN, folder);
    command.env("MENJIN__MAIL__CHECK_EVERY", "10ms");
    command
}

async fn register(client: &Client, name: &str) {
    let body = json!({
        "username": name, "email": format!("{name}@example.com"), "password": PASSWORD,
    });
    let answer = client.post("/api/v1/auth/register", &body).await;
    assert_eq!(answer.status, 201, "{answer}");
}

/// How long something may take that has no limit of its own.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than a worker that died had a mail for itself.
const LEASE: Duration = Duration::from_secs(150);

/// The mails in the folder once there are this many.
async fn mails(folder: &Path, number: usize) -> Vec<SentMailBody> {
    let sent = SentMails::new(folder.join("data/mail"));
    // The folder is there once the server has started.
    let listed = async || sent.list().await.unwrap_or_default();
    let have_come = async || listed().await.len() >= number;
    until(&format!("{number} mails come"), PATIENCE, have_come).await;
    let mut bodies = Vec::new();
    for mail in listed().await {
        bodies.push(sent.read(&mail.id).await.unwrap().unwrap());
    }
    bodies
}

fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let output = output(command);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Each registration that was acknowledged has its mail, however the server ended after it.
#[tokio::test]
async fn m1_no_mail_is_lost_when_the_server_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let rounds = kills(6).min(200);
    for round in 0..rounds {
        let mut server = Server::start(&mut menjin(folder.path()));
        let client = Client::new(&server.url);
        register(&client, &format!("user{round}")).await;
        // Now before the mail was claimed, now while it is sent, now afterwards.
        let pause = Duration::from_micros(u64::try_from(round).unwrap() % 10 * 2500);
        tokio::time::sleep(pause).await;
        server.kill();
    }
    let server = Server::start(&mut menjin(folder.path()));
    let states = || {
        let mut list = menjin(folder.path());
        let (code, listed, told) = said(list.args(["mail", "list", "--json", "--limit", "1000"]));
        assert_eq!(code, Some(0), "{told}");
        let row = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        listed.lines().map(|line| row(line)["state"].clone()).collect::<Vec<_>>()
    };
    let waiting = || states().iter().filter(|state| *state == "queued").count();
    assert_eq!(states().len(), rounds, "each has its row");
    assert!(states().iter().all(|state| state != "failed"));
    // What a killed worker had claimed comes free after two minutes: the long suite waits for it.
    let deadline = Instant::now() + if rounds > 6 { LEASE } else { Duration::ZERO };
    while waiting() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let waiting = waiting();
    assert!(rounds <= 6 || waiting == 0, "{waiting} mails were not sent");
    measured("M1", "killed after a registration", format!("{rounds} times, {waiting} mails left"));
    let files = std::fs::read_dir(folder.path().join("data/mail")).unwrap();
    let files = files.filter(|file| {
        file.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "eml")
    });
    let sent = files.count();
    assert!(sent <= rounds && sent + waiting >= rounds, "{sent} and {waiting} of {rounds}");
    drop(server);
}

/// The outbox, beside the server.
async fn outbox(folder: &Path) -> SqliteStore {
    let path = folder.join("data/menjin.db");
    let open = move || SqliteStore::open(SqliteConfig::at(path)).unwrap();
    tokio::task::spawn_blocking(open).await.unwrap()
}

/// Whatever is leased is free again, as it is two minutes after its worker has died.
async fn free_leases(store: &SqliteStore) {
    let now = SystemClock.now();
    let claim = Claim { at: now + LEASE, until: now, limit: 1000 };
    store.claim(claim).await.unwrap();
}

/// The server is killed while the mail server has the recipient and not yet the mail, and while it has
/// the mail and has not yet said so. Each registration has its mail, and there are no more mails than
/// registrations and kills; whoever gets one twice can tell by its id.
#[tokio::test]
async fn m1_killed_between_claim_send_and_mark_no_mail_is_lost_and_few_come_twice() {
    let folder = tempfile::tempdir().unwrap();
    let smtp = SmtpServer::start(&["--slow", "0.3"]);
    let serve = || {
        let mut command = menjin(folder.path());
        let port = smtp.port().to_string();
        for (name, value) in [
            ("MENJIN__MAIL__MODE", "smtp"),
            ("MENJIN__MAIL__FROM", "menjin@site.example"),
            ("MENJIN__MAIL__SMTP__HOST", "127.0.0.1"),
            ("MENJIN__MAIL__SMTP__TLS", "none"),
            ("MENJIN__MAIL__SMTP__PORT", &port),
        ] {
            command.env(name, value);
        }
        Server::start(&mut command)
    };
    let rounds = kills(6).min(200);
    for round in 0..rounds {
        let mut server = serve();
        let outbox = outbox(folder.path()).await;
        // One mail is on its way when the server is killed.
        let is_empty = async || outbox.backlog().await.unwrap().queued == 0;
        until("the mails before are sent", PATIENCE, is_empty).await;
        let (heard, taken) = (smtp.heard().len(), smtp.mails().len());
        register(&Client::new(&server.url), &format!("user{round}")).await;
        let is_time = async || match round % 2 {
            0 => smtp.heard().iter().skip(heard).any(|line| line.contains("RCPT")),
            _ => smtp.mails().len() > taken,
        };
        until("the mail server has heard of it", PATIENCE, is_time).await;
        server.kill();
        free_leases(&outbox).await;
    }
    let server = serve();
    let ids = || {
        let id = |mail: &String| {
            let mail: Value = serde_json::from_str(mail).unwrap();
            (mail["to"][0].clone().to_string(), mail["headers"]["Message-ID"].clone().to_string())
        };
        smtp.mails().iter().map(id).collect::<Vec<_>>()
    };
    let has_each = async || ids().iter().collect::<BTreeSet<_>>().len() == rounds;
    until("each has its mail", PATIENCE, has_each).await;
    let said = server.terminate().0;
    assert!(said.success());
    let (all, each) = (ids().len(), ids().into_iter().collect::<BTreeSet<_>>());
    let addresses: BTreeSet<_> = each.iter().map(|(to, _)| to).collect();
    assert_eq!((each.len(), addresses.len()), (rounds, rounds), "one id for each mail");
    assert!(all <= 2 * rounds, "{all} mails for {rounds} registrations and as many kills");
    assert!(all > rounds, "some were killed after the mail server had taken the mail");
    measured("M1", "killed while a mail was sent", format!("{rounds} times, {all} mails came"));
}

/// At no level.
#[tokio::test]
async fn k1_no_line_of_the_log_has_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(menjin(folder.path()).env("MENJIN__LOG__LEVEL", "trace"));
    let client = Client::new(&server.url);
    register(&client, "mike").await;
    let name = json!({ "username": "mike" });
    assert_eq!(client.post("/api/v1/auth/forgot-password", &name).await.status, 202);
    let mails = mails(folder.path(), 2).await;
    let mut tokens = Vec::new();
    for mail in &mails {
        let token = token_in(mail);
        let body = json!({ "token": token, "new_password": NEW });
        let reset = client.post("/api/v1/auth/reset-password", &body).await.status;
        let verified = client.post("/api/v1/auth/verify-email", &body).await.status;
        assert!(reset == 200 || verified == 200 || reset == 400, "{reset} {verified}");
        tokens.push(token);
    }
    let (_, lines) = server.terminate();
    assert!(lines.iter().any(|line| line.contains("mail_sent")), "{lines:?}");
    for token in tokens {
        let told = lines.iter().find(|line| line.contains(&token[..12]));
        assert_eq!(told, None);
    }
}

#[tokio::test]
async fn w6_whoever_owns_the_machine_makes_a_link_to_a_new_password() {
    let folder = tempfile::tempdir().unwrap();
    let off = |folder: &Path| {
        let mut command = menjin(folder);
        command.env("MENJIN__MAIL__MODE", "off");
        command.env("MENJIN__SERVER__PUBLIC_URL", "https://accounts.example");
        command
    };
    let server = Server::start(&mut off(folder.path()));
    let client = Client::new(&server.url);
    register(&client, "mike").await;
    let name = json!({ "username": "mike" });
    let refused = client.post("/api/v1/auth/forgot-password", &name).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("mail_off")), "{refused}");
    let (code, link, told) = said(off(folder.path()).args(["users", "reset-link", "nobody"]));
    assert_eq!((code, link.as_str()), (Some(1), ""), "{told}");
    assert!(told.contains("nobody has this name"), "{told}");
    let (code, link, told) = said(off(folder.path()).args(["users", "reset-link", "MIKE"]));
    assert_eq!(code, Some(0), "{told}");
    let (page, token) = link.trim().split_once('#').unwrap();
    assert_eq!(page, "https://accounts.example/account/reset-password");
    let body = json!({ "token": token, "new_password": NEW });
    assert_eq!(client.post("/api/v1/auth/reset-password", &body).await.status, 200);
    let mike = client.log_in("mike", NEW).await;
    assert_eq!(mike.me().await.body["is_verified"], Value::Bool(false), "it proves no address");
    drop(server);
    let (code, records, _) = said(off(folder.path()).args(["audit", "export"]));
    assert_eq!(code, Some(0));
    assert!(records.contains("reset_link_made") && !records.contains(token), "{records}");
}

#[tokio::test]
async fn m8_mails_are_listed_and_tried_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&mut menjin(folder.path()));
    register(&Client::new(&server.url), "mike").await;
    mails(folder.path(), 1).await;
    let (code, table, told) = said(menjin(folder.path()).args(["mail", "list"]));
    assert_eq!(code, Some(0), "{told}");
    assert!(
        table.contains("verify_email  mike@example.com") && table.ends_with("1 of 1\n"),
        "{table}"
    );
    let (code, none, _) = said(menjin(folder.path()).args(["mail", "list", "--state", "failed"]));
    assert_eq!((code, none.as_str()), (Some(0), "0 of 0\n"));
    for (id, why) in
        [("1", "cannot be tried again"), ("99", "no such mail"), ("0", "an id of a mail")]
    {
        let (code, _, told) = said(menjin(folder.path()).args(["mail", "retry", id]));
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains(why), "{told}");
    }
    let (code, done, told) =
        said(menjin(folder.path()).args(["mail", "test", "--to", "root@example.com"]));
    assert_eq!(
        (code, done.as_str()),
        (Some(0), "sent a trial mail to root@example.com\n"),
        "{told}"
    );
    let sent = mails(folder.path(), 2).await;
    assert!(sent.iter().any(|mail| mail.mail.to == "root@example.com"));
    let (code, _, told) = said(menjin(folder.path()).args(["mail", "test", "--to", "nobody"]));
    assert!(code == Some(1) && told.contains("--to"), "{told}");
    // Nobody listens there.
    let mut refused = menjin(folder.path());
    refused.args(["mail", "test", "--to", "root@example.com"]).envs([
        ("MENJIN__MAIL__MODE", "smtp"),
        ("MENJIN__MAIL__FROM", "menjin@example.com"),
        ("MENJIN__MAIL__SMTP__HOST", "127.0.0.1"),
        ("MENJIN__MAIL__SMTP__PORT", "1"),
        ("MENJIN__MAIL__SMTP__TLS", "none"),
    ]);
    let (code, _, told) = said(&mut refused);
    assert!(code == Some(1) && told.contains("connection"), "{told}");
    drop(server);
}

/// The owner of the machine invites: by a code that works at once, and by mail.
#[tokio::test]
async fn n1_invitations_are_made_listed_and_revoked_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let by_invitation = ("MENJIN__REGISTRATION__MODE", "invite");
    let server = Server::start(menjin(folder.path()).env(by_invitation.0, by_invitation.1));
    let client = Client::new(&server.url);
    let run = |arguments: &[&str]| said(menjin(folder.path()).args(arguments));
    let class = ["invitations", "create", "--role", "student", "--max-uses", "2"];
    let (exit, link, told) = run(&class);
    assert_eq!(exit, Some(0), "{told}");
    let token = link.trim().split_once('#').unwrap().1.to_owned();
    assert!(told.contains(&token) && told.contains("7days"), "{told}");
    let accept = async |token: &str, name: &str| {
        let email = format!("{name}@example.com");
        let body = json!({
            "token": token, "username": name, "password": PASSWORD, "email": email,
        });
        client.post("/api/v1/auth/accept-invitation", &body).await.status
    };
    assert_eq!(accept(&token, "ann").await, 201);
    let for_bob =
        ["invitations", "create", "--role", "admin", "--email", "bob@example.com", "--json"];
    let (exit, made, told) = run(&for_bob);
    assert_eq!(exit, Some(0), "{told}");
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!((&made["state"], &made["created_by"]), (&json!("open"), &Value::Null));
    // The server sends it: of the three mails one asks ann to prove her address.
    let sent = mails(folder.path(), 2).await;
    let tokens: Vec<_> = sent.iter().map(token_in).collect();
    assert!(tokens.contains(&made["token"].as_str().unwrap().to_owned()));
    assert_eq!(accept(made["token"].as_str().unwrap(), "bob").await, 201);

    let (exit, listed, told) = run(&["invitations", "list"]);
    assert_eq!(exit, Some(0), "{told}");
    assert!(listed.contains("2  used  admin  1/1") && listed.contains("2 of 2"), "{listed}");
    let (_, listed, _) = run(&["invitations", "list", "--json", "--limit", "1"]);
    assert_eq!(serde_json::from_str::<Value>(&listed).unwrap()["id"], 2);
    assert_eq!(run(&["invitations", "revoke", "1"]).0, Some(0));
    assert_eq!(accept(&token, "carl").await, 400);
    let (exit, _, told) = run(&["invitations", "revoke", "99"]);
    assert!(exit == Some(1) && told.contains("there is no invitation 99"), "{told}");
    for (arguments, reason) in [
        (&["--role", "admin"][..], "a role with rights is given by e-mail address only"),
        (&["--role", "teachers"], "--role: one of student, teacher, admin"),
        (&["--role", "student", "--expires-in", "91d"], "from a minute to 90 days"),
        (&["--role", "student", "--email", "ann"], "--email"),
    ] {
        let (exit, _, told) = run(&[&["invitations", "create"][..], arguments].concat());
        assert!(exit == Some(1) && told.contains(reason), "{arguments:?}: {told}");
    }
}
