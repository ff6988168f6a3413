//! What an endpoint declares: method, path, handler, and what the API document says of it.
//!
//! Most of that is in the signature of the handler: each extractor says what it takes and what it may
//! refuse ([`Input`]), each reply what it holds ([`Output`]). The doc comment and `api_v2_operation`
//! above the handler give the summary, the description, the id and the tag.

use actix_web::dev::Handler;
use actix_web::http::Method;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, Route};
use menjin_domain::access::rights::RightId;
use menjin_web::schema::{Components, Schema};
use menjin_web::{ApiError, ErrorKind, Text};
use paperclip::v2::models::DefaultOperationRaw;
use paperclip::v2::schema::Apiv2Operation;
use serde_json::Value;

use crate::dialect::ReplyContext;
use crate::http::reply::{Answer, Rejection, Reply};

/// An endpoint: one method of one path.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    route: Route,
    /// `None`: the API document does not show it.
    pub(crate) operation: Option<Operation>,
}

/// Makes a schema.
type MakeSchema = fn(&mut Components<'_>) -> Value;

/// What the API document says of an endpoint.
pub(crate) struct Operation {
    /// Id, tags, summary and description, by paperclip.
    pub(crate) summary: fn() -> DefaultOperationRaw,
    pub(crate) input: fn(&mut Signature, &mut Components<'_>),
    pub(crate) output: fn(&mut Components<'_>) -> Option<(u16, Value)>,
    /// What success means.
    pub(crate) success: &'static str,
    /// The message of success, for the example.
    pub(crate) message: Option<Text>,
    /// Answers that the signature does not show: status, meaning, schema.
    pub(crate) answers: Vec<(u16, &'static str, MakeSchema)>,
    /// An answer without a body: status and meaning.
    pub(crate) empty: Option<(u16, &'static str)>,
    /// A file that is the answer: its meaning and its media types.
    pub(crate) file: Option<(&'static str, &'static [&'static str])>,
    /// What the use-case may refuse.
    pub(crate) refusals: Vec<ErrorKind>,
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Access {
    /// Everybody.
    #[default]
    Everybody,
    /// Everybody; whoever has an access token is known by it.
    EverybodyOrUsers,
    /// Whoever has an access token, also of somebody who may do next to nothing yet.
    RestrictedUsers,
    /// Whoever has an access token, also of somebody who has to set up a second factor first.
    Enrolling,
    /// Whoever has an access token.
    Users,
    /// Whoever has an access token, or a ticket for their own sessions.
    SessionOwners,
    /// Whoever has this right.
    Right(RightId),
    /// As the setting `cache_api.access` says.
    Cache,
}

impl Access {
    /// What somebody may be refused with who may not.
    pub(crate) fn refusals(self) -> &'static [ErrorKind] {
        use ErrorKind as E;
        match self {
            Self::Everybody | Self::Cache => &[],
            Self::EverybodyOrUsers => &[
                E::InvalidToken,
                E::PasswordChangeRequired,
                E::MfaEnrolmentRequired,
                E::Unavailable,
                E::Internal,
            ],
            Self::Enrolling => &[
                E::NotAuthenticated,
                E::InvalidToken,
                E::PasswordChangeRequired,
                E::Unavailable,
                E::Internal,
            ],
            Self::RestrictedUsers => {
                &[E::NotAuthenticated, E::InvalidToken, E::Unavailable, E::Internal]
            }
            Self::Users | Self::SessionOwners => &[
                E::NotAuthenticated,
                E::InvalidToken,
                E::PasswordChangeRequired,
                E::MfaEnrolmentRequired,
                E::Unavailable,
                E::Internal,
            ],
            Self::Right(_) => &[
                E::NotAuthenticated,
                E::InvalidToken,
                E::PasswordChangeRequired,
                E::MfaEnrolmentRequired,
                E::Unavailable,
                E::Internal,
                E::Forbidden,
            ],
        }
    }

    /// What the document says of it: the name of a right; `self` of what is for anybody's own account;
    /// `none`.
    pub(crate) fn right(self) -> &'static str {
        match self {
            Self::Everybody | Self::EverybodyOrUsers | Self::Cache => "none",
            Self::RestrictedUsers | Self::Enrolling | Self::Users | Self::SessionOwners => "self",
            Self::Right(right) => right.as_str(),
        }
    }
}

/// What the extractors of a handler take, and what they may refuse.
#[derive(Default)]
pub(crate) struct Signature {
    pub(crate) access: Access,
    /// The parameters in the path and in the query, as OpenAPI has them.
    pub(crate) parameters: Vec<Value>,
    /// The schema of the body.
    pub(crate) body: Option<Value>,
    /// Whether it takes a file, in a form.
    pub(crate) takes_file: bool,
    /// What they may refuse, each with the name of its example.
    pub(crate) errors: Vec<(&'static str, ApiError)>,
}

impl Signature {
    /// These may be refused.
    pub(crate) fn may_refuse(&mut self, kinds: &[ErrorKind]) {
        self.errors.extend(kinds.iter().map(|kind| (kind.code(), ApiError::from(*kind))));
    }
}

/// Something that a handler takes.
pub(crate) trait Input {
    /// Adds it to the signature.
    fn describe(signature: &mut Signature, components: &mut Components<'_>);
}

/// Something that a handler returns.
pub(crate) trait Output {
    /// Status and schema of success; `None` if the endpoint lists its answers.
    fn describe(components: &mut Components<'_>) -> Option<(u16, Value)>;
}

impl<T: Schema, const STATUS: u16> Output for Reply<T, STATUS> {
    fn describe(components: &mut Components<'_>) -> Option<(u16, Value)> {
        Some((STATUS, T::schema(components)))
    }
}

impl Output for HttpResponse {
    fn describe(_: &mut Components<'_>) -> Option<(u16, Value)> {
        None
    }
}

impl<T: Output> Output for Answer<T> {
    fn describe(components: &mut Components<'_>) -> Option<(u16, Value)> {
        T::describe(components)
    }
}

/// What no client sends on purpose.
macro_rules! not_sent {
    ($([$($generics:tt)*] $type:ty),*) => {$(
        impl<$($generics)*> Input for $type {
            fn describe(_: &mut Signature, _: &mut Components<'_>) {}
        }
    )*};
}

not_sent!([] (), [T] Data<T>, [] HttpRequest, [] ReplyContext, [] crate::http::client::Client);

macro_rules! all_of {
    ($($input:ident),*) => {
        impl<$($input: Input),*> Input for ($($input,)*) {
            fn describe(signature: &mut Signature, components: &mut Components<'_>) {
                $($input::describe(signature, components);)*
            }
        }
    };
}

all_of!(A);
all_of!(A, B);
all_of!(A, B, C);
all_of!(A, B, C, D);

/// A handler that is documented: by `api_v2_operation` and by its signature.
pub(crate) trait DocumentedHandler<Args>:
    Handler<Args, Future: Apiv2Operation, Output: Responder + Output + 'static>
{
}

impl<F, Args> DocumentedHandler<Args> for F where
    F: Handler<Args, Future: Apiv2Operation, Output: Responder + Output + 'static>
{
}

impl Operation {
    fn of<Args: Input, F: DocumentedHandler<Args>>(_: &F) -> Self {
        Self {
            summary: <F::Future as Apiv2Operation>::operation,
            input: Args::describe,
            output: F::Output::describe,
            success: "",
            message: None,
            answers: Vec::new(),
            empty: None,
            file: None,
            refusals: Vec::new(),
        }
    }
}

impl Endpoint {
    /// An endpoint that the API document shows.
    pub(crate) fn new<Args>(
        method: Method,
        path: &'static str,
        handler: impl DocumentedHandler<Args>,
    ) -> Self
    where
        Args: FromRequest + Input + 'static,
    {
        Self { operation: Some(Operation::of(&handler)), ..Self::hidden(method, path, handler) }
    }

    /// One that the API document does not show.
    pub(crate) fn hidden<Args: FromRequest + 'static>(
        method: Method,
        path: &'static str,
        handler: impl Handler<Args, Output: Responder + 'static>,
    ) -> Self {
        let route = web::method(method.clone()).to(handler);
        Self { method, path, route, operation: None }
    }

    fn with(mut self, change: impl FnOnce(&mut Operation)) -> Self {
        if let Some(operation) = &mut self.operation {
            change(operation);
        }
        self
    }

    /// What success means.
    pub(crate) fn success(self, meaning: &'static str) -> Self {
        self.with(|operation| operation.success = meaning)
    }

    /// The message of success.
    pub(crate) fn message(self, text: Text) -> Self {
        self.with(|operation| operation.message = Some(text))
    }

    /// An answer that the signature does not show.
    pub(crate) fn answer<T: Schema>(self, status: u16, meaning: &'static str) -> Self {
        self.with(|operation| operation.answers.push((status, meaning, T::schema)))
    }

    /// An answer without a body.
    pub(crate) fn empty_answer(self, status: u16, meaning: &'static str) -> Self {
        self.with(|operation| operation.empty = Some((status, meaning)))
    }

    /// Success is a file of one of these media types.
    pub(crate) fn file(self, meaning: &'static str, media_types: &'static [&'static str]) -> Self {
        self.with(|operation| operation.file = Some((meaning, media_types)))
    }

    /// What the use-case may refuse.
    pub(crate) fn refusals(self, kinds: &[ErrorKind]) -> Self {
        self.with(|operation| operation.refusals.extend(kinds))
    }
}

/// Registers endpoints: those of one path together, since of two resources of one path actix asks the
/// first only. Any other method is answered with 405 and `Allow` (RFC 9110 §10.2.1).
pub(crate) fn register(endpoints: Vec<Endpoint>, services: &mut ServiceConfig) {
    let mut paths: Vec<(&'static str, Vec<Endpoint>)> = Vec::new();
    for endpoint in endpoints {
        match paths.iter_mut().find(|(path, _)| *path == endpoint.path) {
            Some((_, together)) => together.push(endpoint),
            None => paths.push((endpoint.path, vec![endpoint])),
        }
    }
    for (path, endpoints) in paths {
        let methods: Vec<_> = endpoints
            .iter()
            .map(|endpoint| match &endpoint.method {
                method if method == Method::GET => "GET, HEAD",
                method => method.as_str(),
            })
            .collect();
        let allow = methods.join(", ");
        let others = web::to(move || {
            let allow = allow.clone();
            async { Err::<HttpResponse, _>(Rejection(ApiError::method_not_allowed(allow))) }
        });
        let resource = web::resource(path).default_service(others);
        let routes = endpoints.into_iter().map(|endpoint| endpoint.route);
        services.service(routes.fold(resource, actix_web::Resource::route));
    }
}
