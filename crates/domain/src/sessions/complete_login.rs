//! Use-case: the second step of a login, with a code of the second factor.

use std::sync::Arc;

use futures_util::future::join;

use crate::common::{Causes, Clock, Error, PortError, RequestContext};
use crate::credentials::{CredentialRepository, Credentials};
use crate::lockout::{Admission, Limit, RateKey, RateLimiter, TooManyAttempts};
use crate::mfa::{FactorCheck, FactorCode, FactorError};
use crate::passkeys::{Challenges, NoPasskeys, PasskeyRequest, RequestPasskeyError};
use crate::ports::{Policy, Ports, RequiredPorts};
use crate::sessions::{
    BeginSession, BeginSessionError, LoggedIn, TICKET_TTL, Ticket, TicketClaims, TicketPurpose,
    TokenCodec,
};

/// How many wrong codes end a ticket.
const CODES: Limit = Limit { max: 5, window: TICKET_TTL };

/// Why nobody was logged in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CompleteLoginError {
    /// The ticket is none, or over: it has expired, five codes were wrong, or the account has changed.
    #[error("the ticket of the login is not valid any more")]
    InvalidTicket,
    /// The code is wrong, or was used before.
    #[error("the code is wrong, or was used before")]
    WrongCode,
    /// Too many wrong codes for this account.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
    /// The user has as many sessions as there may be.
    #[error("the user has as many sessions as there may be")]
    TooManySessions(Ticket),
}

impl From<FactorError> for CompleteLoginError {
    fn from(error: FactorError) -> Self {
        match error {
            FactorError::WrongCode => Self::WrongCode,
            FactorError::TooManyAttempts(error) => error.into(),
        }
    }
}

/// Why no passkey is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestFactorError {
    /// See [`CompleteLoginError::InvalidTicket`].
    #[error("the ticket of the login is not valid any more")]
    InvalidTicket,
    /// There is none.
    #[error(transparent)]
    Passkey(#[from] RequestPasskeyError),
}

/// Takes the ticket of a login whose password was right, and a code, and begins the session. The ticket is
/// bound to the credentials for which the password was verified: a change of password, factor or standing in
/// between makes it void.
#[non_exhaustive]
pub struct CompleteLogin {
    /// Reads the ticket.
    pub codec: Arc<dyn TokenCodec>,
    /// The credentials.
    pub credentials: Arc<dyn CredentialRepository>,
    /// Counts the wrong codes of a ticket.
    pub rates: Arc<dyn RateLimiter>,
    /// Checks the code.
    pub factor: FactorCheck,
    /// Begins the session.
    pub begin: BeginSession,
    /// Asks for passkeys, where there are any.
    pub(crate) challenges: Option<Challenges>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl CompleteLogin {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { codec, credentials, rate_limiter, clock, .. } = &ports.required;
        Self {
            codec: codec.clone(),
            credentials: credentials.clone(),
            rates: rate_limiter.clone(),
            factor: FactorCheck::new(ports, policy),
            begin: BeginSession::new(ports, policy),
            challenges: Challenges::new(ports),
            clock: clock.clone(),
        }
    }

    /// The claims of a ticket that is still good, and whose it is.
    async fn read(&self, ticket: &str) -> Result<Option<(TicketClaims, Credentials)>, PortError> {
        let now = self.clock.now();
        let Ok(claims) = self.codec.verify_ticket(ticket, TicketPurpose::SecondFactor, now) else {
            return Ok(None);
        };
        let found = self.credentials.find_by_id(claims.user_id).await?;
        let is_good = |found: &Credentials| {
            found.version == claims.version && found.has_factor && found.check(now).is_ok()
        };
        Ok(found.filter(is_good).map(|credentials| (claims, credentials)))
    }

    /// Asks the browser for a passkey of whoever has the ticket; its answer is the code.
    ///
    /// # Errors
    /// See [`RequestFactorError`].
    pub async fn request_passkey(
        &self,
        ticket: &str,
    ) -> Result<PasskeyRequest, Error<RequestFactorError>> {
        let off = || Error::Refused(RequestPasskeyError::from(NoPasskeys).into());
        let challenges = self.challenges.as_ref().ok_or_else(off)?;
        let Some((claims, _)) = self.read(ticket).await? else {
            return Err(Error::Refused(RequestFactorError::InvalidTicket));
        };
        challenges.second_factor(claims.user_id).await.map_err(Error::cast)
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`CompleteLoginError`].
    pub async fn execute(
        &self,
        ticket: &str,
        code: &FactorCode,
        request: RequestContext,
    ) -> Result<LoggedIn, Error<CompleteLoginError>> {
        let (now, over) = (self.clock.now(), CompleteLoginError::InvalidTicket);
        let Some((claims, credentials)) = self.read(ticket).await? else {
            return Err(Error::Refused(over));
        };
        let key = RateKey::WrongCode(claims.token_id);
        if let Admission::Refused { .. } = self.rates.reserve(key, CODES, now).await? {
            return Err(Error::Refused(over));
        }
        let checked = self.factor.of_login(claims.user_id, code, request.clone()).await;
        if !matches!(checked, Err(Error::Refused(FactorError::WrongCode)))
            && let Err(error) = self.rates.release(key).await
        {
            tracing::warn!(error = %Causes(&error), "a failure count was not reset");
        }
        let attempt = checked.map_err(Error::cast)?;
        let begin = self.begin.execute(&credentials, true, request);
        let (session, ()) = join(begin, attempt.succeeded()).await;
        match session {
            Ok(logged_in) => {
                tracing::info!(event = "login_succeeded", user_id = %claims.user_id);
                Ok(logged_in)
            }
            Err(Error::Refused(BeginSessionError::Stale(_))) => Err(Error::Refused(over)),
            Err(Error::Refused(BeginSessionError::TooManySessions(ticket))) => {
                Err(Error::Refused(CompleteLoginError::TooManySessions(ticket)))
            }
            Err(Error::Port(error)) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::common::{MockSealer, SealPurpose};
    use crate::credentials::{CredentialVersion, Credentials, MockCredentialRepository};
    use crate::lockout::{AttemptGuard, MockRateLimiter};
    use crate::mfa::{FactorSealer, MockFactorRepository, MockTotp, SealedSecret, StoredFactor};
    use crate::sessions::{MockSessionRepository, MockTokenCodec, TicketClaims};
    use crate::testing::{self, SESSION, USER, at};

    /// What is there when a code comes.
    struct World {
        found: Option<Credentials>,
        admitted: bool,
        /// The step of the code, and whether it is taken.
        step: Option<(i64, bool)>,
        begins: bool,
    }

    impl World {
        fn new() -> Self {
            let found = Credentials { has_factor: true, ..testing::credentials(4) };
            Self { found: Some(found), admitted: true, step: Some((7, true)), begins: true }
        }

        /// What becomes of it, and whether the failure of the ticket was taken back.
        async fn complete(self) -> Result<LoggedIn, Error<CompleteLoginError>> {
            let (mut codec, mut credentials) =
                (MockTokenCodec::new(), MockCredentialRepository::new());
            codec.expect_verify_ticket().return_once(|token, purpose, now| {
                assert_eq!((token, purpose), ("ticket", TicketPurpose::SecondFactor));
                let (version, token_id) = (CredentialVersion(4), SESSION.0);
                let (issued_at, expires_at) = (now, now + TICKET_TTL);
                Ok(TicketClaims {
                    purpose,
                    user_id: USER,
                    version,
                    token_id,
                    issued_at,
                    expires_at,
                })
            });
            let found = self.found;
            credentials.expect_find_by_id().return_once(move |_| Ok(found));
            let (mut rates, admitted) = (MockRateLimiter::new(), self.admitted);
            rates
                .expect_reserve()
                .withf(|key, limit, _| *key == RateKey::WrongCode(SESSION.0) && *limit == CODES)
                .returning(move |_, _, _| {
                    let refused = Admission::Refused { retry_after: Duration::from_secs(9) };
                    Ok(if admitted { Admission::Admitted } else { refused })
                });
            // A right code is none of the five.
            let taken = self.step.is_some_and(|(_, taken)| taken);
            rates.expect_release().times(usize::from(taken && admitted)).returning(|_| Ok(()));
            let mut sessions = MockSessionRepository::new();
            sessions
                .expect_create()
                .withf(|new| new.has_factor && new.verified_version == CredentialVersion(4))
                .times(usize::from(self.begins))
                .returning(|_| Ok(testing::user()));
            let use_case = CompleteLogin {
                codec: Arc::new(codec),
                credentials: Arc::new(credentials),
                rates: Arc::new(rates),
                factor: factor(self.step),
                begin: testing::begin(Arc::new(sessions), 9),
                challenges: None,
                clock: testing::clock(9),
            };
            let code = FactorCode::parse("123456").unwrap();
            use_case.execute("ticket", &code, testing::request()).await
        }
    }

    fn factor(step: Option<(i64, bool)>) -> FactorCheck {
        let secret = SealedSecret { sealed: "c2VjcmV0".into(), key_id: "key".into() };
        let stored = StoredFactor { secret, last_step: 0, created_at: at(0) };
        let mut repository = MockFactorRepository::new();
        repository.expect_find().returning(move |_| Ok(Some(stored.clone())));
        let mut totp = MockTotp::new();
        totp.expect_step()
            .returning(move |_, code, _| step.filter(|_| code == "123456").map(|(step, _)| step));
        repository
            .expect_use_step()
            .withf(|user, secret, step| *user == USER && secret.key_id == "key" && *step == 7)
            .returning(move |_, _, _| Ok(step.is_some_and(|(_, taken)| taken)));
        let mut sealer = MockSealer::new();
        sealer
            .expect_open()
            .withf(|purpose, place, _| *purpose == SealPurpose::TotpSecrets && place == "user/1")
            .returning(|_, _, sealed| Some(sealed.to_vec()));
        sealer.expect_key_id().returning(|| "key".to_owned());
        FactorCheck {
            repository: Arc::new(repository),
            totp: Arc::new(totp),
            sealer: FactorSealer(Arc::new(sealer)),
            attempts: AttemptGuard { limits: None, ..testing::factor_check(9).attempts },
            ..testing::factor_check(9)
        }
    }

    #[tokio::test]
    async fn y2_a_right_code_begins_a_session_with_a_factor() {
        World::new().complete().await.unwrap();
    }

    #[tokio::test]
    async fn y2_a_ticket_is_void_once_the_account_has_changed() {
        let good = || Credentials { has_factor: true, ..testing::credentials(4) };
        for found in [
            None,
            Some(Credentials { version: CredentialVersion(5), ..good() }),
            Some(Credentials { is_active: false, ..good() }),
            Some(Credentials { banned_until: Some(at(99)), ..good() }),
            Some(Credentials { has_factor: false, ..good() }),
        ] {
            let (step, begins) = (None, false);
            let result = World { found, step, begins, ..World::new() }.complete().await;
            let expected = matches!(result, Err(Error::Refused(CompleteLoginError::InvalidTicket)));
            assert!(expected, "{result:?}");
        }
    }

    #[tokio::test]
    async fn y3_a_wrong_code_and_one_that_was_used_are_alike() {
        for step in [None, Some((7, false))] {
            let result = World { step, begins: false, ..World::new() }.complete().await;
            let expected = matches!(result, Err(Error::Refused(CompleteLoginError::WrongCode)));
            assert!(expected, "{result:?}");
        }
    }

    /// The clean-up may encrypt a secret anew between the look at it and the use of its code.
    #[tokio::test]
    async fn y5_a_code_is_right_while_its_secret_is_encrypted_anew() {
        let under =
            |key_id: &str| SealedSecret { sealed: "c2VjcmV0".into(), key_id: key_id.into() };
        let mut repository = MockFactorRepository::new();
        let mut keys = ["old", "new"].into_iter();
        repository.expect_find().times(2).returning(move |_| {
            let secret = under(keys.next().unwrap());
            Ok(Some(StoredFactor { secret, last_step: 0, created_at: at(0) }))
        });
        repository.expect_use_step().times(2).returning(|_, secret, _| Ok(secret.key_id == "new"));
        let mut sealer = MockSealer::new();
        sealer.expect_open().returning(|_, _, sealed| Some(sealed.to_vec()));
        sealer.expect_key_id().returning(|| "new".to_owned());
        let check = FactorCheck {
            repository: Arc::new(repository),
            sealer: FactorSealer(Arc::new(sealer)),
            ..factor(Some((7, true)))
        };
        let code = FactorCode::parse("123456").unwrap();
        assert!(check.of_login(USER, &code, testing::request()).await.is_ok());
    }

    #[tokio::test]
    async fn y4_five_wrong_codes_end_the_ticket() {
        let world = World { admitted: false, begins: false, ..World::new() };
        let result = world.complete().await;
        let expected = matches!(result, Err(Error::Refused(CompleteLoginError::InvalidTicket)));
        assert!(expected, "{result:?}");
    }
}
