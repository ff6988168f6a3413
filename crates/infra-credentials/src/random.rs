//! The only place that asks the operating system for randomness.

use std::cell::RefCell;

use menjin_domain::common::{PortError, Random};
use secrecy::SecretString;
use secrecy::zeroize::Zeroize;
use uuid::Uuid;

const COMPONENT: &str = "random";

/// How many ids a thread draws at once.
const AT_ONCE: usize = 32;

thread_local! {
    static DRAWN: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
}

/// The randomness of the operating system.
///
/// Every request has an id, and drawing 16 bytes from the system takes about as long as drawing the
/// bytes of many ids. So each thread draws several ids at once. No id is given twice: a given id
/// leaves the thread's store, and no other thread sees that store. Ids are not secret; keys and
/// secrets are drawn one by one.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn uuid(&self) -> Result<Uuid, PortError> {
        DRAWN.with_borrow_mut(|drawn| {
            if drawn.is_empty() {
                let mut bytes = [[0; 16]; AT_ONCE];
                fill(bytes.as_flattened_mut())?;
                drawn.extend(bytes);
            }
            let bytes = drawn.pop().ok_or_else(|| PortError::internal(COMPONENT, "none drawn"))?;
            Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
        })
    }
}

/// A secret to sign tokens with: 32 random bytes as 64 hexadecimal characters, twice the length
/// that [`JwtCodec`](crate::JwtCodec) requires.
///
/// # Errors
/// The operating system gives no randomness.
pub fn random_secret() -> Result<SecretString, PortError> {
    let mut bytes = [0; 32];
    fill(&mut bytes)?;
    let secret = hex(&bytes);
    bytes.zeroize();
    Ok(secret.into())
}

/// A key that never leaves the process, such as that of a keyed hash: 16 random bytes.
///
/// # Errors
/// The operating system gives no randomness.
pub fn random_key() -> Result<[u8; 16], PortError> {
    let mut key = [0; 16];
    fill(&mut key)?;
    Ok(key)
}

/// Hexadecimal digits, in lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    // The whole length is reserved at once: a string that grows leaves copies of itself in memory,
    // and it may be a secret.
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let halves = [byte >> 4, byte & 0xf];
        digits.extend(halves.into_iter().filter_map(|half| char::from_digit(half.into(), 16)));
    }
    digits
}

#[expect(clippy::disallowed_methods, reason = "this is the adapter that the rule points to")]
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), PortError> {
    getrandom::fill(bytes).map_err(|error| PortError::internal(COMPONENT, error))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn uuids_are_of_version_4_and_differ() {
        let (one, other) = (OsRandom.uuid().unwrap(), OsRandom.uuid().unwrap());
        assert_eq!(one.get_version_num(), 4);
        assert_eq!(one.get_variant(), uuid::Variant::RFC4122);
        assert_ne!(one, other);
    }

    #[test]
    fn no_uuid_is_given_twice() {
        let draw = || (0..1000).map(|_| OsRandom.uuid().unwrap()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let ids: Vec<_> = threads.into_iter().flat_map(|it| it.join().unwrap()).collect();
        let different: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(different.len(), 4000);
    }

    #[test]
    fn secrets_are_64_hexadecimal_characters_and_differ() {
        let (one, other) = (random_secret().unwrap(), random_secret().unwrap());
        assert_eq!(one.expose_secret().len(), 64);
        assert!(one.expose_secret().bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_ne!(random_key().unwrap(), random_key().unwrap());
    }
}
