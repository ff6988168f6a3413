//! B10: importing users, with hashes by the command line and with passwords over HTTP, and what others
//! see of it; and changing ten thousand at once.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::Bench;
use crate::ceilings::HashRate;
use crate::http::{bearer, request, request_of};
use crate::load::{self, Pace, Same, Span};
use crate::menjin::{Menjin, PASSWORD, Place, Profile, Tokens, me, user};
use crate::process::ask;
use crate::report::{Row, Target, Unit, grouped};
use crate::stats::float;

/// After this it is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many lanes a core has.
const LANES: usize = 5;

/// Connections of those who only ask who they are, and how many they ask a second together.
const OTHERS: usize = 16;
const OTHERS_RATE: u32 = 500;

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for profile in [Profile::Embedded, Profile::Replicas] {
        rows.extend(by_command(bench, profile)?);
    }
    rows.extend(with_passwords(bench)?);
    rows.extend(many_at_once(bench)?);
    Ok(rows)
}

/// A file of many users with the hashes of another system.
fn by_command(bench: &Bench, profile: Profile) -> anyhow::Result<Vec<Row>> {
    let place = Place::new(profile, &bench.backends)?;
    let _server = bench.binary.start(&place, &[])?;
    let number = bench.choose(100_000, 1000);
    let mut table = String::new();
    for number in 0..number {
        let hash = "$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
        writeln!(
            table,
            r#"{{"username":"pupil{number}","email":"pupil{number}@example.com","full_name":"Pupil {number}","password_hash":"{hash}"}}"#
        )?;
    }
    let file = place.folder().join("pupils.ndjson");
    fs::write(&file, table)?;
    let (took, memory) = run_import(bench, &place, &file)?;
    let what = |what: &str| format!("import of {} with hashes{what}", grouped(number));
    let row = |what| Row::new("B10", profile.name(), what);
    Ok(vec![
        row(what("")).unit(Unit::Milliseconds).figure(took).target(Target::FigureAtMost(60_000.0)),
        row(what(", memory"))
            .unit(Unit::Megabytes)
            .figure(memory)
            .target(Target::FigureAtMost(200.0)),
    ])
}

/// How long the command takes, in milliseconds, and the most memory that it has, in MB.
fn run_import(bench: &Bench, place: &Place, file: &Path) -> anyhow::Result<(f64, f64)> {
    let file = file.to_str().context("a path that is no text")?;
    let started = Instant::now();
    let mut child = bench.binary.command(place, &["users", "import", file]).spawn()?;
    let (status_file, mut memory) = (format!("/proc/{}/status", child.id()), 0.0_f64);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if let Ok(status) = fs::read_to_string(&status_file) {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|line| line.split_whitespace().next());
            let kilobytes: f64 = kilobytes.and_then(|text| text.parse().ok()).unwrap_or(0.0);
            memory = memory.max(kilobytes * 1024.0 / 1e6);
        }
        thread::sleep(Duration::from_millis(10));
    };
    if !status.success() {
        bail!("the import failed: {status}");
    }
    Ok((started.elapsed().as_secs_f64() * 1000.0, memory))
}

/// A table of users with passwords that are hashed at cost 12, alone and with others meanwhile.
fn with_passwords(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let (cost, number) = bench.choose((12, 300), (4, 30));
    let place = Place::new(Profile::Embedded, &bench.backends)?;
    let setting = cost.to_string();
    let server = bench.binary.start(&place, &[("hashing__cost", &setting)])?;
    bench.binary.make_admin(&place, "root")?;
    let root = server.log_in("root")?;
    let others = server.users(OTHERS)?;
    let span = Duration::from_millis(bench.choose(3000, 200));
    let rate = HashRate::in_lanes(cost, span, LANES)?.a_second;
    let row = |what: String| Row::new("B10", Profile::Embedded.name(), what);
    let took = import(&server, &root, &class("alone", number))?;
    let alone = float(number) / rate * 1000.0;
    let mut rows = vec![
        row(format!("import of {number} with passwords, against the lanes alone"))
            .unit(Unit::Milliseconds)
            .figure(took)
            .against(alone)
            .target(Target::RatioAtMost(1.2)),
    ];
    let before = logins(&server, bench)?;
    let (asked, during) = thread::scope(|scope| {
        let import = scope.spawn(|| import(&server, &root, &class("beside", number)));
        thread::sleep(Duration::from_millis(bench.choose(1000, 0)));
        let asked = ask_who(&server, &others, bench);
        let during = logins(&server, bench);
        load::joined(import.join())?;
        anyhow::Ok((asked?, during?))
    })?;
    rows.push(
        row(format!("GET me beside it, {OTHERS_RATE} a second, p99"))
            .unit(Unit::Milliseconds)
            .figure(asked)
            .target(Target::FigureAtMost(20.0)),
    );
    rows.push(
        row("a log-in beside it, against alone".to_owned())
            .unit(Unit::Milliseconds)
            .figure(during)
            .against(before),
    );
    Ok(rows)
}

/// A table of so many users with passwords.
fn class(prefix: &str, number: usize) -> String {
    let mut table = "username,email,password\n".to_owned();
    for number in 0..number {
        // A String takes whatever is written.
        let _ = writeln!(table, "{prefix}{number},{prefix}{number}@example.com,{PASSWORD}");
    }
    table
}

/// Sends a request that is to be answered well.
fn call(server: &Menjin, request: &[u8]) -> anyhow::Result<Value> {
    let (status, body) = ask(server.address(), request)?;
    if status >= 300 {
        bail!("answered {status}: {}", String::from_utf8_lossy(&body));
    }
    Ok(serde_json::from_slice(&body)?)
}

/// Waits until a job rests.
fn rested(server: &Menjin, tokens: &Tokens, path: &str) -> anyhow::Result<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let job = call(server, &request("GET", path, &bearer(&tokens.access), ""))?;
        let state = job.get("state").and_then(Value::as_str).unwrap_or_default();
        if !matches!(state, "checking" | "importing" | "running") {
            return Ok(job);
        }
        if Instant::now() > deadline {
            bail!("the job takes too long: {job}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Imports a table over HTTP; how long the import itself takes, in milliseconds.
fn import(server: &Menjin, root: &Tokens, table: &str) -> anyhow::Result<f64> {
    let token = bearer(&root.access);
    let sent = request_of("text/csv", "POST", "/api/v1/users/import", &token, table);
    let sent = call(server, &sent)?;
    let path = format!("/api/v1/users/imports/{}", sent.get("id").context("no id")?);
    rested(server, root, &path)?;
    let started = Instant::now();
    let commit = format!("{path}/commit");
    call(server, &request("POST", &commit, &bearer(&root.access), ""))?;
    let done = rested(server, root, &path)?;
    if done.get("failed") != Some(&json!(0)) {
        bail!("rows failed: {done}");
    }
    Ok(started.elapsed().as_secs_f64() * 1000.0)
}

/// The 99th percentile of what people wait who ask who they are, in milliseconds.
fn ask_who(server: &Menjin, others: &[Tokens], bench: &Bench) -> anyhow::Result<f64> {
    let clients: Vec<_> =
        others.iter().map(|tokens| Same { request: me(tokens), statuses: &[200] }).collect();
    let number = u32::try_from(clients.len()).unwrap_or(u32::MAX);
    let pace = Pace::Every(Duration::from_secs(1) * number / OTHERS_RATE);
    let span = Span {
        warm_up: Duration::from_millis(100),
        measured: Duration::from_millis(bench.choose(2000, 100)),
        patience: Duration::from_secs(5),
    };
    Ok(load::run(server.address(), clients, pace, span)?.of(200)?.percentile(0.99))
}

/// How long a log-in takes, in milliseconds: the median of a few, one after the other.
fn logins(server: &Menjin, bench: &Bench) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for number in 0..bench.choose(9, 3) {
        let started = Instant::now();
        server.log_in(&user(number))?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(crate::stats::median(&times))
}

/// Ten thousand users, deactivated by one request.
fn many_at_once(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let number = bench.choose(10_000, 200);
    let mut rows = Vec::new();
    for profile in [Profile::Embedded, Profile::Replicas] {
        let place = Place::new(profile, &bench.backends)?;
        let server = bench.binary.start(&place, &[])?;
        bench.binary.make_admin(&place, "root")?;
        let root = server.log_in("root")?;
        let mut table = "username,email\n".to_owned();
        for number in 0..number {
            writeln!(table, "pupil{number},pupil{number}@example.com")?;
        }
        import(&server, &root, &table)?;
        // Those that were made: all but the administrator.
        let filter = json!({ "role": "student" });
        let body = json!({ "action": "deactivate", "filter": filter }).to_string();
        let started = Instant::now();
        let batch = request("POST", "/api/v1/users/batch", &bearer(&root.access), &body);
        let begun = call(&server, &batch)?;
        let path = format!("/api/v1/users/batches/{}", begun.get("id").context("no id")?);
        let done = rested(&server, &root, &path)?;
        if done.get("done") != Some(&json!(number)) {
            bail!("not all were changed: {done}");
        }
        let what = format!("a batch of {}", grouped(u64::try_from(number)?));
        let row = Row::new("B10", profile.name(), what).unit(Unit::Milliseconds);
        let took = started.elapsed().as_secs_f64() * 1000.0;
        rows.push(row.figure(took).target(Target::FigureAtMost(10_000.0)));
    }
    Ok(rows)
}
