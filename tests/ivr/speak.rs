//! `hotline dial --speak`: prompts to be heard, from a file or by a player, and what is said where neither can be.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use hotline::media::codec::Law;
use hotline::media::prompts::Library;

const FLOW: &str = "flow: heard
languages: [en]
start: main
nodes:
  main: { menu: { prompts: [welcome, person_or_end], keys: { 9: agent }, on_no_input: { prompts: noinput, then: agent }, on_invalid: { then: agent } } }
  agent: { queue: { to: general, prompts: to_agent, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
";

/// A folder with the flow and, as programs, whatever players there are.
struct Desk(PathBuf);

impl Desk {
    fn with(name: &str, players: &[(&str, &str)]) -> Desk {
        let folder = std::env::temp_dir().join(format!("hotline-speak-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("heard.yaml"), FLOW).expect("a flow");
        for (player, script) in players {
            let path = folder.join(player);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a program");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it may run");
        }
        Desk(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What is printed when somebody types this.
    fn dials(&self, speak: &str, keyboard: &str) -> String {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hotline"))
            .arg("dial")
            .arg(self.file("heard.yaml"))
            .arg(speak)
            .env("PATH", &self.0)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        child.stdin.take().expect("piped").write_all(keyboard.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("the program ends");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{printed}");
        printed
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What callers hear of these prompts, one after the other.
fn sound(names: &[&str]) -> Vec<i16> {
    static PROMPTS: LazyLock<Library> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
        Library::load(&folder).expect("prompts").0
    });
    let library = &*PROMPTS;
    let mut all = Vec::new();
    for name in names {
        let id = library.find("en", name).expect("a prompt");
        let payload = library.law(id, Law::A);
        let mut samples = vec![0; payload.len()];
        Law::A.decode(payload, &mut samples);
        samples.truncate((library.duration(id).as_micros() * 8 / 1_000) as usize);
        all.extend(samples);
    }
    all
}

#[test]
fn a_sound_file_holds_the_prompts_in_order_and_the_silence_between_them() {
    let desk = Desk::with("file", &[]);
    let file = desk.file("call.wav");
    let printed = desk.dials(&format!("--speak={}", file.display()), "+3s\n9\nperson\n");
    let mut wav = hound::WavReader::open(&file).expect("a sound file");
    assert_eq!((wav.spec().channels, wav.spec().sample_rate), (1, 8_000));
    let heard: Vec<i16> = wav.samples().map(|sample| sample.expect("a sample")).collect();
    let (question, answer) = (sound(&["welcome", "person_or_end"]), sound(&["to_agent"]));
    let silence = 3 * 8_000;
    // Each prompt begins at a whole microsecond, not at a whole sample.
    let whole = question.len() + silence + answer.len();
    assert!(heard.len().abs_diff(whole) <= 3, "{} samples, not {whole}", heard.len());
    let first = sound(&["welcome"]).len();
    assert_eq!(heard[..first], question[..first]);
    let begins =
        |prompt: &[i16], near: usize| (near - 3..=near + 3).any(|at| heard[at..].starts_with(prompt));
    assert!(begins(&sound(&["person_or_end"])[..8_000], first));
    assert!(heard[question.len() + 3..question.len() + silence - 3].iter().all(|sample| *sample == 0));
    assert!(begins(&answer[..8_000], question.len() + silence));
    let seconds = heard.len() as f64 / 8_000.0;
    assert!(printed.contains(&format!("call.wav: {seconds:.1} s.")), "{printed}");
}

#[test]
fn a_player_is_given_what_is_said_until_the_caller_acts() {
    // Its own folder is its PATH: what it needs of the system is named in full.
    let desk = Desk::with("player", &[("aplay", "exec /bin/cat >> \"${0%/*}/heard\"")]);
    let printed = desk.dials("--speak", "9\nperson\n");
    assert!(!printed.contains("No sound"), "{printed}");
    let heard = std::fs::read(desk.file("heard")).expect("something was played");
    let heard: Vec<i16> = heard.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let said = sound(&["welcome", "person_or_end", "to_agent"]);
    assert!(heard.len().abs_diff(said.len()) <= 3, "{} samples, not {}", heard.len(), said.len());
    assert_eq!(heard[..8_000], said[..8_000]);
}

#[test]
fn without_a_sound_device_the_call_goes_on_in_text_and_says_why_once() {
    let broken = Desk::with("broken", &[("aplay", "echo 'no soundcards found' >&2; exit 1")]);
    let none = Desk::with("none", &[]);
    for (desk, why) in [
        (&broken, "No sound: aplay cannot play: no soundcards found. The call goes on in text."),
        (&none, "No sound: none of paplay, aplay, ffplay, play is installed"),
    ] {
        let printed = desk.dials("--speak", "9\nperson\n");
        assert_eq!(printed.matches("No sound").count(), 1, "{printed}");
        assert!(printed.contains(why), "{printed}");
        assert!(
            printed.contains("Transferring you to an agent.") && printed.contains("A person takes the call.")
        );
    }
}

#[test]
fn a_file_that_cannot_be_written_is_one_clear_line() {
    let desk = Desk::with("nowhere", &[]);
    let output = Command::new(env!("CARGO_BIN_EXE_hotline"))
        .args(["dial", "--speak=/nowhere/call.wav"])
        .arg(desk.file("heard.yaml"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.lines().count()), (Some(3), 1), "{said}");
    assert!(said.starts_with("hotline: /nowhere/call.wav: "), "{said}");
}
