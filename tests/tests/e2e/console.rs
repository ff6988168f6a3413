//! The console: finding somebody, seeing why they cannot log in, and letting them in.

use std::time::Duration;

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::browser::{Browser, Shown};
use reqwest::Method;
use serde_json::json;

/// A server with pupils, and a browser in which an administrator is logged in.
pub(crate) async fn start(settings: &[(&str, &str)]) -> (TestApp, Browser) {
    let app = TestApp::start_with(settings).await;
    app.admin("root").await;
    for name in ["mike", "mia", "ann"] {
        app.user(name).await;
    }
    let browser = app.browser();
    let shown = browser.log_in("root", PASSWORD).await;
    assert!(shown.leads_to("profile"), "{shown:?}");
    (app, browser)
}

/// The address of the page about somebody, as the list has it.
async fn found(browser: &Browser, name: &str) -> String {
    let list = browser.open(&format!("/console/users?q={name}")).await.html;
    let link = list.split("href=\"user?id=").nth(1).unwrap().split('"').next().unwrap();
    format!("/console/user?id={link}")
}

async fn press(browser: &Browser, page: &str, action: &str) -> Shown {
    let id = page.rsplit('=').next().unwrap();
    browser.submit(page, &[("id", id), ("action", action)]).await
}

#[tokio::test]
async fn g1_users_are_found_by_search_and_filter_and_page_by_page() {
    let (app, browser) = start(&[]).await;
    assert!(browser.open("/console").await.leads_to("console/overview"));
    let names = async |query: &str| {
        let html = browser.open(&format!("/console/users{query}")).await.html;
        let names = html.split("<strong><bdi>").skip(1).map(|rest| rest.split('<').next().unwrap());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names("").await, ["root", "mike", "mia", "ann"]);
    assert_eq!(names("?q=mi").await, ["mia", "mike"]);
    assert_eq!(names("?role=admin").await, ["root"]);
    assert_eq!(names("?q=mi&role=admin").await, [""; 0]);
    assert!(browser.open("/console/users?q=nobody").await.html.contains("没有找到用户"));
    let root = app.anonymous().log_in("root", PASSWORD).await;
    root.post_empty("/api/v1/users/4/deactivate").await;
    assert_eq!(names("?is_active=false").await, ["ann"]);
    for number in 0..40 {
        app.user(&format!("pupil{number:02}")).await;
    }
    let (mut seen, mut query) = (Vec::new(), "?q=pupil".to_owned());
    loop {
        let html = browser.open(&format!("/console/users{query}")).await.html;
        seen.extend(names(&query).await);
        let Some(next) = html.split("href=\"users?").nth(1) else { break };
        query = format!("?{}", next.split('"').next().unwrap().replace("&amp;", "&"));
    }
    assert_eq!((seen.len(), seen[0].as_str(), seen[39].as_str()), (40, "pupil00", "pupil39"));
}

/// Why somebody cannot log in is said, and the button that helps is there.
#[tokio::test]
async fn g1_whoever_cannot_log_in_is_let_in() {
    let (app, browser) = start(&[("throttle.per_client.max", "2")]).await;
    let mike = found(&browser, "mike").await;
    let shown = browser.open(&mike).await.html;
    assert!(shown.contains("可以登录") && !shown.contains("解除锁定"), "{shown}");
    for _ in 0..3 {
        app.browser().log_in("mike", "a wrong password").await;
    }
    assert_eq!(app.browser().log_in("mike", PASSWORD).await.status, 429);
    let shown = browser.open(&mike).await.html;
    assert!(shown.contains("密码错误次数过多") && shown.contains("解除锁定"), "{shown}");
    assert!(press(&browser, &mike, "unlock").await.location.unwrap().ends_with("&done"));
    assert!(app.browser().log_in("mike", PASSWORD).await.leads_to("profile"));

    for (action, reason, undo) in [
        ("ban-day", "封禁至", "unban"),
        ("ban-week", "封禁至", "unban"),
        ("deactivate", "已停用", "activate"),
        ("delete", "已删除", "restore"),
    ] {
        assert_eq!(press(&browser, &mike, action).await.status, 303, "{action}");
        let shown = browser.open(&mike).await.html;
        assert!(
            shown.contains(reason) && shown.contains(&format!("value=\"{undo}\"")),
            "{action}: {shown}"
        );
        assert_eq!(app.browser().log_in("mike", PASSWORD).await.status, 401, "{action}");
        assert_eq!(press(&browser, &mike, undo).await.status, 303, "{undo}");
        assert!(app.browser().log_in("mike", PASSWORD).await.leads_to("profile"), "{undo}");
    }
    let other = app.browser();
    other.log_in("mike", PASSWORD).await;
    press(&browser, &mike, "end-sessions").await;
    assert!(other.open("/account/profile").await.leads_to("login?next=profile"));
    let made = press(&browser, &mike, "password").await;
    let first = made.html.split("<code>").nth(1).unwrap().split('<').next().unwrap();
    assert!(made.status == 200 && made.html.contains("只显示一次"), "{made:?}");
    assert!(!browser.open(&mike).await.html.contains(first), "it is shown once");
    assert!(app.browser().log_in("mike", first).await.leads_to("profile"));
    assert!(browser.open(&mike).await.html.contains("登录后须修改密码"));
}

/// What somebody without any right does not see.
const PAGES: [&str; 15] = [
    "overview",
    "users",
    "user?id=1",
    "user-sessions?id=2",
    "edit?id=2",
    "new-user",
    "export",
    "import",
    "import-job?id=1",
    "import-template",
    "import-failed?id=1",
    "invitations",
    "mails",
    "audit",
    "settings",
];

/// Pages ask for the rights that the API asks for, and show no button that does nothing.
#[tokio::test]
async fn z1_the_console_asks_for_the_rights_of_the_api() {
    let (app, _) = start(&[("roles.helper.rights", "users.read, users.unlock")]).await;
    let root = app.anonymous().log_in("root", PASSWORD).await;
    let role = root.put("/api/v1/users/4/role", &json!({ "role": "helper" })).await;
    assert_eq!(role.status, 200, "{role}");
    let pupil = app.browser();
    pupil.log_in("mike", PASSWORD).await;
    for page in PAGES {
        let refused = pupil.open(&format!("/console/{page}")).await;
        assert!(refused.status == 403 && refused.html.contains("权限不足"), "{refused:?}");
    }
    let profile = pupil.open("/account/profile").await;
    assert!(!profile.html.contains("console"), "{}", profile.html);
    let token = profile.form_token();
    let refused =
        pupil.send("/console/user", &token, &[("id", "3"), ("action", "deactivate")]).await;
    assert_eq!(refused.status, 403);

    let helper = app.browser();
    helper.log_in("ann", PASSWORD).await;
    assert!(helper.open("/account/profile").await.html.contains("../console/overview"));
    for page in PAGES {
        let may = ["overview", "users", "user?id=1"].contains(&page);
        let shown = helper.open(&format!("/console/{page}")).await;
        assert_eq!(shown.status, if may { 200 } else { 403 }, "{page}: {shown:?}");
        let name = page.split('?').next().unwrap();
        let is_listed = shown.html.contains(&format!("<li><a href=\"{name}\""));
        assert!(!is_listed || may, "{page}: {shown:?}");
    }
    let shown = helper.open("/console/user?id=3").await.html;
    assert!(!shown.contains("name=\"action\""), "nothing to unlock, and no right to more: {shown}");
    let token = helper.open("/console/users").await.form_token();
    for action in ["deactivate", "ban-day", "delete", "password", "end-sessions", "remove-factor"] {
        let refused =
            helper.send("/console/user", &token, &[("id", "3"), ("action", action)]).await;
        assert_eq!(refused.status, 403, "{action}");
    }
    // What is refused for another reason is said on the page.
    let browser = app.browser();
    browser.log_in("root", PASSWORD).await;
    let own = press(&browser, "/console/user?id=1", "deactivate").await;
    assert!(own.status == 400 && own.html.contains("class=\"error\""), "{own:?}");
    assert_eq!(browser.open("/console/user?id=99").await.status, 404);
    assert_eq!(browser.open("/console/user?id=x").await.status, 404);
}

#[tokio::test]
async fn g5_what_is_critical_asks_for_the_password_again() {
    let (app, browser) = start(&[("admin.step_up", "15m")]).await;
    let mike = found(&browser, "mike").await;
    app.clock.advance(Duration::from_secs(16 * 60));
    assert_eq!(press(&browser, &mike, "ban-day").await.status, 303);
    let id = mike.rsplit('=').next().unwrap();
    let confirm = format!("confirm?to=user%3Fid%3D{id}");
    assert!(press(&browser, &mike, "delete").await.leads_to(&confirm));
    for (page, to) in [("import", "import"), ("export?q=mi", "export%3Fq%3Dmi")] {
        let shown = browser.open(&format!("/console/{page}")).await;
        assert!(shown.leads_to(&format!("confirm?to={to}")), "{shown:?}");
    }
    assert!(!browser.open(&mike).await.html.contains("已删除"), "nothing was done");
    let page = format!("/console/{confirm}");
    let again = async |password: &str| {
        browser
            .submit(&page, &[("to", &format!("user?id={id}")), ("current_password", password)])
            .await
    };
    assert_eq!(again("a wrong password").await.status, 400);
    let before = browser.cookie();
    assert!(again(PASSWORD).await.leads_to(&format!("user?id={id}")));
    assert_ne!(browser.cookie(), before, "another cookie");
    assert_eq!(press(&browser, &mike, "delete").await.status, 303);
    assert!(browser.open(&mike).await.html.contains("已删除"));
}

#[tokio::test]
async fn g3_the_console_is_closed_after_half_an_hour_without_use() {
    let (app, browser) = start(&[]).await;
    for _ in 0..3 {
        app.clock.advance(Duration::from_secs(29 * 60));
        assert_eq!(browser.open("/console/users").await.status, 200);
    }
    app.clock.advance(Duration::from_secs(30 * 60));
    let closed = browser.open("/console/users").await;
    assert!(closed.leads_to("../account/login?next=console"), "{closed:?}");
    assert_eq!(browser.open("/account/profile").await.status, 200, "the account stays open");
    let stranger = app.browser();
    assert!(stranger.open("/console/user?id=1").await.leads_to("../account/login?next=console"));
    let token = stranger.open("/account/login?next=console").await.form_token();
    let fields = [("username", "root"), ("password", PASSWORD), ("next", "console")];
    let shown = stranger.send("/account/login", &token, &fields).await;
    assert!(shown.leads_to("../console/users"), "{shown:?}");
}

/// Who changed a role is found in the log, with names.
#[tokio::test]
async fn g1_who_did_what_is_found_in_the_log() {
    let (app, browser) = start(&[]).await;
    let root = app.anonymous().log_in("root", PASSWORD).await;
    let role = root.put("/api/v1/users/2/role", &json!({ "role": "teacher" })).await;
    assert_eq!(role.status, 200, "{role}");
    app.browser().log_in("mia", "a wrong password").await;
    root.events_once("&action=log_in_failed", 1).await;
    let titles = |html: &str| html.matches("<strong><bdi>").count();
    let all = browser.open("/console/audit").await.html;
    assert!(titles(&all) > 5 && all.contains("wrong_password"), "{all}");
    let changed = browser.open("/console/audit?action=role_changed").await.html;
    assert_eq!(titles(&changed), 1, "{changed}");
    for shown in ["操作者 root (1)", "对象 mike (2)", "更改角色", "修改了 角色", "来自 127.0.0.1"]
    {
        assert!(changed.contains(shown), "{shown}: {changed}");
    }
    let mike = browser.open("/console/user?id=2").await.html;
    assert!(mike.contains("audit?user_id=2"), "{mike}");
    let of_mike = browser.open("/console/audit?user_id=2&action=log_in_failed").await.html;
    assert!(of_mike.contains("没有记录"), "{of_mike}");
    assert_eq!(browser.open("/console/audit?user_id=x").await.status, 404);
    for _ in 0..30 {
        root.post_empty("/api/v1/users/3/deactivate").await;
        root.post_empty("/api/v1/users/3/activate").await;
    }
    let (mut seen, mut query) = (0, "?user_id=3".to_owned());
    loop {
        let html = browser.open(&format!("/console/audit{query}")).await.html;
        seen += titles(&html);
        let Some(next) = html.split("href=\"audit?").nth(1) else { break };
        query = format!("?{}", next.split('"').next().unwrap().replace("&amp;", "&"));
    }
    assert!(seen >= 60, "{seen}");
    let pupil = app.browser();
    pupil.log_in("mike", PASSWORD).await;
    assert_eq!(pupil.open("/console/audit").await.status, 403);
}

#[tokio::test]
async fn g4_forms_of_the_console_come_from_it() {
    let (app, browser) = start(&[]).await;
    let foreign = app.browser().open("/account/login").await.form_token();
    for token in ["", &foreign] {
        let refused =
            browser.send("/console/user", token, &[("id", "2"), ("action", "delete")]).await;
        assert_eq!(refused.status, 403);
    }
    let token = browser.open("/console/users").await.form_token();
    let form = [("id", "2"), ("action", "delete"), ("form_token", &token)];
    let request = browser.request(Method::POST, "/console/user").form(&form);
    assert_eq!(browser.look(request).await.status, 403, "nothing says where it is from");
    // Every form of the console, by the mark of somebody else, and from another site with the right one.
    for page in [
        "user",
        "user-sessions",
        "edit",
        "new-user",
        "bulk",
        "import-job",
        "invitations",
        "mails",
        "confirm",
    ] {
        let page = format!("/console/{page}");
        let fields = [("id", "2"), ("action", "delete"), ("item", "1")];
        assert_eq!(browser.send(&page, &foreign, &fields).await.status, 403, "{page}");
        for site in ["cross-site", "same-site", "none"] {
            let form = fields.into_iter().chain([("form_token", &*token)]).collect::<Vec<_>>();
            let request = browser.request(Method::POST, &page).header("sec-fetch-site", site);
            let answer = browser.look(request.form(&form)).await;
            assert_eq!(answer.status, 403, "{page} {site}");
        }
    }
    assert!(!browser.open("/console/user?id=2").await.html.contains("已删除"));
}

#[tokio::test]
async fn g7_without_the_setting_there_is_no_console() {
    let (_app, browser) = start(&[("pages.console", "false")]).await;
    for page in ["", "/users", "/user?id=1", "/confirm"] {
        assert_eq!(browser.open(&format!("/console{page}")).await.status, 404, "{page}");
    }
    assert!(!browser.open("/account/profile").await.html.contains("console"));
}
