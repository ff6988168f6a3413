//! `/account/passkey-options`: what the script of a page asks the browser's authenticator for. It is the one
//! form that is answered with JSON.

use menjin_domain::access::Restriction;
use menjin_domain::one_time::OneTimeToken;
use menjin_web::values::Token;

use super::form::PageForm;
use super::visitor::Visitor;
use crate::prelude::*;
use crate::v1::RequestOptions;

pub(super) fn endpoints() -> [Endpoint; 1] {
    [Endpoint::hidden(Method::POST, "/account/passkey-options", options)]
}

request! {
    struct OptionsForm {
        /// Of the first step of a login.
        mfa_token: Optional<Token>,
        /// Of a link that takes a change of the address back.
        token: Optional<Token>,
    }
}

/// A passkey of whoever has given the password, has a link, or is logged in; otherwise any, to log in with.
async fn options(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<OptionsForm>,
) -> Answer<HttpResponse> {
    let services = &api.services;
    let (ticket, link) = (sent.typed("mfa_token"), sent.typed("token"));
    let asked = if !ticket.is_empty() {
        services.complete_login.request_passkey(&ticket).await.map_err(ApiError::from)
    } else if !link.is_empty() {
        let token = OneTimeToken::parse(&link).map_err(|_odd| ErrorKind::TokenInvalid)?;
        services.undo_email_change.request_passkey(&token).await.map_err(ApiError::from)
    } else if visitor.caller().is_some() {
        let caller = visitor.member_under(&[Restriction::FactorEnrolment])?;
        services.request_passkey.execute(caller).await.map_err(ApiError::from)
    } else {
        services.login_with_passkey.request(&client.0).await.map_err(ApiError::from)
    };
    Ok(HttpResponse::Ok().json(RequestOptions::from(asked?)))
}
