//! Tests of pages of users and of the counts behind their totals.

use std::sync::{Arc, Mutex};

use diesel::connection::{InstrumentationEvent, SimpleConnection as _};
use diesel::sql_types::{BigInt, Text};
use menjin_domain::accounts::{
    AttributeKind, AttributeRule, AttributeRules, Period, Role, SearchTerm, UserFilter, UserOrder,
    UserPosition, UserSearch,
};
use menjin_domain::common::{PageStart, Timestamp, UserId};

use super::*;
use crate::search;

/// A database with users of these ids.
fn filled(ids: &str) -> SqliteConnection {
    let mut sqlite = SqliteConnection::establish(":memory:").unwrap();
    for migration in crate::open::MIGRATIONS {
        sqlite.batch_execute(migration.up).unwrap();
    }
    insert(&mut sqlite, ids);
    sqlite
}

/// Adds users of these ids (a `SELECT` of `n`): two of three are students, the others are teachers,
/// except a few administrators.
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
struct Count {
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// Compares the counts of the triggers with the rows.
fn counts_are_exact(sqlite: &mut SqliteConnection) {
    let mut counts = |query: &str| -> Vec<Count> { diesel::sql_query(query).load(sqlite).unwrap() };
    let counted = counts("SELECT role, total FROM user_counts WHERE total > 0 ORDER BY 1");
    let there = counts("SELECT role, count(*) AS total FROM users GROUP BY 1 ORDER BY 1");
    assert_eq!(counted, there);
}

/// Compares pages far down the list with the whole list.
fn pages_are_right(sqlite: &mut SqliteConnection) {
    for role in [None, Some(Role::STUDENT), Some(Role::TEACHER), Some(Role::ADMIN)] {
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
fn counts_hold_what_is_there_whatever_is_done() {
    let mut sqlite = filled(&numbers(1, 20_000));
    counts_are_exact(&mut sqlite);
    pages_are_right(&mut sqlite);
    insert(&mut sqlite, &numbers(40_000, 50_000));
    for change in [
        "DELETE FROM users WHERE id % 7 = 0",
        "DELETE FROM users WHERE id BETWEEN 8192 AND 16383",
        "UPDATE users SET role = 'teacher' WHERE id % 100 = 2",
        // A role that this version does not know.
        "UPDATE users SET role = 'guardian' WHERE id % 100 = 9",
        "UPDATE users SET role = 'student' WHERE role = 'guardian'",
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

/// A page reads its users along an index, without sorting.
#[test]
fn every_page_is_a_walk_along_an_index() {
    let mut sqlite = filled(&numbers(1, 10));
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let statements = Arc::clone(&seen);
    sqlite.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            statements.lock().unwrap().push(query.to_string());
        }
    });
    for role in [None, Some(Role::STUDENT)] {
        for start in [PageStart::Skip(0), PageStart::Skip(3), PageStart::After(UserId::FIRST)] {
            page(&mut sqlite, UserQuery { start, limit: 2, role }).unwrap();
        }
    }
    sqlite.set_instrumentation(|_: InstrumentationEvent<'_>| ());
    let statements = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(statements.len(), 2 * (2 + 3 + 2), "{statements:#?}");
    for statement in statements {
        let sql = statement.split(" -- binds").next().unwrap_or_default();
        let steps = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}"));
        for Step { detail } in steps.load(&mut sqlite).unwrap() {
            assert!(!detail.contains("TEMP B-TREE"), "{detail}: {sql}");
            // Skipped users are walked past in the order of the ids.
            assert!(!detail.starts_with("SCAN users") || sql.contains("OFFSET"), "{detail}: {sql}");
        }
    }
}

/// A search reads its users along an index; it sorts none but those that it has found.
#[test]
fn a3_every_search_is_a_walk_along_an_index() {
    let mut sqlite = filled(&numbers(1, 2000));
    sqlite.batch_execute("ANALYZE").unwrap();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let statements = Arc::clone(&seen);
    sqlite.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            statements.lock().unwrap().push(query.to_string());
        }
    });
    let at = Timestamp::UNIX_EPOCH;
    let period = || Period { since: Some(at), until: None };
    let all = UserFilter::default;
    let terms = "INSERT INTO attribute_terms SELECT 'number', 'no ' || id, id FROM users";
    diesel::sql_query(terms).execute(&mut sqlite).unwrap();
    let number = "number".parse().unwrap();
    let rule = AttributeRule {
        kind: AttributeKind::Text,
        rights: vec![],
        is_searchable: true,
        headings: vec![],
    };
    let mut searches: Vec<UserSearch> = UserOrder::NAMES
        .into_iter()
        .map(|order| UserSearch {
            order: order.parse().unwrap(),
            limit: 2,
            ..UserSearch::default()
        })
        .collect();
    for filter in [
        UserFilter { role: Some(Role::TEACHER), ..all() },
        UserFilter { is_active: Some(false), ..all() },
        UserFilter { is_verified: Some(true), ..all() },
    ] {
        searches.push(UserSearch { filter, limit: 2, ..UserSearch::default() });
    }
    for (filter, order) in [
        (UserFilter { created: period(), ..all() }, "created_at"),
        (UserFilter { last_login: period(), ..all() }, "last_login_at"),
        (UserFilter { term: SearchTerm::parse("user199").unwrap(), ..all() }, "username"),
        (
            UserFilter { term: SearchTerm::parse("no 199").unwrap(), ..all() }
                .in_attributes(&AttributeRules::new([(number, rule)])),
            "username",
        ),
    ] {
        let order = order.parse().unwrap();
        searches.push(UserSearch { filter, order, limit: 2, ..UserSearch::default() });
    }
    for search in searches {
        let found = search::search(&mut sqlite, &search).unwrap();
        if let Some(last) = found.users.last() {
            let after = Some(UserPosition::of(last, search.order.sort));
            search::search(&mut sqlite, &UserSearch { after, ..search }).unwrap();
        }
    }
    sqlite.set_instrumentation(|_: InstrumentationEvent<'_>| ());
    let statements = std::mem::take(&mut *seen.lock().unwrap());
    assert!(statements.len() > 40, "{}", statements.len());
    for statement in statements {
        let sql = statement.split(" -- binds").next().unwrap_or_default();
        let steps = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}"));
        for Step { detail } in steps.load(&mut sqlite).unwrap() {
            assert!(!detail.contains("TEMP B-TREE"), "{detail}: {sql}");
            let is_walk = detail.contains("USING") || detail.contains("user_counts");
            assert!(
                !detail.starts_with("SCAN") || is_walk || sql.contains("ORDER BY"),
                "{detail}: {sql}"
            );
        }
    }
}
