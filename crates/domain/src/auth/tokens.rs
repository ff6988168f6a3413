use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound, TimeDelta};

use crate::entities::{AccessClaims, RefreshClaims, TokenPair};
use crate::ports::{Entropy, PortError, TokenCodec};
use crate::values::{Generation, Role, SessionId, Timestamp, UserId};

/// Makes the tokens of a session; what log-in and refresh have in common.
pub struct TokenIssuer {
    /// Signs.
    pub codec: Arc<dyn TokenCodec>,
    /// Gives each token its id.
    pub entropy: Arc<dyn Entropy>,
    /// How long an access token lives, unless its session ends before.
    pub access_ttl: Duration,
}

/// The state of a session that a pair of tokens speaks for.
pub(super) struct Grant {
    pub(super) user_id: UserId,
    pub(super) role: Role,
    pub(super) session_id: SessionId,
    pub(super) generation: Generation,
    pub(super) expires_at: Timestamp,
}

impl TokenIssuer {
    pub(super) fn issue(&self, grant: &Grant, now: Timestamp) -> Result<TokenPair, PortError> {
        // RFC 7519 allows fractions; most libraries that will read these do not.
        let issued_at = now.trunc_subsecs(0);
        let session_end = grant.expires_at.trunc_subsecs(0);
        let expires_at = session_end.min(issued_at + self.access_ttl);
        let access_token = self.codec.sign_access(&AccessClaims {
            user_id: grant.user_id,
            session_id: grant.session_id,
            role: grant.role,
            token_id: self.entropy.uuid()?,
            issued_at,
            expires_at,
        })?;
        let refresh_token = self.codec.sign_refresh(&RefreshClaims {
            user_id: grant.user_id,
            session_id: grant.session_id,
            generation: grant.generation,
            token_id: self.entropy.uuid()?,
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
            role: Role::Student,
            session_id: SESSION,
            generation: Generation(3),
            expires_at: at(7200),
        };
        assert_eq!(issuer.issue(&grant, at(0)).unwrap().expires_in, Duration::from_secs(1800));
        grant.expires_at = at(60);
        assert_eq!(issuer.issue(&grant, at(0)).unwrap().expires_in, Duration::from_secs(60));
        grant.expires_at = at(0);
        assert_eq!(issuer.issue(&grant, at(5)).unwrap().expires_in, Duration::ZERO);
    }
}
