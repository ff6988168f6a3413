//! One-time tokens, and their repository: what is done with whom by a link in a mail.

mod port;
mod token;

#[cfg(feature = "mock")]
pub use port::MockOneTimeTokenRepository;
pub use port::{
    Disowning, EmailVerification, NewOneTimeToken, NoOneTimeTokens, OneTimeTokenRepository,
    PasswordReset, Recipient, Recovery, TokenHolder, TokenInvalid, UNDO_TIME,
};
#[cfg(feature = "mock")]
pub use token::MockTokenMaker;
pub use token::{OneTimeToken, Purpose, TokenDigest, TokenMaker, TokenSeed};
