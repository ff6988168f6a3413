//! `DELETE /api/v1/users/{user_id}/lock`.

use menjin_domain::access::rights::UsersUnlock;
use menjin_domain::common::UserId;

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text { zh: "登录锁定已解除", en: "Lock lifted" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::DELETE, "/api/v1/users/{user_id}/lock", clear_lockout)
        .success("There is no lock any more")
        .message(DONE)
        .refusals(&[ErrorKind::UserNotFound])
}

/// Lift the lock of a user.
///
/// For administrators. Forgets the failed log-ins of the account, from wherever they came. Limits on
/// a network as a whole stay. Lifting no lock changes nothing.
#[api_v2_operation(operation_id = "lift_user_lock", tags("User Management"))]
async fn clear_lockout(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersUnlock>, Path<UserId>>,
) -> Answer<Done> {
    api.services.clear_lockout.execute(&allowed, id).await?;
    Ok(Done(DONE))
}
