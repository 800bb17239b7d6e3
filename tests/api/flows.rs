//! Flows published, tried, approved and taken back, as admins do it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hotline::config::{Role, Secret, User};
use hotline::engine::input::Input;
use hotline::engine::releases::Publication;
use hotline::engine::staff::{Answer, Ask};
use hotline::ids::ReleaseId;
use serde_json::{Value, json};

use super::http::Reply;
use super::phone::Phone;
use super::{ApiUnderTest, until};

/// A folder of drafts that goes away with the test.
pub struct Drafts(pub PathBuf);

impl Drafts {
    pub fn new() -> Drafts {
        static FOLDERS: AtomicUsize = AtomicUsize::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("hotline-drafts-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let drafts = Drafts(folder);
        drafts.write("main.yaml", &main("one"));
        drafts.write("main.test.yaml", TESTS);
        drafts
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("written");
    }
}

impl Drop for Drafts {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A flow whose key 1 leads to a node of this name.
pub fn main(name: &str) -> String {
    format!(
        "flow: main
languages: [zh-CN, en]
start: menu
nodes:
  menu:
    menu: {{ prompts: main, keys: {{ 1: {name}, 9: agent }}, on_no_input: {{ then: agent }}, on_invalid: {{ then: agent }} }}
  {name}:
    play: {{ prompts: goodbye, next: bye }}
  agent:
    queue: {{ to: general, on_timeout: bye, on_full: bye }}
  bye:
    hangup:
"
    )
}

const TESTS: &str = "tests:
  - name: nine leads to a person
    steps:
      - hears: [main]
      - presses: 9
      - queue: { to: general }
";

/// A bank with drafts of its own, and two admins.
struct Bank {
    api: ApiUnderTest,
    drafts: Drafts,
    tokens: [String; 2],
}

impl Bank {
    fn open(approval: bool) -> Bank {
        let drafts = Drafts::new();
        let folder = drafts.0.clone();
        let api = ApiUnderTest::start_with(move |config| {
            config.flows.clone_from(&folder);
            config.publishing.approval = approval;
            let password = Secret("demo-other".to_owned());
            let other = User { name: "Other".to_owned(), password, role: Role::Admin };
            config.users.insert("other".to_owned(), other);
        });
        let tokens = [api.login("admin"), api.login("other")];
        Bank { api, drafts, tokens }
    }

    fn post_as(&self, who: usize, path: &str, body: Value) -> Reply {
        self.api.post(&format!("/api/v1/flows/{path}")).bearer(&self.tokens[who]).json(&body).send()
    }

    fn post(&self, path: &str, body: Value) -> Reply {
        self.post_as(0, path, body)
    }

    fn get(&self, path: &str) -> Value {
        let reply = self.api.get(&format!("/api/v1/flows{path}")).bearer(&self.tokens[0]).send();
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    fn publish(&self, comment: &str) -> Reply {
        self.post("publish", json!({ "comment": comment }))
    }

    /// The release in force.
    fn in_force(&self) -> u64 {
        self.get("")["in_force"]["release"].as_u64().expect("a number")
    }

    /// Standings by release, the newest first.
    fn standings(&self) -> Vec<(u64, String)> {
        let all = self.get("/releases");
        let standing = |row: &Value| {
            let word = row["standing"].as_str().expect("a word").to_owned();
            (row["release"].as_u64().expect("a number"), word)
        };
        all["releases"].as_array().expect("a list").iter().map(standing).collect()
    }

    /// Which release a new call takes.
    fn new_call_takes(&self) -> u64 {
        let before = self.calls();
        Phone::new(&self.api, "13812341234").dials("95500");
        let after = self.calls();
        let more = |(release, calls): &(&u64, &u64)| before.get(release).copied().unwrap_or(0) < **calls;
        *after.iter().find(more).expect("a call more").0
    }

    fn calls(&self) -> std::collections::BTreeMap<u64, u64> {
        let calls = self.get("")["calls"].clone();
        let pair = |row: &Value| Some((row["release"].as_u64()?, row["calls"].as_u64()?));
        calls.as_array().expect("a list").iter().filter_map(pair).collect()
    }
}

fn refused(reply: &Reply, words: &str) {
    assert_eq!((reply.status, reply.error().as_str()), (409, "conflict"), "{reply:?}");
    let message = reply.json()["message"].as_str().expect("text").to_owned();
    assert!(message.contains(words), "{message}");
}

#[test]
fn a_folder_is_published_compared_and_rolled_back_and_new_calls_take_what_is_in_force() {
    let bank = Bank::open(false);
    assert_eq!((bank.in_force(), bank.new_call_takes()), (1, 1));
    assert_eq!(bank.get("")["folder_differs"], Value::Null);
    refused(&bank.publish("nothing"), "nothing to publish: these are the flows of release 1");
    bank.drafts.write("main.yaml", &main("two"));
    assert_eq!(bank.get("")["folder_differs"], "main.yaml");
    let diff = bank.get("/diff")["files"][0]["diff"].as_str().expect("text").to_owned();
    assert!(diff.contains("--- release-1/main.yaml\n+++ folder/main.yaml\n"), "{diff}");
    assert!(diff.contains("\n-  one:\n") && diff.contains("\n+  two:\n"), "{diff}");
    let done = bank.publish("two instead of one");
    assert_eq!(done.status, 200, "{done:?}");
    let done = done.json();
    assert_eq!((&done["release"]["release"], &done["tests"]), (&json!(2), &json!(1)));
    assert_eq!(done["release"]["parent"], 1);
    assert_eq!(done["changed"], json!(["main.yaml"]));
    assert_eq!(bank.new_call_takes(), 2);
    let shown = bank.get("/releases/2");
    assert_eq!(shown["files"][1]["text"], main("two"));
    assert_eq!(shown["release"]["author"], "admin");
    assert_eq!(shown["release"]["comment"], "two instead of one");

    let back = bank.post_as(1, "rollback", json!({}));
    assert_eq!(back.status, 200, "{back:?}");
    assert_eq!(back.json()["release"]["again"], 1);
    assert_eq!((bank.in_force(), bank.new_call_takes()), (3, 3));
    assert_eq!(bank.get("/diff?from=1&to=3")["files"], json!([]));
    refused(&bank.post("rollback", json!({"to": 3})), "release 3 is in force already");
    refused(&bank.post("rollback", json!({})), "no earlier release was in force");
    assert_eq!(bank.post("rollback", json!({"to": 77})).status, 404);
    assert_eq!(bank.post("rollback", json!({"to": 2})).json()["release"]["release"], 4);
    let standing = |n, word: &str| (n, word.to_owned());
    let expected =
        [standing(4, "in_force"), standing(3, "replaced"), standing(2, "replaced"), standing(1, "replaced")];
    assert_eq!(bank.standings(), expected);
}

#[test]
fn a_call_shows_the_release_it_took_under_way_and_when_it_is_over_and_figures_tell_them_apart() {
    let bank = Bank::open(false);
    Phone::new(&bank.api, "13800000001").dials("95500");
    bank.drafts.write("main.yaml", &main("two"));
    bank.publish("two");
    Phone::new(&bank.api, "13800000002").dials("95500");
    let ask = |path: &str| bank.api.get(path).bearer(&bank.tokens[0]).send().json()["calls"].clone();
    let releases = |calls: &Value| -> Vec<Value> {
        let calls = calls.as_array().expect("a list");
        calls.iter().map(|call| call["release"].clone()).collect()
    };
    let live = ask("/api/v1/calls/live");
    assert_eq!(releases(&live), [1, 2]);
    let figures = bank.api.get("/metrics").send().text().to_owned();
    for line in [
        "hotline_flows_release 2",
        "hotline_flows_canary_release 0",
        "hotline_flows_calls_live{release=\"current\"} 1",
        "hotline_flows_calls_live{release=\"earlier\"} 1",
    ] {
        assert!(figures.lines().any(|found| found == line), "{line} is missing:\n{figures}");
    }
    for call in live.as_array().expect("a list") {
        let path = format!("/api/v1/calls/live/{}", call["call"].as_str().expect("an id"));
        bank.api.request("DELETE", &path).bearer(&bank.tokens[0]).send();
    }
    until("both are over", || {
        let calls = ask("/api/v1/calls");
        let over = calls.as_array()?.iter().filter(|call| call["ended"].is_u64()).count();
        (over == 2).then_some(())
    });
    assert_eq!(releases(&ask("/api/v1/calls")), [2, 1], "the newest first");
    assert_eq!(ask("/api/v1/calls?release=1")[0]["from"], "13800000001");
    assert_eq!(releases(&ask("/api/v1/calls?release=1")), [1]);
}

#[test]
fn every_order_is_in_the_journal_with_who_gave_it() {
    let bank = Bank::open(false);
    let mut happened = bank.api.engine.listen();
    bank.drafts.write("main.yaml", &main("two"));
    bank.publish("because");
    bank.publish("again");
    bank.post_as(1, "rollback", json!({}));
    let mut told = Vec::new();
    while let Ok(event) = happened.try_recv() {
        let json = serde_json::to_value(&event.what).expect("plain data");
        if json.get("staff_action").is_some() || json.get("flows_published").is_some() {
            told.push(json);
        }
    }
    let staff = |user: &str, action: &str| json!({"staff_action": {"user": user, "action": action}});
    assert_eq!(told.len(), 5, "{told:#?}");
    let published = &told[0]["flows_published"];
    assert_eq!((&published["release"], &published["author"]), (&json!(2), &json!("admin")));
    assert_eq!((&published["comment"], &published["parent"]), (&json!("because"), &json!(1)));
    assert_eq!(told[1], staff("admin", "flows_publish:2"));
    assert_eq!(told[2], staff("admin", "flows_publish:refused"));
    assert_eq!(told[3]["flows_published"]["origin"], "rollback");
    assert_eq!(told[4], staff("other", "flows_rollback:3"));
}

#[test]
fn flows_with_mistakes_and_flows_whose_tests_fail_are_refused_as_check_and_test_print_it() {
    let bank = Bank::open(false);
    bank.drafts.write("main.yaml", &main("two").replace("1: two", "1: tow"));
    let reply = bank.publish("a slip");
    assert_eq!(reply.status, 422, "{reply:?}");
    let body = reply.json();
    assert_eq!(body["error"], "flows_refused");
    let finding = &body["findings"][0];
    assert_eq!((finding["code"].as_str(), finding["line"].as_u64()), (Some("flow-003"), Some(6)));
    let path = bank.drafts.0.join("main.yaml");
    let text = body["message"].as_str().expect("text");
    assert!(
        text.contains(&format!("{}:6:", path.display())) && text.contains("did you mean `two`"),
        "{text}"
    );

    bank.drafts.write("main.yaml", &main("two").replace("9: agent", "9: bye, 8: agent"));
    let body = bank.publish("nine says goodbye").json();
    assert_eq!(body["findings"], json!([]));
    assert_eq!(body["tests"][0]["name"], "nine leads to a person");
    let text = body["message"].as_str().expect("text");
    assert!(text.contains("error[test-020]") && text.contains("What happened:"), "{text}");

    bank.drafts.write("main.yaml", &main("two"));
    std::fs::rename(bank.drafts.0.join("main.yaml"), bank.drafts.0.join("mian.yaml")).expect("renamed");
    bank.drafts.write("mian.yaml", &main("two").replace("flow: main", "flow: mian"));
    let body = bank.publish("the number's flow is gone").json();
    assert_eq!(body["findings"][0]["code"], "flow-080");
    assert_eq!((bank.in_force(), bank.standings().len(), bank.new_call_takes()), (1, 1, 1));
}

#[test]
fn of_two_admins_who_publish_at_once_one_wins_and_the_other_is_told() {
    let bank = Bank::open(false);
    for round in 2..6 {
        bank.drafts.write("main.yaml", &main(&format!("v{round}")));
        let replies = std::thread::scope(|scope| {
            let both = [0, 1].map(|who| {
                let bank = &bank;
                scope.spawn(move || {
                    bank.post_as(who, "publish", json!({"comment": "mine", "base": round - 1}))
                })
            });
            both.map(|one| one.join().expect("an answer"))
        });
        let (won, lost): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 1), "{replies:?}");
        let (winner, author) = (won[0].json(), &won[0].json()["release"]["author"]);
        assert_eq!(winner["release"]["release"], round);
        let author = author.as_str().expect("a name");
        refused(lost[0], &format!("release {round} by {author} came into force meanwhile"));
    }
    assert_eq!(bank.standings().len(), 5);
}

#[test]
fn where_two_must_agree_a_release_waits_for_the_other_and_the_author_cannot_approve() {
    let bank = Bank::open(true);
    bank.drafts.write("main.yaml", &main("two"));
    let proposed = bank.publish("please look").json();
    assert_eq!(proposed["release"]["standing"], "proposed");
    assert_eq!((bank.in_force(), bank.new_call_takes()), (1, 1));
    assert_eq!(bank.get("")["proposed"][0]["release"], 2);
    refused(&bank.post("releases/2/approve", json!({})), "you proposed release 2 yourself");
    // What is approved is what was proposed, whatever is in the folder by now.
    bank.drafts.write("main.yaml", &main("three"));
    let approved = bank.post_as(1, "releases/2/approve", json!({}));
    assert_eq!(approved.status, 200, "{approved:?}");
    assert_eq!(approved.json()["release"]["approved_by"], "other");
    assert_eq!((bank.in_force(), bank.new_call_takes()), (2, 2));
    assert_eq!(bank.get("/releases/2")["files"][1]["text"], main("two"));
    refused(&bank.post_as(1, "releases/2/approve", json!({})), "it is in force");

    // Two proposals: when one is in force, the other was made for something else.
    bank.publish("three");
    bank.drafts.write("main.yaml", &main("four"));
    bank.publish("four");
    assert_eq!(bank.post_as(1, "releases/4/approve", json!({})).status, 200);
    refused(&bank.post_as(1, "releases/3/approve", json!({})), "was proposed when release 2 was in force");
    assert_eq!(bank.get("")["proposed"], json!([]));

    // Going back needs no second person; going back to what nobody approved is not possible.
    refused(&bank.post("rollback", json!({"to": 3})), "release 3 was never in force");
    assert_eq!(bank.post("rollback", json!({})).json()["release"]["again"], 2);
}

#[test]
fn a_release_on_trial_has_its_share_and_is_promoted_or_aborted() {
    let bank = Bank::open(false);
    bank.drafts.write("main.yaml", &main("two"));
    assert_eq!(bank.post("publish", json!({"comment": "x", "percent": 0})).status, 400);
    assert_eq!(bank.post("publish", json!({"comment": "x", "percent": 100})).status, 400);
    refused(&bank.post("promote", json!({})), "no release is on trial");
    let done = bank.post("publish", json!({"comment": "some", "percent": 50})).json();
    assert_eq!(done["release"]["standing"], "on_trial");
    let status = bank.get("");
    assert_eq!(
        (&status["in_force"]["release"], &status["on_trial"]["release"]["release"]),
        (&json!(1), &json!(2))
    );
    refused(&bank.publish("more"), "release 2 is on trial");
    // One chance in 2^24 that either is not met.
    let taken: std::collections::BTreeSet<u64> = (0..25).map(|_| bank.new_call_takes()).collect();
    assert_eq!(taken, [1, 2].into());
    assert_eq!(bank.post("abort", json!({})).status, 200);
    assert_eq!((bank.in_force(), bank.new_call_takes()), (1, 1));
    refused(&bank.post("rollback", json!({"to": 2})), "never in force");
    bank.post("publish", json!({"comment": "once more", "percent": 1}));
    assert_eq!(bank.post_as(1, "promote", json!({})).json()["release"]["standing"], "in_force");
    assert_eq!((bank.in_force(), bank.new_call_takes()), (3, 3));
}

#[test]
fn a_rollback_ends_a_trial_and_the_store_learns_of_one_that_the_engine_has_ended() {
    let bank = Bank::open(false);
    bank.drafts.write("main.yaml", &main("two"));
    bank.publish("two");
    bank.drafts.write("main.yaml", &main("three"));
    bank.post("publish", json!({"comment": "three", "percent": 10}));
    assert_eq!(bank.post("rollback", json!({})).json()["release"]["release"], 4);
    assert_eq!(bank.standings()[1], (3, "aborted".to_owned()));

    bank.post("publish", json!({"comment": "three again", "percent": 10}));
    assert_eq!(bank.get("")["on_trial"]["release"]["release"], 5);
    // As the engine is when it has taken the release back.
    let flows = crate::office::world::demo().flows;
    let publication = Publication { release: ReleaseId(4), flows, trial: None, note: None };
    bank.api.put(Input::Publish(Box::new(publication)));
    assert!(matches!(bank.api.ask(Ask::Flows), Answer::Flows(view) if view.trial.is_none()));
    refused(&bank.post("promote", json!({})), "no release is on trial");
    assert_eq!(bank.standings()[0], (5, "taken_back".to_owned()));
}

#[test]
fn a_comment_is_asked_for_and_is_one_line() {
    let bank = Bank::open(false);
    bank.drafts.write("main.yaml", &main("two"));
    for comment in ["", "  ", "one\ntwo", &"x".repeat(201)] {
        let reply = bank.publish(comment);
        assert_eq!((reply.status, reply.error().as_str()), (400, "bad_request"), "{comment:?}");
    }
    assert_eq!(bank.publish(&"x".repeat(200)).status, 200);
}

/// Drafts whose tests take seconds, and are given up.
fn much_ado(bank: &Bank) {
    let mut flow = main("n0").replace("start: menu\n", "start: menu\nvars: { x: number }\n");
    flow = flow.replace("  n0:\n    play: { prompts: goodbye, next: bye }\n", "");
    for n in 0..400 {
        let next = if n == 399 { "menu".to_owned() } else { format!("n{}", n + 1) };
        flow.push_str(&format!("  n{n}: {{ set: {{ x: {n}, next: {next} }} }}\n"));
    }
    bank.drafts.write("main.yaml", &flow);
    let steps = "{ presses: '1111111111111111' }, ".repeat(4);
    let tests = (0..60).map(|n| format!("  - {{ name: t{n}, steps: [{steps}] }}\n"));
    bank.drafts.write("main.test.yaml", &format!("tests:\n{}", tests.collect::<String>()));
}

#[test]
fn tests_in_which_too_much_happens_are_given_up_and_nothing_is_published() {
    let bank = Bank::open(false);
    much_ado(&bank);
    let reply = bank.publish("much ado");
    assert_eq!(reply.status, 422, "{reply:?}");
    let text = reply.json()["message"].as_str().expect("text").to_owned();
    assert!(text.contains("the tests are given up"), "{text}");
    assert_eq!((bank.in_force(), bank.standings().len()), (1, 1));
}

#[test]
fn who_only_looks_does_not_wait_for_an_order_under_way() {
    let bank = Bank::open(false);
    much_ado(&bank);
    let done = AtomicBool::new(false);
    let mut looked = 0;
    std::thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            let status = bank.publish("much ado").status;
            done.store(true, Ordering::Relaxed);
            status
        });
        while !done.load(Ordering::Relaxed) {
            assert_eq!((bank.in_force(), bank.standings().len()), (1, 1));
            bank.get("/diff?from=1");
            looked += 1;
        }
        assert_eq!(publishing.join().expect("an answer"), 422);
    });
    // One look may have come before the order, and one after it.
    assert!(looked > 4, "only {looked} looks while the tests were performed");
}

/// As `main`, with a place for broadcasts.
fn main_with_broadcasts(name: &str) -> String {
    let flow = main(name).replace("start: menu\n", "start: first\n");
    flow + "  first: { emergency: { next: menu, deflect: menu, loss: agent } }\n"
}

#[test]
fn flows_that_cannot_say_the_broadcast_that_is_on_do_not_come_into_force_but_by_a_rollback() {
    let bank = Bank::open(false);
    let broadcast = |method: &str, body: Value| {
        let request = bank.api.request(method, "/api/v1/emergency").bearer(&bank.tokens[0]);
        assert_eq!(request.json(&body).send().status, 200);
    };
    bank.drafts.write("main.yaml", &main_with_broadcasts("two"));
    assert_eq!(bank.publish("two").status, 200);
    let tried = json!({"comment": "three", "percent": 50});
    bank.drafts.write("main.yaml", &main("three"));
    assert_eq!(bank.post("publish", tried.clone()).status, 200);
    broadcast("POST", json!({"level": "info", "prompts": ["emg_sys"], "for": "2h", "time": "14:30"}));
    // A trial that began before cannot be promoted, nor another begin.
    let words = "these flows cannot say it: no flow has an `emergency` node";
    refused(&bank.post("promote", json!({})), words);
    assert_eq!(bank.post("abort", json!({})).status, 200);
    refused(&bank.post("publish", tried), words);
    refused(&bank.publish("three"), words);
    assert_eq!(bank.in_force(), 2);
    bank.drafts.write("main.yaml", &main_with_broadcasts("four"));
    assert_eq!(bank.publish("four").status, 200);
    // Going back is one step, also at night.
    let back = bank.post("rollback", json!({"to": 1}));
    assert_eq!(back.status, 200, "{back:?}");
    let warned = back.json()["warnings"].as_str().expect("text").to_owned();
    assert!(warned.contains("warning: an emergency broadcast is on, and callers of these flows"), "{warned}");
    broadcast("DELETE", json!({}));
    bank.drafts.write("main.yaml", &main("five"));
    assert_eq!(bank.publish("five").status, 200);
}

#[test]
fn files_that_must_not_be_taken_are_told_of_as_check_tells_it() {
    let bank = Bank::open(false);
    bank.drafts.write("main.yaml", &main("two"));
    std::os::unix::fs::symlink("/etc/passwd", bank.drafts.0.join("other.yaml")).expect("a link");
    let reply = bank.publish("a link");
    assert_eq!(reply.status, 422, "{reply:?}");
    assert_eq!(reply.json()["findings"][0]["code"], "yaml-016");
    assert!(!reply.text().contains("root:"));
    let differs = bank.get("")["folder_differs"].as_str().expect("text").to_owned();
    assert!(differs.contains("other.yaml: the link leads out of the folder"), "{differs}");
    let checked =
        std::process::Command::new(env!("CARGO_BIN_EXE_hotline")).arg("check").arg(&bank.drafts.0).output();
    let checked = checked.expect("it runs");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(
        checked.status.code() == Some(1) && said.contains("error[yaml-016]: the link leads out"),
        "{said}"
    );
}
