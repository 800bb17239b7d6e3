//! Prompts: found by language and name, encoded once per codec at load, so that playing one is copying bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::codec::FRAME_SAMPLES;
use super::command::Codec;

pub(super) mod decimate;
mod load;

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
}

struct Prompt {
    samples: usize,
    /// In the order of `place`.
    encoded: [Box<[u8]>; Codec::ALL.len()],
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
}

impl Library {
    /// Reads every `<dir>/<language>/*.wav` and `<dir>/music/*.wav`; other files are left alone.
    pub fn load(dir: &Path) -> Result<Library, PromptError> {
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

    /// Its payload in whole frames of 160 bytes (20 ms); empty for an unknown id.
    pub fn frames(&self, id: PromptId, codec: Codec) -> &[u8] {
        self.prompt(id).map_or(&[], |prompt| &prompt.encoded[place(codec)])
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

/// Place of a codec in `Prompt::encoded`.
fn place(codec: Codec) -> usize {
    match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 1,
    }
}

/// Makes a library of samples.
#[derive(Debug, Default)]
pub struct Builder {
    library: Library,
}

impl Builder {
    /// Adds a prompt of 8 kHz samples; a later one of the same name replaces an earlier one. Music has the language
    /// `music`, or a name that begins with `music/`.
    pub fn prompt(mut self, language: &str, name: &str, samples: &[i16]) -> Builder {
        self.add(language, name, samples);
        self
    }

    pub fn build(self) -> Library {
        self.library
    }

    fn add(&mut self, language: &str, name: &str, samples: &[i16]) {
        let (language, name) = match name.split_once('/') {
            Some((MUSIC, melody)) => (MUSIC, melody),
            _ => (language, name),
        };
        let mut encoded = <[Box<[u8]>; Codec::ALL.len()]>::default();
        for codec in Codec::ALL {
            encoded[place(*codec)] = encode(*codec, samples);
        }
        let prompt = Prompt { samples: samples.len(), encoded };
        let names = self.library.index.entry(language.to_owned()).or_default();
        if let Some(PromptId(id)) = names.get(name) {
            self.library.prompts[*id as usize] = prompt;
            return;
        }
        let id =
            u32::try_from(self.library.prompts.len()).expect("no more prompts than MAX_PROMPTS are loaded");
        names.insert(name.to_owned(), PromptId(id));
        self.library.prompts.push(prompt);
    }

    fn len(&self) -> usize {
        self.library.prompts.len()
    }
}

/// Whole frames, the last one filled with silence.
fn encode(codec: Codec, samples: &[i16]) -> Box<[u8]> {
    let mut payload = vec![codec.silence(); samples.len().next_multiple_of(FRAME_SAMPLES)];
    codec.encode(samples, &mut payload);
    payload.into_boxed_slice()
}

#[cfg(test)]
mod tests;
