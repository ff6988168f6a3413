//! Field types of this dialect. Both bounds of a length are one rule here, as its document words them.

use menjin_domain::accounts::{self, FullName, UsernameLength};
use menjin_domain::common::{Patch, Violation};
use menjin_web::ApiError;
use menjin_web::field::{FieldType, Rules};
use menjin_web::problem::{FieldError, Place, Problem};
use menjin_web::values::username;
use serde_json::{Value, json};

/// A user name of 3 to 20 characters.
pub(super) enum Username {}

impl Username {
    const LENGTH: UsernameLength = UsernameLength { min: 3, max: 20 };
}

impl FieldType for Username {
    type Json = String;
    type Value = accounts::Username;

    fn parse(sent: &String, _: &Rules) -> Result<accounts::Username, Problem> {
        let UsernameLength { min, max } = Self::LENGTH;
        Ok(accounts::Username::parse(sent, Self::LENGTH).map_err(|violation| match violation {
            Violation::TooShort { .. } | Violation::TooLong { .. } => {
                Violation::LengthOutside { min, max }
            }
            other => other,
        })?)
    }

    fn schema(_: &Rules) -> Value {
        username(Self::LENGTH)
    }
}

/// A person's name of 2 to 10 characters.
pub(super) enum Name {}

impl Name {
    const MIN: usize = 2;
    const MAX: usize = 10;
}

impl FieldType for Name {
    type Json = String;
    type Value = Option<FullName>;

    fn parse(sent: &String, _: &Rules) -> Result<Option<FullName>, Problem> {
        Ok(Some(FullName::parse_within(sent, Self::MIN, Self::MAX)?))
    }

    fn schema(_: &Rules) -> Value {
        json!({
            "type": "string", "minLength": Self::MIN, "maxLength": Self::MAX, "example": "张三",
        })
    }
}

/// A name of 2 to 10 characters, or the one that is shown: what a client has read it may send back.
pub(super) enum NameAsShown {}

/// A name that somebody sent.
pub(super) enum SentName {
    /// It keeps the rules.
    Valid(FullName),
    /// It breaks this one. It is taken only if it is what is shown.
    Invalid(String, Problem),
}

impl FieldType for NameAsShown {
    type Json = String;
    type Value = Option<SentName>;

    fn parse(sent: &String, rules: &Rules) -> Result<Option<SentName>, Problem> {
        Ok(match Name::parse(sent, rules) {
            Ok(name) => name.map(SentName::Valid),
            Err(problem) => Some(SentName::Invalid(sent.clone(), problem)),
        })
    }

    fn schema(rules: &Rules) -> Value {
        Name::schema(rules)
    }
}

impl SentName {
    /// The change that it means to a profile that shows this name.
    pub(super) fn change_from(self, shown: &str) -> Result<Patch<FullName>, ApiError> {
        match self {
            Self::Valid(name) if name.as_str() == shown => Ok(Patch::Keep),
            Self::Valid(name) => Ok(Patch::Set(name)),
            Self::Invalid(text, _) if text == shown => Ok(Patch::Keep),
            Self::Invalid(_, problem) => {
                Err(FieldError { place: Place::Body, field: Some("name".into()), problem }.into())
            }
        }
    }
}
