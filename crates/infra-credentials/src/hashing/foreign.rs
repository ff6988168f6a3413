//! Which hashes of other systems may be imported.

use menjin_domain::credentials::PasswordHash;

use super::stored::{Stored, Unreadable};
use super::{MIN_COST, READABLE_COST};

/// The most memory that an imported Argon2id hash may take, in KiB.
const ARGON2_MEMORY: u32 = 64 * 1024;

/// The most passes of an imported Argon2id hash.
const ARGON2_PASSES: u32 = 5;

/// The most lanes of an imported Argon2id hash.
const ARGON2_LANES: u32 = 4;

/// Why a hash of another system may not be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForeignHashError {
    /// It is of a kind that is never verified.
    #[error(
        "not a known kind of hash: accepted are bcrypt ($2a$, $2b$, $2y$), Argon2id \
         ($argon2id$v=19$), scrypt ($scrypt$ln=), Django's pbkdf2_sha256$, bcrypt_sha256$ and \
         argon2$argon2id$, and passlib's $bcrypt-sha256$v=2"
    )]
    UnknownKind,
    /// Each login with it would take too much time or memory.
    #[error(
        "the hash takes too much time or memory: accepted are bcrypt with a cost of 4 to 14, \
         Argon2id with at most m=65536, t=5 and p=4, PBKDF2 with at most 2000000 iterations, and \
         scrypt with at most 64 MiB (ln=16 with r=8), p=16, r=64, and p times as much at most \
         256 MiB"
    )]
    TooCostly,
    /// A part of it is missing, too short, or not in its form.
    #[error(
        "the hash is not whole: accepted are 60 characters for bcrypt, a salt of at least 8 bytes \
         and a hash of 16 to 64 bytes for Argon2id and scrypt, and a salt and 32 bytes in Base64 \
         for pbkdf2_sha256"
    )]
    NotWhole,
}

/// Whether a hash of another system may be imported: whether the right password for it will match in
/// [`BcryptPool`](super::BcryptPool), whatever its configured cost is.
///
/// The bounds are narrower than those for a hash that is stored already, because an import brings many
/// hashes at a time:
///
/// * bcrypt, `$2a$`, `$2b$` or `$2y$`, with a cost of 4 to 14. The same holds for the bcrypt within
///   Django's `bcrypt_sha256` and passlib's `$bcrypt-sha256$v=2`.
/// * Argon2id, version 19, with at most 64 MiB, five passes and four lanes.
/// * Django's `pbkdf2_sha256` with at most 2,000,000 iterations.
/// * scrypt in PHC format with at most 64 MiB, `p` of at most 16, `r` of at most 64, and at most 256
///   MiB over all its parallel parts.
///
/// # Errors
/// The kind is not known, a login would take too much, or a part of the hash is missing.
pub fn check_foreign_hash(hash: &str) -> Result<(), ForeignHashError> {
    let affordable = match Stored::read(&PasswordHash::new(hash.to_owned()), MIN_COST)? {
        Stored::Bcrypt { hash, .. }
        | Stored::HmacThenBcrypt { hash, .. }
        | Stored::Sha256ThenBcrypt { hash } => hash.cost() <= READABLE_COST,
        Stored::Argon2id(hash) => {
            let params = hash.params();
            params.m_cost() <= ARGON2_MEMORY
                && params.t_cost() <= ARGON2_PASSES
                && params.p_cost() <= ARGON2_LANES
        }
        // Nothing narrower than what is read.
        Stored::Pbkdf2(_) | Stored::Scrypt(_) => true,
    };
    if affordable { Ok(()) } else { Err(ForeignHashError::TooCostly) }
}

impl From<Unreadable> for ForeignHashError {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::UnknownKind => Self::UnknownKind,
            Unreadable::TooCostly => Self::TooCostly,
            Unreadable::Bcrypt(_)
            | Unreadable::Phc(_)
            | Unreadable::Argon2(_)
            | Unreadable::NotWhole => Self::NotWhole,
        }
    }
}
