//! `POST /api/v1/users`.

use menjin_domain::access::rights::UsersWrite;
use menjin_domain::accounts::{
    AvatarUrl, Bio, CreateUserInput, Email, FullName, Phone, Profile, Role, Username,
};
use menjin_domain::common::Timestamp;
use menjin_domain::credentials::{NewPassword, PasswordChoice};
use menjin_web::Locale;
use menjin_web::schema::{Components, Schema, with, with_field};
use menjin_web::values::{AttributeFields, Boolean, OrNone};
use serde::Serialize;
use serde_json::{Value, json};

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users", create)
        .success("The user, with the password if it was generated")
        .refusals(&[ErrorKind::UsernameTaken, ErrorKind::EmailTaken, ErrorKind::RoleForbidden])
        .refusals(&[ErrorKind::PasswordTooCommon, ErrorKind::PasswordEqualsIdentity])
        .refusals(&[ErrorKind::PasswordTooWeak, ErrorKind::Overloaded])
        .refusals(&[ErrorKind::ReauthenticationRequired])
}

request! {
    /// A user to be made by somebody else.
    struct CreateRequest as "UserCreateByAdmin" {
        username: Required<Username>,
        email: Required<Email>,
        /// By default the role of registrations.
        role: Optional<Role>,
        /// The password; without one, the server generates one.
        password: Nullable<OrNone<NewPassword>>,
        /// Whether the user has to change the password at the first login. A generated one has to be
        /// changed in any case.
        must_change_password: Optional<Boolean> => { "default": true },
        /// From when on a password is good that has to be changed; without a time, at once.
        good_from: Nullable<OrNone<Timestamp>> => { "example": "2030-09-01T06:00:00Z" },
        full_name: Nullable<FullName>,
        phone: Nullable<Phone>,
        bio: Nullable<Bio>,
        avatar: Nullable<AvatarUrl>,
        locale: Nullable<Locale>,
        /// Attributes that this server declares.
        attributes: Optional<AttributeFields>,
    }
}

impl CreateRequest {
    fn into_input(self, default_role: Role) -> Result<CreateUserInput, ApiError> {
        let attributes = self.attributes.value()?.unwrap_or_default();
        Ok(CreateUserInput {
            username: self.username.value()?,
            email: self.email.value()?,
            role: self.role.value()?.unwrap_or(default_role),
            profile: Profile {
                full_name: self.full_name.value()?,
                phone: self.phone.value()?,
                bio: self.bio.value()?,
                avatar: self.avatar.value()?,
                attributes: attributes
                    .into_iter()
                    .filter_map(|(name, it)| Some((name, it?)))
                    .collect(),
            },
            locale: self.locale.value()?,
            password: PasswordChoice {
                given: self.password.value()?,
                good_from: self.good_from.value()?,
            },
            must_change: self.must_change_password.value()?.unwrap_or(true),
        })
    }
}

/// The user, and the password if it was generated, which is shown only once.
#[derive(Serialize)]
pub struct CreatedUserResponse {
    #[serde(flatten)]
    user: User,
    password: Option<String>,
}

impl CreatedUserResponse {
    /// This user, with this password.
    pub fn new(user: &menjin_domain::accounts::User, password: Option<&str>) -> Self {
        let password = password.map(str::to_owned);
        Self { user: User::for_administrators(user), password }
    }
}

impl Schema for CreatedUserResponse {
    const NAME: &'static str = "CreatedUser";

    fn inline(components: &mut Components<'_>) -> Value {
        let password = json!({
            "type": "string", "nullable": true, "example": "7ZKM-0Q4B-XW9D",
            "description": "The password, if it was generated. It is shown only once.",
        });
        let mut schema = with_field(User::inline(components), "password", password);
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            required.push("password".into());
        }
        with(schema, json!({ "description": "A new user. Times are RFC 3339 in UTC." }))
    }
}

/// Make a user.
///
/// Whether people may register themselves does not matter. If the server sends mails, the user is asked to
/// verify the e-mail address.
#[api_v2_operation(operation_id = "create_user", tags("User Management"))]
async fn create(
    api: Data<Api>,
    Ordered(Authorized(allowed), Body(body)): Ordered<Authorized<UsersWrite>, Body<CreateRequest>>,
) -> Answer<Reply<CreatedUserResponse, 201>> {
    let input = body.into_input(api.settings.default_role.into())?;
    let (user, generated) = api.services.create_user.execute(&allowed, input).await?;
    Ok(Reply(CreatedUserResponse::new(&user, generated.as_ref().map(NewPassword::expose))))
}
