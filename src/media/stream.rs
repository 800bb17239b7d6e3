//! One RTP endpoint: everything that its packets need, made when it is opened.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use super::command::{Codec, Direction, Extended, Rtcp, Session};
use super::dtmf::event;
use super::ear::Ear;
use super::event::{Figures, Way};
use super::feed::Feed;
use super::histogram::{Ledger, micros};
use super::latch::{Latch, Verdict};
use super::limits::{DATAGRAM_BYTES, JUDGED, LISTENERS, REPORT_INTERVAL};
use super::quality::watch::Watch;
use super::quality::{Delay, Heard, Losses, Rating};
use super::rtcp::{Reception, Sender};
use super::rtp::{HEADER_BYTES, Packet};
use super::srtp::keying::Keying;
use super::srtp::{RTCP_TAG_BYTES, Srtp};
use super::stats::WorkerStats;
use super::tape_tap::{Tap, Taped};
use super::timeline::{Incoming, Timeline};
use super::voice::Voice;
use super::wire::Wire;
use crate::ids::{CallId, StreamId};
use crate::moment::Moment;
use crate::recording::frame::Side;
use crate::rng::Rng;

/// RTP clock before a codec is agreed on, Hz.
const CLOCK_RATE: u32 = Codec::ALL[0].clock_rate();

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
    pub extended: Extended,
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
    /// While it is heard by samples.
    pub voice: Option<Box<Voice>>,
    pub presses: event::Receiver,
    /// Listens for tones, where no telephone-event was agreed.
    pub ear: Option<Box<Ear>>,
    pub tape: Option<CallId>,
    /// The tape that begins when the key is let go which still sounds: it may be a secret's last.
    pub tape_after_key: Option<CallId>,
    /// Frames missing on the tape and not yet told.
    pub gap: u32,
    pub refused: u64,
    /// Packets that the system dropped because the worker did not read in time.
    pub shed: u64,
    /// When RTP was last accepted, or became expected.
    pub heard_at: Moment,
    pub silence_told: bool,
    /// For so many packets its socket is read until it is empty: packets were seen waiting there, or came together.
    pub bursts: u16,
    pub sent_at: Moment,
    /// In the pacing wheel.
    pub paced: bool,
    pub report_at: Option<Moment>,
    /// Time that its packets spent inside the server.
    pub ledger: Ledger,
    watch: Watch,
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
            voice: None,
            presses: event::Receiver::new(CLOCK_RATE),
            ear: None,
            tape: None,
            tape_after_key: None,
            gap: 0,
            refused: 0,
            shed: 0,
            heard_at: now,
            silence_told: false,
            bursts: 0,
            sent_at: now,
            paced: false,
            report_at: None,
            ledger: Ledger::default(),
            watch: Watch::default(),
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
            extended: session.extended,
        });
        let clock_rate = session.codec.clock_rate();
        self.reception.set_clock(clock_rate);
        self.sender.set_clock(clock_rate);
        self.timeline.set_clock(now, clock_rate);
        self.presses.set_clock(clock_rate);
        self.ear = session.in_band_digits.then(|| Box::new(Ear::new(session.codec)));
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
        let lasts = if kind == Kind::Audio { link.codec.lasts(packet.payload) } else { 0 };
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
        let mut figures = Figures {
            packets_refused: self.refused,
            packets_shed: self.shed,
            codec: self.link.map(|link| link.codec),
            heard: self.heard(self.reception.losses()).map(|heard| heard.rating()),
            heard_worst: self.watch.worst(Way::Heard),
            told: self.sender.told_losses().and_then(|losses| self.told(losses)).map(|told| told.rating()),
            told_worst: self.watch.worst(Way::Told),
            passage: self.ledger.passage(),
            ..Figures::default()
        };
        self.reception.figures(&mut figures);
        self.sender.figures(&mut figures);
        figures
    }

    /// What came from the peer with these losses; `None` if nothing came.
    pub fn heard(&self, losses: Losses) -> Option<Heard> {
        let codec = self.link?.codec;
        let (round_trip_us, jitter_us) = (self.sender.round_trip_us(), self.reception.jitter_us());
        let buffer_us = self.voice.as_ref().map(|voice| micros(voice.figures().target));
        let delay = Delay { round_trip_us, jitter_us, buffer_us };
        (losses.expected > 0).then_some(Heard { codec, losses, delay })
    }

    fn told(&self, losses: Losses) -> Option<Heard> {
        let codec = self.link?.codec;
        (losses.expected > 0).then_some(Heard { codec, losses, delay: self.sender.told_delay() })
    }

    /// Rates both directions since this was last done, and says which crossed a threshold: to poor if true.
    pub fn assess(&mut self, mut crossed: impl FnMut(Way, Rating, bool)) {
        let heard = self.reception.take_losses();
        let told = self.sender.take_told_losses();
        let heard = self.heard(heard).filter(|heard| heard.losses.expected >= JUDGED);
        let told = told.and_then(|losses| self.told(losses));
        for (way, direction) in [(Way::Heard, heard), (Way::Told, told)] {
            let Some(rating) = direction.map(|direction| direction.rating()) else { continue };
            if let Some(poor) = self.watch.note(way, rating) {
                crossed(way, rating, poor);
            }
        }
    }
}

/// A datagram with its header written.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    pub timestamp: u32,
    pub audio: bool,
    pub datagram: &'a [u8],
}
