//! `PUT /api/v1/users/me`.

use menjin_domain::accounts::{
    AddressChange, AttributeChanges, AvatarUrl, Bio, Email, FullName, Phone, ProfileChanges,
    UpdateOwnProfileInput,
};
use menjin_domain::common::RequestContext;
use menjin_domain::credentials::CandidatePassword;
use menjin_domain::mfa::FactorCode;
use menjin_web::Locale;

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::PUT, "/api/v1/users/me", update_me)
        .success("The user as it is now")
        .refusals(&[ErrorKind::EmailTaken])
        .refusals(&[ErrorKind::EmailNeedsConfirmation, ErrorKind::EmailNeedsPassword])
        .refusals(ErrorKind::OF_A_PROMPT_WITH_CODE)
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
        /// The password, if the address changes: with it, mails with new passwords go to the new address
        /// as soon as that is verified.
        current_password: Optional<CandidatePassword>,
        /// A code of the second factor, which the password needs where there is one.
        code: Optional<FactorCode>,
    }
}

impl UpdateRequest {
    fn into_input(self, request: RequestContext) -> Result<UpdateOwnProfileInput, ApiError> {
        let changes = ProfileChanges {
            email: self.email.value()?,
            full_name: self.full_name.value()?,
            phone: self.phone.value()?,
            bio: self.bio.value()?,
            avatar: self.avatar.value()?,
            locale: self.locale.value()?,
            // The owner of an account does not change what administrators keep of them.
            attributes: AttributeChanges::new(),
            address: AddressChange::default(),
        };
        let (current, code) = (self.current_password.value()?, self.code.value()?);
        Ok(UpdateOwnProfileInput { changes, current, code, request })
    }
}

/// Update the current user's profile.
///
/// A field that is absent stays as it is; `null` or an empty text clears one that may be null. A
/// changed e-mail address is no longer verified. Where addresses have to be confirmed, another one is
/// refused here: `POST /api/v1/users/me/email` sends a link to it.
#[api_v2_operation(operation_id = "update_me", tags("User Management"))]
async fn update_me(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<Caller, Body<UpdateRequest>>,
    client: Client,
) -> Answer<Reply<User>> {
    let input = body.into_input(client.0)?;
    let user = api.services.update_profile.execute(&caller, input).await?;
    Ok(Reply(User::from(&user)))
}
