//! What is made of the declarations: schemas that take what is right and refuse what is misspelled, and are current.

use std::path::{Path, PathBuf};

use hotline::grammar::reference;
use hotline::grammar::schema::{Of, document, schema};

/// Where each schema is checked in, and what its files are called.
const FILES: [(Of, &str); 3] = [
    (Of::Flow, "ivr-flows/flow.schema.json"),
    (Of::Test, "ivr-flows/test.schema.json"),
    (Of::Config, "hotline.schema.json"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The bank's flows and their tests.
fn bank() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("ivr-flows")).expect("the flows");
    let files = entries.map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect()
}

fn of(path: &Path) -> Of {
    if path.to_string_lossy().ends_with(".test.yaml") { Of::Test } else { Of::Flow }
}

/// Why the schema refuses it; empty if it does not.
fn faults(of: Of, text: &str) -> Vec<String> {
    let validator = jsonschema::validator_for(&schema(of)).expect("a schema");
    let document = document(text);
    validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn what_is_checked_in_is_what_the_declarations_say() {
    for (of, path) in FILES {
        let current = serde_json::to_string_pretty(&schema(of)).expect("JSON") + "\n";
        assert!(text(path) == current, "{path} is not current: `make grammar` renews it");
    }
    let page = text("docs/ivr-reference.md");
    assert!(page == reference::page(), "docs/ivr-reference.md is not current: `make grammar` renews it");
}

#[test]
fn schemas_are_draft_seven() {
    for (of, path) in FILES {
        assert!(jsonschema::draft7::meta::is_valid(&schema(of)), "{path}");
    }
}

#[test]
fn the_bank_s_flows_and_tests_fit_and_name_their_schema() {
    let files = bank();
    assert!(files.len() > 10, "{files:?}");
    for path in files {
        let name = if of(&path) == Of::Test { "test" } else { "flow" };
        assert_eq!(faults(of(&path), &text(&path)), [""; 0], "{}", path.display());
        let first = format!("# yaml-language-server: $schema={name}.schema.json");
        assert_eq!(text(&path).lines().next(), Some(first.as_str()), "the first line of {}", path.display());
    }
    assert_eq!(faults(Of::Flow, &text("tests/ivr/good.yaml")), [""; 0]);
    assert_eq!(faults(Of::Config, &text("hotline.sample.yaml")), [""; 0]);
}

#[test]
fn what_is_misspelled_does_not_fit() {
    let flows = [
        ("start: welcome", "strat: welcome"),
        ("languages: [zh-CN, en]", "languages: [zh-CN, de]"),
        ("account: text", "account: txt"),
        ("play: { prompts: [welcome", "paly: { prompts: [welcome"),
        ("barge_in: false", "barge_in: no"),
        ("barge_in: false", "bargein: false"),
        ("retries: 2", "retries: 6"),
        ("timeout: 5s", "timeout: 5"),
        ("timeout: 5s", "timeout: five"),
        ("0: urgent", "00: urgent"),
        ("on_no_input: { prompts: noinput, then: agent }\n      on_invalid", "on_invalid"),
        ("then: agent }\n      on_invalid", "than: agent }\n      on_invalid"),
        ("mon-fri:", "mo-fr:"),
        ("08:00-12:00", "08.00-12.00"),
        ("closed: closed", "closd: closed"),
        ("else: main", "otherwise: main"),
        ("method: post", "method: psot"),
        ("404: closed", "4o4: closed"),
        ("digits: $account", "digits: account"),
        ("digits: $account", "digits: $account, number: $tries"),
        ("priority: 90", "priority: 101"),
        ("share: 20", "share: twenty"),
        ("for: 500ms", "for: half a second"),
        ("1: zh-CN", "1: chinese"),
        ("agent: 1001", "agent: 1001, number: 95501"),
    ];
    let good = text("tests/ivr/good.yaml");
    for (right, wrong) in flows {
        assert!(good.contains(right), "{right}");
        assert_ne!(faults(Of::Flow, &good.replacen(right, wrong, 1)), [""; 0], "{wrong}");
    }
    let right = "tests:\n  - name: nine\n    steps:\n      - hears: [main]\n      - { presses: 9, after: 2s }\n      - queue: { to: general }\n";
    assert_eq!(faults(Of::Test, right), [""; 0]);
    for (from, to) in [
        ("tests:", "test:"),
        ("name:", "nmae:"),
        ("hears:", "haers:"),
        ("presses: 9", "presses: nine"),
        ("after: 2s", "after: 2"),
        ("presses: 9, after", "silence: 1s, after"),
        ("to: general", "queue: general"),
        ("- queue: { to: general }", "- hang_up"),
    ] {
        assert_ne!(faults(Of::Test, &right.replacen(from, to, 1)), [""; 0], "{to}");
    }
    let sample = text("hotline.sample.yaml");
    for (from, to) in [
        ("realm:", "relam:"),
        ("srtp: accepted", "srtp: accept"),
        ("role: admin", "role: administrator"),
        ("priority: 90", "priority: high"),
        ("language: zh-CN", "language: zh"),
        ("data: data\n", ""),
        ("calls: 2000", "calls: 0"),
    ] {
        assert!(sample.contains(from), "{from}");
        assert_ne!(faults(Of::Config, &sample.replacen(from, to, 1)), [""; 0], "{to}");
    }
}
