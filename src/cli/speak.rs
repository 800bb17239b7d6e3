//! What a caller on trial hears, as sound: through a program that plays it, or into a file.
//!
//! A player is asked by a pipe and not a sound library by linking: the server's binary needs no sound card's headers
//! to be built, and a machine without one says so and goes on in text.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use super::{CannotRun, print};
use crate::ivr::trial::path::Rung;
use crate::media::codec::Law;
use crate::media::prompts::{HOLD_MUSIC, Library, PromptId, Wordbook};

/// Samples in a second of what is heard.
const RATE: u32 = 8_000;

/// Longest sound of a call in a file; what comes later is not in it. Time is turned by hand in `dial`, and a slip of the
/// hand must not fill the memory.
const LONGEST: Duration = Duration::from_secs(3_600);

/// How long a player may take to say that it cannot play.
const EXCUSE: Duration = Duration::from_millis(300);

/// Programs that play samples from their standard input, the likeliest to be heard first.
const PLAYERS: [(&str, &[&str]); 4] = [
    ("paplay", &["--raw", "--format=s16le", "--rate=8000", "--channels=1"]),
    ("aplay", &["-q", "-t", "raw", "-f", "S16_LE", "-r", "8000", "-c", "1"]),
    ("ffplay", &["-loglevel", "error", "-nodisp", "-autoexit", "-f", "s16le", "-ar", "8000", "-i", "-"]),
    ("play", &["-q", "-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1", "-"]),
];

/// Sound of prompts, by the ids that a trial has for them.
pub(super) struct Sound {
    library: Library,
    ids: BTreeMap<PromptId, PromptId>,
}

impl Sound {
    fn read(folder: &Path, words: &Wordbook) -> Result<Sound, CannotRun> {
        let (library, _) = Library::load(folder).map_err(|error| CannotRun(error.to_string()))?;
        let languages = library.languages().flat_map(|language| {
            library
                .names(language)
                .filter_map(|name| Some((words.find(language, name)?, library.find(language, name)?)))
        });
        let music = words.find("", HOLD_MUSIC).zip(library.find("", HOLD_MUSIC));
        let ids = languages.chain(music).collect();
        Ok(Sound { library, ids })
    }

    fn samples(&self, prompt: PromptId) -> Vec<i16> {
        let Some(id) = self.ids.get(&prompt) else { return Vec::new() };
        let payload = self.library.law(*id, Law::A);
        let mut samples = vec![0; payload.len()];
        Law::A.decode(payload, &mut samples);
        samples.truncate(place(self.library.duration(*id)));
        samples
    }

    /// Each prompt with the time at which it begins, cut where something stops it.
    fn heard(&self, rungs: &[(Duration, Rung)]) -> Vec<(Duration, Vec<i16>)> {
        let mut heard: Vec<(Duration, Vec<i16>)> = Vec::new();
        for (at, rung) in rungs {
            let stops = matches!(rung, Rung::Hears(_) | Rung::Interrupts | Rung::HangsUp | Rung::Ends);
            if let Some((began, samples)) = heard.last_mut().filter(|_| stops) {
                samples.truncate(place(at.saturating_sub(*began)));
            }
            if let Rung::Hears(prompt) = rung {
                heard.push((*at, self.samples(*prompt)));
            }
        }
        heard
    }
}

/// Samples until then.
fn place(at: Duration) -> usize {
    usize::try_from(at.as_micros() * u128::from(RATE) / 1_000_000).unwrap_or(usize::MAX)
}

/// Where the sound of a call goes.
pub(super) enum Speaker {
    /// Prompts are read.
    Mute,
    Player {
        sound: Box<Sound>,
        playing: Option<Playing>,
    },
    File {
        sound: Box<Sound>,
        path: PathBuf,
        samples: Vec<i16>,
    },
}

impl Speaker {
    /// `to`: nothing for a player, else a file.
    ///
    /// # Errors
    /// If the prompts cannot be read.
    pub fn of(to: Option<&Path>, prompts: &Path, words: &Wordbook) -> Result<Speaker, CannotRun> {
        let Some(to) = to else { return Ok(Speaker::Mute) };
        let sound = Box::new(Sound::read(prompts, words)?);
        if to.as_os_str().is_empty() {
            return Ok(Speaker::Player { sound, playing: None });
        }
        Ok(Speaker::File { sound, path: to.to_owned(), samples: Vec::new() })
    }

    /// What has been said since the caller last did something. A file gets the call when it is over.
    pub fn says(&mut self, rungs: &[(Duration, Rung)]) {
        let Speaker::Player { sound, playing } = self else { return };
        let samples: Vec<i16> = sound.heard(rungs).into_iter().flat_map(|(_, samples)| samples).collect();
        if samples.is_empty() {
            return;
        }
        match play(&samples) {
            Ok(player) => *playing = player,
            Err(why) => {
                print::line(&format!("No sound: {why}. The call goes on in text."));
                *self = Speaker::Mute;
            }
        }
    }

    /// The caller does something: who speaks falls silent.
    pub fn falls_silent(&mut self) {
        if let Speaker::Player { playing, .. } = self
            && let Some(mut playing) = playing.take()
        {
            // It has ended by itself, or is to end now.
            let _ = playing.program.kill();
            let _ = playing.program.wait();
        }
    }

    /// Until all has been said.
    pub fn is_heard_out(&mut self) {
        let Speaker::Player { playing, .. } = self else { return };
        let Some(playing) = playing.take() else { return };
        let said = playing.said.recv().unwrap_or_default();
        if let Some(why) = playing.complaint(&said) {
            print::line(&format!("No sound: {why}. The call goes on in text."));
            *self = Speaker::Mute;
        }
    }

    /// A call in a flow is over after `lasted`; another may follow it.
    pub fn call_over(&mut self, rungs: &[(Duration, Rung)], lasted: Duration) {
        let Speaker::File { sound, samples, .. } = self else { return };
        let (began, longest) = (samples.len(), place(LONGEST));
        for (at, prompt) in sound.heard(rungs) {
            let at = began.saturating_add(place(at));
            if at.saturating_add(prompt.len()) > longest {
                return;
            }
            samples.resize(at, 0);
            samples.extend(prompt);
        }
        let end = began.saturating_add(place(lasted)).min(longest).max(samples.len());
        samples.resize(end, 0);
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<(), CannotRun> {
        self.is_heard_out();
        let Speaker::File { path, samples, .. } = self else { return Ok(()) };
        write(&path, &samples).map_err(|error| CannotRun::because(path.display(), error))?;
        let seconds = samples.len() as f64 / f64::from(RATE);
        print::line(&format!("What was heard is in {}: {seconds:.1} s.", path.display()));
        Ok(())
    }
}

fn write(path: &Path, samples: &[i16]) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, spec)?;
    for sample in samples {
        file.write_sample(*sample)?;
    }
    file.finalize()
}

/// A player at work.
pub(super) struct Playing {
    name: &'static str,
    program: Child,
    /// What it says when it ends.
    said: Receiver<String>,
}

impl Playing {
    /// Waits for its end; what it says if it could not play.
    fn complaint(mut self, said: &str) -> Option<String> {
        let status = self.program.wait();
        if status.is_ok_and(|status| status.success()) {
            return None;
        }
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        Some(format!("{} cannot play: {}", self.name, last.unwrap_or("it ended with an error").trim()))
    }
}

/// Hands samples to the first player there is, which may have played them already; why there is no sound, if nothing
/// plays them.
fn play(samples: &[i16]) -> Result<Option<Playing>, String> {
    for (name, arguments) in PLAYERS {
        let mut command = Command::new(name);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let Ok(mut program) = command.spawn() else { continue };
        let (pipe, error) = (program.stdin.take(), program.stderr.take());
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        // A player that ends early closes the pipe, and this thread with it.
        std::thread::spawn(move || pipe.map(|mut pipe| pipe.write_all(&bytes)));
        let (sender, said) = sync_channel(1);
        std::thread::spawn(move || {
            let mut text = String::new();
            // What is no text says nothing; nobody may be listening any more.
            let _ = error.map(|mut error| error.read_to_string(&mut text));
            let _ = sender.send(text);
        });
        let playing = Playing { name, program, said };
        return match playing.said.recv_timeout(EXCUSE) {
            Ok(said) => playing.complaint(&said).map_or(Ok(None), Err),
            Err(_) => Ok(Some(playing)),
        };
    }
    let names = PLAYERS.map(|(name, _)| name);
    Err(format!("none of {} is installed (`--speak=FILE` writes a sound file)", names.join(", ")))
}
