//! What the API answers when it does not do what was asked: one type, one shape.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::net::engine_thread::Stopped;
use crate::recording::read::TapeError;
use crate::recording::shelf::ShelfError;
use crate::store::StoreError;

/// The body of every refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorBody {
    /// For programs: one word that stays.
    pub error: String,
    /// For people: what is wrong and what to do.
    pub message: String,
}

/// Why a request was not served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    #[error("log in first: POST /api/v1/login, then send the token as Authorization: Bearer")]
    NotLoggedIn,
    #[error("user or password is wrong")]
    WrongLogin,
    #[error("too many wrong log-ins; wait {0} s")]
    SlowDown(u32),
    #[error("your role may not do this")]
    Forbidden,
    #[error(
        "a request with the session cookie must come from this server's own page: Origin is missing or another"
    )]
    Foreign,
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("this address does not take that method")]
    Method,
    #[error("{0}")]
    Bad(String),
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    #[error("send the body as application/json")]
    NotJson,
    #[error("not now: {0}")]
    NotNow(&'static str),
    #[error("{0}")]
    Conflict(String),
    #[error("there is no release {0}")]
    NoSuchRelease(crate::ids::ReleaseId),
    #[error("the range lies outside of the {0} bytes that there are")]
    Range(u64),
    #[error("too many {0} at once; try again in a few seconds")]
    Busy(&'static str),
    #[error("it took too long")]
    TooSlow,
    #[error(
        "it takes longer than {0} s and goes on: the flows may still come into force, or be refused. `hotline flows status` \
         (GET /api/v1/flows) tells what is in force, and the journal (`staff_action`) what came of it"
    )]
    Unfinished(u64),
    #[error("the server is stopping")]
    Stopping,
    #[error("the tape cannot be read: {0}")]
    Tape(String),
    /// Ours; the log has the rest.
    #[error("something went wrong in the server; its log tells what")]
    Ours,
}

impl ApiError {
    /// The status and the word.
    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            ApiError::NotLoggedIn => (StatusCode::UNAUTHORIZED, "not_logged_in"),
            ApiError::WrongLogin => (StatusCode::UNAUTHORIZED, "wrong_login"),
            ApiError::SlowDown(_) => (StatusCode::TOO_MANY_REQUESTS, "slow_down"),
            ApiError::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            ApiError::Foreign => (StatusCode::FORBIDDEN, "foreign_origin"),
            ApiError::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            ApiError::Method => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            ApiError::Bad(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            ApiError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            ApiError::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json"),
            ApiError::NotNow(_) => (StatusCode::CONFLICT, "not_now"),
            ApiError::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            ApiError::NoSuchRelease(_) => (StatusCode::NOT_FOUND, "not_found"),
            ApiError::Range(_) => (StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable"),
            ApiError::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            ApiError::Unfinished(_) => (StatusCode::GATEWAY_TIMEOUT, "unfinished"),
            ApiError::TooSlow => (StatusCode::GATEWAY_TIMEOUT, "too_slow"),
            ApiError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            ApiError::Tape(_) => (StatusCode::INTERNAL_SERVER_ERROR, "tape_unreadable"),
            ApiError::Ours => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, word) = self.kind();
        let body = ErrorBody { error: word.to_owned(), message: self.to_string() };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        match self {
            ApiError::SlowDown(seconds) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            ApiError::Busy(_) | ApiError::Stopping => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            ApiError::NotLoggedIn | ApiError::WrongLogin => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            ApiError::Range(length) => {
                if let Ok(range) = HeaderValue::from_str(&format!("bytes */{length}")) {
                    headers.insert(header::CONTENT_RANGE, range);
                }
            }
            _ => {}
        }
        response
    }
}

impl From<Stopped> for ApiError {
    fn from(_: Stopped) -> ApiError {
        ApiError::Stopping
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> ApiError {
        tracing::error!(%error, "the API could not read the store");
        ApiError::Ours
    }
}

impl From<ShelfError> for ApiError {
    fn from(error: ShelfError) -> ApiError {
        match error {
            ShelfError::NoTape(_) => ApiError::NotFound("recording"),
            ShelfError::Tape(TapeError::Sealed { .. } | TapeError::WrongKey { .. }) => {
                ApiError::Tape("it is sealed with a key that this server was not given".to_owned())
            }
            error => {
                // The words name files, which are not the asker's business.
                tracing::error!(%error, "the API could not read a tape");
                ApiError::Tape("the server's log tells why".to_owned())
            }
        }
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> ApiError {
        match rejection {
            JsonRejection::MissingJsonContentType(_) => ApiError::NotJson,
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                ApiError::TooLarge(super::limits::BODY)
            }
            other => ApiError::Bad(other.body_text()),
        }
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> ApiError {
        ApiError::Bad(rejection.body_text())
    }
}
