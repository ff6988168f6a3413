//! Passkeys (WebAuthn Level 3): a second factor that no page of another site can ask for, and, where the
//! authenticator asks its user for a PIN, a finger or a face, a log-in by itself.

mod add;
mod challenges;
mod check;
mod login;
mod passkey;
mod port;
mod remove;
mod request;

pub use add::{AddPasskey, AddPasskeyError, AddedPasskey, BeginPasskey, BeginPasskeyError};
pub(crate) use challenges::Challenges;
pub use challenges::{CHALLENGE_TTL, PasskeyCreation, PasskeyRequest};
pub(crate) use check::PasskeyCheck;
pub use login::{LoginWithPasskey, LoginWithPasskeyError, RequestLoginError};
pub use passkey::{InvalidPasskeyId, PasskeyId, PasskeyName};
pub use port::{
    Assertion, BadAnswer, Challenge, ChallengePurpose, ClaimedAnswer, CredentialId, MadePasskey,
    NewChallenge, NewPasskey, Passkey, PasskeyPorts, PasskeyRemoval, PasskeyRepository, PasskeyUse,
    PasskeyVerifier, RelyingParty, TakenChallenge,
};
#[cfg(feature = "mock")]
pub use port::{MockPasskeyRepository, MockPasskeyVerifier};
pub use remove::{RemovePasskey, RemovePasskeyError};
pub use request::{RequestPasskey, RequestPasskeyError};

/// Passkeys are not set up on this server: a passkey is bound to the name of a site, and it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("passkeys are not set up on this server")]
pub struct NoPasskeys;

/// The user has no such passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the user has no such passkey")]
pub struct PasskeyNotFound;
