//! Who calls, by the access token in the `Authorization` header (RFC 6750 §2.1).

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use menjin_domain::access::rights::Right;
use menjin_domain::access::{Allowed, Principal, Restriction};
use menjin_domain::cache::{CacheAccess, CacheAllowed};
use menjin_domain::sessions::SessionOwner;

use menjin_web::schema::Components;
use menjin_web::{ErrorKind, bearer_token, unauthenticated};

use super::client::Client;
use super::reply::Rejection;
use crate::endpoint::{Access, Input, Signature};
use crate::http::cookie::sent_cookie;
use crate::state::Api;

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, Rejection>>>>;

async fn authenticated(request: &HttpRequest) -> Result<Principal, Rejection> {
    let api = request.app_data::<Data<Api>>().ok_or(ErrorKind::Internal)?;
    let token = bearer(request)?.ok_or(ErrorKind::NotAuthenticated)?;
    let caller = api.services.authenticate.execute(token).await;
    Ok(caller.map_err(unauthenticated)?)
}

/// The caller by token; without one by the cookie of the pages.
async fn by_token_or_cookie(request: &HttpRequest) -> Result<Principal, Rejection> {
    let api = request.app_data::<Data<Api>>().ok_or(ErrorKind::Internal)?;
    let cookie = match (&api.settings.pages, bearer(request)?) {
        (Some(pages), None) => sent_cookie(request, pages),
        _ => None,
    };
    let Some(cookie) = cookie else { return authenticated(request).await };
    let caller = api.services.cookies.caller(&cookie, None).await?;
    Ok(caller.ok_or(ErrorKind::NotAuthenticated)?)
}

/// Makes extractors of the authenticated caller, who may be under these restrictions and no other; a request
/// without a caller is refused.
macro_rules! callers {
    ($($(#[$doc:meta])* $name:ident: $access:ident, $admitted:expr, $find:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name(Principal);

        impl Deref for $name {
            type Target = Principal;

            fn deref(&self) -> &Principal {
                &self.0
            }
        }

        impl FromRequest for $name {
            type Error = Rejection;
            type Future = Extraction<Self>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let request = request.clone();
                Box::pin(async move {
                    let caller = $find(&request).await?;
                    caller.check_restriction(&$admitted)?;
                    Ok(Self(caller))
                })
            }
        }

        impl Input for $name {
            fn describe(signature: &mut Signature, _: &mut Components<'_>) {
                signature.access = Access::$access;
                signature.may_refuse(Access::$access.refusals());
            }
        }
    )*};
}

callers! {
    /// The authenticated caller.
    Caller: Users, [], authenticated;
    /// Also one who may do next to nothing yet: for what such a caller may do.
    RestrictedCaller: RestrictedUsers, [Restriction::PasswordChange, Restriction::FactorEnrolment], authenticated;
    /// Also one who has to set up a second factor first: for that.
    Enrolling: Enrolling, [Restriction::FactorEnrolment], authenticated;
    /// By token or by the cookie of the pages: for proxies in front of an application, who have no other way to
    /// ask.
    PageCaller: Users, [], by_token_or_cookie;
}

/// Somebody who may list and end their own sessions: the authenticated caller, or who was refused a session
/// too many and got a ticket for that.
pub(crate) struct Owner(pub(crate) SessionOwner);

impl FromRequest for Owner {
    type Error = Rejection;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let api = request.app_data::<Data<Api>>().ok_or(ErrorKind::Internal)?;
            let token = bearer(&request)?.ok_or(ErrorKind::NotAuthenticated)?;
            let owner = api.services.authenticate.by_ticket(token).await;
            if let Some(owner) = owner.map_err(unauthenticated)? {
                return Ok(Self(owner));
            }
            let Caller(caller) = Caller::from_request(&request, &mut Payload::None).await?;
            Ok(Self(SessionOwner::from(&caller)))
        })
    }
}

/// The authenticated caller, if the request has a token. A token that is not valid is refused.
pub(crate) struct MaybeCaller(pub(crate) Option<Principal>);

impl FromRequest for MaybeCaller {
    type Error = Rejection;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            if bearer(&request)?.is_none() {
                return Ok(Self(None));
            }
            let Caller(caller) = Caller::from_request(&request, &mut Payload::None).await?;
            Ok(Self(Some(caller)))
        })
    }
}

/// Proof that the caller has the right `R`; anybody else is refused before anything else of the
/// request is looked at.
pub(crate) struct Authorized<R>(pub(crate) Allowed<R>);

impl<R: Right> FromRequest for Authorized<R> {
    type Error = Rejection;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        let api = request.app_data::<Data<Api>>().cloned();
        let client = Client::from_request(request, payload);
        Box::pin(async move {
            let Caller(principal) = caller.await?;
            let api = api.ok_or(ErrorKind::Internal)?;
            let Client(request) = client.await?;
            Ok(Self(api.services.guard.allow(&principal, request)?))
        })
    }
}

/// Proof that the caller may use the cache: who that is, the setting says.
pub(crate) struct CacheUser(pub(crate) CacheAllowed);

impl FromRequest for CacheUser {
    type Error = Rejection;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let api = request.app_data::<Data<Api>>().cloned();
        let caller = Caller::from_request(request, payload);
        let client = Client::from_request(request, payload);
        Box::pin(async move {
            let api = api.ok_or(ErrorKind::Internal)?;
            let access = api.services.cache_access;
            let caller = match access {
                CacheAccess::Public | CacheAccess::Off => None,
                CacheAccess::Authenticated | CacheAccess::Superuser => Some(caller.await?.0),
            };
            let Client(request) = client.await?;
            Ok(Self(access.allow(&api.services.guard, caller.as_ref(), request)?))
        })
    }
}

/// Extracts `First`, and only when that has succeeded `Rest`. actix runs a handler's extractors side
/// by side: without this a body would be read, and found wanting, for a caller who is nobody.
pub(crate) struct Ordered<First, Rest>(pub(crate) First, pub(crate) Rest);

impl<First, Rest> FromRequest for Ordered<First, Rest>
where
    First: FromRequest + 'static,
    Rest: FromRequest + 'static,
{
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let first = First::from_request(&request, &mut Payload::None).await;
            let first = first.map_err(Into::into)?;
            let rest = Rest::from_request(&request, &mut payload).await;
            Ok(Self(first, rest.map_err(Into::into)?))
        })
    }
}

impl Input for Owner {
    fn describe(signature: &mut Signature, _: &mut Components<'_>) {
        signature.access = Access::SessionOwners;
        signature.may_refuse(Access::SessionOwners.refusals());
    }
}

impl Input for MaybeCaller {
    fn describe(signature: &mut Signature, _: &mut Components<'_>) {
        signature.access = Access::EverybodyOrUsers;
        signature.may_refuse(Access::EverybodyOrUsers.refusals());
    }
}

impl<R: Right> Input for Authorized<R> {
    fn describe(signature: &mut Signature, _: &mut Components<'_>) {
        let access = Access::Right(R::ID);
        signature.access = access;
        signature.may_refuse(access.refusals());
        if R::ID.needs_step_up() {
            signature.may_refuse(&[ErrorKind::ReauthenticationRequired]);
        }
    }
}

/// What it refuses follows from the setting, as the document's builder knows.
impl Input for CacheUser {
    fn describe(signature: &mut Signature, _: &mut Components<'_>) {
        signature.access = Access::Cache;
    }
}

impl<First: Input, Rest: Input> Input for Ordered<First, Rest> {
    fn describe(signature: &mut Signature, components: &mut Components<'_>) {
        First::describe(signature, components);
        Rest::describe(signature, components);
    }
}

/// The token of the one `Authorization: Bearer` header; `None` without such a header. Two headers
/// are refused, since a proxy may have looked at the other one.
fn bearer(request: &HttpRequest) -> Result<Option<&str>, ErrorKind> {
    let refused = ErrorKind::InvalidToken;
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return if request.headers().contains_key(AUTHORIZATION) { Err(refused) } else { Ok(None) };
    };
    // Not `to_str`, which looks at each byte by itself: of all of a request most bytes are here.
    let header = std::str::from_utf8(header.as_bytes()).ok().filter(|header| header.is_ascii());
    let Some(header) = header else { return Err(refused) };
    Ok(bearer_token(header))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    fn token(headers: &[&str]) -> Result<Option<String>, ()> {
        let mut request = TestRequest::default();
        for header in headers {
            request = request.append_header(("Authorization", *header));
        }
        bearer(&request.to_http_request()).map(|token| token.map(str::to_owned)).map_err(drop)
    }

    #[test]
    fn t19_exactly_one_bearer_header_is_read() {
        assert_eq!(token(&["Bearer abc"]), Ok(Some("abc".into())));
        assert_eq!(token(&["bearer  abc "]), Ok(Some("abc".into())));
        for none in [&[][..], &["Basic abc"], &["Bearer"], &["Bearer "], &["abc"]] {
            assert_eq!(token(none), Ok(None), "{none:?}");
        }
        assert_eq!(token(&["Bearer abc", "Bearer abc"]), Err(()));
    }

    proptest! {
        /// Whatever the header says: a token is a part of it, without a space around it.
        #[test]
        fn t19_a_token_is_read_whole_or_not_at_all(
            header in "[ -~]{0,40}", word in "[!-~]{1,40}", scheme in "[Bb][Ee][Aa][Rr][Ee][Rr]",
        ) {
            if let Ok(Some(token)) = super::bearer(
                &TestRequest::default()
                    .insert_header(("Authorization", header.clone()))
                    .to_http_request(),
            ) {
                prop_assert!(header.contains(token) && !token.starts_with(' '));
                prop_assert!(header.to_ascii_lowercase().starts_with("bearer "));
            }
            let sent = format!("{scheme} {word}");
            prop_assert_eq!(token(&[&sent]), Ok(Some(word)));
            prop_assert_eq!(token(&[&sent, &sent]), Err(()));
        }
    }
}
