//! One-time tokens, and their repository: what is done with whom by a link in a mail.

mod changes;
mod port;
mod recipient;
mod token;

pub use changes::{
    ConfirmEmailChangeError, Disowning, EmailChange, EmailChangeMails, EmailChangeRequest,
    EmailChangeUndo, EmailVerification, PasswordReset, TokenInvalid,
};
#[cfg(feature = "mock")]
pub use port::MockOneTimeTokenRepository;
pub use port::{NewOneTimeToken, NoOneTimeTokens, OneTimeTokenRepository, TokenHolder};
pub use recipient::{Mailbox, NewAddress, RESET_DELAY, Recipient, Recovery, UNDO_TIME};
#[cfg(feature = "mock")]
pub use token::MockTokenMaker;
pub use token::{OneTimeToken, Purpose, TokenDigest, TokenMaker, TokenSeed};
