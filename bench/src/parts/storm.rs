//! B2, B3: logins that keep every core busy, and everybody else meanwhile.

use std::net::SocketAddr;
use std::time::Duration;

use super::Bench;
use crate::ceilings::HashRate;
use crate::http::request;
use crate::load::{self, Outcome, Pace, Same, Span};
use crate::menjin::{Menjin, PASSWORD, Place, Profile, me, user};
use crate::report::{Row, Target, Unit};
use crate::stats;

/// Clients of the storm.
const STORM: usize = 16;
/// More than run and wait: some are refused.
const FLOOD: usize = 128;
/// With as many on each core lanes are about as fast as they get, on the machines seen so far.
const LANES: usize = 5;
/// Connections of those who only ask who they are, and how many they ask a second together.
const OTHERS: usize = 64;
const OTHERS_RATE: u32 = 1000;

/// A way to hash, and what it is to reach.
pub(super) struct Engine {
    /// `hashing.engine`.
    pub(super) name: &'static str,
    target: f64,
    interleaved: bool,
}

const ENGINES: [Engine; 2] = [
    Engine { name: "plain", target: 0.95, interleaved: false },
    Engine { name: "lanes", target: 4.0, interleaved: true },
];

impl Engine {
    pub(super) fn all() -> &'static [Self] {
        &ENGINES
    }

    /// Whether the server that is measured has it.
    pub(super) fn is_in(&self, bench: &Bench) -> bool {
        bench.binary.takes(&format!("hashing.engine={}", self.name), bench.folder.path())
    }
}

pub(super) fn run(bench: &Bench) -> Vec<Row> {
    let mut rows = Vec::new();
    for engine in &ENGINES {
        if engine.is_in(bench) {
            // What was measured of one is not lost where the other fails.
            rows.extend(Storm::start(bench, engine).and_then(|storm| storm.rows()).unwrap_or_else(
                |error| {
                    let what = format!("log-ins, {}", engine.name);
                    let row = Row::new("B2", Profile::Embedded.name(), what);
                    vec![row.not_measured(format!("{error:#}"))]
                },
            ));
        } else {
            let what = format!("log-ins, {}", engine.name);
            let why = "not in this build";
            rows.push(Row::new("B2", Profile::Embedded.name(), what).not_measured(why));
        }
    }
    rows
}

struct Storm<'a> {
    bench: &'a Bench,
    engine: &'a Engine,
    cost: u32,
    server: Menjin,
    others: Vec<Same>,
    _place: Place,
}

impl<'a> Storm<'a> {
    fn start(bench: &'a Bench, engine: &'a Engine) -> anyhow::Result<Self> {
        let place = Place::new(Profile::Embedded, &bench.backends)?;
        let cost = bench.choose(12, 4);
        let settings = [("hashing__cost", &*cost.to_string()), ("hashing__engine", engine.name)];
        let server = bench.binary.start(&place, &settings)?;
        let tokens = server.users(STORM)?;
        let others = (0..OTHERS)
            .filter_map(|number| tokens.get(number % STORM))
            .map(|tokens| Same { request: me(tokens), statuses: &[200] })
            .collect();
        Ok(Self { bench, engine, cost, server, others, _place: place })
    }

    fn rows(&self) -> anyhow::Result<Vec<Row>> {
        let (mut rates, mut costs, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
        let mut alone = Vec::new();
        for _ in 0..self.bench.choose(5, 1) {
            self.settle()?;
            let span = self.bench.choose(millis(1500), millis(100));
            let plain = HashRate::measure(self.cost, span)?;
            if self.engine.interleaved {
                let lanes = HashRate::in_lanes(self.cost, span, LANES)?;
                alone.push((lanes.a_second, plain.a_second));
            }
            let before = self.server.process.cpu()?;
            let storm = self.log_ins(STORM, Pace::Unbroken, self.long())?;
            let cpu = self.server.process.cpu()?.saturating_sub(before);
            rates.push((storm.rate(200), plain.a_second));
            let each = stats::millis(cpu) / f64::from(storm.answered.max(1));
            costs.push((each, stats::millis(plain.cpu)));
            hashes.push(plain.one.as_secs_f64());
        }
        let mut rows = vec![
            self.row("B2", &format!("log-ins, {STORM} clients"))
                .rounds(&rates)
                .target(Target::RatioAtLeast(self.engine.target)),
            self.row("B2", "log-in, the server's processor time, against one plain hash")
                .unit(Unit::Milliseconds)
                .rounds(&costs),
        ];
        let hash = Duration::from_secs_f64(stats::median(&hashes));
        if self.engine.interleaved {
            let what = format!("hashes without a server, {LANES} at once on each core");
            rows.insert(1, self.row("B2", &what).rounds(&alone));
            rows.push(self.at_twice_the_capacity(hash)?);
        }
        rows.extend(self.others()?);
        Ok(rows)
    }

    /// Waits until the server is done with what its clients have left behind: a ceiling that is measured
    /// beside that would be too low.
    fn settle(&self) -> anyhow::Result<()> {
        loop {
            let before = self.server.process.cpu()?;
            std::thread::sleep(millis(300));
            if self.server.process.cpu()?.saturating_sub(before) < millis(20) {
                return Ok(());
            }
        }
    }

    /// p95 where twice as many want to log in as the plain crate could serve.
    fn at_twice_the_capacity(&self, hash: Duration) -> anyhow::Result<Row> {
        self.settle()?;
        let cores = u32::try_from(std::thread::available_parallelism()?.get())?;
        let clients = u32::try_from(OTHERS)?;
        let gap = hash * clients / (2 * cores);
        // For longer, since an interval is wide that few fall into; and to the last one: those that
        // take long are what is looked for.
        let measured = 3 * self.long().measured;
        let span = Span { measured, patience: Duration::from_secs(30), ..self.long() };
        let outcome = self.log_ins(OTHERS, Pace::AtRandom(gap), span)?;
        Ok(self
            .row("B2", "log-in at twice the plain capacity, p95, against one plain hash")
            .unit(Unit::Milliseconds)
            .figure(outcome.of(200)?.percentile(0.95))
            .against(stats::millis(hash))
            .target(Target::RatioAtMost(1.5)))
    }

    /// The others alone, in the storm, and those that a flood does not let in.
    fn others(&self) -> anyhow::Result<Vec<Row>> {
        self.settle()?;
        let quiet = self.ask(self.server.address())?;
        let storm = self.meanwhile(STORM, Pace::Unbroken)?.0;
        let refused = self.meanwhile(FLOOD, Pace::Every(millis(500)))?.1;
        let (before, in_it) = (quiet.of(200)?.percentile(0.99), storm.of(200)?.percentile(0.99));
        let p99 = |what: &str| self.row("B3", what).unit(Unit::Milliseconds);
        let row = p99("refused log-ins (503), p99");
        // What waited for a place on its connection was not refused for so long.
        let refused = match refused.served(503) {
            Ok(latencies) => {
                row.figure(latencies.percentile(0.99)).target(Target::FigureAtMost(50.0))
            }
            // Cheap hashes keep up with any flood.
            Err(none) => row.not_measured(none),
        };
        Ok(vec![
            p99("GET me in the storm, p99, against without")
                .figure(in_it)
                .against(before)
                .target(Target::RatioAtMost(5.0)),
            p99("GET me in the storm, p99").figure(in_it).target(Target::FigureAtMost(20.0)),
            refused,
        ])
    }

    /// The others, and the logins that are made meanwhile.
    fn meanwhile(&self, clients: usize, pace: Pace) -> anyhow::Result<(Outcome, Outcome)> {
        let address = self.server.address();
        let log_ins = log_ins(clients, STORM);
        let span = self.long();
        let storm = std::thread::spawn(move || load::run(address, log_ins, pace, span));
        std::thread::sleep(span.warm_up);
        let others = self.ask(address)?;
        Ok((others, load::joined(storm.join())?))
    }

    fn ask(&self, address: SocketAddr) -> anyhow::Result<Outcome> {
        let pace = Pace::Every(Duration::from_secs(1) / OTHERS_RATE * u32::try_from(OTHERS)?);
        let long = self.long();
        // Within the storm.
        let tenth = long.measured / 10;
        let span = Span { warm_up: tenth, measured: 8 * tenth, patience: Duration::from_secs(5) };
        load::run(address, self.others.clone(), pace, span)
    }

    fn log_ins(&self, clients: usize, pace: Pace, span: Span) -> anyhow::Result<Outcome> {
        load::run(self.server.address(), log_ins(clients, STORM), pace, span)
    }

    /// Of a storm: until all wait for each other. Nobody waits for the end of it.
    fn long(&self) -> Span {
        let span = |warm_up, measured| Span {
            warm_up: millis(warm_up),
            measured: millis(measured),
            patience: Duration::ZERO,
        };
        self.bench.choose(span(1000, 4000), span(100, 300))
    }

    fn row(&self, id: &'static str, what: &str) -> Row {
        Row::new(id, Profile::Embedded.name(), format!("{what}, {}", self.engine.name))
    }
}

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// Clients of so many users. Each has an address of its own, so that the limits per network let all of
/// them try.
pub(super) fn log_ins(clients: usize, users: usize) -> Vec<Same> {
    (0..clients)
        .map(|number| {
            let name = user(number % users);
            let body = format!(r#"{{"username":"{name}","password":"{PASSWORD}"}}"#);
            let address = format!("X-Forwarded-For: 192.0.2.{number}\r\n");
            let request = request("POST", "/api/v1/auth/login", &address, &body);
            Same { request, statuses: &[200, 503] }
        })
        .collect()
}
