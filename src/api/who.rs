//! Who asks: by a bearer token, or by the session cookie of our own page.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

use super::App;
use super::error::ApiError;
use super::role::{Reach, Right, reach};
use super::session::{Person, TokenHash};
use crate::ids::AgentId;

/// The session cookie's name.
pub const COOKIE: &str = "hotline_session";

/// The person who asks, and in which session.
#[derive(Clone, Debug)]
pub struct Who {
    pub person: Person,
    pub session: TokenHash,
}

impl Who {
    /// How far the right reaches. Errors: not at all.
    pub fn may(&self, right: Right) -> Result<Reach, ApiError> {
        match reach(self.person.role, right) {
            Reach::Nothing => Err(ApiError::Forbidden),
            reach => Ok(reach),
        }
    }

    /// Whether they have the right over everything.
    pub fn may_all(&self, right: Right) -> bool {
        reach(self.person.role, right) == Reach::All
    }

    /// Errors: the right does not reach `agent`.
    pub fn may_for(&self, right: Right, agent: &AgentId) -> Result<(), ApiError> {
        match self.may(right)? {
            Reach::Own if self.person.agent.as_ref() != Some(agent) => Err(ApiError::Forbidden),
            _ => Ok(()),
        }
    }

    /// Errors: the right does not reach everything.
    pub fn must(&self, right: Right) -> Result<(), ApiError> {
        if self.may_all(right) { Ok(()) } else { Err(ApiError::Forbidden) }
    }
}

impl FromRequestParts<App> for Who {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Who, ApiError> {
        let session = match bearer(&parts.headers) {
            Some(token) => TokenHash::of(token),
            None => {
                let token = cookie(&parts.headers).ok_or(ApiError::NotLoggedIn)?;
                let upgrades = parts.headers.contains_key(header::UPGRADE);
                if (upgrades || changes(&parts.method)) && !is_own_origin(&parts.headers) {
                    return Err(ApiError::Foreign);
                }
                TokenHash::of(token)
            }
        };
        let person = app.sessions().find(app.now(), session).ok_or(ApiError::NotLoggedIn)?;
        Ok(Who { person, session })
    }
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    cookies.find(|(name, _)| *name == COOKIE).map(|(_, token)| token)
}

/// Whether the request comes from a page of ours: browsers say so themselves, and pages cannot change it (RFC 6454).
pub fn is_own_origin(headers: &HeaderMap) -> bool {
    let (Some(origin), Some(host)) = (text(headers, header::ORIGIN), text(headers, header::HOST)) else {
        return false;
    };
    origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(fields: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_token_is_found_among_other_cookies_and_in_the_authorization_field() {
        let found = headers(&[(header::COOKIE, "theme=dark; hotline_session=abc; x=y")]);
        assert_eq!(cookie(&found), Some("abc"));
        assert_eq!(cookie(&headers(&[(header::COOKIE, "hotline_sessions=abc")])), None);
        assert_eq!(bearer(&headers(&[(header::AUTHORIZATION, "bearer abc")])), Some("abc"));
        assert_eq!(bearer(&headers(&[(header::AUTHORIZATION, "Basic abc")])), None);
    }

    #[test]
    fn only_our_own_page_is_our_origin() {
        let from = |origin| headers(&[(header::ORIGIN, origin), (header::HOST, "127.0.0.1:8080")]);
        assert!(is_own_origin(&from("http://127.0.0.1:8080")));
        for other in
            ["http://127.0.0.1:8081", "http://evil.example", "null", "http://127.0.0.1:8080.evil.example"]
        {
            assert!(!is_own_origin(&from(other)), "{other}");
        }
        assert!(!is_own_origin(&headers(&[(header::HOST, "127.0.0.1:8080")])), "no Origin at all");
    }
}
