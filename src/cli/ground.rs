//! What flows are tried against: the queues, numbers and prompts of a configuration, or else of the demonstration bank.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::CannotRun;
use super::args;
use super::check::is_configuration;
use super::run::demo_config;
use crate::config::{self, Config};
use crate::diagnostic::{Diagnostic, Source};
use crate::ivr::World;
use crate::ivr::trial::Stage;
use crate::media::prompts::Wordbook;
use crate::server::load;

/// Flows of one folder with everything they may name.
pub(super) struct Ground {
    pub config: Config,
    pub words: Wordbook,
    sources: Vec<Arc<Source>>,
}

/// The ending of tests, after the name of their flow.
const TESTS: &str = ".test.yaml";

/// Where flows and tests are to be looked for.
pub(super) struct Place {
    pub config: Config,
    pub folder: PathBuf,
    /// The one test file or flow that was named; otherwise the whole folder is meant.
    pub file: Option<PathBuf>,
}

impl Place {
    /// The demonstration bank's flows.
    pub fn demo() -> Place {
        let config = demo_config(&args::Demo::default());
        Place { folder: config.flows.clone(), config, file: None }
    }

    /// A folder, a configuration, a flow or a file of tests.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn named(path: &Path) -> Result<Place, Vec<Diagnostic>> {
        if path.is_dir() {
            return Ok(Place { folder: path.to_owned(), ..Place::demo() });
        }
        if is_configuration(path) {
            let config = config::load(path)?.config;
            return Ok(Place { folder: config.flows.clone(), config, file: None });
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        Ok(Place { folder, file: Some(path.to_owned()), ..Place::demo() })
    }

    /// The tests to be performed here, by name.
    pub fn tests(&self) -> Result<Vec<PathBuf>, CannotRun> {
        match &self.file {
            Some(file) if load::is_tests(file) => Ok(vec![file.clone()]),
            Some(flow) => Ok(vec![self.folder.join(format!("{}{TESTS}", stem(flow)))]),
            None => {
                let entries = std::fs::read_dir(&self.folder)
                    .map_err(|error| CannotRun::because(self.folder.display(), error))?;
                let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
                let mut files: Vec<PathBuf> = paths.filter(|path| load::is_tests(path)).collect();
                files.sort();
                Ok(files)
            }
        }
    }
}

/// A file's name up to its first dot.
pub(super) fn stem(file: &Path) -> &str {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.split('.').next().unwrap_or_default()
}

impl Ground {
    pub fn of(place: &Place) -> Result<Ground, CannotRun> {
        let config = place.config.clone();
        let words = Wordbook::read(&config.prompts).map_err(|error| CannotRun(error.to_string()))?;
        let sources = load::sources(&place.folder).map_err(|error| CannotRun(error.to_string()))?;
        Ok(Ground { config, words, sources })
    }

    /// Sets the stage for `play`.
    ///
    /// # Errors
    /// What is wrong with the flows.
    pub fn stage<T>(&self, play: impl FnOnce(&Stage<'_>) -> T) -> Result<T, Vec<Diagnostic>> {
        let world = World::of(&self.config, &self.words);
        Stage::set(&self.sources, &world, &self.words).map(|stage| play(&stage))
    }
}
