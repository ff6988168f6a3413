//! What an invitation is, and until when it is one.

use std::fmt;
use std::time::Duration;

use crate::access::Roles;
use crate::access::rights::RightId;
use crate::accounts::{Email, Role};
use crate::audit::AuditContext;
use crate::common::{Timestamp, UserId};
use crate::mail::NewMail;
use crate::one_time::TokenDigest;

/// The id of an invitation: 1 to 2⁶³ − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvitationId(i64);

/// The number is not a possible id of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id of an invitation is an integer from 1 to 2^63 - 1")]
pub struct InvalidInvitationId;

impl InvitationId {
    /// The id as stores and clients see it.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for InvitationId {
    type Error = InvalidInvitationId;

    fn try_from(id: i64) -> Result<Self, InvalidInvitationId> {
        if id >= 1 { Ok(Self(id)) } else { Err(InvalidInvitationId) }
    }
}

impl fmt::Display for InvitationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What becomes of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvitationState {
    /// It can be accepted.
    Open,
    /// It was accepted as often as it may be.
    Used,
    /// Its time is over. A new link gives it another.
    Expired,
    /// It was revoked.
    Revoked,
    /// Whoever made it may no longer invite, or not to this role; or there is no such role any more.
    Void,
}

impl InvitationState {
    /// One of each.
    pub const ALL: [Self; 5] = [Self::Open, Self::Used, Self::Expired, Self::Revoked, Self::Void];

    /// The name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Void => "void",
        }
    }
}

/// Whoever made an invitation, as they are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inviter {
    /// Whether the account is active.
    pub is_active: bool,
    /// Until when they are banned, which may be over.
    pub banned_until: Option<Timestamp>,
    /// What they may do.
    pub role: Role,
}

impl Inviter {
    /// Whether they may give this role to somebody: none that has rights that they do not have.
    pub fn may_invite_to(&self, role: Role, now: Timestamp, roles: &Roles) -> bool {
        let is_active = self.is_active && self.banned_until.is_none_or(|until| until <= now);
        let may_invite = roles.grants(self.role, RightId::InvitationsWrite);
        is_active && may_invite && roles.may_grant(self.role, role)
    }
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The id.
    pub id: InvitationId,
    /// Who is invited; `None`: whoever has the code.
    pub email: Option<Email>,
    /// The role of whoever accepts it.
    pub role: Role,
    /// How often it was accepted.
    pub uses: u32,
    /// How often it may be.
    pub max_uses: u32,
    /// For how long each of its links works.
    pub lifetime: Duration,
    /// Who made it; `None`: the owner of the machine.
    pub created_by: Option<UserId>,
    /// How they are now.
    pub inviter: Option<Inviter>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The first moment at which its link does not work.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Invitation {
    /// What becomes of it at this moment, with these roles.
    pub fn state(&self, now: Timestamp, roles: &Roles) -> InvitationState {
        if self.revoked_at.is_some() {
            InvitationState::Revoked
        } else if self.uses >= self.max_uses {
            InvitationState::Used
        } else if !roles.knows(self.role)
            || self.inviter.is_some_and(|inviter| !inviter.may_invite_to(self.role, now, roles))
        {
            InvitationState::Void
        } else if self.expires_at <= now {
            InvitationState::Expired
        } else {
            InvitationState::Open
        }
    }

    /// Whether it can be accepted at this moment.
    pub fn is_open(&self, now: Timestamp, roles: &Roles) -> bool {
        self.state(now, roles) == InvitationState::Open
    }

    /// Whether somebody with this address is invited.
    pub fn is_for(&self, email: &Email) -> bool {
        self.email.as_ref().is_none_or(|invited| invited.is_same_mailbox(email))
    }

    /// Whether a new link can be made for it.
    pub fn is_renewable(&self, now: Timestamp, roles: &Roles) -> bool {
        matches!(self.state(now, roles), InvitationState::Open | InvitationState::Expired)
    }
}

/// To what somebody is invited, how many, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationTerms {
    /// Who is invited; `None`: whoever has the code.
    pub email: Option<Email>,
    /// The role of whoever accepts it.
    pub role: Role,
    /// How often it may be accepted.
    pub max_uses: u32,
    /// For how long each of its links works.
    pub lifetime: Duration,
}

/// What is wrong with the terms of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// A role with rights is given to an address only.
    #[error("a role with rights is given by e-mail address only")]
    NeedsEmail,
    /// An invitation for an address is accepted once.
    #[error("an invitation for an address is for one")]
    ForOne,
    /// It would live too long, or not at all.
    #[error("an invitation lives from a minute to {} days", .max.as_secs() / 86_400)]
    BadLifetime {
        /// The longest life that it may have.
        max: Duration,
    },
    /// Nobody, or too many, could accept it.
    #[error("an invitation is for 1 to {} people", InvitationTerms::MAX_USES)]
    BadUses,
}

impl InvitationTerms {
    /// The most people that one invitation is for.
    pub const MAX_USES: u32 = 10_000;
    /// The shortest life.
    pub const MIN_LIFETIME: Duration = Duration::from_secs(60);
    /// The longest life.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);
    /// The longest life of one to a role with rights.
    pub const MAX_LIFETIME_WITH_RIGHTS: Duration = Duration::from_secs(72 * 60 * 60);

    /// The longest life of an invitation to this role.
    pub fn max_lifetime(role: Role, roles: &Roles) -> Duration {
        if roles.has_any(role) { Self::MAX_LIFETIME_WITH_RIGHTS } else { Self::MAX_LIFETIME }
    }

    /// These terms, if they make sense. Without a lifetime: a week, or as long as the role allows.
    /// Without a number of uses: one for an address.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(
        email: Option<Email>,
        role: Role,
        max_uses: Option<u32>,
        lifetime: Option<Duration>,
        roles: &Roles,
    ) -> Result<Self, TermsError> {
        const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
        let max = Self::max_lifetime(role, roles);
        let lifetime = lifetime.unwrap_or(WEEK.min(max));
        if !(Self::MIN_LIFETIME..=max).contains(&lifetime) {
            return Err(TermsError::BadLifetime { max });
        }
        let max_uses = match (&email, max_uses) {
            (None, _) if roles.has_any(role) => return Err(TermsError::NeedsEmail),
            (Some(_), Some(uses)) if uses != 1 => return Err(TermsError::ForOne),
            (_, None) => 1,
            (_, Some(uses)) => uses,
        };
        if !(1..=Self::MAX_USES).contains(&max_uses) {
            return Err(TermsError::BadUses);
        }
        Ok(Self { email, role, max_uses, lifetime })
    }
}

/// An invitation to be made.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// What its token is known by.
    pub digest: TokenDigest,
    /// What it is to.
    pub terms: InvitationTerms,
    /// Who makes it; `None`: the owner of the machine.
    pub created_by: Option<UserId>,
    /// The mail with its link.
    pub mail: Option<NewMail>,
    /// Who acts, when and from where.
    pub context: AuditContext,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    fn invitation() -> Invitation {
        Invitation {
            id: InvitationId(7),
            email: None,
            role: Role::STUDENT,
            uses: 2,
            max_uses: 3,
            lifetime: Duration::from_secs(60),
            created_by: None,
            inviter: Some(Inviter { is_active: true, banned_until: None, role: Role::ADMIN }),
            created_at: at(0),
            expires_at: at(60),
            revoked_at: None,
        }
    }

    #[test]
    fn n2_n3_an_invitation_is_open_until_it_is_used_up_over_revoked_or_void() {
        use InvitationState::{Expired, Open, Revoked, Used, Void};
        let of = |inviter| Invitation { inviter, ..invitation() };
        let may = |is_active, role| Some(Inviter { is_active, banned_until: None, role });
        let banned_until = |seconds| {
            Some(Inviter { is_active: true, banned_until: Some(at(seconds)), role: Role::ADMIN })
        };
        let roles = Roles::default();
        let gone = "gone".parse().unwrap();
        for (invitation, now, expected) in [
            (invitation(), 59, Open),
            (invitation(), 60, Expired),
            (Invitation { uses: 3, ..invitation() }, 60, Used),
            (Invitation { revoked_at: Some(at(1)), ..invitation() }, 5, Revoked),
            (of(None), 5, Open),
            (of(may(false, Role::ADMIN)), 5, Void),
            (of(may(true, Role::TEACHER)), 5, Void),
            (of(banned_until(6)), 5, Void),
            (of(banned_until(5)), 5, Open),
            (Invitation { role: gone, ..of(None) }, 5, Void),
        ] {
            let told = format!("{invitation:?} at {now}");
            assert_eq!(invitation.state(at(now), &roles), expected, "{told}");
            assert_eq!(
                invitation.is_renewable(at(now), &roles),
                matches!(expected, Open | Expired)
            );
        }
    }

    #[test]
    fn n4_a_role_with_rights_is_given_to_an_address_for_three_days() {
        let ann = || Email::parse("ann@example.com").ok();
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        let terms = |email, role, uses, lifetime| {
            InvitationTerms::new(email, role, uses, lifetime, &Roles::default())
        };
        let of_admin = terms(ann(), Role::ADMIN, None, None).unwrap();
        assert_eq!((of_admin.max_uses, Some(of_admin.lifetime)), (1, hours(72)));
        assert!(terms(ann(), Role::ADMIN, Some(1), hours(72)).is_ok());
        let max = InvitationTerms::MAX_LIFETIME_WITH_RIGHTS;
        for (email, uses, lifetime, expected) in [
            (None, None, None, TermsError::NeedsEmail),
            (ann(), Some(2), None, TermsError::ForOne),
            (ann(), None, hours(73), TermsError::BadLifetime { max }),
        ] {
            assert_eq!(terms(email, Role::ADMIN, uses, lifetime), Err(expected));
        }
        let class = terms(None, Role::STUDENT, Some(30), None).unwrap();
        assert_eq!((class.max_uses, Some(class.lifetime)), (30, hours(7 * 24)));
        assert_eq!(terms(None, Role::STUDENT, Some(0), None), Err(TermsError::BadUses));
        assert_eq!(terms(None, Role::STUDENT, Some(10_001), None), Err(TermsError::BadUses));
        let too_short = terms(None, Role::STUDENT, None, Some(Duration::from_secs(59)));
        assert!(matches!(too_short, Err(TermsError::BadLifetime { .. })));
    }

    #[test]
    fn n4_nobody_gives_rights_that_they_do_not_have() {
        let may = |is_active, of, to| {
            let inviter = Inviter { is_active, banned_until: None, role: of };
            inviter.may_invite_to(to, at(0), &Roles::default())
        };
        assert!(may(true, Role::ADMIN, Role::ADMIN) && may(true, Role::ADMIN, Role::STUDENT));
        assert!(!may(false, Role::ADMIN, Role::STUDENT));
        for role in [Role::STUDENT, Role::TEACHER, Role::ADMIN] {
            assert!(!may(true, Role::TEACHER, role));
        }
    }
}
