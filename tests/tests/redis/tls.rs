//! TLS by an authority of one's own, in each topology.

use menjin_contract::cache::slot;
use menjin_domain::cache::Cache as _;
use menjin_domain::health::HealthProbe as _;
use menjin_infra_redis::{RedisClient, RedisConfig, TlsFiles, Topology};
use menjin_tests::servers::free_port;
use menjin_tests::servers::redis::RedisServer;
use menjin_tests::tls::Authority;
use tempfile::TempDir;

use crate::{MINUTE, cache, config, unavailable};

/// An authority, and what it has signed: for a server, and for this client.
struct Trust {
    folder: TempDir,
    files: TlsFiles,
}

impl Trust {
    fn new() -> Self {
        let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
        authority.certify(folder.path());
        let client = authority.certify_client(folder.path(), "menjin");
        let files = TlsFiles {
            ca: Some(authority.publish(folder.path())),
            cert: Some(client.certificate),
            key: Some(client.key),
        };
        Self { folder, files }
    }

    /// The arguments of a server that offers TLS on this port, to clients of the authority's.
    fn arguments(&self, port: u16) -> Vec<String> {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let files = [
            ("--tls-cert-file", file("server.pem")),
            ("--tls-key-file", file("server.key")),
            ("--tls-ca-cert-file", file("ca.pem")),
            ("--tls-port", port.to_string()),
            ("--tls-replication", "yes".to_owned()),
        ];
        files.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }

    /// A server with TLS, the port of that, and what else it is told.
    fn server(&self, configuration: &str, more: &[&str]) -> (RedisServer, u16) {
        let port = free_port();
        let arguments = self.arguments(port);
        let arguments: Vec<&str> =
            more.iter().copied().chain(arguments.iter().map(String::as_str)).collect();
        (RedisServer::start_from(configuration, &arguments), port)
    }

    /// That the topology at this URL is reached with the files, and not without either of them.
    async fn is_needed_at(&self, port: u16, topology: Topology) {
        let url = format!("rediss://127.0.0.1:{port}");
        let config = RedisConfig { topology, tls: self.files.clone(), ..config(&url) };
        let works = cache(&config);
        works.check().await.unwrap();
        for number in 0..20 {
            let slot = slot(&format!("key{number}"));
            works.set(&slot, b"one".to_vec(), MINUTE).await.unwrap();
            assert_eq!(works.get(&slot).await.unwrap().unwrap().value, b"one");
        }
        let stranger = TlsFiles { ca: None, ..self.files.clone() };
        let nobody = TlsFiles { cert: None, key: None, ..self.files.clone() };
        for tls in [stranger, nobody] {
            unavailable(cache(&RedisConfig { tls, ..config.clone() }).check().await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j12_an_authority_of_ones_own_is_trusted_for_one_node() {
    let trust = Trust::new();
    let (_server, port) = trust.server("", &[]);
    trust.is_needed_at(port, Topology::Single).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j12_an_authority_of_ones_own_is_trusted_for_sentinels_and_what_they_name() {
    let trust = Trust::new();
    let (_primary, port) = trust.server("", &[]);
    let configuration = format!("sentinel monitor menjin 127.0.0.1 {port} 1\n");
    let (_sentinel, sentinel) = trust.server(&configuration, &["--sentinel"]);
    let topology = Topology::Sentinel {
        master_name: "menjin".to_owned(),
        nodes: vec![format!("rediss://127.0.0.1:{sentinel}").into()],
    };
    // The Sentinel names the port.
    trust.is_needed_at(1, topology).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j12_an_authority_of_ones_own_is_trusted_for_a_cluster_and_what_it_names() {
    let trust = Trust::new();
    let start = || {
        let bus = free_port().to_string();
        let arguments =
            ["--cluster-enabled", "yes", "--cluster-port", &bus, "--tls-cluster", "yes"];
        let (server, port) = trust.server("", &arguments);
        (server, port, bus)
    };
    let ((one, port, _), (two, other, bus)) = (start(), start());
    one.ask("CLUSTER ADDSLOTSRANGE 0 8191");
    two.ask("CLUSTER ADDSLOTSRANGE 8192 16383");
    one.ask("CLUSTER SET-CONFIG-EPOCH 1");
    two.ask("CLUSTER SET-CONFIG-EPOCH 2");
    one.ask(&format!("CLUSTER MEET 127.0.0.1 {other} {bus}"));
    for node in [&one, &two] {
        node.wait_until("CLUSTER INFO", &["cluster_known_nodes:2", "cluster_state:ok"]);
    }
    // The other node is named by the first alone.
    trust.is_needed_at(port, Topology::Cluster { nodes: Vec::new() }).await;
    assert!(!two.ask("DBSIZE").starts_with(":0"), "it has some of the keys");
}

#[test]
fn j12_files_of_tls_that_cannot_be_used_are_named() {
    let trust = Trust::new();
    let path = |name: &str| Some(trust.folder.path().join(name));
    std::fs::write(trust.folder.path().join("empty"), "").unwrap();
    std::fs::write(trust.folder.path().join("canary"), "-----BEGIN PRIVATE KEY-----\ncanary")
        .unwrap();
    let good = || trust.files.clone();
    for (tls, field, reason) in [
        (TlsFiles { ca: path("nowhere"), ..good() }, "ca", "nowhere"),
        (TlsFiles { ca: path("empty"), ..good() }, "ca", "no certificate"),
        (TlsFiles { ca: path("server.key"), ..good() }, "ca", "no certificate"),
        (TlsFiles { cert: path("nowhere"), ..good() }, "cert", "nowhere"),
        (TlsFiles { cert: path("menjin.key"), ..good() }, "cert", "no certificate"),
        (TlsFiles { key: path("nowhere"), ..good() }, "key", "nowhere"),
        (TlsFiles { key: path("menjin.pem"), ..good() }, "key", "no private key"),
        (TlsFiles { key: path("canary"), ..good() }, "key", "no private key"),
        (TlsFiles { key: path("server.key"), ..good() }, "key", "not the key of"),
    ] {
        let config = RedisConfig { tls, ..config("rediss://127.0.0.1:1") };
        let error = RedisClient::new(&config).unwrap_err();
        assert_eq!(error.field, field, "{error}");
        assert!(error.reason.contains(reason), "{error}");
        assert!(!error.reason.contains("\ncanary"), "{error}");
    }
}
