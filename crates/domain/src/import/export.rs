//! Use-case: exporting users, as tables that can be imported.

use std::borrow::Cow;
use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::UsersExport;
use crate::accounts::{
    AccountRepository, AttributeRules, AttributeValue, AvatarUrl, Bio, FullName, Phone, User,
    UserFilter, UserOrder, UserPosition, UserSearch,
};
use crate::audit::{AuditAction, AuditContext, AuditRepository};
use crate::common::{Locale, PortError, rfc3339};
use crate::import::ImportColumn;
use crate::ports::{Policy, Ports, RequiredPorts};

/// A column of what is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportColumn {
    /// One that can be imported, and is no secret.
    Of(ImportColumn),
    /// The id.
    Id,
    /// When the account was made.
    CreatedAt,
    /// When the user last logged in.
    LastLoginAt,
}

/// What is in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// A text.
    Text(Cow<'a, str>),
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
}

impl<'a> Cell<'a> {
    fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Empty, |text| Self::Text(text.into()))
    }

    /// As a table of texts has it.
    pub fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Empty => "".into(),
            Self::Text(text) => text,
            Self::Flag(flag) => if flag { "true" } else { "false" }.into(),
            Self::Number(number) => number.to_string().into(),
        }
    }
}

impl ExportColumn {
    /// All of them, in their order.
    pub fn all(attributes: &AttributeRules) -> Vec<Self> {
        let fields = ImportColumn::ALL.iter().copied().filter(|column| !column.is_secret());
        let others = [Self::Id, Self::CreatedAt, Self::LastLoginAt];
        let attributes = ImportColumn::of_attributes(attributes);
        fields.map(Self::Of).chain(others).chain(attributes.map(Self::Of)).collect()
    }

    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::Of(column) => column.name(),
            Self::Id => "id",
            Self::CreatedAt => "created_at",
            Self::LastLoginAt => "last_login_at",
        }
    }

    /// What a user has in it.
    pub fn cell(self, user: &User) -> Cell<'_> {
        let profile = &user.profile;
        match self {
            Self::Id => Cell::Number(user.id.get()),
            Self::CreatedAt => Cell::Text(rfc3339(user.created_at).into()),
            Self::LastLoginAt => {
                user.last_login_at.map_or(Cell::Empty, |at| Cell::Text(rfc3339(at).into()))
            }
            Self::Of(column) => match column {
                ImportColumn::Username => Cell::text(Some(user.username.as_str())),
                ImportColumn::Email => Cell::text(Some(user.email.as_str())),
                ImportColumn::FullName => {
                    Cell::text(profile.full_name.as_ref().map(FullName::as_str))
                }
                ImportColumn::Role => Cell::text(Some(user.role.as_str())),
                ImportColumn::Phone => Cell::text(profile.phone.as_ref().map(Phone::as_str)),
                ImportColumn::Bio => Cell::text(profile.bio.as_ref().map(Bio::as_str)),
                ImportColumn::Avatar => Cell::text(profile.avatar.as_ref().map(AvatarUrl::as_str)),
                ImportColumn::Locale => Cell::text(user.locale.map(Locale::tag)),
                ImportColumn::IsActive => Cell::Flag(user.is_active),
                ImportColumn::IsVerified => Cell::Flag(user.is_verified),
                ImportColumn::Attribute(name) => match profile.attributes.get(&name) {
                    None => Cell::Empty,
                    Some(AttributeValue::Text(text)) => Cell::text(Some(text)),
                    Some(AttributeValue::Integer(number)) => Cell::Number(*number),
                    Some(AttributeValue::Boolean(flag)) => Cell::Flag(*flag),
                },
                ImportColumn::Password | ImportColumn::PasswordHash => Cell::Empty,
            },
        }
    }
}

/// Exports users. That is recorded before the first of them is read: what has left cannot be taken back,
/// so an export of which no record can be kept does not begin.
#[non_exhaustive]
pub struct ExportUsers {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// Keeps the record.
    pub records: Arc<dyn AuditRepository>,
    /// The attributes that there are.
    pub attributes: Arc<AttributeRules>,
}

impl ExportUsers {
    /// On these ports.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { accounts, audit_records, .. } = &ports.required;
        Self {
            accounts: accounts.clone(),
            records: audit_records.clone(),
            attributes: policy.attributes.clone(),
        }
    }

    /// For a command that needs nothing else of menjin.
    pub fn standalone(
        accounts: Arc<dyn AccountRepository>,
        records: Arc<dyn AuditRepository>,
        attributes: Arc<AttributeRules>,
    ) -> Self {
        Self { accounts, records, attributes }
    }

    /// Begins to export the users that match.
    ///
    /// # Errors
    /// The record could not be stored.
    pub async fn begin(
        &self,
        allowed: &Allowed<UsersExport>,
        filter: UserFilter,
    ) -> Result<UserExport, PortError> {
        self.begin_as(allowed.context().clone(), filter).await
    }

    /// The same, whoever does it.
    ///
    /// # Errors
    /// The record could not be stored.
    pub async fn begin_as(
        &self,
        context: AuditContext,
        filter: UserFilter,
    ) -> Result<UserExport, PortError> {
        self.records.append(vec![context.event(AuditAction::UsersExported)]).await?;
        let filter = filter.in_attributes(&self.attributes);
        let order = UserOrder::of(None, &filter).unwrap_or_default();
        let accounts = self.accounts.clone();
        Ok(UserExport { accounts, filter, order, after: None, is_over: false })
    }
}

/// The users that are exported, part by part.
pub struct UserExport {
    accounts: Arc<dyn AccountRepository>,
    filter: UserFilter,
    order: UserOrder,
    after: Option<UserPosition>,
    is_over: bool,
}

impl UserExport {
    /// How many users a part has.
    const PART: u64 = 1000;

    /// The next part; `None`: there is no other.
    ///
    /// # Errors
    /// The store failed.
    pub async fn next(&mut self) -> Result<Option<Vec<User>>, PortError> {
        if self.is_over {
            return Ok(None);
        }
        let (filter, order, after) = (self.filter.clone(), self.order, self.after.take());
        let found = self.accounts.search(UserSearch { filter, order, after, limit: Self::PART });
        let users = found.await?.users;
        self.is_over = (users.len() as u64) < Self::PART;
        self.after = users.last().map(|user| UserPosition::of(user, self.order.sort));
        Ok(Some(users))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::audit::MockAuditRepository;
    use crate::testing;

    #[tokio::test]
    async fn u6_an_export_that_cannot_be_recorded_does_not_begin() {
        let mut records = MockAuditRepository::new();
        records
            .expect_append()
            .withf(|events| events[0].action == AuditAction::UsersExported)
            .return_once(|_| Err(testing::broken()));
        let accounts = Arc::new(MockAccountRepository::new());
        let export = ExportUsers::standalone(accounts, Arc::new(records), Arc::default());
        let begun = export.begin(&testing::allowed(9), UserFilter::default()).await;
        assert!(begun.is_err());
    }
}
