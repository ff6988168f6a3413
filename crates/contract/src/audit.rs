//! Keeping, listing and deleting records.

use std::collections::HashSet;
use std::time::Duration;

use macro_rules_attribute::apply;
use menjin_domain::audit::{
    AuditAction, AuditContext, AuditEvent, AuditFilter, AuditOrder, AuditOutcome, AuditPosition,
    AuditQuery, AuditReason, AuditRecord, ChangedField,
};
use menjin_domain::common::{ClientInfo, RequestContext, RequestId, UserId};

use super::{Store, at, context, session_id};

fn user(id: i64) -> UserId {
    UserId::try_from(id).unwrap()
}

/// An event of a user at a time.
fn event(
    action: AuditAction,
    actor: Option<i64>,
    subject: Option<i64>,
    seconds: i64,
) -> AuditEvent {
    let context = AuditContext { actor: actor.map(user), ..context(seconds) };
    AuditEvent { subject: subject.map(user), ..context.event(action) }
}

const ALL: AuditQuery = AuditQuery {
    filter: AuditFilter {
        user: None,
        action: None,
        outcome: None,
        changed: None,
        since: None,
        until: None,
    },
    order: AuditOrder::NewestFirst,
    beyond: None,
    limit: 1000,
};

async fn list(store: &Store, query: AuditQuery) -> Vec<AuditRecord> {
    store.records.list(query).await.unwrap()
}

/// The seconds of the records found, newest first.
async fn found(store: &Store, filter: AuditFilter) -> Vec<i64> {
    let records = list(store, AuditQuery { filter, ..ALL }).await;
    records.iter().map(|record| (record.event.context.at - at(0)).num_seconds()).collect()
}

/// A record has every field of the appended event.
#[apply(row!)]
async fn a_record_reads_back_as_written(store: Store) {
    let whole = event(AuditAction::LoginFailed, Some(3), Some(7), 5);
    let v6 = ClientInfo::at("2001:db8::7".parse().unwrap());
    let odd = RequestContext {
        client: v6.with_user_agent(Some("猫 \"'; DROP TABLE audit_events; --")),
        request_id: Some(RequestId::parse(&"x".repeat(RequestId::MAX)).unwrap()),
    };
    let written = [
        whole.clone().because(AuditReason::WrongPassword),
        whole.clone().changing(ChangedField::ALL.to_vec()),
        AuditEvent {
            context: AuditContext {
                request: odd,
                at: at(6) + Duration::from_micros(1),
                ..context(6)
            },
            ..whole
        },
    ];
    store.records.append(written.to_vec()).await.unwrap();
    let read = list(&store, AuditQuery { order: AuditOrder::OldestFirst, ..ALL }).await;
    let events: Vec<_> = read.iter().map(|record| record.event.clone()).collect();
    assert_eq!(events, written);
    assert!(read.iter().all(|record| record.id.0 > 0));
    for action in AuditAction::ALL {
        store.records.append(vec![event(*action, None, None, 7)]).await.unwrap();
        let filter = AuditFilter { action: Some(*action), since: Some(at(7)), ..ALL.filter };
        assert_eq!(list(&store, AuditQuery { filter, ..ALL }).await.len(), 1, "{action}");
    }
    for reason in AuditReason::ALL {
        let failure = event(AuditAction::LoginFailed, None, None, 8).because(*reason);
        store.records.append(vec![failure.clone()]).await.unwrap();
        assert_eq!(list(&store, AuditQuery { limit: 1, ..ALL }).await[0].event, failure);
    }
}

/// Fields that an event does not have are empty in its record.
#[apply(row!)]
async fn unknown_fields_of_a_record_stay_empty(store: Store) {
    let written =
        AuditContext::anonymous(at(0), RequestContext::local()).event(AuditAction::RefreshFailed);
    store.records.append(vec![written.clone()]).await.unwrap();
    assert_eq!(list(&store, ALL).await[0].event, written);
    store.records.append(Vec::new()).await.unwrap();
    assert_eq!(list(&store, ALL).await.len(), 1);
}

/// Walks through all pages of two.
async fn walk(store: &Store, mut query: AuditQuery) -> Vec<AuditRecord> {
    let mut all: Vec<AuditRecord> = Vec::new();
    query.limit = 2;
    loop {
        let page = list(store, query).await;
        assert!(page.len() <= 2);
        query.beyond = page.last().map(AuditRecord::position);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Pages are ordered by time, from either end, whatever the order of appending.
#[apply(row!)]
async fn pages_come_newest_first_and_oldest_first(store: Store) {
    for seconds in [3, 1, 4, 0, 2] {
        let event = event(AuditAction::LoggedIn, Some(1), Some(1), seconds);
        store.records.append(vec![event]).await.unwrap();
    }
    let newest = list(&store, ALL).await;
    let times = newest.iter().map(|record| (record.event.context.at - at(0)).num_seconds());
    assert!(times.eq([4, 3, 2, 1, 0]));
    assert_eq!(walk(&store, ALL).await, newest);
    let oldest: Vec<_> = newest.iter().rev().cloned().collect();
    assert_eq!(walk(&store, AuditQuery { order: AuditOrder::OldestFirst, ..ALL }).await, oldest);
    assert_eq!(list(&store, AuditQuery { limit: 0, ..ALL }).await, []);
}

/// Events of one moment do not get lost between pages, nor come twice.
#[apply(row!)]
async fn events_of_one_moment_are_each_listed_once(store: Store) {
    let same = |subject| event(AuditAction::LoggedIn, Some(1), Some(subject), 5);
    let before_and_after = [event(AuditAction::LoggedIn, None, None, 4), same(1).clone()];
    store.records.append(before_and_after.to_vec()).await.unwrap();
    store.records.append((2..=7).map(same).collect()).await.unwrap();
    store.records.append(vec![event(AuditAction::LoggedOut, None, None, 6)]).await.unwrap();
    for order in [AuditOrder::NewestFirst, AuditOrder::OldestFirst] {
        let walked = walk(&store, AuditQuery { order, ..ALL }).await;
        let ids: HashSet<_> = walked.iter().map(|record| record.id).collect();
        assert_eq!((walked.len(), ids.len()), (9, 9), "{order:?}");
        let filter = AuditFilter { user: Some(user(1)), ..ALL.filter };
        assert_eq!(walk(&store, AuditQuery { order, filter, ..ALL }).await.len(), 7, "{order:?}");
    }
}

/// Every filter holds, alone and with the others.
#[apply(row!)]
async fn filters_hold_together(store: Store) {
    let events = vec![
        event(AuditAction::LoggedIn, Some(1), Some(1), 0),
        event(AuditAction::Refreshed, Some(1), Some(1), 1),
        event(AuditAction::LoginFailed, None, Some(1), 2),
        event(AuditAction::LoginFailed, None, Some(2), 3),
        event(AuditAction::LoginFailed, None, None, 4),
        event(AuditAction::Refreshed, Some(2), Some(2), 5),
        event(AuditAction::LoggedIn, Some(2), Some(2), 6),
    ];
    store.records.append(events).await.unwrap();
    let all = AuditFilter::default();
    let failed = AuditFilter { action: Some(AuditAction::LoginFailed), ..all };
    let (one, two) = (Some(user(1)), Some(user(2)));
    let success = Some(AuditOutcome::Success);
    let failure = Some(AuditOutcome::Failure);
    for (filter, expected) in [
        (all, vec![6, 5, 4, 3, 2, 1, 0]),
        (failed, vec![4, 3, 2]),
        (AuditFilter { action: Some(AuditAction::Refreshed), ..all }, vec![5, 1]),
        (AuditFilter { action: Some(AuditAction::LockoutCleared), ..all }, vec![]),
        (AuditFilter { outcome: success, ..all }, vec![6, 5, 1, 0]),
        (AuditFilter { outcome: failure, ..all }, vec![4, 3, 2]),
        (AuditFilter { outcome: success, ..failed }, vec![]),
        (AuditFilter { user: one, ..all }, vec![2, 1, 0]),
        (AuditFilter { user: two, outcome: failure, ..all }, vec![3]),
        (AuditFilter { user: one, ..failed }, vec![2]),
        (AuditFilter { user: Some(user(3)), ..all }, vec![]),
        (AuditFilter { since: Some(at(3)), ..failed }, vec![4, 3]),
        (AuditFilter { until: Some(at(3)), user: one, ..all }, vec![2, 1, 0]),
        (AuditFilter { since: Some(at(1)), until: Some(at(2)), user: one, ..all }, vec![1]),
    ] {
        assert_eq!(found(&store, filter).await, expected, "{filter:?}");
    }
}

/// An administrator's action on a user is in the records of both, once in each.
#[apply(row!)]
async fn a_users_records_are_those_as_actor_or_subject(store: Store) {
    let events = vec![
        event(AuditAction::Deactivated, Some(1), Some(2), 0),
        event(AuditAction::LoggedIn, Some(1), Some(1), 1),
        event(AuditAction::AccessDenied, Some(2), None, 2),
        event(AuditAction::LoginFailed, None, Some(2), 3),
        event(AuditAction::Deactivated, Some(1), Some(3), 4),
    ];
    store.records.append(events).await.unwrap();
    for (id, expected) in [(1, vec![4, 1, 0]), (2, vec![3, 2, 0]), (3, vec![4])] {
        let filter = AuditFilter { user: Some(user(id)), ..AuditFilter::default() };
        assert_eq!(found(&store, filter).await, expected, "{id}");
        let oldest = AuditQuery { filter, order: AuditOrder::OldestFirst, ..ALL };
        let mut walked = walk(&store, oldest).await;
        walked.reverse();
        assert_eq!(walked, walk(&store, AuditQuery { filter, ..ALL }).await, "{id}");
        assert_eq!(walked.len(), expected.len(), "{id}");
    }
}

/// `since` is part of the span, `until` is not, to the microsecond.
#[apply(row!)]
async fn time_spans_include_since_and_exclude_until(store: Store) {
    store.records.append(vec![event(AuditAction::LoggedIn, None, None, 5)]).await.unwrap();
    let micro = Duration::from_micros(1);
    for (since, until, expected) in [
        (at(5), at(5) + micro, 1),
        (at(5), at(5), 0),
        (at(5) + micro, at(6), 0),
        (at(4), at(5) - micro, 0),
        (at(6), at(4), 0),
    ] {
        let filter = AuditFilter { since: Some(since), until: Some(until), ..ALL.filter };
        assert_eq!(found(&store, filter).await.len(), expected, "{since} {until}");
    }
}

/// What happened in a span is counted; `until` is not part of it.
#[apply(row!)]
async fn what_happened_is_counted(store: Store) {
    let logged_in = |seconds| event(AuditAction::LoggedIn, Some(1), Some(1), seconds);
    let other = event(AuditAction::LoggedOut, Some(1), Some(1), 5);
    store.records.append(vec![logged_in(1), logged_in(5), logged_in(9), other]).await.unwrap();
    for (since, until, expected) in [(0, 10, 3), (1, 9, 2), (5, 5, 0), (6, 9, 0), (9, 1, 0)] {
        let counted = store.records.count(AuditAction::LoggedIn, at(since), at(until)).await;
        assert_eq!(counted.unwrap(), expected, "{since} {until}");
    }
}

/// A list continues at its position although the record there was deleted.
#[apply(row!)]
async fn a_list_continues_after_a_deleted_record(store: Store) {
    let events = (0..4).map(|n| event(AuditAction::LoggedIn, None, None, n)).collect();
    store.records.append(events).await.unwrap();
    let oldest = AuditQuery { order: AuditOrder::OldestFirst, limit: 2, ..ALL };
    let beyond = list(&store, oldest).await.last().map(AuditRecord::position);
    assert_eq!(store.records.delete_before(at(2)).await.unwrap(), 2);
    let rest = list(&store, AuditQuery { beyond, ..oldest }).await;
    assert_eq!(rest, list(&store, oldest).await);
    assert_eq!(rest.len(), 2);
    let nowhere = Some(AuditPosition { at: at(-99), id: rest[0].id });
    assert_eq!(list(&store, AuditQuery { beyond: nowhere, ..oldest }).await, rest);
}

/// All events of a large batch are stored, each with its own id.
#[apply(row!)]
async fn many_events_are_appended_at_once(store: Store) {
    let events = (0..2500).map(|n| event(AuditAction::LoginFailed, None, None, n)).collect();
    store.records.append(events).await.unwrap();
    let all = list(&store, AuditQuery { limit: 10_000, ..ALL }).await;
    let ids: HashSet<_> = all.iter().map(|record| record.id).collect();
    assert_eq!((all.len(), ids.len()), (2500, 2500));
}

/// Records older than a moment are deleted, in as many parts as needed. Their ids are not used
/// again.
#[apply(row!)]
async fn only_old_records_are_deleted(store: Store) {
    let events = (0..2500).map(|n| event(AuditAction::LoginFailed, None, Some(1), n)).collect();
    store.records.append(events).await.unwrap();
    assert_eq!(store.records.delete_before(at(0)).await.unwrap(), 0);
    let mut deleted = 0;
    while let more @ 1.. = store.records.delete_before(at(2400)).await.unwrap() {
        deleted += more;
    }
    assert_eq!(deleted, 2400);
    let left = list(&store, ALL).await;
    assert_eq!((left.len(), left[99].event.context.at), (100, at(2400)));
    while store.records.delete_before(at(9999)).await.unwrap() > 0 {}
    store.records.append(vec![event(AuditAction::LoggedIn, None, None, 1)]).await.unwrap();
    assert!(list(&store, ALL).await[0].id > left[0].id);
    assert_eq!(list(&store, ALL).await[0].event.context.session_id, Some(session_id(9)));
}

/// Records tell which fields were changed, and are found by them.
#[apply(row!)]
async fn a_field_that_was_changed_is_found(store: Store) {
    let fields = [
        vec![ChangedField::Email, ChangedField::FullName],
        vec![ChangedField::FullName],
        vec![],
        vec![ChangedField::Role],
    ];
    let events = fields.into_iter().zip(0..).map(|(fields, seconds)| {
        event(AuditAction::UserEdited, Some(1), Some(2), seconds).changing(fields)
    });
    store.records.append(events.collect()).await.unwrap();
    for (field, expected) in [
        (ChangedField::FullName, vec![1, 0]),
        (ChangedField::Email, vec![0]),
        (ChangedField::Role, vec![3]),
        (ChangedField::Username, vec![]),
    ] {
        let filter = AuditFilter { changed: Some(field), ..ALL.filter };
        assert_eq!(found(&store, filter).await, expected, "{field}");
        let of_user = AuditFilter { user: Some(user(2)), ..filter };
        assert_eq!(found(&store, of_user).await, expected, "{field}");
    }
}
