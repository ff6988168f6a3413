//! `POST /api/v1/auth/refresh`.

use menjin_web::values;

use crate::prelude::*;
use crate::v1::responses::Tokens;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/refresh", refresh)
        .success("New tokens: the refresh token that was sent is used up")
        .refusals(&[ErrorKind::InvalidRefreshToken])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// A refresh token.
    struct RefreshRequest as "TokenRefresh" {
        refresh_token: Required<values::Token>,
    }
}

/// Trade a refresh token for a new pair of tokens.
///
/// A refresh token works once. Presenting one again later ends its session.
#[api_v2_operation(operation_id = "refresh_tokens", tags("Authentication"))]
async fn refresh(
    api: Data<Api>,
    client: Client,
    Body(body): Body<RefreshRequest>,
) -> Answer<Reply<Tokens>> {
    let token = body.refresh_token.value()?;
    let tokens = api.services.refresh.execute(&token, client.0).await?;
    Ok(Reply(Tokens::from(&tokens)))
}
