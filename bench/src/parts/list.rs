//! B5: the list of users, of a million against of ten thousand.

use anyhow::{Context as _, bail};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};

use super::Bench;
use crate::http::{Connection, bearer, request};
use crate::menjin::{Menjin, Place, Profile};
use crate::report::{Row, Target, Unit, grouped};
use crate::stats::Latencies;

/// A server with so many users.
pub(super) struct Store {
    pub(super) users: u64,
    pub(super) server: Menjin,
    pub(super) token: String,
    place: Place,
}

/// One in a hundred is a teacher. One id in a thousand is missing, as after years of use: what counts on
/// none being missing is not what is to be measured.
const STUDENTS: u64 = 99;

impl Store {
    pub(super) fn start(bench: &Bench, profile: Profile, users: u64) -> anyhow::Result<Self> {
        let place = Place::new(profile, &bench.backends)?;
        let server = bench.binary.start(&place, &[])?;
        bench.binary.make_admin(&place, "root")?;
        let token = server.log_in("root")?.access;
        match profile {
            Profile::Embedded => fill_sqlite(&place, users)?,
            Profile::Replicas => {
                let statements = fill_postgres(users);
                bench.backends.run(&place.database, &statements.each_ref().map(String::as_str))?;
            }
        }
        Ok(Self { users, server, token, place })
    }

    fn ask(&self, path: &str) -> Vec<u8> {
        request("GET", path, &bearer(&self.token), "")
    }
}

/// Columns that both have alike, but for the times.
const COLUMNS: &str = "username, username_canonical, email, email_canonical, password_hash, credential_version, \
                       role, full_name, is_active, is_verified, created_at";

fn values(number: &str, created_at: &str, booleans: (&str, &str)) -> String {
    let (yes, no) = booleans;
    format!(
        "'user' || {number}, 'user' || {number}, 'user' || {number} || '@example.com', \
         'user' || {number} || '@example.com', '$2b$12$' || 'abcdefghijklmnopqrstuv' || \
         'abcdefghijklmnopqrstuvwxyz01234', 0, \
         CASE WHEN {number} % 100 = 0 THEN 'teacher' ELSE 'student' END, 'User ' || {number}, \
         {yes}, {no}, {created_at}"
    )
}

fn fill_sqlite(place: &Place, users: u64) -> anyhow::Result<()> {
    let path = place.file();
    let path = path.to_str().context("a path that is no text")?;
    let mut sqlite = SqliteConnection::establish(path)?;
    let values = values("n", "1767225600000000 + n", ("1", "0"));
    sqlite.batch_execute(&format!(
        "PRAGMA busy_timeout = 5000; PRAGMA synchronous = OFF; BEGIN IMMEDIATE;
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {users})
         INSERT INTO users ({COLUMNS}) SELECT {values} FROM numbers;
         DELETE FROM users WHERE id % 1000 = 500;
         COMMIT; ANALYZE;"
    ))?;
    Ok(())
}

fn fill_postgres(users: u64) -> [String; 3] {
    let values = values("n", "now()", ("true", "false"));
    let fill = format!(
        "INSERT INTO users ({COLUMNS}) SELECT {values} FROM generate_series(1, {users}) AS n"
    );
    [fill, "DELETE FROM users WHERE id % 1000 = 500".to_owned(), "VACUUM ANALYZE".to_owned()]
}

/// What a row takes in PostgreSQL, with its part of the indexes: of an account as it was filled in, and
/// of a session and a record as a login and a refresh leave them.
fn room(bench: &Bench, store: &Store) -> anyhow::Result<Vec<Row>> {
    let count = bench.choose(200_000, 2_000);
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let sessions = format!(
        "INSERT INTO sessions SELECT gen_random_uuid(), id, 1, 0, now(), now(), now(), now(), NULL,
         '192.0.2.1', '{agent}' FROM users ORDER BY id LIMIT {count}"
    );
    let records = format!(
        "INSERT INTO audit_events (at, action, outcome, actor_id, subject_id, session_id,
         client_address, user_agent, request_id)
         SELECT now() + n * interval '1 ms', 'refreshed', 'success', n, n, gen_random_uuid(),
         '192.0.2.1', '{agent}', gen_random_uuid() FROM generate_series(1, {count}) AS n"
    );
    bench.backends.run(&store.place.database, &[&sessions, &records])?;
    let tables = [("users", "an account"), ("sessions", "a session"), ("audit_events", "a record")];
    let rows = tables.map(|(table, what)| {
        let size = format!(
            "SELECT pg_total_relation_size('{table}') / (SELECT count(*) FROM {table})::float8"
        );
        let bytes = bench.backends.number(&store.place.database, &size)?;
        let what = format!("room of {what} with its indexes");
        Ok(Row::new("B5", Profile::Replicas.name(), what).unit(Unit::Bytes).figure(bytes))
    });
    rows.into_iter().collect()
}

/// The queries, by what they are called; how many are skipped depends on how many there are.
fn queries(users: u64) -> Vec<Query> {
    let deep = users / 10 * 9;
    let students = deep / 100 * STUDENTS;
    let all = [
        ("first page", "skip=0&limit=100".to_owned()),
        ("deep page", format!("skip={deep}&limit=100")),
        ("first page of a role", "role=teacher&skip=0&limit=100".to_owned()),
        ("deep page of a role", format!("role=student&skip={students}&limit=100")),
        ("total, one user", "skip=0&limit=1".to_owned()),
    ];
    all.map(|(name, query)| (name, format!("/api/auth/users?{query}"))).into()
}

/// What a query is called, and its path.
pub(super) type Query = (&'static str, String);

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let (few, many) = bench.choose((10_000, 1_000_000), (1_000, 5_000));
    let mut rows = Vec::new();
    for profile in [Profile::Embedded, Profile::Replicas] {
        let stores = [Store::start(bench, profile, few)?, Store::start(bench, profile, many)?];
        if profile == Profile::Replicas
            && let Some(store) = stores.last()
        {
            rows.extend(room(bench, store)?);
        }
        let [few, many] = bench.backends.runtime.block_on(measure(bench, &stores, queries))?;
        for ((name, _), (few, many)) in queries(0).into_iter().zip(few.into_iter().zip(many)) {
            let [small, large] = stores.each_ref().map(|store| store.users);
            let what = format!("{name}, {} users against {}", grouped(large), grouped(small));
            let row = Row::new("B5", profile.name(), what)
                .unit(Unit::Milliseconds)
                .figure(many)
                .against(few);
            // One that skips most users walks past them; lists that go so far begin after an id.
            let is_deep = name.starts_with("deep");
            rows.push(if is_deep { row } else { row.target(Target::RatioAtMost(3.0)) });
        }
    }
    Ok(rows)
}

/// The median of each query in each store. They take turns.
pub(super) async fn measure(
    bench: &Bench,
    stores: &[Store; 2],
    queries: fn(u64) -> Vec<Query>,
) -> anyhow::Result<[Vec<f64>; 2]> {
    let mut lines = Vec::new();
    for store in stores {
        let connection = Connection::open(store.server.address()).await?;
        let queries = queries(store.users).into_iter();
        let queries: Vec<_> =
            queries.map(|(_, path)| (store.ask(&path), Latencies::default())).collect();
        lines.push((connection, queries));
    }
    for round in 0..bench.choose(60, 3) {
        for (connection, queries) in &mut lines {
            for (request, latencies) in queries {
                let started = std::time::Instant::now();
                let answer = connection.exchange(request).await?;
                if answer.status != 200 {
                    bail!("the list is refused: {}", String::from_utf8_lossy(answer.body));
                }
                // The first ones fill caches.
                if round > 0 {
                    latencies.push(started.elapsed());
                }
            }
        }
    }
    let medians = |index: usize| {
        let queries = lines.get(index).map(|(_, queries)| queries);
        queries.into_iter().flatten().map(|(_, latencies)| latencies.percentile(0.5)).collect()
    };
    Ok([medians(0), medians(1)])
}
