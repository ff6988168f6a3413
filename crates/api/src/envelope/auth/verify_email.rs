//! `POST /api/auth/verify-email`.

use menjin_domain::accounts::VerifyEmailInput;
use menjin_domain::credentials::CandidatePassword;
use menjin_domain::mfa::FactorCode;
use menjin_domain::one_time::OneTimeToken;

use crate::envelope::responses::{Nothing, Success};
use crate::prelude::*;

const DONE: Text = Text { zh: "邮箱验证成功", en: "E-mail address verified" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/auth/verify-email", verify_email)
        .success("The address is verified")
        .message(DONE)
        .refusals(&[ErrorKind::TokenInvalid, ErrorKind::EmailTaken])
        .refusals(ErrorKind::OF_A_PROMPT_WITH_CODE)
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// A proof of an e-mail address, by the link in a mail.
    struct VerifyEmailRequest as "EnvelopeVerifyEmail" {
        token: Required<OneTimeToken>,
        /// The password of the account: with it, mails with new passwords go to this address at once.
        current_password: Optional<CandidatePassword>,
        /// A code of the second factor, which the password needs where there is one.
        code: Optional<FactorCode>,
    }
}

/// Verify an e-mail address by the link in a mail.
///
/// A link that was sent to another address than the account has gives the account that address. Proving
/// an address again changes nothing and succeeds.
#[api_v2_operation(operation_id = "envelope_verify_email", tags("Authentication (envelope)"))]
async fn verify_email(
    api: Data<Api>,
    client: Client,

    Body(body): Body<VerifyEmailRequest>,
) -> Answer<Success<Nothing>> {
    let input = VerifyEmailInput {
        token: body.token.value()?,
        current: body.current_password.value()?,
        code: body.code.value()?,
        request: client.0,
    };
    api.services.verify_email.execute(input).await?;
    Ok(Success(DONE, Nothing))
}
