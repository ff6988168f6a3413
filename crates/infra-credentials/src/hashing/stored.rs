//! Stored hashes: ours, and those of other systems.

use argon2::password_hash::phc::{self, PasswordHash as PhcHash};
use argon2::{Argon2, Params, PasswordVerifier as _};
use menjin_bcrypt_lanes::{Hash, HashError, Version};
use menjin_domain::credentials::PasswordHash;

use super::{COST_ABOVE, MAX_COST, MIN_COST, READABLE_COST};

/// The prefix that Django writes before the bcrypt of a SHA-256 in hexadecimal digits.
const DJANGO: &str = "bcrypt_sha256$";

/// The most memory that an Argon2 hash may take, in KiB. Django's hashes take 100 MiB.
const ARGON2_MEMORY: u32 = 128 * 1024;

/// The greatest product of passes and memory, in KiB: about one second. argon2-cffi and PHP make
/// three and four passes over 64 MiB.
const ARGON2_WORK: u32 = 512 * 1024;

/// The greatest number of lanes; they are computed one after the other.
const ARGON2_LANES: u32 = 16;

/// A stored hash that can be verified against, at a known and bounded cost.
pub(super) enum Stored {
    Bcrypt {
        hash: Hash,
        /// Its cost or kind differs from that of new hashes.
        outdated: bool,
    },
    Sha256ThenBcrypt {
        hash: Hash,
    },
    Argon2id(Argon2id),
}

/// An Argon2id hash.
pub(super) struct Argon2id(Box<PhcHash>);

/// Why no password can be verified against a stored hash.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("not a bcrypt hash")]
    Bcrypt(#[source] HashError),
    #[error("not a hash in PHC format")]
    Phc(#[source] phc::Error),
    #[error("not the parameters of Argon2")]
    Argon2(#[source] argon2::password_hash::Error),
    #[error("a kind of hash that is not known")]
    UnknownKind,
    #[error("it would take too much time or memory, or is too weak to count")]
    OutOfRange,
}

impl Stored {
    /// Reads a hash; `cost` is the cost of new hashes.
    pub(super) fn read(hash: &PasswordHash, cost: u32) -> Result<Self, Unreadable> {
        let hash = hash.expose();
        if let Some(hash) = hash.strip_prefix(DJANGO) {
            return Ok(Self::Sha256ThenBcrypt { hash: bcrypt(hash, cost)? });
        }
        if hash.starts_with("$argon2") {
            return Ok(Self::Argon2id(argon2id(hash)?));
        }
        let hash = bcrypt(hash, cost)?;
        let outdated = hash.cost() != cost || hash.version() != Version::TwoB;
        Ok(Self::Bcrypt { hash, outdated })
    }
}

impl Argon2id {
    /// Whether a password matches this hash.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        Argon2::default().verify_password(password, self.0.as_ref()).is_ok()
    }

    #[cfg(test)]
    pub(super) fn params(&self) -> Params {
        Params::try_from(self.0.as_ref()).unwrap()
    }
}

/// Parses a bcrypt hash. A broken one must not occupy a thread for hours.
fn bcrypt(hash: &str, cost: u32) -> Result<Hash, Unreadable> {
    let hash: Hash = hash.parse().map_err(Unreadable::Bcrypt)?;
    // `$2x$` marks hashes of an implementation that confused some characters (CVE-2011-2483): a
    // password that it accepts may not be the one that the owner typed.
    if hash.version() == Version::TwoX {
        return Err(Unreadable::UnknownKind);
    }
    let greatest = MAX_COST.min(READABLE_COST.max(cost + COST_ABOVE));
    if (MIN_COST..=greatest).contains(&hash.cost()) {
        Ok(hash)
    } else {
        Err(Unreadable::OutOfRange)
    }
}

/// Parses an Argon2id hash, version 19 (RFC 9106). Its parameters were chosen by another system, or
/// by somebody who could write into the row.
fn argon2id(hash: &str) -> Result<Argon2id, Unreadable> {
    let hash = PhcHash::new(hash).map_err(Unreadable::Phc)?;
    if hash.algorithm.as_str() != "argon2id" || hash.version != Some(0x13) {
        return Err(Unreadable::UnknownKind);
    }
    let params = Params::try_from(&hash).map_err(Unreadable::Argon2)?;
    let (memory, passes) = (params.m_cost(), params.t_cost());
    let affordable = memory <= ARGON2_MEMORY
        && memory.saturating_mul(passes) <= ARGON2_WORK
        && params.p_cost() <= ARGON2_LANES;
    let whole = hash.salt.as_ref().is_some_and(|salt| salt.len() >= argon2::MIN_SALT_LEN)
        && hash.hash.as_ref().is_some_and(|output| output.len() >= 16)
        && params.keyid().is_empty()
        && params.data().is_empty();
    if !(affordable && whole) {
        return Err(Unreadable::OutOfRange);
    }
    Ok(Argon2id(Box::new(hash)))
}
