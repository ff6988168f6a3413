//! What the unit tests of the use-cases share: one user, one session, a clock that does not move.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;
use uuid::Uuid;

use crate::access::rights::Right;
use crate::access::{Allowed, Guard, Principal};
use crate::accounts::{Email, Role, User, Username, UsernameLength};
use crate::audit::{AuditAction, AuditContext, AuditEvent, AuditReason, AuditTrail};
use crate::common::{
    ClientInfo, Clock, MockClock, MockRandom, NoSealer, PortError, Random, RequestContext,
    RequestId, SessionId, Timestamp, UserId,
};
use crate::credentials::{
    CredentialVersion, Credentials, MockCredentialRepository, MockPasswordHasher, PasswordHash,
    PasswordPrompt, Verification,
};
use crate::lockout::{
    Admission, AttemptGuard, LockoutSubject, LoginLimits, MockLockoutRepository, MockRateLimiter,
};
use crate::mail::Post;
use crate::mfa::{FactorCheck, FactorSealer, NoFactors, NoTotp};
use crate::one_time::{MockTokenMaker, OneTimeToken, TokenSeed};
use crate::sessions::{
    AccessClaims, BeginSession, Generation, LiveSession, MockTokenCodec, Session,
    SessionRepository, TokenIssuer,
};

pub(crate) const NETWORK: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
pub(crate) const SESSION: SessionId = SessionId(Uuid::from_u128(0x5e55_1011));

pub(crate) const USER: UserId = UserId::FIRST;

/// Seconds after the moment at which these tests begin.
pub(crate) fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

pub(crate) fn clock(seconds: i64) -> Arc<dyn Clock> {
    let mut clock = MockClock::new();
    clock.expect_now().return_const(at(seconds));
    Arc::new(clock)
}

pub(crate) fn random() -> Arc<dyn Random> {
    let mut random = MockRandom::new();
    random.expect_uuid().returning(|| Ok(SESSION.0));
    Arc::new(random)
}

pub(crate) fn issuer() -> TokenIssuer {
    let mut codec = MockTokenCodec::new();
    codec.expect_sign_access().returning(|_| Ok("access".into()));
    codec.expect_sign_refresh().returning(|_| Ok("refresh".into()));
    codec.expect_sign_ticket().returning(|_| Ok("ticket".into()));
    TokenIssuer { codec: Arc::new(codec), random: random(), access_ttl: Duration::from_secs(1800) }
}

/// Begins sessions in this repository, at this second.
pub(crate) fn begin(sessions: Arc<dyn SessionRepository>, seconds: i64) -> BeginSession {
    BeginSession {
        sessions,
        tokens: issuer(),
        random: random(),
        clock: clock(seconds),
        session_ttl: Duration::from_secs(86_400),
        idle_ttl: None,
        limit: None,
        factor_roles: Arc::new([]),
    }
}

pub(crate) fn client() -> ClientInfo {
    ClientInfo::at(NETWORK)
}

pub(crate) fn request() -> RequestContext {
    RequestContext { client: client(), request_id: Some(RequestId::parse("request-1").unwrap()) }
}

/// Keeps the events that it receives.
#[derive(Default)]
pub(crate) struct Trail(Mutex<Vec<AuditEvent>>);

impl AuditTrail for Trail {
    fn note(&self, event: AuditEvent) {
        self.0.lock().unwrap().push(event);
    }
}

impl Trail {
    pub(crate) fn events(&self) -> Vec<AuditEvent> {
        self.0.lock().unwrap().clone()
    }

    /// These failures, and nothing else.
    pub(crate) fn has<const N: usize>(&self, expected: [(AuditAction, AuditReason); N]) {
        let found: Vec<_> =
            self.events().iter().map(|event| (event.action, event.reason.unwrap())).collect();
        assert_eq!(found, expected);
    }
}

/// The guard at this second, and where it records whom it refuses.
pub(crate) fn guard(seconds: i64) -> (Guard, Arc<Trail>) {
    let trail = Arc::new(Trail::default());
    let (clock, roles) = (clock(seconds), Arc::default());
    let guard = Guard { trail: trail.clone(), clock, roles, step_up: None };
    (guard, trail)
}

/// Proof that [`admin`] has a right, at this second.
pub(crate) fn allowed<R: Right>(seconds: i64) -> Allowed<R> {
    guard(seconds).0.allow(&admin(), request()).unwrap()
}

/// What [`admin`] does at this second.
pub(crate) fn context_of_admin(seconds: i64) -> AuditContext {
    AuditContext::by(&admin(), at(seconds), request())
}

/// A prompt for the password of [`USER`], whose credentials are of version 3: it is asked once and
/// verified with this result, or not asked. Also where its failures are recorded.
pub(crate) fn prompt(verified: Option<Verification>, seconds: i64) -> (PasswordPrompt, Arc<Trail>) {
    let (mut credentials, mut hasher) =
        (MockCredentialRepository::new(), MockPasswordHasher::new());
    let (mut lockouts, mut rates) = (MockLockoutRepository::new(), MockRateLimiter::new());
    if let Some(verified) = verified {
        credentials.expect_find_by_id().times(1).return_once(|_| Ok(Some(self::credentials(3))));
        hasher.expect_verify().times(1).return_once(move |_, _| Ok(verified));
        rates.expect_reserve().times(1).return_once(|_, _, _| Ok(Admission::Admitted));
        lockouts
            .expect_reserve()
            .withf(|subject, _, _, _| *subject == LockoutSubject::Account(USER))
            .times(1)
            .return_once(|_, _, _, _| Ok(Admission::Admitted));
    }
    if matches!(verified, Some(Verification::Match { .. })) {
        lockouts.expect_succeed().times(1).return_once(|_, _| Ok(()));
        rates.expect_release().times(1).return_once(|_| Ok(()));
    }
    let trail = Arc::new(Trail::default());
    let attempts = AttemptGuard {
        lockouts: Arc::new(lockouts),
        rates: Arc::new(rates),
        clock: clock(seconds),
        trail: trail.clone(),
        limits: Some(LoginLimits::DEFAULT),
    };
    let (credentials, hasher) = (Arc::new(credentials), Arc::new(hasher));
    (PasswordPrompt { credentials, hasher, attempts, factor: factor_check(seconds) }, trail)
}

/// One that finds no factor, and fails a test that tries a code.
pub(crate) fn factor_check(seconds: i64) -> FactorCheck {
    FactorCheck {
        repository: Arc::new(NoFactors),
        totp: Arc::new(NoTotp),
        sealer: FactorSealer(Arc::new(NoSealer)),
        passkeys: None,
        attempts: AttemptGuard {
            lockouts: Arc::new(MockLockoutRepository::new()),
            rates: Arc::new(MockRateLimiter::new()),
            clock: clock(seconds),
            trail: Arc::new(Trail::default()),
            limits: None,
        },
        post: post(seconds),
        outbox: None,
        clock: clock(seconds),
    }
}

/// One that makes mails at this second, all of one seed and one token.
pub(crate) fn post(seconds: i64) -> Post {
    let mut tokens = MockTokenMaker::new();
    let seed = TokenSeed { random: "00".repeat(32), key_id: "k".into() };
    tokens.expect_seed().returning(move || Ok(seed.clone()));
    tokens.expect_token().returning(|_, _| Some(OneTimeToken::from_bytes(&[7; 32])));
    Post::with(Arc::new(tokens), clock(seconds))
}

pub(crate) fn hash() -> PasswordHash {
    PasswordHash::new("$2b$04$hash".into())
}

pub(crate) fn user() -> User {
    let name = Username::parse("Mike", UsernameLength::DEFAULT).unwrap();
    User::new(USER, name, Email::parse("mike@example.com").unwrap(), at(0))
}

pub(crate) fn credentials(version: i64) -> Credentials {
    Credentials {
        user_id: USER,
        hash: hash(),
        version: CredentialVersion(version),
        is_active: true,
        banned_until: None,
        first_password: None,
        has_factor: false,
        is_proved: false,
    }
}

pub(crate) fn live() -> LiveSession {
    LiveSession {
        session: Session {
            id: SESSION,
            user_id: USER,
            generation: Generation::FIRST,
            created_at: at(0),
            last_used_at: at(0),
            authenticated_at: at(0),
            has_factor: false,
            expires_at: at(7 * 86_400),
            ends_at: at(7 * 86_400),
            client: client(),
        },
        user: user().into(),
    }
}

pub(crate) fn principal() -> Principal {
    Principal {
        user: user().into(),
        session_id: SESSION,
        authenticated_at: at(0),
        restriction: None,
    }
}

pub(crate) fn admin() -> Principal {
    let user = User { id: UserId::try_from(2).unwrap(), role: Role::ADMIN, ..user() };
    Principal { user: user.into(), session_id: SESSION, authenticated_at: at(0), restriction: None }
}

pub(crate) fn access_claims() -> AccessClaims {
    AccessClaims {
        user_id: USER,
        session_id: SESSION,
        role: Role::STUDENT,
        token_id: Uuid::nil(),
        issued_at: at(0),
        expires_at: at(1800),
        is_restricted: false,
    }
}

pub(crate) fn broken() -> PortError {
    PortError::unavailable("test", "broken")
}
