//! scrypt (RFC 7914) in PHC format.

use argon2::password_hash::phc::{Output, PasswordHash as PhcHash, Salt};
use scrypt::{Params, scrypt};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::Unreadable;

/// What is written before the parameters.
pub(super) const PREFIX: &str = "$scrypt$";

/// The greatest product of `N` and `r`: 64 MiB, because a step writes 128 bytes for each. passlib,
/// and whoever follows it, takes all of them.
const MEMORY: u32 = 64 * 1024 * 1024 / 128;

/// The greatest product of `N`, `r` and `p`: about one second. The parts are computed one after the
/// other, in the same memory.
const WORK: u32 = 4 * MEMORY;

/// The greatest `p`.
const PARTS: u32 = 16;

/// The greatest `r`; the usual one is 8. The input and the output of a part grow with it, and their
/// time and memory are not in the bounds above.
const BLOCK: u32 = 64;

/// The least bytes of a salt and of an output.
const SALT_LENGTH: usize = 8;
const OUTPUT_LENGTH: usize = 16;

/// An scrypt hash.
pub(in crate::hashing) struct Scrypt {
    params: Params,
    salt: Salt,
    output: Output,
    /// In KiB.
    memory: u32,
}

impl Scrypt {
    /// Reads a hash, with its prefix.
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        let hash = PhcHash::new(text).map_err(Unreadable::Phc)?;
        let number = |name: &str| hash.params.get_decimal(name).filter(|number| *number > 0);
        let (Some(log_n), Some(r), Some(p), 3, None, Some(salt), Some(output)) = (
            number("ln"),
            number("r"),
            number("p"),
            hash.params.iter().count(),
            hash.version,
            hash.salt,
            hash.hash,
        ) else {
            return Err(Unreadable::NotWhole);
        };
        if salt.len() < SALT_LENGTH || output.len() < OUTPUT_LENGTH {
            return Err(Unreadable::NotWhole);
        }
        let step = 1_u32.checked_shl(log_n).and_then(|n| n.checked_mul(r));
        let affordable = |step: &u32| {
            *step <= MEMORY && step.saturating_mul(p) <= WORK && p <= PARTS && r <= BLOCK
        };
        let step = step.filter(affordable).ok_or(Unreadable::TooCostly)?;
        let params = u8::try_from(log_n).ok().and_then(|log_n| Params::new(log_n, r, p).ok());
        let params = params.ok_or(Unreadable::TooCostly)?;
        // The large table, and two blocks beside those of the parts.
        let memory = (step + (p + 2) * r).div_ceil(8);
        Ok(Self { params, salt, output, memory })
    }

    /// Whether a password matches this hash.
    pub(in crate::hashing) fn matches(&self, password: &[u8]) -> bool {
        let mut output = Zeroizing::new(vec![0; self.output.len()]);
        let computed = scrypt(password, &self.salt, &self.params, &mut output);
        computed.is_ok() && output.ct_eq(self.output.as_bytes()).into()
    }

    /// The memory that it takes to verify a password, in KiB.
    pub(in crate::hashing) fn memory(&self) -> u32 {
        self.memory
    }

    #[cfg(test)]
    pub(in crate::hashing) fn params(&self) -> Params {
        self.params
    }
}
