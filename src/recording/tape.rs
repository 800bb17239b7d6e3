//! Writing one tape. Records gather in memory where the block will be; a flush seals and hashes them in place and writes
//! them with one call of the system. The file is created by the first.
//!
//! A block that the disk refused is kept and put at the same place again later, byte for byte, so that a seal's
//! nonce is never used for two different blocks and no half block stays in the middle.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::block::{self, BODY_BYTES, Chain, HASH_BYTES, HEAD_BYTES, HEADER_BYTES, Hash, Header, Mark};
use super::frame::Record;
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
        let open = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = open().or_else(|error| match path.parent() {
            // The first tape of the day.
            Some(folder) if error.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
                open()
            }
            _ => Err(error),
        });
        Ok(Box::new(file?))
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
    /// The next block: room for its head, then records. At first the tape's header stands before it.
    next: Vec<u8>,
    /// A finished block that the disk refused.
    refused: Vec<u8>,
}

impl TapeWriter {
    /// Touches no disk; the first `flush` with something to say creates the file. `room`: memory for the blocks, used again.
    pub fn new(
        path: PathBuf,
        call: CallId,
        started: Moment,
        key: Option<&TapeKey>,
        mut room: Vec<u8>,
    ) -> Self {
        let header = Header { call, started, key: key.map(TapeKey::id) }.encode();
        let mut hash = Hash::default();
        hash.copy_from_slice(&header[HEADER_BYTES - HASH_BYTES..]);
        room.clear();
        room.extend_from_slice(&header);
        room.extend_from_slice(&[0; HEAD_BYTES]);
        let chain = Chain::new(hash, key.map(|key| key.seal(call)));
        TapeWriter { path, sink: None, chain, offset: 0, next: room, refused: Vec::new() }
    }

    /// Adds a packet to the next block. Call `flush` when this says that the block is full.
    #[must_use]
    pub fn packet(&mut self, packet: &Record<'_>) -> bool {
        packet.put(&mut self.next);
        self.next.len() >= BODY_BYTES
    }

    /// Adds a mark to the next block.
    pub fn mark(&mut self, at: Moment, mark: &Mark) {
        block::put_mark(&mut self.next, at, mark);
    }

    /// Puts everything said so far into the file. On an error nothing is forgotten: flush again later.
    pub fn flush(&mut self, disk: &mut dyn Disk) -> io::Result<()> {
        if !self.refused.is_empty() {
            let refused = std::mem::take(&mut self.refused);
            self.write(refused, disk)?;
        }
        let from = if self.chain.is_begun() { 0 } else { HEADER_BYTES };
        if self.next.len() > from + HEAD_BYTES {
            let mut block = std::mem::take(&mut self.next);
            self.chain.close_block(&mut block, from);
            let written = self.write(block, disk);
            self.next.resize(HEAD_BYTES, 0);
            written?;
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

    /// The memory for blocks, to be used again. What was not flushed is lost.
    pub fn into_room(self) -> Vec<u8> {
        self.next
    }

    /// Writes a finished block, and keeps its memory for the next one or, if the disk refuses, all of it.
    fn write(&mut self, mut block: Vec<u8>, disk: &mut dyn Disk) -> io::Result<()> {
        let written = self.write_at_end(&block, disk);
        match written {
            Err(_) => self.refused = block,
            Ok(()) if self.next.is_empty() => {
                block.clear();
                self.next = block;
            }
            Ok(()) => {}
        }
        written
    }

    fn write_at_end(&mut self, block: &[u8], disk: &mut dyn Disk) -> io::Result<()> {
        let end = self.offset + block.len() as u64;
        if end > TAPE_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let sink = match &mut self.sink {
            Some(sink) => sink,
            None => self.sink.insert(disk.create(&self.path)?),
        };
        if let Err(error) = sink.write_at(block, self.offset) {
            // Without its header a file is no tape. What cannot be removed is kept, and written over later.
            if self.offset == 0 && disk.remove(&self.path).is_ok() {
                self.sink = None;
            }
            return Err(error);
        }
        self.offset = end;
        Ok(())
    }
}
