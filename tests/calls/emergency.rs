//! An emergency broadcast, as callers, staff and the journal meet it.

use std::sync::Arc;
use std::time::Duration;

use hotline::call::cause::Cause;
use hotline::engine::emergency::{OnAir, Status};
use hotline::engine::happened::{Broadcast, EmergencyEnd, Happened, Level, What};
use hotline::engine::input::{Input, World};
use hotline::engine::staff::{Answer, Ask};
use hotline::media::prompts::Library;

use crate::office::network::Faults;
use crate::office::phone::Manner;
use crate::office::{Office, ms, secs, world};

const CALLER: &str = "13812341234";
const OTHER: &str = "13812341235";
const HOUR: Duration = Duration::from_secs(3_600);

fn broadcast(level: Level, prompts: &[&str]) -> Broadcast {
    let prompts = prompts.iter().map(|prompt| (*prompt).to_owned()).collect();
    Broadcast { level, prompts, time: Some("14:30".to_owned()) }
}

fn starts(office: &mut Office, level: Level, lasts: Duration) -> Answer {
    let broadcast = broadcast(level, &["emg_sys"]);
    office.ask(Ask::StartEmergency { user: "super".to_owned(), broadcast, lasts })
}

fn status(office: &mut Office) -> Status {
    match office.ask(Ask::Emergency) {
        Answer::Emergency(status) => *status,
        other => panic!("not a status: {other:?}"),
    }
}

fn on(office: &mut Office) -> OnAir {
    status(office).on.expect("a broadcast is on")
}

fn last(office: &mut Office) -> (EmergencyEnd, Option<String>, u64, u64) {
    let last = status(office).last.expect("a broadcast was on");
    (last.why, last.by, last.was.heard, last.was.left)
}

/// Dials in, and hears the broadcast begin.
fn hears_it(office: &mut Office, number: &str) {
    office.caller(number);
    office.dials(number, "95500");
    office.until("the broadcast begins", |office| office.hears(number, "emg_sys_pre"));
}

fn kinds(office: &Office) -> Vec<&'static str> {
    let kind = |what: &What| match what {
        What::EmergencyStarted { .. } => Some("started"),
        What::EmergencyHeard { .. } => Some("heard"),
        What::EmergencyLeft { .. } => Some("left"),
        What::EmergencyEnded { .. } => Some("ended"),
        _ => None,
    };
    office.journal.iter().filter_map(|entry| kind(&entry.what)).collect()
}

#[test]
fn the_next_caller_hears_it_and_goes_on_and_one_who_is_past_it_hears_nothing() {
    let mut office = Office::seeded(301);
    office.caller(OTHER);
    office.dials(OTHER, "95500");
    office.until("the menu is heard", |office| office.hears(OTHER, "main"));
    starts(&mut office, Level::Info, HOUR);
    hears_it(&mut office, CALLER);
    assert!(office.hears(OTHER, "main"));
    office.until("it is said to its end", |office| office.hears(CALLER, "emg_sys_post"));
    office.until("everything goes on", |office| office.hears(CALLER, "main"));
    let on = on(&mut office);
    assert_eq!((on.user.as_str(), on.heard, on.left), ("super", 1, 0));
    assert_eq!(kinds(&office), ["started", "heard"]);
}

#[test]
fn who_hangs_up_while_hearing_it_is_counted_and_who_does_so_later_is_not() {
    let mut office = Office::seeded(302);
    starts(&mut office, Level::Info, HOUR);
    hears_it(&mut office, CALLER);
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.last_cause() == Some(Cause::LeftMenu));
    hears_it(&mut office, OTHER);
    office.until("everything goes on", |office| office.hears(OTHER, "main"));
    office.hangs_up(OTHER);
    office.until("the call is over", |office| office.last_cause() == Some(Cause::LeftMenu));
    let on = on(&mut office);
    assert_eq!((on.heard, on.left), (2, 1));
    assert_eq!(kinds(&office), ["started", "heard", "left", "heard"]);
}

#[test]
fn at_the_highest_level_the_call_ends_when_it_has_been_heard_and_the_last_chance_is_over() {
    let mut office = Office::seeded(303);
    starts(&mut office, Level::Full, HOUR);
    hears_it(&mut office, CALLER);
    office.until("it is said to its end", |office| office.hears(CALLER, "emg_sys_post"));
    office.until("the call is over", |office| office.last_cause().is_some());
    assert_eq!(office.last_cause(), Some(Cause::FlowEnded));
    assert_eq!(on(&mut office).left, 0, "the bank hung up, not the caller");
    office.run(secs(60));
    assert!(office.snapshot().calls.is_empty() && office.sound.streams.is_empty());
}

#[test]
fn a_lost_card_reaches_a_person_at_the_highest_level() {
    let mut office = Office::seeded(304);
    office.agent("1001", Manner::Answers(ms(1_000)));
    starts(&mut office, Level::Full, HOUR);
    hears_it(&mut office, CALLER);
    office.presses(CALLER, '5');
    assert!(office.hears(CALLER, "emg_sys_pre"), "no other key stops it");
    office.presses(CALLER, '0');
    office.until("the notice is heard", |office| office.hears(CALLER, "rec_notice"));
    office.until("the menu for losses is heard", |office| office.hears(CALLER, "loss_kind"));
    office.presses(CALLER, '9');
    office.until("a person talks with the caller", |office| office.talk_together(CALLER, "1001"));
    assert_eq!(office.last_record().queue.as_ref().map(|queue| queue.as_str()), Some("urgent"));
}

#[test]
fn one_that_ends_in_the_middle_is_heard_to_its_end_by_who_hears_it_and_by_nobody_else() {
    let mut office = Office::seeded(305);
    starts(&mut office, Level::Full, secs(60));
    office.run(secs(59));
    hears_it(&mut office, CALLER);
    office.until("its time is over", |office| kinds(office).contains(&"ended"));
    assert!(office.hears(CALLER, "emg_sys_pre"), "in the middle of it");
    office.caller(OTHER);
    office.dials(OTHER, "95500");
    office.until("the other is welcomed at once", |office| office.hears(OTHER, "welcome"));
    office.until("the first hears the rest", |office| office.hears(CALLER, "emg_sys_post"));
    office.until("and is hung up on", |office| {
        office.records.values().next().is_some_and(|record| record.cause == Some(Cause::FlowEnded))
    });
    assert_eq!(last(&mut office), (EmergencyEnd::Expired, None, 1, 0));
}

#[test]
fn one_that_is_stopped_in_the_middle_counts_who_hangs_up_then_all_the_same() {
    let mut office = Office::seeded(306);
    starts(&mut office, Level::Info, HOUR);
    hears_it(&mut office, CALLER);
    office.ask(Ask::StopEmergency { user: "admin".to_owned() });
    assert!(office.hears(CALLER, "emg_sys_pre"));
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.last_cause() == Some(Cause::LeftMenu));
    assert_eq!(last(&mut office), (EmergencyEnd::Stopped, Some("admin".to_owned()), 1, 1));
    office.ask(Ask::StopEmergency { user: "admin".to_owned() });
    assert_eq!(kinds(&office), ["started", "heard", "ended", "left"], "stopping nothing is nothing");
}

#[test]
fn a_second_one_takes_the_place_of_the_first_and_both_are_in_the_journal_with_who_did_it() {
    let mut office = Office::seeded(307);
    starts(&mut office, Level::Info, HOUR);
    let second = broadcast(Level::Deflect, &["goodbye"]);
    office.ask(Ask::StartEmergency { user: "admin".to_owned(), broadcast: second.clone(), lasts: HOUR });
    let on = on(&mut office);
    assert_eq!((on.user.as_str(), &on.broadcast), ("admin", &second));
    assert_eq!(last(&mut office), (EmergencyEnd::Replaced, Some("admin".to_owned()), 0, 0));
    assert_eq!(kinds(&office), ["started", "ended", "started"]);
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the second is heard", |office| office.hears(CALLER, "goodbye"));
    office.until("the reduced menu follows", |office| office.hears(CALLER, "emg_menu"));
}

#[test]
fn what_cannot_be_said_is_refused_with_what_was_probably_meant() {
    let mut office = Office::seeded(308);
    let mut asked = |broadcast: Broadcast, lasts| {
        let answer = office.ask(Ask::StartEmergency { user: "super".to_owned(), broadcast, lasts });
        match answer {
            Answer::Wrong(why) => why,
            other => panic!("not refused: {other:?}"),
        }
    };
    let info = |prompts: &[&str]| broadcast(Level::Info, prompts);
    let misspelled = asked(info(&["emg_sis"]), HOUR);
    assert_eq!(misspelled, "prompts: there is no prompt `emg_sis` in zh-CN; did you mean `emg_sys`?");
    assert_eq!(asked(info(&[]), HOUR), "prompts: from 1 to 8 are said");
    assert_eq!(asked(info(&["emg_sys"]), secs(59)), "for: a broadcast is on from 1m to 24h");
    assert_eq!(asked(info(&["emg_sys"]), 25 * HOUR), "for: a broadcast is on from 1m to 24h");
    let timeless = Broadcast { time: None, ..info(&["emg_sys"]) };
    assert_eq!(asked(timeless, HOUR), "time: `emg_sys` says a time, and none is given");
    let wrong_time = Broadcast { time: Some("25:00".to_owned()), ..info(&["goodbye"]) };
    assert_eq!(asked(wrong_time, HOUR), "time: `25:00` is not a time of day such as 08:30");
    assert_eq!(kinds(&office), [] as [&str; 0]);
    let flow = "flow: main\nlanguages: [zh-CN]\nstart: bye\nnodes:\n  bye: { hangup: }\n";
    let mut office = Office::with(309, world::with_flow(flow), Faults::NONE);
    let nowhere = starts(&mut office, Level::Info, HOUR);
    let why = "no flow has an `emergency` node: nobody would hear it";
    assert_eq!(nowhere, Answer::Wrong(why.to_owned()));
}

#[test]
fn a_reload_that_takes_its_prompts_ends_it_and_nobody_is_turned_away_without_a_word() {
    let mut office = Office::seeded(310);
    starts(&mut office, Level::Full, HOUR);
    hears_it(&mut office, CALLER);
    let few = Library::builder().prompt("zh-CN", "goodbye", &[0; 8_000]).prompt("en", "goodbye", &[0; 8_000]);
    let fewer = World { library: Arc::new(few.build()), ..world::demo() };
    office.reload(fewer);
    assert_eq!(last(&mut office), (EmergencyEnd::Unsayable, None, 1, 0));
    office.caller(OTHER);
    office.dials(OTHER, "95500");
    office.until("the other is answered", |office| office.phones[OTHER].is_talking());
    office.run(secs(3));
    assert_eq!(kinds(&office), ["started", "heard", "ended"]);
}

#[test]
fn a_reload_that_leaves_it_sayable_leaves_it_on() {
    let mut office = Office::seeded(311);
    starts(&mut office, Level::Info, HOUR);
    office.reload(world::build_with_prompts(world::demo_config(), &["aaa"]));
    hears_it(&mut office, CALLER);
    assert_eq!(on(&mut office).heard, 1);
}

/// The server that comes after one that was killed.
fn restarted(seed: u64, started: Happened, heard: u64, left: u64) -> Office {
    let mut office = Office::seeded(seed);
    let now = office.now;
    office.engine.handle(now, Input::Broadcast { started: Box::new(started), heard, left });
    office
}

#[test]
fn it_outlives_a_restart_until_its_time_is_over() {
    let mut office = Office::seeded(312);
    starts(&mut office, Level::Info, secs(200));
    let is_start = |entry: &&Happened| matches!(entry.what, What::EmergencyStarted { .. });
    let started = office.journal.iter().find(is_start).expect("it is in the journal").clone();
    let mut office = restarted(313, started.clone(), 7, 2);
    hears_it(&mut office, CALLER);
    let still = on(&mut office);
    assert_eq!((still.user.as_str(), still.heard, still.left), ("super", 8, 2));
    office.until("its time is over", |office| kinds(office).contains(&"ended"));
    assert_eq!(office.now.since(started.at), secs(200));
    assert_eq!(last(&mut office), (EmergencyEnd::Expired, None, 8, 2));
    let mut old = started;
    if let What::EmergencyStarted { until, .. } = &mut old.what {
        *until = old.at;
    }
    let mut office = restarted(314, old, 7, 2);
    assert_eq!(last(&mut office), (EmergencyEnd::Expired, None, 7, 2), "over before the server came back");
}

#[test]
fn who_is_sent_to_another_number_does_not_hear_it_twice() {
    let flow = "flow: main\nlanguages: [zh-CN]\nstart: first\nnodes:\n\
        \x20 first: { emergency: { next: on, deflect: on, loss: desk } }\n\
        \x20 on: { transfer: { number: 95500, on_failed: desk } }\n\
        \x20 desk: { queue: { to: general, on_timeout: bye, on_full: bye } }\n\
        \x20 bye: { hangup: }\n";
    let mut office = Office::with(315, world::with_flow(flow), Faults::NONE);
    starts(&mut office, Level::Info, HOUR);
    hears_it(&mut office, CALLER);
    office.until("eight transfers are over", |office| office.last_record().queue.is_some());
    assert_eq!(on(&mut office).heard, 1);
}

#[test]
fn a_key_for_a_loss_that_is_pressed_twice_is_one_loss() {
    let mut office = Office::seeded(316);
    starts(&mut office, Level::Full, HOUR);
    hears_it(&mut office, CALLER);
    office.presses(CALLER, '0');
    office.presses(CALLER, '0');
    office.until("the notice is heard", |office| office.hears(CALLER, "rec_notice"));
    office.run(secs(30));
    assert_eq!(office.last_record().ended, None, "the call is not over with the broadcast");
    assert_eq!(on(&mut office).heard, 1);
}
