//! The audit records. They are behind the same lock as the data, so a change and its record are one
//! atomic change.

use async_trait::async_trait;
use menjin_domain::audit::{
    AuditAction, AuditEvent, AuditFilter, AuditOrder, AuditQuery, AuditRecord, AuditRecordId,
    AuditRepository, AuditTrail,
};
use menjin_domain::common::{PortError, Timestamp};

use super::store::{State, Store};

impl State {
    pub(crate) fn record(&mut self, event: AuditEvent) {
        self.last_record += 1;
        self.records.push(AuditRecord { id: AuditRecordId(self.last_record), event });
    }
}

fn matches(filter: &AuditFilter, event: &AuditEvent) -> bool {
    let is_of = |user| event.subject == Some(user) || event.context.actor == Some(user);
    filter.user.is_none_or(is_of)
        && filter.action.is_none_or(|action| event.action == action)
        && filter.outcome.is_none_or(|outcome| event.outcome() == outcome)
        && filter.changed.is_none_or(|field| event.changed.contains(&field))
        && filter.since.is_none_or(|since| event.context.at >= since)
        && filter.until.is_none_or(|until| event.context.at < until)
}

#[async_trait]
impl AuditRepository for Store {
    async fn append(&self, events: Vec<AuditEvent>) -> Result<(), PortError> {
        let mut state = self.lock();
        for event in events {
            state.record(event);
        }
        Ok(())
    }

    async fn list(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, PortError> {
        let newest_first = query.order == AuditOrder::NewestFirst;
        let is_beyond = |record: &AuditRecord| {
            query.beyond.is_none_or(|place| {
                if newest_first { record.position() < place } else { record.position() > place }
            })
        };
        let mut records = self.lock().records.clone();
        records.retain(|record| matches(&query.filter, &record.event) && is_beyond(record));
        records.sort_by_key(AuditRecord::position);
        if newest_first {
            records.reverse();
        }
        records.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(records)
    }

    async fn count(
        &self,
        action: AuditAction,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<u64, PortError> {
        let counted = |record: &&AuditRecord| {
            let event = &record.event;
            event.action == action && (since..until).contains(&event.context.at)
        };
        Ok(self.lock().records.iter().filter(counted).count() as u64)
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        let records = &mut self.lock().records;
        let all = records.len();
        records.retain(|record| record.event.context.at >= before);
        Ok((all - records.len()) as u64)
    }
}

/// Appending cannot fail here and is fast. A store on a server needs a queue in front of it, such
/// as `AuditQueue` of menjin-infra-memory.
impl AuditTrail for Store {
    fn note(&self, event: AuditEvent) {
        self.lock().record(event);
    }
}
