//! A card number and a PIN, typed in every way there is, are nowhere but at the bank: the real program, with its log at
//! its most talkative, is looked through byte by byte, its memory included.

mod host;
mod phone;
mod scan;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hotline::media::dtmf::tone::Detector;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::api::http::Request;
use crate::crash::load::server::{self, PROGRAM, Scratch, Server, free_ports, own_host};
use host::Host;
use phone::{Phone, Way};
use scan::Needles;

/// How long anything may take that should be quick.
const PATIENCE: Duration = Duration::from_secs(20);

/// Digits that stand nowhere by chance.
const CARD: &str = "6217958340916275";
const PIN: &str = "927581";

const CALLER: &str = "13712345908";

/// Each way with a number, a queue and an agent of its own, so that all are tried at once.
const WAYS: [(Way, &str, &str); 3] =
    [(Way::Event, "95500", "2001"), (Way::Info, "95501", "2002"), (Way::Tones, "95502", "2003")];

/// What callers of the bank itself type before they wait for a person.
const FLOW: &str = r#"
flow: AGENT
languages: [en]
start: welcome
vars: { card: secret, pin: secret }
nodes:
  welcome: { play: { prompts: welcome, next: card } }
  card:
    collect: { into: card, prompts: acct, min: 8, max: 19, on_no_input: { then: desk }, on_invalid: { then: desk }, next: pin }
  pin:
    collect: { into: pin, prompts: pin, min: 6, max: 6, on_no_input: { then: desk }, on_invalid: { then: desk }, next: prove }
  prove: { http: { method: post, to: bank, path: /pins, body: { card: $card, pin: $pin }, next: desk, on_failed: bye } }
  desk: { queue: { to: AGENT, prompts: to_agent, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
"#;

struct Bank {
    _scratch: Scratch,
    folder: PathBuf,
    server: Server,
    door: Door,
}

/// What callers and agents of the bank see of it.
struct Door {
    sip: SocketAddr,
    http: SocketAddr,
    host: Host,
    address: IpAddr,
    token: String,
}

impl Bank {
    fn opens() -> Bank {
        let scratch = Scratch::new("secrets").expect("a folder");
        let folder = scratch.path().to_owned();
        let (host, address) = (Host::open(), own_host());
        let [sip, http] = free_ports(address).expect("ports");
        std::fs::write(folder.join("hotline.yaml"), configuration(&folder, address, [sip, http], host.at))
            .expect("written");
        let flows = folder.join("flows");
        std::fs::create_dir_all(&flows).expect("a folder");
        for (_, _, agent) in WAYS {
            let flow = FLOW.replace("AGENT", agent);
            std::fs::write(flows.join(format!("{agent}.yaml")), flow).expect("written");
        }
        std::fs::copy("ivr-flows/secure_pin.yaml", flows.join("secure_pin.yaml"))
            .expect("the bank's own flow");
        let mut command = Command::new(PROGRAM);
        command.env("HOTLINE_LOG", "trace").arg("serve").arg("--config").arg(folder.join("hotline.yaml"));
        let mut server =
            Server::start(command, (address, sip).into(), (address, http).into()).expect("the server starts");
        assert!(server.says("ready"), "{:#?}", server.said);
        let body = json!({ "user": "boss", "password": "a-long-password" });
        let reply = Request::new(server.http, "POST", "/api/v1/login").json(&body).send();
        let token = reply.json()["token"].as_str().unwrap_or_else(|| panic!("{}", reply.text())).to_owned();
        let door = Door { sip: server.sip, http: server.http, host, address: address.into(), token };
        Bank { _scratch: scratch, folder, server, door }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Door {
    fn phone(&self, user: &str, way: Way) -> Phone {
        Phone::new(self.sip, self.address, user, way)
    }

    fn gets(&self, path: &str) -> Vec<u8> {
        let reply = Request::new(self.http, "GET", path).bearer(&self.token).send();
        assert_eq!(reply.status, 200, "{path}");
        reply.body
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.gets(path)).expect("JSON")
    }

    fn has_learnt_it(&self) {
        let body = self.host.is_asked();
        let told: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(told, json!({ "card": CARD, "pin": PIN }), "the bank has it right");
    }
}

fn configuration(folder: &Path, address: std::net::Ipv4Addr, ports: [u16; 2], host: SocketAddr) -> String {
    let here = std::env::current_dir().expect("a folder");
    let (here, folder, [sip, http]) = (here.display(), folder.display(), ports);
    let each = |what: fn((Way, &str, &str)) -> String| WAYS.map(what).join(", ");
    let reached = each(|(_, number, _)| format!("\"{number}\""));
    let numbers = each(|(_, number, agent)| format!("\"{number}\": {{ flow: \"{agent}\", language: en }}"));
    let queues = each(|(_, _, agent)| format!("\"{agent}\": {{ requires: {{ s{agent}: 1 }}, wrap_up: 0s }}"));
    let agents = each(|(_, _, agent)| {
        format!(
            "\"{agent}\": {{ name: A{agent}, password: a-long-password, skills: {{ s{agent}: 5 }}, ready_on_register: true }}"
        )
    });
    format!(
        "sip: {{ listen: [\"{address}:{sip}\"], realm: bank }}\n\
         media: {{ address: {address} }}\n\
         http: {{ listen: \"{address}:{http}\", hosts: {{ bank: {{ url: \"http://{host}\", secrets: true }} }} }}\n\
         data: {folder}/data\nflows: {folder}/flows\nprompts: {here}/prompts\n\
         numbers: {{ {numbers} }}\nqueues: {{ {queues} }}\nagents: {{ {agents} }}\n\
         users: {{ boss: {{ name: B, password: a-long-password, role: supervisor }} }}\n\
         trunks: [ {{ name: here, sources: [127.0.0.0/8], numbers: [{reached}] }} ]\n"
    )
}

/// Types it to the bank's menu and, during the talk that follows, to a flow that the agent starts. The call's id, and
/// what its caller and the agent heard.
fn a_call(bank: &Door, (way, number, name): (Way, &str, &str)) -> String {
    let keys = format!("{CARD}#{PIN}");
    let mut agent = bank.phone(name, Way::Event);
    agent.registers("a-long-password");
    let mut caller = bank.phone(CALLER, way);
    caller.dials(number);
    caller.types(&keys);
    bank.has_learnt_it();
    agent.answers();
    agent.talks(Duration::from_secs(1));
    let live = bank.json("/api/v1/agents")["agents"].clone();
    let own = live.as_array().and_then(|all| all.iter().find(|live| live["agent"] == name));
    let call = own.and_then(|own| own["call"].as_str()).unwrap_or_else(|| panic!("{live}")).to_owned();
    let verify = Request::new(bank.http, "POST", &format!("/api/v1/calls/{call}/verify"));
    let reply = verify.bearer(&bank.token).json(&json!({ "flow": "secure_pin" })).send();
    assert_eq!(reply.status, 204, "{:?}", reply.body);
    caller.types(&keys);
    bank.has_learnt_it();
    let events = format!("/api/v1/calls/{call}/events");
    let is_back =
        |events: &Value| events.to_string().contains(r#""kind":"verify_ended","level":"pin","result":"ok""#);
    for _ in 0..100 {
        if is_back(&bank.json(&events)) {
            break;
        }
        agent.talks(Duration::from_millis(200));
    }
    let told = bank.json(&events);
    assert!(is_back(&told), "{told:#}");
    assert!(told.to_string().contains(r#""keys":6,"kind":"keys_typed","of":6"#), "{told:#}");
    agent.talks(Duration::from_secs(1));
    caller.hangs_up();
    agent.is_hung_up_on();
    assert_no_key_in(&agent.heard(), "the agent");
    assert_eq!(agent.events(), 0, "keys reached the agent as events");
    call
}

/// Nothing that a person or a machine could take for a key.
fn assert_no_key_in(samples: &[i16], whose: &str) {
    let (mut detector, mut keys) = (Detector::new(), String::new());
    detector.feed(samples, |key| keys.push(key));
    assert_eq!(keys, "", "keys heard by {whose}");
    // Shorter than any detector asks for: 12.75 ms in which two tones of a key are all there is.
    let pieces = samples.windows(102).step_by(51).enumerate();
    let toned: Vec<(usize, f64)> =
        pieces.map(|(n, piece)| (n, two_tones(piece))).filter(|(_, share)| *share > 0.9).collect();
    assert!(toned.is_empty(), "tones of a key in what {whose} hears: {toned:?}");
}

/// The share of a piece's energy in the strongest tone of each group (Goertzel), where it is loud enough to be one.
fn two_tones(piece: &[i16]) -> f64 {
    let energy: f64 = piece.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    // −40 dBm0.
    if energy / (piece.len() as f64) < 225.0_f64.powi(2) {
        return 0.0;
    }
    let power = |hertz: f64| {
        let twice = 2.0 * (std::f64::consts::TAU * hertz / 8_000.0).cos();
        let (mut last, mut before) = (0.0, 0.0);
        for sample in piece {
            let next = f64::from(*sample) + twice * last - before;
            (before, last) = (last, next);
        }
        (last * last + before * before - twice * last * before) * 2.0 / piece.len() as f64
    };
    let strongest = |group: [f64; 4]| group.map(power).into_iter().fold(0.0, f64::max);
    let (low, high) =
        (strongest([697.0, 770.0, 852.0, 941.0]), strongest([1_209.0, 1_336.0, 1_477.0, 1_633.0]));
    // One tone alone is a note of music; a key's two are within some decibels of each other.
    if low.min(high) * 20.0 < low.max(high) { 0.0 } else { (low + high) / energy }
}

/// Both sides of a call's tape, as rendered.
fn rendered(bank: &Bank, call: &str) -> [Vec<i16>; 2] {
    let wav = bank.folder.join(format!("{call}.wav"));
    let (out, data) = (wav.display().to_string(), bank.data().display().to_string());
    let (code, _, err) =
        server::command(&["recordings", "export", call, "--out", &out, "--data", &data]).expect("it runs");
    assert_eq!(code, 0, "{err}");
    let both: Vec<i16> = hound::WavReader::open(&wav)
        .expect("a sound file")
        .into_samples()
        .map(|sample| sample.expect("whole"))
        .collect();
    [0, 1].map(|side| both.iter().skip(side).step_by(2).copied().collect())
}

/// Everything the API tells of these calls.
fn answers(bank: &Bank, calls: &[String]) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<String> =
        ["me", "snapshot", "calls/live", "queues", "agents", "agents/2001", "calls", "recordings"]
            .map(|path| format!("/api/v1/{path}"))
            .into();
    paths.extend(["/healthz", "/readyz", "/metrics", "/api/v1/openapi.json", "/"].map(str::to_owned));
    for call in calls {
        paths.extend(["", "/events"].map(|more| format!("/api/v1/calls/{call}{more}")));
        paths.extend(["", "/audio"].map(|more| format!("/api/v1/recordings/{call}{more}")));
    }
    paths.into_iter().map(|path| (path.clone(), bank.door.gets(&path))).collect()
}

#[test]
fn a_card_and_a_pin_typed_by_event_info_and_tones_are_in_no_byte_the_server_keeps_or_tells() {
    let mut bank = Bank::opens();
    let calls = std::thread::scope(|scope| {
        let door = &bank.door;
        let calls = WAYS.map(|way| scope.spawn(move || a_call(door, way)));
        calls.map(|call| call.join().expect("the call goes well"))
    });
    for call in &calls {
        let [caller, bank_side] = rendered(&bank, call);
        let loud = caller.iter().filter(|sample| sample.unsigned_abs() > 1_000).count();
        assert!(loud > 8_000, "the talk is on the tape");
        assert_no_key_in(&caller, "who plays the caller's side of the tape");
        assert_no_key_in(&bank_side, "who plays the bank's side of the tape");
    }

    let needles = Needles::of(&[CARD, PIN]);
    let mut memory = Vec::new();
    let mut caller_seen = false;
    let total = scan::memory_of(bank.server.pid(), |bytes| {
        memory.extend(needles.found_in(bytes));
        memory.extend(scan::spread(CARD, bytes));
        memory.extend(keys_by_info(bytes));
        caller_seen |= bytes.windows(CALLER.len()).any(|window| window == CALLER.as_bytes());
    });
    assert!(caller_seen, "what is not secret is found in memory, so it is really looked at");
    let told = answers(&bank, &calls);
    bank.server.signal(Signal::SIGTERM);
    bank.server.ended().expect("it ends");
    let log = bank.server.said.join("\n").into_bytes();
    assert!(log.len() > 10_000, "the log says much");
    let files = scan::files_in(&bank.data());
    let named = files.iter().filter(|(_, bytes)| contains(bytes, b"secret digits")).count();
    assert!(named >= calls.len(), "each tape names its gap");
    let looked: usize = files.iter().chain(&told).map(|(_, bytes)| bytes.len()).sum();
    let mut found: Vec<String> = memory.into_iter().map(|place| format!("memory: {place}")).collect();
    for (name, bytes) in files.iter().chain(&told).chain([&("log".to_owned(), log)]) {
        found.extend(needles.found_in(bytes).into_iter().map(|place| format!("{name}: {place}")));
        found.extend(scan::spread(CARD, bytes).into_iter().map(|place| format!("{name}: {place}")));
    }
    println!(
        "{} calls; {total} bytes of memory, {looked} of files and answers, {} of log; found: {}",
        calls.len(),
        bank.server.said.iter().map(String::len).sum::<usize>(),
        found.len()
    );
    assert!(found.is_empty(), "{found:#?}");
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// Single keys, as INFO brings them: in order they would be the whole.
fn keys_by_info(bytes: &[u8]) -> Vec<String> {
    const BEFORE: &[u8] = b"Signal=";
    let places = bytes.windows(BEFORE.len() + 1).enumerate();
    let keys =
        places.filter(|(_, window)| window.starts_with(BEFORE) && window[BEFORE.len()].is_ascii_digit());
    keys.map(|(at, window)| format!("INFO's {:?} at {at}", String::from_utf8_lossy(window))).collect()
}
