//! The path of a packet, and of a frame of our own. Nothing here allocates, locks, logs or waits.

use std::net::SocketAddr;
use std::time::Duration;

use super::codec::FRAME_SAMPLES;
use super::event::{DigitBy, Event};
use super::feed::Feed;
use super::limits::{DATAGRAM_BYTES, SEQUENCE_MISORDER, SLOT_LATE};
use super::outbox::Outbox;
use super::rtp::{self, HEADER_BYTES, Header};
use super::stream::{Kind, Outgoing, Received, Stream};
use super::switch::Switch;
use super::tape_tap::Taped;
use super::timeline::{Incoming, Stamp};
use super::wire::{Channel, Wire};
use crate::moment::Moment;
use crate::recording::frame::Side;

/// Samples decoded at a time for the tone detector.
const TONE_SAMPLES: usize = 480;

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
    ) {
        if channel == Channel::Rtcp || rtp::is_rtcp(datagram) {
            self.on_report(now, slot, channel, from, datagram);
        } else {
            self.on_rtp(now, slot, from, datagram, wire);
        }
    }

    fn on_rtp(
        &mut self,
        now: Moment,
        slot: usize,
        from: SocketAddr,
        datagram: &mut [u8],
        wire: &mut impl Wire,
    ) {
        let Some(stream) = self.table.get_mut(slot) else { return };
        self.exits.stats.packets_received.add(1);
        // A datagram that fills the buffer may have been cut: it is judged as if it were empty.
        let whole = if datagram.len() < DATAGRAM_BYTES { datagram } else { &mut [] };
        let Some(length) = stream.unprotect(from, whole) else {
            self.exits.stats.packets_refused.add(1);
            self.exits.stats.packets_unauthentic.add(1);
            return;
        };
        let datagram = &mut whole[..length];
        let Some(received) = stream.receive(now, from, datagram) else {
            self.exits.stats.packets_refused.add(1);
            return;
        };
        if let Some(latched) = received.settled {
            wire.settle(slot, from);
            if latched {
                self.outbox.tell(Event::Latched { stream: stream.id, remote: from });
            }
        }
        if !received.wanted {
            return;
        }
        let payload = &datagram[received.payload.clone()];
        match received.kind {
            Kind::Audio => {
                hear_tones(stream, &received, payload, &mut self.outbox);
                if let Some(call) = stream.tape {
                    stream.gap += self.exits.tap.write(Taped {
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
                if let Some(symbol) = stream.presses.packet(received.incoming.timestamp, payload) {
                    self.outbox.tell(Event::Digit { stream: stream.id, symbol, by: DigitBy::Event });
                }
            }
            Kind::Comfort => {}
        }
        let listeners = stream.listeners;
        let mut place = 0;
        while let Some(listener) = listeners.get(place) {
            self.pass(now, listener, &received, datagram, wire);
            place += 1;
        }
    }

    /// Passes an accepted packet to one who hears it, with that stream's header in front of the payload.
    fn pass(
        &mut self,
        now: Moment,
        listener: usize,
        received: &Received,
        datagram: &mut [u8],
        wire: &mut impl Wire,
    ) {
        let Some(stream) = self.table.get_mut(listener) else { return };
        let Some(link) = stream.link else { return };
        let digits = matches!(stream.feed, Feed::Peer { digits: true, .. });
        let payload_type = match received.kind {
            Kind::Audio if !received.payload.is_empty() => Some(link.payload_type),
            Kind::Event if digits => link.telephone_event,
            _ => None,
        };
        let Some(payload_type) = payload_type.filter(|_| link.sends) else {
            stream.timeline.withheld(&received.incoming);
            return;
        };
        let Some(stamp) = stream.timeline.relayed(now, &received.incoming) else {
            self.exits.stats.packets_stale.add(1);
            return;
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
        }
        latest
    }

    /// Sends the next frame of our own. On hold the source runs on unheard, so that a play ends in its time.
    pub(super) fn generate(&mut self, now: Moment, slot: usize, due: Moment, wire: &mut impl Wire) {
        let Some(stream) = self.table.get_mut(slot) else { return };
        let Some(link) = stream.link else { return };
        let mut packet = [0; HEADER_BYTES + FRAME_SAMPLES];
        let frame = packet[HEADER_BYTES..].first_chunk_mut().expect("the packet holds one frame");
        let ended = stream.feed.frame(link.codec, frame);
        if link.sends {
            let stamp = stream.timeline.generated(due, FRAME_SAMPLES as u32);
            write_header(&mut packet, stream, link.payload_type, stamp);
            let outgoing = Outgoing { timestamp: stamp.timestamp, audio: true, datagram: &packet };
            stream.send(slot, now, outgoing, &mut self.exits, wire);
        }
        if let Some(play) = ended {
            self.outbox.tell(Event::Played { stream: stream.id, play });
        }
    }
}

fn write_header(packet: &mut [u8], stream: &Stream, payload_type: u8, stamp: Stamp) {
    let Stamp { marker, sequence, timestamp } = stamp;
    let header = Header { marker, payload_type, sequence, timestamp, ssrc: stream.timeline.ssrc };
    header.write(packet.first_chunk_mut().expect("every packet begins with room for its header"));
}

/// Looks for DTMF tones where that was asked for. A late packet is left out: what followed it was heard already.
fn hear_tones(stream: &mut Stream, received: &Received, payload: &[u8], outbox: &mut Outbox) {
    let Some(tones) = &mut stream.tones else { return };
    let Incoming { ssrc, sequence, .. } = received.incoming;
    let ahead = match stream.tones_expect {
        Some((source, expected)) if source == ssrc => sequence.wrapping_sub(expected) as i16,
        _ => i16::MAX,
    };
    if (-SEQUENCE_MISORDER..0).contains(&ahead) {
        return;
    }
    if ahead != 0 {
        tones.interrupt();
    }
    stream.tones_expect = Some((ssrc, sequence.wrapping_add(1)));
    let mut samples = [0; TONE_SAMPLES];
    for part in payload.chunks(TONE_SAMPLES) {
        let count = received.codec.decode(part, &mut samples);
        tones.feed(&samples[..count], |symbol| {
            outbox.tell(Event::Digit { stream: stream.id, symbol, by: DigitBy::Tone });
        });
    }
}
