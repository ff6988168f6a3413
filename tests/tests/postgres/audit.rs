//! What PostgreSQL does for the audit log.

use std::time::{Duration, Instant};

use menjin_contract as contract;
use menjin_contract::{at, session_id};
use menjin_domain::audit::{
    AuditAction, AuditFilter, AuditOrder, AuditOutcome, AuditPosition, AuditQuery, AuditRecordId,
    AuditRepository as _, ChangedField,
};
use menjin_domain::sessions::{Generation, Rotation, RotationOutcome, SessionRepository as _};
use menjin_tests::servers::postgres::{self, Database};
use tokio_postgres::Client;

use crate::{of, open};

/// How often an index was walked, and the table without one.
async fn scans(raw: &Client, index: &str) -> (i64, i64) {
    let statement = "SELECT i.idx_scan, t.seq_scan FROM pg_stat_user_indexes i
        JOIN pg_stat_user_tables t USING (relid) WHERE i.indexrelname = $1";
    let row = raw.query_one(statement, &[&index]).await.unwrap();
    (row.get(0), row.get(1))
}

/// Fills the log: a thousand users who refresh, and a few events of other kinds among them.
async fn fill(raw: &Client) {
    raw.batch_execute(
        "INSERT INTO audit_events
             (at, action, outcome, actor_id, subject_id, client_address, changed)
         SELECT '2023-11-14T22:13:20Z'::timestamptz + n * interval '1 s',
             CASE n % 500 WHEN 0 THEN 'log_in_failed' WHEN 1 THEN 'deactivated' ELSE 'refreshed' END,
             CASE n % 500 WHEN 0 THEN 'failure' ELSE 'success' END,
             CASE n % 500 WHEN 0 THEN NULL WHEN 1 THEN 1 ELSE n % 1000 + 2 END,
             n % 1000 + 2, '192.0.2.1', CASE n % 500 WHEN 1 THEN 'email,role' END
         FROM generate_series(1, 20000) n;
         ANALYZE audit_events",
    )
    .await
    .unwrap();
}

async fn walks(database: &Database, raw: &Client, query: AuditQuery, index: &str) {
    let before = scans(raw, index).await;
    let store = open(&database.url).await;
    assert!(!store.list(query).await.unwrap().is_empty(), "{query:?}");
    // What a connection has counted is told at its end at the latest.
    store.close();
    let started = Instant::now();
    loop {
        let after = scans(raw, index).await;
        assert_eq!(after.1, before.1, "the whole table was read: {query:?}");
        if after.0 > before.0 {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{index} was not used: {query:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// However long the log is, a page of it is a walk along an index.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_a_walk_along_an_index() {
    let database = postgres::database().await;
    open(&database.url).await;
    let raw = database.connect().await;
    fill(&raw).await;
    let all = AuditFilter::default();
    let place = AuditPosition { at: at(19_000), id: AuditRecordId(1) };
    let query = |filter| AuditQuery {
        filter,
        order: AuditOrder::NewestFirst,
        beyond: Some(place),
        limit: 21,
    };
    let user = |id: i64| Some(id.try_into().unwrap());
    for (filter, index) in [
        (all, "audit_events_pkey"),
        (AuditFilter { since: Some(at(100)), until: Some(at(200)), ..all }, "audit_events_pkey"),
        (AuditFilter { user: user(77), ..all }, "audit_events_subject"),
        (AuditFilter { user: user(1), ..all }, "audit_events_actor"),
        (AuditFilter { action: Some(AuditAction::Deactivated), ..all }, "audit_events_action"),
        (AuditFilter { outcome: Some(AuditOutcome::Failure), ..all }, "audit_events_failures"),
        (AuditFilter { changed: Some(ChangedField::Role), ..all }, "audit_events_changed"),
    ] {
        walks(&database, &raw, query(filter), index).await;
        let oldest = AuditQuery { order: AuditOrder::OldestFirst, beyond: None, ..query(filter) };
        walks(&database, &raw, oldest, index).await;
    }
}

/// A refresh, a login and a logout stay one statement each, records and all: one transaction each,
/// where nothing is begun or committed by name.
#[tokio::test(flavor = "multi_thread")]
async fn what_happens_often_is_one_statement() {
    let database = postgres::database().await;
    let store = open(&database.url).await;
    let ann = of(&store).student("ann").await;
    of(&store).log_in(1, ann).await;
    let raw = database.connect().await;
    // Every statement of the connection, from the last one on, as the server remembers it.
    let last = "SELECT query FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let last = async || raw.query_one(last, &[]).await.unwrap().get::<_, String>(0);
    let created = last().await;
    assert!(
        created.contains("INSERT INTO sessions") && created.contains("audit_events"),
        "{created}"
    );
    let rotation = Rotation {
        session_id: session_id(1),
        user_id: ann,
        presented: Generation(0),
        at: at(1),
        grace: Duration::from_secs(10),
        idle_ttl: None,
        request: contract::request(),
        recorded: true,
    };
    let outcome = store.rotate(rotation.clone()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated(_)));
    let rotated = last().await;
    assert!(rotated.contains("UPDATE sessions") && rotated.contains("audit_events"), "{rotated}");
    let silent = Rotation { presented: Generation(1), recorded: false, ..rotation };
    store.rotate(silent).await.unwrap();
    assert_eq!(last().await, rotated, "prepared once for both");
    store.end(session_id(1), contract::context(2)).await.unwrap();
    let ended = last().await;
    assert!(ended.contains("UPDATE") && ended.contains("audit_events"), "{ended}");
}
