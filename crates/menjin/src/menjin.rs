//! menjin, built.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use menjin_domain::common::PortError;
use menjin_domain::services::Services;
use menjin_domain::sessions::Subscription;
use menjin_infra_memory::AuditQueue;
use tokio::task::JoinHandle;

use crate::store::Claim;
use crate::{Maintenance, Store, maintenance};

/// Accounts and authentication, ready to run: every use-case is a field ([`Services`]), such as
/// `menjin.login`. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Menjin {
    services: Arc<Services>,
    running: Arc<Running>,
}

/// What lives as long as the last clone.
struct Running {
    held: Held,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// What is held until the end.
pub(crate) struct Held {
    pub(crate) store: Store,
    pub(crate) trail: Arc<AuditQueue>,
    #[expect(
        dead_code,
        reason = "when it is dropped, changes of other replicas are no longer heard"
    )]
    pub(crate) subscription: Option<Subscription>,
    #[expect(dead_code, reason = "when it is dropped, another process may serve the file")]
    pub(crate) claim: Option<Claim>,
}

impl Menjin {
    pub(crate) fn new(services: Arc<Services>, held: Held) -> Self {
        Self { services, running: Arc::new(Running { held, tasks: Mutex::default() }) }
    }

    /// The use-cases, for whoever keeps them.
    pub fn services(&self) -> Arc<Services> {
        self.services.clone()
    }

    /// The store, for tools: what is changed there goes past the rules, the session cache and the audit log.
    pub fn store(&self) -> &Store {
        &self.running.held.store
    }

    /// Begins to clean up, and to look for jobs and mails, until the end or
    /// [`stop_maintenance`](Self::stop_maintenance). [`Builder::build`](crate::Builder::build) has done so
    /// unless it was told otherwise.
    pub fn start_maintenance(&self, every: Maintenance) {
        self.running.tasks().extend(maintenance::start(every, &self.services));
    }

    /// Stops cleaning up and looking for jobs and mails.
    pub fn stop_maintenance(&self) {
        self.running.tasks().drain(..).for_each(|task| task.abort());
    }

    /// Ends in order: the audit records that still wait are written, which takes no longer than this time, and
    /// the database is closed. Calls after this are `Unavailable`. Nothing but records of failures is lost
    /// without it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn close(&self, within: Duration) -> Result<(), PortError> {
        self.stop_maintenance();
        self.running.held.trail.close(within).await;
        self.running.held.store.close().await
    }
}

impl Deref for Menjin {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

impl fmt::Debug for Menjin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Menjin").field("store", self.store()).finish_non_exhaustive()
    }
}

impl Running {
    fn tasks(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks().drain(..).for_each(|task| task.abort());
    }
}
