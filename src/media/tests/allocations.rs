//! The packet path allocates nothing: proven by an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use super::*;
use crate::ids::PlayId;
use crate::media::codec::{Decoder, Resampler};
use crate::media::quality::{Delay, Heard};
use crate::media::rtcp::{REPORT_BYTES, Reception, Sender, Terms};
use crate::media::srtp::keying::Suite;
use crate::media::srtp::{Srtp, TAG_BYTES};

struct Counting;

thread_local! {
    // Constant and without a destructor, so that reaching it never allocates itself.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is passed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps `realloc`'s contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Calls of the allocator by this thread, freeing included.
pub fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

/// Counts what is sent.
#[derive(Default)]
pub struct Sink(u64);

impl Wire for Sink {
    fn open(&mut self, _: usize, _: u32, _: IpAddr, _: u16) -> Result<(), i32> {
        Ok(())
    }

    fn close(&mut self, _: usize) {}

    fn settle(&mut self, _: usize, _: SocketAddr) {}

    fn unsettle(&mut self, _: usize) {}

    fn send(&mut self, _: usize, _: SocketAddr, _: &[u8]) -> bool {
        self.0 += 1;
        true
    }

    fn join(&mut self, _: usize, _: IpAddr, _: u16) -> Result<(), i32> {
        Ok(())
    }

    fn expect(&mut self, _: usize, _: SocketAddr, _: Option<SocketAddr>) -> bool {
        true
    }

    fn queue(&mut self, _: usize) -> Queue {
        Queue::default()
    }

    fn send_report(&mut self, _: usize, _: SocketAddr, _: &[u8]) -> bool {
        self.0 += 1;
        true
    }
}

#[test]
fn the_counting_allocator_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(7)))), 2);
}

/// Everything that a peer may report.
fn peers_report(now: Moment) -> Vec<u8> {
    let mut reception = Reception::new(8_000);
    for number in 0..100u16 {
        reception.packet(
            now + Duration::from_millis(20) * u32::from(number),
            7,
            number,
            u32::from(number) * 160,
        );
    }
    reception.reference_time(now, 7, 1);
    let delay = Delay::default();
    let heard = Some(Heard { codec: Codec::Pcma, losses: reception.losses(), delay });
    let terms = Terms { cname: "ann", leaving: false, extended: Extended::ALL, heard };
    let mut buffer = [0; REPORT_BYTES];
    let mut sender = Sender::new(9, 8_000);
    sender.packet(now, 0, 160);
    let length = sender.write(now, &mut reception, terms, &mut buffer);
    buffer[..length].to_vec()
}

#[test]
fn relay_transcoding_tape_digits_tones_pacing_and_reports_allocate_nothing() {
    let (mut switch, _events, _tape, stats) = switch(64);
    let mut wire = Sink::default();
    let mut now = Moment::from_micros(1_000_000_000);
    let local = "127.0.0.1".parse().unwrap();
    let caller = StreamId(3);
    for (stream, codec) in [(ANN, Codec::Pcma), (BOB, Codec::Pcmu), (caller, Codec::Pcma)] {
        let in_band_digits = stream == BOB;
        let session = Session { in_band_digits, extended: Extended::ALL, ..session(stream, codec) };
        switch.obey(now, Command::Open { stream, local, port: 4_000, seed: 1 }, &mut wire);
        switch.obey(now, Command::Connect { stream, session }, &mut wire);
        switch.obey(now, Command::Record { stream, call: CALL }, &mut wire);
    }
    let prompts = Arc::from([library().find("en", "steps").unwrap()]);
    let play = Source::Prompts { play: PlayId(1), prompts };
    for (stream, source) in [
        (ANN, Source::Peer { stream: BOB, digits: true }),
        (BOB, Source::Peer { stream: ANN, digits: true }),
        (caller, play),
    ] {
        switch.obey(now, Command::Hear { stream, source }, &mut wire);
    }
    let mut voice = [rtp(8, 0, 0, &[0x42; 160]), rtp(0, 0, 0, &[0x42; 160])];
    let mut digit = rtp(EVENTS, 0, 0, &press(3, false, 160));
    let (ann, bob) = (remote(ANN), remote(BOB));
    let mut report = peers_report(now);
    let reports_from = session(ANN, Codec::Pcma).rtcp;
    let Rtcp::At(reports_from) = reports_from else { panic!("apart") };
    let count = allocations(|| {
        for number in 0..1_000u16 {
            now = now + Duration::from_millis(20);
            for (slot, from) in [(0, ann), (1, bob)] {
                // A third of Ann's packets are lost for a while, so that a leg becomes poor and better.
                if slot == 0 && number > 400 && number < 800 && number % 3 == 0 {
                    continue;
                }
                let datagram = &mut voice[slot];
                // Relaying writes into the datagram, so each round makes it again in place.
                let payload_type = if slot == 0 { 8 } else { 0 };
                let timestamp = u32::from(number) * 160;
                let sequence = number * 2;
                let header = Header { marker: false, payload_type, sequence, timestamp, ssrc: 9 };
                header.write(datagram.first_chunk_mut().unwrap());
                switch.on_datagram(now, slot, Channel::Rtp, from, datagram, &mut wire);
                let header = Header { payload_type: EVENTS, sequence: sequence + 1, ..header };
                header.write(digit.first_chunk_mut().unwrap());
                switch.on_datagram(now, slot, Channel::Rtp, from, &mut digit, &mut wire);
            }
            if number % 50 == 0 {
                switch.on_datagram(now, 0, Channel::Rtcp, reports_from, &mut report, &mut wire);
            }
            switch.on_time(now, &mut wire);
            switch.flush();
        }
    });
    assert_eq!(count, 0);
    assert!(wire.0 > 4_200, "{} sent", wire.0);
    assert!(stats.tape_frames_lost.get() > 0 && stats.reports_sent.get() > 0);
    assert!(stats.legs_poor.get() > 0 && stats.reports_received.get() > 0 && stats.passages.count() > 2_000);
    assert!(stats.events_waited.get() > 0, "the event ring was full on the way");
}

/// What libopus itself would take of C, this allocator does not see.
#[test]
fn coding_in_every_codec_at_every_rate_allocates_nothing() {
    for codec in Codec::ALL {
        for rate in [Rate::Narrow, Rate::Wide, Rate::Full] {
            let (mut encoder, mut decoder) = (Encoder::new(*codec, rate), Decoder::new(*codec, rate));
            let mut resampler = Resampler::between(encoder.rate(), Rate::Full);
            let speech: Vec<i16> = (0..encoder.rate().frame() as i16).map(|n| n * 31).collect();
            let count = allocations(|| {
                for loss in 0..100 {
                    encoder.peer_loses(loss);
                    let (mut payload, mut samples) = ([0; 320], [0; Rate::LONGEST]);
                    let length = encoder.encode(&speech, &mut payload);
                    let heard = decoder.decode(&payload[..length], &mut samples);
                    decoder.conceal(&mut samples[..heard]);
                    decoder.recover(&payload[..length], &mut samples[..heard]);
                    if let Some(resampler) = &mut resampler {
                        resampler.run(&speech, &mut samples);
                    }
                }
            });
            assert_eq!(count, 0, "{codec:?} {rate:?}");
        }
    }
}

#[test]
fn prompts_and_tones_allocate_nothing_in_any_codec() {
    for codec in Codec::ALL {
        let (mut switch, _events, _tape, _stats) = switch(64);
        let mut wire = Sink::default();
        let mut now = Moment::from_micros(1_000_000_000);
        let local = "127.0.0.1".parse().unwrap();
        switch.obey(now, Command::Open { stream: ANN, local, port: 4_000, seed: 1 }, &mut wire);
        let session = Session { in_band_digits: true, ..session(ANN, *codec) };
        switch.obey(now, Command::Connect { stream: ANN, session }, &mut wire);
        let source = Source::Loop(library().find("en", "steps").unwrap());
        switch.obey(now, Command::Hear { stream: ANN, source }, &mut wire);
        let mut datagram = rtp(codec.payload_type(), 0, 0, codec.silence());
        let from = remote(ANN);
        let count = allocations(|| {
            for sequence in 0..200u16 {
                now = now + Duration::from_millis(20);
                let timestamp = u32::from(sequence) * codec.frame_units();
                let payload_type = codec.payload_type();
                let header = Header { marker: false, payload_type, sequence, timestamp, ssrc: 9 };
                header.write(datagram.first_chunk_mut().unwrap());
                switch.on_datagram(now, 0, Channel::Rtp, from, &mut datagram, &mut wire);
                switch.on_time(now, &mut wire);
            }
        });
        assert_eq!(count, 0, "{codec:?}");
        assert!(wire.0 >= 199, "{} sent", wire.0);
    }
}

#[test]
fn voices_and_mixes_allocate_nothing_through_loss_jitter_events_and_noise() {
    let (mut switch, _events, _tape, _stats) = switch(64);
    let mut wire = Sink::default();
    let mut now = Moment::from_micros(1_000_000_000);
    let parties = [(ANN, Codec::Pcma), (BOB, Codec::G722), (StreamId(3), Codec::Opus)];
    for (stream, codec) in parties {
        let local = "127.0.0.1".parse().unwrap();
        switch.obey(now, Command::Open { stream, local, port: 4_000, seed: 1 }, &mut wire);
        switch.obey(now, Command::Connect { stream, session: session(stream, codec) }, &mut wire);
    }
    for (stream, _) in parties {
        let others = parties.iter().map(|(other, _)| *other).filter(|other| *other != stream).collect();
        let source = Source::Mix { streams: others, digits: true };
        switch.obey(now, Command::Hear { stream, source }, &mut wire);
    }
    let mut audio = parties.map(|(_, codec)| rtp(codec.payload_type(), 0, 0, codec.silence()));
    let mut digit = rtp(EVENTS, 0, 0, &press(3, false, 160));
    let mut noise = rtp(13, 0, 0, &[60, 100]);
    let froms = parties.map(|(stream, _)| remote(stream));
    let mut rng = crate::rng::Rng::seeded(9);
    let count = allocations(|| {
        for number in 0..2_000u16 {
            for (slot, (_, codec)) in parties.into_iter().enumerate() {
                let turn = rng.below(100);
                let (datagram, payload_type) = match turn {
                    0..5 => continue,
                    5..8 => (&mut digit, EVENTS),
                    8..10 => (&mut noise, 13),
                    _ => (&mut audio[slot], codec.payload_type()),
                };
                let timestamp = u32::from(number) * codec.frame_units();
                let header = Header { marker: false, payload_type, sequence: number, timestamp, ssrc: 9 };
                header.write(datagram.first_chunk_mut().unwrap());
                let at = now + Duration::from_millis(rng.below(40));
                switch.on_datagram(at, slot, Channel::Rtp, froms[slot], datagram, &mut wire);
            }
            let stall = if number % 500 == 499 { 300 } else { 20 };
            now = now + Duration::from_millis(stall);
            switch.on_time(now, &mut wire);
            switch.flush();
        }
    });
    assert_eq!(count, 0);
    assert!(wire.0 > 5_500, "{} sent", wire.0);
}

#[test]
fn protected_legs_allocate_nothing_not_even_while_keys_change() {
    for suite in Suite::ALL {
        let (mut switch, _events, _tape, stats) = switch(64);
        let mut wire = Sink::default();
        let mut now = Moment::from_micros(1_000_000_000);
        let local = "127.0.0.1".parse().unwrap();
        let mut keys: Vec<_> = [1, 2, 3].map(|seed| protection::keying(suite, seed)).into();
        let mut phones = [Srtp::new(&keys[0].swapped()), Srtp::new(&keys[1].swapped())];
        for (stream, other, place) in [(ANN, BOB, 0), (BOB, ANN, 1)] {
            let session = protection::secure(stream, Codec::Pcma, &keys[place]);
            switch.obey(now, Command::Open { stream, local, port: 4_000, seed: 1 }, &mut wire);
            switch.obey(now, Command::Connect { stream, session }, &mut wire);
            switch.obey(now, Command::Record { stream, call: CALL }, &mut wire);
            if place == 1 {
                for (stream, other) in [(stream, other), (other, stream)] {
                    let source = Source::Peer { stream: other, digits: true };
                    switch.obey(now, Command::Hear { stream, source }, &mut wire);
                }
            }
        }
        let (last, peers) = (keys.pop().unwrap(), [remote(ANN), remote(BOB)]);
        for turn in 0..2u16 {
            let mut buffer = [0; 172 + TAG_BYTES];
            let count = allocations(|| {
                for number in turn * 500..turn * 500 + 500 {
                    now = now + Duration::from_millis(20);
                    for (slot, phone) in phones.iter_mut().enumerate() {
                        let timestamp = u32::from(number) * 160;
                        let header =
                            Header { marker: false, payload_type: 8, sequence: number, timestamp, ssrc: 9 };
                        header.write(buffer.first_chunk_mut().unwrap());
                        let length = phone.protect(&mut buffer, 172).unwrap();
                        switch.on_datagram(
                            now,
                            slot,
                            Channel::Rtp,
                            peers[slot],
                            &mut buffer[..length],
                            &mut wire,
                        );
                    }
                    switch.on_time(now, &mut wire);
                    switch.flush();
                }
            });
            assert_eq!(count, 0, "{suite:?}");
            // Ann's keys change; her phone still uses the old ones for the second half.
            let session = protection::secure(ANN, Codec::Pcma, &last);
            switch.obey(now, Command::Connect { stream: ANN, session }, &mut wire);
        }
        assert!(wire.0 > 1_900 && stats.reports_sent.get() > 0, "{} sent", wire.0);
        assert_eq!(stats.packets_refused.get(), 0);
    }
}
