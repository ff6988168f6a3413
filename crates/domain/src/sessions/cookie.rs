//! Sessions that a browser holds by a cookie, for pages.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::access::{Principal, Restriction};
use crate::accounts::Role;
use crate::common::random::bytes;
use crate::common::text::hex;
use crate::common::{Clock, PortError, Random, SealPurpose, Sealer, SessionId};
use crate::ports::{Policy, Ports, RequiredPorts};
use crate::sessions::{Session, SessionRepository};

/// What a browser holds: 32 random bytes in base64url. It is no id, and stores know its digest only (OWASP
/// ASVS 5.0, 7.2.3). A browser that nobody is logged in with has one as well, so that its forms are its own.
#[derive(Clone)]
pub struct SessionCookie(SecretString);

impl SessionCookie {
    /// The number of characters.
    pub const LENGTH: usize = 43;

    /// The cookie that a browser sent; `None`: it is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = text.len() == Self::LENGTH
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        is_one.then(|| Self(text.into()))
    }

    /// What the browser is sent.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What stores know it by.
    pub fn digest(&self) -> CookieDigest {
        CookieDigest(hex(&Sha256::digest(self.expose().as_bytes())))
    }
}

impl fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionCookie(…)")
    }
}

/// SHA-256 of a cookie, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CookieDigest(String);

impl CookieDigest {
    /// The digest as stores hold it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How often the use of a cookie is written down.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// Gives sessions their cookies, finds out who calls by one, and tells the forms of one browser from those of
/// another.
#[non_exhaustive]
pub struct Cookies {
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// Makes the marks of forms.
    pub sealer: Arc<dyn Sealer>,
    /// Draws cookies.
    pub random: Arc<dyn Random>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For how long a session lasts that is not used; `None`: to its end.
    pub idle_ttl: Option<Duration>,
    /// The roles that need a second factor.
    pub factor_roles: Arc<[Role]>,
}

impl Cookies {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { sessions, random, clock, .. } = &ports.required;
        Self {
            sessions: sessions.clone(),
            sealer: ports.factors.sealer.clone(),
            random: random.clone(),
            clock: clock.clone(),
            idle_ttl: policy.idle_ttl,
            factor_roles: policy.factor_roles.clone(),
        }
    }

    /// A new one, which no session has.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn draw(&self) -> Result<SessionCookie, PortError> {
        Ok(SessionCookie(URL_SAFE_NO_PAD.encode(bytes(&*self.random)?).into()))
    }

    /// Gives a session a new cookie. One that it had before is of no use any more. `None`: the session is
    /// not live.
    ///
    /// # Errors
    /// The store failed.
    pub async fn bind(&self, session: SessionId) -> Result<Option<SessionCookie>, PortError> {
        let cookie = self.draw()?;
        let bound = self.sessions.bind_cookie(session, cookie.digest(), self.clock.now()).await?;
        Ok(bound.then_some(cookie))
    }

    /// Who calls by this cookie; `None`: nobody, or the session is not live any more. Rights come from the
    /// stored user. The session counts as used, as by a refresh of its tokens; one that was not used for `idle` is
    /// nobody's here.
    ///
    /// # Errors
    /// The store failed.
    pub async fn caller(
        &self,
        cookie: &SessionCookie,
        idle: Option<Duration>,
    ) -> Result<Option<Principal>, PortError> {
        let Some(id) = self.sessions.find_by_cookie(cookie.digest()).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        let Some(live) = self.sessions.find_live(id, now).await? else { return Ok(None) };
        let Session { last_used_at, ends_at, has_factor, authenticated_at, .. } = live.session;
        if idle.is_some_and(|idle| now >= last_used_at + idle) {
            return Ok(None);
        }
        if now >= last_used_at + TOUCH_EVERY {
            let expires_at = self.idle_ttl.map_or(ends_at, |idle| ends_at.min(now + idle));
            self.sessions.touch(id, now, expires_at).await?;
        }
        let restriction = Restriction::of(&live.user, has_factor, &self.factor_roles);
        Ok(Some(Principal { user: live.user, session_id: id, authenticated_at, restriction }))
    }

    /// What a form carries that is shown to the browser with this cookie. `None`: there is no key.
    pub fn form_token(&self, cookie: &SessionCookie) -> Option<String> {
        self.form_tokens(cookie).into_iter().next()
    }

    /// Whether a form was shown to the browser with this cookie.
    pub fn is_form_of(&self, cookie: &SessionCookie, token: &str) -> bool {
        // Digests, so that the time tells nothing of how much of it is right.
        let token = Sha256::digest(token);
        self.form_tokens(cookie).iter().any(|known| Sha256::digest(known) == token)
    }

    /// One for each key that is known; that of now comes first.
    fn form_tokens(&self, cookie: &SessionCookie) -> Vec<String> {
        let cookie = cookie.expose().as_bytes();
        let marks = self.sealer.fingerprints(SealPurpose::Forms, "form", cookie);
        marks.into_iter().map(|(_key, mark)| mark).collect()
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::common::MockSealer;
    use crate::sessions::{LiveSession, MockSessionRepository};
    use crate::testing::{self, SESSION, at};

    fn cookies(sessions: MockSessionRepository, now: i64) -> Cookies {
        let mut sealer = MockSealer::new();
        sealer.expect_fingerprints().returning(|purpose, _, cookie| {
            assert_eq!(purpose, SealPurpose::Forms);
            let mark = |key: &str| (key.to_owned(), format!("{key} {}", hex(cookie)));
            vec![mark("new"), mark("old")]
        });
        Cookies {
            sessions: Arc::new(sessions),
            sealer: Arc::new(sealer),
            random: testing::random(),
            clock: testing::clock(now),
            idle_ttl: Some(Duration::from_secs(1000)),
            factor_roles: Arc::new([Role::ADMIN]),
        }
    }

    fn cookie(letter: &str) -> SessionCookie {
        SessionCookie::parse(&letter.repeat(SessionCookie::LENGTH)).unwrap()
    }

    #[test]
    fn g3_a_cookie_is_recognised_by_its_form_and_prints_nothing() {
        let drawn = cookies(MockSessionRepository::new(), 0).draw().unwrap();
        assert!(SessionCookie::parse(drawn.expose()).is_some());
        assert_eq!(drawn.digest().as_str().len(), 64);
        assert!(!format!("{drawn:?}").contains(drawn.expose()));
        for other in ["", "a", &"a".repeat(44), &format!("{}\"", "a".repeat(42))] {
            assert!(SessionCookie::parse(other).is_none(), "{other}");
        }
    }

    #[tokio::test]
    async fn g3_a_cookie_names_whose_session_is_live_and_marks_it_as_used_once_a_minute() {
        let (digest, live) = (cookie("a").digest(), testing::live());
        let (used, ends_at) = (live.session.last_used_at, live.session.ends_at);
        for (later, touched) in [(59, false), (60, true)] {
            let now = used + Duration::from_secs(later);
            let mut sessions = MockSessionRepository::new();
            sessions
                .expect_find_by_cookie()
                .with(eq(digest.clone()))
                .return_once(|_| Ok(Some(SESSION)));
            let found = LiveSession { ..live.clone() };
            sessions
                .expect_find_live()
                .with(eq(SESSION), eq(now))
                .return_once(|_, _| Ok(Some(found)));
            let until = ends_at.min(now + Duration::from_secs(1000));
            sessions
                .expect_touch()
                .with(eq(SESSION), eq(now), eq(until))
                .times(usize::from(touched))
                .returning(|_, _, _| Ok(true));
            let cookies = cookies(sessions, now.timestamp() - at(0).timestamp());
            let idle = Some(Duration::from_secs(61));
            let caller = cookies.caller(&cookie("a"), idle).await.unwrap();
            assert_eq!(caller, Some(testing::principal()));
        }
    }

    #[tokio::test]
    async fn g3_an_unknown_cookie_and_one_of_a_session_that_has_ended_are_nobodys() {
        for id in [None, Some(SESSION)] {
            let mut sessions = MockSessionRepository::new();
            sessions.expect_find_by_cookie().return_once(move |_| Ok(id));
            sessions.expect_find_live().returning(|_, _| Ok(None));
            assert_eq!(cookies(sessions, 9).caller(&cookie("a"), None).await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn g3_a_session_that_was_not_used_for_long_is_nobodys_where_that_counts() {
        let mut sessions = MockSessionRepository::new();
        sessions.expect_find_by_cookie().returning(|_| Ok(Some(SESSION)));
        sessions.expect_find_live().returning(|_, _| Ok(Some(testing::live())));
        let cookies = cookies(sessions, 30);
        let idle = |seconds| Some(Duration::from_secs(seconds));
        assert!(cookies.caller(&cookie("a"), idle(31)).await.unwrap().is_some());
        assert!(cookies.caller(&cookie("a"), idle(30)).await.unwrap().is_none());
    }

    #[test]
    fn g4_a_form_is_of_one_browser_also_while_the_secret_changes() {
        let cookies = cookies(MockSessionRepository::new(), 9);
        let token = cookies.form_token(&cookie("a")).unwrap();
        assert!(token.starts_with("new ") && cookies.is_form_of(&cookie("a"), &token));
        assert!(cookies.is_form_of(&cookie("a"), &token.replace("new", "old")));
        assert!(!cookies.is_form_of(&cookie("b"), &token) && !cookies.is_form_of(&cookie("a"), ""));
    }
}
