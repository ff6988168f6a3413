//! Stored hashes: ours, and those of other systems.

mod pbkdf2_sha256;
mod scrypt_phc;

use argon2::password_hash::phc::{self, PasswordHash as PhcHash};
use argon2::{Argon2, Params, PasswordVerifier as _};
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD};
use base64::prelude::Engine as _;
use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit as _, Mac as _};
use menjin_bcrypt_lanes::{Hash, HashError, Version};
use menjin_domain::credentials::PasswordHash;
use sha2::Sha256;
use zeroize::Zeroizing;

pub(super) use self::pbkdf2_sha256::Pbkdf2;
pub(super) use self::scrypt_phc::Scrypt;
use super::{COST_ABOVE, MAX_COST, MIN_COST, READABLE_COST};

/// The prefix that Django writes before the bcrypt of a SHA-256 in hexadecimal digits.
const DJANGO: &str = "bcrypt_sha256$";

/// The prefix that Django writes before a hash of Argon2 in PHC format.
const DJANGO_ARGON2: &str = "argon2";

/// The kinds of bcrypt. `$2x$` is not among them: it marks hashes of an implementation that confused
/// some characters (CVE-2011-2483), and a password that it accepts may not be the one that the owner
/// typed.
const BCRYPT: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

/// The prefix of passlib's `bcrypt_sha256`, version 2: bcrypt `$2b$` of the HMAC of a password.
const HMAC_BCRYPT: &str = "$bcrypt-sha256$v=2,t=2b,r=";

/// How many characters bcrypt writes for a digest.
const DIGEST_LENGTH: usize = 31;

/// bcrypt's own Base64.
const BASE_64: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);

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
    /// Ours, of a password that is longer than what bcrypt reads.
    HmacThenBcrypt {
        hash: Hash,
        /// Its cost differs from that of new hashes.
        outdated: bool,
    },
    Sha256ThenBcrypt {
        hash: Hash,
    },
    Argon2id(Argon2id),
    Pbkdf2(Pbkdf2),
    Scrypt(Scrypt),
}

/// An Argon2id hash.
pub(super) struct Argon2id {
    hash: Box<PhcHash>,
    params: Params,
}

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
    #[error("it would take too much time or memory")]
    TooCostly,
    #[error("a part of it is missing, too short, or not in its form")]
    NotWhole,
}

impl Stored {
    /// Reads a hash; `cost` is the cost of new hashes.
    pub(super) fn read(hash: &PasswordHash, cost: u32) -> Result<Self, Unreadable> {
        let hash = hash.expose();
        if let Some(hash) = hash.strip_prefix(DJANGO) {
            return Ok(Self::Sha256ThenBcrypt { hash: bcrypt(hash, cost)? });
        }
        if let Some(hash) = hash.strip_prefix(HMAC_BCRYPT) {
            let hash = hmac_then_bcrypt(hash, cost)?;
            return Ok(Self::HmacThenBcrypt { outdated: hash.cost() != cost, hash });
        }
        let phc = hash.strip_prefix(DJANGO_ARGON2).unwrap_or(hash);
        if phc.starts_with("$argon2") {
            return Ok(Self::Argon2id(argon2id(phc)?));
        }
        if let Some(hash) = hash.strip_prefix(pbkdf2_sha256::PREFIX) {
            return Ok(Self::Pbkdf2(Pbkdf2::read(hash)?));
        }
        if hash.starts_with(scrypt_phc::PREFIX) {
            return Ok(Self::Scrypt(Scrypt::read(hash)?));
        }
        let hash = bcrypt(hash, cost)?;
        let outdated = hash.cost() != cost || hash.version() != Version::TwoB;
        Ok(Self::Bcrypt { hash, outdated })
    }
}

/// What bcrypt is given in place of a password that is longer than what it reads: the HMAC-SHA-256 of
/// the password, with the salt (as it is written) as the key, in Base64. So passlib does it (version 2
/// of `bcrypt_sha256`). Without a key, stolen SHA-256 hashes of other systems could be tried as
/// passwords (OWASP Password Storage Cheat Sheet, "Pre-Hashing Passwords with bcrypt").
pub(super) fn hmac_of(password: &[u8], salt: [u8; 16]) -> Result<Zeroizing<String>, InvalidLength> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(BASE_64.encode(salt).as_bytes())?;
    hmac.update(password);
    Ok(Zeroizing::new(STANDARD.encode(hmac.finalize().into_bytes())))
}

/// Writes the bcrypt of [`hmac_of`] a password.
pub(super) fn write_hmac_then_bcrypt(hash: &Hash) -> String {
    let bcrypt = hash.to_string();
    let digest = bcrypt.get(bcrypt.len() - DIGEST_LENGTH..).unwrap_or_default();
    format!("{HMAC_BCRYPT}{}${}${digest}", hash.cost(), BASE_64.encode(hash.salt()))
}

fn hmac_then_bcrypt(text: &str, cost: u32) -> Result<Hash, Unreadable> {
    let mut parts = text.split('$');
    let (Some(rounds), Some(salt), Some(digest), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Unreadable::NotWhole);
    };
    if digest.len() != DIGEST_LENGTH {
        return Err(Unreadable::NotWhole);
    }
    bcrypt(&format!("$2b${rounds:0>2}${salt}{digest}"), cost)
}

impl Argon2id {
    /// Whether a password matches this hash.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        Argon2::default().verify_password(password, self.hash.as_ref()).is_ok()
    }

    /// The memory that it takes to verify a password, in KiB.
    pub(super) fn memory(&self) -> u32 {
        self.params.m_cost()
    }

    pub(super) fn params(&self) -> &Params {
        &self.params
    }
}

/// Parses a bcrypt hash. A broken one must not occupy a thread for hours.
fn bcrypt(hash: &str, cost: u32) -> Result<Hash, Unreadable> {
    if !BCRYPT.iter().any(|kind| hash.starts_with(kind)) {
        return Err(Unreadable::UnknownKind);
    }
    let hash: Hash = hash.parse().map_err(Unreadable::Bcrypt)?;
    let greatest = MAX_COST.min(READABLE_COST.max(cost + COST_ABOVE));
    if (MIN_COST..=greatest).contains(&hash.cost()) { Ok(hash) } else { Err(Unreadable::TooCostly) }
}

/// Parses an Argon2id hash, version 19 (RFC 9106). Its parameters were chosen by another system, or
/// by somebody who could write into the row.
fn argon2id(hash: &str) -> Result<Argon2id, Unreadable> {
    let hash = PhcHash::new(hash).map_err(Unreadable::Phc)?;
    if hash.algorithm.as_str() != "argon2id" || hash.version != Some(0x13) {
        return Err(Unreadable::UnknownKind);
    }
    let params = Params::try_from(&hash).map_err(Unreadable::Argon2)?;
    let whole = hash.salt.as_ref().is_some_and(|salt| salt.len() >= argon2::MIN_SALT_LEN)
        && hash.hash.as_ref().is_some_and(|output| output.len() >= 16)
        && ["m", "t", "p"].iter().all(|name| hash.params.get(*name).is_some())
        && params.keyid().is_empty()
        && params.data().is_empty();
    if !whole {
        return Err(Unreadable::NotWhole);
    }
    let (memory, passes) = (params.m_cost(), params.t_cost());
    let affordable = memory <= ARGON2_MEMORY
        && memory.saturating_mul(passes) <= ARGON2_WORK
        && params.p_cost() <= ARGON2_LANES;
    if !affordable {
        return Err(Unreadable::TooCostly);
    }
    Ok(Argon2id { hash: Box::new(hash), params })
}
