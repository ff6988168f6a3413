//! Who looks at a page, by the cookie of their browser.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use menjin_domain::access::rights::{Right, RightId};
use menjin_domain::access::{Allowed, Principal, Restriction};
use menjin_domain::common::RequestContext;
use menjin_domain::sessions::SessionCookie;
use menjin_web::{ApiError, ErrorKind, Locale, Text};

use super::navigation::{
    ACCOUNT_PAGES, CONSOLE_PAGES, FIRST_OF_CONSOLE, TO_ACCOUNT, TO_CONSOLE, is_console, name_of,
};
use super::page::Page;
use crate::dialect::ReplyContext;
use crate::http::body::pairs;
use crate::http::cookie::sent_cookie;
use crate::http::reply::{Answer, Rejection};
use crate::state::{Api, PageSettings};

/// After how long without use whoever is logged in is asked to log in again before the console shows anything.
const CONSOLE_IDLE: Duration = Duration::from_secs(30 * 60);

/// Somebody who looks at a page, logged in or not. Their forms carry a mark of their cookie; whoever has no
/// cookie yet gets one with the page.
pub(crate) struct Visitor {
    pub(crate) locale: Locale,
    cookie: SessionCookie,
    /// Whether the browser does not have the cookie yet.
    is_new: bool,
    caller: Option<Principal>,
    form_token: String,
    settings: Arc<PageSettings>,
    query: Vec<(String, String)>,
    /// The last part of the path.
    name: String,
    is_console: bool,
    passkeys: Passkeys,
    /// The pages of the console that they may see; none, where there is no console.
    console: Vec<(&'static str, Text)>,
}

/// Passkeys, for somebody who looks at a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passkeys {
    /// There are none on this server.
    Off,
    /// There may be some.
    Known,
    /// They have one.
    Owned,
}

impl Visitor {
    async fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let context = ReplyContext::of(request)?;
        let api = request.app_data::<Data<Api>>().ok_or(ErrorKind::Internal)?;
        let settings = api.settings.pages.clone().ok_or(ErrorKind::RouteNotFound)?;
        let cookies = &api.services.cookies;
        let (cookie, is_new) = match sent_cookie(request, &settings) {
            Some(cookie) => (cookie, false),
            None => (cookies.draw()?, true),
        };
        let is_console = is_console(request.path());
        let idle = is_console.then_some(CONSOLE_IDLE);
        let caller = if is_new { None } else { cookies.caller(&cookie, idle).await? };
        let factors = &api.services.list_factors;
        let passkeys = match &caller {
            _ if !factors.knows_passkeys() => Passkeys::Off,
            Some(caller) if factors.has_passkey(caller).await? => Passkeys::Owned,
            _ => Passkeys::Known,
        };
        let may = |right: RightId| {
            let role = caller.as_ref().map(|caller| caller.user.role);
            settings.console && role.is_some_and(|role| api.settings.roles.grants(role, right))
        };
        let console = CONSOLE_PAGES.into_iter().filter(|(.., right)| may(*right));
        let mut console: Vec<_> = console.map(|(name, text, _)| (name, text)).collect();
        if !console.is_empty() {
            console.insert(0, FIRST_OF_CONSOLE);
        }
        let form_token = cookies.form_token(&cookie).ok_or(ErrorKind::Internal)?;
        let chosen = caller.as_ref().and_then(|caller| caller.user.locale);
        let query = pairs(request.query_string().as_bytes()).unwrap_or_default();
        let name = name_of(request.path()).to_owned();
        let locale = chosen.unwrap_or(context.locale);
        Ok(Self {
            locale,
            cookie,
            is_new,
            caller,
            form_token,
            settings,
            query,
            name,
            is_console,
            passkeys,
            console,
        })
    }

    /// Whoever is logged in, under whatever restriction.
    pub(crate) fn caller(&self) -> Option<&Principal> {
        self.caller.as_ref()
    }

    /// Whoever is logged in and may do everything that is for them.
    ///
    /// # Errors
    /// What is asked of them first, which leads to the page for it.
    pub(crate) fn member(&self) -> Result<&Principal, Rejection> {
        self.member_under(&[])
    }

    /// The same, for people under these restrictions too.
    ///
    /// # Errors
    /// What is asked of them first.
    pub(crate) fn member_under(&self, admitted: &[Restriction]) -> Result<&Principal, Rejection> {
        let caller = self.caller.as_ref().ok_or(ErrorKind::NotAuthenticated)?;
        caller.check_restriction(admitted)?;
        Ok(caller)
    }

    /// Proof that whoever is logged in has the right `R`.
    ///
    /// # Errors
    /// They do not have it, or have something to do first.
    pub(crate) fn allowed<R: Right>(
        &self,
        api: &Api,
        request: RequestContext,
    ) -> Result<Allowed<R>, Rejection> {
        Ok(api.services.guard.allow(self.member()?, request)?)
    }

    /// Whether any page of the console is for them.
    pub(crate) fn has_console(&self) -> bool {
        !self.console.is_empty()
    }

    /// A parameter of the address.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.query.iter();
        all.find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether there are passkeys on this server.
    pub(crate) fn knows_passkeys(&self) -> bool {
        self.passkeys != Passkeys::Off
    }

    /// A page for them.
    pub(crate) fn page(&self, title: Text) -> Page {
        Page {
            form_token: self.form_token.clone(),
            user: self.caller.as_ref().map(|caller| caller.user.username.to_string()),
            navigation: self.navigation(),
            cookie: self.is_new.then(|| self.settings.set_cookie(&self.cookie)),
            here: self.name.clone(),
            takes_passkeys: self.passkeys == Passkeys::Owned,
            folder: if self.is_console { "../account/" } else { "" },
            ..Page::new(Arc::clone(&self.settings), self.locale, title)
        }
    }

    /// The pages that are listed on each page for whoever is logged in.
    fn navigation(&self) -> Vec<(&'static str, Text)> {
        let is_free = self.caller.as_ref().is_some_and(|caller| caller.restriction.is_none());
        if !is_free {
            return Vec::new();
        }
        if self.is_console {
            return self.console.iter().copied().chain([TO_ACCOUNT]).collect();
        }
        let own = ACCOUNT_PAGES.into_iter().filter(|_| self.settings.account);
        own.chain(self.has_console().then_some(TO_CONSOLE)).collect()
    }

    /// Whether people may be sent to this origin of an application.
    pub(crate) fn may_go_to(&self, origin: &str) -> bool {
        self.settings.redirect_origins.iter().any(|known| known.is_of(origin.as_bytes()))
    }

    /// Whether anybody may register.
    pub(crate) fn may_register(&self) -> bool {
        self.settings.is_open
    }

    /// The header that gives the browser the cookie of a session.
    pub(crate) fn set_cookie(&self, cookie: &SessionCookie) -> HeaderValue {
        self.settings.set_cookie(cookie)
    }

    /// Gives the browser another cookie with this answer; the one before is of no use any more.
    pub(crate) async fn renew_cookie(
        &self,
        api: &Api,
        caller: &Principal,
        response: &mut HttpResponse,
    ) -> Result<(), Rejection> {
        if let Some(cookie) = api.services.cookies.bind(caller.session_id).await? {
            response.headers_mut().insert(SET_COOKIE, self.set_cookie(&cookie));
        }
        Ok(())
    }
}

impl FromRequest for Visitor {
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Answer<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await.map_err(Rejection) })
    }
}
