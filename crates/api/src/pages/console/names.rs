//! The names of users of whom a page knows the ids.

use std::collections::BTreeMap;

use menjin_domain::access::rights::{RightId, UsersRead};
use menjin_domain::common::{RequestContext, UserId};

use crate::pages::visitor::Visitor;
use crate::prelude::*;

/// Names, by ids. It is empty for whoever may not see users.
pub(super) struct Names(BTreeMap<UserId, String>);

impl Names {
    /// How a user is called: by name and id, or by the id alone if they are gone.
    pub(super) fn name(&self, id: UserId) -> String {
        match self.0.get(&id) {
            Some(name) => format!("{name} ({id})"),
            None => id.to_string(),
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The names of these users, if whoever looks may see them.
pub(super) async fn of(
    api: &Api,
    visitor: &Visitor,
    ids: impl Iterator<Item = UserId>,
    request: RequestContext,
) -> Answer<Names> {
    let mut names = BTreeMap::new();
    if !api.settings.roles.grants(visitor.member()?.user.role, RightId::UsersRead) {
        return Ok(Names(names));
    }
    let allowed = visitor.allowed::<UsersRead>(api, request)?;
    for id in ids {
        if !names.contains_key(&id)
            && let Ok(user) = api.services.get_user.execute(&allowed, id).await
        {
            names.insert(id, user.username.as_str().to_owned());
        }
    }
    Ok(Names(names))
}
