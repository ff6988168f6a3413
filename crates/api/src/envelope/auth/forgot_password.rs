//! `POST /api/auth/forgot-password`.

use menjin_domain::accounts::LoginName;
use menjin_domain::credentials::ForgotPasswordInput;

use crate::envelope::responses::{Nothing, Success};
use crate::prelude::*;

const DONE: Text = Text {
    zh: "如果该账户存在，我们会发送一封邮件",
    en: "If there is such an account, a mail is on its way",
};

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/auth/forgot-password", forgot_password)
        .success("A mail is sent if somebody has the name")
        .message(DONE)
        .refusals(&[ErrorKind::MailOff])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// Who has forgotten a password.
    struct ForgotPasswordRequest as "EnvelopeForgotPassword" {
        username: Required<LoginName>,
    }
}

/// Ask for a mail with a link to a new password.
///
/// The answer is the same whether or not somebody has the name.
#[api_v2_operation(operation_id = "envelope_forgot_password", tags("Authentication (envelope)"))]
async fn forgot_password(
    api: Data<Api>,
    client: Client,
    context: ReplyContext,
    Body(body): Body<ForgotPasswordRequest>,
) -> Answer<Success<Nothing>> {
    let input = ForgotPasswordInput {
        name: body.username.value()?,
        locale: Some(context.locale),
        request: client.0,
    };
    api.services.forgot_password.execute(input).await?;
    Ok(Success(DONE, Nothing))
}
