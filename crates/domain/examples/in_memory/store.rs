//! All data behind one lock: a method of a port holds the lock while it works, so each method is one
//! atomic change, as the ports require. Each port is in a file of its own. A store for many accounts
//! needs indices; this one searches.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use menjin_domain::audit::AuditRecord;
use menjin_domain::common::{BoxError, ClientNetwork, PortError, SessionId, UserId};
use menjin_domain::invitations::InvitationId;
use menjin_domain::jobs::JobId;
use menjin_domain::lockout::LockoutSubject;
use menjin_domain::mail::MailId;
use menjin_domain::one_time::TokenDigest;
use menjin_domain::passkeys::NewChallenge;

use super::rows::{
    Account, Failures, StoredInvitation, StoredJob, StoredMail, StoredSession, StoredToken,
};

#[derive(Default)]
pub(crate) struct Store {
    state: Mutex<State>,
}

/// What has an id is ordered by it, because lists are.
#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) accounts: BTreeMap<UserId, Account>,
    pub(crate) sessions: HashMap<SessionId, StoredSession>,
    /// Per client network; `None` counts all networks together.
    pub(crate) failures: HashMap<(LockoutSubject, Option<ClientNetwork>), Failures>,
    pub(crate) tokens: HashMap<TokenDigest, StoredToken>,
    pub(crate) mails: BTreeMap<MailId, StoredMail>,
    pub(crate) invitations: BTreeMap<InvitationId, StoredInvitation>,
    pub(crate) jobs: BTreeMap<JobId, StoredJob>,
    /// What passkeys were asked to sign, and have not signed yet.
    pub(crate) challenges: HashMap<String, NewChallenge>,
    pub(crate) records: Vec<AuditRecord>,
    // The last ids given: see `next_id`.
    pub(crate) last_account: i64,
    pub(crate) last_mail: i64,
    pub(crate) last_invitation: i64,
    pub(crate) last_job: i64,
    pub(crate) last_passkey: i64,
    pub(crate) last_record: i64,
}

impl Store {
    /// No code that holds the lock can panic during a change. So the data is consistent even if the
    /// lock is poisoned.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next id. None is ever used again, even after what had it was deleted.
pub(crate) fn next_id<Id>(last: &mut i64) -> Result<Id, PortError>
where
    Id: TryFrom<i64, Error: Into<BoxError>>,
{
    *last += 1;
    Id::try_from(*last).map_err(|error| PortError::internal("store", error))
}
