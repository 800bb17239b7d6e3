//! What callers in a queue are told, the keys that lead them out of it, and who is announced to them.

use hotline::acd::AgentState;
use hotline::call::cause::Cause;
use hotline::config::Config;
use hotline::engine::happened::{OfferEnd, What};
use hotline::engine::input::World;
use hotline::engine::staff::Ask;

use crate::office::network::Faults;
use crate::office::phone::Manner;
use crate::office::{Office, ms, secs, world};

const ALICE: &str = "13800000001";
const BOB: &str = "13800000002";
const CAROL: &str = "13800000003";

/// A queue at once, with these fields besides.
fn bank_and(config: Config, fields: &str) -> World {
    let flow = format!(
        "flow: main
languages: [zh-CN, en]
start: desk
nodes:
  desk:
    queue: {{ to: general, on_timeout: sorry, on_full: sorry, {fields} }}
  menu:
    menu:
      prompts: main
      keys: {{ 1: wish, 8: colleague, 9: desk }}
      timeout: 60s
      on_no_input: {{ then: desk }}
      on_invalid: {{ then: desk }}
  wish:
    callback: {{ number: $caller, queue: general, next: noted, on_refused: sorry }}
  noted:
    hangup: {{ prompts: cb_done }}
  colleague:
    transfer: {{ agent: 1001, on_failed: sorry }}
  sorry:
    hangup: {{ prompts: refuse }}
"
    );
    world::with_flow_and(config, &flow)
}

/// The key `*` leads to the menu from every queue of these offices.
fn bank(fields: &str) -> World {
    bank_and(world::demo_config(), &format!("keys: {{ \"*\": menu }}, {fields}"))
}

fn office(seed: u64, fields: &str) -> Office {
    Office::with(seed, bank(fields), Faults::NONE)
}

fn calls(office: &mut Office, caller: &str) {
    office.caller(caller);
    office.dials(caller, "95500");
    let who = caller.to_owned();
    office.until("the caller waits", |office| {
        let waiting = office.snapshot().queues.iter().map(|queue| queue.waiting.len()).sum::<usize>();
        waiting > 0 && office.phones[&who].is_talking()
    });
}

fn waiting(office: &mut Office) -> usize {
    office.snapshot().queues.iter().map(|queue| queue.waiting.len()).sum()
}

fn noted(office: &Office, is: impl Fn(&What) -> bool) -> usize {
    office.journal.iter().filter(|entry| is(&entry.what)).count()
}

fn left_by_key(office: &Office) -> usize {
    noted(office, |what| matches!(what, What::QueueLeft { why, .. } if why == "key"))
}

#[test]
fn each_caller_hears_their_place_and_hears_it_again_when_it_is_better() {
    let mut office = office(301, "tell: {}");
    for caller in [ALICE, BOB, CAROL] {
        calls(&mut office, caller);
    }
    office.until("the third is third", |office| office.hears(CAROL, "num_liang"));
    office.until("then there is music", |office| office.hears(CAROL, "music/hold"));
    office.run(secs(60));
    office.hangs_up(ALICE);
    office.until("the second is the next", |office| office.hears(BOB, "q_next"));
    assert!(office.hears(CAROL, "q_ahead_one"), "and the third the second");
}

#[test]
fn the_wait_is_told_once_some_talks_are_known() {
    let mut office = office(302, "tell: {}");
    office.agent("1001", Manner::Answers(ms(100)));
    for caller in ["13800000011", "13800000012", "13800000013"] {
        calls(&mut office, caller);
        office.until("they talk", |office| office.talk_together(caller, "1001"));
        assert!(noted(&office, |what| matches!(what, What::AgentAnswered { .. })) > 0);
        office.run(secs(114));
        office.hangs_up(caller);
        office.until("the agent is free", |office| office.is_ready("1001"));
    }
    office.phone("1001").manner = Manner::LetsRing;
    calls(&mut office, ALICE);
    calls(&mut office, BOB);
    // Two minutes a talk with its notes, and one before her: four minutes.
    office.until("the second hears how long", |office| office.hears(BOB, "q_wait"));
    assert!(office.hears(BOB, "num_4") && office.hears(BOB, "num_minute"));
    assert!(!office.hears(BOB, "q_busier"), "it is the first she hears of it");
}

#[test]
fn a_key_leads_out_of_the_queue_and_the_distributor_forgets_the_caller() {
    let mut office = office(303, "");
    calls(&mut office, ALICE);
    office.presses(ALICE, '5');
    office.run(secs(1));
    assert_eq!((waiting(&mut office), left_by_key(&office)), (1, 0), "a key that means nothing does nothing");
    office.presses(ALICE, '*');
    office.until("the menu is heard", |office| office.hears(ALICE, "main"));
    assert_eq!((waiting(&mut office), left_by_key(&office)), (0, 1));
    office.agent("1001", Manner::Answers(secs(1)));
    office.run(secs(10));
    assert!(office.is_ready("1001"), "nobody rings for who has left");
    office.hangs_up(ALICE);
    office.until("the call is over", |office| office.last_cause() == Some(Cause::LeftMenu));
}

#[test]
fn a_key_while_a_phone_rings_wins_over_the_agent_who_has_not_picked_up() {
    let mut office = office(304, "");
    office.agent("1001", Manner::LetsRing);
    calls(&mut office, ALICE);
    office.until("the phone rings", |office| office.phones["1001"].is_ringing());
    office.presses(ALICE, '*');
    // Picked up in the same moment: the server's word is under way already.
    office.picks_up("1001");
    office.until("the menu is heard", |office| office.hears(ALICE, "main"));
    office.until("the agent's phone is quiet", |office| office.phones["1001"].is_idle());
    assert!(office.is_ready("1001"), "the agent did nothing wrong");
    assert_eq!(waiting(&mut office), 0);
    assert_eq!(noted(&office, |what| matches!(what, What::AgentAnswered { .. })), 0);
    let ends = noted(&office, |what| matches!(what, What::OfferEnded { why: OfferEnd::CallerLeft, .. }));
    assert_eq!(ends, 1);
}

#[test]
fn a_key_after_the_agent_has_picked_up_means_nothing() {
    let mut office = office(305, "agent_id: true");
    office.agent("1001", Manner::Answers(secs(1)));
    calls(&mut office, ALICE);
    office.until("the agent is announced", |office| office.hears(ALICE, "agent_id_pre"));
    office.presses(ALICE, '*');
    office.until("they talk", |office| office.talk_together(ALICE, "1001"));
    assert_eq!(left_by_key(&office), 0);
}

#[test]
fn from_the_queue_to_the_very_agent_whose_phone_rang() {
    let mut office = office(306, "");
    office.agent("1001", Manner::LetsRing);
    calls(&mut office, ALICE);
    office.until("the phone rings", |office| office.phones["1001"].is_ringing());
    office.presses(ALICE, '*');
    office.presses(ALICE, '8');
    office.run(secs(2));
    assert!(matches!(office.agent_state("1001"), AgentState::Offered { .. }), "rung again, for the transfer");
    office.until("it rings", |office| office.phones["1001"].is_ringing());
    office.picks_up("1001");
    office.until("they talk", |office| office.talk_together(ALICE, "1001"));
}

#[test]
fn who_comes_back_from_the_menu_has_the_place_they_left() {
    let mut office = office(307, "");
    calls(&mut office, ALICE);
    office.run(secs(5));
    calls(&mut office, BOB);
    office.presses(ALICE, '*');
    office.until("the menu is heard", |office| office.hears(ALICE, "main"));
    office.run(secs(5));
    office.presses(ALICE, '9');
    office.run(secs(1));
    office.agent("1001", Manner::Answers(secs(1)));
    office.until("the first is first again", |office| office.talk_together(ALICE, "1001"));
}

#[test]
fn the_agent_is_announced_to_both_and_then_they_talk() {
    let mut office = office(308, "agent_id: true");
    office.agent("1001", Manner::Answers(secs(1)));
    calls(&mut office, ALICE);
    office.until("the caller hears who", |office| office.hears(ALICE, "agent_id_pre"));
    assert!(office.hears(ALICE, "num_1") && office.hears(ALICE, "agent_id_post"));
    assert!(office.hears("1001", "agent_id_pre"), "the agent hears when to speak");
    assert!(!office.talk_together(ALICE, "1001"));
    office.until("they talk", |office| office.talk_together(ALICE, "1001"));
    office.run(secs(10));
    office.hangs_up(ALICE);
    office.until("the call is over", |office| office.last_cause() == Some(Cause::CallerHungUp));
    let talked = office.last_record().talk_ms;
    assert!((9_000..11_500).contains(&talked), "the announcement is no talk: {talked} ms");
}

#[test]
fn the_caller_hangs_up_while_the_agent_is_announced() {
    let mut office = office(309, "agent_id: true");
    office.agent("1001", Manner::Answers(secs(1)));
    calls(&mut office, ALICE);
    office.until("the agent is announced", |office| office.hears(ALICE, "agent_id_pre"));
    office.hangs_up(ALICE);
    office.until("the agent is free", |office| office.is_ready("1001"));
    assert_eq!((office.last_cause(), office.last_record().talk_ms), (Some(Cause::CallerHungUp), 0));
    assert!(office.sound.streams.is_empty());
}

#[test]
fn the_agent_hangs_up_during_the_announcement_and_the_caller_is_first_again() {
    let mut office = office(310, "agent_id: true, comfort: { prompts: comfort, every: 10s }");
    office.agent("1001", Manner::Answers(secs(1)));
    calls(&mut office, ALICE);
    calls(&mut office, BOB);
    office.until("the agent is announced", |office| office.hears(ALICE, "agent_id_pre"));
    office.phone("1001").manner = Manner::LetsRing;
    office.hangs_up("1001");
    office.until("the caller waits again", |office| office.hears(ALICE, "music/hold"));
    assert_eq!(waiting(&mut office), 2);
    office.agent("1002", Manner::Answers(secs(3)));
    office.until("the first is served", |office| office.talk_together(ALICE, "1002"));
    office.until("the second is comforted still", |office| office.hears(BOB, "comfort"));
}

#[test]
fn the_caller_on_hold_during_the_announcement_is_held_when_it_ends() {
    let mut office = office(311, "agent_id: true");
    office.agent("1001", Manner::Answers(secs(1)));
    calls(&mut office, ALICE);
    office.until("the agent is announced", |office| office.hears(ALICE, "agent_id_pre"));
    office.holds(ALICE, true);
    office.until("the agent hears music", |office| office.hears("1001", "music/hold"));
    office.holds(ALICE, false);
    office.until("they talk", |office| office.talk_together(ALICE, "1001"));
}

#[test]
fn the_longest_wait_may_end_during_an_announcement() {
    let mut config = world::demo_config();
    for queue in config.queues.values_mut() {
        queue.max_wait = Some(ms(10_500));
    }
    let fields = "comfort: { prompts: [comfort, antifraud], every: 10s }";
    let mut office =
        Office::with(312, bank_and(config, &format!("keys: {{ \"*\": menu }}, {fields}")), Faults::NONE);
    calls(&mut office, ALICE);
    office.until("comfort is given", |office| office.hears(ALICE, "comfort"));
    office.until("the wait is over", |office| office.hears(ALICE, "refuse"));
    office.until("and the call", |office| office.last_cause() == Some(Cause::FlowEnded));
}

#[test]
fn messages_take_turns_and_none_interrupts_the_offer() {
    // The queue's own comfort message would come at 30 s, in the middle of the offer.
    let mut office =
        office(313, "offer: { prompts: [cb_offer, welcome, main], after: 29s, keys: { 1: wish }, stay: 2 }");
    calls(&mut office, ALICE);
    office.until("the offer is made", |office| office.hears(ALICE, "cb_offer"));
    let offered = office.now;
    office.run(ms(2_900));
    assert!(office.hears(ALICE, "cb_offer"), "to its end");
    office.until("then music", |office| office.hears(ALICE, "music/hold"));
    assert!(office.now.since(offered) < ms(3_200));
    office.until("and comfort in its turn", |office| office.hears(ALICE, "comfort"));

    let mut office = self::office(314, "comfort: { prompts: [comfort, antifraud], every: 20s }, music: none");
    calls(&mut office, BOB);
    for message in ["comfort", "antifraud", "comfort"] {
        office.until("a message is heard", |office| office.hears(BOB, message));
        office.run(secs(2));
        assert!(!office.hears(BOB, "music/hold"), "silence, as the flow wants it");
    }
}

#[test]
fn the_offer_is_declined_with_a_key_and_taken_with_another() {
    let fields = "offer: { prompts: [cb_offer, welcome], after: 20s, keys: { 1: wish }, stay: 2 }";
    let mut office = office(315, fields);
    calls(&mut office, ALICE);
    office.presses(ALICE, '1');
    office.run(secs(1));
    assert_eq!(waiting(&mut office), 1, "nothing has been offered yet");
    office.until("the offer is made", |office| office.hears(ALICE, "cb_offer"));
    office.presses(ALICE, '2');
    office.run(ms(100));
    assert!(office.hears(ALICE, "music/hold"), "the key stops the offer");
    office.presses(ALICE, '1');
    office.run(secs(1));
    assert_eq!(waiting(&mut office), 1, "and ends it");

    calls(&mut office, BOB);
    let since = office.now;
    office.run(secs(25));
    office.presses(BOB, '1');
    office.until("it is noted", |office| office.hears(BOB, "cb_done"));
    assert_eq!(waiting(&mut office), 1);
    let wish = office.journal.iter().find_map(|entry| match &entry.what {
        What::CallbackWanted { queue, number, since } => Some((queue.clone(), number.clone(), *since)),
        _ => None,
    });
    let (queue, number, waited) = wish.expect("it is in the journal");
    assert_eq!((queue.as_str(), number.as_str()), ("general", BOB));
    assert!(since.since(waited) < secs(1), "they have waited since they came into the queue");
    assert_eq!(noted(&office, |what| matches!(what, What::CallbackWanted { .. })), 1);
}

#[test]
fn nothing_new_is_said_while_a_phone_rings_and_what_was_due_comes_after() {
    let mut office = office(316, "tell: {}");
    office.agent("1001", Manner::LetsRing);
    calls(&mut office, ALICE);
    office.until("the phone rings", |office| office.phones["1001"].is_ringing());
    office.run(secs(5));
    assert!(office.hears(ALICE, "music/hold"), "who is about to be connected is not told that they are next");
    office.until("nobody picks up, and the caller is told", |office| office.hears(ALICE, "q_next"));
    office.until("it has stopped ringing", |office| office.phones["1001"].is_idle());
    assert!(office.hears(ALICE, "q_next"));
}

#[test]
fn a_reload_that_takes_the_queue_away_ends_what_is_being_said() {
    let mut office = office(317, "tell: {}");
    calls(&mut office, ALICE);
    office.until("the place is told", |office| office.hears(ALICE, "q_next"));
    let mut config = world::demo_config();
    config.queues.remove(&"general".into());
    let flow = "flow: main
languages: [zh-CN, en]
start: bye
nodes:
  bye:
    hangup: { prompts: goodbye }
";
    office.reload(world::with_flow_and(config, flow));
    office.until("the flow goes on", |office| office.hears(ALICE, "refuse"));
    office.until("to its end", |office| office.last_cause() == Some(Cause::FlowEnded));
}

#[test]
fn staff_mark_a_wish_done_and_the_journal_says_who() {
    let mut office = office(318, "");
    office.ask(Ask::CallbackDone { user: "super".to_owned(), wish: 17 });
    let done = What::CallbackDone { wish: 17, user: "super".to_owned() };
    assert_eq!(noted(&office, |what| *what == done), 1);
}

#[test]
fn nobody_who_withholds_their_number_is_promised_a_call() {
    let mut office = office(319, "");
    office.caller("anonymous");
    office.dials("anonymous", "95500");
    office.until("music plays", |office| office.hears("anonymous", "music/hold"));
    office.presses("anonymous", '*');
    office.until("the menu is heard", |office| office.hears("anonymous", "main"));
    office.presses("anonymous", '1');
    office.until("the flow says so", |office| office.hears("anonymous", "refuse"));
    assert_eq!(noted(&office, |what| matches!(what, What::CallbackWanted { .. })), 0);
}
