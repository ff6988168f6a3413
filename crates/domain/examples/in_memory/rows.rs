//! What is stored, a type for each table of a database. What they do is said where it is needed.

use std::collections::HashMap;

use menjin_domain::accounts::User;
use menjin_domain::common::Timestamp;
use menjin_domain::credentials::{CredentialVersion, PasswordHash};
use menjin_domain::invitations::Invitation;
use menjin_domain::jobs::{Job, Lease};
use menjin_domain::mail::{MailState, QueuedMail};
use menjin_domain::mfa::{Enrolment, RecoveryDigest, StoredFactor};
use menjin_domain::one_time::{NewOneTimeToken, Recovery, TokenDigest};
use menjin_domain::passkeys::Passkey;
use menjin_domain::sessions::{CookieDigest, Generation, HandOffDigest, Session};

/// An account.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) user: User,
    pub(crate) hash: PasswordHash,
    pub(crate) version: CredentialVersion,
    pub(crate) recovery: Recovery,
    /// When the pending address of `user` was asked for.
    pub(crate) pending_since: Option<Timestamp>,
    pub(crate) reset_after: Option<Timestamp>,
    /// Whether it is active again if it is restored.
    pub(crate) active_before_deletion: bool,
    pub(crate) factor: Option<StoredFactor>,
    /// Since when there has been a factor without a gap.
    pub(crate) factor_since: Option<Timestamp>,
    /// A factor that waits for its first code.
    pub(crate) enrolment: Option<Enrolment>,
    pub(crate) recovery_codes: Vec<RecoveryDigest>,
    pub(crate) passkeys: Vec<Passkey>,
}

/// A session.
#[derive(Clone)]
pub(crate) struct StoredSession {
    pub(crate) session: Session,
    /// The generation before the current one, and when it was first used.
    pub(crate) predecessor: Option<(Generation, Timestamp)>,
    pub(crate) retries: u32,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) cookie: Option<CookieDigest>,
    pub(crate) hand_off: Option<(HandOffDigest, Timestamp)>,
}

/// A one-time token.
#[derive(Clone)]
pub(crate) struct StoredToken {
    pub(crate) made: NewOneTimeToken,
    /// It was used or made void. It stays, so that a mail that is sent twice does not make it anew.
    pub(crate) is_over: bool,
}

/// A mail.
#[derive(Clone)]
pub(crate) struct StoredMail {
    /// The mail as it is claimed.
    pub(crate) queued: QueuedMail,
    pub(crate) state: MailState,
    pub(crate) due_at: Timestamp,
    pub(crate) claimed_until: Option<Timestamp>,
    pub(crate) error: Option<(String, String)>,
    pub(crate) sent_at: Option<Timestamp>,
}

/// An invitation.
#[derive(Clone)]
pub(crate) struct StoredInvitation {
    pub(crate) digest: TokenDigest,
    /// Its `inviter` is looked up each time: see `State::as_now`.
    pub(crate) invitation: Invitation,
}

/// The times of the failures that still count. All times are kept, so that taking one failure back
/// does not prolong the wait for the others.
#[derive(Clone, Default)]
pub(crate) struct Failures(pub(crate) Vec<Timestamp>);

/// A job with its parts.
#[derive(Clone)]
pub(crate) struct StoredJob {
    pub(crate) job: Job,
    pub(crate) lease: Option<Lease>,
    /// Those that it reads, and those that it reports.
    pub(crate) parts: HashMap<(bool, u32), Vec<u8>>,
}
