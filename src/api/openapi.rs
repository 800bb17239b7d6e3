//! The API's description, made from the code that serves it.

use axum::Json;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::who::COOKIE;
use super::{
    callbacks, calls, emergency, error, events, flows, handover, health, live, login, messages, profiles,
    recordings,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Hotline", description = "The telephone front of a bank: agents, calls, recordings, events. \
        Times are microseconds since the Unix epoch."),
    paths(
        login::login, login::logout, login::me,
        live::snapshot, live::calls, live::hang_up, live::verify, handover::handover, live::queues, live::agents, live::agent, live::order,
        calls::list, calls::one, calls::events,
        emergency::status, emergency::start, emergency::stop,
        callbacks::list, callbacks::done,
        profiles::forget,
        recordings::list, recordings::one, recordings::audio,
        messages::list, messages::mark, messages::audio,
        flows::status, flows::list, flows::one, flows::approve, flows::diff, flows::publish, flows::roll_back,
        flows::promote, flows::abort,
        events::events,
        health::healthz, health::readyz, health::metrics,
        document,
    ),
    components(schemas(error::ErrorBody)),
    security(("token" = []), ("cookie" = [])),
    modifiers(&Schemes),
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        let cookie = ApiKey::Cookie(ApiKeyValue::new(COOKIE));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    }
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "health", security(()), responses(
    (status = 200, body = Object, description = "OpenAPI 3.1"),
))]
pub async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let described: BTreeSet<String> = Document::openapi().paths.paths.into_keys().collect();
        let served: BTreeSet<String> =
            super::super::routes().into_iter().map(|(path, _)| path.to_owned()).collect();
        assert_eq!(described, served);
    }
}
