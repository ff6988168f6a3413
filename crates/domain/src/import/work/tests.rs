use std::sync::Mutex;
use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::access::Rights;
use crate::access::rights::RightId;
use crate::accounts::{MockAccountRepository, Role, User, Username};
use crate::common::{SealPurpose, Sealer, Timestamp, UserId};
use crate::credentials::{MockPasswordHasher, MockPasswordPolicy, PasswordLength};
use crate::import::{
    ImportBatch, ImportColumn, ImportOptions, Imported, MockUserTables, OnConflict, Outcome,
    RowError, RowProblem, RowRefusal, TableFormat, TableUnreadable, UpdateAlso,
};
use crate::jobs::{JobId, JobKind, MockJobRepository, Progress, StoredContext, Tally};
use crate::testing::{self, USER, at};

/// Shows what is sealed, with its place.
struct Glass;

impl Sealer for Glass {
    fn seal(&self, _: SealPurpose, place: &str, plain: &[u8]) -> Result<Vec<u8>, PortError> {
        Ok([place.as_bytes(), b"|", plain].concat())
    }

    fn open(&self, _: SealPurpose, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let rest = sealed.strip_prefix(place.as_bytes())?;
        rest.strip_prefix(b"|").map(<[u8]>::to_vec)
    }

    fn key_id(&self) -> String {
        String::new()
    }

    fn fingerprints(&self, _: SealPurpose, _: &str, _: &[u8]) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// A table of these names; the last is that of the first again.
struct Names(u64, u64);

#[async_trait::async_trait]
impl UserTable for Names {
    async fn next(&mut self, max: usize) -> Result<Vec<NumberedRow>, TableUnreadable> {
        let from = self.0;
        self.0 = self.1.min(from + max as u64);
        let row = |number: u64| {
            let name = if number + 1 == self.1 { 0 } else { number };
            let cells = vec![
                (ImportColumn::Username, format!("user{name}")),
                (ImportColumn::Email, format!("user{number}@example.com")),
            ];
            NumberedRow { number, cells: Ok(cells) }
        };
        Ok((from..self.0).map(row).collect())
    }
}

/// What was stored.
#[derive(Default)]
struct Stored {
    /// The names of the rows of each part that was imported.
    parts: Mutex<Vec<Vec<String>>>,
    progress: Mutex<Vec<Progress>>,
}

const LEASE: Lease = Lease { id: Uuid::from_u128(7), until: Timestamp::UNIX_EPOCH };

/// A job of a clerk, who may import; it is at this part of a table of so many rows.
fn job(state: JobState, parts: u32, update: UpdateAlso) -> Job {
    let options = ImportOptions {
        on_conflict: OnConflict::Update,
        update,
        default_role: Role::STUDENT,
        length: PasswordLength::DEFAULT,
        generate_passwords: false,
        good_from: None,
        dry_run: true,
    };
    let context = StoredContext::from(&testing::context_of_admin(5));
    let spec = ImportSpec::new(TableFormat::Csv, &options, false, context);
    let sealer: Arc<dyn Sealer> = Arc::new(Glass);
    Job {
        id: JobId::try_from(3).unwrap(),
        kind: JobKind::Import,
        maker: USER,
        state,
        spec: JobSealer::of(&sealer, USER, at(5)).seal("spec", &spec).unwrap(),
        failure: None,
        created_at: at(5),
        expires_at: at(500),
        parts,
        tally: Tally::default(),
    }
}

/// The work on a table of so many rows, on behalf of a user of this role.
fn work(role: &str, rows: u64, has_lease: bool) -> (ImportJob, Arc<Stored>) {
    work_until(role, rows, has_lease, u32::MAX)
}

/// The same on behalf of a user who is deactivated after so many questions about them.
fn work_until(role: &str, rows: u64, has_lease: bool, mut active: u32) -> (ImportJob, Arc<Stored>) {
    let (stored, role): (Arc<Stored>, Role) = (Arc::default(), role.parse().unwrap());
    let mut accounts = MockAccountRepository::new();
    accounts.expect_find().returning(move |_| {
        let is_active = active > 0;
        active = active.saturating_sub(1);
        Ok(Some(User { role, is_active, ..testing::user() }))
    });
    let noted = stored.clone();
    accounts.expect_import().returning(move |batch: ImportBatch| {
        let created = |_: &_| Ok::<_, RowRefusal>(Imported::Created(UserId::try_from(9).unwrap()));
        let outcomes: Vec<_> = batch.rows.iter().map(created).collect();
        if batch.dry_run {
            return Ok(outcomes);
        }
        let progress = batch.progress.as_ref().unwrap().of(&outcomes)?;
        if !has_lease {
            return Err(LeaseGone.into());
        }
        noted.progress.lock().unwrap().push(progress);
        let names = batch.rows.iter().filter_map(|row| row.username.as_ref());
        let names = names.map(|name| Username::as_str(name).to_owned()).collect();
        noted.parts.lock().unwrap().push(names);
        Ok(outcomes)
    });
    let mut jobs = MockJobRepository::new();
    let noted = stored.clone();
    jobs.expect_advance().returning(move |progress| {
        noted.progress.lock().unwrap().push(progress);
        Ok(has_lease)
    });
    jobs.expect_part().returning(|_| Ok(None));
    let mut tables = MockUserTables::new();
    tables.expect_open().returning(move |_, _| Ok(Box::new(Names(0, rows))));
    let accounts: Arc<MockAccountRepository> = Arc::new(accounts);
    let clerk = ("clerk".parse().unwrap(), Rights::from([RightId::UsersImport]));
    let roles = Arc::new(Roles::new([clerk]));
    let passwords = FirstPasswords {
        random: testing::random(),
        policy: Arc::new(MockPasswordPolicy::new()),
        hasher: Arc::new(MockPasswordHasher::new()),
        ttl: Duration::from_secs(100),
    };
    let work = ImportJob {
        import: ImportUsers::standalone(
            accounts.clone(),
            passwords,
            testing::post(9),
            Arc::default(),
        ),
        jobs: JobPorts {
            repository: Arc::new(jobs),
            sealer: Arc::new(Glass),
            tables: Arc::new(tables),
        },
        officer: Officer { accounts, roles: roles.clone() },
        roles,
        clock: testing::clock(9),
    };
    (work, stored)
}

fn reported(progress: &Progress) -> Vec<ReportedRow> {
    let sealer: Arc<dyn Sealer> = Arc::new(Glass);
    let sealer = JobSealer::of(&sealer, USER, at(5));
    sealer.open(&part("report", progress.part), &progress.report).unwrap()
}

#[tokio::test]
async fn u2_it_goes_on_at_the_part_that_was_not_done() {
    let (work, stored) = work("clerk", 250, true);
    let job = job(JobState::Running, 1, UpdateAlso::default());
    let ended = work.work(&job, LEASE).await.unwrap();
    assert_eq!(ended, Some(Ok(JobState::Done)));
    let parts = stored.parts.lock().unwrap();
    let counts: Vec<_> = parts.iter().map(Vec::len).collect();
    assert_eq!((counts, parts[0][0].as_str()), (vec![100, 49], "user100"));
    let progress = stored.progress.lock().unwrap();
    let told = progress.iter().map(|it| (it.part, it.tally.created, it.tally.failed));
    assert_eq!(told.collect::<Vec<_>>(), [(1, 100, 0), (2, 49, 1)]);
    assert_eq!((progress[0].lease.id, progress[0].lease.until), (LEASE.id, at(69)));
    // A row for the same user as one of a part before is known as such, and what it said is kept.
    let last = reported(&progress[1]).pop().unwrap();
    let duplicate = RowError::at(ImportColumn::Username, RowProblem::Duplicate { row: 0 });
    assert_eq!((last.number, last.outcome), (249, Outcome::Failed(duplicate)));
    assert_eq!(last.cells[1], (ImportColumn::Email, "user249@example.com".to_owned()));
}

#[tokio::test]
async fn u2_a_check_imports_nothing_and_waits_to_be_committed() {
    let (work, stored) = work("clerk", 3, true);
    let ended = work.work(&job(JobState::Checking, 0, UpdateAlso::default()), LEASE).await;
    assert_eq!(ended.unwrap(), Some(Ok(JobState::Checked)));
    assert_eq!(stored.parts.lock().unwrap().len(), 0);
    let progress = stored.progress.lock().unwrap();
    let rows = reported(&progress[0]);
    assert_eq!((rows.len(), &rows[0].outcome, rows[0].id()), (3, &Outcome::Created, None));
}

#[tokio::test]
async fn u2_whoever_has_lost_the_lease_stops() {
    for state in [JobState::Running, JobState::Checking] {
        let (work, stored) = work("clerk", 250, false);
        let ended = work.work(&job(state, 0, UpdateAlso::default()), LEASE).await.unwrap();
        assert_eq!(ended, None);
        assert!(stored.progress.lock().unwrap().len() <= 1, "it stops at the first part");
    }
}

#[tokio::test]
async fn u2_the_rights_are_those_that_the_maker_has_while_it_is_done() {
    let role = UpdateAlso { role: true, ..UpdateAlso::default() };
    for (of, update) in [("student", UpdateAlso::default()), ("clerk", role)] {
        let (work, stored) = work(of, 3, true);
        let ended = work.work(&job(JobState::Running, 0, update), LEASE).await.unwrap();
        assert_eq!(ended, Some(Err(JobFailure::Forbidden)), "{of}");
        assert_eq!(stored.parts.lock().unwrap().len(), 0);
    }
}

#[tokio::test]
async fn u2_it_ends_when_its_maker_is_deactivated() {
    // Asked before the table is opened, and before each part.
    let (work, stored) = work_until("clerk", 250, true, 2);
    let job = job(JobState::Running, 0, UpdateAlso::default());
    let ended = work.work(&job, LEASE).await.unwrap();
    assert_eq!(ended, Some(Err(JobFailure::Forbidden)));
    assert_eq!(stored.parts.lock().unwrap().len(), 1, "what was done stays");
}

#[tokio::test]
async fn u2_what_was_sealed_for_another_job_is_not_opened() {
    let (work, _) = work("clerk", 3, true);
    let other = Job { created_at: at(6), ..job(JobState::Running, 0, UpdateAlso::default()) };
    let ended = work.work(&other, LEASE).await.unwrap();
    assert_eq!(ended, Some(Err(JobFailure::Unsealable)));
}
