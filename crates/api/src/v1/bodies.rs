//! What v1 takes. A field's parser is its rule: garde runs them all, `to_…` runs them again for the
//! values, so that what a use-case gets was parsed and not merely looked at.

use garde::Validate;
use menjin_domain::accounts::{LoginName, Profile, ProfileChanges, RegisterInput, UsernameLength};
use menjin_domain::common::{Patch, RequestContext};
use menjin_domain::credentials::{CandidatePassword, ChangePasswordInput};
use paperclip::actix::Apiv2Schema;
use serde::Deserialize;

use crate::failure::Failure;
use crate::http::body::RequestBody;
use crate::http::field::{Field, valid};
use crate::http::parse::{self, Rules, at};
use crate::state::Api;

type Text = Field<String>;

fn rules(api: &Api) -> Rules {
    Rules { username: UsernameLength::DEFAULT, password: api.settings.v1_password }
}

/// A new account.
#[derive(Deserialize, Validate, Default, Apiv2Schema)]
#[serde(default)]
#[openapi(rename = "UserCreate")]
#[garde(context(Rules))]
pub(super) struct RegisterBody {
    #[garde(custom(valid(parse::username)))]
    username: Text,
    #[garde(custom(valid(parse::email)))]
    email: Text,
    #[garde(custom(valid(parse::new_password)))]
    password: Text,
    #[garde(custom(valid(parse::full_name)))]
    full_name: Text,
    #[garde(custom(valid(parse::phone)))]
    phone: Text,
    #[garde(custom(valid(parse::bio)))]
    bio: Text,
    #[garde(custom(valid(parse::avatar)))]
    avatar: Text,
}

impl RequestBody for RegisterBody {
    fn context(api: &Api) -> Rules {
        rules(api)
    }
}

impl RegisterBody {
    pub(super) fn to_input(
        &self,
        api: &Api,
        request: RequestContext,
    ) -> Result<RegisterInput, Failure> {
        let rules = &rules(api);
        Ok(RegisterInput {
            username: at(parse::username(&self.username, rules), "username")?,
            email: at(parse::email(&self.email, rules), "email")?,
            password: at(parse::new_password(&self.password, rules), "password")?,
            role: api.settings.default_role,
            profile: Profile {
                full_name: set(at(parse::full_name(&self.full_name, rules), "full_name")?),
                phone: set(at(parse::phone(&self.phone, rules), "phone")?),
                bio: set(at(parse::bio(&self.bio, rules), "bio")?),
                avatar: set(at(parse::avatar(&self.avatar, rules), "avatar")?),
            },
            apply_policy: true,
            request,
        })
    }
}

fn set<T>(patch: Patch<T>) -> Option<T> {
    if let Patch::Set(value) = patch { Some(value) } else { None }
}

/// Whom to log in: JSON, or the form of OAuth2's password grant.
#[derive(Deserialize, Validate, Default, Apiv2Schema)]
#[serde(default)]
#[openapi(rename = "UserLogin")]
#[garde(context(Rules))]
pub(super) struct LoginBody {
    #[garde(custom(valid(parse::login_name)))]
    username: Text,
    #[garde(custom(valid(parse::candidate)))]
    password: Text,
}

impl RequestBody for LoginBody {
    const ACCEPTS_FORM: bool = true;

    fn context(api: &Api) -> Rules {
        rules(api)
    }
}

impl LoginBody {
    pub(super) fn to_credentials(
        &self,
        api: &Api,
    ) -> Result<(LoginName, CandidatePassword), Failure> {
        Ok(parse::credentials(&self.username, &self.password, &rules(api))?)
    }
}

/// A refresh token.
#[derive(Deserialize, Validate, Default, Apiv2Schema)]
#[serde(default)]
#[openapi(rename = "TokenRefresh")]
#[garde(context(Rules))]
pub(super) struct RefreshBody {
    #[garde(custom(valid(parse::token)))]
    refresh_token: Text,
}

impl RequestBody for RefreshBody {
    fn context(api: &Api) -> Rules {
        rules(api)
    }
}

impl RefreshBody {
    pub(super) fn to_token(&self, api: &Api) -> Result<String, Failure> {
        let rules = &rules(api);
        Ok(at(parse::token(&self.refresh_token, rules), "refresh_token")?)
    }
}

/// A change of one's own password.
#[derive(Deserialize, Validate, Default, Apiv2Schema)]
#[serde(default)]
#[openapi(rename = "UserChangePassword")]
#[garde(context(Rules))]
#[expect(clippy::struct_field_names, reason = "the names are the contract's")]
pub(super) struct ChangePasswordBody {
    #[garde(custom(valid(parse::candidate)))]
    current_password: Text,
    #[garde(custom(valid(parse::new_password)))]
    new_password: Text,
    #[garde(custom(valid(parse::candidate)))]
    confirm_password: Text,
}

impl RequestBody for ChangePasswordBody {
    fn context(api: &Api) -> Rules {
        rules(api)
    }
}

impl ChangePasswordBody {
    pub(super) fn to_input(
        &self,
        api: &Api,
        request: RequestContext,
    ) -> Result<ChangePasswordInput, Failure> {
        let rules = &rules(api);
        Ok(ChangePasswordInput {
            current: at(parse::candidate(&self.current_password, rules), "current_password")?,
            new: at(parse::new_password(&self.new_password, rules), "new_password")?,
            confirmation: Some(at(
                parse::candidate(&self.confirm_password, rules),
                "confirm_password",
            )?),
            request,
        })
    }
}

/// A change of one's own profile.
#[derive(Deserialize, Validate, Default, Apiv2Schema)]
#[serde(default)]
#[openapi(rename = "UserUpdate")]
#[garde(context(Rules))]
pub(super) struct UpdateBody {
    #[garde(custom(valid(parse::email_if_given)))]
    email: Text,
    #[garde(custom(valid(parse::full_name)))]
    full_name: Text,
    #[garde(custom(valid(parse::phone)))]
    phone: Text,
    #[garde(custom(valid(parse::bio)))]
    bio: Text,
    #[garde(custom(valid(parse::avatar)))]
    avatar: Text,
}

impl RequestBody for UpdateBody {
    fn context(api: &Api) -> Rules {
        rules(api)
    }
}

impl UpdateBody {
    pub(super) fn to_changes(&self, api: &Api) -> Result<ProfileChanges, Failure> {
        let rules = &rules(api);
        Ok(ProfileChanges {
            email: at(parse::email_if_given(&self.email, rules), "email")?,
            full_name: at(parse::full_name(&self.full_name, rules), "full_name")?,
            phone: at(parse::phone(&self.phone, rules), "phone")?,
            bio: at(parse::bio(&self.bio, rules), "bio")?,
            avatar: at(parse::avatar(&self.avatar, rules), "avatar")?,
        })
    }
}
