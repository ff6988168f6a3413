//! `GET /api/v1/users/{user_id}/lock`.

use menjin_domain::access::rights::UsersUnlock;
use menjin_domain::common::{ClientNetwork, UserId};
use menjin_domain::lockout::{Lockout, LockoutCount};

use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users/{user_id}/lock", get_lockout)
        .success("The state of the lock")
        .refusals(&[ErrorKind::UserNotFound])
}

response! {
    /// Whether failed log-ins have locked a user. Times are RFC 3339 in UTC.
    struct LockoutResponse as "Lock" {
        /// Whether log-ins are refused, from wherever.
        locked: bool => { "example": true },
        /// When the last lock ends; null without one.
        until: Option<Time>,
        account: AccountCount => {},
        networks: Vec<NetworkCount>,
    }
}

response! {
    /// Failures from all networks together.
    struct AccountCount as "LockCount" {
        failures: u64 => { "minimum": 0, "example": 10 },
        /// Until when log-ins are refused; null if they are not.
        until: Option<Time>,
    }
}

response! {
    /// Failures from one network.
    struct NetworkCount as "NetworkLock" {
        /// An IPv4 address or an IPv6 /64.
        network: String => { "example": "192.0.2.7" },
        failures: u64 => { "minimum": 0, "example": 10 },
        /// Until when log-ins are refused; null if they are not.
        until: Option<Time>,
    }
}

impl From<&Lockout> for LockoutResponse {
    fn from(lockout: &Lockout) -> Self {
        let until = lockout.locked_until();
        let LockoutCount { failures, locked_until } = lockout.account;
        Self {
            locked: until.is_some(),
            until: until.map(Time),
            account: AccountCount { failures, until: locked_until.map(Time) },
            networks: lockout.networks.iter().map(NetworkCount::from).collect(),
        }
    }
}

impl From<&(ClientNetwork, LockoutCount)> for NetworkCount {
    fn from((network, count): &(ClientNetwork, LockoutCount)) -> Self {
        Self {
            network: network.to_string(),
            failures: count.failures,
            until: count.locked_until.map(Time),
        }
    }
}

/// Show whether failed log-ins have locked a user.
///
/// For administrators. Failures are counted for the account, and for each network that they come
/// from; those whose time has passed are not shown.
#[api_v2_operation(operation_id = "get_user_lock", tags("User Management"))]
async fn get_lockout(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<UsersUnlock>, Path<UserId>>,
) -> Answer<Reply<LockoutResponse>> {
    let lockout = api.services.get_lockout.execute(&allowed, id).await?;
    Ok(Reply(LockoutResponse::from(&lockout)))
}
