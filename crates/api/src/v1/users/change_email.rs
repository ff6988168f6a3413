//! `POST /api/v1/users/me/email`.

use menjin_domain::accounts::{ChangeEmailInput, Email};
use menjin_domain::credentials::CandidatePassword;
use menjin_domain::mfa::FactorCode;

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text {
    zh: "确认邮件已发送至新邮箱，点击其中的链接后生效",
    en: "A mail is on its way to the new address, which changes by the link in it",
};

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/me/email", change_email)
        .success("A link is sent to the address, unless somebody else has it")
        .message(DONE)
        .refusals(&[ErrorKind::MailOff, ErrorKind::EmailUnchanged])
        .refusals(ErrorKind::OF_A_PROMPT_WITH_CODE)
}

request! {
    /// Another e-mail address.
    struct ChangeEmailRequest as "UserChangeEmail" {
        email: Required<Email>,
        current_password: Required<CandidatePassword>,
        /// A code of the second factor, where there is one.
        code: Optional<FactorCode>,
    }
}

/// Ask for another e-mail address.
///
/// Nothing changes before the link in the mail to that address is used; until then it is the user's
/// `pending_email`. The answer is the same whether or not somebody has the address.
#[api_v2_operation(operation_id = "change_email", tags("User Management"))]
async fn change_email(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<Caller, Body<ChangeEmailRequest>>,
    client: Client,
) -> Answer<Done<202>> {
    let input = ChangeEmailInput {
        email: body.email.value()?,
        current: body.current_password.value()?,
        code: body.code.value()?,
        request: client.0,
    };
    api.services.change_email.execute(&caller, input).await?;
    Ok(Done(DONE))
}
