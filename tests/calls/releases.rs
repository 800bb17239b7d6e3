//! New releases of the flows while calls run.

use std::sync::Arc;

use hotline::call::cause::Cause;
use hotline::engine::canary::Measure;
use hotline::engine::happened::{Origin, Published, What};
use hotline::engine::input::{Input, World};
use hotline::engine::releases::{FlowsView, Publication, Trial};
use hotline::engine::staff::{Answer, Ask};
use hotline::ids::ReleaseId;

use crate::office::network::Faults;
use crate::office::{Office, secs, world};

/// A menu whose key 1 leads to a goodbye by way of a node of this name.
fn menu(name: &str) -> World {
    world::with_flow(&format!(
        "flow: main
languages: [zh-CN, en]
start: menu
nodes:
  menu:
    menu: {{ prompts: main, keys: {{ 1: {name}, 9: agent }}, timeout: 30s, on_no_input: {{ then: agent }}, on_invalid: {{ then: agent }} }}
  {name}:
    play: {{ prompts: goodbye, next: bye }}
  agent:
    queue: {{ to: general, on_timeout: bye, on_full: bye }}
  bye:
    hangup:
"
    ))
}

fn office(seed: u64) -> Office {
    let mut office = Office::with(seed, menu("first"), Faults::NONE);
    publish(&mut office, 1, "first", None);
    office
}

/// Release `release`, with the flow that `name` makes, is in force; `trial` beside it, for so many percent.
fn publish(office: &mut Office, release: u64, name: &str, trial: Option<(u64, &World, u8)>) {
    let published = What::FlowsPublished(Box::new(Published {
        release: ReleaseId(trial.map_or(release, |(trial, ..)| trial)),
        origin: Origin::Publish,
        author: "admin".to_owned(),
        comment: "because".to_owned(),
        parent: None,
        approved_by: None,
        percent: trial.map(|(.., percent)| percent),
    }));
    let trial = trial.map(|(release, world, percent)| Trial {
        release: ReleaseId(release),
        flows: world.flows.clone(),
        library: Arc::clone(&world.library),
        percent,
    });
    let (release, flows, note) = (ReleaseId(release), menu(name).flows, Some(Box::new(published)));
    office.input(Input::Publish(Box::new(Publication { release, flows, trial, note })));
}

/// Dials, and is in the menu. The release that the call took.
fn dials(office: &mut Office, number: &str) -> ReleaseId {
    if !office.phones.contains_key(number) {
        office.caller(number);
    }
    office.dials(number, "95500");
    let who = number.to_owned();
    office.until("the menu plays", |office| office.phones[&who].is_talking() && office.hears(&who, "main"));
    let taken = office.journal.iter().rev().find_map(|entry| match &entry.what {
        What::CallAnswered { release, .. } => Some(*release),
        _ => None,
    });
    taken.expect("it was answered")
}

/// Presses 1 and hears the flow out; the node it went through.
fn presses_one(office: &mut Office, number: &str) -> String {
    office.presses(number, '1');
    let who = number.to_owned();
    office.until("the call is over", |office| office.phones[&who].is_idle());
    let entered = office.journal.iter().rev().filter_map(|entry| match &entry.what {
        What::NodeEntered { node } if node != "bye" => Some(node.clone()),
        _ => None,
    });
    entered.into_iter().next().expect("it went somewhere")
}

fn view(office: &mut Office) -> FlowsView {
    match office.ask(Ask::Flows) {
        Answer::Flows(view) => *view,
        other => panic!("no view: {other:?}"),
    }
}

#[test]
fn a_call_under_way_ends_on_its_release_and_a_new_one_takes_the_new() {
    let mut office = office(81);
    assert_eq!(dials(&mut office, "1390"), ReleaseId(1));
    publish(&mut office, 2, "second", None);
    assert_eq!(dials(&mut office, "1391"), ReleaseId(2));
    let calls = view(&mut office).calls;
    assert_eq!(calls, [(ReleaseId(1), 1), (ReleaseId(2), 1)].into());
    // Back again, while both are under way.
    publish(&mut office, 3, "first", None);
    assert_eq!(dials(&mut office, "1392"), ReleaseId(3));
    assert_eq!(presses_one(&mut office, "1390"), "first");
    assert_eq!(presses_one(&mut office, "1391"), "second");
    assert_eq!(presses_one(&mut office, "1392"), "first");
    assert!(office.records.values().all(|record| record.cause == Some(Cause::FlowEnded)));
}

#[test]
fn the_record_of_a_call_names_its_release_to_the_end_whatever_comes_into_force() {
    let mut office = office(88);
    dials(&mut office, "1390");
    publish(&mut office, 2, "second", None);
    dials(&mut office, "1391");
    // All new calls but these take a release on trial.
    let third = menu("third");
    publish(&mut office, 2, "second", Some((3, &third, 100)));
    dials(&mut office, "1392");
    let live =
        |office: &mut Office| -> Vec<_> { office.snapshot().calls.iter().map(|call| call.release).collect() };
    assert_eq!(live(&mut office), [1, 2, 3].map(|release| Some(ReleaseId(release))));
    let view = office.snapshot().flows;
    assert_eq!((view.in_force, view.trial.map(|trial| trial.release)), (ReleaseId(2), Some(ReleaseId(3))));
    for (number, node) in [("1390", "first"), ("1391", "second"), ("1392", "third")] {
        assert_eq!(presses_one(&mut office, number), node);
    }
    let recorded: Vec<_> = office.records.values().map(|record| record.release).collect();
    assert_eq!(recorded, [1, 2, 3].map(|release| Some(ReleaseId(release))));
}

#[test]
fn a_caller_who_still_knocks_takes_what_is_in_force_when_answered() {
    let mut office = office(82);
    office.caller("1390");
    office.dials("1390", "95500");
    publish(&mut office, 2, "second", None);
    office.until("the call is answered", |office| office.phones["1390"].is_talking());
    assert_eq!(view(&mut office).calls, [(ReleaseId(2), 1)].into());
}

/// So many callers one after the other; those on the release on trial hang up in the menu if it is `bad`.
fn callers(office: &mut Office, calls: usize, bad: bool) -> [usize; 2] {
    let mut taken = [0; 2];
    for _ in 0..calls {
        let release = dials(office, "1390");
        let is_new = release != ReleaseId(1);
        taken[usize::from(is_new)] += 1;
        if is_new && bad {
            office.hangs_up("1390");
            office.until("the call is over", |office| office.phones["1390"].is_idle());
        } else {
            presses_one(office, "1390");
        }
    }
    taken
}

#[test]
fn a_trial_gets_its_share_and_is_counted_call_by_call() {
    let mut office = office(83);
    let second = menu("second");
    publish(&mut office, 1, "first", Some((2, &second, 30)));
    let [old, new] = callers(&mut office, 300, false);
    assert!((60..=120).contains(&new), "{new} of 300 took the new release");
    let trial = view(&mut office).trial.expect("it goes on");
    assert_eq!((trial.release, trial.percent), (ReleaseId(2), 30));
    assert_eq!((trial.old.calls, trial.new.calls), (old as u64, new as u64));
    assert_eq!((trial.old.abandoned, trial.new.abandoned, trial.new.failed), (0, 0, 0));
    // A reload compiles it anew, and the counts stay.
    let again = menu("second");
    publish(&mut office, 1, "first", Some((2, &again, 30)));
    assert_eq!(view(&mut office).trial, Some(trial));
    // Another release begins from nothing.
    publish(&mut office, 1, "first", Some((3, &again, 30)));
    assert_eq!(view(&mut office).trial.expect("it goes on").new.calls, 0);
}

#[test]
fn calls_from_before_a_trial_do_not_count_for_it() {
    let mut office = office(84);
    dials(&mut office, "1390");
    let second = menu("second");
    publish(&mut office, 1, "first", Some((2, &second, 1)));
    office.hangs_up("1390");
    office.run(secs(1));
    let trial = view(&mut office).trial.expect("it goes on");
    assert_eq!((trial.old.calls, trial.new.calls), (0, 0));
}

#[test]
fn a_call_that_the_server_ends_by_its_own_stop_counts_neither_as_good_nor_as_bad() {
    let mut office = office(88);
    let second = menu("second");
    publish(&mut office, 1, "first", Some((2, &second, 30)));
    callers(&mut office, 5, false);
    let before = view(&mut office).trial.expect("it goes on");
    let calls = before.old.calls + before.new.calls;
    dials(&mut office, "1390");
    office.input(Input::Stop);
    office.until("the call is over", |office| office.phones["1390"].is_idle());
    assert!(office.records.values().any(|record| record.cause == Some(Cause::ServerStopped)));
    let trial = view(&mut office).trial.expect("it goes on");
    assert_eq!((calls, trial), (5, before));
}

#[test]
fn a_release_that_loses_callers_is_taken_back_at_once_with_an_alarm_until_flows_are_published() {
    let mut office = office(85);
    let second = menu("second");
    publish(&mut office, 1, "first", Some((2, &second, 50)));
    let mut made = 0;
    while view(&mut office).trial.is_some() {
        callers(&mut office, 1, true);
        made += 1;
        assert!(made < 200, "it is never taken back");
    }
    let taken_back = office.journal.iter().find_map(|entry| match &entry.what {
        What::CanaryTakenBack { release, measure, new, old } => Some((*release, *measure, *new, *old)),
        _ => None,
    });
    let (release, measure, new, old) = taken_back.expect("it is in the journal");
    assert_eq!((release, measure), (ReleaseId(2), Measure::Abandoned));
    assert!(new.calls >= 50 && old.calls >= 50 && old.abandoned < 5, "{new:?} {old:?}");
    let alarm = |what: &What| matches!(what, What::Alarm { name, .. } if name == "canary");
    assert_eq!(office.journal.iter().filter(|entry| alarm(&entry.what)).count(), 1);
    assert!((0..20).all(|_| {
        let taken = dials(&mut office, "1390");
        presses_one(&mut office, "1390");
        taken == ReleaseId(1)
    }));
    let cleared = |what: &What| matches!(what, What::AlarmCleared { name } if name == "canary");
    assert!(!office.journal.iter().any(|entry| cleared(&entry.what)));
    publish(&mut office, 3, "second", None);
    assert!(office.journal.iter().any(|entry| cleared(&entry.what)));
}

#[test]
fn a_release_whose_calls_meet_failures_is_taken_back() {
    let mut office = office(86);
    // The transfer of the new release leads to an agent who is not there.
    let flow = "flow: main
languages: [zh-CN, en]
start: menu
nodes:
  menu:
    menu: { prompts: main, keys: { 1: there, 9: agent }, on_no_input: { then: agent }, on_invalid: { then: agent } }
  there:
    transfer: { agent: 1001, on_failed: sorry }
  sorry:
    play: { prompts: goodbye, next: bye }
  agent:
    queue: { to: general, on_timeout: bye, on_full: bye }
  bye:
    hangup:
";
    let failing = world::with_flow(flow);
    publish(&mut office, 1, "first", Some((2, &failing, 50)));
    callers(&mut office, 160, false);
    assert_eq!(view(&mut office).trial, None);
    let measure = office.journal.iter().find_map(|entry| match &entry.what {
        What::CanaryTakenBack { measure, new, .. } => Some((*measure, new.failed == new.calls)),
        _ => None,
    });
    assert_eq!(measure, Some((Measure::Failed, true)));
}

#[test]
fn a_trial_whose_prompts_are_counted_otherwise_says_the_right_words() {
    let mut office = office(87);
    let config = (*office.world().config).clone();
    // A reload brings more prompts; the flows on trial still count in the old ones.
    let second = menu("second");
    let reloaded = world::build_with_prompts(config, &["aaa", "bbb"]);
    office.reload(reloaded);
    try_for_all(&mut office, &second);
    office.caller("1390");
    office.dials("1390", "95500");
    office.until("the menu plays", |office| office.hears("1390", "main"));
    assert_eq!(view(&mut office).calls, [(ReleaseId(2), 1)].into());
}

/// What is in force stays, and all calls take the second on trial.
fn try_for_all(office: &mut Office, second: &World) {
    let flows = office.world().flows.clone();
    let (release, library) = (ReleaseId(2), Arc::clone(&second.library));
    let trial = Some(Trial { release, flows: second.flows.clone(), library, percent: 100 });
    let publication = Publication { release: ReleaseId(1), flows, trial, note: None };
    office.input(Input::Publish(Box::new(publication)));
}
