//! Refreshes that come at one time, and go together.

use std::time::{Duration, Instant};

use menjin_contract as contract;
use menjin_contract::{at, context, session_id};
use menjin_domain::common::{PortError, UserId};
use menjin_domain::sessions::{Generation, Rotation, RotationOutcome, SessionRepository as _};
use menjin_infra_postgres::{PostgresConfig, PostgresStore};
use menjin_tests::servers::postgres::{self, Database, Server};
use tokio::task::JoinSet;

use crate::pages::{log_plans, plans, reads_of};
use crate::{is_unavailable, of, open, until_locked_out};

/// A store with room for one statement at a time, and a user with so many sessions.
async fn one_at_a_time(database: &Database, sessions: u128) -> (PostgresStore, UserId) {
    let config = PostgresConfig { pool_size: 4, ..PostgresConfig::at(database.url.clone()) };
    let store = PostgresStore::open(config).await.unwrap();
    let ann = of(&store).student("ann").await;
    for number in 1..=sessions {
        of(&store).log_in(number, ann).await;
    }
    (store, ann)
}

fn rotation(number: u128, user_id: UserId, presented: i64) -> Rotation {
    Rotation {
        session_id: session_id(number),
        user_id,
        presented: Generation(presented),
        at: at(10),
        grace: Duration::ZERO,
        idle_ttl: None,
        request: contract::request(),
        recorded: true,
    }
}

type Outcomes = JoinSet<Result<RotationOutcome, PortError>>;

/// Refreshes sessions at once.
fn refresh(
    store: &PostgresStore,
    numbers: impl IntoIterator<Item = u128>,
    user: UserId,
) -> Outcomes {
    let mut outcomes = JoinSet::new();
    for number in numbers {
        let store = store.clone();
        outcomes.spawn(async move { store.rotate(rotation(number, user, 0)).await });
    }
    outcomes
}

fn is_rotated(outcome: &Result<RotationOutcome, PortError>) -> bool {
    matches!(outcome, Ok(RotationOutcome::Rotated(_)))
}

/// What comes while a statement is on its way goes together in the next.
#[tokio::test]
async fn refreshes_that_come_meanwhile_go_together() {
    let database = postgres::database().await;
    let (store, ann) = one_at_a_time(&database, 50).await;
    let (holding, raw) = (database.connect().await, database.connect().await);
    holding.batch_execute("BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut first = refresh(&store, [1], ann);
    until_locked_out(&raw, 1).await;
    let others = refresh(&store, 2..=50, ann);
    // On the one thread there is, each of them gets into the line before this goes on.
    tokio::task::yield_now().await;
    holding.batch_execute("ROLLBACK").await.unwrap();
    assert!(is_rotated(&first.join_next().await.unwrap().unwrap()));
    assert!(others.join_all().await.iter().all(is_rotated));
    let transactions = "SELECT count(*), count(DISTINCT xmin::text) FROM audit_events
        WHERE action = 'refreshed'";
    let row = raw.query_one(transactions, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (50, 2));
}

/// A session that another transaction is at holds up its own refresh, and nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn no_refresh_waits_for_anothers_session() {
    let database = postgres::database().await;
    let (store, ann) = one_at_a_time(&database, 30).await;
    let (holding, raw) = (database.connect().await, database.connect().await);
    let lock = format!("BEGIN; SELECT 1 FROM sessions WHERE id = '{}' FOR UPDATE", session_id(7).0);
    holding.batch_execute(&lock).await.unwrap();
    let mut held = refresh(&store, [7], ann);
    until_locked_out(&raw, 1).await;
    let others = refresh(&store, (1..=30).filter(|number| *number != 7), ann);
    assert!(others.join_all().await.iter().all(is_rotated));
    assert!(held.try_join_next().is_none(), "it has to wait");
    holding.batch_execute("ROLLBACK").await.unwrap();
    assert!(is_rotated(&held.join_next().await.unwrap().unwrap()));
}

/// Behind a statement that hangs, whoever waits has an answer in time, and all is well when it does no
/// more (F2).
#[tokio::test(flavor = "multi_thread")]
async fn f2_who_waits_behind_a_stuck_statement_is_answered_in_time() {
    let database = postgres::database().await;
    let (store, ann) = one_at_a_time(&database, 200).await;
    let (holding, raw) = (database.connect().await, database.connect().await);
    holding.batch_execute("BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let first = refresh(&store, [1], ann);
    until_locked_out(&raw, 1).await;
    let started = Instant::now();
    let others = refresh(&store, 2..=190, ann);
    for outcome in first.join_all().await.into_iter().chain(others.join_all().await) {
        assert!(is_unavailable(&outcome), "{outcome:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    holding.batch_execute("ROLLBACK").await.unwrap();
    let after = refresh(&store, 191..=200, ann);
    assert!(after.join_all().await.iter().all(is_rotated));
    // What was told to be unavailable has not been done: each statement had been cancelled by then.
    let rotated = "SELECT count(*) FROM sessions WHERE generation > 0";
    assert_eq!(raw.query_one(rotated, &[]).await.unwrap().get::<_, i64>(0), 10);
}

/// An account that is not active has no refresh, whoever it goes together with.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_fails_alone() {
    let database = postgres::database().await;
    let (store, ann) = one_at_a_time(&database, 20).await;
    let raw = database.connect().await;
    let bob = of(&store).student("bob").await;
    of(&store).log_in(100, bob).await;
    // By hand, or all sessions of the account would have ended.
    raw.execute("UPDATE users SET is_active = false WHERE id = $1", &[&bob.get()]).await.unwrap();
    // A row that nobody can read, which only a hand can make.
    raw.batch_execute("ALTER TABLE sessions DROP CONSTRAINT sessions_times_finite").await.unwrap();
    let unreadable = "UPDATE sessions SET created_at = '-infinity' WHERE id = $1";
    raw.execute(unreadable, &[&session_id(5).0]).await.unwrap();
    assert!(store.end(session_id(6), context(1)).await.unwrap());
    // One whose change fails, and with it the statement.
    let refuse = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'check_violation', TABLE = 'sessions'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON sessions FOR EACH ROW
             WHEN (OLD.id = '{}') EXECUTE FUNCTION refuse()",
        session_id(8).0
    );
    raw.batch_execute(&refuse).await.unwrap();
    let mut outcomes = JoinSet::new();
    for number in (1..=20).chain([100]) {
        let (store, user) = (store.clone(), if number == 100 { bob } else { ann });
        outcomes.spawn(async move { (number, store.rotate(rotation(number, user, 0)).await) });
    }
    for (number, outcome) in outcomes.join_all().await {
        match number {
            5 | 8 => assert!(matches!(outcome, Err(PortError::Internal { .. })), "{outcome:?}"),
            6 | 100 => assert_eq!(outcome.unwrap(), RotationOutcome::NotLive, "{number}"),
            _ => assert!(is_rotated(&outcome), "{number}: {outcome:?}"),
        }
    }
}

/// The store's connections live on the runtime that it was opened on, and so do its refreshes.
#[test]
fn a_runtime_that_has_ended_leaves_nobody_waiting() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (ending, lasting) = (runtime(), runtime());
    let (store, ann) = ending.block_on(async {
        let database = postgres::database().await;
        one_at_a_time(&database, 1).await
    });
    drop(ending);
    for _ in 0..2 {
        let outcome = lasting.block_on(async {
            let refresh = store.rotate(rotation(1, ann, 0));
            tokio::time::timeout(Duration::from_secs(3), refresh).await.unwrap()
        });
        assert!(is_unavailable(&outcome), "{outcome:?}");
    }
}

/// Of many sessions only those are read that are refreshed, by their ids, whichever plan PostgreSQL has
/// come to.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_reads_no_other_session() {
    let server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let database = server.database().await;
    let raw = database.connect().await;
    let (store, ann) = one_at_a_time(&database, 1).await;
    let many =
        "INSERT INTO sessions (id, user_id, generation, created_at, last_used_at, expires_at,
            client_address)
        SELECT gen_random_uuid(), user_id, 0, created_at, last_used_at, expires_at, client_address
        FROM sessions, generate_series(1, 20000)";
    raw.batch_execute(many).await.unwrap();
    raw.batch_execute("VACUUM ANALYZE sessions").await.unwrap();
    log_plans(&raw).await;
    store.close();
    let store = open(&database.url).await;
    // The sixth time at the latest a plan for any value is tried.
    for presented in 0..8 {
        let outcome = store.rotate(rotation(1, ann, presented)).await;
        assert!(is_rotated(&outcome), "{outcome:?}");
    }
    let mut refreshes = 0;
    for plan in plans(&server.log()) {
        if !plan["Query Text"].as_str().unwrap().contains("UPDATE sessions") {
            continue;
        }
        let mut reads = Vec::new();
        reads_of("sessions", &plan["Plan"], &mut reads);
        reads.retain(|(how, _)| how != "ModifyTable");
        assert!(!reads.is_empty());
        for (how, rows) in &reads {
            assert!(how.starts_with("Index") && *rows <= 1, "{how}, {rows} rows: {plan:#}");
        }
        refreshes += 1;
    }
    assert_eq!(refreshes, 8, "each is in the log");
}
