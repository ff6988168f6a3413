//! B1, B1s: `GET /api/v1/users/me` against a handler that does nothing but answer the same.

use std::time::Duration;

use super::Bench;
use crate::backends::PgBench;
use crate::ceilings::Bare;
use crate::load::{self, Pace, Same};
use crate::menjin::{Menjin, Place, Profile, me};
use crate::process::{self, Process};
use crate::report::{Row, Target, Unit};

const CONNECTIONS: usize = 64;

/// A server under load.
struct Contender {
    kind: &'static Kind,
    _place: Place,
    server: Menjin,
    clients: Vec<Same>,
    rounds: Vec<Round>,
}

impl Contender {
    fn start(bench: &Bench, kind: &'static Kind) -> anyhow::Result<Self> {
        let place = Place::new(kind.profile, &bench.backends)?;
        let server = bench.binary.start(&place, &[("auth__session_cache_ttl", kind.ttl)])?;
        let users = server.users(CONNECTIONS)?;
        let clients = users.iter().map(|user| Same { request: me(user), statuses: &[200] });
        let clients = clients.collect();
        Ok(Self { kind, _place: place, server, clients, rounds: Vec::new() })
    }

    fn row(&self, what: &str) -> Row {
        let Kind { id, name, profile, .. } = self.kind;
        Row::new(id, profile.name(), format!("{name}, {what}"))
    }
}

/// What is measured, and what it is to reach.
struct Kind {
    id: &'static str,
    name: &'static str,
    profile: Profile,
    /// `auth.session_cache_ttl`.
    ttl: &'static str,
    target: f64,
}

const KINDS: [Kind; 4] = [
    Kind { id: "B1", name: "GET me", profile: Profile::Embedded, ttl: "1s", target: 0.80 },
    Kind { id: "B1", name: "GET me", profile: Profile::Replicas, ttl: "1s", target: 0.80 },
    Kind { id: "B1s", name: "GET me, strict", profile: Profile::Embedded, ttl: "0s", target: 0.40 },
    Kind { id: "B1s", name: "GET me, strict", profile: Profile::Replicas, ttl: "0s", target: 0.35 },
];

/// What a server did in a round.
#[derive(Clone, Copy)]
struct Round {
    /// Requests a second.
    rate: f64,
    /// The time of the server's threads for one of them, in µs.
    server: f64,
    /// The same of the load generator's.
    load: f64,
}

fn measure(bench: &Bench, process: &Process, clients: &[Same]) -> anyhow::Result<Round> {
    let (server, load) = (process.cpu()?, process::own_cpu()?);
    let outcome = load::run(process.address, clients.to_vec(), Pace::Unbroken, bench.span())?;
    let requests = f64::from(outcome.answered.max(1));
    let each = |before: Duration, after: Duration| {
        after.saturating_sub(before).as_secs_f64() * 1e6 / requests
    };
    Ok(Round {
        rate: outcome.rate(200),
        server: each(server, process.cpu()?),
        load: each(load, process::own_cpu()?),
    })
}

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let bare = Bare::start(bench.folder.path())?;
    let contenders = KINDS.iter().map(|kind| Contender::start(bench, kind));
    let mut contenders = contenders.collect::<anyhow::Result<Vec<_>>>()?;
    // The bare handler is sent what menjin is sent.
    let clients = contenders.first().map(|first| first.clients.clone()).unwrap_or_default();
    let database = bench.backends.database();
    let pgbench = PgBench { url: &database, clients: CONNECTIONS, seconds: 1 };
    pgbench.prepare(&bench.backends)?;
    let (mut bares, mut selects) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds() {
        bares.push(measure(bench, &bare.0, &clients)?);
        for contender in &mut contenders {
            let round = measure(bench, &contender.server.process, &contender.clients)?;
            contender.rounds.push(round);
        }
        selects.push(pgbench.selects()?);
    }
    Ok(rows(&contenders, &bares, &selects))
}

fn rows(contenders: &[Contender], bares: &[Round], selects: &[f64]) -> Vec<Row> {
    let pairs = |contender: &Contender, value: fn(&Round) -> f64| -> Vec<(f64, f64)> {
        contender.rounds.iter().map(value).zip(bares.iter().map(value)).collect()
    };
    let rates = contenders.iter().map(|contender| {
        contender
            .row(&format!("{CONNECTIONS} connections"))
            .rounds(&pairs(contender, |round| round.rate))
            .target(Target::RatioAtLeast(contender.kind.target))
    });
    let costs = contenders.iter().map(|contender| {
        contender
            .row("the server's processor time")
            .unit(Unit::Microseconds)
            .rounds(&pairs(contender, |round| round.server))
    });
    // It has the same processors: what it takes, no server gets.
    let load = contenders.first().map(|contender| {
        contender
            .row("the load generator's processor time")
            .unit(Unit::Microseconds)
            .rounds(&pairs(contender, |round| round.load))
    });
    let strict = contenders.last().map(|contender| {
        let rates = contender.rounds.iter().map(|round| round.rate);
        contender
            .row("against pgbench SELECT")
            .rounds(&rates.zip(selects.iter().copied()).collect::<Vec<_>>())
    });
    rates.chain(costs).chain(load).chain(strict).collect()
}
