//! Use-case: finding users by what is known of them, in any order, page by page.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::access::Allowed;
use crate::access::rights::UsersRead;
use crate::accounts::{AccountRepository, AttributeName, AttributeRules, Role, User};
use crate::common::{PortError, Timestamp, UserId, Violation, text};
use crate::ports::{Policy, Ports};

/// The beginning of a name or an address, as somebody typed it. Case, width and accents do not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerm {
    form: String,
    /// The attributes that it is looked for in, beside names and addresses.
    attributes: Vec<AttributeName>,
}

impl SearchTerm {
    /// The greatest number of characters.
    pub const MAX: usize = 254;

    /// Parses a term; empty is `None`.
    ///
    /// # Errors
    /// It is too long, or has a NUL.
    pub fn parse(typed: &str) -> Result<Option<Self>, Violation> {
        if typed.contains('\0') {
            return Err(Violation::ContainsNul);
        }
        if typed.chars().count() > Self::MAX {
            return Err(Violation::TooLong { max: Self::MAX });
        }
        let form = search_form(typed.trim());
        Ok(Some(Self { form, attributes: Vec::new() }).filter(|term| !term.form.is_empty()))
    }

    /// The bounds of the search forms that begin with it: from the first to below the second, in the
    /// order of bytes.
    pub fn bounds(&self) -> (&str, String) {
        (&self.form, format!("{}{}", self.form, char::MAX))
    }

    /// Whether a search form begins with it.
    pub fn begins(&self, form: &str) -> bool {
        form.starts_with(&self.form)
    }

    /// The same, looked for in the attributes as well that are declared to be searched.
    #[must_use]
    pub fn in_attributes(mut self, rules: &AttributeRules) -> Self {
        let searched = rules.all().filter(|(_, rule)| rule.is_searchable);
        self.attributes = searched.map(|(name, _)| name).collect();
        self
    }

    /// The attributes that it is looked for in.
    pub fn attributes(&self) -> &[AttributeName] {
        &self.attributes
    }

    /// Their names.
    pub fn attribute_names(&self) -> Vec<String> {
        self.attributes.iter().map(ToString::to_string).collect()
    }
}

/// The form in which names are searched for: the one in which they are compared, without accents.
/// Stores keep it beside the name, since no database knows it.
pub fn search_form(text: &str) -> String {
    text::without_marks(&text::canonical(text))
}

/// From one moment to below another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub since: Option<Timestamp>,
    /// The first moment after it.
    pub until: Option<Timestamp>,
}

impl Period {
    /// Whether a moment is in it. Never is in the whole of time only.
    pub fn contains(&self, at: Option<Timestamp>) -> bool {
        let is_whole = *self == Self::default();
        let after = |at| self.since.is_none_or(|since| since <= at);
        let before = |at| self.until.is_none_or(|until| at < until);
        at.map_or(is_whole, |at| after(at) && before(at))
    }
}

/// Which users to find: those that match all of this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// How the user name, the address or the full name begins.
    pub term: Option<SearchTerm>,
    /// The role.
    pub role: Option<Role>,
    /// Whether the account is active.
    pub is_active: Option<bool>,
    /// Whether the address is verified.
    pub is_verified: Option<bool>,
    /// When the account was made.
    pub created: Period,
    /// When the user last logged in.
    pub last_login: Period,
}

impl UserFilter {
    /// The same, whose term is looked for in attributes as well.
    #[must_use]
    pub fn in_attributes(mut self, rules: &AttributeRules) -> Self {
        self.term = self.term.map(|term| term.in_attributes(rules));
        self
    }

    /// The role if nothing else is asked for: `Some(None)` are all users. Stores count these exactly.
    pub fn of_role_alone(&self) -> Option<Option<Role>> {
        let alone = Self { role: self.role, ..Self::default() };
        (*self == alone).then_some(self.role)
    }
}

/// What is searched for by a term comes in the order of names only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("together with a search, only username")]
pub struct OnlyByName;

/// What users are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserSort {
    /// The id.
    #[default]
    Id,
    /// The user name, in the form in which names are compared.
    Username,
    /// When the account was made.
    CreatedAt,
    /// When the user last logged in; who never did comes before everybody else.
    LastLoginAt,
}

/// An order of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserOrder {
    /// By what.
    pub sort: UserSort,
    /// Whether it is turned round.
    pub descending: bool,
}

/// Not the name of an order, or not a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an order or a position of users")]
pub struct InvalidUserOrder;

impl UserOrder {
    /// The names of all orders.
    pub const NAMES: [&str; 8] = [
        "id",
        "-id",
        "username",
        "-username",
        "created_at",
        "-created_at",
        "last_login_at",
        "-last_login_at",
    ];

    /// The order of what is found by this filter, if this one was asked for: by id unless the client
    /// says, and with a term by name.
    ///
    /// # Errors
    /// What a term finds was asked for in another order.
    pub fn of(asked: Option<Self>, filter: &UserFilter) -> Result<Self, OnlyByName> {
        let sort = if filter.term.is_some() { UserSort::Username } else { UserSort::Id };
        let order = asked.unwrap_or(Self { sort, descending: false });
        if filter.term.is_some() && order.sort != sort { Err(OnlyByName) } else { Ok(order) }
    }
}

impl FromStr for UserOrder {
    type Err = InvalidUserOrder;

    fn from_str(text: &str) -> Result<Self, InvalidUserOrder> {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        let sort = match name {
            "id" => UserSort::Id,
            "username" => UserSort::Username,
            "created_at" => UserSort::CreatedAt,
            "last_login_at" => UserSort::LastLoginAt,
            _ => return Err(InvalidUserOrder),
        };
        Ok(Self { sort, descending })
    }
}

/// The place of a user in an order: what the order is by, and the id where that may be the same. Clients
/// get it as the end of a page, and send it for the next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UserPosition {
    /// By id.
    Id(UserId),
    /// By name, in its canonical form.
    Username(String),
    /// By the time at which the account was made.
    CreatedAt(Timestamp, UserId),
    /// By the time of the last login.
    LastLoginAt(Option<Timestamp>, UserId),
}

impl UserPosition {
    /// The place of this user.
    pub fn of(user: &User, sort: UserSort) -> Self {
        match sort {
            UserSort::Id => Self::Id(user.id),
            UserSort::Username => Self::Username(user.username.canonical().to_owned()),
            UserSort::CreatedAt => Self::CreatedAt(user.created_at, user.id),
            UserSort::LastLoginAt => Self::LastLoginAt(user.last_login_at, user.id),
        }
    }

    /// By what it is.
    pub fn sort(&self) -> UserSort {
        match self {
            Self::Id(_) => UserSort::Id,
            Self::Username(_) => UserSort::Username,
            Self::CreatedAt(..) => UserSort::CreatedAt,
            Self::LastLoginAt(..) => UserSort::LastLoginAt,
        }
    }
}

impl fmt::Display for UserPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "i{id}"),
            Self::Username(name) => write!(f, "u{}", URL_SAFE_NO_PAD.encode(name)),
            Self::CreatedAt(at, id) => write!(f, "c{}-{id}", at.timestamp_micros()),
            Self::LastLoginAt(Some(at), id) => write!(f, "l{}-{id}", at.timestamp_micros()),
            Self::LastLoginAt(None, id) => write!(f, "l-{id}"),
        }
    }
}

impl FromStr for UserPosition {
    type Err = InvalidUserOrder;

    fn from_str(text: &str) -> Result<Self, InvalidUserOrder> {
        let id = |text: &str| UserId::try_from(text.parse::<i64>().ok()?).ok();
        let moment = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            Timestamp::from_timestamp_micros(is_number.then(|| text.parse().ok())??)
        };
        let position = || {
            let (kind, rest) = (text.get(..1)?, text.get(1..)?);
            Some(match (kind, rest.split_once('-')) {
                ("i", None) => Self::Id(id(rest)?),
                ("u", _) => {
                    let name = URL_SAFE_NO_PAD.decode(rest).ok()?;
                    Self::Username(String::from_utf8(name).ok()?).without_nul()?
                }
                ("c", Some((at, of))) => Self::CreatedAt(moment(at)?, id(of)?),
                ("l", Some(("", of))) => Self::LastLoginAt(None, id(of)?),
                ("l", Some((at, of))) => Self::LastLoginAt(Some(moment(at)?), id(of)?),
                _ => return None,
            })
        };
        position().ok_or(InvalidUserOrder)
    }
}

impl UserPosition {
    /// PostgreSQL has no text with a NUL.
    fn without_nul(self) -> Option<Self> {
        match self {
            Self::Username(name) if name.contains('\0') => None,
            position => Some(position),
        }
    }
}

/// A page of users to find.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserSearch {
    /// Which.
    pub filter: UserFilter,
    /// In what order.
    pub order: UserOrder,
    /// The position after which the page begins, which MUST be of the order.
    pub after: Option<UserPosition>,
    /// How many to return at most.
    pub limit: u64,
}

/// A part of the users that were looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundUsers {
    /// The users.
    pub users: Vec<User>,
    /// How many match, on all pages: [`FoundUsers::COUNTED`] at most if that is not exact.
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_is_exact: bool,
}

impl FoundUsers {
    /// How many matches are counted. What has its number ready is counted whole.
    pub const COUNTED: u64 = 10_000;
}

/// Finds users, at most [`SearchUsers::MAX_LIMIT`] at a time.
#[non_exhaustive]
pub struct SearchUsers {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// The attributes that there are.
    pub attributes: Arc<AttributeRules>,
}

impl SearchUsers {
    /// The most that one page holds.
    pub const MAX_LIMIT: u64 = 1000;

    /// On these ports.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let accounts = ports.required.accounts.clone();
        Self { accounts, attributes: policy.attributes.clone() }
    }

    /// Runs the use-case; returns the position of the last user as well, unless there is no next page. A
    /// larger limit is cut to [`SearchUsers::MAX_LIMIT`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn execute(
        &self,
        _allowed: &Allowed<UsersRead>,
        search: UserSearch,
    ) -> Result<(FoundUsers, Option<UserPosition>), PortError> {
        let filter = search.filter.in_attributes(&self.attributes);
        let search = UserSearch { filter, ..search };
        let (limit, sort) = (search.limit.min(Self::MAX_LIMIT), search.order.sort);
        // One more, to know whether there is a next page.
        let mut found = self.accounts.search(UserSearch { limit: limit + 1, ..search }).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.users.len() > limit;
        found.users.truncate(limit);
        let last = found.users.last().filter(|_| has_more);
        let next = last.map(|user| UserPosition::of(user, sort));
        Ok((found, next))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::testing::{self, at};

    #[test]
    fn a3_case_width_and_accents_do_not_matter() {
        let term = |typed| SearchTerm::parse(typed).unwrap().unwrap();
        for (typed, name) in [
            ("jose", "José"),
            ("JOSÉ", "jose"),
            ("Ｊｏｓ", "José"),
            ("zhang", "Zhāng San"),
            ("张", "张三"),
            ("strasse", "Straße"),
            ("カ", "ガンダム"),
        ] {
            assert!(term(typed).begins(&search_form(name)), "{typed} {name}");
        }
        assert!(!term("ose").begins(&search_form("José")), "the beginning alone");
        assert_eq!(SearchTerm::parse(" \u{3000}"), Ok(None));
        assert!(SearchTerm::parse("a\0").is_err() && SearchTerm::parse(&"a".repeat(255)).is_err());
    }

    #[test]
    fn a3_what_a_term_finds_comes_by_name_only() {
        let term = SearchTerm::parse("a").unwrap();
        let (all, found) = (UserFilter::default(), UserFilter { term, ..UserFilter::default() });
        let order = |name: &str| name.parse::<UserOrder>().unwrap();
        assert_eq!(UserOrder::of(None, &all), Ok(order("id")));
        assert_eq!(UserOrder::of(None, &found), Ok(order("username")));
        assert_eq!(UserOrder::of(Some(order("-username")), &found), Ok(order("-username")));
        assert_eq!(UserOrder::of(Some(order("-created_at")), &all), Ok(order("-created_at")));
        assert_eq!(UserOrder::of(Some(order("id")), &found), Err(OnlyByName));
    }

    #[test]
    fn a3_a_period_has_its_beginning_and_not_its_end() {
        let period = Period { since: Some(at(5)), until: Some(at(9)) };
        for (moment, is_in) in [(4, false), (5, true), (8, true), (9, false)] {
            assert_eq!(period.contains(Some(at(moment))), is_in, "{moment}");
        }
        assert!(!period.contains(None) && Period::default().contains(None));
    }

    proptest! {
        #[test]
        fn a3_positions_go_round(id in 1_i64.., seconds in 0_i64..4_000_000_000, name in "[^\0]{1,20}") {
            let (id, at) = (UserId::try_from(id).unwrap(), at(seconds));
            for position in [
                UserPosition::Id(id),
                UserPosition::Username(name),
                UserPosition::CreatedAt(at, id),
                UserPosition::LastLoginAt(Some(at), id),
                UserPosition::LastLoginAt(None, id),
            ] {
                prop_assert_eq!(position.to_string().parse(), Ok(position));
            }
        }

        #[test]
        fn a3_what_is_no_position_is_refused_without_a_panic(text in ".{0,30}") {
            if let Ok(position) = text.parse::<UserPosition>() {
                prop_assert_eq!(position.to_string().parse(), Ok(position));
            }
        }

        /// What begins with a term is within its bounds, and nothing else.
        #[test]
        fn a3_the_bounds_of_a_term_hold_what_begins_with_it(term in "\\PC{1,5}", other in "\\PC{0,9}") {
            if let Ok(Some(term)) = SearchTerm::parse(&term) {
                let (from, to) = term.bounds();
                for form in [search_form(&other), format!("{from}{other}")] {
                    let is_within = from <= form.as_str() && form.as_str() < to.as_str();
                    prop_assert_eq!(is_within, term.begins(&form), "{:?}", form);
                }
            }
        }
    }

    #[tokio::test]
    async fn a3_a_full_page_says_where_the_next_begins() {
        for (found, has_next) in [(2, false), (3, true)] {
            let mut accounts = MockAccountRepository::new();
            let users = vec![testing::user(); found];
            accounts
                .expect_search()
                .withf(|search| search.limit == 3)
                .return_once(move |_| Ok(FoundUsers { users, total: 9, total_is_exact: true }));
            let accounts = Arc::new(accounts);
            let use_case = SearchUsers { accounts, attributes: Arc::default() };
            let search = UserSearch { limit: 2, ..UserSearch::default() };
            let (page, next) = use_case.execute(&testing::allowed(9), search).await.unwrap();
            assert_eq!((page.users.len(), next.is_some()), (2, has_next));
        }
    }
}
