//! What administrators do to accounts: making, editing, roles, passwords, bans; and who may.

use std::time::Duration;

use menjin_domain::common::{Clock as _, rfc3339};
use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Answer, Client, Send as _};
use reqwest::Method;
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(24 * 3600);
const NEW: &str = "newpassword456";

/// Status and code of a refusal.
fn refusal(answer: &Answer) -> (u16, &Value) {
    (answer.status, &answer.body["code"])
}

/// Makes an account, and returns the answer.
async fn create(admin: &Client, name: &str, more: Value) -> Answer {
    let mut body = json!({ "username": name, "email": format!("{name}@example.com") });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    admin.post("/api/v1/users", &body).await
}

async fn patch(client: &Client, id: u32, body: &Value) -> Answer {
    client.request(Method::PATCH, &format!("/api/v1/users/{id}")).json(body).answer().await
}

async fn change_password(client: &Client, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new, "confirm_password": new });
    client.post("/api/v1/auth/change-password", &body).await
}

#[tokio::test]
async fn a4_a_user_is_made_with_a_generated_password_that_has_to_be_changed() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let made = create(&admin, "eve", json!({ "full_name": "夏娃", "role": "teacher" })).await;
    assert_eq!(made.status, 201, "{made}");
    let password = made.body["password"].as_str().unwrap().to_owned();
    assert_eq!((password.len(), password.matches('-').count()), (14, 2), "{password}");
    assert_eq!(
        (&made.body["must_change_password"], &made.body["role"], &made.body["full_name"]),
        (&json!(true), &json!("teacher"), &json!("夏娃"))
    );
    let shown = admin.get("/api/v1/users/2").await.body;
    assert_eq!((&shown["username"], shown.get("password")), (&json!("eve"), None), "shown once");
    // By v1 and by the envelope.
    let eve = app.anonymous().log_in("eve", &password).await;
    assert_eq!(eve.me().await.body["must_change_password"], true);
    let body = json!({ "username": "eve", "password": password });
    let envelope = app.anonymous().post("/api/auth/login", &body).await;
    assert_eq!(envelope.body["data"]["must_change_password"], true);
    for refused in [
        eve.put("/api/v1/users/me", &json!({ "bio": "x" })).await,
        eve.get("/api/v1/users/me/sessions").await,
        eve.get("/api/v1/users/2").await,
    ] {
        assert_eq!(refusal(&refused), (403, &json!("password_change_required")), "{refused}");
    }
    let refused = eve.put("/api/auth/me", &json!({ "name": "夏娃" })).await;
    assert_eq!(refused.body["data"]["reason"], "password_change_required", "{refused}");
    // The same session is whole after the change, and so is its refresh.
    let same = change_password(&eve, &password, &password).await;
    assert_eq!(refusal(&same), (400, &json!("password_unchanged")));
    assert_eq!(change_password(&eve, &password, NEW).await.status, 200);
    assert_eq!(eve.put("/api/v1/users/me", &json!({ "bio": "x" })).await.status, 200);
    let refreshed = eve.refresh().await;
    assert_eq!(refreshed.status, 200, "{refreshed}");
    let whole = app.anonymous().with_tokens(&refreshed.body);
    assert_eq!(whole.me().await.body["must_change_password"], false);
    let body = json!({ "username": "eve", "password": NEW });
    let envelope = app.anonymous().post("/api/auth/login", &body).await;
    assert_eq!(envelope.body["data"].get("must_change_password"), None, "{envelope}");
}

#[tokio::test]
async fn a6_a_first_password_is_changed_through_the_envelope_too_and_can_be_refreshed() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let made = create(&admin, "eve", json!({ "password": PASSWORD })).await;
    assert_eq!((made.status, &made.body["password"]), (201, &json!(null)), "it was given");
    let eve = app.anonymous().log_in("eve", PASSWORD).await;
    let refreshed = app.anonymous().with_tokens(&eve.refresh().await.body);
    let refused = refreshed.get("/api/v1/users/me/sessions").await;
    assert_eq!(refusal(&refused), (403, &json!("password_change_required")));
    let body = json!({ "old_password": PASSWORD, "new_password": NEW });
    let changed = refreshed.post("/api/auth/change-password", &body).await;
    assert_eq!(changed.status, 200, "{changed}");
    assert_eq!(refreshed.get("/api/v1/users/me/sessions").await.status, 200);
    // Whoever is asked for nothing may do everything at once.
    let more = json!({ "password": PASSWORD, "must_change_password": false });
    assert_eq!(create(&admin, "adam", more).await.status, 201);
    let adam = app.anonymous().log_in("adam", PASSWORD).await;
    assert_eq!(adam.get("/api/v1/users/me/sessions").await.status, 200);
}

/// No service that verifies access tokens takes a restricted one for a login.
#[tokio::test]
async fn a7_a_restricted_token_is_of_a_kind_and_a_key_of_its_own() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let made = create(&admin, "eve", json!({})).await.body;
    let eve = app.anonymous().log_in("eve", made["password"].as_str().unwrap()).await;
    let header = |client: &Client| {
        let token = client.access_token.clone().unwrap();
        let [header, _claims] = menjin_tests::forge::parts(&token);
        serde_json::from_str::<Value>(&header).unwrap()
    };
    let (whole, restricted) = (header(&admin), header(&eve));
    assert_eq!((&whole["typ"], &restricted["typ"]), (&json!("at+jwt"), &json!("restricted+jwt")));
    assert_ne!(whole["kid"], restricted["kid"]);
    assert_eq!(eve.post_empty("/api/v1/auth/logout").await.status, 200);
    assert_eq!(eve.me().await.status, 401);
}

#[tokio::test]
async fn a6_a_first_password_is_good_for_its_time() {
    let app = TestApp::start_with(&[("password.initial_ttl", "2d")]).await;
    let admin = app.admin("root").await;
    let good_from = rfc3339(app.clock.now() + DAY);
    let made = create(&admin, "eve", json!({ "password": PASSWORD, "good_from": good_from })).await;
    assert_eq!(made.status, 201, "{made}");
    let login = async || app.anonymous().try_log_in("eve", PASSWORD).await;
    let wrong = app.anonymous().try_log_in("eve", "wrong password").await;
    let early = login().await;
    assert_eq!((early.status, &early.body), (401, &wrong.body), "as a wrong password");
    app.clock.advance(DAY);
    assert_eq!(login().await.status, 200);
    app.clock.advance(2 * DAY);
    let late = login().await;
    assert_eq!((late.status, &late.body), (401, &wrong.body));
    let admin = app.anonymous().log_in("root", PASSWORD).await;
    let told = admin.events_once("&user_id=2&action=log_in_failed", 3).await;
    assert_eq!(told[0]["reason"], "first_password_expired");
}

#[tokio::test]
async fn w6_an_administrator_gives_somebody_a_password() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let mike = app.user("mike").await;
    let set = admin.post("/api/v1/users/2/password", &json!({})).await;
    assert_eq!(set.status, 200, "{set}");
    let password = set.body["password"].as_str().unwrap();
    assert_eq!(mike.me().await.status, 401, "a5: all sessions end");
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 401);
    let again = app.anonymous().log_in("mike", password).await;
    assert_eq!(again.me().await.body["must_change_password"], true);
    let told = app.mails_to("mike@example.com").await;
    assert!(told.iter().any(|mail| mail.text.contains("密码")), "the owner is told");
    let given = admin.post("/api/v1/users/2/password", &json!({ "password": NEW })).await;
    assert_eq!(given.body, json!({ "password": null }));
    app.anonymous().log_in("mike", NEW).await;
    let common = json!({ "password": "12345678" });
    let refused = admin.post("/api/v1/users/2/password", &common).await;
    assert_eq!(refusal(&refused), (400, &json!("password_too_common")));
    let own = admin.post("/api/v1/users/1/password", &json!({})).await;
    assert_eq!(refusal(&own), (403, &json!("own_account")), "{own}");
    let told = admin.get("/api/v1/audit?user_id=2&action=password_set").await.body;
    let actors: Vec<_> =
        told["events"].as_array().unwrap().iter().map(|it| &it["actor_id"]).collect();
    assert_eq!(actors, [1, 1]);
}

#[tokio::test]
async fn a4_a_ban_keeps_out_until_its_time_and_can_be_lifted() {
    let app = TestApp::start().await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    let until = rfc3339(app.clock.now() + DAY);
    let ban = json!({ "until": until, "reason": "打扰课堂" });
    let banned = admin.post("/api/v1/users/2/ban", &ban).await;
    assert_eq!(banned.status, 200, "{banned}");
    assert_eq!(
        (&banned.body["banned_until"], &banned.body["ban_reason"], &banned.body["is_active"]),
        (&json!(until), &json!("打扰课堂"), &json!(true))
    );
    assert_eq!(mike.me().await.status, 401, "a5: all sessions end");
    // As an inactive account: nothing shows that there is one.
    let login = async || app.anonymous().try_log_in("mike", PASSWORD).await;
    let nobody = app.anonymous().try_log_in("nobody", PASSWORD).await;
    let refused = login().await;
    assert_eq!((refused.status, &refused.body), (401, &nobody.body));
    app.clock.advance(DAY);
    assert_eq!(login().await.status, 200, "a ban that is over needs no job");
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    assert_eq!(mike.me().await.body["ban_reason"], json!(null), "for administrators only");
    let admin = app.anonymous().log_in("root", PASSWORD).await;
    let over = admin.post("/api/v1/users/2/ban", &json!({ "until": until })).await;
    assert_eq!(over.status, 422, "{over}");
    assert_eq!(over.body["detail"][0]["loc"], json!(["body", "until"]));
    for lift in ["unban", "activate"] {
        let until = rfc3339(app.clock.now() + DAY);
        admin.post("/api/v1/users/2/ban", &json!({ "until": until })).await;
        assert_eq!(login().await.status, 401);
        let lifted = admin.post_empty(&format!("/api/v1/users/2/{lift}")).await;
        assert_eq!((lifted.status, &lifted.body["banned_until"]), (200, &json!(null)), "{lift}");
        assert_eq!(login().await.status, 200);
    }
}

#[tokio::test]
async fn k7_a_banned_user_gets_no_new_password_by_mail() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    let until = rfc3339(app.clock.now() + DAY);
    admin.post("/api/v1/users/2/ban", &json!({ "until": until })).await;
    let before = app.mails_to("mike@example.com").await.len();
    let forgot = json!({ "username": "mike" });
    let answer = app.anonymous().post("/api/v1/auth/forgot-password", &forgot).await;
    assert_eq!(answer.status, 202);
    assert_eq!(app.mails_to("mike@example.com").await.len(), before);
}

#[tokio::test]
async fn a4_an_administrator_edits_names_address_and_profile() {
    let app = TestApp::start().await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    app.user("ann").await;
    let body = json!({ "username": "Michael", "full_name": "迈克", "bio": null });
    let edited = patch(&admin, 2, &body).await;
    assert_eq!((edited.status, &edited.body["username"]), (200, &json!("Michael")), "{edited}");
    assert_eq!(mike.me().await.body["full_name"], "迈克", "the session goes on, and sees it");
    app.anonymous().log_in("michael", PASSWORD).await;
    for (body, code) in [
        (json!({ "username": "ANN" }), "username_taken"),
        (json!({ "email": "ann@example.com" }), "email_taken"),
    ] {
        assert_eq!(refusal(&patch(&admin, 2, &body).await), (400, &json!(code)));
    }
    let token = menjin_tests::app::token_in(&app.mails_to("mike@example.com").await[0]);
    let verified =
        app.anonymous().post("/api/v1/auth/verify-email", &json!({ "token": token })).await;
    assert_eq!(verified.status, 200, "{verified}");
    let moved = patch(&admin, 2, &json!({ "email": "new@example.com" })).await;
    assert_eq!((moved.status, &moved.body["is_verified"]), (200, &json!(false)), "{moved}");
    let told = app.mails_to("mike@example.com").await;
    assert!(
        told.iter().any(|mail| mail.text.contains("new@example.com") || mail.text.contains("邮箱"))
    );
    let own = patch(&admin, 1, &json!({ "email": "other@example.com" })).await;
    assert_eq!(refusal(&own), (403, &json!("own_account")), "one's own address needs the password");
    assert_eq!(patch(&admin, 1, &json!({ "full_name": "根" })).await.status, 200);
}

#[tokio::test]
async fn a2_roles_are_given_by_whoever_has_all_their_rights() {
    let app = TestApp::start_with(&[
        ("roles.clerk.rights", "users.read,users.write,users.ban,users.set_password,sessions.end"),
        ("roles.head.rights", "users.read,users.write,roles.grant"),
        ("roles.parent.rights", ""),
    ])
    .await;
    let admin = app.admin("root").await;
    for (name, role) in [("clerk", "clerk"), ("head", "head"), ("mike", "student")] {
        let more = json!({ "role": role, "password": PASSWORD, "must_change_password": false });
        let made = create(&admin, name, more).await;
        assert_eq!((made.status, &made.body["role"]), (201, &json!(role)), "{made}");
    }
    let log_in = async |name| app.anonymous().log_in(name, PASSWORD).await;
    let (clerk, head) = (log_in("clerk").await, log_in("head").await);
    assert_eq!(head.me().await.body["role"], "head");
    // root 1, clerk 2, head 3, mike 4.
    let role = |role: &str| json!({ "role": role });
    let give = async |client: &Client, id: u32, to: &str| {
        client.put(&format!("/api/v1/users/{id}/role"), &role(to)).await
    };
    assert_eq!(refusal(&give(&clerk, 4, "parent").await), (403, &json!("forbidden")));
    assert_eq!(give(&head, 4, "parent").await.body["role"], "parent");
    assert_eq!(refusal(&give(&head, 4, "admin").await), (403, &json!("role_forbidden")));
    assert_eq!(refusal(&give(&head, 4, "clerk").await), (403, &json!("role_forbidden")));
    assert_eq!(refusal(&give(&head, 3, "parent").await), (403, &json!("own_account")));
    assert_eq!(refusal(&give(&head, 1, "parent").await), (403, &json!("user_has_more_rights")));
    let unknown = give(&head, 4, "gone").await;
    assert_eq!((unknown.status, &unknown.body["detail"][0]["type"]), (422, &json!("enum")));
    // Nobody reaches further through somebody else.
    for id in [1, 3] {
        for (path, body) in [
            ("password", json!({})),
            ("ban", json!({ "until": "2100-01-01T00:00:00Z" })),
            ("deactivate", json!({})),
        ] {
            let refused = clerk.post(&format!("/api/v1/users/{id}/{path}"), &body).await;
            assert_eq!(refusal(&refused), (403, &json!("user_has_more_rights")), "{id} {path}");
        }
        let refused = patch(&clerk, id, &json!({ "email": "x@example.com" })).await;
        assert_eq!(refusal(&refused), (403, &json!("user_has_more_rights")));
        let refused = clerk.delete(&format!("/api/v1/users/{id}/sessions")).await;
        assert_eq!(refusal(&refused), (403, &json!("user_has_more_rights")));
    }
    let refused = create(&clerk, "evil", json!({ "role": "clerk" })).await;
    assert_eq!(refusal(&refused), (403, &json!("role_forbidden")));
    // Another address needs the right to set passwords.
    let refused = patch(&head, 4, &json!({ "email": "x@example.com" })).await;
    assert_eq!(refusal(&refused), (403, &json!("forbidden")));
    assert_eq!(patch(&clerk, 4, &json!({ "email": "x@example.com" })).await.status, 200);
    assert_eq!(give(&admin, 2, "student").await.status, 200);
    assert_eq!(clerk.me().await.status, 401, "a5: all sessions end");
}

#[tokio::test]
async fn a1_a_role_with_rights_is_not_had_by_registering() {
    let app =
        TestApp::start_with(&[("roles.teacher.rights", "users.read"), ("roles.parent.rights", "")])
            .await;
    let register = async |name: &str, role: &str| {
        let body = json!({
            "username": name, "password": "password123", "role": role, "name": "新人",
            "email": format!("{name}@example.com"),
        });
        app.anonymous().post("/api/auth/register", &body).await
    };
    let refused = register("mike", "teacher").await;
    assert_eq!(
        (refused.status, &refused.body["data"]["reason"]),
        (403, &json!("role_needs_invitation")),
        "{refused}"
    );
    assert_eq!(register("ann", "parent").await.body["data"]["user"]["role"], "parent");
    for role in ["admin", "gone"] {
        assert_eq!(register("eve", role).await.status, 422, "{role}");
    }
}

/// A role that the settings no longer know gives no rights, and is out of reach for all but `admin`.
#[tokio::test]
async fn a2_a_role_that_the_settings_do_not_know_any_more_gives_nothing() {
    let roles = [("roles.clerk.rights", "users.read,users.write,roles.grant")];
    let app = TestApp::start_with(&roles).await;
    let admin = app.admin("root").await;
    for name in ["clerk", "other"] {
        let more = json!({ "role": "clerk", "password": PASSWORD, "must_change_password": false });
        assert_eq!(create(&admin, name, more).await.status, 201);
    }
    let app = app.restart(&[("roles.head.rights", "users.read,users.write,roles.grant")]).await;
    let clerk = app.anonymous().log_in("clerk", PASSWORD).await;
    assert_eq!(clerk.me().await.body["role"], "clerk");
    assert_eq!(refusal(&clerk.get("/api/v1/users/1").await), (403, &json!("forbidden")));
    let admin = app.anonymous().log_in("root", PASSWORD).await;
    let head = admin.put("/api/v1/users/3/role", &json!({ "role": "head" })).await;
    assert_eq!(head.status, 200, "admin may: {head}");
    let head = app.anonymous().log_in("other", PASSWORD).await;
    let refused = head.put("/api/v1/users/2/role", &json!({ "role": "student" })).await;
    assert_eq!(refusal(&refused), (403, &json!("user_has_more_rights")));
}

/// Whatever somebody does with every right but `roles.grant`: nobody has more rights afterwards, and
/// those who have some are as they were.
#[tokio::test]
async fn a2_no_sequence_of_calls_gives_anybody_more_rights() {
    let rights = "users.read,users.write,users.set_password,users.ban,users.delete,users.unlock,\
                  sessions.read,sessions.end,invitations.write,audit.read,mails.read,mails.retry,\
                  users.import,users.export";
    let app = TestApp::start_with(&[("roles.clerk.rights", rights)]).await;
    let admin = app.admin("root").await;
    for (name, role) in [("clerk", "clerk"), ("other", "clerk"), ("mike", "student")] {
        let more = json!({ "role": role, "password": PASSWORD, "must_change_password": false });
        assert_eq!(create(&admin, name, more).await.status, 201);
    }
    let clerk = app.anonymous().log_in("clerk", PASSWORD).await;
    let with_rights = async || {
        let mut found = Vec::new();
        for role in ["admin", "clerk"] {
            let page = admin.get(&format!("/api/auth/users?role={role}")).await.body;
            for user in page["data"]["users"].as_array().unwrap() {
                let mut user = admin.get(&format!("/api/v1/users/{}", user["id"])).await.body;
                user["last_login_at"] = json!(null);
                found.push(user);
            }
        }
        found
    };
    let before = with_rights().await;
    assert_eq!(before.len(), 3);
    let until = "2100-01-01T00:00:00Z";
    let calls = |id: u64, n: u64| {
        let role = ["student", "teacher", "clerk", "admin"][usize::try_from(n % 4).unwrap()];
        let name = format!("user{n}");
        let address = format!("{name}@example.com");
        let of = |what: &str| format!("/api/v1/users/{id}{what}");
        vec![
            (
                Method::POST,
                "/api/v1/users".to_owned(),
                json!({ "username": name, "email": address, "role": role }),
            ),
            (Method::PUT, of("/role"), json!({ "role": role })),
            (Method::POST, of("/password"), json!({ "password": NEW })),
            (Method::PATCH, of(""), json!({ "email": address, "username": name, "role": role })),
            (Method::POST, of("/ban"), json!({ "until": until })),
            (Method::POST, of("/unban"), json!({})),
            (Method::POST, of("/activate"), json!({})),
            (Method::POST, of("/deactivate"), json!({})),
            (Method::DELETE, of(""), json!({})),
            (Method::POST, of("/restore"), json!({})),
            (Method::PUT, format!("/api/auth/users/{id}/deactivate"), json!({})),
            (
                Method::POST,
                "/api/v1/invitations".to_owned(),
                json!({ "role": role, "email": address }),
            ),
            (Method::POST, "/api/v1/invitations".to_owned(), json!({ "role": role })),
            (
                Method::POST,
                "/api/v1/users/batch".to_owned(),
                json!({
                    "action": (["set_role", "delete", "ban", "activate", "end_sessions"])[usize::try_from(n % 5).unwrap()],
                    "ids": [id, 1, 3], "role": role, "until": until,
                }),
            ),
        ]
    };
    // A walk that is the same each time: by a generator of Lehmer's.
    let mut state = 20_261_128_u64;
    let mut random = |below: u64| {
        state = state * 48_271 % 2_147_483_647;
        state % below
    };
    // A table that changes whatever there is, once it is checked.
    let import = async |role: &str| {
        let table = format!(
            "username,email,full_name,role,password,is_active\n\
             root,boss@example.com,Boss,{role},{NEW},no\n\
             other,,Other,{role},{NEW},no\nclerk,,Clerk,admin,{NEW},yes\n\
             mike,mike2@example.com,Mike,{role},{NEW},yes\nnew{role},new{role}@example.com,New,{role},,\n"
        );
        clerk.import("?on_conflict=update&update=password,activity", &table).await;
    };
    let mut done = 0;
    for n in 0..400 {
        if n % 40 == 0 {
            import((["student", "teacher", "clerk", "admin"])[n / 40 % 4]).await;
        }
        // Everybody but oneself: an account may make itself inactive.
        let id = [1, 3, 4, 5, 6, 7][usize::try_from(random(6)).unwrap()];
        let calls = calls(id, random(1000));
        let (method, path, body) = &calls[usize::try_from(random(calls.len() as u64)).unwrap()];
        let answer = clerk.request(method.clone(), path).json(body).answer().await;
        assert!(answer.status < 500, "{method} {path}: {answer}");
        done += u32::from(answer.status < 300);
        if let Some(token) = answer.body["token"].as_str() {
            let name = format!("invited{n}");
            let accept = json!({
                "token": token, "username": name, "password": PASSWORD,
                "email": answer.body["email"].as_str().unwrap_or(&format!("{name}@example.com")),
            });
            app.anonymous().post("/api/v1/auth/accept-invitation", &accept).await;
        }
    }
    assert!(done > 50, "the walk gets somewhere: {done}");
    assert_eq!(with_rights().await, before);
}

#[tokio::test]
async fn a3_users_are_searched_filtered_sorted_and_paged() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    for (name, full_name, role) in
        [("José", "何塞", "student"), ("anna", "张三", "teacher"), ("bob", "Josefine", "student")]
    {
        app.clock.advance(Duration::from_secs(60));
        let made = create(&admin, "x", json!({ "username": name, "full_name": full_name, "role": role, "email": format!("{}@example.com", name.to_lowercase()) })).await;
        assert_eq!(made.status, 201, "{made}");
    }
    let names = async |query: &str| {
        let page = admin.get(&format!("/api/v1/users{query}")).await;
        assert_eq!(page.status, 200, "{query}: {page}");
        let users = page.body["users"].as_array().unwrap();
        users.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("").await, ["root", "José", "anna", "bob"]);
    assert_eq!(names("?q=jose").await, ["bob", "José"], "by user name and by full name");
    assert_eq!(names("?q=%E5%BC%A0").await, ["anna"]);
    assert_eq!(names("?q=jose&sort=-username&role=student").await, ["José", "bob"]);
    // root was made by the clock of the machine, long after.
    assert_eq!(names("?sort=-created_at&limit=3").await, ["root", "bob", "anna"]);
    assert_eq!(names("?sort=last_login_at&limit=3").await, ["José", "anna", "bob"]);
    assert_eq!(names("?is_active=false").await, Vec::<String>::new());
    assert_eq!(names("?is_verified=false&role=teacher&_=17").await, ["anna"]);
    let since = rfc3339(app.clock.now() - Duration::from_secs(60));
    assert_eq!(names(&format!("?created_since={since}")).await, ["root", "anna", "bob"]);
    assert_eq!(names(&format!("?last_login_until={since}")).await, ["root"]);
    // Page by page.
    let first = admin.get("/api/v1/users?sort=username&limit=3").await.body;
    assert_eq!((&first["total"], &first["total_is_exact"]), (&json!(4), &json!(true)));
    let next = first["next"].as_str().unwrap();
    let second = admin.get(&format!("/api/v1/users?sort=username&limit=3&after={next}")).await.body;
    assert_eq!((&second["users"][0]["username"], &second["next"]), (&json!("root"), &json!(null)));
    // What cannot be meant is refused by name.
    for (query, field) in [
        ("?email=x@example.com", "email"),
        ("?sort=name", "sort"),
        ("?q=a&sort=id", "sort"),
        ("?after=x", "after"),
        ("?sort=id&after=c5-7", "after"),
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?is_active=maybe", "is_active"),
        ("?role=gone", "role"),
        ("?created_since=yesterday", "created_since"),
    ] {
        let refused = admin.get(&format!("/api/v1/users{query}")).await;
        assert_eq!(refused.status, 422, "{query}: {refused}");
        assert_eq!(refused.body["detail"][0]["loc"], json!(["query", field]), "{query}");
    }
}
