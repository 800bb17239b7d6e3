//! How was it? Asked of callers whose agent has hung up.

use hotline::acd::AgentState;
use hotline::call::cause::Cause;
use hotline::engine::happened::{Party, What};
use hotline::engine::input::World;
use hotline::ids::AgentId;

use crate::office::network::Faults;
use crate::office::phone::Manner;
use crate::office::{Office, ms, secs, world};

const CALLER: &str = "13812341234";

const MAIN: &str = r#"
flow: main
languages: [zh-CN, en]
start: first
humane: { complaints: desk }
nodes:
  first:
    menu:
      prompts: main
      keys: { 1: desk, 2: direct, 3: english, 9: other }
      on_no_input: { then: desk }
      on_invalid: { then: desk }
  english: { set: { language: en, next: desk } }
  desk: { queue: { to: cards, on_timeout: bye, on_full: bye } }
  other: { queue: { to: general, on_timeout: bye, on_full: bye } }
  direct: { transfer: { agent: 1001, on_failed: bye } }
  bye: { hangup: }
"#;

const SURVEY: &str = include_str!("../../ivr-flows/survey.yaml");

/// The demo bank, which asks at the desk for cards, with a short main menu.
fn bank() -> World {
    world::with_flows(&[("main.yaml", MAIN), ("survey.yaml", SURVEY)])
}

/// A caller who has pressed `key` and talks with 1001.
fn talk(key: char, faults: Faults) -> Office {
    let mut office = Office::with(11, bank(), faults);
    office.agent("1001", Manner::Answers(ms(500)));
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the menu is heard", |office| office.hears(CALLER, "main"));
    office.presses(CALLER, key);
    office.until("they talk", |office| office.talk_together(CALLER, "1001"));
    office.run(secs(20));
    office
}

fn asked() -> Office {
    let mut office = talk('1', Faults::NONE);
    office.hangs_up("1001");
    office.until("the caller is asked", |office| office.hears(CALLER, "svy"));
    office
}

fn is_over(office: &mut Office) {
    office.until("the call is over", |office| office.last_record().ended.is_some());
}

/// Every rating that the journal has, with the agent it is of.
fn ratings(office: &Office) -> Vec<(Option<AgentId>, Option<u8>)> {
    let rating = |what: &What| match what {
        What::Surveyed { score, .. } => Some(*score),
        _ => None,
    };
    let entries = office.journal.iter();
    entries.filter_map(|entry| rating(&entry.what).map(|score| (entry.agent.clone(), score))).collect()
}

#[test]
fn a_caller_whose_agent_has_hung_up_is_asked_and_the_agent_is_free() {
    let mut office = asked();
    assert!(matches!(office.agent_state("1001"), AgentState::WrapUp { .. }), "wrap-up begins at once");
    assert!(office.phones["1001"].is_idle());
    office.presses(CALLER, '5');
    office.until("they are thanked", |office| office.hears(CALLER, "svy_thx"));
    is_over(&mut office);
    let record = office.last_record();
    assert_eq!((record.cause, record.ended_by), (Some(Cause::FlowEnded), Some(Party::Flow)));
    let survey = record.survey.as_ref().expect("a rating");
    assert_eq!((survey.score, survey.agent.as_ref()), (Some(5), Some(&"1001".into())));
    assert_eq!(survey.queue, Some("cards".into()));
    assert!((20_000..21_000).contains(&record.talk_ms), "the survey is no talk: {}", record.talk_ms);
}

#[test]
fn an_agent_takes_the_next_call_while_the_last_caller_is_still_asked() {
    let mut office = talk('1', Faults::NONE);
    let other = "13900000002";
    office.caller(other);
    office.dials(other, "95500");
    office.until("the other waits", |office| office.hears(other, "main"));
    office.presses(other, '1');
    office.hangs_up("1001");
    office.until("the caller is asked", |office| office.hears(CALLER, "svy"));
    office.presses(CALLER, '1');
    office.until("the other is served", |office| office.talk_together(other, "1001"));
    assert!(office.phones[CALLER].is_talking(), "still saying why");
    assert_eq!(ratings(&office), [(Some("1001".into()), Some(1))]);
}

#[test]
fn who_is_not_satisfied_says_why_and_somebody_is_to_call() {
    let mut office = asked();
    office.presses(CALLER, '2');
    let began =
        |office: &Office| office.journal.iter().any(|entry| matches!(entry.what, What::MessageBegan { .. }));
    office.until("the tone is over", |office| began(office));
    office.run(secs(8));
    office.presses(CALLER, '#');
    is_over(&mut office);
    let left: Vec<_> = office.last_record().messages_left(true).collect();
    assert_eq!((left[0].name.as_str(), left[0].ms), ("dissatisfied", Some(8_000)));
    let remark = What::Remark { name: "follow_up".into(), value: "24h".into() };
    assert!(office.journal.iter().any(|entry| entry.what == remark));
}

#[test]
fn who_says_nothing_has_given_no_answer_and_who_hangs_up_neither_and_has_not_given_up() {
    let mut office = asked();
    is_over(&mut office);
    assert_eq!(ratings(&office), [(Some("1001".into()), None)]);
    assert_eq!(office.last_cause(), Some(Cause::FlowEnded));

    let mut office = asked();
    office.run(ms(300));
    office.hangs_up(CALLER);
    is_over(&mut office);
    assert_eq!(ratings(&office), [(Some("1001".into()), None)]);
    assert_eq!(office.last_cause(), Some(Cause::CallerHungUp), "not abandoned, and not left in the menu");
}

#[test]
fn a_caller_who_hangs_up_first_is_not_asked() {
    let mut office = talk('1', Faults::NONE);
    office.hangs_up(CALLER);
    is_over(&mut office);
    assert_eq!((ratings(&office), office.last_cause()), (vec![], Some(Cause::CallerHungUp)));
}

#[test]
fn an_agent_whose_phone_dies_leads_to_the_queue_and_the_next_one_who_hangs_up_to_the_question() {
    let mut office = talk('1', Faults::NONE);
    office.vanishes("1001");
    let port = office.phones["1001"].remote_port().expect("was talking");
    let silent = office.sound.streams.iter().find(|(_, stream)| stream.port == port);
    let stream = *silent.expect("its stream is open").0;
    office.media_event(hotline::media::event::Event::Silent { stream });
    office.until("music plays", |office| office.hears(CALLER, "music/hold"));
    office.agent("1004", Manner::Answers(ms(500)));
    office.until("another takes over", |office| office.talk_together(CALLER, "1004"));
    assert!(!office.journal.iter().any(|entry| matches!(entry.what, What::SurveyBegan { .. })));
    office.hangs_up("1004");
    office.until("the caller is asked", |office| office.hears(CALLER, "svy"));
    office.presses(CALLER, '4');
    is_over(&mut office);
    assert_eq!(ratings(&office), [(Some("1004".into()), Some(4))]);
}

#[test]
fn no_queue_that_does_not_ask_and_no_transfer_leads_to_the_question() {
    for key in ['9', '2'] {
        let mut office = talk(key, Faults::NONE);
        office.hangs_up("1001");
        is_over(&mut office);
        assert_eq!((ratings(&office), office.last_cause()), (vec![], Some(Cause::AgentHungUp)), "{key}");
    }
}

#[test]
fn a_reload_that_takes_the_survey_away_lets_calls_end_as_before() {
    let mut office = talk('1', Faults::NONE);
    office.reload(world::with_flow(MAIN));
    office.hangs_up("1001");
    is_over(&mut office);
    assert_eq!((ratings(&office), office.last_cause()), (vec![], Some(Cause::AgentHungUp)));
}

#[test]
fn the_question_is_put_in_the_language_of_the_call() {
    let mut office = talk('3', Faults::NONE);
    office.hangs_up("1001");
    office.until("the caller is asked", |office| office.hears(CALLER, "svy"));
    let library = office.world().library.clone();
    let port = office.phones[CALLER].remote_port().expect("in a call");
    assert!(office.sound.hears_any(port, &[library.find("en", "svy").expect("it is there")]));
}

#[test]
fn a_caller_who_comes_to_a_second_agent_by_the_survey_is_not_asked_twice() {
    const AGAIN: &str = r#"
flow: survey
languages: [zh-CN, en]
start: rate
nodes:
  rate: { survey: { prompts: svy, next: desk } }
  desk: { queue: { to: cards, on_timeout: bye, on_full: bye } }
  bye: { hangup: }
"#;
    let world = world::with_flows(&[("main.yaml", MAIN), ("survey.yaml", AGAIN)]);
    let mut office = Office::with(12, world, Faults::NONE);
    office.agent("1001", Manner::Answers(ms(500)));
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the menu is heard", |office| office.hears(CALLER, "main"));
    office.presses(CALLER, '1');
    office.until("they talk", |office| office.talk_together(CALLER, "1001"));
    office.hangs_up("1001");
    office.until("the caller is asked", |office| office.hears(CALLER, "svy"));
    office.presses(CALLER, '5');
    office.until("they talk again", |office| office.talk_together(CALLER, "1001"));
    office.hangs_up("1001");
    is_over(&mut office);
    assert_eq!(ratings(&office).len(), 1);
    assert_eq!(office.last_cause(), Some(Cause::AgentHungUp));
}

#[test]
fn a_rating_arrives_though_packets_are_lost_and_come_twice() {
    let faults = Faults::ROUGH;
    let mut office = talk('1', faults);
    office.hangs_up("1001");
    office.until("the caller is asked", |office| office.hears(CALLER, "svy"));
    office.presses(CALLER, '3');
    office.presses(CALLER, '3');
    is_over(&mut office);
    assert_eq!(ratings(&office), [(Some("1001".into()), Some(3))]);
}

#[test]
fn a_caller_who_has_put_the_agent_on_hold_would_not_hear_the_question() {
    let mut office = talk('1', Faults::NONE);
    office.holds(CALLER, true);
    office.run(secs(1));
    office.hangs_up("1001");
    is_over(&mut office);
    assert_eq!((ratings(&office), office.last_cause()), (vec![], Some(Cause::AgentHungUp)));
}
