//! B7: how long a token works on one replica after the logout on another was answered.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::Bench;
use crate::http::{Connection, bearer, request};
use crate::menjin::{Place, Profile, me, user};
use crate::report::{Row, Target, Unit};
use crate::stats::Latencies;

/// `auth.session_cache_ttl`, by default.
const TTL: Duration = Duration::from_secs(1);

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let place = Place::new(Profile::Replicas, &bench.backends)?;
    let here = bench.binary.start(&place, &[])?;
    let there = bench.binary.start(&place, &[])?;
    here.register(&user(0))?;
    let mut latencies = Latencies::default();
    for _ in 0..bench.choose(400, 10) {
        let tokens = here.log_in(&user(0))?;
        let log_out = request("POST", "/api/v1/auth/logout", &bearer(&tokens.access), "");
        let took = bench.backends.runtime.block_on(async {
            let mut writer = Connection::open(here.address()).await?;
            let mut reader = Connection::open(there.address()).await?;
            let me = me(&tokens);
            // Twice: now there is a copy.
            for _ in 0..2 {
                let status = reader.exchange(&me).await?.status;
                if status != 200 {
                    bail!("the other replica answers {status}");
                }
            }
            let status = writer.exchange(&log_out).await?.status;
            if status != 200 {
                bail!("the log-out is answered {status}");
            }
            let answered = Instant::now();
            while reader.exchange(&me).await?.status == 200 {
                if answered.elapsed() > 10 * TTL {
                    bail!("the token still works on the other replica");
                }
            }
            Ok(answered.elapsed())
        })?;
        latencies.push(took);
    }
    let row = |what| Row::new("B7", Profile::Replicas.name(), what).unit(Unit::Milliseconds);
    Ok(vec![
        row("log-out seen by the other replica, p99")
            .figure(latencies.percentile(0.99))
            .target(Target::FigureAtMost(20.0)),
        row("log-out seen by the other replica, worst")
            .figure(latencies.percentile(1.0))
            .target(Target::FigureAtMost(TTL.as_secs_f64() * 1000.0)),
    ])
}
