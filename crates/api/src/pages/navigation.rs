//! Where pages are, and how those are called that are listed on each of them.

use menjin_web::Text;

pub(super) const PROFILE: Text = Text { zh: "个人资料", en: "Profile" };
pub(super) const EMAIL: Text = Text { zh: "邮箱", en: "E-mail address" };
pub(super) const PASSWORD: Text = Text { zh: "修改密码", en: "Password" };
pub(super) const SECOND_FACTOR: Text = Text { zh: "两步验证", en: "Second factor" };
pub(super) const SESSIONS: Text = Text { zh: "登录的设备", en: "Devices" };
pub(super) const USERS: Text = Text { zh: "用户", en: "Users" };
pub(super) const AUDIT: Text = Text { zh: "审计日志", en: "Audit log" };

/// The pages of somebody who is logged in.
pub(super) const ACCOUNT_PAGES: [(&str, Text); 5] = [
    ("profile", PROFILE),
    ("email", EMAIL),
    ("password", PASSWORD),
    ("second-factor", SECOND_FACTOR),
    ("sessions", SESSIONS),
];

/// The pages of the console.
pub(super) const CONSOLE_PAGES: [(&str, Text); 3] = [
    ("users", USERS),
    ("audit", AUDIT),
    ("../account/profile", Text { zh: "我的账户", en: "My account" }),
];

/// The console, as it is listed on the pages of an account.
pub(super) const TO_CONSOLE: (&str, Text) =
    ("../console/users", Text { zh: "管理控制台", en: "Console" });

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
