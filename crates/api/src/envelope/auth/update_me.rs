//! `PUT /api/auth/me`.

use menjin_domain::accounts::{Email, ProfileChanges, User};
use menjin_domain::common;

use crate::envelope::fields::NameAsShown;
use crate::envelope::responses::{Success, UserData, shown_name};
use crate::prelude::*;

const DONE: Text = Text { zh: "更新用户信息成功", en: "User updated" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::PUT, "/api/auth/me", update_me)
        .success("The user as it is now")
        .message(DONE)
        .refusals(&[ErrorKind::EmailTaken])
}

request! {
    /// A change of one's own profile.
    struct UpdateRequest as "EnvelopeUpdate" {
        // It is v1's `full_name`; without one the user name is shown.
        /// `null` clears it.
        name: Patch<NameAsShown>,
        email: Optional<Email>,
    }
}

impl UpdateRequest {
    fn into_changes(self, user: &User) -> Result<ProfileChanges, ApiError> {
        let full_name = match self.name.value()? {
            common::Patch::Set(name) => name.change_from(shown_name(user))?,
            common::Patch::Clear => common::Patch::Clear,
            common::Patch::Keep => common::Patch::Keep,
        };
        Ok(ProfileChanges { email: self.email.value()?, full_name, ..ProfileChanges::default() })
    }
}

/// Update the current user's profile.
///
/// A field that is absent stays as it is.
#[api_v2_operation(operation_id = "envelope_update_me", tags("Authentication (envelope)"))]
async fn update_me(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<Caller, Body<UpdateRequest>>,
    client: Client,
) -> Answer<Success<UserData>> {
    let changes = body.into_changes(&caller.user)?;
    let user = api.services.update_profile.execute(&caller, changes, client.0).await?;
    Ok(Success(DONE, UserData::from(&user)))
}
