//! B12: second steps of log-ins, and log-ins without one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use super::Bench;
use super::storm::log_ins;
use crate::http::{Answer, bearer, field, request};
use crate::load::{self, Client, Pace, Span};
use crate::menjin::{Menjin, PASSWORD, Place, Profile, each, user};
use crate::process::ask;
use crate::report::{Row, Target};

/// Enough that the server always has something to do while the disk syncs.
const CLIENTS: usize = 64;

/// Somebody who has given the password, and has to give a code.
struct Waiting {
    ticket: String,
    app: Totp,
}

/// Goes through as many second steps. Each person takes one, because a code counts once.
struct Steps {
    people: Vec<Waiting>,
    request: Vec<u8>,
}

impl Client for Steps {
    fn request(&mut self) -> &[u8] {
        // Without anybody left the one before is repeated, and refused.
        if let Some(Waiting { ticket, app }) = self.people.pop() {
            let body = format!(r#"{{"mfa_token":"{ticket}","code":"{}"}}"#, code(&app, 0));
            self.request = request("POST", "/api/v1/auth/mfa", "", &body);
        }
        &self.request
    }

    fn answered(&mut self, answer: Answer<'_>) -> anyhow::Result<()> {
        if answer.status != 200 {
            bail!("not let in: {} {}", answer.status, String::from_utf8_lossy(answer.body));
        }
        Ok(())
    }
}

/// The code of now, or of so many seconds ago.
#[expect(clippy::disallowed_methods, reason = "the server under test goes by the machine's clock")]
fn code(app: &Totp, ago: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    app.generate(now.as_secs().saturating_sub(ago)).to_string()
}

/// Somebody who registers, sets up an authenticator, and logs in again with the password.
fn waiting(server: &Menjin, number: usize) -> anyhow::Result<Waiting> {
    let name = user(number);
    server.register(&name)?;
    let token = bearer(&server.log_in(&name)?.access);
    let post = |path: &str, headers: &str, body: &Value| -> anyhow::Result<(u16, Vec<u8>)> {
        ask(server.address(), &request("POST", path, headers, &body.to_string()))
    };
    let (_, begun) =
        post("/api/v1/users/me/mfa/totp", &token, &json!({ "current_password": PASSWORD }))?;
    let secret = field(&begun, "secret").context("no secret")?;
    let app = Builder::new().with_secret(Secret::try_from_base32(secret)?).build()?;
    // The code before: that of now is for the log-in.
    let confirmation = json!({ "code": code(&app, 30) });
    let (status, said) = post("/api/v1/users/me/mfa/totp/confirm", &token, &confirmation)?;
    if status != 200 {
        bail!("not confirmed: {status} {}", String::from_utf8_lossy(&said));
    }
    let (_, asked) =
        post("/api/v1/auth/login", "", &json!({ "username": name, "password": PASSWORD }))?;
    let ticket = field(&asked, "mfa_token").context("no ticket")?.to_owned();
    Ok(Waiting { ticket, app })
}

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let number = bench.choose(6_000, 1_000);
    let mut rows = Vec::new();
    for profile in [Profile::Embedded, Profile::Replicas] {
        let place = Place::new(profile, &bench.backends)?;
        // Nobody's address has to be proved before the factor then.
        let settings = [("mail__mode", "off"), ("throttle__enabled", "false")];
        let server = bench.binary.start(&place, &settings)?;
        let mut people = each(number, |number| waiting(&server, number))?;
        let steps = (0..CLIENTS).map(|_| {
            let people = people.split_off(people.len().saturating_sub(number / CLIENTS));
            Steps { people, request: Vec::new() }
        });
        let measured = Duration::from_millis(bench.choose(500, 50));
        let (warm_up, patience) = (measured / 5, Duration::from_secs(5));
        let span = Span { warm_up, measured, patience };
        let outcome = load::run(server.address(), steps.collect(), Pace::Unbroken, span)?;
        let row = Row::new("B12", profile.name(), format!("second steps, {CLIENTS} clients"));
        let row = row.figure(outcome.rate(200));
        rows.push(match profile {
            Profile::Embedded => row.target(Target::FigureAtLeast(3_000.0)),
            Profile::Replicas => row,
        });
        rows.push(without_one(bench, profile)?);
    }
    Ok(rows)
}

/// Log-ins of accounts without a factor, with hashes that cost next to nothing.
fn without_one(bench: &Bench, profile: Profile) -> anyhow::Result<Row> {
    let place = Place::new(profile, &bench.backends)?;
    let server = bench.binary.start(&place, &[])?;
    server.register_all(CLIENTS)?;
    let mut rounds = Vec::new();
    for _ in 0..bench.rounds() {
        let clients = log_ins(CLIENTS, CLIENTS);
        let outcome = load::run(server.address(), clients, Pace::Unbroken, bench.span())?;
        rounds.push(outcome.rate(200));
    }
    let what = format!("log-ins without a factor at cost 4, {CLIENTS} clients");
    Ok(Row::new("B12", profile.name(), what).figure(crate::stats::median(&rounds)))
}
