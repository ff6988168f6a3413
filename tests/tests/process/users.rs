//! `menjin users …`, `menjin completions` and `menjin man`.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use menjin_tests::client::Client;
use menjin_tests::process::{Server, command, output, output_given};
use menjin_tests::servers::redis::{RedisServer, namespace};
use menjin_tests::totp::{Authenticator, begin, confirm};
use menjin_tests::waiting::until;
use serde_json::{Value, json};

use crate::MENJIN;
use crate::command_line::{ROOT, create_admin_by};

/// How long something may take that has no limit of its own.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn users(folder: &Path, arguments: &[&str]) -> Output {
    output(command(MENJIN, folder).arg("users").args(arguments))
}

/// What a command prints that succeeds.
pub(crate) fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = users(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// What a command prints that succeeds, a JSON value a line.
pub(crate) fn said_json(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let said = said(folder, arguments);
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The exit code and the complaint.
pub(crate) fn refused(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = users(folder, arguments);
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    (output.status.code(), text(&output.stderr))
}

const MIKE: [&str; 5] = ["create", "--username", "mike", "--email", "mike@example.com"];

/// A folder with a database, and an administrator.
pub(crate) fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = create_admin_by(command(MENJIN, folder.path()), &ROOT, "correct horse battery");
    assert!(made.status.success(), "{}", text(&made.stderr));
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_a_user_is_made_with_a_password_that_has_to_be_changed() {
    let folder = place();
    let server = Server::start(&mut command(MENJIN, folder.path()));
    let made = users(folder.path(), &[&MIKE[..], &["--full-name", "王小明"]].concat());
    let printed = text(&made.stdout);
    let (first, second) = printed.split_once('\n').unwrap();
    assert_eq!(first, "made student mike with id 2");
    let password = second.trim().strip_prefix("password: ").unwrap();
    assert!(text(&made.stderr).contains("has to change it at the next login"));

    let client = Client::new(&server.url);
    let refused = client.log_in("mike", password).await;
    let refused = refused.get("/api/v1/users/me/sessions").await;
    assert_eq!(refused.status, 403, "{refused}");
    assert_eq!(refused.body["code"], json!("password_change_required"));
    assert!(!said(folder.path(), &["show", "mike"]).contains(password));
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_a_script_makes_a_user_with_its_own_password() {
    let folder = place();
    let server = Server::start(&mut command(MENJIN, folder.path()));
    let create_mike = |more: &[&str]| {
        let mut command = command(MENJIN, folder.path());
        command.arg("users").args(MIKE).args(["--password-stdin", "--lasting"]).args(more);
        output_given(&mut command, "password123\n")
    };
    let made = create_mike(&["--role", "teacher", "--json"]);
    let user: Value = serde_json::from_slice(&made.stdout).unwrap();
    let shown = |name: &str| user.get(name).cloned();
    assert_eq!(shown("role"), Some(json!("teacher")));
    assert_eq!(shown("must_change_password"), Some(json!(false)));
    assert_eq!(shown("password"), Some(Value::Null), "one that was given is not printed: {user}");
    let me = Client::new(&server.url).log_in("mike", "password123").await.me().await;
    assert_eq!((me.status, &me.body["role"]), (200, &json!("teacher")));

    let again = create_mike(&[]);
    assert_eq!(again.status.code(), Some(3), "{}", text(&again.stderr));
    assert!(text(&again.stderr).contains("the user name is taken"));
    let again = create_mike(&["--if-absent"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert_eq!(text(&again.stdout), "there is a user mike already\n");
}

/// A server without Redis hears of nothing, and still believes its cache only for
/// `auth.session_cache_ttl`.
#[tokio::test(flavor = "multi_thread")]
async fn a9_a_running_server_sees_what_a_command_has_changed() {
    let folder = place();
    let server = Server::start(&mut command(MENJIN, folder.path()));
    let root = Client::new(&server.url).log_in("root", "correct horse battery").await;
    let set = said(folder.path(), &[&MIKE[..], &["--json"]].concat());
    let id = serde_json::from_str::<Value>(&set).unwrap()["id"].clone();
    let path = format!("/api/v1/users/{id}");
    let fields = async || root.get(&path).await.body;

    assert_eq!(
        said(folder.path(), &["set-role", "mike", "teacher"]),
        "mike: must change the password\n"
    );
    assert_eq!(fields().await["role"], json!("teacher"));
    said(folder.path(), &["deactivate", "MIKE@example.com"]);
    assert_eq!(fields().await["is_active"], json!(false));
    said(folder.path(), &["activate", "mike"]);
    assert_eq!(fields().await["is_active"], json!(true));
    let set = said(folder.path(), &["set-password", "mike", "--lasting"]);
    let password = set.lines().next().unwrap().strip_prefix("password: ").unwrap().to_owned();

    let mike = Client::new(&server.url).log_in("mike", &password).await;
    assert_eq!(mike.me().await.status, 200);
    let ban = ["ban", "mike", "--until", "2099-01-31", "--reason", "打扰课堂"];
    assert_eq!(said(folder.path(), &ban), "mike: banned until 2099-01-31T00:00:00Z\n");
    until("the session ends", PATIENCE, async || mike.me().await.status == 401).await;
    assert_eq!(fields().await["ban_reason"], json!("打扰课堂"));
    let try_in = Client::new(&server.url).try_log_in("mike", &password).await;
    assert_eq!(try_in.status, 401, "{try_in}");
    said(folder.path(), &["unban", "mike"]);
    let mike = Client::new(&server.url).log_in("mike", &password).await;

    assert!(said(folder.path(), &["delete", "mike"]).starts_with("mike: deleted at "));
    until("the session ends", PATIENCE, async || mike.me().await.status == 401).await;
    assert_eq!(said(folder.path(), &["restore", "mike"]), "mike: active\n");
    Client::new(&server.url).log_in("mike", &password).await;
}

/// Replicas are told through Redis, so that a ban does not wait for the caches.
#[tokio::test(flavor = "multi_thread")]
async fn a9_with_redis_a_running_server_sees_it_at_once() {
    let folder = place();
    let redis = RedisServer::start(&[]);
    let namespace = namespace();
    let mut on = command(MENJIN, folder.path());
    let with = |command: &mut Command| {
        command.env("MENJIN__REDIS__URL", redis.url());
        command.env("MENJIN__REDIS__NAMESPACE", &namespace);
        command.env("MENJIN__AUTH__SESSION_CACHE_TTL", "1m");
    };
    with(&mut on);
    let server = Server::start(&mut on);
    let root = Client::new(&server.url).log_in("root", "correct horse battery").await;
    assert_eq!(root.me().await.status, 200);
    let mut ends = command(MENJIN, folder.path());
    with(&mut ends);
    let set = output(ends.args(["users", "set-password", "root", "--lasting"]));
    assert!(set.status.success(), "{}", text(&set.stderr));
    let limit = Duration::from_secs(10);
    until("the session ends", limit, async || root.me().await.status == 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_users_are_listed_and_found() {
    let folder = place();
    for (name, full_name) in [("mike", "王小明"), ("mary", "李梅"), ("zoe", "Zoë")] {
        let email = format!("{name}@example.com");
        let create = ["create", "--username", name, "--email", &email, "--full-name", full_name];
        said(folder.path(), &create);
    }
    let names = |arguments: &[&str]| -> Vec<String> {
        let found = said_json(folder.path(), &[&["list", "--json"], arguments].concat());
        found.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[]), ["root", "mike", "mary", "zoe"]);
    assert_eq!(names(&["--limit", "2"]), ["root", "mike"]);
    assert_eq!(names(&["--sort", "-username"]), ["zoe", "root", "mike", "mary"]);
    assert_eq!(names(&["--search", "m"]), ["mary", "mike"]);
    assert_eq!(names(&["--search", "王"]), ["mike"]);
    assert_eq!(names(&["--role", "admin"]), ["root"]);
    assert_eq!(names(&["--active", "false"]), [""; 0]);

    let table = said(folder.path(), &["list", "--search", "王"]);
    let mut lines = table.lines();
    assert!(lines.next().unwrap().starts_with("ID  USER NAME  ROLE     STATE"), "{table}");
    assert!(lines.next().unwrap().contains("mike@example.com  王小明     never"), "{table}");
    assert_eq!(lines.next(), Some("1 of 1"));
    let shown = said_json(folder.path(), &["show", "mike@example.com", "--json"]);
    assert_eq!(shown[0]["full_name"], json!("王小明"));
}

#[test]
fn a9_what_is_wrong_is_named_and_nothing_is_changed() {
    let folder = place();
    said(folder.path(), &MIKE);
    let before = said(folder.path(), &["list", "--json"]);
    for (arguments, complaint) in [
        (&["show", "nobody"][..], "nobody has the name or address \"nobody\""),
        (&["list", "--sort", "age"], "--sort: one of id,"),
        (
            &["list", "--sort", "id", "--search", "m"],
            "--sort: together with --search, only username",
        ),
        (&["list", "--role", "boss"], "one of student, teacher, admin"),
        (&["set-role", "mike", "boss"], "one of student, teacher, admin"),
        (&["set-role", "root", "student"], "make another administrator first"),
        (&["deactivate", "root"], "make another administrator first"),
        (&["delete", "root"], "make another administrator first"),
        (&["set-password", "root"], "with --lasting"),
        (&["ban", "root", "--until", "2099-01-01"], "make another administrator first"),
        (&["ban", "mike", "--until", "2001-01-01"], "--until: a ban ends in the future"),
        (&["create", "--username", "a@b", "--email", "a@example.com"], "--username"),
        (&["create", "--username", "ann", "--email", "nowhere"], "--email"),
        (&["create", "--username", "ann", "--email", "a@example.com", "--lasting"], "--lasting"),
    ] {
        let (code, said) = refused(folder.path(), arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {said}");
        assert!(said.contains(complaint), "{arguments:?}: {said}");
    }
    let (code, complaint) = refused(folder.path(), &["ban", "mike", "--until", "tomorrow"]);
    assert_eq!(code, Some(2), "{complaint}");
    assert_eq!(said(folder.path(), &["list", "--json"]), before);
}

#[test]
fn a9_what_the_machines_owner_does_is_in_the_audit_log() {
    let folder = place();
    said(folder.path(), &MIKE);
    said(folder.path(), &["deactivate", "mike"]);
    let (code, _) = refused(folder.path(), &["deactivate", "root"]);
    assert_eq!(code, Some(1));
    let log = output(command(MENJIN, folder.path()).args(["audit", "export"]));
    let log = text(&log.stdout);
    let records = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: Vec<_> = records
        .map(|record| format!("{} {}", record["action"].as_str().unwrap(), record["outcome"]))
        .collect();
    for record in ["user_created \"success\"", "deactivated \"success\""] {
        assert!(told.iter().any(|told| told == record), "{record} in {told:#?}");
    }
    assert!(told.iter().any(|told| told == "deactivation_failed \"failure\""), "{told:#?}");
}

/// Both are made of the command line, and know what it has.
#[test]
fn a9_completions_and_manual_pages_are_made() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = output(command(MENJIN, folder.path()).args(["completions", shell]));
        assert!(script.status.success(), "{}", text(&script.stderr));
        let script = text(&script.stdout);
        assert!(script.contains("set-password") && script.contains("if-absent"), "{shell}");
    }
    let pages = folder.path().join("man1");
    let man = output(command(MENJIN, folder.path()).arg("man").arg(&pages));
    assert!(man.status.success(), "{}", text(&man.stderr));
    let page = std::fs::read_to_string(pages.join("menjin-users-ban.1")).unwrap();
    assert!(page.contains("until") && page.contains("Example"), "{page}");
    // Neither needs settings, nor a database.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A lost factor is taken away by a command; what still needs an older secret is counted.
#[tokio::test(flavor = "multi_thread")]
async fn y7_the_machines_owner_takes_a_lost_factor_away() {
    const OLD: &str = "0123456789abcdef0123456789abcdef";
    const NEW: &str = "fedcba9876543210fedcba9876543210";
    let folder = place();
    let with = |command: &mut Command| {
        command.env("MENJIN__MAIL__MODE", "off").env("MENJIN__AUTH__SECRET", OLD);
    };
    let mut serve = command(MENJIN, folder.path());
    with(&mut serve);
    let server = Server::start(&mut serve);
    let password = "correct horse battery";
    let root = Client::new(&server.url).log_in("root", password).await;
    let begun = begin(&root, &json!({ "current_password": password })).await;
    let app = Authenticator::new(begun.body["secret"].as_str().unwrap());
    let confirmed = confirm(&root, &app.code_in(0)).await;
    assert_eq!(confirmed.status, 200, "{confirmed}");
    let asked = Client::new(&server.url).try_log_in("root", password).await;
    assert_eq!(asked.body["code"], "mfa_required", "{asked}");

    let mut check = command(MENJIN, folder.path());
    check.args(["config", "check"]).env("MENJIN__AUTH__SECRET", NEW);
    let checked = output(check.env("MENJIN__AUTH__VERIFY_ONLY_SECRETS", OLD));
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let said_of_it = text(&checked.stderr);
    assert!(said_of_it.contains("1 accounts have a second factor"), "{said_of_it}");

    let removed = said(folder.path(), &["remove-factor", "root"]);
    assert_eq!(removed, "root: logs in with the password alone\n");
    until("the session ends", PATIENCE, async || root.me().await.status == 401).await;
    let logged_in = Client::new(&server.url).try_log_in("root", password).await;
    assert_eq!(logged_in.status, 200, "{logged_in}");
    let (code, complaint) = refused(folder.path(), &["remove-factor", "root"]);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("the user has no second factor"), "{complaint}");
}
