//! The search for users: what both databases share.
//!
//! A term is looked for in each of its columns along the index of that column. If the matches are few,
//! they are collected and put in order here. If they are many, the accounts are walked in order and
//! filtered: then the next match is never far. So no planner has to guess which of the two it is.

use menjin_domain::accounts::{FoundUsers, User, UserOrder, UserPosition, UserSearch, UserSort};
use menjin_domain::common::PortError;

use crate::rows::UserRow;

/// How many matches are collected and counted: one more tells that there are others.
pub const COLLECTED: i64 = 10_001;

/// The columns that a term is looked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchColumn {
    /// The user name.
    Username,
    /// The same without accents, where it has some.
    UsernameSearch,
    /// The address.
    Email,
    /// The same without accents, where it has some.
    EmailSearch,
    /// The full name.
    FullName,
}

impl SearchColumn {
    /// One of each.
    pub const ALL: [Self; 5] =
        [Self::Username, Self::UsernameSearch, Self::Email, Self::EmailSearch, Self::FullName];
}

/// A part of an order: of last logins, those who never logged in have no time to be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// All accounts.
    All,
    /// Those whose users never logged in.
    NeverLoggedIn,
    /// The others.
    LoggedIn,
}

/// The parts of an order that come after the position, in turn.
pub fn segments(search: &UserSearch) -> &'static [Segment] {
    let UserOrder { sort, descending } = search.order;
    if sort != UserSort::LastLoginAt {
        return &[Segment::All];
    }
    let begun = match &search.after {
        Some(UserPosition::LastLoginAt(at, _)) => Some(at.is_some()),
        _ => None,
    };
    match (descending, begun) {
        (false, Some(true)) => &[Segment::LoggedIn],
        (false, _) => &[Segment::NeverLoggedIn, Segment::LoggedIn],
        (true, Some(false)) => &[Segment::NeverLoggedIn],
        (true, _) => &[Segment::LoggedIn, Segment::NeverLoggedIn],
    }
}

/// The matches of a term: canonical names and ids, in the order of the names.
#[derive(Debug)]
pub struct Matches(Vec<(String, i64)>);

impl Matches {
    /// Puts together what was found in each column; `None` if there may be more than were loaded.
    pub fn of(found: Vec<Vec<(String, i64)>>) -> Option<Self> {
        let most = usize::try_from(COLLECTED).unwrap_or(usize::MAX);
        if found.iter().any(|matches| matches.len() >= most) {
            return None;
        }
        let mut all: Vec<_> = found.into_iter().flatten().collect();
        all.sort_unstable();
        all.dedup();
        (all.len() < most).then_some(Self(all))
    }

    /// How many there are.
    pub fn total(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap_or(i64::MAX)
    }

    /// The ids on the page, in its order.
    pub fn page(mut self, search: &UserSearch) -> Vec<i64> {
        if search.order.descending {
            self.0.reverse();
        }
        let after = match &search.after {
            Some(UserPosition::Username(name)) => Some(name),
            _ => None,
        };
        let is_after = |name: &String| match (after, search.order.descending) {
            (None, _) => true,
            (Some(after), false) => name > after,
            (Some(after), true) => name < after,
        };
        let limit = usize::try_from(search.limit).unwrap_or(usize::MAX);
        let page = self.0.into_iter().filter(|(name, _)| is_after(name));
        page.take(limit).map(|(_, id)| id).collect()
    }
}

/// The users of these rows, in the order of their ids in the list.
pub fn in_order(rows: Vec<UserRow>, ids: &[i64]) -> Result<Vec<User>, PortError> {
    let mut users = rows.into_iter().map(User::try_from).collect::<Result<Vec<_>, _>>()?;
    users.sort_by_key(|user| ids.iter().position(|id| *id == user.id.get()));
    Ok(users)
}

/// What was found, with the number of all.
pub fn found_of_all(users: Vec<User>, total: i64) -> FoundUsers {
    FoundUsers { users, total: u64::try_from(total).unwrap_or(0), total_is_exact: true }
}

/// What was found, with the number of all, or of as many as are counted.
pub fn found(users: Vec<User>, total: i64) -> FoundUsers {
    let total = u64::try_from(total).unwrap_or(0);
    let total_is_exact = total <= FoundUsers::COUNTED;
    FoundUsers { users, total: total.min(FoundUsers::COUNTED), total_is_exact }
}
