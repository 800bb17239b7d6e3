//! The heart of a worker: who hears whom, without sockets, threads or clocks, so that all of it can be tested.
//! This file obeys commands; `relay` serves packets and slots, `report` RTCP and what is due each second.

use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use super::command::{Command, Rtcp, Session, Source};
use super::event::Event;
use super::feed::{Feed, Play};
use super::limits::{BATCH, DATAGRAM_BYTES, FRAME, PACING_PARTS, WAKEUPS};
use super::outbox::Outbox;
use super::pacing::Wheel;
use super::prompts::Library;
use super::stream::{Exits, Stream};
use super::table::Table;
use super::wire::Wire;
use crate::ids::{CallId, StreamId};
use crate::moment::Moment;

/// Parts of the second over which the streams' slow duties are spread.
const DUTY_PARTS: usize = 100;

pub struct Switch {
    pub(super) table: Table,
    pub(super) outbox: Outbox,
    pub(super) exits: Exits,
    /// Streams whose audio is made here, by 20 ms.
    pub(super) pacing: Wheel,
    /// All streams, by 1 s.
    pub(super) duties: Wheel,
    library: Arc<Library>,
    /// Our name in RTCP (RFC 3550 §6.5.1).
    pub(super) cname: Box<str>,
    pub(super) scratch: Box<[u8; DATAGRAM_BYTES]>,
    /// Slots whose packets leave at the end of the turn, once for each packet. Beyond its room packets are booked as
    /// if they had left at once.
    pub(super) leaving: Vec<usize>,
}

impl Switch {
    pub fn new(cname: &str, library: Arc<Library>, outbox: Outbox, exits: Exits) -> Self {
        Switch {
            table: Table::default(),
            outbox,
            exits,
            pacing: Wheel::new(FRAME, PACING_PARTS),
            duties: Wheel::new(Duration::from_secs(1), DUTY_PARTS),
            library,
            cname: cname.into(),
            scratch: Box::new([0; DATAGRAM_BYTES]),
            leaving: Vec::with_capacity(WAKEUPS.max(BATCH)),
        }
    }

    /// Obeys. A command about a stream that is not open, or opening one that is, is counted and ignored.
    pub fn obey(&mut self, now: Moment, command: Command, wire: &mut impl Wire) {
        let obeyed = match command {
            Command::Open { stream, local, port, seed } => {
                self.open(now, (stream, seed), port, |slot, used| wire.open(slot, used, local, port))
            }
            Command::Join { stream, local, port, seed } => {
                self.open(now, (stream, seed), port, |slot, _| wire.join(slot, local, port))
            }
            Command::Connect { stream, session } => self.connect(now, stream, &session, wire),
            Command::Hear { stream, source } => self.hear(now, stream, source),
            Command::Converse { stream, line } => self.converse(now, stream, *line),
            Command::Record { stream, call } => self.record(stream, Some(call)),
            Command::StopRecording { stream } => self.record(stream, None),
            Command::Close { stream } => self.close(now, stream, wire),
            Command::Prompts(library) => {
                self.library = library;
                Some(())
            }
        };
        if obeyed.is_none() {
            self.exits.stats.commands_ignored.add(1);
        }
        self.exits.stats.streams.set(self.table.len() as u64);
    }

    /// Closes everything: the engine is gone.
    pub fn close_all(&mut self, now: Moment, wire: &mut impl Wire) {
        while let Some(stream) = self.table.any() {
            self.obey(now, Command::Close { stream }, wire);
        }
    }

    /// When `on_time` wants to be called.
    pub fn next_deadline(&self) -> Option<Moment> {
        [self.pacing.next_deadline(), self.duties.next_deadline()].into_iter().flatten().min()
    }

    /// The slot still holds the stream that it held in `generation`.
    pub fn is_current(&self, slot: usize, generation: u32) -> bool {
        self.table.is_current(slot, generation)
    }

    /// Moves events that wait into the ring. True if the engine must be woken.
    pub fn flush(&mut self) -> bool {
        self.outbox.flush()
    }

    /// Events wait for room in the ring.
    pub fn is_behind(&self) -> bool {
        self.outbox.is_behind()
    }

    /// So many events wait that no more commands may be obeyed.
    pub fn is_congested(&self) -> bool {
        self.outbox.is_congested()
    }

    /// Serves all slots and duties whose time has come. How late the latest slot of generated audio was.
    pub fn on_time(&mut self, now: Moment, wire: &mut impl Wire) -> Duration {
        let late = self.pace(now, wire);
        self.attend(now, wire);
        late
    }

    /// Tells the engine something of the worker itself.
    pub fn tell(&mut self, event: Event) {
        self.outbox.tell(event);
    }

    /// `bind` is given the slot and its generation.
    fn open(
        &mut self,
        now: Moment,
        (id, seed): (StreamId, u64),
        port: u16,
        bind: impl FnOnce(usize, u32) -> Result<(), i32>,
    ) -> Option<()> {
        if self.table.find(id).is_some() {
            return None;
        }
        let opened = match self.table.vacancy() {
            None => Err(Errno::EMFILE as i32),
            Some((slot, generation)) => bind(slot, generation).map(|()| slot),
        };
        match opened {
            Err(errno) => self.outbox.tell(Event::OpenFailed { stream: id, port, errno }),
            Ok(slot) => {
                self.table.put(Stream::new(id, seed, now));
                self.duties.insert(now, slot);
                self.outbox.tell(Event::Opened { stream: id });
            }
        }
        Some(())
    }

    fn connect(
        &mut self,
        now: Moment,
        stream: StreamId,
        session: &Session,
        wire: &mut impl Wire,
    ) -> Option<()> {
        let slot = self.table.find(stream)?;
        if self.table.get_mut(slot)?.connect(now, session) {
            wire.unsettle(slot);
        }
        let rtcp = match session.rtcp {
            Rtcp::Muxed => None,
            Rtcp::At(address) => Some(address),
        };
        if !wire.expect(slot, session.remote, rtcp) {
            self.outbox.tell(Event::Crossed { stream });
        }
        self.rejoin(now, slot);
        Some(())
    }

    fn hear(&mut self, now: Moment, stream: StreamId, source: Source) -> Option<()> {
        let slot = self.table.find(stream)?;
        self.end_conversation(slot);
        let library = Arc::clone(&self.library);
        let feed = match source {
            Source::Silence => Feed::Silence,
            Source::Prompts { play, prompts } => Feed::Prompts(Play::new(play, prompts, library)),
            Source::Loop(prompt) => Feed::Loop { library, prompt, place: 0 },
            Source::Peer { stream, digits } => {
                let found = self.hear_streams(slot, &[stream], digits, true);
                self.arrange(now, slot);
                return found.then_some(());
            }
            Source::Mix { streams, digits } => {
                let found = self.hear_streams(slot, &streams, digits, false);
                self.arrange(now, slot);
                return found.then_some(());
            }
        };
        self.hear_nobody(slot);
        self.table.get_mut(slot)?.feed = feed;
        self.arrange(now, slot);
        Some(())
    }

    /// Puts a stream into the pacing wheel or takes it out. A held stream stays in, so that its prompts end in time.
    pub(super) fn arrange(&mut self, now: Moment, slot: usize) {
        let Some(stream) = self.table.get_mut(slot) else { return };
        let paced = stream.link.is_some() && stream.feed.is_generated();
        if paced && !stream.paced {
            self.pacing.insert(now, slot);
        }
        if !paced && stream.paced {
            self.pacing.remove(slot);
        }
        stream.paced = paced;
    }

    fn record(&mut self, stream: StreamId, call: Option<CallId>) -> Option<()> {
        let slot = self.table.find(stream)?;
        self.tell_gap(slot);
        let stream = self.table.get_mut(slot)?;
        let sounds = stream.ear.as_ref().is_some_and(|ear| ear.is_busy());
        (stream.tape, stream.tape_after_key) = if sounds { (None, call) } else { (call, None) };
        Some(())
    }

    /// Tells what is missing on the tape since it was last told.
    pub(super) fn tell_gap(&mut self, slot: usize) {
        let Some(stream) = self.table.get_mut(slot) else { return };
        let frames = std::mem::take(&mut stream.gap);
        if let Some(call) = stream.tape
            && frames > 0
        {
            self.outbox.tell(Event::TapeGap { call, frames });
        }
    }

    fn close(&mut self, now: Moment, stream: StreamId, wire: &mut impl Wire) -> Option<()> {
        let slot = self.table.find(stream)?;
        self.tell_gap(slot);
        self.count_shed(slot, wire);
        self.report(now, slot, true, wire);
        self.hear_nobody(slot);
        self.pacing.remove(slot);
        self.duties.remove(slot);
        let closed = self.table.remove(slot)?;
        let mut place = 0;
        while let Some(listener) = closed.listeners.get(place) {
            self.desert(slot, listener);
            self.arrange(now, listener);
            place += 1;
        }
        wire.close(slot);
        self.outbox.tell(Event::Closed { stream, figures: Box::new(closed.figures()) });
        Some(())
    }
}
