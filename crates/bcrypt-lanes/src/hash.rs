//! Hashes in text form: `$2b$12$`, 22 characters of salt, 31 of digest.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use subtle::ConstantTimeEq;

use crate::key::MAX_COST;
use crate::{CostError, Digest, Job, Key};

const BASE_64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);

/// The length of a hash in text form.
const LENGTH: usize = 60;

/// The kind of implementation that made a hash. This crate computes all kinds in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `$2a$`. Some implementations confused 8-bit characters, or passwords of 256 bytes and more,
    /// with others.
    TwoA,
    /// `$2b$`: the kind of new hashes.
    TwoB,
    /// `$2x$`: made by a faulty implementation. Verification works for ASCII passwords.
    TwoX,
    /// `$2y$`: the same as `$2b$`.
    TwoY,
}

/// Why a text is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The text does not have 60 ASCII characters with `$` in their places.
    #[error("not of the form of a bcrypt hash")]
    Form,
    /// The text begins with an unknown version.
    #[error("the version is not 2a, 2b, 2x or 2y")]
    Version,
    /// The cost does not have two digits, or is not between 4 and 31.
    #[error("the cost is not between 04 and 31")]
    Cost,
    /// The salt or the digest is not in bcrypt's base 64.
    #[error("not in bcrypt's base 64")]
    Base64,
}

/// A stored hash.
#[derive(Clone)]
pub struct Hash {
    version: Version,
    cost: u32,
    salt: [u8; 16],
    digest: [u8; 23],
}

impl Hash {
    /// The least cost of a hash.
    pub const MIN_COST: u32 = 4;
    /// The greatest cost of a hash.
    pub const MAX_COST: u32 = MAX_COST;

    /// The new hash, `$2b$`, that a job has computed.
    ///
    /// # Errors
    /// The job's cost is below 4.
    pub fn new(cost: u32, salt: [u8; 16], digest: &Digest) -> Result<Self, CostError> {
        if !(Self::MIN_COST..=Self::MAX_COST).contains(&cost) {
            return Err(CostError(cost));
        }
        let [digest @ .., _] = *digest.as_bytes();
        Ok(Self { version: Version::TwoB, cost, salt, digest })
    }

    /// The kind of implementation that made it.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its cost: 4 to 31.
    pub fn cost(&self) -> u32 {
        self.cost
    }

    /// Its salt.
    pub fn salt(&self) -> [u8; 16] {
        self.salt
    }

    /// The job to compute in order to verify a password against this hash.
    pub fn job(&self, key: Key) -> Job {
        Job::within(key, self.salt, self.cost)
    }

    /// Whether this is its digest. The comparison takes the same time for every digest.
    pub fn matches(&self, digest: &Digest) -> bool {
        let [digest @ .., _] = digest.as_bytes();
        self.digest.ct_eq(digest).into()
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let text: &[u8; LENGTH] =
            text.as_bytes().try_into().map_err(|_wrong_length| HashError::Form)?;
        let [b'$', b'2', minor, b'$', tens, ones, b'$', rest @ ..] = text else {
            return Err(HashError::Form);
        };
        let version = match minor {
            b'a' => Version::TwoA,
            b'b' => Version::TwoB,
            b'x' => Version::TwoX,
            b'y' => Version::TwoY,
            _ => return Err(HashError::Version),
        };
        let cost = match (tens, ones) {
            (b'0'..=b'9', b'0'..=b'9') => u32::from(tens - b'0') * 10 + u32::from(ones - b'0'),
            _ => return Err(HashError::Cost),
        };
        if !(Self::MIN_COST..=Self::MAX_COST).contains(&cost) {
            return Err(HashError::Cost);
        }
        let (salt, digest) = rest.split_at(22);
        Ok(Self { version, cost, salt: decode(salt)?, digest: decode(digest)? })
    }
}

fn decode<const N: usize>(text: &[u8]) -> Result<[u8; N], HashError> {
    let mut bytes = [0; N];
    match BASE_64.decode_slice(text, &mut bytes) {
        Ok(length) if length == N => Ok(bytes),
        _ => Err(HashError::Base64),
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, digest) = (BASE_64.encode(self.salt), BASE_64.encode(self.digest));
        write!(f, "${}${:02}${salt}{digest}", self.version, self.cost)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash(${}${:02}$…)", self.version, self.cost)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TwoA => "2a",
            Self::TwoB => "2b",
            Self::TwoX => "2x",
            Self::TwoY => "2y",
        })
    }
}
