//! The read behind every request, on connections of its own that it need not wait for.
//!
//! A connection of the pool is lent to one call at a time, and handing it over costs more than the
//! read itself. Here all calls of a thread share one connection: PostgreSQL takes the next statement
//! while the answer to the one before is on its way (pipelining). That does for single reads that
//! take microseconds; what writes, or may take long, would hold up all behind it, and belongs to the
//! pool.
//!
//! A connection is driven by the runtime of the thread that made it, a worker of the web server, and
//! ends with it. Whatever goes wrong here, the pool is asked instead: these connections make things
//! fast, nothing depends on them.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use menjin_domain::common::{PortError, SessionId, Timestamp};
use menjin_domain::sessions::LiveSession;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

use crate::connect::Connector;
use crate::error::COMPONENT;
use crate::live::{FIND_LIVE, Moment, live_session};

/// How long connecting may take, which nobody waits for.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long to do without after a failure.
const REST: Duration = Duration::from_secs(1);
/// How long a read may have taken for the pool to be asked after its failure: both together have to
/// end within three seconds.
const EARLY: Duration = Duration::from_millis(100);
/// What a statement may take beyond the server's own time-out.
const ON_TOP: Duration = Duration::from_millis(200);
/// How long asking the server to stop may take.
const CANCEL_WITHIN: Duration = Duration::from_secs(1);

/// The connections, each for one or a few threads.
pub(crate) struct Readers {
    connector: Connector,
    slots: Box<[Slot]>,
    /// How long a read is waited for.
    patience: Duration,
    is_closed: AtomicBool,
}

#[derive(Default)]
struct Slot {
    reader: RwLock<Option<Arc<Reader>>>,
    /// Somebody connects, or rests after having failed.
    is_taken: AtomicBool,
}

struct Reader {
    client: Client,
    find_live: Statement,
}

/// What came of a read.
pub(crate) enum Read {
    /// An answer.
    Done(Result<Option<LiveSession>, PortError>),
    /// None: ask the pool.
    NotHere,
}

impl Readers {
    /// So many connections, none of them made yet.
    pub(crate) fn new(connector: Connector, number: usize, statement_timeout: Duration) -> Self {
        let slots = std::iter::repeat_with(Slot::default).take(number).collect();
        let patience = statement_timeout + ON_TOP;
        Self { connector, slots, patience, is_closed: AtomicBool::new(false) }
    }

    /// See `SessionRepository::find_live`.
    pub(crate) async fn find_live(self: &Arc<Self>, id: SessionId, at: Timestamp) -> Read {
        // Without a runtime there is nothing to tell the time; the pool has one of its own.
        let Ok(runtime) = Handle::try_current() else { return Read::NotHere };
        let Some((slot, reader)) = self.reader(&runtime) else { return Read::NotHere };
        let started = Instant::now();
        let at = Moment(at.into());
        let parameters: [&(dyn ToSql + Sync); 2] = [&id.0, &at];
        let read = reader.client.query_opt(&reader.find_live, &parameters);
        match timeout(self.patience, read).await {
            Ok(Ok(row)) => Read::Done(row.map(|row| live_session(id, &row)).transpose()),
            Ok(Err(error)) => {
                if !is_cancelled(&error) {
                    slot.forget(&reader);
                }
                if started.elapsed() < EARLY {
                    tracing::debug!(%error, "a shared connection failed");
                    Read::NotHere
                } else {
                    Read::Done(Err(PortError::unavailable(COMPONENT, error)))
                }
            }
            Err(elapsed) => {
                slot.forget(&reader);
                self.cancel(&reader, &runtime);
                Read::Done(Err(PortError::unavailable(COMPONENT, elapsed)))
            }
        }
    }

    /// Closes the connections, for good.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        for slot in &self.slots {
            slot.set(None);
        }
    }

    /// The connection of this thread. Where there is none, one is made for a later call.
    fn reader(self: &Arc<Self>, runtime: &Handle) -> Option<(&Slot, Arc<Reader>)> {
        let number = thread_number().checked_rem(self.slots.len())?;
        let slot = self.slots.get(number)?;
        if let Some(reader) = slot.current() {
            return Some((slot, reader));
        }
        if !self.is_closed.load(Ordering::SeqCst) && !slot.is_taken.swap(true, Ordering::AcqRel) {
            drop(runtime.spawn(Arc::clone(self).connect(number)));
        }
        None
    }

    /// Connects, or rests after having failed.
    async fn connect(self: Arc<Self>, number: usize) {
        let Some(slot) = self.slots.get(number) else { return };
        let taken = Taken(slot);
        match timeout(CONNECT_WITHIN, self.make()).await {
            Ok(Ok(reader)) => {
                slot.set(Some(Arc::new(reader)));
                // Closed meanwhile: whichever comes last, of this and `close`, empties the slot.
                if self.is_closed.load(Ordering::SeqCst) {
                    slot.set(None);
                }
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "no shared connection is made");
                tokio::time::sleep(REST).await;
            }
            Err(_elapsed) => tokio::time::sleep(REST).await,
        }
        drop(taken);
    }

    async fn make(&self) -> Result<Reader, Error> {
        let client = self.connector.client().await?;
        let find_live = client.prepare(FIND_LIVE).await?;
        Ok(Reader { client, find_live })
    }

    /// Asks the server to stop what it may still be doing there: behind PgBouncer it may be waiting
    /// for a lock without any time-out.
    fn cancel(&self, reader: &Reader, runtime: &Handle) {
        let (connector, token) = (self.connector.clone(), reader.client.cancel_token());
        runtime.spawn(async move { drop(timeout(CANCEL_WITHIN, connector.cancel(token)).await) });
    }
}

/// A slot that somebody connects for; free again whatever becomes of them.
struct Taken<'a>(&'a Slot);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.is_taken.store(false, Ordering::Release);
    }
}

/// Threads are numbered as they come.
fn thread_number() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static THREAD: Cell<Option<usize>> = const { Cell::new(None) };
    }
    let thread = THREAD.get().unwrap_or_else(|| THREADS.fetch_add(1, Ordering::Relaxed));
    THREAD.set(Some(thread));
    thread
}

/// Whether only the statement has ended, by a time-out or by an administrator, and the connection is
/// as good as before.
fn is_cancelled(error: &Error) -> bool {
    error.code() == Some(&SqlState::QUERY_CANCELED)
}

impl Slot {
    fn current(&self) -> Option<Arc<Reader>> {
        let reader = self.reader.read().unwrap_or_else(PoisonError::into_inner);
        reader.as_ref().filter(|reader| !reader.client.is_closed()).cloned()
    }

    fn set(&self, reader: Option<Arc<Reader>>) {
        *self.reader.write().unwrap_or_else(PoisonError::into_inner) = reader;
    }

    /// Uses this one no more. Whoever still waits for it holds on to it.
    fn forget(&self, failed: &Arc<Reader>) {
        let mut reader = self.reader.write().unwrap_or_else(PoisonError::into_inner);
        if reader.as_ref().is_some_and(|reader| Arc::ptr_eq(reader, failed)) {
            *reader = None;
        }
    }
}
