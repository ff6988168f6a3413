//! The manner in which a part of the paths is answered.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::Uri;
use actix_web::http::header::HeaderValue;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse};
use menjin_domain::common::RequestId;
use menjin_web::field::Rules;
use menjin_web::schema::Components;
use menjin_web::{ApiError, ErrorKind, Locale};
use serde_json::Value;

use crate::http::reply::Rejection;
use crate::state::{ApiSettings, PageSettings};

/// A dialect: how errors look, and by which rules requests are read.
pub(crate) struct Dialect {
    /// Renders an error.
    pub(crate) render: fn(&ApiError, &ReplyContext) -> HttpResponse,
    /// The schema of an error with this status.
    pub(crate) error_schema: fn(u16, &mut Components<'_>) -> Value,
    /// The rules of its requests.
    pub(crate) rules: fn(&ApiSettings) -> Rules,
    /// The page at an address, to lead back to it; `None`: it has no pages.
    pub(crate) page: fn(&Uri, &ApiSettings) -> Option<ThisPage>,
}

/// The page that was asked for.
#[derive(Clone, Default)]
pub(crate) struct ThisPage {
    /// What it is called where somebody is led back to it after a login.
    pub(crate) name: Box<str>,
    /// The last part of its path, with the query.
    pub(crate) address: Box<str>,
    pub(crate) settings: Arc<PageSettings>,
}

/// How to answer a request. The middleware leaves it in the extensions of the request.
#[derive(Clone)]
pub(crate) struct ReplyContext {
    pub(crate) dialect: &'static Dialect,
    pub(crate) locale: Locale,
    pub(crate) request_id: RequestId,
    /// The address of the client, which trusted proxies know better than the connection does.
    pub(crate) client: IpAddr,
    /// Whether the request is an HTML form: a client of OAuth2, which reads errors as RFC 6749 §5.2
    /// has them.
    pub(crate) is_form: bool,
    /// What the page is called, if it is one.
    pub(crate) page: Option<ThisPage>,
    /// `Strict-Transport-Security`, if the client came by TLS.
    pub(crate) strict_transport: Option<HeaderValue>,
}

impl ReplyContext {
    /// The one of this request.
    ///
    /// # Errors
    /// Only if the middleware did not run.
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        request.extensions().get::<Self>().cloned().ok_or(ErrorKind::Internal.into())
    }
}

impl FromRequest for ReplyContext {
    type Error = Rejection;
    type Future = std::future::Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(Self::of(request).map_err(Rejection))
    }
}
