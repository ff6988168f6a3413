//! Use-case: logging in.

use std::sync::Arc;

use futures_util::future::join;

use crate::accounts::LoginName;
use crate::audit::AuditReason;
use crate::common::{Causes, Clock, Error, RequestContext};
use crate::credentials::{
    CandidatePassword, CredentialRepository, Credentials, Overloaded, PasswordHasher, Verification,
};
use crate::lockout::{AttemptGuard, LockoutSubject, TooManyAttempts};
use crate::mfa::{FactorCheck, FactorCode, FactorError};
use crate::ports::{Policy, Ports, RequiredPorts};
use crate::sessions::{BeginSession, BeginSessionError, LoggedIn, Ticket, TicketPurpose};

/// What somebody logs in with.
#[derive(Debug, Clone)]
pub struct LoginInput {
    /// A user name or e-mail address.
    pub name: LoginName,
    /// The password tried.
    pub password: CandidatePassword,
    /// A code of the second factor, if the client has asked for one. Of no use where there is no factor.
    pub code: Option<FactorCode>,
    /// Where from.
    pub request: RequestContext,
}

impl LoginInput {
    /// Without a code of a second factor.
    pub fn new(name: LoginName, password: CandidatePassword, request: RequestContext) -> Self {
        Self { name, password, code: None, request }
    }
}

/// Why nobody was logged in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoginError {
    /// Unknown name, wrong password or inactive account. Neither the answer nor its time tells
    /// which.
    #[error("user name or password is wrong")]
    InvalidCredentials,
    /// The password is right, but the user has never proved an address, and must.
    #[error("the e-mail address is not verified")]
    EmailNotVerified,
    /// The password is right, and the account has a second factor: with the ticket,
    /// [`CompleteLogin`](crate::sessions::CompleteLogin) goes on.
    #[error("a code of the second factor is needed")]
    MfaRequired(Ticket),
    /// The password is right, but the code is wrong.
    #[error("the code is wrong, or was used before")]
    WrongCode,
    /// The password is right, but the user has as many sessions as there may be. With the ticket they list
    /// and end them.
    #[error("the user has as many sessions as there may be")]
    TooManySessions(Ticket),
    /// Too many failures.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
    /// No capacity to hash.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

impl From<FactorError> for LoginError {
    fn from(error: FactorError) -> Self {
        match error {
            FactorError::WrongCode => Self::WrongCode,
            FactorError::TooManyAttempts(error) => error.into(),
        }
    }
}

/// Verifies a password and begins a session.
///
/// A name that nobody has, a wrong password and an inactive account cost one hash each and are
/// answered alike (OWASP ASVS 5.0, 6.3.8). The session is made for the credential version that was
/// read with the hash, so a password change or deactivation in between makes the login fail.
#[non_exhaustive]
pub struct Login {
    /// The passwords.
    pub credentials: Arc<dyn CredentialRepository>,
    /// Begins sessions.
    pub begin: BeginSession,
    /// Checks the second factor.
    pub factor: FactorCheck,
    /// Verifies.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Counts failures.
    pub attempts: AttemptGuard,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether nobody logs in who has never proved an address.
    pub require_verification: bool,
}

impl Login {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { credentials, hasher, clock, .. } = &ports.required;
        Self {
            credentials: credentials.clone(),
            begin: BeginSession::new(ports, policy),
            factor: FactorCheck::new(ports, policy),
            hasher: hasher.clone(),
            attempts: AttemptGuard::new(ports, policy),
            clock: clock.clone(),
            require_verification: policy.require_verification,
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn execute(&self, input: LoginInput) -> Result<LoggedIn, Error<LoginError>> {
        // Under overload most logins are refused here, before they cost the database anything.
        let Some(permit) = self.hasher.try_reserve() else {
            return Err(Error::Refused(Overloaded.into()));
        };
        let found = self.credentials.find_by_name(&input.name).await?;
        let subject = found.as_ref().map_or_else(
            || LockoutSubject::nobody(&input.name),
            |c| LockoutSubject::Account(c.user_id),
        );
        let begun = self.attempts.begin_login(subject, input.request.clone()).await;
        let mut attempt = begun.map_err(Error::cast)?;
        let hash = found.as_ref().map(|credentials| credentials.hash.clone());
        // Free the reserved place right before hashing takes it.
        drop(permit);
        let verification = match self.hasher.verify(&input.password, hash).await {
            Ok(verification) => verification,
            Err(error) => {
                attempt.undecided().await;
                return Err(error.cast());
            }
        };
        let judged = match (found, verification) {
            (None, _) => Err(AuditReason::UnknownName),
            (Some(_), Verification::Mismatch) => Err(AuditReason::WrongPassword),
            (Some(credentials), Verification::Match { needs_rehash }) => {
                credentials.check(self.clock.now()).map(|()| (credentials, needs_rehash))
            }
        };
        let (credentials, needs_rehash) = match judged {
            Ok(judged) => judged,
            Err(reason) => {
                attempt.failed(reason);
                return Err(Error::Refused(LoginError::InvalidCredentials));
            }
        };
        if self.require_verification && !credentials.is_proved {
            attempt.forbidden(AuditReason::EmailNotVerified).await;
            return Err(Error::Refused(LoginError::EmailNotVerified));
        }
        if credentials.has_factor {
            // The password was right, and its count knows so; codes have a count of their own.
            attempt.succeeded().await;
            if needs_rehash {
                self.rehash(&credentials, &input.password).await;
            }
            return self.with_factor(&credentials, input).await;
        }
        attempt.verified();
        let logged_in = match self.begin.execute(&credentials, false, input.request).await {
            Ok(logged_in) => logged_in,
            Err(Error::Refused(BeginSessionError::Stale(_))) => {
                attempt.failed(AuditReason::AccountChanged);
                return Err(Error::Refused(LoginError::InvalidCredentials));
            }
            Err(Error::Refused(BeginSessionError::TooManySessions(ticket))) => {
                attempt.forbidden(AuditReason::TooManySessions).await;
                return Err(Error::Refused(LoginError::TooManySessions(ticket)));
            }
            Err(Error::Port(error)) => {
                // The password was right: an outage must not lock its owner out.
                attempt.undecided().await;
                return Err(error.into());
            }
        };
        attempt.succeeded().await;
        if needs_rehash {
            self.rehash(&credentials, &input.password).await;
        }
        tracing::info!(event = "login_succeeded", user_id = %credentials.user_id);
        Ok(logged_in)
    }

    /// Goes on where the password was right and the account has a second factor.
    async fn with_factor(
        &self,
        credentials: &Credentials,
        input: LoginInput,
    ) -> Result<LoggedIn, Error<LoginError>> {
        let LoginInput { code, request, .. } = input;
        let Some(code) = code else {
            let purpose = TicketPurpose::SecondFactor;
            let ticket = self.begin.tokens.ticket(purpose, credentials, self.clock.now())?;
            let methods = self.factor.methods(credentials.user_id).await?;
            return Err(Error::Refused(LoginError::MfaRequired(Ticket { methods, ..ticket })));
        };
        let checked = self.factor.of_login(credentials.user_id, &code, request.clone()).await;
        let attempt = checked.map_err(Error::cast)?;
        let begin = self.begin.execute(credentials, true, request);
        let (session, ()) = join(begin, attempt.succeeded()).await;
        match session {
            Ok(logged_in) => {
                tracing::info!(event = "login_succeeded", user_id = %credentials.user_id);
                Ok(logged_in)
            }
            Err(Error::Refused(BeginSessionError::Stale(_))) => {
                Err(Error::Refused(LoginError::InvalidCredentials))
            }
            Err(Error::Refused(BeginSessionError::TooManySessions(ticket))) => {
                Err(Error::Refused(LoginError::TooManySessions(ticket)))
            }
            Err(Error::Port(error)) => Err(error.into()),
        }
    }

    /// Brings an old hash to the configured cost. The login has already succeeded, so a failure
    /// here is only logged.
    async fn rehash(&self, credentials: &Credentials, password: &CandidatePassword) {
        let rehashed = match self.hasher.rehash(password).await {
            Ok(hash) => {
                self.credentials.rehash(credentials.user_id, credentials.version, hash).await
            }
            Err(Error::Refused(Overloaded)) => return,
            Err(Error::Port(error)) => Err(error),
        };
        if let Err(error) = rehashed {
            tracing::warn!(error = %Causes(&error), user_id = %credentials.user_id, "a hash was not renewed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mockall::predicate::eq;

    use super::*;
    use crate::audit::AuditAction;
    use crate::credentials::{
        CredentialVersion, MockCredentialRepository, MockPasswordHasher, Permit,
    };
    use crate::lockout::{Admission, LoginLimits, MockLockoutRepository, MockRateLimiter};
    use crate::mfa::FactorMethod;
    use crate::sessions::{
        CreateSessionError, MockSessionRepository, OnExcess, SessionLimit, StaleCredentials,
    };
    use crate::testing::{self, SESSION, Trail, USER, at};

    /// The ports of a login, each ready for expectations.
    struct World {
        credentials: MockCredentialRepository,
        sessions: MockSessionRepository,
        hasher: MockPasswordHasher,
        lockouts: MockLockoutRepository,
        rates: MockRateLimiter,
        trail: Arc<Trail>,
        require_verification: bool,
        code: Option<FactorCode>,
    }

    impl World {
        /// A world in which this account (or nobody) has the name, and no limit is reached.
        fn with(account: Option<Credentials>) -> Self {
            let mut world = Self {
                credentials: MockCredentialRepository::new(),
                sessions: MockSessionRepository::new(),
                hasher: MockPasswordHasher::new(),
                lockouts: MockLockoutRepository::new(),
                rates: MockRateLimiter::new(),
                trail: Arc::default(),
                require_verification: false,
                code: None,
            };
            world.hasher.expect_try_reserve().returning(|| Some(Permit::unlimited()));
            world.credentials.expect_find_by_name().return_once(move |_| Ok(account));
            world.rates.expect_reserve().returning(|_, _, _| Ok(Admission::Admitted));
            world
        }

        /// The recorded events, for assertions.
        fn trail(&self) -> Arc<Trail> {
            Arc::clone(&self.trail)
        }

        fn admitted(mut self) -> Self {
            self.lockouts.expect_reserve().returning(|_, _, _, _| Ok(Admission::Admitted));
            self
        }

        fn verdict(mut self, verdict: Verification) -> Self {
            self.hasher.expect_verify().times(1).return_once(move |_, _| Ok(verdict));
            self
        }

        fn reset(mut self) -> Self {
            self.lockouts.expect_succeed().times(1).return_once(|_, _| Ok(()));
            self.rates.expect_release().times(1).return_once(|_| Ok(()));
            self
        }

        async fn login(self) -> Result<LoggedIn, Error<LoginError>> {
            let clock = testing::clock(10);
            let login = Login {
                credentials: Arc::new(self.credentials),
                begin: BeginSession {
                    sessions: Arc::new(self.sessions),
                    tokens: testing::issuer(),
                    random: testing::random(),
                    clock: clock.clone(),
                    session_ttl: Duration::from_secs(7 * 86_400),
                    idle_ttl: None,
                    limit: Some(LIMIT),
                    factor_roles: Arc::new([]),
                },
                factor: testing::factor_check(10),
                hasher: Arc::new(self.hasher),
                attempts: AttemptGuard {
                    lockouts: Arc::new(self.lockouts),
                    rates: Arc::new(self.rates),
                    clock: clock.clone(),
                    trail: self.trail,
                    limits: Some(LoginLimits::DEFAULT),
                },
                clock,
                require_verification: self.require_verification,
            };
            let input = LoginInput {
                name: LoginName::parse("Mike").unwrap(),
                password: CandidatePassword::parse("password123").unwrap(),
                code: self.code,
                request: testing::request(),
            };
            login.execute(input).await
        }
    }

    const LIMIT: SessionLimit = SessionLimit { max: 3, on_excess: OnExcess::Refuse };

    const RIGHT: Verification = Verification::Match { needs_rehash: false };

    #[tokio::test]
    async fn q2_a_right_password_alone_learns_that_the_address_is_not_proved() {
        let asked = |is_proved, verdict| {
            let credentials = Credentials { is_proved, ..testing::credentials(4) };
            let mut world = World::with(Some(credentials)).admitted().verdict(verdict);
            world.require_verification = true;
            world
        };
        let world = asked(false, RIGHT).reset();
        let trail = world.trail();
        let refused = world.login().await;
        assert!(matches!(refused, Err(Error::Refused(LoginError::EmailNotVerified))));
        trail.has([(AuditAction::LoginFailed, AuditReason::EmailNotVerified)]);
        let refused = asked(false, Verification::Mismatch).login().await;
        assert!(matches!(refused, Err(Error::Refused(LoginError::InvalidCredentials))));
        let mut proved = asked(true, RIGHT).reset();
        proved.sessions.expect_create().times(1).return_once(|_| Ok(testing::user()));
        proved.login().await.unwrap();
    }

    #[tokio::test]
    async fn a_right_password_begins_a_session_of_the_verified_version() {
        let mut world =
            World::with(Some(testing::credentials(4))).admitted().verdict(RIGHT).reset();
        world
            .sessions
            .expect_create()
            .withf(|new| {
                new.verified_version == CredentialVersion(4)
                    && new.id == SESSION
                    && new.request == testing::request()
                    && new.created_at == at(10)
                    && new.expires_at == at(10 + 7 * 86_400)
                    && (new.ends_at, new.limit) == (new.expires_at, Some(LIMIT))
            })
            .times(1)
            .return_once(|_| Ok(testing::user()));
        let trail = world.trail();
        let logged_in = world.login().await.unwrap();
        trail.has([]);
        assert_eq!(logged_in.user, testing::user());
        assert_eq!(logged_in.tokens.expires_in, Duration::from_secs(1800));
    }

    #[tokio::test]
    async fn e1_unknown_wrong_and_inactive_cost_a_hash_and_are_answered_alike() {
        let inactive = Credentials { is_active: false, ..testing::credentials(0) };
        for (account, verdict, reason) in [
            (None, Verification::Mismatch, AuditReason::UnknownName),
            (Some(testing::credentials(0)), Verification::Mismatch, AuditReason::WrongPassword),
            (Some(inactive), RIGHT, AuditReason::Inactive),
        ] {
            let world = World::with(account).admitted().verdict(verdict);
            let trail = world.trail();
            assert!(matches!(
                world.login().await,
                Err(Error::Refused(LoginError::InvalidCredentials))
            ));
            trail.has([(AuditAction::LoginFailed, reason)]);
        }
    }

    #[tokio::test]
    async fn l1_where_there_is_no_room_nothing_is_asked_or_counted() {
        let mut world = World::with(None);
        world.hasher = MockPasswordHasher::new();
        world.hasher.expect_try_reserve().times(1).returning(|| None);
        world.credentials = MockCredentialRepository::new();
        world.rates = MockRateLimiter::new();
        let trail = world.trail();
        assert!(matches!(world.login().await, Err(Error::Refused(LoginError::Overloaded(_)))));
        trail.has([]);
    }

    #[tokio::test]
    async fn r1_a_refused_attempt_is_not_hashed() {
        let mut world = World::with(Some(testing::credentials(0)));
        world.rates.expect_release().return_once(|_| Ok(()));
        let retry_after = Duration::from_secs(77);
        world
            .lockouts
            .expect_reserve()
            .withf(|subject, _, limits, now| {
                *subject == LockoutSubject::Account(USER)
                    && limits.per_client.max == 10
                    && *now == at(10)
            })
            .return_once(move |_, _, _, _| Ok(Admission::Refused { retry_after }));
        let result = world.login().await;
        assert!(matches!(
            result,
            Err(Error::Refused(LoginError::TooManyAttempts(e))) if e.retry_after == retry_after
        ));
    }

    #[tokio::test]
    async fn r5_a_name_that_nobody_has_is_counted_as_well() {
        let mut world = World::with(None).verdict(Verification::Mismatch);
        world
            .lockouts
            .expect_reserve()
            .withf(|subject, _, _, _| matches!(subject, LockoutSubject::Nobody(_)))
            .times(1)
            .return_once(|_, _, _, _| Ok(Admission::Admitted));
        assert!(world.login().await.is_err());
    }

    #[tokio::test]
    async fn x3_an_account_changed_during_the_hash_is_answered_as_wrong() {
        let mut world = World::with(Some(testing::credentials(4))).admitted().verdict(RIGHT);
        world
            .sessions
            .expect_create()
            .return_once(|_| Err(Error::Refused(StaleCredentials.into())));
        let trail = world.trail();
        assert!(matches!(world.login().await, Err(Error::Refused(LoginError::InvalidCredentials))));
        trail.has([(AuditAction::LoginFailed, AuditReason::AccountChanged)]);
    }

    #[tokio::test]
    async fn y2_a_right_password_alone_gets_a_ticket_and_no_session() {
        let with_factor = || Some(Credentials { has_factor: true, ..testing::credentials(4) });
        let world = World::with(with_factor()).admitted().verdict(RIGHT).reset();
        let trail = world.trail();
        let Err(Error::Refused(LoginError::MfaRequired(ticket))) = world.login().await else {
            panic!("no code was asked for");
        };
        assert_eq!(ticket.methods, [FactorMethod::Totp, FactorMethod::RecoveryCode]);
        assert_eq!(ticket.expires_in, Duration::from_secs(300));
        trail.has([]);
        // Nobody learns without the password that there is a factor.
        let wrong = World::with(with_factor()).admitted().verdict(Verification::Mismatch);
        let wrong = wrong.login().await;
        assert!(matches!(wrong, Err(Error::Refused(LoginError::InvalidCredentials))));
        // The factor of this world takes no code.
        let mut world = World::with(with_factor()).admitted().verdict(RIGHT).reset();
        world.code = Some(FactorCode::parse("123456").unwrap());
        let refused = world.login().await;
        assert!(matches!(refused, Err(Error::Refused(LoginError::WrongCode))));
    }

    #[tokio::test]
    async fn d4_somebody_with_as_many_sessions_as_there_may_be_gets_a_ticket() {
        let credentials = Some(testing::credentials(4));
        let mut world = World::with(credentials).admitted().verdict(RIGHT).reset();
        let refused = CreateSessionError::TooManySessions;
        world.sessions.expect_create().return_once(move |_| Err(Error::Refused(refused)));
        let trail = world.trail();
        let Err(Error::Refused(LoginError::TooManySessions(ticket))) = world.login().await else {
            panic!("it was not refused");
        };
        assert_eq!(ticket.expires_in, Duration::from_secs(300));
        trail.has([(AuditAction::LoginFailed, AuditReason::TooManySessions)]);
    }

    #[tokio::test]
    async fn an_attempt_that_could_not_be_hashed_is_no_failure() {
        let mut world = World::with(Some(testing::credentials(0))).admitted();
        world.hasher.expect_verify().return_once(|_, _| Err(Error::Refused(Overloaded)));
        world.lockouts.expect_release().times(1).return_once(|_, _| Ok(()));
        world.rates.expect_release().times(1).return_once(|_| Ok(()));
        let trail = world.trail();
        assert!(matches!(world.login().await, Err(Error::Refused(LoginError::Overloaded(_)))));
        trail.has([]);
    }

    #[tokio::test]
    async fn p10_an_old_hash_is_renewed_and_its_failure_does_not_undo_the_login() {
        let verdict = Verification::Match { needs_rehash: true };
        let mut world =
            World::with(Some(testing::credentials(4))).admitted().verdict(verdict).reset();
        world.sessions.expect_create().return_once(|_| Ok(testing::user()));
        world.hasher.expect_rehash().times(1).return_once(|_| Ok(testing::hash()));
        world
            .credentials
            .expect_rehash()
            .with(eq(USER), eq(CredentialVersion(4)), mockall::predicate::always())
            .times(1)
            .return_once(|_, _, _| Err(testing::broken()));
        assert!(world.login().await.is_ok());
    }

    #[tokio::test]
    async fn a_store_that_is_down_is_never_a_wrong_password_and_no_failure() {
        let mut world = World::with(Some(testing::credentials(4))).admitted().verdict(RIGHT);
        world.lockouts.expect_release().times(1).return_once(|_, _| Ok(()));
        world.rates.expect_release().times(1).return_once(|_| Ok(()));
        world.sessions.expect_create().return_once(|_| Err(testing::broken().into()));
        assert!(matches!(world.login().await, Err(Error::Port(_))));
    }
}
