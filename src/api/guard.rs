//! What every request passes: a time limit going in, security fields going out.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::error::ApiError;
use super::limits::REQUEST_TIME;

/// Our page uses its own files only; nobody may frame it.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// On every response. `no-store`: records and voices of a bank's customers stay in no cache.
const FIELDS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub async fn guard(request: Request, next: Next) -> Response {
    let answer = timeout(REQUEST_TIME, next.run(request)).await;
    let mut response = answer.unwrap_or_else(|_| ApiError::TooSlow.into_response());
    for (name, value) in FIELDS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

pub async fn no_such_route() -> ApiError {
    ApiError::NotFound("address")
}

pub async fn no_such_method() -> ApiError {
    ApiError::Method
}
