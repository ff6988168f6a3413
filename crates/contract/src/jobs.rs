//! Jobs: one a user, done by one worker at a time, with what is done and the report on it in one change.

use macro_rules_attribute::apply;
use menjin_domain::accounts::{Email, Role, Username, UsernameLength};
use menjin_domain::common::{Error, UserId};
use menjin_domain::import::{ImportBatch, OnConflict, ReadyRow};
use menjin_domain::jobs::{
    Job, JobFailure, JobId, JobInProgress, JobKind, JobState, Lease, LeaseGone, NewJob, PartKind,
    PartOf, Progress, RecordProgress, Tally,
};
use uuid::Uuid;

use super::mails::Repositories;
use super::{at, at_once, authority, new_user};

/// How long a lease holds here, in seconds.
const LEASE: i64 = 10;

fn new_job(maker: UserId, state: JobState) -> NewJob {
    NewJob {
        kind: JobKind::Import,
        maker,
        state,
        spec: vec![0, 255],
        input: vec![vec![1; 3], vec![2]],
        created_at: at(1),
        expires_at: at(100),
    }
}

fn lease(number: u128, seconds: i64) -> Lease {
    Lease { id: Uuid::from_u128(number), until: at(seconds + LEASE) }
}

fn progress(job: JobId, lease: Lease, part: u32) -> Progress {
    let tally = Tally { created: 1, updated: 2, unchanged: 3, failed: 4 };
    Progress { job, lease, part, tally, report: vec![7, 0], expires_at: at(200) }
}

impl Repositories {
    async fn made(&self, maker: UserId, state: JobState) -> JobId {
        self.jobs.create(new_job(maker, state)).await.unwrap()
    }

    async fn job(&self, id: JobId, maker: UserId) -> Option<Job> {
        self.jobs.find(id, JobKind::Import, maker, at(50)).await.unwrap()
    }

    async fn claim_job(&self, seconds: i64, number: u128) -> Option<Job> {
        self.jobs.claim(at(seconds), lease(number, seconds)).await.unwrap()
    }

    async fn part_of(&self, job: JobId, kind: PartKind, number: u32) -> Option<Vec<u8>> {
        self.jobs.part(PartOf { job, kind, number }).await.unwrap()
    }

    async fn finish(&self, id: JobId, number: u128, state: JobState) -> bool {
        let failure = (state == JobState::Failed).then(|| JobFailure::Unreadable("row 3".into()));
        self.jobs.finish(id, lease(number, 5), state, failure, at(300)).await.unwrap()
    }
}

#[apply(row!)]
async fn u2_a_job_is_kept_as_it_was_made_for_its_maker_alone(mailing: Repositories) {
    let (ann, bob) = (mailing.store.student("ann").await, mailing.store.student("bob").await);
    let id = mailing.made(ann, JobState::Checking).await;
    let job = mailing.job(id, ann).await.unwrap();
    let expected = Job {
        id,
        kind: JobKind::Import,
        maker: ann,
        state: JobState::Checking,
        spec: vec![0, 255],
        failure: None,
        created_at: at(1),
        expires_at: at(100),
        parts: 0,
        tally: Tally::default(),
    };
    assert_eq!(job, expected);
    assert_eq!(mailing.part_of(id, PartKind::Input, 0).await, Some(vec![1; 3]));
    assert_eq!(mailing.part_of(id, PartKind::Input, 1).await, Some(vec![2]));
    assert_eq!(mailing.part_of(id, PartKind::Input, 2).await, None);
    assert_eq!(mailing.part_of(id, PartKind::Report, 0).await, None);
    assert_eq!(mailing.job(id, bob).await, None);
    assert_eq!(mailing.jobs.find(id, JobKind::Batch, ann, at(50)).await.unwrap(), None);
    assert_eq!(mailing.jobs.find(id, JobKind::Import, ann, at(100)).await.unwrap(), None);
    assert!(!mailing.jobs.cancel(id, JobKind::Import, bob).await.unwrap());
    assert!(!mailing.jobs.cancel(id, JobKind::Batch, ann).await.unwrap());
    assert!(mailing.jobs.cancel(id, JobKind::Import, ann).await.unwrap());
    assert_eq!(mailing.job(id, ann).await, None);
    assert_eq!(mailing.part_of(id, PartKind::Input, 0).await, None);
}

#[apply(row!)]
async fn u1_of_jobs_made_at_once_a_user_has_one(mailing: Repositories) {
    let (ann, bob) = (mailing.store.student("ann").await, mailing.store.student("bob").await);
    let jobs = mailing.jobs.clone();
    let made = at_once(20, move |_| {
        let jobs = jobs.clone();
        async move { jobs.create(new_job(ann, JobState::Checking)).await }
    })
    .await;
    let (made, refused): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (1, 19));
    let is_refused = |it: &_| matches!(it, Err(Error::Refused(JobInProgress)));
    assert!(refused.iter().all(is_refused), "{refused:?}");
    mailing.made(bob, JobState::Running).await;
    // One that only waits to be told to go on gives way.
    let id = *made[0].as_ref().unwrap();
    mailing.claim_job(5, 1).await.unwrap();
    assert!(mailing.finish(id, 1, JobState::Checked).await);
    let other = mailing.made(ann, JobState::Checking).await;
    assert_eq!(mailing.job(id, ann).await, None);
    // One that is done stays.
    assert_eq!(mailing.claim_job(5, 2).await.map(|job| job.maker), Some(bob));
    assert_eq!(mailing.claim_job(5, 3).await.map(|job| job.id), Some(other));
    assert!(mailing.finish(other, 3, JobState::Done).await);
    mailing.made(ann, JobState::Running).await;
    assert_eq!(mailing.job(other, ann).await.map(|job| job.state), Some(JobState::Done));
}

#[apply(row!)]
async fn u2_a_job_is_done_by_one_worker_at_a_time(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    assert_eq!(mailing.claim_job(5, 1).await, None);
    let id = mailing.made(ann, JobState::Running).await;
    let jobs = mailing.jobs.clone();
    let claimed = at_once(10, move |number| {
        let jobs = jobs.clone();
        async move { jobs.claim(at(5), lease(number as u128, 5)).await.unwrap().map(|_| number) }
    })
    .await;
    let claimed: Vec<_> = claimed.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    let first = claimed[0] as u128;
    assert_eq!(mailing.claim_job(14, 77).await, None, "the lease holds");
    assert_eq!(mailing.claim_job(15, 77).await.map(|job| job.id), Some(id));
    // Whoever had it before has it no longer.
    assert!(!mailing.jobs.advance(progress(id, lease(first, 5), 0)).await.unwrap());
    assert!(!mailing.finish(id, first, JobState::Done).await);
    assert!(mailing.jobs.advance(progress(id, lease(77, 20), 0)).await.unwrap());
    assert!(!mailing.jobs.advance(progress(id, lease(77, 20), 0)).await.unwrap(), "it is done");
    assert_eq!(mailing.claim_job(29, 78).await, None, "the lease was prolonged");
    let job = mailing.job(id, ann).await.unwrap();
    let tally = Tally { created: 1, updated: 2, unchanged: 3, failed: 4 };
    assert_eq!((job.parts, job.tally, job.expires_at), (1, tally, at(200)));
    assert_eq!(mailing.part_of(id, PartKind::Report, 0).await, Some(vec![7, 0]));
    assert!(mailing.finish(id, 77, JobState::Failed).await);
    let job = mailing.job(id, ann).await.unwrap();
    assert_eq!(job.failure, Some(JobFailure::Unreadable("row 3".into())));
    assert_eq!((job.state, job.expires_at), (JobState::Failed, at(300)));
    assert_eq!(mailing.part_of(id, PartKind::Input, 0).await, None, "what it read is gone");
    assert_eq!(mailing.claim_job(1000, 79).await, None);
}

#[apply(row!)]
async fn u2_what_was_checked_is_committed_once(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    let id = mailing.made(ann, JobState::Checking).await;
    let commit =
        async |seconds| mailing.jobs.commit(id, ann, vec![9], at(seconds), at(400)).await.unwrap();
    assert!(!commit(50).await, "it is not checked yet");
    mailing.claim_job(5, 1).await.unwrap();
    mailing.jobs.advance(progress(id, lease(1, 5), 0)).await.unwrap();
    assert!(mailing.finish(id, 1, JobState::Checked).await);
    assert_eq!(mailing.claim_job(50, 2).await, None);
    assert!(!commit(300).await, "it has expired");
    let bob = mailing.store.student("bob").await;
    assert!(!mailing.jobs.commit(id, bob, vec![9], at(50), at(400)).await.unwrap());
    assert!(commit(50).await);
    assert!(!commit(50).await);
    let job = mailing.job(id, ann).await.unwrap();
    assert_eq!((job.state, job.spec, job.parts), (JobState::Running, vec![9], 0));
    assert_eq!((job.tally, job.expires_at), (Tally::default(), at(400)));
    assert_eq!(mailing.part_of(id, PartKind::Report, 0).await, None);
    assert_eq!(mailing.part_of(id, PartKind::Input, 1).await, Some(vec![2]));
    assert_eq!(mailing.claim_job(50, 2).await.map(|job| job.id), Some(id));
}

/// A row of a new account.
fn row(name: &str) -> ReadyRow {
    let new = new_user(name, Role::STUDENT);
    let username = Username::parse(name, UsernameLength::DEFAULT).unwrap();
    let email: Email = new.email.clone();
    let (username, email) = (Some(username), Some(email));
    ReadyRow { id: None, username, email, create: Some(new.into()), changes: vec![] }
}

fn batch(name: &str, job: JobId, lease: Lease, part: u32) -> ImportBatch {
    let record = move |outcomes: &[Result<_, _>]| {
        let created = outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64;
        let tally = Tally { created, ..Tally::default() };
        Ok(Progress { tally, ..progress(job, lease, part) })
    };
    ImportBatch {
        rows: vec![row(name)],
        on_conflict: OnConflict::Fail,
        dry_run: false,
        authority: authority(5),
        progress: Some(RecordProgress::new(record)),
    }
}

#[apply(row!)]
async fn u2_rows_are_stored_with_the_report_on_them_or_not_at_all(mailing: Repositories) {
    let ann = mailing.store.student("ann").await;
    let id = mailing.made(ann, JobState::Running).await;
    mailing.claim_job(5, 1).await.unwrap();
    let accounts = &mailing.store.accounts;
    accounts.import(batch("bob", id, lease(1, 6), 0)).await.unwrap();
    let job = mailing.job(id, ann).await.unwrap();
    assert_eq!((job.parts, job.tally.created), (1, 1));
    assert_eq!(mailing.part_of(id, PartKind::Report, 0).await, Some(vec![7, 0]));
    // Another worker has it now: nothing of what the first one does is kept.
    mailing.claim_job(16, 2).await.unwrap();
    for late in [batch("eve", id, lease(1, 16), 1), batch("eve", id, lease(2, 16), 0)] {
        let refused = accounts.import(late).await.unwrap_err();
        assert!(refused.is::<LeaseGone>(), "{refused:?}");
    }
    accounts.import(batch("eve", id, lease(2, 16), 1)).await.unwrap();
    let job = mailing.job(id, ann).await.unwrap();
    assert_eq!((job.parts, job.tally.created, job.tally.failed), (2, 2, 0));
}

#[apply(row!)]
async fn u2_jobs_are_gone_when_they_have_expired(mailing: Repositories) {
    let (ann, bob) = (mailing.store.student("ann").await, mailing.store.student("bob").await);
    let old = mailing.made(ann, JobState::Checking).await;
    let new = NewJob { expires_at: at(101), ..new_job(bob, JobState::Checking) };
    let new = mailing.jobs.create(new).await.unwrap();
    assert_eq!(mailing.jobs.delete_expired(at(99)).await.unwrap(), 0);
    assert_eq!(mailing.jobs.delete_expired(at(100)).await.unwrap(), 1);
    assert_eq!((mailing.job(old, ann).await, mailing.job(new, bob).await.is_some()), (None, true));
    assert_eq!(mailing.part_of(old, PartKind::Input, 0).await, None);
    assert_eq!(mailing.jobs.delete_expired(at(10_000)).await.unwrap(), 1);
}
