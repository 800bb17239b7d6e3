//! Callers who want to be called back, from their call to the list and off it again.

use std::process::Command;

use hotline::config;
use hotline::engine::input::Input;
use serde_json::{Value, json};

use super::phone::Phone;
use super::{ApiUnderTest, until};
use crate::office::world;

const CALLER: &str = "13812341234";

/// Whoever calls is to be called back.
const FLOW: &str = "flow: main
languages: [zh-CN, en]
start: first
nodes:
  first:
    emergency: { next: wish, deflect: wish, loss: person }
  person:
    queue: { to: general, on_timeout: bye, on_full: bye }
  wish:
    callback: { number: $caller, queue: general, next: bye, on_refused: bye }
  bye:
    hangup: { prompts: goodbye }
";

fn wished(api: &ApiUnderTest, callers: &[&str]) {
    let config = config::demo(&api.data, api.sip.port(), api.http.port());
    api.put(Input::Configure(Box::new(world::with_flow_and(config, FLOW))));
    for caller in callers {
        Phone::new(api, caller).dials("95500");
    }
}

fn listed(api: &ApiUnderTest, token: &str, query: &str) -> Vec<Value> {
    let reply = api.get(&format!("/api/v1/callbacks{query}")).bearer(token).send();
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["callbacks"].as_array().expect("a list").clone()
}

/// Somebody wants to be called back: the number of the wish.
pub fn open_wish(api: &ApiUnderTest, token: &str) -> Value {
    wished(api, &[CALLER]);
    until("the wish is listed", || listed(api, token, "").first().map(|wish| wish["id"].clone()))
}

#[test]
fn a_wish_is_listed_once_survives_a_reload_of_the_page_and_is_marked_done() {
    let api = ApiUnderTest::start();
    let [token, admin] = ["super", "admin"].map(|user| api.login(user));
    assert_eq!(listed(&api, &token, ""), Vec::<Value>::new());
    wished(&api, &[CALLER, "13900139000", CALLER]);
    let calls = || api.get("/api/v1/calls").bearer(&token).send().json()["calls"].as_array().map(Vec::len);
    until("all three calls are on record", || (calls() == Some(3)).then_some(()));
    let open = until("both wishes are listed", || {
        let open = listed(&api, &token, "");
        (open.len() >= 2).then_some(open)
    });
    let numbers: Vec<&str> = open.iter().filter_map(|wish| wish["number"].as_str()).collect();
    assert_eq!(
        numbers,
        [CALLER, "13900139000"],
        "wished twice it is one wish, and who waits longest comes first"
    );
    assert_eq!((&open[0]["queue"], &open[0]["done"]), (&json!("general"), &Value::Null));

    let done = format!("/api/v1/callbacks/{}/done", open[0]["id"]);
    assert_eq!(api.post(&done).bearer(&token).send().status, 204);
    until("it is off the list", || (listed(&api, &token, "").len() == 1).then_some(()));
    // Said again, by somebody else: the first word holds.
    assert_eq!(api.post(&done).bearer(&admin).send().status, 204);
    let all = listed(&api, &token, "?all=true");
    assert_eq!((all.len(), &all[1]["done_by"]), (2, &json!("super")));
    assert!(all[1]["done"].as_u64() >= all[1]["wanted"].as_u64());
}

#[test]
fn who_may_see_wishes_and_who_may_end_them() {
    let api = ApiUnderTest::start();
    let tokens = ["1001", "super", "quality", "admin", "auditor"].map(|user| api.login(user));
    for (method, path, expected) in [
        ("GET", "/api/v1/callbacks", [403, 200, 200, 200, 200]),
        ("POST", "/api/v1/callbacks/7/done", [403, 404, 403, 404, 403]),
        ("POST", "/api/v1/callbacks/seven/done", [403, 400, 403, 400, 403]),
        ("GET", "/api/v1/callbacks?whose=mine", [403, 400, 400, 400, 400]),
    ] {
        let statuses = tokens.each_ref().map(|token| api.request(method, path).bearer(token).send().status);
        assert_eq!(statuses, expected, "{method} {path}");
        assert_eq!(api.request(method, path).send().error(), "not_logged_in", "{method} {path}");
    }
}

#[test]
fn the_command_lists_wishes_with_masked_numbers_and_marks_them_done() {
    let api = ApiUnderTest::start();
    wished(&api, &[CALLER]);
    let token = api.login("super");
    until("the wish is listed", || (listed(&api, &token, "").len() == 1).then_some(()));
    let data = api.data.to_str().expect("a plain path").to_owned();
    let hotline = |args: &[&str], password: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_hotline"))
            .args(args)
            .env("HOTLINE_PASSWORD", password)
            .output()
            .expect("the command runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, _) = hotline(&["callbacks", "--data", &data], "");
    assert_eq!(code, Some(0));
    assert!(out.contains("138****1234") && !out.contains(CALLER), "{out}");
    let (_, out, _) = hotline(&["callbacks", "--data", &data, "--json"], "");
    let wishes: Value = serde_json::from_str(&out).expect("JSON");
    let id = wishes[0]["id"].to_string();

    let at = format!("http://{}", api.http);
    let done = ["callbacks", "done", &id, "--server", &at, "--user", "super"];
    let (code, _, err) = hotline(&done, "wrong");
    assert!(code == Some(3) && err.contains("as super:"), "{err}");
    let (code, out, err) = hotline(&done, "demo-super");
    assert_eq!((code, out.as_str()), (Some(0), format!("callback {id} is done\n").as_str()), "{err}");
    until("it is off the list", || listed(&api, &token, "").is_empty().then_some(()));
    let (code, _, err) =
        hotline(&["callbacks", "done", "999", "--server", &at, "--user", "super"], "demo-super");
    assert_eq!(code, Some(1), "{err}");
}
