//! TLS by `sslmode`.

use menjin_domain::health::HealthProbe as _;
use menjin_infra_postgres::{PostgresConfig, PostgresStore};
use menjin_tests::servers::postgres::{Server, connect};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::chain;

/// The certificate of an authority, and one of its for `localhost` with its key, in PEM.
fn certificates() -> (String, String, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (root, server.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_as_the_url_says() {
    let server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let plain = server.url();
    let error = open(&format!("{plain}?sslmode=require")).await.unwrap_err();
    assert!(chain(&error).contains("TLS"), "no fall-back without being asked: {}", chain(&error));
    assert!(!encrypted(&plain, "").await, "prefer falls back");

    let (root, certificate, key) = certificates();
    server.offer_tls(&certificate, &key).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, root).unwrap();
    let trusting = format!("?sslmode=verify-full&sslrootcert={}", file.display());
    let named = plain.replace("127.0.0.1", "localhost");
    for (url, parameters, is_encrypted) in [
        (&plain, "?sslmode=disable", false),
        (&plain, "", true),
        (&plain, "?sslmode=require", true),
        (&named, trusting.as_str(), true),
    ] {
        assert_eq!(encrypted(url, parameters).await, is_encrypted, "{parameters}");
    }
    for (url, parameters, reason) in [
        (&plain, trusting.as_str(), "not valid for name"),
        (&named, "?sslmode=verify-full", "certificate"),
        (&named, "?sslmode=verify-full&sslrootcert=/nowhere", "/nowhere"),
    ] {
        let error = open(&format!("{url}{parameters}")).await.unwrap_err();
        let text = chain(&error);
        assert!(text.contains(reason) && !text.contains("canary"), "{parameters}: {text}");
    }
}

async fn open(url: &str) -> Result<PostgresStore, menjin_infra_postgres::OpenError> {
    PostgresStore::open(PostgresConfig::at(url)).await
}

/// Whether the connections of a store are, by the server's account.
async fn encrypted(url: &str, parameters: &str) -> bool {
    let store = open(&format!("{url}{parameters}")).await.unwrap();
    store.check().await.unwrap();
    let statement = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE application_name = 'menjin'";
    let encrypted = connect(url).await.query_one(statement, &[]).await.unwrap().get(0);
    // The next one is to be the only one.
    store.close();
    drop(store);
    let gone = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'menjin'";
    while connect(url).await.query_one(gone, &[]).await.unwrap().get::<_, i64>(0) > 0 {}
    encrypted
}
