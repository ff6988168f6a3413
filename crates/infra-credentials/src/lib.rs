//! # menjin-infra-credentials
//!
//! What [`menjin_domain::common`] leaves open about credentials:
//!
//! * [`BcryptPool`], a [`PasswordHasher`](menjin_domain::credentials::PasswordHasher): bcrypt on threads
//!   of its own, several at once on each, at a low priority, behind a bounded queue.
//! * [`JwtCodec`], a [`TokenCodec`](menjin_domain::sessions::TokenCodec): signed JWTs (RFC 7519), read
//!   as strictly as RFC 8725 asks.
//! * [`PasswordRules`], a [`PasswordPolicy`](menjin_domain::credentials::PasswordPolicy): which passwords
//!   are too easy to guess.
//! * [`OsRandom`], an [`Random`](menjin_domain::common::Random): the operating system's
//!   randomness.

mod hashing;
mod policy;
mod random;
mod tokens;

pub use hashing::{BcryptPool, HashingConfig, HashingEngine, HashingStartError};
pub use policy::{PasswordRules, PolicyConfig};
pub use random::{OsRandom, random_key, random_secret};
pub use tokens::{
    AccessKey, AccessKeyKind, AccessVerifier, JwtCodec, JwtConfig, PublicAccessKey, SecretError,
    UnusableKey,
};
