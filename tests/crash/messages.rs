//! Messages left with the real program: killed in the middle of one, asked for them, told what has been done.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::load::fleet::Fleet;
use super::load::server::{self, Plan, Scratch, Server};
use super::{PATIENCE, json, plan};

/// Most of a message that a crash may cost.
const LOST: u64 = 1_000;

const FLOW: &str = "
flow: main
languages: [zh-CN]
start: message
nodes:
  message: { record: { name: complaint, max: 60s, next: bye, on_short: bye, on_failed: bye } }
  bye: { hangup: }
";

/// The plan's configuration with a flow that takes messages, and somebody who listens to them.
fn configured(plan: &Plan, scratch: &Path) -> std::path::PathBuf {
    let path = plan.write(scratch).expect("a configuration");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let here = std::env::current_dir().expect("a folder").join("ivr-flows");
    let flows = scratch.join("own-flows");
    std::fs::create_dir_all(&flows).expect("a folder");
    std::fs::write(flows.join("main.yaml"), FLOW).expect("a flow");
    let text = text.replace(&here.display().to_string(), &flows.display().to_string());
    let users = "users:\n  super: { name: S, password: not-the-demos, role: supervisor }\n";
    std::fs::write(&path, text + users).expect("written");
    path
}

/// A caller who speaks after the tone, for at least so long.
fn speaks(fleet: &mut Fleet, time: Duration) -> hotline::ids::LegId {
    let leg = fleet.dials("13900000001", "95500").expect("an RTP port");
    let answered = fleet.run_until(PATIENCE, |fleet| fleet.talks[&leg].answered.is_some());
    assert!(answered, "{:?}", fleet.talks[&leg].stage);
    // The tone of a second, and the talk.
    fleet.run(Duration::from_millis(1_200) + time);
    leg
}

fn listed(plan: &Plan, open: bool) -> Vec<Value> {
    let data = plan.data.display().to_string();
    let mut args = vec!["messages", "list", "--json", "--data", &data];
    args.extend(open.then_some("--open"));
    let (code, out, err) = server::command(&args).expect("messages runs");
    assert_eq!(code, 0, "{err}");
    json(&out)
}

/// Exports a message; the samples of its one channel.
fn exported(plan: &Plan, id: &str, scratch: &Path) -> Vec<i16> {
    let (data, out) = (plan.data.display().to_string(), scratch.join("message.wav"));
    let args = ["messages", "export", id, &out.display().to_string(), "--data", &data];
    let (code, _, err) = server::command(&args).expect("messages runs");
    assert_eq!(code, 0, "{err}");
    let mut wav = hound::WavReader::open(out).expect("a WAV file");
    assert_eq!((wav.spec().channels, wav.spec().sample_rate), (1, 8_000));
    wav.samples().map(|sample| sample.expect("whole")).collect()
}

fn http(plan: &Plan, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(plan.http()).expect("the API listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let auth = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: bank\r\n{auth}Content-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let status = String::from_utf8_lossy(&answer[9..12]).parse().expect("a status");
    (status, answer.split_off(end + 4))
}

#[test]
fn a_message_of_a_killed_server_is_there_up_to_the_last_second_and_is_dealt_with_by_the_next() {
    let scratch = Scratch::new("messages").expect("a scratch folder");
    let plan = plan(&scratch, 1);
    let config = configured(&plan, scratch.path());
    let mut server = Server::serve(&plan, &config, None).expect("the server starts");
    assert!(server.says("ready"), "{:#?}", server.said);
    let mut fleet = Fleet::new(plan.host, plan.sip()).expect("a fleet");
    speaks(&mut fleet, Duration::from_secs(4));
    server.signal(Signal::SIGKILL);
    server.ended().expect("it is dead");
    drop(fleet);

    let mut server = Server::serve(&plan, &config, None).expect("the server starts again");
    assert!(server.says("ready"), "{:#?}", server.said);
    let left = listed(&plan, true);
    let message = &left[0]["message"];
    let id = left[0]["id"].as_str().expect("an id").to_owned();
    let ms = message["ms"].as_u64().expect("a length");
    assert!((4_000 - LOST..=5_500).contains(&ms), "{message}");
    assert_eq!((message["name"].as_str(), message["end"].as_str()), (Some("complaint"), Some("call_ended")));
    let samples = exported(&plan, &id, scratch.path());
    let loud = samples.iter().filter(|sample| sample.unsigned_abs() > 300).count();
    assert!(samples.len() as u64 * 1_000 / 8_000 >= 4_000 - LOST, "{} samples", samples.len());
    // Of each frame they send an eighth is not silence.
    assert!(loud * 12 > samples.len(), "the caller is heard: {loud} of {}", samples.len());
    let (code, out, err) =
        server::command(&["recordings", "verify", "--data", &plan.data.display().to_string()]).expect("runs");
    assert_eq!(code, 0, "{out}{err}");

    // The next caller speaks and hangs up; somebody listens, and does what was asked.
    let mut fleet = Fleet::new(plan.host, plan.sip()).expect("a fleet");
    let leg = speaks(&mut fleet, Duration::from_secs(2));
    fleet.hangs_up(leg);
    let both = fleet.run_until(PATIENCE, |_| listed(&plan, true).len() == 2);
    assert!(both, "{:?}", listed(&plan, true));
    let newest = listed(&plan, true)[0]["id"].as_str().expect("an id").to_owned();
    assert_ne!(newest, id);
    let login = r#"{"user": "super", "password": "not-the-demos"}"#;
    let (status, body) = http(&plan, "POST", "/api/v1/login", None, login);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    let token =
        serde_json::from_slice::<Value>(&body).expect("json")["token"].as_str().expect("it").to_owned();
    let api = |method: &str, path: &str, body: &str| http(&plan, method, path, Some(&token), body);
    let (status, sound) = api("GET", &format!("/api/v1/messages/{newest}/audio"), "");
    assert_eq!((status, &sound[..4]), (200, &b"RIFF"[..]));
    let own: Vec<u8> =
        exported(&plan, &newest, scratch.path()).iter().flat_map(|s| s.to_le_bytes()).collect();
    assert!(sound[44..] == own[..], "the API gives what the command line gives");
    for state in ["heard", "done"] {
        let body = format!("{{\"state\": \"{state}\"}}");
        assert_eq!(api("POST", &format!("/api/v1/messages/{newest}"), &body).0, 204);
    }
    assert_eq!(api("POST", &format!("/api/v1/messages/{newest}9"), r#"{"state": "done"}"#).0, 404);
    assert_eq!(api("POST", "/api/v1/messages/nonsense", r#"{"state": "done"}"#).0, 400);
    let done = fleet.run_until(PATIENCE, |_| listed(&plan, true).len() == 1);
    assert!(done, "{:?}", listed(&plan, true));
    let (_, body) = api("GET", "/api/v1/messages", "");
    let all: Value = serde_json::from_slice(&body).expect("json");
    let states: Vec<_> =
        all["messages"].as_array().expect("a list").iter().map(|m| m["state"].clone()).collect();
    assert_eq!(states, ["done", "new"]);
    server.signal(Signal::SIGTERM);
    server.ended().expect("it ends");
}
