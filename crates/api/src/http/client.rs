//! The client behind a request: for limits, sessions and records.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use menjin_domain::common::{ClientInfo, RequestContext};

use super::scope::Scope;
use crate::state::Api;

/// The client, and the request that it sends.
pub(crate) struct Client(pub(crate) RequestContext);

impl FromRequest for Client {
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Without a peer there is no TCP: a test, or a Unix socket.
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip());
        let address = request.app_data::<Data<Api>>().map_or(peer, |api| {
            api.settings.trusted_proxies.client_address(peer, request.headers())
        });
        let user_agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let client = ClientInfo::at(address).with_user_agent(user_agent);
        let request_id = request.extensions().get::<Scope>().map(|scope| scope.request_id.clone());
        ready(Ok(Self(RequestContext { client, request_id })))
    }
}
