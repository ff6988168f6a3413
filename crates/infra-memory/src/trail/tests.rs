//! Tests of the queue of audit events.

use std::net::{IpAddr, Ipv4Addr};

use menjin_domain::audit::{AuditAction, AuditContext, MockAuditRepository};
use menjin_domain::common::{ClientInfo, PortError, Timestamp};
use tokio::sync::Semaphore;

use super::*;

/// Event number `n`, recognisable by its time.
fn event(n: i64) -> AuditEvent {
    let client = ClientInfo::at(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let at = Timestamp::from_timestamp(n, 0).unwrap();
    AuditContext::anonymous(at, client.into()).event(AuditAction::LoginFailed)
}

fn note(queue: &AuditQueue, numbers: impl IntoIterator<Item = i64>) {
    for n in numbers {
        queue.note(event(n));
    }
}

fn number(event: &AuditEvent) -> i64 {
    event.context.at.timestamp()
}

/// A repository that appends as often as it is permitted to, and fails if it is told to.
#[derive(Clone, Default)]
struct Kept {
    batches: Arc<Mutex<Vec<Vec<i64>>>>,
}

impl Kept {
    fn numbers(&self) -> Vec<i64> {
        self.batches.lock().unwrap().concat()
    }

    fn repository(&self) -> MockAuditRepository {
        let (batches, mut repository) = (Arc::clone(&self.batches), MockAuditRepository::new());
        repository.expect_append().returning(move |events| {
            batches.lock().unwrap().push(events.iter().map(number).collect());
            Ok(())
        });
        repository
    }
}

/// Holds up every append until there is a permit for it.
struct Gate {
    permits: Arc<Semaphore>,
    inner: MockAuditRepository,
}

#[async_trait::async_trait]
impl AuditRepository for Gate {
    async fn append(&self, events: Vec<AuditEvent>) -> Result<(), PortError> {
        self.permits.acquire().await.unwrap().forget();
        self.inner.append(events).await
    }

    async fn list(
        &self,
        _: menjin_domain::audit::AuditQuery,
    ) -> Result<Vec<menjin_domain::audit::AuditRecord>, PortError> {
        Ok(Vec::new())
    }

    async fn count(&self, _: AuditAction, _: Timestamp, _: Timestamp) -> Result<u64, PortError> {
        Ok(0)
    }

    async fn delete_before(&self, _: Timestamp) -> Result<u64, PortError> {
        Ok(0)
    }
}

#[tokio::test]
async fn s3_what_is_noted_is_appended_once_and_in_order() {
    let kept = Kept::default();
    let queue = AuditQueue::start(Arc::new(kept.repository()), 10_000);
    note(&queue, 0..1000);
    queue.close(Duration::from_secs(10)).await;
    assert_eq!(kept.numbers(), (0..1000).collect::<Vec<_>>());
    assert!(kept.batches.lock().unwrap().iter().all(|batch| batch.len() <= BATCH));
    assert_eq!(queue.dropped(), 0);
}

#[tokio::test]
async fn what_finds_the_queue_full_is_dropped_and_counted() {
    let (kept, permits) = (Kept::default(), Arc::new(Semaphore::new(0)));
    let gate = Gate { permits: Arc::clone(&permits), inner: kept.repository() };
    let queue = AuditQueue::start(Arc::new(gate), 4);
    queue.note(event(0));
    // The task has taken that event and waits for the repository.
    while queue.events.capacity() < 4 {
        tokio::task::yield_now().await;
    }
    note(&queue, 1..=7);
    assert_eq!(queue.dropped(), 3);
    permits.add_permits(2);
    queue.close(Duration::from_secs(10)).await;
    assert_eq!(kept.numbers(), [0, 1, 2, 3, 4]);
    queue.note(event(8));
    assert_eq!(queue.dropped(), 4, "closed is closed");
}

#[tokio::test]
async fn what_the_repository_does_not_take_is_dropped_and_not_tried_again() {
    let (kept, mut repository) = (Kept::default(), MockAuditRepository::new());
    let batches = Arc::clone(&kept.batches);
    let mut calls = 0;
    repository.expect_append().returning(move |events| {
        calls += 1;
        if calls == 1 {
            return Err(PortError::unavailable("test", "away"));
        }
        batches.lock().unwrap().push(events.iter().map(number).collect());
        Ok(())
    });
    let queue = AuditQueue::start(Arc::new(repository), 10);
    note(&queue, 0..3);
    while queue.dropped() < 3 {
        tokio::task::yield_now().await;
    }
    queue.note(event(3));
    queue.close(Duration::from_secs(10)).await;
    assert_eq!((kept.numbers(), queue.dropped()), (vec![3], 3));
}

#[tokio::test]
async fn a_repository_that_is_away_does_not_hold_up_the_end() {
    let mut repository = MockAuditRepository::new();
    repository.expect_append().times(1).returning(|_| Err(PortError::unavailable("test", "away")));
    let queue = AuditQueue::start(Arc::new(repository), 1000);
    note(&queue, 0..1000);
    queue.close(Duration::from_secs(10)).await;
    assert_eq!(queue.dropped(), 1000, "the first batch failed, the others were not tried");
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_hangs_does_not_hold_up_the_end_either() {
    let gate = Gate { permits: Arc::new(Semaphore::new(0)), inner: MockAuditRepository::new() };
    let queue = AuditQueue::start(Arc::new(gate), 10);
    queue.note(event(0));
    while queue.events.capacity() < 10 {
        tokio::task::yield_now().await;
    }
    note(&queue, 1..=3);
    let started = Instant::now();
    queue.close(Duration::from_secs(2)).await;
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(queue.dropped(), 3);
    queue.close(Duration::from_secs(2)).await;
}
