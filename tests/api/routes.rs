//! The description against the server: every route is there, and its answers are what the description says.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ApiUnderTest;
use super::phone::Phone;
use super::recordings::{CALL, make_tape};

/// Follows a reference into the components.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("it is described"),
        None => schema,
    }
}

/// The top-level fields of `body` are those of the schema, and those that must be are.
fn fits(document: &Value, schema: &Value, body: &Value, place: &str) {
    let schema = resolve(document, schema);
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    let body = body.as_object().unwrap_or_else(|| panic!("{place}: not an object"));
    for field in body.keys() {
        assert!(properties.contains_key(field), "{place}: {field} is not described");
    }
    for field in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(body.contains_key(field), "{place}: {field} is missing");
    }
}

/// The request with which a route gives its first documented status.
fn example(method: &str, path: &str) -> Option<Value> {
    match (method, path) {
        ("post", "/api/v1/login") => Some(json!({"user": "super", "password": "demo-super"})),
        ("post", "/api/v1/emergency") => {
            Some(json!({"level": "info", "prompts": ["emg_sys"], "for": "1h", "time": "14:30"}))
        }
        ("post", "/api/v1/agents/{agent}/state") => Some(json!({"state": "not_ready", "reason": "break"})),
        ("post", "/api/v1/messages/{id}") => Some(json!({"state": "heard"})),
        ("post", "/api/v1/calls/{call}/verify") => Some(json!({"flow": "secure_pin"})),
        _ => None,
    }
}

#[test]
fn every_described_route_answers_as_described() {
    let api = ApiUnderTest::start_after(super::messages::left_before);
    make_tape(&api, 100);
    let mut agent = Phone::new(&api, "1001");
    agent.registers();
    let mut caller = Phone::new(&api, "13812341234");
    caller.dials("95500");
    let document = api.get("/api/v1/openapi.json").send().json();
    let token = api.login("super");
    let live = api.get("/api/v1/calls/live").bearer(&token).send().json();
    let live = live["calls"][0]["call"].as_str().expect("a call").to_owned();
    super::until("the call is recorded", || {
        (api.get(&format!("/api/v1/calls/{live}")).bearer(&token).send().status == 200).then_some(())
    });
    let wish = super::callbacks::open_wish(&api, &token).to_string();
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 15);
    // Logging out last: it ends the session the others need.
    let order = |path: &str| (path.ends_with("/logout"), path.ends_with("/calls/live/{call}"));
    let mut sorted: Vec<_> = paths.iter().collect();
    sorted.sort_by_key(|(path, _)| order(path));
    for (path, methods) in sorted {
        for (method, operation) in methods.as_object().expect("methods") {
            let call = if path.contains("/recordings/") { CALL.to_string() } else { live.clone() };
            let address = path
                .replace("{agent}", "1001")
                .replace("{number}", "13812341234")
                .replace("{release}", "1")
                .replace("{call}", &call);
            let message = format!("{CALL}-1");
            let id = if path.contains("/messages/") { &message } else { &wish };
            let address = address.replace("{id}", id);
            let upper = method.to_uppercase();
            let mut request = api.request(&upper, &address).bearer(&token);
            if let Some(body) = example(method, path) {
                request = request.json(&body);
            }
            if path == "/api/v1/events" {
                request = request
                    .field("Connection", "Upgrade, close")
                    .field("Upgrade", "websocket")
                    .field("Sec-WebSocket-Version", "13x")
                    .field("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
            }
            let place = format!("{upper} {path}");
            let reply = request.send();
            let described = operation["responses"].as_object().expect("responses");
            let documented = described.get(&reply.status.to_string());
            let documented =
                documented.unwrap_or_else(|| panic!("{place}: {} is not described", reply.status));
            let best = described.keys().min().expect("at least one");
            // Orders about flows need flows that have changed; `flows` gives them. A WebSocket, and what needs a talk
            // (tests/secrets has one), are not had by a request alone.
            let orders_flows = method == "post" && path.starts_with("/api/v1/flows/");
            if path != "/api/v1/events" && !path.ends_with("/verify") && !orders_flows {
                assert_eq!(&reply.status.to_string(), best, "{place}: {reply:?}");
            }
            if let Some(schema) = documented.pointer("/content/application~1json/schema") {
                fits(&document, schema, &reply.json(), &place);
            }
        }
    }
}

#[test]
fn whoever_is_not_logged_in_gets_401_wherever_a_log_in_is_described() {
    let api = ApiUnderTest::start();
    let document = api.get("/api/v1/openapi.json").send().json();
    let mut open = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            if operation["security"] == json!([{}]) {
                open.insert(path.as_str());
                continue;
            }
            let address = path
                .replace("{agent}", "1001")
                .replace("{release}", "1")
                .replace("{number}", "13812341234")
                .replace("{call}", &CALL.to_string());
            let reply = api.request(&method.to_uppercase(), &address).send();
            assert_eq!((reply.status, reply.error().as_str()), (401, "not_logged_in"), "{method} {path}");
            assert!(operation["responses"]["401"].is_object(), "{method} {path}: 401 is not described");
        }
    }
    let expected = ["/api/v1/login", "/api/v1/openapi.json", "/healthz", "/metrics", "/readyz"];
    assert_eq!(open, BTreeSet::from(expected));
}
