//! `GET /api/auth/users`.

use menjin_domain::access::rights::UsersRead;
use menjin_domain::accounts::{ListUsers, Role, UserPage, UserQuery};
use menjin_domain::common::{PageStart, UserId};
use menjin_web::problem::{FieldError, Place, Problem};
use menjin_web::values::Integer;

use crate::envelope::responses::{Success, User};
use crate::prelude::*;

const DONE: Text = Text { zh: "获取用户列表成功", en: "Users listed" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/auth/users", list)
        .success("The users of this page")
        .message(DONE)
}

/// How many users a page has unless the client says.
const DEFAULT_LIMIT: u64 = 100;

request! {
    struct UsersQuery {
        /// How many to leave out. Not together with `after_id`.
        skip: Optional<Integer<0, { i64::MAX.unsigned_abs() }>> => { "default": 0 },
        /// Only those with a higher id: that of the last user of the page before.
        after_id: Optional<UserId>,
        /// How many to show at most.
        limit: Optional<Integer<1, { ListUsers::MAX_LIMIT }>> => { "default": DEFAULT_LIMIT },
        /// Only those of this role.
        role: Optional<Role>,
    }
}

impl UsersQuery {
    fn into_query(self) -> Result<UserQuery, ApiError> {
        let start = match (self.after_id.value()?, self.skip.value()?.unwrap_or(0)) {
            (None, skip) => PageStart::Skip(skip),
            (Some(id), 0) => PageStart::After(id),
            // One of them would have to be ignored.
            (Some(_), _) => {
                let problem = Problem::AtMost { max: 0 };
                let skip = FieldError { place: Place::Query, field: Some("skip".into()), problem };
                return Err(skip.into());
            }
        };
        let limit = self.limit.value()?.unwrap_or(DEFAULT_LIMIT);
        Ok(UserQuery { start, limit, role: self.role.value()? })
    }
}

response! {
    /// `data` of the list of users.
    struct UsersData as "Users" {
        users: Vec<User>,
        /// How many match, on all pages.
        total: u64 => { "minimum": 0, "example": 1 },
    }
}

impl From<&UserPage> for UsersData {
    fn from(page: &UserPage) -> Self {
        Self { users: page.users.iter().map(User::from).collect(), total: page.total }
    }
}

/// List users.
///
/// For administrators. In the order of their ids, page by page: the id of the last user of a page,
/// sent as `after_id`, gives the page after it, whoever has come or gone meanwhile.
#[api_v2_operation(operation_id = "envelope_list_users", tags("Administration (envelope)"))]
async fn list(
    api: Data<Api>,
    Ordered(Authorized(allowed), Query(query)): Ordered<Authorized<UsersRead>, Query<UsersQuery>>,
) -> Answer<Success<UsersData>> {
    let page = api.services.list_users.execute(&allowed, query.into_query()?).await?;
    Ok(Success(DONE, UsersData::from(&page)))
}
