//! The phones' audio: each sends its 20 ms at its own absolute slot, everything heard is numbered, timed and checked.
//!
//! All callers share one socket and all agents another, each phone at a loopback address of its own (`burst`).

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicU16, Ordering};

use hotline::media::command::{Direction, Session};
use hotline::media::rtp::{Header, Packet};
use hotline::media::srtp::Srtp;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use nix::time::{ClockId, clock_gettime};

use super::burst::{Arrived, Burst, SEND_BATCH};
use super::packet::{self, FRAME_BYTES, Press, Stamp};
use super::speech::Speech;
use super::window::Window;

/// Length of a frame, nanoseconds.
pub const FRAME: u64 = 20_000_000;

/// The golden ratio's share of a frame: phones that begin one after another are spread evenly, however many they are.
const SPREAD: u64 = 12_360_680;

/// The first phone's address; the others follow.
const FIRST_ADDRESS: u32 = 0x7FC8_0100;

/// Ports tried before giving up; they lie above those that the system gives by itself.
const FIRST_PORT: u16 = 61_000;
const PORTS: u16 = 4_000;

/// The RTP clock of Opus (RFC 7587 §4.1), Hz, and what 20 ms are of it; of G.711 they are as many as bytes.
const OPUS_CLOCK: u32 = 48_000;
const OPUS_STEP: u32 = 960;

/// A generator so much behind passes over what it missed: a burst would test the kernel and not the server.
const GIVE_UP: u64 = 5 * FRAME;

/// Which end of a call a phone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Caller,
    Agent,
}

impl Side {
    pub fn of(agent: bool) -> Side {
        if agent { Side::Agent } else { Side::Caller }
    }
}

/// A phone's number: its place in the table.
pub type Phone = usize;

/// Where a phone sends, and how.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    pub remote: SocketAddrV4,
    pub payload_type: u8,
    /// The audio is Opus and not G.711.
    pub opus: bool,
    pub telephone_event: Option<u8>,
    pub sends: bool,
}

impl Path {
    /// `None` where the peer is not reached by IPv4.
    fn of(session: &Session) -> Option<Path> {
        let SocketAddr::V4(remote) = session.remote else { return None };
        Some(Path {
            remote,
            payload_type: session.payload_type,
            opus: session.codec.clock_rate() == OPUS_CLOCK,
            telephone_event: session.telephone_event,
            sends: matches!(session.direction, Direction::SendRecv | Direction::SendOnly),
        })
    }

    /// A-law to `remote`, no keys.
    pub fn plain(remote: SocketAddrV4) -> Path {
        Path { remote, payload_type: 8, opus: false, telephone_event: None, sends: true }
    }
}

/// What a phone has heard.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heard {
    /// Packets of any kind, ever.
    pub packets: u64,
    /// Packets of another phone, ever.
    pub voice: u64,
    /// The number that the other phone's next packet will have.
    next: u32,
    /// The last packet's latency and the jitter of RFC 3550 §6.4.1, nanoseconds.
    last: u64,
    jitter: f64,
    /// The least difference between arrival and timestamp, nanoseconds: the grid on which frames should come.
    grid: Option<i64>,
    /// The first byte of the last payload, which tells two steady sounds apart, and when it came.
    sound: Option<u8>,
    at: u64,
    /// When a key was pressed that no other sound has followed yet.
    pressed: Option<u64>,
}

#[derive(Debug)]
struct Line {
    side: Side,
    address: Ipv4Addr,
    path: Option<Path>,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    /// The next packet's number.
    number: u32,
    keys: VecDeque<char>,
    pressed: Option<Press>,
    /// What protects its audio, if that was agreed on.
    srtp: Option<Box<Srtp>>,
    heard: Heard,
}

pub struct Audio {
    /// Of callers and of agents.
    bursts: [Burst; 2],
    /// RTCP comes here, and is not looked at.
    sinks: [Burst; 2],
    ports: [u16; 2],
    lines: Vec<Option<Line>>,
    /// Sending phones by their place in the frame.
    slots: Vec<(u64, Phone)>,
    cursor: usize,
    /// When the frame under way began.
    turn: u64,
    pub window: Window,
    /// Phones that send do so; otherwise all are mute.
    pub speaking: bool,
    /// What they say instead of stamped frames: then nothing is known of latency.
    pub speech: Option<Speech>,
}

impl Audio {
    pub fn new() -> io::Result<Audio> {
        let (callers, caller_sink, caller_port) = pair()?;
        let (agents, agent_sink, agent_port) = pair()?;
        Ok(Audio {
            bursts: [callers, agents],
            sinks: [caller_sink, agent_sink],
            ports: [caller_port, agent_port],
            lines: Vec::new(),
            slots: Vec::new(),
            cursor: 0,
            turn: now(),
            window: Window::default(),
            speaking: true,
            speech: None,
        })
    }

    /// A new phone.
    pub fn open(&mut self, side: Side, ssrc: u32) -> Phone {
        let phone = self.lines.len();
        let address = Ipv4Addr::from_bits(FIRST_ADDRESS + phone as u32);
        self.lines.push(Some(Line {
            side,
            address,
            path: None,
            sequence: 1,
            timestamp: ssrc,
            ssrc,
            number: 0,
            keys: VecDeque::new(),
            pressed: None,
            srtp: None,
            heard: Heard::default(),
        }));
        phone
    }

    /// Where it takes RTP; RTCP one above. It keeps that for as long as it lives.
    pub fn address(&self, phone: Phone) -> SocketAddrV4 {
        let side = self.line(phone).map_or(Side::Caller, |line| line.side);
        let address = Ipv4Addr::from_bits(FIRST_ADDRESS + phone as u32);
        SocketAddrV4::new(address, self.ports[side as usize])
    }

    /// Where the first phone of a side takes RTP if the sides take turns.
    pub fn first(&self, side: Side) -> SocketAddrV4 {
        let phone = self.lines.len() + side as usize;
        SocketAddrV4::new(Ipv4Addr::from_bits(FIRST_ADDRESS + phone as u32), self.ports[side as usize])
    }

    /// An address of ours at which nobody listens.
    pub fn stranger(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::from_bits(FIRST_ADDRESS - 1), self.ports[Side::Caller as usize])
    }

    /// What was agreed on in SIP. `None` where the peer is not reached by IPv4.
    pub fn join(&mut self, phone: Phone, session: &Session) -> Option<()> {
        self.connect(phone, Path::of(session)?);
        let line = self.lines.get_mut(phone)?.as_mut()?;
        line.srtp = match (line.srtp.take(), &session.srtp) {
            (_, None) => None,
            (None, Some(keying)) => Some(Box::new(Srtp::new(keying))),
            (Some(mut srtp), Some(keying)) => {
                srtp.rekey(keying);
                Some(srtp)
            }
        };
        Some(())
    }

    /// Where it sends from now on.
    pub fn connect(&mut self, phone: Phone, path: Path) {
        let Some(line) = self.lines.get_mut(phone).and_then(Option::as_mut) else { return };
        if line.path.replace(path).is_none() {
            let place = (phone as u64).wrapping_mul(SPREAD) % FRAME;
            let at = self.slots.partition_point(|slot| *slot < (place, phone));
            self.slots.insert(at, (place, phone));
            // Who comes in where we have been already begins with the next frame.
            self.cursor += usize::from(at < self.cursor);
        }
    }

    pub fn close(&mut self, phone: Phone) {
        let Some(line) = self.lines.get_mut(phone).and_then(Option::take) else { return };
        if line.path.is_some() {
            let place = (phone as u64).wrapping_mul(SPREAD) % FRAME;
            if let Ok(at) = self.slots.binary_search(&(place, phone)) {
                self.slots.remove(at);
                self.cursor -= usize::from(at < self.cursor);
            }
        }
    }

    /// Presses a key, after those that are waiting.
    pub fn press(&mut self, phone: Phone, symbol: char) {
        if let Some(line) = self.lines.get_mut(phone).and_then(Option::as_mut) {
            line.keys.push_back(symbol);
        }
    }

    pub fn heard(&self, phone: Phone) -> Option<Heard> {
        self.line(phone).map(|line| line.heard)
    }

    fn line(&self, phone: Phone) -> Option<&Line> {
        self.lines.get(phone)?.as_ref()
    }

    /// Phones that send.
    pub fn phones(&self) -> usize {
        self.slots.len()
    }

    /// From now on packets count.
    pub fn open_window(&mut self) {
        self.window = Window::after(&self.window);
        for line in self.lines.iter_mut().flatten() {
            line.heard.jitter = 0.0;
        }
    }

    /// Packets sent from now on do not count; those on their way still do.
    pub fn close_window(&mut self) {
        self.window.open = false;
        for line in self.lines.iter().flatten().filter(|line| line.heard.jitter > 0.0) {
            self.window.jitter.saturating_record(line.heard.jitter as u64);
        }
    }

    /// Kernel drops in front of our own sockets would be the generator's fault; its ports are told for that.
    pub fn ports(&self) -> [u16; 2] {
        self.ports
    }

    /// Lets an epoll watch the sockets.
    pub fn watch(&self, epoll: &Epoll, token: u64) -> io::Result<()> {
        for burst in &self.bursts {
            epoll.add(burst.fd(), EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        }
        Ok(())
    }

    /// When the next frame is due, nanoseconds since 1970.
    pub fn due(&self) -> u64 {
        match self.slots.get(self.cursor) {
            Some((place, _)) => self.turn + place,
            None => self.turn + FRAME,
        }
    }

    /// Sends what is due, at most a batch, and takes what has come. Whether there was anything to do.
    pub fn turn(&mut self) -> bool {
        let mut sent = 0;
        let mut time = now();
        while sent < SEND_BATCH && self.due() <= time {
            if self.cursor >= self.slots.len() {
                self.cursor = 0;
                self.turn += FRAME;
                if time.saturating_sub(self.turn) > GIVE_UP {
                    self.turn += (time - self.turn) / FRAME * FRAME;
                    self.window.given_up += 1;
                }
                continue;
            }
            let (due, phone) = (self.due(), self.slots[self.cursor].1);
            self.cursor += 1;
            if self.speaking {
                self.send(phone, due, time);
                sent += 1;
                time = now();
            }
        }
        self.bursts.iter_mut().for_each(Burst::flush);
        let heard = self.receive();
        sent > 0 || heard > 0
    }

    /// RTCP is thrown away, now and then.
    pub fn empty_sinks(&mut self) {
        for sink in &mut self.sinks {
            while sink.receive(|_| ()) > 0 {}
        }
    }

    fn send(&mut self, phone: Phone, due: u64, time: u64) {
        let Some(line) = self.lines.get_mut(phone).and_then(Option::as_mut) else { return };
        let Some(path) = line.path.filter(|path| path.sends) else { return };
        if line.pressed.is_none() && path.telephone_event.is_some() {
            line.pressed = line.keys.pop_front().map(|key| Press::new(key, line.timestamp));
        }
        let burst = &mut self.bursts[line.side as usize];
        let room = burst.room();
        let mut header = Header {
            marker: line.number == 0,
            payload_type: path.payload_type,
            sequence: line.sequence,
            timestamp: line.timestamp,
            ssrc: line.ssrc,
        };
        let length = match (line.pressed, path.telephone_event) {
            (Some(press), Some(payload_type)) => {
                header = Header { marker: press.is_first(), payload_type, timestamp: press.began, ..header };
                if press.is_first() {
                    line.heard.pressed = Some(time);
                }
                let (length, next) = press.packet(&header, room);
                line.pressed = next;
                length
            }
            _ => {
                let window = if self.window.open { self.window.number } else { 0 };
                let stamp = Stamp { window, number: line.number, sent: time };
                line.number = line.number.wrapping_add(1);
                self.window.sent(line.side, time.saturating_sub(due));
                match &self.speech {
                    None => packet::frame(&header, stamp, room),
                    Some(speech) => packet::spoken(&header, speech.frame(stamp.number, path.opus), room),
                }
            }
        };
        line.sequence = line.sequence.wrapping_add(1);
        line.timestamp = line.timestamp.wrapping_add(if path.opus { OPUS_STEP } else { FRAME_BYTES as u32 });
        let protected = line.srtp.as_mut().map(|srtp| srtp.protect(room, length).unwrap_or(0));
        burst.queue(protected.unwrap_or(length), line.address, path.remote);
    }

    fn receive(&mut self) -> usize {
        let (lines, window) = (&mut self.lines, &mut self.window);
        let hear = |arrived: Arrived| {
            let phone = arrived.to.to_bits().wrapping_sub(FIRST_ADDRESS) as usize;
            if let Some(line) = lines.get_mut(phone).and_then(Option::as_mut)
                && let Some(bytes) = opened(&mut line.srtp, arrived.bytes)
                && let Ok(packet) = Packet::parse(bytes)
            {
                line.heard.take(&packet, arrived.at, line.side, window);
            }
        };
        let [callers, agents] = &mut self.bursts;
        let mut hear = hear;
        callers.receive(&mut hear) + agents.receive(&mut hear)
    }
}

/// The packet as it was before it was protected.
fn opened<'a>(srtp: &mut Option<Box<Srtp>>, bytes: &'a mut [u8]) -> Option<&'a [u8]> {
    let Some(srtp) = srtp else { return Some(bytes) };
    let length = srtp.unprotect(bytes).ok()?;
    Some(&bytes[..length])
}

impl Heard {
    fn take(&mut self, packet: &Packet, at: u64, side: Side, window: &mut Window) {
        self.packets += 1;
        window.heard(side);
        // A-law's clock: 125 µs a sample. Timestamps are compared modulo 2^32, which lasts six days.
        let grid = at as i64 - i64::from(packet.timestamp) * 125_000;
        let least = self
            .grid
            .map_or(grid, |least| if (grid - least).abs() > 10_000_000_000 { grid } else { least.min(grid) });
        self.grid = Some(least);
        window.slot_error((grid - least).unsigned_abs());
        let sound = packet.payload.first().copied();
        if sound != self.sound
            && let Some(pressed) = self.pressed.take()
        {
            window.answered(self.at.saturating_sub(pressed), at.saturating_sub(pressed));
        }
        (self.sound, self.at) = (sound, at);
        let Some(read) = packet::read(packet.payload) else { return };
        let Stamp { window: number, number: count, sent } = read.stamp;
        self.voice += 1;
        let latency = at.saturating_sub(sent);
        if number != 0 && number == window.number {
            let in_order = count == self.next;
            window.received(side, latency, in_order, read.whole);
            self.jitter += (latency.abs_diff(self.last) as f64 - self.jitter) / 16.0;
        }
        (self.next, self.last) = (count.wrapping_add(1), latency);
    }
}

/// The clock of stamps and arrivals, nanoseconds since 1970.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_REALTIME).expect("the system has a clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// An even port and the one above it, at every address: for RTP and RTCP.
fn pair() -> io::Result<(Burst, Burst, u16)> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORTS / 2 {
        // Generators beside each other begin at different ports.
        let step = NEXT.fetch_add(2, Ordering::Relaxed).wrapping_add((std::process::id() as u16) << 4);
        let port = FIRST_PORT + step % PORTS;
        match (Burst::bind(port), Burst::bind(port + 1)) {
            (Ok(rtp), Ok(rtcp)) => return Ok((rtp, rtcp, port)),
            (Err(error), _) | (_, Err(error)) => last = error,
        }
    }
    Err(last)
}
