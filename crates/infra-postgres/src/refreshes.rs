//! Refreshes that come at one time, done together.
//!
//! Most of what one refresh costs is the statement around it: the round trip, setting up its plan and the
//! tables' rules, the commit and the wait for the disk. Several in one statement share all of that. Nobody
//! waits for company: the first goes at once, and those that come while it is on its way go together next.
//! A statement waits for no other transaction, so no refresh waits for another's session.

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

/// How many refreshes one statement does. With more, the first would wait for too many others.
const TOGETHER: usize = 64;
/// How long one may wait for those before it. The rest of its time is for doing it.
const WAIT: Duration = Duration::from_millis(1800);

/// Those that wait to be done.
pub(crate) struct Refreshes {
    line: Mutex<Line>,
    /// How many statements there may be at one time.
    statements: usize,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    /// How many tasks do what waits, each with a statement at a time.
    tasks: usize,
}

struct Waiting {
    rotation: Rotation,
    since: Instant,
    answer: oneshot::Sender<Answer>,
}

/// The session after it. `None`: none, or it is none of the common case, or has to be tried alone.
type Answer = Result<Option<LiveSession>, PortError>;

impl Refreshes {
    /// One statement a core at a time, on a part of so many connections: the more there are, the fewer
    /// refreshes go together.
    pub(crate) fn new(connections: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { line: Mutex::default(), statements: cores.min(connections / 4).max(1) }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn of another task, if there has to be one.
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

/// That of a task. Whatever becomes of it, nobody is left waiting for it: its runtime may have ended.
struct Turn {
    refreshes: Arc<Refreshes>,
    is_over: bool,
}

impl Turn {
    /// Those to be done next. `None`: none, and the turn is over.
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
                // They are told that nobody is left to answer.
                line.waiting.clear();
            }
        }
    }
}

impl Line {
    /// Forgets those for whose answer nobody waits any more, and those that have waited too long.
    fn dismiss(&mut self) {
        self.waiting.retain(|each| !each.answer.is_closed());
        let late = self.waiting.partition_point(|each| each.since.elapsed() > WAIT);
        for each in self.waiting.drain(..late) {
            let error = PortError::unavailable(COMPONENT, "those before it took too long");
            drop(each.answer.send(Err(error)));
        }
    }

    /// The first of each session. A second one has to see what became of the first.
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
    /// Refreshes if the current generation is presented, all is well and nobody else is at the session.
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
        // Of him who waits longest: all have their answer in time.
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
            // One of them may be the reason, and nothing was done: each is tried by itself.
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
