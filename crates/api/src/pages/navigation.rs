//! Where pages are, and how those are called that are listed on each of them.

use menjin_domain::access::rights::RightId;
use menjin_web::Text;

pub(super) const PROFILE: Text = Text { zh: "个人资料", en: "Profile" };
pub(super) const EMAIL: Text = Text { zh: "邮箱", en: "E-mail address" };
pub(super) const PASSWORD: Text = Text { zh: "修改密码", en: "Password" };
pub(super) const SECOND_FACTOR: Text = Text { zh: "两步验证", en: "Second factor" };
pub(super) const SESSIONS: Text = Text { zh: "登录的设备", en: "Devices" };
pub(super) const OVERVIEW: Text = Text { zh: "概览", en: "Overview" };
pub(super) const SETTINGS: Text = Text { zh: "设置", en: "Settings" };
pub(super) const EDIT_USER: Text = Text { zh: "编辑用户", en: "Edit the user" };
pub(super) const USERS: Text = Text { zh: "用户", en: "Users" };
pub(super) const INVITATIONS: Text = Text { zh: "邀请", en: "Invitations" };
pub(super) const IMPORT: Text = Text { zh: "导入", en: "Import" };
pub(super) const MAILS: Text = Text { zh: "邮件", en: "Mails" };
pub(super) const AUDIT: Text = Text { zh: "审计日志", en: "Audit log" };

/// What the script of a page asks for passkeys, from the folder of the account.
pub(super) const PASSKEY_OPTIONS: &str = "passkey-options";

/// The pages of somebody who is logged in.
pub(super) const ACCOUNT_PAGES: [(&str, Text); 5] = [
    ("profile", PROFILE),
    ("email", EMAIL),
    ("password", PASSWORD),
    ("second-factor", SECOND_FACTOR),
    ("sessions", SESSIONS),
];

/// The page of the console that everybody sees who sees any other.
pub(super) const FIRST_OF_CONSOLE: (&str, Text) = ("overview", OVERVIEW);

/// The other pages of the console, with the right that each needs.
pub(super) const CONSOLE_PAGES: [(&str, Text, RightId); 6] = [
    ("users", USERS, RightId::UsersRead),
    ("import", IMPORT, RightId::UsersImport),
    ("invitations", INVITATIONS, RightId::InvitationsWrite),
    ("mails", MAILS, RightId::MailsRead),
    ("audit", AUDIT, RightId::AuditRead),
    ("settings", SETTINGS, RightId::SettingsRead),
];

/// One's own account, as it is listed in the console.
pub(super) const TO_ACCOUNT: (&str, Text) =
    ("../account/profile", Text { zh: "我的账户", en: "My account" });

/// The console, as it is listed on the pages of an account.
pub(super) const TO_CONSOLE: (&str, Text) =
    ("../console/overview", Text { zh: "管理控制台", en: "Console" });

/// What all pages of the console are called where one leads back to them.
pub(super) const CONSOLE: &str = "console";

/// Whether a path is of the console.
pub(super) fn is_console(path: &str) -> bool {
    path.starts_with("/console")
}

/// What a page is called in its folder: the last part of its path.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
