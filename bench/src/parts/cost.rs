//! B8: how many instructions a `GET /api/v1/users/me` takes, beside those of the bare handler. They are
//! the same on a busy machine as on an idle one, so that a regression shows on any.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use menjin_test_servers::dying_with_this_process;

use super::Bench;
use crate::ceilings::Bare;
use crate::http::Connection;
use crate::menjin::{self, Place, Profile, me};
use crate::process::Process;
use crate::report::{Row, Unit};
use crate::stats::float;

/// What a start costs is in both runs, and not in their difference.
const FEW: usize = 200;
const MANY: usize = 2200;

/// One worker, whose cached session stays good, and no trial of lanes: what is counted is the same in
/// each run.
const SETTINGS: [(&str, &str); 3] =
    [("server__workers", "1"), ("auth__session_cache_ttl", "1m"), ("hashing__engine", "plain")];

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let row = |by| {
        let what = format!("GET me, instructions in user mode, by {by}");
        Row::new("B8", Profile::Embedded.name(), what).unit(Unit::Instructions)
    };
    let trial = Trial::new(bench)?;
    if let (Some(server), Some(bare)) =
        (trial.by_perf(Subject::Server)?, trial.by_perf(Subject::BareHandler)?)
    {
        return Ok(vec![row("perf").figure(server).against(bare)]);
    }
    let row = row("cachegrind");
    if !there_is("valgrind") {
        let why = "no counters for perf, no valgrind; see the processor time of B1";
        return Ok(vec![row.not_measured(why)]);
    }
    if bench.quick {
        return Ok(vec![row.not_measured("not in a quick run")]);
    }
    let server = trial.by_cachegrind(Subject::Server)?;
    let bare = trial.by_cachegrind(Subject::BareHandler)?;
    Ok(vec![row.figure(server).against(bare)])
}

fn there_is(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Whose instructions are counted.
#[derive(Clone, Copy)]
enum Subject {
    Server,
    BareHandler,
}

/// What both subjects have in common: they are sent the same bytes.
struct Trial<'a> {
    bench: &'a Bench,
    place: Place,
    request: Vec<u8>,
}

impl<'a> Trial<'a> {
    fn new(bench: &'a Bench) -> anyhow::Result<Self> {
        let place = Place::new(Profile::Embedded, &bench.backends)?;
        let server = bench.binary.start(&place, &SETTINGS)?;
        let request = server.users(1)?.first().map(me).context("nobody is logged in")?;
        server.process.terminate()?;
        Ok(Self { bench, place, request })
    }

    /// Starts a subject with one worker, by a command that this program's path is added to.
    fn start(
        &self,
        subject: Subject,
        command: impl FnOnce(&Path) -> Command,
    ) -> anyhow::Result<Process> {
        match subject {
            Subject::Server => {
                let command = command(&self.bench.binary.0);
                Ok(menjin::start(command, &self.place, &SETTINGS)?.process)
            }
            Subject::BareHandler => {
                let command = command(&std::env::current_exe()?);
                Ok(Bare::start_by(command, self.place.folder(), Some(1))?.0)
            }
        }
    }

    /// `None` where there is no perf, or it may not count, or the processor does not let it, as in many
    /// virtual machines.
    fn by_perf(&self, subject: Subject) -> anyhow::Result<Option<f64>> {
        let process = self.start(subject, |program| dying_with_this_process(program))?;
        let count = |requests| counted(&process, || self.ask(&process, requests));
        let (Some(few), Some(many)) = (count(FEW)?, count(MANY)?) else { return Ok(None) };
        Ok(Some((many - few) / float(MANY - FEW)))
    }

    /// Valgrind's processor has no instructions for SHA-256: real ones take fewer.
    fn by_cachegrind(&self, subject: Subject) -> anyhow::Result<f64> {
        let (few, many) = (self.whole_life(subject, FEW)?, self.whole_life(subject, MANY)?);
        Ok((many - few) / float(MANY - FEW))
    }

    /// The instructions of a whole life of a subject that answers so many requests.
    fn whole_life(&self, subject: Subject, requests: usize) -> anyhow::Result<f64> {
        let profile = self.place.folder().join("profile");
        let process = self.start(subject, |program| {
            let mut command = dying_with_this_process("valgrind");
            // Not callgrind, which breaks down where a thread is sent a signal.
            command.args(["--tool=cachegrind", "--cache-sim=no"]);
            command.arg(format!("--cachegrind-out-file={}", profile.display()));
            command.arg(program);
            command
        })?;
        self.ask(&process, requests)?;
        process.terminate()?;
        let text = fs::read_to_string(&profile).context("cachegrind has written no profile")?;
        fs::remove_file(profile)?;
        let total = text.lines().find_map(|line| line.strip_prefix("summary: "));
        total.context("cachegrind tells no sum")?.trim().parse().context("cachegrind's sum")
    }

    /// Asks so many times on one connection.
    fn ask(&self, process: &Process, times: usize) -> anyhow::Result<()> {
        self.bench.backends.runtime.block_on(async {
            let mut connection = Connection::open(process.address).await?;
            for _ in 0..times {
                let status = connection.exchange(&self.request).await?.status;
                anyhow::ensure!(status == 200, "answered with {status}");
            }
            Ok(())
        })
    }
}

/// The instructions of a process while this runs.
fn counted(
    process: &Process,
    work: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Option<f64>> {
    let id = process.id().to_string();
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
