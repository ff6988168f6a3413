//! `POST /api/v1/auth/reset-password`.

use menjin_domain::credentials::{CandidatePassword, NewPassword, ResetPasswordInput};
use menjin_domain::one_time::OneTimeToken;

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text =
    Text { zh: "密码已重置，请重新登录", en: "Password reset: log in with the new one" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/reset-password", reset_password)
        .success("The password was changed")
        .message(DONE)
        .refusals(&[ErrorKind::TokenInvalid, ErrorKind::ConfirmationDiffers])
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
    struct ResetPasswordRequest as "UserResetPassword" {
        token: Required<OneTimeToken>,
        new_password: Required<NewPassword> => { "example": "newpassword456" },
        /// Equals `new_password`.
        confirm_password: Optional<CandidatePassword> => { "example": "newpassword456" },
    }
}

/// Choose a new password by the link in a mail.
///
/// Every session of the user ends. The token works once.
#[api_v2_operation(operation_id = "reset_password", tags("Authentication"))]
async fn reset_password(
    api: Data<Api>,
    client: Client,

    Body(body): Body<ResetPasswordRequest>,
) -> Answer<Done> {
    let input = ResetPasswordInput {
        token: body.token.value()?,
        new: body.new_password.value()?,
        confirmation: body.confirm_password.value()?,
        request: client.0,
    };
    api.services.reset_password.execute(input).await?;
    Ok(Done(DONE))
}
