//! `PgBouncer` in transaction mode, before the PostgreSQL of the tests.
//!
//! `MENJIN_TEST_PGBOUNCER` names another binary than the system's.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use tokio_postgres::config::Host;

use crate::listening::{Listening, dying_with_this_process, system_program};
use crate::postgres::Database;

/// `PgBouncer` before one server, for any of its databases. A few connections to each serve all
/// clients, so that hardly two transactions in a row of one client have the same.
pub struct PgBouncer(Listening);

impl PgBouncer {
    /// Before the server of this database, for the user of its URL.
    pub fn start(database: &Database) -> Self {
        let target: tokio_postgres::Config = database.url.parse().unwrap();
        let Some(Host::Tcp(host)) = target.get_hosts().first() else { panic!("no host") };
        let port = target.get_ports().first().copied().unwrap_or(5432);
        let user = target.get_user().unwrap();
        let password = String::from_utf8_lossy(target.get_password().unwrap_or_default());
        // A statement that a client has prepared is prepared on each connection where it is run.
        let prepared = if keeps_statements() { "max_prepared_statements = 100" } else { "" };
        Self(Listening::start(|own_port, folder| {
            let users = folder.join("users.txt");
            fs::write(&users, format!("\"{user}\" \"{password}\"\n")).unwrap();
            let users = users.display();
            let configuration = format!(
                "[databases]\n\
                 * = host={host} port={port}\n\
                 [pgbouncer]\n\
                 listen_addr = 127.0.0.1\n\
                 listen_port = {own_port}\n\
                 unix_socket_dir =\n\
                 auth_type = trust\n\
                 auth_file = {users}\n\
                 pool_mode = transaction\n\
                 default_pool_size = 4\n\
                 max_client_conn = 1000\n\
                 server_idle_timeout = 2\n\
                 {prepared}\n"
            );
            let file = folder.join("pgbouncer.ini");
            fs::write(&file, configuration).unwrap();
            let mut command = dying_with_this_process(binary());
            command.arg(file);
            command
        }))
    }

    /// This database of its server, through it.
    pub fn to(&self, database: &Database) -> Database {
        let url = database.url.split('?').next().unwrap();
        let (place, name) = url.rsplit_once('/').unwrap();
        let (credentials, _server) = place.rsplit_once('@').unwrap();
        Database { url: format!("{credentials}@127.0.0.1:{}/{name}", self.0.port) }
    }
}

/// The same database through a `PgBouncer` that all tests of this process share.
pub async fn through(database: &Database) -> Database {
    static SHARED: OnceLock<PgBouncer> = OnceLock::new();
    let first = database.clone();
    let start = move || SHARED.get_or_init(|| PgBouncer::start(&first));
    tokio::task::spawn_blocking(start).await.unwrap().to(database)
}

/// Whether this one keeps the statements that clients have prepared: from 1.21 on.
pub fn keeps_statements() -> bool {
    version() >= (1, 21)
}

/// Its version, such as (1, 18).
pub fn version() -> (u32, u32) {
    let output = Command::new(binary()).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let version = text.lines().next().and_then(|line| line.strip_prefix("PgBouncer ")).unwrap();
    let mut numbers = version.split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

fn binary() -> &'static str {
    static BINARY: OnceLock<String> = OnceLock::new();
    BINARY.get_or_init(|| {
        std::env::var("MENJIN_TEST_PGBOUNCER").unwrap_or_else(|_unset| system_program("pgbouncer"))
    })
}
