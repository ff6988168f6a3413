//! Use-case: showing the lock-out of an account.

use std::sync::Arc;

use crate::access::{AdminGuard, Forbidden, Principal};
use crate::accounts::AccountRepository;
use crate::common::{ClientNetwork, PortError, RequestContext, Timestamp, UserId};
use crate::lockout::{AttemptLimits, FailureCount, Limit, LockoutRepository, LockoutSubject};

/// Why no lock is shown.
#[derive(Debug, thiserror::Error)]
pub enum GetLockoutError {
    /// The caller is no administrator.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Nobody has the id.
    #[error("no such user")]
    NotFound,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Failures that count, and whether they are too many.
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
    /// Until when somebody is refused, from wherever; `None` if nobody is.
    pub fn locked_until(&self) -> Option<Timestamp> {
        let networks = self.networks.iter().filter_map(|(_, count)| count.locked_until);
        networks.chain(self.account.locked_until).max()
    }
}

/// Shows an administrator whether failed log-ins have locked an account, and from where. Limits per
/// network, on whatever account, are no matter of an account's.
pub struct GetLockout {
    /// The accounts.
    pub users: Arc<dyn AccountRepository>,
    /// The counts.
    pub lockouts: Arc<dyn LockoutRepository>,
    /// Lets administrators through.
    pub admins: Arc<AdminGuard>,
    /// The limits that log-ins are held to; `None` if to none.
    pub limits: Option<AttemptLimits>,
}

impl GetLockout {
    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`GetLockoutError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        id: UserId,
        request: RequestContext,
    ) -> Result<Lockout, GetLockoutError> {
        let now = self.admins.admit(caller, request)?.at;
        self.users.find(id).await?.ok_or(GetLockoutError::NotFound)?;
        let Some(limits) = self.limits else { return Ok(Lockout::default()) };
        let counts = self.lockouts.counts(&LockoutSubject::Account(id)).await?;
        let mut lock = Lockout::default();
        for count in counts {
            match count.network {
                None => lock.account = judge(&count, limits.per_account, now).unwrap_or_default(),
                Some(network) => lock
                    .networks
                    .extend(judge(&count, limits.per_client, now).map(|judged| (network, judged))),
            }
        }
        Ok(lock)
    }
}

/// What a count means; `None` if a whole window has passed since its last failure.
fn judge(count: &FailureCount, limit: Limit, now: Timestamp) -> Option<LockoutCount> {
    let counting = limit.counting(Some(count.failures()), now)?;
    Some(LockoutCount { failures: counting.count, locked_until: limit.locked_until(counting) })
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::lockout::MockLockoutRepository;
    use crate::testing::{self, USER, at};

    async fn see(limits: Option<AttemptLimits>, counts: Vec<FailureCount>) -> Lockout {
        let (mut users, mut lockouts) =
            (MockAccountRepository::new(), MockLockoutRepository::new());
        users.expect_find().with(eq(USER)).return_once(|_| Ok(Some(testing::user())));
        lockouts.expect_counts().return_once(|_| Ok(counts));
        let (admins, _) = testing::admin_guard(1000);
        let (users, lockouts) = (Arc::new(users), Arc::new(lockouts));
        let use_case = GetLockout { users, lockouts, admins, limits };
        use_case.execute(&testing::admin(), USER, testing::request()).await.unwrap()
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
            // A quarter of an hour ago, to the second: void.
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
    async fn nobodys_lock_is_not_shown_and_others_see_none() {
        for (caller, forbidden) in [(testing::admin(), false), (testing::principal(), true)] {
            let mut users = MockAccountRepository::new();
            users.expect_find().returning(|_| Ok(None));
            let (admins, _) = testing::admin_guard(9);
            let lockouts = Arc::new(MockLockoutRepository::new());
            let limits = Some(AttemptLimits::DEFAULT);
            let use_case = GetLockout { users: Arc::new(users), lockouts, admins, limits };
            let result = use_case.execute(&caller, USER, testing::request()).await;
            assert_eq!(matches!(result, Err(GetLockoutError::Forbidden(_))), forbidden);
            assert_eq!(matches!(result, Err(GetLockoutError::NotFound)), !forbidden);
        }
    }
}
