//! Who may use the cache.

use std::str::FromStr;

use crate::access::rights::CacheUse;
use crate::access::{Denied, Guard, Principal};
use crate::common::RequestContext;

/// Who may use the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheAccess {
    /// Everybody.
    Public,
    /// Whoever is logged in.
    Authenticated,
    /// Administrators.
    Superuser,
    /// Nobody, as if there were no cache.
    Off,
}

/// Why the caller may not use the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CacheDenied {
    /// There is no cache for clients.
    #[error("the cache is off")]
    Off,
    /// Log in first.
    #[error("log in to use the cache")]
    Unauthenticated,
    /// Only administrators may.
    #[error(transparent)]
    Denied(#[from] Denied),
}

/// Not the name of a [`CacheAccess`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one of public, authenticated, superuser, off")]
pub struct UnknownAccess;

impl FromStr for CacheAccess {
    type Err = UnknownAccess;

    fn from_str(text: &str) -> Result<Self, UnknownAccess> {
        match text {
            "public" => Ok(Self::Public),
            "authenticated" => Ok(Self::Authenticated),
            "superuser" => Ok(Self::Superuser),
            "off" => Ok(Self::Off),
            _ => Err(UnknownAccess),
        }
    }
}

/// Proof that the caller may use the cache. Only [`CacheAccess::allow`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct CacheAllowed(());

impl CacheAccess {
    /// Returns the proof that the caller may use the cache. If only administrators may, the guard
    /// decides and records a refusal.
    ///
    /// # Errors
    /// The reason why the caller may not.
    pub fn allow(
        self,
        guard: &Guard,
        caller: Option<&Principal>,
        request: RequestContext,
    ) -> Result<CacheAllowed, CacheDenied> {
        match (self, caller) {
            (Self::Off, _) => Err(CacheDenied::Off),
            (Self::Public, _) | (Self::Authenticated, Some(_)) => Ok(CacheAllowed(())),
            (Self::Superuser, Some(caller)) => {
                guard.allow::<CacheUse>(caller, request)?;
                Ok(CacheAllowed(()))
            }
            (Self::Authenticated | Self::Superuser, None) => Err(CacheDenied::Unauthenticated),
        }
    }
}

#[cfg(test)]
impl CacheAllowed {
    /// For unit tests of the use-cases.
    pub(crate) const FOR_TESTS: Self = Self(());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Forbidden;
    use crate::audit::{AuditAction, AuditReason};
    use crate::testing;

    #[test]
    fn each_setting_admits_whom_it_names() {
        let (user, admin) = (testing::principal(), testing::admin());
        let (guard, trail) = testing::guard(9);
        let verdicts = |access: CacheAccess| {
            [None, Some(&user), Some(&admin)]
                .map(|caller| access.allow(&guard, caller, testing::request()).map(|_allowed| ()))
        };
        let (anonymous, denied) =
            (Err(CacheDenied::Unauthenticated), Err(CacheDenied::Denied(Forbidden.into())));
        assert_eq!(verdicts(CacheAccess::Public), [Ok(()), Ok(()), Ok(())]);
        assert_eq!(verdicts(CacheAccess::Authenticated), [anonymous, Ok(()), Ok(())]);
        trail.has([]);
        assert_eq!(verdicts(CacheAccess::Superuser), [anonymous, denied, Ok(())]);
        trail.has([(AuditAction::AccessDenied, AuditReason::NotAdmin)]);
        assert_eq!(verdicts(CacheAccess::Off), [Err(CacheDenied::Off); 3]);
    }
}
