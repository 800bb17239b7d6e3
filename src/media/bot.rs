//! A caller who talks with a bot, a program elsewhere: the worker's end of it.
//!
//! Both ways carry frames of 20 ms of µ-law at 8 kHz in bounded rings, made on a command. What the caller says goes through
//! the voice and a mix of one, whatever their codec; what the bot says is coded for the caller in the slot that prompts
//! leave by. So the far end hears one stream without a gap, before, with and after the bot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::codec::coder::PAYLOAD_BYTES;
use super::codec::{Law, Rate};
use super::command::Codec;
use super::feed::Feed;
use super::limits::{BOT_HEARS, BOT_SAYS, FRAME};
use super::mixer::Mix;
use super::relay::write_header;
use super::rtp::HEADER_BYTES;
use super::stream::Outgoing;
use super::switch::Switch;
use super::wire::Wire;
use crate::ids::StreamId;
use crate::moment::Moment;

/// 20 ms of µ-law.
pub const FRAME_BYTES: usize = 160;

/// What both ways carry.
pub type Frame = [u8; FRAME_BYTES];

/// The bot's only place in the mix that the caller hears.
const BOT: usize = 0;

/// A frame of the bot's and the turn it was said in.
#[derive(Debug)]
struct Said {
    turn: u32,
    frame: Frame,
}

/// What both ends see.
#[derive(Debug, Default)]
struct Shared {
    /// Frames of earlier turns are not played: the bot was interrupted.
    turn: AtomicU32,
    /// Frames of the bot's that were played, or passed over.
    played: AtomicU64,
    /// Frames of the caller's that the bot did not take in time.
    shed: AtomicU64,
}

/// The worker's end.
#[derive(Debug)]
pub struct Line {
    heard: rtrb::Producer<Frame>,
    said: rtrb::Consumer<Said>,
    shared: Arc<Shared>,
}

/// The bot's end.
#[derive(Debug)]
pub struct Speaker {
    heard: rtrb::Consumer<Frame>,
    said: rtrb::Producer<Said>,
    shared: Arc<Shared>,
    turn: u32,
    count: u64,
}

/// Both ends of a new line.
pub fn line() -> (Line, Speaker) {
    let (ear, heard) = rtrb::RingBuffer::new(BOT_HEARS);
    let (said, mouth) = rtrb::RingBuffer::new(BOT_SAYS);
    let shared = Arc::<Shared>::default();
    let speaker = Speaker { heard, said, shared: Arc::clone(&shared), turn: 0, count: 0 };
    (Line { heard: ear, said: mouth, shared }, speaker)
}

impl Speaker {
    /// The next frame that the caller said.
    pub fn hear(&mut self) -> Option<Frame> {
        self.heard.pop().ok()
    }

    /// Says 20 ms more; false if so much waits already that this must wait too.
    pub fn say(&mut self, frame: Frame) -> bool {
        let put = self.said.push(Said { turn: self.turn, frame }).is_ok();
        self.count += u64::from(put);
        put
    }

    /// What was said and not played yet is not played any more.
    pub fn falls_silent(&mut self) {
        self.turn = self.turn.wrapping_add(1);
        self.shared.turn.store(self.turn, Ordering::Release);
    }

    /// Frames said so far.
    pub fn said(&self) -> u64 {
        self.count
    }

    /// How many of them have been played, or passed over.
    pub fn played(&self) -> u64 {
        self.shared.played.load(Ordering::Acquire)
    }

    /// Frames of the caller's that were not taken in time and are lost: the newest, until there is room again.
    pub fn shed(&self) -> u64 {
        self.shared.shed.load(Ordering::Relaxed)
    }

    /// The worker has let go of its end.
    pub fn is_gone(&self) -> bool {
        self.heard.is_abandoned()
    }
}

impl Line {
    /// What the caller said goes to the bot, or is lost if the bot does not take it.
    fn tell(&mut self, frame: Frame) {
        if self.heard.push(frame).is_err() {
            self.shared.shed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn turn(&self) -> u32 {
        self.shared.turn.load(Ordering::Acquire)
    }

    /// The next frame of this turn.
    fn next(&mut self, turn: u32) -> Option<Frame> {
        while let Ok(said) = self.said.pop() {
            self.shared.played.fetch_add(1, Ordering::Release);
            if said.turn == turn {
                return Some(said.frame);
            }
        }
        None
    }
}

/// A stream whose far end talks with a bot.
#[derive(Debug)]
pub struct Conversation {
    line: Line,
    /// What the bot hears.
    ear: Mix,
    /// What the caller hears.
    mouth: Mix,
    turn: u32,
    /// The bot said something in the last frame.
    speaks: bool,
}

impl Conversation {
    /// Of the stream in `slot`, whose codec is `codec`.
    fn new(line: Line, slot: usize, codec: Codec) -> Self {
        let mut ear = Mix::new(Codec::Pcmu, Rate::Narrow);
        ear.add(slot);
        let turn = line.turn();
        Conversation { line, ear, mouth: mouth(codec), turn, speaks: false }
    }

    /// The rate of what the bot hears.
    pub fn rate(&self) -> Rate {
        self.ear.rate()
    }

    /// The voice of the caller, in `slot`, comes at this rate.
    pub fn comes_at(&mut self, slot: usize, rate: Rate) {
        self.ear.comes_at(slot, rate);
    }

    /// The caller's codec may be another now.
    pub fn speak(&mut self, codec: Codec) {
        if self.mouth.codec() != codec {
            self.mouth = mouth(codec);
        }
    }

    fn hear(&mut self, voice: Option<&[i16]>) {
        self.ear.begin();
        if let Some(frame) = voice {
            self.ear.hear(0, frame);
        }
        let mut frame = [0; FRAME_BYTES];
        self.ear.end(&mut frame);
        self.line.tell(frame);
    }

    /// The next payload for the caller; its length.
    fn frame(&mut self, payload: &mut [u8]) -> usize {
        let turn = self.line.turn();
        let said = self.line.next(turn);
        if self.speaks && (said.is_none() || turn != self.turn) {
            // What was heard last fades, so that nothing clicks.
            self.mouth.breaks_off(BOT);
        }
        (self.turn, self.speaks) = (turn, said.is_some());
        self.mouth.begin();
        if let Some(frame) = said {
            let mut samples = [0; FRAME_BYTES];
            Law::Mu.decode(&frame, &mut samples);
            self.mouth.hear(0, &samples);
        }
        self.mouth.end(payload)
    }
}

fn mouth(codec: Codec) -> Mix {
    let mut mix = Mix::new(codec, Rate::Narrow);
    mix.add(BOT);
    mix.comes_at(BOT, Rate::Narrow);
    mix
}

impl Switch {
    /// The far end of `stream` talks with a bot from now on, instead of hearing what it heard.
    pub(super) fn converse(&mut self, now: Moment, stream: StreamId, line: Line) -> Option<()> {
        let slot = self.table.find(stream)?;
        self.hear_nobody(slot);
        let stream = self.table.get_mut(slot)?;
        // Before Connect any codec will do: nothing is sent.
        let codec = stream.link.map_or(Codec::Pcma, |link| link.codec);
        stream.feed = Feed::Bot(Box::new(Conversation::new(line, slot, codec)));
        self.tune(slot);
        self.arrange(now, slot);
        Some(())
    }

    /// If the far end of `slot` talks with a bot: no more.
    pub(super) fn end_conversation(&mut self, slot: usize) {
        if let Some(stream) = self.table.get_mut(slot)
            && matches!(stream.feed, Feed::Bot(_))
        {
            stream.feed = Feed::Silence;
            self.tune(slot);
        }
    }

    /// One tick of a conversation: 20 ms each way.
    pub(super) fn talk(&mut self, now: Moment, slot: usize, due: Moment, wire: &mut impl Wire) {
        let Some(stream) = self.table.get_mut(slot) else { return };
        let (Some(link), Feed::Bot(talk)) = (stream.link, &mut stream.feed) else { return };
        let tick = due.as_micros() / FRAME.as_micros() as u64;
        talk.hear(stream.voice.as_mut().map(|voice| voice.frame(tick, due)));
        let mut packet = [0; HEADER_BYTES + PAYLOAD_BYTES];
        let length = talk.frame(&mut packet[HEADER_BYTES..]);
        if link.sends && length > 0 {
            let stamp = stream.timeline.generated(due, link.codec.frame_units());
            let packet = &mut packet[..HEADER_BYTES + length];
            write_header(packet, stream, link.payload_type, stamp);
            let outgoing = Outgoing { timestamp: stamp.timestamp, audio: true, datagram: packet };
            stream.send(slot, now, outgoing, &mut self.exits, wire);
        }
    }
}
