//! The path of a packet, and of a frame of our own. Nothing here allocates, locks, logs or waits.

use std::net::SocketAddr;
use std::time::Duration;

use super::codec::coder::PAYLOAD_BYTES;
use super::event::{DigitBy, Event};
use super::feed::{Feed, Filled};
use super::histogram::micros;
use super::limits::{ALONE, BURSTS, DATAGRAM_BYTES, SLOT_LATE};
use super::outbox::Outbox;
use super::rtp::{self, HEADER_BYTES, Header};
use super::stream::{Exits, Kind, Listeners, Outgoing, Received, Stream};
use super::switch::Switch;
use super::tape_tap::Taped;
use super::timeline::Stamp;
use super::wire::{Channel, Wire};
use crate::moment::Moment;
use crate::recording::frame::Side;

/// Where the worker should look after a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Elsewhere: one packet came in its time, and the next is some milliseconds away.
    Elsewhere,
    /// At the same socket: another may have come with this one.
    Again,
}

impl Switch {
    /// A datagram came to `slot`. It is used as working space.
    pub fn on_datagram(
        &mut self,
        now: Moment,
        slot: usize,
        channel: Channel,
        from: SocketAddr,
        datagram: &mut [u8],
        wire: &mut impl Wire,
    ) -> Next {
        if channel == Channel::Rtcp || rtp::is_rtcp(datagram) {
            self.on_report(now, slot, channel, from, datagram);
            return Next::Again;
        }
        self.on_rtp(now, slot, from, datagram, wire).unwrap_or(Next::Again)
    }

    fn on_rtp(
        &mut self,
        now: Moment,
        slot: usize,
        from: SocketAddr,
        datagram: &mut [u8],
        wire: &mut impl Wire,
    ) -> Option<Next> {
        let stream = self.table.get_mut(slot)?;
        self.exits.stats.packets_received.add(1);
        // A datagram that fills the buffer may have been cut: it is judged as if it were empty.
        let whole = if datagram.len() < DATAGRAM_BYTES { datagram } else { &mut [] };
        let Some(length) = stream.unprotect(from, whole) else {
            self.exits.stats.packets_refused.add(1);
            self.exits.stats.packets_unauthentic.add(1);
            return None;
        };
        let datagram = &mut whole[..length];
        let pause = now.since(stream.heard_at);
        let Some(received) = stream.receive(now, from, datagram) else {
            self.exits.stats.packets_refused.add(1);
            return None;
        };
        let alone = ALONE.contains(&pause) && received.kind == Kind::Audio && stream.bursts == 0;
        // Read in the same turn as the one before it: who sends two at once will do so again.
        let together = pause.is_zero();
        stream.bursts = if together { BURSTS } else { stream.bursts.saturating_sub(1) };
        let next = if alone { Next::Elsewhere } else { Next::Again };
        if let Some(latched) = received.settled {
            wire.settle(slot, from);
            if latched {
                self.outbox.tell(Event::Latched { stream: stream.id, remote: from });
            }
        }
        if !received.wanted {
            return Some(next);
        }
        let payload = &datagram[received.payload.clone()];
        take(stream, now, &received, payload, &mut self.exits, &mut self.outbox);
        let listeners = stream.listeners;
        self.pass_on(now, slot, listeners, &received, datagram, wire);
        Some(next)
    }

    /// Passes an accepted packet of `slot`'s to all who hear it, and books the time that it spent inside.
    fn pass_on(
        &mut self,
        now: Moment,
        slot: usize,
        listeners: Listeners,
        received: &Received,
        datagram: &mut [u8],
        wire: &mut impl Wire,
    ) {
        let mut place = 0;
        let (mut passed, mut waits) = (false, false);
        while let Some(listener) = listeners.get(place) {
            if self.pass(now, listener, received, datagram, wire) {
                passed = true;
                waits |= wire.waits(listener);
            }
            place += 1;
        }
        if waits && self.leaving.len() < self.leaving.capacity() {
            self.leaving.push(slot);
        } else if passed {
            self.book(slot, micros(wire.clock(now).since(now)));
        }
    }

    /// Books the time that a packet of `slot`'s spent inside the server.
    fn book(&mut self, slot: usize, spent: u32) {
        self.exits.stats.passages.add(spent, 1);
        if let Some(stream) = self.table.get_mut(slot) {
            stream.ledger.add(spent);
        }
    }

    /// Everything that waited has been sent: the packets that left with it are booked, by one look at the clock.
    pub fn left(&mut self, now: Moment, wire: &impl Wire) {
        if self.leaving.is_empty() {
            return;
        }
        let spent = micros(wire.clock(now).since(now));
        while let Some(slot) = self.leaving.pop() {
            self.book(slot, spent);
        }
    }

    /// Passes an accepted packet to one who hears it, with that stream's header in front of the payload. True if it
    /// was passed.
    fn pass(
        &mut self,
        now: Moment,
        listener: usize,
        received: &Received,
        datagram: &mut [u8],
        wire: &mut impl Wire,
    ) -> bool {
        let Some(stream) = self.table.get_mut(listener) else { return false };
        let Some(link) = stream.link else { return false };
        if let Feed::Mix(_) = stream.feed {
            // Audio that is heard by samples waits for its tick: its time inside is the jitter buffer's.
            self.pass_event(now, listener, received, datagram, wire);
            return false;
        }
        let digits = matches!(stream.feed, Feed::Peer { digits: true, .. });
        let payload_type = match received.kind {
            Kind::Audio if !received.payload.is_empty() && received.codec.relays_to(link.codec) => {
                Some(link.payload_type)
            }
            Kind::Event if digits => link.telephone_event,
            _ => None,
        };
        let Some(payload_type) = payload_type.filter(|_| link.sends) else {
            stream.timeline.withheld(&received.incoming);
            return false;
        };
        let Some(stamp) = stream.timeline.relayed(now, &received.incoming) else {
            self.exits.stats.packets_stale.add(1);
            return false;
        };
        let audio = received.kind == Kind::Audio;
        let packet = if audio && link.codec != received.codec {
            let packet = &mut self.scratch[..HEADER_BYTES + received.payload.len()];
            packet[HEADER_BYTES..].copy_from_slice(&datagram[received.payload.clone()]);
            received.codec.transcode(link.codec, &mut packet[HEADER_BYTES..]);
            packet
        } else {
            // The incoming header is at least as long as ours, so ours fits before the payload.
            &mut datagram[received.payload.start - HEADER_BYTES..received.payload.end]
        };
        write_header(packet, stream, payload_type, stamp);
        let outgoing = Outgoing { timestamp: stamp.timestamp, audio, datagram: packet };
        stream.send(listener, now, outgoing, &mut self.exits, wire);
        true
    }

    /// Serves the slots of generated audio whose time has come. How late the latest of them was.
    pub(super) fn pace(&mut self, now: Moment, wire: &mut impl Wire) -> Duration {
        let mut latest = Duration::ZERO;
        while let Some(due) = self.pacing.due(now) {
            latest = latest.max(due.late);
            if due.late > SLOT_LATE {
                self.exits.stats.slots_late.add(1);
            }
            if due.skipped > 0 {
                self.exits.stats.slots_skipped.add(due.skipped);
            }
            let mut place = 0;
            while let Some(slot) = self.pacing.members(due.part).get(place).copied() {
                self.generate(now, slot, due.at, wire);
                place += 1;
            }
            if place > 0 {
                self.exits.stats.pacing_errors.add(micros(wire.clock(now).since(due.at)), place as u64);
            }
        }
        latest
    }

    /// Sends the next frame of our own. On hold the source runs on unheard, so that a play ends in its time.
    pub(super) fn generate(&mut self, now: Moment, slot: usize, due: Moment, wire: &mut impl Wire) {
        let Some(stream) = self.table.get_mut(slot) else { return };
        match stream.feed {
            Feed::Mix(_) => return self.mix(now, slot, due, wire),
            Feed::Bot(_) => return self.talk(now, slot, due, wire),
            _ => {}
        }
        let Some(link) = stream.link else { return };
        let mut packet = [0; HEADER_BYTES + PAYLOAD_BYTES];
        let frame = packet[HEADER_BYTES..].first_chunk_mut().expect("the packet holds one frame");
        let Filled { length, ended } = stream.feed.frame(link.codec, frame);
        if link.sends {
            let stamp = stream.timeline.generated(due, link.codec.frame_units());
            let packet = &mut packet[..HEADER_BYTES + length];
            write_header(packet, stream, link.payload_type, stamp);
            let outgoing = Outgoing { timestamp: stamp.timestamp, audio: true, datagram: packet };
            stream.send(slot, now, outgoing, &mut self.exits, wire);
        }
        if let Some(play) = ended {
            self.outbox.tell(Event::Played { stream: stream.id, play });
        }
    }
}

/// What a stream itself makes of an accepted packet: samples, keys, tape.
fn take(
    stream: &mut Stream,
    now: Moment,
    received: &Received,
    payload: &[u8],
    exits: &mut Exits,
    outbox: &mut Outbox,
) {
    match received.kind {
        Kind::Audio => {
            if let Some(voice) = &mut stream.voice {
                voice.packet(now, &received.incoming, payload);
            }
            if let Some(ear) = &mut stream.ear {
                ear.hear(&received.incoming, payload, |symbol| {
                    outbox.tell(Event::Digit { stream: stream.id, symbol, by: DigitBy::Tone });
                });
            }
            if stream.tape_after_key.is_some() && !stream.ear.as_ref().is_some_and(|ear| ear.is_busy()) {
                stream.tape = stream.tape_after_key.take();
            }
            if let Some(call) = stream.tape {
                stream.gap += exits.tap.write(Taped {
                    call,
                    side: Side::Caller,
                    codec: received.codec,
                    rtp_time: received.incoming.timestamp,
                    at: now,
                    made: false,
                    payload,
                });
            }
        }
        Kind::Event => {
            if let Some(voice) = &mut stream.voice {
                voice.other(&received.incoming);
            }
            if let Some(symbol) = stream.presses.packet(received.incoming.timestamp, payload) {
                outbox.tell(Event::Digit { stream: stream.id, symbol, by: DigitBy::Event });
            }
        }
        Kind::Comfort => {
            if let Some(voice) = &mut stream.voice {
                voice.comfort(&received.incoming, payload);
            }
        }
    }
}

pub(super) fn write_header(packet: &mut [u8], stream: &Stream, payload_type: u8, stamp: Stamp) {
    let Stamp { marker, sequence, timestamp } = stamp;
    let header = Header { marker, payload_type, sequence, timestamp, ssrc: stream.timeline.ssrc };
    header.write(packet.first_chunk_mut().expect("every packet begins with room for its header"));
}
