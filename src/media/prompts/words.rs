//! Prompts without their sound: what they are called, how long they play, and the words they say. Who tries a flow
//! needs no more, and reading it takes milliseconds.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::load::{entries, is_wav, name};
use super::{MAX_PROMPTS, MUSIC, PromptError, PromptId};

/// The list of the prompts' words in their folder.
const MANIFEST: &str = "manifest.json";

/// The prompts of a folder, as `Library` has them, by other ids.
#[derive(Debug, Default)]
pub struct Wordbook {
    prompts: Vec<Spoken>,
    /// By language (or `music`), then name.
    index: BTreeMap<String, BTreeMap<String, PromptId>>,
}

#[derive(Debug)]
struct Spoken {
    name: String,
    words: Option<String>,
    duration: Duration,
}

#[derive(Deserialize)]
struct Manifest {
    prompts: Vec<Recorded>,
}

#[derive(Deserialize)]
struct Recorded {
    /// From the folder of prompts: `en/welcome.wav`.
    file: String,
    text: Option<String>,
}

impl Wordbook {
    /// Reads the heads of every `<dir>/<language>/*.wav`, and the words in `<dir>/manifest.json` if there is one.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read(dir: &Path) -> Result<Wordbook, PromptError> {
        let words = manifest(&dir.join(MANIFEST))?;
        let mut book = Wordbook::default();
        for folder in entries(dir)?.into_iter().filter(|path| path.is_dir()) {
            let language = name(&folder, Path::file_name)?;
            for file in entries(&folder)?.into_iter().filter(|path| is_wav(path)) {
                if book.prompts.len() == MAX_PROMPTS {
                    return Err(PromptError::TooMany { path: dir.to_owned() });
                }
                let stem = name(&file, Path::file_stem)?;
                let reader = hound::WavReader::open(&file)
                    .map_err(|source| PromptError::NotWav { path: file.clone(), source })?;
                let rate = u64::from(reader.spec().sample_rate.max(1));
                let duration = Duration::from_micros(u64::from(reader.duration()) * 1_000_000 / rate);
                let words = words.get(&format!("{language}/{stem}.wav"));
                book.add(language, stem, words.map(String::as_str), duration);
            }
        }
        Ok(book)
    }

    /// Adds a prompt that says `words`.
    pub fn add(&mut self, language: &str, name: &str, words: Option<&str>, duration: Duration) {
        let id = u32::try_from(self.prompts.len()).expect("no more prompts than MAX_PROMPTS are read");
        let called = if language == MUSIC { format!("{MUSIC}/{name}") } else { name.to_owned() };
        self.prompts.push(Spoken { name: called, words: words.map(str::to_owned), duration });
        self.index.entry(language.to_owned()).or_default().insert(name.to_owned(), PromptId(id));
    }

    /// As `Library::find`.
    pub fn find(&self, language: &str, name: &str) -> Option<PromptId> {
        let (folder, name) = match name.split_once('/') {
            Some((MUSIC, melody)) => (MUSIC, melody),
            _ => (language, name),
        };
        self.index.get(folder)?.get(name).copied()
    }

    /// What flows call it; nothing for an unknown id.
    pub fn name(&self, id: PromptId) -> &str {
        self.prompts.get(id.0 as usize).map_or("", |prompt| &prompt.name)
    }

    /// What it says, if the manifest tells.
    pub fn words(&self, id: PromptId) -> Option<&str> {
        self.prompts.get(id.0 as usize)?.words.as_deref()
    }

    /// How long it plays.
    pub fn duration(&self, id: PromptId) -> Duration {
        self.prompts.get(id.0 as usize).map_or(Duration::ZERO, |prompt| prompt.duration)
    }

    /// The names of `language`, in order.
    pub fn names(&self, language: &str) -> impl Iterator<Item = &str> {
        self.index.get(language).into_iter().flat_map(|names| names.keys().map(String::as_str))
    }
}

/// Words by file.
fn manifest(path: &Path) -> Result<BTreeMap<String, String>, PromptError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => return Err(PromptError::Unreadable { path: path.to_owned(), source }),
    };
    let manifest: Manifest = serde_json::from_str(&text)
        .map_err(|source| PromptError::Manifest { path: path.to_owned(), source })?;
    Ok(manifest.prompts.into_iter().filter_map(|prompt| Some((prompt.file, prompt.text?))).collect())
}
