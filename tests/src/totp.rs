//! An authenticator app.

use std::time::Duration;

use menjin_domain::common::Clock as _;
use menjin_infra_memory::SystemClock;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::app::{PASSWORD, TestApp, token_in};
use crate::client::{Answer, Client};

/// An app that has the secret of an account.
#[derive(Debug, Clone)]
pub struct Authenticator {
    secret: String,
}

/// A user with a second factor.
pub struct Enrolled {
    /// Logged in, in the session that confirmed the factor.
    pub client: Client,
    /// The app.
    pub app: Authenticator,
    /// The recovery codes.
    pub recovery: Vec<String>,
}

impl Authenticator {
    /// With this secret, in base 32.
    pub fn new(secret: &str) -> Self {
        Self { secret: secret.to_owned() }
    }

    /// The code at this second since 1970.
    pub fn code_at(&self, seconds: i64) -> String {
        let secret = Secret::try_from_base32(&self.secret).unwrap();
        let totp = Builder::new().with_secret(secret).build().unwrap();
        totp.generate(seconds.try_into().unwrap()).to_string()
    }

    /// The code of now by the machine's clock, or so many steps later.
    pub fn code_in(&self, steps: i64) -> String {
        self.code_at(SystemClock.now().timestamp() + steps * 30)
    }

    /// The next code, which was not used before: the clock goes on by a step.
    pub fn next(&self, app: &TestApp) -> String {
        app.clock.advance(Duration::from_secs(30));
        self.code_at(app.clock.now().timestamp())
    }

    /// A code that is wrong now, and a step before and after.
    pub fn wrong(&self, app: &TestApp) -> String {
        let now = app.clock.now().timestamp();
        let near: Vec<_> = (-1..=1).map(|step| self.code_at(now + step * 30)).collect();
        let numbers = (0..10).map(|number| format!("{number:06}"));
        numbers.into_iter().find(|code| !near.contains(code)).unwrap()
    }
}

impl TestApp {
    /// Proves the address of a user.
    pub async fn prove_address(&self, name: &str) {
        self.deliver().await;
        let mails = self.mails_to(&format!("{name}@example.com")).await;
        let token = token_in(mails.first().unwrap());
        let proved = json!({ "token": token });
        let proved = self.anonymous().post("/api/v1/auth/verify-email", &proved).await;
        assert_eq!(proved.status, 200, "{proved}");
    }

    /// Registers a user, who sets up a second factor.
    pub async fn enrolled(&self, name: &str) -> Enrolled {
        let client = self.user(name).await;
        self.prove_address(name).await;
        self.enrol(client).await
    }

    /// Sets up a second factor.
    pub async fn enrol(&self, client: Client) -> Enrolled {
        let begun = begin(&client, &json!({ "current_password": PASSWORD })).await;
        assert_eq!(begun.status, 200, "{begun}");
        let app = Authenticator::new(begun.body.get("secret").unwrap().as_str().unwrap());
        let confirmed = confirm(&client, &app.next(self)).await;
        assert_eq!(confirmed.status, 200, "{confirmed}");
        let codes = confirmed.body.get("recovery_codes").unwrap().as_array().unwrap();
        let recovery = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        Enrolled { client, app, recovery }
    }
}

/// Begins to set up a factor.
pub async fn begin(client: &Client, body: &Value) -> Answer {
    client.post("/api/v1/users/me/mfa/totp", body).await
}

/// Confirms a factor.
pub async fn confirm(client: &Client, code: &str) -> Answer {
    client.post("/api/v1/users/me/mfa/totp/confirm", &json!({ "code": code })).await
}
