//! Use-case: logging in with a passkey alone.

use std::sync::Arc;

use crate::audit::{AuditContext, AuditReason};
use crate::common::{Clock, Error, RequestContext};
use crate::credentials::CredentialRepository;
use crate::lockout::{Admission, AttemptGuard, Limit, RateKey, RateLimiter, TooManyAttempts};
use crate::passkeys::{
    CHALLENGE_TTL, ChallengePurpose, Challenges, NoPasskeys, PasskeyCheck, PasskeyRequest,
};
use crate::ports::{Policy, Ports, RequiredPorts};
use crate::sessions::{BeginSession, BeginSessionError, LoggedIn, Ticket};

/// How many challenges one network may ask for without logging in: each is a row until it is over. A school is
/// one network.
const REQUESTS: Limit = Limit { max: 1000, window: CHALLENGE_TTL };

/// Why there is nothing to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestLoginError {
    /// There are none on this server.
    #[error(transparent)]
    NoPasskeys(#[from] NoPasskeys),
    /// Too many challenges were asked for.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
}

/// Why nobody was logged in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoginWithPasskeyError {
    /// There are none on this server.
    #[error(transparent)]
    NoPasskeys(#[from] NoPasskeys),
    /// It was asked for too long ago, is nobody's, did not ask its user for a PIN, a finger or a face, or its
    /// account is inactive. The answer does not tell which.
    #[error("the passkey was not accepted")]
    Refused,
    /// The user has never proved an address, and must.
    #[error("the e-mail address is not verified")]
    EmailNotVerified,
    /// Too many failures.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
    /// The user has as many sessions as there may be.
    #[error("the user has as many sessions as there may be")]
    TooManySessions(Ticket),
}

/// Logs in with a passkey whose authenticator has asked its user for a PIN, a finger or a face: that is two
/// factors in one, and nobody can guess, repeat or be talked out of it.
#[non_exhaustive]
pub struct LoginWithPasskey {
    challenges: Option<Challenges>,
    check: Option<PasskeyCheck>,
    credentials: Arc<dyn CredentialRepository>,
    begin: BeginSession,
    attempts: AttemptGuard,
    rates: Arc<dyn RateLimiter>,
    clock: Arc<dyn Clock>,
    require_verification: bool,
}

impl LoginWithPasskey {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { credentials, rate_limiter, clock, .. } = &ports.required;
        Self {
            challenges: Challenges::new(ports),
            check: PasskeyCheck::new(ports),
            credentials: credentials.clone(),
            begin: BeginSession::new(ports, policy),
            attempts: AttemptGuard::new(ports, policy),
            rates: rate_limiter.clone(),
            clock: clock.clone(),
            require_verification: policy.require_verification,
        }
    }

    /// Asks a browser for any passkey that it has for the site.
    ///
    /// # Errors
    /// See [`RequestLoginError`].
    pub async fn request(
        &self,
        request: &RequestContext,
    ) -> Result<PasskeyRequest, Error<RequestLoginError>> {
        let challenges = self.challenges.as_ref().ok_or(Error::Refused(NoPasskeys.into()))?;
        let key = RateKey::PasskeyRequest(request.network());
        match self.rates.reserve(key, REQUESTS, self.clock.now()).await? {
            Admission::Admitted => Ok(challenges.login().await?),
            Admission::Refused { retry_after } => {
                Err(Error::Refused(TooManyAttempts { retry_after }.into()))
            }
        }
    }

    /// Runs the use-case with the answer of the browser.
    ///
    /// # Errors
    /// See [`LoginWithPasskeyError`].
    pub async fn execute(
        &self,
        answer: &str,
        request: RequestContext,
    ) -> Result<LoggedIn, Error<LoginWithPasskeyError>> {
        let check = self.check.as_ref().ok_or(Error::Refused(NoPasskeys.into()))?;
        let begun = self.attempts.begin_passkey(request.clone()).await;
        let mut attempt = begun.map_err(Error::cast)?;
        let mut context = AuditContext::anonymous(self.clock.now(), request.clone());
        let refused = Error::Refused(LoginWithPasskeyError::Refused);
        let signed = match check.signed(answer, ChallengePurpose::Login, &context).await {
            Ok(signed) => signed,
            Err(error) => {
                attempt.undecided().await;
                return Err(error.into());
            }
        };
        let (passkey, assertion) = match signed {
            Ok(signed) => signed,
            Err(reason) => {
                attempt.failed(reason);
                return Err(refused);
            }
        };
        attempt.is_of(passkey.user_id);
        context.actor = Some(passkey.user_id);
        let decided = async {
            if !assertion.user_verified {
                return Ok(Err(AuditReason::UserNotVerified));
            }
            let Some(credentials) = self.credentials.find_by_id(passkey.user_id).await? else {
                return Ok(Err(AuditReason::UnknownPasskey));
            };
            if let Err(reason) = credentials.check(context.at) {
                return Ok(Err(reason));
            }
            let is_kept = check.used(&passkey, assertion, context).await?;
            Ok(if is_kept { Ok(credentials) } else { Err(AuditReason::UnknownPasskey) })
        };
        let credentials = match decided.await {
            Ok(Ok(credentials)) => credentials,
            Ok(Err(reason)) => {
                attempt.failed(reason);
                return Err(refused);
            }
            Err(error) => {
                attempt.undecided().await;
                return Err(error);
            }
        };
        if self.require_verification && !credentials.is_proved {
            attempt.forbidden(AuditReason::EmailNotVerified).await;
            return Err(Error::Refused(LoginWithPasskeyError::EmailNotVerified));
        }
        attempt.verified();
        let session = self.begin.execute(&credentials, true, request).await;
        attempt.succeeded().await;
        match session {
            Ok(logged_in) => {
                tracing::info!(event = "login_succeeded", user_id = %credentials.user_id);
                Ok(logged_in)
            }
            Err(Error::Refused(BeginSessionError::Stale(_))) => Err(refused),
            Err(Error::Refused(BeginSessionError::TooManySessions(ticket))) => {
                Err(Error::Refused(LoginWithPasskeyError::TooManySessions(ticket)))
            }
            Err(Error::Port(error)) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::Timestamp;
    use crate::credentials::{Credentials, MockCredentialRepository};
    use crate::lockout::MockRateLimiter;
    use crate::passkeys::Assertion;
    use crate::passkeys::check::tests::{SIGNED, World};
    use crate::sessions::MockSessionRepository;
    use crate::testing::{self, USER, at};

    struct Asked {
        world: World,
        found: Option<Credentials>,
        begins: bool,
        require_verification: bool,
    }

    impl Asked {
        fn new() -> Self {
            let found = Credentials { has_factor: true, ..testing::credentials(4) };
            let world = World::new(ChallengePurpose::Login);
            Self { world, found: Some(found), begins: true, require_verification: false }
        }

        async fn log_in(self) -> Result<LoggedIn, Error<LoginWithPasskeyError>> {
            let mut credentials = MockCredentialRepository::new();
            credentials.expect_find_by_id().withf(|id| *id == USER).return_once(|_| Ok(self.found));
            let mut sessions = MockSessionRepository::new();
            sessions
                .expect_create()
                .withf(|new| new.has_factor)
                .times(usize::from(self.begins))
                .returning(|_| Ok(testing::user()));
            let use_case = LoginWithPasskey {
                challenges: None,
                check: Some(self.world.check()),
                credentials: Arc::new(credentials),
                begin: testing::begin(Arc::new(sessions), 9),
                attempts: AttemptGuard { limits: None, ..testing::factor_check(9).attempts },
                rates: Arc::new(MockRateLimiter::new()),
                clock: testing::clock(9),
                require_verification: self.require_verification,
            };
            use_case.execute("answer", testing::request()).await
        }
    }

    #[tokio::test]
    async fn y8_a_passkey_that_asks_its_user_begins_a_session_with_a_factor() {
        Asked::new().log_in().await.unwrap();
    }

    #[tokio::test]
    async fn y8_whatever_is_missing_is_answered_alike() {
        let good = || Credentials { has_factor: true, ..testing::credentials(4) };
        let past: Timestamp = at(99);
        let unverified = Assertion { user_verified: false, ..SIGNED };
        let worlds = [
            World { signed: Ok(unverified), ..World::new(ChallengePurpose::Login) },
            World { found: None, ..World::new(ChallengePurpose::Login) },
            World { is_kept: false, ..World::new(ChallengePurpose::Login) },
        ];
        let of_world = worlds.map(|world| Asked { world, begins: false, ..Asked::new() });
        let accounts = [
            None,
            Some(Credentials { is_active: false, ..good() }),
            Some(Credentials { banned_until: Some(past), ..good() }),
        ];
        let of_account = accounts.map(|found| Asked { found, begins: false, ..Asked::new() });
        for asked in of_world.into_iter().chain(of_account) {
            let refused = asked.log_in().await;
            let expected = matches!(refused, Err(Error::Refused(LoginWithPasskeyError::Refused)));
            assert!(expected, "{refused:?}");
        }
    }

    #[tokio::test]
    async fn q2_an_address_has_to_be_proved_for_a_passkey_too() {
        let found = Some(Credentials { is_proved: false, ..testing::credentials(4) });
        let asked = Asked { found, begins: false, require_verification: true, ..Asked::new() };
        let refused = asked.log_in().await;
        let expected =
            matches!(refused, Err(Error::Refused(LoginWithPasskeyError::EmailNotVerified)));
        assert!(expected, "{refused:?}");
    }
}
