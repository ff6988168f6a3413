//! Batches of refreshes that arrive at the same time.
//!
//! Most of the cost of a refresh is the statement around it: the round trip, the set-up of its plan
//! and of the tables' constraints, the commit, and the wait for the disk. Several refreshes in one
//! statement share all of that. No refresh waits for a batch to fill: the first one goes at once,
//! and those that arrive meanwhile go together in the next statement. The statement waits for no
//! other transaction, so no refresh waits for the session of another.
//!
//! At most one such statement per core runs at a time, with up to 64 refreshes each. A refresh that
//! has waited for 1.8 s is not begun.

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::common::SessionId;
use menjin_domain::sessions::{LiveSession, Rotation};
use menjin_infra_sql::prelude::*;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::PostgresStore;
use crate::error::{Abort, COMPONENT};
use crate::executor::{DEADLINE, Scope};
use crate::statements::RotateCurrent;

/// How many refreshes one statement does. With more, the first one would wait for too many others.
const TOGETHER: usize = 64;
/// How long a refresh may wait for those before it. It needs the rest of its time for itself.
const WAIT: Duration = Duration::from_millis(1800);

/// The refreshes that wait.
pub(crate) struct Refreshes {
    line: Mutex<Line>,
    /// How many statements there may be at a time.
    statements: usize,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    /// How many tasks work on the waiting refreshes, each with one statement at a time.
    tasks: usize,
}

struct Waiting {
    rotation: Rotation,
    since: Instant,
    answer: oneshot::Sender<Answer>,
}

/// The session after the refresh. `None`: there is no live session, or the refresh is not the
/// common case, or it must be tried alone.
type Answer = Result<Option<LiveSession>, PortError>;

impl Refreshes {
    /// At most one statement per core, and one per four of this many connections: the more
    /// statements, the fewer refreshes share one.
    pub(crate) fn new(connections: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { line: Mutex::default(), statements: cores.min(connections / 4).max(1) }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn of another task, if another one is needed.
    fn enter(self: &Arc<Self>, waiting: Waiting) -> Option<Turn> {
        let mut line = self.line();
        line.waiting.push_back(waiting);
        if line.tasks == self.statements {
            return None;
        }
        line.tasks += 1;
        Some(Turn { refreshes: Arc::clone(self), is_over: false })
    }
}

/// The turn of a task. However the turn ends (its runtime may end), no refresh is left waiting for
/// it.
struct Turn {
    refreshes: Arc<Refreshes>,
    is_over: bool,
}

impl Turn {
    /// The refreshes to do next. `None`: there are none, and the turn is over.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut line = self.refreshes.line();
        line.dismiss();
        if line.waiting.is_empty() {
            line.tasks -= 1;
            self.is_over = true;
            return None;
        }
        Some(line.take())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            let mut line = self.refreshes.line();
            line.tasks -= 1;
            if line.tasks == 0 {
                // Dropping them tells their callers that no task will answer.
                line.waiting.clear();
            }
        }
    }
}

impl Line {
    /// Removes the refreshes whose callers have gone, and those that have waited too long.
    fn dismiss(&mut self) {
        self.waiting.retain(|each| !each.answer.is_closed());
        let late = self.waiting.partition_point(|each| each.since.elapsed() > WAIT);
        for each in self.waiting.drain(..late) {
            let error = PortError::unavailable(COMPONENT, "those before it took too long");
            drop(each.answer.send(Err(error)));
        }
    }

    /// Takes the first refresh of each session. A second one has to see the result of the first.
    fn take(&mut self) -> Vec<Waiting> {
        let mut sessions = HashSet::new();
        let (mut taken, mut later) = (Vec::new(), VecDeque::new());
        while let Some(next) = self.waiting.pop_front() {
            if taken.len() == TOGETHER {
                self.waiting.push_front(next);
                break;
            }
            if sessions.insert(next.rotation.session_id) {
                taken.push(next);
            } else {
                later.push_back(next);
            }
        }
        later.append(&mut self.waiting);
        self.waiting = later;
        taken
    }
}

impl PostgresStore {
    /// Refreshes if the current generation is presented, everything is valid, and no other
    /// transaction has locked the session.
    pub(crate) async fn rotate_current(&self, rotation: Rotation) -> Answer {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { rotation, since: Instant::now(), answer };
        if let Some(mut turn) = self.refreshes.enter(waiting) {
            let store = self.clone();
            self.runtime.spawn(async move {
                while let Some(waiting) = turn.next() {
                    store.rotate_together(waiting).await;
                }
            });
        }
        answered.await.unwrap_or_else(|gone| Err(PortError::unavailable(COMPONENT, gone)))
    }

    async fn rotate_together(&self, waiting: Vec<Waiting>) {
        // The deadline of the refresh that has waited longest, so that all are answered in time.
        let Some(since) = waiting.iter().map(|each| each.since).min() else { return };
        let (rotations, answers): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|each| (each.rotation, each.answer)).unzip();
        let ids: Vec<SessionId> = rotations.iter().map(|each| each.session_id).collect();
        let rotated = self
            .run_until(since + DEADLINE, Scope::Statement, rotations, |postgres, rotations| {
                rotate(postgres, rotations).boxed()
            })
            .await;
        match rotated {
            Ok(mut rows) => {
                for (id, answer) in ids.iter().zip(answers) {
                    let live = rows.remove(&Id::from(*id));
                    let live = live.map(|(session, user)| live_session(session, user)).transpose();
                    drop(answer.send(live));
                }
            }
            // One of the refreshes may be the cause, and nothing was done: each is now tried alone.
            Err(PortError::Internal { .. }) if answers.len() > 1 => {
                for answer in answers {
                    drop(answer.send(Ok(None)));
                }
            }
            Err(error) => {
                for answer in answers {
                    drop(answer.send(Err(error.again())));
                }
            }
        }
    }
}

async fn rotate(
    postgres: &mut AsyncPgConnection,
    rotations: &[Rotation],
) -> Result<HashMap<Id, (SessionRow, UserRow)>, Abort<PortError>> {
    let rows: Vec<(Id, SessionRow, UserRow)> =
        RotateCurrent::new(rotations).get_results(postgres).await?;
    Ok(rows.into_iter().map(|(id, session, user)| (id, (session, user))).collect())
}
