//! Unit tests of transfers.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::accounts::FullName;
use crate::credentials::{CredentialVersion, PasswordHash};
use crate::sessions::{Generation, Session};
use crate::testing::{self, SESSION, USER, at};

fn user() -> UserRecord {
    UserRecord {
        user: testing::user(),
        hash: testing::hash(),
        credential_version: CredentialVersion(3),
    }
}

fn session() -> SessionRecord {
    let session = Session {
        id: SESSION,
        user_id: USER,
        generation: Generation(4),
        created_at: at(0),
        last_used_at: at(1),
        expires_at: at(2),
        client: testing::client(),
    };
    SessionRecord { session, predecessor: Some((Generation(3), at(1))), ended_at: None }
}

fn lockouts() -> LockoutRecord {
    LockoutRecord {
        subject: "account:1".into(),
        network: String::new(),
        failures: 2,
        last_failure_at: at(5),
    }
}

fn batches() -> Vec<Batch> {
    vec![
        Batch::Users(vec![user()]),
        Batch::Sessions(vec![session()]),
        Batch::Lockouts(vec![lockouts()]),
    ]
}

/// Gives these batches, then an error if there is to be one.
fn reader(batches: Vec<Batch>, fails: bool) -> MockArchiveReader {
    let mut reader = MockArchiveReader::new();
    reader
        .expect_contents()
        .returning(|| Ok(Contents { records: 3, last_user_id: 9, last_event_id: 7 }));
    let mut batches = VecDeque::from(batches);
    reader.expect_next().returning(move || match batches.pop_front() {
        None if fails => Err(PortError::unavailable("database", "gone")),
        batch => Ok(batch),
    });
    reader
}

/// What became of an import.
#[derive(Default)]
struct Outcome {
    put: usize,
    reserved: i64,
    committed: bool,
}

/// Takes all, and says that it has written these.
struct Writer {
    outcome: Arc<Mutex<Outcome>>,
    written: MockArchiveReader,
}

#[async_trait]
impl ArchiveWriter for Writer {
    async fn put(&mut self, batch: Batch) -> Result<(), PortError> {
        self.outcome.lock().unwrap().put += batch.len();
        Ok(())
    }

    async fn reserve_ids(&mut self, given: Contents) -> Result<(), PortError> {
        self.outcome.lock().unwrap().reserved = given.last_user_id;
        Ok(())
    }

    fn written(&mut self) -> &mut dyn ArchiveReader {
        &mut self.written
    }

    async fn commit(self: Box<Self>) -> Result<(), PortError> {
        self.outcome.lock().unwrap().committed = true;
        Ok(())
    }
}

/// Transfers what the first gives to one who says that it has written what the second gives.
async fn transfer(
    source: MockArchiveReader,
    written: MockArchiveReader,
) -> (Result<Checksums, TransferError>, Outcome, Vec<TransferProgress>) {
    let outcome = Arc::new(Mutex::new(Outcome::default()));
    let writer = Writer { outcome: outcome.clone(), written };
    let (mut from, mut to) = (MockArchive::new(), MockArchive::new());
    from.expect_export().return_once(|| Ok(Box::new(source)));
    to.expect_import().return_once(|| Ok(Box::new(writer)));
    let transfer = Transfer { source: Arc::new(from), target: Arc::new(to) };
    let reports = Mutex::new(Vec::new());
    let result = transfer.execute(&|report| reports.lock().unwrap().push(report)).await;
    drop(transfer);
    let outcome = std::mem::take(&mut *outcome.lock().unwrap());
    (result, outcome, reports.into_inner().unwrap())
}

#[tokio::test]
async fn what_is_read_again_as_it_was_is_committed() {
    let (result, outcome, reports) =
        transfer(reader(batches(), false), reader(batches(), false)).await;
    let checksums = result.unwrap();
    assert_eq!(checksums.users.records + checksums.sessions.records, 2);
    assert_eq!((outcome.put, outcome.reserved, outcome.committed), (3, 9, true));
    let (copied, verified) = (TransferProgress::Copied, TransferProgress::Verified);
    assert_eq!(
        reports,
        [copied(1, 3), copied(2, 3), copied(3, 3), verified(1, 3), verified(2, 3), verified(3, 3)]
    );
}

#[tokio::test]
async fn what_differs_or_breaks_off_is_not_committed() {
    let mut lost = batches();
    lost.pop();
    let (result, outcome, _) = transfer(reader(batches(), false), reader(lost, false)).await;
    assert!(matches!(result, Err(TransferError::Differs { .. })), "{result:?}");
    assert!(!outcome.committed);

    let (result, outcome, _) = transfer(reader(batches(), true), reader(vec![], false)).await;
    assert!(matches!(result, Err(TransferError::Source(_))), "{result:?}");
    assert!(!outcome.committed);

    let (result, outcome, _) = transfer(reader(batches(), false), reader(vec![], true)).await;
    assert!(matches!(result, Err(TransferError::Target(_))), "{result:?}");
    assert!(!outcome.committed);
}

#[tokio::test]
async fn a_target_that_is_not_empty_leaves_the_source_alone() {
    let mut to = MockArchive::new();
    to.expect_import().return_once(|| Err(Error::Refused(NotEmpty { what: "users" })));
    let transfer = Transfer { source: Arc::new(MockArchive::new()), target: Arc::new(to) };
    let error = transfer.execute(&|_| ()).await.unwrap_err();
    assert!(matches!(error, TransferError::Target(Error::Refused(NotEmpty { what: "users" }))));
}

#[test]
fn every_column_changes_the_checksum() {
    fn sum(batch: &Batch) -> Checksums {
        let mut tally = Tally::default();
        tally.add(batch);
        tally.finish()
    }
    let users = |change: fn(&mut UserRecord)| {
        let mut record = user();
        change(&mut record);
        sum(&Batch::Users(vec![record]))
    };
    let sessions = |change: fn(&mut SessionRecord)| {
        let mut record = session();
        change(&mut record);
        sum(&Batch::Sessions(vec![record]))
    };
    let throttles = |change: fn(&mut LockoutRecord)| {
        let mut record = lockouts();
        change(&mut record);
        sum(&Batch::Lockouts(vec![record]))
    };
    let sums = [
        users(|_| ()),
        users(|user| user.user.id = crate::common::UserId::try_from(2).unwrap()),
        users(|user| user.user.profile.full_name = Some(FullName::from_stored("m".into()))),
        users(|user| user.user.profile.bio = crate::accounts::Bio::parse("m").unwrap()),
        users(|user| user.user.is_active = false),
        users(|user| user.user.is_verified = true),
        users(|user| user.user.created_at = at(7)),
        users(|user| user.user.updated_at = Some(at(7))),
        users(|user| user.user.last_login_at = Some(at(7))),
        users(|user| user.hash = PasswordHash::new("another".into())),
        users(|user| user.credential_version = CredentialVersion(4)),
        sessions(|_| ()),
        sessions(|session| session.session.generation = Generation(5)),
        sessions(|session| session.session.last_used_at = at(7)),
        sessions(|session| session.session.expires_at = at(7)),
        sessions(|session| session.session.client.user_agent = Some("curl".into())),
        sessions(|session| session.predecessor = None),
        sessions(|session| session.predecessor = Some((Generation(2), at(1)))),
        sessions(|session| session.ended_at = Some(at(7))),
        throttles(|_| ()),
        throttles(|count| count.subject = "account:2".into()),
        throttles(|count| count.network = "192.0.2.7".into()),
        throttles(|count| count.failures = 3),
        throttles(|count| count.last_failure_at = at(7)),
    ];
    for (index, one) in sums.iter().enumerate() {
        assert!(sums.iter().skip(index + 1).all(|other| one != other), "{index}: {one:?}");
    }
}
