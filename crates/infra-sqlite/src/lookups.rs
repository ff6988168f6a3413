//! The session lookup of every request: one thread does several lookups in turn.
//!
//! Handing a read and a connection to a thread that may block costs several times as much as the
//! read. So the lookups that come while a thread reads are read by the same thread, in one
//! transaction. Every lookup was asked for before its transaction began, so it sees everything that
//! had been committed when it was asked for.
//!
//! A lookup does not run on the worker that serves the request. That would be even faster, but a
//! disk that hangs would hang all requests of that worker.

use deadpool::managed::Object;
use diesel::SqliteConnection;
use menjin_domain::common::{PortError, SessionId, Timestamp};
use menjin_domain::sessions::LiveSession;
use menjin_infra_sql::batches::{self, Batches};
use tokio::time::{Instant, timeout};

use crate::SqliteStore;
use crate::error::COMPONENT;
use crate::pool::DEADLINE;
use crate::pool::{Connection, Manager};
use crate::sessions::find_live;

type Call = (SessionId, Timestamp);
type Waiting = batches::Waiting<Call, Option<LiveSession>>;
type Turn = batches::Turn<Call, Option<LiveSession>>;

/// The lookups that wait for a thread.
pub(crate) type Lookups = Batches<Call, Option<LiveSession>>;

impl SqliteStore {
    /// See `SessionRepository::find_live`.
    pub(crate) async fn lookup(
        &self,
        id: SessionId,
        at: Timestamp,
    ) -> Result<Option<LiveSession>, PortError> {
        let start = |turn| {
            let store = self.clone();
            drop(tokio::spawn(async move { store.take_turn(turn).await }));
        };
        let found = timeout(DEADLINE, self.lookups.ask((id, at), start)).await;
        found.unwrap_or_else(|elapsed| Err(PortError::unavailable(COMPONENT, elapsed)))
    }

    async fn take_turn(&self, turn: Turn) {
        match self.reader(Instant::now()).await {
            Ok(connection) => drop(tokio::task::spawn_blocking(move || work(turn, connection))),
            Err(error) => turn.fail(&error),
        }
    }
}

fn work(turn: Turn, mut connection: Object<Manager>) {
    for waiting in turn {
        read(&mut connection, waiting);
        if !connection.is_sound() {
            // The next thread takes another connection.
            return;
        }
    }
}

fn read(connection: &mut Connection, waiting: Vec<Waiting>) {
    let answer = |sqlite: &mut SqliteConnection, each: Waiting| {
        let ((id, at), answer) = each.into_parts();
        let found = find_live(sqlite, id, at);
        answer.send(found.map(|found| found.map(|(live, _predecessor)| live)));
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
        waiting.for_each(|each| each.into_parts().1.send(Err(error.again())));
    }
}
