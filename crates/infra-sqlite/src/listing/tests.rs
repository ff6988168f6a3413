use std::sync::{Arc, Mutex};

use diesel::connection::{InstrumentationEvent, SimpleConnection as _};
use menjin_domain::common::UserId;

use super::*;

/// The migrations before blocks were counted, and the one that counts them.
const BEFORE: &str =
    include_str!("../../../../migrations/sqlite/2026-11-21-000001_accounts/up.sql");
const BLOCKS: &str =
    include_str!("../../../../migrations/sqlite/2026-11-21-000003_user_blocks/up.sql");

/// A database with users of these ids, who are there already when the blocks are first counted.
fn filled(ids: &str) -> SqliteConnection {
    let mut sqlite = SqliteConnection::establish(":memory:").unwrap();
    sqlite.batch_execute(BEFORE).unwrap();
    insert(&mut sqlite, ids);
    sqlite.batch_execute(BLOCKS).unwrap();
    sqlite
}

/// Adds users of these ids (a `SELECT` of `n`): two of three are students, the rest teachers, but for
/// a few administrators.
fn insert(sqlite: &mut SqliteConnection, ids: &str) {
    let insert = format!(
        "INSERT INTO users (id, username, username_canonical, email, email_canonical, password_hash,
             credential_version, role, is_active, is_verified, created_at)
         SELECT n, 'user' || n, 'user' || n, 'u' || n || '@example.com', 'u' || n || '@example.com',
             'x', 0, CASE WHEN n % 5000 = 1 THEN 'admin' WHEN n % 3 = 0 THEN 'teacher'
             ELSE 'student' END, 1, 0, 0 FROM ({ids})"
    );
    sqlite.batch_execute(&insert).unwrap();
}

fn numbers(from: i64, to: i64) -> String {
    format!(
        "WITH RECURSIVE number (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM number WHERE n < {to})
         SELECT n FROM number"
    )
}

#[derive(QueryableByName, Debug, PartialEq)]
struct Block {
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = BigInt)]
    first_id: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// Holds what the triggers have counted to what is there.
fn counts_are_exact(sqlite: &mut SqliteConnection) {
    let counted: Vec<Block> = diesel::sql_query(
        "SELECT role, first_id, total FROM user_blocks WHERE total > 0 ORDER BY 1, 2",
    )
    .load(sqlite)
    .unwrap();
    let there: Vec<Block> = diesel::sql_query(
        "SELECT role, id / 4096 * 4096 AS first_id, count(*) AS total FROM users
         GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .load(sqlite)
    .unwrap();
    assert_eq!(counted, there);
    for role in [Role::Student, Role::Teacher, Role::Admin] {
        let there = there.iter().filter(|block| block.role == role.as_str());
        assert_eq!(total(sqlite, Some(role)).unwrap(), there.map(|block| block.total).sum::<i64>());
    }
}

/// Holds pages far down to what all of the list says.
fn pages_are_right(sqlite: &mut SqliteConnection) {
    for role in [None, Some(Role::Student), Some(Role::Teacher), Some(Role::Admin)] {
        let all = UserQuery { start: PageStart::Skip(0), limit: u64::MAX, role };
        let all = page(sqlite, all).unwrap();
        let ids: Vec<UserId> = all.users.iter().map(|user| user.id).collect();
        assert_eq!(all.total, ids.len() as u64);
        for skip in (0..ids.len()).step_by(997).chain([1, 2, ids.len() - 1, ids.len()]) {
            let query = UserQuery { start: PageStart::Skip(skip as u64), limit: 3, role };
            let found: Vec<UserId> =
                page(sqlite, query).unwrap().users.iter().map(|user| user.id).collect();
            assert_eq!(found, ids.iter().copied().skip(skip).take(3).collect::<Vec<_>>(), "{skip}");
        }
    }
}

#[test]
fn blocks_hold_what_is_there_whatever_is_done() {
    let mut sqlite = filled(&numbers(1, 20_000));
    counts_are_exact(&mut sqlite);
    pages_are_right(&mut sqlite);
    insert(&mut sqlite, &numbers(40_000, 50_000));
    for change in [
        "DELETE FROM users WHERE id % 7 = 0",
        // Blocks of which nobody is left.
        "DELETE FROM users WHERE id BETWEEN 8192 AND 16383",
        "UPDATE users SET role = 'teacher' WHERE id % 100 = 2",
        "UPDATE users SET role = role, credential_version = 7",
        "UPDATE users SET id = id + 100000 WHERE id BETWEEN 5 AND 50",
        "UPDATE OR IGNORE users SET role = 'student' WHERE id % 200 = 2",
        "INSERT OR IGNORE INTO users SELECT * FROM users",
    ] {
        sqlite.batch_execute(change).unwrap();
        counts_are_exact(&mut sqlite);
    }
    pages_are_right(&mut sqlite);
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// However many users there are, a page is a walk along an index; the counts of blocks alone are
/// added up.
#[test]
fn no_page_reads_all_users() {
    let mut sqlite = filled(&numbers(1, 10));
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let statements = Arc::clone(&seen);
    sqlite.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            statements.lock().unwrap().push(query.to_string());
        }
    });
    for role in [None, Some(Role::Student)] {
        for start in [PageStart::Skip(0), PageStart::Skip(3), PageStart::After(UserId::FIRST)] {
            page(&mut sqlite, UserQuery { start, limit: 2, role }).unwrap();
        }
    }
    sqlite.set_instrumentation(|_: InstrumentationEvent<'_>| ());
    let statements = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(statements.len(), 2 * (2 + 4 + 2), "{statements:#?}");
    for statement in statements {
        let sql = statement.split(" -- binds").next().unwrap_or_default();
        let steps = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}"));
        for Step { detail } in steps.load(&mut sqlite).unwrap() {
            assert!(!detail.starts_with("SCAN users"), "{detail}: {sql}");
            let of_users = sql.contains("`users`");
            assert!(!(of_users && detail.contains("TEMP B-TREE")), "{detail}: {sql}");
        }
    }
}
