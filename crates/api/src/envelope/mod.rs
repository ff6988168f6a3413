//! The envelope dialect: every answer is `{"code", "message", "data"}`, and `code` is the status.
//!
//! An endpoint is one file. It is declared here twice: as a module and in the table.

mod auth {
    pub(super) mod accept_invitation;
    pub(super) mod change_password;
    pub(super) mod complete_login;
    pub(super) mod forgot_password;
    pub(super) mod get_me;
    pub(super) mod login;
    pub(super) mod logout;
    pub(super) mod register;
    pub(super) mod resend_verification;
    pub(super) mod reset_password;
    pub(super) mod update_me;
    pub(super) mod verify_email;
}
mod errors;
mod fields;
mod responses;
mod users {
    pub(super) mod activate;
    pub(super) mod deactivate;
    pub(super) mod list;
}

use menjin_domain::credentials::PasswordLength;
use menjin_web::field::Rules;

use crate::dialect::Dialect;
use crate::endpoint::Endpoint;

pub(crate) use responses::Success;

/// The greatest number of characters of a password; the least is a setting.
const PASSWORD_MAX: usize = 20;

/// The dialect.
pub(crate) static DIALECT: Dialect = Dialect {
    render: errors::render,
    error_schema: errors::schema,
    rules: |settings| Rules {
        new_password: PasswordLength { min: settings.envelope_password_min, max: PASSWORD_MAX },
        joins_bounds: true,
        roles: settings.roles.clone(),
        attributes: settings.attributes.clone(),
    },
    page: |_uri, _settings| None,
};

/// All endpoints.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        auth::register::endpoint(),
        auth::login::endpoint(),
        auth::complete_login::endpoint(),
        auth::logout::endpoint(),
        auth::get_me::endpoint(),
        auth::update_me::endpoint(),
        auth::change_password::endpoint(),
        auth::forgot_password::endpoint(),
        auth::reset_password::endpoint(),
        auth::verify_email::endpoint(),
        auth::resend_verification::endpoint(),
        auth::accept_invitation::endpoint(),
        users::list::endpoint(),
        users::activate::endpoint(),
        users::deactivate::endpoint(),
    ]
}
