//! `PUT /api/v1/users/me`.

use menjin_domain::accounts::{AvatarUrl, Bio, Email, FullName, Phone, ProfileChanges};
use menjin_web::Locale;

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::PUT, "/api/v1/users/me", update_me)
        .success("The user as it is now")
        .refusals(&[ErrorKind::EmailTaken])
}

request! {
    /// A change of one's own profile.
    struct UpdateRequest as "UserUpdate" {
        email: Optional<Email>,
        full_name: Patch<FullName>,
        phone: Patch<Phone>,
        bio: Patch<Bio>,
        avatar: Patch<AvatarUrl>,
        locale: Patch<Locale>,
    }
}

impl UpdateRequest {
    fn into_changes(self) -> Result<ProfileChanges, ApiError> {
        Ok(ProfileChanges {
            email: self.email.value()?,
            full_name: self.full_name.value()?,
            phone: self.phone.value()?,
            bio: self.bio.value()?,
            avatar: self.avatar.value()?,
            locale: self.locale.value()?,
            mails: Vec::new(),
        })
    }
}

/// Update the current user's profile.
///
/// A field that is absent stays as it is; `null` or an empty text clears one that may be null. A
/// changed e-mail address is no longer verified.
#[api_v2_operation(operation_id = "update_me", tags("User Management"))]
async fn update_me(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<Caller, Body<UpdateRequest>>,
    client: Client,
) -> Answer<Reply<User>> {
    let changes = body.into_changes()?;
    let user = api.services.update_profile.execute(&caller, changes, client.0).await?;
    Ok(Reply(User::from(&user)))
}
