//! `POST /api/auth/accept-invitation`.

use menjin_domain::accounts::{Email, Profile};
use menjin_domain::credentials::NewPassword;
use menjin_domain::invitations::AcceptInvitationInput;
use menjin_domain::one_time::OneTimeToken;
use menjin_web::values::OrNone;

use crate::envelope::fields::{Name, Username};
use crate::envelope::responses::{Success, UserData};
use crate::http::body::required;
use crate::prelude::*;

const DONE: Text = Text { zh: "已接受邀请", en: "Invitation accepted" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/auth/accept-invitation", accept)
        .success("The new account, or the caller's with the role of the invitation")
        .message(DONE)
        .refusals(&[ErrorKind::TokenInvalid, ErrorKind::RegistrationClosed])
        .refusals(&[ErrorKind::AccountExists, ErrorKind::InvitationForAnother])
        .refusals(&[ErrorKind::FewerRights])
        .refusals(&[ErrorKind::UsernameReserved, ErrorKind::UsernameTaken, ErrorKind::EmailTaken])
        .refusals(ErrorKind::OF_A_NEW_PASSWORD)
}

request! {
    /// The link or the code of an invitation, and a new account.
    struct AcceptInvitationRequest as "EnvelopeInvitationAccept" {
        token: Required<OneTimeToken>,
        /// Needed for a new account.
        username: Optional<Username>,
        /// Needed for a new account.
        password: Optional<NewPassword>,
        name: Nullable<Name>,
        /// Needed if the invitation is for many; else it is the address of the invitation.
        email: Nullable<OrNone<Email>>,
    }
}

/// Accept an invitation.
///
/// Without an access token this makes an account, which is verified if the invitation was sent to its
/// address. With one, the caller's account gets the role of the invitation, and its other sessions end.
#[api_v2_operation(operation_id = "envelope_accept_invitation", tags("Authentication (envelope)"))]
async fn accept(
    api: Data<Api>,
    Ordered(MaybeCaller(caller), Body(body)): Ordered<MaybeCaller, Body<AcceptInvitationRequest>>,
    client: Client,
    context: ReplyContext,
) -> Answer<Success<UserData>> {
    let token = body.token.value()?;
    let accept_invitation = &api.services.accept_invitation;
    let user = if let Some(caller) = caller {
        accept_invitation.execute_as(&caller, &token, client.0).await?
    } else {
        let (username, password) = (body.username.value()?, body.password.value()?);
        let (username, password) = required(("username", username), ("password", password))?;
        let input = AcceptInvitationInput {
            token,
            username,
            password,
            email: body.email.value()?,
            profile: Profile { full_name: body.name.value()?, ..Profile::default() },
            locale: Some(context.locale),
            request: client.0,
        };
        accept_invitation.execute(input).await?
    };
    Ok(Success(DONE, UserData::from(&user)))
}
