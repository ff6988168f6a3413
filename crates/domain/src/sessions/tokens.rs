//! Issuing the tokens of a session.

use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound, TimeDelta};
use secrecy::SecretString;

use crate::accounts::Role;
use crate::common::{PortError, Random, SessionId, Timestamp, UserId};
use crate::credentials::Credentials;
use crate::ports::{Policy, Ports, RequiredPorts};
use crate::sessions::{
    AccessClaims, Generation, RefreshClaims, TICKET_TTL, Ticket, TicketClaims, TicketPurpose,
    TokenCodec,
};

/// What a login or a refresh issues (RFC 6749 §5.1).
#[derive(Debug, Clone)]
pub struct TokenPair {
    /// For each request.
    pub access_token: SecretString,
    /// For one exchange against the next pair.
    pub refresh_token: SecretString,
    /// How long the access token lives from now on.
    pub expires_in: Duration,
}

/// Makes the tokens of a session, for login and refresh.
pub struct TokenIssuer {
    /// Signs.
    pub codec: Arc<dyn TokenCodec>,
    /// Gives each token its id.
    pub random: Arc<dyn Random>,
    /// How long an access token lives, unless its session expires earlier.
    pub access_ttl: Duration,
}

/// The state of a session, as a pair of tokens states it.
pub(crate) struct Grant {
    pub(crate) user_id: UserId,
    pub(crate) role: Role,
    pub(crate) session_id: SessionId,
    pub(crate) generation: Generation,
    pub(crate) expires_at: Timestamp,
    pub(crate) is_restricted: bool,
}

impl TokenIssuer {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { codec, random, .. } = &ports.required;
        Self { codec: codec.clone(), random: random.clone(), access_ttl: policy.access_ttl }
    }

    /// A ticket for whom these credentials were verified.
    pub(crate) fn ticket(
        &self,
        purpose: TicketPurpose,
        credentials: &Credentials,
        now: Timestamp,
    ) -> Result<Ticket, PortError> {
        let issued_at = now.trunc_subsecs(0);
        let token = self.codec.sign_ticket(&TicketClaims {
            purpose,
            user_id: credentials.user_id,
            version: credentials.version,
            token_id: self.random.uuid()?,
            issued_at,
            expires_at: issued_at + TICKET_TTL,
        })?;
        Ok(Ticket { token, expires_in: TICKET_TTL, methods: Vec::new() })
    }

    pub(crate) fn issue(&self, grant: &Grant, now: Timestamp) -> Result<TokenPair, PortError> {
        // RFC 7519 allows fractions, but most libraries do not read them.
        let issued_at = now.trunc_subsecs(0);
        let session_end = grant.expires_at.trunc_subsecs(0);
        let expires_at = session_end.min(issued_at + self.access_ttl);
        let access_token = self.codec.sign_access(&AccessClaims {
            user_id: grant.user_id,
            session_id: grant.session_id,
            role: grant.role,
            token_id: self.random.uuid()?,
            issued_at,
            expires_at,
            is_restricted: grant.is_restricted,
        })?;
        let refresh_token = self.codec.sign_refresh(&RefreshClaims {
            user_id: grant.user_id,
            session_id: grant.session_id,
            generation: grant.generation,
            token_id: self.random.uuid()?,
            issued_at,
            expires_at: session_end,
        })?;
        let expires_in =
            (expires_at - issued_at).max(TimeDelta::zero()).to_std().unwrap_or_default();
        Ok(TokenPair { access_token, refresh_token, expires_in })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, SESSION, USER, at};

    #[test]
    fn an_access_token_never_outlives_its_session() {
        let issuer = testing::issuer();
        let mut grant = Grant {
            user_id: USER,
            role: Role::STUDENT,
            session_id: SESSION,
            generation: Generation(3),
            expires_at: at(7200),
            is_restricted: false,
        };
        assert_eq!(issuer.issue(&grant, at(0)).unwrap().expires_in, Duration::from_secs(1800));
        grant.expires_at = at(60);
        assert_eq!(issuer.issue(&grant, at(0)).unwrap().expires_in, Duration::from_secs(60));
        grant.expires_at = at(0);
        assert_eq!(issuer.issue(&grant, at(5)).unwrap().expires_in, Duration::ZERO);
    }
}
