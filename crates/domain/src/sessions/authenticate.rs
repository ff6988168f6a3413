//! Use-case: finding out who calls, from an access token.

use std::sync::Arc;

use crate::access::Principal;
use crate::common::{Clock, Error};
use crate::ports::{Ports, RequiredPorts};
use crate::sessions::{InvalidToken, SessionRepository, TokenCodec};

/// Finds out who calls, from an access token: signature and claims first, then whether the session
/// and its user are alive. Rights come from the stored user and never from the token, so that a
/// change of role works at the next request.
#[non_exhaustive]
pub struct Authenticate {
    /// Reads the token.
    pub codec: Arc<dyn TokenCodec>,
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Authenticate {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { codec, sessions, clock, .. } = &ports.required;
        Self { codec: codec.clone(), sessions: sessions.clone(), clock: clock.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`InvalidToken`]: the token is not valid, or its session or user is not live.
    pub async fn execute(&self, token: &str) -> Result<Principal, Error<InvalidToken>> {
        let now = self.clock.now();
        let claims = self.codec.verify_access(token, now).map_err(Error::Refused)?;
        let live = self.sessions.find_live(claims.session_id, now).await?;
        let live = live.ok_or(Error::Refused(InvalidToken { reason: "session is not live" }))?;
        if live.user.id != claims.user_id {
            return Err(Error::Refused(InvalidToken { reason: "session is another user's" }));
        }
        let session = live.session;
        let authenticated_at = session.authenticated_at;
        Ok(Principal { user: live.user, session_id: session.id, authenticated_at })
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::accounts::Role;
    use crate::common::{PortError, UserId};
    use crate::sessions::{AccessClaims, LiveSession, MockSessionRepository, MockTokenCodec};
    use crate::testing::{self, SESSION, at};

    async fn authenticate(
        claims: Result<AccessClaims, InvalidToken>,
        live: Option<Result<Option<LiveSession>, PortError>>,
    ) -> Result<Principal, Error<InvalidToken>> {
        let (mut codec, mut sessions) = (MockTokenCodec::new(), MockSessionRepository::new());
        codec.expect_verify_access().with(eq("token"), eq(at(60))).return_once(move |_, _| claims);
        if let Some(live) = live {
            sessions.expect_find_live().with(eq(SESSION), eq(at(60))).return_once(move |_, _| live);
        }
        let use_case = Authenticate {
            codec: Arc::new(codec),
            sessions: Arc::new(sessions),
            clock: testing::clock(60),
        };
        use_case.execute("token").await
    }

    #[tokio::test]
    async fn a_live_session_is_its_users() {
        let principal = authenticate(Ok(testing::access_claims()), Some(Ok(Some(testing::live()))))
            .await
            .unwrap();
        assert_eq!(principal, testing::principal());
    }

    #[tokio::test]
    async fn z4_the_role_is_the_stores_and_not_the_tokens() {
        let claims = AccessClaims { role: Role::ADMIN, ..testing::access_claims() };
        let principal = authenticate(Ok(claims), Some(Ok(Some(testing::live())))).await.unwrap();
        assert_eq!(principal.user.role, Role::STUDENT);
    }

    #[tokio::test]
    async fn a_bad_token_asks_no_store() {
        let result = authenticate(Err(InvalidToken { reason: "expired" }), None).await;
        assert!(matches!(result, Err(Error::Refused(_))));
    }

    #[tokio::test]
    async fn a_session_that_is_gone_or_anothers_is_an_invalid_token() {
        let claims =
            AccessClaims { user_id: UserId::try_from(99).unwrap(), ..testing::access_claims() };
        for (claims, live) in [(testing::access_claims(), None), (claims, Some(testing::live()))] {
            let result = authenticate(Ok(claims), Some(Ok(live))).await;
            assert!(matches!(result, Err(Error::Refused(_))));
        }
    }

    #[tokio::test]
    async fn a_store_that_is_down_is_no_verdict_on_the_token() {
        let result = authenticate(Ok(testing::access_claims()), Some(Err(testing::broken()))).await;
        assert!(matches!(result, Err(Error::Port(_))));
    }
}
