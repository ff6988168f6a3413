//! Importing users over HTTP (U1–U4): a file is checked, seen by its maker alone, and committed.

use std::fmt::Write as _;
use std::time::Duration;

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Answer, Client, Send as _};
use reqwest::Method;
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};

const CSV: &str = "text/csv";

async fn send(client: &Client, query: &str, media_type: &str, file: impl Into<Vec<u8>>) -> Answer {
    let request = client.request(Method::POST, &format!("/api/v1/users/import{query}"));
    request.header("content-type", media_type).body(file.into()).answer().await
}

/// The path of an import.
fn path(import: &Answer) -> String {
    format!("/api/v1/users/imports/{}", import.body["id"])
}

/// Sends a file and waits for the report.
async fn checked(client: &Client, query: &str, file: &str) -> (String, Value) {
    let sent = send(client, query, CSV, file).await;
    assert_eq!(sent.status, 202, "{sent}");
    let report = client.rested(&path(&sent)).await;
    (path(&sent), report)
}

async fn committed(client: &Client, path: &str) -> Value {
    let begun = client.post_empty(&format!("{path}/commit")).await;
    assert_eq!(begun.status, 202, "{begun}");
    client.rested(path).await
}

fn counts(import: &Value) -> [u64; 4] {
    ["created", "updated", "unchanged", "failed"].map(|name| import[name].as_u64().unwrap())
}

/// The outcome, the field and the code of each row.
fn told(import: &Value) -> Vec<(&str, Option<&str>, Option<&str>)> {
    let results = import["results"].as_array().unwrap().iter();
    results
        .map(|row| (row["outcome"].as_str().unwrap(), row["field"].as_str(), row["code"].as_str()))
        .collect()
}

const CLASS: &str = "用户名,邮箱,姓名,密码\n\
    zhang,zhang@example.com,张三,\n\
    wang,wang@example,王五,\n\
    zhao,zhao@example.com,=HYPERLINK(1),secret words\n\
    zhang,other@example.com,李四,\n";

#[tokio::test]
async fn u2_a_file_is_checked_committed_and_sent_again_without_effect() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let (path, report) = checked(&admin, "?generate_passwords=true", CLASS).await;
    assert_eq!((&report["state"], counts(&report)), (&json!("checked"), [2, 0, 0, 2]));
    let created = ("created", None, None);
    let expected = [
        created,
        ("failed", Some("email"), Some("value_error")),
        created,
        ("failed", Some("username"), Some("duplicate_row")),
    ];
    assert_eq!(told(&report), expected);
    assert_eq!(report["results"][3]["message"], "与第2行重复");
    assert_eq!(admin.get("/api/v1/users").await.body["total"], 1, "nothing is done yet");
    let failed = admin.get(&format!("{path}/failed")).await;
    assert_eq!(failed.header("content-type"), Some("text/csv; charset=utf-8"));
    let lines: Vec<_> = failed.body.as_str().unwrap().lines().collect();
    assert_eq!(lines[0], "\u{feff}row,error,username,email,full_name");
    assert_eq!(lines[1], "3,email: 邮箱格式不正确,wang,wang@example,王五");
    assert_eq!(lines.len(), 3);

    let done = committed(&admin, &path).await;
    assert_eq!((&done["state"], counts(&done)), (&json!("done"), [2, 0, 0, 2]));
    assert_eq!(told(&done), expected);
    let password = done["results"][0]["password"].as_str().unwrap();
    assert_eq!(done["results"][2]["password"], json!(null));
    let id = &done["results"][0]["id"];
    assert_eq!(admin.get(&format!("/api/v1/users/{id}")).await.body["username"], "zhang");
    for (name, password) in [("zhang", password), ("zhao", "secret words")] {
        let user = app.anonymous().log_in(name, password).await;
        assert_eq!(user.me().await.body["must_change_password"], true, "{name} (A6)");
    }
    let found = admin.get("/api/v1/users?q=zhao").await.body;
    assert_eq!(found["users"][0]["full_name"], "=HYPERLINK(1)");
    let again = admin.post_empty(&format!("{path}/commit")).await;
    assert_eq!((again.status, &again.body["code"]), (409, &json!("import_not_checked")));

    let (path, _) = checked(&admin, "", CLASS).await;
    assert_eq!(counts(&committed(&admin, &path).await), [0, 0, 2, 2]);
    let events = admin.events("&action=user_imported").await;
    assert_eq!(events.len(), 2);
    assert_eq!((&events[0]["actor_id"], &events[0]["user_agent"].is_string()), (&json!(1), &false));
    app.clock.advance(Duration::from_secs(3600));
    assert_eq!(admin.refresh().await.status, 200);
    let admin = app.anonymous().log_in("root", PASSWORD).await;
    assert_eq!(admin.get(&path).await.status, 404, "it is gone after an hour");
}

#[tokio::test]
async fn u1_files_of_each_kind_are_taken_as_a_body_and_in_a_form() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, (heading, cell)) in
        [("Email", "c@example.com"), ("User name", "carl")].iter().enumerate()
    {
        let column = u16::try_from(column).unwrap();
        sheet.write(0, column, *heading).unwrap().write(1, column, *cell).unwrap();
    }
    let xlsx = workbook.save_to_buffer().unwrap();
    // 用户名;邮箱 and 李雷雷;li@example.com in GB18030.
    let gbk =
        b"\xd3\xc3\xbb\xa7\xc3\xfb;\xd3\xca\xcf\xe4\n\xc0\xee\xc0\xd7\xc0\xd7;li@example.com\n";
    let form = |name: &str, media_type: &str, file: &[u8]| {
        let head = format!(
            "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--x\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: {media_type}\r\n\r\n"
        );
        [head.as_bytes(), file, b"\r\n--x--\r\n"].concat()
    };
    let in_form = "multipart/form-data; boundary=x";
    let excel = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let json = br#"{"username":"eve","email":"e@example.com"}"#;
    for (media_type, file) in [
        ("text/csv; charset=utf-8", b"username\temail\nann\ta@example.com\n".to_vec()),
        ("application/x-ndjson", json.to_vec()),
        (excel, xlsx.clone()),
        (CSV, gbk.to_vec()),
        (in_form, form("class.xlsx", "application/octet-stream", &xlsx)),
        (
            in_form,
            form("class.csv", "application/vnd.ms-excel", b"email,username\nf@example.com,fay\n"),
        ),
    ] {
        let sent = send(&admin, "", media_type, file).await;
        assert_eq!(sent.status, 202, "{media_type}: {sent}");
        let report = admin.rested(&path(&sent)).await;
        assert_eq!(
            (&report["state"], counts(&report)),
            (&json!("checked"), [1, 0, 0, 0]),
            "{report}"
        );
    }
    for (media_type, file, status, code) in [
        ("text/html", b"<p>".to_vec(), 415, "unsupported_media_type"),
        ("application/json", b"{}".to_vec(), 415, "unsupported_media_type"),
        (in_form, form("class.pdf", "application/pdf", b"%PDF"), 415, "unsupported_media_type"),
        (in_form, b"--x\r\nContent-Disp".to_vec(), 400, "bad_request"),
    ] {
        let refused = send(&admin, "", media_type, file).await;
        assert_eq!(
            (refused.status, refused.body["code"].as_str()),
            (status, Some(code)),
            "{media_type}"
        );
    }
    let none = send(&admin, "", in_form, b"--x--\r\n".to_vec()).await;
    assert_eq!((none.status, &none.body["detail"][0]["loc"]), (422, &json!(["body", "file"])));
    for (file, reason) in [
        ("name,shoe\nann,43\n", "no column is named username or email"),
        ("email,E-Mail\na,b\n", "are both email"),
    ] {
        let (path, report) = checked(&admin, "", file).await;
        assert_eq!(report["state"], "failed", "{report}");
        let message = report["message"].as_str().unwrap();
        assert!(message.contains(reason), "{message}");
        assert_eq!(admin.post_empty(&format!("{path}/commit")).await.status, 409);
    }
    let template = admin.get("/api/v1/users/import/template").await;
    assert!(template.body.as_str().unwrap().starts_with("\u{feff}用户名,邮箱,姓名"), "{template}");
}

#[tokio::test]
async fn u1_the_right_is_asked_for_before_the_file_is_read_and_the_file_is_bounded() {
    let app = TestApp::start_with(&[("import.max_body", "65536")]).await;
    let admin = app.admin("root").await;
    let mike = app.user("mike").await;
    let much = "x".repeat(65_537);
    assert_eq!(send(&app.anonymous(), "", CSV, &*much).await.status, 401);
    assert_eq!(send(&mike, "", CSV, &*much).await.status, 403);
    let refused = send(&admin, "", CSV, &*much).await;
    assert_eq!((refused.status, &refused.body["code"]), (413, &json!("body_too_large")));
    assert_eq!(send(&admin, "?on_conflict=merge", CSV, &*much).await.status, 422);
    for query in ["?shoe=1", "?update=shoe", "?role=boss", "?good_from=tomorrow"] {
        assert_eq!(send(&admin, query, CSV, CLASS).await.status, 422, "{query}");
    }
}

#[tokio::test]
async fn u2_an_import_is_its_makers_and_a_user_has_one_at_a_time() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let other = app.admin("boss").await;
    let (path, _) = checked(&admin, "", CLASS).await;
    for answer in [
        other.get(&path).await,
        other.get(&format!("{path}/failed")).await,
        other.post_empty(&format!("{path}/commit")).await,
        other.delete(&path).await,
    ] {
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("job_not_found")));
    }
    // A corrected file takes the place of the one that was only looked at.
    let (corrected, _) = checked(&admin, "", "username,email\nzhang,zhang@example.com\n").await;
    assert_eq!(admin.get(&path).await.status, 404);
    assert_eq!(admin.delete(&corrected).await.status, 200);
    assert_eq!(admin.get(&corrected).await.status, 404);
    assert_eq!(admin.get("/api/v1/users").await.body["total"], 2);
    let (path, report) = checked(&admin, "?all_or_nothing=true", CLASS).await;
    assert_eq!(report["failed"], 2);
    let refused = admin.post_empty(&format!("{path}/commit")).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("rows_failed")));
}

/// A clerk who imports, with these rights beside.
async fn clerk(app: &TestApp, admin: &Client) -> Client {
    let made = json!({
        "username": "clerk", "email": "clerk@example.com", "role": "clerk",
        "password": PASSWORD, "must_change_password": false,
    });
    assert_eq!(admin.post("/api/v1/users", &made).await.status, 201);
    app.anonymous().log_in("clerk", PASSWORD).await
}

#[tokio::test]
async fn u3_each_row_is_held_to_the_rights_of_the_importer() {
    let app = TestApp::start_with(&[("roles.clerk.rights", "users.import")]).await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    let clerk = clerk(&app, &admin).await;
    for update in ["password", "role", "activity"] {
        let query = format!("?on_conflict=update&update={update}");
        assert_eq!(send(&clerk, &query, CSV, CLASS).await.status, 403, "{update}");
    }
    let file = "username,email,full_name,role,password_hash\n\
        root,,Boss,,\n\
        mike,other@example.com,,,\n\
        mike2,mike@example.com,Mike,,\n\
        eve,eve@example.com,,admin,\n\
        fay,fay@example.com,,,$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy\n\
        gil,gil@example.com,Gil,teacher,\n\
        clerk,,Me,,\n";
    let expected = [
        ("failed", None, Some("user_has_more_rights")),
        ("failed", None, Some("forbidden")),
        ("failed", None, Some("forbidden")),
        ("failed", Some("role"), Some("role_forbidden")),
        ("failed", Some("password_hash"), Some("hash_forbidden")),
        ("created", None, None),
        ("failed", None, Some("user_has_more_rights")),
    ];
    let (path, report) = checked(&clerk, "?on_conflict=update", file).await;
    assert_eq!(told(&report)[0..2], expected[0..2], "{report:#}");
    assert_eq!(told(&report)[3..], expected[3..], "{report:#}");
    let done = committed(&clerk, &path).await;
    assert_eq!(told(&done), told(&report));
    assert_eq!(admin.get("/api/v1/users/2").await.body["email"], "mike@example.com");
    // With the role goes the right, also between the check and the import.
    let (path, _) = checked(&clerk, "", "username,email\nhal,hal@example.com\n").await;
    assert_eq!(admin.put("/api/v1/users/3/role", &json!({ "role": "student" })).await.status, 200);
    let clerk = app.anonymous().log_in("clerk", PASSWORD).await;
    assert_eq!(clerk.post_empty(&format!("{path}/commit")).await.status, 403);
}

#[tokio::test]
async fn u2_an_import_goes_on_after_the_server_has_died() {
    let app = TestApp::start_with(&[("hashing.cost", "6")]).await;
    let admin = app.admin("root").await;
    let mut file = "username,email,password\n".to_owned();
    for number in 0..1200 {
        writeln!(
            file,
            "user{number},user{number}@example.com,{}",
            if number % 3 == 0 { "secret words" } else { "" }
        )
        .unwrap();
    }
    let (path, report) = checked(&admin, "", &file).await;
    assert_eq!(counts(&report), [1200, 0, 0, 0]);
    assert_eq!(admin.post_empty(&format!("{path}/commit")).await.status, 202);
    loop {
        let import = admin.get(&path).await.body;
        assert_eq!(import["state"], "importing", "it is slow enough to be interrupted");
        if import["rows"].as_u64().unwrap() >= 100 {
            break;
        }
    }
    let (clock, place) = (app.clock.clone(), app.stop().await);
    // Whoever has the lease may still be at work until it ends.
    clock.advance(Duration::from_secs(61));
    let app = TestApp::start_at(place, clock, &[("hashing.cost", "6")]).await;
    let admin = app.anonymous().log_in("root", PASSWORD).await;
    let done = admin.rested(&path).await;
    assert_eq!((&done["state"], counts(&done)), (&json!("done"), [1200, 0, 0, 0]), "each once");
    assert_eq!(admin.get("/api/v1/users").await.body["total"], 1201);
    let (mut rows, mut next) = (Vec::new(), Some("0".to_owned()));
    while let Some(part) = next {
        let report = admin.get(&format!("{path}?after={part}")).await.body;
        rows.extend(
            report["results"].as_array().unwrap().iter().map(|row| row["row"].as_u64().unwrap()),
        );
        next = report["next"].as_str().map(str::to_owned);
    }
    assert_eq!(rows, (2..1202).collect::<Vec<_>>());
    app.anonymous().log_in("user999", "secret words").await;
}

#[tokio::test]
async fn a10_an_import_asks_for_the_password_again() {
    let app = TestApp::start_with(&[("admin.step_up", "15m")]).await;
    let admin = app.admin("root").await;
    let (path, _) = checked(&admin, "", CLASS).await;
    app.clock.advance(Duration::from_secs(15 * 60));
    for answer in
        [send(&admin, "", CSV, CLASS).await, admin.post_empty(&format!("{path}/commit")).await]
    {
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (403, &json!("reauthentication_required"))
        );
    }
    let again = json!({ "current_password": PASSWORD });
    assert_eq!(admin.post("/api/v1/auth/reauthenticate", &again).await.status, 200);
    assert_eq!(committed(&admin, &path).await["state"], "done");
}
