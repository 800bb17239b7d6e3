//! Things that cross, and things that are not to be had.

use hotline::acd::{AgentState, OfferFailure};
use hotline::call::cause::Cause;
use hotline::engine::happened::{OfferEnd, Party, What};
use hotline::engine::input::Input;
use hotline::media::event::Event as MediaEvent;

use crate::office::network::Faults;
use crate::office::phone::Manner;
use crate::office::world;
use crate::office::{Office, secs};

const ALICE: &str = "13800000001";
const BOB: &str = "13800000002";

pub fn waits(office: &mut Office, caller: &str) {
    office.caller(caller);
    office.dials(caller, "95500");
    let who = caller.to_owned();
    office.until("the menu is heard", |office| office.hears(&who, "main"));
    office.presses(caller, '9');
    office.until("music plays", |office| office.hears(&who, "music/hold"));
}

fn count(office: &Office, is: fn(&What) -> bool) -> usize {
    office.journal.iter().filter(|entry| is(&entry.what)).count()
}

#[test]
fn a_stop_ends_every_call_in_every_stage_and_offers_none_again() {
    let mut office = Office::seeded(81);
    office.agent("1001", Manner::LetsRing);
    office.agent("1002", Manner::Answers(secs(1)));
    for caller in [ALICE, BOB, "13800000003", "13800000004"] {
        waits(&mut office, caller);
    }
    office.until("one talks", |office| office.phones["1002"].is_talking());
    // The journal refuses whatever comes of a call after its end.
    office.input(Input::Stop);
    office.run(secs(60));
    assert!(office.engine.is_idle() && office.sound.streams.is_empty());
    assert!(office.records.values().all(|record| record.cause == Some(Cause::ServerStopped)));
    let (offered, ended) = (
        count(&office, |what| matches!(what, What::Offered { .. })),
        count(&office, |what| matches!(what, What::OfferEnded { .. })),
    );
    assert_eq!(offered, ended);
}

#[test]
fn ports_that_run_out_set_no_agent_aside() {
    let mut config = world::demo_config();
    config.media.ports = (16_384, 16_385);
    let mut office = Office::with(82, world::build(config), Faults::NONE);
    office.agent("1001", Manner::Answers(secs(1)));
    waits(&mut office, ALICE);
    office.run(secs(2));
    assert!(matches!(office.agent_state("1001"), AgentState::NotReady { reason, .. } if reason == "no_port"));
    office.hangs_up(ALICE);
    office.until("the agent is ready again, unasked", |office| office.is_ready("1001"));
}

#[test]
fn a_caller_on_hold_when_the_agent_answers_is_held_from_the_first_moment() {
    let mut office = Office::seeded(85);
    waits(&mut office, ALICE);
    office.holds(ALICE, true);
    office.run(secs(1));
    office.agent("1001", Manner::Answers(secs(1)));
    office.until("the agent hears music", |office| {
        office.phones["1001"].is_talking() && office.hears("1001", "music/hold")
    });
    office.holds(ALICE, false);
    office.until("they talk", |office| office.talk_together(ALICE, "1001"));
    let holds: Vec<&What> = office
        .journal
        .iter()
        .map(|entry| &entry.what)
        .filter(|what| matches!(what, What::Held { .. } | What::Resumed { .. }))
        .collect();
    assert_eq!(holds, [&What::Held { by: Party::Caller }, &What::Resumed { by: Party::Caller }]);
}

#[test]
fn an_agent_who_unregisters_while_ringing_is_withdrawn_and_in_mid_talk_may_finish() {
    let mut office = Office::seeded(86);
    office.agent("1001", Manner::LetsRing);
    waits(&mut office, ALICE);
    office.until("the phone rings", |office| office.phones["1001"].is_ringing());
    office.registers("1001", 0);
    office.until("it stops", |office| office.phones["1001"].is_idle());
    assert_eq!(office.agent_state("1001"), AgentState::LoggedOut);
    office.agent("1002", Manner::Answers(secs(1)));
    office.until("they talk", |office| office.talk_together(ALICE, "1002"));
    office.registers("1002", 0);
    office.run(secs(5));
    assert!(office.talk_together(ALICE, "1002"));
    office.hangs_up(ALICE);
    office.until("the agent is gone", |office| office.agent_state("1002") == AgentState::LoggedOut);
}

#[test]
fn the_end_of_a_former_prompt_moves_nothing() {
    let mut office = Office::seeded(87);
    office.caller(ALICE);
    office.dials(ALICE, "95500");
    office.until("the call is answered", |office| office.phones[ALICE].is_talking());
    let stream = *office.sound.streams.keys().next().expect("the caller's");
    let node = office.snapshot().calls[0].node.clone();
    for play in [0, 99] {
        office.media_event(MediaEvent::Played { stream, play: hotline::ids::PlayId(play) });
    }
    assert_eq!(office.snapshot().calls[0].node, node);
}

#[test]
fn both_phones_of_an_agent_ring_and_the_second_to_answer_is_silenced() {
    let mut office = Office::seeded(90);
    office.agent("1001", Manner::LetsRing);
    office.extra_phone("mobile", "1001", "demo-1001", Manner::LetsRing);
    office.registers("mobile", 600);
    office.until("both are registered", |office| office.phones["mobile"].is_registered());
    waits(&mut office, ALICE);
    office.until("both ring", |office| {
        office.phones["1001"].is_ringing() && office.phones["mobile"].is_ringing()
    });
    // Both at the same moment: their answers cross.
    office.picks_up("1001");
    office.picks_up("mobile");
    office.run(secs(3));
    let talking = ["1001", "mobile"].into_iter().filter(|phone| office.phones[*phone].is_talking()).count();
    assert_eq!(talking, 1);
    assert!(matches!(office.agent_state("1001"), AgentState::Talking { .. }));
}

fn two_phones(seed: u64, mobile: Manner) -> Office {
    let mut office = Office::seeded(seed);
    office.agent("1001", Manner::LetsRing);
    office.extra_phone("mobile", "1001", "demo-1001", mobile);
    office.registers("mobile", 600);
    office.until("both are registered", |office| office.phones["mobile"].is_registered());
    office
}

fn offer_ends(office: &Office) -> Vec<OfferEnd> {
    let ends = office.journal.iter().filter_map(|entry| match entry.what {
        What::OfferEnded { why, .. } => Some(why),
        _ => None,
    });
    ends.collect()
}

#[test]
fn an_agent_who_declines_on_one_phone_is_rung_on_none() {
    let mut office = two_phones(91, Manner::Declines);
    waits(&mut office, ALICE);
    office.run(secs(1));
    assert_eq!(offer_ends(&office), [OfferEnd::Failed(OfferFailure::Rejected)]);
    assert!(office.phones["1001"].is_idle());
    let state = office.agent_state("1001");
    assert!(matches!(&state, AgentState::NotReady { reason, .. } if reason == "rejected"), "{state:?}");
    office.until("the caller waits on", |office| office.hears(ALICE, "music/hold"));
}

#[test]
fn a_busy_phone_says_more_than_another_that_fails_after_it() {
    let mut office = two_phones(92, Manner::Busy);
    waits(&mut office, ALICE);
    office.until("the other rings on", |office| office.phones["1001"].is_ringing());
    office.run(secs(2));
    assert!(office.phones["1001"].is_ringing() && offer_ends(&office).is_empty());
    // Refuses with 487, which says nothing about the agent.
    office.hangs_up("1001");
    office.run(secs(1));
    assert_eq!(offer_ends(&office), [OfferEnd::Failed(OfferFailure::Busy)]);
}

#[test]
fn only_the_next_in_line_is_told_so() {
    let mut office = Office::seeded(97);
    waits(&mut office, ALICE);
    waits(&mut office, BOB);
    office.until("the first is told", |office| office.hears(ALICE, "q_next"));
    office.until("the second is comforted", |office| office.hears(BOB, "comfort"));
    assert!(!office.hears(BOB, "q_next"));
}

#[test]
fn no_call_outlives_eight_hours() {
    let mut office = Office::seeded(98);
    let mut patient = world::demo_config();
    patient.queues.values_mut().for_each(|queue| queue.max_wait = None);
    office.reload(world::build(patient));
    waits(&mut office, ALICE);
    office.run(secs(8 * 3_600));
    assert_eq!(office.last_cause(), Some(Cause::SessionExpired));
    assert!(office.sound.streams.is_empty());
}

#[test]
fn an_agent_who_calls_the_bank_may_be_offered_her_own_call_and_nothing_breaks() {
    let mut office = Office::seeded(88);
    office.agent("1001", Manner::Answers(secs(1)));
    office.dials("1001", "95500");
    office.until("the menu is heard", |office| office.hears("1001", "main"));
    office.presses("1001", '9');
    office.run(secs(30));
    office.hangs_up("1001");
    office.run(secs(60));
    let snapshot = office.snapshot();
    assert_eq!((snapshot.calls.len(), snapshot.legs, office.sound.streams.len()), (0, 0, 0));
    assert!(office.is_ready("1001"));
}

#[test]
fn the_answer_that_crosses_the_end_of_the_ring_time_is_told_as_no_answer() {
    let mut office = Office::seeded(89);
    office.agent("1001", Manner::LetsRing);
    waits(&mut office, ALICE);
    office.until("the offer is over", |office| {
        count(office, |what| matches!(what, What::OfferEnded { .. })) > 0
    });
    assert_eq!(offer_ends(&office), [OfferEnd::Failed(OfferFailure::NoAnswer)]);
}
