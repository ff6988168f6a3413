//! Use-case: changing many accounts at once.

use std::sync::Arc;

use crate::access::rights::{RightId, UsersWrite};
use crate::access::{Allowed, Denied, Forbidden};
use crate::accounts::batch_spec::BatchSpec;
use crate::accounts::change_user::check_grant;
use crate::accounts::{
    AccountChange, Authority, Ban, ChangeUser, ManageUserError, Role, UserFilter, UserOrder,
    UserPosition, UserSearch,
};
use crate::audit::{AuditAction, AuditContext, AuditReason};
use crate::common::{Error, PortError, Sealer, UserId};
use crate::import::{ImportBatch, Imported, OnConflict, ReadyRow, RowRefusal};
use crate::jobs::{
    Job, JobId, JobInProgress, JobKind, JobRepository, JobSealer, JobState, NewJob, RecordProgress,
};
use crate::ports::{Policy, Ports};
use crate::sessions::{SessionQuery, SessionRepository};

/// What is done to each account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchAction {
    /// See [`AccountChange::Activate`].
    Activate,
    /// See [`AccountChange::Deactivate`].
    Deactivate,
    /// See [`AccountChange::Ban`].
    Ban(Ban),
    /// See [`AccountChange::Delete`].
    Delete,
    /// See [`AccountChange::SetRole`].
    SetRole(Role),
    /// All sessions end.
    EndSessions,
}

impl BatchAction {
    /// The right that it needs.
    pub(super) fn right(&self) -> RightId {
        match self {
            Self::Activate | Self::Deactivate => RightId::UsersWrite,
            Self::Ban(_) => RightId::UsersBan,
            Self::Delete => RightId::UsersDelete,
            Self::SetRole(_) => RightId::RolesGrant,
            Self::EndSessions => RightId::SessionsEnd,
        }
    }
}

/// Whose accounts are changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchOf {
    /// Those of these ids.
    Ids(Vec<UserId>),
    /// Those that match.
    Filter(Box<UserFilter>),
}

/// What is to be done to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchInput {
    /// To whom.
    pub of: BatchOf,
    /// What.
    pub action: BatchAction,
    /// Whether it is only to be seen what would be done.
    pub dry_run: bool,
}

/// More accounts than are changed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no more than {} users at once", ChangeUsers::MAX)]
pub struct TooManyUsers;

/// What was done, or will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangedUsers {
    /// It was done: of each account, in the order of the ids.
    Done(Vec<BatchResult>),
    /// They are many: a job does it.
    Job(JobId),
}

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeUsersError {
    /// The caller does not have the right of the action, or has to give the password again first.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The caller may not give the role, or there is none such.
    #[error(transparent)]
    Role(#[from] ManageUserError),
    /// The filter finds more.
    #[error(transparent)]
    TooMany(#[from] TooManyUsers),
    /// They are so many that a job would do it, and the caller has one that is not done.
    #[error(transparent)]
    InProgress(#[from] JobInProgress),
}

/// What has become of an account, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchResult {
    /// The account.
    pub id: UserId,
    /// Whether it was changed, or why not.
    pub outcome: Result<bool, RowRefusal>,
}

/// Changes accounts together, each as it would be changed by itself: one that is refused stops no other.
#[derive(Clone)]
#[non_exhaustive]
pub struct ChangeUsers {
    /// Changes one account.
    pub change: ChangeUser,
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// Does what is much.
    pub jobs: Arc<dyn JobRepository>,
    /// Seals what jobs are to do.
    pub sealer: Arc<dyn Sealer>,
}

impl ChangeUsers {
    /// How many accounts are changed at most.
    pub const MAX: usize = 10_000;

    /// How many are changed at once. More are a job.
    pub const AT_ONCE: usize = 100;

    /// How many are looked for at once.
    const PAGE: u64 = 1000;

    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let (jobs, sealer) = (ports.jobs.repository.clone(), ports.jobs.sealer.clone());
        let sessions = ports.required.sessions.clone();
        Self { change: ChangeUser::new(ports, policy), sessions, jobs, sealer }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`ChangeUsersError`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersWrite>,
        input: BatchInput,
    ) -> Result<ChangedUsers, Error<ChangeUsersError>> {
        self.check(allowed, &input.action)?;
        let ids = self.ids(input.of).await?;
        if ids.len() > Self::AT_ONCE {
            let spec = BatchSpec::new(&ids, &input.action, input.dry_run, allowed.context());
            let (maker, now) = (allowed.caller(), allowed.context().at);
            let sealer = JobSealer::of(&self.sealer, maker, now);
            let new = NewJob {
                kind: JobKind::Batch,
                maker,
                state: JobState::Running,
                spec: sealer.seal("spec", &spec)?,
                input: Vec::new(),
                created_at: now,
                expires_at: now + Job::KEPT,
            };
            let id = self.jobs.create(new).await.map_err(Error::cast::<ChangeUsersError>)?;
            return Ok(ChangedUsers::Job(id));
        }
        let done =
            self.apply(&allowed.authority(), &ids, &input.action, input.dry_run, None).await?;
        Ok(ChangedUsers::Done(done))
    }

    /// Does it to these accounts. What becomes of them is recorded as progress of a job in the same change,
    /// but not if sessions end, which is done one by one, nor in a dry run.
    pub(super) async fn apply(
        &self,
        authority: &Authority,
        ids: &[UserId],
        action: &BatchAction,
        dry_run: bool,
        progress: Option<RecordProgress>,
    ) -> Result<Vec<BatchResult>, PortError> {
        if *action == BatchAction::EndSessions {
            return self.end_sessions(authority, ids, dry_run).await;
        }
        let rows = ids.iter().map(|id| {
            let changes = self.change_of_one(authority, action)?.into_iter().collect();
            let (username, email, create) = (None, None, None);
            Ok(ReadyRow { id: Some(*id), username, email, create, changes })
        });
        let batch = ImportBatch {
            rows: rows.collect::<Result<_, PortError>>()?,
            on_conflict: OnConflict::Update,
            dry_run,
            authority: authority.clone(),
            progress,
        };
        let results = results(ids, &self.change.accounts.import(batch).await?);
        if !dry_run {
            self.record_failures(&authority.context, &results);
            if *action == BatchAction::Delete {
                self.change.delete_at_once(authority.context.at).await?;
            }
            let by = authority.context.actor.map(UserId::get);
            tracing::info!(event = "users_changed", by, users = results.len());
        }
        Ok(results)
    }

    /// Whether the caller may do this to anybody.
    fn check(
        &self,
        allowed: &Allowed<UsersWrite>,
        action: &BatchAction,
    ) -> Result<(), Error<ChangeUsersError>> {
        let denied = |denied: Denied| Error::Refused(denied.into());
        if !allowed.has(action.right()) {
            let event = allowed.context().clone().event(AuditAction::AccessDenied);
            self.change.trail.note(event.because(AuditReason::NotAdmin));
            return Err(denied(Forbidden.into()));
        }
        allowed.check_step_up().map_err(|error| denied(error.into()))?;
        if let BatchAction::SetRole(role) = action {
            check_grant(*role, allowed).map_err(Error::cast)?;
        }
        Ok(())
    }

    /// Each account once.
    async fn ids(&self, of: BatchOf) -> Result<Vec<UserId>, Error<ChangeUsersError>> {
        let mut ids = match of {
            BatchOf::Ids(ids) => ids,
            BatchOf::Filter(filter) => self.matching(*filter).await?,
        };
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > Self::MAX { Err(Error::Refused(TooManyUsers.into())) } else { Ok(ids) }
    }

    /// The accounts that match, in pages; not many more than there may be.
    async fn matching(&self, filter: UserFilter) -> Result<Vec<UserId>, PortError> {
        let filter = filter.in_attributes(&self.change.attributes);
        let order = UserOrder::of(None, &filter).unwrap_or_default();
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let search = UserSearch { filter: filter.clone(), order, after, limit: Self::PAGE };
            let users = self.change.accounts.search(search).await?.users;
            after = users.last().map(|user| UserPosition::of(user, order.sort));
            ids.extend(users.iter().map(|user| user.id));
            if (users.len() as u64) < Self::PAGE || ids.len() > Self::MAX {
                return Ok(ids);
            }
        }
    }

    /// The change of one account, with its own mail.
    fn change_of_one(
        &self,
        authority: &Authority,
        action: &BatchAction,
    ) -> Result<Option<AccountChange>, PortError> {
        Ok(Some(match action {
            BatchAction::Activate => AccountChange::Activate,
            BatchAction::Deactivate => AccountChange::Deactivate,
            BatchAction::Ban(ban) => AccountChange::Ban(ban.clone()),
            BatchAction::SetRole(role) => AccountChange::SetRole(*role),
            BatchAction::Delete => self.change.deletion(&authority.context)?,
            BatchAction::EndSessions => return Ok(None),
        }))
    }

    fn record_failures(&self, context: &AuditContext, results: &[BatchResult]) {
        for result in results {
            if let Err(RowRefusal::Change(error)) = result.outcome {
                let event = context.clone().event(AuditAction::UserChangeFailed);
                self.change.trail.note(event.on(result.id).because(error.reason()));
            }
        }
    }

    async fn end_sessions(
        &self,
        authority: &Authority,
        ids: &[UserId],
        dry_run: bool,
    ) -> Result<Vec<BatchResult>, PortError> {
        let mut results = Vec::with_capacity(ids.len());
        for id in ids.iter().copied() {
            let outcome = match self.change.accounts.find(id).await? {
                None => Err(RowRefusal::NotFound),
                Some(user) if dry_run => {
                    let (user_id, at) = (id, authority.context.at);
                    let query = SessionQuery { user_id, at, after: None, limit: 1 };
                    let (_, live) = self.sessions.list_live(query).await?;
                    let reach = authority.reach.check(user.role);
                    reach.map(|()| live > 0).map_err(|error| RowRefusal::Change(error.into()))
                }
                Some(_) => match self.sessions.revoke_all(id, None, authority.clone()).await {
                    Ok(ended) => Ok(ended > 0),
                    Err(Error::Refused(error)) => Err(RowRefusal::Change(error.into())),
                    Err(Error::Port(error)) => return Err(error),
                },
            };
            results.push(BatchResult { id, outcome });
        }
        Ok(results)
    }
}

/// What has become of these accounts.
pub(super) fn results(
    ids: &[UserId],
    outcomes: &[Result<Imported, RowRefusal>],
) -> Vec<BatchResult> {
    let is_changed = |imported| matches!(imported, Imported::Updated(_));
    let outcomes = outcomes.iter().map(|outcome| outcome.map(is_changed));
    ids.iter().zip(outcomes).map(|(id, outcome)| BatchResult { id: *id, outcome }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::access::{OutOfReach, ReauthenticationRequired};
    use crate::accounts::{ChangeUserError, FoundUsers, MockAccountRepository, User};
    use crate::common::NoSealer;
    use crate::jobs::NoJobs;
    use crate::sessions::MockSessionRepository;
    use crate::testing::{self, Trail};

    fn id(id: i64) -> UserId {
        UserId::try_from(id).unwrap()
    }

    fn use_case(
        accounts: MockAccountRepository,
        sessions: MockSessionRepository,
    ) -> (ChangeUsers, Arc<Trail>) {
        let trail = Arc::new(Trail::default());
        let (accounts, grace) = (Arc::new(accounts), Duration::from_secs(60));
        let change = ChangeUsers {
            change: ChangeUser::standalone(accounts, testing::post(9), trail.clone(), grace),
            sessions: Arc::new(sessions),
            jobs: Arc::new(NoJobs),
            sealer: Arc::new(NoSealer),
        };
        (change, trail)
    }

    fn done_at_once(done: Result<ChangedUsers, Error<ChangeUsersError>>) -> Vec<BatchResult> {
        let Ok(ChangedUsers::Done(results)) = done else { panic!("{done:?}") };
        results
    }

    fn input(ids: &[i64], action: BatchAction) -> BatchInput {
        let ids = ids.iter().map(|number| id(*number)).collect();
        BatchInput { of: BatchOf::Ids(ids), action, dry_run: false }
    }

    #[tokio::test]
    async fn a11_each_account_is_changed_once_and_a_refusal_is_recorded() {
        let mut accounts = MockAccountRepository::new();
        accounts
            .expect_import()
            .withf(|batch| {
                let ids: Vec<_> = batch.rows.iter().map(|row| row.id.unwrap()).collect();
                let is_ban =
                    |row: &ReadyRow| matches!(row.changes[..], [AccountChange::Delete { .. }]);
                ids == [id(3), id(4), id(5)] && batch.rows.iter().all(is_ban) && !batch.dry_run
            })
            .times(1)
            .return_once(|_| {
                let refused = RowRefusal::Change(ChangeUserError::OwnAccount);
                Ok(vec![Ok(Imported::Updated(id(3))), Ok(Imported::Unchanged(id(4))), Err(refused)])
            });
        let (change, trail) = use_case(accounts, MockSessionRepository::new());
        let allowed = testing::allowed(9);
        let done = change.execute(&allowed, input(&[5, 3, 4, 3], BatchAction::Delete)).await;
        let results = done_at_once(done);
        let outcomes: Vec<_> = results.iter().map(|result| result.outcome).collect();
        let refused = RowRefusal::Change(ChangeUserError::OwnAccount);
        assert_eq!(outcomes, [Ok(true), Ok(false), Err(refused)]);
        trail.has([(AuditAction::UserChangeFailed, AuditReason::OwnAccount)]);
    }

    #[tokio::test]
    async fn a11_the_right_is_that_of_the_action_and_the_password_is_asked_for() {
        let clerk: Role = "clerk".parse().unwrap();
        let roles = crate::access::Roles::new([(clerk, [RightId::UsersWrite].into())]);
        let (mut guard, _) = testing::guard(9);
        guard.roles = Arc::new(roles);
        let user = User { role: clerk, ..testing::user() };
        let caller = crate::access::Principal { user: user.into(), ..testing::principal() };
        let allowed = guard.allow::<UsersWrite>(&caller, testing::request()).unwrap();
        let nothing = || use_case(MockAccountRepository::new(), MockSessionRepository::new());
        let (change, trail) = nothing();
        for action in [BatchAction::Delete, BatchAction::SetRole(Role::STUDENT)] {
            let refused = change.execute(&allowed, input(&[3], action)).await;
            let expected = ChangeUsersError::Denied(Forbidden.into());
            assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
        }
        let denied = (AuditAction::AccessDenied, AuditReason::NotAdmin);
        trail.has([denied, denied]);
        guard.step_up = Some(Duration::from_secs(5));
        let allowed = guard.allow::<UsersWrite>(&testing::admin(), testing::request()).unwrap();
        let refused = nothing().0.execute(&allowed, input(&[3], BatchAction::Activate)).await;
        let expected = ChangeUsersError::Denied(ReauthenticationRequired.into());
        assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
    }

    #[tokio::test]
    async fn a11_a_filter_that_finds_too_many_does_nothing() {
        let mut accounts = MockAccountRepository::new();
        accounts.expect_search().times(11).returning(|search| {
            let first = match search.after {
                None => 1,
                Some(UserPosition::Id(last)) => last.get() + 1,
                other => panic!("{other:?}"),
            };
            let user = |number| User { id: id(number), ..testing::user() };
            let users = (first..first + 1000).map(user).collect();
            Ok(FoundUsers { users, total: 10_000, total_is_exact: false })
        });
        let (change, _) = use_case(accounts, MockSessionRepository::new());
        let of = BatchOf::Filter(UserFilter::default().into());
        let input = BatchInput { of, action: BatchAction::Deactivate, dry_run: false };
        let refused = change.execute(&testing::allowed(9), input).await;
        let expected = ChangeUsersError::TooMany(TooManyUsers);
        assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
    }

    #[tokio::test]
    async fn a11_sessions_end_of_those_within_reach() {
        let mut accounts = MockAccountRepository::new();
        accounts.expect_find().returning(|found| {
            Ok(Some(User { id: found, ..testing::user() }).filter(|_| found != id(9)))
        });
        let mut sessions = MockSessionRepository::new();
        sessions.expect_revoke_all().returning(|user, keep, _| {
            assert_eq!(keep, None);
            match user.get() {
                3 => Ok(2),
                4 => Ok(0),
                _ => Err(Error::Refused(OutOfReach)),
            }
        });
        let (change, _) = use_case(accounts, sessions);
        let input = input(&[3, 4, 5, 9], BatchAction::EndSessions);
        let results = done_at_once(change.execute(&testing::allowed(9), input).await);
        let outcomes: Vec<_> = results.iter().map(|result| result.outcome).collect();
        let refused = Err(RowRefusal::Change(OutOfReach.into()));
        assert_eq!(outcomes, [Ok(true), Ok(false), refused, Err(RowRefusal::NotFound)]);
    }
}
