//! Processes that are measured: started, watched from outside, and ended.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// How long a server may take to start; under an emulator it takes long.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server process; ended when dropped, and with this process.
pub(crate) struct Process {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts a server that will listen at this address, with what it says in this file. Call
    /// [`Process::wait`] next.
    pub(crate) fn spawn(
        command: &mut Command,
        address: SocketAddr,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let log = fs::File::create(log).context("cannot write the log")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run {}", command.get_program().display()))?;
        Ok(Self { child, address })
    }

    /// Waits until `GET path` is answered with 200.
    pub(crate) fn wait(&mut self, path: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !is_answered(self.address, path) {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server has ended: {status}");
            }
            if Instant::now() > deadline {
                bail!("the server does not answer");
            }
            sleep(Duration::from_micros(500));
        }
        Ok(())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The time that its threads have run, in user mode and in the kernel.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu_of(&self.id().to_string())
    }

    /// Its resident memory, in MB.
    pub(crate) fn memory(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        let kilobytes: f64 = number.context("no VmRSS in /proc/…/status")?.parse()?;
        Ok(kilobytes * 1024.0 / 1e6)
    }

    /// Ends it in order, and waits for that.
    pub(crate) fn terminate(mut self) -> anyhow::Result<()> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The time that the threads of this process have run: those of the load generator, and hardly any
/// others. Children do not count.
pub(crate) fn own_cpu() -> anyhow::Result<Duration> {
    cpu_of("self")
}

fn cpu_of(process: &str) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let ticks = ticks(&stat).context("/proc/…/stat cannot be read")?;
    let second = u32::try_from(rustix::param::clock_ticks_per_second())?;
    Ok(Duration::from_secs(1).mul_f64(f64::from(ticks) / f64::from(second)))
}

/// User and system time in `/proc/PID/stat` (proc(5)): the 14th and the 15th field, after a name that
/// may hold anything.
fn ticks(stat: &str) -> Option<u32> {
    let (_name, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// A port that is free now, of the loopback interface.
pub(crate) fn free_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], menjin_test_servers::free_port()))
}

fn is_answered(address: SocketAddr, path: &str) -> bool {
    ask(address, &crate::http::request("GET", path, "", "")).is_ok_and(|(status, _)| status == 200)
}

/// Sends a request on a connection of its own, and returns the answer whole.
pub(crate) fn ask_whole(address: SocketAddr, request: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let (line, rest) = request.split_at(request.iter().position(|&b| b == b'\n').unwrap_or(0) + 1);
    stream.write_all(&[line, b"Connection: close\r\n", rest].concat())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Sends one request on a connection of its own, and waits for the answer.
pub(crate) fn ask(address: SocketAddr, request: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
    let mut answer = ask_whole(address, request)?;
    let status = answer.get(9..12).and_then(|digits| str::from_utf8(digits).ok());
    let status = status.and_then(|digits| digits.parse().ok()).context("no HTTP")?;
    let head = memchr::memmem::find(&answer, b"\r\n\r\n").context("no whole head")?;
    Ok((status, answer.split_off(head + 4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_not_confuse_the_fields() {
        let stat = "12 (a) b (c 7) S 1 12 12 0 -1 4194560 100 0 0 0 31 11 5 6 20 0 3 0 77 1 2";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("12 (a) S 1"), None);
    }

    #[test]
    fn what_a_process_works_is_seen() {
        let (before, deadline) = (own_cpu().unwrap(), Instant::now() + PATIENCE);
        // It works by asking.
        while own_cpu().unwrap() == before {
            assert!(Instant::now() < deadline);
        }
    }
}
