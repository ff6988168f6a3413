//! Use-case: accepting an invitation, for a new account or for one's own.

use std::sync::Arc;
use std::time::Duration;

use crate::access::{Principal, Roles};
use crate::accounts::{
    CreateUserError, Email, NewUser, Profile, RegistrationGuard, User, Username,
};
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Causes, Clock, Error, Locale, RequestContext};
use crate::credentials::{
    NewPassword, Overloaded, PasswordHasher, PasswordPolicy, PolicyViolation,
};
use crate::invitations::{
    AcceptError, Acceptance, Invitation, InvitationRepository, RoleAcceptance, TakeRoleError,
};
use crate::lockout::{Admission, Limit, RateKey, RateLimiter, TooManyAttempts};
use crate::mail::{MailKind, Post};
use crate::one_time::{OneTimeToken, TokenInvalid};
use crate::ports::{Policy, Ports, RegistrationMode, RequiredPorts};

/// How many wrong codes one network may send: a code has 60 bits, and is there to be read aloud.
const WRONG_CODES: Limit = Limit { max: 10, window: Duration::from_secs(60 * 60) };

/// A new account, by an invitation.
#[derive(Debug, Clone)]
pub struct AcceptInvitationInput {
    /// The token of the link, or the code.
    pub token: OneTimeToken,
    /// The name.
    pub username: Username,
    /// The password chosen.
    pub password: NewPassword,
    /// The address, if the invitation is for many.
    pub email: Option<Email>,
    /// The optional part.
    pub profile: Profile,
    /// The language of mails to the user, if it is known.
    pub locale: Option<Locale>,
    /// Where from.
    pub request: RequestContext,
}

/// Why an invitation is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AcceptInvitationError {
    /// The token is unknown, expired or void. Nothing tells which.
    #[error(transparent)]
    TokenInvalid(#[from] TokenInvalid),
    /// Nobody makes an account here.
    #[error("nobody can register here")]
    Closed,
    /// The invitation is for many, and an account needs an address.
    #[error("an e-mail address is needed")]
    EmailMissing,
    /// The invitation is for another address than the one that was typed.
    #[error("the invitation is for another e-mail address")]
    AnotherEmail,
    /// The invitation is for another address than the caller's account has.
    #[error("the invitation is for the owner of another e-mail address")]
    ForAnother,
    /// An account has the address of the invitation: its owner accepts while logged in.
    #[error("an account has the address of the invitation")]
    AccountExists,
    /// The caller has rights, and the role of the invitation has none.
    #[error("the role of the invitation has fewer rights")]
    FewerRights,
    /// The caller's account has changed meanwhile.
    #[error("the account has changed meanwhile")]
    Stale,
    /// The password is too easy to guess.
    #[error(transparent)]
    Policy(#[from] PolicyViolation),
    /// The name looks like one that is reserved.
    #[error("the user name is reserved")]
    UsernameReserved,
    /// Somebody has the name, or the address that was typed.
    #[error(transparent)]
    Taken(#[from] CreateUserError),
    /// Too many wrong codes.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
    /// No capacity to hash.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

impl From<AcceptError> for AcceptInvitationError {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::TokenInvalid(invalid) => Self::TokenInvalid(invalid),
            AcceptError::Taken(taken) => Self::Taken(taken),
        }
    }
}

impl From<TakeRoleError> for AcceptInvitationError {
    fn from(error: TakeRoleError) -> Self {
        match error {
            TakeRoleError::TokenInvalid(invalid) => Self::TokenInvalid(invalid),
            TakeRoleError::Stale => Self::Stale,
        }
    }
}

/// Makes the account of somebody who was invited, or gives the invitation's role to the caller's
/// account. No other token changes a role.
///
/// Whoever accepts an invitation that was sent to an address has its mailbox, so the account is verified.
/// What is refused leaves the invitation as it is.
#[non_exhaustive]
pub struct AcceptInvitation {
    /// The invitations.
    pub invitations: Arc<dyn InvitationRepository>,
    /// Hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Judges the password.
    pub policy: Arc<dyn PasswordPolicy>,
    /// Counts names and addresses that were tried and are taken.
    pub guard: RegistrationGuard,
    /// Counts wrong codes.
    pub rates: Arc<dyn RateLimiter>,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
    /// Makes the mail that asks to prove an address.
    pub post: Post,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Names that nobody registers, nor one that looks like them.
    pub reserved_names: Arc<[String]>,
    /// Whether accounts are made at all.
    pub mode: RegistrationMode,
    /// Which role has which rights.
    pub roles: Arc<Roles>,
}

impl AcceptInvitation {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { hasher, password_policy, rate_limiter, audit_trail, clock, .. } =
            &ports.required;
        Self {
            invitations: ports.invitations.clone(),
            hasher: hasher.clone(),
            policy: password_policy.clone(),
            guard: RegistrationGuard::new(ports, policy),
            rates: rate_limiter.clone(),
            trail: audit_trail.clone(),
            post: Post::new(ports),
            clock: clock.clone(),
            reserved_names: policy.reserved_names.as_slice().into(),
            mode: policy.registration,
            roles: policy.roles.clone(),
        }
    }

    /// The open invitation of this token. A wrong code is counted, as at accepting it.
    ///
    /// # Errors
    /// [`TokenInvalid`](AcceptInvitationError::TokenInvalid) and
    /// [`TooManyAttempts`](AcceptInvitationError::TooManyAttempts).
    pub async fn look(
        &self,
        token: &OneTimeToken,
        request: RequestContext,
    ) -> Result<Invitation, Error<AcceptInvitationError>> {
        let now = self.clock.now();
        let key = RateKey::WrongInvitation(request.network());
        if token.is_code()
            && let Admission::Refused { retry_after } =
                self.rates.reserve(key, WRONG_CODES, now).await?
        {
            self.note(request, AuditReason::NetworkLimit);
            return Err(Error::Refused(TooManyAttempts { retry_after }.into()));
        }
        let found = self.invitations.find_by_token(&token.digest()).await;
        let found =
            found.map(|found| found.filter(|invitation| invitation.is_open(now, &self.roles)));
        if token.is_code() && !matches!(found, Ok(None)) {
            self.release(key).await;
        }
        found?.ok_or_else(|| {
            self.note(request, AuditReason::InvalidToken);
            Error::Refused(TokenInvalid.into())
        })
    }

    /// Makes an account.
    ///
    /// # Errors
    /// See [`AcceptInvitationError`].
    pub async fn execute(
        &self,
        input: AcceptInvitationInput,
    ) -> Result<User, Error<AcceptInvitationError>> {
        let refused = |error| Err(Error::Refused(error));
        if self.mode == RegistrationMode::Closed {
            return refused(AcceptInvitationError::Closed);
        }
        let AcceptInvitationInput { token, username, password, email, profile, locale, request } =
            input;
        let invitation = self.look(&token, request.clone()).await?;
        let (is_for_one, is_verified) = (invitation.email.is_some(), self.is_proof(&invitation));
        let email = match (invitation.email, email) {
            (Some(invited), Some(typed)) if !invited.is_same_mailbox(&typed) => {
                return refused(AcceptInvitationError::AnotherEmail);
            }
            (None, None) => return refused(AcceptInvitationError::EmailMissing),
            (Some(email), _) | (None, Some(email)) => email,
        };
        if username.looks_like_any(&self.reserved_names) {
            return refused(AcceptInvitationError::UsernameReserved);
        }
        let judged = self.policy.check(&password, username.as_str(), email.as_str());
        judged.map_err(|violation| Error::Refused(violation.into()))?;
        let kind = MailKind::VerifyEmail;
        let mail = if is_verified { None } else { self.post.mail(kind, locale, &request)? };
        let user = NewUser {
            username,
            email,
            hash: self.hasher.hash(&password).await.map_err(Error::cast)?,
            role: invitation.role,
            profile,
            locale,
            is_active: true,
            is_verified,
            mail,
            first_password: None,
            action: AuditAction::InvitationAccepted,
            context: AuditContext::anonymous(self.clock.now(), request.clone()),
        };
        let roles = self.roles.clone();
        let acceptance = Acceptance { digest: token.digest(), user, roles };
        let accept = async { self.invitations.accept(acceptance).await.map_err(Error::cast) };
        let reason = |error: &AcceptInvitationError| match error {
            AcceptInvitationError::Taken(taken) => Some(taken.reason()),
            _ => None,
        };
        match self.guard.run(request.clone(), reason, accept).await {
            Ok(user) => {
                tracing::info!(event = "invitation_accepted", user_id = %user.id);
                Ok(user)
            }
            Err(Error::Refused(AcceptInvitationError::Taken(CreateUserError::EmailTaken)))
                if is_for_one =>
            {
                refused(AcceptInvitationError::AccountExists)
            }
            Err(Error::Refused(error @ AcceptInvitationError::TokenInvalid(_))) => {
                self.note(request, AuditReason::InvalidToken);
                refused(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives the role to the caller's account, and ends its other sessions. A role that the account has
    /// already is no use of the invitation.
    ///
    /// # Errors
    /// See [`AcceptInvitationError`].
    pub async fn execute_as(
        &self,
        caller: &Principal,
        token: &OneTimeToken,
        request: RequestContext,
    ) -> Result<User, Error<AcceptInvitationError>> {
        let refused = |error| Err(Error::Refused(error));
        let invitation = self.look(token, request.clone()).await?;
        let user = &caller.user;
        if !invitation.is_for(&user.email) {
            return refused(AcceptInvitationError::ForAnother);
        }
        let proves_email = self.is_proof(&invitation);
        if user.role == invitation.role && (user.is_verified || !proves_email) {
            return Ok(User::clone(user));
        }
        if !self.roles.covers(invitation.role, user.role) {
            return refused(AcceptInvitationError::FewerRights);
        }
        let acceptance = RoleAcceptance {
            digest: token.digest(),
            user_id: user.id,
            from: user.role,
            to: invitation.role,
            proves_email,
            keep_session: caller.session_id,
            roles: self.roles.clone(),
            context: AuditContext::by(caller, self.clock.now(), request),
        };
        let user = self.invitations.take_role(acceptance).await.map_err(Error::cast)?;
        tracing::info!(event = "invitation_accepted", user_id = %user.id);
        Ok(user)
    }

    /// Whether whoever accepts it has read a mail to its address. Without mails the link came by hand.
    fn is_proof(&self, invitation: &Invitation) -> bool {
        invitation.email.is_some() && self.post.sends_mails()
    }

    async fn release(&self, key: RateKey) {
        if let Err(error) = self.rates.release(key).await {
            // The invitation was found: accept it even if the count could not be released.
            tracing::warn!(error = %Causes(&error), "a failure count was not reset");
        }
    }

    fn note(&self, request: RequestContext, reason: AuditReason) {
        let context = AuditContext::anonymous(self.clock.now(), request);
        self.trail.note(context.event(AuditAction::InvitationFailed).because(reason));
    }
}

#[cfg(test)]
mod tests;
