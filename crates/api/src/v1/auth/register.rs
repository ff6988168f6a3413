//! `POST /api/v1/auth/register`.

use menjin_domain::accounts::{
    AvatarUrl, Bio, Email, FullName, Phone, Profile, RegisterInput, RegistrableRole, Username,
};
use menjin_domain::common::{Locale, RequestContext};
use menjin_domain::credentials::NewPassword;

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/register", register)
        .success("The user was registered")
        .refusals(&[ErrorKind::RegistrationClosed, ErrorKind::RegistrationByInvitation])
        .refusals(&[ErrorKind::UsernameReserved, ErrorKind::UsernameTaken, ErrorKind::EmailTaken])
        .refusals(ErrorKind::OF_A_NEW_PASSWORD)
}

request! {
    /// A new account.
    struct RegisterRequest as "UserCreate" {
        username: Required<Username>,
        email: Required<Email>,
        password: Required<NewPassword>,
        full_name: Nullable<FullName>,
        phone: Nullable<Phone>,
        bio: Nullable<Bio>,
        avatar: Nullable<AvatarUrl>,
    }
}

impl RegisterRequest {
    fn into_input(
        self,
        role: RegistrableRole,
        locale: Locale,
        request: RequestContext,
    ) -> Result<RegisterInput, ApiError> {
        Ok(RegisterInput {
            username: self.username.value()?,
            email: self.email.value()?,
            password: self.password.value()?,
            role,
            profile: Profile {
                full_name: self.full_name.value()?,
                phone: self.phone.value()?,
                bio: self.bio.value()?,
                avatar: self.avatar.value()?,
                ..Profile::default()
            },
            locale: Some(locale),
            apply_policy: true,
            request,
        })
    }
}

/// Register a new user.
///
/// The user gets the role that the server gives to registrations, and may log in at once.
#[api_v2_operation(operation_id = "register", tags("Authentication"))]
async fn register(
    api: Data<Api>,
    client: Client,
    context: ReplyContext,
    Body(body): Body<RegisterRequest>,
) -> Answer<Reply<User, 201>> {
    let input = body.into_input(api.settings.default_role, context.locale, client.0)?;
    let user = api.services.register.execute(input).await?;
    Ok(Reply(User::from(&user)))
}
