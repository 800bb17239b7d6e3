//! What an address names: one piece of its path.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::error::ApiError;

/// A piece of the path, such as a call or a number.
pub struct Named(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named, ApiError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = path.map_err(|_| ApiError::Bad("a name in the address is not UTF-8".to_owned()))?;
        if name.chars().any(char::is_control) {
            return Err(ApiError::Bad("a name in the address has control characters".to_owned()));
        }
        Ok(Named(name))
    }
}
