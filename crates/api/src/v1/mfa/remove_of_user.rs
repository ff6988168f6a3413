//! `DELETE /api/v1/users/{user_id}/mfa`.

use menjin_domain::access::rights::UsersRemoveFactor;
use menjin_domain::common::UserId;

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text =
    Text { zh: "该用户的两步验证已移除", en: "The user has no second factor any more" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::DELETE, "/api/v1/users/{user_id}/mfa", remove)
        .success("The user logs in with the password alone")
        .message(DONE)
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::NoFactor])
        .refusals(&[ErrorKind::OutOfReach, ErrorKind::OwnAccount])
}

/// Take away the second factor of somebody who has lost it.
///
/// The recovery codes go with it, wrong codes are forgotten, all sessions of the user end, and the user is
/// told by mail. Make sure first that it is the user who asks.
#[api_v2_operation(operation_id = "remove_user_factor", tags("Second factor"))]
async fn remove(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersRemoveFactor>, Path<UserId>>,
) -> Answer<Done> {
    api.services.remove_factor.execute(&allowed, id).await?;
    Ok(Done(DONE))
}
