//! Flows that call flows: what the checker says across files, and what callers meet.

use std::sync::Arc;
use std::time::Duration;

use hotline::diagnostic::{Diagnostic, Source, render_all};
use hotline::ivr::run::{Action, Event, QueueExit};
use hotline::ivr::subflow::MAX_DEPTH;
use hotline::ivr::{self, Compiled};

use super::bank;
use super::caller::Call;
use super::faults::Planted;

const MAIN: &str = "\
flow: main
languages: [zh-CN, en]
start: account
vars: { account: text, ok: text, left: number, pin: secret }
nodes:
  account:
    collect:
      into: account
      prompts: acct
      min: 4
      max: 4
      terminator: none
      on_no_input: { then: agent }
      on_invalid: { then: agent }
      next: pin
  pin:
    collect:
      into: pin
      prompts: acct
      max: 4
      on_no_input: { then: agent }
      on_invalid: { then: agent }
      next: check
  check:
    call:
      flow: verify
      with: { account: $account, pin: $pin, tries: 3 - 1 }
      into: { ok: $ok, left: $left }
      next: what_now
  what_now:
    switch: { cases: [{ when: \"$ok == 'yes'\", then: read_left }], else: people }
  read_left:
    say: { number: $left, next: people }
  people:
    call: { flow: people }
  agent:
    queue: { to: general, on_timeout: bye, on_full: bye }
  bye:
    hangup:
";

const VERIFY: &str = "\
flow: verify
languages: [en, zh-CN]
parameters: { account: text, pin: secret, tries: number }
results: { ok: text, left: number }
start: ask
nodes:
  ask:
    menu:
      prompts: main
      keys: { 1: right, 2: wrong, 3: english, 4: hand_on }
      on_no_input: { prompts: noinput, then: wrong }
      on_invalid: { then: wrong }
  english:
    set: { language: en, next: ask }
  hand_on:
    call: { flow: secret_keeper, with: { pin: $pin }, next: read_back }
  read_back:
    say: { digits: $account, next: ask_again }
  right:
    return: { ok: \"yes\", left: $tries + 10 }
  wrong:
    return: { ok: \"no\", left: 0 }
  ask_again:
    menu:
      prompts: main
      keys: { 1: right, 2: wrong }
      on_no_input: { then: wrong }
      on_invalid: { then: wrong }
";

const KEEPER: &str = "\
flow: secret_keeper
languages: [zh-CN, en]
parameters: { pin: secret }
start: again
nodes:
  again:
    collect:
      into: pin
      prompts: acct
      max: 4
      on_no_input: { then: back }
      on_invalid: { then: back }
      next: back
  back:
    return:
";

const PEOPLE: &str = "\
flow: people
languages: [zh-CN, en]
start: queue
nodes:
  queue:
    queue: { to: cards, prompts: to_agent, on_timeout: bye, on_full: bye }
  bye:
    hangup: { prompts: goodbye }
";

fn compile(files: &[(&str, &str)]) -> Result<Compiled, Vec<Diagnostic>> {
    let sources: Vec<_> =
        files.iter().map(|(name, text)| Source::new(format!("{name}.yaml"), *text)).collect();
    let names = bank::Names::all();
    let mut world = bank::world(&names);
    world.entries = ["main"].map(Into::into).into();
    ivr::compile(&sources, &world)
}

/// The four files with one of them changed.
fn changed(file: &str, from: &str, to: &str) -> Vec<(&'static str, String)> {
    let files = [("main", MAIN), ("verify", VERIFY), ("secret_keeper", KEEPER), ("people", PEOPLE)];
    let change = |(name, text): (&'static str, &str)| {
        if name != file {
            return (name, text.to_owned());
        }
        assert!(text.contains(from), "{file} has no {from:?}");
        (name, text.replacen(from, to, 1))
    };
    files.map(change).into()
}

fn compile_changed(file: &str, from: &str, to: &str) -> Result<Compiled, Vec<Diagnostic>> {
    let files = changed(file, from, to);
    compile(&files.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>())
}

fn main_of(compiled: &Compiled) -> Call {
    Call::to(compiled.flows[&"main".into()].clone(), "zh-CN")
}

fn good() -> Call {
    main_of(&compile_changed("main", "", "").unwrap_or_else(|found| panic!("{}", render_all(&found))))
}

impl Call {
    fn is_silent(&mut self) -> &mut Self {
        self.event(Event::Played);
        self.now = self.run.next_deadline().expect("something is waited for");
        self.event(Event::Time)
    }

    fn has_been_at(&self) -> Vec<&str> {
        let nodes = self.new.iter().filter_map(|action| match action {
            Action::Entered { node } => Some(&**node),
            _ => None,
        });
        nodes.collect()
    }
}

#[test]
fn a_caller_goes_into_another_flow_and_comes_back_with_its_results() {
    let mut call = good();
    call.presses("1234").presses("55#");
    assert_eq!(call.has_been_at(), ["account", "pin", "check", "verify/ask"]);
    call.hears("zh/main").presses("1").hears("zh/num_10 zh/num_2");
    call.event(Event::Played).hears("zh/to_agent").event(Event::Played);
    assert!(matches!(call.new.last(), Some(Action::Queue { queue, .. }) if queue.as_str() == "cards"));
}

#[test]
fn silence_in_a_called_flow_comes_back_too() {
    let mut call = good();
    call.presses("1234").presses("55#").hears("zh/main");
    call.is_silent().hears("zh/noinput zh/main").is_silent().is_silent();
    assert_eq!(call.has_been_at(), ["verify/wrong", "what_now", "people", "people/queue"]);
}

#[test]
fn keys_typed_ahead_go_into_the_called_flow_and_out_again() {
    let mut call = good();
    call.presses("123455#1");
    let been = call.has_been_at();
    assert_eq!(been, ["account", "pin", "check", "verify/ask", "verify/right", "what_now", "read_left"]);
}

#[test]
fn the_language_chosen_in_a_called_flow_stays_whatever_the_order_in_which_it_is_listed() {
    let mut call = good();
    call.presses("1234").presses("55#").hears("zh/main").presses("3").hears("en/main");
    call.presses("1").hears("en/num_12");
    assert_eq!(call.run.language(), "en");
}

#[test]
fn a_called_flow_has_its_own_variables_and_a_secret_handed_on_is_seen_nowhere() {
    let mut call = good();
    call.presses("1234").presses("7531#").presses("4");
    assert!(call.run.asks_secret());
    call.presses("86");
    let seen = format!("{:?}{:?}", call.run, call.new);
    assert!(!seen.contains("7531") && !seen.contains("86"), "{seen}");
    call.presses("#").hears("zh/num_1 zh/num_2 zh/num_3 zh/num_4");
    assert!(!call.run.asks_secret());
}

#[test]
fn a_queue_in_a_called_flow_gives_the_call_back_to_it() {
    let mut call = good();
    call.presses("1234").presses("55#").presses("2").event(Event::Played);
    call.event(Event::QueueLeft(QueueExit::Timeout)).hears("zh/goodbye").event(Event::Played);
    assert_eq!(call.new, [Action::Hangup]);
    assert_eq!(call.run.next_deadline(), None);
}

#[test]
fn a_call_keeps_all_the_flows_it_began_with_when_one_is_changed() {
    let mut before = good();
    before.presses("1234").presses("55#").hears("zh/main");
    let mut not_yet_there = good();
    let after = compile_changed("verify", "$tries + 10", "$tries + 40").expect("it is right");
    let mut new = main_of(&after);
    before.presses("1").hears("zh/num_10 zh/num_2");
    // Even one that has not come to the changed flow yet.
    not_yet_there.presses("1234").presses("55#").presses("1").hears("zh/num_10 zh/num_2");
    new.presses("1234").presses("55#").presses("1").hears("zh/num_4 zh/num_10 zh/num_2");
}

#[test]
fn a_flow_is_let_go_with_the_last_call_that_uses_it() {
    let compiled = compile_changed("main", "", "").expect("it is right");
    let verify = compiled.flows[&"verify".into()].clone();
    let call = main_of(&compiled);
    drop(compiled);
    assert_eq!(Arc::strong_count(&verify), 2);
    drop(call);
    assert_eq!(Arc::strong_count(&verify), 1);
}

#[test]
fn whoever_is_idle_too_long_in_a_called_flow_is_let_go() {
    let mut call = good();
    call.presses("1234").presses("55#");
    call.now = call.now + hotline::ivr::run::MAX_IDLE + Duration::from_secs(1);
    call.event(Event::Time);
    assert_eq!(call.new.last(), Some(&Action::Hangup));
}

#[test]
fn files_are_compiled_in_whatever_order_they_come() {
    let mut files = changed("main", "", "");
    for _ in 0..files.len() {
        files.rotate_left(1);
        let found = compile(&files.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>());
        let compiled = found.unwrap_or_else(|found| panic!("{}", render_all(&found)));
        assert!(compiled.warnings.is_empty(), "{}", render_all(&compiled.warnings));
        assert_eq!(compiled.flows.len(), 4);
    }
}

/// The file, what is replaced in it by what (`«` where the caret must be), the file complained about and the code.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("main", "flow: verify", "flow: «verfy", "flow-064"),
    ("main", "tries: 3 - 1", "tires: 3 - 1", "flow-065 tires"),
    ("main", ", tries: 3 - 1", ", tries: 2, «colour: 'red'", "flow-065"),
    (
        "main",
        "with: { account: $account, pin: $pin, tries: 3 - 1 }",
        "«with: { account: $account, pin: $pin }",
        "flow-065",
    ),
    ("main", "call: { flow: people }", "call: { flow: people, with: { «who: 1 } }", "flow-065"),
    ("main", "tries: 3 - 1", "tries: «'three'", "flow-010"),
    ("main", "tries: 3 - 1", "tries: «$account", "flow-010"),
    ("main", "account: $account, pin", "account: «$left, pin", "flow-010"),
    ("main", "account: $account, pin", "account: «$pin, pin", "flow-019"),
    ("main", "pin: $pin", "pin: «$account", "flow-019"),
    ("main", "pin: $pin", "pin: «'1234'", "flow-019"),
    ("main", "ok: $ok", "«okay: $ok", "flow-065"),
    ("main", "ok: $ok, left: $left", "ok: «$left, left: $left", "flow-010"),
    ("main", "ok: $ok, left: $left", "ok: «$pin, left: $left", "flow-010"),
    ("main", "      next: what_now\n", "", "yaml-005 call:"),
    ("main", "call: { flow: people }", "call: { flow: people, next: «bye }", "flow-067"),
    ("main", "languages: [zh-CN, en]", "languages: [zh-CN]", "flow-068 verify"),
    ("main", "call: { flow: people }", "call: { flow: «main }", "flow-066"),
    ("main", "flow: main", "flow: «main\nparameters: { x: number }", "flow-069"),
    ("verify", "left: $tries + 10 }", "left: $tries + 10, «more: 1 }", "flow-065"),
    ("verify", "return: { ok: \"no\", left: 0 }", "«return: { ok: \"no\" }", "flow-065"),
    ("verify", "left: 0", "left: «'none'", "flow-010"),
    ("verify", "ok: \"no\"", "ok: «$pin", "flow-019"),
    ("verify", "left: number }", "left: number, «key: secret }", "flow-019"),
    ("verify", "results:", "vars: { «account: text }\nresults:", "flow-026"),
    ("verify", "flow: secret_keeper, with: { pin: $pin }", "flow: «verify, with: { pin: $pin }", "flow-066"),
    ("verify", "$tries + 10", "10", "flow-024 tries: number"),
];

#[test]
fn each_fault_between_two_files_is_found_where_it_is() {
    let mut wrong = String::new();
    for (file, from, to, expected) in FAULTS {
        let good = &changed(file, "", "").into_iter().find(|(name, _)| name == file).expect("one of them").1;
        let Planted { text, code, place } = Planted::into(good, (*from, *to, *expected));
        let mut files = changed(file, "", "");
        files.retain(|(name, _)| name != file);
        let others = files.iter().map(|(name, text)| (*name, text.as_str()));
        let given: Vec<(&str, &str)> = others.chain([(*file, text.as_str())]).collect();
        let found = compile(&given).map_or_else(|found| found, |compiled| compiled.warnings);
        let is: Vec<_> = found.iter().map(|d| (d.source.name.as_str(), d.code, d.position())).collect();
        let name = format!("{file}.yaml");
        if is.first() != Some(&(name.as_str(), code, place)) {
            wrong.push_str(&format!(
                "\n#### {file}: {to:?}: expected {code} at {place:?}, found {is:?}\n{}",
                render_all(&found)
            ));
        }
        if is.len() > 1 && !["flow-068", "flow-069", "flow-024"].contains(&code) {
            wrong.push_str(&format!("\n#### {file}: {to:?}: more than one\n{}", render_all(&found)));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn flows_that_call_each_other_in_a_circle_are_told_the_way() {
    let flow = |name: &str, calls: &str| {
        format!(
            "flow: {name}\nlanguages: [en]\nstart: a\nnodes:\n  a: {{ call: {{ flow: {calls}, next: b }} }}\n  b: {{ return: }}\n"
        )
    };
    let [one, two, three] = [flow("one", "two"), flow("two", "three"), flow("three", "one")];
    let found = compile(&[("one", &one), ("two", &two), ("three", &three)]).expect_err("a circle");
    assert_eq!(found.len(), 1, "{}", render_all(&found));
    assert_eq!((found[0].code, found[0].source.name.as_str()), ("flow-066", "three.yaml"));
    assert_eq!(found[0].message, "flows call each other in a circle: three, one, two, three");
}

#[test]
fn flows_are_so_many_deep_and_no_deeper() {
    let name = |depth: usize| if depth == 0 { "main".to_owned() } else { format!("f{depth}") };
    let files = |depth: usize| -> Vec<(String, String)> {
        let flow = |at: usize| {
            let head = format!("flow: {}\nlanguages: [en]\nstart: a\nnodes:\n", name(at));
            let text = match (at, at + 1 == depth) {
                (0, _) => "  a: { call: { flow: f1, next: b } }\n  b: { hangup: }\n".to_owned(),
                (_, false) => {
                    format!("  a: {{ call: {{ flow: f{}, next: b }} }}\n  b: {{ return: }}\n", at + 1)
                }
                (_, true) => "  a: { return: }\n".to_owned(),
            };
            (name(at), head + &text)
        };
        (0..depth).map(flow).collect()
    };
    let compile = |depth: usize| {
        let files = files(depth);
        compile(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
    };
    let compiled = compile(MAX_DEPTH).unwrap_or_else(|found| panic!("{}", render_all(&found)));
    assert_eq!(main_of(&compiled).new.last(), Some(&Action::Hangup));
    let found = compile(MAX_DEPTH + 1).expect_err("one too many");
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["flow-066"]);
}

#[test]
fn the_checks_over_paths_see_through_a_call() {
    let main = |body: &str| {
        let complaints = if body.contains("menu:") { "humane: { complaints: b }\n" } else { "" };
        format!("flow: main\nlanguages: [en]\nstart: a\n{complaints}nodes:\n{body}")
    };
    let sub = |body: &str| format!("flow: sub\nlanguages: [en]\nstart: a\nnodes:\n{body}");
    let codes = |main: &str, sub: &str| {
        let found = compile(&[("main", main), ("sub", sub)]);
        let found = found.map_or_else(|found| found, |compiled| compiled.warnings);
        found.iter().map(|d| format!("{} {}", d.source.name, d.code)).collect::<Vec<_>>()
    };
    let menu = "  a: { menu: { prompts: main, keys: { 1: b }, on_no_input: { then: b }, on_invalid: { then: b } } }\n";
    let people = "  a: { queue: { to: general, on_timeout: b, on_full: b } }\n  b: { hangup: }\n";
    let call_then_end = "  a: { call: { flow: sub, next: b } }\n  b: { hangup: }\n";
    let nothing: [&str; 0] = [];
    // A person in the called flow is a person.
    assert_eq!(codes(&main(&format!("{menu}  b: {{ call: {{ flow: sub }} }}\n")), &sub(people)), nothing);
    // Without one, the menu has none.
    let bye = "  a: { hangup: }\n";
    assert_eq!(
        codes(&main(&format!("{menu}  b: {{ call: {{ flow: sub }} }}\n")), &sub(bye)),
        ["main.yaml flow-015"]
    );
    // A menu that leaves it to the flow that calls it: it may, and then that one must.
    let asks = sub(&format!("{menu}  b: {{ return: }}\n"));
    assert_eq!(codes(&main(call_then_end), &asks), ["main.yaml flow-015"]);
    let then_people = "  a: { call: { flow: sub, next: b } }\n  b: { queue: { to: general, on_timeout: c, on_full: c } }\n  c: { hangup: }\n";
    assert_eq!(codes(&main(then_people), &asks), nothing);
    // Round and round through a flow that asks nothing is a circle; through one that can only be left by a key
    // it is a dead end.
    let round = "  a: { call: { flow: sub, next: a } }\n";
    assert_eq!(codes(&main(round), &sub("  a: { return: }\n")), ["main.yaml flow-014"]);
    let by_key = "  a: { menu: { prompts: main, keys: { 1: b }, on_no_input: { then: c }, on_invalid: { then: c } } }\n  b: { return: }\n  c: { queue: { to: general, on_timeout: d, on_full: d } }\n  d: { hangup: }\n";
    assert_eq!(codes(&main(round), &sub(by_key)), nothing);
}

#[test]
fn a_number_does_not_lead_into_a_flow_that_returns() {
    let text = "flow: main\nlanguages: [en]\nstart: a\nnodes:\n  a: { return: }\n";
    let found = compile(&[("main", text)]).expect_err("it returns to nobody");
    assert_eq!((found[0].code, found[0].position()), ("flow-069", (1, 7)));
}

#[test]
fn mistakes_in_a_called_flow_are_told_once_and_not_again_where_it_is_called() {
    let found = compile_changed("verify", "prompts: main", "prompts: mian").expect_err("no such prompt");
    let is: Vec<_> = found.iter().map(|d| (d.source.name.as_str(), d.code)).collect();
    assert_eq!(is, [("verify.yaml", "flow-008")], "{}", render_all(&found));
}

#[test]
fn no_damage_to_flows_that_call_each_other_makes_the_checker_panic() {
    bolero::check!().with_iterations(500).with_type::<(u8, Vec<(u16, u8, u8)>)>().for_each(
        |(which, edits)| {
            let mut files = changed("main", "", "");
            let place = usize::from(*which) % files.len();
            let mut bytes = files[place].1.clone().into_bytes();
            for (at, length, with) in edits.iter().take(8) {
                let at = usize::from(*at) % bytes.len().max(1);
                let end = (at + usize::from(*length % 12)).min(bytes.len());
                bytes.splice(at..end, [b"{}[]:,\"'#*&!|>- \n$x0mv"[usize::from(*with) % 22]]);
            }
            files[place].1 = String::from_utf8_lossy(&bytes).into_owned();
            let given: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
            for diagnostic in compile(&given).map_or_else(|found| found, |compiled| compiled.warnings) {
                assert!(!diagnostic.render().is_empty());
            }
        },
    );
}

#[test]
fn whatever_happens_in_flows_that_call_each_other_a_silent_caller_is_not_kept_for_ever() {
    let compiled = compile_changed("main", "", "").expect("it is right");
    bolero::check!().with_iterations(500).with_type::<Vec<(u8, u8)>>().for_each(|events| {
        let mut call = main_of(&compiled);
        for (what, much) in events.iter().take(200) {
            call.now = call.now + Duration::from_millis(u64::from(*much) * 40);
            call.event(match what % 22 {
                key @ 0..=15 => Event::Digit(char::from(b"0123456789*#ABCD"[usize::from(key)])),
                16..=19 => Event::Played,
                20 => Event::Time,
                _ => Event::QueueLeft(QueueExit::Timeout),
            });
        }
        for _ in 0..60 {
            let Some(deadline) = call.run.next_deadline() else { return };
            call.now = deadline;
            call.event(Event::Time).event(Event::Played);
        }
        panic!("a silent caller is still at {}", call.run.node());
    });
}
