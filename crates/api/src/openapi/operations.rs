//! What paperclip cannot see of an operation: what its answers mean and which failures it has.
//!
//! Statuses, headers and bodies of failures are not written down: they come from the code that
//! answers requests, by rendering each failure. What follows from an operation's parameters, body
//! and caller does so for all operations alike, in `responses.rs`.

use menjin_domain::common::PortError;
use menjin_domain::credentials::PolicyViolation;

use crate::failure::Failure;
use crate::http::scope::Dialect;
use crate::messages::Message;

/// What is known of an operation.
pub(super) struct Operation {
    /// The `operation_id` at the handler.
    pub(super) id: &'static str,
    pub(super) dialect: Dialect,
    /// What its success means.
    pub(super) success: &'static str,
    /// The message of its success, for the example.
    pub(super) message: Option<Message>,
    /// Answers beside the one that its return type shows: status, schema, meaning.
    pub(super) answers: &'static [(u16, &'static str, &'static str)],
    /// The failures of its use-case.
    pub(super) failures: Vec<Failure>,
}

impl Operation {
    fn v1(id: &'static str, success: &'static str, failures: Vec<Failure>) -> Self {
        Self { id, dialect: Dialect::V1, success, message: None, answers: &[], failures }
    }

    fn envelope(
        id: &'static str,
        success: &'static str,
        message: Message,
        failures: Vec<Failure>,
    ) -> Self {
        let dialect = Dialect::Envelope;
        Self { id, dialect, success, message: Some(message), answers: &[], failures }
    }
}

/// A failure with a wait, of about a minute.
fn too_many_attempts() -> Failure {
    Failure::TooManyAttempts { retry_after: std::time::Duration::from_secs(60) }
}

/// Whoever asks the database may be answered so.
pub(super) fn store() -> Vec<Failure> {
    vec![Failure::Unavailable(PortError::unavailable("database", "")), Failure::Internal(None)]
}

fn with_store(mut failures: Vec<Failure>) -> Vec<Failure> {
    failures.extend(store());
    failures
}

/// Whoever hashes a password that somebody chose.
fn new_password(mut failures: Vec<Failure>) -> Vec<Failure> {
    failures.extend([
        PolicyViolation::TooCommon.into(),
        PolicyViolation::EqualsIdentity.into(),
        PolicyViolation::TooWeak.into(),
        too_many_attempts(),
        Failure::Overloaded,
    ]);
    with_store(failures)
}

/// Whatever the route, a request may fail so before it reaches one.
pub(super) fn anywhere() -> [Failure; 3] {
    [Failure::RouteNotFound, Failure::MethodNotAllowed { allow: "GET" }, Failure::BadRequest]
}

/// All operations.
pub(super) fn operations() -> Vec<Operation> {
    let mut operations = general();
    operations.extend(authentication());
    operations.extend(user_management());
    operations.extend(cache());
    operations.extend(envelope());
    operations
}

fn general() -> Vec<Operation> {
    vec![
        Operation::v1("get_root", "What this is", vec![]),
        Operation {
            answers: &[
                (200, "Health", "Every back end works"),
                (503, "Health", "A back end does not work: `checks` names it"),
            ],
            ..Operation::v1("get_health", "", vec![])
        },
        Operation::v1("get_liveness", "The process answers", vec![]),
        Operation {
            answers: &[
                (200, "Readiness", "Requests can be served, if `degraded` not all of them"),
                (503, "Readiness", "Requests cannot be served"),
            ],
            ..Operation::v1("get_readiness", "", vec![])
        },
        Operation {
            answers: &[(200, "JwkSet", "The keys")],
            ..Operation::v1("get_jwks", "", vec![])
        },
    ]
}

fn authentication() -> Vec<Operation> {
    vec![
        Operation::v1(
            "register",
            "The user was registered",
            new_password(vec![Failure::UsernameTaken, Failure::EmailTaken]),
        ),
        Operation::v1(
            "login",
            "The tokens of a new session",
            with_store(vec![Failure::InvalidCredentials, too_many_attempts(), Failure::Overloaded]),
        ),
        Operation::v1(
            "refresh_tokens",
            "New tokens: the refresh token that was sent is used up",
            with_store(vec![Failure::InvalidRefreshToken]),
        ),
        Operation {
            message: Some(Message::PasswordChanged),
            ..Operation::v1(
                "change_password",
                "The password was changed",
                new_password(vec![
                    Failure::WrongPassword,
                    Failure::ConfirmationDiffers,
                    Failure::PasswordUnchanged,
                ]),
            )
        },
        Operation {
            message: Some(Message::LoggedOut),
            ..Operation::v1("logout", "The session is over", vec![])
        },
    ]
}

fn user_management() -> Vec<Operation> {
    let of_a_user = || vec![Failure::Forbidden, Failure::UserNotFound];
    vec![
        Operation::v1("get_me", "The current user", vec![]),
        Operation::v1("update_me", "The user as it is now", vec![Failure::EmailTaken]),
        Operation::v1("get_user", "The user", of_a_user()),
        Operation::v1("activate_user", "The user is active", of_a_user()),
        Operation::v1("deactivate_user", "The user is not active", {
            let mut failures = of_a_user();
            failures.push(Failure::LastAdmin);
            failures
        }),
        Operation::v1("get_user_lock", "The state of the lock", of_a_user()),
        Operation {
            message: Some(Message::LockoutCleared),
            ..Operation::v1("lift_user_lock", "There is no lock any more", of_a_user())
        },
        Operation::v1("list_audit_events", "The events of this page", vec![Failure::Forbidden]),
    ]
}

fn cache() -> Vec<Operation> {
    let failed = || Failure::CacheFailed(None);
    vec![
        Operation {
            message: Some(Message::CacheWorks),
            ..Operation::v1("test_cache", "The cache works", vec![failed()])
        },
        Operation::v1("read_cache", "The entry", vec![Failure::EntryNotFound, failed()]),
        Operation::v1("write_cache", "The entry was written", vec![failed()]),
    ]
}

fn envelope() -> Vec<Operation> {
    let of_a_user = || vec![Failure::Forbidden, Failure::UserNotFound];
    vec![
        Operation::envelope(
            "envelope_register",
            "The user was registered",
            Message::Registered,
            new_password(vec![Failure::UsernameTaken, Failure::EmailTaken]),
        ),
        Operation::envelope(
            "envelope_login",
            "The token of a new session, and the user",
            Message::LoggedIn,
            with_store(vec![Failure::InvalidCredentials, too_many_attempts(), Failure::Overloaded]),
        ),
        Operation::envelope("envelope_logout", "The session is over", Message::LoggedOut, vec![]),
        Operation::envelope("envelope_get_me", "The current user", Message::UserShown, vec![]),
        Operation::envelope(
            "envelope_update_me",
            "The user as it is now",
            Message::UserUpdated,
            vec![Failure::EmailTaken],
        ),
        Operation::envelope(
            "envelope_change_password",
            "The password was changed",
            Message::PasswordChanged,
            new_password(vec![Failure::WrongPassword, Failure::PasswordUnchanged]),
        ),
        Operation::envelope(
            "envelope_list_users",
            "The users of this page",
            Message::UsersListed,
            vec![Failure::Forbidden],
        ),
        Operation::envelope(
            "envelope_activate_user",
            "The user is active",
            Message::UserActivated,
            of_a_user(),
        ),
        Operation::envelope(
            "envelope_deactivate_user",
            "The user is not active",
            Message::UserDeactivated,
            {
                let mut failures = of_a_user();
                failures.push(Failure::LastAdmin);
                failures
            },
        ),
    ]
}
