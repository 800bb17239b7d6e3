//! Flows published while the real program serves real calls, and while it is killed.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hotline::ids::LegId;
use nix::sys::signal::Signal;
use serde_json::Value;

use super::load::fleet::{Fleet, Stage};
use super::load::server::{PROGRAM, Plan, Scratch, Server, command};
use super::{PATIENCE, json, plan};

/// Calls that are under way when flows are published.
const RUNNING: usize = 200;

/// Callers who come just afterwards.
const LATER: usize = 20;

const PASSWORD: &str = "crash-admin-password";

/// A server with drafts of its own.
struct Bank {
    scratch: Scratch,
    plan: Plan,
    config: PathBuf,
    server: Server,
}

impl Bank {
    fn open(name: &str) -> Bank {
        let scratch = Scratch::new(name).expect("a scratch folder");
        let plan = plan(&scratch, 1);
        let config = plan.write(scratch.path()).expect("a configuration");
        let text = std::fs::read_to_string(&config).expect("written");
        let here = std::env::current_dir().expect("a folder");
        let shipped = format!("flows: {}/ivr-flows", here.display());
        assert!(text.contains(&shipped));
        let text = text.replace(&shipped, "flows: drafts");
        // Prompts for other phones take long to encode, and a reload waits for them.
        let text = text.replace("\nmedia:\n", "\nmedia:\n  codecs: [pcma]\n");
        let users = format!("users:\n  admin: {{ name: Admin, password: {PASSWORD}, role: admin }}\n");
        std::fs::write(&config, text + &users).expect("written");
        std::fs::create_dir_all(scratch.path().join("drafts")).expect("a folder");
        draft(&scratch, "first");
        let server = serve(&plan, &config);
        Bank { scratch, plan, config, server }
    }

    fn flows(&self, args: &[&str]) -> (i32, String) {
        flows(&self.plan, args)
    }

    fn records(&self, which: &[&str]) -> Vec<Value> {
        let data = self.plan.data.display().to_string();
        let args = ["calls", "--json", "--limit", "1000", "--data", &data];
        let (code, out, err) = command(&[&args, which].concat()).expect("it runs");
        assert_eq!(code, 0, "{err}");
        json(&out)
    }
}

fn serve(plan: &Plan, config: &std::path::Path) -> Server {
    let mut server = Server::serve(plan, config, None).expect("the server starts");
    assert!(server.says("ready"), "{:#?}", server.said);
    server
}

/// `hotline flows …`; the exit code and what it printed.
fn flows(plan: &Plan, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(PROGRAM);
    command.arg("flows").args(args).args(["--server", &format!("http://{}", plan.http())]);
    let done = command.env("HOTLINE_PASSWORD", PASSWORD).stdin(Stdio::null()).output().expect("it runs");
    let text = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    (done.status.code().unwrap_or(-1), text)
}

/// The flow whose key 1 leads to a goodbye by way of a node of this name.
fn main_flow(name: &str) -> String {
    format!(
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
    )
}

fn draft(scratch: &Scratch, name: &str) {
    std::fs::write(scratch.path().join("drafts/main.yaml"), main_flow(name)).expect("written");
}

/// So many callers dial and are answered.
fn dial(fleet: &mut Fleet, callers: usize, prefix: &str) -> Vec<LegId> {
    let mut legs = Vec::new();
    for number in 0..callers {
        legs.push(fleet.dials(&format!("{prefix}{number:04}"), "95500").expect("an RTP port"));
        // As many as a trunk sends at once.
        if number % 10 == 9 {
            fleet.run(Duration::from_millis(100));
        }
    }
    let talking = |fleet: &Fleet, leg: &LegId| fleet.talks[leg].stage == Stage::Talking;
    let all = fleet.run_until(PATIENCE, |fleet| legs.iter().all(|leg| talking(fleet, leg)));
    assert!(all, "{:?}", fleet.seen.refused);
    legs
}

/// Runs the fleet while somebody does something else, elsewhere.
fn beside<T: Send>(fleet: &mut Fleet, work: impl FnOnce() -> T + Send) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let working = scope.spawn(|| {
            let result = work();
            done.store(true, Ordering::Relaxed);
            result
        });
        fleet.run_until_beside(PATIENCE, || done.load(Ordering::Relaxed));
        working.join().expect("it works")
    })
}

#[test]
fn publishing_and_rolling_back_during_two_hundred_calls_drops_none_and_each_ends_on_its_own() {
    let mut bank = Bank::open("show");
    let mut fleet = Fleet::new(bank.plan.host, bank.plan.sip()).expect("a fleet");
    let plan = bank.plan.clone();
    // The callers of each release, by the beginning of their numbers, and the node that their key leads to.
    let mut legs = dial(&mut fleet, RUNNING, "1391");
    draft(&bank.scratch, "second");
    let (code, said) = beside(&mut fleet, || flows(&plan, &["publish", "--comment", "second"]));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("release 2 is in force: main.yaml changed"), "{said}");
    legs.extend(dial(&mut fleet, LATER, "1392"));
    let (_, said) = beside(&mut fleet, || flows(&plan, &["status"]));
    assert!(said.contains(&format!("{RUNNING} calls under way took release 1")), "{said}");
    assert!(said.contains(&format!("{LATER} calls under way took release 2")), "{said}");
    let (code, said) = beside(&mut fleet, || flows(&plan, &["rollback"]));
    assert_eq!(code, 0, "{said}");
    legs.extend(dial(&mut fleet, LATER, "1393"));
    assert_eq!(fleet.talking(false), legs.len(), "nobody was dropped");
    for leg in &legs {
        fleet.presses(*leg, '1');
    }
    let ended = |fleet: &Fleet| legs.iter().all(|leg| matches!(fleet.talks[leg].stage, Stage::Ended { .. }));
    assert!(fleet.run_until(PATIENCE, ended), "all end by themselves");
    bank.server.signal(Signal::SIGTERM);
    bank.server.ended().expect("it ends");

    let records = bank.records(&[]);
    assert_eq!(bank.records(&["--release", "2"]).len(), LATER);
    let mut counts = [0; 3];
    for record in &records {
        let from = record["from"].as_str().expect("a number");
        let (place, node) = match &from[..4] {
            "1391" => (0, "first"),
            "1392" => (1, "second"),
            _ => (2, "first"),
        };
        counts[place] += 1;
        assert_eq!(record["release"], place + 1, "{record:#}");
        assert_eq!(record["cause"], "flow_ended", "{record:#}");
        assert_eq!(record["path"][1], node, "{record:#}");
    }
    assert_eq!(counts, [RUNNING, LATER, LATER]);
    println!("{RUNNING} calls under way, {} in all, none dropped", records.len());
}

#[test]
fn a_server_killed_while_flows_are_published_comes_up_with_a_whole_release() {
    let mut bank = Bank::open("killed-publishing");
    let mut last = 1;
    for round in 0..4_u64 {
        let killed = AtomicBool::new(false);
        let plan = &bank.plan;
        let scratch = &bank.scratch;
        std::thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                let mut told = 0;
                for number in 0.. {
                    draft(scratch, &format!("r{round}_{number}"));
                    let (code, said) = flows(plan, &["publish", "--comment", "again", "--json"]);
                    if code != 0 || killed.load(Ordering::Relaxed) {
                        return told;
                    }
                    let said: Value = serde_json::from_str(&said).expect("json");
                    told = said["release"]["release"].as_u64().expect("a number");
                }
                told
            });
            let fleet = Fleet::new(plan.host, plan.sip());
            fleet.expect("a fleet").run(Duration::from_millis(600 + 130 * round));
            bank.server.signal(Signal::SIGKILL);
            killed.store(true, Ordering::Relaxed);
            last = publishing.join().expect("it publishes").max(last);
        });
        bank.server.ended().expect("it is dead");
        bank.server = serve(&bank.plan, &bank.config);
        let status: Value = serde_json::from_str(&bank.flows(&["status", "--json"]).1).expect("json");
        let now = status["in_force"]["release"].as_u64().expect("a number");
        // What was said to be in force is; one more may have been stored and not told any more.
        assert!(now == last || now == last + 1, "release {now} after {last}");
        assert!(bank.server.said.iter().any(|line| line.contains(&format!("release {now} is in force"))));
        let shown = bank.flows(&["show", &now.to_string(), "--json"]).1;
        let shown: Value = serde_json::from_str(&shown).expect("json");
        let text = shown["files"][0]["text"].as_str().expect("text");
        assert!(text.starts_with("flow: main") && text.ends_with("  bye:\n    hangup:\n"), "{text}");
        last = now;
    }
    assert!(last > 4, "only {last} releases were made: it was killed too soon to show anything");
}

#[test]
fn drafts_changed_while_the_server_was_away_are_not_in_force_and_it_says_so() {
    let mut bank = Bank::open("drafts-away");
    bank.server.signal(Signal::SIGTERM);
    bank.server.ended().expect("it ends");
    std::fs::write(bank.scratch.path().join("drafts/main.yaml"), "flow: main\nnodes: {").expect("written");
    bank.server = serve(&bank.plan, &bank.config);
    let said = |words: &str| bank.server.said.iter().any(|line| line.contains(words));
    assert!(said("flows: release 1 is in force"), "{:#?}", bank.server.said);
    assert!(said("differs from release 1"), "{:#?}", bank.server.said);
    let (code, text) = bank.flows(&["publish", "--comment", "broken"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("error[yaml-001]") && text.contains("what was in force stays"), "{text}");
    let (_, text) = bank.flows(&["status"]);
    assert!(text.contains("DIFFERS from what is in force: main.yaml"), "{text}");
}

#[test]
fn a_reload_takes_new_drafts_but_never_undoes_a_rollback() {
    let mut bank = Bank::open("reload-drafts");
    draft(&bank.scratch, "second");
    bank.server.signal(Signal::SIGHUP);
    assert!(bank.server.says("the folder is in force as release 2"), "{:#?}", bank.server.said);
    assert_eq!(bank.flows(&["rollback"]).0, 0);
    bank.server.said.clear();
    bank.server.signal(Signal::SIGHUP);
    assert!(
        bank.server.says("it holds what release 2 had, which was left behind"),
        "{:#?}",
        bank.server.said
    );
    draft(&bank.scratch, "nowhere: {}\n  third");
    bank.server.said.clear();
    bank.server.signal(Signal::SIGHUP);
    assert!(bank.server.says("configuration refused"), "{:#?}", bank.server.said);
    assert!(bank.flows(&["status"]).1.contains("content of release 1"));
}

#[test]
fn the_demo_publishes_what_is_saved_and_says_what_is_wrong_with_it() {
    let scratch = Scratch::new("demo-watch").expect("a scratch folder");
    // A demo takes the flows of the folder that it is started in.
    let root = std::env::current_dir().expect("a folder");
    let drafts = scratch.path().join("ivr-flows");
    std::fs::create_dir_all(&drafts).expect("a folder");
    std::fs::write(drafts.join("main.yaml"), main_flow("first")).expect("written");
    std::os::unix::fs::symlink(root.join("prompts"), scratch.path().join("prompts")).expect("a link");
    let host = std::net::Ipv4Addr::LOCALHOST;
    let [sip, http] = super::load::server::free_ports(host).expect("free ports");
    let mut demo = Command::new(PROGRAM);
    demo.current_dir(scratch.path()).args(["demo", "--sip-port", &sip.to_string()]);
    demo.args(["--http-port", &http.to_string()]);
    let mut demo = Server::start(demo, (host, sip).into(), (host, http).into()).expect("it starts");
    assert!(demo.says("the bank is open"), "{:#?}", demo.said);
    std::fs::write(drafts.join("main.yaml"), main_flow("second")).expect("written");
    assert!(demo.says("release 2: main.yaml changed"), "{:#?}", demo.said);
    let slip = main_flow("third").replace("1: third", "1: thrid");
    std::fs::write(drafts.join("main.yaml"), slip).expect("written");
    assert!(demo.says("error[flow-003]"), "{:#?}", demo.said);
    assert!(demo.says("ivr-flows/main.yaml:6:"), "{:#?}", demo.said);
    assert!(demo.says("The old flows stay in force."), "{:#?}", demo.said);
    std::fs::write(drafts.join("main.yaml"), main_flow("third")).expect("written");
    assert!(demo.says("release 3: main.yaml changed"), "{:#?}", demo.said);
}

#[test]
fn a_server_that_comes_back_goes_on_with_a_trial_and_with_flows_that_fit() {
    let mut bank = Bank::open("comes-back");
    draft(&bank.scratch, "second");
    assert_eq!(bank.flows(&["publish", "--comment", "some", "--percent", "30"]).0, 0);
    bank.server.signal(Signal::SIGKILL);
    bank.server.ended().expect("it is dead");
    bank.server = serve(&bank.plan, &bank.config);
    let (_, text) = bank.flows(&["status"]);
    assert!(text.contains("on trial since") && text.contains("(trial with 30 %)"), "{text}");
    assert!(bank.flows(&["promote"]).1.contains("release 2 is in force"));

    // The configuration loses the queue that the release in force leads to.
    bank.server.signal(Signal::SIGTERM);
    bank.server.ended().expect("it ends");
    let text = std::fs::read_to_string(&bank.config).expect("readable");
    std::fs::write(&bank.config, text.replace("  general: {", "  desk: {")).expect("written");
    let mut server = Server::serve(&bank.plan, &bank.config, None).expect("it starts");
    assert_eq!(server.ended().expect("it ends").code(), Some(3), "{:#?}", server.said);
    let said = |words: &str| server.said.iter().any(|line| line.contains(words));
    assert!(said("release-2/main.yaml:") && said("`general` is not a queue"), "{:#?}", server.said);
    // Drafts that fit are better than no server.
    let fitting = main_flow("second").replace("to: general", "to: desk");
    std::fs::write(bank.scratch.path().join("drafts/main.yaml"), fitting).expect("written");
    bank.server = serve(&bank.plan, &bank.config);
    let said = &bank.server.said;
    assert!(said.iter().any(|line| line.contains("the folder is published as release 3")), "{said:#?}");
    // What does not fit is not gone back to.
    let (code, text) = bank.flows(&["rollback"]);
    assert!(code == 1 && text.contains("release-2/main.yaml:"), "{text}");
    assert!(bank.flows(&["status"]).1.contains("release 2 does not fit the configuration"));
}

#[test]
fn who_has_no_password_or_asks_nobody_is_told_in_one_line() {
    let scratch = Scratch::new("no-password").expect("a scratch folder");
    let plan = plan(&scratch, 1);
    let (code, text) = flows(&plan, &["status"]);
    assert!(code == 3 && text.contains(&plan.http().to_string()) && text.lines().count() == 1, "{text}");
    let mut command = Command::new(PROGRAM);
    let done = command.args(["flows", "status"]).env_remove("HOTLINE_PASSWORD").output().expect("it runs");
    let text = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.code() == Some(3) && text.contains("--password-file"), "{text}");
    let bank = Bank::open("wrong-password");
    for wrong in [&["show", "9223372036854775808"][..], &["status", "--server", "bank:8080"], &["diff", "x"]]
    {
        let mut command = Command::new(PROGRAM);
        let done =
            command.arg("flows").args(wrong).env("HOTLINE_PASSWORD", PASSWORD).output().expect("it runs");
        assert_eq!(done.status.code(), Some(2), "{wrong:?}");
    }
    let (code, text) = bank.flows(&["show", "99"]);
    assert!(code == 1 && text.contains("there is no release 99"), "{text}");
    let (code, text) = bank.flows(&["show", "1"]);
    assert!(code == 0 && text.contains("\n\n--- main.yaml\nflow: main\n"), "{text}");
    let file = scratch.path().join("password");
    std::fs::write(&file, "not-the-password\n").expect("written");
    let file = file.display().to_string();
    let (code, text) = bank.flows(&["status", "--password-file", &file]);
    assert!(code == 3 && text.contains("user or password is wrong"), "{text}");
}
