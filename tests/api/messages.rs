//! Voice messages over HTTP.

use std::path::Path;
use std::time::Duration;

use hotline::call::cause::Cause;
use hotline::engine::happened::{Happened, MessageEnd, Party, What};
use hotline::store::Store;
use hotline::store::journal::{CAPACITY, Journal};
use serde_json::{Value, json};

use super::ApiUnderTest;
use super::recordings::{CALL, START, make_tape};

/// Where the message begins on the tape of `make_tape`, and how long it is.
pub const FROM: Duration = Duration::from_millis(200);
pub const LENGTH: Duration = Duration::from_millis(1_200);

/// What a server has written that took a message and an angry rating, and has stopped since.
pub fn left_before(data: &Path) {
    let runtime = super::runtime();
    runtime.block_on(async {
        let store = Store::open(&data.join("hotline.db")).await.expect("a database");
        let (journal, handle) = Journal::spawn(&store, CAPACITY).await.expect("a journal");
        let name = || "complaint".to_owned();
        let ms = LENGTH.as_millis() as u64;
        let entries = [
            (0, None, What::CallArrived { from: "13812341234".into(), dialled: "95500".into() }),
            (1, Some("1001"), What::AgentAnswered { queue: Some("cards".into()), waited_ms: 0 }),
            (2, Some("1001"), What::SurveyBegan { queue: "cards".into(), flow: "survey".into(), talk_ms: 9 }),
            (3, None, What::NodeEntered { node: "follow_up".into() }),
            (4, Some("1001"), What::Surveyed { queue: Some("cards".into()), score: Some(1) }),
            (200, None, What::MessageBegan { number: 1, name: name() }),
            (1_400, None, What::MessageLeft { number: 1, name: name(), ms, end: MessageEnd::Key }),
            (2_000, None, What::CallEnded { cause: Cause::FlowEnded, by: Party::Flow, talk_ms: 9 }),
        ];
        for (seq, (millis, agent, what)) in (1..).zip(entries) {
            let at = START + Duration::from_millis(millis);
            let agent = agent.map(Into::into);
            handle.record(Happened { seq, at, call: Some(CALL), agent, what }).expect("room");
        }
        journal.close().await;
        store.close().await;
    });
}

fn with_a_message() -> ApiUnderTest {
    let api = ApiUnderTest::start_after(left_before);
    make_tape(&api, 100);
    api
}

#[test]
fn a_message_is_listed_heard_and_done() {
    let api = with_a_message();
    let token = api.login("super");
    let list = |query: &str| {
        let reply = api.get(&format!("/api/v1/messages{query}")).bearer(&token).send();
        reply.json()["messages"].as_array().expect("a list").clone()
    };
    let message = &list("?open=true")[0];
    assert_eq!(
        (message["name"].as_str(), message["from"].as_str()),
        (Some("complaint"), Some("13812341234"))
    );
    assert_eq!((message["ms"].as_u64(), message["state"].as_str()), (Some(1_200), Some("new")));
    let id = message["id"].as_str().expect("an id").to_owned();
    assert_eq!(id, format!("{CALL}-1"));
    let sound = api.get(message["audio"].as_str().expect("an address")).bearer(&token).send();
    assert_eq!((sound.status, sound.field("content-type")), (200, "audio/wav"));
    let samples = sound.body[44..].chunks_exact(2);
    assert_eq!(samples.len() as u64, LENGTH.as_millis() as u64 * 8);
    // One channel, and of the tape exactly what lies within the message.
    let whole = api.get(&format!("/api/v1/recordings/{CALL}/audio")).bearer(&token).send().body;
    let left: Vec<&[u8]> = whole[44..].chunks_exact(4).map(|both| &both[..2]).collect();
    let from = FROM.as_millis() as usize * 8;
    assert!(samples.eq(left[from..from + LENGTH.as_millis() as usize * 8].iter().copied()));
    for state in ["heard", "done"] {
        let mark = api.post(&format!("/api/v1/messages/{id}")).bearer(&token).json(&json!({"state": state}));
        assert_eq!(mark.send().status, 204);
        super::until(state, || (list("")[0]["state"] == state).then_some(()));
    }
    assert_eq!(list("?open=true"), Vec::<Value>::new());
    let events = api.get(&format!("/api/v1/calls/{CALL}/events")).bearer(&token).send().json();
    let marked = events["events"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|e| e["event"]["kind"] == "message_marked");
    assert!(marked.clone().all(|event| event["event"]["user"] == "super") && marked.count() == 2);
}

#[test]
fn what_is_no_message_is_refused() {
    let api = with_a_message();
    let token = api.login("super");
    let mark = |id: &str, body: &Value| {
        api.post(&format!("/api/v1/messages/{id}")).bearer(&token).json(body).send().status
    };
    let done = json!({"state": "done"});
    assert_eq!(mark(&format!("{CALL}-2"), &done), 404);
    assert_eq!(mark("00000000001-1", &done), 404);
    assert_eq!(mark(&CALL.to_string(), &done), 400);
    assert_eq!(mark(&format!("{CALL}-1"), &json!({"state": "lost"})), 400);
    assert_eq!(mark(&format!("{CALL}-1"), &json!({"state": "done", "by": "me"})), 400);
    assert_eq!(api.get("/api/v1/messages?limit=0").bearer(&token).send().status, 400);
}

#[test]
fn an_agent_is_not_told_how_they_were_rated_nor_what_shows_it() {
    let api = with_a_message();
    let seen = |user: &str| {
        let token = api.login(user);
        let get = |path: String| api.get(&path).bearer(&token).send().json();
        (get(format!("/api/v1/calls/{CALL}")), get(format!("/api/v1/calls/{CALL}/events")))
    };
    let (record, events) = seen("1001");
    assert_eq!(
        (&record["score"], &record["messages"], &record["path"]),
        (&Value::Null, &Value::Null, &json!([]))
    );
    let kinds: Vec<_> =
        events["events"].as_array().expect("a list").iter().map(|e| &e["event"]["kind"]).collect();
    assert_eq!(kinds, ["call_arrived", "agent_answered", "survey_began", "call_ended"]);
    let (record, events) = seen("super");
    assert_eq!((&record["score"], &record["messages"]), (&json!(1), &json!(1)));
    assert_eq!(record["path"], json!(["follow_up"]));
    assert!(events.to_string().contains("\"score\":1"));
}
