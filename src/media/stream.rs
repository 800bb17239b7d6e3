//! One RTP endpoint: everything that its packets need, made when it is opened.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use super::command::{Codec, Direction, Rtcp, Session};
use super::dtmf::{event, tone};
use super::event::Figures;
use super::feed::Feed;
use super::latch::{Latch, Verdict};
use super::limits::{DATAGRAM_BYTES, LISTENERS, REPORT_INTERVAL};
use super::rtcp::{Reception, Sender};
use super::rtp::{HEADER_BYTES, Packet};
use super::srtp::keying::Keying;
use super::srtp::{RTCP_TAG_BYTES, Srtp};
use super::stats::WorkerStats;
use super::tape_tap::{Tap, Taped};
use super::timeline::{Incoming, Timeline};
use super::wire::Wire;
use crate::ids::{CallId, StreamId};
use crate::moment::Moment;
use crate::recording::frame::Side;
use crate::rng::Rng;

/// RTP clock of all G.711, Hz.
const CLOCK_RATE: u32 = 8_000;

/// Static payload type of comfort noise (RFC 3389): accepted, as some phones send it unasked, never passed on.
const COMFORT_NOISE: u8 = 13;

/// What was negotiated, as packets need it.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub codec: Codec,
    pub payload_type: u8,
    pub telephone_event: Option<u8>,
    pub sends: bool,
    pub receives: bool,
    pub rtcp: Rtcp,
}

/// What a packet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Audio,
    Event,
    Comfort,
}

/// An accepted packet.
#[derive(Clone, Debug)]
pub struct Received {
    pub kind: Kind,
    pub codec: Codec,
    pub incoming: Incoming,
    /// Place of the payload in the datagram.
    pub payload: Range<usize>,
    /// The packet settled whose packets are accepted; true if by learning an address.
    pub settled: Option<bool>,
    /// The direction allows input.
    pub wanted: bool,
}

/// Slots of the streams that hear this one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Listeners {
    slots: [usize; LISTENERS],
    count: usize,
}

impl Listeners {
    /// False if there is no room.
    pub fn add(&mut self, slot: usize) -> bool {
        let room = self.count < LISTENERS;
        if room {
            self.slots[self.count] = slot;
            self.count += 1;
        }
        room
    }

    pub fn remove(&mut self, slot: usize) {
        if let Some(place) = self.slots[..self.count].iter().position(|s| *s == slot) {
            self.count -= 1;
            self.slots[place] = self.slots[self.count];
        }
    }

    pub fn get(&self, place: usize) -> Option<usize> {
        self.slots[..self.count].get(place).copied()
    }
}

/// Where copies and numbers of what is sent go.
pub struct Exits {
    pub tap: Tap,
    pub stats: std::sync::Arc<WorkerStats>,
    /// Where a packet is protected, so that it stays plain for the tape and for the next who hears it.
    pub sealed: Box<Sealed>,
}

impl Exits {
    pub fn new(tap: Tap, stats: std::sync::Arc<WorkerStats>) -> Self {
        Exits { tap, stats, sealed: Box::new([0; size_of::<Sealed>()]) }
    }
}

/// Room for the longest datagram and its tag.
pub type Sealed = [u8; DATAGRAM_BYTES + RTCP_TAG_BYTES];

#[derive(Debug)]
pub struct Stream {
    pub id: StreamId,
    /// `None` before Connect.
    pub link: Option<Link>,
    pub latch: Latch,
    /// `None`: plain RTP was agreed on. Boxed: most legs have none.
    pub srtp: Option<Box<Srtp>>,
    pub reception: Reception,
    pub sender: Sender,
    pub timeline: Timeline,
    pub feed: Feed,
    pub listeners: Listeners,
    pub presses: event::Receiver,
    pub tones: Option<tone::Detector>,
    /// SSRC and sequence number that would continue what the tone detector heard.
    pub tones_expect: Option<(u32, u16)>,
    pub tape: Option<CallId>,
    /// Frames missing on the tape and not yet told.
    pub gap: u32,
    pub refused: u64,
    /// When RTP was last accepted, or became expected.
    pub heard_at: Moment,
    pub silence_told: bool,
    pub sent_at: Moment,
    /// In the pacing wheel.
    pub paced: bool,
    pub report_at: Option<Moment>,
    rng: Rng,
}

impl Stream {
    pub fn new(id: StreamId, seed: u64, now: Moment) -> Self {
        let mut rng = Rng::seeded(seed);
        let ssrc = rng.u32();
        // The first number is kept small enough not to wrap at once (RFC 3711 §3.3.1 tells why).
        let first_sequence = (rng.u32() & 0x7FFF) as u16;
        let first_timestamp = rng.u32();
        Stream {
            id,
            link: None,
            latch: Latch::default(),
            srtp: None,
            reception: Reception::new(CLOCK_RATE),
            sender: Sender::new(ssrc, CLOCK_RATE),
            timeline: Timeline::new(now, ssrc, first_sequence, first_timestamp),
            feed: Feed::Silence,
            listeners: Listeners::default(),
            presses: event::Receiver::new(),
            tones: None,
            tones_expect: None,
            tape: None,
            gap: 0,
            refused: 0,
            heard_at: now,
            silence_told: false,
            sent_at: now,
            paced: false,
            report_at: None,
            rng,
        }
    }

    /// Takes what was negotiated. True if the socket must take datagrams from anywhere again.
    pub fn connect(&mut self, now: Moment, session: &Session) -> bool {
        let receives = matches!(session.direction, Direction::SendRecv | Direction::RecvOnly);
        let before = self.link.is_some_and(|link| link.receives);
        self.link = Some(Link {
            codec: session.codec,
            payload_type: session.payload_type,
            telephone_event: session.telephone_event,
            sends: matches!(session.direction, Direction::SendRecv | Direction::SendOnly),
            receives,
            rtcp: session.rtcp,
        });
        self.tones = session.in_band_digits.then(tone::Detector::new);
        self.secure(session.srtp.as_deref());
        if self.report_at.is_none() {
            // The first report comes early (RFC 3550 §6.2).
            self.report_at = Some(now + self.report_interval() / 2);
        }
        let moved = self.latch.connect(now, session.remote);
        // Who answers a question after silence is there, though mute: they are asked again after the next one.
        if moved || (receives && !before) || self.silence_told {
            self.heard_at = now;
            self.silence_told = false;
        }
        moved
    }

    fn secure(&mut self, keying: Option<&Keying>) {
        match (&mut self.srtp, keying) {
            (Some(srtp), Some(keying)) => srtp.rekey(keying),
            (srtp, keying) => *srtp = keying.map(|keying| Box::new(Srtp::new(keying))),
        }
    }

    /// Checks and decrypts a datagram where SRTP was agreed on, before anything is concluded from it. Its length;
    /// `None` if it is refused.
    pub fn unprotect(&mut self, from: SocketAddr, datagram: &mut [u8]) -> Option<usize> {
        let Some(srtp) = &mut self.srtp else { return Some(datagram.len()) };
        // Whoever could not be accepted anyway is not worth the work.
        let opened = self.latch.may_accept(from).then(|| srtp.unprotect(datagram).ok()).flatten();
        self.refused += u64::from(opened.is_none());
        opened
    }

    /// From 0.5 to 1.5 times the interval, so that reports of many streams do not march in step.
    pub fn report_interval(&mut self) -> Duration {
        let millis = REPORT_INTERVAL.as_millis() as u64;
        Duration::from_millis(millis / 2 + self.rng.below(millis))
    }

    /// Judges and counts a datagram. `None` if it is refused.
    pub fn receive(&mut self, now: Moment, from: SocketAddr, datagram: &[u8]) -> Option<Received> {
        let received = self.judge(now, from, datagram);
        match &received {
            None => self.refused += 1,
            Some(received) => {
                let Incoming { ssrc, sequence, timestamp, .. } = received.incoming;
                match received.kind {
                    Kind::Audio => self.reception.packet(now, ssrc, sequence, timestamp),
                    Kind::Event | Kind::Comfort => self.reception.untimed_packet(now, ssrc, sequence),
                }
                self.heard_at = now;
                self.silence_told = false;
            }
        }
        received
    }

    fn judge(&mut self, now: Moment, from: SocketAddr, datagram: &[u8]) -> Option<Received> {
        let link = self.link?;
        let packet = Packet::parse(datagram).ok()?;
        let kind = match packet.payload_type {
            audio if audio == link.payload_type => Kind::Audio,
            event if Some(event) == link.telephone_event => Kind::Event,
            COMFORT_NOISE => Kind::Comfort,
            _ => return None,
        };
        let settled = match self.latch.judge(now, from, packet.ssrc, packet.sequence) {
            Verdict::Accept => None,
            Verdict::Settle { latched } => Some(latched),
            Verdict::Refuse => return None,
        };
        let start =
            HEADER_BYTES + packet.csrcs.len() + packet.extension.map_or(0, |(_, data)| 4 + data.len());
        let lasts = if kind == Kind::Audio { packet.payload.len() as u32 } else { 0 };
        Some(Received {
            kind,
            codec: link.codec,
            incoming: Incoming {
                from: self.id,
                ssrc: packet.ssrc,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                marker: packet.marker,
                lasts,
            },
            payload: start..start + packet.payload.len(),
            settled,
            wanted: link.receives,
        })
    }

    /// Sends a finished datagram with audio or an event; audio goes on the tape.
    pub fn send(
        &mut self,
        slot: usize,
        now: Moment,
        outgoing: Outgoing<'_>,
        exits: &mut Exits,
        wire: &mut impl Wire,
    ) {
        let (Some(link), Some(remote)) = (self.link, self.latch.remote()) else { return };
        let payload = &outgoing.datagram[HEADER_BYTES..];
        self.sent_at = now;
        let datagram = match &mut self.srtp {
            None => Ok(outgoing.datagram),
            Some(srtp) => srtp.protected(outgoing.datagram, &mut exits.sealed[..]),
        };
        let Ok(datagram) = datagram else {
            exits.stats.packets_stale.add(1);
            return;
        };
        if wire.send(slot, remote, datagram) {
            self.sender.packet(now, outgoing.timestamp, payload.len());
            exits.stats.packets_sent.add(1);
        }
        if let Some(call) = self.tape
            && outgoing.audio
        {
            self.gap += exits.tap.write(Taped {
                call,
                side: Side::Bank,
                codec: link.codec,
                rtp_time: outgoing.timestamp,
                at: now,
                made: self.feed.is_generated(),
                payload,
            });
        }
    }

    pub fn figures(&self) -> Figures {
        let mut figures = Figures { packets_refused: self.refused, ..Figures::default() };
        self.reception.figures(&mut figures);
        self.sender.figures(&mut figures);
        figures
    }
}

/// A datagram with its header written.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    pub timestamp: u32,
    pub audio: bool,
    pub datagram: &'a [u8],
}
