//! What every service does with a request before a use-case runs.

use std::future::Future;
use std::net::IpAddr;

use menjin_domain::access::Principal;
use menjin_domain::common::{ClientInfo, RequestContext};
use menjin_web::problem::{FieldError, Problem};
use menjin_web::{ApiError, ErrorKind, bearer_token, unauthenticated};
use tokio::task::JoinError;

use crate::Menjin;

impl Menjin {
    /// Who sends this `Authorization` header (RFC 6750 §2.1): the user and the session of the access token.
    /// Somebody who has to change the password first, or to set up a second factor, is refused; ask
    /// [`authenticate`](crate::Services::authenticate) itself for what is open to them.
    ///
    /// ```no_run
    /// # async fn shown(menjin: menjin::Menjin) -> Result<(), menjin::ApiError> {
    /// let caller = menjin.caller(Some("Bearer eyJ0eXAi…")).await?;
    /// println!("{}", caller.user.username.as_str());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotAuthenticated`] without a token, [`ErrorKind::InvalidToken`] with one that is not valid
    /// (any more), [`ErrorKind::PasswordChangeRequired`], [`ErrorKind::MfaEnrolmentRequired`], or a failure of
    /// the database.
    pub async fn caller(&self, authorization: Option<&str>) -> Result<Principal, ApiError> {
        let token = authorization.and_then(bearer_token).ok_or(ErrorKind::NotAuthenticated)?;
        let caller = self.authenticate.execute(token).await.map_err(unauthenticated)?;
        caller.check_restriction(&[])?;
        Ok(caller)
    }
}

/// Where a request comes from, for records and limits: the client's address, which has to be that of the
/// client and not of a proxy, and the `User-Agent` header.
///
/// ```
/// let from = menjin::client([192, 0, 2, 7], Some("Mozilla/5.0"));
/// assert_eq!(from.network().to_string(), "192.0.2.7");
/// ```
pub fn client(address: impl Into<IpAddr>, user_agent: Option<&str>) -> RequestContext {
    ClientInfo::at(address.into()).with_user_agent(user_agent).into()
}

/// What a field of a request was parsed into, or [`ErrorKind::Invalid`] with the name of the field.
///
/// ```
/// use menjin::accounts::{Username, UsernameLength};
///
/// let error = menjin::field("username", Username::parse("no spaces", UsernameLength::DEFAULT)).unwrap_err();
/// assert_eq!((error.kind.status(), error.kind.code()), (422, "invalid"));
/// assert!(error.message(menjin::Locale::En).starts_with("username: "));
/// ```
///
/// # Errors
/// The value could not be parsed.
pub fn field<T, E: Into<Problem>>(name: &'static str, parsed: Result<T, E>) -> Result<T, ApiError> {
    parsed.map_err(|violation| FieldError::in_body(name, violation.into()).into())
}

/// Goes on to the end though nobody waits for it any more.
///
/// Web frameworks drop what they do for a client that has gone. A log-in that is dropped while the password is
/// checked stays counted as a failure, so that nobody guesses by hanging up; but then people who close a page
/// too early lock themselves out. Put this around every handler. In axum one line does it:
///
/// ```
/// # let router = axum::Router::<()>::new();
/// use axum::extract::Request;
/// use axum::middleware::{Next, from_fn};
///
/// let router = router.layer(from_fn(|request: Request, next: Next| menjin::to_the_end(next.run(request))));
/// # drop(router);
/// ```
///
/// # Panics
/// If the work panics.
pub async fn to_the_end<F>(work: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    match tokio::spawn(work).await.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The runtime ends: nobody waits here either.
        Err(Err(_cancelled)) => std::future::pending().await,
    }
}
