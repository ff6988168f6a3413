//! `DELETE /api/v1/invitations/{id}`.

use menjin_domain::access::rights::InvitationsWrite;
use menjin_domain::invitations::InvitationId;

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text { zh: "邀请已撤销", en: "The invitation is revoked" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::DELETE, "/api/v1/invitations/{invitation_id}", revoke)
        .success("The invitation cannot be accepted any more")
        .message(DONE)
        .refusals(&[ErrorKind::InvitationNotFound])
}

/// Revoke an invitation.
///
/// For administrators. Accounts that were made by it stay.
#[api_v2_operation(operation_id = "revoke_invitation", tags("Invitations"))]
async fn revoke(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<
        Authorized<InvitationsWrite>,
        Path<InvitationId>,
    >,
) -> Answer<Done> {
    api.services.revoke_invitation.execute(&allowed, id).await?;
    Ok(Done(DONE))
}
