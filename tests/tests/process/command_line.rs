//! `menjin migrate`, `menjin admin create`, `menjin --version`.

use std::path::Path;
use std::process::{Command, Output};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use menjin_tests::client::Client;
use menjin_tests::process::{Server, command, output, output_given};
use serde_json::json;

use crate::MENJIN;

fn create_admin(folder: &Path, arguments: &[&str], password: &str) -> Output {
    create_admin_by(command(MENJIN, folder), arguments, password)
}

/// Makes an administrator with a command that is ready but for that.
pub(crate) fn create_admin_by(mut command: Command, arguments: &[&str], password: &str) -> Output {
    command.args(["admin", "create", "--password-stdin", "--new-database"]).args(arguments);
    output_given(&mut command, password)
}

pub(crate) const ROOT: [&str; 4] = ["--username", "root", "--email", "root@example.com"];

#[test]
fn version_is_the_packages() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(command(MENJIN, folder.path()).arg("--version"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "menjin 0.1.0\n");
}

#[test]
fn migrate_says_what_it_did_and_then_has_nothing_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let migrate = || {
        let output = output(command(MENJIN, folder.path()).arg("migrate"));
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(migrate().contains("applied"));
    assert_eq!(migrate(), "data/menjin.db: nothing to do\n");
}

/// A database of before the first release stops the start for good, and stays as it is.
#[test]
fn an_obsolete_database_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    SqliteConnection::establish(path.to_str().unwrap())
        .unwrap()
        .batch_execute(
            "CREATE TABLE __diesel_schema_migrations (version TEXT PRIMARY KEY);
             INSERT INTO __diesel_schema_migrations VALUES ('20261121000001')",
        )
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    for arguments in [&[][..], &["migrate"]] {
        let mut command = command(MENJIN, folder.path());
        let command = command.env("MENJIN__DATABASE__URL", "sqlite://old.db").args(arguments);
        let output = output(command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("old.db") && said.contains("before the first release"), "{said}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_is_made_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&mut command(MENJIN, folder.path()));
    let made = create_admin(folder.path(), &ROOT, "correct horse battery\n");
    assert_eq!(String::from_utf8_lossy(&made.stdout), "made administrator root with id 1\n");
    let root = Client::new(&server.url).log_in("root", "correct horse battery").await;
    let me = root.me().await;
    assert_eq!((&me.body["role"], &me.body["is_superuser"]), (&json!("admin"), &json!(true)));
}

#[test]
fn bad_administrators_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    assert!(create_admin(folder.path(), &ROOT, "correct horse battery").status.success());
    for (arguments, password, reason) in [
        (&ROOT[..], "correct horse battery", "user name is taken"),
        (
            &["--username", "Ｒoot2", "--email", "ROOT@example.com"],
            "correct horse",
            "e-mail address is taken",
        ),
        (&["--username", "a@b", "--email", "a@example.com"], "correct horse", "--username"),
        (&["--username", "ann", "--email", "nowhere"], "correct horse", "--email"),
        (&["--username", "ann", "--email", "a@example.com"], "short", "password"),
        (&["--username", "ann", "--email", "a@example.com"], "12345678", "too common"),
        (&["--username", "ann", "--email", "a@example.com"], "\n", "--password-stdin"),
    ] {
        let output = create_admin(folder.path(), arguments, password);
        let text = String::from_utf8(output.stderr).unwrap();
        let code = if reason.ends_with("is taken") { 3 } else { 1 };
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.lines().last().unwrap().contains(reason), "{reason}: {text}");
    }
}
