//! Snippets: fields written once, in the flow or in a file beside it, and mistakes shown where they are.

use std::sync::Arc;

use hotline::diagnostic::{Diagnostic, Source, render_all};
use hotline::ivr::{self, Compiled};

use super::bank;

const FLOW: &str = "flow: test
languages: [zh-CN, en]
start: main
snippets:
  own: { use: failures, retries: 0 }
nodes:
  main:
    menu: { prompts: main, keys: { 1: again, 9: agent }, use: own }
  again:
    menu: { use: failures, prompts: main, keys: { 9: agent }, retries: 3 }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: }
";

const SHARED: &str = "snippets:
  failures:
    retries: 1
    on_no_input: { prompts: noinput, then: agent }
    on_invalid: { prompts: invalid, use: to_agent }
  to_agent: { then: agent }
";

fn compile(files: &[(&str, &str)]) -> Result<Compiled, Vec<Diagnostic>> {
    let names = bank::Names::all();
    let sources: Vec<Arc<Source>> = files.iter().map(|(name, text)| Source::new(*name, *text)).collect();
    ivr::compile(&sources, &bank::world(&names))
}

/// Code, file, line and column of everything that is wrong.
fn wrong(files: &[(&str, &str)]) -> Vec<(&'static str, String, (usize, usize))> {
    let found = compile(files).expect_err("something is wrong");
    found.iter().map(|d| (d.code, d.file().to_owned(), d.position())).collect()
}

fn place(text: &str, words: &str) -> (usize, usize) {
    let at = text.find(words).expect("the words are there");
    let before = &text[..at];
    (before.matches('\n').count() + 1, before.chars().rev().take_while(|symbol| *symbol != '\n').count() + 1)
}

#[test]
fn a_flow_uses_its_own_and_those_beside_it_and_what_it_writes_itself_comes_first() {
    for files in [
        [("flows/test.yaml", FLOW), ("flows/shared.yaml", SHARED)],
        [("flows/a.yaml", SHARED), ("flows/test.yaml", FLOW)],
    ] {
        let compiled = compile(&files).unwrap_or_else(|found| panic!("{}", render_all(&found)));
        assert_eq!(compiled.flows.len(), 1, "a file of snippets is no flow");
        assert_eq!(compiled.warnings, []);
        let reach = compiled.reaches[0].silent.expect("a person");
        // Four times three seconds, and three times three before each repeat.
        assert_eq!(reach.prompts.as_secs(), 21, "the node's own three retries, not the snippet's one");
    }
}

#[test]
fn a_mistake_in_a_snippet_is_shown_in_the_snippet_once_for_all_flows() {
    let shared = SHARED.replace("prompts: noinput", "prompts: noimput");
    let other = FLOW.replace("flow: test", "flow: other");
    let files = [("test.yaml", FLOW), ("other.yaml", &other), ("shared.yaml", &shared)];
    let expected = ("flow-008", "shared.yaml".to_owned(), place(&shared, "noimput"));
    assert_eq!(wrong(&files), [expected]);
    let text = render_all(&compile(&files).expect_err("wrong"));
    assert!(text.contains("shared.yaml:4:29") && text.contains("on_no_input: { prompts: noimput"), "{text}");
    assert!(text.contains("^^^^^^^ did you mean `noinput`?"), "{text}");
}

#[test]
fn a_mistake_in_a_flow_that_uses_snippets_is_shown_in_the_flow() {
    let flow = FLOW.replace("9: agent }, retries", "9: agnet }, retries");
    let expected = ("flow-003", "test.yaml".to_owned(), place(&flow, "agnet"));
    assert_eq!(wrong(&[("test.yaml", &flow), ("shared.yaml", SHARED)]), [expected]);
}

#[test]
fn each_way_to_write_a_snippet_wrong_is_found_where_it_is() {
    // Both files, what is replaced by what, the code, and where: in which file, at which words.
    let table = [
        ("use: own", "use: owm", "yaml-012", "test.yaml", "owm"),
        ("own: { use: failures,", "own: { use: own,", "yaml-013", "test.yaml", "own, retries"),
        ("to_agent: { then", "to_agent: { use: failures, then", "yaml-013", "shared.yaml", "failures, then"),
        ("use: to_agent", "use: to_agnet", "yaml-012", "shared.yaml", "to_agnet"),
        ("to_agent: { then: agent }", "to_agent: agent", "yaml-014", "shared.yaml", "agent\n"),
        ("own: { use: failures, retries: 0 }", "own: [1]", "yaml-014", "test.yaml", "[1]"),
        ("own: { use", "failures: { use", "yaml-014", "test.yaml", "failures: { use"),
        ("snippets:\n  failures", "vars: {}\nsnippets:\n  failures", "yaml-014", "shared.yaml", "vars"),
        ("  to_agent: {", "  to_agent: { into: x, ", "yaml-004", "shared.yaml", "into: x"),
    ];
    for (from, to, code, file, words) in table {
        let (flow, shared) = (FLOW.replacen(from, to, 1), SHARED.replacen(from, to, 1));
        assert!(flow != FLOW || shared != SHARED, "{from}");
        let text = if file == "test.yaml" { &flow } else { &shared };
        let is = wrong(&[("test.yaml", &flow), ("shared.yaml", &shared)]);
        let expected = (code, file.to_owned(), place(text, words));
        assert_eq!(is.first(), Some(&expected), "{from:?} -> {to:?}: {is:?}");
    }
}

#[test]
fn two_files_may_not_have_one_snippet() {
    let files = [("test.yaml", FLOW), ("a.yaml", SHARED), ("b.yaml", SHARED)];
    assert_eq!(wrong(&files)[0], ("yaml-014", "b.yaml".to_owned(), (2, 3)));
}

#[test]
fn a_node_and_a_variable_may_be_called_use() {
    let flow = "flow: test\nlanguages: [en]\nstart: use\nvars: { use: text }\nnodes:\n\
        \x20 use: { set: { use: on, next: on } }\n\
        \x20 on: { switch: { cases: [{ when: \"$use == 'on'\", then: agent }], else: agent } }\n\
        \x20 agent: { queue: { to: general, on_timeout: bye, on_full: bye } }\n  bye: { hangup: }\n";
    assert_eq!(compile(&[("test.yaml", flow)]).map(|compiled| compiled.warnings), Ok(vec![]));
}

#[test]
fn snippets_that_multiply_are_refused_and_not_worked_on() {
    let mut flow =
        "flow: test\nlanguages: [en]\nstart: a\nnodes:\n  a: { play: { use: s0 } }\nsnippets:\n".to_owned();
    for level in 0..60 {
        flow.push_str(&format!("  s{level}: {{ a: {{ use: s{0} }}, b: {{ use: s{0} }} }}\n", level + 1));
    }
    flow.push_str("  s60: { c: 1 }\n");
    assert!(wrong(&[("test.yaml", &flow)]).iter().any(|(code, ..)| *code == "yaml-009"));
}

#[test]
fn a_long_list_in_a_snippet_counts_as_long_as_it_is_each_time() {
    let list = vec!["1"; 20_000].join(", ");
    let uses = vec!["{ use: big }"; 4_000].join(", ");
    let flow = format!(
        "flow: test\nlanguages: [en]\nstart: a\nsnippets: {{ big: {{ list: [{list}] }} }}\nnodes:\n  a: {{ switch: {{ cases: [{uses}], else: a }} }}\n"
    );
    assert!(wrong(&[("test.yaml", &flow)]).iter().any(|(code, ..)| *code == "yaml-009"));
}
