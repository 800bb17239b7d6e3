//! Flows that an agent sends callers to: what the checker says of them, and how callers come back.

use hotline::diagnostic::{Diagnostic, Source, render_all};
use hotline::ivr::assisted::Verdict;
use hotline::ivr::run::{Action, Event};
use hotline::ivr::{self, Compiled, World};

use super::bank;
use super::caller::Call;
use super::faults::{self, Fault};
use crate::office::secs;

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

const FAULTS: &[Fault] = &[
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
    faults::are_found_by(findings, GOOD, FAULTS);
}

#[test]
fn the_variants_that_are_right_are_not_complained_of() {
    faults::are_none_by(findings, GOOD, RIGHT);
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

fn begun() -> Call {
    let compiled =
        compile_for(None, &[("check", GOOD)]).unwrap_or_else(|found| panic!("{}", render_all(&found)));
    let flow = compiled.flows[&"check".into()].clone();
    assert!(flow.is_assisted());
    Call::to(flow, "en")
}

impl Call {
    /// What the agent was told when the caller came back to them.
    fn returns(&self) -> Option<(Verdict, Option<&str>)> {
        self.new.iter().find_map(|action| match action {
            Action::AgentReturn { verdict, level } => Some((*verdict, level.as_deref())),
            _ => None,
        })
    }
}

#[test]
fn the_caller_goes_back_when_the_last_prompt_has_been_heard() {
    let mut call = begun();
    let answer = hotline::ivr::http::HttpResponse { status: 200, body: String::new() };
    call.presses("271828").told(Event::HttpDone(Ok(answer)));
    assert_eq!(call.returns(), None, "they are told first");
    call.new.clear();
    assert!(call.run.announces() && call.presses("*1").new.is_empty(), "keys mean nothing any more");
    assert_eq!(call.listens().returns(), Some((Verdict::Ok, Some("pin"))));
    assert_eq!(call.run.next_deadline(), None);
    assert_eq!(call.told(Event::Time).new, []);
}

#[test]
fn a_star_takes_the_caller_back_at_once_wherever_they_are() {
    for keys in ["*", "12*", "271828*"] {
        assert_eq!(begun().presses(keys).returns(), Some((Verdict::Cancelled, None)), "{keys}");
    }
}

#[test]
fn progress_is_told_of_secrets_by_number_alone() {
    let mut call = begun();
    call.presses("2718");
    let typed = call.new.iter().filter_map(|action| match action {
        Action::Typed { keys, of } => Some((*keys, *of)),
        _ => None,
    });
    assert_eq!(typed.collect::<Vec<_>>(), [(1, 6), (2, 6), (3, 6), (4, 6)]);
    assert!(!format!("{:?} {:?}", call.new, call.run).contains("2718"));
}

/// Node by node: whether the tape rests there.
fn quiet(flow: &str, keys: &[&str]) -> Vec<(String, bool)> {
    let mut call = Call::to(bank::flow(flow), "en");
    let place = |call: &Call| (call.run.node().to_owned(), call.run.is_quiet());
    let mut seen = vec![place(&call)];
    for keys in keys {
        seen.push(place(match *keys {
            "played" => call.listens(),
            "time" => call.waits(secs(1)),
            keys => call.presses(keys),
        }));
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
