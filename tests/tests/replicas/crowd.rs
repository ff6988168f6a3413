//! Clients who ask for everything at once.

use std::fmt;
use std::time::{Duration, Instant};

use menjin_tests::client::{Answer, Client, Send as _};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{PASSWORD, moved, register};

/// What any answer may take, however the back ends do.
pub(crate) const IN_TIME: Duration = Duration::from_secs(3);

/// An administrator and users, each with a session of its own.
pub(crate) struct Crowd {
    admin: Client,
    users: [User; 8],
}

struct User {
    client: Client,
    name: String,
    id: Value,
}

/// An answer, and what it took.
pub(crate) struct Got {
    pub(crate) what: &'static str,
    /// Its status where all is well.
    pub(crate) expected: u16,
    pub(crate) answer: Answer,
    pub(crate) took: Duration,
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {:?}: {}", self.what, self.took, self.answer)
    }
}

impl Crowd {
    /// New users, whose names begin so, logged in.
    pub(crate) async fn new(server: &Client, admin: &Client, prefix: &str) -> Self {
        let mut users = Vec::new();
        for n in 0..8 {
            let name = format!("{prefix}{n}");
            let id = register(server, &name).await.body["id"].clone();
            users.push(User { client: server.log_in(&name, PASSWORD).await, name, id });
        }
        let users = users.try_into().ok().unwrap();
        Self { admin: admin.clone(), users }
    }

    /// Sends one request of each kind to this server, all at once.
    pub(crate) async fn ask(&self, server: &Client) -> Vec<Got> {
        let asking = self.wishes(server).into_iter().map(|(what, expected, request)| async move {
            let started = Instant::now();
            let answer = request.answer().await;
            Got { what, expected, answer, took: started.elapsed() }
        });
        asking.collect::<JoinSet<Got>>().join_all().await
    }

    /// Requests with what they are called and their statuses where all is well.
    fn wishes(&self, server: &Client) -> Vec<(&'static str, u16, RequestBuilder)> {
        let get = |client: &Client, path: &str| client.request(Method::GET, path);
        let post = |client: &Client, path: &str| client.request(Method::POST, path);
        let admin = moved(&self.admin, server);
        let [me, refresh, out, profile, change, _log_in, _wrong, other] =
            self.users.each_ref().map(|user| moved(&user.client, server));
        let password = json!({
            "current_password": PASSWORD, "new_password": "newpassword456",
            "confirm_password": "newpassword456",
        });
        let log_in = |name: &str, password| json!({ "username": name, "password": password });
        let new = format!("{}-new", self.users[0].name);
        let email = format!("{new}@example.com");
        let new = json!({ "username": new, "email": email, "password": PASSWORD });
        let renewal = json!({ "refresh_token": refresh.refresh_token });
        let user = format!("/api/v1/users/{}", self.users[7].id);
        vec![
            ("me", 200, get(&me, "/api/v1/users/me")),
            ("refresh", 200, post(server, "/api/v1/auth/refresh").json(&renewal)),
            ("log-out", 200, post(&out, "/api/v1/auth/logout")),
            (
                "profile",
                200,
                profile.request(Method::PUT, "/api/v1/users/me").json(&json!({ "bio": "x" })),
            ),
            ("change-password", 200, post(&change, "/api/v1/auth/change-password").json(&password)),
            (
                "log-in",
                200,
                post(server, "/api/v1/auth/login").json(&log_in(&self.users[5].name, PASSWORD)),
            ),
            (
                "wrong password",
                401,
                post(server, "/api/v1/auth/login").json(&log_in(&self.users[6].name, "wrong")),
            ),
            ("register", 201, post(server, "/api/v1/auth/register").json(&new)),
            ("look-up", 200, get(&admin, &user)),
            ("list", 200, get(&admin, "/api/auth/users")),
            ("activate", 200, post(&admin, &format!("{user}/activate"))),
            ("envelope me", 200, get(&other, "/api/auth/me")),
        ]
    }
}
