//! Bots that are not ours: Pipecat's own reading and writing of the format, by its package, and our example for others.
//! `.ci/deps test` installs what they need into a virtual environment beside the build.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotline::engine::happened::BotOutcome;
use hotline::engine::staff::{Answer, Ask};
use hotline::media::command::Codec;

use super::super::Wire;
use super::caller::Caller;
use super::{BOT, CALLER, world, world_with};

/// Where things built and installed for the tests are: the folder above `debug/deps/`.
fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().to_owned()
}

/// A bot as a process of its own. It ends when its input does.
struct Stranger {
    child: Child,
    input: Option<ChildStdin>,
    lines: Arc<Mutex<Vec<String>>>,
    port: u16,
}

impl Stranger {
    /// `None` where interoperability is not tested and its package is not there.
    fn starts(script: &str) -> Option<Stranger> {
        let python = target().join("pipecat/bin/python");
        if std::env::var_os("HOTLINE_SKIP_INTEROP").is_some() && !python.exists() {
            eprintln!("skipped: no pipecat in {}", target().display());
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
        let mut command = Command::new(&python);
        let child = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child =
            child.unwrap_or_else(|error| panic!("{}: {error}; `make deps` installs it", python.display()));
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = output.next().expect("it says where it listens").unwrap();
        let port = first.strip_prefix("port ").expect(&first).parse().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (notes, input) = (Arc::clone(&lines), child.stdin.take());
        std::thread::spawn(move || {
            for line in output.map_while(Result::ok) {
                notes.lock().unwrap().push(line);
            }
        });
        Some(Stranger { child, input, lines, port })
    }

    fn says(&self, wanted: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|line| line == wanted)
    }

    fn wire(&self, name: &str) -> Wire {
        let url = format!("ws://127.0.0.1:{}/", self.port);
        Wire::up_with(name, |config| world(url, &[], config))
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

#[test]
fn a_bot_made_with_pipecat_talks_is_interrupted_and_hands_over_unmodified() {
    let Some(bot) = Stranger::starts("tests/net/bots/pipecat_bot.py") else { return };
    let wire = bot.wire("bot-pipecat");
    let mut caller = Caller::dials(&wire, Codec::Pcma);
    caller.until("it hears the caller", |_| bot.says("hears the caller"));
    assert!(bot.says("kind twilio"), "by its own detection");
    assert!(bot.says("body [('from', 'ivr'), ('number', '1380')]"), "{:?}", bot.lines.lock().unwrap());
    caller.until("the caller hears it", |caller| caller.heard_of(BOT) > 300);
    caller.presses(1);
    caller.until("its mark comes back", |_| bot.says("mark"));
    let interrupted = caller.since_the_beginning();
    caller.talks_on(Duration::from_millis(400));
    let last = caller.last_of(BOT);
    assert!(last < interrupted + 0.1, "heard until {:.3} s after", last - interrupted);
    caller.presses(9);
    caller.until("the caller waits", |caller| caller.queue().is_some());
    assert_eq!(caller.queue().as_deref(), Some("general"));
    assert_eq!(caller.outcome(), Some(BotOutcome::Person));
    let asked = Ask::Handover { call: caller.call().unwrap() };
    let answer = wire.runtime.block_on(wire.engine.ask(asked)).unwrap();
    let Answer::Handover { handover: Some(handover), .. } = answer else { panic!("{answer:?}") };
    assert_eq!(handover.result.slots, r#"{"intent":"loss"}"#);
    let line = &handover.result.transcript[0];
    assert_eq!((line.who.as_str(), line.text.as_str()), ("user", "A person, please."));
    caller.until("it is told", |_| bot.says("stop") && bot.says("closed"));
    caller.talks_on(Duration::from_millis(200));
    caller.has_no_gap();
}

#[test]
fn the_example_greets_says_back_what_it_hears_and_minds_the_keys() {
    let Some(bot) = Stranger::starts("docs/examples/bot.py") else { return };
    let documented = include_str!("../../../docs/bots.md");
    let flow = documented.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let url = format!("ws://127.0.0.1:{}/", bot.port);
    let wire = Wire::up_with("bot-example", |config| world_with(flow, url, &[], config));
    let mut caller = Caller::dials(&wire, Codec::Pcmu);
    caller.until("the caller hears the greeting", |caller| caller.loud_ms() > 500);
    caller.presses(1);
    caller.until("the bot says back what it hears", |caller| caller.heard_of(CALLER) > 500);
    caller.presses(9);
    caller.until("the caller waits", |caller| caller.queue().is_some());
    assert_eq!(caller.outcome(), Some(BotOutcome::Person));
    caller.has_no_gap();
    drop(caller);
    let mut other = Caller::dials(&wire, Codec::Pcmu);
    other.until("the caller hears the greeting", |caller| caller.loud_ms() > 500);
    other.presses(0);
    other.until("the flow says goodbye", |caller| caller.is_at("bye"));
    assert_eq!(other.outcome(), Some(BotOutcome::Result));
}
