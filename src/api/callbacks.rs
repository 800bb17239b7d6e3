//! Callers who want to be called back.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::error::{ApiError, ErrorBody};
use super::live::done as answered;
use super::named::Named;
use super::role::Right;
use super::shown::Eyes;
use super::who::Who;
use crate::engine::staff::Ask;
use crate::store::callbacks;

/// Which wishes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Those that are done too.
    #[serde(default)]
    all: bool,
}

/// Somebody wants to be called back.
#[derive(Serialize, ToSchema)]
pub struct Callback {
    id: u64,
    /// The call in which it was said.
    call: Option<String>,
    number: String,
    /// Whose agents are to call.
    queue: String,
    /// Since when they have waited.
    since: u64,
    wanted: u64,
    done: Option<u64>,
    done_by: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Callbacks {
    /// Who has waited longest first; at most 1000.
    callbacks: Vec<Callback>,
}

/// Open wishes to be called back, who has waited longest first.
#[utoipa::path(get, path = "/api/v1/callbacks", tag = "calls", params(Wanted), responses(
    (status = 200, body = Callbacks),
    (status = 400, body = ErrorBody, description = "Not what was expected"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
))]
pub async fn list(
    State(app): State<App>,
    who: Who,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Callbacks>, ApiError> {
    who.must(Right::SeeCallbacks)?;
    let Query(Wanted { all }) = wanted?;
    let config = app.config();
    let eyes = Eyes::of(&who, &config);
    let found = app.doors.store.callbacks(all).await?;
    let callbacks = found.into_iter().map(|wish| shown(wish, eyes)).collect();
    Ok(Json(Callbacks { callbacks }))
}

fn shown(wish: callbacks::Callback, eyes: Eyes<'_>) -> Callback {
    Callback {
        id: wish.id,
        call: wish.call.map(|call| call.to_string()),
        number: eyes.number(&wish.number),
        queue: wish.queue.to_string(),
        since: wish.since.as_micros(),
        wanted: wish.wanted.as_micros(),
        done: wish.done.map(|at| at.as_micros()),
        done_by: wish.done_by,
    }
}

/// The caller has been called back, or need not be. Said twice it is said once.
#[utoipa::path(post, path = "/api/v1/callbacks/{id}/done", tag = "calls", params(("id" = u64, Path)), responses(
    (status = 204, description = "It is done"),
    (status = 400, body = ErrorBody, description = "Not a number"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 404, body = ErrorBody, description = "No such wish"),
))]
pub async fn done(State(app): State<App>, who: Who, Named(id): Named) -> Result<StatusCode, ApiError> {
    who.must(Right::EndCallbacks)?;
    let wish = id.parse().map_err(|_| ApiError::Bad(format!("not the number of a wish: {id:?}")))?;
    let known = app.doors.store.callback(wish).await?.ok_or(ApiError::NotFound("callback"))?;
    if known.done.is_some() {
        return Ok(StatusCode::NO_CONTENT);
    }
    let ask = Ask::CallbackDone { user: who.person.user, wish };
    answered(app.doors.engine.ask(ask).await?, "callback")
}
