//! A field type for each value of the domain: how it is parsed, and the same rules in words of JSON
//! Schema.

use std::borrow::Cow;
use std::marker::PhantomData;

use chrono::{DateTime, SubsecRound as _};
use menjin_domain::accounts::{
    AttributeChanges, AttributeKind, AttributeProblem, AttributeRules, AttributeValue, Attributes,
    AvatarUrl, BanReason, Bio, ChangeUsers, Email, FullName, LoginName, Phone, RegistrableRole,
    Role, SearchTerm, UserFilter, UserOrder, UserPosition, Username, UsernameLength,
};
use menjin_domain::audit::{AuditAction, AuditOutcome, AuditPosition, ChangedField};
use menjin_domain::cache::{CacheKey, EntryTtl};
use menjin_domain::common::{Locale, SessionId, Timestamp, UserId, Violation};
use menjin_domain::credentials::{CandidatePassword, NewPassword};
use menjin_domain::import::{OnConflict, UpdateAlso};
use menjin_domain::invitations::InvitationId;
use menjin_domain::jobs::JobId;
use menjin_domain::mail::{MailId, MailState};
use menjin_domain::mfa::FactorCode;
use menjin_domain::one_time::OneTimeToken;
use menjin_domain::passkeys::{PasskeyId, PasskeyName};
use menjin_domain::sessions::{CodeVerifier, HandOffCode, SessionPosition};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::field_type::{FieldType, FromJson as _, Rules};
use crate::problem::Problem;
use crate::schema::{Components, Schema, TOKEN_EXAMPLE, names};

/// The names of roles.
fn role_names(roles: impl Iterator<Item = Role>) -> Value {
    roles.map(|role| role.to_string()).collect::<Vec<_>>().into()
}

/// The tags of all languages.
pub fn locales() -> Value {
    names(&[Locale::ZhCn, Locale::En], Locale::tag)
}

/// A user name of these lengths, in words of JSON Schema.
pub fn username(length: UsernameLength) -> Value {
    json!({
        "type": "string", "minLength": length.min, "maxLength": length.max,
        "pattern": r"^\s*[^\s@]+\s*$", "example": "student001",
        "description": "Shown as typed; unique without regard to case, width and Unicode form. No \
                        white space, no `@`, no characters that cannot be seen.",
    })
}

/// What depends on no rule of a dialect: the type of the field, its value, how a text is parsed to it,
/// and the schema.
macro_rules! text_fields {
    ($($type:ty => $value:ty, |$sent:ident| $parse:expr, $schema:tt;)*) => {$(
        impl FieldType for $type {
            type Json = String;
            type Value = $value;

            fn parse($sent: &String, _: &Rules) -> Result<$value, Problem> {
                $parse
            }

            fn schema(_: &Rules) -> Value {
                json!($schema)
            }
        }
    )*};
}

text_fields! {
    Username => Self, |sent| Ok(Self::parse(sent, UsernameLength::DEFAULT)?),
        (username(UsernameLength::DEFAULT));
    Email => Self, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "format": "email", "maxLength": Self::MAX_BYTES,
        "example": "zhangsan@example.com", "description": "Unique without regard to case.",
    };
    LoginName => Self, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "example": "student001",
        "description": "A user name or an e-mail address.",
    };
    CandidatePassword => Self, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "format": "password", "example": "password123",
    };
    FactorCode => Self, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "example": "123456",
        "description": "Six digits of the authenticator app, a recovery code, or the JSON text of what a \
                        passkey has answered.",
    };
    PasskeyAnswer => String, |sent| Ok(sent.clone()), {
        "type": "string",
        "example": r#"{"id":"SGVsbG8","rawId":"SGVsbG8","type":"public-key","response":{}}"#,
        "description": "The JSON text of what the browser gives, as `PublicKeyCredential.toJSON()` makes it.",
    };
    PasskeyName => Self, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "minLength": 1, "maxLength": Self::MAX, "example": "iPhone",
    };
    OneTimeToken => Self, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "maxLength": 4 * Self::LENGTH,
        "example": "bWVuamluIOmXqOemgSBtZW5qaW4g6Zeo56aBIG1lbmo",
        "description": "The token of the link in a mail.",
    };
    HandOffCode => Self, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "maxLength": 4 * Self::LENGTH,
        "example": "bWVuamluIOmXqOemgSBtZW5qaW4g6Zeo56aBIG1lbmo",
    };
    CodeVerifier => Self, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "minLength": Self::LENGTH.0, "maxLength": Self::LENGTH.1,
        "example": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    };
    Locale => Option<Self>, |sent| {
        if sent.trim().is_empty() {
            return Ok(None);
        }
        sent.parse().map(Some).map_err(|_unknown| Problem::UnknownLocale)
    }, {
        "type": "string", "enum": locales(), "example": "zh-CN",
        "description": "The language of mails to the user.",
    };
    Token => String, |sent| Ok(sent.clone()), { "type": "string", "example": TOKEN_EXAMPLE };

    // The optional parts of a profile. An empty text is no value.
    FullName => Option<Self>, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "maxLength": Self::MAX, "example": "张三",
    };
    Phone => Option<Self>, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "maxLength": 4 * Self::MAX, "example": "+86 138 0013 8000",
        "pattern": r"^\s*$|^\s*(?=\S(.{0,30}\S)?\s*$)[ +().#/*x-]*([0-9][ +().#/*x-]*){3,}$",
    };
    Bio => Option<Self>, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "maxLength": Self::MAX, "example": "喜欢开门",
    };
    AvatarUrl => Option<Self>, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "maxLength": Self::MAX, "example": "https://example.com/zhangsan.png",
        "pattern": r"^\s*$|^\s*[Hh][Tt][Tt][Pp][Ss]?://\S+\s*$",
        "description": "An absolute `http` or `https` URL.",
    };

    SearchTerm => Option<Self>, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "maxLength": Self::MAX, "example": "zhang",
    };
    UserOrder => Self, |sent| sent.parse().map_err(|_invalid| Problem::UnknownOrder), {
        "type": "string", "enum": UserOrder::NAMES, "default": "id",
    };
    UserPosition => Self, |sent| sent.parse().map_err(|_invalid| Problem::NotAPosition), {
        "type": "string", "pattern": "^(i[0-9]{1,19}|u[A-Za-z0-9_-]+|[cl][0-9]{0,18}-[0-9]{1,19})$",
        "example": "i42",
    };
    BanReason => Option<Self>, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "maxLength": Self::MAX, "example": "打扰课堂",
    };

    // In digits, as paths and queries have it.
    UserId => Self, |sent| id(sent), { "type": "integer", "format": "int64", "minimum": 1, "maximum": i64::MAX };

    JobId => Self, |sent| id(sent), { "type": "integer", "format": "int64", "minimum": 1, "maximum": i64::MAX };
    MailId => Self, |sent| id(sent), { "type": "integer", "format": "int64", "minimum": 1, "maximum": i64::MAX };
    MailState => Self, |sent| sent.parse().map_err(|()| Problem::UnknownState), {
        "type": "string", "enum": names(&Self::ALL, Self::as_str),
    };

    PasskeyId => Self, |sent| id(sent), { "type": "integer", "format": "int64", "minimum": 1, "maximum": i64::MAX };
    InvitationId => Self, |sent| id(sent), { "type": "integer", "format": "int64", "minimum": 1, "maximum": i64::MAX };

    AuditAction => Self, |sent| sent.parse().map_err(|_unknown| Problem::UnknownAction), {
        "type": "string", "enum": names(Self::ALL, Self::as_str),
    };
    ChangedField => Self, |sent| sent.parse().map_err(|_unknown| Problem::UnknownField), {
        "type": "string", "enum": names(Self::ALL, Self::as_str),
    };
    AuditOutcome => Self, |sent| sent.parse().map_err(|_unknown| Problem::UnknownOutcome), {
        "type": "string", "enum": names(Self::ALL, Self::as_str),
    };
    AuditPosition => Self, |sent| sent.parse().map_err(|_invalid| Problem::NotAPosition), {
        "type": "string", "pattern": "^[0-9]{1,18}-[0-9]{1,18}$",
        "example": "1704067200000000-42",
    };
    SessionId => Self, |sent| {
        let hyphenated = sent.len() == Hyphenated::LENGTH;
        let id = Uuid::parse_str(sent).ok().filter(|_| hyphenated);
        id.map(Self).ok_or(Problem::NotAUuid)
    }, { "type": "string", "format": "uuid" };
    SessionPosition => Self, |sent| sent.parse().map_err(|_invalid| Problem::NotAPosition), {
        "type": "string", "pattern": "^[0-9]{1,18}-[0-9a-f]{32}$",
        "example": "1704067200000000-0197c1f05a9e7cc398c4dc0c0c07398f",
    };
    // RFC 3339, in any time zone. What is finer than microseconds is cut off.
    Timestamp => Self, |sent| {
        let at = DateTime::parse_from_rfc3339(&with_plus(sent)).map_err(|_detail| Problem::NotATime)?;
        Ok(at.to_utc().trunc_subsecs(6))
    }, { "type": "string", "format": "date-time" };

    CacheKey => Self, |sent| Ok(Self::parse(sent)?), {
        "type": "string", "minLength": 1, "maxLength": Self::MAX, "example": "greeting",
        "pattern": r"^(?!\.{1,2}$)[A-Za-z0-9._:-]+$",
    };
}

/// A time with the `+` of its offset, which a query that was not encoded brings as a space.
fn with_plus(time: &str) -> Cow<'_, str> {
    match time.rsplit_once(' ') {
        Some((date, offset)) if date.contains(['T', 't']) => format!("{date}+{offset}").into(),
        _ => time.into(),
    }
}

/// One that the settings know.
impl FieldType for Role {
    type Json = String;
    type Value = Self;

    fn parse(sent: &String, rules: &Rules) -> Result<Self, Problem> {
        let role = sent.parse().ok().filter(|role| rules.roles.knows(*role));
        role.ok_or(Violation::UnknownRole.into())
    }

    fn schema(rules: &Rules) -> Value {
        json!({ "type": "string", "enum": role_names(rules.roles.all()), "example": "student" })
    }
}

/// One that the settings know, other than `admin`.
impl FieldType for RegistrableRole {
    type Json = String;
    type Value = Self;

    fn parse(sent: &String, rules: &Rules) -> Result<Self, Problem> {
        let role = Role::parse(sent, rules).ok().and_then(|role| Self::try_from(role).ok());
        role.ok_or(Violation::RoleNotRegistrable.into())
    }

    fn schema(rules: &Rules) -> Value {
        let all = rules.roles.all().filter(|role| Self::try_from(*role).is_ok());
        json!({ "type": "string", "enum": role_names(all), "example": "student" })
    }
}

/// A role in an answer. It may be one that the settings no longer know.
#[derive(Debug, Clone, Copy)]
pub struct ShownRole(pub Role);

impl Serialize for ShownRole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl Schema for ShownRole {
    fn inline(components: &mut Components<'_>) -> Value {
        Role::schema(&components.rules)
    }
}

impl FieldType for NewPassword {
    type Json = String;
    type Value = Self;

    fn parse(sent: &String, rules: &Rules) -> Result<Self, Problem> {
        let length = rules.new_password;
        Ok(Self::parse(sent, length).map_err(|violation| match violation {
            Violation::TooShort { .. } | Violation::TooLong { .. } if rules.joins_bounds => {
                Violation::LengthOutside { min: length.min, max: length.max }
            }
            other => other,
        })?)
    }

    fn schema(rules: &Rules) -> Value {
        let length = rules.new_password;
        json!({
            "type": "string", "format": "password", "example": "password123",
            "minLength": length.min, "maxLength": length.max,
            "description": "Of any script, without NUL. The most common passwords are refused.",
        })
    }
}

/// A value that stands in paths.
pub trait PathParameter: FieldType<Json = String> {
    /// The name of the parameter.
    const NAME: &'static str;
    /// What it is.
    const DESCRIPTION: &'static str;

    /// A value that is valid.
    fn example() -> Value;
}

macro_rules! path_parameters {
    ($($type:ty: $name:literal, $description:literal, $example:literal;)*) => {$(
        impl PathParameter for $type {
            const NAME: &'static str = $name;
            const DESCRIPTION: &'static str = $description;

            fn example() -> Value {
                json!($example)
            }
        }
    )*};
}

path_parameters! {
    UserId: "user_id", "The id of the user.", 1;
    SessionId: "session_id", "The id of the session.", "0197c1f0-5a9e-7cc3-98c4-dc0c0c07398f";
    MailId: "mail_id", "The id of the mail.", 1;
    JobId: "job_id", "The id of the import, or of the change of many users.", 1;
    PasskeyId: "passkey_id", "The id of the passkey.", 1;
    InvitationId: "invitation_id", "The id of the invitation.", 1;
    CacheKey: "key", "The key of the entry.", "greeting";
}

/// A token, as it was issued.
pub enum Token {}

/// What a browser gives that has asked an authenticator.
#[derive(Debug, Clone, Copy)]
pub enum PasskeyAnswer {}

/// An integer within bounds, in digits, as queries have it.
pub enum Integer<const MIN: u64, const MAX: u64> {}

impl<const MIN: u64, const MAX: u64> FieldType for Integer<MIN, MAX> {
    type Json = String;
    type Value = u64;

    fn parse(sent: &String, _: &Rules) -> Result<u64, Problem> {
        integer(sent, MIN, MAX)
    }

    fn schema(_: &Rules) -> Value {
        let format = if i32::try_from(MAX).is_ok() { "int32" } else { "int64" };
        json!({ "type": "integer", "format": format, "minimum": MIN, "maximum": MAX })
    }
}

fn integer(text: &str, min: u64, max: u64) -> Result<u64, Problem> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Problem::NotAnInteger);
    }
    match text.parse::<u64>() {
        Ok(number) if number > max => Err(Problem::AtMost { max }),
        Ok(number) if number >= min => Ok(number),
        Err(_) if !text.starts_with('-') => Err(Problem::AtMost { max }),
        _ => Err(Problem::AtLeast { min }),
    }
}

/// The id of a row: 1 to 2⁶³ − 1.
fn id<T: TryFrom<i64>>(text: &str) -> Result<T, Problem> {
    let number = integer(text, 1, i64::MAX.unsigned_abs())?;
    let id = i64::try_from(number).ok().and_then(|number| T::try_from(number).ok());
    id.ok_or(Problem::AtLeast { min: 1 })
}

/// A whole number within bounds, as bodies have it.
pub enum Number<const MIN: u64, const MAX: u64> {}

impl<const MIN: u64, const MAX: u64> FieldType for Number<MIN, MAX> {
    type Json = i64;
    type Value = Option<u64>;

    fn parse(sent: &i64, _: &Rules) -> Result<Option<u64>, Problem> {
        match u64::try_from(*sent) {
            Ok(number) if number > MAX => Err(Problem::AtMost { max: MAX }),
            Ok(number) if number >= MIN => Ok(Some(number)),
            _ => Err(Problem::AtLeast { min: MIN }),
        }
    }

    fn schema(rules: &Rules) -> Value {
        Integer::<MIN, MAX>::schema(rules)
    }
}

/// A value that may be null as well.
pub struct OrNone<T>(PhantomData<T>);

impl<T: FieldType> FieldType for OrNone<T> {
    type Json = T::Json;
    type Value = Option<T::Value>;

    fn parse(sent: &T::Json, rules: &Rules) -> Result<Option<T::Value>, Problem> {
        T::parse(sent, rules).map(Some)
    }

    fn schema(rules: &Rules) -> Value {
        T::schema(rules)
    }
}

/// A truth value, as bodies have it.
pub enum Boolean {}

impl FieldType for Boolean {
    type Json = bool;
    type Value = bool;

    fn parse(sent: &bool, _: &Rules) -> Result<bool, Problem> {
        Ok(*sent)
    }

    fn schema(_: &Rules) -> Value {
        json!({ "type": "boolean" })
    }
}

/// A truth value, as queries have it.
pub enum Flag {}

impl FieldType for Flag {
    type Json = String;
    type Value = bool;

    fn parse(sent: &String, _: &Rules) -> Result<bool, Problem> {
        match sent.as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(Problem::NotABoolean),
        }
    }

    fn schema(_: &Rules) -> Value {
        json!({ "type": "boolean" })
    }
}

/// Attributes, and what becomes of them: null clears one.
pub enum AttributeFields {}

impl FieldType for AttributeFields {
    type Json = Map<String, Value>;
    type Value = AttributeChanges;

    fn parse(sent: &Map<String, Value>, rules: &Rules) -> Result<AttributeChanges, Problem> {
        let mut changes = AttributeChanges::new();
        for (name, value) in sent {
            let bad = |problem| Problem::Attribute { name: name.parse().ok(), problem };
            let found = rules.attributes.find(name);
            let (name, rule) = found.ok_or_else(|| bad(AttributeProblem::Unknown))?;
            let value = match value {
                Value::Null => None,
                Value::Bool(flag) => Some(AttributeValue::Boolean(*flag)),
                Value::String(text) => Some(AttributeValue::Text(text.clone())),
                other => match other.as_i64() {
                    Some(number) => Some(AttributeValue::Integer(number)),
                    None => return Err(bad(rule.parse_failure())),
                },
            };
            let value = value.map(|value| rule.parse(value)).transpose().map_err(bad)?;
            changes.insert(name, value.flatten());
        }
        Ok(changes)
    }

    fn schema(rules: &Rules) -> Value {
        attribute_schema(&rules.attributes, true)
    }
}

/// The attributes that there are, in words of JSON Schema.
pub fn attribute_schema(rules: &AttributeRules, may_be_null: bool) -> Value {
    let properties = rules.all().map(|(name, rule)| {
        let schema = match rule.kind {
            AttributeKind::Text => json!({
                "type": "string", "maxLength": AttributeKind::MAX_TEXT, "nullable": may_be_null,
            }),
            AttributeKind::Integer => {
                json!({ "type": "integer", "format": "int64", "nullable": may_be_null })
            }
            AttributeKind::Boolean => json!({ "type": "boolean", "nullable": may_be_null }),
            AttributeKind::Date => {
                json!({ "type": "string", "format": "date", "nullable": may_be_null })
            }
        };
        (name.to_string(), schema)
    });
    json!({
        "type": "object", "properties": properties.collect::<Map<_, _>>(), "example": {},
        "additionalProperties": false,
    })
}

/// The attributes of a user, as answers show them.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct ShownAttributes(pub Attributes);

impl Schema for ShownAttributes {
    fn inline(components: &mut Components<'_>) -> Value {
        // One that is declared no longer is still shown.
        let mut schema = attribute_schema(&components.rules.attributes, false);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("additionalProperties".to_owned(), true.into());
        }
        schema
    }
}

/// The ids of users.
pub enum UserIds {}

impl FieldType for UserIds {
    type Json = Vec<Value>;
    type Value = Vec<UserId>;

    fn parse(sent: &Vec<Value>, _: &Rules) -> Result<Vec<UserId>, Problem> {
        if sent.is_empty() || sent.len() > ChangeUsers::MAX {
            return Err(Problem::Items { max: ChangeUsers::MAX });
        }
        let id = |sent: &Value| {
            let number = i64::from_json(sent.clone()).ok_or(Problem::NotAnInteger)?;
            UserId::try_from(number).map_err(|_too_small| Problem::AtLeast { min: 1 })
        };
        sent.iter().map(id).collect()
    }

    fn schema(_: &Rules) -> Value {
        json!({
            "type": "array", "minItems": 1, "maxItems": ChangeUsers::MAX, "example": [3, 4, 5],
            "items": {
                "type": "integer", "format": "int64", "minimum": 1, "maximum": i64::MAX,
            },
        })
    }
}

/// As what users are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// For spreadsheets.
    Csv,
    /// A JSON object a line.
    Ndjson,
}

impl ExportFormat {
    const ALL: [Self; 2] = [Self::Csv, Self::Ndjson];

    /// The name, which is that of such files, too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

impl FieldType for ExportFormat {
    type Json = String;
    type Value = Self;

    fn parse(sent: &String, _: &Rules) -> Result<Self, Problem> {
        Self::ALL.into_iter().find(|format| format.as_str() == sent).ok_or(Problem::UnknownFormat)
    }

    fn schema(_: &Rules) -> Value {
        json!({ "type": "string", "enum": names(&Self::ALL, Self::as_str) })
    }
}

/// The names of what is done with a row whose user is there already.
const CONFLICTS: [(&str, OnConflict); 3] =
    [("skip", OnConflict::Skip), ("update", OnConflict::Update), ("fail", OnConflict::Fail)];

impl FieldType for OnConflict {
    type Json = String;
    type Value = Self;

    fn parse(sent: &String, _: &Rules) -> Result<Self, Problem> {
        let found = CONFLICTS.into_iter().find(|(name, _)| name == sent);
        found.map(|(_, conflict)| conflict).ok_or(Problem::UnknownConflict)
    }

    fn schema(_: &Rules) -> Value {
        json!({ "type": "string", "enum": CONFLICTS.map(|(name, _)| name) })
    }
}

/// Names, with commas between them.
impl FieldType for UpdateAlso {
    type Json = String;
    type Value = Self;

    fn parse(sent: &String, _: &Rules) -> Result<Self, Problem> {
        let mut also = Self::default();
        for name in sent.split(',') {
            *match name {
                "password" => &mut also.password,
                "role" => &mut also.role,
                "activity" => &mut also.activity,
                _ => return Err(Problem::UnknownUpdate),
            } = true;
        }
        Ok(also)
    }

    fn schema(_: &Rules) -> Value {
        let pattern = "^(password|role|activity)(,(password|role|activity))*$";
        json!({ "type": "string", "pattern": pattern, "example": "role,activity" })
    }
}

/// Which users: those that match all of it.
impl FieldType for UserFilter {
    type Json = Map<String, Value>;
    type Value = Self;

    fn parse(sent: &Map<String, Value>, rules: &Rules) -> Result<Self, Problem> {
        let mut filter = Self::default();
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(Problem::NotAString);
        let flag = |value: &Value| value.as_bool().ok_or(Problem::NotABoolean);
        for (name, value) in sent {
            match name.as_str() {
                "q" => filter.term = SearchTerm::parse(&text(value)?)?,
                "role" => filter.role = Some(<Role as FieldType>::parse(&text(value)?, rules)?),
                "is_active" => filter.is_active = Some(flag(value)?),
                "is_verified" => filter.is_verified = Some(flag(value)?),
                _ => return Err(Problem::UnknownFilter),
            }
        }
        Ok(filter)
    }

    fn schema(rules: &Rules) -> Value {
        json!({
            "type": "object", "additionalProperties": false, "example": { "role": "student" },
            "properties": {
                "q": <SearchTerm as FieldType>::schema(rules),
                "role": <Role as FieldType>::schema(rules),
                "is_active": { "type": "boolean" },
                "is_verified": { "type": "boolean" },
            },
        })
    }
}

/// What is done to many users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchName {
    /// Makes them active.
    Activate,
    /// Makes them inactive.
    Deactivate,
    /// Bans them.
    Ban,
    /// Deletes them.
    Delete,
    /// Gives them another role.
    SetRole,
    /// Ends their sessions.
    EndSessions,
}

impl BatchName {
    const ALL: [Self; 6] = [
        Self::Activate,
        Self::Deactivate,
        Self::Ban,
        Self::Delete,
        Self::SetRole,
        Self::EndSessions,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Deactivate => "deactivate",
            Self::Ban => "ban",
            Self::Delete => "delete",
            Self::SetRole => "set_role",
            Self::EndSessions => "end_sessions",
        }
    }
}

impl FieldType for BatchName {
    type Json = String;
    type Value = Self;

    fn parse(sent: &String, _: &Rules) -> Result<Self, Problem> {
        Self::ALL.into_iter().find(|name| name.as_str() == sent).ok_or(Problem::UnknownBatch)
    }

    fn schema(_: &Rules) -> Value {
        json!({ "type": "string", "enum": names(&Self::ALL, Self::as_str) })
    }
}

/// Any JSON object.
pub enum Object {}

impl FieldType for Object {
    type Json = Map<String, Value>;
    type Value = Map<String, Value>;

    fn parse(sent: &Map<String, Value>, _: &Rules) -> Result<Map<String, Value>, Problem> {
        Ok(sent.clone())
    }

    fn schema(_: &Rules) -> Value {
        json!({
            "type": "object", "additionalProperties": true, "example": { "greeting": "你好" },
        })
    }
}

/// Seconds; none are an hour.
impl FieldType for EntryTtl {
    type Json = i64;
    type Value = Option<Self>;

    fn parse(sent: &i64, _: &Rules) -> Result<Option<Self>, Problem> {
        let seconds = u64::try_from(*sent).ok().filter(|seconds| *seconds >= 1);
        let ttl = Self::from_seconds(seconds.ok_or(Problem::AtLeast { min: 1 })?);
        ttl.map(Some).ok_or(Problem::AtMost { max: Self::MAX_SECONDS })
    }

    fn schema(_: &Rules) -> Value {
        json!({
            "type": "integer", "format": "int64", "minimum": 1, "maximum": Self::MAX_SECONDS,
            "default": Self::DEFAULT.get().as_secs(), "example": 60,
        })
    }
}

#[cfg(test)]
mod tests {
    use menjin_domain::common::rfc3339;
    use menjin_domain::credentials::PasswordLength;
    use proptest::prelude::*;

    use super::*;

    fn parse<T: FieldType<Json = String>>(text: &str) -> Result<T::Value, Problem> {
        T::parse(
            &text.to_owned(),
            &Rules {
                new_password: PasswordLength::DEFAULT,
                joins_bounds: false,
                attributes: std::sync::Arc::default(),
                roles: std::sync::Arc::default(),
            },
        )
    }

    #[test]
    fn i1_only_integers_within_bounds_pass() {
        assert_eq!(integer("0", 0, 9), Ok(0));
        assert_eq!(integer("9", 0, 9), Ok(9));
        assert_eq!(integer("10", 0, 9), Err(Problem::AtMost { max: 9 }));
        assert_eq!(integer("99999999999999999999999", 0, 9), Err(Problem::AtMost { max: 9 }));
        for low in ["0", "-1", "-99999999999999999999999"] {
            assert_eq!(integer(low, 1, 9), Err(Problem::AtLeast { min: 1 }), "{low}");
        }
        for bad in ["", "NaN", "1e9", "+1", "1.0", " 1", "0x1", "１"] {
            assert_eq!(integer(bad, 0, 9), Err(Problem::NotAnInteger), "{bad:?}");
        }
    }

    #[test]
    fn i2_only_positive_64_bit_integers_are_ids() {
        let id = |text| parse::<UserId>(text).map(UserId::get);
        assert_eq!(id("7"), Ok(7));
        assert_eq!(id("9223372036854775807"), Ok(i64::MAX));
        for low in ["0", "-1", "-9223372036854775809"] {
            assert_eq!(id(low), Err(Problem::AtLeast { min: 1 }), "{low}");
        }
        let max = i64::MAX.unsigned_abs();
        assert_eq!(id("9223372036854775808"), Err(Problem::AtMost { max }));
        for bad in ["", "-", "x", "1\0", "1%00", "+1", "1.0", " 1", "１"] {
            assert_eq!(id(bad), Err(Problem::NotAnInteger), "{bad:?}");
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        let read = |text| parse::<Timestamp>(text).map(rfc3339);
        assert_eq!(read("2026-01-31T08:00:00Z"), Ok("2026-01-31T08:00:00.000000Z".to_owned()));
        assert_eq!(
            read("2026-01-31T16:00:00.1234567+08:00"),
            Ok("2026-01-31T08:00:00.123456Z".to_owned())
        );
        assert_eq!(
            read("2026-01-31T16:00:00 08:00"),
            Ok("2026-01-31T08:00:00.000000Z".to_owned()),
            "j17: the `+` of a query"
        );
        for bad in
            ["", "now", "2026-01-31", "2026-01-31T08:00:00", "1700000000", "2026-02-30T08:00:00Z"]
        {
            assert_eq!(read(bad), Err(Problem::NotATime), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn i2_an_id_is_what_its_digits_say(id: i64, text in "\\PC{0,25}") {
            let parsed = parse::<UserId>(&id.to_string()).map(UserId::get).ok();
            prop_assert_eq!(parsed, Some(id).filter(|id| *id > 0));
            if let Ok(id) = parse::<UserId>(&text) {
                let digits = text.trim_start_matches('0');
                prop_assert_eq!(digits, id.to_string());
            }
        }
    }
}
