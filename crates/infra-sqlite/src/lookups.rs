//! The session lookup of every request: one thread does several lookups in turn.
//!
//! Handing a read and a connection to a thread that may block costs several times as much as the
//! read. So a thread that has been woken continues while lookups are waiting, and reads those that
//! came meanwhile in one transaction. Every lookup was asked for before its transaction began, so
//! it sees everything that had been committed when it was asked for.
//!
//! A lookup does not run on the worker that serves the request. That would be even faster, but a
//! disk that hangs would hang all requests of that worker.

use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deadpool::managed::Object;
use diesel::SqliteConnection;
use menjin_domain::common::{PortError, SessionId, Timestamp};
use menjin_domain::sessions::LiveSession;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::SqliteStore;
use crate::error::COMPONENT;
use crate::pool::DEADLINE;
use crate::pool::{Connection, Manager};
use crate::sessions::find_live;

/// How many reads share a transaction. A transaction delays the checkpoint of the write-ahead log.
const TOGETHER: usize = 64;

/// The lookups that wait for a thread.
pub(crate) struct Lookups {
    line: Mutex<Line>,
    /// How many threads there may be at a time.
    threads: usize,
}

#[derive(Default)]
struct Line {
    waiting: Vec<Waiting>,
    threads: usize,
}

struct Waiting {
    id: SessionId,
    at: Timestamp,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Option<LiveSession>, PortError>;

impl Lookups {
    /// At most one thread per core, with half of this many connections: the others are for longer
    /// reads.
    pub(crate) fn new(readers: usize) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Arc::new(Self { line: Mutex::default(), threads: cores.min(readers / 2).max(1) })
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn of a thread that must be started, if another one is needed.
    fn enter(self: &Arc<Self>, waiting: Waiting) -> Option<Turn> {
        let mut line = self.line();
        line.waiting.push(waiting);
        if line.threads == self.threads {
            return None;
        }
        line.threads += 1;
        Some(Turn { lookups: Arc::clone(self), is_over: false })
    }
}

/// The turn of a thread. However the turn ends, no lookup is left waiting for it.
struct Turn {
    lookups: Arc<Lookups>,
    is_over: bool,
}

impl Turn {
    /// The lookups to do next. `None`: there are none, and the turn is over.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut line = self.lookups.line();
        // The callers of these lookups have gone.
        line.waiting.retain(|each| !each.answer.is_closed());
        if line.waiting.is_empty() {
            line.threads -= 1;
            self.is_over = true;
            return None;
        }
        let together = line.waiting.len().min(TOGETHER);
        Some(line.waiting.drain(..together).collect())
    }

    fn read(mut self, mut connection: Object<Manager>) {
        while let Some(waiting) = self.next() {
            read(&mut connection, waiting);
            if !connection.is_sound() {
                // The next thread takes another connection.
                return;
            }
        }
    }

    /// Answers all waiting lookups with an error, because nothing can be read.
    fn fail(self, error: &PortError) {
        for each in self.lookups.line().waiting.drain(..) {
            drop(each.answer.send(Err(error.again())));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            let mut line = self.lookups.line();
            line.threads -= 1;
            if line.threads == 0 {
                // Dropping them tells their callers that no thread will answer.
                line.waiting.clear();
            }
        }
    }
}

fn read(connection: &mut Connection, waiting: Vec<Waiting>) {
    let answer = |sqlite: &mut SqliteConnection, each: Waiting| {
        let found = find_live(sqlite, each.id, each.at);
        drop(each.answer.send(found.map(|found| found.map(|(live, _predecessor)| live))));
    };
    if waiting.len() == 1 {
        connection.read(|sqlite| waiting.into_iter().for_each(|each| answer(sqlite, each)));
        return;
    }
    let mut waiting = waiting.into_iter();
    let read = connection.read_together(|sqlite| {
        waiting.by_ref().for_each(|each| answer(sqlite, each));
        Ok::<_, PortError>(())
    });
    if let Err(error) = read {
        // The transaction has not begun.
        waiting.for_each(|each| drop(each.answer.send(Err(error.again()))));
    }
}

impl SqliteStore {
    /// See `SessionRepository::find_live`.
    pub(crate) async fn lookup(&self, id: SessionId, at: Timestamp) -> Answer {
        let deadline = Instant::now() + DEADLINE;
        let (answer, answered) = oneshot::channel();
        if let Some(turn) = self.lookups.enter(Waiting { id, at, answer }) {
            let store = self.clone();
            drop(tokio::spawn(async move { store.take_turn(turn).await }));
        }
        match timeout_at(deadline, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(gone)) => Err(PortError::unavailable(COMPONENT, gone)),
            Err(elapsed) => Err(PortError::unavailable(COMPONENT, elapsed)),
        }
    }

    async fn take_turn(&self, turn: Turn) {
        match self.reader(Instant::now()).await {
            Ok(connection) => drop(tokio::task::spawn_blocking(move || turn.read(connection))),
            Err(error) => turn.fail(&error),
        }
    }
}
