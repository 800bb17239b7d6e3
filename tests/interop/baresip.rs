//! baresip as a telephone: its own stack, its own jitter buffer, its own idea of SIP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::bank::SIP;
use super::room::{Room, Running, now};
use super::sound;

/// Events that may wait.
const EVENTS: usize = 4_096;

pub struct Phone {
    number: String,
    folder: PathBuf,
    running: Running,
    control: TcpStream,
    events: Receiver<Value>,
}

/// How a phone is set up.
pub struct Setup<'a> {
    pub number: &'a str,
    /// Appended to the account: `;auth_pass=...`.
    pub account: &'a str,
    /// SIP; the next port is taken for TLS, the one after for control.
    pub port: u16,
    /// Whether it registers and calls over TCP.
    pub tcp: bool,
    /// First RTP port of a hundred.
    pub rtp: u16,
    pub says: &'a [i16],
}

impl<'a> Setup<'a> {
    /// A phone that registers nowhere, over UDP.
    pub fn plain(number: &'a str, port: u16, rtp: u16, says: &'a [i16]) -> Setup<'a> {
        Setup { number, account: ";regint=0", port, tcp: false, rtp, says }
    }
}

impl Phone {
    /// Switched on: registered if its account says so, else ready to dial.
    pub fn on(room: &Room, setup: &Setup<'_>) -> Phone {
        let folder = room.folder(setup.number);
        std::fs::create_dir_all(folder.join("heard")).expect("a folder");
        sound::write_wav(&folder.join("says.wav"), setup.says);
        let transport = if setup.tcp { ";transport=tcp" } else { "" };
        let account = format!("<sip:{}@{SIP}{transport}>{}\n", setup.number, setup.account);
        std::fs::write(folder.join("accounts"), account).expect("a file");
        std::fs::write(folder.join("config"), config(setup)).expect("a file");
        let mut command = Command::new("baresip");
        command.args(["-f", ".", "-s"]).current_dir(&folder);
        let mut running = Running::start(command);
        running.shows("baresip is ready", Duration::from_secs(60));
        let control = TcpStream::connect(("127.0.0.1", setup.port + 2)).expect("baresip takes orders");
        let events = listen(control.try_clone().expect("a second handle"));
        Phone { number: setup.number.to_owned(), folder, running, control, events }
    }

    /// Agent `number` of the demo, who answers at once (`manual`: by `answers`), registered.
    pub fn agent(room: &Room, number: &str, answermode: &str, says: &[i16]) -> Phone {
        Phone::agent_with(room, number, &format!(";answermode={answermode}"), says)
    }

    /// The same with more to say in its account.
    pub fn agent_with(room: &Room, number: &str, account: &str, says: &[i16]) -> Phone {
        let account = format!(";auth_user={number};auth_pass=demo-{number};regint=600{account}");
        let place: u16 = number.parse::<u16>().expect("an agent's number") - 1001;
        let (port, rtp) = (5_100 + 10 * place, AGENTS + 100 * place);
        let mut phone =
            Phone::on(room, &Setup { account: &account, ..Setup::plain(number, port, rtp, says) });
        phone.running.shows("[1 binding]", Duration::from_secs(60));
        phone
    }

    /// A customer from outside. `account` is appended to the account.
    pub fn caller_with(room: &Room, number: &str, account: &str, says: &[i16]) -> Phone {
        let account = format!(";regint=0{account}");
        Phone::on(room, &Setup { account: &account, ..Setup::plain(number, 5_200, CALLER, says) })
    }

    /// A customer from outside.
    pub fn caller(room: &Room, number: &str, says: &[i16]) -> Phone {
        Phone::on(room, &Setup::plain(number, 5_200, CALLER, says))
    }

    pub fn dials(&mut self, number: &str) {
        self.orders("dial", &format!("sip:{number}@{SIP}"));
    }

    pub fn presses(&mut self, keys: &str) {
        self.orders("sndcode", keys);
    }

    pub fn answers(&mut self) {
        self.orders("accept", "");
    }

    pub fn holds(&mut self) {
        self.orders("hold", "");
    }

    pub fn resumes(&mut self) {
        self.orders("resume", "");
    }

    pub fn hangs_up(&mut self) {
        self.orders("hangup", "");
    }

    fn orders(&mut self, command: &str, params: &str) {
        let json = json!({ "command": command, "params": params, "token": "t" }).to_string();
        let framed = format!("{}:{json},", json.len());
        self.control.write_all(framed.as_bytes()).expect("baresip listens");
    }

    /// Waits for an event of `kind`, such as `CALL_ESTABLISHED`.
    pub fn sees(&mut self, kind: &str) -> Value {
        self.sees_within(kind, Duration::from_secs(60))
    }

    pub fn sees_within(&mut self, kind: &str, within: Duration) -> Value {
        let deadline = now() + within;
        let mut seen = Vec::new();
        loop {
            match self.events.recv_timeout(deadline.saturating_duration_since(now())) {
                Ok(event) if event["type"] == kind => return event,
                Ok(event) => seen.push(event["type"].to_string()),
                Err(why) => {
                    self.running.ends(Duration::ZERO);
                    panic!(
                        "{} saw no {kind} ({why:?}), but {seen:?}\n{}",
                        self.number,
                        self.running.seen.join("\n")
                    )
                }
            }
        }
    }

    /// The keys in the descriptions that it sent and received, as they are written there.
    pub fn keys(&self) -> Vec<String> {
        let lines = self.running.seen.iter().filter_map(|line| line.split_once("inline:"));
        lines.map(|(_, rest)| rest.split(['|', ' ', '\r']).next().unwrap_or(rest).to_owned()).collect()
    }

    /// Switched off: what it heard in its last call.
    pub fn heard(&mut self) -> Vec<i16> {
        self.orders("quit", "");
        assert!(self.running.ends(Duration::from_secs(30)), "{} goes off", self.number);
        let files = std::fs::read_dir(self.folder.join("heard")).expect("its folder");
        let mut files: Vec<PathBuf> = files.map(|file| file.expect("readable").path()).collect();
        files.retain(|file| file.to_string_lossy().ends_with("-dec.wav"));
        files.sort();
        sound::read_any(files.last().expect("it heard something"))
    }
}

/// First RTP port of `Phone::agent`, a hundred for each: outside the server's range, as the caller's.
pub const AGENTS: u16 = 12_000;

/// First RTP port of `Phone::caller`.
pub const CALLER: u16 = 13_000;

fn config(setup: &Setup<'_>) -> String {
    let Setup { port, rtp, account, .. } = setup;
    let (control, last) = (port + 2, rtp + 98);
    // Paths are relative: baresip cuts the names of what it records at 128 characters. The player must exist for a call to have audio, although nobody listens to it: what is heard is what the file
    // filter writes.
    // A phone of these codecs takes its sound from the same files, at their rate.
    let wide = account.contains("opus") || account.contains("G722");
    let wide = if wide { "module g722.so\nmodule opus.so\nausrc_srate 8000\nausrc_channels 1\n" } else { "" };
    format!(
        "sip_listen 127.0.0.1:{port}\nnet_interface 127.0.0.1\nrtp_ports {rtp}-{last}\n\
         audio_player aubridge,sink\naudio_source aufile,says.wav\naudio_alert aubridge,alert\n\
         ring_aufile none\nringback_aufile none\nsnd_path heard\n\
         module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule aubridge.so\nmodule aufile.so\n\
         module sndfile.so\nmodule srtp.so\nmodule_app account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
         ctrl_tcp_listen 127.0.0.1:{control}\n{wide}"
    )
}

/// Netstrings of JSON.
fn listen(mut from: TcpStream) -> Receiver<Value> {
    let (sender, events) = sync_channel(EVENTS);
    std::thread::spawn(move || {
        let (mut waiting, mut buffer) = (Vec::new(), [0; 4_096]);
        while let Ok(length) = from.read(&mut buffer)
            && length > 0
        {
            waiting.extend_from_slice(&buffer[..length]);
            while let Some((json, used)) = netstring(&waiting) {
                let event: Value = serde_json::from_slice(json).expect("baresip speaks JSON");
                waiting.drain(..used);
                if event["event"] == true && sender.send(event).is_err() {
                    return;
                }
            }
        }
    });
    events
}

fn netstring(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let length: usize = std::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    let end = colon + 1 + length;
    (bytes.len() > end).then(|| (&bytes[colon + 1..end], end + 1))
}
