//! The session lookup of every request, on its own connections, without waiting for a free one.
//!
//! A connection of the pool is lent to one call at a time, and handing it over costs more than the
//! read itself. Here all calls of a thread share one connection: PostgreSQL takes the next
//! statement while the answer to the statement before is on its way (pipelining). That is enough
//! for single reads that take microseconds. Nothing but this lookup uses these connections: a
//! transaction needs its own connection, and one slow statement would delay all statements behind
//! it. Both belong to the pool.
//!
//! A connection is driven by the runtime of the thread that made it, a worker of the web server,
//! and ends with it. When something goes wrong here, the pool is asked instead: these connections
//! only make lookups fast, and nothing depends on them.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use menjin_domain::common::{BoxError, PortError, SessionId, Timestamp};
use menjin_domain::sessions::LiveSession;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

use crate::connect::Connector;
use crate::error::COMPONENT;
use crate::live::{FIND_LIVE, Moment, live_session};

/// How long connecting may take. No caller waits for it.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long no connection is made after a failure.
const REST: Duration = Duration::from_secs(1);
/// The pool is asked after a failed read only if the read took less than this: the two together
/// must end within three seconds.
const EARLY: Duration = Duration::from_millis(100);
/// How much longer than the server's own timeout a statement may take.
const ON_TOP: Duration = Duration::from_millis(200);
/// How long the request to cancel a statement may take.
const CANCEL_WITHIN: Duration = Duration::from_secs(1);

/// The connections, each shared by one or a few threads.
pub(crate) struct Readers {
    connector: Connector,
    slots: Box<[Slot]>,
    /// How long a caller waits for a read.
    patience: Duration,
    /// How old a connection may become.
    max_age: Duration,
    is_closed: AtomicBool,
}

#[derive(Default)]
struct Slot {
    reader: RwLock<Option<Arc<Reader>>>,
    /// Some task is connecting, or pauses after a failure.
    is_taken: AtomicBool,
}

struct Reader {
    made: Instant,
    client: Client,
    find_live: Statement,
}

/// The result of a read.
pub(crate) enum Read {
    /// An answer.
    Done(Result<Option<LiveSession>, PortError>),
    /// No answer: ask the pool.
    NotHere,
}

impl Readers {
    /// This many connections, none of them made yet.
    pub(crate) fn new(
        connector: Connector,
        number: usize,
        statement_timeout: Duration,
        max_age: Duration,
    ) -> Self {
        let slots = std::iter::repeat_with(Slot::default).take(number).collect();
        let patience = statement_timeout + ON_TOP;
        Self { connector, slots, patience, max_age, is_closed: AtomicBool::new(false) }
    }

    /// See `SessionRepository::find_live`.
    pub(crate) async fn find_live(self: &Arc<Self>, id: SessionId, at: Timestamp) -> Read {
        // Without a runtime there is no timer. The pool has its own runtime.
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
                if self.connector.has_several_hosts() {
                    self.forget_all();
                } else {
                    slot.forget(&reader);
                }
                self.cancel(&reader, &runtime);
                Read::Done(Err(PortError::unavailable(COMPONENT, elapsed)))
            }
        }
    }

    /// Closes the connections, for good.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.forget_all();
    }

    /// Stops using the connections that there are. New ones are made when they are needed.
    pub(crate) fn forget_all(&self) {
        for slot in &self.slots {
            slot.set(None);
        }
    }

    /// The connection of this thread. If there is none, one is made for a later call.
    fn reader(self: &Arc<Self>, runtime: &Handle) -> Option<(&Slot, Arc<Reader>)> {
        let number = thread_number().checked_rem(self.slots.len())?;
        let slot = self.slots.get(number)?;
        if let Some(reader) = slot.current(self.max_age) {
            return Some((slot, reader));
        }
        if !self.is_closed.load(Ordering::SeqCst) && !slot.is_taken.swap(true, Ordering::AcqRel) {
            drop(runtime.spawn(Arc::clone(self).connect(number)));
        }
        None
    }

    /// Connects, or pauses after a failure.
    async fn connect(self: Arc<Self>, number: usize) {
        let Some(slot) = self.slots.get(number) else { return };
        let taken = Taken(slot);
        match timeout(CONNECT_WITHIN, self.make()).await {
            Ok(Ok(reader)) => {
                slot.set(Some(Arc::new(reader)));
                // `close` was called meanwhile: whichever of this and `close` comes last empties
                // the slot.
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

    async fn make(&self) -> Result<Reader, BoxError> {
        let client = self.connector.client().await?;
        let find_live = client.prepare(FIND_LIVE).await?;
        Ok(Reader { made: Instant::now(), client, find_live })
    }

    /// Asks the server to cancel what it may still be doing: behind PgBouncer the statement may be
    /// waiting for a lock without any timeout.
    fn cancel(&self, reader: &Reader, runtime: &Handle) {
        let (connector, token) = (self.connector.clone(), reader.client.cancel_token());
        runtime.spawn(async move { drop(timeout(CANCEL_WITHIN, connector.cancel(token)).await) });
    }
}

/// A slot for which a task is connecting. The slot becomes free again however the task ends.
struct Taken<'a>(&'a Slot);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.is_taken.store(false, Ordering::Release);
    }
}

/// Threads are numbered in the order of their first call.
fn thread_number() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static THREAD: Cell<Option<usize>> = const { Cell::new(None) };
    }
    let thread = THREAD.get().unwrap_or_else(|| THREADS.fetch_add(1, Ordering::Relaxed));
    THREAD.set(Some(thread));
    thread
}

/// Whether only the statement has ended, by a timeout or by an administrator, so that the
/// connection can still be used.
fn is_cancelled(error: &Error) -> bool {
    error.code() == Some(&SqlState::QUERY_CANCELED)
}

impl Slot {
    fn current(&self, max_age: Duration) -> Option<Arc<Reader>> {
        let reader = self.reader.read().unwrap_or_else(PoisonError::into_inner);
        let is_good =
            |reader: &&Arc<Reader>| !reader.client.is_closed() && reader.made.elapsed() < max_age;
        reader.as_ref().filter(is_good).cloned()
    }

    fn set(&self, reader: Option<Arc<Reader>>) {
        *self.reader.write().unwrap_or_else(PoisonError::into_inner) = reader;
    }

    /// Stops using this connection. A caller that still waits for it keeps it alive.
    fn forget(&self, failed: &Arc<Reader>) {
        let mut reader = self.reader.write().unwrap_or_else(PoisonError::into_inner);
        if reader.as_ref().is_some_and(|reader| Arc::ptr_eq(reader, failed)) {
            *reader = None;
        }
    }
}
