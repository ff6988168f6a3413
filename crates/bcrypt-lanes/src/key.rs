//! The input of a hash: key, salt and cost.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::kernel::Schedule;
use crate::pi::SUBKEY_COUNT;

/// How many bytes bcrypt reads.
const READS: usize = 4 * SUBKEY_COUNT;

/// The greatest cost: iterations are counted in 32 bits, and the cost is their exponent.
pub(crate) const MAX_COST: u32 = 31;

/// Why a password gives no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// bcrypt repeats its key, and an empty key cannot be repeated.
    #[error("a key has at least one byte")]
    Empty,
    /// bcrypt would ignore the end of the key.
    #[error("a key has at most {max} bytes, not {length}")]
    TooLong {
        /// The length of the key.
        length: usize,
        /// The greatest length.
        max: usize,
    },
}

/// A cost that bcrypt does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no cost that bcrypt knows")]
pub struct CostError(pub u32);

/// The key that bcrypt makes of a password: 72 bytes, its own or repeated. Erased when dropped.
#[derive(Clone)]
pub struct Key([u32; SUBKEY_COUNT]);

impl Key {
    /// How many bytes of a password bcrypt reads.
    pub const MAX_PASSWORD: usize = READS - 1;

    /// The key of a password, with the NUL that ends it.
    ///
    /// A password that contains a NUL may have the same key as another password. Refuse such
    /// passwords, unless they were hashed elsewhere.
    ///
    /// # Errors
    /// The password is longer than [`MAX_PASSWORD`](Self::MAX_PASSWORD), so that bcrypt would not
    /// read all of it, or not the NUL.
    pub fn new(password: &[u8]) -> Result<Self, KeyError> {
        match password.len() {
            0..=Self::MAX_PASSWORD => Ok(Self::truncated(password)),
            length => Err(KeyError::TooLong { length, max: Self::MAX_PASSWORD }),
        }
    }

    /// The same, but the bytes after the first 72 are ignored, and so is the NUL of a password of
    /// 72 bytes or more. Most other libraries do this; use it for their hashes.
    pub fn truncated(password: &[u8]) -> Self {
        Self::repeated(password.iter().copied().chain([0]).take(READS))
    }

    /// The key of these bytes, without a NUL. This is the input of `bcrypt::bcrypt` in the `bcrypt`
    /// crate.
    ///
    /// # Errors
    /// There are no bytes, or more than 72.
    pub fn raw(bytes: &[u8]) -> Result<Self, KeyError> {
        match bytes.len() {
            0 => Err(KeyError::Empty),
            1..=READS => Ok(Self::repeated(bytes.iter().copied())),
            length => Err(KeyError::TooLong { length, max: READS }),
        }
    }

    fn repeated(bytes: impl Iterator<Item = u8> + Clone) -> Self {
        let mut repeated = bytes.cycle();
        Self([(); SUBKEY_COUNT].map(|()| {
            repeated.by_ref().take(4).fold(0, |word, byte| (word << 8) | u32::from(byte))
        }))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Key {}

/// One hash to compute.
#[derive(Debug, Clone)]
pub struct Job {
    key: Key,
    salt: [u8; 16],
    cost: u32,
}

impl Job {
    /// A job of `2^cost` iterations. `$2b$` hashes have no cost below 4; here costs down to 0 are
    /// valid, for tests.
    ///
    /// # Errors
    /// The cost is above 31.
    pub fn new(key: Key, salt: [u8; 16], cost: u32) -> Result<Self, CostError> {
        if cost > MAX_COST {
            return Err(CostError(cost));
        }
        Ok(Self::within(key, salt, cost))
    }

    /// For a cost that is known to be valid.
    pub(crate) fn within(key: Key, salt: [u8; 16], cost: u32) -> Self {
        Self { key, salt, cost }
    }

    /// Its cost.
    pub fn cost(&self) -> u32 {
        self.cost
    }

    /// How many iterations it takes.
    pub(crate) fn iterations(&self) -> u32 {
        1 << self.cost
    }

    pub(crate) fn schedule(&self) -> Schedule {
        Schedule { key: self.key.0, salt: Key::repeated(self.salt.iter().copied()).0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(key: Result<Key, KeyError>) -> [u32; SUBKEY_COUNT] {
        key.unwrap().0
    }

    #[test]
    fn a_password_is_ended_by_a_nul_and_repeated() {
        assert_eq!(words(Key::new(b"ab")), words(Key::raw(b"ab\0")));
        assert_eq!(words(Key::new(b"ab")), words(Key::raw(b"ab\0ab\0")));
        assert_eq!(words(Key::new(b"")), words(Key::raw(b"\0")));
        assert_ne!(words(Key::new(b"ab")), words(Key::raw(b"ab")));
        assert_eq!(words(Key::new(b"abc"))[..2], [0x6162_6300, 0x6162_6300]);
        assert_eq!(words(Key::new(b"abcd"))[..3], [0x6162_6364, 0x0061_6263, 0x6400_6162]);
    }

    #[test]
    fn nothing_is_cut_off_unasked() {
        let long = [b'x'; 80];
        let too_long = |length, max| Some(KeyError::TooLong { length, max });
        assert_eq!(Key::new(&long[..72]).err(), too_long(72, 71));
        assert_eq!(Key::raw(&long[..73]).err(), too_long(73, 72));
        assert_eq!(Key::raw(b"").err(), Some(KeyError::Empty));
        assert_eq!(words(Key::new(&long[..71])), Key::truncated(&long[..71]).0);
        assert_eq!(words(Key::raw(&long[..72])), Key::truncated(&long).0);
        assert_ne!(Key::truncated(&long[..71]).0, Key::truncated(&long[..72]).0);
    }

    #[test]
    fn a_key_does_not_print() {
        assert_eq!(format!("{:?}", Key::truncated(b"secret")), "Key(…)");
    }

    #[test]
    fn a_cost_has_five_bits() {
        let job = |cost| Job::new(Key::truncated(b""), [0; 16], cost);
        assert_eq!(job(32).err(), Some(CostError(32)));
        assert_eq!(job(31).unwrap().iterations(), 1 << 31);
    }
}
