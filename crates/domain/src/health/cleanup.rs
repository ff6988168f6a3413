//! Use-case: deleting what has expired.

use std::sync::Arc;
use std::time::Duration;

use crate::accounts::{AccountRepository, Role};
use crate::audit::AuditRepository;
use crate::common::{Clock, PortError, Timestamp};
use crate::invitations::InvitationRepository;
use crate::jobs::JobRepository;
use crate::lockout::{LockoutRepository, LoginLimits};
use crate::mail::Outbox;
use crate::mfa::ResealFactors;
use crate::one_time::OneTimeTokenRepository;
use crate::passkeys::PasskeyRepository;
use crate::ports::{Policy, Ports, RequiredPorts};
use crate::sessions::SessionRepository;

/// What was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanedUp {
    /// Sessions that had ended or expired.
    pub sessions: u64,
    /// Counts of failed logins that no longer matter.
    pub lockouts: u64,
    /// Mails that were sent or given up.
    pub mails: u64,
    /// One-time tokens.
    pub tokens: u64,
    /// Jobs.
    pub jobs: u64,
    /// Invitations that were over.
    pub invitations: u64,
    /// Challenges for passkeys that nobody has answered.
    pub challenges: u64,
    /// Accounts whose time had come.
    pub accounts: u64,
    /// Old audit records.
    pub records: u64,
    /// Secrets of second factors that were encrypted anew, and not deleted.
    pub resealed: u64,
}

/// For how long an address may be pending: its mail is given up after a day, and the link in it lives for
/// another.
const PENDING: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// For how long tokens are kept at least, much longer than any lives; and invitations that are over.
const TOKENS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Deletes what has expired, so that tables do not grow without limit. Run it regularly.
#[non_exhaustive]
pub struct Cleanup {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// The counts.
    pub lockouts: Arc<dyn LockoutRepository>,
    /// The records.
    pub records: Arc<dyn AuditRepository>,
    /// The mails, if mails are sent.
    pub outbox: Option<Arc<dyn Outbox>>,
    /// The one-time tokens.
    pub tokens: Arc<dyn OneTimeTokenRepository>,
    /// The invitations.
    pub invitations: Arc<dyn InvitationRepository>,
    /// The passkeys, if there are any.
    pub passkeys: Option<Arc<dyn PasskeyRepository>>,
    /// The jobs.
    pub jobs: Arc<dyn JobRepository>,
    /// Encrypts secrets anew.
    pub factors: ResealFactors,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For how long finished sessions are kept, for investigations.
    pub keep_sessions: Duration,
    /// For how long accounts are kept that nobody has proved or used.
    pub keep_unverified: Option<Duration>,
    /// Accounts with these roles are kept no longer than that: those without rights.
    pub roles_without_rights: Vec<Role>,
    /// The longest window of any limit: older counts are void.
    pub keep_lockouts: Duration,
    /// For how long mails are kept.
    pub keep_mails: Duration,
    /// For how long records are kept.
    pub keep_records: Duration,
}

impl Cleanup {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { accounts, sessions, lockouts, audit_records, clock, .. } =
            &ports.required;
        // Counts are kept while limits are off, so that they hold once limits are on again.
        let limits = policy.login_limits.unwrap_or(LoginLimits::DEFAULT);
        Self {
            accounts: accounts.clone(),
            keep_unverified: policy.unverified_keep,
            roles_without_rights: policy.roles.without_rights(),
            sessions: sessions.clone(),
            lockouts: lockouts.clone(),
            records: audit_records.clone(),
            outbox: ports.mail.as_ref().map(|mail| mail.outbox.clone()),
            tokens: ports.one_time_tokens.clone(),
            invitations: ports.invitations.clone(),
            passkeys: ports.passkeys.as_ref().map(|passkeys| passkeys.repository.clone()),
            jobs: ports.jobs.repository.clone(),
            factors: ResealFactors::new(&ports.factors),
            keep_mails: policy.keep_mails,
            clock: clock.clone(),
            keep_sessions: policy.keep_sessions,
            keep_lockouts: limits.attempts.longest_window(),
            keep_records: policy.keep_audit_records,
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// A store failed.
    pub async fn execute(&self) -> Result<CleanedUp, PortError> {
        let now = self.clock.now();
        let before = now - self.keep_mails;
        let mails = match &self.outbox {
            Some(outbox) => outbox.delete_finished(before).await?,
            None => 0,
        };
        let challenges = match &self.passkeys {
            Some(passkeys) => passkeys.delete_challenges(now).await?,
            None => 0,
        };
        let accounts = self.delete_accounts(now).await?;
        self.tokens.forget_pending_before(now - PENDING).await?;
        Ok(CleanedUp {
            accounts,
            sessions: self.sessions.delete_finished(now - self.keep_sessions).await?,
            lockouts: self.lockouts.delete_stale(now - self.keep_lockouts).await?,
            mails,
            challenges,
            tokens: self.tokens.delete_before(now - self.keep_mails.max(TOKENS)).await?,
            jobs: self.jobs.delete_expired(now).await?,
            invitations: self.invitations.delete_before(now - TOKENS).await?,
            records: self.delete_records(now - self.keep_records).await?,
            resealed: self.factors.execute().await?,
        })
    }

    /// Deletes the accounts whose time has come.
    async fn delete_accounts(&self, now: Timestamp) -> Result<u64, PortError> {
        let mut total = 0;
        loop {
            let mut deleted = self.accounts.delete_due(now).await?;
            if let Some(keep) = self.keep_unverified {
                let roles = &self.roles_without_rights;
                deleted += self.accounts.delete_unverified(now - keep, roles, now).await?;
            }
            total += deleted;
            if deleted == 0 {
                return Ok(total);
            }
        }
    }

    /// Repeats the call until all old rows are deleted: there may be more than one call deletes.
    async fn delete_records(&self, before: Timestamp) -> Result<u64, PortError> {
        let mut total = 0;
        loop {
            match self.records.delete_before(before).await? {
                0 => return Ok(total),
                deleted => total += deleted,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::audit::MockAuditRepository;
    use crate::invitations::MockInvitationRepository;
    use crate::jobs::MockJobRepository;
    use crate::lockout::MockLockoutRepository;
    use crate::mail::MockOutbox;
    use crate::mfa::FactorPorts;
    use crate::one_time::MockOneTimeTokenRepository;
    use crate::passkeys::MockPasskeyRepository;
    use crate::sessions::MockSessionRepository;
    use crate::testing::{self, at};

    #[tokio::test]
    async fn only_what_is_old_enough_goes() {
        let mut accounts = MockAccountRepository::new();
        let (mut due, mut unverified) = (vec![0, 0, 1], vec![0, 2, 0]);
        accounts
            .expect_delete_due()
            .with(eq(at(1000)))
            .times(3)
            .returning(move |_| Ok(due.pop().unwrap()));
        accounts
            .expect_delete_unverified()
            .withf(|before, roles, now| {
                let times = (*before, *now) == (at(940), at(1000));
                times && roles == [Role::STUDENT]
            })
            .times(3)
            .returning(move |_, _, _| Ok(unverified.pop().unwrap()));
        let (mut sessions, mut lockouts) =
            (MockSessionRepository::new(), MockLockoutRepository::new());
        sessions.expect_delete_finished().with(eq(at(990))).return_once(|_| Ok(2));
        lockouts.expect_delete_stale().with(eq(at(980))).return_once(|_| Ok(3));
        let (mut records, mut left) = (MockAuditRepository::new(), vec![0, 4, 1000]);
        records
            .expect_delete_before()
            .with(eq(at(970)))
            .times(3)
            .returning(move |_| Ok(left.pop().unwrap()));
        let (mut outbox, mut tokens) = (MockOutbox::new(), MockOneTimeTokenRepository::new());
        outbox.expect_delete_finished().with(eq(at(975))).return_once(|_| Ok(5));
        let mut invitations = MockInvitationRepository::new();
        let a_month_ago = at(1000 - 30 * 86_400);
        invitations.expect_delete_before().with(eq(a_month_ago)).return_once(|_| Ok(8));
        let two_days_ago = at(1000 - 2 * 86_400);
        tokens.expect_forget_pending_before().with(eq(two_days_ago)).return_once(|_| Ok(1));
        tokens.expect_delete_before().with(eq(a_month_ago)).return_once(|_| Ok(6));
        let mut jobs = MockJobRepository::new();
        jobs.expect_delete_expired().with(eq(at(1000))).return_once(|_| Ok(7));
        let mut passkeys = MockPasskeyRepository::new();
        passkeys.expect_delete_challenges().with(eq(at(1000))).return_once(|_| Ok(9));
        let tidy = Cleanup {
            accounts: Arc::new(accounts),
            keep_unverified: Some(Duration::from_secs(60)),
            roles_without_rights: vec![Role::STUDENT],
            sessions: Arc::new(sessions),
            lockouts: Arc::new(lockouts),
            records: Arc::new(records),
            clock: testing::clock(1000),
            outbox: Some(Arc::new(outbox)),
            tokens: Arc::new(tokens),
            invitations: Arc::new(invitations),
            passkeys: Some(Arc::new(passkeys)),
            jobs: Arc::new(jobs),
            factors: ResealFactors::new(&FactorPorts::none()),
            keep_mails: Duration::from_secs(25),
            keep_sessions: Duration::from_secs(10),
            keep_lockouts: Duration::from_secs(20),
            keep_records: Duration::from_secs(30),
        };
        let (sessions, lockouts, mails) = (2, 3, 5);
        let (tokens, jobs, invitations, accounts, records) = (6, 7, 8, 3, 1004);
        let tidied = CleanedUp {
            sessions,
            lockouts,
            mails,
            tokens,
            jobs,
            invitations,
            challenges: 9,
            accounts,
            records,
            resealed: 0,
        };
        assert_eq!(tidy.execute().await.unwrap(), tidied);
    }
}
