//! Reading a tape back: everything up to its end, its torn tail, or the first damage.

use std::io;
use std::path::Path;

use super::block::{self, Chain, Damage, HASH_BYTES, HEADER_BYTES, Hash, Header, Mark, Next, Packet, Record};
use super::frame::Side;
use super::seal::TapeKey;
use super::tape::TAPE_BYTES;
use crate::media::command::Codec;
use crate::moment::Moment;

/// Why a tape cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    #[error("{path}: {source}")]
    File {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("{path}: {source}")]
    Damaged {
        path: String,
        #[source]
        source: Damage,
    },
    #[error("{path}: longer than any tape this server writes")]
    TooLong { path: String },
    #[error("{path}: the tape is sealed; its key is needed (recording.key in the configuration)")]
    Sealed { path: String },
    #[error("{path}: sealed with another key than the one given")]
    WrongKey { path: String },
}

/// A packet's place in the tape's sound.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    pub side: Side,
    pub codec: Codec,
    pub rtp_time: u32,
    pub at: Moment,
    /// Made by the server at its slot.
    pub made: bool,
    start: u32,
    length: u16,
}

/// What a tape holds, in memory.
pub struct Tape {
    pub header: Header,
    pub marks: Vec<(Moment, Mark)>,
    pub packets: Vec<Kept>,
    /// Payloads, one after the other.
    sound: Vec<u8>,
    pub figures: Figures,
    /// Records could be read: false for a sealed tape read without its key.
    pub opened: bool,
}

/// How a tape's bytes were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Of the whole file.
    pub bytes: u64,
    pub blocks: u64,
    /// The hash that the last good block ends with.
    pub hash: Hash,
    /// Bytes of a last block that was never finished; they are ignored.
    pub torn_bytes: u64,
    /// The first thing that is not as it was written; what comes after it is not trusted.
    pub damage: Option<Damage>,
}

impl Tape {
    /// Reads a tape and opens it if it is sealed. Damage behind the header is not an error but in `figures`.
    pub fn read(path: &Path, key: Option<&TapeKey>) -> Result<Tape, TapeError> {
        let tape = Tape::inspect(path, key)?;
        match tape.opened {
            true => Ok(tape),
            false => Err(TapeError::Sealed { path: path.display().to_string() }),
        }
    }

    /// As `read`, but a sealed tape without a key gives its figures and nothing else.
    pub fn inspect(path: &Path, key: Option<&TapeKey>) -> Result<Tape, TapeError> {
        let name = || path.display().to_string();
        let file_error = |source| TapeError::File { path: name(), source };
        if std::fs::metadata(path).map_err(file_error)?.len() > TAPE_BYTES {
            return Err(TapeError::TooLong { path: name() });
        }
        let bytes = std::fs::read(path).map_err(file_error)?;
        let (header, hash) =
            Header::decode(&bytes).map_err(|source| TapeError::Damaged { path: name(), source })?;
        let seal = match (header.key, key) {
            (Some(id), Some(key)) if id == key.id() => Some(key.seal(header.call)),
            (Some(_), Some(_)) => return Err(TapeError::WrongKey { path: name() }),
            _ => None,
        };
        let opened = header.key.is_none() || seal.is_some();
        let figures = Figures { bytes: bytes.len() as u64, blocks: 0, hash, torn_bytes: 0, damage: None };
        let mut tape =
            Tape { header, marks: Vec::new(), packets: Vec::new(), sound: Vec::new(), figures, opened };
        tape.read_blocks(&bytes, Chain::new(hash, seal));
        Ok(tape)
    }

    pub fn payload(&self, packet: &Kept) -> &[u8] {
        let start = packet.start as usize;
        &self.sound[start..start + usize::from(packet.length)]
    }

    /// When the tape ends and why, if it was ended in order.
    pub fn end(&self) -> Option<(Moment, &str)> {
        match self.marks.last() {
            Some((at, Mark::End { why })) => Some((*at, why)),
            _ => None,
        }
    }

    /// The last moment of which the tape tells anything.
    pub fn last_heard(&self) -> Moment {
        let packets = self.packets.iter().map(|packet| packet.at);
        let marks = self.marks.iter().map(|(at, _)| *at);
        packets.chain(marks).max().unwrap_or(self.header.started)
    }

    fn read_blocks(&mut self, bytes: &[u8], mut chain: Chain) {
        let mut at = HEADER_BYTES;
        while at < bytes.len() {
            match chain.open_block(&bytes[at..], at as u64) {
                Ok(Next::Block { body, bytes }) => {
                    if self.opened && !self.take_records(&body) {
                        self.figures.damage = Some(Damage::Record(at as u64));
                        return;
                    }
                    self.figures.blocks += 1;
                    self.figures.hash = chain.last();
                    at += bytes;
                }
                Ok(Next::Torn) => {
                    self.figures.torn_bytes = (bytes.len() - at) as u64;
                    return;
                }
                Err(damage) => {
                    self.figures.damage = Some(damage);
                    return;
                }
            }
        }
    }

    fn take_records(&mut self, body: &[u8]) -> bool {
        for record in block::records(body) {
            match record {
                Some(Record::Packet(packet)) => self.take_packet(&packet),
                Some(Record::Mark { at, mark }) => self.marks.push((at, mark)),
                None => return false,
            }
        }
        true
    }

    fn take_packet(&mut self, packet: &Packet<'_>) {
        let Packet { side, codec, rtp_time, at, made, payload } = *packet;
        // Both fit: a tape is shorter than 4 GiB, a payload's length was a u16.
        let (start, length) = (self.sound.len() as u32, payload.len() as u16);
        self.sound.extend_from_slice(payload);
        self.packets.push(Kept { side, codec, rtp_time, at, made, start, length });
    }
}

/// A hash in hexadecimal, as reports print it.
pub fn hex(hash: &[u8; HASH_BYTES]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
