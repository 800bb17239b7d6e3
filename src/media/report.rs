//! RTCP, and what is looked after once a second: silence, NAT bindings, gaps on tapes.

use std::net::SocketAddr;

use super::command::Rtcp;
use super::event::Event;
use super::feed::Feed;
use super::limits::{KEEP_OPEN, MEDIA_SILENCE};
use super::rtcp::xr::{XrBlock, XrBlocks};
use super::rtcp::{Compound, Part, REPORT_BYTES, Terms};
use super::stream::Stream;
use super::switch::Switch;
use super::wire::{Channel, Queue, Wire};
use crate::moment::Moment;

/// Where our reports go.
enum Target {
    /// From the RTP socket.
    Muxed(SocketAddr),
    /// From the RTCP socket.
    Apart(SocketAddr),
}

impl Switch {
    /// Serves the streams whose second is over.
    pub(super) fn attend(&mut self, now: Moment, wire: &mut impl Wire) {
        while let Some(due) = self.duties.due(now) {
            let mut place = 0;
            while let Some(slot) = self.duties.members(due.part).get(place).copied() {
                self.attend_to(now, slot, wire);
                place += 1;
            }
        }
    }

    fn attend_to(&mut self, now: Moment, slot: usize, wire: &mut impl Wire) {
        self.tell_gap(slot);
        self.count_shed(slot, wire);
        let Some(stream) = self.table.get_mut(slot) else { return };
        let Some(link) = stream.link else { return };
        if link.receives && !stream.silence_told && now.since(stream.heard_at) >= MEDIA_SILENCE {
            stream.silence_told = true;
            self.outbox.tell(Event::Silent { stream: stream.id });
        }
        let report = stream.report_at.is_some_and(|at| at <= now);
        let relays_silence =
            matches!(stream.feed, Feed::Peer { .. }) && now.since(stream.sent_at) >= KEEP_OPEN;
        if relays_silence {
            self.generate(now, slot, now, wire);
        }
        if report {
            self.assess(slot);
            self.report(now, slot, false, wire);
        }
    }

    /// Counts what the system dropped because we did not read in time: lost, but not by the network. And sees to it that
    /// nothing stays behind at the socket.
    pub(super) fn count_shed(&mut self, slot: usize, wire: &mut impl Wire) {
        let Queue { shed, waits } = wire.queue(slot);
        self.exits.stats.packets_shed.add(u64::from(shed));
        if let Some(stream) = self.table.get_mut(slot) {
            stream.shed += u64::from(shed);
            stream.bursts = stream.bursts.max(u16::from(waits));
        }
    }

    /// Tells when a direction of a leg becomes poor, and when it is better.
    fn assess(&mut self, slot: usize) {
        let Some(stream) = self.table.get_mut(slot) else { return };
        let id = stream.id;
        stream.assess(|way, rating, poor| {
            self.exits.stats.legs_poor.add(u64::from(poor));
            self.outbox.tell(Event::Quality { stream: id, way, rating, poor });
        });
    }

    /// Sends a report; the last one says goodbye.
    pub(super) fn report(&mut self, now: Moment, slot: usize, leaving: bool, wire: &mut impl Wire) {
        let Some(stream) = self.table.get_mut(slot) else { return };
        let Some(target) = target(stream) else { return };
        stream.report_at = Some(now + stream.report_interval());
        let mut buffer = [0; REPORT_BYTES];
        let extended = stream.link.map_or_else(Default::default, |link| link.extended);
        let heard = stream.heard(stream.reception.losses());
        let terms = Terms { cname: &self.cname, leaving, extended, heard };
        let length = stream.sender.write(now, &mut stream.reception, terms, &mut buffer);
        let report = &buffer[..length];
        let report = match &mut stream.srtp {
            None => Ok(report),
            Some(srtp) => srtp.protected_report(report, &mut self.exits.sealed[..]),
        };
        let sent = match (target, report) {
            (Target::Muxed(to), Ok(report)) => wire.send(slot, to, report),
            (Target::Apart(to), Ok(report)) => wire.send_report(slot, to, report),
            (_, Err(_)) => false,
        };
        if sent {
            self.exits.stats.reports_sent.add(1);
        }
    }

    /// Takes the peer's report; from anyone else it is refused.
    pub(super) fn on_report(
        &mut self,
        now: Moment,
        slot: usize,
        channel: Channel,
        from: SocketAddr,
        datagram: &mut [u8],
    ) {
        let Some(stream) = self.table.get_mut(slot) else { return };
        let datagram = if is_from_peer(stream, channel, from) { opened(stream, datagram) } else { None };
        let compound = datagram.and_then(|datagram| Compound::parse(datagram).ok());
        let Some(compound) = compound else {
            stream.refused += 1;
            self.exits.stats.packets_refused.add(1);
            return;
        };
        self.exits.stats.reports_received.add(1);
        for part in compound.parts() {
            let blocks = match part {
                Part::SenderReport { ssrc, ntp, blocks, .. } => {
                    stream.reception.sender_report(now, ssrc, ntp);
                    blocks
                }
                Part::ReceiverReport { blocks, .. } => blocks,
                Part::Extended { ssrc, blocks } => {
                    extended(now, stream, ssrc, blocks);
                    continue;
                }
                Part::Cname { .. } | Part::Bye { .. } | Part::Other { .. } => continue,
            };
            for block in blocks {
                stream.sender.block(now, &block);
                if let Feed::Mix(mix) = &mut stream.feed
                    && block.ssrc == stream.timeline.ssrc
                {
                    mix.listener_loses(block.fraction_lost);
                }
            }
        }
    }
}

/// Takes an extended report of the peer's.
fn extended(now: Moment, stream: &mut Stream, ssrc: u32, blocks: XrBlocks<'_>) {
    for block in blocks {
        match block {
            XrBlock::ReferenceTime { ntp } => stream.reception.reference_time(now, ssrc, ntp),
            XrBlock::Echo { ssrc, last, delay } => stream.sender.echo(now, ssrc, last, delay),
            XrBlock::Voip(voip) => stream.sender.voip(&voip),
        }
    }
}

/// The signalled address; behind NAT, where it is of no use, the port above the learned one.
fn target(stream: &Stream) -> Option<Target> {
    let remote = stream.latch.remote()?;
    match stream.link?.rtcp {
        Rtcp::Muxed => Some(Target::Muxed(remote)),
        Rtcp::At(_) if stream.latch.latched() => {
            let port = remote.port().checked_add(1)?;
            Some(Target::Apart(SocketAddr::new(remote.ip(), port)))
        }
        Rtcp::At(signalled) => Some(Target::Apart(signalled)),
    }
}

/// A report's plain bytes; `None` if SRTP was agreed on and it is not authentic.
fn opened<'a>(stream: &mut Stream, datagram: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = match &mut stream.srtp {
        None => datagram.len(),
        Some(srtp) => srtp.unprotect_rtcp(datagram).ok()?,
    };
    datagram.get(..length)
}

/// Muxed: from where RTP is accepted. Apart: from the signalled address, or from the host that RTP is accepted from.
fn is_from_peer(stream: &Stream, channel: Channel, from: SocketAddr) -> bool {
    let Some(link) = stream.link else { return false };
    match (link.rtcp, channel) {
        (Rtcp::Muxed, Channel::Rtp) => stream.latch.remote() == Some(from),
        (Rtcp::At(signalled), Channel::Rtcp) => {
            let settled = stream.latch.settled().is_some_and(|remote| remote.ip() == from.ip());
            settled || (signalled == from && !stream.latch.latched())
        }
        _ => false,
    }
}
