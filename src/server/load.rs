//! From a configuration to a world the engine can run: prompts read, flows compiled.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::config::Config;
use crate::diagnostic::{Diagnostic, Source};
use crate::engine::input::World;
use crate::ivr;
use crate::media::prompts::{Library, PromptError};
use crate::publishing::draft::{Draft, DraftError};

/// A world, and what its author should hear although it runs.
#[derive(Debug)]
pub struct Loaded {
    pub world: World,
    pub warnings: Vec<Diagnostic>,
    /// Encodes the prompts for phones that speak G.722 or Opus: until it ends, those wait for a prompt in silence.
    pub encoding: Option<JoinHandle<()>>,
}

/// Why there is no world. The fault is in the files named.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Prompts(#[from] PromptError),
    #[error("{path}: {source}")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Folder(#[from] DraftError),
    #[error("{} mistakes in the flows", .0.len())]
    Flows(Vec<Diagnostic>),
}

/// Loads everything that `config` points to but the flows: which are in force, the store says.
pub fn load(config: Config) -> Result<Loaded, LoadError> {
    let (library, masters) = Library::load(&config.prompts)?;
    let wide = config.codecs_take_time();
    let world = World { config: Arc::new(config), flows: ivr::Flows::new(), library: Arc::new(library) };
    let mut loaded = Loaded { world, warnings: Vec::new(), encoding: None };
    if wide {
        let library = Arc::clone(&loaded.world.library);
        let thread = std::thread::Builder::new().name("prompts".into());
        // Without a thread they are encoded here and now: a slower start, and nobody hears silence.
        let masters = Arc::new(masters);
        let job = Arc::clone(&masters);
        loaded.encoding = thread.spawn(move || job.encode_into(&library)).ok();
        if loaded.encoding.is_none() {
            masters.encode_into(&loaded.world.library);
        }
    }
    Ok(loaded)
}

/// With prompts that are already here, and the flows of the folder.
pub fn with_library(config: Config, library: Library) -> Result<Loaded, LoadError> {
    let sources = sources(&config.flows)?;
    let compiled = ivr::compile(&sources, &ivr::World::of(&config, &library)).map_err(LoadError::Flows)?;
    let world = World { config: Arc::new(config), flows: compiled.flows, library: Arc::new(library) };
    Ok(Loaded { world, warnings: compiled.warnings, encoding: None })
}

/// The flows in `folder`, by name. Tests beside them (`*.test.yaml`) are no flows, nor are files in folders below it.
pub fn sources(folder: &Path) -> Result<Vec<Arc<Source>>, LoadError> {
    Ok(Draft::read(folder)?.flows(folder))
}

/// Tests of flows are called `*.test.yaml`.
pub fn is_tests(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(".test.yaml"))
}

/// One file as the checker reads it.
pub fn source(path: &Path) -> Result<Arc<Source>, LoadError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| LoadError::Unreadable { path: path.to_owned(), source })?;
    Ok(Source::new(path.display().to_string(), text))
}
