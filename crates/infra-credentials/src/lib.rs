//! # menjin-infra-credentials
//!
//! The adapters for the ports of [`menjin_domain`] that concern credentials:
//!
//! * [`BcryptPool`], a [`PasswordHasher`](menjin_domain::credentials::PasswordHasher): bcrypt on
//!   its own threads of low priority, several hashes at once on each, behind a bounded queue.
//!   [`check_foreign_hash`] says which hashes of other systems may be imported for it.
//! * [`JwtCodec`], a [`TokenCodec`](menjin_domain::sessions::TokenCodec): signed JWTs (RFC 7519),
//!   read as strictly as RFC 8725 asks.
//! * [`PasswordRules`], a [`PasswordPolicy`](menjin_domain::credentials::PasswordPolicy): which
//!   passwords are too easy to guess.
//! * [`DerivedKeys`], a [`TokenMaker`](menjin_domain::one_time::TokenMaker): keys for what is derived
//!   from the signing secret, and the tokens of links in mails.
//! * [`AppCodes`], a [`Totp`](menjin_domain::mfa::Totp): the codes of authenticator apps (RFC 6238).
//! * [`Webauthn`], a [`PasskeyVerifier`](menjin_domain::passkeys::PasskeyVerifier): what passkeys
//!   sign (WebAuthn Level 3).
//! * [`OsRandom`], a [`Random`](menjin_domain::common::Random): the randomness of the operating
//!   system.

mod derived;
mod hashing;
mod policy;
mod random;
mod sealer;
mod tokens;
mod totp;
mod webauthn;

pub use derived::DerivedKeys;
pub use hashing::{
    BcryptPool, ForeignHashError, HashingConfig, HashingEngine, HashingStartError,
    check_foreign_hash,
};
pub use policy::{PasswordRules, PolicyConfig};
pub use random::{OsRandom, random_key, random_secret};
pub use tokens::{
    AccessKey, AccessKeyKind, AccessVerifier, JwtCodec, JwtConfig, PublicAccessKey, SecretError,
    UnusableKey,
};
pub use totp::AppCodes;
pub use webauthn::Webauthn;
