//! Keys of the cache that clients can use.

use std::fmt;

use crate::common::Violation;

/// A key of 1 to 128 of `A-Z a-z 0-9 . _ : -`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey(String);

impl CacheKey {
    /// The greatest number of characters.
    pub const MAX: usize = 128;

    /// Parses a key.
    ///
    /// # Errors
    /// [`Violation::NotACacheKey`].
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
        // `.` and `..` are path segments that proxies remove.
        if (1..=Self::MAX).contains(&text.len())
            && text.bytes().all(allowed)
            && text != "."
            && text != ".."
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(Violation::NotACacheKey)
        }
    }

    /// The key as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c2_only_harmless_keys_pass() {
        for good in ["a", "session:1", "A.b_c:d-9", &"x".repeat(128)] {
            assert!(CacheKey::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "../x", "a/b", "a\r\nb", "a\0", "ключ", "a b", "%2F", "..", &"x".repeat(129)]
        {
            assert_eq!(CacheKey::parse(bad), Err(Violation::NotACacheKey), "{bad:?}");
        }
    }
}
