//! Use-cases: listing one's own sessions, or somebody else's.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::SessionsRead;
use crate::accounts::{AccountRepository, UserNotFound};
use crate::common::{Clock, Error, PortError, UserId};
use crate::ports::{Ports, RequiredPorts};
use crate::sessions::{Session, SessionOwner, SessionPosition, SessionQuery, SessionRepository};

/// A part of a user's live sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions, newest first.
    pub sessions: Vec<Session>,
    /// How many there are, on all pages.
    pub total: u64,
    /// Where the next page begins; `None` if this is the last.
    pub next: Option<SessionPosition>,
}

/// Lists the caller's live sessions, at most [`ListSessions::MAX_LIMIT`] at a time.
#[non_exhaustive]
pub struct ListSessions {
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl ListSessions {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { sessions, clock, .. } = &ports.required;
        Self { sessions: sessions.clone(), clock: clock.clone() }
    }

    /// The most that one page holds.
    pub const MAX_LIMIT: u64 = 100;

    /// Runs the use-case. A larger limit is cut to [`ListSessions::MAX_LIMIT`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn execute(
        &self,
        owner: SessionOwner,
        after: Option<SessionPosition>,
        limit: u64,
    ) -> Result<SessionPage, PortError> {
        page(&*self.sessions, &*self.clock, owner.user_id, after, limit).await
    }
}

/// Lists the live sessions of any account, at most [`ListSessions::MAX_LIMIT`] at a time.
#[non_exhaustive]
pub struct ListUserSessions {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl ListUserSessions {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { accounts, sessions, clock, .. } = &ports.required;
        Self { accounts: accounts.clone(), sessions: sessions.clone(), clock: clock.clone() }
    }

    /// Runs the use-case. A larger limit is cut to [`ListSessions::MAX_LIMIT`].
    ///
    /// # Errors
    /// [`UserNotFound`]: nobody has the id.
    pub async fn execute(
        &self,
        _allowed: &Allowed<SessionsRead>,
        user: UserId,
        after: Option<SessionPosition>,
        limit: u64,
    ) -> Result<SessionPage, Error<UserNotFound>> {
        self.accounts.find(user).await?.ok_or(Error::Refused(UserNotFound))?;
        Ok(page(&*self.sessions, &*self.clock, user, after, limit).await?)
    }
}

async fn page(
    sessions: &dyn SessionRepository,
    clock: &dyn Clock,
    user_id: UserId,
    after: Option<SessionPosition>,
    limit: u64,
) -> Result<SessionPage, PortError> {
    let limit = limit.min(ListSessions::MAX_LIMIT);
    // Ask for one more, to see whether there is another page.
    let query = SessionQuery { user_id, at: clock.now(), after, limit: limit + 1 };
    let (mut sessions, total) = sessions.list_live(query).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = sessions.len() > wanted;
    sessions.truncate(wanted);
    let next = sessions.last().filter(|_| more).map(Session::position);
    Ok(SessionPage { sessions, total, next })
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;
    use uuid::Uuid;

    use super::*;
    use crate::common::SessionId;
    use crate::sessions::MockSessionRepository;
    use crate::testing::{self, USER, at};

    fn session(n: u128) -> Session {
        Session { id: SessionId(Uuid::from_u128(n)), ..testing::live().session }
    }

    async fn list(limit: u64, found: Vec<Session>) -> SessionPage {
        let (mut sessions, after) = (MockSessionRepository::new(), Some(session(9).position()));
        let query = SessionQuery { user_id: USER, at: at(60), after, limit: limit.min(100) + 1 };
        sessions.expect_list_live().with(eq(query)).times(1).return_once(|_| Ok((found, 7)));
        let use_case = ListSessions { sessions: Arc::new(sessions), clock: testing::clock(60) };
        use_case.execute((&testing::principal()).into(), after, limit).await.unwrap()
    }

    #[tokio::test]
    async fn d1_a_page_says_where_the_next_begins() {
        let page = list(1, vec![session(2), session(1)]).await;
        let next = Some(session(2).position());
        assert_eq!(page, SessionPage { sessions: vec![session(2)], total: 7, next });
    }

    #[tokio::test]
    async fn d1_the_last_page_says_so_and_limits_are_bounded() {
        for found in [vec![session(1)], Vec::new()] {
            let page = list(u64::MAX, found.clone()).await;
            assert_eq!(page, SessionPage { sessions: found, total: 7, next: None });
        }
    }
}
