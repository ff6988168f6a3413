//! What is wrong with a part of a request, by place.
//!
//! garde runs the rules and collects what they refuse, but its errors carry a text only. A
//! [`Problem`] therefore travels through it as JSON and comes out as itself: the text for people is
//! chosen afterwards, by dialect and language.

use menjin_domain::common::Violation;
use menjin_http::json::JsonError;
use serde::{Deserialize, Serialize};

/// Why a value was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Problem {
    Missing,
    NotAString,
    NotAnInteger,
    NotAnObject,
    MalformedJson,
    BodyNotAnObject,
    Repeated,
    AtLeast { min: u64 },
    AtMost { max: u64 },
    TooShort { min: usize },
    TooLong { max: usize },
    LengthOutside { min: usize, max: usize },
    TooManyBytes { max: usize },
    ContainsNul,
    ForbiddenCharacter,
    ContainsAt,
    ContainsWhitespace,
    NotAnEmail,
    NotAUrl,
    NotAPhone,
    NotACacheKey,
    UnknownRole,
    RoleNotRegistrable,
    UnknownAction,
    UnknownOutcome,
    NotATime,
    NotAPosition,
}

impl From<Violation> for Problem {
    fn from(violation: Violation) -> Self {
        match violation {
            Violation::TooShort { min } => Self::TooShort { min },
            Violation::TooLong { max } => Self::TooLong { max },
            Violation::LengthOutside { min, max } => Self::LengthOutside { min, max },
            Violation::TooManyBytes { max } => Self::TooManyBytes { max },
            Violation::ContainsNul => Self::ContainsNul,
            Violation::ForbiddenCharacter => Self::ForbiddenCharacter,
            Violation::ContainsAt => Self::ContainsAt,
            Violation::ContainsWhitespace => Self::ContainsWhitespace,
            Violation::NotAnEmail => Self::NotAnEmail,
            Violation::NotAUrl => Self::NotAUrl,
            Violation::NotAPhone => Self::NotAPhone,
            Violation::NotACacheKey => Self::NotACacheKey,
            Violation::UnknownRole => Self::UnknownRole,
            Violation::RoleNotRegistrable => Self::RoleNotRegistrable,
        }
    }
}

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Malformed => Self::MalformedJson,
            JsonError::NotAnObject => Self::BodyNotAnObject,
        }
    }
}

impl Problem {
    /// pydantic's name for it, which clients of FastAPI back ends know.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotAString => "string_type",
            Self::NotAnInteger => "int_parsing",
            Self::NotAnObject => "dict_type",
            Self::MalformedJson => "json_invalid",
            Self::BodyNotAnObject => "model_attributes_type",
            Self::AtLeast { .. } => "greater_than_equal",
            Self::AtMost { .. } => "less_than_equal",
            Self::TooShort { .. } => "string_too_short",
            Self::TooLong { .. } | Self::TooManyBytes { .. } => "string_too_long",
            Self::NotACacheKey => "string_pattern_mismatch",
            Self::UnknownRole | Self::UnknownAction | Self::UnknownOutcome => "enum",
            Self::NotATime => "datetime_parsing",
            Self::Repeated
            | Self::LengthOutside { .. }
            | Self::ContainsNul
            | Self::ForbiddenCharacter
            | Self::ContainsAt
            | Self::ContainsWhitespace
            | Self::NotAnEmail
            | Self::NotAUrl
            | Self::NotAPhone
            | Self::RoleNotRegistrable
            | Self::NotAPosition => "value_error",
        }
    }

    /// Whether there was a value of the right type, which a rule refused.
    pub(crate) fn is_rule_on_a_value(self) -> bool {
        !matches!(
            self,
            Self::Missing
                | Self::NotAString
                | Self::NotAnInteger
                | Self::NotAnObject
                | Self::MalformedJson
                | Self::BodyNotAnObject
        )
    }

    /// Packs it for the way through garde.
    pub(crate) fn into_garde(self) -> garde::Error {
        // A fieldless or integer-only enum always serialises; the fallback reads as malformed.
        garde::Error::new(serde_json::to_string(&self).unwrap_or_default())
    }

    /// Unpacks it. A text of garde's own can only come from a rule that was not ours.
    pub(crate) fn from_garde(error: &garde::Error) -> Self {
        serde_json::from_str(error.message()).unwrap_or(Self::MalformedJson)
    }

    /// Says where it is: this field of that part of the request.
    pub(crate) fn located(self, place: Place, field: &str) -> Located {
        Located { place, field: Some(field.to_owned()), problem: self }
    }
}

/// The part of a request that something is wrong with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Body,
    Path,
    Query,
}

impl Place {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Path => "path",
            Self::Query => "query",
        }
    }
}

/// A problem and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) place: Place,
    /// `None`: the part as a whole.
    pub(crate) field: Option<String>,
    pub(crate) problem: Problem,
}

#[cfg(test)]
impl Problem {
    /// One of each.
    pub(crate) fn all() -> Vec<Self> {
        let all = vec![
            Self::Missing,
            Self::NotAString,
            Self::NotAnInteger,
            Self::NotAnObject,
            Self::MalformedJson,
            Self::BodyNotAnObject,
            Self::Repeated,
            Self::AtLeast { min: 1 },
            Self::AtMost { max: 2 },
            Self::TooShort { min: 3 },
            Self::TooLong { max: 4 },
            Self::LengthOutside { min: 5, max: 6 },
            Self::TooManyBytes { max: 7 },
            Self::ContainsNul,
            Self::ForbiddenCharacter,
            Self::ContainsAt,
            Self::ContainsWhitespace,
            Self::NotAnEmail,
            Self::NotAUrl,
            Self::NotAPhone,
            Self::NotACacheKey,
            Self::UnknownRole,
            Self::RoleNotRegistrable,
            Self::UnknownAction,
            Self::UnknownOutcome,
            Self::NotATime,
            Self::NotAPosition,
        ];
        let kinds: std::collections::HashSet<_> = all.iter().map(std::mem::discriminant).collect();
        assert_eq!(kinds.len(), all.len(), "one of each");
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_goes_through_garde_unchanged() {
        for problem in Problem::all() {
            assert_eq!(Problem::from_garde(&problem.into_garde()), problem);
        }
    }
}
