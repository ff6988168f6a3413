//! The client behind a request: for limits, sessions and records.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpRequest};
use menjin_domain::common::{ClientInfo, RequestContext};

use super::reply::Rejection;
use crate::dialect::ReplyContext;

/// The client, and the request that it sends.
pub(crate) struct Client(pub(crate) RequestContext);

impl FromRequest for Client {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user_agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let read = ReplyContext::of(request).map(|context| {
            let client = ClientInfo::at(context.client).with_user_agent(user_agent);
            Self(RequestContext { client, request_id: Some(context.request_id) })
        });
        ready(read.map_err(Rejection))
    }
}
