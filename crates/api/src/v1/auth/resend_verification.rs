//! `POST /api/v1/auth/verify-email/resend`.

use menjin_domain::accounts::{LoginName, ResendVerificationInput};

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text {
    zh: "如果该账户需要验证邮箱，我们会再发送一封邮件",
    en: "If the address is to be verified, another mail is on its way",
};

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/verify-email/resend", resend_verification)
        .success("A mail is sent if the address of the account is not verified")
        .message(DONE)
        .refusals(&[ErrorKind::MailOff])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// Whose address is to be verified.
    struct ResendVerificationRequest as "UserResendVerification" {
        username: Required<LoginName>,
    }
}

/// Ask once more for the mail that verifies an e-mail address.
///
/// The answer is the same whether or not somebody has the name.
#[api_v2_operation(operation_id = "resend_verification", tags("Authentication"))]
async fn resend_verification(
    api: Data<Api>,
    client: Client,
    context: ReplyContext,
    Body(body): Body<ResendVerificationRequest>,
) -> Answer<Done<202>> {
    let input = ResendVerificationInput {
        name: body.username.value()?,
        locale: Some(context.locale),
        request: client.0,
    };
    api.services.resend_verification.execute(input).await?;
    Ok(Done(DONE))
}
