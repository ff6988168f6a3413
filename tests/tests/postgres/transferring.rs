//! Transfers between databases of both kinds.

use std::net::IpAddr;
use std::sync::Arc;

use menjin_domain::accounts::{
    AvatarUrl, Bio, Email, FullName, Phone, Profile, Role, User, UserQuery, Username,
    UsernameLength,
};
use menjin_domain::audit::{AuditAction, AuditContext, AuditReason, AuditRecord, AuditRecordId};
use menjin_domain::common::{ClientInfo, Error, PageStart, RequestContext, RequestId, UserId};
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::sessions::{Generation, Session};
use menjin_domain::transfer::Transfer;
use menjin_domain::transfer::TransferError;
use menjin_domain::transfer::{
    Archive, Batch, Checksums, Contents, LockoutRecord, NotEmpty, SessionRecord, UserRecord,
};
use menjin_infra_postgres::{PostgresArchive, PostgresConfig};
use menjin_infra_sqlite::{SqliteArchive, SqliteConfig, SqliteStore};
use menjin_tests::contract::{Store, at, hash, new_user, session_id};
use menjin_tests::servers::postgres;

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

fn user(number: i64) -> UserRecord {
    let some = number % 2 == 0;
    let name = format!("Ünal {number}").replace(' ', "_");
    let role = match number % 3 {
        0 => Role::Student,
        1 => Role::Teacher,
        _ => Role::Admin,
    };
    let text = |text: &str| some.then(|| format!("{text} {number}"));
    UserRecord {
        user: User {
            id: UserId::try_from(number).unwrap(),
            username: Username::parse(&name, UsernameLength::DEFAULT).unwrap(),
            email: Email::parse(&format!("User{number}@Example.com")).unwrap(),
            role,
            profile: Profile {
                full_name: text("Ann 门禁").map(FullName::from_stored),
                phone: text("+49 1").map(Phone::from_stored),
                bio: text("'; DROP TABLE users; --\n").map(Bio::from_stored),
                avatar: text("https://example.com/").map(AvatarUrl::from_stored),
            },
            is_active: number % 5 != 0,
            is_verified: some,
            created_at: at(number),
            updated_at: some.then(|| at(number + 1)),
            last_login_at: (!some).then(|| at(number + 2)),
        },
        hash: hash(&number.to_string()),
        credential_version: CredentialVersion(number % 7),
    }
}

fn session(number: i64) -> SessionRecord {
    let some = number % 2 == 0;
    let address: IpAddr = if some { "2001:db8::7".parse() } else { "192.0.2.7".parse() }.unwrap();
    SessionRecord {
        session: Session {
            // The first is nil; the others are not in the order of their users.
            id: session_id(u128::from(u64::try_from(number * 7_919 % 3_001).unwrap()) << 60),
            user_id: UserId::try_from(number % USERS + 1).unwrap(),
            generation: Generation(number + 1),
            created_at: at(number),
            last_used_at: at(number + 1),
            expires_at: at(number + 1_000_000),
            client: ClientInfo::at(address).with_user_agent(some.then_some("Mozilla/5.0")),
        },
        predecessor: some.then(|| (Generation(number), at(number + 1))),
        ended_at: (number % 3 == 0).then(|| at(number + 3)),
    }
}

fn throttle(number: i64) -> LockoutRecord {
    LockoutRecord {
        subject: format!("account:{}", number / 2),
        network: if number % 2 == 0 { String::new() } else { "192.0.2.7".into() },
        failures: number + 1,
        last_failure_at: at(number),
    }
}

fn event(number: i64) -> AuditRecord {
    let some = number % 2 == 0;
    let client = session(number).session.client;
    let request_id = some.then(|| RequestId::parse(&format!("request-{number}")).unwrap());
    let context = AuditContext {
        actor: some.then(|| UserId::try_from(number + 1).unwrap()),
        session_id: some.then(|| session_id(7)),
        // Several at one moment.
        at: at(number / 3),
        request: RequestContext { client, request_id },
    };
    let event = if some {
        context.event(AuditAction::LoggedIn).on(UserId::FIRST)
    } else {
        context.event(AuditAction::LoginFailed).because(AuditReason::WrongPassword)
    };
    AuditRecord { id: AuditRecordId(number + 1), event }
}

/// A SQLite file with much in it.
async fn full() -> Place {
    let place = on_sqlite();
    let mut writer = place.archive.import().await.unwrap();
    let users: Vec<_> = (1..=USERS).map(user).collect();
    for part in users.chunks(900) {
        writer.put(Batch::Users(part.to_vec())).await.unwrap();
    }
    let sessions: Vec<_> = (0..3000).map(session).collect();
    for part in sessions.chunks(1000) {
        writer.put(Batch::Sessions(part.to_vec())).await.unwrap();
    }
    writer.put(Batch::Lockouts((0..1500).map(throttle).collect())).await.unwrap();
    writer.put(Batch::Events((0..1200).map(event).collect())).await.unwrap();
    let given = Contents { records: 0, last_user_id: LAST_USER_ID, last_event_id: 1200 };
    writer.reserve_ids(given).await.unwrap();
    writer.commit().await.unwrap();
    place
}

async fn transfer(from: &Place, to: &Place) -> Result<Checksums, TransferError> {
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
    let records = |sum: &Checksums| {
        [&sum.users, &sum.sessions, &sum.throttles, &sum.events].map(|sum| sum.records)
    };
    assert_eq!(records(&sums[0]), [2500, 3000, 1500, 1200]);
    assert!(sums.windows(2).all(|pair| pair[0] == pair[1]), "{sums:#?}");
    for place in &route {
        let users = &place.store.accounts;
        for role in [None, Some(Role::Student), Some(Role::Teacher), Some(Role::Admin)] {
            let page =
                users.list(UserQuery { start: PageStart::Skip(0), limit: 1, role }).await.unwrap();
            let of_role = |number: &i64| role.is_none_or(|role| user(*number).user.role == role);
            let expected = (1..=USERS).filter(of_role).count();
            assert_eq!(page.total, expected as u64, "{role:?}");
        }
        let found = users.find(UserId::try_from(4).unwrap()).await.unwrap();
        assert_eq!(found, Some(user(4).user));
        let new = users.create(new_user("newcomer", Role::Student)).await.unwrap();
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
        writer.put(Batch::Users((1..=10).map(user).collect())).await.unwrap();
        let given = Contents { records: 0, last_user_id: 1000, last_event_id: 1000 };
        writer.reserve_ids(given).await.unwrap();
        drop(writer);
        // Waits for PostgreSQL to notice that the connection has gone.
        let mut reader = place.archive.export().await.unwrap();
        assert_eq!(
            reader.contents().await.unwrap(),
            Contents { records: 0, last_user_id: 0, last_event_id: 0 }
        );
        assert!(reader.next().await.unwrap().is_none());
        drop(reader);
        let ann = place.store.add("ann", Role::Admin).await;
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
        target.store.add("ann", Role::Student).await;
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
        let ann = place.store.add("ann", Role::Student).await;
        let reader = place.archive.export().await.unwrap();
        let refused = place.store.accounts.create(new_user("bob", Role::Student)).await;
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
    source.store.add("ann", Role::Student).await;
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
