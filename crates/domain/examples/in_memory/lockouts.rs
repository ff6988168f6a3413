//! The failed logins.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use async_trait::async_trait;
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{ClientNetwork, PortError, Timestamp, UserId};
use menjin_domain::lockout::{
    self, Admission, AttemptLimits, FailureCount, Limit, LockoutRepository, LockoutSubject,
};

use super::rows::Failures;
use super::store::{State, Store};

impl State {
    /// Forgets the failures of an account, and returns whether there were any.
    pub(crate) fn forget(&mut self, id: UserId) -> bool {
        let all = self.failures.len();
        self.failures.retain(|(subject, _), _| *subject != LockoutSubject::Account(id));
        self.failures.len() < all
    }
}

#[async_trait]
impl LockoutRepository for Store {
    async fn reserve(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
        limits: AttemptLimits,
        at: Timestamp,
    ) -> Result<Admission, PortError> {
        let failures = &mut self.lock().failures;
        for of in [Some(network), None] {
            if let Some(count) = failures.get_mut(&(subject.clone(), of)) {
                count.keep_as_of(at);
            }
        }
        let counts =
            [(Some(network), limits.per_client), (None, limits.per_account)].map(|(of, limit)| {
                let count = failures.get(&(subject.clone(), of)).cloned().unwrap_or_default();
                (of, limit, count)
            });
        // Check both limits before either counts: a refused attempt must leave no trace.
        let waits = counts.iter().filter_map(|(_, limit, count)| count.wait(*limit, at));
        if let Some(retry_after) = waits.max() {
            return Ok(Admission::Refused { retry_after });
        }
        for (of, limit, mut count) in counts {
            count.add(limit, at);
            failures.insert((subject.clone(), of), count);
        }
        Ok(Admission::Admitted)
    }

    async fn succeed(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError> {
        let failures = &mut self.lock().failures;
        for of in [Some(network), None] {
            failures.remove(&(subject.clone(), of));
        }
        Ok(())
    }

    async fn release(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError> {
        let failures = &mut self.lock().failures;
        for of in [Some(network), None] {
            Failures::take_back(failures, &(subject.clone(), of));
        }
        Ok(())
    }

    async fn counts(&self, subject: &LockoutSubject) -> Result<Vec<FailureCount>, PortError> {
        let state = self.lock();
        let of_subject = state.failures.iter().filter(|((of, _), _)| of == subject);
        let mut counts: Vec<_> = of_subject
            .filter_map(|((_, network), failures)| {
                let (failures, last_failure_at) = (failures.0.len() as u64, failures.last()?);
                Some(FailureCount { network: *network, failures, last_failure_at })
            })
            .collect();
        counts.sort_by_key(|count| Reverse(count.last_failure_at));
        Ok(counts)
    }

    async fn forget(&self, id: UserId, context: AuditContext) -> Result<bool, PortError> {
        let mut state = self.lock();
        let was_locked = state.forget(id);
        if was_locked {
            state.record(context.event(AuditAction::LockoutCleared).on(id));
        }
        Ok(was_locked)
    }

    async fn delete_stale(&self, before: Timestamp) -> Result<u64, PortError> {
        let failures = &mut self.lock().failures;
        let all = failures.len();
        failures.retain(|_, count| count.last().is_some_and(|last| last >= before));
        Ok((all - failures.len()) as u64)
    }
}

impl Failures {
    fn last(&self) -> Option<Timestamp> {
        self.0.last().copied()
    }

    fn count(&self) -> Option<lockout::Failures> {
        Some(lockout::Failures { count: self.0.len() as u64, last_at: self.last()? })
    }

    /// Dates the last one now, if the clock was put back since.
    fn keep_as_of(&mut self, at: Timestamp) {
        let as_of = self.count().map(|count| count.as_of(at).last_at);
        for time in &mut self.0 {
            *time = as_of.map_or(*time, |last| last.min(*time));
        }
    }

    /// How long to wait, if the limit is reached.
    fn wait(&self, limit: Limit, at: Timestamp) -> Option<Duration> {
        limit.wait(self.count(), at)
    }

    fn add(&mut self, limit: Limit, at: Timestamp) {
        if limit.counting(self.count(), at).is_none() {
            self.0.clear();
        }
        self.0.push(limit.one_more(self.count(), at).last_at);
    }

    /// Takes back the newest failure of a key. A count without failures is removed.
    fn take_back<K: Hash + Eq>(counts: &mut HashMap<K, Self>, key: &K) {
        if let Some(count) = counts.get_mut(key) {
            count.0.pop();
            if count.0.is_empty() {
                counts.remove(key);
            }
        }
    }
}
