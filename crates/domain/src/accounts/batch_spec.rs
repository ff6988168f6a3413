//! A change of many accounts as a job keeps it.

use serde::{Deserialize, Serialize};

use crate::accounts::{Ban, BanReason, BatchAction, BatchResult};
use crate::audit::AuditContext;
use crate::common::UserId;
use crate::import::RowRefusal;
use crate::jobs::{StoredContext, moment, read};

/// What is done to each account, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum StoredAction {
    Activate,
    Deactivate,
    /// Until when, in microseconds, and why.
    Ban(i64, Option<String>),
    Delete,
    SetRole(String),
    EndSessions,
}

/// What is to be done to whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BatchSpec {
    ids: Vec<i64>,
    action: StoredAction,
    pub(super) dry_run: bool,
    pub(super) context: StoredContext,
}

impl BatchSpec {
    pub(super) fn new(
        ids: &[UserId],
        action: &BatchAction,
        dry_run: bool,
        context: &AuditContext,
    ) -> Self {
        let action = match action {
            BatchAction::Activate => StoredAction::Activate,
            BatchAction::Deactivate => StoredAction::Deactivate,
            BatchAction::Ban(ban) => {
                let reason = ban.reason.as_ref().map(|reason| reason.as_str().to_owned());
                StoredAction::Ban(ban.until.timestamp_micros(), reason)
            }
            BatchAction::Delete => StoredAction::Delete,
            BatchAction::SetRole(role) => StoredAction::SetRole(role.to_string()),
            BatchAction::EndSessions => StoredAction::EndSessions,
        };
        let ids = ids.iter().map(|id| id.get()).collect();
        Self { ids, action, dry_run, context: context.into() }
    }

    /// The accounts.
    pub(super) fn ids(&self) -> Vec<UserId> {
        self.ids.iter().filter_map(|id| UserId::try_from(*id).ok()).collect()
    }

    /// What is done to them; `None`: it cannot be read.
    pub(super) fn action(&self) -> Option<BatchAction> {
        Some(match &self.action {
            StoredAction::Activate => BatchAction::Activate,
            StoredAction::Deactivate => BatchAction::Deactivate,
            StoredAction::Ban(until, reason) => {
                let reason = reason.as_deref().and_then(|text| BanReason::parse(text).ok());
                BatchAction::Ban(Ban { until: moment(*until)?, reason: reason.flatten() })
            }
            StoredAction::Delete => BatchAction::Delete,
            StoredAction::SetRole(role) => BatchAction::SetRole(read(role)?),
            StoredAction::EndSessions => BatchAction::EndSessions,
        })
    }
}

/// What has become of an account, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredResult(i64, Result<bool, RowRefusal>);

impl From<&BatchResult> for StoredResult {
    fn from(result: &BatchResult) -> Self {
        Self(result.id.get(), result.outcome)
    }
}

impl StoredResult {
    pub(super) fn read(self) -> Option<BatchResult> {
        Some(BatchResult { id: UserId::try_from(self.0).ok()?, outcome: self.1 })
    }
}
