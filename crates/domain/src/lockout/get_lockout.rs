//! Use-case: showing the lockout of an account.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::UsersUnlock;
use crate::accounts::{AccountRepository, UserNotFound};
use crate::common::{ClientNetwork, Error, Timestamp, UserId};
use crate::lockout::{AttemptLimits, FailureCount, Limit, LockoutRepository, LockoutSubject};
use crate::ports::{Policy, Ports, RequiredPorts};

/// The failures that count, and whether the limit is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LockoutCount {
    /// How many.
    pub failures: u64,
    /// Until when attempts are refused; `None` if they are not.
    pub locked_until: Option<Timestamp>,
}

/// The state of the limits on one account's password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lockout {
    /// From all networks together.
    pub account: LockoutCount,
    /// From each network that has failed lately.
    pub networks: Vec<(ClientNetwork, LockoutCount)>,
}

impl Lockout {
    /// Until when attempts from at least one network are refused; `None` if none are.
    pub fn locked_until(&self) -> Option<Timestamp> {
        let networks = self.networks.iter().filter_map(|(_, count)| count.locked_until);
        networks.chain(self.account.locked_until).max()
    }
}

/// Shows whether failed logins have locked an account, and from where. It does not show limits on a
/// network as a whole.
#[non_exhaustive]
pub struct GetLockout {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// The counts.
    pub lockouts: Arc<dyn LockoutRepository>,
    /// The limits that logins are held to; `None` if there are none.
    pub limits: Option<AttemptLimits>,
}

impl GetLockout {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { accounts, lockouts, .. } = &ports.required;
        let limits = policy.login_limits.map(|limits| limits.attempts);
        Self { accounts: accounts.clone(), lockouts: lockouts.clone(), limits }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`UserNotFound`]: nobody has the id.
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersUnlock>,
        id: UserId,
    ) -> Result<Lockout, Error<UserNotFound>> {
        let now = allowed.context().at;
        self.accounts.find(id).await?.ok_or(Error::Refused(UserNotFound))?;
        let Some(limits) = self.limits else { return Ok(Lockout::default()) };
        let counts = self.lockouts.counts(&LockoutSubject::Account(id)).await?;
        let mut lockout = Lockout::default();
        for count in counts {
            match count.network {
                None => {
                    lockout.account = judge(&count, limits.per_account, now).unwrap_or_default();
                }
                Some(network) => lockout
                    .networks
                    .extend(judge(&count, limits.per_client, now).map(|judged| (network, judged))),
            }
        }
        Ok(lockout)
    }
}

/// What a count means; `None` if a whole window has passed since its last failure.
fn judge(count: &FailureCount, limit: Limit, now: Timestamp) -> Option<LockoutCount> {
    let counting = limit.counting(Some(count.failures().as_of(now)), now)?;
    let locked_until = limit.locked_until(counting);
    Some(LockoutCount { failures: counting.count, locked_until })
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::lockout::MockLockoutRepository;
    use crate::testing::{self, USER, at};

    async fn see(limits: Option<AttemptLimits>, counts: Vec<FailureCount>) -> Lockout {
        let (mut accounts, mut lockouts) =
            (MockAccountRepository::new(), MockLockoutRepository::new());
        accounts.expect_find().with(eq(USER)).return_once(|_| Ok(Some(testing::user())));
        lockouts.expect_counts().return_once(|_| Ok(counts));
        let (accounts, lockouts) = (Arc::new(accounts), Arc::new(lockouts));
        let use_case = GetLockout { accounts, lockouts, limits };
        use_case.execute(&testing::allowed(1000), USER).await.unwrap()
    }

    fn network(n: u8) -> ClientNetwork {
        std::net::IpAddr::from([192, 0, 2, n]).into()
    }

    fn count(n: Option<u8>, failures: u64, seconds: i64) -> FailureCount {
        FailureCount { network: n.map(network), failures, last_failure_at: at(seconds) }
    }

    #[tokio::test]
    async fn counts_are_held_against_their_limits() {
        let counts = vec![
            count(None, 13, 990),
            count(Some(1), 10, 990),
            count(Some(2), 3, 950),
            // Exactly 15 minutes ago, so it no longer counts.
            count(Some(3), 10, 100),
        ];
        let lock = see(Some(AttemptLimits::DEFAULT), counts).await;
        assert_eq!(lock.account, LockoutCount { failures: 13, locked_until: None });
        let until = Some(at(990 + 15 * 60));
        let locked = LockoutCount { failures: 10, locked_until: until };
        let open = LockoutCount { failures: 3, locked_until: None };
        assert_eq!(lock.networks, [(network(1), locked), (network(2), open)]);
        assert_eq!(lock.locked_until(), until);
    }

    #[tokio::test]
    async fn an_account_can_be_locked_for_all_networks() {
        let lock = see(Some(AttemptLimits::DEFAULT), vec![count(None, 100, 0)]).await;
        assert_eq!(lock.account.locked_until, Some(at(24 * 60 * 60)));
        assert_eq!(lock.locked_until(), lock.account.locked_until);
        assert_eq!(see(Some(AttemptLimits::DEFAULT), Vec::new()).await, Lockout::default());
    }

    #[tokio::test]
    async fn without_limits_nothing_is_locked() {
        assert_eq!(see(None, vec![count(None, 100, 999)]).await, Lockout::default());
    }

    #[tokio::test]
    async fn an_id_that_nobody_has_has_no_lockout() {
        let mut accounts = MockAccountRepository::new();
        accounts.expect_find().returning(|_| Ok(None));
        let lockouts = Arc::new(MockLockoutRepository::new());
        let limits = Some(AttemptLimits::DEFAULT);
        let use_case = GetLockout { accounts: Arc::new(accounts), lockouts, limits };
        let result = use_case.execute(&testing::allowed(9), USER).await;
        assert!(matches!(result, Err(Error::Refused(UserNotFound))));
    }
}
