//! Accounts over HTTP with axum: registration, log-in, the own account, log-out, and a list for administrators.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Json, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use menjin::access::rights::UsersRead;
use menjin::accounts::{Email, LoginName, RegisterInput, User, UserQuery};
use menjin::accounts::{Username, UsernameLength};
use menjin::common::Causes;
use menjin::credentials::{CandidatePassword, NewPassword, PasswordLength};
use menjin::secrecy::ExposeSecret as _;
use menjin::sessions::LoginInput;
use menjin::{ApiError, Locale, Menjin, RequestContext, field};
use serde_json::{Value, json};

#[derive(serde::Deserialize)]
struct Sent {
    username: String,
    email: Option<String>,
    password: String,
}

async fn register(
    State(menjin): State<Menjin>,
    client: Client,
    Json(sent): Json<Sent>,
) -> Result<Json<Value>, Refusal> {
    let username = field("username", Username::parse(&sent.username, UsernameLength::DEFAULT))?;
    let email = field("email", Email::parse(&sent.email.unwrap_or_default()))?;
    let password = field("password", NewPassword::parse(&sent.password, PasswordLength::DEFAULT))?;
    let input = RegisterInput::new(username, email, password, from(&client));
    Ok(Json(shown(&menjin.register.execute(input).await?)))
}

async fn login(
    State(menjin): State<Menjin>,
    client: Client,
    Json(sent): Json<Sent>,
) -> Result<Json<Value>, Refusal> {
    let name = field("username", LoginName::parse(&sent.username))?;
    let password = field("password", CandidatePassword::parse(&sent.password))?;
    let logged_in = menjin.login.execute(LoginInput::new(name, password, from(&client))).await?;
    Ok(Json(json!({ "access_token": logged_in.tokens.access_token.expose_secret() })))
}

async fn me(State(menjin): State<Menjin>, client: Client) -> Result<Json<Value>, Refusal> {
    Ok(Json(shown(&menjin.caller(header(&client, "authorization")).await?.user)))
}

async fn logout(State(menjin): State<Menjin>, client: Client) -> Result<StatusCode, Refusal> {
    let caller = menjin.caller(header(&client, "authorization")).await?;
    menjin.logout.execute(&caller, from(&client)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list(State(menjin): State<Menjin>, client: Client) -> Result<Json<Value>, Refusal> {
    let caller = menjin.caller(header(&client, "authorization")).await?;
    let allowed = menjin.guard.allow::<UsersRead>(&caller, from(&client))?;
    let page = menjin.list_users.execute(&allowed, UserQuery::first(20)).await?;
    Ok(Json(page.users.iter().map(shown).collect()))
}

fn shown(user: &User) -> Value {
    json!({ "id": user.id.get(), "username": user.username.as_str(), "role": user.role.as_str() })
}

/// Who sends a request, from where.
type Client = (ConnectInfo<SocketAddr>, HeaderMap);

fn header<'a>(client: &'a Client, name: &str) -> Option<&'a str> {
    client.1.get(name)?.to_str().ok()
}

fn from(client: &Client) -> RequestContext {
    menjin::client(client.0.ip(), header(client, "user-agent"))
}

struct Refusal(ApiError);

impl<E: Into<ApiError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.0.cause {
            eprintln!("{}", Causes(cause));
        }
        let status = StatusCode::from_u16(self.0.kind.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, AppendHeaders(self.0.headers()), Json(self.0.to_json(Locale::En))).into_response()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Menjin::builder().sqlite("data/app.db").secret_file("data/auth.secret");
    let menjin = builder.build().await?;
    let app = axum::Router::new()
        .route("/register", post(register))
        .route("/login", post(login))
        .route("/me", get(me))
        .route("/logout", post(logout))
        .route("/users", get(list))
        .layer(from_fn(|request: Request, next: Next| menjin::to_the_end(next.run(request))))
        .with_state(menjin.clone());
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    Ok(menjin.close(std::time::Duration::from_secs(5)).await?)
}
