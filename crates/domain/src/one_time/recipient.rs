//! What is known about the mailbox of an account, and what changes it.

use std::time::Duration;

use crate::access::Roles;
use crate::accounts::{Email, User};
use crate::common::Timestamp;
use crate::credentials::CredentialVersion;

/// What is known about the mailbox of an account's owner, beside the address of the account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The address before the current one, for as long as the current one has not taken its place.
    pub address: Option<String>,
    /// Whether the owner had proved that address.
    pub is_verified: bool,
    /// When the current address was proved without the password.
    pub proved_at: Option<Timestamp>,
    /// Whether the current address was set together with the password: once it is proved, it takes
    /// the place of the one before.
    pub by_password: bool,
}

/// The address of an account, and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The address.
    pub email: Email,
    /// Whether the owner has proved it.
    pub is_verified: bool,
    /// The rest.
    pub recovery: Recovery,
}

/// How an account gets another address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewAddress {
    /// At once, and to be proved afterwards.
    Direct {
        /// Whether the password was given, too.
        by_password: bool,
    },
    /// By a link that was sent to it, after the password was given.
    Confirmed,
}

/// For how long an address that was proved without the password does not receive what opens the
/// account: the owner of the address before has this time to undo the change.
pub const UNDO_TIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// For how long no link to a new password is sent after a change of the address was undone: whoever has
/// got hold of the old mailbox must not get the account by it before its owner has seen the mails about
/// it.
pub const RESET_DELAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Whom a mail goes to, read in one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The account.
    pub user: User,
    /// The version of its credentials.
    pub version: CredentialVersion,
    /// What is known about its mailbox.
    pub recovery: Recovery,
    /// Until then no link to a new password is sent.
    pub reset_after: Option<Timestamp>,
}

impl Recipient {
    /// The recovery address: the last one that was proved together with the password, or long enough
    /// ago; before any was, the one of the registration. Whoever takes over a session can change the
    /// address of the account, and must not get its next password there.
    pub fn recovery_address(&self, now: Timestamp) -> &str {
        match &self.recovery.address {
            Some(before) if !self.is_settled(now) => before,
            _ => self.user.email.as_str(),
        }
    }

    /// Whether the address was proved without the password so long ago that it counts as if it had
    /// been proved with it.
    fn is_settled(&self, now: Timestamp) -> bool {
        let is_old = self.recovery.proved_at.is_some_and(|proved| proved + UNDO_TIME <= now);
        self.user.is_verified && is_old
    }

    /// The mailbox with another address.
    pub fn with_address(&self, email: &Email, how: NewAddress, now: Timestamp) -> Mailbox {
        let email = email.clone();
        let by_password = match how {
            NewAddress::Direct { by_password } => by_password,
            NewAddress::Confirmed => {
                return Mailbox { email, is_verified: true, recovery: Recovery::default() };
            }
        };
        let (address, is_verified) = match &self.recovery.address {
            Some(before) if !self.is_settled(now) => (before.clone(), self.recovery.is_verified),
            _ => (self.user.email.as_str().to_owned(), self.user.is_verified),
        };
        let recovery =
            Recovery { address: Some(address), is_verified, proved_at: None, by_password };
        Mailbox { email, is_verified: false, recovery }
    }

    /// The mailbox once its owner has posted the link that was sent to it.
    pub fn with_proof(&self, with_password: bool, now: Timestamp) -> Mailbox {
        let recovery = if with_password || self.recovery.by_password {
            Recovery::default()
        } else if self.user.is_verified {
            self.recovery.clone()
        } else {
            Recovery { proved_at: Some(now), ..self.recovery.clone() }
        };
        Mailbox { email: self.user.email.clone(), is_verified: true, recovery }
    }

    /// The mailbox once a change is undone that took this address away. An address that was never
    /// the recovery address does not become it by being given back.
    pub fn with_address_back(&self, email: &Email, now: Timestamp) -> Mailbox {
        let recovery = match &self.recovery.address {
            Some(before) if before != email.as_str() => {
                Recovery { proved_at: Some(now), by_password: false, ..self.recovery.clone() }
            }
            _ => Recovery::default(),
        };
        Mailbox { email: email.clone(), is_verified: true, recovery }
    }

    /// Whether the owner has ever proved an address of the account.
    pub fn is_proved(&self) -> bool {
        self.user.is_verified || self.recovery.is_verified
    }

    /// Where a new password may be sent to: the recovery address of an active account. Not to an
    /// address that nobody has proved, if the account has rights.
    pub fn reset_address(&self, now: Timestamp, roles: &Roles) -> Option<&str> {
        let has_rights = roles.has_any(self.user.role);
        let may = self.user.is_active_at(now) && (self.is_proved() || !has_rights);
        may.then(|| self.recovery_address(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Role;
    use crate::testing::{self, at};

    fn recipient(is_verified: bool, recovery: Recovery) -> Recipient {
        let email = Email::parse("new@example.com").unwrap();
        let user = User { email, is_verified, ..testing::user() };
        Recipient { user, version: CredentialVersion(0), recovery, reset_after: None }
    }

    #[test]
    fn w4_the_recovery_address_is_the_last_that_was_proved() {
        let before = |is_verified, proved_at| Recovery {
            address: Some("old@example.com".into()),
            is_verified,
            proved_at,
            by_password: false,
        };
        let week = 7 * 86_400;
        for (is_verified, recovery, now, expected) in [
            (false, Recovery::default(), 0, "new@example.com"),
            (true, Recovery::default(), 0, "new@example.com"),
            // Changed, and not proved: whatever the time.
            (false, before(true, None), 2 * week, "old@example.com"),
            (false, before(false, None), 2 * week, "old@example.com"),
            // Changed, and proved without the password.
            (true, before(true, Some(at(0))), week - 1, "old@example.com"),
            (true, before(true, Some(at(0))), week, "new@example.com"),
            // Changed again since.
            (false, before(true, Some(at(0))), week, "old@example.com"),
        ] {
            let told = format!("{is_verified} {recovery:?} {now}");
            let recipient = recipient(is_verified, recovery);
            assert_eq!(recipient.recovery_address(at(now)), expected, "{told}");
        }
    }

    #[test]
    fn w4_an_account_with_rights_is_not_reset_on_an_address_that_nobody_proved() {
        let with = |role, is_verified, recovery_is_verified, is_active| {
            let recovery = Recovery { is_verified: recovery_is_verified, ..Recovery::default() };
            let mut recipient = recipient(is_verified, recovery);
            recipient.user.role = role;
            recipient.user.is_active = is_active;
            recipient.reset_address(at(0), &Roles::default()).is_some()
        };
        assert!(with(Role::STUDENT, false, false, true));
        assert!(!with(Role::ADMIN, false, false, true));
        assert!(with(Role::ADMIN, true, false, true));
        assert!(with(Role::ADMIN, false, true, true));
        assert!(!with(Role::STUDENT, true, true, false));
    }

    /// One account through its changes: where new passwords go after each step.
    struct Owner(Recipient);

    impl Owner {
        fn take(&mut self, mailbox: Mailbox) {
            let Mailbox { email, is_verified, recovery } = mailbox;
            (self.0.user.email, self.0.user.is_verified, self.0.recovery) =
                (email, is_verified, recovery);
        }

        fn change(&mut self, to: &str, how: NewAddress, now: i64) {
            let email = Email::parse(to).unwrap();
            self.take(self.0.with_address(&email, how, at(now)));
        }

        fn prove(&mut self, with_password: bool, now: i64) {
            self.take(self.0.with_proof(with_password, at(now)));
        }

        fn undo(&mut self, to: &str, now: i64) {
            self.take(self.0.with_address_back(&Email::parse(to).unwrap(), at(now)));
        }

        fn resets_go_to(&self, now: i64) -> &str {
            self.0.recovery_address(at(now))
        }
    }

    const DIRECT: NewAddress = NewAddress::Direct { by_password: false };
    const WEEK: i64 = 7 * 86_400;

    fn owner_of(address: &str) -> Owner {
        let mut owner = Owner(recipient(true, Recovery::default()));
        owner.0.user.email = Email::parse(address).unwrap();
        owner
    }

    #[test]
    fn q3_without_the_password_another_address_gets_no_new_passwords_for_a_week() {
        let mut owner = owner_of("a@example.com");
        owner.change("b@example.com", DIRECT, 0);
        assert!(!owner.0.user.is_verified);
        assert_eq!(owner.resets_go_to(2 * WEEK), "a@example.com", "b was not proved");
        owner.prove(false, 10);
        assert_eq!(owner.resets_go_to(10 + WEEK - 1), "a@example.com");
        assert_eq!(owner.resets_go_to(10 + WEEK), "b@example.com");
        // Proving it once more does not begin another week.
        owner.prove(false, WEEK);
        assert_eq!(owner.resets_go_to(10 + WEEK), "b@example.com");
        // A change within the week keeps the first, one after it the second.
        owner.change("c@example.com", DIRECT, WEEK);
        assert_eq!(owner.resets_go_to(3 * WEEK), "a@example.com");
        owner.undo("b@example.com", WEEK);
        owner.change("c@example.com", DIRECT, 3 * WEEK);
        assert_eq!(owner.resets_go_to(3 * WEEK), "b@example.com");
    }

    #[test]
    fn q3_with_the_password_it_gets_them_as_soon_as_it_is_proved() {
        let by_password = NewAddress::Direct { by_password: true };
        let mut before = owner_of("a@example.com");
        before.change("b@example.com", by_password, 0);
        assert_eq!(before.resets_go_to(1), "a@example.com");
        before.prove(false, 10);
        assert_eq!(before.resets_go_to(10), "b@example.com");

        let mut after = owner_of("a@example.com");
        after.change("b@example.com", DIRECT, 0);
        after.prove(true, 10);
        assert_eq!(after.resets_go_to(10), "b@example.com");

        let mut confirmed = owner_of("a@example.com");
        confirmed.change("b@example.com", NewAddress::Confirmed, 0);
        assert!(confirmed.0.user.is_verified);
        assert_eq!(confirmed.resets_go_to(0), "b@example.com");

        // What the password was given for is this one address.
        before.change("c@example.com", by_password, 20);
        before.change("d@example.com", DIRECT, 30);
        before.prove(false, 40);
        assert_eq!(before.resets_go_to(41), "b@example.com");
    }

    #[test]
    fn q4_an_address_that_is_given_back_is_what_it_was_before() {
        let mut owner = owner_of("a@example.com");
        owner.change("b@example.com", NewAddress::Confirmed, 0);
        owner.undo("a@example.com", 10);
        assert!(owner.0.user.is_verified);
        assert_eq!(
            (owner.resets_go_to(10), &owner.0.recovery),
            ("a@example.com", &Recovery::default())
        );

        let mut direct = owner_of("a@example.com");
        direct.change("b@example.com", DIRECT, 0);
        direct.undo("a@example.com", 10);
        assert_eq!(direct.0.recovery, Recovery::default());

        // Whoever has a session only changes the address twice and takes back the second change: that
        // must not make the first one good.
        let mut taken = owner_of("a@example.com");
        taken.change("b@example.com", DIRECT, 0);
        taken.prove(false, 1);
        taken.change("c@example.com", DIRECT, 2);
        taken.undo("b@example.com", 3);
        assert_eq!(taken.resets_go_to(3 + WEEK - 1), "a@example.com");
        taken.undo("a@example.com", 4);
        assert_eq!(taken.resets_go_to(4), "a@example.com");
    }
}
