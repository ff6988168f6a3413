//! Queries and filters that both databases share, as values. The adapters run them.

use diesel::dsl::{auto_type, sql};
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use menjin_domain::accounts::{User, UserPage, UserQuery};
use menjin_domain::audit::{AuditOrder, AuditQuery, AuditRecord};
use menjin_domain::common::{PageStart, PortError, SessionId, Timestamp};
use menjin_domain::sessions::{SessionPosition, SessionQuery};
use uuid::Uuid;

use crate::rows::{EventRow, UserRow};
use crate::schema::{audit_events, login_throttles, sessions, users};
use crate::values::{Id, Micros};

/// The greatest number of counts of a subject that are shown: the count over all networks, which
/// has the latest failure, and a hundred more.
pub const MAX_COUNTS: i64 = 101;

/// An active account whose credentials have not changed since they were verified.
#[auto_type(no_type_alias)]
pub fn is_verified(id: i64, credential_version: i64) -> _ {
    users::id.eq(id).and(users::is_active).and(users::credential_version.eq(credential_version))
}

/// What happened in a span. Not for what happens all the time: the partial index leaves that out, whose
/// condition is repeated here.
#[auto_type(no_type_alias)]
pub fn happened<'a>(action: &'a str, since: Micros, until: Micros) -> _ {
    let is_indexed: SqlLiteral<Bool> = sql("action <> 'refreshed'");
    audit_events::table
        .filter(audit_events::action.eq(action))
        .filter(is_indexed)
        .filter(audit_events::at.ge(since))
        .filter(audit_events::at.lt(until))
}

/// The sessions of a user that have not ended, except the one to keep.
#[auto_type(no_type_alias)]
pub fn is_open_of_except(user_id: i64, keep: Option<Id>) -> _ {
    sessions::user_id.eq(user_id).and(sessions::ended_at.is_null()).and(sessions::id.ne_all(keep))
}

/// The live sessions of a user. The query does not check whether the user is active, because a
/// deactivation ends all sessions.
#[auto_type(no_type_alias)]
pub fn is_live_of(user_id: i64, at: Micros) -> _ {
    sessions::user_id.eq(user_id).and(sessions::ended_at.is_null()).and(sessions::expires_at.gt(at))
}

/// The live sessions of a user, except the one to keep.
#[auto_type(no_type_alias)]
pub fn is_live_of_except(user_id: i64, keep: Option<Id>, at: Micros) -> _ {
    sessions::user_id
        .eq(user_id)
        .and(sessions::ended_at.is_null())
        .and(sessions::expires_at.gt(at))
        .and(sessions::id.ne_all(keep))
}

/// The ids of the oldest live sessions of a user, but of this one and of so many others.
#[auto_type(no_type_alias)]
pub fn oldest_live_of(user_id: i64, but: Id, at: Micros, kept: i64) -> _ {
    let all: i64 = i64::MAX;
    sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(at))
        .filter(sessions::id.ne(but))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .select(sessions::id)
        .limit(all)
        .offset(kept)
}

/// The sessions after this one, in a list from the newest to the oldest.
#[auto_type(no_type_alias)]
pub fn is_older_than(created_at: Micros, id: Id) -> _ {
    sessions::created_at
        .lt(created_at)
        .or(sessions::created_at.eq(created_at).and(sessions::id.lt(id)))
}

/// The position after which a page of sessions begins, and the greatest number of its rows.
pub fn start_of_sessions(query: &SessionQuery) -> (Micros, Id, i64) {
    // The first page begins after a position that is newer than every session.
    let newest = SessionPosition { created_at: Timestamp::MAX_UTC, id: SessionId(Uuid::max()) };
    let after = query.after.unwrap_or(newest);
    (after.created_at.into(), after.id.into(), limit(query.limit))
}

/// A session that is live, without a check of its user.
#[auto_type(no_type_alias)]
pub fn is_live(id: Id, at: Micros) -> _ {
    sessions::id.eq(id).and(sessions::ended_at.is_null()).and(sessions::expires_at.gt(at))
}

/// A live session with its user, by a code that can still be taken.
#[auto_type(no_type_alias)]
pub fn live_with_code<'a>(code: &'a str, at: Micros) -> _ {
    sessions::table
        .inner_join(users::table)
        .filter(sessions::hand_off.eq(code))
        .filter(sessions::hand_off_until.gt(at))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(at))
        .filter(users::is_active)
}

/// A live session with its user.
#[auto_type(no_type_alias)]
pub fn live(id: Id, at: Micros) -> _ {
    sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(id))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(at))
        .filter(users::is_active)
}

/// The counts of a subject, latest failures first.
#[auto_type(no_type_alias)]
pub fn latest_counts_of<'a>(subject: &'a str) -> _ {
    login_throttles::table
        .filter(login_throttles::subject.eq(subject))
        .order((login_throttles::last_failure_at.desc(), login_throttles::network))
}

/// The counts of a subject, from one network and over all networks.
#[auto_type(no_type_alias)]
pub fn counts_of<'a>(subject: &'a str, network: &'a str) -> _ {
    let of_networks = login_throttles::network.eq(network).or(login_throttles::network.eq(""));
    login_throttles::subject.eq(subject).and(of_networks)
}

/// Where a page of accounts begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstOfPage {
    /// There is no such place: the page is empty.
    Nowhere,
    /// At this id, or at the next one that exists.
    At(i64),
    /// After this many accounts.
    Skipping(i64),
}

/// Where a page begins, with this many accounts on all pages.
pub fn first_of_page(query: &UserQuery, total: i64) -> FirstOfPage {
    match query.start {
        _ if query.limit == 0 => FirstOfPage::Nowhere,
        PageStart::Skip(0) => FirstOfPage::At(0),
        PageStart::Skip(skip) => match i64::try_from(skip) {
            Ok(skip) if skip < total => FirstOfPage::Skipping(skip),
            _past_the_end => FirstOfPage::Nowhere,
        },
        PageStart::After(id) => {
            id.get().checked_add(1).map_or(FirstOfPage::Nowhere, FirstOfPage::At)
        }
    }
}

/// The greatest number of rows to load.
fn limit(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A page of these accounts, with this total.
pub fn page(rows: Vec<UserRow>, total: i64) -> Result<UserPage, PortError> {
    Ok(UserPage {
        users: rows.into_iter().map(User::try_from).collect::<Result<_, _>>()?,
        total: u64::try_from(total).unwrap_or(0),
    })
}

/// Converts rows to records.
pub fn records(rows: Vec<EventRow>) -> Result<Vec<AuditRecord>, PortError> {
    rows.into_iter().map(AuditRecord::try_from).collect()
}

/// Merges two lists of records into one page.
pub fn merged(
    query: &AuditQuery,
    mut records: Vec<AuditRecord>,
    others: Vec<AuditRecord>,
) -> Vec<AuditRecord> {
    records.extend(others);
    match query.order {
        AuditOrder::NewestFirst => {
            records.sort_by_key(|record| std::cmp::Reverse(record.position()));
        }
        AuditOrder::OldestFirst => records.sort_by_key(AuditRecord::position),
    }
    records.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
    records
}

/// Queries that are put together at run time. Their types name the database, and Rust cannot
/// express them for any database, so a macro writes them.
macro_rules! boxed_queries {
    ($database:ty) => {
        use diesel::dsl::{AsSelect, IntoBoxed, Select, exists, sql};
        use diesel::prelude::*;
        use diesel::sql_types::Bool;
        use menjin_domain::accounts::{
            AttributeName, Role, SearchTerm, UserFilter, UserPosition, UserQuery, UserSearch,
            UserSort,
        };
        use menjin_domain::audit::{AuditAction, AuditOrder, AuditOutcome, AuditQuery};
        use menjin_domain::common::UserId;
        use menjin_domain::mail::MailQuery;

        use super::limit;
        use crate::mails::MailRow;
        use crate::rows::UserRow;
        use crate::schema::{attribute_terms, audit_events as events, mails, user_counts, users};
        use crate::search::{COLLECTED, SearchColumn, Segment};
        use crate::values::Micros;

        /// Audit records.
        pub type Events = events::BoxedQuery<'static, $database>;

        /// The accounts of a role, or all accounts.
        fn users_of(role: Option<Role>) -> users::BoxedQuery<'static, $database> {
            let all = users::table.into_boxed();
            match role {
                Some(role) => all.filter(users::role.eq(role.to_string())),
                None => all,
            }
        }

        /// The id of the account after this many others.
        pub fn id_after(
            role: Option<Role>,
            skip: i64,
        ) -> IntoBoxed<'static, Select<users::table, users::id>, $database> {
            users_of(role).select(users::id).order(users::id).offset(skip).limit(1)
        }

        /// The accounts of a page that begins with this id.
        pub fn users_from(
            query: &UserQuery,
            first: i64,
        ) -> IntoBoxed<'static, Select<users::table, AsSelect<UserRow, $database>>, $database> {
            let rows = users_of(query.role).select(UserRow::as_select());
            rows.filter(users::id.ge(first)).order(users::id).limit(limit(query.limit))
        }

        /// The counts of the accounts of a role, or of all roles. The caller adds them up.
        pub fn counts_of_users(role: Option<Role>) -> user_counts::BoxedQuery<'static, $database> {
            let all = user_counts::table.into_boxed();
            match role {
                Some(role) => all.filter(user_counts::role.eq(role.to_string())),
                None => all,
            }
        }

        /// The mails of a list, on all its pages.
        pub fn mails_of(query: &MailQuery) -> mails::BoxedQuery<'static, $database> {
            let mut rows = mails::table.into_boxed();
            if let Some(state) = query.state {
                rows = rows.filter(mails::state.eq(state.as_str()));
            }
            if let Some(user) = query.user {
                rows = rows.filter(mails::user_id.eq(user.get()));
            }
            rows
        }

        /// The mails of a page, newest first.
        pub fn mails_from(
            query: &MailQuery,
        ) -> IntoBoxed<'static, Select<mails::table, AsSelect<MailRow, $database>>, $database> {
            let mut rows = mails_of(query).select(MailRow::as_select());
            if let Some(after) = query.after {
                rows = rows.filter(mails::id.lt(after.get()));
            }
            rows.order(mails::id.desc()).limit(limit(query.limit.into()))
        }

        /// The accounts that match all but a term.
        fn filtered(filter: &UserFilter) -> users::BoxedQuery<'static, $database> {
            let mut rows = users_of(filter.role);
            // Literals, not parameters, so that the planner sees which value is rare.
            if let Some(is_active) = filter.is_active {
                rows = rows.filter(sql::<Bool>(&format!("users.is_active = {is_active}")));
            }
            if let Some(is_verified) = filter.is_verified {
                rows = rows.filter(sql::<Bool>(&format!("users.is_verified = {is_verified}")));
            }
            if let Some(since) = filter.created.since {
                rows = rows.filter(users::created_at.ge(Micros::from(since)));
            }
            if let Some(until) = filter.created.until {
                rows = rows.filter(users::created_at.lt(Micros::from(until)));
            }
            if let Some(since) = filter.last_login.since {
                rows = rows.filter(users::last_login_at.ge(Micros::from(since)));
            }
            if let Some(until) = filter.last_login.until {
                rows = rows.filter(users::last_login_at.lt(Micros::from(until)));
            }
            rows
        }

        /// The canonical names and ids of the accounts that match, with the term in this column: as many
        /// as are collected.
        pub fn matches(
            filter: &UserFilter,
            term: &SearchTerm,
            column: SearchColumn,
        ) -> IntoBoxed<
            'static,
            Select<users::table, (users::username_canonical, users::id)>,
            $database,
        > {
            let (from, to) = term.bounds();
            let from = from.to_owned();
            let rows = filtered(filter).select((users::username_canonical, users::id));
            let rows = match column {
                SearchColumn::Username => rows
                    .filter(users::username_canonical.ge(from))
                    .filter(users::username_canonical.lt(to)),
                SearchColumn::UsernameSearch => rows
                    .filter(users::username_search.ge(from))
                    .filter(users::username_search.lt(to)),
                SearchColumn::Email => rows
                    .filter(users::email_canonical.ge(from))
                    .filter(users::email_canonical.lt(to)),
                SearchColumn::EmailSearch => {
                    rows.filter(users::email_search.ge(from)).filter(users::email_search.lt(to))
                }
                SearchColumn::FullName => rows
                    .filter(users::full_name_search.ge(from))
                    .filter(users::full_name_search.lt(to)),
            };
            rows.limit(COLLECTED)
        }

        /// The same with the term in an attribute.
        pub fn matches_in_attribute(
            filter: &UserFilter,
            term: &SearchTerm,
            attribute: AttributeName,
        ) -> IntoBoxed<
            'static,
            Select<users::table, (users::username_canonical, users::id)>,
            $database,
        > {
            let (from, to) = term.bounds();
            let with_term = attribute_terms::table
                .filter(attribute_terms::attribute.eq(attribute.to_string()))
                .filter(attribute_terms::term.ge(from.to_owned()))
                .filter(attribute_terms::term.lt(to))
                .select(attribute_terms::user_id);
            let rows = filtered(filter).select((users::username_canonical, users::id));
            rows.filter(users::id.eq_any(with_term)).limit(COLLECTED)
        }

        /// The accounts of a page, in order, in one part of the order: no more than this many.
        pub fn walk(
            search: &UserSearch,
            segment: Segment,
            at_most: usize,
        ) -> IntoBoxed<'static, Select<users::table, AsSelect<UserRow, $database>>, $database> {
            let mut rows = filtered(&search.filter).select(UserRow::as_select());
            if let Some(term) = &search.filter.term {
                let (from, to) = term.bounds();
                let from = from.to_owned();
                let (from, to) = (|| from.clone(), || to.clone());
                let in_attribute = attribute_terms::table
                    .filter(attribute_terms::user_id.eq(users::id))
                    .filter(attribute_terms::attribute.eq_any(term.attribute_names()))
                    .filter(attribute_terms::term.ge(from()))
                    .filter(attribute_terms::term.lt(to()));
                rows = rows.filter(
                    (users::username_canonical.ge(from()).and(users::username_canonical.lt(to())))
                        .nullable()
                        .or(users::username_search.ge(from()).and(users::username_search.lt(to())))
                        .or((users::email_canonical
                            .ge(from())
                            .and(users::email_canonical.lt(to())))
                        .nullable())
                        .or(users::email_search.ge(from()).and(users::email_search.lt(to())))
                        .or(users::full_name_search
                            .ge(from())
                            .and(users::full_name_search.lt(to())))
                        .or(exists(in_attribute).nullable()),
                );
            }
            let descending = search.order.descending;
            rows = match segment {
                Segment::All => rows,
                Segment::NeverLoggedIn => rows.filter(users::last_login_at.is_null()),
                Segment::LoggedIn => rows.filter(users::last_login_at.is_not_null()),
            };
            rows = match (&search.after, descending) {
                (None, _) => rows,
                (Some(UserPosition::Id(id)), false) => rows.filter(users::id.gt(id.get())),
                (Some(UserPosition::Id(id)), true) => rows.filter(users::id.lt(id.get())),
                (Some(UserPosition::Username(name)), false) => {
                    rows.filter(users::username_canonical.gt(name.clone()))
                }
                (Some(UserPosition::Username(name)), true) => {
                    rows.filter(users::username_canonical.lt(name.clone()))
                }
                (Some(UserPosition::CreatedAt(at, id)), false) => {
                    let (at, id) = (Micros::from(*at), id.get());
                    rows.filter(users::created_at.ge(at))
                        .filter(users::created_at.gt(at).or(users::id.gt(id)))
                }
                (Some(UserPosition::CreatedAt(at, id)), true) => {
                    let (at, id) = (Micros::from(*at), id.get());
                    rows.filter(users::created_at.le(at))
                        .filter(users::created_at.lt(at).or(users::id.lt(id)))
                }
                (Some(UserPosition::LastLoginAt(None, id)), _)
                    if segment == Segment::NeverLoggedIn =>
                {
                    if descending {
                        rows.filter(users::id.lt(id.get()))
                    } else {
                        rows.filter(users::id.gt(id.get()))
                    }
                }
                (Some(UserPosition::LastLoginAt(Some(at), id)), _)
                    if segment == Segment::LoggedIn =>
                {
                    let (at, id) = (Micros::from(*at), id.get());
                    if descending {
                        rows.filter(users::last_login_at.le(at))
                            .filter(users::last_login_at.lt(at).or(users::id.lt(id).nullable()))
                    } else {
                        rows.filter(users::last_login_at.ge(at))
                            .filter(users::last_login_at.gt(at).or(users::id.gt(id).nullable()))
                    }
                }
                (Some(UserPosition::LastLoginAt(..)), _) => rows,
            };
            let rows = match (search.order.sort, descending) {
                (UserSort::Id, false) => rows.order(users::id.asc()),
                (UserSort::Id, true) => rows.order(users::id.desc()),
                (UserSort::Username, false) => rows.order(users::username_canonical.asc()),
                (UserSort::Username, true) => rows.order(users::username_canonical.desc()),
                (UserSort::CreatedAt, false) => {
                    rows.order((users::created_at.asc(), users::id.asc()))
                }
                (UserSort::CreatedAt, true) => {
                    rows.order((users::created_at.desc(), users::id.desc()))
                }
                (UserSort::LastLoginAt, false) => {
                    rows.order((users::last_login_at.asc(), users::id.asc()))
                }
                (UserSort::LastLoginAt, true) => {
                    rows.order((users::last_login_at.desc(), users::id.desc()))
                }
            };
            rows.limit(i64::try_from(at_most).unwrap_or(i64::MAX))
        }

        /// The ids of the accounts that match all but a term: as many as are counted.
        pub fn counted(
            filter: &UserFilter,
        ) -> IntoBoxed<'static, Select<users::table, users::id>, $database> {
            filtered(filter).select(users::id).limit(COLLECTED)
        }

        /// The accounts of these ids, in any order.
        pub fn users_of_ids(
            ids: Vec<i64>,
        ) -> IntoBoxed<'static, Select<users::table, AsSelect<UserRow, $database>>, $database> {
            users::table.into_boxed().select(UserRow::as_select()).filter(users::id.eq_any(ids))
        }

        /// Events on the account of a user. This and the other query are separate, each along its
        /// own index: one query for both conditions could use no index.
        pub fn on_account_of(user: UserId, query: &AuditQuery) -> Events {
            matching(query).filter(events::subject_id.eq(user.get()))
        }

        /// Events that a user caused on the accounts of others.
        pub fn done_to_others_by(user: UserId, query: &AuditQuery) -> Events {
            // The condition of the partial index, word for word: otherwise the planner cannot see
            // that the index applies.
            let others = "actor_id IS NOT NULL AND actor_id IS DISTINCT FROM subject_id";
            matching(query).filter(events::actor_id.eq(user.get())).filter(sql::<Bool>(others))
        }

        /// The records that match everything but the user, in order, and no more than asked for.
        pub fn matching(query: &AuditQuery) -> Events {
            let filter = &query.filter;
            let mut rows = events::table.into_boxed();
            if let Some(action) = filter.action {
                rows = rows.filter(events::action.eq(action.as_str()));
                if action != AuditAction::Refreshed {
                    // This repeats the condition of the partial index.
                    rows = rows.filter(sql::<Bool>("action <> 'refreshed'"));
                }
            }
            match filter.outcome {
                Some(AuditOutcome::Success) => {
                    rows = rows.filter(sql::<Bool>("outcome = 'success'"));
                }
                // A literal, not a parameter, so that the partial index applies.
                Some(AuditOutcome::Failure) => {
                    rows = rows.filter(sql::<Bool>("outcome = 'failure'"));
                }
                None => {}
            }
            if let Some(field) = filter.changed {
                // A literal of a closed set of names. The first condition is that of the partial index.
                let name = field.as_str();
                rows = rows.filter(sql::<Bool>(&format!(
                    "changed IS NOT NULL AND ',' || changed || ',' LIKE '%,{name},%'"
                )));
            }
            if let Some(since) = filter.since {
                rows = rows.filter(events::at.ge(Micros::from(since)));
            }
            if let Some(until) = filter.until {
                rows = rows.filter(events::at.lt(Micros::from(until)));
            }
            if let Some(place) = query.beyond {
                let (at, id) = (Micros::from(place.at), place.id.0);
                rows = match query.order {
                    AuditOrder::NewestFirst => rows
                        .filter(events::at.le(at))
                        .filter(events::at.lt(at).or(events::id.lt(id))),
                    AuditOrder::OldestFirst => rows
                        .filter(events::at.ge(at))
                        .filter(events::at.gt(at).or(events::id.gt(id))),
                };
            }
            let rows = match query.order {
                AuditOrder::NewestFirst => rows.order((events::at.desc(), events::id.desc())),
                AuditOrder::OldestFirst => rows.order((events::at.asc(), events::id.asc())),
            };
            rows.limit(limit(query.limit))
        }
    };
}

/// For SQLite.
#[cfg(feature = "sqlite")]
pub mod sqlite {
    boxed_queries!(diesel::sqlite::Sqlite);
}

/// For PostgreSQL.
#[cfg(feature = "postgres")]
pub mod postgres {
    boxed_queries!(diesel::pg::Pg);
}
