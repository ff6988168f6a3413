//! `PUT /api/v1/users/{user_id}/role`.

use menjin_domain::access::rights::RolesGrant;
use menjin_domain::accounts::Role;
use menjin_domain::common::UserId;

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::PUT, "/api/v1/users/{user_id}/role", set_role)
        .success("The user has the role")
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::LastAdmin, ErrorKind::OutOfReach])
        .refusals(&[ErrorKind::RoleForbidden, ErrorKind::OwnAccount, ErrorKind::DeletionScheduled])
}

request! {
    /// Another role.
    struct RoleRequest as "RoleChange" {
        role: Required<Role>,
    }
}

/// Give a user another role.
///
/// All sessions of the user end. Nobody gives a role with more rights than their own, changes the role of
/// somebody who has more rights, or changes their own role.
#[api_v2_operation(operation_id = "set_user_role", tags("User Management"))]
async fn set_role(
    api: Data<Api>,
    Ordered(Authorized(allowed), Ordered(Path(id), Body(body))): Ordered<
        Authorized<RolesGrant>,
        Ordered<Path<UserId>, Body<RoleRequest>>,
    >,
) -> Answer<Reply<User>> {
    let role = body.role.value()?;
    let user = api.services.change_user.set_role(&allowed, id, role).await?;
    Ok(Reply(User::for_administrators(&user)))
}
