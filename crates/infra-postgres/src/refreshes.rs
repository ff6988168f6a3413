//! Refreshes that arrive at the same time share a statement.
//!
//! Most of the cost of a refresh is the statement around it: the round trip, the set-up of its plan
//! and of the tables' constraints, the commit, and the wait for the disk. The statement waits for no
//! other transaction, so no refresh waits for the session of another.

use std::collections::{HashMap, HashSet};

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::sessions::{LiveSession, Rotation};
use menjin_infra_sql::batches::{Batches, Turn, Waiting};
use menjin_infra_sql::prelude::*;

use crate::PostgresStore;
use crate::error::Abort;
use crate::executor::{DEADLINE, Scope};
use crate::statements::RotateCurrent;

/// The refreshes that wait. The answer is the session after the refresh. `None`: there is no live
/// session, or the refresh is not the common case, or it must be tried alone.
pub(crate) type Refreshes = Batches<Rotation, Option<LiveSession>>;

impl PostgresStore {
    /// Refreshes if the current generation is presented, everything is valid, and no other
    /// transaction has locked the session.
    pub(crate) async fn rotate_current(
        &self,
        rotation: Rotation,
    ) -> Result<Option<LiveSession>, PortError> {
        let start = |turn: Turn<_, _>| {
            let store = self.clone();
            self.runtime.spawn(async move {
                for waiting in turn {
                    store.rotate_together(waiting).await;
                }
            });
        };
        self.refreshes.ask(rotation, start).await
    }

    async fn rotate_together(&self, waiting: Vec<Waiting<Rotation, Option<LiveSession>>>) {
        // The deadline of the refresh that has waited longest, so that all are answered in time.
        let Some(since) = waiting.iter().map(|each| each.since).min() else { return };
        // A second refresh of a session has to see the result of the first: it is tried alone.
        let mut sessions = HashSet::new();
        let (together, alone): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|each| sessions.insert(each.call.session_id));
        let (rotations, answers): (Vec<_>, Vec<_>) =
            together.into_iter().map(Waiting::into_parts).unzip();
        let ids: Vec<_> = rotations.iter().map(|each| Id::from(each.session_id)).collect();
        let deadline = tokio::time::Instant::from_std(since) + DEADLINE;
        let mut rotated = self
            .run_until(deadline, Scope::Statement, rotations, |postgres, rotations| {
                rotate(postgres, rotations).boxed()
            })
            .await;
        let is_alone = answers.len() == 1;
        for (id, answer) in ids.iter().zip(answers) {
            answer.send(match &mut rotated {
                Ok(rows) => {
                    let live = rows.remove(id);
                    live.map(|(session, user)| live_session(session, user)).transpose()
                }
                // One of the refreshes may be the cause, and nothing was done: each is now tried
                // alone.
                Err(PortError::Internal { .. }) if !is_alone => Ok(None),
                Err(error) => Err(error.again()),
            });
        }
        for each in alone {
            each.into_parts().1.send(Ok(None));
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
