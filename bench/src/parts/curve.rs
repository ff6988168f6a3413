//! How long logins take, from hardly any to four times as many as plain hashing can serve. They come at
//! random moments, whether those before have been answered or not.

use std::io::{Write as _, stderr};
use std::time::Duration;

use super::Bench;
use super::storm::{Engine, log_ins};
use crate::ceilings::HashRate;
use crate::load::{self, Pace, Span};
use crate::menjin::{Menjin, Place, Profile};
use crate::report::Point;
use crate::stats::{float, millis};

/// In units of what plain hashing can serve.
const LOADS: [f64; 8] = [0.05, 0.3, 0.7, 0.95, 1.5, 2.0, 2.5, 4.0];

/// Far more than hash and wait, so that one is free whenever a login is due.
const CLIENTS: usize = 192;

/// The least that production allows: four times as many logins in the same time as by default.
const COST: u32 = 10;

/// How many logins make a percentile.
const SAMPLES: f64 = 150.0;

/// A server that hashes in one way.
struct Contender {
    engine: &'static str,
    server: Menjin,
    _place: Place,
}

impl Contender {
    fn start(bench: &Bench, engine: &Engine) -> anyhow::Result<Self> {
        let place = Place::new(Profile::Embedded, &bench.backends)?;
        let cost = bench.choose(COST, 4).to_string();
        let settings = [("hashing__cost", &*cost), ("hashing__engine", engine.name)];
        let server = bench.binary.start(&place, &settings)?;
        server.register_all(CLIENTS)?;
        Ok(Self { engine: engine.name, server, _place: place })
    }

    fn point(&self, bench: &Bench, load: f64) -> anyhow::Result<Point> {
        let cost = bench.choose(COST, 4);
        let plain = HashRate::measure(cost, bench.choose(Duration::from_secs(1), SHORT))?;
        let rate = load * plain.a_second;
        let measured = Duration::from_secs_f64((SAMPLES / rate).max(10.0));
        let span = Span {
            warm_up: bench.choose(Duration::from_secs(2), SHORT),
            measured: bench.choose(measured, 3 * SHORT),
            patience: Duration::from_secs(20),
        };
        let gap = Duration::from_secs_f64(float(CLIENTS) / rate);
        let clients = log_ins(CLIENTS, CLIENTS);
        let outcome = load::run(self.server.address(), clients, Pace::AtRandom(gap), span)?;
        let served = outcome.of(200).ok();
        Ok(Point {
            engine: self.engine,
            load,
            plain_hash: millis(plain.one),
            log_ins: served.map_or(0, crate::stats::Latencies::len),
            p50: served.map(|latencies| latencies.percentile(0.5)),
            p95: served.map(|latencies| latencies.percentile(0.95)),
            refused: outcome.share(503),
        })
    }
}

const SHORT: Duration = Duration::from_millis(100);

/// The points, by load; the engines take turns.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Point>> {
    let engines = Engine::all().iter().filter(|engine| engine.is_in(bench));
    let contenders = engines.map(|engine| Contender::start(bench, engine));
    let contenders = contenders.collect::<anyhow::Result<Vec<_>>>()?;
    let mut points = Vec::new();
    for load in LOADS {
        for contender in &contenders {
            writeln!(stderr(), "log-ins at {load} of the plain capacity, {}", contender.engine)?;
            points.push(contender.point(bench, load)?);
        }
    }
    Ok(points)
}
