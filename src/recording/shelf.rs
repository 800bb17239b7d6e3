//! What the command line and the API ask of the tapes as a whole.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::index::{self, Entry, tape_path};
use super::read::{Tape, TapeError};
use super::seal::TapeKey;
use super::timeline::Timeline;
use super::verify::{Report, verify};
use super::{message, wav};
use crate::ids::CallId;
use crate::moment::Moment;

/// The data folder's tapes.
#[derive(Clone, Debug)]
pub struct Shelf {
    data: PathBuf,
    key: Option<TapeKey>,
}

#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    #[error("call {0} has no tape")]
    NoTape(CallId),
    #[error("call {0} has no message {1}")]
    NoMessage(CallId, u32),
    #[error(transparent)]
    Tape(#[from] TapeError),
    #[error("{path}: {source}")]
    Out {
        path: String,
        #[source]
        source: hound::Error,
    },
    #[error("the tapes cannot be listed: {0}")]
    List(#[from] std::io::Error),
}

/// One tape of `verify_all`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    Report(Box<Report>),
    /// Not even its header could be read.
    Unreadable {
        call: CallId,
        why: String,
    },
    /// The call's record says that it was recorded, and there is no tape.
    Missing {
        call: CallId,
    },
}

impl Shelf {
    /// `data`: the data folder. `key`: the one that seals tapes, if they are sealed.
    pub fn new(data: impl Into<PathBuf>, key: Option<TapeKey>) -> Shelf {
        Shelf { data: data.into(), key }
    }

    /// Newest first, at most `limit`.
    pub fn list(&self, limit: usize) -> Result<Vec<Entry>, ShelfError> {
        Ok(index::list(&self.data, limit)?)
    }

    /// The file of a call's tape.
    pub fn find(&self, call: CallId) -> Result<PathBuf, ShelfError> {
        Some(tape_path(&self.data, call)).filter(|path| path.exists()).ok_or(ShelfError::NoTape(call))
    }

    /// Lays a call's tape out in time, for `wav::read_range`. Reads the whole tape: keep it while it is played.
    pub fn timeline(&self, call: CallId) -> Result<Timeline, ShelfError> {
        Ok(Timeline::new(Tape::read(&self.find(call)?, self.key.as_ref())?))
    }

    /// Writes a call's tape as a WAV file that only its owner may read; returns its bytes.
    pub fn export(&self, call: CallId, out: &Path) -> Result<u64, ShelfError> {
        let timeline = self.timeline(call)?;
        let failed = |source| ShelfError::Out { path: out.display().to_string(), source };
        let file = private(out).map_err(|e| failed(hound::Error::IoError(e)))?;
        wav::write(&timeline, std::io::BufWriter::new(file)).map_err(failed)?;
        Ok(wav::wav_len(&timeline))
    }

    /// A message as a WAV file: the caller, from the message's begin to its end.
    pub fn message(&self, call: CallId, number: u32) -> Result<Vec<u8>, ShelfError> {
        let timeline = self.timeline(call)?;
        let span = message::span(&timeline, number).ok_or(ShelfError::NoMessage(call, number))?;
        Ok(wav::caller(&timeline, span))
    }

    /// Writes a message as a WAV file that only its owner may read; returns its bytes.
    pub fn export_message(&self, call: CallId, number: u32, out: &Path) -> Result<u64, ShelfError> {
        let sound = self.message(call, number)?;
        let written = private(out).and_then(|mut file| file.write_all(&sound));
        let failed = |source| ShelfError::Out { path: out.display().to_string(), source };
        written.map_err(|error| failed(hound::Error::IoError(error)))?;
        Ok(sound.len() as u64)
    }

    /// Accounts for one tape. `call_ended`: the end that the call's record tells.
    pub fn verify(&self, call: CallId, call_ended: Option<Moment>) -> Result<Report, ShelfError> {
        Ok(verify(Tape::inspect(&self.find(call)?, self.key.as_ref())?, call_ended))
    }

    /// Accounts for every tape, newest first. `call_ended` tells each call's recorded end where it is known.
    pub fn verify_all(
        &self,
        call_ended: impl Fn(CallId) -> Option<Moment>,
    ) -> Result<Vec<Verified>, ShelfError> {
        let tapes = self.list(index::LISTED)?;
        let verified = tapes.iter().map(|entry| {
            let call = entry.call;
            match Tape::inspect(&entry.path, self.key.as_ref()) {
                Ok(tape) => Verified::Report(Box::new(verify(tape, call_ended(call)))),
                Err(why) => Verified::Unreadable { call, why: why.to_string() },
            }
        });
        Ok(verified.collect())
    }

    /// The last moment that a call's tape tells of: when a call that nobody ended was last alive.
    pub fn last_heard(&self, call: CallId) -> Option<Moment> {
        let tape = Tape::read(&self.find(call).ok()?, self.key.as_ref()).ok()?;
        Some(tape.last_heard())
    }
}

/// A file that only its owner may read, in place of what was there.
fn private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}
