//! Agents with real phones: star codes, ringing, declining, hanging up.

use super::bank::Bank;
use super::baresip::{AGENTS, CALLER, Phone, Setup};
use super::room::alone;
use super::sipp::{Script, registers};
use super::sound;
use super::tap::{Passed, SERVER, Tap, clock};

/// Longer than any call here: phones hang up when it ends.
fn silence() -> Vec<i16> {
    sound::tone(1.0, 60.0)
}

#[test]
fn star_codes_change_the_agents_state() {
    alone(&["baresip"], |room| {
        let mut bank = Bank::opens(room);
        let mut agent = Phone::agent(room, "1001", "manual", &silence());
        bank.shows("agent 1001 is ready");
        for (code, shows) in [("*12", "agent 1001 is not ready: star_code"), ("*11", "agent 1001 is ready")] {
            agent.dials(code);
            bank.shows(shows);
            agent.sees("CALL_ESTABLISHED");
            agent.sees("CALL_CLOSED");
        }
    });
}

#[test]
fn who_does_not_answer_rings_no_longer_and_the_next_one_talks_until_hanging_up() {
    alone(&["baresip", "sipp"], |room| {
        let mut bank = Bank::opens(room);
        registers(room, "register", "1002", "demo-1002", 5_301);
        bank.shows("agent 1002 is ready");
        let never =
            Script { scenario: "agent_never_answers", number: "1002", port: 5_301, args: &[] }.starts(room);
        let mut caller = Phone::caller(room, "13800001234", &silence());
        caller.dials("95500");
        caller.sees("CALL_ESTABLISHED");
        caller.presses("9");
        bank.shows("agent 1002 rings");
        let mut agent = Phone::agent(room, "1001", "manual", &silence());
        bank.shows("agent 1002 did not take the call: no answer; the caller stays at the head");
        never.ends();
        bank.shows("agent 1001 rings");
        agent.sees("CALL_INCOMING");
        agent.answers();
        bank.shows("talks with agent 1001");
        // Past the announcement of who it is: an agent who hangs up before it has ended gives the caller back to the queue.
        // Reports are seconds apart, but the first may come at once.
        for _ in 0..3 {
            agent.sees("CALL_RTCP");
        }
        agent.hangs_up();
        caller.sees("CALL_CLOSED");
        bank.shows("ends: agent_hung_up (by the agent");
        bank.closes();
        let record = &bank.calls()[0];
        assert_eq!((&record["missed_offers"], &record["agent"]), (&1.into(), &"1001".into()), "{record}");
    });
}

#[test]
fn an_agent_who_declines_passes_the_caller_on() {
    alone(&["baresip", "sipp"], |room| {
        let mut bank = Bank::opens(room);
        registers(room, "register", "1002", "demo-1002", 5_301);
        bank.shows("agent 1002 is ready");
        let busy = Script { scenario: "agent_declines", number: "1002", port: 5_301, args: &[] }.starts(room);
        let agent = Phone::agent(room, "1001", "auto", &silence());
        bank.shows("agent 1001 is ready");
        let caller =
            Script { scenario: "talk", number: "95500", port: 5_300, args: &["-d", "3500"] }.starts(room);
        bank.shows("agent 1002 did not take the call");
        busy.ends();
        bank.shows("talks with agent 1001");
        caller.ends();
        bank.shows("ends: caller_hung_up (by the caller");
        drop(agent);
    });
}

#[test]
fn a_caller_who_gives_up_silences_the_ringing_phone() {
    alone(&["sipp"], |room| {
        let mut bank = Bank::opens(room);
        registers(room, "register", "1002", "demo-1002", 5_301);
        bank.shows("agent 1002 is ready");
        let ringing =
            Script { scenario: "agent_never_answers", number: "1002", port: 5_301, args: &[] }.starts(room);
        let caller =
            Script { scenario: "talk", number: "95500", port: 5_300, args: &["-d", "3000"] }.starts(room);
        bank.shows("agent 1002 rings");
        caller.ends();
        bank.shows("agent 1002 stops ringing: the caller has gone");
        ringing.ends();
    });
}

#[test]
fn a_phone_that_wants_its_ringing_acknowledged_gets_that() {
    alone(&["sipp"], |room| {
        let mut bank = Bank::opens(room);
        registers(room, "register", "1002", "demo-1002", 5_301);
        bank.shows("agent 1002 is ready");
        let agent =
            Script { scenario: "agent_rings_reliably", number: "1002", port: 5_301, args: &[] }.starts(room);
        let caller =
            Script { scenario: "talk", number: "95500", port: 5_300, args: &["-d", "4000"] }.starts(room);
        bank.shows("talks with agent 1002");
        caller.ends();
        agent.ends();
    });
}

#[test]
fn while_the_agent_holds_the_caller_hears_music_and_nobody_hears_the_other() {
    alone(&["baresip"], |room| {
        let mut bank = Bank::opens(room);
        let (callers, agents) = (sound::noise(33, 30.0), sound::noise(44, 30.0));
        let mut agent = Phone::agent(room, "1001", "auto", &agents);
        bank.shows("agent 1001 is ready");
        let tap = Tap::opens();
        let mut caller = Phone::caller(room, "13800001234", &callers);
        caller.dials("95500");
        caller.sees("CALL_ESTABLISHED");
        caller.presses("9");
        bank.shows("talks with agent 1001");
        agent.sees("CALL_RTCP");
        agent.holds();
        bank.shows("put on hold by the agent");
        let held = clock();
        // Something that takes two or three seconds: the callers' next report.
        caller.sees("CALL_RTCP");
        caller.sees("CALL_RTCP");
        let resumed = clock();
        agent.resumes();
        bank.shows("taken off hold by the agent");
        agent.sees("CALL_RTCP");
        caller.holds();
        bank.shows("put on hold by the caller");
        caller.resumes();
        bank.shows("taken off hold by the caller");
        agent.sees("CALL_RTCP");
        caller.hangs_up();
        bank.shows("ends: caller_hung_up");
        drop((agent, caller));
        let packets = tap.closes();
        let phone = |first: u16| first..first + 100;
        let to_caller = Passed::between(&packets, &SERVER, &phone(CALLER));
        let to_agent = Passed::between(&packets, &SERVER, &phone(AGENTS));
        let music = to_caller.during(held + 0.3, resumed);
        let melody = sound::find(&sound::tone(440.0, 0.3), music);
        assert!(melody.likeness > 0.9, "music while held: {melody:?}");
        let last = |stream: &Passed| stream.samples[stream.samples.len() - 4_000..].to_vec();
        for (who, stream, voice) in [("caller", &to_caller, &agents), ("agent", &to_agent, &callers)] {
            let again = sound::find(&last(stream), voice);
            assert!(again.likeness > 0.6, "the {who} hears the other again: {again:?}");
        }
        let meanwhile = to_agent.during(held + 0.3, resumed);
        assert!(meanwhile.iter().all(|sample| sample.abs() < 100), "a held caller is not heard by the agent");
    });
}

#[test]
fn an_agent_over_tcp_and_a_caller_with_another_codec_hear_each_other() {
    alone(&["baresip"], |room| {
        let mut bank = Bank::opens(room);
        let (callers, agents) = (sound::noise(55, 30.0), sound::noise(66, 30.0));
        let account = ";auth_user=1001;auth_pass=demo-1001;answermode=auto;regint=600;audio_codecs=PCMA";
        let setup = Setup { account, tcp: true, ..Setup::plain("1001", 5_100, AGENTS, &agents) };
        let mut agent = Phone::on(room, &setup);
        bank.shows("agent 1001 is ready");
        let account = ";regint=0;audio_codecs=PCMU";
        let mut caller =
            Phone::on(room, &Setup { account, ..Setup::plain("13800001234", 5_200, CALLER, &callers) });
        caller.dials("95500");
        caller.sees("CALL_ESTABLISHED");
        caller.presses("9");
        bank.shows("talks with agent 1001");
        agent.sees("CALL_RTCP");
        caller.sees("CALL_RTCP");
        // The caller was told first who it is: long enough for the talk to be what is heard last.
        agent.sees("CALL_RTCP");
        agent.hangs_up();
        caller.sees("CALL_CLOSED");
        let (caller_heard, agent_heard) = (caller.heard(), agent.heard());
        bank.shows("agent 1001's phone is gone");
        for (who, heard, voice) in [("caller", caller_heard, agents), ("agent", agent_heard, callers)] {
            let end = heard.len() - 2_000;
            let found = sound::find(&heard[end - 6_000..end], &voice);
            assert!(found.likeness > 0.9, "the {who} hears the other: {found:?}");
        }
    });
}
