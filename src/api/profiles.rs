//! What is remembered of callers: only that it be forgotten can be asked for.

use axum::extract::State;
use axum::http::StatusCode;

use super::App;
use super::error::{ApiError, ErrorBody};
use super::named::Named;
use super::role::Right;
use super::who::Who;
use crate::engine::limits::NUMBER_BYTES;
use crate::engine::staff::{Answer, Ask};

/// Nothing is remembered of this number any more. That somebody asked for it is noted, not for whom.
#[utoipa::path(delete, path = "/api/v1/profiles/{number}", tag = "profiles", params(("number" = String, Path)), responses(
    (status = 204, description = "Nothing is remembered of it"),
    (status = 400, body = ErrorBody, description = "Not a number"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
))]
pub async fn forget(State(app): State<App>, who: Who, Named(number): Named) -> Result<StatusCode, ApiError> {
    who.must(Right::ForgetCallers)?;
    if number.is_empty() || number.len() > NUMBER_BYTES {
        return Err(ApiError::Bad(format!("a number has from 1 to {NUMBER_BYTES} symbols")));
    }
    match app.doors.engine.ask(Ask::Forget { user: who.person.user, number }).await? {
        Answer::Done => Ok(StatusCode::NO_CONTENT),
        _ => Err(ApiError::Ours),
    }
}
