//! Whether whoever made a job may still do what it is to do.

use std::sync::Arc;

use crate::access::Roles;
use crate::access::rights::RightId;
use crate::accounts::{AccountRepository, Authority, Role};
use crate::common::{PortError, Timestamp};
use crate::jobs::{Job, StoredContext};

/// Asks again, when a job is done, what the guard asked when it was made: the account may have been
/// deactivated since, or have another role.
#[derive(Clone)]
pub(crate) struct Officer {
    pub(crate) accounts: Arc<dyn AccountRepository>,
    pub(crate) roles: Arc<Roles>,
}

impl Officer {
    /// Whoever made the job, whom they may change now, and their role; `None`: they may not do that any more.
    pub(crate) async fn authority(
        &self,
        job: &Job,
        needed: &[RightId],
        context: &StoredContext,
        now: Timestamp,
    ) -> Result<Option<(Authority, Role)>, PortError> {
        let maker = self.accounts.find(job.maker).await?;
        let may = |role| needed.iter().all(|right| self.roles.grants(role, *right));
        let maker = maker.filter(|user| user.is_active_at(now) && may(user.role));
        Ok(maker.map(|user| {
            let reach = self.roles.reach_of(user.role);
            (Authority { context: context.at(user.id, now), reach }, user.role)
        }))
    }
}
