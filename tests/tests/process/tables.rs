//! `menjin users import`, `export` and `template`: a school's year, and people from other systems.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use menjin_tests::client::Client;
use menjin_tests::process::{Server, command};
use rust_xlsxwriter::{Formula, Workbook};
use serde_json::{Value, json};

use crate::MENJIN;
use crate::users::{place, refused, said, said_json, text, users};

fn write(folder: &Path, name: &str, contents: impl AsRef<[u8]>) {
    fs::write(folder.join(name), contents).unwrap();
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// What a command says that is done but for some rows, and its complaints.
fn done_but(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = users(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// An Excel file as such files are: Chinese headings, spaces, a column more, two duplicates, a broken
/// address and a formula.
fn class(path: &Path) {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, heading) in ["用户名 ", "姓名", "邮箱", "手机号", "备注"].iter().enumerate()
    {
        sheet.write(0, u16::try_from(column).unwrap(), *heading).unwrap();
    }
    for row in 1..=60 {
        sheet.write(row, 0, format!("s{row:03}")).unwrap();
        sheet.write(row, 1, format!(" 学生{row}\u{3000}")).unwrap();
        sheet.write(row, 2, format!("s{row:03}@school.example")).unwrap();
        sheet.write(row, 3, 13_800_000_000_u64 + u64::from(row)).unwrap();
    }
    sheet.write(9, 0, "S008").unwrap();
    sheet.write(19, 2, "s018@school.example").unwrap();
    sheet.write(29, 2, "nobody at school").unwrap();
    let link = r#"=HYPERLINK("mailto:s040@school.example","s040@school.example")"#;
    sheet.write(40, 2, Formula::new(link).set_result("s040@school.example")).unwrap();
    workbook.save(path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn u2_a_class_is_imported_gets_passwords_and_leaves_again() {
    let place = place();
    let folder = place.path();
    class(&folder.join("class.xlsx"));
    let (said_first, complaints) = done_but(folder, &["import", "class.xlsx", "--dry-run"]);
    let summary = "60 rows: 57 created, 0 updated, 0 unchanged, 3 failed";
    assert_eq!(said_first, format!("{summary} (dry run: nothing was done)\n"));
    for complaint in [
        "columns that are not read: \"备注\"",
        "row 10: username: the same as in row 9",
        "row 20: email: the same as in row 19",
        "row 30: email: not an e-mail address",
        "3 rows fail",
    ] {
        assert!(complaints.contains(complaint), "{complaints}");
    }
    assert!(said(folder, &["list"]).ends_with("1 of 1\n"));

    let import =
        ["import", "class.xlsx", "--generate-passwords", "new.csv", "--failed", "failed.csv"];
    assert_eq!(done_but(folder, &import).0, format!("{summary}\n"));
    let mode = fs::metadata(folder.join("new.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else reads the passwords");
    let failed = read(folder, "failed.csv");
    assert!(failed.starts_with("\u{FEFF}row,error,用户名,姓名,邮箱,手机号,备注\r\n"), "{failed}");
    let broken = "30,email: not an e-mail address,s029,学生29,nobody at school,13800000029,";
    assert!(failed.lines().any(|line| line == broken), "{failed}");
    let corrected = failed
        .replace("S008", "s009")
        .replace("s018@school.example", "s019@school.example")
        .replace("nobody at school", "s029@school.example");
    write(folder, "corrected.csv", corrected);
    let again = ["import", "corrected.csv", "--generate-passwords", "more.csv"];
    assert_eq!(said(folder, &again), "3 rows: 3 created, 0 updated, 0 unchanged, 0 failed\n");
    let refused = refused(folder, &again);
    assert_eq!(refused.0, Some(1), "a file of passwords is not written over");
    assert!(refused.1.contains("more.csv"), "{}", refused.1);

    // The first login asks for a password of one's own.
    let server = Server::start(&mut command(MENJIN, folder));
    let passwords = read(folder, "new.csv");
    let line = passwords.lines().find(|line| line.starts_with("s040,")).unwrap();
    let first = line.split_once(',').unwrap().1.trim();
    let pupil = Client::new(&server.url).log_in("s040@school.example", first).await;
    let me = pupil.me().await.body;
    assert_eq!((&me["must_change_password"], &me["full_name"]), (&json!(true), &json!("学生40")));
    assert_eq!(me["phone"], "13800000040");
    let own = json!({
        "current_password": first,
        "new_password": "a password of my own", "confirm_password": "a password of my own",
    });
    assert_eq!(pupil.post("/api/v1/auth/change-password", &own).await.status, 200);

    // A day's ban, and the end of school with one who stays.
    said(folder, &["ban", "s041", "--until", "2099-01-31"]);
    said(folder, &["delete", "s042"]);
    said(folder, &["delete", "s043"]);
    assert!(said(folder, &["restore", "s043"]).starts_with("s043: must change the password"));
    assert!(said(folder, &["show", "s042"]).contains("deleted at"));
    // Whoever is there stays as they are.
    let summary = "60 rows: 0 created, 0 updated, 57 unchanged, 3 failed\n";
    assert_eq!(done_but(folder, &["import", "class.xlsx"]).0, summary);
    let same = Client::new(&server.url).log_in("s040", "a password of my own").await;
    assert_eq!(same.me().await.status, 200);
}

/// As the real libraries write it: Django 5.2, supabase, pwdlib of fastapi-users, passlib.
const FOREIGN: &str = "\
login,password,email
django,pbkdf2_sha256$1000$RILaMMGKf746rCp7epCCRO$z+ONMcB3hHlpOPBuSIzs2ONNsWv+pZghEQvwyu6KQBc=,d@example.com
supabase,$2a$10$n3YoNMIVG1C1PKDC9EvxVujfl/dCjOce8/SOviXuEpADeeqp6YoEm,s@example.com
fastapi,\"$argon2id$v=19$m=65536,t=3,p=4$JK8PueN6lDJiwS+sh2QbKg$5O847ukIzieIeIB6Kx6wXg3fKuqUxiJE8w1gPdwAVWY\",f@example.com
passlib,\"$scrypt$ln=10,r=4,p=3$MTIzNDU2Nzg$7n5pdWHKA+AliGCFGFSCSCoqlPn7u63DUOrB0KKxmNs\",p@example.com
toocostly,pbkdf2_sha256$9000000$RILaMMGKf746rCp7epCCRO$z+ONMcB3hHlpOPBuSIzs2ONNsWv+pZghEQvwyu6KQBc=,t@example.com
unknown,md5$abc$0123456789abcdef0123456789abcdef,u@example.com
";

#[tokio::test(flavor = "multi_thread")]
async fn u4_people_of_other_systems_log_in_with_their_old_passwords() {
    let place = place();
    let folder = place.path();
    write(folder, "foreign.csv", FOREIGN);
    let import = ["import", "foreign.csv", "--map", "password=password_hash"];
    let (summary, complaints) = done_but(folder, &import);
    assert_eq!(summary, "6 rows: 4 created, 0 updated, 0 unchanged, 2 failed\n");
    assert!(complaints.contains("row 6: password_hash: takes too much time"), "{complaints}");
    assert!(complaints.contains("row 7: password_hash: is no hash of a kind"), "{complaints}");
    let hashes = || -> Vec<(String, String)> {
        let exported = said_json(folder, &["export", "--format", "ndjson", "--with-hashes"]);
        let text = |user: &Value, key: &str| user[key].as_str().unwrap().to_owned();
        exported.iter().map(|u| (text(u, "username"), text(u, "password_hash"))).collect()
    };
    let before = hashes();
    assert!(before.iter().any(|(name, hash)| name == "django" && hash.starts_with("pbkdf2")));
    let server = Server::start(&mut command(MENJIN, folder));
    for name in ["django", "supabase", "fastapi", "passlib"] {
        let anonymous = Client::new(&server.url);
        assert_eq!(anonymous.try_log_in(name, "correct horse e").await.status, 401, "{name}");
        let me = anonymous.log_in(name, "correct horse é").await.me().await.body;
        assert_eq!(me["must_change_password"], false, "{name}: the password is the owner's own");
    }
    let after = hashes();
    for name in ["django", "supabase", "fastapi", "passlib"] {
        let hash = &after.iter().find(|(other, _)| other == name).unwrap().1;
        assert!(hash.starts_with("$2b$"), "{name} carries a hash of menjin's: {hash}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u6_what_is_exported_is_imported_elsewhere() {
    let (here, there) = (place(), place());
    let from = here.path();
    // GB18030, as spreadsheets write it in China.
    write(from, "gb.csv", b"\xd3\xc3\xbb\xa7\xc3\xfb,\xd3\xca\xcf\xe4,\xd0\xd5\xc3\xfb\nzhang,zhang@example.com,\xd5\xc5\xc8\xfd\n");
    write(
        from,
        "formula.csv",
        "username;email;full_name;password\neve;eve@example.com;'=1+1;a password of eve\n",
    );
    for file in ["gb.csv", "formula.csv"] {
        let summary = "1 rows: 1 created, 0 updated, 0 unchanged, 0 failed\n";
        assert_eq!(said(from, &["import", file]), summary, "{file}");
    }
    let csv = said(from, &["export"]);
    assert!(csv.contains("zhang,zhang@example.com,张三,student"), "{csv}");
    assert!(csv.contains("eve,eve@example.com,'=1+1,student"), "a formula is defused: {csv}");
    assert!(!csv.contains("password"), "{csv}");
    said(from, &["export", "all.ndjson", "--with-hashes"]);
    let moved = read(from, "all.ndjson");
    write(there.path(), "all.ndjson", moved);
    let summary = "3 rows: 2 created, 0 updated, 1 unchanged, 0 failed\n";
    assert_eq!(said(there.path(), &["import", "all.ndjson"]), summary);
    let server = Server::start(&mut command(MENJIN, there.path()));
    let eve = Client::new(&server.url).log_in("eve", "a password of eve").await;
    assert_eq!(eve.me().await.body["full_name"], "=1+1");
    let nobody = Client::new(&server.url).try_log_in("zhang", "!").await;
    assert_eq!(nobody.status, 401, "an account without a password has none");
    // Page by page, also over HTTP.
    let many =
        (0..2500).map(|n| format!("{{\"username\":\"user{n}\",\"email\":\"u{n}@example.com\"}}\n"));
    write(there.path(), "many.ndjson", many.collect::<String>());
    said(there.path(), &["import", "many.ndjson"]);
    let root = Client::new(&server.url).log_in("root", "correct horse battery").await;
    let exported = root.get("/api/v1/users/export?format=ndjson").await;
    let lines: std::collections::BTreeSet<_> = exported.body.as_str().unwrap().lines().collect();
    assert_eq!(lines.len(), 2503);
}

#[tokio::test(flavor = "multi_thread")]
async fn u3_a_table_changes_those_who_are_there_only_if_it_is_asked_for() {
    let place = place();
    let folder = place.path();
    let table = |name: &str, role: &str| {
        format!("username,full_name,role,is_active\nmike,{name},{role},no\nroot,Root,student,yes\n")
    };
    said(folder, &["create", "--username", "mike", "--email", "mike@example.com"]);
    write(folder, "users.csv", table("Mike", "teacher"));
    let mike = || said_json(folder, &["show", "mike", "--json"]).remove(0);
    let before = mike();
    let unchanged = "2 rows: 0 created, 0 updated, 2 unchanged, 0 failed\n";
    assert_eq!(said(folder, &["import", "users.csv"]), unchanged);
    assert_eq!(mike(), before);
    let update = ["import", "users.csv", "--on-conflict", "update"];
    assert_eq!(said(folder, &update), "2 rows: 0 created, 2 updated, 0 unchanged, 0 failed\n");
    let changed = mike();
    assert_eq!((&changed["full_name"], &changed["role"]), (&json!("Mike"), &json!("student")));
    assert_eq!(said(folder, &update), unchanged, "the same again changes nothing");
    let (summary, complaints) =
        done_but(folder, &[&update[..], &["--update", "role,activity"]].concat());
    assert_eq!(summary, "2 rows: 0 created, 1 updated, 0 unchanged, 1 failed\n");
    assert!(
        complaints.contains("row 3: it is the account of the last administrator"),
        "{complaints}"
    );
    let changed = mike();
    assert_eq!((&changed["is_active"], &changed["role"]), (&json!(false), &json!("teacher")));
    assert_eq!(done_but(folder, &["import", "users.csv", "--on-conflict", "fail"]).0, {
        "2 rows: 0 created, 0 updated, 0 unchanged, 2 failed\n"
    });
    // All or nothing: one bad row, and the good one is not done either.
    write(folder, "mixed.csv", "username,email\neve,eve@example.com\nbob,nobody\n");
    let (summary, complaints) = done_but(folder, &["import", "mixed.csv", "--all-or-nothing"]);
    assert!(summary.contains("dry run: nothing was done"), "{summary}");
    assert!(complaints.contains("1 row fails, so nothing was imported"), "{complaints}");
    assert!(said(folder, &["list"]).ends_with("2 of 2\n"));
    write(folder, "mixed.csv", "username,email\neve,eve@example.com\n");
    said(folder, &["import", "mixed.csv", "--all-or-nothing"]);
    assert!(said(folder, &["list"]).ends_with("3 of 3\n"));
}

#[test]
fn u1_a_file_that_cannot_be_read_says_what_to_do() {
    let place = place();
    let folder = place.path();
    write(folder, "users.txt", "name,class\nMike,3b\n");
    write(folder, "users.dat", "username\nmike\n");
    write(folder, "old.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old workbook");
    for (arguments, complaint) in [
        (vec!["users.txt"], "no column is named username or email"),
        (vec!["users.dat"], "say what it is, such as --format csv"),
        (vec!["none.csv"], "none.csv: No such file"),
        (vec!["old.xlsx"], "password"),
        (vec!["users.txt", "--map", "name"], "write it as HEADING=COLUMN"),
        (
            vec!["users.txt", "--map", "name=nickname"],
            "--map name=nickname: one of username, email",
        ),
        (vec!["users.txt", "--map", "login=username"], "the file has no column \"login\""),
        (vec!["users.dat", "--format", "csv", "--role", "boss"], "the role: one of student"),
    ] {
        let arguments = [&["import"], &arguments[..]].concat();
        let (code, told) = refused(folder, &arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {told}");
        assert!(told.contains(complaint), "{arguments:?}: {told}");
    }
    for (language, heading) in [("en", "username,email,full_name"), ("zh-CN", "用户名,邮箱,姓名")]
    {
        let template = said(folder, &["template", "--language", language]);
        assert!(template.starts_with(&format!("\u{FEFF}{heading}")), "{template}");
        write(folder, "template.csv", template);
        assert_eq!(said(folder, &["import", "template.csv"]), {
            "0 rows: 0 created, 0 updated, 0 unchanged, 0 failed\n"
        });
    }
}
