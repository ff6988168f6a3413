//! The other ports, as small as possible. The comment of each toy names the adapter to use instead.

use std::collections::HashMap;
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{SubsecRound, Utc};
use menjin_domain::common::{Clock, Error, PortError, Random, Timestamp};
use menjin_domain::credentials::{
    CandidatePassword, NewPassword, Overloaded, PasswordHash, PasswordHasher, PasswordPolicy,
    Permit, PolicyViolation, Verification,
};
use menjin_domain::lockout::{Admission, Limit, RateKey, RateLimiter, was_put_back};
use menjin_domain::mail::{Mail, MailError, Mailer};
use menjin_domain::one_time::{OneTimeToken, Purpose, TokenMaker, TokenSeed};
use menjin_domain::sessions::{
    AccessClaims, InvalidToken, PublicKey, RefreshClaims, TicketClaims, TicketPurpose, TokenCodec,
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The system's clock, which can be put forward, so that the example need not wait for a lockout to
/// end.
#[derive(Default)]
pub(crate) struct ForwardClock {
    seconds_ahead: AtomicU64,
}

impl ForwardClock {
    pub(crate) fn forward(&self, by: Duration) {
        self.seconds_ahead.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}

impl Clock for ForwardClock {
    #[expect(clippy::disallowed_methods, reason = "an adapter of Clock is where time comes in")]
    fn now(&self) -> Timestamp {
        let ahead = Duration::from_secs(self.seconds_ahead.load(Ordering::Relaxed));
        (Utc::now() + ahead).trunc_subsecs(6)
    }
}

/// A toy: it uses the random keys of the standard library's hash tables, which are not meant to be
/// secure. Use `OsRandom` of menjin-infra-credentials.
pub(crate) struct ToyRandom;

impl Random for ToyRandom {
    fn uuid(&self) -> Result<Uuid, PortError> {
        let state = RandomState::new();
        let bits = u128::from(state.hash_one(0)) << 64 | u128::from(state.hash_one(1));
        Ok(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
    }
}

/// A toy: repeated SHA-256 is slow on a server but fast on a graphics card, and the number of
/// parallel hashes has no limit. Use `BcryptPool` of menjin-infra-credentials.
pub(crate) struct ToyHasher {
    pub(crate) random: Arc<dyn Random>,
    pub(crate) rounds: u32,
}

impl ToyHasher {
    async fn hash_text(&self, password: &str) -> Result<PasswordHash, Error<Overloaded>> {
        let salt = self.random.uuid()?;
        Ok(PasswordHash::new(derive(password, salt, self.rounds).await?))
    }
}

#[async_trait]
impl PasswordHasher for ToyHasher {
    fn try_reserve(&self) -> Option<Permit> {
        Some(Permit::unlimited())
    }

    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, Error<Overloaded>> {
        self.hash_text(password.expose()).await
    }

    async fn hash_behind(&self, password: &NewPassword) -> Result<PasswordHash, PortError> {
        // Nothing waits here.
        let salt = self.random.uuid()?;
        Ok(PasswordHash::new(derive(password.expose(), salt, self.rounds).await?))
    }

    async fn rehash(
        &self,
        password: &CandidatePassword,
    ) -> Result<PasswordHash, Error<Overloaded>> {
        self.hash_text(password.expose()).await
    }

    async fn verify(
        &self,
        password: &CandidatePassword,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, Error<Overloaded>> {
        let stored = hash.as_ref().map(PasswordHash::expose);
        // An unknown name takes as long as a known one.
        let (rounds, salt) = stored.and_then(parameters).unwrap_or((self.rounds, Uuid::nil()));
        let derived = derive(password.expose(), salt, rounds).await?;
        Ok(match stored {
            Some(stored) if same(stored, &derived) => {
                Verification::Match { needs_rehash: rounds != self.rounds }
            }
            _ => Verification::Mismatch,
        })
    }
}

/// `toy$rounds$salt$digest`, computed on a blocking thread.
async fn derive(password: &str, salt: Uuid, rounds: u32) -> Result<String, PortError> {
    let password = SecretString::from(password);
    let derive = move || {
        let password = password.expose_secret();
        let digest = (0..rounds).fold(Sha256::digest(salt), |digest, _| {
            Sha256::new().chain_update(digest).chain_update(password).finalize()
        });
        let mut text = format!("toy${rounds}${salt}$");
        digest.iter().try_for_each(|byte| write!(text, "{byte:02x}")).map(|()| text)
    };
    let derived = tokio::task::spawn_blocking(derive).await;
    derived
        .map_err(|error| PortError::internal("hasher", error))?
        .map_err(|error| PortError::internal("hasher", error))
}

fn parameters(hash: &str) -> Option<(u32, Uuid)> {
    let mut fields = hash.strip_prefix("toy$")?.split('$');
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Compares every byte, so that the time does not tell where two hashes differ.
fn same(one: &str, other: &str) -> bool {
    let differing = one.bytes().zip(other.bytes()).fold(0, |bits, (a, b)| bits | (a ^ b));
    one.len() == other.len() && differing == 0
}

/// A toy. Use `PasswordRules` of menjin-infra-credentials, which knows the common passwords.
pub(crate) struct ToyPolicy;

impl PasswordPolicy for ToyPolicy {
    fn check(
        &self,
        password: &NewPassword,
        username: &str,
        email: &str,
    ) -> Result<(), PolicyViolation> {
        let password = password.expose().to_lowercase();
        if [username, email].iter().any(|identity| identity.to_lowercase() == password) {
            return Err(PolicyViolation::EqualsIdentity);
        }
        if ["12345678", "password", "password1", "qwertyuiop"].contains(&password.as_str()) {
            return Err(PolicyViolation::TooCommon);
        }
        Ok(())
    }
}

/// Opaque tokens: a random id, and a table of what each stands for. It has two drawbacks: all
/// tokens are lost when the process ends, and no other service can verify them. `JwtCodec` of
/// menjin-infra-credentials has neither.
pub(crate) struct OpaqueTokens {
    random: Arc<dyn Random>,
    // One table for each kind, so that a token of one kind is never accepted as the other.
    access: Table<AccessClaims>,
    refresh: Table<RefreshClaims>,
    tickets: Table<TicketClaims>,
}

/// The key is the digest of the token: somebody who reads the table gets no token.
struct Table<C>(Mutex<HashMap<[u8; 32], (Timestamp, C)>>);

impl OpaqueTokens {
    pub(crate) fn new(random: Arc<dyn Random>) -> Self {
        Self {
            random,
            access: Table::default(),
            refresh: Table::default(),
            tickets: Table::default(),
        }
    }
}

impl TokenCodec for OpaqueTokens {
    fn sign_access(&self, claims: &AccessClaims) -> Result<SecretString, PortError> {
        // This is not the `token_id` of the claims, which is no secret and may be in logs.
        let token = self.random.uuid()?.to_string();
        self.access.add(&token, claims.clone(), claims.issued_at, claims.expires_at);
        Ok(token.into())
    }

    fn sign_refresh(&self, claims: &RefreshClaims) -> Result<SecretString, PortError> {
        let token = self.random.uuid()?.to_string();
        self.refresh.add(&token, claims.clone(), claims.issued_at, claims.expires_at);
        Ok(token.into())
    }

    fn sign_ticket(&self, claims: &TicketClaims) -> Result<SecretString, PortError> {
        let token = self.random.uuid()?.to_string();
        self.tickets.add(&token, claims.clone(), claims.issued_at, claims.expires_at);
        Ok(token.into())
    }

    fn verify_ticket(
        &self,
        token: &str,
        purpose: TicketPurpose,
        at: Timestamp,
    ) -> Result<TicketClaims, InvalidToken> {
        let other = InvalidToken { reason: "of another purpose" };
        let claims = self.tickets.find(token, at)?;
        if claims.purpose == purpose { Ok(claims) } else { Err(other) }
    }

    fn verify_access(&self, token: &str, at: Timestamp) -> Result<AccessClaims, InvalidToken> {
        self.access.find(token, at)
    }

    fn verify_refresh(&self, token: &str, at: Timestamp) -> Result<RefreshClaims, InvalidToken> {
        self.refresh.find(token, at)
    }

    fn public_keys(&self) -> Vec<PublicKey> {
        Vec::new()
    }
}

impl<C: Clone> Table<C> {
    fn add(&self, token: &str, claims: C, now: Timestamp, expires_at: Timestamp) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Remove expired tokens, or the table would grow without limit.
        table.retain(|_, (expires_at, _)| *expires_at > now);
        table.insert(Sha256::digest(token).into(), (expires_at, claims));
    }

    fn find(&self, token: &str, at: Timestamp) -> Result<C, InvalidToken> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match table.get(Sha256::digest(token).as_slice()) {
            Some((expires_at, claims)) if *expires_at > at => Ok(claims.clone()),
            Some(_) => Err(InvalidToken { reason: "expired" }),
            None => Err(InvalidToken { reason: "unknown" }),
        }
    }
}

impl<C> Default for Table<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// A toy: a digest with a secret in front of it is no proper MAC, and the secret is lost when the
/// process ends. Use `DerivedKeys` of menjin-infra-credentials.
pub(crate) struct ToyTokens {
    pub(crate) random: Arc<dyn Random>,
    pub(crate) secret: Uuid,
}

impl TokenMaker for ToyTokens {
    fn seed(&self) -> Result<TokenSeed, PortError> {
        let (one, other) = (self.random.uuid()?, self.random.uuid()?);
        let random = format!("{}{}", one.simple(), other.simple());
        Ok(TokenSeed { random, key_id: "toy".to_owned() })
    }

    fn token(&self, seed: &TokenSeed, purpose: Purpose) -> Option<OneTimeToken> {
        let digest = Sha256::new().chain_update(self.secret).chain_update(purpose.as_str());
        let digest = digest.chain_update(&seed.random).finalize();
        Some(OneTimeToken::from_bytes(&digest.into()))
    }
}

/// Prints mails instead of sending them, and keeps the token of the last one. `SmtpMailer` of
/// menjin-infra-mail sends them.
#[derive(Default)]
pub(crate) struct PrintedMails {
    token: Mutex<Option<OneTimeToken>>,
}

impl PrintedMails {
    pub(crate) fn take_token(&self) -> Option<OneTimeToken> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl Mailer for PrintedMails {
    #[expect(clippy::print_stdout, reason = "instead of sending it")]
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        println!("  mail to {}: {}", mail.to, mail.kind);
        if let Some(link) = &mail.link {
            // The token is the fragment of the link, which no server and no proxy sees.
            println!("  {}#{}", link.page, link.token.expose());
        }
        let token = mail.link.as_ref().map(|link| link.token.clone());
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
        Ok(())
    }
}

/// Keeps the failures of the window for every network, without a limit on memory.
/// `MemoryRateLimiter` of menjin-infra-memory is bounded.
#[derive(Default)]
pub(crate) struct Rates(Mutex<HashMap<RateKey, Vec<Timestamp>>>);

#[async_trait]
impl RateLimiter for Rates {
    async fn reserve(
        &self,
        key: RateKey,
        limit: Limit,
        at: Timestamp,
    ) -> Result<Admission, PortError> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let times = counts.entry(key).or_default();
        if times.last().is_some_and(|last| was_put_back(*last, at)) {
            for time in times.iter_mut() {
                *time = at.min(*time);
            }
        }
        times.retain(|time| *time + limit.window > at);
        if times.len() as u64 >= u64::from(limit.max) {
            let free = times.first().map_or(at, |oldest| *oldest) + limit.window;
            let retry_after = (free - at).to_std().unwrap_or_default().min(limit.window);
            return Ok(Admission::Refused { retry_after });
        }
        // A failure with an earlier time must not count for less.
        let newest = times.last().map_or(at, |last| at.max(*last));
        times.push(newest);
        Ok(Admission::Admitted)
    }

    async fn release(&self, key: RateKey) -> Result<(), PortError> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = counts.get_mut(&key) {
            times.pop();
        }
        Ok(())
    }
}
