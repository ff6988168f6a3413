//! Django's `pbkdf2_sha256`.

use base64::engine::general_purpose::STANDARD;
use base64::prelude::Engine as _;
use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::Unreadable;

/// What Django writes before the iterations.
pub(super) const PREFIX: &str = "pbkdf2_sha256$";

/// How many iterations a hash may have: at most about one second. Django 5.2 makes 1,000,000, and each
/// version some more.
const ITERATIONS: u32 = 2_000_000;

/// How many bytes a digest has: those of SHA-256.
const DIGEST_LENGTH: usize = 32;

/// A PBKDF2 hash with HMAC-SHA-256.
pub(in crate::hashing) struct Pbkdf2 {
    iterations: u32,
    salt: String,
    digest: [u8; DIGEST_LENGTH],
}

impl Pbkdf2 {
    /// Reads what is written after [`PREFIX`]: the iterations, the salt as it is used, and the digest
    /// in Base64.
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        let mut parts = text.split('$');
        let (Some(iterations), Some(salt), Some(digest), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Unreadable::NotWhole);
        };
        // `parse` alone would accept a sign and zeros before the number, which Django does not write.
        let is_number = iterations.bytes().all(|byte| byte.is_ascii_digit())
            && !iterations.is_empty()
            && !iterations.starts_with('0');
        let digest = STANDARD.decode(digest).ok().and_then(|digest| digest.try_into().ok());
        let (true, false, Some(digest)) = (is_number, salt.is_empty(), digest) else {
            return Err(Unreadable::NotWhole);
        };
        match iterations.parse() {
            Ok(iterations @ 1..=ITERATIONS) => {
                Ok(Self { iterations, salt: salt.to_owned(), digest })
            }
            _ => Err(Unreadable::TooCostly),
        }
    }

    /// Whether a password matches this hash.
    pub(in crate::hashing) fn matches(&self, password: &[u8]) -> bool {
        let mut digest = Zeroizing::new([0; DIGEST_LENGTH]);
        pbkdf2_hmac::<Sha256>(password, self.salt.as_bytes(), self.iterations, digest.as_mut());
        self.digest.ct_eq(&*digest).into()
    }

    #[cfg(test)]
    pub(in crate::hashing) fn iterations(&self) -> u32 {
        self.iterations
    }
}
