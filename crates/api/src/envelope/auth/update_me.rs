//! `PUT /api/auth/me`.

use menjin_domain::accounts::{Email, ProfileChanges, UpdateOwnProfileInput, User};
use menjin_domain::common::{self, RequestContext};
use menjin_domain::credentials::CandidatePassword;
use menjin_domain::mfa::FactorCode;

use crate::envelope::fields::NameAsShown;
use crate::envelope::responses::{Success, UserData, shown_name};
use crate::prelude::*;

const DONE: Text = Text { zh: "更新用户信息成功", en: "User updated" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::PUT, "/api/auth/me", update_me)
        .success("The user as it is now")
        .message(DONE)
        .refusals(&[ErrorKind::EmailTaken])
        .refusals(&[ErrorKind::EmailNeedsConfirmation, ErrorKind::EmailNeedsPassword])
        .refusals(ErrorKind::OF_A_PROMPT_WITH_CODE)
}

request! {
    /// A change of one's own profile.
    struct UpdateRequest as "EnvelopeUpdate" {
        // It is v1's `full_name`; without one the user name is shown.
        /// `null` clears it.
        name: Patch<NameAsShown>,
        email: Optional<Email>,
        /// The password, if the address changes: with it, mails with new passwords go to the new address
        /// as soon as that is verified.
        current_password: Optional<CandidatePassword>,
        /// A code of the second factor, which the password needs where there is one.
        code: Optional<FactorCode>,
    }
}

impl UpdateRequest {
    fn into_input(
        self,
        user: &User,
        request: RequestContext,
    ) -> Result<UpdateOwnProfileInput, ApiError> {
        let full_name = match self.name.value()? {
            common::Patch::Set(name) => name.change_from(shown_name(user))?,
            common::Patch::Clear => common::Patch::Clear,
            common::Patch::Keep => common::Patch::Keep,
        };
        let email = self.email.value()?;
        let changes = ProfileChanges { email, full_name, ..ProfileChanges::default() };
        let (current, code) = (self.current_password.value()?, self.code.value()?);
        Ok(UpdateOwnProfileInput { changes, current, code, request })
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
    let input = body.into_input(&caller.user, client.0)?;
    let user = api.services.update_profile.execute(&caller, input).await?;
    Ok(Success(DONE, UserData::from(&user)))
}
