//! `/account/passkey-options`: what the script of a page asks the browser's authenticator for. It is the one
//! form that is answered with JSON.

use menjin_domain::access::Restriction;
use menjin_web::values::Token;

use super::form::PageForm;
use super::visitor::Visitor;
use crate::prelude::*;
use crate::v1::RequestOptions;

/// The name of the page, from the folder of the account.
pub(super) const OPTIONS: &str = "passkey-options";

pub(super) fn endpoints() -> [Endpoint; 1] {
    [Endpoint::hidden(Method::POST, "/account/passkey-options", options)]
}

request! {
    struct OptionsForm {
        /// Of the first step of a login.
        mfa_token: Optional<Token>,
    }
}

/// A passkey of whoever is logged in, or has given the password; otherwise any, to log in with.
async fn options(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<OptionsForm>,
) -> Answer<HttpResponse> {
    let (services, ticket) = (&api.services, sent.typed("mfa_token"));
    let asked = if !ticket.is_empty() {
        services.complete_login.request_passkey(&ticket).await.map_err(ApiError::from)
    } else if visitor.caller().is_some() {
        let caller = visitor.member_under(&[Restriction::FactorEnrolment])?;
        services.request_passkey.execute(caller).await.map_err(ApiError::from)
    } else {
        services.login_with_passkey.request(&client.0).await.map_err(ApiError::from)
    };
    Ok(HttpResponse::Ok().json(RequestOptions::from(asked?)))
}
