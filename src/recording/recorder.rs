//! The disk thread: takes packets from the media workers' rings and puts each on its call's tape.
//!
//! Nothing here can hold a call up. If the disk is slow the rings fill and the workers drop packets, counted;
//! if it refuses, that tape fails with an event, is tried again, and names what it lost.
//!
//! It costs little because it wakes seldom and does things in batches: every `TURN` it takes what the rings hold straight
//! into the tapes' next blocks; each tape's block is sealed, hashed and written once in `BLOCK_EVERY`, every tape at
//! a time of its own. Nobody wakes it: while there are tapes it sleeps by the clock, while there are none it waits.

mod courtesy;
mod handle;
mod open_tape;
mod rack;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

pub use handle::{Figures, NotStopped, RecorderHandle, TapeCommand, TapeCommands, TapeEvent};
use open_tape::{Closing, OpenTape};
use rack::Rack;

use super::frame::{Outlet, Record};
use super::index::tape_path;
use super::seal::TapeKey;
use super::tape::{Disk, Files, TapeWriter};
use crate::ids::CallId;
use crate::moment::Moment;

/// Rest between two looks at the rings while there are tapes; they hold a hundred times as much (`frame::RING_BYTES`).
const TURN: Duration = Duration::from_millis(20);

/// Rest while there are none: a packet without a tape is forgotten as soon.
const IDLE: Duration = STRAY_TIME;

/// Longest time that a packet waits in memory for its block. With `TURN` this is what a kill can cost: less than a second,
/// so that a thread that comes late still keeps the promise.
pub const BLOCK_EVERY: Duration = Duration::from_millis(800);

/// A failed tape is tried again this often.
pub const RETRY_EVERY: Duration = Duration::from_secs(5);

/// A tape stays open so long after `Close`, for packets that are still in a ring.
const LINGER: Duration = Duration::from_millis(200);

/// Packets without a tape are kept so long: their `Open` may be on its way.
const STRAY_TIME: Duration = Duration::from_secs(1);

/// Packets kept without a tape, 0.2 MB; beyond this the oldest is dropped and counted.
pub const STRAYS: usize = 1_024;

/// Memory for a tape's next block, bytes: `BLOCK_EVERY` of both sides in G.711 is 14,000.
const ROOM_BYTES: usize = 16 * 1024;

/// Memory of closed tapes kept for the next ones, 4 MB: as many calls as end in a quarter of a second at 1,000 a second.
/// What is beyond it, or grew over twice `ROOM_BYTES`, is given back.
pub const ROOMS: usize = 256;

/// Tapes open at once, each a file descriptor. Beyond this a call goes on unrecorded, with `Failed`.
pub const OPEN_TAPES: usize = 4_096;

/// Commands waiting for the disk thread: several for each call that can be up. When full, `send` hands them back.
pub const COMMANDS: usize = 16_384;

/// Events waiting to be fetched. When full they are dropped and counted in `Figures::events_lost`.
pub const EVENTS: usize = 16_384;

/// The disk thread's state, without the thread: `turn` does what is due.
pub struct Recorder {
    data: PathBuf,
    key: Option<TapeKey>,
    disk: Box<dyn Disk>,
    rings: Vec<Outlet>,
    rack: Rack,
    strays: VecDeque<Stray>,
    /// Memory for blocks that no tape uses.
    rooms: Vec<Vec<u8>>,
    /// Tapes opened so far.
    opened: u64,
    events: SyncSender<TapeEvent>,
    figures: Arc<Figures>,
    /// `Failing` was told, and not yet `AllWell`.
    alarmed: bool,
}

/// A packet without a tape.
struct Stray {
    since: Moment,
    call: CallId,
    record: Box<[u8]>,
}

impl Recorder {
    /// Starts the disk thread. `data`: the data folder. `key`: seals new tapes. `rings`: one per media worker.
    /// Errors: the thread cannot be had.
    pub fn spawn(
        data: PathBuf,
        key: Option<TapeKey>,
        rings: Vec<Outlet>,
        clock: impl Fn() -> Moment + Send + 'static,
    ) -> io::Result<RecorderHandle> {
        Recorder::spawn_on(Box::new(Files), data, key, rings, clock)
    }

    /// The same with another disk than the file system.
    pub fn spawn_on(
        disk: Box<dyn Disk>,
        data: PathBuf,
        key: Option<TapeKey>,
        rings: Vec<Outlet>,
        clock: impl Fn() -> Moment + Send + 'static,
    ) -> io::Result<RecorderHandle> {
        let (commands, inbox) = sync_channel(COMMANDS);
        let (alive, ended) = sync_channel(0);
        let (mut recorder, events) = Recorder::new(data, key, rings, disk);
        let figures = Arc::clone(&recorder.figures);
        let thread = std::thread::Builder::new().name("tape".into()).spawn(move || {
            let _alive = alive;
            recorder.run(&inbox, clock);
        })?;
        Ok(RecorderHandle::new(commands, events, figures, thread, ended))
    }

    /// A recorder that somebody else turns.
    pub fn new(
        data: PathBuf,
        key: Option<TapeKey>,
        rings: Vec<Outlet>,
        disk: Box<dyn Disk>,
    ) -> (Recorder, Receiver<TapeEvent>) {
        let (events, outbox) = sync_channel(EVENTS);
        let figures = Arc::default();
        let recorder = Recorder {
            data,
            key,
            disk,
            rings,
            rack: Rack::default(),
            strays: VecDeque::new(),
            rooms: Vec::new(),
            opened: 0,
            events,
            figures,
            alarmed: false,
        };
        (recorder, outbox)
    }

    fn run(&mut self, inbox: &Receiver<TapeCommand>, clock: impl Fn() -> Moment) {
        courtesy::let_audio_go_first();
        let mut commands = Vec::new();
        loop {
            let mut stop = self.rest(inbox, &mut commands);
            while commands.len() < COMMANDS {
                match inbox.try_recv() {
                    Ok(command) => commands.push(command),
                    Err(end) => {
                        stop |= end == TryRecvError::Disconnected;
                        break;
                    }
                }
            }
            stop |= commands.contains(&TapeCommand::Stop);
            self.turn(clock(), commands.drain(..));
            if stop {
                return self.stop(clock());
            }
        }
    }

    /// Sleeps by the clock while there is audio to fetch, whatever is asked meanwhile: at 1,500 calls a second each command
    /// would else cost two switches of threads. Else waits for a command. True if nobody commands any more.
    #[expect(clippy::disallowed_methods, reason = "this thread paces IO")]
    fn rest(&self, inbox: &Receiver<TapeCommand>, commands: &mut Vec<TapeCommand>) -> bool {
        if !self.rack.is_empty() || !self.strays.is_empty() {
            std::thread::sleep(TURN);
            return false;
        }
        match inbox.recv_timeout(IDLE) {
            Ok(command) => commands.push(command),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return true,
        }
        false
    }

    /// Takes commands, then packets, then writes what is due.
    pub fn turn(&mut self, now: Moment, commands: impl Iterator<Item = TapeCommand>) {
        for command in commands {
            self.command(now, command);
        }
        self.drain_rings(now);
        self.settle_strays(now);
        self.write_due(now);
        let failing = self.rack.failing();
        self.figures.failing_tapes.store(failing as u64, Ordering::Relaxed);
        self.figures.open_tapes.store(self.rack.len() as u64, Ordering::Relaxed);
        if self.alarmed && failing == 0 && self.rack.len() < OPEN_TAPES {
            // Told again next turn if there was no room: an alarm must not stay for ever.
            self.alarmed = !self.tell(TapeEvent::AllWell);
        }
    }

    /// Ends every tape.
    pub fn stop(&mut self, now: Moment) {
        self.drain_rings(now);
        for call in self.rack.calls() {
            self.rack.with(now, call, |tape| tape.stops(now));
        }
        self.turn(now, std::iter::empty());
    }

    fn command(&mut self, now: Moment, command: TapeCommand) {
        match command {
            TapeCommand::Open { call, started } => self.open(now, call, started),
            TapeCommand::Close { call, at } => {
                let closing = Closing { at, until: now + LINGER, why: "ended" };
                self.rack.with(now, call, |tape| tape.closes(closing));
            }
            TapeCommand::Mark { call, at, mark } => {
                if let Some(tape) = self.rack.get_mut(call) {
                    tape.writer.mark(at, &mark);
                }
            }
            TapeCommand::Stop => {}
        }
    }

    fn open(&mut self, now: Moment, call: CallId, started: Moment) {
        if self.rack.with(now, call, |tape| tape.goes_on(started)).is_some() {
            return;
        }
        if self.rack.len() == OPEN_TAPES {
            let why = format!("{OPEN_TAPES} tapes are open already");
            return self.tell_all([TapeEvent::Failed { call, why }]);
        }
        let path = tape_path(&self.data, call);
        let room = self.rooms.pop().unwrap_or_else(|| Vec::with_capacity(ROOM_BYTES));
        let writer = TapeWriter::new(path, call, started, self.key.as_ref(), room);
        let phase = self.phase(now);
        self.rack.put(now, OpenTape::new(call, writer, phase));
    }

    /// When a new tape is to be written: first after at least half of `BLOCK_EVERY`, so that a call of a second costs one
    /// or two writes, and at another time than those opened with it, so that a thousand do not all write in one turn.
    fn phase(&mut self, now: Moment) -> Duration {
        self.opened += 1;
        // Steps of the golden ratio divide a circle evenly however many they are (2^32 is the whole).
        let step = u128::from(self.opened.wrapping_mul(0x9E37_79B9) as u32);
        let half = BLOCK_EVERY.as_micros() / 2;
        let first = u128::from(now.as_micros()) + half + ((half * step) >> 32);
        Duration::from_micros((first % BLOCK_EVERY.as_micros()) as u64)
    }

    fn drain_rings(&mut self, now: Moment) {
        let mut rings = std::mem::take(&mut self.rings);
        let mut written = 0;
        for ring in &mut rings {
            ring.take(|record| written += u64::from(self.packet(now, &record)));
        }
        self.rings = rings;
        self.figures.frames_written.fetch_add(written, Ordering::Relaxed);
    }

    /// Whether the packet came on a tape.
    fn packet(&mut self, now: Moment, record: &Record<'_>) -> bool {
        let Some(tape) = self.rack.get_mut(record.call) else {
            self.keep_stray(now, record);
            return false;
        };
        if tape.loses() {
            self.figures.frames_lost.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        if tape.writer.packet(record) {
            self.write(now, record.call);
        }
        true
    }

    fn keep_stray(&mut self, now: Moment, record: &Record<'_>) {
        if self.strays.len() == STRAYS {
            self.strays.pop_front();
            self.figures.frames_strayed.fetch_add(1, Ordering::Relaxed);
        }
        let bytes = record.parts.concat().into_boxed_slice();
        self.strays.push_back(Stray { since: now, call: record.call, record: bytes });
    }

    /// Puts strays on tapes that have been opened since, and gives up on old ones.
    fn settle_strays(&mut self, now: Moment) {
        for _ in 0..self.strays.len() {
            let Some(stray) = self.strays.pop_front() else { return };
            if self.rack.holds(stray.call) {
                let record = Record { call: stray.call, parts: [&stray.record, &[]] };
                let written = self.packet(now, &record);
                self.figures.frames_written.fetch_add(u64::from(written), Ordering::Relaxed);
            } else if now.since(stray.since) < STRAY_TIME {
                self.strays.push_back(stray);
            } else {
                self.figures.frames_strayed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn write_due(&mut self, now: Moment) {
        while let Some(call) = self.rack.next_due(now) {
            match self.rack.get_mut(call).and_then(|tape| tape.ends(now)) {
                Some(closing) => self.close(now, call, &closing),
                None => self.write(now, call),
            }
        }
    }

    fn write(&mut self, now: Moment, call: CallId) {
        let disk = &mut *self.disk;
        let told = self.rack.with(now, call, |tape| tape.write(now, disk)).flatten();
        self.tell_all(told);
    }

    fn close(&mut self, now: Moment, call: CallId, closing: &Closing) {
        let Some(mut tape) = self.rack.remove(call) else { return };
        let told = tape.close(now, &mut *self.disk, closing);
        self.tell_all(told);
        let room = tape.writer.into_room();
        if self.rooms.len() < ROOMS && (ROOM_BYTES..=2 * ROOM_BYTES).contains(&room.capacity()) {
            self.rooms.push(room);
        }
    }

    fn tell_all(&mut self, events: impl IntoIterator<Item = TapeEvent>) {
        for event in events {
            if let TapeEvent::Failed { why, .. } = &event
                && !self.alarmed
            {
                self.alarmed = self.tell(TapeEvent::Failing { why: why.clone() });
            }
            self.tell(event);
        }
    }

    /// Whether there was room.
    fn tell(&self, event: TapeEvent) -> bool {
        let told = self.events.try_send(event).is_ok();
        if !told {
            self.figures.events_lost.fetch_add(1, Ordering::Relaxed);
        }
        told
    }
}

#[cfg(test)]
mod tests;
