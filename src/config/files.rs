//! Reading from the disk: the configuration and the folder of flows.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::load::{Loaded, read};
use crate::diagnostic::yaml::MAX_BYTES;
use crate::diagnostic::{Diagnostic, Source, Span};

/// Most flows in a folder.
const MAX_FLOWS: usize = 1_000;

/// Reads `hotline.yaml`. Relative paths in it count from its own folder.
///
/// # Errors
/// Everything that is wrong with it, warnings among them, in the order of the file.
pub fn load(path: &Path) -> Result<Loaded, Vec<Diagnostic>> {
    let source = source(path).map_err(|error| vec![unreadable(path, &error)])?;
    let folder = path.parent().unwrap_or(Path::new(""));
    read(&source, folder, &|flows| Ok(flow_files(flows)?.iter().filter_map(|file| stem(file)).collect()))
}

/// The flows of a folder, or the one file: `*.yaml` without the tests beside them (`*.test.yaml`), by name.
///
/// # Errors
/// `yaml-011` for each file or folder that cannot be read.
pub fn flow_sources(path: &Path) -> Result<Vec<Arc<Source>>, Vec<Diagnostic>> {
    let files = if path.is_dir() { flow_files(path) } else { Ok(vec![path.to_owned()]) };
    let files = files.map_err(|error| vec![unreadable(path, &error)])?;
    let mut sources = Vec::new();
    let mut failed = Vec::new();
    for file in files {
        match source(&file) {
            Ok(source) => sources.push(source),
            Err(error) => failed.push(unreadable(&file, &error)),
        }
    }
    if failed.is_empty() { Ok(sources) } else { Err(failed) }
}

fn flow_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".yaml") && !name.ends_with(".test.yaml") && !name.starts_with('.') {
            files.push(path);
        }
        if files.len() > MAX_FLOWS {
            return Err(io::Error::other(format!("more than {MAX_FLOWS} flows")));
        }
    }
    files.sort();
    Ok(files)
}

fn stem(path: &Path) -> Option<String> {
    path.file_stem()?.to_str().map(str::to_owned)
}

fn source(path: &Path) -> io::Result<Arc<Source>> {
    if std::fs::metadata(path)?.len() > MAX_BYTES as u64 {
        return Err(io::Error::other(format!("larger than {MAX_BYTES} bytes")));
    }
    Ok(Source::new(path.display().to_string(), std::fs::read_to_string(path)?))
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let source = Source::new(path.display().to_string(), "");
    Diagnostic::error("yaml-011", &source, Span::default(), format!("cannot be read: {error}"))
}
