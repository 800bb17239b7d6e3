//! SRTP with real phones: baresip brings an implementation of its own.

use hotline::media::srtp::Srtp;
use hotline::media::srtp::keying::{Keying, Suite};
use hotline::sdp::crypto::Crypto;

use super::bank::Bank;
use super::baresip::{AGENTS, CALLER, Phone};
use super::room::alone;
use super::sound::{self, RATE};
use super::tap::{Packet, Passed, SERVER, Tap};

/// The voices last longer than any test.
const VOICE: f64 = 30.0;

/// Bytes of a packet of 20 ms without a tag.
const PLAIN: usize = 12 + 160;

#[test]
fn a_phone_that_insists_on_srtp_talks_with_a_plain_one() {
    alone(&["baresip"], |room| {
        let (callers, agents) = (sound::noise(11, VOICE), sound::noise(22, VOICE));
        let mut bank = Bank::opens(room);
        let tap = Tap::opens();
        let mut agent = Phone::agent(room, "1001", "auto", &agents);
        bank.shows("agent 1001 is ready");
        let mut caller = Phone::caller_with(room, "13800001234", ";mediaenc=srtp-mand", &callers);
        caller.dials("95500");
        caller.sees("CALL_ESTABLISHED");
        bank.shows("menu: main");
        caller.presses("9");
        bank.shows("talks with agent 1001");
        // Twice: the caller is told first who it is.
        agent.sees("CALL_RTCP");
        agent.sees("CALL_RTCP");
        // On hold and back: two more offers, with the same keys or new ones as the phone likes.
        caller.holds();
        bank.shows("put on hold by the caller");
        caller.resumes();
        bank.shows("taken off hold by the caller");
        agent.sees("CALL_RTCP");
        caller.hangs_up();
        bank.shows("ends: caller_hung_up");
        let (agent_heard, caller_heard) = (agent.heard(), caller.heard());
        let packets = tap.closes();
        bank.closes();

        let phones = |first: u16| first..first + 100;
        let from_agent = Passed::between(&packets, &phones(AGENTS), &SERVER);
        let to_agent = Passed::between(&packets, &SERVER, &phones(AGENTS));
        like("the agent hears the caller", &callers[..], &agent_heard, &to_agent.samples);
        // Its file ends where it put us on hold; what comes later is told by the wire, with the server's key.
        like("the caller hears the agent", &agents[..], &caller_heard, &caller_heard);
        let to_caller = Passed::between(&opened(&caller, &packets), &SERVER, &phones(CALLER));
        like("the caller is sent the agent after hold", &agents[..], &to_caller.samples, &from_agent.samples);
        is_protected(&packets, CALLER);
        let (left, right) = bank.recording(bank.calls()[0]["call"].as_str().expect("a call's name"));
        like("the caller is on the tape", &callers[..], &left, &left);
        like("the agent is on the tape", &agents[..], &right, &right);
        no_key_is_told(&bank, &caller);
    });
}

#[test]
fn where_srtp_is_required_both_phones_speak_it() {
    alone(&["baresip"], |room| {
        let (callers, agents) = (sound::noise(11, VOICE), sound::noise(22, VOICE));
        let configuration = include_str!("../../hotline.sample.yaml")
            .replace("srtp: accepted", "srtp: required")
            .replace("192.0.2.0/24", "127.0.0.1/32")
            .replace("change-me-2001", "demo-1001")
            .replace("\"2001\":", "\"1001\":")
            .replace("ready_on_register: false", "ready_on_register: true");
        let bank = Bank::opens_by(room, &configuration);
        let tap = Tap::opens();
        let mut agent = Phone::agent_with(room, "1001", ";answermode=auto;mediaenc=srtp-mand", &agents);
        let mut caller = Phone::caller_with(room, "13800001234", ";mediaenc=srtp-mand", &callers);
        caller.dials("95500");
        caller.sees("CALL_ESTABLISHED");
        // The menu is reached after two short prompts.
        caller.sees("CALL_RTCP");
        caller.presses("9");
        agent.sees("CALL_ESTABLISHED");
        // Long enough for the talk to be more than what the menu said.
        agent.sees("CALL_RTCP");
        agent.sees("CALL_RTCP");
        caller.hangs_up();
        agent.sees("CALL_CLOSED");
        let (agent_heard, caller_heard) = (agent.heard(), caller.heard());
        let packets = tap.closes();
        like("the agent hears the caller", &callers[..], &agent_heard, &agent_heard);
        like("the caller hears the agent", &agents[..], &caller_heard, &caller_heard);
        is_protected(&packets, CALLER);
        is_protected(&packets, AGENTS);
        no_key_is_told(&bank, &caller);
        no_key_is_told(&bank, &agent);
    });
}

/// What the server sent the caller, decrypted by that of the keys on the wire which opens most.
fn opened(caller: &Phone, packets: &[Packet]) -> Vec<Packet> {
    let phone = CALLER..CALLER + 100;
    let lines = caller
        .keys()
        .into_iter()
        .flat_map(|key| Suite::ALL.map(|suite| format!("1 {} inline:{key}", suite.name())).into_iter());
    let tries = lines.filter_map(|line| Crypto::parse(line.as_bytes())).map(|line| {
        let mut end = Srtp::new(&Keying::new(line.key.clone(), line.key).expect("one suite"));
        let sent = packets.iter().filter(|packet| phone.contains(&packet.to));
        let opened = sent.filter_map(|packet| {
            let mut packet = packet.clone();
            let length = end.unprotect(&mut packet.payload).ok()?;
            packet.payload.truncate(length);
            Some(packet)
        });
        opened.collect::<Vec<_>>()
    });
    tries.max_by_key(Vec::len).expect("the phone saw keys")
}

/// `heard` holds a second of `said` (or half of what there is), taken from where `passed` holds it.
fn like(what: &str, said: &[i16], heard: &[i16], passed: &[i16]) {
    let (middle, half) = (passed.len() * 3 / 4, (RATE / 2).min(passed.len() / 4));
    let word = &passed[middle - half..middle + half];
    let spoken = sound::find(word, said);
    let found = sound::find(word, heard);
    println!("{what}: {:.3}, and it was said: {:.3}", found.likeness, spoken.likeness);
    assert!(found.likeness > 0.6 && spoken.likeness > 0.6, "{what}");
}

/// Each audio packet of the phone whose ports begin at `first` has a tag.
fn is_protected(packets: &[Packet], first: u16) {
    let phone = first..first + 100;
    let audio = |packet: &&Packet| matches!(packet.payload[1] & 127, 0 | 8) && packet.payload.len() > 100;
    let from = packets.iter().filter(|packet| phone.contains(&packet.from)).filter(audio);
    let to = packets.iter().filter(|packet| phone.contains(&packet.to)).filter(audio);
    for (what, sizes) in [("from", from.map(size).collect::<Vec<_>>()), ("to", to.map(size).collect())] {
        assert!(sizes.len() > 100, "{what}: {}", sizes.len());
        assert!(sizes.iter().all(|size| *size > PLAIN), "{what}: a packet without a tag");
    }
}

fn size(packet: &Packet) -> usize {
    packet.payload.len()
}

/// No key that the phone saw stands in the log at its most talkative, nor in any file of the bank's.
fn no_key_is_told(bank: &Bank, phone: &Phone) {
    let keys = phone.keys();
    assert!(keys.len() >= 2, "the phone shows what it sends and receives: {keys:?}");
    let files = bank.files();
    for key in keys {
        assert!(!bank.said().contains(&key), "a key in the log");
        let holds = |bytes: &[u8]| bytes.windows(key.len()).any(|window| window == key.as_bytes());
        assert!(!files.iter().any(|(_, bytes)| holds(bytes)), "a key in a file");
    }
}
