//! `POST /api/v1/auth/accept-invitation`.

use actix_web::http::StatusCode;
use menjin_domain::accounts::{Email, FullName, Profile, Username};
use menjin_domain::credentials::NewPassword;
use menjin_domain::invitations::AcceptInvitationInput;
use menjin_domain::one_time::OneTimeToken;
use menjin_web::values::OrNone;

use crate::http::body::required;
use crate::http::reply::json_response;
use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/accept-invitation", accept)
        .answer::<User>(200, "The caller's account, with the role of the invitation")
        .answer::<User>(201, "The new account")
        .refusals(&[ErrorKind::TokenInvalid, ErrorKind::RegistrationClosed])
        .refusals(&[ErrorKind::AccountExists, ErrorKind::InvitationForAnother])
        .refusals(&[ErrorKind::FewerRights])
        .refusals(&[ErrorKind::UsernameReserved, ErrorKind::UsernameTaken, ErrorKind::EmailTaken])
        .refusals(ErrorKind::OF_A_NEW_PASSWORD)
}

request! {
    /// The link or the code of an invitation, and a new account.
    struct AcceptInvitationRequest as "InvitationAccept" {
        token: Required<OneTimeToken>,
        /// Needed for a new account.
        username: Optional<Username>,
        /// Needed for a new account.
        password: Optional<NewPassword>,
        full_name: Nullable<FullName>,
        /// Needed if the invitation is for many; else it is the address of the invitation.
        email: Nullable<OrNone<Email>>,
    }
}

/// Accept an invitation.
///
/// Without an access token this makes an account, which is verified if the invitation was sent to its
/// address. With one, the caller's account gets the role of the invitation, and its other sessions end.
#[api_v2_operation(operation_id = "accept_invitation", tags("Authentication"))]
async fn accept(
    api: Data<Api>,
    Ordered(MaybeCaller(caller), Body(body)): Ordered<MaybeCaller, Body<AcceptInvitationRequest>>,
    client: Client,
    context: ReplyContext,
) -> Answer<HttpResponse> {
    let token = body.token.value()?;
    let accept_invitation = &api.services.accept_invitation;
    if let Some(caller) = caller {
        let user = accept_invitation.execute_as(&caller, &token, client.0).await?;
        return Ok(json_response(StatusCode::OK, &User::from(&user)));
    }
    let (username, password) = (body.username.value()?, body.password.value()?);
    let (username, password) = required(("username", username), ("password", password))?;
    let input = AcceptInvitationInput {
        token,
        username,
        password,
        email: body.email.value()?,
        profile: Profile { full_name: body.full_name.value()?, ..Profile::default() },
        locale: Some(context.locale),
        request: client.0,
    };
    let user = accept_invitation.execute(input).await?;
    Ok(json_response(StatusCode::CREATED, &User::from(&user)))
}
