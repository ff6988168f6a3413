//! Who may call what: every operation of `/openapi.json`, by every kind of caller.

use std::collections::BTreeSet;

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Answer, Client, Send as _};
use menjin_tests::openapi::{any_value, filled};
use reqwest::Method;
use serde_json::{Value, json};

/// Who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Everybody,
    /// Nobody needs a token; one that is sent has to be good.
    EverybodyOrUsers,
    Users,
    Admins,
    /// As `cache_api.access` says.
    Cache,
}
use Access::{Admins, Cache, Everybody, EverybodyOrUsers, Users};

/// The rule of each operation. One that is not here fails the test: nobody adds a route without
/// saying who may call it.
const RULES: [(&str, &str, Access); 58] = [
    ("GET", "/api/v1/audit", Admins),
    ("GET", "/api/v1/mails", Admins),
    ("POST", "/api/v1/mails/{mail_id}/retry", Admins),
    ("POST", "/api/v1/auth/forgot-password", Everybody),
    ("POST", "/api/v1/auth/reset-password", Everybody),
    ("POST", "/api/v1/auth/verify-email", Everybody),
    ("POST", "/api/v1/auth/verify-email/resend", Everybody),
    ("GET", "/api/v1/invitations", Admins),
    ("POST", "/api/v1/invitations", Admins),
    ("POST", "/api/v1/invitations/{invitation_id}/resend", Admins),
    ("DELETE", "/api/v1/invitations/{invitation_id}", Admins),
    ("POST", "/api/v1/auth/accept-invitation", EverybodyOrUsers),
    ("POST", "/api/auth/accept-invitation", EverybodyOrUsers),
    ("POST", "/api/v1/auth/undo-email-change", Everybody),
    ("POST", "/api/v1/users/me/email", Users),
    ("POST", "/api/v1/users/me/delete", Users),
    ("DELETE", "/api/v1/users/{user_id}", Admins),
    ("POST", "/api/v1/users/{user_id}/restore", Admins),
    ("DELETE", "/api/v1/users/me/email", Users),
    ("POST", "/api/auth/forgot-password", Everybody),
    ("POST", "/api/auth/reset-password", Everybody),
    ("POST", "/api/auth/verify-email", Everybody),
    ("POST", "/api/auth/verify-email/resend", Everybody),
    ("GET", "/api/v1/users/{user_id}/lock", Admins),
    ("DELETE", "/api/v1/users/{user_id}/lock", Admins),
    ("GET", "/.well-known/jwks.json", Everybody),
    ("GET", "/", Everybody),
    ("GET", "/health", Everybody),
    ("GET", "/health/live", Everybody),
    ("GET", "/health/ready", Everybody),
    ("GET", "/cache/{key}", Cache),
    ("POST", "/cache/{key}", Cache),
    ("POST", "/cache/test", Cache),
    ("POST", "/api/v1/auth/register", Everybody),
    ("POST", "/api/v1/auth/login", Everybody),
    ("POST", "/api/v1/auth/refresh", Everybody),
    ("POST", "/api/v1/auth/logout", Users),
    ("POST", "/api/v1/auth/change-password", Users),
    ("GET", "/api/v1/users/me", Users),
    ("PUT", "/api/v1/users/me", Users),
    ("GET", "/api/v1/users/me/sessions", Users),
    ("DELETE", "/api/v1/users/me/sessions", Users),
    ("DELETE", "/api/v1/users/me/sessions/{session_id}", Users),
    ("GET", "/api/v1/users/{user_id}", Admins),
    ("GET", "/api/v1/users/{user_id}/sessions", Admins),
    ("DELETE", "/api/v1/users/{user_id}/sessions", Admins),
    ("DELETE", "/api/v1/users/{user_id}/sessions/{session_id}", Admins),
    ("POST", "/api/v1/users/{user_id}/activate", Admins),
    ("POST", "/api/v1/users/{user_id}/deactivate", Admins),
    ("POST", "/api/auth/register", Everybody),
    ("POST", "/api/auth/login", Everybody),
    ("POST", "/api/auth/logout", Users),
    ("POST", "/api/auth/change-password", Users),
    ("GET", "/api/auth/me", Users),
    ("PUT", "/api/auth/me", Users),
    ("GET", "/api/auth/users", Admins),
    ("PUT", "/api/auth/users/{user_id}/activate", Admins),
    ("PUT", "/api/auth/users/{user_id}/deactivate", Admins),
];

/// A kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Nobody,
    /// With the token of a deactivated account.
    Inactive,
    User,
    Admin,
}

const CALLERS: [Caller; 4] = [Caller::Nobody, Caller::Inactive, Caller::User, Caller::Admin];

/// What a refusal's status is; `None` for whom there is to be none.
fn refusal(access: Access, caller: Caller) -> Option<u16> {
    match (access, caller) {
        (Everybody, _)
        | (EverybodyOrUsers, Caller::Nobody | Caller::User)
        | (Users, Caller::User)
        | (_, Caller::Admin) => None,
        (_, Caller::Nobody | Caller::Inactive) => Some(401),
        (Admins, Caller::User) => Some(403),
        (Cache, Caller::User) => unreachable!("resolved by the setting before"),
    }
}

/// Every operation of the document.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method.parse::<Method>().is_ok() && operation.get("responses").is_some() {
                operations.push((method.to_uppercase(), path.clone(), operation));
            }
        }
    }
    operations
}

/// The people of the matrix, logged in anew for each request: some requests log out.
struct People {
    app: TestApp,
    inactive: Client,
}

impl People {
    /// root is 1, mike 2, ann 3, and 4 is who others do things to.
    async fn on(setting: &str) -> Self {
        let app = TestApp::start_with(&[("cache_api.access", setting)]).await;
        let admin = app.admin("root").await;
        app.user("mike").await;
        let inactive = app.user("ann").await;
        app.user("victim").await;
        assert_eq!(admin.post_empty("/api/v1/users/3/deactivate").await.status, 200);
        Self { app, inactive }
    }

    async fn call(&self, caller: Caller, method: &str, path: &str, id: &str) -> Answer {
        let anonymous = self.app.anonymous();
        let client = match caller {
            Caller::Nobody => anonymous,
            Caller::Inactive => self.inactive.clone(),
            Caller::User => anonymous.log_in("mike", PASSWORD).await,
            Caller::Admin => anonymous.log_in("root", PASSWORD).await,
        };
        let path = filled(path, |name| if name == "user_id" { id } else { any_value(name) });
        client.request(method.parse().unwrap(), &path).json(&json!({})).answer().await
    }
}

#[tokio::test]
async fn z1_every_operation_admits_whom_it_should() {
    for (setting, cache) in [("public", Everybody), ("authenticated", Users), ("superuser", Admins)]
    {
        let people = People::on(setting).await;
        let document = people.app.anonymous().get("/openapi.json").await.body;
        let mut found = BTreeSet::new();
        for (method, path, operation) in operations(&document) {
            let rule = RULES.iter().find(|rule| (rule.0, rule.1) == (&method, &path));
            let access = match rule.unwrap_or_else(|| panic!("{method} {path} has no rule")).2 {
                Cache => cache,
                // Tried once.
                _ if cache != Everybody => continue,
                access => access,
            };
            found.insert((method.clone(), path.clone()));
            let secured = operation["security"].as_array().is_some_and(|any| !any.is_empty());
            assert_eq!(secured, access != Everybody, "{method} {path}: the document on {setting}");
            for caller in CALLERS {
                let answer = people.call(caller, &method, &path, "4").await;
                let told = format!("{setting}: {method} {path} by {caller:?}: {answer}");
                match refusal(access, caller) {
                    Some(status) => {
                        assert_eq!(answer.status, status, "{told}");
                        let challenge = answer.header("www-authenticate").is_some();
                        assert_eq!(challenge, status == 401, "{told}");
                        assert!(operation["responses"].get(status.to_string()).is_some(), "{told}");
                        let bad = people.call(caller, &method, &path, "none").await;
                        assert_eq!(bad.status, status, "whatever is asked for: {bad}");
                    }
                    // `{}` is no sensible body: what matters is that it was looked at.
                    None => assert!(![401, 403].contains(&answer.status), "{told}"),
                }
                assert!(answer.status < 500, "{told}");
            }
        }
        let cache_only = |rule: &&(&str, &str, Access)| cache == Everybody || rule.2 == Cache;
        assert_eq!(found.len(), RULES.iter().filter(cache_only).count(), "a rule for no operation");
    }
}

/// What only changes by whom it may: a refused request leaves no trace.
#[tokio::test]
async fn z1_a_refused_request_changes_nothing() {
    let people = People::on("superuser").await;
    let admin = people.app.anonymous().log_in("root", PASSWORD).await;
    let before = admin.get("/api/v1/users/4").await.body;
    for (method, path, access) in RULES {
        for caller in [Caller::Nobody, Caller::Inactive, Caller::User] {
            if access == Admins || (access == Users && caller != Caller::User) {
                people.call(caller, method, path, "4").await;
            }
        }
    }
    assert_eq!(admin.get("/api/v1/users/4").await.body, before);
    assert_eq!(admin.get("/cache/greeting").await.status, 404);
}
