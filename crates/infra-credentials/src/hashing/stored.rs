//! Hashes as they stand in rows: ours, and those of other systems.

use std::str::FromStr;

use argon2::password_hash::phc::{self, PasswordHash as PhcHash};
use argon2::{Argon2, Params, PasswordVerifier as _};
use bcrypt::HashParts;
use menjin_domain::values::PasswordHash;
use sha2::{Digest, Sha256};

use crate::entropy::hex;

use super::{COST_ABOVE, MAX_COST, MIN_COST, READABLE_COST};

/// The kinds of bcrypt that verify. `$2x$` marks hashes of an implementation that took some
/// characters for others (CVE-2011-2483): what it calls right may not be what its owner typed.
const BCRYPT: [&str; 3] = ["$2b$", "$2a$", "$2y$"];

/// What Django writes before the bcrypt of a SHA-256 in hexadecimal digits.
const DJANGO: &str = "bcrypt_sha256$";

/// The most memory that a hash by Argon2 may take, in KiB. Django's take 100 MiB.
const ARGON2_MEMORY: u32 = 128 * 1024;

/// The most that passes times memory may be, in KiB: about one second. argon2-cffi and PHP go over
/// 64 MiB three and four times.
const ARGON2_WORK: u32 = 512 * 1024;

/// The most lanes; they are computed one after the other.
const ARGON2_LANES: u32 = 16;

/// A stored hash that can be verified against, at a price that is known.
pub(super) enum Stored<'a> {
    Bcrypt {
        hash: &'a str,
        /// Of another cost or kind than new ones.
        outdated: bool,
    },
    Sha256ThenBcrypt {
        hash: &'a str,
    },
    Argon2id {
        hash: Box<PhcHash>,
    },
}

/// Why a stored hash cannot be verified against.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("not a bcrypt hash")]
    Bcrypt(#[source] bcrypt::BcryptError),
    #[error("not a hash in PHC format")]
    Phc(#[source] phc::Error),
    #[error("not the parameters of Argon2")]
    Argon2(#[source] argon2::password_hash::Error),
    #[error("a kind of hash that is not known")]
    UnknownKind,
    #[error("it would take too much time or memory, or is too weak to count")]
    OutOfRange,
}

impl<'a> Stored<'a> {
    /// Reads a hash; `cost` is that of new ones.
    pub(super) fn read(hash: &'a PasswordHash, cost: u32) -> Result<Self, Unreadable> {
        let hash = hash.expose();
        if let Some(hash) = hash.strip_prefix(DJANGO) {
            bcrypt_cost(hash, cost)?;
            return Ok(Self::Sha256ThenBcrypt { hash });
        }
        if hash.starts_with("$argon2") {
            return argon2id(hash);
        }
        let found = bcrypt_cost(hash, cost)?;
        Ok(Self::Bcrypt { hash, outdated: found != cost || !hash.starts_with("$2b$") })
    }

    /// Whether a password is right by it.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        match self {
            Self::Bcrypt { hash, .. } => bcrypt_matches(password, hash),
            Self::Sha256ThenBcrypt { hash } => {
                bcrypt_matches(hex(&Sha256::digest(password)).as_bytes(), hash)
            }
            Self::Argon2id { hash } => {
                Argon2::default().verify_password(password, hash.as_ref()).is_ok()
            }
        }
    }

    /// Whether new hashes are made otherwise.
    pub(super) fn outdated(&self) -> bool {
        !matches!(self, Self::Bcrypt { outdated: false, .. })
    }
}

fn bcrypt_matches(password: &[u8], hash: &str) -> bool {
    bcrypt::non_truncating_verify(password, hash).unwrap_or(false)
}

/// The cost of a hash by bcrypt. One that is broken must not occupy a thread for hours.
fn bcrypt_cost(hash: &str, cost: u32) -> Result<u32, Unreadable> {
    if !BCRYPT.iter().any(|kind| hash.starts_with(kind)) {
        return Err(Unreadable::UnknownKind);
    }
    let greatest = MAX_COST.min(READABLE_COST.max(cost + COST_ABOVE));
    match HashParts::from_str(hash).map(|parts| parts.get_cost()) {
        Ok(found) if (MIN_COST..=greatest).contains(&found) => Ok(found),
        Ok(_) => Err(Unreadable::OutOfRange),
        Err(error) => Err(Unreadable::Bcrypt(error)),
    }
}

/// A hash by Argon2id, version 19 (RFC 9106), whose parameters another system has chosen, or whoever
/// could write into the row.
fn argon2id(hash: &str) -> Result<Stored<'_>, Unreadable> {
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
    Ok(Stored::Argon2id { hash: Box::new(hash) })
}
