//! The switch on a virtual clock with a network made of lists, and the worker on real loopback sockets.

mod allocations;
mod bots;
mod hearing;
mod looking_after;
mod loopback;
mod mixing;
mod protection;
mod quality;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::codec::{Encoder, FRAME_SAMPLES, Law, Rate};
use super::command::{Codec, Command, Direction, Extended, Rtcp, Session, Source};
use super::event::Event;
use super::outbox::Outbox;
use super::prompts::Library;
use super::relay::Next;
use super::rtp::{HEADER_BYTES, Header, Packet};
use super::stats::WorkerStats;
use super::stream::Exits;
use super::switch::Switch;
use super::tape_tap::Tap;
use super::wire::{Channel, Queue, Wire};
use crate::ids::{CallId, StreamId};
use crate::moment::Moment;
use crate::recording::block::{self, Record};
use crate::recording::frame::{self, Outlet, Side};

/// A caller and an agent.
pub const ANN: StreamId = StreamId(1);
pub const BOB: StreamId = StreamId(2);

pub const CALL: CallId = CallId(77);

/// Payload type of telephone-event in these tests.
pub const EVENTS: u8 = 101;

/// Bytes of a taped packet of 20 ms in the ring.
const TAPED_BYTES: usize = 184;

/// A packet as the disk thread gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnTape {
    pub call: CallId,
    pub side: Side,
    pub codec: Codec,
    pub rtp_time: u32,
    pub at: Moment,
    pub made: bool,
    pub payload: Vec<u8>,
}

impl OnTape {
    fn of(call: CallId, packet: &block::Packet<'_>) -> OnTape {
        let block::Packet { side, codec, rtp_time, at, made, payload } = *packet;
        OnTape { call, side, codec, rtp_time, at, made, payload: payload.to_vec() }
    }
}

/// What left, in order.
#[derive(Default)]
pub struct Lists {
    pub sent: Vec<(usize, SocketAddr, Vec<u8>)>,
    pub reports: Vec<(usize, SocketAddr, Vec<u8>)>,
    pub settled: Vec<(usize, SocketAddr)>,
    pub unsettled: usize,
    pub refuse_open: Option<i32>,
    /// What the clock shows beyond the turn's beginning.
    pub spent: Duration,
    /// What is sent leaves at the end of the turn.
    pub batched: bool,
    /// What the kernel will say, once.
    pub queue: Queue,
}

impl Wire for Lists {
    fn open(&mut self, _: usize, _: u32, _: IpAddr, _: u16) -> Result<(), i32> {
        self.refuse_open.map_or(Ok(()), Err)
    }

    fn close(&mut self, _: usize) {}

    fn settle(&mut self, slot: usize, remote: SocketAddr) {
        self.settled.push((slot, remote));
    }

    fn unsettle(&mut self, _: usize) {
        self.unsettled += 1;
    }

    fn send(&mut self, slot: usize, to: SocketAddr, datagram: &[u8]) -> bool {
        self.sent.push((slot, to, datagram.to_vec()));
        true
    }

    fn clock(&self, turn: Moment) -> Moment {
        turn + self.spent
    }

    fn waits(&self, _: usize) -> bool {
        self.batched
    }

    fn join(&mut self, _: usize, _: IpAddr, _: u16) -> Result<(), i32> {
        Ok(())
    }

    fn expect(&mut self, _: usize, _: SocketAddr, _: Option<SocketAddr>) -> bool {
        true
    }

    fn queue(&mut self, _: usize) -> Queue {
        std::mem::take(&mut self.queue)
    }

    fn send_report(&mut self, slot: usize, to: SocketAddr, datagram: &[u8]) -> bool {
        self.reports.push((slot, to, datagram.to_vec()));
        true
    }
}

/// A switch and the far ends of everything it is tied to.
pub struct Rig {
    pub switch: Switch,
    pub wire: Lists,
    pub events: rtrb::Consumer<Event>,
    pub tape: Outlet,
    pub stats: Arc<WorkerStats>,
    pub now: Moment,
}

/// A prompt that counts: 16 frames, each of one loudness.
pub fn library() -> Arc<Library> {
    let steps = (0..16).flat_map(|step| [step * 1_000 - 8_000; FRAME_SAMPLES]).collect::<Vec<i16>>();
    let builder = Library::builder().prompt("en", "steps", &steps).prompt("en", "one", &[99; 160]);
    let (library, masters) = builder.build_with_masters();
    masters.encode_into(&library);
    Arc::new(library)
}

pub fn switch(tape_slots: usize) -> (Switch, rtrb::Consumer<Event>, Outlet, Arc<WorkerStats>) {
    let (told, events) = rtrb::RingBuffer::new(64);
    let (taped, tape) = frame::ring_of(tape_slots * TAPED_BYTES);
    let stats = Arc::<WorkerStats>::default();
    let exits = Exits::new(Tap::new(taped, stats.clone()), stats.clone());
    let outbox = Outbox::new(told, stats.clone());
    (Switch::new("hotline", library(), outbox, exits), events, tape, stats)
}

pub fn remote(stream: StreamId) -> SocketAddr {
    format!("198.51.100.{}:4000", stream.0).parse().unwrap()
}

pub fn session(stream: StreamId, codec: Codec) -> Session {
    let mut rtcp = remote(stream);
    rtcp.set_port(4_001);
    Session {
        remote: remote(stream),
        rtcp: Rtcp::At(rtcp),
        codec,
        payload_type: codec.payload_type(),
        telephone_event: Some(EVENTS),
        direction: Direction::SendRecv,
        in_band_digits: false,
        extended: Extended::default(),
        srtp: None,
    }
}

pub fn rtp(payload_type: u8, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let header = Header { marker: false, payload_type, sequence, timestamp, ssrc: 0xA11CE };
    let mut datagram = vec![0; HEADER_BYTES];
    header.write(datagram.first_chunk_mut().unwrap());
    datagram.extend_from_slice(payload);
    datagram
}

/// A telephone-event packet's payload (RFC 4733 §2.3).
pub fn press(event: u8, ended: bool, duration: u16) -> [u8; 4] {
    let [high, low] = duration.to_be_bytes();
    [event, if ended { 0x8A } else { 0x0A }, high, low]
}

impl Rig {
    pub fn new() -> Rig {
        Rig::with_tape_of(64)
    }

    pub fn with_tape_of(slots: usize) -> Rig {
        let (switch, events, tape, stats) = switch(slots);
        let now = Moment::from_micros(1_000_000_000);
        Rig { switch, wire: Lists::default(), events, tape, stats, now }
    }

    /// Ann and Bob open and connected; they hear silence.
    pub fn with_two(ann: Codec, bob: Codec) -> Rig {
        let mut rig = Rig::new();
        rig.enters(session(ANN, ann), ANN);
        rig.enters(session(BOB, bob), BOB);
        rig
    }

    /// Ann and Bob hear each other.
    pub fn talking(ann: Codec, bob: Codec, digits: bool) -> Rig {
        let mut rig = Rig::with_two(ann, bob);
        rig.hears(ANN, Source::Peer { stream: BOB, digits });
        rig.hears(BOB, Source::Peer { stream: ANN, digits });
        rig
    }

    pub fn enters(&mut self, session: Session, stream: StreamId) {
        let local = "127.0.0.1".parse().unwrap();
        self.command(Command::Open { stream, local, port: 4_000, seed: stream.0 });
        if self.events.peek() == Ok(&Event::Opened { stream }) {
            let _ = self.events.pop();
        }
        self.command(Command::Connect { stream, session });
    }

    pub fn hears(&mut self, stream: StreamId, source: Source) {
        self.command(Command::Hear { stream, source });
    }

    pub fn command(&mut self, command: Command) {
        self.switch.obey(self.now, command, &mut self.wire);
    }

    pub fn passes(&mut self, time: Duration) {
        // In steps as small as the finest wheel's, as a worker that is not late would.
        let end = self.now + time;
        while self.now < end {
            self.now = self.now + Duration::from_millis(1);
            self.switch.on_time(self.now, &mut self.wire);
        }
    }

    /// The worker stands still for `time`, then goes on.
    pub fn stalls(&mut self, time: Duration) {
        self.now = self.now + time;
        self.switch.on_time(self.now, &mut self.wire);
    }

    pub fn slot(&self, stream: StreamId) -> usize {
        // The rig opens Ann first and Bob second.
        stream.0 as usize - 1
    }

    pub fn says(&mut self, stream: StreamId, datagram: &[u8]) -> Next {
        self.comes_from(remote(stream), stream, datagram)
    }

    pub fn comes_from(&mut self, from: SocketAddr, stream: StreamId, datagram: &[u8]) -> Next {
        self.comes_on(Channel::Rtp, from, stream, datagram)
    }

    pub fn comes_on(
        &mut self,
        channel: Channel,
        from: SocketAddr,
        stream: StreamId,
        datagram: &[u8],
    ) -> Next {
        let mut datagram = datagram.to_vec();
        let slot = self.slot(stream);
        self.switch.on_datagram(self.now, slot, channel, from, &mut datagram, &mut self.wire)
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.pop().ok()).collect()
    }

    /// What came on the tape since the last call.
    pub fn tape(&mut self) -> Vec<OnTape> {
        let mut packets = Vec::new();
        self.tape.take(|taped| {
            let bytes = taped.parts.concat();
            let Some(Some(Record::Packet(packet))) = block::records(&bytes).next() else {
                panic!("not a packet's record: {bytes:?}");
            };
            packets.push(OnTape::of(taped.call, &packet));
        });
        packets
    }

    /// What `stream`'s far end received since the last call.
    pub fn heard_by(&mut self, stream: StreamId) -> Vec<Heard> {
        let slot = self.slot(stream);
        let heard = self.wire.sent.iter().filter(|(s, ..)| *s == slot).map(|(_, to, d)| Heard::of(*to, d));
        let heard = heard.collect();
        self.wire.sent.retain(|(s, ..)| *s != slot);
        heard
    }
}

/// A sent packet, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub to: SocketAddr,
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Vec<u8>,
}

impl Heard {
    pub fn of(to: SocketAddr, datagram: &[u8]) -> Heard {
        let packet = Packet::parse(datagram).unwrap();
        Heard {
            to,
            marker: packet.marker,
            payload_type: packet.payload_type,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
            payload: packet.payload.to_vec(),
        }
    }
}
