//! Use-case: inviting.

use std::sync::Arc;

use crate::access::rights::InvitationsWrite;
use crate::access::{Allowed, ReauthenticationRequired};
use crate::accounts::Role;
use crate::audit::AuditContext;
use crate::common::{Clock, Error, Locale, PortError, Random, RequestContext, UserId};
use crate::invitations::token::{for_many, for_one};
use crate::invitations::{
    Invitation, InvitationRepository, InvitationTerms, Issued, NewInvitation,
};
use crate::mail::{Link, MailKind, MailSettings, NewMail, Post};
use crate::one_time::{OneTimeToken, Purpose};
use crate::ports::{Policy, Ports, RequiredPorts};

/// Who is invited to what.
#[derive(Debug, Clone)]
pub struct CreateInvitationInput {
    /// The terms.
    pub terms: InvitationTerms,
    /// The language of the mail.
    pub locale: Option<Locale>,
}

/// Why nobody is invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CreateInvitationError {
    /// Whoever invites does not have all rights of the role.
    #[error("nobody may give a role with more rights than their own")]
    RoleForbidden,
    /// The role has rights, and the caller has to give the password again first.
    #[error(transparent)]
    ReauthenticationRequired(#[from] ReauthenticationRequired),
}

/// Makes an invitation, and sends it if it is for an address and mails are sent. No account is made
/// before it is accepted.
#[non_exhaustive]
pub struct CreateInvitation {
    /// The invitations.
    pub invitations: Arc<dyn InvitationRepository>,
    /// Makes links.
    pub links: InvitationLinks,
}

impl CreateInvitation {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        Self { invitations: ports.invitations.clone(), links: InvitationLinks::new(ports, policy) }
    }

    /// For a command that needs nothing else of menjin.
    pub fn standalone(invitations: Arc<dyn InvitationRepository>, links: InvitationLinks) -> Self {
        Self { invitations, links }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`CreateInvitationError`].
    pub async fn execute(
        &self,
        allowed: &Allowed<InvitationsWrite>,
        input: CreateInvitationInput,
    ) -> Result<Issued, Error<CreateInvitationError>> {
        let role = input.terms.role;
        if !allowed.roles().may_grant(allowed.role(), role) {
            return Err(Error::Refused(CreateInvitationError::RoleForbidden));
        }
        check_step_up(role, allowed).map_err(|error| Error::Refused(error.into()))?;
        Ok(self.make(input, Some(allowed.caller()), allowed.context().clone()).await?)
    }

    /// The same for the owner of the machine, who may give any role.
    ///
    /// # Errors
    /// A port failed.
    pub async fn execute_locally(&self, input: CreateInvitationInput) -> Result<Issued, PortError> {
        let context = AuditContext::anonymous(self.links.clock.now(), RequestContext::local());
        self.make(input, None, context).await
    }

    async fn make(
        &self,
        input: CreateInvitationInput,
        created_by: Option<UserId>,
        context: AuditContext,
    ) -> Result<Issued, PortError> {
        let CreateInvitationInput { terms, locale } = input;
        let (token, mail) = self.links.token(&terms, locale, &context)?;
        let digest = token.digest();
        let invitation = NewInvitation { digest, terms, created_by, mail, context };
        let invitation = self.invitations.create(invitation).await?;
        tracing::info!(event = "invitation_created", invitation_id = %invitation.id);
        Ok(self.links.issued(invitation, token))
    }
}

/// An invitation to a role with rights needs a password that was given a short while ago.
pub(super) fn check_step_up(
    role: Role,
    allowed: &Allowed<InvitationsWrite>,
) -> Result<(), ReauthenticationRequired> {
    if allowed.roles().has_any(role) { allowed.check_step_up() } else { Ok(()) }
}

/// Makes the links of invitations, and the mails that they are in.
#[non_exhaustive]
pub struct InvitationLinks {
    /// Makes the mails, and their tokens.
    pub post: Post,
    /// Makes tokens that no mail has.
    pub random: Arc<dyn Random>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where links lead.
    pub settings: MailSettings,
}

impl InvitationLinks {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { random, clock, .. } = &ports.required;
        let settings = policy.mail.clone();
        Self { post: Post::new(ports), random: random.clone(), clock: clock.clone(), settings }
    }

    /// For a command that needs nothing else of menjin.
    pub fn standalone(
        post: Post,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
        settings: MailSettings,
    ) -> Self {
        Self { post, random, clock, settings }
    }

    /// A new token, and the mail that it is in if it is in one.
    pub(super) fn token(
        &self,
        terms: &InvitationTerms,
        locale: Option<Locale>,
        context: &AuditContext,
    ) -> Result<(OneTimeToken, Option<NewMail>), PortError> {
        let Some(email) = &terms.email else { return Ok((for_many(&*self.random)?, None)) };
        let kind = MailKind::Invitation;
        match self.post.with_token(kind, Purpose::Invitation, locale, &context.request)? {
            Some((mail, token)) => {
                let to = Some(email.as_str().to_owned());
                Ok((token, Some(NewMail { to, ..mail })))
            }
            None => Ok((for_one(&*self.random)?, None)),
        }
    }

    /// The invitation with its link.
    pub(super) fn issued(&self, invitation: Invitation, token: OneTimeToken) -> Issued {
        let link = self.settings.link(Purpose::Invitation, token);
        let link = Link { lifetime: invitation.lifetime, ..link };
        Issued { invitation, link }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Roles;
    use crate::access::rights::InvitationsWrite;
    use crate::accounts::Email;
    use crate::common::UserId;
    use crate::invitations::{InvitationId, InvitationTerms, MockInvitationRepository};
    use crate::one_time::OneTimeToken;
    use crate::testing::{self, at};

    /// The invitation as a store returns it.
    fn stored(new: &NewInvitation) -> Invitation {
        let terms = new.terms.clone();
        Invitation {
            id: InvitationId::try_from(7).unwrap(),
            email: terms.email,
            role: terms.role,
            uses: 0,
            max_uses: terms.max_uses,
            lifetime: terms.lifetime,
            created_by: new.created_by,
            inviter: None,
            created_at: new.context.at,
            expires_at: new.context.at + terms.lifetime,
            revoked_at: None,
        }
    }

    async fn invite(post: Post, email: Option<&str>, role: Role) -> (Issued, NewInvitation) {
        let seen = Arc::new(std::sync::Mutex::new(None));
        let mut invitations = MockInvitationRepository::new();
        let made = seen.clone();
        invitations.expect_create().times(1).returning(move |new| {
            let invitation = stored(&new);
            *made.lock().unwrap() = Some(new);
            Ok(invitation)
        });
        let links = InvitationLinks::standalone(
            post,
            testing::random(),
            testing::clock(9),
            MailSettings::new("https://site.example".into()),
        );
        let use_case = CreateInvitation::standalone(Arc::new(invitations), links);
        let email = email.map(|email| Email::parse(email).unwrap());
        let terms = InvitationTerms::new(email, role, None, None, &Roles::default()).unwrap();
        let input = CreateInvitationInput { terms, locale: Some(Locale::En) };
        let allowed = testing::allowed::<InvitationsWrite>(9);
        let issued = use_case.execute(&allowed, input).await.unwrap();
        let new = seen.lock().unwrap().take().unwrap();
        (issued, new)
    }

    #[tokio::test]
    async fn n1_an_invitation_for_an_address_is_sent_and_its_link_is_shown() {
        let (issued, new) = invite(testing::post(9), Some("new@example.com"), Role::ADMIN).await;
        let mail = new.mail.unwrap();
        assert_eq!(mail.kind, MailKind::Invitation);
        assert_eq!((mail.to.as_deref(), mail.locale), (Some("new@example.com"), Some(Locale::En)));
        assert_eq!(new.digest, OneTimeToken::from_bytes(&[7; 32]).digest());
        assert_eq!(issued.link.token.digest(), new.digest);
        assert_eq!(issued.link.page, "https://site.example/account/accept-invitation");
        assert_eq!(new.created_by, UserId::try_from(2).ok());
        assert_eq!(new.context.at, at(9));
    }

    #[tokio::test]
    async fn n1_without_mail_the_link_is_handed_over_by_hand() {
        let off = Post::none(testing::clock(9));
        let (issued, new) = invite(off, Some("new@example.com"), Role::TEACHER).await;
        assert!(new.mail.is_none() && !issued.link.token.is_code());
        assert_eq!(issued.link.token.expose().len(), OneTimeToken::LENGTH);
        assert_eq!(issued.link.token.digest(), new.digest);
    }

    #[tokio::test]
    async fn n3_a_class_gets_a_code_that_can_be_read_aloud() {
        let (issued, new) = invite(testing::post(9), None, Role::STUDENT).await;
        assert!(issued.link.token.is_code() && new.mail.is_none());
        assert_eq!(issued.link.token.digest(), new.digest);
    }
}
