//! Handing a login over to an application: it sends people to the pages, gets them back with a code, and
//! exchanges the code for tokens (as OAuth 2 does, RFC 6749 §4.1, with the challenge of RFC 7636).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::access::Principal;
use crate::common::random::bytes;
use crate::common::text::hex;
use crate::common::{
    Clock, Error, PortError, Random, RequestContext, Timestamp, UserId, Violation,
};
use crate::credentials::{CredentialRepository, CredentialVersion};
use crate::ports::{Policy, Ports, RequiredPorts};
use crate::sessions::{BeginSession, BeginSessionError, LoggedIn, SessionRepository, Ticket};

/// For how long a code can be exchanged.
pub const HAND_OFF_TTL: Duration = Duration::from_secs(60);

/// A code: 32 random bytes in base64url. Stores know the digest of it with its challenge.
#[derive(Clone)]
pub struct HandOffCode(SecretString);

/// What an application keeps to itself until the exchange: 43 to 128 characters (RFC 7636 §4.1).
#[derive(Clone)]
pub struct CodeVerifier(SecretString);

/// What it sends along before: SHA-256 of the verifier in base64url (`S256`, RFC 7636 §4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

/// SHA-256 of a code and its challenge, in hexadecimal digits: the one is not found without the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HandOffDigest(String);

impl HandOffCode {
    /// The number of characters.
    pub const LENGTH: usize = 43;

    /// The code that an application sent. What is none of ours is like one that nobody knows.
    ///
    /// # Errors
    /// [`Violation::TooLong`] for a text that is far too long.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let max = 4 * Self::LENGTH;
        if text.chars().count() > max {
            return Err(Violation::TooLong { max });
        }
        Ok(Self(text.into()))
    }

    /// The code, for the address that leads back.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What stores know it by, with this challenge.
    pub fn digest(&self, challenge: &CodeChallenge) -> HandOffDigest {
        let mut digest = Sha256::new();
        digest.update(self.expose());
        digest.update(".");
        digest.update(&challenge.0);
        HandOffDigest(hex(&digest.finalize()))
    }
}

impl CodeVerifier {
    /// The bounds of its length.
    pub const LENGTH: (usize, usize) = (43, 128);

    /// The verifier that an application sent.
    ///
    /// # Errors
    /// It is too short or too long. What has other characters than a verifier fits no challenge.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let (min, max) = Self::LENGTH;
        match text.chars().count() {
            length if length < min => Err(Violation::TooShort { min }),
            length if length > max => Err(Violation::TooLong { max }),
            _ => Ok(Self(text.into())),
        }
    }

    /// What was sent along for it.
    pub fn challenge(&self) -> CodeChallenge {
        CodeChallenge(URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.expose_secret())))
    }
}

impl CodeChallenge {
    /// The challenge that an application sent; `None`: it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = text.len() == 43
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        is_one.then(|| Self(text.to_owned()))
    }
}

impl HandOffDigest {
    /// The digest as stores hold it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HandOffCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandOffCode(…)")
    }
}

impl fmt::Debug for CodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeVerifier(…)")
    }
}

/// Whose session a code was of that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenHandOff {
    /// Whose.
    pub user_id: UserId,
    /// The credential version that the account had when the code was taken.
    pub version: CredentialVersion,
    /// Whether a second factor was given in it.
    pub has_factor: bool,
    /// When the password was last given in it.
    pub authenticated_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
}

/// Makes a code for an application, out of the session of the caller.
#[non_exhaustive]
pub struct OfferHandOff {
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// Draws the code.
    pub random: Arc<dyn Random>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl OfferHandOff {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { sessions, random, clock, .. } = &ports.required;
        Self { sessions: sessions.clone(), random: random.clone(), clock: clock.clone() }
    }

    /// Runs the use-case. A session has one code at a time: an earlier one is of no use any more. `None`: the
    /// session has ended.
    ///
    /// # Errors
    /// The store failed.
    pub async fn execute(
        &self,
        caller: &Principal,
        challenge: &CodeChallenge,
    ) -> Result<Option<HandOffCode>, PortError> {
        let code = HandOffCode(URL_SAFE_NO_PAD.encode(bytes(&*self.random)?).into());
        let (digest, now): (_, Timestamp) = (code.digest(challenge), self.clock.now());
        let offered = self
            .sessions
            .offer_hand_off(caller.session_id, digest, now, now + HAND_OFF_TTL)
            .await?;
        Ok(offered.then_some(code))
    }
}

/// Why a code was not exchanged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ExchangeCodeError {
    /// It is unknown, used or expired, the verifier is not the one that belongs to it, or the session that it
    /// is of has ended. Nothing tells which.
    #[error("the code is not valid")]
    InvalidCode,
    /// The user has as many sessions as there may be.
    #[error("the user has as many sessions as there may be")]
    TooManySessions(Ticket),
}

/// Begins a session of the application's own for whoever comes back with a code. It ends apart from that of
/// the pages, and lasts no longer.
#[non_exhaustive]
pub struct ExchangeCode {
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// Whether the account may log in.
    pub credentials: Arc<dyn CredentialRepository>,
    /// Begins the session.
    pub begin: BeginSession,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl ExchangeCode {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { sessions, credentials, clock, .. } = &ports.required;
        Self {
            sessions: sessions.clone(),
            credentials: credentials.clone(),
            begin: BeginSession::new(ports, policy),
            clock: clock.clone(),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`ExchangeCodeError`].
    pub async fn execute(
        &self,
        code: &HandOffCode,
        verifier: &CodeVerifier,
        request: RequestContext,
    ) -> Result<LoggedIn, Error<ExchangeCodeError>> {
        let (now, invalid) = (self.clock.now(), || Error::Refused(ExchangeCodeError::InvalidCode));
        let taken = self.sessions.take_hand_off(code.digest(&verifier.challenge()), now).await?;
        let taken = taken.ok_or_else(invalid)?;
        let found = self.credentials.find_by_id(taken.user_id).await?;
        let credentials = found
            .filter(|found| found.version == taken.version && found.check(now).is_ok())
            .ok_or_else(invalid)?;
        // Nobody is asked for anything here: what was given, and until when it lasts, is as in that session.
        match self.begin.beside(&credentials, &taken, request).await {
            Ok(logged_in) => {
                tracing::info!(event = "login_handed_over", user_id = %taken.user_id);
                Ok(logged_in)
            }
            Err(Error::Refused(BeginSessionError::Stale(_))) => Err(invalid()),
            Err(Error::Refused(BeginSessionError::TooManySessions(ticket))) => {
                Err(Error::Refused(ExchangeCodeError::TooManySessions(ticket)))
            }
            Err(Error::Port(error)) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{Credentials, MockCredentialRepository};
    use crate::sessions::MockSessionRepository;
    use crate::testing::{self, SESSION, USER, at};

    /// The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn g9_a_challenge_is_the_digest_of_its_verifier() {
        let verifier = CodeVerifier::parse(VERIFIER).unwrap();
        let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
        assert_eq!(verifier.challenge(), challenge);
        for other in ["", "plain", &CHALLENGE[1..], &format!("{CHALLENGE}="), &"+".repeat(43)] {
            assert!(CodeChallenge::parse(other).is_none(), "{other}");
        }
        assert!(CodeVerifier::parse(&VERIFIER[1..]).is_err());
        assert!(CodeVerifier::parse(&"a".repeat(129)).is_err());
        assert!(!format!("{verifier:?}").contains(VERIFIER));
        let code = HandOffCode::parse("code").unwrap();
        let other = CodeChallenge::parse(&"a".repeat(43)).unwrap();
        assert_ne!(code.digest(&challenge), code.digest(&other));
    }

    #[tokio::test]
    async fn g9_a_code_is_offered_for_a_minute() {
        for live in [true, false] {
            let mut sessions = MockSessionRepository::new();
            sessions
                .expect_offer_hand_off()
                .withf(|id, digest, now, until| {
                    (*id, *now, *until) == (SESSION, at(9), at(69)) && digest.as_str().len() == 64
                })
                .return_once(move |_, _, _, _| Ok(live));
            let offer = OfferHandOff {
                sessions: Arc::new(sessions),
                random: testing::random(),
                clock: testing::clock(9),
            };
            let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
            let code = offer.execute(&testing::principal(), &challenge).await.unwrap();
            assert_eq!(code.map(|code| code.expose().len()), live.then_some(HandOffCode::LENGTH));
        }
    }

    async fn exchange(
        taken: Option<TakenHandOff>,
        found: Option<Credentials>,
        begins: bool,
    ) -> Result<LoggedIn, Error<ExchangeCodeError>> {
        let mut sessions = MockSessionRepository::new();
        sessions.expect_take_hand_off().return_once(move |_, _| Ok(taken));
        sessions
            .expect_create()
            .withf(|new| {
                new.has_factor
                    && new.verified_version == CredentialVersion(4)
                    && new.authenticated_at == Some(at(1))
                    && new.ends_at.min(new.expires_at) == at(1000)
            })
            .times(usize::from(begins))
            .returning(|_| Ok(testing::user()));
        let mut credentials = MockCredentialRepository::new();
        credentials.expect_find_by_id().returning(move |_| Ok(found.clone()));
        let sessions: Arc<dyn SessionRepository> = Arc::new(sessions);
        let exchange = ExchangeCode {
            sessions: sessions.clone(),
            credentials: Arc::new(credentials),
            begin: testing::begin(sessions, 9),
            clock: testing::clock(9),
        };
        let code = HandOffCode::parse("code").unwrap();
        let verifier = CodeVerifier::parse(VERIFIER).unwrap();
        exchange.execute(&code, &verifier, testing::request()).await
    }

    #[tokio::test]
    async fn g9_a_code_is_exchanged_for_a_session_of_the_same_standing() {
        let version = CredentialVersion(4);
        // Of a session that is older than this, and ends sooner than another would.
        let (authenticated_at, ends_at) = (at(1), at(1000));
        let taken =
            TakenHandOff { user_id: USER, version, has_factor: true, authenticated_at, ends_at };
        exchange(Some(taken), Some(testing::credentials(4)), true).await.unwrap();
        let inactive = Credentials { is_active: false, ..testing::credentials(4) };
        for (taken, found) in [
            (None, Some(testing::credentials(4))),
            (Some(taken), None),
            (Some(taken), Some(testing::credentials(5))),
            (Some(taken), Some(inactive)),
        ] {
            let result = exchange(taken, found, false).await;
            assert!(matches!(result, Err(Error::Refused(ExchangeCodeError::InvalidCode))));
        }
    }
}
