//! The one table of errors: what can go wrong, with its status, its code and its texts.
//!
//! An [`ApiError`] is made in three ways only:
//!
//! * a part of the request is refused before a use-case runs (`Invalid`, `TooLarge`,
//!   `NotAuthenticated`, …);
//! * a **use-case** refuses: its refusal turns into an `ApiError` by `From`. A refusal that is one
//!   error stands in the table; one of several kinds in `refusals.rs`, where a variant that is
//!   missing does not compile;
//! * a **port** fails: `Unavailable` if trying again may help, `Internal` if not. The cause goes to
//!   the log, with the request's id; the client never sees one.
//!
//! A dialect only chooses the shape of the answer.

use std::time::Duration;

use menjin_domain::access::{Forbidden, OutOfReach, ReauthenticationRequired};
use menjin_domain::accounts::UserNotFound;
use menjin_domain::cache::{CacheMismatch, EntryNotFound, EntryTooLarge};
use menjin_domain::common::{Locale, PortError};
use menjin_domain::credentials::Overloaded;
use menjin_domain::invitations::{InvitationNotFound, InvitationOver};
use menjin_domain::jobs::{JobInProgress, JobNotFound};
use menjin_domain::mail::MailOff;
use menjin_domain::mfa::NoFactor;
use menjin_domain::one_time::TokenInvalid;
use menjin_domain::passkeys::{NoPasskeys, PasskeyNotFound};
use menjin_domain::sessions::{SessionNotFound, Ticket};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use crate::problem::{FieldError, Place, Problem};
use crate::text::Text;

/// What is known of a kind of error.
struct Row {
    status: u16,
    code: &'static str,
    meaning: &'static str,
    text: Text,
    /// The text in the envelope dialect, where it differs.
    envelope_text: &'static [Text],
}

/// Makes the enum and its table at once, so that neither can lack a row of the other.
macro_rules! errors {
    ($(
        $kind:ident: $status:literal $code:literal, $meaning:literal,
            $zh:literal, $en:literal $(, envelope: $envelope_zh:literal, $envelope_en:literal)?
            $(, of: $refusal:ident)?;
    )*) => {
        /// A kind of error.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ErrorKind {
            $(#[doc = $meaning] $kind,)*
        }

        impl ErrorKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            const fn row(self) -> Row {
                match self {
                    $(
                        Self::$kind => Row {
                            status: $status,
                            code: $code,
                            meaning: $meaning,
                            text: Text { zh: $zh, en: $en },
                            envelope_text: &[$(Text { zh: $envelope_zh, en: $envelope_en })?],
                        },
                    )*
                }
            }
        }

        $($(
            impl From<$refusal> for ApiError {
                fn from($refusal: $refusal) -> Self {
                    ErrorKind::$kind.into()
                }
            }
        )?)*
    };
}

errors! {
    // Kind: status, code for programs, meaning for the log and the API document,
    //     text for people in Chinese and in English, and in the envelope dialect if it differs there,
    //     and the refusal of the domain that says nothing else.
    RouteNotFound: 404 "not_found", "no such route",
        "接口不存在", "Not found";
    MethodNotAllowed: 405 "method_not_allowed", "the route does not know the method",
        "请求方法不被允许", "Method not allowed";
    TooLarge: 413 "body_too_large", "the body is too large",
        "请求体过大，上限为64 KiB", "The body is too large: 64 KiB at most",
        of: EntryTooLarge;
    UploadTooLarge: 413 "body_too_large", "the body is too large",
        "请求体过大", "The body is too large";
    UnsupportedTable: 415 "unsupported_media_type", "the media type is not supported",
        "不支持的媒体类型，请上传 CSV、NDJSON 或 XLSX 文件",
        "Unsupported media type: send a CSV, NDJSON or XLSX file";
    UnsupportedMediaType: 415 "unsupported_media_type", "the media type is not supported",
        "不支持的媒体类型，请使用 application/json", "Unsupported media type: send application/json";
    NeitherJsonNorForm: 415 "unsupported_media_type", "the media type is not supported",
        "不支持的媒体类型，请使用 application/json 或 application/x-www-form-urlencoded",
        "Unsupported media type: send application/json or application/x-www-form-urlencoded";
    UnsupportedContentEncoding: 415 "unsupported_content_encoding", "the body is compressed",
        "不支持压缩的请求体，请不要使用 Content-Encoding",
        "Compressed bodies are not supported: send it without Content-Encoding";
    UnsupportedGrantType: 400 "unsupported_grant_type", "the grant type is not `password`",
        "不支持的 grant_type，请使用 password", "Unsupported grant_type: use password";
    RequestTimeout: 408 "request_timeout", "the request did not arrive in time",
        "请求接收超时", "The request did not arrive in time";
    HeadTooLarge: 431 "head_too_large", "the head of the request is too large",
        "请求头过大，上限为32 KiB", "The head of the request is too large: 32 KiB at most";
    BadRequest: 400 "bad_request", "the request cannot be read",
        "请求无法解析", "The request cannot be read";
    Invalid: 422 "invalid", "the request is not valid",
        "数据验证失败", "Validation failed";
    NotAuthenticated: 401 "not_authenticated", "not authenticated",
        "未提供认证凭据", "Not authenticated";
    InvalidToken: 401 "invalid_token", "not authenticated",
        "访问令牌无效或已过期", "The access token is invalid or has expired";
    InvalidCredentials: 401 "invalid_credentials", "user name or password is wrong",
        "用户名或密码错误", "Incorrect username or password";
    InvalidRefreshToken: 401 "invalid_token", "the refresh token is not valid",
        "刷新令牌无效或已过期", "The refresh token is invalid or has expired";
    Forbidden: 403 "forbidden", "forbidden",
        "权限不足", "Not enough permissions",
        of: Forbidden;
    ForeignForm: 403 "foreign_form", "a form does not come from a page of this server, or is of another log-in",
        "表单已失效，或来自其他网站。请返回上一页，刷新后重试。如果仍然失败，请检查设置 server.public_url",
        "This form is out of date, or comes from another site. Go back, reload the page and try again. If that does not help, look at the setting server.public_url";
    PasswordChangeRequired: 403 "password_change_required", "the password has to be changed first",
        "请先修改密码", "Change your password first";
    ReauthenticationRequired: 403 "reauthentication_required", "the password has to be given again",
        "请再次输入密码以确认身份", "Enter your password again",
        of: ReauthenticationRequired;
    OutOfReach: 403 "user_has_more_rights", "the account has rights that the caller does not have",
        "不能操作拥有您所没有的权限的用户", "The user has rights that you do not have",
        of: OutOfReach;
    OwnAccount: 403 "own_account", "this is not done to one's own account",
        "不能对自己的账户进行此操作", "You cannot do this to your own account";
    RoleNeedsInvitation: 403 "role_needs_invitation", "a role with rights is given by invitation only",
        "该角色仅限受邀获得", "This role is given by invitation only";
    UserNotFound: 404 "user_not_found", "no such user",
        "用户不存在", "User not found",
        of: UserNotFound;
    SessionNotFound: 404 "session_not_found", "no such session",
        "会话不存在", "Session not found",
        of: SessionNotFound;
    RegistrationClosed: 403 "registration_closed", "nobody can register here",
        "本站未开放注册", "Registration is closed";
    RegistrationByInvitation: 403 "registration_by_invitation", "an account is made by an invitation only",
        "本站仅限受邀注册", "Registration is by invitation only";
    AccountExists: 409 "account_exists", "an account has the address of the invitation",
        "该邮箱已有账户，请登录后再接受邀请", "There is an account with this address: log in and accept the invitation then";
    InvitationForAnother: 403 "invitation_for_another", "the invitation is for the owner of another address",
        "该邀请属于另一个邮箱", "The invitation is for another e-mail address";
    FewerRights: 409 "role_has_fewer_rights", "the role of the invitation has fewer rights than the caller's",
        "邀请的角色权限少于您当前的角色", "The role of the invitation has fewer rights than yours";
    RoleForbidden: 403 "role_forbidden", "nobody gives a role with more rights than their own",
        "不能授予权限高于自己的角色", "You cannot give a role with more rights than your own";
    InvitationNotFound: 404 "invitation_not_found", "no such invitation",
        "邀请不存在", "Invitation not found",
        of: InvitationNotFound;
    InvitationOver: 409 "invitation_over", "the invitation was revoked or used up, or is void",
        "该邀请已失效", "The invitation is over",
        of: InvitationOver;
    UsernameTaken: 400 "username_taken", "the user name is taken",
        "用户名已存在", "Username already registered";
    UsernameReserved: 400 "username_reserved", "the user name is reserved, or looks like one that is",
        "该用户名已被保留", "This username is reserved";
    EmailTaken: 400 "email_taken", "the e-mail address is taken",
        "邮箱已被注册", "Email already registered";
    EmailUnchanged: 400 "email_unchanged", "the account has the address already",
        "新邮箱与当前邮箱相同", "The account has this e-mail address already";
    EmailNeedsConfirmation: 400 "email_change_needs_confirmation",
        "another e-mail address has to be confirmed by a link",
        "更换邮箱需要验证新邮箱", "Another e-mail address has to be confirmed by a link that is sent to it";
    EmailNeedsPassword: 400 "current_password_required", "another e-mail address needs the current password",
        "更换邮箱需要提供当前密码", "Another e-mail address needs the current password";
    PasswordTooCommon: 400 "password_too_common", "the password is too common",
        "密码过于常见，请换一个", "The password is too common";
    PasswordEqualsIdentity: 400 "password_equals_identity", "the password is the user name or the e-mail address",
        "密码不能与用户名或邮箱相同", "The password must differ from the username and the email";
    PasswordTooWeak: 400 "password_too_weak", "the password is too easy to guess",
        "密码强度不足，请换一个", "The password is too easy to guess";
    WrongPassword: 400 "wrong_password", "the current password is wrong",
        "当前密码错误", "The current password is incorrect",
        envelope: "原密码错误", "The old password is incorrect";
    ConfirmationDiffers: 400 "confirmation_differs", "the new password and its confirmation differ",
        "新密码与确认密码不一致", "The new password and its confirmation differ";
    PasswordUnchanged: 400 "password_unchanged", "the new password equals the current one",
        "新密码不能与当前密码相同", "The new password must differ from the current one";
    TokenInvalid: 400 "token_invalid", "the token of a link is not valid",
        "链接无效或已过期", "The link is invalid or has expired",
        of: TokenInvalid;
    EmailNotVerified: 403 "email_not_verified", "the user has to prove the e-mail address first",
        "邮箱尚未验证，请先打开验证邮件中的链接", "Verify your e-mail address first: follow the link in the mail";
    MailOff: 403 "mail_off", "the server sends no mails",
        "服务器未启用邮件", "This server sends no mails",
        of: MailOff;
    MailNotFound: 404 "mail_not_found", "no such mail",
        "邮件不存在", "Mail not found";
    MailNotRetriable: 409 "mail_not_retriable", "the mail was not given up, or its link is no longer valid",
        "该邮件不能重新发送", "The mail cannot be sent again";
    JobNotFound: 404 "job_not_found", "no such job of the caller",
        "任务不存在或已过期", "There is no such job, or it is gone",
        of: JobNotFound;
    JobInProgress: 409 "job_in_progress", "another job of the caller is not done",
        "您还有未完成的任务，请等待其完成或取消", "Another job of yours is not done: wait for it or cancel it",
        of: JobInProgress;
    ImportNotChecked: 409 "import_not_checked", "only what was checked can be imported, and only once",
        "只有检查完毕且尚未导入的文件才能导入", "Only what was checked can be imported, and only once";
    RowsFailed: 409 "rows_failed", "a row fails, and nothing may be imported then",
        "有未通过检查的行，未导入任何数据", "A row fails, so nothing is imported";
    LastAdmin: 400 "last_admin", "the last administrator who can log in stays",
        "不能停用、封禁、降级或删除最后一个管理员", "The last administrator who can log in has to stay one";
    DeletionScheduled: 409 "deletion_scheduled", "the account is to be deleted, and can only be restored",
        "该用户将被删除，请先撤销删除", "The user is to be deleted: restore them instead";
    EntryNotFound: 404 "cache_key_not_found", "no such cache entry",
        "缓存键不存在", "Cache key not found",
        of: EntryNotFound;
    TooManyAttempts: 429 "too_many_attempts", "too many attempts",
        "尝试次数过多，请稍后再试", "Too many attempts: try again later";
    Overloaded: 503 "overloaded", "no capacity to hash a password",
        "服务器繁忙，请稍后再试", "The server is busy: try again later",
        of: Overloaded;
    MfaRequired: 401 "mfa_required", "the password is right, and a code of the second factor is needed",
        "请输入验证码以完成登录", "Enter a code of your second factor to log in";
    InvalidMfaToken: 401 "invalid_token", "the second step of the login is over",
        "登录已超时或失效，请重新登录", "This login is over: log in again";
    InvalidGrant: 400 "invalid_grant", "the code is unknown, used or expired, or the verifier is another",
        "授权码无效、已过期或已被使用", "The code is invalid, has expired, or was used before";
    InvalidCode: 401 "invalid_code", "the code of the second factor is wrong, or was used before",
        "验证码错误或已使用", "The code is wrong, or was used before";
    MfaEnrolmentRequired: 403 "mfa_enrolment_required", "the role needs a second factor, to be set up first",
        "请先设置两步验证", "Set up a second factor first";
    CodeRequired: 400 "code_required", "a code of the second factor is needed beside the password",
        "请同时输入验证码", "A code of your second factor is needed too";
    WrongCode: 400 "wrong_code", "the code of the second factor is wrong, or was used before",
        "验证码错误或已使用", "The code is wrong, or was used before";
    NothingToConfirm: 409 "nothing_to_confirm", "no second factor was begun in this session, or too long ago",
        "没有待确认的验证器，请重新开始设置", "There is nothing to confirm here, or no longer: begin again";
    NoFactor: 409 "no_factor", "the user has no second factor",
        "该用户未启用两步验证", "The user has no second factor",
        of: NoFactor;
    PasskeysOff: 409 "passkeys_off", "passkeys are not set up on this server",
        "服务器未启用通行密钥", "Passkeys are not set up on this server",
        of: NoPasskeys;
    NoPasskey: 409 "no_passkey", "the user has no passkey",
        "您没有通行密钥", "You have no passkey";
    PasskeyNotFound: 404 "passkey_not_found", "the user has no such passkey",
        "通行密钥不存在", "Passkey not found",
        of: PasskeyNotFound;
    TooManyPasskeys: 409 "too_many_passkeys", "the user has as many passkeys as there may be",
        "通行密钥数量已达上限，请先移除一个", "You have as many passkeys as you may: remove one first";
    BadPasskey: 400 "bad_passkey", "what the browser has made is no passkey for this site",
        "浏览器返回的通行密钥无法用于本站", "What the browser has made is no passkey for this site";
    InvalidPasskey: 401 "invalid_passkey", "nobody logs in with this passkey, or it was asked for too long ago",
        "通行密钥未被接受，请重试或使用密码登录", "The passkey was not accepted: try again, or log in with your password";
    TooManySessions: 409 "too_many_sessions", "the user has as many sessions as there may be",
        "登录的设备已达上限，请先结束一个会话", "You are logged in on as many devices as you may: end a session first";
    Unavailable: 503 "unavailable", "a back end is unavailable",
        "服务暂不可用，请稍后再试", "Service unavailable: try again later";
    CacheFailed: 500 "cache_failed", "the cache does not work",
        "缓存操作失败", "The cache operation failed",
        of: CacheMismatch;
    Internal: 500 "internal_error", "a fault of the server's",
        "服务器内部错误", "Internal server error";
}

impl ErrorKind {
    /// What whoever hashes a chosen password may answer.
    pub const OF_A_NEW_PASSWORD: &[Self] = &[
        Self::PasswordTooCommon,
        Self::PasswordEqualsIdentity,
        Self::PasswordTooWeak,
        Self::TooManyAttempts,
        Self::Overloaded,
        Self::Unavailable,
        Self::Internal,
    ];

    /// What whoever is asked for the password again may answer.
    pub const OF_A_PROMPT: &[Self] =
        &[Self::WrongPassword, Self::TooManyAttempts, Self::Overloaded];

    /// The same where a code is asked for too, of whoever has a second factor.
    pub const OF_A_PROMPT_WITH_CODE: &[Self] = &[
        Self::WrongPassword,
        Self::CodeRequired,
        Self::WrongCode,
        Self::TooManyAttempts,
        Self::Overloaded,
    ];

    /// What whoever asks the database may answer.
    pub const OF_THE_STORE: &[Self] = &[Self::Unavailable, Self::Internal];

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// The reason by which programs tell errors apart.
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// The meaning, for the log and the API document.
    pub const fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// The text for people.
    pub const fn text(self) -> Text {
        self.row().text
    }

    /// The text for people in the envelope dialect.
    pub fn envelope_text(self) -> Text {
        self.row().envelope_text.first().copied().unwrap_or(self.text())
    }

    /// `WWW-Authenticate` (RFC 6750 §3): how to authenticate, and whether a token was sent.
    pub const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::InvalidToken | Self::InvalidRefreshToken | Self::InvalidMfaToken => {
                Some(r#"Bearer error="invalid_token""#)
            }
            Self::NotAuthenticated
            | Self::InvalidCredentials
            | Self::MfaRequired
            | Self::InvalidPasskey
            | Self::InvalidCode => Some("Bearer"),
            _ => None,
        }
    }

    /// Whether the connection is closed after the answer: what else the client sends on it is the
    /// rest of a body that nobody reads.
    pub const fn closes_connection(self) -> bool {
        matches!(
            self,
            Self::RequestTimeout
                | Self::HeadTooLarge
                | Self::TooLarge
                | Self::UploadTooLarge
                | Self::BadRequest
        )
    }
}

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
#[error("{}", kind.meaning())]
pub struct ApiError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// What is wrong with the request, of `Invalid`.
    pub fields: Vec<FieldError>,
    /// How long to wait, of `TooManyAttempts`.
    pub wait: Option<Duration>,
    /// The methods that the route knows, of `MethodNotAllowed`.
    pub allow: String,
    /// With what the client goes on, of `MfaRequired` and `TooManySessions`.
    pub ticket: Option<Box<Ticket>>,
    /// The cause, for the log; a refusal has none.
    #[source]
    pub cause: Option<PortError>,
}

impl From<ErrorKind> for ApiError {
    fn from(kind: ErrorKind) -> Self {
        Self {
            kind,
            fields: Vec::new(),
            wait: None,
            allow: String::new(),
            ticket: None,
            cause: None,
        }
    }
}

impl ApiError {
    /// These parts of the request are not valid.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        Self { fields, ..ErrorKind::Invalid.into() }
    }

    /// A port failed.
    pub fn caused(kind: ErrorKind, cause: PortError) -> Self {
        Self { cause: Some(cause), ..kind.into() }
    }

    /// The route knows these methods only.
    pub fn method_not_allowed(allow: String) -> Self {
        Self { allow, ..ErrorKind::MethodNotAllowed.into() }
    }

    /// It has to go on with this ticket.
    pub fn with_ticket(kind: ErrorKind, ticket: Ticket) -> Self {
        Self { ticket: Some(ticket.into()), ..kind.into() }
    }

    /// Too many attempts; another may be made after a while.
    pub fn too_many_attempts(wait: Duration) -> Self {
        Self { wait: Some(wait), ..ErrorKind::TooManyAttempts.into() }
    }

    /// What went wrong, for people: with each part of the request that is wrong, and what is wrong with it.
    pub fn message(&self, locale: Locale) -> String {
        if self.fields.is_empty() {
            return self.kind.text().in_locale(locale).to_owned();
        }
        let field = |error: &FieldError| {
            let name = error.field.as_deref().unwrap_or(error.place.as_str());
            format!("{name}: {}", error.problem.text(locale))
        };
        self.fields.iter().map(field).collect::<Vec<_>>().join("; ")
    }

    /// The headers of an answer: `WWW-Authenticate` and `Retry-After`, where they belong.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let challenge = self.kind.challenge().map(|text| ("www-authenticate", text.to_owned()));
        let wait = self.retry_after().map(|seconds| ("retry-after", seconds.to_string()));
        [challenge, wait].into_iter().flatten()
    }

    /// The body of an answer, for whoever has no shape of their own: `code`, `message`, `fields` with what is
    /// wrong with each part of the request that is, and the `ticket` of `MfaRequired` and `TooManySessions`, and of
    /// what a code may be (`methods`).
    pub fn to_json(&self, locale: Locale) -> Value {
        let field = |error: &FieldError| {
            let message = error.problem.text(locale);
            json!({ "in": error.place.as_str(), "name": error.field, "message": message })
        };
        let mut body = Map::new();
        let mut insert = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
        insert("code", self.kind.code().into());
        insert("message", self.message(locale).into());
        if !self.fields.is_empty() {
            insert("fields", self.fields.iter().map(field).collect());
        }
        if let Some(ticket) = &self.ticket {
            insert("ticket", ticket.token.expose_secret().into());
            if !ticket.methods.is_empty() {
                insert("methods", ticket.methods.iter().map(|method| method.as_str()).collect());
            }
        }
        body.into()
    }

    /// `Retry-After`, in whole seconds, rounded up: whoever waits that long is let in.
    pub fn retry_after(&self) -> Option<u64> {
        match self.kind {
            ErrorKind::TooManyAttempts => {
                let wait = self.wait.unwrap_or_default();
                Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
            }
            ErrorKind::Overloaded | ErrorKind::Unavailable => Some(1),
            _ => None,
        }
    }
}

impl From<FieldError> for ApiError {
    fn from(field: FieldError) -> Self {
        Self::invalid(vec![field])
    }
}

/// A problem with the whole of a body or a query.
impl From<(Place, Problem)> for ApiError {
    fn from((place, problem): (Place, Problem)) -> Self {
        FieldError { place, field: None, problem }.into()
    }
}

impl From<PortError> for ApiError {
    fn from(error: PortError) -> Self {
        let kind = match error {
            PortError::Unavailable { .. } => ErrorKind::Unavailable,
            PortError::Internal { .. } => ErrorKind::Internal,
        };
        Self::caused(kind, error)
    }
}

/// The token of an `Authorization` header (RFC 6750 §2.1); `None`: it has none.
pub fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_in_every_language() {
        for kind in ErrorKind::ALL {
            for text in [kind.text(), kind.envelope_text()] {
                assert!(Text::is_translated(text.zh, text.en), "{kind:?}");
            }
        }
    }

    #[test]
    fn a_message_names_what_is_wrong() {
        let two = vec![
            FieldError::in_body("username", Problem::Missing),
            FieldError { place: Place::Query, field: None, problem: Problem::UnknownParameter },
        ];
        let message = ApiError::invalid(two).message(Locale::En);
        let (first, second) = message.split_once("; ").unwrap();
        assert!(first.starts_with("username: ") && second.starts_with("query: "), "{message}");
        let refused = ApiError::from(ErrorKind::Forbidden);
        assert_eq!(refused.message(Locale::En), "Not enough permissions");
        let json = ApiError::from(FieldError::in_body("username", Problem::Missing));
        let json = json.to_json(Locale::En);
        assert_eq!(
            (&json["code"], &json["fields"][0]["name"]),
            (&"invalid".into(), &"username".into())
        );
        let headers: Vec<_> =
            ApiError::too_many_attempts(Duration::from_secs(7)).headers().collect();
        assert_eq!(headers, [("retry-after", "7".to_owned())]);
    }

    #[test]
    fn a_wait_is_rounded_up() {
        let retry_after = |wait| ApiError::too_many_attempts(wait).retry_after();
        assert_eq!(retry_after(Duration::from_millis(1)), Some(1));
        assert_eq!(retry_after(Duration::from_secs(7)), Some(7));
    }
}
