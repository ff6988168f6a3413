//! # menjin-infra-credentials
//!
//! What [`menjin_domain::ports`] leaves open about credentials:
//!
//! * [`BcryptPool`], a [`PasswordHasher`](menjin_domain::ports::PasswordHasher): bcrypt on threads
//!   of its own, several at once on each, at a low priority, behind a bounded queue.
//! * [`JwtCodec`], a [`TokenCodec`](menjin_domain::ports::TokenCodec): signed JWTs (RFC 7519), read
//!   as strictly as RFC 8725 asks.
//! * [`PasswordRules`], a [`PasswordPolicy`](menjin_domain::ports::PasswordPolicy): which passwords
//!   are too easy to guess.
//! * [`OsEntropy`], an [`Entropy`](menjin_domain::ports::Entropy): the operating system's
//!   randomness.

mod entropy;
mod hashing;
mod policy;
mod tokens;

pub use entropy::{OsEntropy, random_key, random_secret};
pub use hashing::{BcryptPool, HashingConfig, HashingEngine, HashingStartError};
pub use policy::{PasswordRules, PolicyConfig};
pub use tokens::{
    AccessKey, AccessKeyKind, AccessVerifier, JwtCodec, JwtConfig, PublicAccessKey, SecretError,
    UnusableKey,
};
