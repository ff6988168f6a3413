//! The accounts.

use async_trait::async_trait;
use menjin_domain::accounts::{
    self as accounts, AccountChange, AccountRepository, AttributeValue, Authority, ChangePlan,
    ChangeUserError, CreateUserError, Email, Ends, FoundUsers, FullName, LastAdmin, LoginName,
    NewUser, ProfileChanges, Role, SearchTerm, UpdateProfileError, User, UserPage, UserPosition,
    UserQuery, UserSearch, search_form,
};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Error, PageStart, PortError, RequestContext, Timestamp, UserId};
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::import::{Found, ImportBatch, Imported, ReadyRow, RowRefusal, Step};
use menjin_domain::jobs::LeaseGone;
use menjin_domain::one_time::{
    EmailChangeMails, Mailbox, NewAddress, NewOneTimeToken, Purpose, Recipient, Recovery,
};

use super::rows::Account;
use super::store::{State, Store, next_id};

impl Account {
    pub(crate) fn recipient(&self) -> Recipient {
        Recipient {
            user: self.user.clone(),
            version: self.version,
            recovery: self.recovery.clone(),
            reset_after: self.reset_after,
        }
    }

    /// What was decided for the version before is void. So is a pending address.
    pub(crate) fn raise_version(&mut self) {
        self.version.0 += 1;
        self.forget_pending();
    }

    pub(crate) fn forget_pending(&mut self) {
        (self.user.pending_email, self.pending_since) = (None, None);
    }

    pub(crate) fn set_mailbox(&mut self, mailbox: Mailbox, at: Timestamp) {
        self.user.email = mailbox.email;
        self.user.is_verified = mailbox.is_verified;
        self.recovery = mailbox.recovery;
        self.user.updated_at = Some(at);
    }
}

impl State {
    pub(crate) fn find_by_name(&self, name: &LoginName) -> Option<&Account> {
        self.accounts.values().find(|Account { user, .. }| match name {
            LoginName::Username(name) => user.username.canonical() == name,
            LoginName::Email(email) => user.email.canonical() == email,
        })
    }

    /// The account, if it is active and its credentials are of this version.
    pub(crate) fn at_version(
        &mut self,
        id: UserId,
        version: CredentialVersion,
    ) -> Option<&mut Account> {
        let account = self.accounts.get_mut(&id);
        account.filter(|account| account.user.is_active && account.version == version)
    }

    /// Whether another account has this address, or can have it back.
    pub(crate) fn is_anothers(&self, address: &str, but: Option<UserId>, at: Timestamp) -> bool {
        let mut users = self.accounts.values().map(|account| &account.user);
        let mut tokens = self.tokens.values();
        users.any(|user| user.email.canonical() == address && Some(user.id) != but)
            || tokens.any(|token| {
                let NewOneTimeToken { purpose, email, user_id, .. } = &token.made;
                *purpose == Purpose::UndoEmailChange
                    && email == address
                    && Some(*user_id) != but
                    && self.is_live(token, at)
            })
    }

    /// Makes an account, and appends the mail to it. The caller records it.
    pub(crate) fn insert(&mut self, new: NewUser) -> Result<User, Error<CreateUserError>> {
        let name = new.username.canonical();
        if self.accounts.values().any(|account| account.user.username.canonical() == name) {
            return Err(Error::Refused(CreateUserError::UsernameTaken));
        }
        if self.is_anothers(new.email.canonical(), None, new.context.at) {
            return Err(Error::Refused(CreateUserError::EmailTaken));
        }
        let id = next_id(&mut self.last_account)?;
        let user = User {
            id,
            username: new.username,
            email: new.email,
            role: new.role,
            profile: new.profile,
            locale: new.locale,
            pending_email: None,
            ban: None,
            first_password: new.first_password,
            has_factor: false,
            deletes_at: None,
            is_active: new.is_active,
            is_verified: new.is_verified,
            created_at: new.context.at,
            updated_at: None,
            last_login_at: None,
        };
        let account = Account {
            user: user.clone(),
            hash: new.hash,
            version: CredentialVersion(0),
            recovery: Recovery::default(),
            pending_since: None,
            reset_after: None,
            active_before_deletion: true,
            factor: None,
            enrolment: None,
            recovery_codes: Vec::new(),
            passkeys: Vec::new(),
            factor_since: None,
        };
        self.accounts.insert(id, account);
        if let Some(mail) = new.mail {
            self.append(mail, Some(id))?;
        }
        Ok(user)
    }

    /// Gives an account another address, which must be nobody else's, and appends the mails.
    pub(crate) fn change_address(
        &mut self,
        before: &Recipient,
        email: &Email,
        how: NewAddress,
        mails: Option<EmailChangeMails>,
        at: Timestamp,
    ) -> Result<(), PortError> {
        let id = before.user.id;
        if let Some(account) = self.accounts.get_mut(&id) {
            account.set_mailbox(before.with_address(email, how, at), at);
        }
        let Some(mails) = mails else { return Ok(()) };
        let (notice, undo) = mails.of_change(before);
        let notice = self.append(notice, Some(id))?;
        if let Some(undo) = undo {
            self.add_token(NewOneTimeToken { mail: Some(notice), ..undo });
        }
        if let Some(verification) = mails.verification {
            self.append(verification, Some(id))?;
        }
        Ok(())
    }

    fn user(&self, id: UserId) -> Option<User> {
        self.accounts.get(&id).map(|account| account.user.clone())
    }

    /// Writes what is planned for an account, and returns it.
    fn write(&mut self, id: UserId, plan: ChangePlan, at: Timestamp) -> Result<(), PortError> {
        if let Some(account) = self.accounts.get_mut(&id) {
            // The address was changed before, with what belongs to it.
            let moved = (account.user.email.clone(), account.user.is_verified);
            let has_moved = plan.address.is_some();
            account.user = plan.after.user;
            if has_moved {
                (account.user.email, account.user.is_verified) = moved;
            }
            account.active_before_deletion = plan.after.active_before_deletion;
            account.hash = plan.hash.unwrap_or_else(|| account.hash.clone());
            if plan.ends != Ends::Nothing {
                account.raise_version();
            }
        }
        if plan.ends != Ends::Nothing {
            self.end_sessions(id, None, at);
        }
        if plan.ends == Ends::SessionsAndTokens {
            self.void_tokens(id, |_| true);
        }
        if let Some(mail) = plan.mail {
            self.append(mail, Some(id))?;
        }
        Ok(())
    }

    /// Deletes accounts because their time has come, and records that.
    fn delete_all(&mut self, at: Timestamp, which: impl Fn(&Account) -> bool) -> u64 {
        let due = self.accounts.values().filter(|account| which(account));
        let ids: Vec<_> = due.map(|account| account.user.id).collect();
        let context = AuditContext::anonymous(at, RequestContext::local());
        for id in &ids {
            self.delete_account(*id);
            self.record(context.clone().event(AuditAction::AccountDeleted).on(*id));
        }
        ids.len() as u64
    }

    /// Deletes an account with all that is its own. Its records stay.
    pub(crate) fn delete_account(&mut self, id: UserId) {
        self.accounts.remove(&id);
        self.sessions.retain(|_, stored| stored.session.user_id != id);
        self.tokens.retain(|_, token| token.made.user_id != id);
        self.mails.retain(|_, stored| stored.queued.user_id != Some(id));
        self.invitations.retain(|_, stored| stored.invitation.created_by != Some(id));
        self.forget(id);
    }

    /// Changes an account, and tells whether anything of it has changed.
    fn change(
        &mut self,
        id: UserId,
        change: AccountChange,
        authority: &Authority,
    ) -> Result<Option<(User, bool)>, Error<ChangeUserError>> {
        let context = authority.context.clone();
        let refused = |error| Err(Error::Refused(error));
        let Some(found) = self.accounts.get(&id) else { return Ok(None) };
        let (before, active_before_deletion) = (found.recipient(), found.active_before_deletion);
        let account = accounts::Account { user: before.user.clone(), active_before_deletion };
        let plan = change.plan(&account, authority).map_err(Error::Refused)?;
        // Check before the first change: a refusal must change nothing.
        let users = || self.accounts.values().map(|account| &account.user);
        let others = || users().filter(|user| user.id != id);
        if plan.takes_admin && !others().any(|user| user.is_lasting_admin(context.at)) {
            return refused(LastAdmin.into());
        }
        let name = plan.after.user.username.canonical();
        if others().any(|user| user.username.canonical() == name) {
            return refused(ChangeUserError::UsernameTaken);
        }
        if let (Some(email), AccountChange::Edit { profile, .. }) = (&plan.address, change) {
            if self.is_anothers(email.canonical(), Some(id), context.at) {
                return refused(ChangeUserError::EmailTaken);
            }
            let how = NewAddress::Direct { by_password: true };
            self.change_address(&before, email, how, profile.address.mails, context.at)?;
        }
        let changed = plan.changed.clone();
        let was_locked = plan.forgets_failures && self.forget(id);
        let action = plan.action.or(was_locked.then_some(AuditAction::LockoutCleared));
        self.write(id, plan, context.at)?;
        if let Some(action) = action {
            self.record(context.event(action).on(id).changing(changed));
        }
        Ok(self.user(id).map(|user| (user, action.is_some())))
    }

    /// Stores a row of a table. A change that is refused takes those before it back.
    fn import(
        &mut self,
        row: &ReadyRow,
        batch: &ImportBatch,
    ) -> Result<Result<Imported, RowRefusal>, PortError> {
        let id_of = |of: &dyn Fn(&User) -> bool| {
            self.accounts.values().map(|account| &account.user).find(|user| of(user)).map(|u| u.id)
        };
        let (name, email) = (row.username.as_ref(), row.email.as_ref());
        let found = Found {
            by_username: name
                .and_then(|name| id_of(&|user| user.username.canonical() == name.canonical())),
            by_email: email
                .and_then(|email| id_of(&|user| user.email.canonical() == email.canonical())),
        };
        let (id, changes) = match row.step(found, batch.on_conflict) {
            Ok(Step::Change(id, changes)) => (id, changes),
            Ok(Step::Keep(id)) => return Ok(Ok(Imported::Unchanged(id))),
            Err(refusal) => return Ok(Err(refusal)),
            Ok(Step::Create(new)) => {
                return match self.insert(new.clone()) {
                    Ok(user) => {
                        self.record(new.event().on(user.id));
                        Ok(Ok(Imported::Created(user.id)))
                    }
                    Err(Error::Refused(taken)) => Ok(Err(taken.into())),
                    Err(Error::Port(error)) => Err(error),
                };
            }
        };
        let (before, mut imported) = (self.clone(), Imported::Unchanged(id));
        for change in changes {
            match self.change(id, change.clone(), &batch.authority) {
                Ok(None) => return Ok(Err(RowRefusal::NotFound)),
                Ok(Some((_, true))) => imported = Imported::Updated(id),
                Ok(_) => {}
                Err(Error::Refused(refusal)) => {
                    *self = before;
                    return Ok(Err(refusal.into()));
                }
                Err(Error::Port(error)) => return Err(error),
            }
        }
        Ok(Ok(imported))
    }
}

#[async_trait]
impl AccountRepository for Store {
    async fn create(&self, new: NewUser) -> Result<User, Error<CreateUserError>> {
        let (mut state, event) = (self.lock(), new.event());
        let user = state.insert(new)?;
        state.record(event.on(user.id));
        Ok(user)
    }

    async fn find(&self, id: UserId) -> Result<Option<User>, PortError> {
        Ok(self.lock().accounts.get(&id).map(|account| account.user.clone()))
    }

    async fn update_profile(
        &self,
        id: UserId,
        changes: ProfileChanges,
        context: AuditContext,
    ) -> Result<Option<User>, Error<UpdateProfileError>> {
        let (mut state, fields) = (self.lock(), changes.changed_fields());
        let account = state.accounts.get(&id).filter(|account| account.user.is_active);
        let Some(before) = account.map(Account::recipient) else { return Ok(None) };
        // Check before the first change: a refusal must change nothing.
        if let Some(email) = &changes.email
            && !email.is_same_mailbox(&before.user.email)
        {
            let change = changes.address;
            if !change.is_allowed {
                return Err(Error::Refused(UpdateProfileError::AnotherMailbox));
            }
            if state.is_anothers(email.canonical(), Some(id), context.at) {
                return Err(Error::Refused(UpdateProfileError::EmailTaken));
            }
            let how = NewAddress::Direct { by_password: change.by_password };
            state.change_address(&before, email, how, change.mails, context.at)?;
        }
        let Some(Account { user, .. }) = state.accounts.get_mut(&id) else { return Ok(None) };
        // The same mailbox may be written in another way.
        user.email = changes.email.unwrap_or_else(|| user.email.clone());
        changes.full_name.apply_to(&mut user.profile.full_name);
        changes.phone.apply_to(&mut user.profile.phone);
        changes.bio.apply_to(&mut user.profile.bio);
        changes.avatar.apply_to(&mut user.profile.avatar);
        changes.locale.apply_to(&mut user.locale);
        user.updated_at = Some(context.at);
        let user = user.clone();
        state.record(context.event(AuditAction::ProfileUpdated).on(id).changing(fields));
        Ok(Some(user))
    }

    async fn list(&self, query: UserQuery) -> Result<UserPage, PortError> {
        let state = self.lock();
        let users = state.accounts.values().map(|account| &account.user);
        let matching = users.filter(|user| query.role.is_none_or(|role| user.role == role));
        let (skip, after) = match query.start {
            PageStart::Skip(skip) => (skip, None),
            PageStart::After(id) => (0, Some(id)),
        };
        let [skip, limit] = [skip, query.limit].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        let page = matching.clone().filter(|user| after.is_none_or(|id| user.id > id));
        Ok(UserPage {
            total: matching.count() as u64,
            users: page.skip(skip).take(limit).cloned().collect(),
        })
    }

    async fn search(&self, search: UserSearch) -> Result<FoundUsers, PortError> {
        let UserSearch { filter, order, after, limit } = search;
        let state = self.lock();
        let begins = |user: &User, term: &SearchTerm| {
            let full_name = user.profile.full_name.as_ref().map(FullName::as_str);
            let names = [user.username.canonical(), user.email.canonical()];
            let attributes = term.attributes().iter().filter_map(|name| {
                match user.profile.attributes.get(name) {
                    Some(AttributeValue::Text(text)) => Some(text.as_str()),
                    _ => None,
                }
            });
            let mut all = names.into_iter().chain(full_name).chain(attributes);
            all.any(|name| term.begins(&search_form(name)))
        };
        let matches = |user: &&User| {
            filter.term.as_ref().is_none_or(|term| begins(user, term))
                && filter.role.is_none_or(|role| role == user.role)
                && filter.is_active.is_none_or(|is_active| is_active == user.is_active)
                && filter.is_verified.is_none_or(|is_verified| is_verified == user.is_verified)
                && filter.created.contains(Some(user.created_at))
                && filter.last_login.contains(user.last_login_at)
        };
        let users = state.accounts.values().map(|account| &account.user);
        let mut found: Vec<_> = users.filter(matches).cloned().collect();
        let total = found.len() as u64;
        let position = |user: &User| UserPosition::of(user, order.sort);
        found.sort_by_key(position);
        if order.descending {
            found.reverse();
        }
        let is_after = |user: &User| match (&after, order.descending) {
            (None, _) => true,
            (Some(after), false) => position(user) > *after,
            (Some(after), true) => position(user) < *after,
        };
        found.retain(is_after);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let total_is_exact = total <= FoundUsers::COUNTED || filter.of_role_alone().is_some();
        let total = if total_is_exact { total } else { FoundUsers::COUNTED };
        Ok(FoundUsers { users: found, total, total_is_exact })
    }

    async fn change(
        &self,
        id: UserId,
        change: AccountChange,
        authority: Authority,
    ) -> Result<Option<User>, Error<ChangeUserError>> {
        let changed = self.lock().change(id, change, &authority)?;
        Ok(changed.map(|(user, _)| user))
    }

    async fn import(
        &self,
        batch: ImportBatch,
    ) -> Result<Vec<Result<Imported, RowRefusal>>, PortError> {
        let mut state = self.lock();
        let before = (batch.dry_run || batch.progress.is_some()).then(|| state.clone());
        let rows = batch.rows.iter();
        let outcomes: Result<Vec<_>, PortError> =
            rows.map(|row| state.import(row, &batch)).collect();
        let is_kept = match (&batch.progress, &outcomes) {
            (Some(progress), Ok(outcomes)) => state.advance(progress.of(outcomes)?),
            _ => true,
        };
        if let Some(before) = before.filter(|_| batch.dry_run || !is_kept) {
            *state = before;
        }
        if is_kept { outcomes } else { Err(LeaseGone.into()) }
    }

    async fn delete_due(&self, at: Timestamp) -> Result<u64, PortError> {
        Ok(self.lock().delete_all(at, |Account { user, .. }| {
            user.deletes_at.is_some_and(|deletes_at| deletes_at <= at)
        }))
    }

    async fn delete_unverified(
        &self,
        created_before: Timestamp,
        roles: &[Role],
        at: Timestamp,
    ) -> Result<u64, PortError> {
        Ok(self.lock().delete_all(at, |account| {
            let user = &account.user;
            let is_unused = user.last_login_at.is_none() && !account.recipient().is_proved();
            let is_old = user.created_at < created_before;
            is_unused && is_old && user.is_active && roles.contains(&user.role)
        }))
    }
}
