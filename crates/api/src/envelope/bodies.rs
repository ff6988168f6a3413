//! What the envelope dialect takes. The fields' parsers are those of `http/parse.rs` where the
//! dialects agree; bounds of length are one rule here, as the document words them.

use garde::Validate;
use menjin_domain::accounts::{
    FullName, ListUsers, LoginName, Profile, ProfileChanges, RegisterInput, RegistrableRole, Role,
    UserQuery, Username, UsernameLength,
};
use menjin_domain::common::{PageStart, Patch, RequestContext, UserId, Violation};
use menjin_domain::credentials::{CandidatePassword, ChangePasswordInput, PasswordLength};
use paperclip::actix::Apiv2Schema;
use serde::Deserialize;

use crate::failure::Failure;
use crate::http::body::RequestBody;
use crate::http::field::{Field, valid};
use crate::http::parse::{self, Rules, at};
use crate::http::path::parse_user_id;
use crate::problem::{Located, Place, Problem};
use crate::state::Api;

type Text = Field<String>;

/// How many characters a person's name has.
pub(crate) const NAME_LENGTH: (usize, usize) = (2, 10);

/// How many characters a user name has.
pub(crate) const USERNAME_LENGTH: UsernameLength = UsernameLength { min: 3, max: 20 };

/// The greatest number of characters of a password; the least is a setting.
pub(crate) const PASSWORD_MAX: usize = 20;

/// How many users a page has unless the client says.
pub(crate) const DEFAULT_LIMIT: u64 = 100;

fn rules(api: &Api) -> Rules {
    Rules {
        username: USERNAME_LENGTH,
        password: PasswordLength {
            min: api.settings.envelope_password_min,
            max: Some(PASSWORD_MAX),
        },
    }
}

/// Both bounds in one message.
fn username(field: &Text, rules: &Rules) -> Result<Username, Problem> {
    let UsernameLength { min, max } = rules.username;
    parse::username(field, rules).map_err(|problem| match problem {
        Problem::TooShort { .. } | Problem::TooLong { .. } => Problem::LengthOutside { min, max },
        other => other,
    })
}

fn parse_name(text: &str) -> Result<FullName, Violation> {
    FullName::parse_within(text, NAME_LENGTH.0, NAME_LENGTH.1)
}

fn name(field: &Text, _: &Rules) -> Result<FullName, Problem> {
    field.present(|text| parse_name(text))
}

fn name_if_given(field: &Text, _: &Rules) -> Result<Patch<FullName>, Problem> {
    field.nullable(|text| parse_name(text).map(Some))
}

fn role(field: &Text, _: &Rules) -> Result<RegistrableRole, Problem> {
    let unregistrable = Problem::RoleNotRegistrable;
    field.present(|text| {
        let role: Role = text.parse().map_err(|_unknown| unregistrable)?;
        RegistrableRole::try_from(role).map_err(|_violation| unregistrable)
    })
}

/// A new account.
#[derive(Deserialize, Validate, Default, Apiv2Schema)]
#[serde(default)]
#[openapi(rename = "EnvelopeRegister")]
#[garde(context(Rules))]
pub(super) struct RegisterBody {
    #[garde(custom(valid(self::username)))]
    username: Text,
    #[garde(custom(valid(parse::new_password)))]
    password: Text,
    #[garde(custom(valid(self::role)))]
    role: Text,
    #[garde(custom(valid(self::name)))]
    name: Text,
    #[garde(custom(valid(parse::email)))]
    email: Text,
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
        let full_name = Some(at(name(&self.name, rules), "name")?);
        Ok(RegisterInput {
            username: at(username(&self.username, rules), "username")?,
            email: at(parse::email(&self.email, rules), "email")?,
            password: at(parse::new_password(&self.password, rules), "password")?,
            role: at(role(&self.role, rules), "role")?,
            profile: Profile { full_name, ..Profile::default() },
            apply_policy: api.settings.envelope_policy,
            request,
        })
    }
}

/// Whom to log in.
#[derive(Deserialize, Validate, Default, Apiv2Schema)]
#[serde(default)]
#[openapi(rename = "EnvelopeLogin")]
#[garde(context(Rules))]
pub(super) struct LoginBody {
    #[garde(custom(valid(parse::login_name)))]
    username: Text,
    #[garde(custom(valid(parse::candidate)))]
    password: Text,
}

impl RequestBody for LoginBody {
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

/// A change of one's own profile.
#[derive(Deserialize, Validate, Default, Apiv2Schema)]
#[serde(default)]
#[openapi(rename = "EnvelopeUpdate")]
#[garde(context(Rules))]
pub(super) struct UpdateBody {
    #[garde(custom(valid(self::name_if_given)))]
    name: Text,
    #[garde(custom(valid(parse::email_if_given)))]
    email: Text,
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
            full_name: at(name_if_given(&self.name, rules), "name")?,
            ..ProfileChanges::default()
        })
    }
}

/// A change of one's own password.
#[derive(Deserialize, Validate, Default, Apiv2Schema)]
#[serde(default)]
#[openapi(rename = "EnvelopeChangePassword")]
#[garde(context(Rules))]
pub(super) struct ChangePasswordBody {
    #[garde(custom(valid(parse::candidate)))]
    old_password: Text,
    #[garde(custom(valid(parse::new_password)))]
    new_password: Text,
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
            current: at(parse::candidate(&self.old_password, rules), "old_password")?,
            new: at(parse::new_password(&self.new_password, rules), "new_password")?,
            confirmation: None,
            request,
        })
    }
}

/// The query of the list of users.
#[derive(Deserialize, Validate, Default, Apiv2Schema)]
#[serde(default)]
pub(super) struct UsersQuery {
    #[garde(custom(valid(parse_skip)))]
    skip: Text,
    #[garde(custom(valid(parse_after_id)))]
    after_id: Text,
    #[garde(custom(valid(parse_limit)))]
    limit: Text,
    #[garde(custom(valid(parse_role)))]
    role: Text,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde hands contexts over by reference")]
fn parse_skip(field: &Text, (): &()) -> Result<u64, Problem> {
    let skip = field.optional(|text| parse::integer(text, 0, i64::MAX.unsigned_abs()))?;
    Ok(skip.unwrap_or(0))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde hands contexts over by reference")]
fn parse_after_id(field: &Text, (): &()) -> Result<Option<UserId>, Problem> {
    field.optional(|text| parse_user_id(text))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde hands contexts over by reference")]
fn parse_limit(field: &Text, (): &()) -> Result<u64, Problem> {
    let limit = field.optional(|text| parse::integer(text, 1, ListUsers::MAX_LIMIT))?;
    Ok(limit.unwrap_or(DEFAULT_LIMIT))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde hands contexts over by reference")]
fn parse_role(field: &Text, (): &()) -> Result<Option<Role>, Problem> {
    field.optional(|text| text.parse::<Role>().map_err(|_unknown| Problem::UnknownRole))
}

impl UsersQuery {
    pub(super) fn to_query(&self) -> Result<UserQuery, Failure> {
        let at = |field: &'static str| {
            move |problem: Problem| -> Located { problem.located(Place::Query, field) }
        };
        let skip = parse_skip(&self.skip, &()).map_err(at("skip"))?;
        let start = match parse_after_id(&self.after_id, &()).map_err(at("after_id"))? {
            Some(id) if skip == 0 => PageStart::After(id),
            // One of them would have to be ignored.
            Some(_) => return Err(at("skip")(Problem::AtMost { max: 0 }).into()),
            None => PageStart::Skip(skip),
        };
        Ok(UserQuery {
            start,
            limit: parse_limit(&self.limit, &()).map_err(at("limit"))?,
            role: parse_role(&self.role, &()).map_err(at("role"))?,
        })
    }
}
