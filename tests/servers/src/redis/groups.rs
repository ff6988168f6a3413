//! Servers that belong together.

use super::process::RedisServer;
use crate::listening::free_port;

/// A primary with a replica, and three Sentinels that watch them.
pub struct Sentinels {
    /// The primary, at first.
    pub primary: RedisServer,
    /// Its replica, at first.
    pub replica: RedisServer,
    /// The Sentinels. They take a node for dead after half a second.
    pub sentinels: Vec<RedisServer>,
}

impl Sentinels {
    /// What they call the primary.
    pub const NAME: &str = "menjin";

    /// Starts all of them, and waits until a failover is possible.
    pub fn start() -> Self {
        let primary = RedisServer::start(&[]);
        let port = primary.port.to_string();
        let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
        replica.wait_until("INFO replication", &["master_link_status:up"]);
        primary.wait_until("INFO replication", &["state=online"]);
        let name = Self::NAME;
        let configuration = format!(
            "sentinel monitor {name} 127.0.0.1 {port} 2\n\
             sentinel down-after-milliseconds {name} 500\n\
             sentinel failover-timeout {name} 2000\n"
        );
        let start = || RedisServer::start_from(&configuration, &["--sentinel"]);
        let sentinels: Vec<_> = (0..3).map(|_| start()).collect();
        for sentinel in &sentinels {
            let seen = ["num-slaves\r\n$1\r\n1", "num-other-sentinels\r\n$1\r\n2"];
            sentinel.wait_until(&format!("SENTINEL MASTER {name}"), &seen);
        }
        Self { primary, replica, sentinels }
    }

    /// Waits until the Sentinels have made the replica the primary.
    pub fn wait_for_failover(&self) {
        self.replica.wait_until("ROLE", &["master"]);
        let port = self.replica.port.to_string();
        for sentinel in &self.sentinels {
            let question = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {}", Self::NAME);
            sentinel.wait_until(&question, &[&port]);
        }
    }

    /// The addresses of the Sentinels.
    pub fn addresses(&self) -> Vec<String> {
        self.sentinels.iter().map(RedisServer::address).collect()
    }
}

/// A cluster of three primaries with a replica each.
pub struct Cluster {
    /// The nodes: the first three are the primaries, at first.
    pub nodes: Vec<RedisServer>,
}

impl Cluster {
    /// Starts all of them, and waits until they agree.
    pub fn start() -> Self {
        let start = |_| {
            let bus = free_port().to_string();
            let arguments = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
            let server = RedisServer::start(&[&arguments[..], &["--cluster-port", &bus]].concat());
            (server, bus)
        };
        let (nodes, buses): (Vec<_>, Vec<_>) = (0..6).map(start).unzip();
        let slots = ["0 5460", "5461 10922", "10923 16383"];
        for (number, node) in nodes.iter().enumerate() {
            node.ask(&format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1));
            if let Some(slots) = slots.get(number) {
                node.ask(&format!("CLUSTER ADDSLOTSRANGE {slots}"));
            }
        }
        let first = nodes.first().unwrap();
        for (node, bus) in nodes.iter().zip(&buses).skip(1) {
            first.ask(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", node.port));
        }
        for node in &nodes {
            node.wait_until("CLUSTER INFO", &["cluster_known_nodes:6", "cluster_state:ok"]);
        }
        for (replica, primary) in nodes.iter().skip(slots.len()).zip(&nodes) {
            let id = primary.ask("CLUSTER MYID");
            let id = id.lines().nth(1).unwrap_or_default();
            // Refused until the replica has heard of that primary.
            replica.wait_until(&format!("CLUSTER REPLICATE {id}"), &["+OK\r\n+OK"]);
            replica.wait_until("INFO replication", &["master_link_status:up"]);
        }
        Self { nodes }
    }

    /// The URL of one node, and the addresses of the others.
    pub fn url_and_addresses(&self) -> (String, Vec<String>) {
        let url = self.nodes.first().unwrap().url();
        (url, self.nodes.iter().skip(1).map(RedisServer::address).collect())
    }
}
