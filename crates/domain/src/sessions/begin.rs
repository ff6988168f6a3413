//! Beginning a session, once everything that a login asks for was given.

use std::sync::Arc;
use std::time::Duration;

use crate::access::Restriction;
use crate::accounts::{Role, User};
use crate::common::{Clock, Error, Random, RequestContext, SessionId};
use crate::credentials::Credentials;
use crate::ports::{Policy, Ports, RequiredPorts};
use crate::sessions::{
    CreateSessionError, Generation, Grant, NewSession, SessionLimit, SessionRepository,
    StaleCredentials, TakenHandOff, Ticket, TicketPurpose, TokenIssuer, TokenPair,
};

/// A login that succeeded.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// The user, with this login as the last.
    pub user: User,
    /// The new session.
    pub session_id: SessionId,
    /// Its tokens.
    pub tokens: TokenPair,
}

/// Why no session was begun, though everything was right.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum BeginSessionError {
    #[error(transparent)]
    Stale(#[from] StaleCredentials),
    #[error("the user has as many sessions as there may be")]
    TooManySessions(Ticket),
}

/// Begins sessions.
#[non_exhaustive]
pub struct BeginSession {
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// Makes the tokens.
    pub tokens: TokenIssuer,
    /// Gives the session its id.
    pub random: Arc<dyn Random>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long a session lasts at most.
    pub session_ttl: Duration,
    /// For how long one lasts that is not refreshed; `None`: to its end.
    pub idle_ttl: Option<Duration>,
    /// How many sessions a user may have; `None`: any number.
    pub limit: Option<SessionLimit>,
    /// The roles that need a second factor.
    pub factor_roles: Arc<[Role]>,
}

impl BeginSession {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { sessions, random, clock, .. } = &ports.required;
        Self {
            sessions: sessions.clone(),
            tokens: TokenIssuer::new(ports, policy),
            random: random.clone(),
            clock: clock.clone(),
            session_ttl: policy.session_ttl,
            idle_ttl: policy.idle_ttl,
            limit: policy.session_limit,
            factor_roles: policy.factor_roles.clone(),
        }
    }

    /// Begins a session on the condition that the credentials are still these.
    pub(crate) async fn execute(
        &self,
        credentials: &Credentials,
        has_factor: bool,
        request: RequestContext,
    ) -> Result<LoggedIn, Error<BeginSessionError>> {
        self.begin(credentials, has_factor, None, request).await
    }

    /// The same beside a session that there is, whose user gave the password then, and not now.
    pub(crate) async fn beside(
        &self,
        credentials: &Credentials,
        other: &TakenHandOff,
        request: RequestContext,
    ) -> Result<LoggedIn, Error<BeginSessionError>> {
        self.begin(credentials, other.has_factor, Some(other), request).await
    }

    async fn begin(
        &self,
        credentials: &Credentials,
        has_factor: bool,
        other: Option<&TakenHandOff>,
        request: RequestContext,
    ) -> Result<LoggedIn, Error<BeginSessionError>> {
        let now = self.clock.now();
        let ends_at = now + self.session_ttl;
        let ends_at = other.map_or(ends_at, |other| other.ends_at.min(ends_at));
        let session = NewSession {
            id: SessionId(self.random.uuid()?),
            user_id: credentials.user_id,
            verified_version: credentials.version,
            has_factor,
            created_at: now,
            authenticated_at: other.map(|other| other.authenticated_at),
            expires_at: (now + self.idle_ttl.unwrap_or(self.session_ttl)).min(ends_at),
            ends_at,
            limit: self.limit,
            request,
        };
        let (session_id, expires_at) = (session.id, session.expires_at);
        let user = match self.sessions.create(session).await {
            Ok(user) => user,
            Err(Error::Refused(CreateSessionError::Stale(error))) => {
                return Err(Error::Refused(error.into()));
            }
            Err(Error::Refused(CreateSessionError::TooManySessions)) => {
                let ticket = self.tokens.ticket(TicketPurpose::SessionLimit, credentials, now)?;
                return Err(Error::Refused(BeginSessionError::TooManySessions(ticket)));
            }
            Err(Error::Port(error)) => return Err(error.into()),
        };
        let grant = Grant {
            user_id: user.id,
            role: user.role,
            session_id,
            generation: Generation::FIRST,
            expires_at,
            is_restricted: Restriction::of(&user, has_factor, &self.factor_roles).is_some(),
        };
        Ok(LoggedIn { tokens: self.tokens.issue(&grant, now)?, session_id, user })
    }
}
