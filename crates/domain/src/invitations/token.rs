//! The tokens of invitations: what is in a link, or a code to be read aloud.

use sha2::{Digest as _, Sha256};

use crate::common::{PortError, Random};
use crate::invitations::Invitation;
use crate::mail::Link;
use crate::one_time::OneTimeToken;

/// An invitation with a new link. It is shown once: nothing can make the token again but the mail.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The invitation.
    pub invitation: Invitation,
    /// The link, with its token.
    pub link: Link,
}

/// 256 bits that nobody can guess: a digest of three random UUIDs, which have 122 each.
fn bits(random: &dyn Random) -> Result<[u8; 32], PortError> {
    let mut digest = Sha256::new();
    for _ in 0..3 {
        digest.update(random.uuid()?.as_bytes());
    }
    Ok(digest.finalize().into())
}

/// A token for one.
pub(super) fn for_one(random: &dyn Random) -> Result<OneTimeToken, PortError> {
    Ok(OneTimeToken::from_bytes(&bits(random)?))
}

/// A code for many, which can be read aloud.
pub(super) fn for_many(random: &dyn Random) -> Result<OneTimeToken, PortError> {
    let bits = bits(random)?.into_iter().take(8);
    Ok(OneTimeToken::code(bits.fold(0, |bits, byte| bits << 8 | u64::from(byte))))
}
