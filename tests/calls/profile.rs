//! What is remembered of callers from call to call.

use hotline::call::cause::Cause;
use hotline::engine::happened::{Forgotten, Kept, What};
use hotline::engine::input::Input;
use hotline::engine::limits::PROFILE_KEPT;
use hotline::engine::staff::{Answer, Ask};

use crate::office::network::Faults;
use crate::office::{Office, secs, world};

const CALLER: &str = "13812341234";
const NAMELESS: &str = "anonymous";

/// Counts a caller's calls, and hangs up.
const FLOW: &str = "flow: main
languages: [zh-CN, en]
start: who
vars: { calls: number }
nodes:
  who: { profile: { recall: { calls: $calls, language: $language }, next: count, on_unknown: stranger } }
  stranger: { event: { name: stranger, next: count } }
  count: { set: { calls: $calls + 1, language: en, next: keep } }
  keep: { profile: { remember: { calls: $calls, language: $language }, next: told } }
  told: { event: { name: calls, value: $calls, next: bye } }
  bye: { hangup: }
";

/// Calls and is hung up on; what the flow remarked.
fn calls(office: &mut Office, number: &str) -> Vec<String> {
    let before = office.journal.len();
    office.caller(number);
    office.dials(number, "95500");
    office.until("the flow is over", |office| {
        office.journal[before..].iter().any(|entry| matches!(entry.what, What::CallEnded { .. }))
    });
    assert_eq!(office.last_cause(), Some(Cause::FlowEnded));
    let remark = |what: &What| match what {
        What::Remark { name, value } => Some(format!("{name} {value}")),
        _ => None,
    };
    office.journal[before..].iter().filter_map(|entry| remark(&entry.what)).collect()
}

fn counting(seed: u64) -> Office {
    Office::with(seed, world::with_flow(FLOW), Faults::NONE)
}

fn kept(office: &Office) -> Vec<Kept> {
    let kept = |what: &What| match what {
        What::ProfileRemembered { kept, .. } => kept.as_deref().cloned(),
        _ => None,
    };
    office.journal.iter().filter_map(|entry| kept(&entry.what)).collect()
}

#[test]
fn who_calls_again_is_known_and_a_stranger_is_not() {
    let mut office = counting(401);
    assert_eq!(calls(&mut office, CALLER), ["stranger ", "language en", "calls 1"]);
    assert_eq!(calls(&mut office, CALLER), ["language en", "language en", "calls 2"]);
    assert_eq!(calls(&mut office, "13812341299"), ["stranger ", "language en", "calls 1"]);
}

#[test]
fn of_who_has_no_number_nothing_is_remembered() {
    let mut office = counting(402);
    for _ in 0..2 {
        assert_eq!(calls(&mut office, NAMELESS)[0], "stranger ");
    }
    assert_eq!(kept(&office), []);
}

#[test]
fn who_wishes_it_is_forgotten_and_the_journal_does_not_say_who() {
    let mut office = counting(403);
    calls(&mut office, CALLER);
    let forget = Ask::Forget { user: "super".to_owned(), number: CALLER.to_owned() };
    assert_eq!(office.ask(forget), Answer::Done);
    let last = office.journal.last().expect("it is noted");
    assert!(
        matches!(&last.what, What::ProfileForgotten { why: Forgotten::Asked, user: Some(user), .. } if user == "super")
    );
    assert!(!serde_json::to_string(last).expect("JSON").contains(CALLER));
    assert_eq!(calls(&mut office, CALLER)[0], "stranger ");
}

#[test]
fn it_outlives_a_restart_and_a_year_but_not_for_ever() {
    let mut office = counting(404);
    calls(&mut office, CALLER);
    let known = kept(&office);
    let json = serde_json::to_string(&office.journal).expect("JSON");
    assert!(
        json.contains("profile_remembered") && !json.contains("\"calls\":\"1\""),
        "values are the store's"
    );
    let mut office = counting(405);
    let now = office.now;
    office.engine.handle(now, Input::Profiles(known.clone()));
    office.run(secs(1));
    assert_eq!(calls(&mut office, CALLER), ["language en", "language en", "calls 2"]);
    let mut office = counting(406);
    let old: Vec<Kept> = known
        .into_iter()
        .map(|kept| Kept { since: hotline::moment::Moment::from_micros(1), ..kept })
        .collect();
    assert!(now.since(old[0].since) > PROFILE_KEPT);
    office.engine.handle(now, Input::Profiles(old));
    assert_eq!(calls(&mut office, CALLER)[0], "stranger ");
}

#[test]
fn the_demo_bank_remembers_the_language() {
    let mut office = Office::seeded(407);
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the menu is heard", |office| office.hears(CALLER, "main"));
    office.presses(CALLER, '#');
    office.run(secs(1));
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.last_cause() == Some(Cause::LeftMenu));
    assert_eq!(kept(&office)[0].values, [("language".to_owned(), "en".to_owned())].into());
    office.dials(CALLER, "95500");
    office.until("the menu is heard again", |office| office.hears(CALLER, "main"));
    let live = &office.snapshot().calls[0].call;
    let english = |entry: &&hotline::engine::happened::Happened| {
        entry.call == Some(*live)
            && entry.what == What::Remark { name: "language".into(), value: "en".into() }
    };
    assert!(office.journal.iter().any(|entry| english(&entry)), "from the first word");
}
