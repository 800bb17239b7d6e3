//! Phones of different codecs: what one says the other hears, and the tape has both.

use std::ops::Range;

use super::bank::Bank;
use super::baresip::{AGENTS, CALLER, Phone, Setup};
use super::room::{Room, alone};
use super::sound;
use super::tap::{Packet, SERVER, Tap};

/// A caller and an agent talk for some seconds, each with one codec. Returns what passed on the wire.
fn talk(room: &Room, callers_codec: &str, agents_codec: &str, seed: u64, alike: f64) -> Vec<Packet> {
    let mut bank = Bank::opens(room);
    let (callers, agents) = (sound::noise(seed, 30.0), sound::noise(seed + 1, 30.0));
    let account =
        format!(";auth_user=1001;auth_pass=demo-1001;answermode=auto;regint=600;audio_codecs={agents_codec}");
    let mut agent =
        Phone::on(room, &Setup { account: &account, ..Setup::plain("1001", 5_100, AGENTS, &agents) });
    bank.shows("agent 1001 is ready");
    let account = format!(";regint=0;audio_codecs={callers_codec}");
    let setup = Setup { account: &account, ..Setup::plain("13800001234", 5_200, CALLER, &callers) };
    let tap = Tap::opens();
    let mut caller = Phone::on(room, &setup);
    caller.dials("95500");
    caller.sees("CALL_ESTABLISHED");
    caller.presses("9");
    bank.shows("talks with agent 1001");
    agent.sees("CALL_RTCP");
    caller.sees("CALL_RTCP");
    agent.sees("CALL_RTCP");
    agent.hangs_up();
    caller.sees("CALL_CLOSED");
    let packets = tap.closes();
    let (caller_heard, agent_heard) = (caller.heard(), agent.heard());
    bank.shows("agent 1001's phone is gone");
    for (who, heard, voice) in [("caller", &caller_heard, &agents), ("agent", &agent_heard, &callers)] {
        let end = heard.len() - 2_000;
        let found = sound::find(&heard[end - 6_000..end], voice);
        assert!(found.likeness > alike, "the {who} hears the other: {found:?}");
    }
    bank.closes();
    let call = bank.calls()[0]["call"].as_str().expect("a call's number").to_owned();
    let (left, right) = bank.recording(&call);
    for (who, channel, voice) in [("caller", left, &callers), ("agent", right, &agents)] {
        let end = channel.len() - 4_000;
        let found = sound::find(&channel[end - 6_000..end], voice);
        assert!(found.likeness > alike, "the {who} is on the tape: {found:?}");
    }
    packets
}

/// Packets that the caller sent with such payload types.
fn said(packets: &[Packet], of: impl Fn(u8) -> bool) -> usize {
    let callers = |packet: &&Packet| (CALLER..CALLER + 100).contains(&packet.from);
    packets.iter().filter(callers).filter(|packet| of(packet.payload[1] & 127)).count()
}

#[test]
fn a_caller_with_opus_and_an_agent_with_g711_hear_each_other() {
    alone(&["baresip"], |room| {
        let packets = talk(room, "opus/48000/2", "PCMA", 155, 0.8);
        assert!(said(&packets, |number| number >= 96) > 200, "the caller speaks Opus");
    });
}

#[test]
fn a_caller_with_g722_and_an_agent_with_g711_hear_each_other() {
    alone(&["baresip"], |room| {
        let packets = talk(room, "G722/16000/1", "PCMU", 255, 0.9);
        assert!(said(&packets, |number| number == 9) > 200, "the caller speaks G.722");
    });
}

#[test]
fn between_two_phones_with_opus_packets_are_relayed_as_they_are() {
    alone(&["baresip"], |room| {
        let packets = talk(room, "opus/48000/2", "opus/48000/2", 355, 0.8);
        let range = |first: u16| first..first + 100;
        let passed = |from: Range<u16>, to: Range<u16>| -> Vec<&[u8]> {
            let between = |packet: &&Packet| from.contains(&packet.from) && to.contains(&packet.to);
            let audio = |packet: &&Packet| packet.payload[1] & 127 >= 96 && packet.payload.len() > 40;
            packets.iter().filter(between).filter(audio).map(|packet| &packet.payload[12..]).collect()
        };
        let (said, heard) = (passed(range(CALLER), SERVER), passed(SERVER, range(AGENTS)));
        // Before the talk the caller is told who it is, and the agent hears the server's silence.
        let talk: Vec<_> = heard.iter().skip_while(|payload| !said.contains(payload)).collect();
        let relayed = talk.iter().filter(|payload| said.contains(payload)).count();
        assert!(relayed > 100 && relayed == talk.len(), "{relayed} of {} as they were said", talk.len());
    });
}
