//! The main job with two real phones: dial, press, talk, and it is on record.

use super::bank::{self, Bank};
use super::baresip::{AGENTS, CALLER, Phone};
use super::room::{Room, alone};
use super::sound::{self, RATE};
use super::tap::{Packet, Passed, SERVER, Tap};

/// The voices last longer than any test.
const VOICE: f64 = 40.0;

#[test]
fn caller_and_agent_hear_each_other_and_the_recording_holds_both() {
    alone(&["baresip"], |room| {
        let Talk { bank, packets, agent_heard, caller_heard } = a_talk(room);

        let phones = |first: u16| first..first + 100;
        let (agent_rtp, caller_rtp) = (phones(AGENTS), phones(CALLER));
        let from_caller = Passed::between(&packets, &caller_rtp, &SERVER);
        let to_agent = Passed::between(&packets, &SERVER, &agent_rtp);
        let from_agent = Passed::between(&packets, &agent_rtp, &SERVER);
        let to_caller = Passed::between(&packets, &SERVER, &caller_rtp);
        // A second out of the middle of the talk.
        let middle = from_agent.samples.len() / 2;
        let agents_word = &from_agent.samples[middle..middle + RATE];
        let said_at = from_agent.time(middle);
        let caller_at = ((said_at - from_caller.from) * RATE as f64) as usize;
        let callers_word = &from_caller.samples[caller_at..caller_at + RATE];

        heard("the agent hears the caller", callers_word, &agent_heard);
        heard("the caller hears the agent", agents_word, &caller_heard);
        not_heard("the agent hears himself", agents_word, &agent_heard);
        not_heard("the caller hears himself", callers_word, &caller_heard);
        let delay = |word: &[i16], said: f64, stream: &Passed| {
            let found = sound::find(word, &stream.samples);
            assert!(found.likeness > 0.9, "{found:?}");
            stream.time(found.at) - said
        };
        let there = delay(callers_word, from_caller.time(caller_at), &to_agent);
        let back = delay(agents_word, said_at, &to_caller);
        println!("through the server: caller to agent {:.1} ms, back {:.1} ms", there * 1e3, back * 1e3);
        assert!((-0.001..0.3).contains(&there) && (-0.001..0.3).contains(&back));

        let record = &bank.calls()[0];
        is_whole(record);
        let call = record["call"].as_str().expect("a call's name");
        let (left, right) = bank.recording(call);
        let callers = heard("the caller is on the left", callers_word, &left);
        let agents = heard("the agent is on the right", agents_word, &right);
        not_heard("the caller on the right", callers_word, &right);
        not_heard("the agent on the left", agents_word, &left);
        let on_tape = (agents.at as f64 - callers.at as f64) / RATE as f64;
        let in_truth = said_at - from_caller.time(caller_at);
        // Not its first 100 ms: on a machine too busy to send them in time they may lie before the tape's beginning.
        let welcome = &sound::noise(bank::WELCOME, bank::PROMPT)[RATE / 10..];
        let sent = heard("the caller is welcomed", welcome, &to_caller.samples);
        let taped = heard("the bank's welcome is on the right", welcome, &right);
        let late = taped.at as f64 / RATE as f64
            - (to_caller.time(sent.at) - from_caller.time(caller_at))
            - callers.at as f64 / RATE as f64;
        println!("the welcome is {:.1} ms from the truth, at sample {}", late.abs() * 1e3, taped.at);
        assert!(late.abs() < 0.020, "{late} s");
        println!("the channels are {:.1} ms apart from the truth", (on_tape - in_truth).abs() * 1e3);
        assert!((on_tape - in_truth).abs() < 0.020, "{on_tape} s on the tape, {in_truth} s in truth");
    });
}

/// What is left of a talk when the bank has closed.
struct Talk {
    bank: Bank,
    /// What went over the wire.
    packets: Vec<Packet>,
    agent_heard: Vec<i16>,
    caller_heard: Vec<i16>,
}

/// A caller passes the menu, talks with agent 1001 for three reports of the agent's phone, and hangs up.
fn a_talk(room: &Room) -> Talk {
    let (callers, agents) = (sound::noise(11, VOICE), sound::noise(22, VOICE));
    let mut bank = Bank::opens(room);
    let tap = Tap::opens();
    let mut agent = Phone::agent(room, "1001", "auto", &agents);
    bank.shows("agent 1001 is ready");
    let mut caller = Phone::caller(room, "13800001234", &callers);
    caller.dials("95500");
    caller.sees("CALL_ESTABLISHED");
    bank.shows("menu: main");
    caller.presses("9");
    bank.shows("talks with agent 1001");
    agent.sees("CALL_ESTABLISHED");
    // Three of its reports, one every five seconds or so: the time to tell the caller who it is, and of a short talk.
    for _ in 0..3 {
        agent.sees("CALL_RTCP");
    }
    caller.hangs_up();
    agent.sees("CALL_CLOSED");
    bank.shows("ends: caller_hung_up");
    let (agent_heard, caller_heard) = (agent.heard(), caller.heard());
    let packets = tap.closes();
    bank.closes();
    Talk { bank, packets, agent_heard, caller_heard }
}

/// The record tells all that happened.
fn is_whole(record: &serde_json::Value) {
    assert_eq!(record["dialled"], "95500");
    assert_eq!(record["from"], "13800001234");
    assert_eq!(record["queue"], "general");
    assert_eq!(record["agent"], "1001");
    assert_eq!(record["cause"], "caller_hung_up");
    assert_eq!(record["recorded"], true);
    assert_eq!(
        record["path"],
        serde_json::json!([
            "known",
            "emergency",
            "opening",
            "notice",
            "who",
            "sort",
            "home",
            "main",
            "agent",
            "waiting/person",
            "person/desk"
        ])
    );
    assert!(record["answered"].is_number() && record["ended"].is_number(), "{record}");
    assert!(record["talk_ms"].as_u64().is_some_and(|talked| talked > 4_000), "{record}");
}

fn heard(what: &str, word: &[i16], by: &[i16]) -> sound::Found {
    let found = sound::find(word, by);
    println!("{what}: {:.3}", found.likeness);
    assert!(found.likeness > 0.6, "{what}: {found:?}");
    found
}

fn not_heard(what: &str, word: &[i16], by: &[i16]) {
    let found = sound::find(word, by);
    println!("not: {what}: {:.3}", found.likeness);
    assert!(found.likeness < 0.2, "{what}: {found:?}");
}
