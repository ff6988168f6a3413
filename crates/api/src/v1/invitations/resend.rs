//! `POST /api/v1/invitations/{id}/resend`.

use menjin_domain::access::rights::InvitationsWrite;
use menjin_domain::invitations::InvitationId;

use crate::prelude::*;
use crate::v1::invitations::create::IssuedResponse;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/invitations/{invitation_id}/resend", resend)
        .success("The invitation, with its new link")
        .refusals(&[ErrorKind::InvitationNotFound, ErrorKind::InvitationOver])
        .refusals(&[ErrorKind::RoleForbidden, ErrorKind::ReauthenticationRequired])
}

/// Give an invitation a new link.
///
/// For administrators. The link before does not work any more. It works for one that has expired as well,
/// and is sent if the invitation is for an address and the server sends mails.
#[api_v2_operation(operation_id = "resend_invitation", tags("Invitations"))]
async fn resend(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<
        Authorized<InvitationsWrite>,
        Path<InvitationId>,
    >,
    context: ReplyContext,
) -> Answer<Reply<IssuedResponse>> {
    let locale = Some(context.locale);
    let issued = api.services.resend_invitation.execute(&allowed, id, locale).await?;
    Ok(Reply(IssuedResponse::new(&issued, allowed.context().at, allowed.roles())))
}
