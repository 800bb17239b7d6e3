//! A media worker: one thread, one epoll, one turn after another. It shares nothing but rings and counters.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use rustix::event::Timespec;
use rustix::io::Errno;

use super::command::Command;
use super::event::Event;
use super::histogram::micros;
use super::limits::{BURST, COMMAND_SLOTS, COMMANDS_PER_TURN, DATAGRAM_BYTES, EVENT_SLOTS, WAKEUPS};
use super::load::{Change, Load};
use super::outbox::Outbox;
use super::priority;
use super::prompts::Library;
use super::relay::Next;
use super::shared::Inbound;
use super::sockets::{Ready, SHARED_RTCP, SHARED_RTP, Sockets};
use super::stats::WorkerStats;
use super::stream::Exits;
use super::switch::Switch;
use super::tape_tap::Tap;
use super::wire::Channel;
use crate::ids::StreamId;
use crate::moment::Moment;
use crate::net::clock::Clock;
use crate::recording::frame::Inlet;

/// Epoll's word for "a command came". No socket has it: its slot is beyond every table.
const COMMAND_TOKEN: u64 = u64::MAX;

/// Epoll's word for "a deadline came".
const TIMER_TOKEN: u64 = u64::MAX - 1;

/// How soon events that found the ring full are tried again: 10 ms, a tenth of what a listener would notice in a menu.
const RETRY: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// What a worker needs to begin.
pub struct WorkerConfig {
    /// The thread's name, at most 15 bytes.
    pub name: String,
    /// Which worker it is, from 0.
    pub number: usize,
    /// Our name in RTCP (RFC 3550 §6.5.1), the same for all streams of the process; at most 255 bytes.
    pub cname: String,
    /// The same clock as everybody's.
    pub clock: Clock,
    pub library: Arc<Library>,
    /// Into the disk thread's ring, of `recording::frame::RING_BYTES`.
    pub tape: Inlet,
    /// Written to when events have been put into the ring.
    pub engine_wake: Arc<EventFd>,
}

/// The engine's end. When it is dropped the worker closes all streams and its thread ends.
pub struct WorkerHandle {
    // Dropped before `wake`, whose last word makes the worker see that nobody commands any more.
    commands: rtrb::Producer<Command>,
    /// Events, in order. `engine_wake` tells when there are some.
    pub events: rtrb::Consumer<Event>,
    pub stats: Arc<WorkerStats>,
    wake: Wake,
}

impl WorkerHandle {
    /// Puts a command into the ring; gives it back if the ring is full, to be tried again later.
    /// Call `wake` after the last of a batch.
    pub fn command(&mut self, command: Command) -> Result<(), Command> {
        self.commands.push(command).map_err(|rtrb::PushError::Full(command)| command)
    }

    /// The worker's thread has ended.
    pub fn is_gone(&self) -> bool {
        self.commands.is_abandoned()
    }

    /// Lets the worker look for commands.
    pub fn wake(&self) {
        self.wake.now();
    }
}

struct Wake(Arc<EventFd>);

impl Wake {
    fn now(&self) {
        // Fails only when the counter is full, and then it is awake.
        let _ = self.0.write(1);
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.now();
    }
}

pub struct Worker {
    switch: Switch,
    sockets: Sockets,
    commands: rtrb::Consumer<Command>,
    wake: Arc<EventFd>,
    timer: TimerFd,
    /// What the timer is set to.
    armed: Option<Moment>,
    engine_wake: Arc<EventFd>,
    clock: Clock,
    number: usize,
    load: Load,
    stats: Arc<WorkerStats>,
}

impl Worker {
    /// Starts a worker. Fails only if the system gives no thread or descriptors.
    pub fn spawn(config: WorkerConfig) -> io::Result<(WorkerHandle, JoinHandle<()>)> {
        let (commands, orders) = rtrb::RingBuffer::new(COMMAND_SLOTS);
        let (told, events) = rtrb::RingBuffer::new(EVENT_SLOTS);
        let stats = Arc::<WorkerStats>::default();
        let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
        let wake = Arc::new(EventFd::from_flags(flags)?);
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        let sockets = Sockets::new(Arc::clone(&stats), config.clock)?;
        sockets.watch(&*wake, COMMAND_TOKEN)?;
        sockets.watch(&timer, TIMER_TOKEN)?;
        let outbox = Outbox::new(told, Arc::clone(&stats));
        let tap = Tap::new(config.tape, Arc::clone(&stats));
        let exits = Exits::new(tap, Arc::clone(&stats));
        let worker = Worker {
            switch: Switch::new(&config.cname, config.library, outbox, exits),
            sockets,
            commands: orders,
            wake: Arc::clone(&wake),
            timer,
            armed: None,
            engine_wake: config.engine_wake,
            clock: config.clock,
            number: config.number,
            load: Load::new(config.clock.now()),
            stats: Arc::clone(&stats),
        };
        let thread = std::thread::Builder::new().name(config.name).spawn(move || worker.run())?;
        Ok((WorkerHandle { commands, events, stats, wake: Wake(wake) }, thread))
    }

    fn run(mut self) {
        let mut ready = Vec::with_capacity(WAKEUPS);
        let mut datagram = [0; DATAGRAM_BYTES];
        let mut inbound = Inbound::default();
        // What is refused is done without.
        let _ = priority::ask();
        let mut began = self.clock.now();
        loop {
            // What was read for the last turn's packets will do.
            let rests = self.sockets.take_reading().unwrap_or_else(|| self.clock.now());
            self.stats.turn_times.add(micros(rests.since(began)), 1);
            ready.clear();
            match self.sockets.wait(&mut ready, self.patience()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => panic!("epoll on our own descriptors failed: {error}"),
            }
            let now = self.clock.now();
            began = now;
            self.stats.turns.add(1);
            let late = self.switch.on_time(now, &mut self.sockets);
            self.weigh(now, now.since(rests), late);
            for event in &ready {
                match event.data.u64() {
                    COMMAND_TOKEN => {
                        let _ = self.wake.read();
                    }
                    // Setting the timer anew, below, quiets it.
                    TIMER_TOKEN => self.armed = None,
                    SHARED_RTP => self.serve_shared(now, Channel::Rtp, &mut inbound),
                    SHARED_RTCP => self.serve_shared(now, Channel::Rtcp, &mut inbound),
                    token => self.serve(now, Ready::of(token), &mut datagram),
                }
            }
            self.obey(now);
            self.sockets.flush();
            if self.commands.is_abandoned() && self.commands.is_empty() {
                self.switch.close_all(now, &mut self.sockets);
                self.sockets.flush();
                self.tell();
                return;
            }
            self.switch.left(now, &self.sockets);
            self.tell();
            self.arm();
        }
    }

    /// One receive, mostly; a packet's way ends in one send per listener. Epoll tells of a
    /// socket once for all that came to it: what is left there is seen within a second (`Stream::bursts`).
    fn serve(&mut self, now: Moment, ready: Ready, datagram: &mut [u8; DATAGRAM_BYTES]) {
        let Ready { slot, generation, channel } = ready;
        if !self.switch.is_current(slot, generation) {
            return;
        }
        let mut alone = true;
        for _ in 0..BURST {
            let Some((length, from)) = self.sockets.receive(slot, channel, datagram) else { return };
            let datagram = &mut datagram[..length];
            let next = self.switch.on_datagram(now, slot, channel, from, datagram, &mut self.sockets);
            // Once one was not alone, only an empty socket tells that there are no more.
            alone &= next == Next::Elsewhere;
            if alone {
                return;
            }
        }
    }

    /// One receive of what came to the shared sockets; who is nobody's far end is not heard.
    fn serve_shared(&mut self, now: Moment, channel: Channel, inbound: &mut Inbound) {
        self.sockets.receive_shared(channel, inbound);
        for place in 0..inbound.count() {
            let Some((from, datagram)) = inbound.datagram(place) else { continue };
            match self.sockets.whose(channel, from) {
                // A batch holds what there is: there is no need to look again.
                Some(slot) => {
                    self.switch.on_datagram(now, slot, channel, from, datagram, &mut self.sockets);
                }
                None => self.stats.packets_refused.add(1),
            }
        }
    }

    /// Tells the engine when the worker begins or ceases to have more to do than it can.
    fn weigh(&mut self, now: Moment, idle: Duration, late: Duration) {
        self.load.late(late);
        let Some(change) = self.load.woke(now, idle) else { return };
        let worker = self.number;
        let (event, overloaded) = match change {
            Change::Overloaded => (Event::Overloaded { worker }, 1),
            Change::Eased => (Event::Eased { worker }, 0),
        };
        self.stats.overloaded.set(overloaded);
        self.switch.tell(event);
    }

    fn obey(&mut self, now: Moment) {
        for _ in 0..COMMANDS_PER_TURN {
            if self.switch.is_congested() {
                return;
            }
            let Ok(command) = self.commands.pop() else { return };
            self.switch.obey(now, command, &mut self.sockets);
        }
    }

    fn tell(&mut self) {
        if self.switch.flush() {
            let _ = self.engine_wake.write(1);
        }
    }

    /// How long to wait if nothing happens: not at all while there are commands to obey.
    fn patience(&self) -> Option<Timespec> {
        if self.switch.is_behind() {
            Some(RETRY)
        } else if self.commands.is_empty() {
            None
        } else {
            Some(Timespec::default())
        }
    }

    fn arm(&mut self) {
        let deadline = self.switch.next_deadline();
        if deadline == self.armed {
            return;
        }
        let set = match deadline {
            // The turn took time of its own, so the clock is read again; a wait of zero would disarm the timer.
            Some(at) => {
                let wait = at.since(self.clock.now()).max(Duration::from_micros(1));
                self.timer.set(Expiration::OneShot(TimeSpec::from_duration(wait)), TimerSetTimeFlags::empty())
            }
            None => self.timer.unset(),
        };
        set.expect("a timer of our own takes every time that is not negative");
        self.armed = deadline;
    }
}

/// The next event, whose place in the ring keeps nothing of it: it may be a key of a secret.
pub fn taken(events: &mut rtrb::Consumer<Event>) -> Option<Event> {
    let mut chunk = events.read_chunk(1).ok()?;
    let place = chunk.as_mut_slices().0.first_mut()?;
    let event = std::mem::replace(place, Event::Silent { stream: StreamId(0) });
    chunk.commit_all();
    Some(event)
}
