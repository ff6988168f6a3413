//! What a run was made on: figures mean little without.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// The machine, before anything was started.
#[derive(Serialize, Debug)]
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    kernel: String,
    /// Processes that wanted to run, on average over one, five and fifteen minutes.
    load: String,
    /// The compiler that is here now. It is taken to have built what is measured.
    rustc: String,
}

impl Machine {
    pub(crate) fn now() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let processors = read("/proc/cpuinfo");
        let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model.and_then(|rest| rest.split_once(": ")).map_or("unknown", |(_, it)| it);
        let load = read("/proc/loadavg");
        let rustc = Command::new("rustc").arg("--version").output();
        let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        Self {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            processor: model.to_owned(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: load.split_whitespace().take(3).collect::<Vec<_>>().join(" "),
            rustc: rustc.unwrap_or_else(|_missing| "rustc unknown".to_owned()),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cores, processor, kernel, load, rustc } = self;
        write!(f, "{cores} cores of {processor}, Linux {kernel}, load before {load}, {rustc}")
    }
}
