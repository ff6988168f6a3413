//! A load balancer in front of replicas.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::redis::{free_port, spawn};
use crate::smuggling::FORBIDDEN;

/// `HAProxy` on a free port of the loopback interface; ended when dropped, and with the process of the
/// tests.
pub struct HaProxy {
    child: Child,
    /// Where it listens, as `http://127.0.0.1:…`.
    pub url: String,
    _folder: TempDir,
}

impl HaProxy {
    /// One that sends each request to the next of these servers (`http://…`), and says for whom. It
    /// refuses what requests that are smuggled through it ask for.
    pub fn start(servers: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let backends: Vec<String> = (1..)
            .zip(servers)
            .map(|(n, url)| {
                format!("    server s{n} {} check inter 200ms", url.trim_start_matches("http://"))
            })
            .collect();
        let backends = backends.join("\n");
        let config = format!(
            "defaults\n    mode http\n    timeout connect 2s\n    timeout client 20s\n    \
             timeout server 20s\n    timeout check 4s\n    option forwardfor\n\
             listen menjin\n    bind 127.0.0.1:{port}\n    balance roundrobin\n    \
             http-request deny if {{ path_beg {FORBIDDEN} }}\n    \
             option httpchk GET /health/ready\n{backends}\n"
        );
        let path = folder.path().join("haproxy.cfg");
        std::fs::write(&path, config).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "haproxy", "-db", "-f"]).arg(path);
        let child = spawn(command);
        let proxy = Self { child, url: format!("http://127.0.0.1:{port}"), _folder: folder };
        wait_until_listening(port);
        proxy
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn wait_until_listening(port: u16) {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "haproxy does not listen: run scripts/test-tools");
        std::thread::sleep(Duration::from_millis(20));
    }
}
