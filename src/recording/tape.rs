//! Writing one tape. Records gather in memory; a flush makes them a block and puts it at the file's end.
//!
//! A block that the disk refused is kept and put at the same place again later, byte for byte, so that a seal's
//! nonce is never used for two different blocks and no half block stays in the middle.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::block::{self, BODY_BYTES, Chain, HASH_BYTES, HEADER_BYTES, Hash, Header, Mark};
use super::frame::TapeFrame;
use super::seal::TapeKey;
use crate::ids::CallId;
use crate::moment::Moment;

/// Longest tape in bytes: about eight hours of both sides. What comes after is refused as `file too large`.
pub const TAPE_BYTES: u64 = 512 * 1024 * 1024;

/// Where tapes go. The real one is [`Files`]; tests have one that fills up.
pub trait Disk: Send + 'static {
    /// Creates the file, and the folders above it. A file that is there already is an error.
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Sink>>;

    /// Takes away a file that was created and holds nothing of use.
    fn remove(&mut self, path: &Path) -> io::Result<()>;
}

/// An open tape file.
pub trait Sink: Send {
    /// All of `bytes`, at `offset`. After an error any part of them may have been written.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

/// The file system. Tapes are readable by their owner only.
#[derive(Debug, Default)]
pub struct Files;

impl Disk for Files {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Sink>> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Box::new(file))
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}

impl Sink for File {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }
}

/// One tape being written.
pub struct TapeWriter {
    path: PathBuf,
    sink: Option<Box<dyn Sink>>,
    chain: Chain,
    /// Bytes safely in the file.
    offset: u64,
    /// A finished block (at first: the header) that is not in the file yet.
    block: Vec<u8>,
    /// Records of the next block.
    body: Vec<u8>,
}

impl TapeWriter {
    /// Touches no disk; the first `flush` creates the file.
    pub fn new(path: PathBuf, call: CallId, started: Moment, key: Option<&TapeKey>) -> Self {
        let header = Header { call, started, key: key.map(TapeKey::id) }.encode();
        let mut hash = Hash::default();
        hash.copy_from_slice(&header[HEADER_BYTES - HASH_BYTES..]);
        TapeWriter {
            path,
            sink: None,
            chain: Chain::new(hash, key.map(|key| key.seal(call))),
            offset: 0,
            block: header.to_vec(),
            body: Vec::new(),
        }
    }

    /// Adds a packet to the next block. Call `flush` when this says that the block is full.
    #[must_use]
    pub fn frame(&mut self, frame: &TapeFrame) -> bool {
        block::put_frame(&mut self.body, frame);
        self.body.len() >= BODY_BYTES / 2
    }

    /// Adds a mark to the next block.
    pub fn mark(&mut self, at: Moment, mark: &Mark) {
        block::put_mark(&mut self.body, at, mark);
    }

    /// Puts everything said so far into the file. On an error nothing is forgotten: flush again later.
    pub fn flush(&mut self, disk: &mut dyn Disk) -> io::Result<()> {
        self.write_block(disk)?;
        if !self.body.is_empty() {
            self.chain.close_block(&mut self.body, &mut self.block);
            self.write_block(disk)?;
        }
        Ok(())
    }

    /// Bytes in the file.
    pub fn bytes(&self) -> u64 {
        self.offset
    }

    /// The hash that the last block ends with: it stands for the whole tape.
    pub fn hash(&self) -> Hash {
        self.chain.last()
    }

    fn write_block(&mut self, disk: &mut dyn Disk) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let end = self.offset + self.block.len() as u64;
        if end > TAPE_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let sink = match &mut self.sink {
            Some(sink) => sink,
            None => self.sink.insert(disk.create(&self.path)?),
        };
        if let Err(error) = sink.write_at(&self.block, self.offset) {
            // Without its header a file is no tape. What cannot be removed is kept, and written over later.
            if self.offset == 0 && disk.remove(&self.path).is_ok() {
                self.sink = None;
            }
            return Err(error);
        }
        self.offset = end;
        self.block.clear();
        Ok(())
    }
}
