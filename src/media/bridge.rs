//! Who is heard by samples: voices and mixes are made here, on commands, and joined at each listener's slot.
//!
//! A relay is enough where both sides speak one codec, or the two laws of G.711. All else is a mix: of one peer whose
//! codec differs, of the other parties of a conference, of the two whom a supervisor hears. A stream has a voice as long as
//! some mix hears it.

use super::codec::Rate;
use super::codec::coder::PAYLOAD_BYTES;
use super::command::Codec;
use super::dtmf::event;
use super::feed::Feed;
use super::limits::FRAME;
use super::mixer::Mix;
use super::relay::write_header;
use super::rtp::HEADER_BYTES;
use super::stream::{Kind, Outgoing, Received};
use super::switch::Switch;
use super::voice::Voice;
use super::voice::limits::SOURCES;
use super::wire::Wire;
use crate::ids::StreamId;
use crate::moment::Moment;

impl Switch {
    /// The far end of `slot` hears these streams from now on, instead of what it heard. False if one is not open.
    pub(super) fn hear_streams(
        &mut self,
        slot: usize,
        streams: &[StreamId],
        digits: bool,
        peer: bool,
    ) -> bool {
        let before = self.sources(slot);
        let mut found = true;
        let mut wanted = [None; SOURCES];
        let mut free = 0;
        for stream in streams {
            match self.table.find(*stream) {
                None => found = false,
                Some(source) if wanted.contains(&Some(source)) => {}
                Some(source)
                    if free < SOURCES && (before.contains(&Some(source)) || self.listen(source, slot)) =>
                {
                    wanted[free] = Some(source);
                    free += 1;
                }
                Some(_) => self.exits.stats.links_refused.add(1),
            }
        }
        for source in before.into_iter().flatten().filter(|source| !wanted.contains(&Some(*source))) {
            self.leave(source, slot);
        }
        self.join(slot, wanted, digits, peer);
        for source in before.into_iter().chain(wanted).flatten() {
            self.tune(source);
        }
        found
    }

    /// The far end of `slot` hears nobody any more.
    pub(super) fn hear_nobody(&mut self, slot: usize) {
        let before = self.sources(slot);
        if let Some(stream) = self.table.get_mut(slot) {
            stream.feed = Feed::Silence;
        }
        for source in before.into_iter().flatten() {
            self.leave(source, slot);
            self.tune(source);
        }
    }

    /// What was negotiated for `slot` changed: its own mix and its listeners' may need another codec, or none.
    pub(super) fn rejoin(&mut self, now: Moment, slot: usize) {
        let listeners = self.table.get_mut(slot).map(|stream| stream.listeners).unwrap_or_default();
        let mut place = 0;
        let mut next = Some(slot);
        while let Some(listener) = next {
            let sources = self.sources(listener);
            let feed = self.table.get_mut(listener).map(|stream| &stream.feed);
            let kind = match feed {
                Some(Feed::Peer { digits, .. }) => Some((*digits, true)),
                Some(Feed::Mix(mix)) => Some((mix.digits, mix.of_peer)),
                _ => None,
            };
            if let Some((digits, peer)) = kind {
                self.join(listener, sources, digits, peer);
                sources.into_iter().flatten().for_each(|source| self.tune(source));
            }
            if let Some(stream) = self.table.get_mut(listener)
                && let (Some(link), Feed::Bot(talk)) = (stream.link, &mut stream.feed)
            {
                talk.speak(link.codec);
            }
            self.arrange(now, listener);
            next = listeners.get(place);
            place += 1;
        }
        self.tune(slot);
    }

    /// `slot` closes: those who hear it hear it no more.
    pub(super) fn desert(&mut self, slot: usize, listener: usize) {
        let Some(stream) = self.table.get_mut(listener) else { return };
        match &mut stream.feed {
            Feed::Mix(mix) => mix.remove(slot),
            feed => *feed = Feed::Silence,
        }
    }

    /// The streams that the far end of `slot` hears.
    fn sources(&mut self, slot: usize) -> [Option<usize>; SOURCES] {
        let mut sources = [None; SOURCES];
        match self.table.get_mut(slot).map(|stream| &stream.feed) {
            Some(Feed::Peer { slot, .. }) => sources[0] = Some(*slot),
            Some(Feed::Mix(mix)) => sources = mix.slots(),
            _ => {}
        }
        sources
    }

    fn listen(&mut self, source: usize, listener: usize) -> bool {
        self.table.get_mut(source).is_some_and(|stream| stream.listeners.add(listener))
    }

    fn leave(&mut self, source: usize, listener: usize) {
        if let Some(stream) = self.table.get_mut(source) {
            stream.listeners.remove(listener);
        }
    }

    fn codec(&mut self, slot: usize) -> Option<Codec> {
        Some(self.table.get_mut(slot)?.link?.codec)
    }

    /// Makes the feed of `slot` from those it hears. A mix that is there already goes on with them.
    fn join(&mut self, slot: usize, sources: [Option<usize>; SOURCES], digits: bool, peer: bool) {
        let codec = self.codec(slot);
        let single = sources[0].filter(|_| peer);
        let theirs = single.and_then(|source| self.codec(source));
        // Nobody knows yet what either speaks: `rejoin` comes with Connect.
        let relays = codec.zip(theirs).is_none_or(|(ours, theirs)| theirs.relays_to(ours));
        let mut best = Rate::Narrow;
        for source in sources.into_iter().flatten() {
            best = best.max(self.codec(source).map_or(best, Codec::rate));
        }
        let Some(stream) = self.table.get_mut(slot) else { return };
        if let Some(source) = single.filter(|_| relays) {
            stream.feed = Feed::Peer { slot: source, digits };
            return;
        }
        // Before Connect any codec will do: nothing is sent.
        let codec = codec.unwrap_or(Codec::Pcma);
        let before = std::mem::replace(&mut stream.feed, Feed::Silence);
        let mut mix = match before {
            Feed::Mix(mix) if mix.codec() == codec && mix.rate() >= Mix::rate_for(codec, best) => mix,
            _ => Box::new(Mix::new(codec, best)),
        };
        for gone in mix.slots().into_iter().flatten().filter(|gone| !sources.contains(&Some(*gone))) {
            mix.remove(gone);
        }
        for source in sources.into_iter().flatten() {
            mix.add(source);
        }
        (mix.digits, mix.of_peer) = (digits, peer);
        stream.feed = Feed::Mix(mix);
    }

    /// Gives the stream in `slot` a voice that suits those who hear it by samples, or takes it away if there is nobody.
    pub(super) fn tune(&mut self, slot: usize) {
        let Some(stream) = self.table.get_mut(slot) else { return };
        let (listeners, link, id) = (stream.listeners, stream.link, stream.id);
        let mut wanted = match &stream.feed {
            Feed::Bot(talk) => Some(talk.rate()),
            _ => None,
        };
        let mut place = 0;
        while let Some(listener) = listeners.get(place) {
            if let Some(Feed::Mix(mix)) = self.table.get_mut(listener).map(|stream| &stream.feed) {
                wanted = wanted.max(Some(mix.rate()));
            }
            place += 1;
        }
        let Some(stream) = self.table.get_mut(slot) else { return };
        stream.voice = match (stream.voice.take(), link.zip(wanted)) {
            (_, None) => None,
            (Some(voice), Some((link, wanted)))
                if voice.codec() == link.codec && voice.rate() >= wanted.min(link.codec.rate()) =>
            {
                Some(voice)
            }
            (_, Some((link, wanted))) => Some(Box::new(Voice::new(link.codec, wanted, id.0 as u32))),
        };
        let Some(rate) = stream.voice.as_ref().map(|voice| voice.rate()) else { return };
        if let Feed::Bot(talk) = &mut stream.feed {
            talk.comes_at(slot, rate);
        }
        let mut place = 0;
        while let Some(listener) = listeners.get(place) {
            if let Some(Feed::Mix(mix)) = self.table.get_mut(listener).map(|stream| &mut stream.feed) {
                mix.comes_at(slot, rate);
            }
            place += 1;
        }
    }

    /// Passes a telephone-event to one who hears a mix, if wanted, at its own time among the frames of our own. All else
    /// went into the voice.
    pub(super) fn pass_event(
        &mut self,
        now: Moment,
        listener: usize,
        received: &Received,
        datagram: &mut [u8],
        wire: &mut impl Wire,
    ) {
        let Some(stream) = self.table.get_mut(listener) else { return };
        let wanted = received.kind == Kind::Event && matches!(&stream.feed, Feed::Mix(mix) if mix.digits);
        let Some(link) = stream.link.filter(|link| link.sends && wanted) else { return };
        let Some(payload_type) = link.telephone_event else { return };
        let stamp = stream.timeline.event(now, &received.incoming);
        let packet = &mut self.scratch[..HEADER_BYTES + received.payload.len()];
        packet[HEADER_BYTES..].copy_from_slice(&datagram[received.payload.clone()]);
        event::rescale(&mut packet[HEADER_BYTES..], received.codec.clock_rate(), link.codec.clock_rate());
        write_header(packet, stream, payload_type, stamp);
        let outgoing = Outgoing { timestamp: stamp.timestamp, audio: false, datagram: packet };
        stream.send(listener, now, outgoing, &mut self.exits, wire);
    }

    /// Sends the next frame of a mix. Each voice makes its frame of this tick once, whoever asks first.
    pub(super) fn mix(&mut self, now: Moment, slot: usize, due: Moment, wire: &mut impl Wire) {
        let Some(stream) = self.table.get_mut(slot) else { return };
        let Some(link) = stream.link.filter(|link| link.sends) else { return };
        let feed = std::mem::replace(&mut stream.feed, Feed::Silence);
        let Feed::Mix(mut mix) = feed else { return };
        let tick = due.as_micros() / FRAME.as_micros() as u64;
        mix.begin();
        for (place, source) in mix.slots().into_iter().enumerate() {
            let Some(source) = source.and_then(|source| self.table.get_mut(source)) else { continue };
            if let Some(voice) = &mut source.voice {
                mix.hear(place, voice.frame(tick, due));
            }
        }
        let mut packet = [0; HEADER_BYTES + PAYLOAD_BYTES];
        let length = mix.end(&mut packet[HEADER_BYTES..]);
        let Some(stream) = self.table.get_mut(slot) else { return };
        stream.feed = Feed::Mix(mix);
        if length > 0 {
            let stamp = stream.timeline.generated(due, link.codec.frame_units());
            let packet = &mut packet[..HEADER_BYTES + length];
            write_header(packet, stream, link.payload_type, stamp);
            let outgoing = Outgoing { timestamp: stamp.timestamp, audio: true, datagram: packet };
            stream.send(slot, now, outgoing, &mut self.exits, wire);
        }
    }
}
