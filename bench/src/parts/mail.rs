//! B11: mails: asking for one, and sending many while others are served.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::Bench;
use crate::http::request;
use crate::load::{self, Outcome, Pace, Same, Span};
use crate::menjin::{Menjin, Place, Profile, Tokens, me, user};
use crate::report::{Row, Target, Unit};
use crate::stats::float;

const CLIENTS: usize = 16;

/// How many a second ask who they are while mails are sent.
const OTHERS_RATE: u32 = 1000;

/// After this it is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mail server that takes everything, and keeps when.
struct Sink {
    port: u16,
    taken: Arc<Mutex<Vec<Instant>>>,
}

impl Sink {
    fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let keeps = Arc::clone(&taken);
        // It ends with this process, as the connections do.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let keeps = Arc::clone(&keeps);
                thread::spawn(move || drop(talk(stream, &keeps)));
            }
        });
        Ok(Self { port, taken })
    }

    fn taken(&self) -> anyhow::Result<Vec<Instant>> {
        let taken = self.taken.lock();
        Ok(taken.map_err(|_poisoned| anyhow::anyhow!("the mail server has panicked"))?.clone())
    }
}

/// One connection (RFC 5321).
fn talk(stream: TcpStream, taken: &Mutex<Vec<Instant>>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut lines, mut answers) = (BufReader::new(stream.try_clone()?).lines(), stream);
    answers.write_all(b"220 sink.example\r\n")?;
    while let Some(line) = lines.next() {
        let line = line?.to_ascii_uppercase();
        let answer = match line.get(..4).unwrap_or_default() {
            "EHLO" => "250 sink.example\r\n",
            "DATA" => {
                answers.write_all(b"354 go on\r\n")?;
                for line in lines.by_ref() {
                    if line? == "." {
                        break;
                    }
                }
                if let Ok(mut taken) = taken.lock() {
                    taken.push(Instant::now());
                }
                "250 taken\r\n"
            }
            "QUIT" => return answers.write_all(b"221 bye\r\n"),
            _ => "250 fine\r\n",
        };
        answers.write_all(answer.as_bytes())?;
    }
    Ok(())
}

/// A server that sends to this mail server, as often as that.
fn start(bench: &Bench, place: &Place, sink: &Sink, every: &str) -> anyhow::Result<Menjin> {
    let port = sink.port.to_string();
    let settings = [
        ("mail__mode", "smtp"),
        ("mail__from", "menjin@site.example"),
        ("mail__smtp__host", "127.0.0.1"),
        ("mail__smtp__port", &port),
        ("mail__smtp__tls", "none"),
        ("mail__check_every", every),
        ("mail__max_per_hour", "1000000"),
        ("mail__max_requests", "4000000000"),
    ];
    bench.binary.start(place, &settings)
}

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for profile in [Profile::Replicas, Profile::Embedded] {
        rows.push(asking(bench, profile)?);
    }
    rows.extend(sending(bench)?);
    Ok(rows)
}

/// Requests for a new password: one row each, whoever has the name.
fn asking(bench: &Bench, profile: Profile) -> anyhow::Result<Row> {
    let (place, sink) = (Place::new(profile, &bench.backends)?, Sink::start()?);
    let server = start(bench, &place, &sink, "1h")?;
    let client = |number| {
        let body = format!(r#"{{"username":"{}"}}"#, user(number));
        let request = request("POST", "/api/v1/auth/forgot-password", "", &body);
        Same { request, statuses: &[202] }
    };
    let mut rounds = Vec::new();
    for _ in 0..bench.rounds() {
        let clients = (0..CLIENTS).map(client).collect();
        rounds.push(load::run(server.address(), clients, Pace::Unbroken, bench.span())?.rate(202));
    }
    let row = Row::new("B11", profile.name(), format!("forgot-password, {CLIENTS} clients"));
    Ok(row.figure(crate::stats::median(&rounds)).target(Target::FigureAtLeast(2000.0)))
}

/// The mails of many registrations, sent at once, and others meanwhile.
fn sending(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let profile = Profile::Replicas;
    let (place, sink) = (Place::new(profile, &bench.backends)?, Sink::start()?);
    let number = bench.choose(4000, 40);
    let server = start(bench, &place, &sink, "1h")?;
    server.register_all(number)?;
    let tokens: Vec<_> =
        (0..CLIENTS).map(|number| server.log_in(&user(number))).collect::<Result<_, _>>()?;
    let alone = others(bench, &server, &tokens)?;
    drop(server);
    let server = start(bench, &place, &sink, "10ms")?;
    let beside = others(bench, &server, &tokens)?;
    let during = sink.taken()?.len();
    let deadline = Instant::now() + PATIENCE;
    while sink.taken()?.len() < number {
        if Instant::now() > deadline {
            bail!("{} of {number} mails came", sink.taken()?.len());
        }
        thread::sleep(Duration::from_millis(10));
    }
    let taken = sink.taken()?;
    let (first, last) = (taken.first().context("no mail")?, taken.last().context("no mail")?);
    let seconds = (*last - *first).as_secs_f64().max(0.001);
    let row = Row::new("B11", profile.name(), "mails to a local mail server");
    let mut rows =
        vec![row.figure(float(taken.len()) / seconds).target(Target::FigureAtLeast(300.0))];
    let what = format!("GET me beside them, {OTHERS_RATE} a second, median");
    let row = Row::new("B11", profile.name(), what).unit(Unit::Milliseconds);
    let median = |outcome: &Outcome| anyhow::Ok(outcome.of(200)?.percentile(0.5));
    let target = Target::RatioAtMost(1.1);
    rows.push(if during == number && !bench.quick {
        row.target(target).not_measured("all mails were sent before the load was over")
    } else {
        row.figure(median(&beside)?).against(median(&alone)?).target(target)
    });
    Ok(rows)
}

/// People who ask who they are.
fn others(bench: &Bench, server: &Menjin, tokens: &[Tokens]) -> anyhow::Result<Outcome> {
    let clients: Vec<_> =
        tokens.iter().map(|tokens| Same { request: me(tokens), statuses: &[200] }).collect();
    let number = u32::try_from(clients.len()).unwrap_or(u32::MAX);
    let pace = Pace::Every(Duration::from_secs(1) * number / OTHERS_RATE);
    let span = Span {
        warm_up: Duration::from_millis(300),
        measured: Duration::from_millis(bench.choose(2000, 200)),
        patience: Duration::from_secs(5),
    };
    load::run(server.address(), clients, pace, span)
}
