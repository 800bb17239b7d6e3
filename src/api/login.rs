//! Logging in and out.

use std::net::IpAddr;

use aws_lc_rs::{hmac, rand::SystemRandom};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, ErrorBody};
use super::limits::{CREDENTIAL, SESSION_LIFE};
use super::session::Person;
use super::who::{COOKIE, Who, is_own_origin};
use super::{App, Peer};
use crate::config::{Config, Role, Secret};
use crate::engine::staff::Ask;
use crate::ids::AgentId;

/// Compares passwords without telling by its time how much of one was right.
pub struct Passwords {
    /// New with each start: nobody outside can prepare what is compared.
    key: hmac::Key,
}

impl Passwords {
    /// Errors: the system has no randomness.
    pub fn new() -> Result<Passwords, aws_lc_rs::error::Unspecified> {
        Ok(Passwords { key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())? })
    }

    /// The person with this password, if it is theirs. An unknown user takes as long as a known one.
    pub fn check(&self, config: &Config, user: &str, password: &str) -> Option<Person> {
        let known = known(config, user);
        let given = hmac::sign(&self.key, password.as_bytes());
        let right = known.as_ref().map_or("", |(right, _)| right.0.as_str());
        let is_right = hmac::verify(&self.key, right.as_bytes(), given.as_ref()).is_ok();
        known.filter(|_| is_right && !password.is_empty()).map(|(_, person)| person)
    }
}

/// Who `user` is in this configuration: one of its users, else an agent by number.
fn known<'a>(config: &'a Config, user: &str) -> Option<(&'a Secret, Person)> {
    if let Some(known) = config.users.get(user) {
        let person = Person { user: user.to_owned(), role: known.role, agent: None };
        return Some((&known.password, person));
    }
    let id = AgentId::from(user);
    let agent = config.agents.get(&id)?;
    Some((&agent.password, Person { user: user.to_owned(), role: Role::Agent, agent: Some(id) }))
}

/// Whether somebody who logged in once would be the same person now.
pub(super) fn still_is(config: &Config, person: &Person) -> bool {
    known(config, &person.user).is_some_and(|(_, now)| now == *person)
}

#[derive(Deserialize, ToSchema)]
pub struct LoginRequest {
    /// A user of the configuration, or an agent's number.
    user: String,
    password: String,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoginResponse {
    /// For `Authorization: Bearer`. Ends after an hour without use.
    token: String,
    #[schema(value_type = String, example = "supervisor")]
    role: Role,
    user: String,
    /// Microseconds since the Unix epoch.
    expires_at: u64,
}

/// Begins a session. Browsers get it as a cookie too.
#[utoipa::path(post, path = "/api/v1/login", tag = "session", security(()), request_body = LoginRequest, responses(
    (status = 200, body = LoginResponse),
    (status = 400, description = "Not what was expected", body = ErrorBody),
    (status = 401, description = "Wrong user or password, alike", body = ErrorBody),
    (status = 413, body = ErrorBody, description = "Too long"),
    (status = 429, description = "Too many wrong log-ins from this address", body = ErrorBody),
))]
pub async fn login(
    State(app): State<App>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    body: Result<Json<LoginRequest>, JsonRejection>,
) -> Result<Response, ApiError> {
    if headers.contains_key(header::ORIGIN) && !is_own_origin(&headers) {
        return Err(ApiError::Foreign);
    }
    let Json(LoginRequest { user, password }) = body?;
    let person = admit(&app, peer.ip(), &user, &password).await?;
    let token = new_token()?;
    let role = person.role;
    let ends = app.sessions().open(app.now(), &token, person);
    let age = SESSION_LIFE.as_secs();
    let cookie = format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age}");
    let answer = LoginResponse { token, role, user, expires_at: ends.as_micros() };
    Ok((set_cookie(&cookie)?, Json(answer)).into_response())
}

async fn admit(app: &App, source: IpAddr, user: &str, password: &str) -> Result<Person, ApiError> {
    if let Some(wait) = app.gate().refuses(app.now(), source, user) {
        return Err(ApiError::SlowDown(wait));
    }
    let short = user.len() <= CREDENTIAL && password.len() <= CREDENTIAL;
    let person = app.passwords.check(&app.config(), user, password).filter(|_| short);
    let Some(person) = person else {
        let wait = app.gate().wrong(app.now(), source, user);
        if let Some(wait) = wait {
            // Not journalled: who tries name after name must not fill the journal. Its beginning was.
            return Err(ApiError::SlowDown(wait));
        }
        app.doors.engine.ask(Ask::LoginFailed { source: source.to_string() }).await?;
        return Err(ApiError::WrongLogin);
    };
    app.gate().right(app.now(), source, user);
    Ok(person)
}

/// Ends the session.
#[utoipa::path(post, path = "/api/v1/logout", tag = "session", responses(
    (status = 204, description = "It is over"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
))]
pub async fn logout(State(app): State<App>, who: Who) -> Result<Response, ApiError> {
    app.sessions().close(who.session);
    let cookie = format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, set_cookie(&cookie)?).into_response())
}

/// The person logged in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    user: String,
    #[schema(value_type = String, example = "agent")]
    role: Role,
    /// For agents: their number.
    agent: Option<String>,
}

/// Who is logged in: what a page asks when it is loaded.
#[utoipa::path(get, path = "/api/v1/me", tag = "session", responses(
    (status = 200, body = Me),
    (status = 401, body = ErrorBody, description = "Not logged in"),
))]
pub async fn me(who: Who) -> Json<Me> {
    let agent = who.person.agent.map(|agent| agent.to_string());
    Json(Me { user: who.person.user, role: who.person.role, agent })
}

fn set_cookie(cookie: &str) -> Result<[(header::HeaderName, HeaderValue); 1], ApiError> {
    // Ours consist of plain symbols only.
    Ok([(header::SET_COOKIE, HeaderValue::from_str(cookie).map_err(|_| ApiError::Ours)?)])
}

/// 32 random bytes in hexadecimal.
fn new_token() -> Result<String, ApiError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "no randomness for a session");
        ApiError::Ours
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
