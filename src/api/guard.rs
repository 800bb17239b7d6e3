//! What every request passes: a time limit going in, security fields going out.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
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
    let late = late(request.method(), request.uri().path());
    let answer = timeout(REQUEST_TIME, next.run(request)).await;
    let mut response = answer.unwrap_or_else(|_| late.into_response());
    for (name, value) in FIELDS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What is said when it takes too long: an order about flows goes on, and who gave it must not believe that it came to nothing.
fn late(method: &Method, path: &str) -> ApiError {
    let orders_flows = method == Method::POST && path.starts_with("/api/v1/flows/");
    if orders_flows { ApiError::Unfinished(REQUEST_TIME.as_secs()) } else { ApiError::TooSlow }
}

pub async fn no_such_route() -> ApiError {
    ApiError::NotFound("address")
}

pub async fn no_such_method() -> ApiError {
    ApiError::Method
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waited_too_long_for_an_order_about_flows_is_told_that_it_goes_on() {
        let said = |method, path: &str| late(&method, path).to_string();
        for path in ["publish", "rollback", "promote", "abort", "releases/7/approve"] {
            let text = said(Method::POST, &format!("/api/v1/flows/{path}"));
            assert!(
                text.contains("may still come into force") && text.contains("hotline flows status"),
                "{text}"
            );
        }
        assert_eq!(said(Method::GET, "/api/v1/flows/diff"), "it took too long");
        assert_eq!(said(Method::POST, "/api/v1/emergency"), "it took too long");
    }
}
