//! A customer dials the bank, passes the menu, waits, talks with the right agent, and the call is on record.

use hotline::call::cause::Cause;
use hotline::engine::happened::{Party, What};

use hotline::recording::block::Mark;

use crate::office::network::Faults;
use crate::office::phone::Manner;
use crate::office::{Office, ms, secs, world};

const CALLER: &str = "13812341234";

/// A caller in the main menu of the hotline.
fn in_the_menu(office: &mut Office) {
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the call is answered", |office| office.phones[CALLER].is_talking());
    office.until("the main menu is heard", |office| office.hears(CALLER, "main"));
}

/// A caller who talks with agent 1001.
pub fn in_talk(office: &mut Office) {
    office.agent("1001", Manner::Answers(secs(2)));
    in_the_menu(office);
    office.presses(CALLER, '9');
    office.until("they talk", |office| office.talk_together(CALLER, "1001"));
}

#[test]
fn a_customer_passes_the_menu_talks_with_an_agent_and_is_on_record() {
    let mut office = Office::seeded(1);
    in_talk(&mut office);
    office.run(secs(60));
    office.hangs_up("1001");
    office.until("the caller is hung up on", |office| office.phones[CALLER].is_idle());
    let record = office.last_record();
    assert_eq!(record.cause, Some(Cause::AgentHungUp));
    assert_eq!(record.ended_by, Some(Party::Agent));
    assert_eq!(record.agent.as_ref().map(|agent| agent.as_str()), Some("1001"));
    assert_eq!(record.queue.as_ref().map(|queue| queue.as_str()), Some("general"));
    assert!((59_000..62_000).contains(&record.talk_ms), "talked {} ms", record.talk_ms);
    assert!(record.recorded && !office.tapes[&record.call], "taped, and the tape is closed");
}

#[test]
fn the_caller_hears_music_while_waiting_and_the_agent_gets_the_call_when_ready() {
    let mut office = Office::seeded(2);
    in_the_menu(&mut office);
    office.presses(CALLER, '9');
    office.until("music plays", |office| office.hears(CALLER, "music/hold"));
    office.run(secs(20));
    office.agent("1002", Manner::Answers(secs(1)));
    office.until("they talk", |office| office.talk_together(CALLER, "1002"));
    let waited = office.journal.iter().find_map(|entry| match entry.what {
        What::AgentAnswered { waited_ms, .. } => Some(waited_ms),
        _ => None,
    });
    assert!(waited.is_some_and(|ms| (20_000..24_000).contains(&ms)), "waited {waited:?}");
}

#[test]
fn the_urgent_queue_is_reached_by_zero() {
    let mut office = Office::seeded(3);
    office.agent("1003", Manner::Answers(secs(1)));
    in_the_menu(&mut office);
    office.presses(CALLER, '0');
    office.until("they talk", |office| office.talk_together(CALLER, "1003"));
    assert_eq!(office.last_record().queue.as_ref().map(|queue| queue.as_str()), Some("urgent"));
}

#[test]
fn a_caller_who_hangs_up_in_the_menu_is_recorded_as_such() {
    let mut office = Office::seeded(4);
    in_the_menu(&mut office);
    office.hangs_up(CALLER);
    office.until("the record is closed", |office| office.last_record().ended.is_some());
    assert_eq!(office.last_cause(), Some(Cause::LeftMenu));
}

#[test]
fn a_caller_who_hangs_up_while_talking_frees_the_agent_after_wrap_up() {
    let mut office = Office::seeded(5);
    in_talk(&mut office);
    office.run(secs(5));
    office.hangs_up(CALLER);
    office.until("the agent's phone is silent", |office| office.phones["1001"].is_idle());
    assert_eq!(office.last_cause(), Some(Cause::CallerHungUp));
    assert!(!office.is_ready("1001"), "wraps up first");
    office.until("the agent is ready again", |office| office.is_ready("1001"));
}

#[test]
fn an_agent_on_hold_leaves_the_caller_with_music_and_comes_back() {
    let mut office = Office::seeded(6);
    in_talk(&mut office);
    office.holds("1001", true);
    office.until("the caller hears music", |office| office.hears(CALLER, "music/hold"));
    office.holds("1001", false);
    office.until("they talk again", |office| office.talk_together(CALLER, "1001"));
    let holds: Vec<&What> = office
        .journal
        .iter()
        .map(|entry| &entry.what)
        .filter(|what| matches!(what, What::Held { .. } | What::Resumed { .. }))
        .collect();
    assert_eq!(holds, [&What::Held { by: Party::Agent }, &What::Resumed { by: Party::Agent }]);
}

#[test]
fn nothing_is_left_when_a_call_is_over() {
    let mut office = Office::seeded(7);
    in_talk(&mut office);
    office.hangs_up(CALLER);
    office.run(secs(60));
    let snapshot = office.snapshot();
    assert!(snapshot.calls.is_empty(), "{:?}", snapshot.calls);
    assert_eq!((snapshot.legs, snapshot.transactions), (0, 0));
    assert_eq!((office.sound.opened, office.sound.streams.len()), (office.sound.closed, 0));
}

#[test]
fn a_lost_answer_is_repeated_until_the_caller_has_it() {
    let mut office = Office::seeded(8);
    office.network.faults.lost = 300;
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the call is answered", |office| office.phones[CALLER].is_talking());
    office.network.faults.lost = 0;
    office.run(ms(40_000));
    assert!(office.phones[CALLER].is_talking(), "and stays up");
}

#[test]
fn the_tape_pauses_while_a_secret_is_typed() {
    let flow = "flow: main\nlanguages: [zh-CN, en]\nstart: pin\nvars: { pin: secret }\nnodes:\n  pin:\n    \
                collect: { into: pin, prompts: acct, min: 6, max: 6, next: person,\n      \
                on_no_input: { prompts: noinput, then: person }, on_invalid: { prompts: invalid, then: person } }\n  \
                person: { queue: { to: general, on_timeout: bye, on_full: bye } }\n  bye: { hangup: { prompts: goodbye } }\n";
    let mut office = Office::with(9, world::with_flow(flow), Faults::NONE);
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the call is answered", |office| office.phones[CALLER].is_talking());
    assert_eq!(office.taped(CALLER), None, "from the first key on nothing is taped");
    for key in "271828".chars() {
        office.presses(CALLER, key);
    }
    office.until("music plays", |office| office.hears(CALLER, "music/hold"));
    assert_eq!(office.taped(CALLER), None, "the last key may sound still");
    office.run(ms(500));
    assert!(office.taped(CALLER).is_some(), "and then it is again");
    let marks: Vec<&str> =
        office.marks.iter().map(|mark| if *mark == Mark::Resume { "resume" } else { "pause" }).collect();
    assert_eq!(marks, ["pause", "resume"]);
    assert!(!office.journal.iter().any(|entry| format!("{entry:?}").contains("271828")));
}
