//! Prompts: found by language and name, encoded once per codec, so that playing one is copying bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use super::codec::{FRAME_SAMPLES, Law, Rate};
use super::command::Codec;

pub(super) mod decimate;
mod load;
mod wide;
mod words;

pub use wide::Masters;
use wide::{Master, Wide};
pub use words::Wordbook;

/// Name of the hold music, the same for every language.
pub const HOLD_MUSIC: &str = "music/hold";

/// The folder whose files belong to no language.
const MUSIC: &str = "music";

/// Samples in a second of a loaded prompt.
const RATE: u32 = 8_000;

/// Prompts in a library; a bank has a few hundred per language. More: `PromptError::TooMany`.
pub const MAX_PROMPTS: usize = 10_000;

/// Longest prompt: 10 min, 10 MB in memory. Longer: `PromptError::TooLong`.
pub const MAX_LENGTH: Duration = Duration::from_secs(600);

/// A prompt in a `Library`, by its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromptId(pub u32);

/// All prompts of a configuration: the catalogue that flows are checked against, and the frames that workers send.
#[derive(Default)]
pub struct Library {
    prompts: Vec<Prompt>,
    /// By language (or `music`), then name.
    index: BTreeMap<String, BTreeMap<String, PromptId>>,
    /// The codecs that take time, when they are ready.
    wide: OnceLock<Wide>,
}

struct Prompt {
    samples: usize,
    a_law: Box<[u8]>,
    mu_law: Box<[u8]>,
}

/// A frame of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// Its payload, 20 ms.
    Frame(&'a [u8]),
    /// The prompt is shorter.
    End,
    /// It is there, but not encoded yet.
    NotYet,
}

/// Why prompts could not be loaded. The fault is in the configured folder, not in the program.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    #[error("cannot read the prompts in {path}: {source}. Check that the path is right and may be read")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path} is not a WAV file that can be read: {source}. Make it anew, mono, 16 bit, 8 or 16 kHz")]
    NotWav { path: PathBuf, source: hound::Error },
    #[error(
        "{path} has {channels} channel(s) of {bits} bit at {rate} Hz. Convert it to mono, 16 bit integer, 8000 or 16000 Hz"
    )]
    Format { path: PathBuf, channels: u16, bits: u16, rate: u32 },
    #[error("{path} plays longer than {} minutes. Cut it", MAX_LENGTH.as_secs() / 60)]
    TooLong { path: PathBuf },
    #[error("{path} holds more than {MAX_PROMPTS} prompts. Check that this is the prompts' folder")]
    TooMany { path: PathBuf },
    #[error("the name of {path} is not UTF-8. Rename it: flows could not name it")]
    Name { path: PathBuf },
    #[error(
        "{path} is not a list of prompts: {source}. Make it anew, or remove it: then prompts have no words"
    )]
    Manifest { path: PathBuf, source: serde_json::Error },
}

impl Library {
    /// Reads every `<dir>/<language>/*.wav` and `<dir>/music/*.wav`; other files are left alone. The library can be
    /// played to G.711 at once, to the other codecs when the masters have been encoded into it.
    pub fn load(dir: &Path) -> Result<(Library, Masters), PromptError> {
        load::library(dir)
    }

    /// An empty library to add samples to.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The prompt `name` of `language`. Names that begin with `music/` are found whatever the language.
    pub fn find(&self, language: &str, name: &str) -> Option<PromptId> {
        let (folder, name) = match name.split_once('/') {
            Some((MUSIC, melody)) => (MUSIC, melody),
            _ => (language, name),
        };
        self.index.get(folder)?.get(name).copied()
    }

    /// The prompt that bears in `other` the name which `id` bears here. A search through all names: it serves the few
    /// calls that began before a reload.
    pub fn find_in(&self, other: &Library, id: PromptId) -> Option<PromptId> {
        self.index.iter().find_map(|(folder, names)| {
            let (name, _) = names.iter().find(|(_, known)| **known == id)?;
            other.index.get(folder)?.get(name).copied()
        })
    }

    /// How long it plays, of its real length, without the padding. Zero for an unknown id.
    pub fn duration(&self, id: PromptId) -> Duration {
        let samples = self.prompt(id).map_or(0, |prompt| prompt.samples as u64);
        Duration::from_micros(samples * 1_000_000 / u64::from(RATE))
    }

    /// Its length in frames of 20 ms, the last one filled with silence; 0 for an unknown id.
    pub fn length(&self, id: PromptId) -> usize {
        self.prompt(id).map_or(0, |prompt| prompt.samples.div_ceil(FRAME_SAMPLES))
    }

    /// Its frame number `place`, from 0.
    pub fn frame(&self, id: PromptId, codec: Codec, place: usize) -> Found<'_> {
        if place >= self.length(id) {
            return Found::End;
        }
        let frame = match codec.law() {
            Some(law) => {
                self.law(id, law).get(place * FRAME_SAMPLES..).and_then(|rest| rest.get(..FRAME_SAMPLES))
            }
            None => self.wide.get().and_then(|wide| wide.frame(id.0 as usize, codec, place)),
        };
        frame.map_or(Found::NotYet, Found::Frame)
    }

    /// Its payload in G.711, in whole frames of 160 bytes (20 ms); empty for an unknown id.
    pub fn law(&self, id: PromptId, law: Law) -> &[u8] {
        self.prompt(id).map_or(&[], |prompt| match law {
            Law::A => &prompt.a_law,
            Law::Mu => &prompt.mu_law,
        })
    }

    /// The names of `language`, in order.
    pub fn names(&self, language: &str) -> impl Iterator<Item = &str> {
        self.index.get(language).into_iter().flat_map(|names| names.keys().map(String::as_str))
    }

    /// The languages, in order; music is not one.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str).filter(|language| *language != MUSIC)
    }

    fn prompt(&self, id: PromptId) -> Option<&Prompt> {
        self.prompts.get(id.0 as usize)
    }
}

/// Not its megabytes of audio.
impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Library of {} prompts", self.prompts.len())
    }
}

/// Makes a library of samples.
#[derive(Debug, Default)]
pub struct Builder {
    library: Library,
    /// In the library's order.
    masters: Vec<Master>,
}

impl Builder {
    /// Adds a prompt of 8 kHz samples; a later one of the same name replaces an earlier one. Music has the language
    /// `music`, or a name that begins with `music/`.
    pub fn prompt(mut self, language: &str, name: &str, samples: &[i16]) -> Builder {
        self.add(language, name, samples, Master { rate: Rate::Narrow, samples: samples.to_vec() });
        self
    }

    /// For G.711 only; the others hear silence.
    pub fn build(self) -> Library {
        self.library
    }

    /// For all codecs, when the masters have been encoded into it.
    pub fn build_with_masters(self) -> (Library, Masters) {
        (self.library, Masters(self.masters))
    }

    /// `samples` at 8 kHz, `master` the same at the best rate there is.
    fn add(&mut self, language: &str, name: &str, samples: &[i16], master: Master) {
        let (language, name) = match name.split_once('/') {
            Some((MUSIC, melody)) => (MUSIC, melody),
            _ => (language, name),
        };
        let (a_law, mu_law) = (encode(Law::A, samples), encode(Law::Mu, samples));
        let prompt = Prompt { samples: samples.len(), a_law, mu_law };
        let names = self.library.index.entry(language.to_owned()).or_default();
        if let Some(PromptId(id)) = names.get(name) {
            self.library.prompts[*id as usize] = prompt;
            self.masters[*id as usize] = master;
            return;
        }
        let id =
            u32::try_from(self.library.prompts.len()).expect("no more prompts than MAX_PROMPTS are loaded");
        names.insert(name.to_owned(), PromptId(id));
        self.library.prompts.push(prompt);
        self.masters.push(master);
    }

    fn len(&self) -> usize {
        self.library.prompts.len()
    }
}

/// Whole frames, the last one filled with silence.
fn encode(law: Law, samples: &[i16]) -> Box<[u8]> {
    let mut payload = vec![law.silence(); samples.len().next_multiple_of(FRAME_SAMPLES)];
    law.encode(samples, &mut payload);
    payload.into_boxed_slice()
}

#[cfg(test)]
mod tests;
