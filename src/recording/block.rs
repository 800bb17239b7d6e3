//! The bytes of a tape: a header, then blocks, each holding records. All numbers are little-endian.
//!
//! ```text
//! header  "HLTAPE\r\n" version:u16 flags:u16 0:u32 call:u64 started:u64 key id:8   hash:32      = 72 bytes
//! block   length:u32 number:u64 check:4                     body:length            hash:32
//! ```
//! A hash is SHA-256 over the previous hash and everything before it in the block, so blocks cannot be changed,
//! swapped or taken out. `check` is the start of a hash over the previous hash, length and number: a wrong length is
//! told from a block that was cut off while being written. Numbers rise, not always by one; they are nonces too.
//! The body of a sealed tape is AES-256-GCM, bound to the head and the previous hash.

use aws_lc_rs::digest::{Context, SHA256};

use super::frame::{self, PACKET, Side};
use super::seal::{KeyId, Seal, SealBroken, TAG_BYTES};
use crate::ids::CallId;
use crate::media::command::Codec;
use crate::moment::Moment;

pub type Hash = [u8; 32];

const MAGIC: &[u8; 8] = b"HLTAPE\r\n";
/// 2: packets say whether they were made here. 3: there are marks of messages. All before are read as well.
const VERSION: u16 = 3;
const SEALED: u16 = 1;
const HEADER_BODY: usize = 40;
pub const HEADER_BYTES: usize = HEADER_BODY + 32;
pub const HEAD_BYTES: usize = 16;
pub const HASH_BYTES: usize = 32;

/// Most records in a block, bytes: seven seconds of both sides in G.711, so a second of whatever comes. At this length
/// it is written before its time.
pub const BODY_BYTES: usize = 128 * 1024;

/// Longest text in a mark, bytes; the rest is cut.
pub const TEXT_BYTES: usize = 255;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub call: CallId,
    pub started: Moment,
    /// Which key sealed the tape, if any.
    pub key: Option<KeyId>,
}

/// Why bytes are not (any more) what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("not a tape")]
    NotATape,
    #[error("written by a newer version of the server (format {0})")]
    Newer(u16),
    #[error("the header was changed")]
    Header,
    #[error("the head of a block at byte {0} was changed")]
    Head(u64),
    #[error("a block at byte {0} was changed")]
    Body(u64),
    #[error("block at byte {at}: {why}")]
    Seal { at: u64, why: SealBroken },
    #[error("a block at byte {0} holds what is not a record")]
    Record(u64),
}

/// Something said about a tape, at a time, among the packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Packets that were to be recorded and are not here.
    Gap {
        why: String,
        frames: u32,
    },
    /// Nothing is recorded on purpose from here.
    Pause {
        reason: String,
    },
    Resume,
    /// The caller begins to speak a message.
    Message {
        number: u32,
        name: String,
    },
    MessageOver {
        number: u32,
        why: String,
    },
    /// The last record. Without it the tape was cut short.
    End {
        why: String,
    },
}

/// A packet on a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    pub side: Side,
    pub codec: Codec,
    pub rtp_time: u32,
    pub at: Moment,
    /// Made by the server, not passed on. Tapes of format 1 never say so.
    pub made: bool,
    pub payload: &'a [u8],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    Packet(Packet<'a>),
    Mark { at: Moment, mark: Mark },
}

pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = Hash::default();
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

impl Header {
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[..8].copy_from_slice(MAGIC);
        out[8..10].copy_from_slice(&VERSION.to_le_bytes());
        let flags = if self.key.is_some() { SEALED } else { 0 };
        out[10..12].copy_from_slice(&flags.to_le_bytes());
        out[16..24].copy_from_slice(&self.call.0.to_le_bytes());
        out[24..32].copy_from_slice(&self.started.as_micros().to_le_bytes());
        out[32..40].copy_from_slice(&self.key.unwrap_or_default());
        let hash = sha256(&[&out[..HEADER_BODY]]);
        out[HEADER_BODY..].copy_from_slice(&hash);
        out
    }

    /// The header and its hash, with which the chain begins. `bytes` may be longer; shorter is `Damage::NotATape`.
    pub fn decode(bytes: &[u8]) -> Result<(Header, Hash), Damage> {
        let mut fields = Fields(bytes.get(..HEADER_BYTES).ok_or(Damage::NotATape)?);
        let hash = sha256(&[&bytes[..HEADER_BODY]]);
        let genuine = hash[..] == bytes[HEADER_BODY..HEADER_BYTES];
        if fields.take(8) != Some(MAGIC) {
            return Err(Damage::NotATape);
        }
        let version = fields.u16().ok_or(Damage::NotATape)?;
        if !genuine {
            return Err(Damage::Header);
        }
        if !(1..=VERSION).contains(&version) {
            return Err(Damage::Newer(version));
        }
        let mut read = || {
            let flags = fields.u16()?;
            fields.take(4)?;
            let call = CallId(fields.u64()?);
            let started = Moment::from_micros(fields.u64()?);
            let id = fields.take(8)?.try_into().ok()?;
            Some(Header { call, started, key: (flags & SEALED != 0).then_some(id) })
        };
        Ok((read().ok_or(Damage::NotATape)?, hash))
    }
}

/// The running end of the hash chain, and the seal if there is one.
pub struct Chain {
    last: Hash,
    number: u64,
    seal: Option<Seal>,
}

/// What comes next on a tape.
pub enum Next {
    Block {
        body: Vec<u8>,
        bytes: usize,
    },
    /// The rest is the beginning of a block that was never finished.
    Torn,
}

impl Chain {
    pub fn new(header: Hash, seal: Option<Seal>) -> Self {
        Chain { last: header, number: 0, seal }
    }

    pub fn last(&self) -> Hash {
        self.last
    }

    /// A block has been made, or read.
    pub fn is_begun(&self) -> bool {
        self.number > 0
    }

    /// Makes the next block of `block[from..]`, which is room for the head (`HEAD_BYTES`) and then records, in place.
    pub fn close_block(&mut self, block: &mut Vec<u8>, from: usize) {
        self.number += 1;
        let body = from + HEAD_BYTES;
        let tag = if self.seal.is_some() { TAG_BYTES } else { 0 };
        let head = self.head(block.len() - body + tag, self.number);
        block[from..body].copy_from_slice(&head);
        if let Some(seal) = &self.seal {
            let tag = seal.close(self.number, &bound(&head, &self.last), &mut block[body..]);
            block.extend_from_slice(&tag);
        }
        self.last = sha256(&[&self.last, &block[from..]]);
        block.extend_from_slice(&self.last);
    }

    /// Reads the block that `rest` begins with; `at` is its place in the file. `rest` is not empty.
    pub fn open_block(&mut self, rest: &[u8], at: u64) -> Result<Next, Damage> {
        // A file that grew before its bytes arrived ends in zeros after a power cut.
        if rest.len() < HEAD_BYTES || rest.iter().all(|byte| *byte == 0) {
            return Ok(Next::Torn);
        }
        let head = &rest[..HEAD_BYTES];
        let mut fields = Fields(head);
        let (Some(length), Some(number)) = (fields.u32(), fields.u64()) else { return Ok(Next::Torn) };
        let length = length as usize;
        if self.head(length, number)[..] != *head || number <= self.number {
            return Err(Damage::Head(at));
        }
        let bytes = HEAD_BYTES + length + HASH_BYTES;
        if rest.len() < bytes {
            return Ok(Next::Torn);
        }
        let stored = &rest[HEAD_BYTES..HEAD_BYTES + length];
        let hash = sha256(&[&self.last, head, stored]);
        if hash[..] != rest[HEAD_BYTES + length..bytes] {
            return Err(Damage::Body(at));
        }
        let mut body = stored.to_vec();
        if let Some(seal) = &self.seal {
            seal.open(number, &bound(head, &self.last), &mut body).map_err(|why| Damage::Seal { at, why })?;
        }
        self.last = hash;
        self.number = number;
        Ok(Next::Block { body, bytes })
    }

    fn head(&self, length: usize, number: u64) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        head[..4].copy_from_slice(&(length as u32).to_le_bytes());
        head[4..12].copy_from_slice(&number.to_le_bytes());
        let check = sha256(&[&self.last, &head[..12]]);
        head[12..].copy_from_slice(&check[..4]);
        head
    }
}

fn bound(head: &[u8], last: &Hash) -> [u8; HEAD_BYTES + HASH_BYTES] {
    let mut bound = [0; HEAD_BYTES + HASH_BYTES];
    bound[..HEAD_BYTES].copy_from_slice(head);
    bound[HEAD_BYTES..].copy_from_slice(last);
    bound
}

const GAP: u8 = 2;
const PAUSE: u8 = 3;
const RESUME: u8 = 4;
const END: u8 = 5;
const MESSAGE: u8 = 6;
const MESSAGE_OVER: u8 = 7;

/// Appends a mark's record to a body.
pub fn put_mark(body: &mut Vec<u8>, at: Moment, mark: &Mark) {
    let (tag, number, text) = match mark {
        Mark::Gap { why, frames } => (GAP, *frames, why.as_str()),
        Mark::Pause { reason } => (PAUSE, 0, reason.as_str()),
        Mark::Resume => (RESUME, 0, ""),
        Mark::End { why } => (END, 0, why.as_str()),
        Mark::Message { number, name } => (MESSAGE, *number, name.as_str()),
        Mark::MessageOver { number, why } => (MESSAGE_OVER, *number, why.as_str()),
    };
    let text = &text[..text.floor_char_boundary(TEXT_BYTES)];
    body.push(tag);
    body.extend_from_slice(&at.as_micros().to_le_bytes());
    body.extend_from_slice(&number.to_le_bytes());
    body.push(text.len() as u8);
    body.extend_from_slice(text.as_bytes());
}

/// The records of a body, in order. `None` within means: this and the rest is not a record.
pub fn records(body: &[u8]) -> impl Iterator<Item = Option<Record<'_>>> {
    let mut fields = Fields(body);
    std::iter::from_fn(move || {
        if fields.0.is_empty() {
            return None;
        }
        let record = record(&mut fields);
        if record.is_none() {
            fields.0 = &[];
        }
        Some(record)
    })
}

fn record<'a>(fields: &mut Fields<'a>) -> Option<Record<'a>> {
    let tag = fields.u8()?;
    if tag == PACKET {
        let (side, codec, made) = frame::of_kind(fields.u8()?)?;
        let rtp_time = fields.u32()?;
        let at = Moment::from_micros(fields.u64()?);
        let length = fields.u16()?;
        let payload = fields.take(usize::from(length))?;
        return Some(Record::Packet(Packet { side, codec, rtp_time, at, made, payload }));
    }
    let at = Moment::from_micros(fields.u64()?);
    let number = fields.u32()?;
    let length = fields.u8()?;
    let text = std::str::from_utf8(fields.take(usize::from(length))?).ok()?.to_owned();
    let mark = match tag {
        GAP => Mark::Gap { why: text, frames: number },
        PAUSE => Mark::Pause { reason: text },
        RESUME => Mark::Resume,
        END => Mark::End { why: text },
        MESSAGE => Mark::Message { number, name: text },
        MESSAGE_OVER => Mark::MessageOver { number, why: text },
        _ => return None,
    };
    Some(Record::Mark { at, mark })
}

/// Bytes not read yet.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }
}
