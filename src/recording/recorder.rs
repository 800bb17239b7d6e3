//! The disk thread: takes packets from the media workers' rings and puts each on its call's tape.
//!
//! Nothing here can hold a call up. If the disk is slow the rings fill and the workers drop packets, counted;
//! if it refuses, that tape fails with an event, is tried again, and names what it lost.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::block::{Hash, Mark};
use super::frame::TapeFrame;
use super::index::tape_path;
use super::seal::TapeKey;
use super::tape::{Disk, Files, TapeWriter};
use crate::ids::CallId;
use crate::moment::Moment;

/// Rest between two looks at the rings; they hold fifteen times as much (`frame::RING_SLOTS`).
const TURN: Duration = Duration::from_millis(20);

/// Longest time that a packet waits in memory for its block. With `TURN` this is what a kill can cost.
pub const BLOCK_EVERY: Duration = Duration::from_millis(500);

/// A failed tape is tried again this often.
pub const RETRY_EVERY: Duration = Duration::from_secs(5);

/// A tape stays open so long after `Close`, for packets that are still in a ring.
const LINGER: Duration = Duration::from_millis(200);

/// Packets without a tape are kept so long: their `Open` may be on its way.
const STRAY_TIME: Duration = Duration::from_secs(1);

/// Packets kept without a tape, 0.5 MB; beyond this the oldest is dropped and counted.
pub const STRAYS: usize = 1_024;

/// Tapes open at once, each a file descriptor. Beyond this a call goes on unrecorded, with `Failed`.
pub const OPEN_TAPES: usize = 4_096;

/// Commands waiting for the disk thread: several for each call that can be up. When full, `send` hands them back.
pub const COMMANDS: usize = 16_384;

/// Events waiting to be fetched. When full they are dropped and counted in `Figures::events_lost`.
pub const EVENTS: usize = 16_384;

/// What the control plane asks of the disk thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TapeCommand {
    /// A call is recorded from `started` on. Packets of it may come earlier than this.
    /// Once per call: a tape that was closed is not opened again (to interrupt it, use marks).
    Open { call: CallId, started: Moment },
    /// The tape ends; packets that are under way still get on it.
    Close { call: CallId, at: Moment },
    /// A gap, pause or resume.
    Mark { call: CallId, at: Moment, mark: Mark },
    /// Ends every tape in order, then the thread.
    Stop,
}

/// What the disk thread tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TapeEvent {
    /// Nothing of the call is recorded from now on; tried again every `RETRY_EVERY` until it closes.
    Failed { call: CallId, why: String },
    /// The tape goes on; `frames` packets were lost in between and are marked as a gap.
    Recovered { call: CallId, frames: u32 },
    /// The tape is complete; `hash` stands for all of it.
    Closed { call: CallId, bytes: u64, hash: Hash },
    /// The first failure after all was well: worth an alarm, once for however many tapes.
    Failing { why: String },
    /// No open tape is failing any more, and another may be opened.
    AllWell,
}

/// Counts since the start, readable from any thread.
#[derive(Debug, Default)]
pub struct Figures {
    pub frames_written: AtomicU64,
    /// Packets that belonged to no open tape.
    pub frames_strayed: AtomicU64,
    /// Packets dropped while their tape had failed.
    pub frames_lost: AtomicU64,
    pub open_tapes: AtomicU64,
    /// Tapes that cannot be written at the moment. More than zero is worth an alarm.
    pub failing_tapes: AtomicU64,
    pub events_lost: AtomicU64,
}

/// The way to the disk thread; cheap to clone.
#[derive(Clone)]
pub struct TapeCommands(SyncSender<TapeCommand>);

impl TapeCommands {
    /// Never blocks. `Err` hands the command back: the disk thread is `COMMANDS` behind, or gone.
    pub fn send(&self, command: TapeCommand) -> Result<(), TapeCommand> {
        self.0.try_send(command).map_err(|error| match error {
            TrySendError::Full(command) | TrySendError::Disconnected(command) => command,
        })
    }
}

/// A running disk thread.
pub struct RecorderHandle {
    pub commands: TapeCommands,
    pub events: Receiver<TapeEvent>,
    pub figures: Arc<Figures>,
    thread: JoinHandle<()>,
    /// Says nothing; its other end goes with the thread.
    ended: Receiver<()>,
}

/// The disk thread was told to stop and did not end in order: tapes may lack their ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStopped {
    /// The disk takes nothing. The thread is left behind, and ends with the process.
    #[error("the disk thread stands still; look at the disk")]
    StandsStill,
    #[error("the disk thread panicked")]
    Panicked,
}

impl RecorderHandle {
    /// The thread has ended although nobody stopped it.
    pub fn is_gone(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends every tape in order and waits for it: a moment, or as long as the disk takes, but not beyond `patience`.
    pub fn stop(self, patience: Duration) -> Result<(), NotStopped> {
        let RecorderHandle { commands, ended, thread, .. } = self;
        // If there is no room for it, that nobody commands any more says the same.
        let _ = commands.send(TapeCommand::Stop);
        drop(commands);
        if ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            return Err(NotStopped::StandsStill);
        }
        thread.join().map_err(|_| NotStopped::Panicked)
    }
}

/// The disk thread's state, without the thread: `turn` does what is due.
pub struct Recorder {
    data: PathBuf,
    key: Option<TapeKey>,
    disk: Box<dyn Disk>,
    rings: Vec<rtrb::Consumer<TapeFrame>>,
    tapes: BTreeMap<CallId, OpenTape>,
    strays: VecDeque<(Moment, TapeFrame)>,
    events: SyncSender<TapeEvent>,
    figures: Arc<Figures>,
    /// `Failing` was told, and not yet `AllWell`.
    alarmed: bool,
}

struct OpenTape {
    writer: TapeWriter,
    flushed: Moment,
    failing: Option<Failing>,
    closing: Option<Closing>,
}

struct Failing {
    retry: Moment,
    why: String,
    lost: u32,
}

struct Closing {
    at: Moment,
    until: Moment,
    why: &'static str,
}

impl Recorder {
    /// Starts the disk thread. `data`: the data folder. `key`: seals new tapes. `rings`: one per media worker.
    /// Errors: the thread cannot be had.
    pub fn spawn(
        data: PathBuf,
        key: Option<TapeKey>,
        rings: Vec<rtrb::Consumer<TapeFrame>>,
        clock: impl Fn() -> Moment + Send + 'static,
    ) -> io::Result<RecorderHandle> {
        Recorder::spawn_on(Box::new(Files), data, key, rings, clock)
    }

    /// The same with another disk than the file system.
    pub fn spawn_on(
        disk: Box<dyn Disk>,
        data: PathBuf,
        key: Option<TapeKey>,
        rings: Vec<rtrb::Consumer<TapeFrame>>,
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
        Ok(RecorderHandle { commands: TapeCommands(commands), events, figures, thread, ended })
    }

    /// A recorder that somebody else turns.
    pub fn new(
        data: PathBuf,
        key: Option<TapeKey>,
        rings: Vec<rtrb::Consumer<TapeFrame>>,
        disk: Box<dyn Disk>,
    ) -> (Recorder, Receiver<TapeEvent>) {
        let (events, outbox) = sync_channel(EVENTS);
        let figures = Arc::default();
        let (tapes, strays) = (BTreeMap::new(), VecDeque::new());
        (Recorder { data, key, disk, rings, tapes, strays, events, figures, alarmed: false }, outbox)
    }

    fn run(&mut self, inbox: &Receiver<TapeCommand>, clock: impl Fn() -> Moment) {
        let mut commands = Vec::new();
        loop {
            let mut stop = false;
            match inbox.recv_timeout(TURN) {
                Ok(command) => commands.push(command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => stop = true,
            }
            commands.extend(inbox.try_iter().take(COMMANDS));
            stop |= commands.contains(&TapeCommand::Stop);
            self.turn(clock(), commands.drain(..));
            if stop {
                return self.stop(clock());
            }
        }
    }

    /// Takes commands, then packets, then writes what is due.
    pub fn turn(&mut self, now: Moment, commands: impl Iterator<Item = TapeCommand>) {
        for command in commands {
            self.command(now, command);
        }
        self.drain_rings(now);
        self.settle_strays(now);
        self.write_due(now);
        let failing = self.tapes.values().filter(|tape| tape.failing.is_some()).count();
        self.figures.failing_tapes.store(failing as u64, Ordering::Relaxed);
        self.figures.open_tapes.store(self.tapes.len() as u64, Ordering::Relaxed);
        if self.alarmed && failing == 0 && self.tapes.len() < OPEN_TAPES {
            // Told again next turn if there was no room: an alarm must not stay for ever.
            self.alarmed = !self.tell(TapeEvent::AllWell);
        }
    }

    /// Ends every tape.
    pub fn stop(&mut self, now: Moment) {
        self.drain_rings(now);
        for tape in self.tapes.values_mut() {
            tape.closing.get_or_insert(Closing { at: now, until: now, why: "server_stopped" }).until = now;
        }
        self.turn(now, std::iter::empty());
    }

    fn command(&mut self, now: Moment, command: TapeCommand) {
        match command {
            TapeCommand::Open { call, started } => self.open(now, call, started),
            TapeCommand::Close { call, at } => {
                if let Some(tape) = self.tapes.get_mut(&call) {
                    tape.closing = Some(Closing { at, until: now + LINGER, why: "ended" });
                }
            }
            TapeCommand::Mark { call, at, mark } => {
                if let Some(tape) = self.tapes.get_mut(&call) {
                    tape.writer.mark(at, &mark);
                }
            }
            TapeCommand::Stop => {}
        }
    }

    fn open(&mut self, now: Moment, call: CallId, started: Moment) {
        if let Some(tape) = self.tapes.get_mut(&call) {
            // Recorded again before the tape was put away: it goes on.
            if let Some(closing) = tape.closing.take() {
                tape.writer.mark(closing.at, &Mark::Pause { reason: "not recorded".into() });
                tape.writer.mark(started, &Mark::Resume);
            }
            return;
        }
        if self.tapes.len() == OPEN_TAPES {
            let why = format!("{OPEN_TAPES} tapes are open already");
            return self.tell_all([TapeEvent::Failed { call, why }]);
        }
        let path = tape_path(&self.data, call);
        let writer = TapeWriter::new(path, call, started, self.key.as_ref());
        let mut tape = OpenTape { writer, flushed: now, failing: None, closing: None };
        let told = tape.write(now, &mut *self.disk, call);
        self.tapes.insert(call, tape);
        self.tell_all(told);
    }

    fn drain_rings(&mut self, now: Moment) {
        for index in 0..self.rings.len() {
            // What is there now; more may come for ever.
            for _ in 0..self.rings[index].slots() {
                let Ok(frame) = self.rings[index].pop() else { break };
                self.frame(now, frame);
            }
        }
    }

    fn frame(&mut self, now: Moment, frame: TapeFrame) {
        let Some(tape) = self.tapes.get_mut(&frame.call) else {
            if self.strays.len() == STRAYS {
                self.strays.pop_front();
                self.figures.frames_strayed.fetch_add(1, Ordering::Relaxed);
            }
            return self.strays.push_back((now, frame));
        };
        if let Some(failing) = &mut tape.failing {
            failing.lost = failing.lost.saturating_add(1);
            self.figures.frames_lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.figures.frames_written.fetch_add(1, Ordering::Relaxed);
        if tape.writer.frame(&frame) {
            let told = tape.write(now, &mut *self.disk, frame.call);
            self.tell_all(told);
        }
    }

    /// Puts strays on tapes that have been opened since, and gives up on old ones.
    fn settle_strays(&mut self, now: Moment) {
        for _ in 0..self.strays.len() {
            let Some((since, frame)) = self.strays.pop_front() else { return };
            if self.tapes.contains_key(&frame.call) {
                self.frame(now, frame);
            } else if now.since(since) < STRAY_TIME {
                self.strays.push_back((since, frame));
            } else {
                self.figures.frames_strayed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn write_due(&mut self, now: Moment) {
        let mut told = Vec::new();
        let disk = &mut *self.disk;
        self.tapes.retain(|call, tape| {
            let closing = tape.closing.take_if(|closing| closing.until <= now);
            if let Some(closing) = closing {
                told.extend(tape.close(now, disk, *call, &closing));
                return false;
            }
            let due = match &tape.failing {
                Some(failing) => failing.retry <= now,
                None => now.since(tape.flushed) >= BLOCK_EVERY,
            };
            if due {
                told.extend(tape.write(now, disk, *call));
            }
            true
        });
        self.tell_all(told);
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

impl OpenTape {
    /// Writes what waits; says so if the tape fails by that, or is back.
    fn write(&mut self, now: Moment, disk: &mut dyn Disk, call: CallId) -> Option<TapeEvent> {
        let written = self.writer.flush(disk);
        self.flushed = now;
        match (written, self.failing.take()) {
            (Ok(()), None) => None,
            (Ok(()), Some(Failing { why, lost, .. })) => {
                self.writer.mark(now, &Mark::Gap { why, frames: lost });
                Some(TapeEvent::Recovered { call, frames: lost })
            }
            (Err(error), before) => {
                let why = error.to_string();
                let known = before.is_some();
                let lost = before.map_or(0, |failing| failing.lost);
                self.failing = Some(Failing { retry: now + RETRY_EVERY, why: why.clone(), lost });
                (!known).then_some(TapeEvent::Failed { call, why })
            }
        }
    }

    /// The last words. What the disk does not take now is lost, and the tape stays without an end.
    fn close(
        &mut self,
        now: Moment,
        disk: &mut dyn Disk,
        call: CallId,
        closing: &Closing,
    ) -> impl Iterator<Item = TapeEvent> + use<> {
        let recovered = match self.failing {
            Some(_) => self.write(now, disk, call),
            None => None,
        };
        if self.failing.is_none() {
            self.writer.mark(closing.at, &Mark::End { why: closing.why.into() });
        }
        let last = match (self.write(now, disk, call), &self.failing) {
            (Some(failed), _) => failed,
            (None, Some(failing)) => {
                TapeEvent::Failed { call, why: format!("left without an end: {}", failing.why) }
            }
            (None, None) => TapeEvent::Closed { call, bytes: self.writer.bytes(), hash: self.writer.hash() },
        };
        recovered.into_iter().chain([last])
    }
}

#[cfg(test)]
mod tests;
