//! What codes are called for people.

use menjin_domain::audit::{AuditAction, ChangedField};
use menjin_domain::invitations::InvitationState;
use menjin_domain::mail::{MailKind, MailState};

use crate::prelude::*;

/// The field that a list is narrowed down to one user with.
pub(super) const USER_ID: Text = Text { zh: "用户编号", en: "Id of a user" };

/// What happened.
pub(super) fn action(action: AuditAction) -> Text {
    use AuditAction as A;
    let (zh, en) = match action {
        A::Registered => ("注册", "Registered"),
        A::RegistrationFailed => ("注册失败", "Registration failed"),
        A::RegistrationRefused => ("注册被拒绝", "Registration refused"),
        A::UserCreated => ("创建用户", "User created"),
        A::UserImported => ("导入用户", "User imported"),
        A::UsersExported => ("导出用户", "Users exported"),
        A::AdminCreated => ("创建管理员", "Administrator created"),
        A::LoggedIn => ("登录", "Logged in"),
        A::LoginFailed => ("登录失败", "Login failed"),
        A::LoginRefused => ("登录被拒绝", "Login refused"),
        A::Refreshed => ("刷新令牌", "Token refreshed"),
        A::RefreshRetried => ("重复刷新令牌", "Token refreshed again"),
        A::RefreshFailed => ("刷新令牌失败", "Refresh failed"),
        A::RefreshReplayed => ("刷新令牌被重放", "Refresh token replayed"),
        A::LoggedOut => ("退出登录", "Logged out"),
        A::SessionRevoked => ("结束会话", "Session ended"),
        A::OtherSessionsRevoked => ("结束其他会话", "Other sessions ended"),
        A::AllSessionsRevoked => ("结束全部会话", "All sessions ended"),
        A::Reauthenticated => ("确认身份", "Identity confirmed"),
        A::ReauthenticationFailed => ("确认身份失败", "Identity not confirmed"),
        A::FactorAdded => ("启用两步验证", "Second factor added"),
        A::FactorRemoved => ("移除两步验证", "Second factor removed"),
        A::FactorChangeFailed => ("修改两步验证失败", "Second factor not changed"),
        A::PasskeyAdded => ("添加通行密钥", "Passkey added"),
        A::PasskeyRemoved => ("移除通行密钥", "Passkey removed"),
        A::PasskeyCountWentBack => ("通行密钥计数回退", "The count of a passkey went back"),
        A::RecoveryCodesRenewed => ("重新生成恢复码", "Recovery codes renewed"),
        A::RecoveryCodeUsed => ("使用恢复码", "Recovery code used"),
        A::OldestSessionsEnded => ("结束最早的会话", "Oldest sessions ended"),
        A::PasswordChanged => ("修改密码", "Password changed"),
        A::PasswordChangeFailed => ("修改密码失败", "Password not changed"),
        A::PasswordChangeRefused => ("修改密码被拒绝", "Password change refused"),
        A::ResetLinkMade => ("生成重置链接", "Reset link made"),
        A::PasswordReset => ("重置密码", "Password reset"),
        A::PasswordResetFailed => ("重置密码失败", "Password not reset"),
        A::EmailVerified => ("验证邮箱", "Address verified"),
        A::EmailVerificationFailed => ("验证邮箱失败", "Address not verified"),
        A::EmailChangeRequested => ("申请更换邮箱", "Change of address requested"),
        A::EmailChangeWithdrawn => ("撤回更换邮箱", "Change of address withdrawn"),
        A::EmailChanged => ("更换邮箱", "Address changed"),
        A::EmailChangeFailed => ("更换邮箱失败", "Address not changed"),
        A::EmailChangeUndone => ("撤销更换邮箱", "Change of address undone"),
        A::EmailChangeUndoFailed => ("撤销更换邮箱失败", "Change of address not undone"),
        A::InvitationCreated => ("创建邀请", "Invitation created"),
        A::InvitationResent => ("重新发送邀请", "Invitation sent again"),
        A::InvitationRevoked => ("撤销邀请", "Invitation revoked"),
        A::InvitationAccepted => ("接受邀请", "Invitation accepted"),
        A::InvitationFailed => ("接受邀请失败", "Invitation not accepted"),
        A::AccountDisowned => ("否认账户", "Account disowned"),
        A::MailRetried => ("重新发送邮件", "Mail sent again"),
        A::ProfileUpdated => ("修改个人资料", "Profile changed"),
        A::ProfileUpdateFailed => ("修改个人资料失败", "Profile not changed"),
        A::UserEdited => ("编辑用户", "User edited"),
        A::RoleChanged => ("更改角色", "Role changed"),
        A::PasswordSet => ("设置密码", "Password set"),
        A::UserChangeFailed => ("更改用户失败", "User not changed"),
        A::Activated => ("启用账户", "Account activated"),
        A::Banned => ("封禁", "Banned"),
        A::BanLifted => ("解除封禁", "Ban lifted"),
        A::Deactivated => ("停用账户", "Account deactivated"),
        A::DeactivationFailed => ("停用账户失败", "Account not deactivated"),
        A::DeletionScheduled => ("安排删除账户", "Deletion scheduled"),
        A::DeletionFailed => ("删除账户失败", "Account not deleted"),
        A::DeletionUndone => ("恢复账户", "Deletion undone"),
        A::AccountDeleted => ("彻底删除账户", "Account deleted"),
        A::LockoutCleared => ("解除锁定", "Lock lifted"),
        A::AccessDenied => ("拒绝访问", "Access denied"),
    };
    Text { zh, en }
}

/// What was changed of an account.
pub(super) fn field(field: ChangedField) -> Text {
    use ChangedField as F;
    let (zh, en) = match field {
        F::Username => ("用户名", "user name"),
        F::Email => ("邮箱", "e-mail address"),
        F::FullName => ("姓名", "full name"),
        F::Phone => ("电话", "telephone"),
        F::Bio => ("简介", "bio"),
        F::Avatar => ("头像", "picture"),
        F::Locale => ("语言", "language"),
        F::Attributes => ("其他属性", "attributes"),
        F::Role => ("角色", "role"),
        F::Password => ("密码", "password"),
        F::IsActive => ("启用状态", "whether it is active"),
        F::BannedUntil => ("封禁", "ban"),
        F::DeletesAt => ("删除时间", "deletion"),
    };
    Text { zh, en }
}

/// What a mail is about.
pub(super) fn mail(kind: MailKind) -> Text {
    use MailKind as K;
    let (zh, en) = match kind {
        K::VerifyEmail => ("验证邮箱", "Verify the address"),
        K::ResetPassword => ("重置密码", "Reset the password"),
        K::PasswordChanged => ("密码已修改", "The password was changed"),
        K::ChangeEmail => ("确认新邮箱", "Confirm the new address"),
        K::EmailChanged => ("邮箱已更换", "The address was changed"),
        K::EmailRestored => ("邮箱已恢复", "The address was restored"),
        K::Invitation => ("邀请", "Invitation"),
        K::AccountDeletion => ("账户删除", "Deletion of the account"),
        K::FactorAdded => ("已启用两步验证", "A second factor was added"),
        K::FactorRemoved => ("已移除两步验证", "The second factor was removed"),
        K::FactorLocked => ("验证码错误次数过多", "Too many wrong codes"),
        K::RecoveryCodeUsed => ("已使用恢复码", "A recovery code was used"),
        K::RecoveryCodesRenewed => ("已重新生成恢复码", "Recovery codes were renewed"),
        K::Test => ("测试邮件", "Test"),
    };
    Text { zh, en }
}

/// What has become of a mail.
pub(super) fn mail_state(state: MailState) -> Text {
    match state {
        MailState::Queued => Text { zh: "等待发送", en: "waiting" },
        MailState::Sent => Text { zh: "已发送", en: "sent" },
        MailState::Failed => Text { zh: "发送失败", en: "failed" },
    }
}

/// What has become of an invitation.
pub(super) fn invitation_state(state: InvitationState) -> Text {
    match state {
        InvitationState::Open => Text { zh: "有效", en: "open" },
        InvitationState::Used => Text { zh: "已使用", en: "used" },
        InvitationState::Expired => Text { zh: "已过期", en: "expired" },
        InvitationState::Revoked => Text { zh: "已撤销", en: "revoked" },
        InvitationState::Void => Text { zh: "已失效", en: "void" },
    }
}
