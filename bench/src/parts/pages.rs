//! B13: pages: what the login costs, and how fast the console finds somebody among a million.

use std::time::Duration;

use anyhow::{Context as _, bail};

use super::Bench;
use super::list::Store;
use crate::http::{request, request_of};
use crate::load::{self, Pace, Same, Span};
use crate::menjin::{Menjin, PASSWORD, Place, Profile};
use crate::process::ask_whole;
use crate::report::{Row, Target, Unit, grouped};

const LOGIN: &str = "/account/login";

/// How many look at the console, each so often.
const CLIENTS: usize = 4;
const EVERY: Duration = Duration::from_millis(40);

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut rows = login(bench)?;
    let users = bench.choose(1_000_000, 5_000);
    for profile in [Profile::Embedded, Profile::Replicas] {
        let store = Store::start(bench, profile, users)?;
        let cookie = log_in(&store.server)?;
        let prefix = if users > 100_000 { "user1234" } else { "user12" };
        for (what, path) in [
            ("the console's users".to_owned(), "/console/users".to_owned()),
            ("the console's search".to_owned(), format!("/console/users?q={prefix}")),
            ("the console's audit log".to_owned(), "/console/audit".to_owned()),
        ] {
            let request = request("GET", &path, &format!("Cookie: {cookie}\r\n"), "");
            let clients = vec![Same { request, statuses: &[200] }; CLIENTS];
            let measured = Duration::from_millis(bench.choose(4000, 200));
            let span = Span { warm_up: measured / 4, measured, patience: Duration::from_secs(5) };
            let outcome = load::run(store.server.address(), clients, Pace::Every(EVERY), span)?;
            let what = format!("{what} of {}, p99", grouped(users));
            let row = Row::new("B13", profile.name(), what).unit(Unit::Milliseconds);
            let p99 = outcome.of(200)?.percentile(0.99);
            rows.push(row.figure(p99).target(Target::FigureAtMost(20.0)));
        }
    }
    Ok(rows)
}

/// The login page: its processor time, and how much is sent.
fn login(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let place = Place::new(Profile::Embedded, &bench.backends)?;
    let server = bench.binary.start(&place, &[])?;
    let page = request("GET", LOGIN, "", "");
    let clients = vec![Same { request: page, statuses: &[200] }; CLIENTS];
    let before = server.process.cpu()?;
    let outcome = load::run(server.address(), clients, Pace::Unbroken, bench.span())?;
    let cpu = server.process.cpu()?.saturating_sub(before).as_secs_f64() * 1e6;
    let mut size = 0;
    for path in [LOGIN, "/account/page.css", "/account/page.js"] {
        size += ask_whole(server.address(), &request("GET", path, "", ""))?.len();
    }
    let row = |what| Row::new("B13", Profile::Embedded.name(), what);
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let size = size as f64;
    Ok(vec![
        row("the login page, the server's processor time")
            .unit(Unit::Microseconds)
            .figure(cpu / f64::from(outcome.answered.max(1)))
            .target(Target::FigureAtMost(1000.0)),
        row("the login page with all that it loads")
            .unit(Unit::Bytes)
            .figure(size)
            .target(Target::FigureAtMost(100_000.0)),
    ])
}

/// Logs the administrator in as a browser does. Returns the cookie.
fn log_in(server: &Menjin) -> anyhow::Result<String> {
    let cookie = |answer: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        let cookie = line.and_then(|line| line.split(';').next());
        cookie.map(str::to_owned).context("no cookie")
    };
    let shown = ask_whole(server.address(), &request("GET", LOGIN, "", ""))?;
    let shown = String::from_utf8_lossy(&shown).into_owned();
    let token = shown.split("name=\"form_token\" value=\"").nth(1);
    let token = token.and_then(|rest| rest.split('"').next()).context("no form")?;
    let headers = format!("Cookie: {}\r\nSec-Fetch-Site: same-origin\r\n", cookie(&shown)?);
    let password = PASSWORD.replace(' ', "+");
    let form = format!("username=root&password={password}&form_token={token}");
    let media_type = "application/x-www-form-urlencoded";
    let sent = request_of(media_type, "POST", LOGIN, &headers, &form);
    let answer = String::from_utf8_lossy(&ask_whole(server.address(), &sent)?).into_owned();
    if !answer.starts_with("HTTP/1.1 303") {
        bail!("not logged in: {answer}");
    }
    cookie(&answer)
}
