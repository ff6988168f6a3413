//! `POST /api/v1/auth/exchange`.

use menjin_domain::sessions::{CodeVerifier, HandOffCode};

use crate::prelude::*;
use crate::v1::responses::Tokens;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/exchange", exchange)
        .success("The tokens of a session of the application's own")
        .refusals(&[ErrorKind::InvalidGrant, ErrorKind::TooManySessions])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// What somebody came back with from the login page, and what the application has kept to itself.
    struct ExchangeRequest as "CodeExchange" {
        /// The parameter `code` of the address that led back. It is good for 60 seconds, and once.
        code: Required<HandOffCode>,
        /// Its SHA-256 in base64url was `code_challenge` (RFC 7636, `S256`).
        code_verifier: Required<CodeVerifier>,
    }
}

/// Exchange the code of a login page for tokens.
///
/// An application sends people to `/account/login?next=…&code_challenge=…`, where `next` is an address of
/// the application's, of an origin in the setting `pages.redirect_origins`. They come back with `code`.
#[api_v2_operation(operation_id = "exchange_code", tags("Authentication"))]
async fn exchange(
    api: Data<Api>,
    client: Client,
    Body(body): Body<ExchangeRequest>,
) -> Answer<Reply<Tokens>> {
    let (code, verifier) = (body.code.value()?, body.code_verifier.value()?);
    let logged_in = api.services.exchange_code.execute(&code, &verifier, client.0).await?;
    Ok(Reply(Tokens::from(&logged_in.tokens)))
}
