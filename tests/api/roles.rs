//! The table of roles, held against the API itself.

use serde_json::{Value, json};

use super::ApiUnderTest;
use super::phone::Phone;

const CALLER: &str = "13812341234";

/// What a call that there is not answers to those who may ask, and no call's tape.
const NO_CALL: &str = "00000000001";

#[test]
fn each_role_gets_what_the_table_says() {
    let api = ApiUnderTest::start();
    let tokens = ["1001", "super", "quality", "admin", "auditor"].map(|user| api.login(user));
    let gone = format!("/api/v1/calls/live/{NO_CALL}");
    let handover = format!("{gone}/handover");
    let tape = format!("/api/v1/recordings/{NO_CALL}");
    let sound = format!("/api/v1/recordings/{NO_CALL}/audio");
    let message = format!("/api/v1/messages/{NO_CALL}-1");
    let spoken = format!("{message}/audio");
    let done = json!({"state": "done"});
    let ready = json!({"state": "ready"});
    // 409: allowed, but no phone is registered. 404: allowed, but there is none.
    let broadcast = json!({"level": "info", "prompts": ["emg_sys"], "for": "1h"});
    let publish = json!({"comment": "no file has changed"});
    let back = json!({});
    let table: [(&str, &str, Option<&Value>, [u16; 5]); 30] = [
        ("GET", "/api/v1/snapshot", None, [200; 5]),
        ("GET", "/api/v1/calls/live", None, [200; 5]),
        ("GET", "/api/v1/queues", None, [200; 5]),
        ("GET", "/api/v1/agents", None, [200; 5]),
        ("GET", "/api/v1/agents/1001", None, [200; 5]),
        ("GET", "/api/v1/agents/1002", None, [403, 200, 200, 200, 200]),
        ("POST", "/api/v1/agents/1001/state", Some(&ready), [409, 409, 403, 409, 403]),
        ("POST", "/api/v1/agents/1002/state", Some(&ready), [403, 409, 403, 409, 403]),
        ("DELETE", &gone, None, [403, 404, 403, 404, 403]),
        ("GET", "/api/v1/emergency", None, [200; 5]),
        ("POST", "/api/v1/emergency", Some(&broadcast), [403, 200, 403, 200, 403]),
        ("DELETE", "/api/v1/emergency", None, [403, 200, 403, 200, 403]),
        ("DELETE", "/api/v1/profiles/13812341234", None, [403, 204, 403, 204, 403]),
        ("GET", &handover, None, [404; 5]),
        ("GET", "/api/v1/calls", None, [200; 5]),
        ("GET", "/api/v1/recordings", None, [403, 200, 200, 200, 200]),
        ("GET", &tape, None, [403, 404, 404, 404, 404]),
        ("GET", &sound, None, [403, 404, 404, 404, 404]),
        ("GET", "/api/v1/flows", None, [403, 200, 200, 200, 200]),
        ("GET", "/api/v1/flows/releases", None, [403, 200, 200, 200, 200]),
        ("GET", "/api/v1/flows/releases/1", None, [403, 200, 200, 200, 200]),
        ("GET", "/api/v1/flows/diff", None, [403, 200, 200, 200, 200]),
        ("POST", "/api/v1/flows/publish", Some(&publish), [403, 403, 403, 409, 403]),
        ("POST", "/api/v1/flows/releases/1/approve", None, [403, 403, 403, 409, 403]),
        ("POST", "/api/v1/flows/rollback", Some(&back), [403, 403, 403, 409, 403]),
        ("POST", "/api/v1/flows/promote", None, [403, 403, 403, 409, 403]),
        ("POST", "/api/v1/flows/abort", None, [403, 403, 403, 409, 403]),
        ("GET", "/api/v1/messages", None, [403, 200, 200, 200, 200]),
        ("GET", &spoken, None, [403, 404, 404, 404, 404]),
        ("POST", &message, Some(&done), [403, 404, 403, 404, 403]),
    ];
    for (method, path, body, expected) in table {
        let statuses = tokens.each_ref().map(|token| {
            let request = api.request(method, path).bearer(token);
            body.map_or(request, |body| api.request(method, path).bearer(token).json(body)).send().status
        });
        assert_eq!(statuses, expected, "{method} {path}");
        assert_eq!(api.request(method, path).send().error(), "not_logged_in", "{method} {path}");
    }
}

#[test]
fn an_agent_sees_themselves_and_not_other_peoples_calls() {
    let api = ApiUnderTest::start();
    let mut caller = Phone::new(&api, CALLER);
    caller.dials("95500");
    let seen = |user: &str| api.get("/api/v1/snapshot").bearer(&api.login(user)).send().json();
    let (agent, supervisor) = (seen("1001"), seen("super"));
    assert_eq!(agent["calls"], json!([]));
    assert_eq!(agent["agents"].as_array().map(Vec::len), Some(1));
    assert_eq!(agent["agents"][0]["agent"], "1001");
    assert_eq!(supervisor["calls"][0]["from"], CALLER);
    assert_eq!(supervisor["agents"].as_array().map(Vec::len), Some(6));
    let token = api.login("1001");
    let by_number = api.get("/api/v1/calls?number=1234").bearer(&token).send();
    assert_eq!(by_number.status, 403, "a mask is not lifted by asking");
    let call = supervisor["calls"][0]["call"].as_str().expect("an id").to_owned();
    assert_eq!(api.get(&format!("/api/v1/calls/{call}")).bearer(&token).send().status, 404);
    let handover = format!("/api/v1/calls/live/{call}/handover");
    assert_eq!(api.get(&handover).bearer(&token).send().status, 404);
    let nothing = api.get(&handover).bearer(&api.login("super")).send().json();
    assert_eq!((&nothing["bot"], &nothing["slots"]), (&json!(null), &json!({})));
}

#[test]
fn a_supervisor_orders_an_agent_and_ends_a_call() {
    let api = ApiUnderTest::start();
    let token = api.login("super");
    let mut agent = Phone::new(&api, "1001");
    agent.registers();
    let order = json!({"state": "not_ready", "reason": "training"});
    assert_eq!(api.post("/api/v1/agents/1001/state").bearer(&token).json(&order).send().status, 204);
    let shown = api.get("/api/v1/agents/1001").bearer(&token).send().json();
    assert_eq!((shown["state"].as_str(), shown["reason"].as_str()), (Some("not_ready"), Some("training")));
    assert_eq!(shown["phones"], 1);
    let mut caller = Phone::new(&api, CALLER);
    caller.dials("95500");
    let live = api.get("/api/v1/calls/live").bearer(&token).send().json();
    let call = live["calls"][0]["call"].as_str().expect("a call is under way").to_owned();
    let path = format!("/api/v1/calls/live/{call}");
    assert_eq!(api.request("DELETE", &path).bearer(&token).send().status, 204);
    assert_eq!(api.request("DELETE", &path).bearer(&token).send().status, 404);
    let record = super::until("the record is closed", || {
        let record = api.get(&format!("/api/v1/calls/{call}")).bearer(&token).send();
        (record.status == 200 && !record.json()["ended"].is_null()).then(|| record.json())
    });
    assert_eq!(record["cause"], "ended_by_staff");
    assert_eq!(record["from"], CALLER);
    let path = "/api/v1/calls?number=1234&limit=1";
    let found = api.get(path).bearer(&token).send().json();
    assert_eq!(found["calls"][0]["call"], call);
}

#[test]
fn who_may_have_a_caller_type_a_secret_is_asked_before_whether_there_is_one() {
    let api = ApiUnderTest::start();
    let path = "/api/v1/calls/1jyq5c1sgfy/verify";
    let verify = |user: &str, body| api.post(path).bearer(&api.login(user)).json(&body).send();
    let flow = || json!({"flow": "secure_pin"});
    for (user, status) in [("1001", 404), ("super", 404), ("admin", 404), ("quality", 403), ("auditor", 403)]
    {
        assert_eq!(verify(user, flow()).status, status, "{user}");
    }
    assert_eq!(verify("super", json!({"flow": "secure_pin", "pin": "271828"})).status, 400);
    assert_eq!(
        api.post("/api/v1/calls/what/verify").bearer(&api.login("super")).json(&flow()).send().status,
        400
    );
    let mut caller = Phone::new(&api, CALLER);
    caller.dials("95500");
    let token = api.login("super");
    let live = api.get("/api/v1/calls/live").bearer(&token).send().json();
    let call = live["calls"][0]["call"].as_str().expect("a call is under way").to_owned();
    let path = format!("/api/v1/calls/{call}/verify");
    assert_eq!(api.post(&path).bearer(&token).json(&flow()).send().status, 409, "nobody talks with them");
    assert_eq!(
        api.post(&path).bearer(&api.login("1001")).json(&flow()).send().status,
        404,
        "another's, if anybody's"
    );
}
