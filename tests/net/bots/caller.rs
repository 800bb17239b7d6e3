//! A caller who talks all the time, in a tone, and listens.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use hotline::engine::happened::{BotOutcome, Happened, What};
use hotline::ids::CallId;
use hotline::media::codec::{Decoder, Encoder, Rate};
use hotline::media::command::Codec;
use hotline::media::rtp::Packet;
use hotline::moment::Moment;
use hotline::net::clock::Clock;
use hotline::rng::Rng;
use tokio::sync::broadcast::Receiver;

use super::super::{PATIENCE, Wire};
use super::CALLER;
use crate::office::network::Datagram;
use crate::office::phone::Phone;

const NUMBER: &str = "1380";
/// Payload type of telephone-event in the phone's offers.
const EVENTS: u8 = 101;
const FRAME: Duration = Duration::from_millis(20);

pub struct Caller {
    clock: Clock,
    began: Moment,
    phone: Phone,
    socket: UdpSocket,
    audio: UdpSocket,
    codec: Codec,
    news: Receiver<Arc<Happened>>,
    happened: Vec<Arc<Happened>>,
    encoder: Encoder,
    /// Frames said, and when the next is due.
    said: usize,
    due: Option<Moment>,
    sequence: u16,
    /// What was heard: when, sequence, timestamp, samples at 8 kHz.
    heard: Vec<(f64, u16, u32, Vec<i16>)>,
    decoder: Decoder,
}

impl Caller {
    pub fn dials(wire: &Wire, codec: Codec) -> Caller {
        let news = wire.engine.listen();
        let clock = Clock::start();
        let bind = || UdpSocket::bind("127.0.0.1:0").unwrap();
        let (socket, audio) = (bind(), bind());
        socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        audio.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let mut phone = Phone::new(NUMBER, address, wire.sip, None, Rng::seeded(address.port().into()));
        let codecs: &'static [Codec] = match codec {
            Codec::Pcmu => &[Codec::Pcmu],
            Codec::Pcma => &[Codec::Pcma],
            Codec::G722 => &[Codec::G722],
            Codec::Opus => &[Codec::Opus],
        };
        phone.audio = (audio.local_addr().unwrap().port(), codecs);
        phone.dials(clock.now(), "95500");
        let began = clock.now();
        Caller {
            clock,
            began,
            phone,
            socket,
            audio,
            codec,
            news,
            happened: Vec::new(),
            encoder: Encoder::new(codec, Rate::Narrow),
            said: 0,
            due: None,
            sequence: 0,
            heard: Vec::new(),
            decoder: Decoder::new(codec, Rate::Narrow),
        }
    }

    pub fn until(&mut self, what: &str, seen: impl Fn(&Self) -> bool) {
        let limit = self.clock.now() + PATIENCE;
        while !seen(self) {
            assert!(self.clock.now() < limit, "waited in vain until {what}: {:#?}", self.happened);
            self.turn();
        }
    }

    pub fn talks_on(&mut self, time: Duration) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.turn();
        }
    }

    pub fn hangs_up(&mut self) {
        self.phone.hangs_up(self.clock.now());
    }

    /// A key by telephone-event (RFC 4733), as phones send it.
    pub fn presses(&mut self, key: u8) {
        let stamp = self.stamp();
        for (ended, duration) in [(0u8, 160u16), (0, 320), (0x80, 480), (0x80, 480), (0x80, 480)] {
            let [high, low] = duration.to_be_bytes();
            self.send(EVENTS, stamp, &[key, ended | 10, high, low]);
        }
    }

    fn stamp(&self) -> u32 {
        self.said as u32 * self.codec.frame_units()
    }

    fn turn(&mut self) {
        for datagram in self.phone.outgoing() {
            self.socket.send_to(&datagram.bytes, datagram.to).unwrap();
        }
        self.listen();
        let mut bytes = [0; 4_096];
        if let Ok((length, from)) = self.socket.recv_from(&mut bytes) {
            let bytes = bytes[..length].to_vec().into();
            let to = self.phone.address;
            self.phone.receive(self.clock.now(), Datagram { from, to, bytes });
        }
        self.phone.handle_time(self.clock.now());
        while let Ok(happened) = self.news.try_recv() {
            self.happened.push(happened);
        }
        let now = self.clock.now();
        if self.phone.is_talking() && now >= *self.due.get_or_insert(now) {
            self.due = self.due.map(|due| due + FRAME);
            self.say();
        }
    }

    fn say(&mut self) {
        let rate = self.encoder.rate();
        let fold = rate.frame() / 160;
        let sample = |at: usize| {
            let at = (self.said * rate.frame() + at) as f64 / (8_000.0 * fold as f64);
            (at * CALLER * std::f64::consts::TAU).sin() * 8_000.0
        };
        let samples: Vec<i16> = (0..rate.frame()).map(|at| sample(at) as i16).collect();
        let mut payload = [0; 400];
        let length = self.encoder.encode(&samples, &mut payload);
        let stamp = self.stamp();
        self.send(self.codec.payload_type(), stamp, &payload[..length]);
        self.said += 1;
    }

    fn send(&mut self, payload_type: u8, stamp: u32, payload: &[u8]) {
        let Some(port) = self.phone.remote_port() else { return };
        let mut packet = vec![0x80, payload_type];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(stamp.to_be_bytes());
        packet.extend(0xCA11u32.to_be_bytes());
        packet.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.audio.send_to(&packet, ("127.0.0.1", port)).unwrap();
    }

    fn listen(&mut self) {
        let mut bytes = [0; 2_048];
        while let Ok(length) = self.audio.recv(&mut bytes) {
            let Ok(packet) = Packet::parse(&bytes[..length]) else { continue };
            if packet.payload_type != self.codec.payload_type() {
                continue;
            }
            let mut samples = [0; Rate::LONGEST];
            let count = self.decoder.decode(packet.payload, &mut samples);
            let fold = (count / 160).max(1);
            let samples = samples[..count].iter().step_by(fold).copied().collect();
            let at = self.since_the_beginning();
            self.heard.push((at, packet.sequence, packet.timestamp, samples));
        }
    }

    pub fn since_the_beginning(&self) -> f64 {
        self.clock.now().since(self.began).as_secs_f64()
    }

    /// Milliseconds of what was heard that are this tone.
    pub fn heard_of(&self, hertz: f64) -> usize {
        self.heard.iter().filter(|(.., samples)| loudness(samples, hertz) > 3_000.0).count() * 20
    }

    /// Milliseconds of what was heard that are loud, be it speech or a tone.
    pub fn loud_ms(&self) -> usize {
        let loud = |samples: &[i16]| samples.iter().any(|sample| sample.unsigned_abs() > 2_000);
        self.heard.iter().filter(|(.., samples)| loud(samples)).count() * 20
    }

    /// When this tone was last heard.
    pub fn last_of(&self, hertz: f64) -> f64 {
        let tone = self.heard.iter().filter(|(.., samples)| loudness(samples, hertz) > 1_000.0);
        tone.map(|(at, ..)| *at).fold(0.0, f64::max)
    }

    /// Packet upon packet, 20 ms each by their own time, from the first to the last.
    pub fn has_no_gap(&self) {
        assert!(self.heard.len() > 10, "nothing was heard");
        for pair in self.heard.windows(2) {
            let ((at, sequence, stamp, _), (_, next, later, _)) = (&pair[0], &pair[1]);
            assert_eq!(*next, sequence.wrapping_add(1), "at {at:.3} s");
            assert_eq!(later.wrapping_sub(*stamp), self.codec.frame_units(), "at {at:.3} s");
        }
    }

    pub fn happened(&self) -> &[Arc<Happened>] {
        &self.happened
    }

    pub fn call(&self) -> Option<CallId> {
        self.happened.iter().find_map(|entry| entry.call)
    }

    pub fn queue(&self) -> Option<String> {
        self.happened.iter().find_map(|entry| match &entry.what {
            What::QueueEntered { queue, .. } => Some(queue.to_string()),
            _ => None,
        })
    }

    pub fn is_at(&self, wanted: &str) -> bool {
        let entered = |what: &What| matches!(what, What::NodeEntered { node } if node == wanted);
        self.happened.iter().any(|entry| entered(&entry.what))
    }

    pub fn bot_left(&self) -> Option<What> {
        let left = self.happened.iter().find(|entry| matches!(entry.what, What::BotLeft { .. }))?;
        Some(left.what.clone())
    }

    pub fn outcome(&self) -> Option<BotOutcome> {
        match self.bot_left()? {
            What::BotLeft { outcome, .. } => Some(outcome),
            _ => None,
        }
    }
}

/// How loud one tone is in samples at 8 kHz, by Goertzel: the amplitude of its sine.
pub fn loudness(samples: &[i16], hertz: f64) -> f64 {
    let turn = hertz * std::f64::consts::TAU / 8_000.0;
    let (mut re, mut im) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        re += f64::from(*sample) * (at as f64 * turn).cos();
        im += f64::from(*sample) * (at as f64 * turn).sin();
    }
    2.0 * f64::hypot(re, im) / samples.len().max(1) as f64
}
