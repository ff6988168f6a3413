//! What administrators do in the console all day.

use menjin_tests::app::PASSWORD;
use menjin_tests::browser::Shown;
use serde_json::json;

use crate::console::start;

/// What a page shows to be written down.
fn code(shown: &Shown) -> String {
    assert!(shown.html.contains("<code>"), "{shown:?}");
    let code = shown.html.split("<code>").nth(1).unwrap();
    code.split('<').next().unwrap().to_owned()
}

fn facts(shown: &Shown) -> Vec<String> {
    let facts = shown.html.split("<dd><bdi>").skip(1);
    facts.map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn g1_a_class_is_invited_and_the_invitation_revoked() {
    let (app, browser) = start(&[]).await;
    assert!(browser.open("/console/invitations").await.html.contains("还没有邀请"));
    let fields = [
        ("email", ""),
        ("role", "student"),
        ("expires_in", "604800"),
        ("max_uses", "30"),
        ("action", "invite"),
    ];
    let issued = browser.submit("/console/invitations", &fields).await;
    let link = code(&issued);
    assert!(link.contains("/account/accept-invitation#"), "{link}");
    let token = link.split('#').nth(1).unwrap();
    let accepted = json!({
        "token": token, "username": "pupil", "password": PASSWORD, "email": "pupil@example.com",
    });
    let accepted = app.anonymous().post("/api/v1/auth/accept-invitation", &accepted).await;
    assert_eq!(accepted.status, 201, "{accepted}");
    let list = browser.open("/console/invitations").await.html;
    assert!(list.contains("持有链接的人") && list.contains("已接受 1/30"), "{list}");
    assert!(!list.contains(token), "a link is shown once");

    let bad =
        browser.submit("/console/invitations", &[("email", "no address"), ("role", "student")]);
    let bad = bad.await;
    assert_eq!(bad.status, 422, "{bad:?}");
    assert!(bad.html.contains("id=\"email-error\"") && bad.html.contains("value=\"no address\""));

    let again = browser.submit("/console/invitations", &[("item", "resend:1")]).await;
    assert_ne!(code(&again), link);
    let revoked = browser.submit("/console/invitations", &[("item", "revoke:1")]).await;
    assert!(revoked.leads_to("invitations?done"), "{revoked:?}");
    let list = browser.open("/console/invitations").await.html;
    assert!(list.contains("已撤销") && !list.contains("revoke:1"), "{list}");
    for item in ["revoke:99", "resend:x"] {
        let none = browser.submit("/console/invitations", &[("item", item)]).await;
        assert_eq!(none.status, 404, "{item}: {none:?}");
    }
}

#[tokio::test]
async fn g1_a_class_is_imported() {
    let (app, browser) = start(&[]).await;
    let template = browser.open("/console/import-template").await;
    assert!(template.html.contains("用户名"), "{template:?}");
    let table = "username,email,full_name\npupil1,pupil1@example.com,甲\npupil2,pupil2@example.com,乙\n\
                 pupil3,no address,丙\n";
    let options = [("on_conflict", "skip"), ("role", "student"), ("generate_passwords", "true")];
    let begun = browser.upload("/console/import", &options, "class.csv", table).await;
    let job = format!("/console/{}", begun.location.as_deref().unwrap());
    assert!(job.starts_with("/console/import-job?id="), "{begun:?}");
    let id = job.rsplit('=').next().unwrap().to_owned();
    let until = async |text: &str| loop {
        let shown = browser.open(&job).await;
        if shown.html.contains(text) {
            return shown;
        }
        assert!(shown.html.contains("data-wait"), "{shown:?}");
        tokio::task::yield_now().await;
    };
    let checked = until("尚未导入").await;
    assert_eq!(facts(&checked)[..5], ["3", "2", "0", "0", "1"], "{checked:?}");
    assert!(
        checked.html.contains("行 4 pupil3") && checked.html.contains("email: "),
        "{checked:?}"
    );
    let users = app.anonymous().log_in("root", PASSWORD).await.get("/api/v1/users/").await;
    assert_eq!(users.body["total"], 4, "nothing is imported before somebody says so");
    let run = browser.submit(&job, &[("id", &id), ("action", "commit")]).await;
    assert_eq!(run.status, 303, "{run:?}");
    let done = until("导入完成").await;
    assert_eq!(facts(&done)[..5], ["3", "2", "0", "0", "1"], "{done:?}");
    let failed = browser.open(&format!("/console/import-failed?id={id}")).await.html;
    assert!(failed.contains("pupil3") && !failed.contains("pupil1"), "{failed}");
    let passwords = browser.open(&format!("/console/import-passwords?id={id}")).await.html;
    let password = passwords.lines().find_map(|line| line.strip_prefix("pupil2,")).unwrap();
    let pupil = app.browser();
    pupil.log_in("pupil2", password).await;
    assert!(pupil.open("/account/profile").await.leads_to("password"));

    // What cannot be read is said beside the file.
    let bad = browser.upload("/console/import", &options, "class.pdf", "x").await;
    assert_eq!(bad.status, 415, "{bad:?}");
    let none = browser.upload("/console/import", &options, "", "").await;
    assert!(none.status == 422 && none.html.contains("id=\"file-error\""), "{none:?}");
    assert_eq!(browser.open("/console/import-job?id=99").await.status, 404);
}

#[tokio::test]
async fn g4_a_file_from_another_page_is_refused() {
    let (app, browser) = start(&[]).await;
    let foreign = app.browser();
    foreign.log_in("mike", PASSWORD).await;
    assert_eq!(foreign.upload("/console/import", &[], "a.csv", "username\nx\n").await.status, 403);
    let token = foreign.open("/account/profile").await.form_token();
    let form = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"form_token\"\r\n\r\n{token}\r\n--edge--\r\n"
    );
    for (site, form) in [("same-origin", form.as_str()), ("cross-site", form.as_str())] {
        let request = browser.request(reqwest::Method::POST, "/console/import");
        let request = request.header("sec-fetch-site", site);
        let request = request.header("content-type", "multipart/form-data; boundary=edge");
        let answer = browser.look(request.body(form.to_owned())).await;
        assert_eq!(answer.status, 403, "{site}: {answer:?}");
    }
}

#[tokio::test]
async fn g1_an_account_is_made_edited_and_given_a_role() {
    let (app, browser) = start(&[]).await;
    let new = [("username", "lena"), ("email", "lena@example.com"), ("role", "teacher")];
    let made = browser.submit("/console/new-user", &new).await;
    let lena = app.browser();
    lena.log_in("lena", &code(&made)).await;
    assert!(lena.open("/account/profile").await.leads_to("password"), "{made:?}");
    let taken = browser.submit("/console/new-user", &new).await;
    assert_eq!(taken.status, 400, "{taken:?}");
    assert!(taken.html.contains("value=\"lena@example.com\""), "{taken:?}");

    let edit = |full_name| {
        [("id", "2"), ("username", "mike"), ("email", "mike@example.com"), ("full_name", full_name)]
    };
    let shown = browser.open("/console/edit?id=2").await;
    assert_eq!(shown.value_of("username"), "mike");
    let saved = browser.submit("/console/edit?id=2", &edit("麦克")).await;
    assert!(saved.leads_to("user?id=2&done"), "{saved:?}");
    assert!(browser.open("/console/user?id=2").await.html.contains("麦克"));
    let bad =
        [("id", "2"), ("username", "m"), ("email", "mike@example.com"), ("full_name", "其他")];
    let bad = browser.submit("/console/edit?id=2", &bad).await;
    assert!(bad.status == 422 && bad.html.contains("id=\"username-error\""), "{bad:?}");
    assert!(browser.open("/console/user?id=2").await.html.contains("麦克"), "nothing was saved");

    let role = |role| [("id", "2"), ("action", "role"), ("role", role)];
    let given = browser.submit("/console/user?id=2", &role("teacher")).await;
    assert!(given.leads_to("user?id=2&done"), "{given:?}");
    let users = browser.open("/console/users?role=teacher").await.html;
    assert!(users.contains(">mike<") && users.contains(">lena<"), "{users}");
    assert_eq!(browser.submit("/console/user?id=2", &role("emperor")).await.status, 422);
    let own = [("id", "1"), ("action", "role"), ("role", "student")];
    assert_eq!(browser.submit("/console/user?id=1", &own).await.status, 403, "one's own role");
}

#[tokio::test]
async fn g1_one_device_of_a_user_is_logged_out() {
    let (app, browser) = start(&[]).await;
    let page = "/console/user-sessions?id=2";
    let all = [("id", "2"), ("action", "end-sessions")];
    assert_eq!(browser.submit("/console/user?id=2", &all).await.status, 303);
    assert!(browser.open(page).await.html.contains("没有登录的设备"));
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    let shown = browser.open(page).await;
    let session = shown.value_of("item");
    let ended = browser.submit(page, &[("id", "2"), ("item", &session)]).await;
    assert!(ended.leads_to("user-sessions?id=2&done"), "{ended:?}");
    assert_eq!(mike.get("/api/v1/users/me").await.status, 401);
}

/// Nothing is done before the result was looked at; one who is refused stops no other.
#[tokio::test]
async fn g1_many_are_changed_after_a_look_at_what_would_be_done() {
    let (_app, browser) = start(&[]).await;
    let list = browser.open("/console/users").await;
    assert!(list.html.contains("name=\"user-2\"") && list.html.contains("action=\"bulk\""));
    let token = list.form_token();
    let chosen =
        [("user-1", "true"), ("user-2", "true"), ("user-3", "true"), ("new_role", "student")];
    let with = |what, action| {
        chosen.into_iter().chain([("what", what), ("action", action)]).collect::<Vec<_>>()
    };
    let preview = browser.send("/console/bulk", &token, &with("deactivate", "preview")).await;
    assert!(preview.html.contains("尚未执行") && preview.html.contains("mike (2)"), "{preview:?}");
    let inactive = async || browser.open("/console/users?is_active=false").await.html;
    assert!(!inactive().await.contains(">mike<"), "a look changes nothing");
    let done = browser.send("/console/bulk", &token, &with("deactivate", "confirm")).await;
    assert!(done.html.contains("已完成"), "{done:?}");
    let now = inactive().await;
    assert!(
        now.contains(">mike<") && now.contains(">mia<") && !now.contains("name=\"user-1\""),
        "{now}"
    );
    let role = browser.send("/console/bulk", &token, &with("set-role", "preview")).await;
    assert!(role.html.contains("已是如此"), "{role:?}");
    for fields in [vec![("what", "deactivate")], with("explode", "confirm")] {
        let refused = browser.send("/console/bulk", &token, &fields).await;
        assert_eq!(refused.status, 422, "{refused:?}");
    }
}

#[tokio::test]
async fn g1_those_who_were_found_are_exported() {
    let (app, browser) = start(&[]).await;
    let all = browser.open("/console/export").await.html;
    assert!(all.contains("mike") && all.contains("root"), "{all}");
    let some = browser.open("/console/export?q=mi&role=student").await.html;
    assert!(some.contains("mia") && !some.contains("ann"), "{some}");
    let pupil = app.browser();
    pupil.log_in("mike", PASSWORD).await;
    assert_eq!(pupil.open("/console/export").await.status, 403);
}

#[tokio::test]
async fn g1_mails_are_listed_by_what_became_of_them() {
    let (_app, browser) = start(&[]).await;
    let none = browser.open("/console/mails?state=failed").await;
    assert!(none.status == 200 && none.html.contains("没有邮件"), "{none:?}");
    assert_eq!(browser.submit("/console/mails", &[("item", "99")]).await.status, 404);
    let user = browser.open("/console/user?id=2").await.html;
    assert!(user.contains("mails?user_id=2"), "{user}");
    let of_one = browser.open("/console/mails?user_id=2").await.html;
    let of_another = browser.open("/console/mails?user_id=1").await.html;
    assert!(of_one.contains("user?id=2") && !of_one.contains("user?id=3"), "{of_one}");
    assert!(of_another.contains("没有邮件"), "{of_another}");
}

#[tokio::test]
async fn g1_the_overview_shows_how_things_are() {
    let (app, browser) = start(&[]).await;
    let shown = browser.open("/console/overview").await;
    assert_eq!(shown.status, 200, "{shown:?}");
    let numbers = shown.html.split("<dd>").skip(1).map(|rest| rest.split('<').next().unwrap());
    // Students, teachers, administrators.
    assert_eq!(numbers.take(3).collect::<Vec<_>>(), ["3", "0", "1"], "{shown:?}");
    assert!(shown.html.contains("数据库") && shown.html.contains("正常"), "{shown:?}");
    let chart = shown.html.split("注册人数").nth(1).unwrap();
    let bars: Vec<_> = chart.split("<td>").skip(2).step_by(2).take(7).collect();
    let counts: Vec<_> = bars.iter().map(|bar| bar.split('<').next().unwrap()).collect();
    assert_eq!(counts, ["0", "0", "0", "0", "0", "0", "3"], "{chart}");
    let pupil = app.browser();
    pupil.log_in("mike", PASSWORD).await;
    assert_eq!(pupil.open("/console/overview").await.status, 403);
}

#[tokio::test]
async fn g1_settings_are_shown_with_where_they_come_from_and_without_secrets() {
    let secret = "a secret that is long enough for a server 1";
    let (app, browser) = start(&[("pages.name", "A school"), ("auth.secret", secret)]).await;
    let shown = browser.open("/console/settings").await;
    assert!(shown.html.contains("pages.name") && shown.html.contains("A school"), "{shown:?}");
    assert!(!shown.html.contains(secret), "{shown:?}");
    assert!(shown.html.contains("来源：默认值"), "{shown:?}");
    let pupil = app.browser();
    pupil.log_in("mike", PASSWORD).await;
    assert_eq!(pupil.open("/console/settings").await.status, 403);
}
