//! Pages of many users: that they are right and exact whatever is done beside menjin, and how
//! PostgreSQL comes by them.

use chrono::TimeDelta;
use menjin_contract as contract;
use menjin_domain::accounts::{
    AccountRepository as _, AttributeKind, AttributeRule, AttributeRules, Period, Role, SearchTerm,
    UserFilter, UserOrder, UserPosition, UserQuery, UserSearch,
};
use menjin_domain::common::{PageStart, Timestamp, UserId};
use menjin_infra_postgres::PostgresStore;
use menjin_tests::servers::postgres::{self, Server};
use serde_json::Value;
use tokio_postgres::Client;

use crate::open;

const ROLES: [Option<Role>; 4] =
    [None, Some(Role::STUDENT), Some(Role::TEACHER), Some(Role::ADMIN)];

/// Adds this many users in one statement: two of three are students, the rest teachers, but for a few
/// administrators.
async fn insert(raw: &Client, from: i64, to: i64) {
    let insert = format!(
        "INSERT INTO users (username, username_canonical, email, email_canonical, password_hash,
             credential_version, role, is_active, is_verified, created_at)
         SELECT 'u' || n, 'u' || n, n || '@example.com', n || '@example.com', 'x', 0,
             CASE WHEN n % 5000 = 1 THEN 'admin' WHEN n % 3 = 0 THEN 'teacher' ELSE 'student' END,
             true, false, now() FROM generate_series({from}, {to}) n"
    );
    raw.batch_execute(&insert).await.unwrap();
}

/// Holds what the triggers have counted to what is there.
async fn counts_are_exact(raw: &Client) {
    // In one statement, which sees one moment.
    let wrong = "
        WITH known AS (
            SELECT role, shard::bigint, total FROM user_counts WHERE total > 0
        ), there AS (
            SELECT role, id % 16, count(*) FROM users GROUP BY 1, 2
        ), wrong AS (
            (TABLE known EXCEPT ALL TABLE there) UNION ALL (TABLE there EXCEPT ALL TABLE known)
        )
        SELECT wrong::text FROM wrong";
    let wrong = raw.query(wrong, &[]).await.unwrap();
    let wrong: Vec<String> = wrong.iter().map(|row| row.get(0)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Holds pages far down to what all of the list says.
async fn pages_are_right(store: &PostgresStore, raw: &Client) {
    for role in ROLES {
        let all = "SELECT id FROM users WHERE $1::text IS NULL OR role = $1 ORDER BY id";
        let all = raw.query(all, &[&role.as_ref().map(Role::as_str)]).await.unwrap();
        let ids: Vec<i64> = all.iter().map(|row| row.get(0)).collect();
        for skip in (0..ids.len()).step_by(1999).chain([1, 2, ids.len() - 1, ids.len()]) {
            let query = UserQuery { start: PageStart::Skip(skip as u64), limit: 3, role };
            let page = store.list(query).await.unwrap();
            let found: Vec<i64> = page.users.iter().map(|user| user.id.get()).collect();
            let expected: Vec<i64> = ids.iter().copied().skip(skip).take(3).collect();
            assert_eq!((found, page.total), (expected, ids.len() as u64), "{role:?} {skip}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_hold_what_is_there_whatever_is_done() {
    let database = postgres::database().await;
    let (store, raw) = (open(&database.url).await, database.connect().await);
    insert(&raw, 1, 40_000).await;
    for change in [
        "DELETE FROM users WHERE id % 7 = 0",
        "DELETE FROM users WHERE id BETWEEN 8192 AND 16383",
        "UPDATE users SET role = 'teacher' WHERE id % 100 = 2",
        // A role that this version does not know.
        "UPDATE users SET role = 'guardian' WHERE id % 100 = 9",
        "UPDATE users SET role = 'student' WHERE role = 'guardian'",
        "UPDATE users SET role = role, credential_version = 7",
        "UPDATE users SET id = DEFAULT WHERE id BETWEEN 5 AND 50",
        "BEGIN; DELETE FROM users; ROLLBACK",
        "WITH moved AS (DELETE FROM users WHERE id % 50 = 3 RETURNING id)
         UPDATE users SET role = 'student' FROM moved WHERE users.id = moved.id + 1",
        "INSERT INTO users OVERRIDING SYSTEM VALUE SELECT * FROM users ON CONFLICT DO NOTHING",
    ] {
        raw.batch_execute(change).await.unwrap();
        counts_are_exact(&raw).await;
    }
    pages_are_right(&store, &raw).await;
    raw.batch_execute("TRUNCATE users CASCADE").await.unwrap();
    counts_are_exact(&raw).await;
}

/// Whatever registrations, changes and deletions come at once, no count is off, and no page shows a
/// number that is not of its moment.
#[tokio::test(flavor = "multi_thread")]
async fn counts_stay_exact_while_many_write() {
    let database = postgres::database().await;
    let stores = [open(&database.url).await, open(&database.url).await];
    let raw = database.connect().await;
    insert(&raw, 1, 300).await;
    let changing = database.connect().await;
    let changes = tokio::spawn(async move {
        for n in 0..40 {
            let change = format!(
                "DELETE FROM users WHERE id % 40 = {n} AND id % 3 = 0;
                 UPDATE users SET role = 'teacher' WHERE id % 40 = {n} AND role = 'student'"
            );
            changing.batch_execute(&change).await.unwrap();
        }
    });
    contract::at_once(40, |number| {
        let store = stores[number % 2].clone();
        async move {
            let role = [Role::STUDENT, Role::TEACHER][number % 2];
            store.create(contract::new_user(&format!("new{number}"), role)).await.unwrap();
            for role in ROLES {
                let query = UserQuery { start: PageStart::Skip(0), limit: 1000, role };
                let page = store.list(query).await.unwrap();
                assert_eq!(page.users.len() as u64, page.total, "{role:?}");
                let middle = page.total / 2;
                let query = UserQuery { start: PageStart::Skip(middle), limit: 1000, role };
                let page = store.list(query).await.unwrap();
                assert_eq!(page.users.len() as u64, page.total.saturating_sub(middle), "{role:?}");
            }
        }
    })
    .await;
    changes.await.unwrap();
    counts_are_exact(&raw).await;
}

/// All that a plan reads of a table: how, and how many rows of it.
pub(crate) fn reads_of(table: &str, node: &Value, reads: &mut Vec<(String, i64)>) {
    if node["Relation Name"] == table && node["Actual Rows"].is_number() {
        let rows = node["Actual Rows"].as_f64().unwrap() * node["Actual Loops"].as_f64().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "a count of rows of a test")]
        reads.push((node["Node Type"].as_str().unwrap().to_owned(), rows as i64));
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        reads_of(table, child, reads);
    }
}

/// Has the plans of all connections logged that are made from now on.
pub(crate) async fn log_plans(raw: &Client) {
    raw.batch_execute(
        "DO $$ DECLARE setting text; BEGIN
             FOREACH setting IN ARRAY ARRAY['session_preload_libraries = auto_explain',
                 'auto_explain.log_min_duration = 0', 'auto_explain.log_analyze = on',
                 'auto_explain.log_format = json'] LOOP
                 EXECUTE format('ALTER DATABASE %I SET ', current_database()) || setting;
             END LOOP;
         END $$",
    )
    .await
    .unwrap();
}

/// The plans that have been logged.
pub(crate) fn plans(log: &str) -> Vec<Value> {
    let logged = log.split(" plan:\n").skip(1).map(|entry| {
        let lines = entry.lines().take_while(|line| line.starts_with('\t'));
        lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
    });
    logged.map(|json| serde_json::from_str(&json).unwrap()).collect()
}

/// A page is a walk along an index, and past nobody unless some are skipped. Judged are the plans of
/// the very statements as they were run, first those that are made for the values and then those that
/// are made for any.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_a_walk_along_an_index() {
    const SKIPPED: i64 = 11_000;
    let server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let database = server.database().await;
    let store = open(&database.url).await;
    let raw = database.connect().await;
    insert(&raw, 1, 40_000).await;
    raw.batch_execute("DELETE FROM users WHERE id % 11 = 3").await.unwrap();
    raw.batch_execute("VACUUM ANALYZE users").await.unwrap();
    log_plans(&raw).await;
    store.close();
    let store = open(&database.url).await;
    let last = UserId::try_from(39_000).unwrap();
    for role in [None, Some(Role::STUDENT), Some(Role::TEACHER)] {
        for (start, statements, walk) in [
            (PageStart::Skip(0), 1, 20),
            (PageStart::Skip(SKIPPED.unsigned_abs()), 2, SKIPPED + 1),
            (PageStart::After(last), 1, 20),
        ] {
            let before = plans(&server.log()).len();
            // The sixth time at the latest a plan for any value is tried.
            for _ in 0..8 {
                let page = store.list(UserQuery { start, limit: 20, role }).await.unwrap();
                assert_eq!(page.users.len(), 20, "{start:?} {role:?}");
            }
            let mut pages = 0;
            for plan in plans(&server.log()).split_off(before) {
                let mut reads = Vec::new();
                reads_of("users", &plan["Plan"], &mut reads);
                for (how, rows) in &reads {
                    // Whoever is skipped is not read: their ids are.
                    let limit = if how == "Index Only Scan" { walk } else { 20 };
                    assert!(how.starts_with("Index") && *rows <= limit, "{how}, {rows}: {plan:#}");
                }
                pages += i32::from(!reads.is_empty());
            }
            assert_eq!(pages, statements * 8, "each is in the log: {start:?} {role:?}");
        }
    }
}

/// However many accounts there are, a search reads about as many as it shows. Judged are the plans of the
/// very statements as they were run.
#[tokio::test(flavor = "multi_thread")]
async fn a3_every_search_is_a_walk_along_an_index() {
    let server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let database = server.database().await;
    open(&database.url).await.close();
    let raw = database.connect().await;
    insert(&raw, 1, 40_000).await;
    raw.batch_execute(
        "UPDATE users SET full_name_search = 'name ' || id, created_at = '2026-01-01Z'::timestamptz - id * interval '1 hour',
             last_login_at = CASE WHEN id % 2 = 0 THEN '2026-01-01Z'::timestamptz - id * interval '1 minute' END,
             is_active = id % 4000 <> 7, is_verified = id % 4000 = 9",
    )
    .await
    .unwrap();
    let terms = "INSERT INTO attribute_terms SELECT 'number', 'no ' || id, id FROM users";
    raw.batch_execute(terms).await.unwrap();
    raw.batch_execute("VACUUM ANALYZE users, attribute_terms").await.unwrap();
    log_plans(&raw).await;
    let store = open(&database.url).await;
    let all = UserFilter::default;
    let order = |order: &str| -> UserOrder { order.parse().unwrap() };
    let term = |term: &str| SearchTerm::parse(term).unwrap();
    let number = "number".parse().unwrap();
    let rule = AttributeRule {
        kind: AttributeKind::Text,
        rights: vec![],
        is_searchable: true,
        headings: vec![],
    };
    let numbers = AttributeRules::new([(number, rule)]);
    let some = 12;
    let newest = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
    let (old, recent) = (newest - TimeDelta::hours(39_990), newest - TimeDelta::hours(5));
    let created = |since, until| Period { since, until };
    for (filter, sorts, most) in [
        (all(), &UserOrder::NAMES[..], 21),
        (UserFilter { role: Some(Role::ADMIN), ..all() }, &["id", "-id"], 21),
        (UserFilter { is_active: Some(false), ..all() }, &["id", "-id"], some),
        (UserFilter { is_verified: Some(true), ..all() }, &["id", "-id"], some),
        (UserFilter { created: created(Some(recent), None), ..all() }, &["created_at", "id"], some),
        (UserFilter { created: created(None, Some(old)), ..all() }, &["-created_at", "id"], some),
        (
            UserFilter {
                last_login: created(None, Some(newest - TimeDelta::minutes(39_990))),
                ..all()
            },
            &["last_login_at", "id"],
            some,
        ),
        (UserFilter { term: term("u3999"), ..all() }, &["username", "-username"], some),
        (UserFilter { term: term("name 3999"), ..all() }, &["username"], some),
        (
            UserFilter { term: term("no 3999"), ..all() }.in_attributes(&numbers),
            &["username"],
            some,
        ),
        // Many: the names are walked in order, and every other one matches.
        (UserFilter { term: term("u"), ..all() }, &["username"], 10_001),
    ] {
        for sort in sorts {
            let (filter, order) = (filter.clone(), order(sort));
            let before = plans(&server.log()).len();
            for _ in 0..8 {
                let search = UserSearch { filter: filter.clone(), order, after: None, limit: 20 };
                let page = store.search(search.clone()).await.unwrap();
                let last = page.users.last().unwrap();
                let after = Some(UserPosition::of(last, order.sort));
                store.search(UserSearch { after, ..search }).await.unwrap();
            }
            let logged = plans(&server.log()).split_off(before);
            assert!(!logged.is_empty());
            for plan in logged {
                let mut reads = Vec::new();
                reads_of("users", &plan["Plan"], &mut reads);
                let counts = plan["Query Text"].as_str().unwrap().contains("LIMIT $");
                let is_counting =
                    counts && !plan["Query Text"].as_str().unwrap().contains("ORDER BY");
                for (how, rows) in &reads {
                    let most = if is_counting { 10_001 } else { most };
                    assert!(how != "Seq Scan" || is_counting, "{sort} {filter:?}: {plan:#}");
                    assert!(*rows <= most, "{sort} {filter:?} {rows}: {plan:#}");
                }
            }
        }
    }
}
