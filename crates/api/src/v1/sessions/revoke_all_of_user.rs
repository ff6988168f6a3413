//! `DELETE /api/v1/users/{user_id}/sessions`.

use menjin_domain::access::rights::SessionsEnd;
use menjin_domain::common::UserId;

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text =
    Text { zh: "该用户的会话已全部结束", en: "All sessions of the user ended" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::DELETE, "/api/v1/users/{user_id}/sessions", revoke_all)
        .success("No session of the user is live")
        .message(DONE)
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::OutOfReach])
}

/// End all sessions of a user.
///
/// For administrators. The account stays active: the user may log in again. A caller who names their
/// own account ends the session of this request, too.
#[api_v2_operation(operation_id = "end_user_sessions", tags("User Management"))]
async fn revoke_all(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<SessionsEnd>, Path<UserId>>,
) -> Answer<Done> {
    api.services.revoke_user_sessions.all(&allowed, id).await?;
    Ok(Done(DONE))
}
