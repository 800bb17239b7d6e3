//! The emergency broadcast by the API and by the command, and a real caller who hears it.

use std::process::Command;
use std::time::Duration;

use hotline::net::clock::Clock;
use serde_json::{Value, json};

use super::phone::Phone;
use super::{ApiUnderTest, until};

const PATH: &str = "/api/v1/emergency";
const CALLER: &str = "13812341234";

fn status(api: &ApiUnderTest) -> Value {
    api.get(PATH).bearer(&api.login("super")).send().json()
}

/// `hotline emergency`, as the supervisor.
fn command(api: &ApiUnderTest, words: &[&str]) -> (Option<i32>, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_hotline"))
        .arg("emergency")
        .args(words)
        .args(["--server", &format!("http://{}", api.http), "--user", "super"])
        .env("HOTLINE_PASSWORD", "demo-super")
        .output()
        .expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[test]
fn the_next_caller_hears_it_within_a_second_of_the_answer() {
    let api = ApiUnderTest::start();
    let token = api.login("super");
    let body = json!({"level": "info", "prompts": ["emg_sys"], "for": "2h", "time": "14:30"});
    let reply = api.post(PATH).bearer(&token).json(&body).send();
    assert_eq!(reply.status, 200, "{reply:?}");
    let clock = Clock::start();
    let answered = clock.now();
    let mut caller = Phone::new(&api, CALLER);
    caller.dials("95500");
    until("the caller hears it", || (status(&api)["on"]["heard"] == 1).then_some(()));
    let took = clock.now().since(answered);
    assert!(took < Duration::from_secs(1), "{took:?}");
    let live = api.get("/api/v1/calls/live").bearer(&token).send().json();
    assert_eq!(live["calls"][0]["node"], "emergency", "it is being heard now");
}

#[test]
fn the_command_starts_it_shows_it_and_stops_it() {
    let api = ApiUnderTest::start();
    let (code, said, _) = command(&api, &["start", "--level", "info", "--prompt", "emg_sys", "--for", "2h"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("On until ") && said.contains("started by super"), "{said}");
    let (code, said, _) = command(&api, &["status", "--json"]);
    let shown: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &shown["on"]["prompts"]), (Some(0), &json!(["emg_sys"])));
    let lasts = |on: &Value| on["until"].as_u64().zip(on["since"].as_u64()).map(|(end, start)| end - start);
    assert_eq!(lasts(&shown["on"]), Some(7_200_000_000));
    assert!(shown["on"]["time"].as_str().is_some_and(|time| time.len() == 5), "the time it ends is said");
    let (code, said, _) = command(&api, &["stop"]);
    assert_eq!(code, Some(0));
    assert!(said.starts_with("No emergency broadcast is on.\nThe last was stopped by super"), "{said}");
}

#[test]
fn what_cannot_be_is_refused_in_words_that_help() {
    let api = ApiUnderTest::start();
    let wrong = &["start", "--level", "full", "--prompt", "emg_sis", "--for", "2h"];
    let (code, _, said) = command(&api, wrong);
    assert_eq!(code, Some(1));
    assert!(said.contains("did you mean `emg_sys`?"), "{said}");
    for lasts in ["2", "30s", "48h"] {
        let (code, _, said) =
            command(&api, &["start", "--level", "full", "--prompt", "emg_sys", "--for", lasts]);
        assert_eq!(code, Some(2), "{said}");
    }
    let token = api.login("admin");
    let refused = |body: Value| {
        let reply = api.post(PATH).bearer(&token).json(&body).send();
        assert_eq!(reply.status, 400, "{reply:?}");
        reply.json()["message"].as_str().unwrap_or_default().to_owned()
    };
    let endless = refused(json!({"level": "info", "prompts": ["emg_sys"]}));
    assert!(endless.contains("a broadcast has an end"), "{endless}");
    let unit = refused(json!({"level": "info", "prompts": ["emg_sys"], "for": "2"}));
    assert!(unit.contains("not a duration"), "{unit}");
    let past = refused(json!({"level": "info", "prompts": ["emg_sys"], "until": 1}));
    assert!(past.contains("from 1m to 24h"), "{past}");
    refused(json!({"level": "loud", "prompts": ["emg_sys"], "for": "2h"}));
    assert!(status(&api)["on"].is_null());
}

#[test]
fn it_outlives_a_restart_of_the_server() {
    let mut api = ApiUnderTest::start();
    let body = json!({"level": "info", "prompts": ["emg_sys"], "for": "2h", "time": "14:30"});
    assert_eq!(api.post(PATH).bearer(&api.login("super")).json(&body).send().status, 200);
    let mut caller = Phone::new(&api, CALLER);
    caller.dials("95500");
    until("the caller hears it", || (status(&api)["on"]["heard"] == 1).then_some(()));
    let before = status(&api);
    api.stop();
    let after = ApiUnderTest::start_in(api.data.clone());
    assert_eq!(status(&after)["on"], before["on"]);
    assert_eq!(after.request("DELETE", PATH).bearer(&after.login("admin")).send().status, 200);
    let last = &status(&after)["last"];
    let told = (&last["why"], &last["by"], &last["user"], &last["heard"]);
    assert_eq!(told, (&json!("stopped"), &json!("admin"), &json!("super"), &json!(1)));
}
