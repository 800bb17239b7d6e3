//! The disk thread as others see it: what is asked of it, what it tells, how it ends.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::ids::CallId;
use crate::moment::Moment;
use crate::recording::block::{Hash, Mark};

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
    /// `ended`: its other end goes with the thread.
    pub(super) fn new(
        commands: SyncSender<TapeCommand>,
        events: Receiver<TapeEvent>,
        figures: Arc<Figures>,
        thread: JoinHandle<()>,
        ended: Receiver<()>,
    ) -> RecorderHandle {
        RecorderHandle { commands: TapeCommands(commands), events, figures, thread, ended }
    }

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
