//! Agents with real phones: star codes, ringing, declining, hanging up.

use super::bank::Bank;
use super::baresip::Phone;
use super::room::alone;
use super::sipp::{Script, registers};
use super::sound;

fn silence() -> Vec<i16> {
    sound::tone(1.0, 20.0)
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
