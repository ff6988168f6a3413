//! # menjin-bench
//!
//! Measures menjin beside its ceilings: what is compared runs in the same run on the same machine, in
//! turns, since absolute figures drift from machine to machine and from hour to hour. `make bench`
//! builds what it needs and runs it.
//!
//! Servers, ceilings and load are processes of their own, on the loopback interface. The server is the
//! real binary. PostgreSQL and Redis are private to the run and gone after it.

mod backends;
mod ceilings;
mod http;
mod load;
mod machine;
mod menjin;
mod parts;
mod process;
mod report;
mod stats;

use std::fs;
use std::io::{Write as _, stderr, stdout};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Parser as _;

use backends::Backends;
use ceilings::Ceiling;
use machine::Machine;
use menjin::Binary;
use parts::{Bench, Part};
use report::Report;

/// After this a run is given up.
const AT_MOST: Duration = Duration::from_secs(600);

/// So much later with the curve.
const CURVE_AT_MOST: Duration = Duration::from_secs(900);

/// Measures menjin beside its ceilings, and prints a table.
#[derive(clap::Parser, Debug)]
#[command(version)]
struct Cli {
    /// Seconds in place of minutes: shows that everything works; the figures say nothing.
    #[arg(long)]
    quick: bool,
    /// Only these parts, such as B1,B4.
    #[arg(long, value_delimiter = ',', ignore_case = true)]
    only: Vec<Part>,
    /// How long logins take at a twentieth to four times of what plain hashing can serve: some
    /// minutes more. Alone, unless parts are named beside it.
    #[arg(long)]
    curve: bool,
    /// Another server than the one beside this program.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Where the table is written as JSON.
    #[arg(long, default_value = "target/bench.json", value_name = "PATH")]
    json: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// What this program runs as a process of its own.
    #[command(subcommand, hide = true)]
    Ceiling(Ceiling),
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Some(Command::Ceiling(ceiling)) = cli.command {
        return ceiling.run();
    }
    let machine = Machine::now();
    allow_many_files();
    give_up_after(if cli.curve { AT_MOST + CURVE_AT_MOST } else { AT_MOST });
    let bench = Bench {
        binary: Binary::find(cli.binary)?,
        backends: Backends::new()?,
        quick: cli.quick,
        folder: tempfile::tempdir()?,
    };
    let started = Instant::now();
    let mut rows = Vec::new();
    // The curve stands alone: it takes as long as all others together.
    let none = cli.curve && cli.only.is_empty();
    let parts = if none { Vec::new() } else { parts::chosen(&cli.only) };
    let mut failed = Vec::new();
    for part in parts {
        writeln!(stderr(), "{:>4} s  {}", started.elapsed().as_secs(), part.id())?;
        // What the others have measured is not lost.
        match bench.run(part) {
            Ok(measured) => rows.extend(measured),
            Err(error) => failed.push(format!("{}: {error:#}", part.id())),
        }
    }
    let curve = if cli.curve { parts::curve(&bench)? } else { Vec::new() };
    let mut versions = vec![bench.binary.version()];
    versions.extend(bench.backends.versions());
    let seconds = started.elapsed().as_secs();
    let report = Report { machine, versions, quick: cli.quick, seconds, rows, curve };
    if let Some(folder) = cli.json.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&cli.json, serde_json::to_vec_pretty(&report)?)?;
    writeln!(stdout(), "{report}also in {}", cli.json.display())?;
    if !failed.is_empty() {
        bail!("not all could be measured:\n{}", failed.join("\n"));
    }
    Ok(())
}

/// A thousand connections are more than many systems allow a process without being asked. Children
/// inherit it.
fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        drop(writeln!(stderr(), "the limit of open files stays {:?}: {error}", limit.current));
    }
}

/// Whatever hangs must not hang for ever. The servers end with this process.
fn give_up_after(time: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(time);
        drop(writeln!(stderr(), "given up after {} s", time.as_secs()));
        std::process::exit(1);
    });
}
