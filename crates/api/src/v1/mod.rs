//! The v1 dialect: plain JSON and status codes, in the manner of FastAPI.
//!
//! An endpoint is one file. It is declared here twice: as a module and in the table.

mod audit {
    pub(super) mod list;
}
mod auth {
    pub(super) mod accept_invitation;
    pub(super) mod change_password;
    pub(super) mod check;
    pub(super) mod complete_login;
    pub(super) mod exchange;
    pub(super) mod forgot_password;
    pub(super) mod login;
    pub(super) mod logout;
    pub(super) mod passkey;
    pub(super) mod reauthenticate;
    pub(super) mod refresh;
    pub(super) mod register;
    pub(super) mod request_factor;
    pub(super) mod request_passkey;
    pub(super) mod request_undo;
    pub(super) mod resend_verification;
    pub(super) mod reset_password;
    pub(super) mod undo_email_change;
    pub(super) mod verify_email;
}
mod errors;
mod invitations {
    pub(super) mod create;
    pub(super) mod list;
    pub(super) mod resend;
    pub(super) mod revoke;
}
mod lockout {
    pub(super) mod clear;
    pub(super) mod get;
}
mod mail {
    pub(super) mod list;
    pub(super) mod retry;
}
mod mfa {
    pub(super) mod add_passkey;
    pub(super) mod begin_passkey;
    pub(super) mod confirm;
    pub(super) mod disable;
    pub(super) mod enrol;
    pub(super) mod list;
    pub(super) mod passkey_options;
    pub(super) mod remove_of_user;
    pub(super) mod remove_passkey;
    pub(super) mod renew_recovery_codes;
    pub(super) mod request_passkey;
}
pub(crate) mod responses;
mod sessions {
    pub(super) mod list;
    pub(super) mod list_of_user;
    pub(super) mod revoke;
    pub(super) mod revoke_all_of_user;
    pub(super) mod revoke_of_user;
    pub(super) mod revoke_others;
}
mod users {
    pub(super) mod activate;
    pub(super) mod ban;
    pub(super) mod batch;
    pub(super) mod cancel_import;
    pub(super) mod change_email;
    pub(super) mod commit_import;
    pub(super) mod create;
    pub(super) mod deactivate;
    pub(super) mod delete;
    pub(super) mod delete_me;
    pub(super) mod export;
    pub(super) mod get;
    pub(super) mod get_batch;
    pub(super) mod get_failed_rows;
    pub(super) mod get_import;
    pub(super) mod get_me;
    pub(super) mod import_template;
    pub(super) mod list;
    pub(super) mod restore;
    pub(super) mod set_password;
    pub(super) mod set_role;
    pub(super) mod start_import;
    pub(super) mod unban;
    pub(super) mod update;
    pub(super) mod update_me;
    pub(super) mod withdraw_email_change;
}

use menjin_web::field::Rules;

use crate::dialect::Dialect;
use crate::endpoint::Endpoint;

pub use audit::list::AuditEvent;
pub(crate) use auth::login::PATH as LOGIN;
pub use invitations::create::IssuedResponse;
pub use invitations::list::InvitationResponse;
pub use mail::list::MailResponse;
pub(crate) use mfa::enrol::qr_code;
pub(crate) use mfa::passkey_options::{CreationOptions, RequestOptions};
pub use responses::User as UserResponse;
pub use users::create::CreatedUserResponse;
pub(crate) use users::get_import::failure as job_failure;

/// The dialect; also of paths that belong to none.
pub(crate) static DIALECT: Dialect = Dialect {
    render: errors::render,
    error_schema: errors::schema,
    rules: |settings| Rules {
        new_password: settings.v1_password,
        joins_bounds: false,
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
        auth::request_factor::endpoint(),
        auth::request_passkey::endpoint(),
        auth::passkey::endpoint(),
        auth::exchange::endpoint(),
        auth::check::endpoint(),
        auth::refresh::endpoint(),
        auth::logout::endpoint(),
        auth::reauthenticate::endpoint(),
        auth::change_password::endpoint(),
        auth::forgot_password::endpoint(),
        auth::reset_password::endpoint(),
        auth::verify_email::endpoint(),
        auth::resend_verification::endpoint(),
        auth::undo_email_change::endpoint(),
        auth::request_undo::endpoint(),
        auth::accept_invitation::endpoint(),
        users::get_me::endpoint(),
        users::update_me::endpoint(),
        users::change_email::endpoint(),
        users::withdraw_email_change::endpoint(),
        users::delete_me::endpoint(),
        mfa::list::endpoint(),
        mfa::enrol::endpoint(),
        mfa::confirm::endpoint(),
        mfa::disable::endpoint(),
        mfa::renew_recovery_codes::endpoint(),
        mfa::begin_passkey::endpoint(),
        mfa::add_passkey::endpoint(),
        mfa::request_passkey::endpoint(),
        mfa::remove_passkey::endpoint(),
        mfa::remove_of_user::endpoint(),
        users::list::endpoint(),
        users::create::endpoint(),
        // Of two paths that fit, actix takes the first.
        users::batch::endpoint(),
        users::get_batch::endpoint(),
        users::start_import::endpoint(),
        users::import_template::endpoint(),
        users::get_import::endpoint(),
        users::get_failed_rows::endpoint(),
        users::commit_import::endpoint(),
        users::cancel_import::endpoint(),
        users::export::endpoint(),
        users::get::endpoint(),
        users::update::endpoint(),
        users::set_role::endpoint(),
        users::set_password::endpoint(),
        users::activate::endpoint(),
        users::deactivate::endpoint(),
        users::ban::endpoint(),
        users::unban::endpoint(),
        users::delete::endpoint(),
        users::restore::endpoint(),
        sessions::list::endpoint(),
        sessions::revoke_others::endpoint(),
        sessions::revoke::endpoint(),
        sessions::list_of_user::endpoint(),
        sessions::revoke_all_of_user::endpoint(),
        sessions::revoke_of_user::endpoint(),
        invitations::list::endpoint(),
        invitations::create::endpoint(),
        invitations::resend::endpoint(),
        invitations::revoke::endpoint(),
        lockout::get::endpoint(),
        lockout::clear::endpoint(),
        audit::list::endpoint(),
        mail::list::endpoint(),
        mail::retry::endpoint(),
    ]
}
