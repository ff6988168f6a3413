//! `POST /api/v1/users/{user_id}/ban`.

use menjin_domain::access::rights::UsersBan;
use menjin_domain::accounts::BanReason;
use menjin_domain::common::{Timestamp, UserId};

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/{user_id}/ban", ban)
        .success("The user is banned")
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::LastAdmin, ErrorKind::OutOfReach])
        .refusals(&[ErrorKind::DeletionScheduled])
}

request! {
    /// A ban.
    struct BanRequest as "UserBan" {
        /// When the user may log in again.
        until: Required<Timestamp> => { "example": "2030-01-31T08:00:00Z" },
        /// Why, for other administrators.
        reason: Nullable<BanReason>,
    }
}

/// Ban a user for a while.
///
/// All sessions of the user end, and logging in is answered as for an inactive user until the time is
/// over. To keep somebody out for ever, deactivate the user. Another ban replaces the one before.
#[api_v2_operation(operation_id = "ban_user", tags("User Management"))]
async fn ban(
    api: Data<Api>,
    Ordered(Authorized(allowed), Ordered(Path(id), Body(body))): Ordered<
        Authorized<UsersBan>,
        Ordered<Path<UserId>, Body<BanRequest>>,
    >,
) -> Answer<Reply<User>> {
    let (until, reason) = (body.until.value()?, body.reason.value()?);
    let user = api.services.change_user.ban(&allowed, id, until, reason).await?;
    Ok(Reply(User::for_administrators(&user)))
}
