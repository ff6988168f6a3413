//! `POST /api/auth/reset-password`.

use menjin_domain::credentials::{NewPassword, ResetPasswordInput};
use menjin_domain::one_time::OneTimeToken;

use crate::envelope::responses::{Nothing, Success};
use crate::prelude::*;

const DONE: Text =
    Text { zh: "密码已重置，请重新登录", en: "Password reset: log in with the new one" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/auth/reset-password", reset_password)
        .success("The password was changed")
        .message(DONE)
        .refusals(&[ErrorKind::TokenInvalid])
        .refusals(&[
            ErrorKind::PasswordTooCommon,
            ErrorKind::PasswordEqualsIdentity,
            ErrorKind::PasswordTooWeak,
            ErrorKind::Overloaded,
        ])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// A new password, by the link in a mail.
    struct ResetPasswordRequest as "EnvelopeResetPassword" {
        token: Required<OneTimeToken>,
        new_password: Required<NewPassword> => { "example": "newpassword456" },
    }
}

/// Choose a new password by the link in a mail.
///
/// Every session of the user ends. The token works once.
#[api_v2_operation(operation_id = "envelope_reset_password", tags("Authentication (envelope)"))]
async fn reset_password(
    api: Data<Api>,
    client: Client,

    Body(body): Body<ResetPasswordRequest>,
) -> Answer<Success<Nothing>> {
    let input = ResetPasswordInput {
        token: body.token.value()?,
        new: body.new_password.value()?,
        confirmation: None,
        request: client.0,
    };
    api.services.reset_password.execute(input).await?;
    Ok(Success(DONE, Nothing))
}
