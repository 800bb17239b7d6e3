//! Prompts: found by language and name, encoded once per codec at load.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::Codec;

/// Name of the hold music, the same for every language.
pub const HOLD_MUSIC: &str = "music/hold";

/// A prompt in a `Library`, by its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromptId(pub u32);

/// All prompts of a configuration: the catalogue that flows are checked against, and the frames that workers send.
#[derive(Debug, Default)]
pub struct Library {
    // Private state belongs to this file.
}

/// Why prompts could not be loaded. The fault is in the configured folder, not in the program.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    #[error("cannot read {path}: {source}. Check that it exists and may be read")]
    Unreadable { path: PathBuf, source: std::io::Error },
}

impl Library {
    /// Reads every `<dir>/<language>/*.wav` and `<dir>/music/*.wav`.
    pub fn load(dir: &Path) -> Result<Library, PromptError> {
        todo!()
    }

    /// An empty library to add samples to.
    pub fn builder() -> Builder {
        todo!()
    }

    /// The prompt `name` of `language`. Names that begin with `music/` are found whatever the language.
    pub fn find(&self, language: &str, name: &str) -> Option<PromptId> {
        todo!()
    }

    /// How long it plays, of its real length, without the padding. Zero for an unknown id.
    pub fn duration(&self, id: PromptId) -> Duration {
        todo!()
    }

    /// Its payload in whole frames of 160 bytes (20 ms); empty for an unknown id.
    pub fn frames(&self, id: PromptId, codec: Codec) -> &[u8] {
        todo!()
    }

    /// The names of `language`, in order.
    pub fn names(&self, language: &str) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }

    /// The languages, in order; music is not one.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }
}

/// Makes a library of samples.
#[derive(Debug, Default)]
pub struct Builder {}

impl Builder {
    /// Adds a prompt of 8 kHz samples; a later one of the same name replaces an earlier one.
    pub fn prompt(self, language: &str, name: &str, samples: &[i16]) -> Builder {
        todo!()
    }

    pub fn build(self) -> Library {
        todo!()
    }
}
