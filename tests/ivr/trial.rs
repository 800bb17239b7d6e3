//! Flows tried without a phone: tests in YAML, what they find, what they cover.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline::config;
use hotline::diagnostic::{Diagnostic, Source, render_all};
use hotline::ivr::trial::Stage;
use hotline::ivr::trial::call::MAX_RUNGS;
use hotline::ivr::trial::coverage::Coverage;
use hotline::ivr::trial::play::{Outcome, play};
use hotline::ivr::trial::script::{self, Test};
use hotline::ivr::{HostTerms, World};
use hotline::media::prompts::Wordbook;

const FLOW: &str = "flow: small
languages: [zh-CN, en]
start: welcome
vars: { account: text, pin: secret }
nodes:
  welcome: { play: { prompts: [welcome, rec_notice], next: open } }
  open: { hours: { zone: Asia/Shanghai, weekly: { mon-fri: 09:00-17:00 }, open: main, closed: bye } }
  main:
    menu:
      prompts: main
      keys: { 1: account, 2: colleague, 3: agent, 9: agent, '#': english }
      on_no_input: { prompts: noinput, then: agent }
      on_invalid: { prompts: invalid, then: agent }
  english: { set: { language: en, next: main } }
  account:
    collect: { into: account, prompts: acct, max: 4, on_no_input: { then: agent }, on_invalid: { then: agent }, next: pin }
  pin:
    collect: { into: pin, prompts: sys_err, min: 6, max: 6, on_no_input: { then: agent }, on_invalid: { then: agent }, next: agent }
  colleague: { transfer: { agent: 1001, prompts: to_agent, on_failed: agent } }
  agent: { queue: { to: general, priority: 40, prompts: to_agent, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
";

/// Asks a host who calls, and checks a PIN with it.
const ASKING: &str = "flow: asking
languages: [en]
start: who
vars: { name: text, pin: secret }
nodes:
  who: { http: { method: get, to: bank, path: '/customers/{$caller}', timeout: 800ms, retries: 1, answer: { name: $name }, next: known, on_status: { 404: stranger }, on_failed: agent } }
  known: { switch: { cases: [ { when: \"$name == 'Li'\", then: pin } ], else: agent } }
  stranger: { hangup: { prompts: refuse } }
  pin:
    collect: { into: pin, prompts: acct, min: 6, max: 6, on_no_input: { then: agent }, on_invalid: { then: agent }, next: verify }
  verify: { http: { method: post, to: bank, path: /verify, body: { pin: $pin }, next: thanks, on_failed: agent } }
  thanks: { play: { prompts: acct_thanks, next: agent } }
  agent: { queue: { to: general, on_timeout: stranger, on_full: stranger } }
";

/// Lets the caller talk with a bot.
const TALKING: &str = "flow: talking
languages: [en]
start: talk
vars: { intent: text }
nodes:
  talk: { bot: { to: assistant, with: { who: $caller }, into: { intent: $intent }, max: 1m, next: route, on_person: agent, on_failed: sorry } }
  route: { switch: { cases: [ { when: \"$intent == 'loss'\", then: urgent } ], else: bye } }
  urgent: { queue: { to: urgent, on_timeout: bye, on_full: bye } }
  sorry: { play: { prompts: sys_err, next: agent } }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
";

/// Parts callers, waits, and calls another flow.
const CALLING: &str = "flow: calling
languages: [en]
start: shares
vars: { ok: text }
nodes:
  shares: { percent: { ways: [ { share: 50, then: pause }, { share: 50, then: check } ] } }
  pause: { wait: { for: 2s, next: check } }
  check: { call: { flow: verify, into: { ok: $ok }, next: agent } }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
";
const VERIFY: &str = "flow: verify
languages: [en]
vars: { pin: secret }
results: { ok: text }
start: pin
nodes:
  pin: { collect: { into: pin, prompts: acct, min: 6, max: 6, on_no_input: { then: desk }, on_invalid: { then: desk }, next: back } }
  back: { return: { ok: 'yes' } }
  desk: { queue: { to: general, on_timeout: sorry, on_full: sorry } }
  sorry: { hangup: { prompts: goodbye } }
";

/// Does `with` on a stage with the small flow and the demonstration bank's own.
fn on_stage<T>(with: impl FnOnce(&Stage<'_>) -> T) -> T {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words = Wordbook::read(&root.join("prompts")).expect("the prompts");
    let bank = config::demo("data", 0, 0);
    let mut world = World::of(&bank, &words);
    world.hosts.insert("bank".to_owned(), HostTerms { secrets: true, timeout: Duration::from_secs(5) });
    world.bots.insert("assistant".to_owned());
    let mut sources = config::flow_sources(&root.join("ivr-flows")).expect("the flows");
    sources.push(Source::new("flows/small.yaml", FLOW));
    sources.push(Source::new("flows/asking.yaml", ASKING));
    sources.push(Source::new("flows/talking.yaml", TALKING));
    sources.push(Source::new("flows/calling.yaml", CALLING));
    sources.push(Source::new("flows/verify.yaml", VERIFY));
    let stage = Stage::set(&sources, &world, &words);
    with(&stage.unwrap_or_else(|found| panic!("{}", render_all(&found))))
}

fn tests_of(text: &str) -> Arc<Source> {
    Source::new("flows/small.test.yaml", text)
}

/// The steps of one test of the small flow.
fn steps(steps: &str) -> String {
    format!("tests:\n  - name: a call\n    steps: [{steps}]\n")
}

fn read(text: &str, stage: &Stage<'_>) -> Vec<Test> {
    script::read(&tests_of(text), stage).unwrap_or_else(|found| panic!("{}", render_all(&found)))
}

/// What came of one test of these steps.
fn outcome(text: &str) -> Outcome {
    on_stage(|stage| play(&read(&steps(text), stage)[0], stage).expect("the flow is on stage"))
}

/// The failure of one test, rendered, and the caller's path.
fn failure(text: &str) -> (String, String) {
    on_stage(|stage| {
        let test = read(&steps(text), stage);
        let outcome = play(&test[0], stage).expect("the flow is on stage");
        let on = stage.flow(&"small".into()).expect("the flow is on stage");
        let failure = outcome.failure.as_ref().expect("it fails");
        (failure.render(), outcome.path.lines(stage, on).join("\n"))
    })
}

fn passes(text: &str) {
    let outcome = outcome(text);
    assert!(outcome.failure.is_none(), "{}", render_all(outcome.failure.as_slice()));
}

#[test]
fn the_bank_s_own_tests_pass_and_leave_no_node_and_hardly_a_branch_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    on_stage(|stage| {
        let mut coverage = Coverage::default();
        let text = std::fs::read_to_string(root.join("ivr-flows/main.test.yaml")).expect("the tests");
        let tests = script::read(&Source::new("ivr-flows/main.test.yaml", text), stage);
        for test in tests.unwrap_or_else(|found| panic!("{}", render_all(&found))) {
            let outcome = play(&test, stage).expect("the flow is on stage");
            assert!(outcome.failure.is_none(), "{}", render_all(outcome.failure.as_slice()));
            coverage.add(&outcome);
        }
        let main = coverage.report(stage).into_iter().find(|covered| covered.flow == "main".into());
        let main = main.expect("main is on stage");
        assert_eq!(main.nodes.percent(), 100, "{:#?}", main.nodes.missing);
        assert!(main.branches.percent() >= 95, "{:#?}", main.branches.missing);
    });
}

#[test]
fn a_caller_is_heard_through_to_a_person() {
    passes(
        "hears: [welcome, rec_notice, main], silence, hears: [noinput, main], presses: 9, hears: to_agent, queue: { to: general, priority: 40 }",
    );
}

#[test]
fn a_key_in_the_middle_of_a_prompt_stops_what_is_said() {
    passes("hears: [welcome, ...], { presses: 9, after: 1s }, hears: to_agent, queue: general");
    let outcome = outcome("hears: [welcome, ...], { presses: 9, after: 1s }, queue: general");
    let at = outcome.path.rungs().iter().find(|(_, rung)| format!("{rung:?}").starts_with("Presses"));
    // The welcome plays 1.816 s.
    assert_eq!(at.expect("keys were pressed").0.as_millis(), 2_816);
}

#[test]
fn a_transfer_that_fails_and_a_queue_that_gives_up_go_on_in_the_flow() {
    passes(
        "presses: 2, transfer: { agent: 1001 }, transfer_fails, queue: general, queue_leaves: timeout, hears: goodbye, ends",
    );
}

#[test]
fn the_clock_of_a_test_opens_and_closes_the_bank() {
    let at = |time: &str, expected: &str| {
        let text = format!(
            "at: {time}\ntests:\n  - name: a call\n    steps:\n      - hears: [welcome, rec_notice, ...]\n      - at: {expected}\n"
        );
        on_stage(|stage| {
            let outcome = play(&read(&text, stage)[0], stage).expect("the flow is on stage");
            assert!(outcome.failure.is_none(), "{}", render_all(outcome.failure.as_slice()));
        });
    };
    at("2026-11-27 16:59", "main");
    at("2026-11-27 17:00", "bye");
    at("2026-11-28 09:30", "bye");
    at("2026-11-27 09:30+08:00", "main");
    at("2026-11-27 09:30+00:00", "bye");
}

#[test]
fn a_failed_expectation_points_at_itself_and_tells_the_whole_call() {
    let (told, path) = failure("hears: [welcome, rec_notice, main], silence, hears: [noinput, to_agent]");
    let expected = "error[test-020]: a call: expected to hear `to_agent`, heard `main`
 --> flows/small.test.yaml:3:75
  |
3 |     steps: [hears: [welcome, rec_notice, main], silence, hears: [noinput, to_agent]]
  |                                                                           ^^^^^^^^ heard `main`";
    assert!(told.starts_with(expected), "{told}");
    for line in [
        "     0.0 s  welcome  (flows/small.yaml:6)",
        "     1.8 s    hears rec_notice  \"为保证服务质量，您的通话可能会被录音。\"",
        "     5.5 s  main  (flows/small.yaml:8)",
        "    38.5 s    nothing is pressed in time",
    ] {
        assert!(path.contains(line), "{path}");
    }
}

#[test]
fn every_expectation_can_fail() {
    for (text, said) in [
        ("hears: [welcome]", "the caller also hears `rec_notice`"),
        ("presses: 9, hears: [to_agent, goodbye]", "expected to hear `goodbye`, and nothing is said"),
        ("presses: 9, queue: cards", "expected the queue cards"),
        ("presses: 9, queue: { to: general, priority: 50 }", "expected the queue general with priority 50"),
        ("queue: general", "the flow waits for the caller at `main` (flows/small.yaml:8)"),
        ("presses: 2, transfer: { agent: 1002 }", "expected a transfer to the agent 1002"),
        ("presses: 9, ends", "expected the flow to hang up"),
        ("at: main", "expected the caller at `main`"),
        ("presses: '#', remark: { language: zh-CN }", "language: en"),
        ("language: en", "the call speaks zh-CN"),
        ("presses: '1123#', variables: { account: '124' }", "it holds `123`"),
        ("presses: '1123#123456', variables: { pin: { typed: 5 keys } }", "it holds `6 keys`"),
        ("queue_leaves: full", "the caller is in no queue here"),
        ("transfer_fails", "the caller is not being transferred here"),
        ("speaks: 5s", "nobody listens to a message here"),
        ("message_fails", "no message is being recorded here"),
        ("message: complaint", "expected a message to be left: complaint"),
        ("survey: 5", "expected the rating: 5"),
        ("survey: no_answer", "expected the rating: none"),
        ("presses: 9, queue: general, silence", "the flow does not wait for the caller here"),
        ("hangs_up, presses: 9", "the call is over"),
    ] {
        let (told, _) = failure(text);
        assert!(told.contains(said), "{text}\n{told}");
    }
}

#[test]
fn keys_of_a_secret_are_in_no_report_whenever_they_are_pressed() {
    for text in [
        "presses: '1', hears: acct, presses: '77#', hears: sys_err, presses: '918273', queue: cards",
        "presses: '177#918273', queue: cards",
        "presses: '1', presses: '77#918', presses: '273', queue: cards",
    ] {
        let (told, path) = failure(text);
        let debug = format!("{:?}", outcome(text).path);
        for seen in [&told, &path, &debug] {
            assert!(!seen.contains("918") && !seen.contains("273"), "{seen}");
        }
        assert!(path.contains("hidden for a secret"), "{path}");
    }
    passes("presses: '177#918273', variables: { account: '77', pin: { typed: 6 keys } }");
}

#[test]
fn keys_without_end_are_not_kept_without_end() {
    let keys = "{ presses: \"################\" }, ".repeat(3_000);
    let outcome = outcome(&keys);
    let kept = outcome.path.rungs().len();
    assert!((MAX_RUNGS..MAX_RUNGS + 100).contains(&kept), "{kept}");
}

#[test]
fn two_keys_with_one_target_are_two_branches() {
    on_stage(|stage| {
        let mut coverage = Coverage::default();
        let tests = read(&steps("presses: 9, queue: general"), stage);
        coverage.add(&play(&tests[0], stage).expect("the flow is on stage"));
        let covered = coverage.report(stage);
        let small = covered.iter().find(|covered| covered.flow == "small".into()).expect("it is on stage");
        assert_eq!((small.nodes.taken, small.nodes.all), (4, 9));
        assert_eq!((small.branches.taken, small.branches.all), (3, 20));
        let missing = |what: &str| small.branches.missing.iter().any(|told| told == what);
        assert!(missing("flows/small.yaml:11: key `3` of `main`, to `agent`"), "{small:#?}");
        assert!(!missing("flows/small.yaml:11: key `9` of `main`, to `agent`"), "{small:#?}");
    });
}

/// One fault in a file of tests: `«` stands where the caret must be.
const FAULTS: &[(&str, &str)] = &[
    ("hears: «wellcome", "test-001"),
    ("hears: [welcome, «..., main]", "test-006"),
    ("queue: «genral", "test-002"),
    ("queue: { to: «genral }", "test-002"),
    ("queue: { to: general, priority: «101 }", "yaml-008"),
    ("at: «mian", "test-003"),
    ("variables: { «acount: '1' }", "test-004"),
    ("«silent", "test-006"),
    ("«hears", "test-006"),
    ("presses: 1, «press: 1", "yaml-004"),
    ("{ presses: 1, «hears: main }", "test-006"),
    ("{ hears: main, after: «2s }", "test-006"),
    ("{ presses: 1, after: «2 }", "yaml-007"),
    ("ends: «yes", "test-006"),
    ("queue_leaves: «timout", "test-006"),
    ("presses: «12x", "test-008"),
    ("variables: { pin: «'918273' }", "test-009"),
    ("variables: { pin: { typed: «six } }", "test-009"),
    ("language: «fr", "test-011"),
    ("transfer: { agent: «1009 }", "test-012"),
    ("message: «applause", "test-023"),
    ("survey: «happy", "test-024"),
    ("survey: «10", "test-024"),
    ("speaks: «5", "yaml-007"),
    ("message_fails: «yes", "test-006"),
    ("transfer: «{ agent: 1001, number: '95500' }", "yaml-010"),
    ("remark: «{ a: b, c: d }", "test-006"),
];

fn mocked(mock: &str) -> String {
    format!("mocks: [{mock}]\ntests: []\n")
}

fn on_air(broadcast: &str) -> String {
    format!("flow: small\ntests:\n  - name: a\n    emergency: {broadcast}\n    steps: [silence]\n")
}

fn found(text: &str) -> Vec<Diagnostic> {
    on_stage(|stage| script::read(&tests_of(text), stage).err().unwrap_or_default())
}

#[test]
fn a_fault_in_a_test_is_found_where_it_is() {
    let mut wrong = String::new();
    let outside = [
        ("flow: «smal\ntests:\n  - name: a\n    steps: [silence]\n".to_owned(), "test-005"),
        ("at: «yesterday\ntests:\n  - name: a\n    steps: [silence]\n".to_owned(), "test-007"),
        ("«tests:\n  - name: a\n    stepz: [silence]\n".to_owned(), "yaml-004"),
        (on_air("{ level: «loud, prompts: goodbye }"), "test-015"),
        (on_air("«{ level: info, prompts: goodby }"), "test-015"),
        (on_air("«{ level: info, prompts: goodbye, time: noon }"), "test-015"),
        (on_air("«{ level: info }"), "yaml-005"),
        (mocked("{ host: «bnak, path: /a, status: 200 }"), "test-013"),
        (mocked("{ host: bank, method: «gte, path: /a, status: 200 }"), "test-014"),
        (mocked("«{ host: bank, path: /a }"), "test-014"),
        (mocked("{ host: bank, path: /a, failure: «timout }"), "test-014"),
        (mocked("{ bot: «asistant }"), "flow-123"),
        (mocked("{ bot: assistant, failure: «brokken }"), "flow-124"),
        (mocked("{ bot: assistant, result: «[1] }"), "flow-124"),
        (mocked("{ bot: assistant, result: { a: 1 }, failure: «broken }"), "flow-124"),
        (mocked("{ bot: assistant, transfer: true, failure: «broken }"), "flow-124"),
        (mocked("{ bot: assistant, «path: /a }"), "yaml-004"),
        (mocked("{ host: bank, path: /a, status: «99 }"), "yaml-008"),
    ];
    let inside = FAULTS.iter().map(|(fault, code)| (steps(fault), *code));
    for (marked, code) in inside.chain(outside) {
        let at = marked.find('«').expect("it has a mark");
        let found = found(&marked.replace('«', ""));
        let line = marked[..at].matches('\n').count() + 1;
        let column = marked[..at].chars().rev().take_while(|c| *c != '\n').count() + 1;
        let is: Vec<_> = found.iter().map(|d| (d.code, d.position())).collect();
        // Which of two words is the wrong one cannot be said of a misspelled field.
        let right = if code == "yaml-004" {
            is.iter().any(|(is, _)| *is == code)
        } else {
            is == [(code, (line, column))]
        };
        if !right {
            wrong.push_str(&format!("\n#### {marked}\nfound {is:?}\n{}", render_all(&found)));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_slip_is_answered_with_what_was_meant_and_a_secret_with_stars() {
    assert_eq!(found(&steps("at: mian"))[0].label, "did you mean `main`?");
    assert_eq!(found(&steps("queue: genral"))[0].label, "did you mean `general`?");
    let told = render_all(&found(&steps("variables: { pin: '918273' }")));
    assert!(!told.contains("918273") && told.contains("typed: 6 keys"), "{told}");
}

#[test]
fn every_code_for_tests_is_among_the_faults() {
    // Of the file as a whole, and of what is played.
    let elsewhere =
        ["test-005", "test-007", "test-013", "test-014", "test-015", "test-020", "test-021", "test-022"];
    for (code, ..) in hotline::diagnostic::codes::CODES.iter().filter(|(code, ..)| code.starts_with("test")) {
        let planted = FAULTS.iter().any(|(_, planted)| planted == code);
        assert!(planted || elsewhere.contains(code), "{code} is never planted");
    }
}

/// Prints how many tests are performed in a second; in release it must be thousands, but a slow day fails nothing.
#[test]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn a_thousand_tests_are_performed_and_their_rate_is_printed() {
    let one = "  - name: silence twice leads to a person\n    steps: [hears: [welcome, rec_notice, main], silence, hears: [noinput, main], silence, silence, queue: general]\n";
    let text = format!("tests:\n{}", one.repeat(1_000));
    on_stage(|stage| {
        let begun = Instant::now();
        let tests = read(&text, stage);
        let passed =
            tests.iter().filter_map(|test| play(test, stage)).filter(|o| o.failure.is_none()).count();
        let took = begun.elapsed();
        assert_eq!(passed, 1_000);
        println!("1,000 tests read and performed in {took:?}: {:.0} a second", 1_000.0 / took.as_secs_f64());
    });
}

/// What came of a call in the flow that asks: its failure, and its path.
fn asking(mocks: &str, steps: &str) -> (Option<Diagnostic>, String) {
    let text = format!(
        "flow: asking\nmocks:\n  - {{ host: bank, path: /customers/*, status: 200, body: {{ name: Li }}, delay: 300ms }}\ntests:\n  - name: a call\n    mocks: [{mocks}]\n    steps: [{steps}]\n"
    );
    on_stage(|stage| {
        let outcome = play(&read(&text, stage)[0], stage).expect("the flow is on stage");
        let on = stage.flow(&"asking".into()).expect("the flow is on stage");
        (outcome.failure, outcome.path.lines(stage, on).join("\n"))
    })
}

#[test]
fn a_host_is_mocked_with_its_answer_its_delay_and_its_failures() {
    for (mocks, steps) in [
        ("", "hears: acct, variables: { name: Li }"),
        ("{ host: bank, path: /customers/138*, status: 404 }", "hears: refuse, ends"),
        ("{ host: bank, path: '*', status: 200, body: { name: Wang } }", "queue: general"),
        ("{ host: bank, path: '*', failure: unreachable }", "queue: general"),
        ("{ host: bank, path: '*', failure: timeout, times: 1 }", "hears: acct"),
        ("{ host: bank, path: '*', status: 200, body: 'not JSON' }", "remark: http, queue: general"),
        ("{ host: bank, path: '*', status: 200, body: { name: Li }, delay: 2s }", "queue: general"),
        (
            "{ host: bank, method: post, path: /verify, status: 200 }",
            "hears: acct, presses: '918273', hears: acct_thanks, queue: general",
        ),
    ] {
        let (failure, path) = asking(mocks, steps);
        assert!(failure.is_none(), "{mocks}\n{}\n{path}", render_all(failure.as_slice()));
    }
    let (_, path) = asking("{ host: bank, path: '*', failure: timeout }", "queue: general");
    assert!(path.contains("0.8 s    the host does not answer: timeout"), "{path}");
    assert!(path.contains("1.6 s  agent"), "{path}");
}

#[test]
fn a_host_without_a_mock_is_not_asked_and_fails_the_test_without_the_secret_sent_to_it() {
    let (failure, path) = asking("", "hears: acct, presses: '918273', queue: general");
    let failure = failure.expect("nobody answers");
    assert_eq!(failure.code, "test-022");
    let told = failure.render();
    assert!(told.contains("the flow asks bank: POST /verify, and no mock answers"), "{told}");
    assert!(path.contains("asks bank: POST /verify"), "{path}");
    assert!(!path.contains("918273") && !told.contains("918273"), "{told}\n{path}");
}

/// What came of a call in the flow with the bot: its failure, and its path.
fn talking(mocks: &str, steps: &str) -> (Option<Diagnostic>, String) {
    let text =
        format!("flow: talking\ntests:\n  - name: a call\n    mocks: [{mocks}]\n    steps: [{steps}]\n");
    on_stage(|stage| {
        let outcome = play(&read(&text, stage)[0], stage).expect("the flow is on stage");
        let on = stage.flow(&"talking".into()).expect("the flow is on stage");
        (outcome.failure, outcome.path.lines(stage, on).join("\n"))
    })
}

#[test]
fn a_bot_is_mocked_with_what_it_finds_out_when_and_how_it_fails() {
    for (mocks, steps, path) in [
        ("{ bot: assistant, result: { intent: loss }, after: 20s }", "queue: urgent", "20.0 s  urgent"),
        ("{ bot: assistant, result: { intent: other } }", "hears: goodbye, ends", "10.0 s  bye"),
        ("{ bot: assistant, result: { intent: loss }, transfer: true }", "queue: general", "hands over"),
        ("{ bot: assistant, transfer: true }", "queue: general", "hands over"),
        ("{ bot: assistant }", "hears: goodbye, ends", "the bot closes"),
        (
            "{ bot: assistant, failure: unreachable, after: 0s }",
            "hears: sys_err, queue: general",
            "unreachable",
        ),
        (
            "{ bot: assistant, failure: too_long }",
            "remark: bot, hears: sys_err",
            "60.0 s    the bot fails: too_long",
        ),
    ] {
        let (failure, told) = talking(mocks, steps);
        assert!(failure.is_none(), "{mocks}\n{}\n{told}", render_all(failure.as_slice()));
        assert!(told.contains(path), "{mocks}\n{told}");
    }
    let (failure, _) = talking("", "queue: general");
    assert_eq!(failure.expect("no bot answers").code, "test-022");
}

#[test]
fn a_flow_that_is_called_is_covered_under_its_own_name_and_keeps_its_secret() {
    let text = |seed: u8| {
        format!(
            "flow: calling\nseed: {seed}\ntests:\n  - name: a call\n    steps: [hears: acct, at: verify/pin, presses: '918273', variables: {{ ok: 'yes' }}, queue: general]\n"
        )
    };
    on_stage(|stage| {
        let mut coverage = Coverage::default();
        let mut ways = BTreeSet::new();
        for seed in 0..20 {
            let outcome = play(&read(&text(seed), stage)[0], stage).expect("the flow is on stage");
            assert!(outcome.failure.is_none(), "{}", render_all(outcome.failure.as_slice()));
            let on = stage.flow(&"calling".into()).expect("the flow is on stage");
            let path = outcome.path.lines(stage, on).join("\n");
            assert!(path.contains("verify/pin  (flows/verify.yaml:7)"), "{path}");
            assert!(!path.contains("918273") && !path.contains('\u{2192}'), "{path}");
            ways.extend(path.lines().find(|line| line.contains("remark way")).map(str::to_owned));
            coverage.add(&outcome);
        }
        assert_eq!(ways.len(), 2, "{ways:?}");
        let covered = coverage.report(stage);
        let of = |flow: &str| covered.iter().find(|covered| covered.flow == flow.into()).expect("on stage");
        assert_eq!((of("calling").nodes.taken, of("calling").branches.taken), (4, 4));
        assert_eq!((of("verify").nodes.taken, of("verify").branches.taken), (2, 1));
    });
}
