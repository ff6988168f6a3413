//! How long a request may wait for back ends.
//!
//! Each call of a port is bounded by its adapter, but a request makes several: where a database
//! answers late, without being down, they add up. So a request has a bound of its own. Its clock
//! stands while it waits for something else that has a bound: the rest of its body, a hash.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use menjin_domain::common::Error;
use menjin_domain::credentials::{
    CandidatePassword, NewPassword, Overloaded, PasswordHash, PasswordHasher, Permit, Verification,
};
use tokio::time::{Instant, sleep};

/// How long a request waits for back ends in all: less than the three seconds in which it is
/// answered, more than any of them may take alone.
const PATIENCE: Duration = Duration::from_millis(2900);

tokio::task_local! {
    static CLOCK: Rc<Clock>;
}

/// How long a request has waited.
struct Clock {
    /// Until it last began to run.
    before: Cell<Duration>,
    /// When that was.
    running_since: Cell<Instant>,
    /// For how many things it stands.
    standing: Cell<u32>,
}

impl Clock {
    fn new() -> Self {
        let (before, running_since) = (Cell::default(), Cell::new(Instant::now()));
        Self { before, running_since, standing: Cell::default() }
    }

    fn stand(&self) {
        if self.standing.get() == 0 {
            self.before.set(self.before.get() + self.running_since.get().elapsed());
        }
        self.standing.set(self.standing.get() + 1);
    }

    fn go_on(&self) {
        self.standing.set(self.standing.get().saturating_sub(1));
        if self.standing.get() == 0 {
            self.running_since.set(Instant::now());
        }
    }

    /// When patience ends, if the clock runs.
    fn end(&self) -> Option<Instant> {
        let left = PATIENCE.saturating_sub(self.before.get());
        (self.standing.get() == 0).then(|| self.running_since.get() + left)
    }
}

/// Waits for the work of a request, or returns `None` when its patience has ended.
///
/// The work goes on all the same, to its own end: a log-in that was counted as a failure beforehand
/// takes that back if it was none.
pub(crate) async fn within<T: 'static>(work: impl Future<Output = T> + 'static) -> Option<T> {
    let clock = Rc::new(Clock::new());
    let mut work = Box::pin(CLOCK.scope(Rc::clone(&clock), work));
    let mut alarm = Box::pin(sleep(PATIENCE));
    let done = poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        // It stands and goes on only while the work is polled, just now.
        let Some(end) = clock.end() else { return Poll::Pending };
        if alarm.deadline() != end {
            alarm.as_mut().reset(end);
        }
        alarm.as_mut().poll(context).map(|()| None)
    });
    let done = done.await;
    if done.is_none() {
        actix_web::rt::spawn(work);
    }
    done
}

/// Does something for which the clock of the request stands, if this is part of one.
pub(crate) async fn unhurried<T>(work: impl Future<Output = T>) -> T {
    let _standing = Standing::begin();
    work.await
}

/// Ends when dropped, also half-way.
struct Standing;

impl Standing {
    fn begin() -> Self {
        // None runs outside of requests, or once one was given up.
        let _ = CLOCK.try_with(|clock| clock.stand());
        Self
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        let _ = CLOCK.try_with(|clock| clock.go_on());
    }
}

/// A hasher for whose work requests wait without losing patience. It has a bound of its own, the
/// length of its queue.
pub struct UnhurriedHasher(pub Arc<dyn PasswordHasher>);

#[async_trait]
impl PasswordHasher for UnhurriedHasher {
    fn try_reserve(&self) -> Option<Permit> {
        self.0.try_reserve()
    }

    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, Error<Overloaded>> {
        unhurried(self.0.hash(password)).await
    }

    async fn rehash(
        &self,
        password: &CandidatePassword,
    ) -> Result<PasswordHash, Error<Overloaded>> {
        unhurried(self.0.rehash(password)).await
    }

    async fn verify(
        &self,
        password: &CandidatePassword,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, Error<Overloaded>> {
        unhurried(self.0.verify(password, hash)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn waiting(seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
    }

    #[actix_web::test]
    async fn waits_add_up_and_those_that_are_bounded_do_not_count() {
        tokio::time::pause();
        let started = Instant::now();
        let in_time = async {
            waiting(1).await;
            unhurried(async { tokio::join!(unhurried(waiting(60)), waiting(30)) }).await;
            waiting(1).await;
        };
        assert!(within(in_time).await.is_some());
        // Timers are a little late.
        assert_eq!(started.elapsed().as_millis() / 100, 620);

        let started = Instant::now();
        let late = async {
            waiting(2).await;
            unhurried(waiting(60)).await;
            waiting(2).await;
        };
        assert!(within(late).await.is_none());
        assert_eq!(started.elapsed().as_millis() / 100, 629);
    }

    #[actix_web::test]
    async fn what_is_given_up_is_done_all_the_same() {
        tokio::time::pause();
        let (done, told) = tokio::sync::oneshot::channel();
        let late = async {
            waiting(10).await;
            unhurried(waiting(1)).await;
            done.send(()).unwrap();
        };
        assert!(within(late).await.is_none());
        told.await.unwrap();
    }
}
