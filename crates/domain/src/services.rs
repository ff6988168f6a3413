//! All use-cases on one set of ports: the only wiring, for the server, for tests and for embedders.

use std::sync::Arc;

use crate::access::{Guard, Roles};
use crate::accounts::{
    ChangeEmail, ChangeUser, ChangeUsers, CreateAdmin, CreateUser, DeleteOwnAccount, DisownAccount,
    GetBatch, GetUser, ListUsers, Register, ResendVerification, SearchUsers, UndoEmailChange,
    UpdateOwnProfile, VerifyEmail, WithdrawEmailChange,
};
use crate::audit::{CountByDay, ListRecords};
use crate::cache::{CacheAccess, ProbeCache, ReadEntry, WriteEntry};
use crate::credentials::{ChangePassword, ForgotPassword, ResetPassword, SetPassword};
use crate::health::{CheckHealth, Cleanup};
use crate::import::{CancelImport, CommitImport, ExportUsers, GetImport, StartImport};
use crate::invitations::{
    AcceptInvitation, CreateInvitation, ListInvitations, ResendInvitation, RevokeInvitation,
};
use crate::jobs::RunJobs;
use crate::lockout::{ClearLockout, GetLockout};
use crate::mail::{DeliverMails, ListMails, RetryMail};
use crate::mfa::{
    ConfirmTotp, DisableMfa, EnrolTotp, ListFactors, RemoveFactor, RenewRecoveryCodes,
};
use crate::passkeys::{AddPasskey, BeginPasskey, LoginWithPasskey, RemovePasskey, RequestPasskey};
use crate::ports::{Policy, Ports};
use crate::sessions::{
    Authenticate, CompleteLogin, Cookies, ExchangeCode, ListSessions, ListUserSessions, Login,
    Logout, OfferHandOff, PublicKey, Reauthenticate, Refresh, RevokeOtherSessions, RevokeSession,
    RevokeUserSessions, TokenCodec,
};

/// The use-cases, ready to run.
#[non_exhaustive]
#[expect(missing_docs, reason = "each field is named after its use-case, which is documented")]
pub struct Services {
    pub guard: Guard,
    pub register: Register,
    pub create_admin: CreateAdmin,
    pub login: Login,
    pub complete_login: CompleteLogin,
    pub authenticate: Authenticate,
    pub cookies: Cookies,
    pub offer_hand_off: OfferHandOff,
    pub exchange_code: ExchangeCode,
    pub refresh: Refresh,
    pub logout: Logout,
    pub reauthenticate: Reauthenticate,
    pub list_factors: ListFactors,
    pub enrol_totp: EnrolTotp,
    pub confirm_totp: ConfirmTotp,
    pub disable_mfa: DisableMfa,
    pub renew_recovery_codes: RenewRecoveryCodes,
    pub remove_factor: RemoveFactor,
    pub begin_passkey: BeginPasskey,
    pub add_passkey: AddPasskey,
    pub request_passkey: RequestPasskey,
    pub remove_passkey: RemovePasskey,
    pub login_with_passkey: LoginWithPasskey,
    pub list_sessions: ListSessions,
    pub revoke_session: RevokeSession,
    pub revoke_other_sessions: RevokeOtherSessions,
    pub list_user_sessions: ListUserSessions,
    pub revoke_user_sessions: RevokeUserSessions,
    pub change_password: ChangePassword,
    pub forgot_password: ForgotPassword,
    pub reset_password: ResetPassword,
    pub verify_email: VerifyEmail,
    pub resend_verification: ResendVerification,
    pub disown_account: DisownAccount,
    pub change_email: ChangeEmail,
    pub withdraw_email_change: WithdrawEmailChange,
    pub undo_email_change: UndoEmailChange,
    pub create_invitation: CreateInvitation,
    pub list_invitations: ListInvitations,
    pub resend_invitation: ResendInvitation,
    pub revoke_invitation: RevokeInvitation,
    pub accept_invitation: AcceptInvitation,
    pub deliver_mails: Option<Arc<DeliverMails>>,
    pub list_mails: ListMails,
    pub retry_mail: RetryMail,
    pub update_profile: UpdateOwnProfile,
    pub get_user: GetUser,
    pub list_users: ListUsers,
    pub search_users: SearchUsers,
    pub export_users: ExportUsers,
    pub start_import: StartImport,
    pub get_import: GetImport,
    pub commit_import: CommitImport,
    pub cancel_import: CancelImport,
    pub run_jobs: Arc<RunJobs>,
    pub create_user: CreateUser,
    pub change_user: ChangeUser,
    pub change_users: ChangeUsers,
    pub get_batch: GetBatch,
    pub set_password: SetPassword,
    pub delete_own_account: DeleteOwnAccount,
    pub get_lockout: GetLockout,
    pub clear_lockout: ClearLockout,
    pub list_records: ListRecords,
    pub count_by_day: CountByDay,
    pub read_entry: ReadEntry,
    pub write_entry: WriteEntry,
    pub probe_cache: ProbeCache,
    pub check_health: CheckHealth,
    pub cleanup: Arc<Cleanup>,
    /// Which role has which rights.
    pub roles: Arc<Roles>,
    /// Who may use the cache.
    pub cache_access: CacheAccess,
    codec: Arc<dyn TokenCodec>,
}

impl Services {
    /// Builds every use-case on these ports.
    pub fn new(ports: Ports, policy: &Policy) -> Self {
        Self {
            guard: Guard::new(&ports, policy),
            register: Register::new(&ports, policy),
            create_admin: CreateAdmin::new(&ports),
            login: Login::new(&ports, policy),
            complete_login: CompleteLogin::new(&ports, policy),
            authenticate: Authenticate::new(&ports, policy),
            cookies: Cookies::new(&ports, policy),
            offer_hand_off: OfferHandOff::new(&ports),
            exchange_code: ExchangeCode::new(&ports, policy),
            refresh: Refresh::new(&ports, policy),
            logout: Logout::new(&ports),
            reauthenticate: Reauthenticate::new(&ports, policy),
            list_factors: ListFactors::new(&ports),
            enrol_totp: EnrolTotp::new(&ports, policy),
            confirm_totp: ConfirmTotp::new(&ports, policy),
            disable_mfa: DisableMfa::new(&ports, policy),
            renew_recovery_codes: RenewRecoveryCodes::new(&ports, policy),
            remove_factor: RemoveFactor::new(&ports),
            begin_passkey: BeginPasskey::new(&ports, policy),
            add_passkey: AddPasskey::new(&ports),
            request_passkey: RequestPasskey::new(&ports),
            remove_passkey: RemovePasskey::new(&ports, policy),
            login_with_passkey: LoginWithPasskey::new(&ports, policy),
            list_sessions: ListSessions::new(&ports),
            revoke_session: RevokeSession::new(&ports),
            revoke_other_sessions: RevokeOtherSessions::new(&ports),
            list_user_sessions: ListUserSessions::new(&ports),
            revoke_user_sessions: RevokeUserSessions::new(&ports),
            change_password: ChangePassword::new(&ports, policy),
            forgot_password: ForgotPassword::new(&ports, policy),
            reset_password: ResetPassword::new(&ports),
            verify_email: VerifyEmail::new(&ports, policy),
            resend_verification: ResendVerification::new(&ports, policy),
            disown_account: DisownAccount::new(&ports, policy),
            change_email: ChangeEmail::new(&ports, policy),
            withdraw_email_change: WithdrawEmailChange::new(&ports),
            undo_email_change: UndoEmailChange::new(&ports, policy),
            create_invitation: CreateInvitation::new(&ports, policy),
            list_invitations: ListInvitations::new(&ports),
            resend_invitation: ResendInvitation::new(&ports, policy),
            revoke_invitation: RevokeInvitation::new(&ports),
            accept_invitation: AcceptInvitation::new(&ports, policy),
            deliver_mails: DeliverMails::new(&ports, policy).map(Arc::new),
            list_mails: ListMails::new(&ports),
            retry_mail: RetryMail::new(&ports),
            update_profile: UpdateOwnProfile::new(&ports, policy),
            get_user: GetUser::new(&ports),
            list_users: ListUsers::new(&ports),
            search_users: SearchUsers::new(&ports, policy),
            export_users: ExportUsers::new(&ports, policy),
            start_import: StartImport::new(&ports),
            get_import: GetImport::new(&ports),
            commit_import: CommitImport::new(&ports),
            cancel_import: CancelImport::new(&ports),
            run_jobs: Arc::new(RunJobs::new(&ports, policy)),
            create_user: CreateUser::new(&ports, policy),
            change_user: ChangeUser::new(&ports, policy),
            change_users: ChangeUsers::new(&ports, policy),
            get_batch: GetBatch::new(&ports),
            set_password: SetPassword::new(&ports, policy),
            delete_own_account: DeleteOwnAccount::new(&ports, policy),
            get_lockout: GetLockout::new(&ports, policy),
            clear_lockout: ClearLockout::new(&ports),
            list_records: ListRecords::new(&ports),
            count_by_day: CountByDay::new(&ports),
            read_entry: ReadEntry::new(&ports),
            write_entry: WriteEntry::new(&ports),
            probe_cache: ProbeCache::new(&ports),
            check_health: CheckHealth::new(&ports),
            cleanup: Arc::new(Cleanup::new(&ports, policy)),
            roles: policy.roles.clone(),
            cache_access: policy.cache_access,
            codec: ports.required.codec,
        }
    }

    /// The keys that others verify access tokens with.
    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.codec.public_keys()
    }
}
