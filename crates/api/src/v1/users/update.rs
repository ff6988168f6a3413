//! `PATCH /api/v1/users/{user_id}`.

use menjin_domain::access::rights::UsersWrite;
use menjin_domain::accounts::{
    AddressChange, AvatarUrl, Bio, Email, FullName, Phone, ProfileChanges, Username,
};
use menjin_domain::common::UserId;
use menjin_web::Locale;
use menjin_web::values::AttributeFields;

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::PATCH, "/api/v1/users/{user_id}", update)
        .success("The user as it is now")
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::OutOfReach, ErrorKind::OwnAccount])
        .refusals(&[ErrorKind::UsernameTaken, ErrorKind::EmailTaken])
        .refusals(&[ErrorKind::DeletionScheduled, ErrorKind::ReauthenticationRequired])
}

request! {
    /// A change of somebody's names, address and profile.
    struct EditRequest as "UserEdit" {
        username: Optional<Username>,
        email: Optional<Email>,
        full_name: Patch<FullName>,
        phone: Patch<Phone>,
        bio: Patch<Bio>,
        avatar: Patch<AvatarUrl>,
        locale: Patch<Locale>,
        /// Attributes that this server declares: null clears one, and those that are absent stay.
        attributes: Optional<AttributeFields>,
    }
}

impl EditRequest {
    fn into_input(self) -> Result<(Option<Username>, ProfileChanges), ApiError> {
        let username = self.username.value()?;
        let profile = ProfileChanges {
            email: self.email.value()?,
            full_name: self.full_name.value()?,
            phone: self.phone.value()?,
            bio: self.bio.value()?,
            avatar: self.avatar.value()?,
            locale: self.locale.value()?,
            attributes: self.attributes.value()?.unwrap_or_default(),
            address: AddressChange::default(),
        };
        Ok((username, profile))
    }
}

/// Edit a user.
///
/// A field that is absent stays as it is; `null` or an empty text clears one that may be null. Another
/// e-mail address also needs the right `users.set_password`: it is no longer verified, and the user is told
/// at the address before.
#[api_v2_operation(operation_id = "update_user", tags("User Management"))]
async fn update(
    api: Data<Api>,
    Ordered(Authorized(allowed), Ordered(Path(id), Body(body))): Ordered<
        Authorized<UsersWrite>,
        Ordered<Path<UserId>, Body<EditRequest>>,
    >,
) -> Answer<Reply<User>> {
    let (username, profile) = body.into_input()?;
    let user = api.services.change_user.edit(&allowed, id, username, profile).await?;
    Ok(Reply(User::for_administrators(&user)))
}
