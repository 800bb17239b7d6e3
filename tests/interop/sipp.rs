//! SIPp: scripted conversations, and odd ones.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::bank::SIP;
use super::room::{Room, Running};

/// Longest scenario here.
const LONGEST: Duration = Duration::from_secs(70);

/// A scenario of `tests/interop/sipp` and how to run it.
pub struct Script<'a> {
    pub scenario: &'a str,
    /// The number it dials, or is.
    pub number: &'a str,
    pub port: u16,
    /// Further arguments of SIPp.
    pub args: &'a [&'a str],
}

/// A scenario under way.
pub struct Playing {
    name: String,
    messages: PathBuf,
    running: Running,
}

impl Script<'_> {
    pub fn starts(&self, room: &Room) -> Playing {
        let Script { scenario, number, port, args } = self;
        let folder = room.folder("sipp");
        let xml =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/sipp").join(format!("{scenario}.xml"));
        let messages = folder.join(format!("{scenario}-{port}.log"));
        let mut command = Command::new("sipp");
        command.current_dir(&folder).arg(SIP).arg("-sf").arg(xml).args(["-s", number, "-i", "127.0.0.1"]);
        let (port, media) = (port.to_string(), (port + 5_000).to_string());
        command.args([
            "-p",
            &port,
            "-mp",
            &media,
            "-m",
            "1",
            "-nostdin",
            "-timeout",
            "60s",
            "-timeout_error",
        ]);
        command.args(["-trace_err", "-error_file"]).arg(messages.with_extension("errors"));
        command.args(["-trace_msg", "-message_file"]).arg(&messages).args(*args);
        Playing { name: format!("{scenario} {number}"), messages, running: Running::start(command) }
    }

    /// Plays it to its end, which must be the one it expects.
    pub fn plays(&self, room: &Room) {
        self.starts(room).ends();
    }
}

impl Playing {
    pub fn ends(mut self) {
        let ended = self.running.ends(LONGEST);
        let code = if ended { self.running.code() } else { None };
        let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
        let (errors, messages) = (read(&self.messages.with_extension("errors")), read(&self.messages));
        assert_eq!(code, Some(0), "{}:\n{errors}\n{messages}", self.name);
    }
}

/// `scenario` towards `number`, with nothing special.
pub fn plays(room: &Room, scenario: &str, number: &str) {
    Script { scenario, number, port: 5_300, args: &[] }.plays(room);
}

/// A phone that registers as agent `number`, at `port`, with `password`.
pub fn registers(room: &Room, scenario: &str, number: &str, password: &str, port: u16) {
    Script { scenario, number, port, args: &["-au", number, "-ap", password] }.plays(room);
}
