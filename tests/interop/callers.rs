//! Callers with SIPp: what telephones and trunks do to a call.

use super::bank::Bank;
use super::room::{Room, alone};
use super::sipp::{Script, plays};
use super::sound;

/// Runs `scenario` as a caller who reaches the queue; gives the bank afterwards, and the call's record.
fn reaches_the_queue(room: &Room, scenario: &str, args: &[&str]) -> serde_json::Value {
    let mut bank = Bank::opens(room);
    let playing = Script { scenario, number: "95500", port: 5_300, args }.starts(room);
    bank.shows("waits in queue general");
    playing.ends();
    bank.shows("ends: abandoned (by the caller");
    bank.closes();
    let mut calls = bank.calls();
    assert_eq!(calls.len(), 1, "one call: {calls:?}");
    assert_eq!(calls[0]["queue"], "general");
    calls.remove(0)
}

#[test]
fn a_key_by_sip_info_chooses() {
    alone(&["sipp"], |room| {
        reaches_the_queue(room, "talk", &["-d", "3000"]);
    });
}

#[test]
fn a_key_that_can_only_be_heard_chooses() {
    alone(&["sipp"], |room| {
        let mut tones = vec![0; 3_000];
        tones.extend(sound::tones(&[852.0, 1477.0], 0.15));
        tones.resize(32_000, 0);
        let tones: Vec<u8> = tones.into_iter().map(sound::encode_alaw).collect();
        std::fs::write(room.folder("sipp").join("tones.alaw"), tones).expect("a file");
        reaches_the_queue(room, "inband", &["-d", "4000"]);
    });
}

#[test]
fn a_call_over_tcp_reaches_the_queue() {
    alone(&["sipp"], |room| {
        reaches_the_queue(room, "talk", &["-t", "t1", "-d", "3000"]);
    });
}

#[test]
fn a_caller_may_hold_and_resume() {
    alone(&["sipp"], |room| {
        reaches_the_queue(room, "hold", &["-d", "3000"]);
    });
}

#[test]
fn odd_but_lawful_offers_are_answered() {
    alone(&["sipp"], |room| {
        let mut bank = Bank::opens(room);
        plays(room, "delayed_offer", "95500");
        bank.shows("ends: left_menu");
        plays(room, "reinvite_without_offer", "95500");
        bank.shows("ends: left_menu");
    });
}

#[test]
fn session_timers_are_agreed_and_refreshed() {
    alone(&["sipp"], |room| {
        let mut bank = Bank::opens(room);
        plays(room, "session_timer", "95500");
        bank.shows("ends: left_menu");
    });
}

#[test]
fn hasty_callers_are_understood() {
    alone(&["sipp"], |room| {
        let mut bank = Bank::opens(room);
        plays(room, "cancel_too_late", "95500");
        bank.shows("ends: left_menu");
        plays(room, "bye_without_ack", "95500");
        bank.shows("ends: left_menu");
    });
}
