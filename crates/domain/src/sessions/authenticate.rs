//! Use-case: finding out who calls, from an access token.

use std::sync::Arc;

use crate::access::{Principal, Restriction};
use crate::accounts::Role;
use crate::audit::AuditContext;
use crate::common::{Clock, Error, RequestContext, SessionId, UserId};
use crate::credentials::CredentialRepository;
use crate::ports::{Policy, Ports, RequiredPorts};
use crate::sessions::{InvalidToken, SessionRepository, TicketPurpose, TokenCodec};

/// Somebody who may list and end their own sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionOwner {
    /// Who.
    pub user_id: UserId,
    /// The session in which they act; `None`: they have a ticket.
    pub session_id: Option<SessionId>,
}

impl From<&Principal> for SessionOwner {
    fn from(caller: &Principal) -> Self {
        Self { user_id: caller.user.id, session_id: Some(caller.session_id) }
    }
}

impl SessionOwner {
    /// What is recorded of what they do.
    pub(crate) fn context(self, clock: &dyn Clock, request: RequestContext) -> AuditContext {
        let Self { user_id, session_id } = self;
        AuditContext { actor: Some(user_id), session_id, at: clock.now(), request }
    }
}

/// Finds out who calls, from an access token: signature and claims first, then whether the session
/// and its user are alive. Rights come from the stored user and never from the token, so that a
/// change of role works at the next request.
#[non_exhaustive]
pub struct Authenticate {
    /// Reads the token.
    pub codec: Arc<dyn TokenCodec>,
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// What a ticket was given for.
    pub credentials: Arc<dyn CredentialRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The roles that need a second factor.
    pub factor_roles: Arc<[Role]>,
}

impl Authenticate {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { codec, sessions, credentials, clock, .. } = &ports.required;
        Self {
            codec: codec.clone(),
            sessions: sessions.clone(),
            credentials: credentials.clone(),
            clock: clock.clone(),
            factor_roles: policy.factor_roles.clone(),
        }
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
        let restriction = Restriction::of(&live.user, session.has_factor, &self.factor_roles);
        let authenticated_at = session.authenticated_at;
        Ok(Principal { user: live.user, session_id: session.id, authenticated_at, restriction })
    }
}

impl Authenticate {
    /// Finds out whose sessions may be listed and ended, if the token is a ticket for that; `None`: it is
    /// none. A ticket is void once the credentials have changed, or nobody may log in with them any more.
    ///
    /// # Errors
    /// [`InvalidToken`]: it is a ticket that is not valid any more.
    pub async fn by_ticket(
        &self,
        token: &str,
    ) -> Result<Option<SessionOwner>, Error<InvalidToken>> {
        let now = self.clock.now();
        let Ok(claims) = self.codec.verify_ticket(token, TicketPurpose::SessionLimit, now) else {
            return Ok(None);
        };
        let found = self.credentials.find_by_id(claims.user_id).await?;
        let is_good =
            found.is_some_and(|found| found.version == claims.version && found.check(now).is_ok());
        if !is_good {
            return Err(Error::Refused(InvalidToken { reason: "the account has changed" }));
        }
        Ok(Some(SessionOwner { user_id: claims.user_id, session_id: None }))
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::common::{PortError, UserId};
    use crate::credentials::{CredentialVersion, Credentials, MockCredentialRepository};
    use crate::sessions::{
        AccessClaims, LiveSession, MockSessionRepository, MockTokenCodec, TicketClaims,
    };
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
            credentials: Arc::new(MockCredentialRepository::new()),
            clock: testing::clock(60),
            factor_roles: Arc::new([]),
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
    async fn d4_a_ticket_is_void_once_the_account_has_changed() {
        let good = testing::credentials(4);
        let inactive = Credentials { is_active: false, ..good.clone() };
        let cases = [
            (Some(good), true),
            (Some(testing::credentials(5)), false),
            (Some(inactive), false),
            (None, false),
        ];
        for (found, is_good) in cases {
            let (mut codec, mut credentials) =
                (MockTokenCodec::new(), MockCredentialRepository::new());
            codec.expect_verify_ticket().return_once(|_, purpose, now| {
                let (issued_at, expires_at) = (now, now);
                let (user_id, version) = (testing::USER, CredentialVersion(4));
                let token_id = SESSION.0;
                Ok(TicketClaims { purpose, user_id, version, token_id, issued_at, expires_at })
            });
            credentials.expect_find_by_id().with(eq(testing::USER)).return_once(|_| Ok(found));
            let authenticate = Authenticate {
                codec: Arc::new(codec),
                sessions: Arc::new(MockSessionRepository::new()),
                credentials: Arc::new(credentials),
                clock: testing::clock(60),
                factor_roles: Arc::new([]),
            };
            let owner = authenticate.by_ticket("ticket").await;
            let expected = SessionOwner { user_id: testing::USER, session_id: None };
            assert_eq!(owner.ok(), is_good.then_some(Some(expected)));
        }
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
