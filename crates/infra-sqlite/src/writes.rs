//! Writes that wait at the same time are committed together.
//!
//! A commit syncs the disk, which costs many times as much as what most writes do before it. So the
//! writes that come while a thread writes go into the next transaction together. Each has a savepoint:
//! one that fails is undone alone. All are answered after the commit.

use diesel::SqliteConnection;
use menjin_domain::common::PortError;
use menjin_infra_sql::batches::{self, Batches};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::SqliteStore;
use crate::error::COMPONENT;
use crate::pool::{DEADLINE, Write};

type Turn = batches::Turn<Write, ()>;

/// The writes that wait for the thread that writes.
pub(crate) type Writes = Batches<Write, ()>;

impl SqliteStore {
    /// Writes in an immediate transaction. On an error, all that the work did is undone.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<PortError> + Send + 'static,
    {
        let (done, mut outcome) = oneshot::channel();
        let write: Write = Box::new(move |sqlite| {
            let result = work(sqlite);
            let stays = result.is_ok();
            drop(done.send(result));
            stays
        });
        let start = |turn| {
            let store = self.clone();
            drop(tokio::spawn(async move { store.write_in_turn(turn).await }));
        };
        let committed = timeout(DEADLINE, self.writes.ask(write, start)).await;
        let committed =
            committed.unwrap_or_else(|elapsed| Err(PortError::unavailable(COMPONENT, elapsed)));
        match outcome.try_recv() {
            Ok(Ok(value)) => committed.map(|()| value).map_err(E::from),
            // Its own reason tells more than what became of the others.
            Ok(Err(reason)) => Err(reason),
            Err(not_done) => Err(committed
                .err()
                .unwrap_or_else(|| PortError::internal(COMPONENT, not_done))
                .into()),
        }
    }

    async fn write_in_turn(&self, turn: Turn) {
        for batch in turn {
            let since = batch.first().map_or_else(Instant::now, |oldest| oldest.since.into());
            let (writes, answers): (Vec<_>, Vec<_>) =
                batch.into_iter().map(batches::Waiting::into_parts).unzip();
            let written = self.commit(since, writes).await;
            for answer in answers {
                answer.send(written.as_ref().copied().map_err(PortError::again));
            }
        }
    }
}
