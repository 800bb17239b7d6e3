//! A whole worker: its thread, its sockets, its rings.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::thread::JoinHandle;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::*;
use crate::ids::PlayId;
use crate::media::rtcp::{Compound, Part};
use crate::media::worker::{Worker, WorkerConfig, WorkerHandle};
use crate::net::clock::Clock;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// An engine with one worker.
struct Desk {
    handle: WorkerHandle,
    thread: JoinHandle<()>,
    wake: Arc<EventFd>,
    epoll: Epoll,
    clock: Clock,
}

/// A phone with RTP and RTCP sockets.
struct Phone {
    stream: StreamId,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    /// Where the worker takes RTP from it.
    desk: SocketAddr,
    codec: Codec,
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// An even port that was free, as was the one above it.
fn free_port() -> u16 {
    loop {
        let even = socket();
        let port = even.local_addr().unwrap().port();
        if port.is_multiple_of(2) && port < u16::MAX && UdpSocket::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

impl Desk {
    fn new() -> Desk {
        let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
        let wake = Arc::new(EventFd::from_flags(flags).unwrap());
        let epoll = Epoll::new(EpollCreateFlags::empty()).unwrap();
        epoll.add(&*wake, EpollEvent::new(EpollFlags::EPOLLIN, 0)).unwrap();
        let clock = Clock::start();
        let config = WorkerConfig {
            number: 0,
            name: "media-test".into(),
            cname: "hotline".into(),
            clock,
            library: library(),
            tape: crate::recording::frame::ring_of(64 * 184).0,
            engine_wake: wake.clone(),
        };
        let (handle, thread) = Worker::spawn(config).unwrap();
        Desk { handle, thread, wake, epoll, clock }
    }

    fn command(&mut self, command: Command) {
        self.handle.command(command).unwrap();
        self.handle.wake();
    }

    fn event(&mut self) -> Event {
        loop {
            if let Ok(event) = self.handle.events.pop() {
                return event;
            }
            let mut ready = [EpollEvent::empty()];
            let woken = self.epoll.wait(&mut ready, PATIENCE.as_millis() as u16).unwrap();
            assert_eq!(woken, 1, "no event came");
            self.wake.read().unwrap();
        }
    }

    fn phone(&mut self, stream: StreamId, codec: Codec) -> Phone {
        let (local, port) = ("127.0.0.1".parse().unwrap(), free_port());
        self.phone_by(Command::Open { stream, local, port, seed: stream.0 }, (stream, port), codec)
    }

    /// A phone whose stream is opened by `command` at `port`.
    fn phone_by(&mut self, command: Command, (stream, port): (StreamId, u16), codec: Codec) -> Phone {
        let (rtp, rtcp) = (socket(), socket());
        let local = "127.0.0.1".parse().unwrap();
        self.command(command);
        assert_eq!(self.event(), Event::Opened { stream });
        let phone = Phone { stream, rtp, rtcp, desk: SocketAddr::new(local, port), codec };
        self.command(Command::Connect { stream, session: phone.session() });
        phone
    }

    fn closes(&mut self, stream: StreamId) -> crate::media::event::Figures {
        self.command(Command::Close { stream });
        loop {
            if let Event::Closed { figures, .. } = self.event() {
                return *figures;
            }
        }
    }
}

impl Phone {
    fn session(&self) -> Session {
        Session {
            remote: self.rtp.local_addr().unwrap(),
            rtcp: Rtcp::At(self.rtcp.local_addr().unwrap()),
            codec: self.codec,
            payload_type: self.codec.payload_type(),
            telephone_event: Some(EVENTS),
            direction: Direction::SendRecv,
            in_band_digits: false,
            extended: Extended::default(),
            srtp: None,
        }
    }

    fn says(&self, number: u16, byte: u8) {
        let payload_type = self.codec.payload_type();
        let datagram = rtp(payload_type, number, u32::from(number) * 160, &[byte; 160]);
        self.rtp.send_to(&datagram, self.desk).unwrap();
    }

    fn hears(&self) -> Heard {
        let mut buffer = [0; 2_048];
        let (length, from) = self.rtp.recv_from(&mut buffer).expect("audio comes");
        assert_eq!(from, self.desk, "symmetric RTP");
        Heard::of(from, &buffer[..length])
    }

    /// Waits past the frames of before for one that begins with `byte`.
    fn hears_byte(&self, byte: u8) -> Heard {
        (0..500).map(|_| self.hears()).find(|heard| heard.payload[0] == byte).expect("it comes within 10 s")
    }
}

fn bridge(desk: &mut Desk, one: &Phone, other: &Phone) {
    for (a, b) in [(one, other), (other, one)] {
        let source = Source::Peer { stream: b.stream, digits: false };
        desk.command(Command::Hear { stream: a.stream, source });
    }
}

#[test]
fn a_prompt_comes_every_twenty_milliseconds_and_its_end_wakes_the_engine() {
    let mut desk = Desk::new();
    let phone = desk.phone(ANN, Codec::Pcma);
    let prompts = Arc::from([library().find("en", "steps").unwrap()]);
    desk.command(Command::Hear { stream: ANN, source: Source::Prompts { play: PlayId(3), prompts } });
    let mut last: Option<(Heard, Moment)> = None;
    let mut distances = Vec::new();
    for _ in 0..40 {
        let heard = phone.hears();
        let now = desk.clock.now();
        if let Some((before, at)) = &last {
            assert_eq!(heard.sequence, before.sequence.wrapping_add(1));
            // Where the machine stalls the timestamp jumps, by whole frames.
            assert_eq!(heard.timestamp.wrapping_sub(before.timestamp) % 160, 0);
            distances.push(now.since(*at).as_micros());
        }
        last = Some((heard, now));
    }
    distances.sort_unstable();
    let median = distances[distances.len() / 2];
    assert!((15_000..25_000).contains(&median), "{median} µs");
    assert_eq!(desk.event(), Event::Played { stream: ANN, play: PlayId(3) });
}

#[test]
fn two_phones_hear_each_other_and_a_stranger_is_not_heard() {
    let mut desk = Desk::new();
    let (ann, bob) = (desk.phone(ANN, Codec::Pcma), desk.phone(BOB, Codec::Pcma));
    ann.hears();
    bob.hears();
    bridge(&mut desk, &ann, &bob);
    // Several, for the first may come before the bridge stands; not more than a socket keeps.
    for number in 0..20 {
        ann.says(number, 0x11);
        bob.says(number, 0x22);
    }
    ann.hears_byte(0x22);
    bob.hears_byte(0x11);
    let stranger = socket();
    for number in 100..120 {
        stranger.send_to(&rtp(8, number, 0, &[0x66; 160]), ann.desk).unwrap();
    }
    ann.says(60, 0x44);
    let heard: Vec<u8> = (0..200).map(|_| bob.hears().payload[0]).take_while(|byte| *byte != 0x44).collect();
    assert!(!heard.contains(&0x66));
    let figures = desk.closes(ANN);
    assert!(figures.packets_received >= 2 && figures.packets_sent >= 1, "{figures:?}");
}

#[test]
fn a_phone_that_moves_is_heard_at_its_new_address() {
    let mut desk = Desk::new();
    let (mut ann, bob) = (desk.phone(ANN, Codec::Pcma), desk.phone(BOB, Codec::Pcmu));
    bridge(&mut desk, &ann, &bob);
    desk.command(Command::Hear { stream: ANN, source: Source::Silence });
    ann.hears();
    ann.says(1, 0x11);
    bob.hears();
    let old = std::mem::replace(&mut ann.rtp, socket());
    desk.command(Command::Connect { stream: ANN, session: ann.session() });
    let settled = ann.hears();
    assert_eq!(settled.payload_type, 8);
    ann.says(2, 0x11);
    let mut bytes = [0x11, 0x66, 0x12];
    Codec::Pcma.transcode(Codec::Pcmu, &mut bytes);
    bob.hears_byte(bytes[0]);
    old.send_to(&rtp(8, 3, 0, &[0x66; 160]), ann.desk).unwrap();
    ann.says(4, 0x12);
    let heard: Vec<u8> =
        (0..200).map(|_| bob.hears().payload[0]).take_while(|byte| *byte != bytes[2]).collect();
    assert!(!heard.contains(&bytes[1]), "the old address says nothing any more");
}

#[test]
fn closing_says_goodbye_by_rtcp_frees_the_ports_and_gives_figures() {
    let mut desk = Desk::new();
    let phone = desk.phone(ANN, Codec::Pcma);
    (0..5).for_each(|_| drop(phone.hears()));
    let figures = desk.closes(ANN);
    assert!(figures.packets_sent >= 5);
    let mut buffer = [0; 1_500];
    let (length, from) = phone.rtcp.recv_from(&mut buffer).unwrap();
    assert_eq!(from.port(), phone.desk.port() + 1);
    let goodbye = Compound::parse(&buffer[..length]).unwrap();
    assert!(goodbye.parts().any(|part| matches!(part, Part::Bye { .. })));
    UdpSocket::bind(phone.desk).expect("the port is free again");
}

/// Rounds enough that each place of a burst meets the worker waking, reading and falling asleep.
#[test]
fn the_last_packet_of_a_burst_is_heard_though_nothing_follows_it() {
    let mut desk = Desk::new();
    let (ann, bob) = (desk.phone(ANN, Codec::Pcma), desk.phone(BOB, Codec::Pcma));
    bridge(&mut desk, &ann, &bob);
    ann.says(0, 0x11);
    bob.hears_byte(0x11);
    for round in 1..=100 {
        (1..=5).for_each(|place| ann.says(round * 5 + place, (round % 2) as u8 * 0x10 + place as u8));
        bob.hears_byte((round % 2) as u8 * 0x10 + 5);
    }
}

#[test]
fn packets_that_come_at_once_are_passed_on_at_once() {
    let mut desk = Desk::new();
    let (ann, bob) = (desk.phone(ANN, Codec::Pcma), desk.phone(BOB, Codec::Pcma));
    bridge(&mut desk, &ann, &bob);
    ann.says(0, 0x11);
    bob.hears_byte(0x11);
    // A frame of silence keeps her binding open: it comes when nothing else has come for longer than a burst needs.
    ann.hears();
    // Nothing follows them that could wake the worker again.
    (1..11).for_each(|number| ann.says(number, 0x22));
    for _ in 0..10 {
        bob.hears_byte(0x22);
    }
}

#[test]
fn a_phone_that_vanishes_disturbs_nobody() {
    let mut desk = Desk::new();
    let (ann, bob) = (desk.phone(ANN, Codec::Pcma), desk.phone(BOB, Codec::Pcma));
    // Audio comes, so the stream is open; her packet then connects it, and ICMP reaches a connected socket only.
    ann.hears();
    ann.says(1, 0);
    drop(ann);
    (0..20).for_each(|_| drop(bob.hears()));
    let stats = desk.handle.stats.clone();
    desk.closes(ANN);
    assert!(stats.send_errors.get() + stats.receive_errors.get() > 0, "the system told of the closed port");
}

#[test]
fn a_port_in_use_is_told() {
    let mut desk = Desk::new();
    let taken = socket();
    let port = taken.local_addr().unwrap().port();
    desk.command(Command::Open { stream: ANN, local: "127.0.0.1".parse().unwrap(), port, seed: 1 });
    let errno = nix::errno::Errno::EADDRINUSE as i32;
    assert_eq!(desk.event(), Event::OpenFailed { stream: ANN, port, errno });
}

#[test]
fn when_the_engine_is_gone_the_worker_closes_everything_and_ends() {
    let mut desk = Desk::new();
    let phone = desk.phone(ANN, Codec::Pcma);
    phone.hears();
    drop(desk.handle);
    desk.thread.join().unwrap();
    phone.rtp.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut buffer = [0; 1_500];
    let error = loop {
        if let Err(error) = phone.rtp.recv_from(&mut buffer) {
            break error;
        }
    };
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
}

#[test]
fn phones_on_shared_sockets_hear_each_other_and_those_with_sockets_of_their_own_and_no_stranger() {
    let mut desk = Desk::new();
    let (local, port) = ("127.0.0.1".parse().unwrap(), free_port());
    let join = |stream: StreamId| Command::Join { stream, local, port, seed: stream.0 };
    let ann = desk.phone_by(join(ANN), (ANN, port), Codec::Pcma);
    let bob = desk.phone_by(join(BOB), (BOB, port), Codec::Pcmu);
    let carol = desk.phone(StreamId(3), Codec::Pcma);
    let dave = desk.phone_by(join(StreamId(4)), (StreamId(4), port), Codec::Pcma);
    bridge(&mut desk, &ann, &bob);
    bridge(&mut desk, &carol, &dave);
    let stranger = socket();
    for number in 0..20 {
        stranger.send_to(&rtp(8, number, 0, &[0x66; 160]), ann.desk).unwrap();
        ann.says(number, 0x11);
        bob.says(number, 0x22);
        carol.says(number, 0x33);
        dave.says(number, 0x44);
    }
    let mut bytes = [0x11];
    Codec::Pcma.transcode(Codec::Pcmu, &mut bytes);
    bob.hears_byte(bytes[0]);
    dave.hears_byte(0x33);
    carol.hears_byte(0x44);
    assert!(desk.handle.stats.packets_refused.get() > 0, "the stranger's");
    desk.closes(ANN);
    let again = desk.phone_by(join(StreamId(5)), (StreamId(5), port), Codec::Pcma);
    again.hears();
}

#[test]
fn a_stream_on_shared_sockets_whose_far_end_is_anothers_is_told() {
    let mut desk = Desk::new();
    let (local, port) = ("127.0.0.1".parse().unwrap(), free_port());
    let join = |stream: StreamId| Command::Join { stream, local, port, seed: stream.0 };
    let ann = desk.phone_by(join(ANN), (ANN, port), Codec::Pcma);
    desk.command(join(BOB));
    assert_eq!(desk.event(), Event::Opened { stream: BOB });
    desk.command(Command::Connect { stream: BOB, session: ann.session() });
    assert_eq!(desk.event(), Event::Crossed { stream: BOB });
}
