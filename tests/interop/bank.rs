//! The demo bank as a process, with short prompts so that tests need not listen long.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::room::{Room, Running};
use super::sound;

pub const SIP: &str = "127.0.0.1:5060";

/// A debug build on a busy machine takes its time.
const OPENING: Duration = Duration::from_secs(60);

/// Every prompt lasts this long here.
pub const PROMPT: f64 = 0.4;

/// Seed of the noise that is this bank's welcome.
pub const WELCOME: u64 = 99;

pub struct Bank {
    folder: PathBuf,
    running: Running,
}

impl Bank {
    pub fn opens(room: &Room) -> Bank {
        let folder = furnished(room);
        let mut running = Running::start(hotline(&folder, &["demo", "--data", "data"]));
        running.shows("Ctrl-C", OPENING);
        Bank { folder, running }
    }

    /// A bank by a configuration instead of the demo's. It says nothing of its calls.
    pub fn opens_by(room: &Room, configuration: &str) -> Bank {
        let folder = furnished(room);
        std::fs::write(folder.join("hotline.yaml"), configuration).expect("a file");
        let mut command = hotline(&folder, &["serve", "--config", "hotline.yaml"]);
        command.env("HOTLINE_LOG", "trace");
        let mut running = Running::start(command);
        running.shows("ready", OPENING);
        Bank { folder, running }
    }

    /// Everything that it said so far.
    pub fn said(&self) -> String {
        self.running.seen.join("\n")
    }

    /// Every file of its data, by name.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let (mut folders, mut files) = (vec![self.folder.join("data")], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("the data's folder") {
                let path = entry.expect("readable").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = std::fs::read(&path).expect("readable");
                    files.push((path, bytes));
                }
            }
        }
        files
    }

    /// Waits for the next line of the demo's screen that holds `text`.
    pub fn shows(&mut self, text: &str) -> String {
        self.running.shows(text, Duration::from_secs(60))
    }

    /// Whether any line until now held `text`.
    pub fn has_shown(&self, text: &str) -> bool {
        self.running.seen.iter().any(|line| line.contains(text))
    }

    /// Ctrl-C; then everything is on disk.
    pub fn closes(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.running.id()).expect("a small number"));
        kill(pid, Signal::SIGINT).expect("the demo runs");
        assert!(self.running.ends(Duration::from_secs(30)), "the demo stops when told to");
        assert_eq!(self.running.code(), Some(0), "{:#?}", self.running.seen);
    }

    /// `hotline calls --json`, newest first.
    pub fn calls(&self) -> Vec<Value> {
        let json = self.asked(&["calls", "--data", "data", "--json"]);
        serde_json::from_str(&json).expect("a list of calls")
    }

    /// The exported recording of `call`: the caller's channel and the bank's, 8 kHz.
    pub fn recording(&self, call: &str) -> (Vec<i16>, Vec<i16>) {
        self.asked(&["recordings", "verify", call, "--data", "data"]);
        self.asked(&["recordings", "export", call, "--data", "data", "-o", "call.wav"]);
        let samples = sound::read_wav(&self.folder.join("call.wav"), 2);
        samples.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip()
    }

    fn asked(&self, args: &[&str]) -> String {
        let output = hotline(&self.folder, args).output().expect("hotline runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }
}

/// A folder with short prompts and the demo's flows.
fn furnished(room: &Room) -> PathBuf {
    let folder = room.folder("bank");
    short_prompts(&folder);
    let flows = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr-flows");
    std::os::unix::fs::symlink(flows, folder.join("ivr-flows")).expect("a link to the flows");
    folder
}

fn hotline(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotline"));
    command.args(args).current_dir(folder);
    command
}

/// The names of the real prompts, each a short tone, and the welcome one that can be told apart.
fn short_prompts(folder: &Path) {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let tone = sound::tone(440.0, PROMPT);
    let welcome = sound::noise(WELCOME, PROMPT);
    for language in ["zh-CN", "en", "music"] {
        let to = folder.join("prompts").join(language);
        std::fs::create_dir_all(&to).expect("a folder for prompts");
        for file in std::fs::read_dir(real.join(language)).expect("the demo's prompts") {
            let name = file.expect("readable").file_name();
            if Path::new(&name).extension().is_some_and(|extension| extension == "wav") {
                let sound = if name == "welcome.wav" { &welcome } else { &tone };
                sound::write_wav(&to.join(name), sound);
            }
        }
    }
}
