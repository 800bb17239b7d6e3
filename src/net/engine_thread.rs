//! The thread that drives the engine: one tokio runtime of its own, on which SIP sockets are served and nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::eventfd::EventFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::bot::{Bots, Talk};
use super::clock::Clock;
use super::http::{Hosts, Job};
use super::inbox::{self, Message, Waiting};
use super::limits::{
    COMMANDS_WAITING, EVENTS_PER_TURN, INPUTS_PER_TURN, LAST_WORDS, NEW_PER_TURN, TAPE_COMMANDS_WAITING,
    TAPE_LOOK, TAPES_END,
};
use super::operator::{self, Losses};
use super::tcp::{Connections, Sent};
use super::udp::Sockets;
use crate::engine::Engine;
use crate::engine::bot::BotFigures;
use crate::engine::happened::Happened;
use crate::engine::input::{AskId, Input};
use crate::engine::output::{BotOrder, Output};
use crate::engine::staff::{Answer, Ask};
use crate::ivr::bot::{BotEnd, BotFailure};
use crate::ivr::http::HttpFailure;
use crate::media::bot::line;
use crate::media::command::Command;
use crate::media::event::Event as MediaEvent;
use crate::media::worker::{WorkerHandle, taken};
use crate::moment::Moment;
use crate::recording::recorder::{RecorderHandle, TapeCommand, TapeEvent};
use crate::sip::transport::{Flow, Transport};
use crate::store::journal::JournalHandle;

/// The way to the engine, for everybody else: the API, signals, the demo's screen.
#[derive(Clone)]
pub struct EngineHandle {
    inbox: mpsc::Sender<Message>,
    happened: broadcast::Sender<Arc<Happened>>,
}

/// The engine has ended; the server is stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server is stopping")]
pub struct Stopped;

impl EngineHandle {
    /// Asks and waits for the answer.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Message::Ask(ask, reply)).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// A new configuration, or the wish to stop.
    pub async fn put(&self, input: Input) -> Result<(), Stopped> {
        self.inbox.send(Message::Input(input)).await.map_err(|_| Stopped)
    }

    /// Waits until the engine has ended, in order or not.
    pub async fn ended(&self) {
        self.inbox.closed().await;
    }

    /// Everything that happens from now on. Who reads too slowly misses some and is told how many.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Happened>> {
        self.happened.subscribe()
    }
}

/// What the engine's outputs go to.
pub struct Planes {
    pub clock: Clock,
    pub workers: Vec<WorkerHandle>,
    /// Readable when a worker has pushed events.
    pub media_events: Arc<EventFd>,
    pub recorder: RecorderHandle,
    pub journal: JournalHandle,
}

/// Sockets bound before the engine starts, so that a taken port is a clear word at start and not a dead server.
pub struct Bound {
    pub udp: Vec<std::net::UdpSocket>,
    pub tcp: Vec<std::net::TcpListener>,
}

/// Entries that a listener to what happens may be behind. Beyond it it misses the oldest.
const LISTENER_BEHIND: usize = 4_096;

/// Starts the thread. It ends when the engine has been told to drain and nothing is left, or with an error: calls
/// are hung up if another thread has died, for a server without sound, tapes or journal must not look alive.
pub fn spawn(
    engine: Engine,
    bound: Bound,
    planes: Planes,
) -> io::Result<(EngineHandle, std::thread::JoinHandle<io::Result<()>>)> {
    let (inbox, sender, waiting) = inbox::inbox(planes.clock);
    let (happened, _) = broadcast::channel(LISTENER_BEHIND);
    let hosts = Hosts::spawn(sender.clone())?;
    let bots = Bots::spawn(sender.clone())?;
    let handle = EngineHandle { inbox: sender, happened: happened.clone() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::Builder::new().name("engine".into()).spawn(move || {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async move {
            let sockets = Sockets::start(bound.udp, &inbox)?;
            let connections = Connections::new(inbox);
            connections.listen(bound.tcp)?;
            Driver::new(engine, sockets, (connections, hosts, bots), planes, happened).run(waiting).await
        })
    })?;
    Ok((handle, thread))
}

struct Driver {
    engine: Engine,
    clock: Clock,
    sockets: Sockets,
    connections: Connections,
    hosts: Hosts,
    bots: Bots,
    workers: Vec<WorkerHandle>,
    /// Commands that found their worker's ring full, in order.
    waiting: Vec<VecDeque<Command>>,
    /// Which workers were commanded in this turn, and must be woken.
    commanded: Vec<bool>,
    media_events: Arc<EventFd>,
    crowded: bool,
    /// The disk refuses the journal; the engine knows.
    journal_fails: bool,
    /// The alarm is up because a tape's opening found no room.
    tape_refused: bool,
    /// Commands that the disk thread had no room for, in order.
    tapes_waiting: VecDeque<TapeCommand>,
    /// A turn left something undone: the next one follows at once.
    hurried: bool,
    /// What has failed so that the server cannot go on.
    fault: Option<Fault>,
    /// When the wish came that every call end now.
    stopping: Option<Moment>,
    recorder: RecorderHandle,
    journal: JournalHandle,
    happened: broadcast::Sender<Arc<Happened>>,
    answers: BTreeMap<AskId, oneshot::Sender<Answer>>,
    last_ask: u64,
    draining: bool,
    losses: Losses,
}

/// What has died so that the server cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("a media worker has ended")]
    SoundGone,
    #[error("a media worker stands still")]
    SoundStill,
    #[error("the disk thread has ended")]
    TapesGone,
    #[error("the disk thread stands still")]
    TapesStill,
    #[error("the journal has ended")]
    JournalGone,
}

impl Driver {
    fn new(
        engine: Engine,
        sockets: Sockets,
        (connections, hosts, bots): (Connections, Hosts, Bots),
        planes: Planes,
        happened: broadcast::Sender<Arc<Happened>>,
    ) -> Driver {
        Driver {
            engine,
            clock: planes.clock,
            sockets,
            connections,
            hosts,
            bots,
            waiting: planes.workers.iter().map(|_| VecDeque::new()).collect(),
            commanded: vec![false; planes.workers.len()],
            workers: planes.workers,
            media_events: planes.media_events,
            crowded: false,
            journal_fails: false,
            tape_refused: false,
            tapes_waiting: VecDeque::new(),
            hurried: false,
            fault: None,
            stopping: None,
            recorder: planes.recorder,
            journal: planes.journal,
            happened,
            answers: BTreeMap::new(),
            last_ask: 0,
            draining: false,
            losses: Losses::default(),
        }
    }

    async fn run(mut self, mut waiting: Waiting) -> io::Result<()> {
        let events = Arc::clone(&self.media_events);
        // SAFETY: the descriptor must stay the same and open as long as it is registered: the `Arc` that the
        // registration owns sees to both.
        let media = unsafe { AsyncFd::register_with_interest(events, Interest::READABLE) }?;
        self.perform();
        while !self.is_done() {
            let now = self.clock.now();
            let rest = if std::mem::take(&mut self.hurried) { Duration::ZERO } else { TAPE_LOOK };
            let deadline = self.engine.next_deadline().map_or(rest, |at| at.since(now).min(rest));
            tokio::select! {
                message = waiting.next() => match message {
                    Some(message) => self.messages(message, &mut waiting),
                    None => break,
                },
                ready = media.readable() => {
                    let mut ready = ready?;
                    // Empty already is what we want.
                    let _ = self.media_events.read();
                    ready.clear_ready();
                }
                () = sleep_until(Instant::now() + deadline) => {}
            }
            self.media();
            self.tapes();
            self.time();
            self.look_at_journal();
            self.retry_commands();
            self.look_at_threads();
            // Connections write what this turn has queued before the next turn queues more.
            tokio::task::yield_now().await;
        }
        // Who has stood still for long need not be given more time.
        let patience = if self.fault == Some(Fault::TapesStill) { Duration::ZERO } else { TAPES_END };
        let tapes = self.recorder.stop(patience);
        match self.fault {
            Some(fault) => Err(io::Error::other(fault)),
            None => tapes.map_err(io::Error::other),
        }
    }

    /// What is pressing, then some of what is new.
    fn messages(&mut self, first: Message, waiting: &mut Waiting) {
        self.message(first);
        for _ in 1..INPUTS_PER_TURN {
            let Ok(message) = waiting.next_pressing() else { break };
            self.message(message);
        }
        for _ in 0..NEW_PER_TURN {
            let Ok(message) = waiting.next_patient() else { break };
            self.message(message);
        }
    }

    fn message(&mut self, message: Message) {
        let input = match message {
            Message::Received { flow, bytes, came, share } => {
                drop(share);
                Input::Received { flow, bytes, waited: self.clock.now().since(came) }
            }
            Message::Input(input) => input,
            Message::Ask(ask, reply) => {
                self.last_ask += 1;
                let id = AskId(self.last_ask);
                self.answers.insert(id, reply);
                Input::Ask { id, ask }
            }
        };
        self.draining |= matches!(input, Input::Drain | Input::Stop);
        if matches!(input, Input::Stop) {
            self.stopping.get_or_insert(self.clock.now());
        }
        self.handle(self.clock.now(), input);
    }

    fn media(&mut self) {
        for worker in 0..self.workers.len() {
            let mut left = EVENTS_PER_TURN;
            while left > 0
                && let Some(event) = taken(&mut self.workers[worker].events)
            {
                left -= 1;
                self.handle(self.clock.now(), Input::Media { event });
            }
            self.hurried |= left == 0;
        }
    }

    fn tapes(&mut self) {
        let mut left = EVENTS_PER_TURN;
        while left > 0
            && let Ok(event) = self.recorder.events.try_recv()
        {
            left -= 1;
            self.handle(self.clock.now(), Input::Tape(event));
        }
        self.hurried |= left == 0;
    }

    fn time(&mut self) {
        let now = self.clock.now();
        if self.engine.next_deadline().is_some_and(|at| at <= now) {
            self.handle(now, Input::Time);
        }
    }

    fn handle(&mut self, now: Moment, input: Input) {
        self.engine.handle(now, input);
        self.perform();
    }

    fn perform(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit { flow, bytes } => self.transmit(flow, bytes),
                Output::Media { worker: Some(worker), command } => self.command(worker, command),
                Output::Media { worker: None, command } => {
                    let Command::Prompts(library) = command else { continue };
                    for worker in 0..self.workers.len() {
                        self.command(worker, Command::Prompts(Arc::clone(&library)));
                    }
                }
                Output::Tape(command) => self.tape_command(command),
                Output::Http { id, host, request } => self.ask_host(Job { id, host, request }),
                Output::Bot(order) => self.order_bot(order),
                Output::Happened(happened) => self.publish(happened),
                Output::Answer { id, answer } => {
                    if let Some(reply) = self.answers.remove(&id) {
                        // Who asked has gone away meanwhile; the answer is nobody's.
                        let _ = reply.send(answer);
                    }
                }
            }
        }
    }

    fn transmit(&mut self, flow: Flow, bytes: bytes::Bytes) {
        let sent = match flow.transport {
            Transport::Udp => self.sockets.send(&flow, &bytes).is_ok(),
            Transport::Tcp => self.connections.send(&flow, bytes) == Sent::Queued,
        };
        if !sent {
            let Flow { transport, remote, connection, .. } = flow;
            let unreachable = Input::Unreachable { transport, remote, connection };
            // Not `handle`: we are in the middle of performing, which goes on with what this adds.
            self.engine.handle(self.clock.now(), unreachable);
        }
    }

    fn ask_host(&mut self, job: Job) {
        let id = job.id;
        if !self.hosts.ask(job) {
            let result = Err(HttpFailure::Busy);
            // Not `handle`: we are in the middle of performing, which goes on with what this adds.
            self.engine.handle(self.clock.now(), Input::HttpDone { id, result });
        }
    }

    fn order_bot(&mut self, order: BotOrder) {
        match order {
            BotOrder::Begin { id, call, worker, stream, bot, request } => {
                let (ours, line) = line();
                self.command(worker, Command::Converse { stream, line: Box::new(ours) });
                if !self.bots.begin(Talk { id, call, bot, request, line }) {
                    let end = BotEnd::Failed(BotFailure::Busy);
                    let figures = BotFigures::default();
                    // Not `handle`: we are in the middle of performing, which goes on with what this adds.
                    self.engine.handle(self.clock.now(), Input::BotDone { id, end, figures });
                }
            }
            BotOrder::Key { id, key } => self.bots.key(id, key),
            BotOrder::End { id } => self.bots.end(id),
        }
    }

    fn command(&mut self, worker: usize, command: Command) {
        self.commanded[worker] = true;
        let waiting = &mut self.waiting[worker];
        let refused = match command {
            Command::Open { stream, port, .. } if waiting.len() >= COMMANDS_WAITING => Some((stream, port)),
            command if waiting.is_empty() => {
                waiting.extend(self.workers[worker].command(command).err());
                None
            }
            command => {
                waiting.push_back(command);
                None
            }
        };
        if let Some((stream, port)) = refused {
            let event = MediaEvent::OpenFailed { stream, port, errno: Errno::EAGAIN as i32 };
            // Not `handle`: we are in the middle of performing, which goes on with what this adds.
            self.engine.handle(self.clock.now(), Input::Media { event });
        }
    }

    fn tape_command(&mut self, command: TapeCommand) {
        let waiting = self.tapes_waiting.len();
        if let TapeCommand::Open { call, .. } = command
            && waiting >= TAPE_COMMANDS_WAITING
        {
            // The call goes on without a tape, and says so.
            let why = "the disk is too far behind".to_owned();
            let now = self.clock.now();
            if !std::mem::replace(&mut self.tape_refused, true) {
                self.engine.handle(now, Input::Tape(TapeEvent::Failing { why: why.clone() }));
            }
            self.engine.handle(now, Input::Tape(TapeEvent::Failed { call, why }));
        } else if waiting > 0 {
            self.tapes_waiting.push_back(command);
        } else {
            self.tapes_waiting.extend(self.recorder.commands.send(command).err());
        }
    }

    fn retry_commands(&mut self) {
        for (worker, waiting) in self.waiting.iter_mut().enumerate() {
            while let Some(command) = waiting.pop_front() {
                if let Err(command) = self.workers[worker].command(command) {
                    waiting.push_front(command);
                    break;
                }
            }
            // One whose ring was full is woken as well, lest it sleep over what it has not seen.
            if std::mem::take(&mut self.commanded[worker]) || !waiting.is_empty() {
                self.workers[worker].wake();
            }
        }
        while let Some(command) = self.tapes_waiting.pop_front() {
            if let Err(command) = self.recorder.commands.send(command) {
                self.tapes_waiting.push_front(command);
                break;
            }
        }
        let well =
            self.tapes_waiting.is_empty() && self.recorder.figures.failing_tapes.load(Ordering::Relaxed) == 0;
        if self.tape_refused && well {
            self.tape_refused = false;
            self.handle(self.clock.now(), Input::Tape(TapeEvent::AllWell));
        }
    }

    /// A thread that is gone, or has stood still for so long that twice what may wait does, will not come back.
    /// What can still be done is to hang up and end, so that a supervisor starts a whole server.
    fn look_at_threads(&mut self) {
        let stuck = |waiting: &VecDeque<Command>| waiting.len() > 2 * COMMANDS_WAITING;
        let fault = if self.workers.iter().any(WorkerHandle::is_gone) {
            Fault::SoundGone
        } else if self.waiting.iter().any(stuck) {
            Fault::SoundStill
        } else if self.recorder.is_gone() {
            Fault::TapesGone
        } else if self.tapes_waiting.len() > 2 * TAPE_COMMANDS_WAITING {
            Fault::TapesStill
        } else if self.journal.is_gone() {
            Fault::JournalGone
        } else {
            return;
        };
        if self.fault.is_none() {
            tracing::error!(%fault, "cannot go on: every call ends");
            self.fault = Some(fault);
            self.message(Message::Input(Input::Stop));
        }
    }

    fn publish(&mut self, happened: Happened) {
        // Nobody listening is no error.
        let _ = self.happened.send(Arc::new(happened.clone()));
        operator::tell(&happened);
        if self.journal.record(happened).is_err() {
            self.losses.add();
        }
    }

    /// New calls wait until the journal has caught up; the entries of running ones must fit.
    fn look_at_journal(&mut self) {
        if let Some(events) = self.losses.due(self.clock.now()) {
            tracing::error!(events, "the journal is full: events are lost");
        }
        let crowded = self.journal.crowded();
        if crowded != self.crowded {
            self.crowded = crowded;
            self.handle(self.clock.now(), Input::JournalCrowded(crowded));
        }
        let failing = self.journal.failing();
        if failing.is_some() != self.journal_fails {
            self.journal_fails = failing.is_some();
            self.handle(self.clock.now(), Input::JournalFailing(failing));
        }
    }

    /// Nothing is left to do, or the time for last words is over.
    fn is_done(&self) -> bool {
        let out_of_time = self.stopping.is_some_and(|since| self.clock.now().since(since) > LAST_WORDS);
        out_of_time || (self.draining && self.engine.is_idle())
    }
}
