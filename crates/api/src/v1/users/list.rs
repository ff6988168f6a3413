//! `GET /api/v1/users`.

use menjin_domain::access::rights::UsersRead;
use menjin_domain::accounts::{
    FoundUsers, OnlyByName, Period, Role, SearchTerm, SearchUsers, UserFilter, UserOrder,
    UserPosition, UserSearch,
};
use menjin_domain::common::Timestamp;
use menjin_web::problem::{FieldError, Place, Problem};
use menjin_web::schema::Written;
use menjin_web::values::{Flag, Integer};

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users", list).success("The users of this page")
}

/// How many users a page has unless the client says.
const DEFAULT_LIMIT: u64 = 20;

request! {
    struct UsersQuery {
        /// How the user name, the e-mail address or the full name begins. Case, width and accents do not
        /// matter. The users are in the order of their names then.
        q: Optional<SearchTerm>,
        /// Only those of this role.
        role: Optional<Role>,
        /// Only those that are active, or that are not.
        is_active: Optional<Flag>,
        /// Only those whose e-mail address is verified, or is not.
        is_verified: Optional<Flag>,
        /// Only those made at this time or later.
        created_since: Optional<Timestamp>,
        /// Only those made before this time.
        created_until: Optional<Timestamp>,
        /// Only those whose last log-in was at this time or later.
        last_login_since: Optional<Timestamp>,
        /// Only those whose last log-in was before this time.
        last_login_until: Optional<Timestamp>,
        /// The order; `-` turns it round. Who never logged in comes before everybody else. With `q`, only
        /// `username`.
        sort: Optional<UserOrder>,
        /// How many to show at most.
        limit: Optional<Integer<1, { SearchUsers::MAX_LIMIT }>> => { "default": DEFAULT_LIMIT },
        /// The `next` of the page before, of the same query.
        after: Optional<UserPosition>,
    }
}

impl UsersQuery {
    fn into_search(self) -> Result<UserSearch, ApiError> {
        let bad = |field: &'static str, problem| FieldError {
            place: Place::Query,
            field: Some(field.into()),
            problem,
        };
        let filter = UserFilter {
            term: self.q.value()?.flatten(),
            role: self.role.value()?,
            is_active: self.is_active.value()?,
            is_verified: self.is_verified.value()?,
            created: Period {
                since: self.created_since.value()?,
                until: self.created_until.value()?,
            },
            last_login: Period {
                since: self.last_login_since.value()?,
                until: self.last_login_until.value()?,
            },
        };
        let order = UserOrder::of(self.sort.value()?, &filter)
            .map_err(|OnlyByName| bad("sort", Problem::OnlyByName))?;
        let after = self.after.value()?;
        if after.as_ref().is_some_and(|after| after.sort() != order.sort) {
            return Err(bad("after", Problem::NotAPosition).into());
        }
        let limit = self.limit.value()?.unwrap_or(DEFAULT_LIMIT);
        Ok(UserSearch { filter, order, after, limit })
    }
}

response! {
    /// A part of the users.
    struct UsersResponse as "Users" {
        users: Vec<User>,
        /// How many match, on all pages.
        total: u64 => { "minimum": 0, "example": 1 },
        /// Whether `total` is exact. It always is without filters and with `role` alone; otherwise no more
        /// than 10,000 are counted.
        total_is_exact: bool => { "example": true },
        /// Sent as `after` it gives the next page; null on the last.
        next: Option<Written<UserPosition>>,
    }
}

impl UsersResponse {
    fn new(found: &FoundUsers, next: Option<&UserPosition>) -> Self {
        Self {
            users: found.users.iter().map(User::for_administrators).collect(),
            total: found.total,
            total_is_exact: found.total_is_exact,
            next: next.map(Written::from),
        }
    }
}

/// Find users.
///
/// Those that match all filters, page by page: `next` of a page, sent as `after` with the same query, gives
/// the page after it, whoever has come or gone meanwhile.
#[api_v2_operation(operation_id = "list_users", tags("User Management"))]
async fn list(
    api: Data<Api>,
    Ordered(Authorized(allowed), Query(query)): Ordered<Authorized<UsersRead>, Query<UsersQuery>>,
) -> Answer<Reply<UsersResponse>> {
    let search = query.into_search()?;
    let (found, next) = api.services.search_users.execute(&allowed, search).await?;
    Ok(Reply(UsersResponse::new(&found, next.as_ref())))
}
