//! What private servers have in common.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that listens on a port, with a folder of its own; killed when dropped.
pub(super) struct Listening {
    child: Child,
    pub(super) port: u16,
    pub(super) folder: TempDir,
}

impl Listening {
    /// Starts the program that this returns for a port and a folder, to which it may write, and waits
    /// until it listens. The program is run by somebody without privileges.
    pub(super) fn start(program: impl Fn(u16, &Path) -> Command) -> Self {
        Self::start_as(unprivileged(), program)
    }

    /// The same, run by this user, or by who runs the tests.
    pub(super) fn start_as(
        user: Option<(u32, u32)>,
        program: impl Fn(u16, &Path) -> Command,
    ) -> Self {
        let mut log = String::new();
        // Somebody may be quicker to take the port.
        for _ in 0..5 {
            let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
            let mut command = program(port, folder.path());
            let output = File::create(folder.path().join("log")).unwrap();
            command.current_dir(folder.path()).stdin(Stdio::null());
            command.stdout(output.try_clone().unwrap()).stderr(output);
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
                for entry in fs::read_dir(folder.path()).unwrap() {
                    chown(entry.unwrap().path(), Some(uid), Some(gid)).unwrap();
                }
                chown(folder.path(), Some(uid), Some(gid)).unwrap();
            }
            let mut server = Self { child: spawn(command), port, folder };
            if server.listens() {
                return server;
            }
            log = fs::read_to_string(server.folder.path().join("log")).unwrap_or_default();
        }
        panic!("a server of the tests does not start (scripts/test-tools installs them):\n{log}")
    }

    fn listens(&mut self) -> bool {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            if TcpStream::connect(address).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port that is free now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A command that the system ends with this process, however that ends.
pub fn dying_with_this_process(program: impl AsRef<OsStr>) -> Command {
    if !cfg!(target_os = "linux") {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// A program by its name, also where only the administrator's `PATH` leads.
pub(super) fn system_program(name: &str) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/local/sbin".into(), "/usr/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|file| file.exists());
    found.map_or_else(|| name.to_owned(), |file| file.display().to_string())
}

/// Starts it from a thread that never ends: the signal comes with the end of the thread that started
/// it, not only of the process.
pub(super) fn spawn(command: Command) -> Child {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static ORDERS: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in orders {
                drop(answer.send(command.spawn()));
            }
        });
        sender
    });
    let (answer, started) = mpsc::channel();
    orders.send((command, answer)).unwrap();
    started.recv().unwrap().unwrap()
}

/// Whom to become in root's place, where that is who runs the tests: some servers refuse it.
pub fn unprivileged() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let user = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = user.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(find("postgres").or_else(|| find("nobody")).unwrap())
}
