//! What has to be done again and again: cleaning up, jobs, mails.

use std::sync::Arc;
use std::time::Duration;

use menjin_domain::common::Causes;
use menjin_domain::health::{CleanedUp, Cleanup};
use menjin_domain::jobs::RunJobs;
use menjin_domain::mail::{DeliverMails, Settlement};
use menjin_domain::services::Services;
use tokio::task::JoinHandle;

/// How often what is looked for.
///
/// ```
/// use std::time::Duration;
///
/// use menjin::{Maintenance, Menjin};
///
/// let every = Maintenance { clean_up_every: Duration::from_secs(600), ..Maintenance::default() };
/// let builder = Menjin::builder().maintenance(every);
/// # drop(builder);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maintenance {
    /// How often what has expired is deleted.
    pub clean_up_every: Duration,
    /// How long there is between two looks for imports and large changes.
    pub jobs_every: Duration,
    /// How long there is between two looks for mails.
    pub mails_every: Duration,
}

impl Default for Maintenance {
    fn default() -> Self {
        let (hour, second) = (Duration::from_secs(60 * 60), Duration::from_secs(1));
        Self { clean_up_every: hour, jobs_every: second, mails_every: second }
    }
}

/// How many jobs are done at once: a short one need not wait for a long one of somebody else.
const JOBS_AT_ONCE: usize = 3;

/// How long the delivery of mails waits after the database failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Starts it, on the runtime of this call. Each task goes on until it is aborted.
pub(crate) fn start(every: Maintenance, services: &Services) -> Vec<JoinHandle<()>> {
    let clean_up = clean_up_for_ever(every.clean_up_every, services.cleanup.clone());
    let mut tasks = vec![tokio::spawn(clean_up)];
    for _ in 0..JOBS_AT_ONCE {
        let work = jobs_for_ever(every.jobs_every, services.run_jobs.clone());
        tasks.push(tokio::spawn(work));
    }
    if let Some(worker) = services.deliver_mails.clone() {
        tasks.push(tokio::spawn(deliver_for_ever(every.mails_every, worker)));
    }
    tasks
}

async fn clean_up_for_ever(every: Duration, cleanup: Arc<Cleanup>) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match cleanup.execute().await {
            Ok(cleaned_up) => {
                let CleanedUp {
                    sessions,
                    lockouts,
                    mails,
                    tokens,
                    jobs,
                    invitations,
                    challenges,
                    accounts,
                    records,
                    resealed,
                } = cleaned_up;
                tracing::debug!(
                    accounts,
                    sessions,
                    lockouts,
                    mails,
                    tokens,
                    jobs,
                    invitations,
                    challenges,
                    records,
                    resealed,
                    "cleaned up"
                );
            }
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "could not clean up");
            }
        }
    }
}

async fn jobs_for_ever(every: Duration, run_jobs: Arc<RunJobs>) {
    loop {
        run_jobs.execute_all().await;
        tokio::time::sleep(every).await;
    }
}

/// Delivers what is in the outbox.
async fn deliver_for_ever(every: Duration, worker: Arc<DeliverMails>) {
    metrics::describe_counter!("menjin_mails_total", "Mails by kind and by what became of them.");
    // Not at once: a test that delivers by itself would find the first mail claimed by this worker.
    tokio::time::sleep(every).await;
    loop {
        match worker.execute().await {
            Ok(delivered) if delivered.is_empty() => tokio::time::sleep(every).await,
            Ok(delivered) => {
                for mail in delivered {
                    let outcome = match mail.settlement {
                        Settlement::Sent { .. } => "sent",
                        Settlement::Again { .. } => "deferred",
                        Settlement::Failed { .. } => "failed",
                        Settlement::Postponed { .. } => "postponed",
                        Settlement::Dropped => "dropped",
                    };
                    let labels = [("kind", mail.kind.as_str()), ("outcome", outcome)];
                    metrics::counter!("menjin_mails_total", &labels).increment(1);
                }
            }
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "mails could not be delivered");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}
