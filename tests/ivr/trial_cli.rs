//! `hotline test` and `hotline dial` as people use them: by the command line and the keyboard.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A folder of flows of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Folder {
        let path = std::env::temp_dir().join(format!("hotline-trial-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for the test");
        for (name, text) in files {
            std::fs::write(path.join(name), text).expect("a file for the test");
        }
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn hotline(arguments: &[&str], keyboard: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hotline"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // It may have ended without reading.
    let _ = child.stdin.take().expect("it is piped").write_all(keyboard.as_bytes());
    child.wait_with_output().expect("the program ends")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const FLOW: &str = "flow: small
languages: [en]
start: main
vars: { pin: secret }
nodes:
  main: { menu: { prompts: main, keys: { 1: pin, 2: other, 9: agent }, on_no_input: { then: agent }, on_invalid: { then: agent } } }
  pin: { collect: { into: pin, prompts: acct, min: 4, max: 6, on_no_input: { then: agent }, on_invalid: { then: agent }, next: agent } }
  other: { transfer: { number: 95500, on_failed: agent } }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
";

#[test]
fn the_bank_s_tests_pass_as_they_stand_beside_its_flow() {
    let output = hotline(&["test", "ivr-flows", "--least-nodes", "100", "--least-branches", "95"], "");
    let text = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.trim_end().ends_with(" passed, 0 failed"), "{text}");
}

#[test]
fn a_failed_test_and_too_little_coverage_end_with_one_and_say_why() {
    let tests = "tests:\n  - name: nine\n    steps: [presses: 9, queue: general]\n  - name: wrong\n    steps: [silence, ends]\n";
    let folder = Folder::new("failing", &[("small.yaml", FLOW), ("small.test.yaml", tests)]);
    let path = folder.0.to_str().expect("a path of letters");
    let output = hotline(&["test", path, "--least-branches", "95"], "");
    let text = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("error[test-020]: wrong: expected the flow to hang up"), "{text}");
    assert!(text.contains("small.yaml:6: key `1` of `main`, to `pin`"), "{text}");
    assert!(text.trim_end().ends_with("1 passed, 1 failed"), "{text}");

    let output = hotline(&["test", path, "--json"], "");
    let report: serde_json::Value = serde_json::from_str(&printed(&output)).expect("JSON");
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &1.into()));
    assert_eq!(report["tests"][1]["failure"]["code"], "test-020");
    assert_eq!(report["coverage"][0]["nodes"]["all"], 5);
}

#[test]
fn tests_are_no_flows_to_the_checker_and_a_folder_without_tests_is_not_fine() {
    let folder = Folder::new("checked", &[("small.yaml", FLOW), ("small.test.yaml", "tests: []\n")]);
    let path = folder.0.to_str().expect("a path of letters");
    let output = hotline(&["check", path], "");
    assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
    assert_eq!(hotline(&["test", path], "").status.code(), Some(1));
}

#[test]
fn a_caller_at_the_keyboard_reads_the_prompts_and_reaches_a_person() {
    let output = hotline(&["dial"], "fails\nw\n1\n10020030#\nv\n\n\ntimeout\ntimeout\n+5s\n#\n");
    let text = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for said in [
        "欢迎致电惠民银行。",
        "at main (ivr-flows/main.yaml:",
        "请输入卡号或账号，以井号键结束。",
        "account = 10020030",
        "waits in the queue general",
        "leaves the queue: timeout",
        "waits in the queue overflow",
        "has left a message of 5.0 s",
        "the flow hangs up",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[test]
fn a_secret_typed_at_the_keyboard_is_not_printed() {
    let folder = Folder::new("secret", &[("small.yaml", FLOW)]);
    let file = folder.0.join("small.yaml");
    let output = hotline(&["dial", file.to_str().expect("a path of letters")], "1\n918273\nv\nperson\n");
    let text = printed(&output);
    assert!(text.contains("pin = 6 keys") && text.contains("A person takes the call."), "{text}");
    assert!(!text.contains("918273"), "{text}");
}

#[test]
fn silence_and_skipped_time_are_told_by_the_clock_and_the_line_ends_the_call() {
    let output = hotline(&["dial", "--flow", "main"], "fails\n\n+3s\n+1m\nnonsense\n");
    let text = printed(&output);
    assert!(text.contains("抱歉，没有收到您的按键。"), "{text}");
    assert!(text.contains("That means nothing here"), "{text}");
    assert!(text.trim_end().ends_with("hangs up"), "{text}");
}

#[test]
fn a_caller_at_the_keyboard_leaves_a_message_and_a_rating() {
    let output = hotline(&["dial", "--flow", "survey"], "2\n+8s\n#\n");
    let text = printed(&output);
    for said in [
        "rates the talk: 2",
        "remark follow_up: 24h",
        "now:  +5s to speak for so long",
        "has left a message of 8.0 s (key): dissatisfied",
        "the flow hangs up",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    let cut_short = printed(&hotline(&["dial", "--flow", "survey"], "1\n+3s\nq\n"));
    assert!(cut_short.contains("has left a message of 3.0 s (call_ended)"), "{cut_short}");
    let failed = printed(&hotline(&["dial", "--flow", "closed"], "3\n+3s\nfails\n"));
    assert!(failed.contains("the message cannot be recorded"), "{failed}");
}

const MAIN: &str = "flow: main
languages: [zh-CN]
start: opening
nodes:
  opening: { play: { prompts: welcome, next: agent } }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
";

#[test]
fn a_transfer_goes_on_with_the_flow_of_the_other_number() {
    let folder = Folder::new("transfer", &[("small.yaml", FLOW)]);
    std::fs::write(folder.0.join("main.yaml"), MAIN).expect("a file for the test");
    let file = folder.0.join("small.yaml");
    let output = hotline(&["dial", file.to_str().expect("a path of letters")], "2\non\n9\nq\n");
    let text = printed(&output);
    assert!(text.contains("is transferred to the number 95500") && text.contains("opening"), "{text}");
}

/// A bank with a host, and a flow that asks it who calls.
const ASKING: &str = "flow: main
languages: [en]
start: who
vars: { name: text }
nodes:
  who: { http: { method: get, to: bank, path: '/customers/{$caller}', retries: 0, answer: { name: $name }, next: agent, on_failed: bye } }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
";

#[test]
fn who_dials_says_what_a_host_answers() {
    let folder = Folder::new("hosts", &[]);
    let root = env!("CARGO_MANIFEST_DIR");
    let sample = std::fs::read_to_string(format!("{root}/hotline.sample.yaml")).expect("the sample");
    let config = sample.replace("prompts: prompts", &format!("prompts: {root}/prompts"));
    std::fs::create_dir_all(folder.0.join("ivr-flows")).expect("a folder for the flow");
    std::fs::write(folder.0.join("ivr-flows/main.yaml"), ASKING).expect("a file for the test");
    std::fs::write(folder.0.join("hotline.yaml"), config).expect("a file for the test");
    let config = folder.0.join("hotline.yaml");
    let dial = |keyboard| {
        let config = config.to_str().expect("a path of letters");
        printed(&hotline(&["dial", "--flow", "main", "--config", config], keyboard))
    };
    let text = dial("200 {\"name\": \"Li\"}\nv\nq\n");
    assert!(text.contains("asks bank: GET /customers/13800138000"), "{text}");
    assert!(text.contains("name = Li") && text.contains("waits in the queue general"), "{text}");
    assert!(dial("fails\n").contains("the flow hangs up"));
    assert!(dial("timeout\n").contains("the host does not answer: timeout"));
}

/// Lets the caller talk with the sample's bot.
const TALKING: &str = "flow: main
languages: [en]
start: talk
vars: { intent: text }
nodes:
  talk: { bot: { to: assistant, into: { intent: $intent }, next: bye, on_person: agent, on_failed: agent } }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
";

#[test]
fn who_dials_says_what_a_bot_finds_out() {
    let folder = Folder::new("bots", &[]);
    let root = env!("CARGO_MANIFEST_DIR");
    let sample = std::fs::read_to_string(format!("{root}/hotline.sample.yaml")).expect("the sample");
    let config = sample.replace("prompts: prompts", &format!("prompts: {root}/prompts"));
    std::fs::create_dir_all(folder.0.join("ivr-flows")).expect("a folder for the flow");
    std::fs::write(folder.0.join("ivr-flows/main.yaml"), TALKING).expect("a file for the test");
    std::fs::write(folder.0.join("hotline.yaml"), config).expect("a file for the test");
    let config = folder.0.join("hotline.yaml");
    let dial = |keyboard| {
        let config = config.to_str().expect("a path of letters");
        printed(&hotline(&["dial", "--flow", "main", "--config", config], keyboard))
    };
    assert!(dial("{\"intent\": \"loss\"}\n").contains("the flow hangs up"));
    let text = dial("nonsense\nperson {\"intent\": \"loss\"}\nv\nq\n");
    assert!(text.contains("talks with the bot assistant") && text.contains("That is no result"), "{text}");
    assert!(text.contains("hands over to a person") && text.contains("waits in the queue general"), "{text}");
    assert!(text.contains("intent = loss"), "{text}");
    assert!(dial("closes\n").contains("the flow hangs up"));
    assert!(dial("fails\nq\n").contains("the bot fails: broken"));
    assert!(dial("timeout\nq\n").contains("the bot fails: too_long"));
}

#[test]
fn the_checker_reads_a_file_of_tests_as_tests() {
    let tests = "tests:\n  - name: a\n    steps: [at: mian]\n";
    let folder = Folder::new("tests", &[("small.yaml", FLOW), ("small.test.yaml", tests)]);
    let file = folder.0.join("small.test.yaml");
    let output = hotline(&["check", file.to_str().expect("a path of letters")], "");
    let text = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("error[test-003]") && text.contains("did you mean `main`?"), "{text}");
}
