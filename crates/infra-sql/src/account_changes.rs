//! Changes that administrators make: what both databases share.
#![expect(clippy::ref_option_ref, reason = "in what diesel derives")]

use diesel::dsl::auto_type;
use diesel::prelude::*;
use menjin_domain::accounts::{
    Account, AvatarUrl, BanReason, Bio, FullName, Phone, User, attributes_to_stored,
};
use menjin_domain::common::{Locale, PortError};

use crate::changes::{other_form, searched_name};
use crate::rows::UserRow;
use crate::schema::users;
use crate::values::Micros;

/// The columns of an account that is to be changed.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct AccountRow {
    #[diesel(embed)]
    user: UserRow,
    active_before_deletion: bool,
}

impl TryFrom<AccountRow> for Account {
    type Error = PortError;

    fn try_from(row: AccountRow) -> Result<Self, PortError> {
        let AccountRow { user, active_before_deletion } = row;
        Ok(Self { user: User::try_from(user)?, active_before_deletion })
    }
}

/// An account as it is to be, but for its address and its password.
#[derive(AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
pub struct ChangedRow<'a> {
    username: &'a str,
    username_canonical: &'a str,
    role: &'a str,
    full_name: Option<&'a str>,
    phone: Option<&'a str>,
    bio: Option<&'a str>,
    avatar: Option<&'a str>,
    locale: Option<&'a str>,
    is_active: bool,
    active_before_deletion: bool,
    deletes_at: Option<Micros>,
    banned_until: Option<Micros>,
    ban_reason: Option<&'a str>,
    first_password_from: Option<Micros>,
    first_password_until: Option<Micros>,
    username_search: Option<String>,
    full_name_search: Option<String>,
    attributes: Option<String>,
    updated_at: Option<Micros>,
}

impl<'a> From<&'a Account> for ChangedRow<'a> {
    fn from(account: &'a Account) -> Self {
        let Account { user, active_before_deletion } = account;
        let reason = user.ban.as_ref().and_then(|ban| ban.reason.as_ref());
        Self {
            username: user.username.as_str(),
            username_canonical: user.username.canonical(),
            role: user.role.as_str(),
            full_name: user.profile.full_name.as_ref().map(FullName::as_str),
            phone: user.profile.phone.as_ref().map(Phone::as_str),
            bio: user.profile.bio.as_ref().map(Bio::as_str),
            avatar: user.profile.avatar.as_ref().map(AvatarUrl::as_str),
            locale: user.locale.map(Locale::tag),
            is_active: user.is_active,
            active_before_deletion: *active_before_deletion,
            deletes_at: user.deletes_at.map(Micros::from),
            banned_until: user.ban.as_ref().map(|ban| ban.until.into()),
            ban_reason: reason.map(BanReason::as_str),
            first_password_from: user.first_password.map(|first| first.from.into()),
            first_password_until: user.first_password.map(|first| first.until.into()),
            username_search: other_form(user.username.canonical()),
            full_name_search: user.profile.full_name.as_ref().map(searched_name),
            attributes: attributes_to_stored(&user.profile.attributes),
            updated_at: user.updated_at.map(Micros::from),
        }
    }
}

/// Whether somebody, who is not this one, can log in by a password that does not expire.
#[auto_type(no_type_alias)]
pub fn is_another_who_lasts(id: i64, at: Micros) -> _ {
    users::id
        .ne(id)
        .and(users::first_password_until.is_null())
        .and(users::banned_until.is_null().or(users::banned_until.le(at)))
}
