//! Use-case: exchanging a refresh token for new tokens.

use std::sync::Arc;
use std::time::Duration;

use crate::access::Restriction;
use crate::accounts::Role;
use crate::audit::{AuditAction, AuditContext, AuditEvent, AuditReason, AuditTrail};
use crate::common::{Clock, Error, RequestContext};
use crate::ports::{Policy, Ports, RequiredPorts};
use crate::sessions::{
    Grant, InvalidToken, Rotation, RotationOutcome, SessionRepository, TokenCodec, TokenIssuer,
    TokenPair,
};

/// Exchanges a refresh token for a new pair, once (RFC 9700 §4.14.2).
///
/// A token that is presented a second time ends its session, since one of the two presenters is a
/// thief. The exception is the immediate predecessor within the grace period, since its answer may
/// have been lost.
#[non_exhaustive]
pub struct Refresh {
    /// Reads the token.
    pub codec: Arc<dyn TokenCodec>,
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// Makes the new pair.
    pub tokens: TokenIssuer,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For how long a predecessor is accepted again.
    pub grace: Duration,
    /// For how long a session lives that is not refreshed; `None`: to its end.
    pub idle_ttl: Option<Duration>,
    /// Whether to record each accepted token. Refreshes are by far the most frequent events.
    pub recorded: bool,
    /// The roles that need a second factor.
    pub factor_roles: Arc<[Role]>,
}

impl Refresh {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { codec, sessions, audit_trail, clock, .. } = &ports.required;
        Self {
            codec: codec.clone(),
            sessions: sessions.clone(),
            tokens: TokenIssuer::new(ports, policy),
            trail: audit_trail.clone(),
            clock: clock.clone(),
            grace: policy.refresh_grace,
            idle_ttl: policy.idle_ttl,
            recorded: policy.record_refreshes,
            factor_roles: policy.factor_roles.clone(),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`InvalidToken`]: the token is not valid, was used before, or its session is over.
    pub async fn execute(
        &self,
        token: &str,
        request: RequestContext,
    ) -> Result<TokenPair, Error<InvalidToken>> {
        let now = self.clock.now();
        let context = AuditContext::anonymous(now, request.clone());
        let claims = self.codec.verify_refresh(token, now).map_err(|invalid| {
            self.trail.note(failure(context.clone(), AuditReason::InvalidToken));
            Error::Refused(invalid)
        })?;
        let rotation = Rotation {
            session_id: claims.session_id,
            user_id: claims.user_id,
            presented: claims.generation,
            at: now,
            grace: self.grace,
            idle_ttl: self.idle_ttl,
            request,
            recorded: self.recorded,
        };
        match self.sessions.rotate(rotation).await? {
            RotationOutcome::Rotated(live) => {
                let has_factor = live.session.has_factor;
                let restriction = Restriction::of(&live.user, has_factor, &self.factor_roles);
                let grant = Grant {
                    user_id: live.user.id,
                    role: live.user.role,
                    session_id: live.session.id,
                    generation: live.session.generation,
                    expires_at: live.session.expires_at,
                    is_restricted: restriction.is_some(),
                };
                Ok(self.tokens.issue(&grant, now)?)
            }
            RotationOutcome::Replayed => {
                tracing::warn!(event = "refresh_replayed", user_id = %claims.user_id, "session ended");
                Err(Error::Refused(InvalidToken { reason: "refresh token was used before" }))
            }
            RotationOutcome::NotLive => {
                let context = AuditContext { session_id: Some(claims.session_id), ..context };
                self.trail.note(failure(context, AuditReason::SessionOver).on(claims.user_id));
                Err(Error::Refused(InvalidToken { reason: "session is not live" }))
            }
        }
    }
}

fn failure(context: AuditContext, reason: AuditReason) -> AuditEvent {
    context.event(AuditAction::RefreshFailed).because(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::PortError;
    use crate::sessions::{Generation, MockSessionRepository, MockTokenCodec, RefreshClaims};
    use crate::testing::{self, SESSION, Trail, USER, at};

    async fn refresh(
        outcome: Result<RotationOutcome, PortError>,
    ) -> (Result<TokenPair, Error<InvalidToken>>, Arc<Trail>) {
        let (mut codec, mut sessions) = (MockTokenCodec::new(), MockSessionRepository::new());
        codec.expect_verify_refresh().return_once(|_, _| {
            Ok(RefreshClaims {
                user_id: USER,
                session_id: SESSION,
                generation: Generation(7),
                token_id: uuid::Uuid::nil(),
                issued_at: at(0),
                expires_at: at(1000),
            })
        });
        sessions
            .expect_rotate()
            .withf(|rotation| {
                *rotation
                    == Rotation {
                        session_id: SESSION,
                        user_id: USER,
                        presented: Generation(7),
                        at: at(60),
                        grace: Duration::from_secs(10),
                        idle_ttl: None,
                        request: testing::request(),
                        recorded: true,
                    }
            })
            .times(1)
            .return_once(move |_| outcome);
        let trail = Arc::new(Trail::default());
        let use_case = Refresh {
            factor_roles: Arc::new([]),
            codec: Arc::new(codec),
            sessions: Arc::new(sessions),
            tokens: testing::issuer(),
            trail: trail.clone(),
            clock: testing::clock(60),
            grace: Duration::from_secs(10),
            idle_ttl: None,
            recorded: true,
        };
        (use_case.execute("token", testing::request()).await, trail)
    }

    #[tokio::test]
    async fn a_rotation_hands_out_a_pair_that_ends_with_the_session() {
        let mut live = testing::live();
        live.session.expires_at = at(90);
        let (pair, trail) = refresh(Ok(RotationOutcome::Rotated(Box::new(live)))).await;
        assert_eq!(pair.unwrap().expires_in, Duration::from_secs(30));
        trail.has([]);
    }

    #[tokio::test]
    async fn t13_replayed_and_gone_are_the_same_to_the_client() {
        let (replayed, recorded) = refresh(Ok(RotationOutcome::Replayed)).await;
        recorded.has([]);
        let (gone, noted) = refresh(Ok(RotationOutcome::NotLive)).await;
        noted.has([(AuditAction::RefreshFailed, AuditReason::SessionOver)]);
        let event = noted.events().remove(0);
        assert_eq!((event.subject, event.context.session_id), (Some(USER), Some(SESSION)));
        for result in [replayed, gone] {
            assert!(matches!(result, Err(Error::Refused(_))));
        }
    }

    #[tokio::test]
    async fn a_store_that_is_down_does_not_spend_the_token() {
        let (result, trail) = refresh(Err(testing::broken())).await;
        assert!(matches!(result, Err(Error::Port(_))));
        trail.has([]);
    }

    #[tokio::test]
    async fn t4_what_the_codec_refuses_asks_no_store() {
        let mut codec = MockTokenCodec::new();
        codec.expect_verify_refresh().return_once(|_, _| Err(InvalidToken { reason: "typ" }));
        let trail = Arc::new(Trail::default());
        let use_case = Refresh {
            factor_roles: Arc::new([]),
            codec: Arc::new(codec),
            sessions: Arc::new(MockSessionRepository::new()),
            tokens: testing::issuer(),
            trail: trail.clone(),
            clock: testing::clock(60),
            grace: Duration::from_secs(10),
            idle_ttl: None,
            recorded: true,
        };
        let result = use_case.execute("x", testing::request()).await;
        assert!(matches!(result, Err(Error::Refused(_))));
        trail.has([(AuditAction::RefreshFailed, AuditReason::InvalidToken)]);
    }
}
