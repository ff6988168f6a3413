//! B4: refreshes, each of which is a write that has to be on the disk.

use anyhow::{Context as _, bail};

use super::Bench;
use crate::backends::PgBench;
use crate::http::{Answer, field, request};
use crate::load::{self, Client, Pace};
use crate::menjin::{Menjin, Place, Profile, user};
use crate::report::{Row, Target, Unit};

const CLIENTS: usize = 16;

/// Trades its refresh token in again and again.
struct Refresher {
    request: Vec<u8>,
}

impl Refresher {
    fn new(token: &str) -> Self {
        let body = format!(r#"{{"refresh_token":"{token}"}}"#);
        Self { request: request("POST", "/api/v1/auth/refresh", "", &body) }
    }
}

impl Client for Refresher {
    fn request(&mut self) -> &[u8] {
        &self.request
    }

    fn answered(&mut self, answer: Answer<'_>) -> anyhow::Result<()> {
        if answer.status != 200 {
            bail!("not refreshed: {} {}", answer.status, String::from_utf8_lossy(answer.body));
        }
        *self = Self::new(field(answer.body, "refresh_token").context("no refresh token")?);
        Ok(())
    }
}

/// How many a second, and the time of the server's threads for one of them, in µs.
fn measure(bench: &Bench, server: &Menjin) -> anyhow::Result<(f64, f64)> {
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        clients.push(Refresher::new(&server.log_in(&user(number))?.refresh));
    }
    let before = server.process.cpu()?;
    let outcome = load::run(server.address(), clients, Pace::Unbroken, bench.span())?;
    let cpu = server.process.cpu()?.saturating_sub(before).as_secs_f64() * 1e6;
    Ok((outcome.rate(200), cpu / f64::from(outcome.answered.max(1))))
}

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for profile in [Profile::Replicas, Profile::Embedded] {
        let place = Place::new(profile, &bench.backends)?;
        let server = bench.binary.start(&place, &[])?;
        server.users(CLIENTS)?;
        let row = Row::new("B4", profile.name(), format!("refreshes, {CLIENTS} clients"));
        let mut rounds = Vec::new();
        if profile == Profile::Embedded {
            for _ in 0..bench.rounds() {
                rounds.push(measure(bench, &server)?.0);
            }
            rows.push(row.figure(crate::stats::median(&rounds)));
            continue;
        }
        let pgbench = PgBench { url: &place.database, clients: CLIENTS, seconds: 1 };
        pgbench.prepare(&bench.backends)?;
        let (mut rounds, mut costs) = (Vec::new(), Vec::new());
        for _ in 0..bench.rounds() {
            let (rate, cost) = measure(bench, &server)?;
            rounds.push((rate, pgbench.updates()?));
            costs.push(cost);
        }
        rows.push(row.rounds(&rounds).target(Target::RatioAtLeast(0.35)));
        let row = Row::new("B4", profile.name(), "refresh, the server's processor time");
        rows.push(row.unit(Unit::Microseconds).figure(crate::stats::median(&costs)));
    }
    Ok(rows)
}
