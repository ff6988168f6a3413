use std::sync::Arc;
use std::time::Duration;

use crate::ports::{Clock, LoginThrottle, PortError, SessionRepository};

/// What was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tidied {
    /// Sessions that were over.
    pub sessions: u64,
    /// Counts of failed log-ins that no longer matter.
    pub throttles: u64,
}

/// Deletes what is over, so that tables do not grow for ever. Meant to run every now and then.
pub struct Tidy {
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// The counts.
    pub throttle: Arc<dyn LoginThrottle>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For how long finished sessions are kept, to look into what happened.
    pub keep_sessions: Duration,
    /// The longest window of any limit: older counts are void.
    pub keep_throttles: Duration,
}

impl Tidy {
    /// Runs the use-case.
    ///
    /// # Errors
    /// A store failed.
    pub async fn execute(&self) -> Result<Tidied, PortError> {
        let now = self.clock.now();
        Ok(Tidied {
            sessions: self.sessions.delete_finished(now - self.keep_sessions).await?,
            throttles: self.throttle.delete_stale(now - self.keep_throttles).await?,
        })
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::ports::{MockLoginThrottle, MockSessionRepository};
    use crate::testing::{self, at};

    #[tokio::test]
    async fn only_what_is_old_enough_goes() {
        let (mut sessions, mut throttle) = (MockSessionRepository::new(), MockLoginThrottle::new());
        sessions.expect_delete_finished().with(eq(at(990))).return_once(|_| Ok(2));
        throttle.expect_delete_stale().with(eq(at(980))).return_once(|_| Ok(3));
        let tidy = Tidy {
            sessions: Arc::new(sessions),
            throttle: Arc::new(throttle),
            clock: testing::clock(1000),
            keep_sessions: Duration::from_secs(10),
            keep_throttles: Duration::from_secs(20),
        };
        assert_eq!(tidy.execute().await.unwrap(), Tidied { sessions: 2, throttles: 3 });
    }
}
