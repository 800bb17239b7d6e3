//! The folder of flows as the system has it: which files are meant, and that what is read stands in it.
//!
//! Whoever may write into the folder need not be allowed to read what the server may. So a link in it leads to another of its
//! files or is refused, by the kernel, which cannot be overtaken between a look and an opening.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use super::draft::DraftError;
use crate::diagnostic::{Diagnostic, Source, Span};

/// A folder that files are opened in.
pub(super) struct Shelf {
    path: PathBuf,
    folder: OwnedFd,
}

/// What stands under a name.
pub(super) enum About {
    File(Metadata),
    /// A folder, say.
    NoFile,
    /// It was there a moment ago.
    Gone,
    Refused(Box<Diagnostic>),
}

impl Shelf {
    pub fn open(path: &Path) -> Result<Shelf, DraftError> {
        let opened = File::open(path);
        let opened = opened.map_err(|source| DraftError::Unreadable { path: path.to_owned(), source })?;
        Ok(Shelf { path: path.to_owned(), folder: opened.into() })
    }

    /// The name, if it is of a flow or of tests; hidden files are neither.
    pub fn name(&self, name: &OsStr) -> Result<Option<String>, Box<Diagnostic>> {
        let text = name.to_string_lossy();
        let yaml = text.ends_with(".yaml") || text.ends_with(".yml");
        if !yaml || text.starts_with('.') {
            return Ok(None);
        }
        match name.to_str() {
            None => Err(self.refused(&text, "yaml-015", "the file's name is not UTF-8")),
            Some(name) if name.chars().any(char::is_control) => {
                Err(self.refused(name, "yaml-015", "the file's name has control characters"))
            }
            Some(name) => Ok(Some(name.to_owned())),
        }
    }

    pub fn about(&self, name: &str) -> Result<About, DraftError> {
        let unreadable = |source| DraftError::Unreadable { path: self.path.join(name), source };
        let refused = |message| Ok(About::Refused(self.refused(name, "yaml-016", message)));
        // Only looked at: opening a pipe would wait for who writes into it.
        match self.beneath(name, OFlag::O_PATH) {
            Ok(file) => {
                let about = file.metadata().map_err(unreadable)?;
                Ok(if about.is_file() { About::File(about) } else { About::NoFile })
            }
            Err(Errno::EXDEV) => refused("the link leads out of the folder, or is not relative"),
            Err(Errno::ELOOP) => refused("the link leads to itself"),
            Err(Errno::ENOENT) if self.path.join(name).is_symlink() => refused("the link leads to nothing"),
            Err(Errno::ENOENT) => Ok(About::Gone),
            Err(error) => Err(unreadable(error.into())),
        }
    }

    pub fn open_file(&self, name: &str) -> io::Result<File> {
        Ok(self.beneath(name, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?)
    }

    fn beneath(&self, name: &str, flags: OFlag) -> Result<File, Errno> {
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(resolve);
        openat2(&self.folder, name, how).map(File::from)
    }

    fn refused(&self, name: &str, code: &'static str, message: &str) -> Box<Diagnostic> {
        let place = self.path.join(name).display().to_string();
        Box::new(Diagnostic::error(code, &Source::new(place, ""), Span::default(), message))
    }
}
