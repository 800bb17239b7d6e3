//! The event stream: a snapshot, then everything that happens, each to who may see it.

use std::net::TcpStream;

use hotline::engine::staff::Ask;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, HandshakeError, Message, WebSocket, client::client_with_config};

use super::phone::Phone;
use super::{ApiUnderTest, PATIENCE};

struct Reader(WebSocket<TcpStream>);

/// Opens a stream; the status if it is refused.
fn try_open(api: &ApiUnderTest, query: &str, fields: &[(&'static str, &str)]) -> Result<Reader, u16> {
    let address = format!("ws://{}/api/v1/events{query}", api.http);
    let mut request = address.into_client_request().expect("an address");
    for (name, value) in fields {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).expect("plain"));
    }
    let stream = TcpStream::connect(api.http).expect("the API listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    match client_with_config(request, stream, Some(WebSocketConfig::default())) {
        Ok((socket, _)) => Ok(Reader(socket)),
        Err(HandshakeError::Failure(Error::Http(response))) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

fn open(api: &ApiUnderTest, query: &str, user: &str) -> Reader {
    let token = api.login(user);
    match try_open(api, query, &[("authorization", &format!("Bearer {token}"))]) {
        Ok(reader) => reader,
        Err(status) => panic!("refused: {status}"),
    }
}

impl Reader {
    /// The next message that is no ping.
    fn next(&mut self) -> Value {
        loop {
            match self.0.read().expect("a message") {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Skips to the next event of a kind.
    fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next();
            if message["event"]["kind"] == kind {
                return message;
            }
        }
    }
}

fn note(api: &ApiUnderTest, action: &str) {
    api.ask(Ask::Note { user: "test".to_owned(), call: None, action: action.to_owned() });
}

#[test]
fn a_stream_begins_with_a_snapshot_and_tells_what_people_do() {
    let api = ApiUnderTest::start();
    let mut agent = Phone::new(&api, "1001");
    agent.registers();
    let mut reader = open(&api, "", "super");
    let first = reader.next();
    assert_eq!(first["snapshot"]["agents"].as_array().map(Vec::len), Some(6));
    assert_eq!(first["snapshot"]["agents"][0]["state"], "ready");
    let token = api.login("1001");
    let order = json!({"state": "not_ready", "reason": "lunch"});
    assert_eq!(api.post("/api/v1/agents/1001/state").bearer(&token).json(&order).send().status, 204);
    let action = reader.next_of("staff_action");
    assert_eq!(action["event"], json!({"kind": "staff_action", "user": "1001", "action": "not_ready:lunch"}));
    assert_eq!(action["agent"], "1001");
    assert!(action["seq"].as_u64() > Some(0) && action["at"].as_u64() > Some(0));
    let changed = reader.next_of("state_changed");
    assert_eq!(changed["event"]["state"]["state"], "not_ready");
    assert!(changed["seq"].as_u64() > action["seq"].as_u64(), "in order");
}

#[test]
fn a_call_is_told_to_supervisors_and_not_to_an_agent_it_does_not_concern() {
    let api = ApiUnderTest::start();
    let mut supervisor = open(&api, "?kind=call_arrived", "super");
    let mut agent = open(&api, "", "1002");
    supervisor.next();
    agent.next();
    let mut caller = Phone::new(&api, "13812341234");
    caller.dials("95500");
    let arrived = supervisor.next();
    assert_eq!(arrived["event"], json!({"kind": "call_arrived", "from": "13812341234", "dialled": "95500"}));
    let mut phone = Phone::new(&api, "1002");
    phone.registers();
    assert_eq!(agent.next()["event"]["kind"], "phone_registered", "the call was not told");
    let call = arrived["call"].as_str().expect("a call").to_owned();
    let mut one = open(&api, &format!("?call={call}&kind=staff_action"), "super");
    one.next();
    note(&api, "something else");
    let token = api.login("super");
    let path = format!("/api/v1/calls/live/{call}");
    assert_eq!(api.request("DELETE", &path).bearer(&token).send().status, 204);
    assert_eq!(one.next()["event"]["action"], "hang_up");
}

#[test]
fn a_slow_reader_is_told_how_many_events_it_missed() {
    /// More than the sockets' buffers and the server's own hold together.
    const EVENTS: usize = 12_000;
    let api = ApiUnderTest::start();
    let mut reader = open(&api, "?kind=staff_action", "super");
    reader.next();
    let action = "x".repeat(2_000);
    api.ask_all((0..EVENTS).map(|_| Ask::Note {
        user: "test".to_owned(),
        call: None,
        action: action.clone(),
    }));
    let mut told = 0;
    let missed = loop {
        let message = reader.next();
        match message["missed"].as_u64() {
            Some(missed) => break missed,
            None => told += 1,
        }
        assert!(told < EVENTS, "all of them were told");
    };
    assert!(missed > 0);
    note(&api, "the last");
    loop {
        if reader.next()["event"]["action"] == "the last" {
            return;
        }
    }
}

#[test]
fn who_may_not_listen_is_refused_before_the_stream_begins() {
    let api = ApiUnderTest::start();
    assert_eq!(try_open(&api, "", &[]).err(), Some(401));
    let token = api.login("super");
    let cookie = format!("hotline_session={token}");
    assert_eq!(try_open(&api, "", &[("cookie", &cookie)]).err(), Some(403), "from nowhere");
    let foreign = [("cookie", cookie.as_str()), ("origin", "http://elsewhere.example")];
    assert_eq!(try_open(&api, "", &foreign).err(), Some(403), "from another page");
    let origin = format!("http://{}", api.http);
    let own = [("cookie", cookie.as_str()), ("origin", origin.as_str())];
    assert!(try_open(&api, "", &own).is_ok(), "from our own");
    let bearer = format!("Bearer {token}");
    assert_eq!(try_open(&api, "?call=x", &[("authorization", &bearer)]).err(), Some(400));
    assert_eq!(api.get("/api/v1/events").bearer(&token).send().status, 400, "not a WebSocket");
}

#[test]
fn a_stream_is_closed_in_order_when_the_server_stops() {
    let mut api = ApiUnderTest::start();
    let mut reader = open(&api, "", "super");
    reader.next();
    api.stop();
    let close = loop {
        match reader.0.read() {
            Ok(Message::Close(close)) => break close,
            Ok(_) => {}
            Err(error) => panic!("cut off: {error}"),
        }
    };
    assert_eq!(close.map(|close| u16::from(close.code)), Some(1001));
}
