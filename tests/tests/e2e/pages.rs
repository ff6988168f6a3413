//! Pages for people: sessions by cookie, forms, and what the pages of an account do.

use std::time::Duration;

use menjin_tests::app::{PASSWORD, TestApp, token_in};
use menjin_tests::browser::{Browser, url_encoded};
use menjin_tests::client::Client;
use menjin_tests::totp::Authenticator;
use reqwest::Method;
use serde_json::json;

const NEW: &str = "another password 9";

/// The pages of whoever is logged in.
const PAGES: [&str; 6] = ["profile", "email", "password", "second-factor", "sessions", "delete"];

/// A server with a user, and a browser in which they are logged in.
async fn logged_in() -> (TestApp, Browser) {
    logged_in_at(TestApp::start().await).await
}

async fn logged_in_at(app: TestApp) -> (TestApp, Browser) {
    app.user("mike").await;
    let browser = app.browser();
    let shown = browser.log_in("mike", PASSWORD).await;
    assert!(shown.leads_to("profile"), "{shown:?}");
    (app, browser)
}

/// A login gives the browser another cookie, which is none of what the API knows.
#[tokio::test]
async fn g3_a_cookie_is_new_at_a_login_and_counts_on_pages_only() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let browser = app.browser();
    browser.open("/account/login").await;
    let before = browser.cookie().unwrap();
    let shown = browser.log_in("mike", PASSWORD).await;
    let set = shown.set_cookie.clone().unwrap();
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{set}");
    let cookie = browser.cookie().unwrap();
    assert_ne!(cookie, before);
    let profile = browser.open("/account/profile").await;
    assert!(profile.status == 200 && profile.html.contains("mike"), "{profile:?}");
    assert_eq!(profile.set_cookie, None);

    let by_cookie = app.anonymous().request(Method::GET, "/api/v1/users/me");
    let by_cookie = by_cookie.header("cookie", &cookie).send().await.unwrap();
    assert_eq!(by_cookie.status(), 401, "a cookie is no token");
    let stranger = app.browser();
    let bearer = stranger.request(Method::GET, "/account/profile");
    let bearer = bearer.bearer_auth(mike.access_token.as_ref().unwrap());
    assert!(stranger.look(bearer).await.leads_to("login?next=profile"), "a token is no cookie");
    let value = cookie.split_once('=').unwrap().1;
    assert_eq!(app.anonymous().with_token(value).me().await.status, 401);
    let sessions = mike.get("/api/v1/users/me/sessions").await;
    assert_eq!(sessions.body["total"], 2, "listed as any other: {sessions}");
    assert!(!sessions.to_string().contains(value), "{sessions}");

    // The one from before the login names nobody, whoever has planted it.
    let thief = app.browser();
    thief.set_cookie(Some(before));
    assert!(thief.open("/account/profile").await.leads_to("login?next=profile"));
}

/// What ends a session ends it in the browser.
#[tokio::test]
async fn g3_a_session_by_cookie_ends_as_any_other() {
    let (app, browser) = logged_in().await;
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    mike.delete("/api/v1/users/me/sessions").await;
    assert!(browser.open("/account/email").await.leads_to("login?next=email"));

    for change in ["deactivate", "ban"] {
        browser.log_in("mike", PASSWORD).await;
        assert_eq!(browser.open("/account/profile").await.status, 200);
        let root = app.admin(&format!("root-{change}")).await;
        let id = mike_id(&root).await;
        let body = json!({ "until": "2099-01-01T00:00:00Z" });
        let done = root.post(&format!("/api/v1/users/{id}/{change}"), &body).await;
        assert_eq!(done.status, 200, "{done}");
        assert!(browser.open("/account/profile").await.leads_to("login?next=profile"), "{change}");
        root.post_empty(&format!("/api/v1/users/{id}/activate")).await;
    }
}

async fn mike_id(admin: &Client) -> String {
    let found = admin.get("/api/v1/users?q=mike").await;
    found.body["users"][0]["id"].to_string()
}

/// A session that is used by its cookie lasts, and one that is not used ends.
#[tokio::test]
async fn d2_a_session_by_cookie_ends_when_it_is_not_used() {
    let app = TestApp::start_with(&[("sessions.idle_ttl", "1h")]).await;
    app.user("mike").await;
    let browser = app.browser();
    browser.log_in("mike", PASSWORD).await;
    for _ in 0..5 {
        app.clock.advance(Duration::from_secs(50 * 60));
        assert_eq!(browser.open("/account/profile").await.status, 200);
    }
    app.clock.advance(Duration::from_secs(61 * 60));
    assert!(browser.open("/account/profile").await.leads_to("login?next=profile"));
}

/// Every form, those before a login included, is refused unless it comes from a page of this server, shown to
/// this browser.
#[tokio::test]
async fn g4_a_form_of_another_site_or_browser_does_nothing() {
    let site = ("server.public_url", "http://site.example");
    let (app, browser) = logged_in_at(TestApp::start_with(&[site]).await).await;
    let other = app.browser();
    let foreign = other.open("/account/login").await.form_token();
    let own = browser.open("/account/profile").await.form_token();
    let forms = [
        "login",
        "register",
        "forgot-password",
        "reset-password",
        "verify-email",
        "undo-email-change",
        "accept-invitation",
        "logout",
    ];
    for page in forms.into_iter().chain(PAGES) {
        let path = format!("/account/{page}");
        let send = async |site: Option<(&'static str, &str)>, token: &str| {
            let form =
                [("form_token", token), ("current_password", PASSWORD), ("action", "delete")];
            let request = browser.request(Method::POST, &path).form(&form);
            let request = match site {
                Some((name, value)) => request.header(name, value),
                None => request,
            };
            browser.look(request).await
        };
        let same = Some(("sec-fetch-site", "same-origin"));
        for (site, token) in [
            (None, own.as_str()),
            (Some(("sec-fetch-site", "cross-site")), &own),
            (Some(("sec-fetch-site", "same-site")), &own),
            (Some(("origin", "https://evil.example")), &own),
            (Some(("origin", "null")), &own),
            (same, ""),
            (same, &foreign),
        ] {
            let refused = send(site, token).await;
            assert_eq!(refused.status, 403, "{page} {site:?} {token}");
            assert!(refused.html.contains("表单已失效"), "{}", refused.html);
        }
    }
    let still = browser.open("/account/profile").await;
    assert_eq!(still.status, 200, "nothing was done");
    // Off TLS and off the machine browsers say the origin only.
    let by_origin =
        browser.request(Method::POST, "/account/logout").header("origin", "http://site.example");
    let out = browser.look(by_origin.form(&[("form_token", own.as_str())])).await;
    assert!(out.leads_to("login"), "{out:?}");
    assert!(browser.open("/account/profile").await.leads_to("login?next=profile"));
}

/// A form that was filled in before the login of somebody else is not theirs.
#[tokio::test]
async fn g4_a_form_from_before_a_login_does_nothing_after_it() {
    let app = TestApp::start().await;
    app.user("mike").await;
    let browser = app.browser();
    let before = browser.open("/account/register").await.form_token();
    browser.log_in("mike", PASSWORD).await;
    assert_eq!(
        browser.send("/account/profile", &before, &[("full_name", "Eve")]).await.status,
        403
    );
}

#[tokio::test]
async fn g2_pages_may_do_what_this_server_sends_and_nothing_else() {
    let (_app, browser) = logged_in().await;
    for page in PAGES {
        let request = browser.request(Method::GET, &format!("/account/{page}"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{page}");
        let header = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        assert_eq!(
            (header("cache-control"), header("referrer-policy")),
            ("no-store".into(), "same-origin".into())
        );
        let html = answer.text().await.unwrap();
        for inline in ["<style", "style=", " onclick", "<script>", "javascript:"] {
            assert!(!html.contains(inline), "{page}: {inline}");
        }
        assert!(html.len() < 20_000, "{page}: {}", html.len());
    }
}

#[tokio::test]
async fn g6_a_login_leads_on_to_where_somebody_wanted_to_go_and_never_elsewhere() {
    let app = TestApp::start().await;
    app.user("mike").await;
    for (next, expected) in [
        ("sessions", "sessions"),
        ("/app/page?a=b", "/app/page?a=b"),
        ("//evil.example", "profile"),
        ("/\\evil.example", "profile"),
        ("javascript:alert(1)", "profile"),
    ] {
        let browser = app.browser();
        let query = url_encoded(next);
        let page = browser.open(&format!("/account/login?next={query}")).await;
        assert!(page.html.contains("name=\"next\""), "{}", page.html);
        let fields = [("username", "mike"), ("password", PASSWORD), ("next", next)];
        let shown = browser.send("/account/login", &page.form_token(), &fields).await;
        assert!(shown.leads_to(expected), "{next}: {shown:?}");
        let again = browser.open(&format!("/account/login?next={query}")).await;
        assert!(again.leads_to(expected), "{next}: whoever is logged in goes on at once");
    }
}

#[tokio::test]
async fn g1_whoever_is_not_logged_in_is_asked_to_and_comes_back() {
    let app = TestApp::start().await;
    let browser = app.browser();
    assert!(browser.open("/account").await.leads_to("account/profile"));
    for page in PAGES {
        let asked = browser.open(&format!("/account/{page}")).await;
        assert!(asked.leads_to(&format!("login?next={page}")), "{page}: {asked:?}");
    }
    let nowhere = browser.open("/account/nowhere").await;
    assert!(nowhere.status == 404 && nowhere.html.contains("<h1>"), "{nowhere:?}");
    let wrong = browser.look(browser.request(Method::PUT, "/account/login")).await;
    assert_eq!(wrong.status, 405);
}

#[tokio::test]
async fn g1_a_wrong_login_keeps_the_name_and_says_no_more_than_the_api() {
    let app = TestApp::start().await;
    app.user("mike").await;
    let browser = app.browser();
    let mut pages = Vec::new();
    for name in ["mike", "nobody"] {
        let shown = browser.log_in(name, "a wrong password").await;
        assert_eq!((shown.status, shown.value_of("username")), (401, name.to_owned()));
        assert!(
            shown.html.contains("用户名或密码错误") && !shown.html.contains("a wrong password")
        );
        pages.push(shown.html.replace(name, "…"));
    }
    assert_eq!(pages[0], pages[1]);
    for _ in 0..9 {
        browser.log_in("mike", "a wrong password").await;
    }
    assert_eq!(browser.log_in("mike", PASSWORD).await.status, 429, "counted as by the API");
}

#[tokio::test]
async fn g1_somebody_registers_and_is_logged_in() {
    let app = TestApp::start().await;
    let browser = app.browser().in_english();
    let form = |name, password| {
        [
            ("username", name),
            ("email", "ann@example.com"),
            ("password", password),
            ("full_name", ""),
        ]
    };
    let refused = browser.submit("/account/register", &form("a@b", "short")).await;
    assert_eq!((refused.status, refused.value_of("email")), (422, "ann@example.com".to_owned()));
    assert_eq!(refused.html.matches("class=\"problem\"").count(), 2, "{}", refused.html);
    assert!(!refused.html.contains("short\""), "{}", refused.html);
    let common = browser.submit("/account/register", &form("ann", "12345678")).await;
    assert!(common.status == 400 && common.html.contains("too common"), "{common:?}");
    let made = browser.submit("/account/register", &form("ann", PASSWORD)).await;
    assert!(made.leads_to("profile"), "{made:?}");
    let profile = browser.open("/account/profile").await.html;
    assert!(profile.contains("ann@example.com") && profile.contains("Log out"), "{profile}");
}

#[tokio::test]
async fn g1_nobody_is_led_to_a_registration_that_is_closed() {
    for (mode, leads) in [("open", true), ("invite", false), ("closed", false)] {
        let app = TestApp::start_with(&[("registration.mode", mode)]).await;
        let browser = app.browser();
        let login = browser.open("/account/login").await;
        assert_eq!(login.html.contains("href=\"register"), leads, "{mode}");
        let form = [("username", "ann"), ("email", "ann@example.com"), ("password", PASSWORD)];
        let made = browser.submit("/account/register", &form).await;
        assert_eq!(made.status, if leads { 303 } else { 403 }, "{mode}");
    }
}

#[tokio::test]
async fn g1_where_an_address_has_to_be_proved_first_the_page_says_so() {
    let app = TestApp::start_with(&[("registration.require_verification", "login")]).await;
    let browser = app.browser();
    let form = [("username", "ann"), ("email", "ann@example.com"), ("password", PASSWORD)];
    let made = browser.submit("/account/register", &form).await;
    assert!(made.status == 200 && made.html.contains("验证邮件"), "{made:?}");
    let refused = browser.log_in("ann", PASSWORD).await;
    assert!(refused.status == 403 && refused.html.contains("邮箱尚未验证"), "{refused:?}");
}

#[tokio::test]
async fn g1_a_profile_is_changed_with_its_language() {
    let (app, browser) = logged_in().await;
    let save = async |fields: &[(&str, &str)]| browser.submit("/account/profile", fields).await;
    let refused = save(&[("full_name", "麦克"), ("phone", "x"), ("avatar", "ftp://a")]).await;
    assert_eq!((refused.status, refused.value_of("full_name")), (422, "麦克".to_owned()));
    assert_eq!(refused.html.matches("class=\"problem\"").count(), 2, "{}", refused.html);
    let saved = save(&[("full_name", "麦克"), ("phone", "555 1234"), ("locale", "en")]).await;
    assert!(saved.leads_to("profile?done"), "{saved:?}");
    let page = browser.open("/account/profile?done").await;
    assert!(page.html.contains("lang=\"en\"") && page.html.contains("Saved"), "{}", page.html);
    assert_eq!(page.value_of("full_name"), "麦克");
    let cleared = save(&[("full_name", ""), ("phone", ""), ("locale", "")]).await;
    assert!(cleared.leads_to("profile?done"));
    let mike = app.anonymous().log_in("mike", PASSWORD).await.me().await;
    assert_eq!((&mike.body["full_name"], &mike.body["locale"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn g1_a_password_is_changed_and_the_cookie_with_it() {
    let (app, browser) = logged_in().await;
    let elsewhere = app.browser();
    elsewhere.log_in("mike", PASSWORD).await;
    let before = browser.cookie();
    let change = async |current: &str, again: &str| {
        let form =
            [("current_password", current), ("new_password", NEW), ("confirm_password", again)];
        browser.submit("/account/password", &form).await
    };
    assert_eq!(change("a wrong password", NEW).await.status, 400);
    assert_eq!(change(PASSWORD, "different").await.status, 400);
    assert!(change(PASSWORD, NEW).await.leads_to("password?done"));
    assert_ne!(browser.cookie(), before);
    assert_eq!(browser.open("/account/password?done").await.status, 200, "the session stays");
    assert!(elsewhere.open("/account/profile").await.leads_to("login?next=profile"));
    let thief = app.browser();
    thief.set_cookie(before);
    assert!(thief.open("/account/profile").await.leads_to("login?next=profile"));
    assert_eq!(app.anonymous().try_log_in("mike", NEW).await.status, 200);
}

/// Whoever has a password of somebody else's making chooses one first, whatever page they open.
#[tokio::test]
async fn a7_whoever_must_change_the_password_is_led_there() {
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    let made = json!({ "username": "ann", "email": "ann@example.com" });
    let made = root.post("/api/v1/users", &made).await;
    let first = made.body["password"].as_str().unwrap();
    let browser = app.browser();
    browser.log_in("ann", first).await;
    for page in PAGES.into_iter().filter(|page| *page != "password") {
        assert!(browser.open(&format!("/account/{page}")).await.leads_to("password"), "{page}");
    }
    let page = browser.open("/account/password").await;
    assert!(page.html.contains("由他人设置") && !page.html.contains("<nav"), "{}", page.html);
    let form = [("current_password", first), ("new_password", NEW), ("confirm_password", NEW)];
    assert!(browser.submit("/account/password", &form).await.leads_to("password?done"));
    assert_eq!(browser.open("/account/profile").await.status, 200);
}

#[tokio::test]
async fn g1_devices_are_listed_and_logged_out() {
    let (app, browser) = logged_in().await;
    let (one, two) = (app.browser(), app.browser());
    for browser in [&one, &two] {
        app.clock.advance(Duration::from_secs(1));
        browser.log_in("mike", PASSWORD).await;
    }
    let page = browser.open("/account/sessions").await;
    assert_eq!(page.html.matches("name=\"item\"").count(), 3, "{}", page.html);
    assert_eq!(page.html.matches("当前设备").count(), 1);
    // The newest comes first.
    let newest = page.value_of("item");
    let ended = browser.submit("/account/sessions", &[("item", &newest)]).await;
    assert!(ended.leads_to("sessions?done=one"), "{ended:?}");
    assert!(two.open("/account/profile").await.leads_to("login?next=profile"));
    assert_eq!(one.open("/account/profile").await.status, 200);
    let again = browser.submit("/account/sessions", &[("item", &newest)]).await;
    assert_eq!(again.status, 404, "it has ended: {again:?}");
    let all = browser.submit("/account/sessions", &[("action", "others")]).await;
    assert!(all.leads_to("sessions?done=others"));
    assert!(one.open("/account/profile").await.leads_to("login?next=profile"));
    assert_eq!(browser.open("/account/sessions").await.html.matches("name=\"item\"").count(), 0);
}

#[tokio::test]
async fn g1_a_second_factor_is_set_up_asked_for_and_taken_away() {
    let (app, browser) = logged_in().await;
    app.prove_address("mike").await;
    let page = "/account/second-factor";
    let begun = browser.submit(page, &[("action", "begin"), ("current_password", PASSWORD)]).await;
    assert!(begun.status == 200 && begun.html.contains("svg+xml;base64,"), "{begun:?}");
    let secret = begun.html.split("<dd><bdi>").nth(1).unwrap().split('<').next().unwrap();
    let device = Authenticator::new(secret);
    let (before, code) = (browser.cookie(), device.next(&app));
    let wrong = browser.submit(page, &[("action", "confirm"), ("code", &device.wrong(&app))]).await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    let confirmed = browser.submit(page, &[("action", "confirm"), ("code", &code)]).await;
    assert_eq!(confirmed.html.matches("<code>").count(), 10, "{confirmed:?}");
    assert_ne!(browser.cookie(), before, "new at the factor");
    let recovery = confirmed.html.split("<code>").nth(1).unwrap().split('<').next().unwrap();

    let other = app.browser();
    let asked = other.log_in("mike", PASSWORD).await;
    let ticket = asked.value_of("mfa_token");
    assert!(asked.status == 200 && !ticket.is_empty() && asked.set_cookie.is_none(), "{asked:?}");
    assert!(
        other.open("/account/profile").await.leads_to("login?next=profile"),
        "not logged in yet"
    );
    let second = async |code: &str| {
        let fields = [("mfa_token", ticket.as_str()), ("code", code), ("next", "email")];
        other.send("/account/login", &asked.form_token(), &fields).await
    };
    let refused = second(&device.wrong(&app)).await;
    assert_eq!((refused.status, refused.value_of("mfa_token")), (401, ticket.clone()));
    assert_eq!(second(&code).await.status, 401, "it was used");
    assert!(second(&device.next(&app)).await.leads_to("email"));
    assert_eq!(other.open("/account/email").await.status, 200);

    let off = async |code: &str| {
        let form = [("action", "remove"), ("current_password", PASSWORD), ("code", code)];
        browser.submit(page, &form).await
    };
    assert_eq!(off("").await.status, 400, "a code is asked for");
    assert!(off(recovery).await.leads_to("second-factor?done"));
    assert!(app.browser().log_in("mike", PASSWORD).await.leads_to("profile"));
}

#[tokio::test]
async fn y6_whoever_needs_a_second_factor_is_led_there() {
    let app = TestApp::start_with(&[("mfa.required_for", "student")]).await;
    app.user("mike").await;
    let browser = app.browser();
    browser.log_in("mike", PASSWORD).await;
    for page in ["profile", "email", "sessions", "delete"] {
        assert!(
            browser.open(&format!("/account/{page}")).await.leads_to("second-factor"),
            "{page}"
        );
    }
    let page = browser.open("/account/second-factor").await;
    assert!(page.status == 200 && page.html.contains("您的角色必须启用两步验证"), "{page:?}");
}

#[tokio::test]
async fn g1_an_address_is_changed_by_a_link() {
    let (app, browser) = logged_in().await;
    let form = [("email", "new@example.com"), ("current_password", PASSWORD), ("action", "change")];
    let sent = browser.submit("/account/email", &form).await;
    assert!(sent.leads_to("email?done=sent"), "{sent:?}");
    let page = browser.open("/account/email?done=sent").await;
    assert!(page.html.contains("new@example.com"), "{}", page.html);
    let withdrawn = browser.submit("/account/email", &[("action", "withdraw")]).await;
    assert!(withdrawn.leads_to("email?done=withdrawn"), "{withdrawn:?}");
    assert!(!browser.open("/account/email").await.html.contains("new@example.com"));
    assert!(browser.submit("/account/email", &form).await.leads_to("email?done=sent"));
    app.deliver().await;
    let mails = app.mails_to("new@example.com").await;
    let token = token_in(mails.first().unwrap());
    let fields = [("token", token.as_str()), ("action", "verify")];
    assert_eq!(app.browser().submit("/account/verify-email", &fields).await.status, 200);
    let page = app.browser().log_in("new@example.com", PASSWORD).await;
    assert!(page.leads_to("profile"), "{page:?}");
}

#[tokio::test]
async fn g1_somebody_deletes_their_account() {
    let (app, browser) = logged_in().await;
    let delete = async |password: &str| {
        browser
            .submit("/account/delete", &[("current_password", password), ("action", "delete")])
            .await
    };
    assert_eq!(delete("a wrong password").await.status, 400);
    let deleted = delete(PASSWORD).await;
    assert!(deleted.status == 200 && !deleted.html.contains("<nav"), "{deleted:?}");
    assert!(browser.open("/account/profile").await.leads_to("login?next=profile"));
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn g1_a_forgotten_password_is_asked_for_and_nothing_shows_who_has_an_account() {
    let app = TestApp::start().await;
    app.user("mike").await;
    let mut pages = Vec::new();
    for name in ["mike", "nobody"] {
        let shown = app.browser().submit("/account/forgot-password", &[("username", name)]).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        pages.push(shown.html.replace(&shown.form_token(), ""));
    }
    assert_eq!(pages[0], pages[1]);
    app.deliver().await;
    let mails = app.mails_to("mike@example.com").await;
    assert!(mails.iter().any(|mail| mail.text.contains("/account/reset-password#")));
}

/// What people wrote stays text, in whatever part of a page.
#[tokio::test]
async fn g6_hostile_names_stay_text() {
    let app = TestApp::start().await;
    let hostile = "\"><script>alert(1)</script>";
    let root = app.admin("root").await;
    let made = json!({
        "username": "<b>eve</b>", "email": "eve@example.com", "password": NEW,
        "full_name": hostile, "must_change_password": false,
    });
    let made = root.post("/api/v1/users", &made).await;
    assert_eq!(made.status, 201, "{made}");
    let browser = app.browser();
    let request = browser.request(Method::GET, "/account/login");
    let token = browser.look(request).await.form_token();
    let form = [("username", "<b>eve</b>"), ("password", NEW), ("form_token", &token)];
    let login = browser.request(Method::POST, "/account/login").form(&form);
    let login = login.header("sec-fetch-site", "same-origin").header("user-agent", hostile);
    browser.look(login).await;
    if browser.open("/account/profile").await.leads_to("password") {
        let form =
            [("current_password", NEW), ("new_password", PASSWORD), ("confirm_password", PASSWORD)];
        browser.submit("/account/password", &form).await;
    }
    for page in PAGES {
        let html = browser.open(&format!("/account/{page}")).await.html;
        assert!(!html.contains("<script>alert") && !html.contains("<b>eve"), "{page}: {html}");
        assert!(html.contains("&lt;b&gt;eve"), "{page}: {html}");
    }
}

/// Cookies are for pages with TLS only where there is TLS, and there are no pages where they are off.
#[tokio::test]
async fn g3_g7_with_tls_cookies_are_for_this_host_by_tls_only() {
    let app = TestApp::start_with(&[("server.public_url", "https://id.example/auth")]).await;
    app.user("mike").await;
    let browser = app.browser();
    let set = browser.open("/account/login").await.set_cookie.unwrap();
    assert!(set.starts_with("__Host-menjin=") && set.ends_with("; SameSite=Lax; Secure"), "{set}");
    assert!(browser.log_in("mike", PASSWORD).await.leads_to("profile"));
    let plain = browser.cookie().unwrap().replace("__Host-", "");
    browser.set_cookie(Some(plain));
    assert!(browser.open("/account/profile").await.leads_to("login?next=profile"));

    let app = TestApp::start_with(&[("pages.account", "false"), ("pages.console", "false")]).await;
    for page in ["login", "register", "profile"] {
        assert_eq!(app.browser().open(&format!("/account/{page}")).await.status, 404, "{page}");
    }
    assert_eq!(app.browser().open("/account/reset-password").await.status, 200, "links in mails");
}

/// Colours, a logo and the template come from a folder, without a build.
#[tokio::test]
async fn g8_pages_look_as_a_folder_says() {
    let folder = tempfile::tempdir().unwrap();
    let put =
        |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    put("page.css", ":root { --accent: #800000; }");
    put("logo.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>");
    let settings = [("pages.folder", folder.path().to_str().unwrap()), ("pages.name", "一中")];
    let browser = TestApp::start_with(&settings).await.browser();
    let login = browser.open("/account/login").await.html;
    assert!(login.contains("<img src=\"logo\"") && login.contains("一中"), "{login}");
    let style = browser.open("/account/page.css").await.html;
    assert!(style.contains("--paper") && style.ends_with("#800000; }"), "{style}");
    for logo in ["/account/logo", "/console/logo"] {
        let logo = browser.request(Method::GET, logo).send().await.unwrap();
        assert_eq!(
            (logo.status().as_u16(), &logo.headers()["content-type"]),
            (200, &"image/svg+xml".parse().unwrap())
        );
    }
    put("page.html", "<title>{{ title }}</title><h1>own</h1>");
    let own = TestApp::start_with(&settings).await.browser();
    assert!(own.open("/account/login").await.html.ends_with("<h1>own</h1>"));
    // What cannot be done is said by the same template.
    let refused = own.send("/account/login", "", &[]).await;
    assert!(refused.status == 403 && refused.html.ends_with("<h1>own</h1>"), "{refused:?}");
    assert!(own.open("/account/verify-email").await.html.ends_with("<h1>own</h1>"));
    let plain = TestApp::start().await.browser();
    assert_eq!(plain.open("/account/logo").await.status, 404);
}
