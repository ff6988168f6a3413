//! B8: how many instructions a `GET /api/v1/users/me` takes. They are the same on a busy machine as on
//! an idle one, so that a regression shows on any.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use menjin_test_servers::dying_with_this_process;

use super::Bench;
use crate::http::Connection;
use crate::menjin::{Degree, Menjin, Place, me, start};
use crate::report::{Row, Unit};
use crate::stats::float;

/// What a start costs is in both runs, and not in their difference.
const FEW: usize = 200;
const MANY: usize = 2200;

/// One worker, whose copy of the session stays good, and no trial of lanes: what is counted is the same in
/// each run.
const SETTINGS: [(&str, &str); 3] =
    [("server__workers", "1"), ("auth__session_cache_ttl", "1m"), ("hashing__engine", "plain")];

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let row = |by| {
        let what = format!("GET me, instructions in user mode, by {by}");
        Row::new("B8", Degree::Embedded.name(), what).unit(Unit::Instructions)
    };
    if let Some(instructions) = by_perf(bench)? {
        return Ok(vec![row("perf").figure(instructions)]);
    }
    let row = row("cachegrind");
    let why = if !there_is("valgrind") {
        "no counters for perf, no valgrind; see the processor time of B1"
    } else if bench.quick {
        "not in a quick run"
    } else {
        let (few, many) = (by_cachegrind(bench, FEW)?, by_cachegrind(bench, MANY)?);
        return Ok(vec![row.figure((many - few) / float(MANY - FEW))]);
    };
    Ok(vec![row.not_measured(why)])
}

fn there_is(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// `None` where there is no perf, or it may not count, or the processor does not let it, as in many
/// virtual machines.
fn by_perf(bench: &Bench) -> anyhow::Result<Option<f64>> {
    let place = Place::new(Degree::Embedded, &bench.backends)?;
    let server = bench.binary.start(&place, &SETTINGS)?;
    let request = server.users(1)?.first().map(me).unwrap_or_default();
    let count = |requests| counted(&server, || ask(bench, &server, &request, requests));
    let (Some(few), Some(many)) = (count(FEW)?, count(MANY)?) else { return Ok(None) };
    Ok(Some((many - few) / float(MANY - FEW)))
}

/// The server's instructions while this runs.
fn counted(
    server: &Menjin,
    work: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Option<f64>> {
    let id = server.process.id().to_string();
    // It counts for as long as `cat` runs, and has begun when that echoes.
    let perf = Command::new("perf")
        .args(["stat", "-x", ",", "-e", "instructions:u", "-p", &id, "--", "cat"])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut perf) = perf else { return Ok(None) };
    let (Some(mut input), Some(mut output)) = (perf.stdin.take(), perf.stdout.take()) else {
        return Ok(None);
    };
    // Where it may not count, it has ended.
    let begun = input.write_all(b".").is_ok() && output.read_exact(&mut [0]).is_ok();
    if begun {
        work()?;
    }
    drop(input);
    let said = perf.wait_with_output()?;
    Ok(instructions(&String::from_utf8_lossy(&said.stderr)).filter(|_| begun))
}

/// The first field of the line of that event; no number where it cannot be counted.
fn instructions(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.contains(",instructions:u,"))?;
    line.split(',').next()?.parse().ok()
}

/// The instructions of a whole life of a server that answers so many. Valgrind's processor has none for
/// SHA-256: real ones take fewer.
fn by_cachegrind(bench: &Bench, requests: usize) -> anyhow::Result<f64> {
    let place = Place::new(Degree::Embedded, &bench.backends)?;
    let mut command = dying_with_this_process("valgrind");
    let profile = place.folder().join("profile");
    // Not callgrind, which breaks down where a thread is sent a signal.
    command.args(["--tool=cachegrind", "--cache-sim=no"]);
    command.arg(format!("--cachegrind-out-file={}", profile.display()));
    command.arg(&bench.binary.0);
    let server = start(command, &place, &SETTINGS)?;
    let request = server.users(1)?.first().map(me).unwrap_or_default();
    ask(bench, &server, &request, requests)?;
    server.process.terminate()?;
    let profile = fs::read_to_string(profile).context("cachegrind has written no profile")?;
    let total = profile.lines().find_map(|line| line.strip_prefix("summary: "));
    total.context("cachegrind tells no sum")?.trim().parse().context("cachegrind's sum")
}

/// Asks so many times on one connection.
fn ask(bench: &Bench, server: &Menjin, request: &[u8], times: usize) -> anyhow::Result<()> {
    bench.backends.runtime.block_on(async {
        let mut connection = Connection::open(server.address()).await?;
        for _ in 0..times {
            connection.exchange(request).await?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perf_is_understood() {
        assert_eq!(instructions("81234,,instructions:u,2000,100.00,1.2,insn\n"), Some(81234.0));
        assert_eq!(instructions("<not supported>,,instructions:u,0,100.00,,\n"), None);
        assert_eq!(instructions("Error: No permission"), None);
    }
}
