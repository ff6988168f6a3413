//! The deadline of a request: how long it may wait for back ends in all.
//!
//! Each call of a back end has its own bound, but a request makes several calls. If a database is
//! slow but not down, their times add up. So the request has a bound too ([`REQUEST_DEADLINE`]).
//! Its clock is paused while the request waits for something else that has a bound, such as the
//! rest of its body.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::limits::REQUEST_DEADLINE;

tokio::task_local! {
    static CLOCK: Rc<Clock>;
}

/// How long a request has waited.
struct Clock {
    /// The time waited until the clock last started.
    before: Cell<Duration>,
    /// When the clock last started.
    running_since: Cell<Instant>,
    /// How many waits pause the clock.
    pauses: Cell<u32>,
}

impl Clock {
    fn new() -> Self {
        let (before, running_since) = (Cell::default(), Cell::new(Instant::now()));
        Self { before, running_since, pauses: Cell::default() }
    }

    fn pause(&self) {
        if self.pauses.get() == 0 {
            self.before.set(self.before.get() + self.running_since.get().elapsed());
        }
        self.pauses.set(self.pauses.get() + 1);
    }

    fn resume(&self) {
        self.pauses.set(self.pauses.get().saturating_sub(1));
        if self.pauses.get() == 0 {
            self.running_since.set(Instant::now());
        }
    }

    /// When the deadline passes, if the clock runs.
    fn deadline(&self) -> Option<Instant> {
        let left = REQUEST_DEADLINE.saturating_sub(self.before.get());
        (self.pauses.get() == 0).then(|| self.running_since.get() + left)
    }
}

/// Does the work of a request, or returns `None` when its deadline has passed.
///
/// The work then continues to its end, since it may have to undo its first steps.
pub async fn within<T: 'static>(work: impl Future<Output = T> + 'static) -> Option<T> {
    let clock = Rc::new(Clock::new());
    let mut work = Box::pin(CLOCK.scope(Rc::clone(&clock), work));
    let mut timer = Box::pin(sleep(REQUEST_DEADLINE));
    let done = poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        // The clock is paused and resumed only while the work is polled, and that is over here.
        let Some(deadline) = clock.deadline() else { return Poll::Pending };
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context).map(|()| None)
    });
    let done = done.await;
    if done.is_none() {
        actix_web::rt::spawn(work);
    }
    done
}

/// Does something that has its own bound. The clock of the request, if any, is paused meanwhile.
pub async fn pause_during<T>(work: impl Future<Output = T>) -> T {
    let _pause = Pause::begin();
    work.await
}

/// A pause. It ends when dropped, also if its work is dropped before the end.
struct Pause;

impl Pause {
    fn begin() -> Self {
        // There is no clock outside of requests, and none after the deadline has passed.
        let _ = CLOCK.try_with(|clock| clock.pause());
        Self
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        let _ = CLOCK.try_with(|clock| clock.resume());
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
            pause_during(async { tokio::join!(pause_during(waiting(60)), waiting(30)) }).await;
            waiting(1).await;
        };
        assert!(within(in_time).await.is_some());
        // Timers are a little late.
        assert_eq!(started.elapsed().as_millis() / 100, 620);

        let started = Instant::now();
        let late = async {
            waiting(2).await;
            pause_during(waiting(60)).await;
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
            pause_during(waiting(1)).await;
            done.send(()).unwrap();
        };
        assert!(within(late).await.is_none());
        told.await.unwrap();
    }
}
