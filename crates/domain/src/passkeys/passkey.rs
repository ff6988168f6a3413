//! What a passkey is called, here and by its owner.

use std::fmt;

use crate::common::{Violation, text};

/// The id of a passkey: 1 to 2⁶³ − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PasskeyId(i64);

/// The number is not a possible id of a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id of a passkey is an integer from 1 to 2^63 - 1")]
pub struct InvalidPasskeyId;

impl PasskeyId {
    /// The id as stores and clients see it.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for PasskeyId {
    type Error = InvalidPasskeyId;

    fn try_from(id: i64) -> Result<Self, InvalidPasskeyId> {
        if id >= 1 { Ok(Self(id)) } else { Err(InvalidPasskeyId) }
    }
}

impl fmt::Display for PasskeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What its owner calls a passkey: 1 to [`PasskeyName::MAX`] characters on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyName(String);

impl PasskeyName {
    /// The greatest number of characters.
    pub const MAX: usize = 64;

    /// Parses a name.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(typed: &str) -> Result<Self, Violation> {
        let name = text::nfc(typed.trim());
        if !(1..=Self::MAX).contains(&name.chars().count()) {
            return Err(Violation::LengthOutside { min: 1, max: Self::MAX });
        }
        text::personal(&name, false)?;
        Ok(Self(name))
    }

    /// Restores a stored name.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
