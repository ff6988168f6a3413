//! Use-case: listing audit records.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::AuditRead;
use crate::audit::{
    AuditFilter, AuditOrder, AuditPosition, AuditQuery, AuditRecord, AuditRepository,
};
use crate::common::PortError;
use crate::ports::Ports;

/// Which records to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListRecordsInput {
    /// Which.
    pub filter: AuditFilter,
    /// Only records before this position, where the last page ended.
    pub before: Option<AuditPosition>,
    /// How many at most.
    pub limit: u64,
}

/// A part of the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The records, newest first.
    pub records: Vec<AuditRecord>,
    /// Where the next page begins; `None` if this is the last.
    pub next: Option<AuditPosition>,
}

/// Shows what happened, at most [`ListRecords::MAX_LIMIT`] records at a time.
#[non_exhaustive]
pub struct ListRecords {
    /// The records.
    pub records: Arc<dyn AuditRepository>,
}

impl ListRecords {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { records: ports.required.audit_records.clone() }
    }

    /// The most that one page holds.
    pub const MAX_LIMIT: u64 = 100;

    /// Runs the use-case. A larger limit is cut to [`ListRecords::MAX_LIMIT`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn execute(
        &self,
        _allowed: &Allowed<AuditRead>,
        input: ListRecordsInput,
    ) -> Result<AuditPage, PortError> {
        let limit = input.limit.min(Self::MAX_LIMIT);
        let query = AuditQuery {
            filter: input.filter,
            order: AuditOrder::NewestFirst,
            beyond: input.before,
            // Ask for one more, to see whether there is another page.
            limit: limit + 1,
        };
        let mut records = self.records.list(query).await?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = records.len() > wanted;
        records.truncate(wanted);
        let next = records.last().filter(|_| more).map(AuditRecord::position);
        Ok(AuditPage { records, next })
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::audit::{AuditAction, AuditRecordId, MockAuditRepository};
    use crate::testing;

    fn record(id: i64) -> AuditRecord {
        let event = testing::context_of_admin(id).event(AuditAction::LoggedIn);
        AuditRecord { id: AuditRecordId(id), event }
    }

    async fn list(limit: u64, found: Vec<AuditRecord>) -> AuditPage {
        let filter = AuditFilter { user: Some(testing::USER), ..AuditFilter::default() };
        let before = Some(record(99).position());
        let order = AuditOrder::NewestFirst;
        let query = AuditQuery { filter, order, beyond: before, limit: limit.min(100) + 1 };
        let mut records = MockAuditRepository::new();
        records.expect_list().with(eq(query)).times(1).return_once(|_| Ok(found));
        let use_case = ListRecords { records: Arc::new(records) };
        let input = ListRecordsInput { filter, before, limit };
        use_case.execute(&testing::allowed(9), input).await.unwrap()
    }

    #[tokio::test]
    async fn a_page_says_where_the_next_begins() {
        let page = list(2, vec![record(9), record(8), record(7)]).await;
        let next = Some(record(8).position());
        assert_eq!(page, AuditPage { records: vec![record(9), record(8)], next });
    }

    #[tokio::test]
    async fn the_last_page_says_so() {
        for found in [vec![record(9), record(8)], vec![record(9)], Vec::new()] {
            assert_eq!(list(2, found.clone()).await, AuditPage { records: found, next: None });
        }
        assert_eq!(list(u64::MAX, vec![record(9)]).await.next, None);
    }
}
