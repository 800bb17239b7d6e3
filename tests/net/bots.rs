//! Real calls with a bot on a real WebSocket: what the two hear of each other, and what either may do to the call.

mod caller;
mod pipecat;
mod program;

use std::time::Duration;

use hotline::config::{Bot, Config};
use hotline::engine::happened::{BotFailure, BotOutcome, What};
use hotline::engine::input::World;
use hotline::engine::staff::{Answer, Ask};
use hotline::media::command::Codec;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use self::caller::{Caller, loudness};
use self::program::{Program, media, tone};
use super::Wire;
use crate::office::world;

const FLOW: &str = r#"
flow: main
languages: [zh-CN]
start: talk
vars: { intent: text }
nodes:
  talk:
    bot: { to: assistant, with: { number: $caller, from: ivr }, into: { intent: $intent }, next: which, on_person: desk, on_failed: urgent }
  which: { switch: { cases: [ { when: "$intent == 'vip'", then: vip } ], else: bye } }
  vip: { queue: { to: senior, on_timeout: bye, on_full: bye } }
  urgent: { queue: { to: urgent, on_timeout: bye, on_full: bye } }
  desk: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
"#;

/// What the caller says: a tone of so many hertz. The bot's is another.
const CALLER: f64 = 400.0;
const BOT: f64 = 1_000.0;

fn world(url: String, authorities: &[&[u8]], config: Config) -> World {
    world_with(FLOW, url, authorities, config)
}

fn world_with(flow: &str, url: String, authorities: &[&[u8]], mut config: Config) -> World {
    let authorities = authorities.iter().map(|pem| CertificateDer::from_pem_slice(pem).unwrap());
    let bot = Bot {
        url,
        authorities: authorities.collect(),
        headers: [].into(),
        connect_timeout: Duration::from_millis(800),
        max_calls: 2,
    };
    config.bots.insert("assistant".to_owned(), bot);
    world::with_flow_and(config, flow)
}

fn wire(name: &str, program: &Program) -> Wire {
    Wire::up_with(name, |config| world(program.url("ws"), &[], config))
}

/// The fields of `event` that each message has, and their types.
fn is_as_the_format_says(message: &Value) {
    let text = |pointer: &str| {
        assert!(message.pointer(pointer).is_some_and(Value::is_string), "{pointer}: {message}")
    };
    match message["event"].as_str() {
        Some("connected") => ["/protocol", "/version"].into_iter().for_each(text),
        Some("start") => {
            ["/sequenceNumber", "/streamSid", "/start/streamSid", "/start/accountSid", "/start/callSid"]
                .into_iter()
                .for_each(text);
            let format = json!({"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1});
            assert_eq!(message["start"]["mediaFormat"], format);
            assert_eq!(message["start"]["tracks"], json!(["inbound"]));
        }
        Some("media") => {
            [
                "/sequenceNumber",
                "/streamSid",
                "/media/track",
                "/media/chunk",
                "/media/timestamp",
                "/media/payload",
            ]
            .into_iter()
            .for_each(text);
        }
        Some("dtmf") => {
            ["/sequenceNumber", "/streamSid", "/dtmf/track", "/dtmf/digit"].into_iter().for_each(text)
        }
        Some("mark") => ["/sequenceNumber", "/streamSid", "/mark/name"].into_iter().for_each(text),
        Some("stop") => {
            ["/sequenceNumber", "/streamSid", "/stop/accountSid", "/stop/callSid"].into_iter().for_each(text);
        }
        _ => panic!("no event of the format: {message}"),
    }
}

#[test]
fn the_bot_hears_the_caller_and_the_caller_the_bot_whatever_the_codec() {
    for (name, codec) in
        [("pcma", Codec::Pcma), ("pcmu", Codec::Pcmu), ("g722", Codec::G722), ("opus", Codec::Opus)]
    {
        let program = Program::open();
        let wire = wire(&format!("bot-{name}"), &program);
        let mut caller = Caller::dials(&wire, codec);
        caller.until("the bot hears the caller", |_| program.hears(CALLER));
        let start = program.first("start").unwrap();
        let expected = json!({"number": "1380", "from": "ivr"});
        assert_eq!(start["start"]["customParameters"], expected);
        program.says(media(&tone(BOT, 7_777)));
        program.says(json!({"event": "mark", "mark": {"name": "said"}}));
        caller.until("the bot is told that it was heard", |_| program.first("mark").is_some());
        assert_eq!(program.first("mark").unwrap()["mark"]["name"], "said");
        let heard = caller.heard_of(BOT);
        assert!((850..=1_100).contains(&heard), "{name}: heard for {heard} ms");
        program.messages().iter().for_each(is_as_the_format_says);
        program.is_in_sequence();
        caller.has_no_gap();
    }
}

#[test]
fn a_bot_that_is_interrupted_falls_silent_within_a_tenth_of_a_second_and_gets_its_marks_back() {
    let program = Program::open();
    let wire = wire("bot-clear", &program);
    let mut caller = Caller::dials(&wire, Codec::Pcma);
    caller.until("the bot is there", |_| program.hears(CALLER));
    program.says(media(&tone(BOT, 80_000)));
    program.says(json!({"event": "mark", "mark": {"name": "end"}}));
    caller.until("the caller hears it", |caller| caller.heard_of(BOT) > 300);
    assert!(program.first("mark").is_none(), "not played yet");
    let mut silent_after = Vec::new();
    // The machine may have other things to do: the best of three tells what the server does.
    for _ in 0..3 {
        program.says(json!({"event": "clear"}));
        let cleared = caller.since_the_beginning();
        caller.until("the mark comes back", |_| program.first("mark").is_some());
        caller.talks_on(Duration::from_millis(400));
        silent_after.push(caller.last_of(BOT) - cleared);
        // What it says next is heard from its beginning.
        program.says(media(&tone(BOT, 80_000)));
        let before = caller.heard_of(BOT);
        caller.until("it speaks again", |caller| caller.heard_of(BOT) > before + 300);
    }
    let best = silent_after.iter().copied().fold(f64::MAX, f64::min);
    assert!(best < 0.1, "heard until so many seconds after: {silent_after:?}");
    caller.has_no_gap();
}

#[test]
fn a_caller_handed_over_comes_to_the_queue_with_what_the_bot_found_out_and_no_gap() {
    let program = Program::open();
    let wire = wire("bot-person", &program);
    let mut caller = Caller::dials(&wire, Codec::Pcma);
    caller.until("the bot is there", |_| program.hears(CALLER));
    program.says(media(&tone(BOT, 4_000)));
    program.says(json!({
        "event": "result", "transfer": true, "result": {"intent": "loss", "card": "0042"},
        "transcript": [{"who": "bot", "text": "Good morning."}, {"who": "caller", "text": "My card is gone."}],
    }));
    caller.until("the caller waits", |caller| caller.queue().is_some());
    assert_eq!(caller.queue().as_deref(), Some("general"));
    let heard = caller.heard_of(BOT);
    assert!((400..=600).contains(&heard), "its last words are heard: {heard} ms");
    caller.talks_on(Duration::from_millis(300));
    caller.has_no_gap();
    let answer =
        wire.runtime.block_on(wire.engine.ask(Ask::Handover { call: caller.call().unwrap() })).unwrap();
    let Answer::Handover { agent: None, handover: Some(handover) } = answer else { panic!("{answer:?}") };
    assert_eq!(serde_json::from_str::<Value>(&handover.result.slots).unwrap()["card"], "0042");
    let said: Vec<(&str, &str)> =
        handover.result.transcript.iter().map(|line| (line.who.as_str(), line.text.as_str())).collect();
    assert_eq!(said, [("bot", "Good morning."), ("caller", "My card is gone.")]);
    let Some(What::BotLeft { outcome, slots, said, .. }) = caller.bot_left() else { panic!("it has left") };
    assert_eq!((outcome, slots, said), (BotOutcome::Person, 31, 29));
    caller.until("the bot is told", |_| program.first("stop").is_some());
    assert!(!format!("{:?}", caller.happened()).contains("0042"), "the journal has its size only");
}

#[test]
fn a_bot_ends_by_closing_with_or_without_a_result() {
    for (result, queue) in [(Some(json!({"intent": "vip"})), Some("senior")), (None, None)] {
        let program = Program::open();
        let wire = wire("bot-closes", &program);
        let mut caller = Caller::dials(&wire, Codec::Pcma);
        caller.until("the bot is there", |_| program.hears(CALLER));
        let outcome = if result.is_some() { BotOutcome::Result } else { BotOutcome::Closed };
        if let Some(result) = result {
            program.says(json!({"event": "result", "result": result}));
        }
        program.closes();
        caller.until("the call goes on", |caller| caller.is_at("vip") || caller.is_at("bye"));
        assert_eq!(caller.queue().as_deref(), queue);
        assert_eq!(caller.outcome(), Some(outcome));
        caller.has_no_gap();
    }
}

#[test]
fn keys_go_to_the_bot_and_it_is_told_when_the_caller_hangs_up() {
    let program = Program::open();
    let wire = wire("bot-keys", &program);
    let mut caller = Caller::dials(&wire, Codec::Pcma);
    caller.until("the bot is there", |_| program.hears(CALLER));
    caller.presses(7);
    caller.until("the key comes", |_| program.first("dtmf").is_some());
    assert_eq!(program.first("dtmf").unwrap()["dtmf"]["digit"], "7");
    caller.hangs_up();
    caller.until("the bot is told", |_| program.first("stop").is_some());
    caller.until("its connection is closed", |_| program.is_closed());
    assert_eq!(caller.outcome(), Some(BotOutcome::Failed(BotFailure::Abandoned)));
    program.messages().iter().for_each(is_as_the_format_says);
}

#[test]
fn a_bot_that_dies_talks_nonsense_or_is_not_there_leads_elsewhere_in_time() {
    type Does = fn(&Program);
    let cases: [(&str, BotFailure, Does); 6] = [
        ("dies", BotFailure::Broken, |program| program.dies()),
        ("garbage", BotFailure::Nonsense, |program| {
            (0..21).for_each(|_| program.says_text("{\"event\": 5}"));
        }),
        ("bad-base64", BotFailure::Nonsense, |program| {
            (0..21).for_each(|_| program.says(json!({"event": "media", "media": {"payload": "%%%"}})));
        }),
        ("huge", BotFailure::Nonsense, |program| {
            program.says(json!({"event": "media", "media": {"payload": "A".repeat(2 << 20)}}));
        }),
        ("large-result", BotFailure::Nonsense, |program| {
            let large = json!({"event": "result", "result": {"text": "x".repeat(20_000)}});
            (0..21).for_each(|_| program.says(large.clone()));
        }),
        ("error", BotFailure::Broken, |program| program.closes_with(1011)),
    ];
    for (name, why, does) in cases {
        let program = Program::open();
        let wire = wire(&format!("bot-{name}"), &program);
        let mut caller = Caller::dials(&wire, Codec::Pcma);
        caller.until("the bot is there", |_| program.hears(CALLER));
        does(&program);
        caller.until("the call goes on", |caller| caller.queue().is_some());
        assert_eq!(caller.queue().as_deref(), Some("urgent"), "{name}");
        assert_eq!(caller.outcome(), Some(BotOutcome::Failed(why)), "{name}");
        caller.has_no_gap();
    }
}

#[test]
fn a_bot_is_waited_for_no_longer_than_its_time_and_only_so_many_talk_with_it() {
    let program = Program::that_never_answers();
    let silent = wire("bot-slow", &program);
    let mut caller = Caller::dials(&silent, Codec::Pcma);
    caller.until("the call goes on", |caller| caller.queue().is_some());
    assert_eq!(caller.outcome(), Some(BotOutcome::Failed(BotFailure::Timeout)));
    caller.has_no_gap();
    let nobody = Wire::up_with("bot-nobody", |config| world("ws://127.0.0.1:1/".to_owned(), &[], config));
    let mut caller = Caller::dials(&nobody, Codec::Pcma);
    caller.until("the call goes on", |caller| caller.queue().is_some());
    assert_eq!(caller.outcome(), Some(BotOutcome::Failed(BotFailure::Unreachable)));
}

#[test]
fn what_a_bot_says_beyond_a_minute_ahead_is_dropped_and_counted() {
    let program = Program::open();
    let wire = wire("bot-flood", &program);
    let mut caller = Caller::dials(&wire, Codec::Pcma);
    caller.until("the bot is there", |_| program.hears(CALLER));
    (0..7).for_each(|_| program.says(media(&tone(BOT, 80_000))));
    program.says(json!({"event": "clear"}));
    program.says(json!({"event": "mark", "mark": {"name": "cleared"}}));
    caller.until("it is there", |_| program.first("mark").is_some());
    program.closes();
    caller.until("the bot has left", |caller| caller.bot_left().is_some());
    let Some(What::BotLeft { unsaid_ms, .. }) = caller.bot_left() else { panic!("it has left") };
    assert!((8_000..=10_000).contains(&unsaid_ms), "{unsaid_ms}");
}

#[test]
fn a_bot_behind_tls_is_heard_if_the_right_authority_has_signed_for_it() {
    let program = Program::open_with_tls();
    let (signed, other) = (&include_bytes!("tls/authority.pem")[..], &include_bytes!("tls/other.pem")[..]);
    for (name, authority, untrusted) in [("bot-signed", signed, false), ("bot-forged", other, true)] {
        let wire = Wire::up_with(name, |config| world(program.url("wss"), &[authority], config));
        let mut caller = Caller::dials(&wire, Codec::Pcma);
        if untrusted {
            caller.until("the call goes on", |caller| caller.queue().is_some());
            assert_eq!(caller.outcome(), Some(BotOutcome::Failed(BotFailure::Untrusted)));
        } else {
            caller.until("the bot hears the caller", |_| program.hears(CALLER));
        }
    }
}

#[test]
fn the_caller_is_loud_and_clear() {
    let samples: Vec<i16> = program::samples(BOT, 0, 800);
    assert!(loudness(&samples, BOT) > 4_000.0 && loudness(&samples, CALLER) < 100.0);
}
