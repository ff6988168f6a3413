//! Transfers between databases of both kinds.

use std::sync::Arc;

use menjin_contract::{Store, at, hash, new_user, session_id};
use menjin_domain::accounts::{FullName, Role, UserQuery};
use menjin_domain::common::{Error, PageStart, SessionId, UserId};
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::transfer::{
    Archive, Batch, Checksum, Contents, NotEmpty, Row, Transfer, TransferError,
};
use menjin_infra_postgres::{PostgresArchive, PostgresConfig};
use menjin_infra_sql::transfer::TABLES;
use menjin_infra_sqlite::{SqliteArchive, SqliteConfig, SqliteStore};
use menjin_tests::servers::postgres;
use uuid::Uuid;

use crate::{of, open};

/// More than one batch.
const USERS: i64 = 2500;
/// The account after these was deleted.
const LAST_USER_ID: i64 = USERS + 1;

/// A database, by its port and by the others.
struct Place {
    archive: Arc<dyn Archive>,
    store: Store,
}

async fn on_postgres() -> Place {
    let url = postgres::database().await.url;
    let archive = PostgresArchive::new(&PostgresConfig::at(url.as_str())).unwrap();
    Place { archive: Arc::new(archive), store: of(&open(&url).await) }
}

fn on_sqlite() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("menjin.db");
    let store = SqliteStore::open(SqliteConfig::at(&path)).unwrap();
    let store = Store {
        accounts: Arc::new(store.clone()),
        credentials: Arc::new(store.clone()),
        sessions: Arc::new(store.clone()),
        lockouts: Arc::new(store.clone()),
        records: Arc::new(store),
        keep: Arc::new(folder),
    };
    Place { archive: Arc::new(SqliteArchive::at(path).unwrap()), store }
}

fn some(number: i64) -> bool {
    number % 2 == 0
}

#[expect(clippy::unnecessary_wraps, reason = "a value of a row may be null")]
fn text(value: impl std::fmt::Display) -> Option<String> {
    Some(value.to_string())
}

fn micros(seconds: i64) -> Option<String> {
    text(at(seconds).timestamp_micros())
}

fn role(number: i64) -> Role {
    match number % 3 {
        0 => Role::STUDENT,
        1 => Role::TEACHER,
        _ => Role::ADMIN,
    }
}

fn user(number: i64) -> Row {
    let some = some(number);
    let optional = |value: &str| some.then(|| format!("{value} {number}"));
    vec![
        text(number),
        text(format!("Ünal_{number}")),
        text(format!("ünal_{number}")),
        text(format!("User{number}@Example.com")),
        text(format!("user{number}@example.com")),
        text(hash(&number.to_string()).expose()),
        text(number % 7),
        text(role(number)),
        optional("Ann 门禁"),
        optional("+49 1"),
        optional("'; DROP TABLE users; --\n"),
        optional("https://example.com/"),
        text(i32::from(number % 5 != 0)),
        text(i32::from(some)),
        micros(number),
        if some { micros(number + 1) } else { None },
        if some { None } else { micros(number + 2) },
        if some { text("en") } else { None },
        optional("Old@example.com"),
        text(i32::from(some)),
        if some { micros(number + 3) } else { None },
        optional("New@Example.com"),
        optional("new@example.com"),
        if some { text(number % 7) } else { None },
        if some { micros(number + 4) } else { None },
        text(i32::from(!some)),
        if some { None } else { micros(number + 5) },
        if some { micros(number + 6) } else { None },
        text(i32::from(some)),
        if some { micros(number + 7) } else { None },
        optional("打扰课堂"),
        if some { micros(number + 8) } else { None },
        if some { micros(number + 9) } else { None },
        optional("unal"),
        optional("user"),
        optional("ann 门禁"),
        if some { text(r#"{"class":"三年二班"}"#) } else { None },
        text(i64::from(some)),
        if some { micros(number + 10) } else { None },
    ]
}

/// What an attribute is searched for by.
fn term(number: i64) -> Row {
    vec![text("class"), text(format!("三年{}班", number % 5)), text(number + 1)]
}

/// An invitation, by a user or by the command line.
fn invitation(number: i64) -> Row {
    let some = some(number);
    let or_none = |value: Option<String>| if some { value } else { None };
    vec![
        text(number + 1),
        text(format!("{:064x}", number * 7_919 % 3_001)),
        or_none(text("Ann@Example.com")),
        or_none(text("ann@example.com")),
        text("student"),
        text(number % 3),
        text(number % 3 + 1),
        text(604_800),
        or_none(text(number % USERS + 1)),
        micros(number),
        micros(number + 1),
        if some { None } else { micros(number + 2) },
    ]
}

fn mail(number: i64) -> Row {
    let some = some(number);
    let or_none = |value: Option<String>| if some { value } else { None };
    vec![
        text(number + 1),
        text("reset_password"),
        text(number % 2),
        or_none(text(number % USERS + 1)),
        if some { None } else { text("ünal_1") },
        or_none(text("Ann@例子.中国")),
        or_none(text("zh-CN")),
        text("5e".repeat(32)),
        text("0011223344556677"),
        text(if some { "2001:db8::7" } else { "192.0.2.7" }),
        or_none(text("Mozilla/5.0")),
        micros(number),
        micros(number + 1),
        micros(number + 2),
        text(if some { "sent" } else { "queued" }),
        or_none(micros(number + 3)),
        text(number % 5),
        text(number % 3),
        or_none(text("451")),
        or_none(text("later\n")),
        or_none(micros(number + 4)),
    ]
}

fn token(number: i64) -> Row {
    let some = some(number);
    let or_none = |value: Option<String>| if some { value } else { None };
    vec![
        text(format!("{:064x}", number * 7_919 % 3_001)),
        text("verify_email"),
        text(number % USERS + 1),
        or_none(text(number % 4)),
        text("ann@example.com"),
        text("192.0.2.7"),
        or_none(text("Mozilla/5.0")),
        or_none(text(number + 1)),
        micros(number),
        or_none(micros(number + 1)),
        if some { None } else { micros(number + 2) },
        or_none(text("Ann@Example.com")),
    ]
}

fn session(number: i64) -> Row {
    let some = some(number);
    // The first is nil; the others are not in the order of their users.
    let id = session_id(u128::from(u64::try_from(number * 7_919 % 3_001).unwrap()) << 60);
    vec![
        text(id.0.simple()),
        text(number % USERS + 1),
        text(number + 1),
        if some { text(number) } else { None },
        if some { micros(number + 1) } else { None },
        text(number % 6),
        micros(number),
        micros(number + 1),
        micros(number + 1_000_000),
        if number % 3 == 0 { micros(number + 3) } else { None },
        text(if some { "2001:db8::7" } else { "192.0.2.7" }),
        if some { text("Mozilla/5.0") } else { None },
        if some { micros(number + 2) } else { None },
        if some { None } else { micros(number + 2_000_000) },
        text(i64::from(some)),
        if some { text(format!("{number:064x}")) } else { None },
    ]
}

fn factor(number: i64) -> Row {
    vec![
        text(number + 1),
        text(format!("c2VjcmV0{number}")),
        text("0011223344556677"),
        text(number * 1000),
        micros(number),
    ]
}

fn passkey(number: i64) -> Row {
    let some = some(number);
    vec![
        text(number + 1),
        text(number % USERS + 1),
        text(format!("Y3JlZGVudGlhbA{number}")),
        text("pQECAyYgASFYIA"),
        text("我的手机"),
        text(number),
        micros(number),
        if some { micros(number + 1) } else { None },
    ]
}

fn recovery_code(number: i64) -> Row {
    let digest = format!("{:064x}", number * 7_919 % 3_001);
    vec![text(number % USERS + 1), text(digest), text("0011223344556677")]
}

fn throttle(number: i64) -> Row {
    let network = if some(number) { "" } else { "192.0.2.7" };
    vec![text(format!("account:{}", number / 2)), text(network), text(number + 1), micros(number)]
}

fn event(number: i64) -> Row {
    let some = some(number);
    let (action, outcome) =
        if some { ("logged_in", "success") } else { ("login_failed", "failure") };
    vec![
        text(number + 1),
        // Several at one moment.
        micros(number / 3),
        text(action),
        text(outcome),
        if some { None } else { text("wrong_password") },
        if some { text(number + 1) } else { None },
        if some { text(1) } else { None },
        if some { text(session_id(7).0.simple()) } else { None },
        text(if some { "2001:db8::7" } else { "192.0.2.7" }),
        if some { text("Mozilla/5.0") } else { None },
        if some { text(format!("request-{number}")) } else { None },
        if some { text("email,full_name") } else { None },
    ]
}

/// Says which ids have been given.
fn given(last_user_id: i64, last_event_id: i64) -> Vec<Contents> {
    let ids = [
        ("users", last_user_id),
        ("mails", 1200),
        ("invitations", 1100),
        ("audit_events", last_event_id),
    ];
    ids.map(|(table, last)| Contents { table, rows: 0, last_id: Some(last) }).into()
}

/// A SQLite file with much in it.
async fn full() -> Place {
    let place = on_sqlite();
    let mut writer = place.archive.import().await.unwrap();
    let mut put = Vec::new();
    for (table, rows) in [
        ("users", (1..=USERS).map(user).collect::<Vec<_>>()),
        ("sessions", (0..3000).map(session).collect()),
        ("totp_factors", (0..USERS).map(factor).collect()),
        ("passkeys", (0..1040).map(passkey).collect()),
        ("recovery_codes", (0..1030).map(recovery_code).collect()),
        ("login_throttles", (0..1500).map(throttle).collect()),
        ("mails", (0..1100).map(mail).collect()),
        ("one_time_tokens", (0..1050).map(token).collect()),
        ("attribute_terms", (0..1010).map(term).collect()),
        ("invitations", (0..1020).map(invitation).collect()),
        ("audit_events", (0..1200).map(event).collect()),
    ] {
        put.extend(rows.chunks(900).map(|rows| Batch { table, rows: rows.to_vec() }));
    }
    for batch in put {
        writer.put(batch).await.unwrap();
    }
    writer.reserve_ids(given(LAST_USER_ID, 1200)).await.unwrap();
    writer.commit().await.unwrap();
    place
}

async fn transfer(from: &Place, to: &Place) -> Result<Vec<Checksum>, TransferError> {
    let transfer = Transfer { source: from.archive.clone(), target: to.archive.clone() };
    transfer.execute(&|_progress| ()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_from_any_database_to_any() {
    let start = full().await;
    let mut sums = Vec::new();
    let route = [on_postgres().await, on_postgres().await, on_sqlite(), on_sqlite()];
    let mut from = &start;
    for to in &route {
        sums.push(transfer(from, to).await.unwrap());
        from = to;
    }
    let rows: Vec<_> = sums[0].iter().map(|sum| (sum.table, sum.rows)).collect();
    let expected = [
        ("users", 2500),
        ("sessions", 3000),
        ("login_throttles", 1500),
        ("mails", 1100),
        ("one_time_tokens", 1050),
        ("attribute_terms", 1010),
        ("totp_factors", 2500),
        ("passkeys", 1040),
        ("recovery_codes", 1030),
        ("invitations", 1020),
        ("audit_events", 1200),
    ];
    assert_eq!(rows, expected);
    assert!(sums.windows(2).all(|pair| pair[0] == pair[1]), "{sums:#?}");
    for place in &route {
        let users = &place.store.accounts;
        for role in [None, Some(Role::STUDENT), Some(Role::TEACHER), Some(Role::ADMIN)] {
            let page =
                users.list(UserQuery { start: PageStart::Skip(0), limit: 1, role }).await.unwrap();
            let of_role = |number: &i64| role.is_none_or(|role| self::role(*number) == role);
            let expected = (1..=USERS).filter(of_role).count();
            assert_eq!(page.total, expected as u64, "{role:?}");
        }
        let found = users.find(UserId::try_from(4).unwrap()).await.unwrap().unwrap();
        assert_eq!(found.username.as_str(), "Ünal_4");
        assert_eq!(found.profile.full_name.as_ref().map(FullName::as_str), Some("Ann 门禁 4"));
        assert_eq!((found.role, found.is_active, found.is_verified), (role(4), true, true));
        let times = (found.created_at, found.updated_at, found.last_login_at);
        assert_eq!(times, (at(4), Some(at(5)), None));
        let id = UserId::try_from(4).unwrap();
        let hash_of_4 = place.store.credentials.find_by_id(id).await.unwrap().unwrap();
        assert_eq!(hash_of_4.hash.expose(), hash("4").expose());
        assert_eq!(hash_of_4.version, CredentialVersion(4));
        // Not ended, and of the user that it was of.
        let id = SessionId(Uuid::from_u128(u128::from(7_919_u64 % 3_001) << 60));
        let live = place.store.sessions.find_live(id, at(5)).await.unwrap();
        assert_eq!(
            live.map(|live| (live.session.user_id.get(), live.session.generation.0)),
            Some((2, 2))
        );
        let new = users.create(new_user("newcomer", Role::STUDENT)).await.unwrap();
        assert_eq!(new.id.get(), LAST_USER_ID + 1, "no id is given twice");
        let page = users
            .list(UserQuery { start: PageStart::Skip(0), limit: 1, role: None })
            .await
            .unwrap();
        assert_eq!(page.total, USERS.cast_unsigned() + 1, "who comes later is counted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_committed_never_was() {
    for place in [on_sqlite(), on_postgres().await] {
        let mut writer = place.archive.import().await.unwrap();
        let rows = (1..=10).map(user).collect();
        writer.put(Batch { table: "users", rows }).await.unwrap();
        writer.reserve_ids(given(1000, 1000)).await.unwrap();
        drop(writer);
        // Waits for PostgreSQL to notice that the connection has gone.
        let mut reader = place.archive.export().await.unwrap();
        let contents = reader.contents().await.unwrap();
        assert!(contents.iter().all(|each| each.rows == 0 && each.last_id.unwrap_or(0) == 0));
        assert!(reader.next().await.unwrap().is_none());
        drop(reader);
        let ann = place.store.add("ann", Role::ADMIN).await;
        assert_eq!(ann.id, UserId::FIRST);
        let page = place
            .store
            .accounts
            .list(UserQuery { start: PageStart::Skip(0), limit: 1, role: None })
            .await;
        assert_eq!(page.unwrap().total, 1, "the triggers count as before");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_empty_database_is_filled() {
    let source = full().await;
    for target in [on_sqlite(), on_postgres().await] {
        target.store.add("ann", Role::STUDENT).await;
        let error = transfer(&source, &target).await.unwrap_err();
        let what = TransferError::Target(Error::Refused(NotEmpty { what: "users" }));
        assert_eq!(crate::chain(&error), crate::chain(&what));
        let page = target
            .store
            .accounts
            .list(UserQuery { start: PageStart::Skip(0), limit: 9, role: None })
            .await;
        assert_eq!(page.unwrap().total, 1);
    }
}

/// What was acknowledged while the data is read would else be lost.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_while_all_is_read() {
    for place in [on_sqlite(), on_postgres().await] {
        let ann = place.store.add("ann", Role::STUDENT).await;
        let reader = place.archive.export().await.unwrap();
        let refused = place.store.accounts.create(new_user("bob", Role::STUDENT)).await;
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(place.store.accounts.find(ann.id).await.unwrap(), Some(ann), "reads go on");
        drop(reader);
        // SQLite's connection closes at once, PostgreSQL's when the server notices.
        place.archive.export().await.unwrap();
    }
}

/// Of what cannot be read nothing is moved, and the row is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_row_stops_the_transfer() {
    let database = postgres::database().await;
    let archive = PostgresArchive::new(&PostgresConfig::at(database.url.as_str())).unwrap();
    let source = Place { archive: Arc::new(archive), store: of(&open(&database.url).await) };
    source.store.add("ann", Role::STUDENT).await;
    let raw = database.connect().await;
    raw.batch_execute("UPDATE users SET created_at = '290000-01-01T00:00:00Z'").await.unwrap();
    let target = on_sqlite();
    let error = crate::chain(&transfer(&source, &target).await.unwrap_err());
    assert!(error.contains("column created_at of row 1 of table users"), "{error}");
    let page = target
        .store
        .accounts
        .list(UserQuery { start: PageStart::Skip(0), limit: 1, role: None })
        .await
        .unwrap();
    assert_eq!(page.total, 0);
}

/// A column that is not in the list would be lost: the list is held to the schema. Jobs live for an hour, a
/// factor that is to be confirmed for ten minutes, a code for an application for one: they are not copied.
#[tokio::test(flavor = "multi_thread")]
async fn every_column_is_copied() {
    let database = postgres::database().await;
    open(&database.url).await;
    let raw = database.connect().await;
    let columns = "SELECT table_name::text, column_name::text FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name NOT IN
        ('menjin_schema', 'user_counts', 'jobs', 'job_parts', 'totp_enrolments',
         'passkey_challenges')
        AND column_name NOT LIKE 'hand_off%'
        ORDER BY 1, 2";
    let there = raw.query(columns, &[]).await.unwrap();
    let there: Vec<(String, String)> = there.iter().map(|row| (row.get(0), row.get(1))).collect();
    let copied = TABLES.iter().flat_map(|table| {
        table.columns.iter().map(|(column, _)| (table.name.to_owned(), (*column).to_owned()))
    });
    let mut copied: Vec<_> = copied.collect();
    copied.sort_unstable();
    assert_eq!(copied, there);
}
