use std::sync::Arc;

use crate::entities::{Act, Principal};
use crate::ports::{Clock, PortError, SessionRepository};
use crate::values::Origin;

/// Ends the caller's session: its access token and its refresh token are dead.
///
/// Idempotent: a session that somebody else has ended in the meantime is ended.
pub struct Logout {
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Logout {
    /// Runs the use-case.
    ///
    /// # Errors
    /// The store failed; the session goes on.
    pub async fn execute(&self, caller: &Principal, origin: Origin) -> Result<(), PortError> {
        let act = Act::by(caller, self.clock.now(), origin);
        if self.sessions.end(caller.session_id, act).await? {
            tracing::info!(event = "logout", user_id = %caller.user.id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::ports::MockSessionRepository;
    use crate::testing::{self, SESSION, at};

    #[tokio::test]
    async fn the_callers_session_ends_and_ending_it_twice_is_fine() {
        for ended_now in [true, false] {
            let mut sessions = MockSessionRepository::new();
            sessions
                .expect_end()
                .with(eq(SESSION), eq(Act::by(&testing::principal(), at(5), testing::origin())))
                .times(1)
                .return_once(move |_, _| Ok(ended_now));
            let logout = Logout { sessions: Arc::new(sessions), clock: testing::clock(5) };
            logout.execute(&testing::principal(), testing::origin()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_failure_is_not_swallowed() {
        let mut sessions = MockSessionRepository::new();
        sessions.expect_end().return_once(|_, _| Err(testing::broken()));
        let logout = Logout { sessions: Arc::new(sessions), clock: testing::clock(5) };
        assert!(logout.execute(&testing::principal(), testing::origin()).await.is_err());
    }
}
