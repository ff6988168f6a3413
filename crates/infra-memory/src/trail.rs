//! The queue of audit events, which one task appends to a repository.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use menjin_domain::audit::{AuditEvent, AuditRepository, AuditTrail};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// How many events are appended at once at most.
const BATCH: usize = 256;

/// How often the log tells of events that were dropped, at most.
const REPORTS: Duration = Duration::from_secs(10);

/// A trail that keeps events in a bounded queue, from which one task appends them to a repository.
///
/// An event that finds the queue full is dropped. So is an event that the repository did not take:
/// a write that was not answered in time may have been done, and appending it again could store the
/// event twice. Both kinds are counted, and the log reports how many were dropped.
///
/// A client that can cause failures can cause records. The queue bounds what these records cost
/// menjin; limiting requests per client is the job of the proxy in front.
pub struct AuditQueue {
    events: Sender<AuditEvent>,
    dropped: Arc<AtomicU64>,
    closing: watch::Sender<bool>,
    appending: Mutex<Option<JoinHandle<()>>>,
}

impl AuditQueue {
    /// A queue with room for this many events (at least one).
    ///
    /// # Panics
    /// Panics outside of a tokio runtime. The task that appends runs on this runtime, so it must be
    /// one that lasts: the workers of a web server end one by one.
    pub fn start(repository: Arc<dyn AuditRepository>, capacity: usize) -> Self {
        let (events, queue) = mpsc::channel(capacity.max(1));
        let (closing, must_close) = watch::channel(false);
        let dropped = Arc::new(AtomicU64::new(0));
        let drops = Drops { dropped: Arc::clone(&dropped), told: 0, last: None };
        let appending = Appending { repository, queue, drops, must_close };
        let appending = Mutex::new(Some(tokio::spawn(appending.run())));
        Self { events, dropped, closing, appending }
    }

    /// How many events were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Appends what is queued, and takes no more events. Events that cannot be appended within this
    /// time are dropped.
    pub async fn close(&self, within: Duration) {
        self.closing.send_replace(true);
        let appending = self.appending.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut appending) = appending else { return };
        if timeout(within, &mut appending).await.is_err() {
            // The events in the queue are dropped. The batch that was being appended may or may not
            // be stored.
            let queued = self.events.max_capacity() - self.events.capacity();
            appending.abort();
            let total = self.dropped.fetch_add(queued as u64, Ordering::Relaxed) + queued as u64;
            tracing::warn!(event = "audit_dropped", dropped = queued, total, "no time was left");
        }
    }
}

impl AuditTrail for AuditQueue {
    fn note(&self, event: AuditEvent) {
        if self.events.try_send(event).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for AuditQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditQueue").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}

/// The task that appends.
struct Appending {
    repository: Arc<dyn AuditRepository>,
    queue: Receiver<AuditEvent>,
    drops: Drops,
    must_close: watch::Receiver<bool>,
}

impl Appending {
    async fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            let received = tokio::select! {
                biased;
                // An error means that the queue has been dropped; the task then ends by itself.
                _ = self.must_close.wait_for(|close| *close), if !self.queue.is_closed() => {
                    self.queue.close();
                    continue;
                }
                received = timeout(REPORTS, self.queue.recv_many(&mut batch, BATCH)) => received,
            };
            match received {
                Ok(0) => break,
                Ok(_some) => self.append(std::mem::take(&mut batch)).await,
                Err(_nothing_for_long) => {}
            }
            self.drops.tell_now_and_then();
        }
        self.drops.tell();
    }

    async fn append(&mut self, batch: Vec<AuditEvent>) {
        let mut lost = batch.len();
        let Err(error) = self.repository.append(batch).await else { return };
        if *self.must_close.borrow() {
            // There is no time to try whether the next batches succeed.
            self.queue.close();
            while self.queue.try_recv().is_ok() {
                lost += 1;
            }
        }
        self.drops.dropped.fetch_add(lost as u64, Ordering::Relaxed);
        tracing::debug!(error = &error as &dyn std::error::Error, lost, "events were not appended");
    }
}

/// How many events were dropped, and how many of them the log has reported.
struct Drops {
    dropped: Arc<AtomicU64>,
    told: u64,
    last: Option<Instant>,
}

impl Drops {
    fn tell_now_and_then(&mut self) {
        if self.last.is_none_or(|last| last.elapsed() >= REPORTS) {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let total = self.dropped.load(Ordering::Relaxed);
        if total > self.told {
            let dropped = total - self.told;
            (self.told, self.last) = (total, Some(Instant::now()));
            tracing::warn!(event = "audit_dropped", dropped, total, "events were not recorded");
        }
    }
}

#[cfg(test)]
mod tests;
