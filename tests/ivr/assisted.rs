//! Flows that an agent sends callers to: what the checker says of them, and how callers come back.

use std::time::Duration;

use hotline::diagnostic::{Diagnostic, Source, render_all};
use hotline::ivr::assisted::Verdict;
use hotline::ivr::run::{Action, Caller, Event, Run};
use hotline::ivr::{self, Compiled, World};
use hotline::moment::Moment;

use super::bank;

const GOOD: &str = "\
flow: check
languages: [en]
start: intro
vars: { pin: secret, tries: number }
nodes:
  intro:
    play: { prompts: sv_intro, next: pin }
  pin:
    collect: { into: pin, prompts: pin, min: 4, max: 6, on_no_input: { then: failed }, on_invalid: { then: failed }, next: ask }
  ask:
    http: { method: post, to: bank, path: /pins, body: { pin: $pin }, next: proven, on_status: { 401: wrong }, on_failed: failed }
  wrong:
    set: { tries: $tries + 1, next: again }
  again:
    switch: { cases: [{ when: \"$tries < 2\", then: pin }], else: failed }
  proven:
    agent_return: { result: ok, level: pin, prompts: sv_ok }
  failed:
    agent_return: { result: fail, prompts: [sv_fail, sv_ok] }
";

/// A flow without a way back of its own.
const SUB: &str = "flow: sub\nlanguages: [en]\nstart: a\nnodes:\n";

/// What is replaced, by what (`«` stands where the caret must be), and the code.
const FAULTS: &[(&str, &str, &str)] = &[
    ("result: ok", "result: «okay", "flow-112"),
    ("result: ok", "result: «timeout", "flow-112"),
    ("result: fail", "result: «hangup", "flow-112"),
    ("result: fail", "result: «true", "flow-112"),
    ("result: ok", "result: «[ok]", "yaml-006"),
    ("level: pin", "level: «two words", "flow-113"),
    ("level: pin", "level: «\"\"", "flow-113"),
    ("level: pin", "level: «密码", "flow-113"),
    ("level: pin", "level: «a-name-that-is-longer-than-any-level-needs", "flow-113"),
    ("result: fail,", "result: fail, level: «pin,", "flow-113"),
    ("level: pin", "«levle: pin", "yaml-004"),
    (", prompts: sv_ok }", ", «promts: sv_ok }", "yaml-004"),
    ("prompts: sv_ok }", "prompts: «sv_okay }", "flow-008"),
    (
        "result: ok, level: pin, prompts: sv_ok }",
        "result: ok, level: pin, prompts: sv_ok, «next: pin }",
        "yaml-004",
    ),
    (
        "    agent_return: { result: ok, level: pin, prompts: sv_ok }",
        "    «agent_return: { result: ok, level: pin }",
        "yaml-005",
    ),
    (
        "    agent_return: { result: ok, level: pin, prompts: sv_ok }",
        "    «agent_return: { prompts: sv_ok }",
        "yaml-005",
    ),
    (
        "    agent_return: { result: ok, level: pin, prompts: sv_ok }",
        "    «agent_retrun: { result: ok, prompts: sv_ok }",
        "flow-001",
    ),
    (
        "  proven:\n    agent_return: { result: ok, level: pin, prompts: sv_ok }",
        "  «proven:\n    hangup: { prompts: goodbye }",
        "flow-111",
    ),
    (
        "  proven:\n    agent_return: { result: ok, level: pin, prompts: sv_ok }",
        "  «proven:\n    transfer: { agent: 1001, on_failed: failed }",
        "flow-111",
    ),
    (
        "  proven:\n    agent_return: { result: ok, level: pin, prompts: sv_ok }",
        "  «proven:\n    queue: { to: general, on_timeout: failed, on_full: failed }",
        "flow-111",
    ),
    (
        "  proven:\n    agent_return: { result: ok, level: pin, prompts: sv_ok }",
        "  «proven:\n    call: { flow: people }",
        "flow-111",
    ),
];

const RIGHT: &[(&str, &str)] = &[
    ("level: pin, ", ""),
    ("level: pin", "level: pin_and-card-2"),
    ("prompts: sv_ok }", "prompts: [sv_ok, welcome] }"),
    ("result: ok, level: pin", "result: fail"),
    ("next: pin }\n", "next: wait }\n  wait:\n    wait: { for: 1s, next: pin }\n"),
    (
        "  proven:\n    agent_return: { result: ok, level: pin, prompts: sv_ok }",
        "  proven:\n    call: { flow: back }",
    ),
    (
        "  proven:\n    agent_return: { result: ok, level: pin, prompts: sv_ok }",
        "  proven:\n    call: { flow: says, next: failed }",
    ),
];

fn compile_for(entry: Option<&str>, files: &[(&str, &str)]) -> Result<Compiled, Vec<Diagnostic>> {
    let names = bank::Names::all();
    let sources: Vec<_> =
        files.iter().map(|(name, text)| Source::new(format!("{name}.yaml"), *text)).collect();
    let entries = entry.into_iter().map(Into::into).collect();
    ivr::compile(&sources, &World { entries, ..bank::world(&names) })
}

/// The flow among those that some of the variants call.
fn findings(text: &str) -> Vec<Diagnostic> {
    let people = SUB.replace("sub", "people")
        + "  a: { queue: { to: general, on_timeout: b, on_full: b } }\n  b: { hangup: }\n";
    let back = SUB.replace("sub", "back") + "  a: { agent_return: { result: ok, prompts: sv_ok } }\n";
    let says =
        SUB.replace("sub", "says") + "  a: { play: { prompts: welcome, next: b } }\n  b: { return: }\n";
    let files = [("check", text), ("people", &people), ("back", &back), ("says", &says)];
    compile_for(None, &files).map_or_else(|found| found, |compiled| compiled.warnings)
}

#[test]
fn each_way_to_write_it_wrong_is_found_where_it_is() {
    let mut wrong = String::new();
    for (from, to, code) in FAULTS {
        assert!(GOOD.contains(from), "{from}");
        let marked = GOOD.replacen(from, to, 1);
        let at = marked.find('«').expect("a mark");
        let line = marked[..at].matches('\n').count() + 1;
        let column = marked[..at].chars().rev().take_while(|c| *c != '\n').count() + 1;
        let found = findings(&marked.replace('«', ""));
        let is: Vec<_> = found.iter().map(|d| (d.code, d.position())).collect();
        if is != [(*code, (line, column))] {
            wrong.push_str(&format!(
                "\n#### {to}: {code} at {line}:{column}, found {is:?}\n{}",
                render_all(&found)
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_variants_that_are_right_are_not_complained_of() {
    for (from, to) in RIGHT.iter().chain([&("", "")]) {
        assert!(GOOD.contains(from), "{from}");
        let found = findings(&GOOD.replacen(from, to, 1));
        assert!(found.is_empty(), "{to}\n{}", render_all(&found));
    }
}

#[test]
fn no_number_leads_to_it_be_it_through_another_flow() {
    let found = compile_for(Some("check"), &[("check", GOOD)]).expect_err("nobody is there to go back to");
    assert_eq!((found[0].code, found[0].position()), ("flow-110", (1, 7)));
    let main = "flow: main\nlanguages: [en]\nstart: a\nnodes:\n  a: { call: { flow: check } }\n";
    let found = compile_for(Some("main"), &[("main", main), ("check", GOOD)]).expect_err("nor here");
    assert_eq!((found[0].code, found[0].position()), ("flow-110", (1, 7)));
    assert!(compile_for(None, &[("main", main), ("check", GOOD)]).is_ok(), "an agent may start that one too");
}

const NOW: Moment = Moment::from_micros(1_795_000_000_000_000);

fn begun() -> (Run, Vec<Action>) {
    let compiled =
        compile_for(None, &[("check", GOOD)]).unwrap_or_else(|found| panic!("{}", render_all(&found)));
    let flow = compiled.flows[&"check".into()].clone();
    assert!(flow.is_assisted());
    let caller = Caller { number: "13800001111".into(), dialled: "95500".into(), language: "en".into() };
    Run::start(NOW, flow, caller, 7)
}

fn returns(actions: &[Action]) -> Option<(Verdict, Option<&str>)> {
    actions.iter().find_map(|action| match action {
        Action::AgentReturn { verdict, level } => Some((*verdict, level.as_deref())),
        _ => None,
    })
}

fn types(run: &mut Run, keys: &str) -> Vec<Action> {
    keys.chars().flat_map(|key| run.handle(NOW, Event::Digit(key))).collect()
}

#[test]
fn the_caller_goes_back_when_the_last_prompt_has_been_heard() {
    let (mut run, _) = begun();
    types(&mut run, "271828");
    let answer = hotline::ivr::http::HttpResponse { status: 200, body: String::new() };
    let actions = run.handle(NOW, Event::HttpDone(Ok(answer)));
    assert_eq!(returns(&actions), None, "they are told first");
    assert!(run.announces() && types(&mut run, "*1").is_empty(), "keys mean nothing any more");
    assert_eq!(returns(&run.handle(NOW, Event::Played)), Some((Verdict::Ok, Some("pin"))));
    assert_eq!((run.next_deadline(), run.handle(NOW, Event::Time)), (None, Vec::new()));
}

#[test]
fn a_star_takes_the_caller_back_at_once_wherever_they_are() {
    for keys in ["*", "12*", "271828*"] {
        let (mut run, _) = begun();
        let actions = types(&mut run, keys);
        assert_eq!(returns(&actions), Some((Verdict::Cancelled, None)), "{keys}");
    }
}

#[test]
fn progress_is_told_of_secrets_by_number_alone() {
    let (mut run, _) = begun();
    let actions = types(&mut run, "2718");
    let typed = actions.iter().filter_map(|action| match action {
        Action::Typed { keys, of } => Some((*keys, *of)),
        _ => None,
    });
    assert_eq!(typed.collect::<Vec<_>>(), [(1, 6), (2, 6), (3, 6), (4, 6)]);
    assert!(!format!("{actions:?} {run:?}").contains("2718"));
}

/// Node by node: whether the tape rests there.
fn quiet(flow: &str, keys: &[&str]) -> Vec<(String, bool)> {
    let flow = bank::flow(flow);
    let caller = Caller { number: "13800001111".into(), dialled: "95500".into(), language: "en".into() };
    let (mut run, _) = Run::start(NOW, flow, caller, 7);
    let mut seen = vec![(run.node().to_owned(), run.is_quiet())];
    for keys in keys {
        match *keys {
            "played" => drop(run.handle(NOW, Event::Played)),
            "time" => {
                let due = run.next_deadline().unwrap_or(NOW + Duration::from_secs(1));
                drop(run.handle(due, Event::Time));
            }
            keys => drop(types(&mut run, keys)),
        }
        seen.push((run.node().to_owned(), run.is_quiet()));
    }
    seen
}

#[test]
fn the_tape_rests_from_what_is_said_before_a_secret_to_its_end() {
    let flow = "\
flow: test
languages: [en]
start: menu
vars: { pin: secret, account: text }
nodes:
  menu: { menu: { prompts: main, keys: { 1: account, 2: rest }, on_no_input: { then: agent }, on_invalid: { then: agent } } }
  account: { collect: { into: account, prompts: acct, max: 2, on_no_input: { then: agent }, on_invalid: { then: agent }, next: told } }
  told: { play: { prompts: acct_thanks, barge_in: false, next: rest } }
  rest: { wait: { for: 1s, next: pin } }
  pin: { collect: { into: pin, prompts: pin, max: 2, on_no_input: { then: agent }, on_invalid: { then: agent }, next: ask } }
  ask: { http: { method: post, to: bank, path: /p, body: { pin: $pin }, next: agent, on_failed: agent } }
  agent: { queue: { to: general, prompts: to_agent, on_timeout: bye, on_full: bye } }
  bye: { hangup: }
";
    let seen = quiet(flow, &["1", "12", "played", "time", "34"]);
    let expected =
        [("menu", false), ("account", false), ("told", true), ("rest", true), ("pin", true), ("ask", false)];
    assert_eq!(seen, expected.map(|(node, quiet)| (node.to_owned(), quiet)));
}
