//! B6: how long a start takes, and how much memory a server.

use std::process::Command;
use std::time::{Duration, Instant};

use super::Bench;
use crate::http::Connection;
use crate::menjin::{Place, Profile, me, start};
use crate::report::{Row, Target, Unit};
use crate::stats::median;

const CONNECTIONS: usize = 1000;

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut starts = Vec::new();
    for _ in 0..bench.choose(15, 2) {
        // An empty folder: the database is made and migrated, too.
        let place = Place::new(Profile::Embedded, &bench.backends)?;
        let started = Instant::now();
        let server = start(Command::new(&bench.binary.0), &place, &[])?;
        starts.push(started.elapsed().as_secs_f64() * 1000.0);
        drop(server);
    }
    let name = Profile::Embedded.name();
    let megabytes = |what: String| Row::new("B6", name, what).unit(Unit::Megabytes);
    let mut rows = vec![
        Row::new("B6", name, "start in an empty folder, to the first 200")
            .unit(Unit::Milliseconds)
            .figure(median(&starts))
            .target(Target::FigureAtMost(100.0)),
    ];
    let place = Place::new(Profile::Embedded, &bench.backends)?;
    let server = bench.binary.start(&place, &[])?;
    let idle = server.process.memory()?;
    rows.push(megabytes("memory, idle".to_owned()).figure(idle).target(Target::FigureAtMost(30.0)));
    let tokens = server.users(1)?;
    let request = tokens.first().map(me).unwrap_or_default();
    let connected = bench.backends.runtime.block_on(async {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut connection = Connection::open(server.address()).await?;
            connection.exchange(&request).await?;
            connections.push(connection);
        }
        // While they are all open.
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.process.memory()
    })?;
    let what = format!("memory with {CONNECTIONS} connections open");
    rows.push(megabytes(what).figure(connected).target(Target::FigureAtMost(120.0)));
    Ok(rows)
}
