//! Attributes: what users carry beside the fields of the documents, such as a student number. The settings
//! declare them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use tinystr::TinyAsciiStr;

use crate::access::rights::RightId;
use crate::access::{Allowed, Forbidden};
use crate::common::{Violation, text};

/// The name of an attribute: a small letter, and small letters, digits and underscores.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AttributeName(TinyAsciiStr<{ AttributeName::MAX }>);

/// The text is not the name of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an attribute is named by a small letter and small letters, digits or underscores, at most {}",
    AttributeName::MAX
)]
pub struct InvalidAttributeName;

impl AttributeName {
    /// The most characters of a name.
    pub const MAX: usize = 32;

    /// The name in stores and answers.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for AttributeName {
    type Err = InvalidAttributeName;

    fn from_str(text: &str) -> Result<Self, InvalidAttributeName> {
        let begins = text.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !begins || !text.bytes().all(is_part) {
            return Err(InvalidAttributeName);
        }
        TinyAsciiStr::try_from_str(text).map(Self).map_err(|_too_long| InvalidAttributeName)
    }
}

impl TryFrom<String> for AttributeName {
    type Error = InvalidAttributeName;

    fn try_from(text: String) -> Result<Self, InvalidAttributeName> {
        text.parse()
    }
}

impl From<AttributeName> for String {
    fn from(name: AttributeName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttributeName({self})")
    }
}

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeKind {
    /// A line of text, of at most [`AttributeKind::MAX_TEXT`] characters.
    Text,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// A day, as `2026-11-28`.
    Date,
}

impl AttributeKind {
    /// The most characters of a text.
    pub const MAX_TEXT: usize = 200;

    /// One of each.
    pub const ALL: [Self; 4] = [Self::Text, Self::Integer, Self::Boolean, Self::Date];

    /// The name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Date => "date",
        }
    }
}

/// A value of an attribute. A day is a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text, or a day.
    Text(String),
}

/// The attributes of a user.
pub type Attributes = BTreeMap<AttributeName, AttributeValue>;

/// What becomes of attributes; `None` clears one. Those that are not named stay as they are.
pub type AttributeChanges = BTreeMap<AttributeName, Option<AttributeValue>>;

/// Attributes as a store keeps them, as JSON; `None`: there are none.
pub fn attributes_to_stored(attributes: &Attributes) -> Option<String> {
    let is_any = !attributes.is_empty();
    is_any.then(|| serde_json::to_string(attributes).unwrap_or_default())
}

/// The attributes of which a store has kept this; `None`: it is not such a text.
pub fn attributes_of_stored(text: &str) -> Option<Attributes> {
    serde_json::from_str(text).ok()
}

/// What is declared of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeRule {
    /// What it holds.
    pub kind: AttributeKind,
    /// The rights that changing it needs, beside that to change the account.
    pub rights: Vec<RightId>,
    /// Whether a search looks for its beginning.
    pub is_searchable: bool,
    /// What tables of users also call it, such as 学号.
    pub headings: Vec<String>,
}

/// Why a value is not that of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum AttributeProblem {
    /// No such attribute is declared.
    #[error("there is no such attribute")]
    Unknown,
    /// It is no text.
    #[error("should be a text")]
    NotAText,
    /// It is no whole number.
    #[error("should be a whole number")]
    NotAnInteger,
    /// Neither true nor false.
    #[error("should be true or false")]
    NotABoolean,
    /// It is no day.
    #[error("should be a day such as 2026-11-28")]
    NotADate,
    /// A rule on texts.
    #[error(transparent)]
    Violation(#[from] Violation),
}

/// The attributes that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttributeRules(BTreeMap<AttributeName, AttributeRule>);

impl AttributeRules {
    /// These.
    pub fn new(rules: impl IntoIterator<Item = (AttributeName, AttributeRule)>) -> Self {
        Self(rules.into_iter().collect())
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = (AttributeName, &AttributeRule)> {
        self.0.iter().map(|(name, rule)| (*name, rule))
    }

    /// What is declared of this one.
    pub fn get(&self, name: AttributeName) -> Option<&AttributeRule> {
        self.0.get(&name)
    }

    /// The attribute of this name.
    pub fn find(&self, name: &str) -> Option<(AttributeName, &AttributeRule)> {
        let name = name.parse().ok()?;
        self.0.get(&name).map(|rule| (name, rule))
    }

    /// Whether the caller may change these.
    ///
    /// # Errors
    /// The role does not have the right that one of them needs.
    pub(crate) fn check<R>(
        &self,
        allowed: &Allowed<R>,
        mut names: impl Iterator<Item = AttributeName>,
    ) -> Result<(), Forbidden> {
        let may = |right: &RightId| allowed.has(*right);
        let may_all =
            names.all(|name| self.0.get(&name).is_some_and(|rule| rule.rights.iter().all(may)));
        if may_all { Ok(()) } else { Err(Forbidden) }
    }
}

impl AttributeRule {
    /// What is wrong with a value that is neither a text nor a whole number nor a truth value.
    pub fn parse_failure(&self) -> AttributeProblem {
        match self.kind {
            AttributeKind::Text => AttributeProblem::NotAText,
            AttributeKind::Integer => AttributeProblem::NotAnInteger,
            AttributeKind::Boolean => AttributeProblem::NotABoolean,
            AttributeKind::Date => AttributeProblem::NotADate,
        }
    }

    /// The value that is written in a cell of a table.
    ///
    /// # Errors
    /// As [`AttributeRule::parse`].
    pub fn parse_cell(&self, cell: &str) -> Result<Option<AttributeValue>, AttributeProblem> {
        let value = match self.kind {
            AttributeKind::Text | AttributeKind::Date => AttributeValue::Text(cell.to_owned()),
            AttributeKind::Integer => {
                let number = cell.parse().map_err(|_no| AttributeProblem::NotAnInteger)?;
                AttributeValue::Integer(number)
            }
            AttributeKind::Boolean => {
                let flag = text::yes_or_no(cell).ok_or(AttributeProblem::NotABoolean)?;
                AttributeValue::Boolean(flag)
            }
        };
        self.parse(value)
    }

    /// The value, as it is kept; `None` for a text without a letter, which clears.
    ///
    /// # Errors
    /// It is not of the kind, or breaks a rule.
    pub fn parse(&self, value: AttributeValue) -> Result<Option<AttributeValue>, AttributeProblem> {
        use AttributeValue::{Boolean, Integer, Text};
        match (self.kind, value) {
            (AttributeKind::Text, Text(given)) => {
                let given = given.trim();
                if given.is_empty() {
                    return Ok(None);
                }
                if given.chars().count() > AttributeKind::MAX_TEXT {
                    return Err(Violation::TooLong { max: AttributeKind::MAX_TEXT }.into());
                }
                text::personal(given, false)?;
                Ok(Some(Text(given.to_owned())))
            }
            (AttributeKind::Date, Text(given)) => {
                let day = NaiveDate::parse_from_str(given.trim(), "%Y-%m-%d");
                let day = day.map_err(|_not_one| AttributeProblem::NotADate)?;
                Ok(Some(Text(day.format("%Y-%m-%d").to_string())))
            }
            (AttributeKind::Integer, value @ Integer(_))
            | (AttributeKind::Boolean, value @ Boolean(_)) => Ok(Some(value)),
            (_, _) => Err(self.parse_failure()),
        }
    }
}

#[cfg(test)]
mod tests {
    use AttributeKind::{Boolean, Date, Integer, Text};

    use super::*;

    fn parse(
        kind: AttributeKind,
        value: AttributeValue,
    ) -> Result<Option<AttributeValue>, AttributeProblem> {
        AttributeRule { kind, rights: vec![], is_searchable: false, headings: vec![] }.parse(value)
    }

    #[test]
    fn a13_values_are_held_to_what_is_declared() {
        let text = |text: &str| AttributeValue::Text(text.to_owned());
        let (yes, three) = (AttributeValue::Boolean(true), AttributeValue::Integer(3));
        for (kind, value, kept) in [
            (Text, text(" 三年二班 "), text("三年二班")),
            (Integer, three.clone(), three.clone()),
            (Boolean, yes.clone(), yes.clone()),
            (Date, text("2026-02-28 "), text("2026-02-28")),
        ] {
            assert_eq!(parse(kind, value), Ok(Some(kept)));
        }
        assert_eq!(parse(Text, text("  ")), Ok(None));
        for (kind, value, problem) in [
            (Text, three.clone(), AttributeProblem::NotAText),
            (Text, text(&"x".repeat(201)), Violation::TooLong { max: 200 }.into()),
            (Text, text("a\u{202e}b"), Violation::ForbiddenCharacter.into()),
            (Text, text("a\nb"), Violation::ForbiddenCharacter.into()),
            (Integer, text("3"), AttributeProblem::NotAnInteger),
            (Integer, yes.clone(), AttributeProblem::NotAnInteger),
            (Boolean, three, AttributeProblem::NotABoolean),
            (Date, text("2026-02-30"), AttributeProblem::NotADate),
            (Date, text("28.2.2026"), AttributeProblem::NotADate),
        ] {
            assert_eq!(parse(kind, value), Err(problem));
        }
    }

    #[test]
    fn a13_cells_are_read_as_people_write_them() {
        let cell = |kind, cell: &str| {
            AttributeRule { kind, rights: vec![], is_searchable: false, headings: vec![] }
                .parse_cell(cell)
        };
        assert_eq!(cell(Integer, "-12"), Ok(Some(AttributeValue::Integer(-12))));
        assert_eq!(cell(Boolean, "是"), Ok(Some(AttributeValue::Boolean(true))));
        assert_eq!(cell(Text, "12"), Ok(Some(AttributeValue::Text("12".to_owned()))));
        assert_eq!(cell(Integer, "12.5"), Err(AttributeProblem::NotAnInteger));
        assert_eq!(cell(Boolean, "perhaps"), Err(AttributeProblem::NotABoolean));
        assert_eq!(cell(Date, "today"), Err(AttributeProblem::NotADate));
    }

    #[test]
    fn a13_what_is_kept_reads_back() {
        let name = |text: &str| text.parse::<AttributeName>().unwrap();
        let attributes = Attributes::from([
            (name("class"), AttributeValue::Text("3-2".to_owned())),
            (name("number"), AttributeValue::Integer(-7)),
            (name("boards"), AttributeValue::Boolean(false)),
        ]);
        let stored = attributes_to_stored(&attributes).unwrap();
        assert_eq!(stored, r#"{"boards":false,"class":"3-2","number":-7}"#);
        assert_eq!(attributes_of_stored(&stored), Some(attributes));
        assert_eq!(attributes_to_stored(&Attributes::new()), None);
        for bad in ["[]", "{\"a\":null}", "{\"A\":1}", "{\"a\":{}}"] {
            assert_eq!(attributes_of_stored(bad), None, "{bad}");
        }
        for bad in ["", "1a", "A", "a-b", "a b", &"a".repeat(33)] {
            assert_eq!(bad.parse::<AttributeName>(), Err(InvalidAttributeName), "{bad}");
        }
    }
}
