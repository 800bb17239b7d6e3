//! What can happen to a caller who waits.

use hotline::call::cause::Cause;

use crate::office::phone::Manner;
use crate::office::{Office, secs};

const FIRST: &str = "13800000001";
const SECOND: &str = "13800000002";

fn waits(office: &mut Office, caller: &str) {
    office.caller(caller);
    office.dials(caller, "95500");
    let who = caller.to_owned();
    office.until("the menu is heard", |office| office.hears(&who, "main"));
    office.presses(caller, '9');
    office.until("music plays", |office| office.hears(&who, "music/hold"));
}

#[test]
fn the_caller_gives_up_while_the_agents_phone_rings() {
    let mut office = Office::seeded(11);
    office.agent("1001", Manner::LetsRing);
    office.caller(FIRST);
    office.dials(FIRST, "95500");
    office.until("the menu is heard", |office| office.hears(FIRST, "main"));
    office.presses(FIRST, '9');
    office.until("the agent's phone rings", |office| office.phones["1001"].is_ringing());
    office.hangs_up(FIRST);
    office.until("the phone stops ringing", |office| office.phones["1001"].is_idle());
    assert!(office.is_ready("1001"), "the agent did nothing wrong");
    assert_eq!(office.last_cause(), Some(Cause::Abandoned));
}

#[test]
fn a_caller_whose_agent_does_not_answer_stays_at_the_head() {
    let mut office = Office::seeded(12);
    office.agent("1001", Manner::LetsRing);
    waits(&mut office, FIRST);
    waits(&mut office, SECOND);
    office.until("the offer times out", |office| !office.phones["1001"].is_ringing());
    assert!(!office.is_ready("1001"), "nobody sits there");
    office.agent("1002", Manner::Answers(secs(1)));
    office.until("somebody talks", |office| office.phones["1002"].is_talking());
    office.until("the first in line talks", |office| office.talk_together(FIRST, "1002"));
    assert_eq!(office.records.values().next().map(|record| record.missed_offers), Some(1));
}

#[test]
fn the_longest_waiting_caller_is_served_first() {
    let mut office = Office::seeded(13);
    waits(&mut office, FIRST);
    waits(&mut office, SECOND);
    office.agent("1001", Manner::Answers(secs(1)));
    office.until("the first talks", |office| office.talk_together(FIRST, "1001"));
    office.hangs_up(FIRST);
    office.until("the second talks", |office| office.talk_together(SECOND, "1001"));
}

#[test]
fn a_caller_whose_agents_phone_dies_in_mid_talk_returns_to_the_queue() {
    let mut office = Office::seeded(14);
    office.agent("1001", Manner::Answers(secs(1)));
    waits_then_talks(&mut office);
    office.vanishes("1001");
    // The agent's silence is noticed by the worker, and asked about.
    let port = office.phones["1001"].remote_port().expect("was talking");
    let silent = office.sound.streams.iter().find(|(_, stream)| stream.port == port);
    let stream = *silent.expect("its stream is open").0;
    office.media_event(hotline::media::event::Event::Silent { stream });
    office.until("music plays again", |office| office.hears(FIRST, "music/hold"));
    office.agent("1002", Manner::Answers(secs(1)));
    office.until("somebody else takes over", |office| office.talk_together(FIRST, "1002"));
}

fn waits_then_talks(office: &mut Office) {
    office.caller(FIRST);
    office.dials(FIRST, "95500");
    office.until("the menu is heard", |office| office.hears(FIRST, "main"));
    office.presses(FIRST, '9');
    office.until("they talk", |office| office.talk_together(FIRST, "1001"));
}

#[test]
fn a_comfort_message_interrupts_the_music() {
    let mut office = Office::seeded(15);
    waits(&mut office, FIRST);
    office.until("comfort is given", |office| office.hears(FIRST, "comfort"));
    office.until("the music goes on", |office| office.hears(FIRST, "music/hold"));
}
