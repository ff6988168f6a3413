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
    /// Whoever is logged in, also somebody who has to change the password first.
    Restricted,
    Users,
    /// Whoever has this right.
    Right(&'static str),
    /// As `cache_api.access` says.
    Cache,
}
use Access::{Cache, Everybody, EverybodyOrUsers, Restricted, Right, Users};

/// The rule of each operation. One that is not here fails the test: nobody adds a route without
/// saying who may call it.
const RULES: [(&str, &str, Access); 93] = [
    ("GET", "/api/v1/audit", Right("audit.read")),
    ("GET", "/api/v1/mails", Right("mails.read")),
    ("POST", "/api/v1/mails/{mail_id}/retry", Right("mails.retry")),
    ("POST", "/api/v1/auth/forgot-password", Everybody),
    ("POST", "/api/v1/auth/reset-password", Everybody),
    ("POST", "/api/v1/auth/verify-email", Everybody),
    ("POST", "/api/v1/auth/verify-email/resend", Everybody),
    ("GET", "/api/v1/invitations", Right("invitations.write")),
    ("POST", "/api/v1/invitations", Right("invitations.write")),
    ("POST", "/api/v1/invitations/{invitation_id}/resend", Right("invitations.write")),
    ("DELETE", "/api/v1/invitations/{invitation_id}", Right("invitations.write")),
    ("POST", "/api/v1/auth/accept-invitation", EverybodyOrUsers),
    ("POST", "/api/auth/accept-invitation", EverybodyOrUsers),
    ("POST", "/api/v1/auth/undo-email-change", Everybody),
    ("POST", "/api/v1/auth/undo-email-change/passkey", Everybody),
    ("POST", "/api/v1/auth/mfa", Everybody),
    ("POST", "/api/v1/auth/exchange", Everybody),
    ("GET", "/api/v1/auth/check", Users),
    ("POST", "/api/auth/mfa", Everybody),
    ("POST", "/api/v1/auth/mfa/passkey", Everybody),
    ("POST", "/api/v1/auth/passkey", Everybody),
    ("POST", "/api/v1/auth/passkey/options", Everybody),
    ("GET", "/api/v1/users/me/mfa", Users),
    ("POST", "/api/v1/users/me/mfa/passkeys", Users),
    ("POST", "/api/v1/users/me/mfa/passkeys/options", Users),
    ("POST", "/api/v1/users/me/mfa/passkeys/request", Users),
    ("POST", "/api/v1/users/me/mfa/passkeys/{passkey_id}/remove", Users),
    ("POST", "/api/v1/users/me/mfa/totp", Users),
    ("POST", "/api/v1/users/me/mfa/totp/confirm", Users),
    ("POST", "/api/v1/users/me/mfa/totp/disable", Users),
    ("POST", "/api/v1/users/me/mfa/recovery-codes", Users),
    ("DELETE", "/api/v1/users/{user_id}/mfa", Right("users.remove_factor")),
    ("POST", "/api/v1/users/me/email", Users),
    ("POST", "/api/v1/users/me/delete", Users),
    ("DELETE", "/api/v1/users/{user_id}", Right("users.delete")),
    ("POST", "/api/v1/users/{user_id}/restore", Right("users.delete")),
    ("DELETE", "/api/v1/users/me/email", Users),
    ("POST", "/api/auth/forgot-password", Everybody),
    ("POST", "/api/auth/reset-password", Everybody),
    ("POST", "/api/auth/verify-email", Everybody),
    ("POST", "/api/auth/verify-email/resend", Everybody),
    ("GET", "/api/v1/users/{user_id}/lock", Right("users.unlock")),
    ("DELETE", "/api/v1/users/{user_id}/lock", Right("users.unlock")),
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
    ("POST", "/api/v1/auth/logout", Restricted),
    ("POST", "/api/v1/auth/change-password", Restricted),
    ("POST", "/api/v1/auth/reauthenticate", Users),
    ("GET", "/api/v1/users/me", Restricted),
    ("PUT", "/api/v1/users/me", Users),
    ("GET", "/api/v1/users/me/sessions", Users),
    ("DELETE", "/api/v1/users/me/sessions", Users),
    ("DELETE", "/api/v1/users/me/sessions/{session_id}", Users),
    ("GET", "/api/v1/users/{user_id}", Right("users.read")),
    ("GET", "/api/v1/users/{user_id}/sessions", Right("sessions.read")),
    ("DELETE", "/api/v1/users/{user_id}/sessions", Right("sessions.end")),
    ("DELETE", "/api/v1/users/{user_id}/sessions/{session_id}", Right("sessions.end")),
    ("POST", "/api/v1/users/{user_id}/activate", Right("users.write")),
    ("POST", "/api/v1/users/{user_id}/deactivate", Right("users.write")),
    ("POST", "/api/auth/register", Everybody),
    ("POST", "/api/auth/login", Everybody),
    ("POST", "/api/auth/logout", Restricted),
    ("POST", "/api/auth/change-password", Restricted),
    ("GET", "/api/auth/me", Restricted),
    ("PUT", "/api/auth/me", Users),
    ("GET", "/api/auth/users", Right("users.read")),
    ("PUT", "/api/auth/users/{user_id}/activate", Right("users.write")),
    ("PUT", "/api/auth/users/{user_id}/deactivate", Right("users.write")),
    ("GET", "/api/v1/users", Right("users.read")),
    ("POST", "/api/v1/users", Right("users.write")),
    ("PATCH", "/api/v1/users/{user_id}", Right("users.write")),
    ("POST", "/api/v1/users/batch", Right("users.write")),
    ("GET", "/api/v1/users/batches/{job_id}", Right("users.write")),
    ("POST", "/api/v1/users/import", Right("users.import")),
    ("GET", "/api/v1/users/import/template", Right("users.import")),
    ("GET", "/api/v1/users/imports/{job_id}", Right("users.import")),
    ("GET", "/api/v1/users/imports/{job_id}/failed", Right("users.import")),
    ("POST", "/api/v1/users/imports/{job_id}/commit", Right("users.import")),
    ("DELETE", "/api/v1/users/imports/{job_id}", Right("users.import")),
    ("GET", "/api/v1/users/export", Right("users.export")),
    ("POST", "/api/v1/users/{user_id}/ban", Right("users.ban")),
    ("POST", "/api/v1/users/{user_id}/password", Right("users.set_password")),
    ("PUT", "/api/v1/users/{user_id}/role", Right("roles.grant")),
    ("POST", "/api/v1/users/{user_id}/unban", Right("users.ban")),
];

/// A kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Nobody,
    /// With the token of a deactivated account.
    Inactive,
    /// Who has to change the password first.
    MustChange,
    User,
    /// With all rights but the one that is asked for.
    AllOthers,
    /// With the right that is asked for, and no other.
    Only,
    Admin,
}

const CALLERS: [Caller; 7] = [
    Caller::Nobody,
    Caller::Inactive,
    Caller::MustChange,
    Caller::User,
    Caller::AllOthers,
    Caller::Only,
    Caller::Admin,
];

/// How a caller is refused: status and code; `None` for whom there is to be no refusal.
fn refusal(access: Access, caller: Caller) -> Option<(u16, &'static str)> {
    match (access, caller) {
        (Everybody, _) | (EverybodyOrUsers, Caller::Nobody) | (Restricted, Caller::MustChange) => {
            None
        }
        (_, Caller::Nobody) => Some((401, "not_authenticated")),
        (_, Caller::Inactive) => Some((401, "invalid_token")),
        (_, Caller::MustChange) => Some((403, "password_change_required")),
        (Right(_), Caller::User | Caller::AllOthers) => Some((403, "forbidden")),
        _ => None,
    }
}

/// A name for a role.
fn role_of(caller: Caller, right: &str) -> String {
    let prefix = if caller == Caller::Only { "only" } else { "but" };
    format!("{prefix}_{}", right.replace('.', "_"))
}

/// The rights that operations ask for.
fn rights() -> BTreeSet<&'static str> {
    let all =
        RULES.iter().filter_map(|rule| if let Right(right) = rule.2 { Some(right) } else { None });
    all.chain(["cache.use"]).collect()
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
    must_change: String,
}

impl People {
    /// root is 1, mike 2, ann 3, 4 is who others do things to, and 5 has a first password.
    async fn on(setting: &str) -> Self {
        let rights = rights();
        let mut roles = vec![("cache_api.access".to_owned(), setting.to_owned())];
        for right in &rights {
            let others: Vec<_> = rights.iter().copied().filter(|other| other != right).collect();
            for (caller, list) in
                [(Caller::Only, (*right).to_owned()), (Caller::AllOthers, { others.join(",") })]
            {
                roles.push((format!("roles.{}.rights", role_of(caller, right)), list));
            }
        }
        let settings: Vec<_> = roles.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let app = TestApp::start_with(&settings).await;
        let admin = app.admin("root").await;
        app.user("mike").await;
        let inactive = app.user("ann").await;
        app.user("victim").await;
        assert_eq!(admin.post_empty("/api/v1/users/3/deactivate").await.status, 200);
        let create = async |name: &str, role: &str, password: Option<&str>| {
            let made = json!({
                "username": name, "email": format!("{name}@example.com"), "role": role,
                "password": password, "must_change_password": password.is_none(),
            });
            let made = admin.post("/api/v1/users", &made).await;
            assert_eq!(made.status, 201, "{made}");
            made.body["password"].as_str().unwrap_or_default().to_owned()
        };
        let must_change = create("eve", "admin", None).await;
        for right in rights {
            for caller in [Caller::Only, Caller::AllOthers] {
                let role = role_of(caller, right);
                create(&role, &role, Some(PASSWORD)).await;
            }
        }
        Self { app, inactive, must_change }
    }

    async fn call(
        &self,
        (access, caller): (Access, Caller),
        method: &str,
        path: &str,
        id: &str,
    ) -> Answer {
        let anonymous = self.app.anonymous();
        let right = if let Right(right) = access { right } else { "users.read" };
        let client = match caller {
            Caller::Nobody => anonymous,
            Caller::Inactive => self.inactive.clone(),
            Caller::MustChange => anonymous.log_in("eve", &self.must_change).await,
            Caller::User => anonymous.log_in("mike", PASSWORD).await,
            Caller::AllOthers | Caller::Only => {
                anonymous.log_in(&role_of(caller, right), PASSWORD).await
            }
            Caller::Admin => anonymous.log_in("root", PASSWORD).await,
        };
        let path = filled(path, |name| if name == "user_id" { id } else { any_value(name) });
        client.request(method.parse().unwrap(), &path).json(&json!({})).answer().await
    }
}

#[tokio::test]
async fn z1_every_operation_admits_whom_it_should() {
    for (setting, cache) in
        [("public", Everybody), ("authenticated", Users), ("superuser", Right("cache.use"))]
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
            let right = match access {
                Everybody | EverybodyOrUsers | Cache => "none",
                Users | Restricted => "self",
                Right(right) => right,
            };
            assert_eq!(operation["x-right"], right, "a1: {method} {path}");
            for caller in CALLERS {
                let answer = people.call((access, caller), &method, &path, "4").await;
                let told = format!("{setting}: {method} {path} by {caller:?}: {answer}");
                let code = || answer.body.get("code").or(answer.body.pointer("/data/reason"));
                match refusal(access, caller) {
                    Some((status, reason)) => {
                        assert_eq!(answer.status, status, "{told}");
                        if path.starts_with("/api/v1") {
                            assert_eq!(code(), Some(&json!(reason)), "{told}");
                        }
                        let challenge = answer.header("www-authenticate").is_some();
                        assert_eq!(challenge, status == 401, "{told}");
                        assert!(operation["responses"].get(status.to_string()).is_some(), "{told}");
                        let who = (access, caller);
                        let bad = people.call(who, &method, &path, "none").await;
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
            let is_own = matches!(access, Users | Restricted);
            if matches!(access, Right(_)) || (is_own && caller != Caller::User) {
                people.call((access, caller), method, path, "4").await;
            }
        }
    }
    assert_eq!(admin.get("/api/v1/users/4").await.body, before);
    assert_eq!(admin.get("/cache/greeting").await.status, 404);
}
