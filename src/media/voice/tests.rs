//! A voice behind a network with a seed: delay, jitter, loss, bursts, reordering, duplicates, clocks that drift.

use super::*;
use crate::ids::StreamId;
use crate::media::codec::Law;
use crate::rng::Rng;

const START: u64 = 1_000_000_000;

/// What the way does to packets. Times in µs.
#[derive(Clone, Copy)]
struct Net {
    seed: u64,
    /// Each packet is delayed by 0 to this, so that packets overtake each other.
    jitter: u64,
    /// In 1/1,000.
    loss: u64,
    /// In 1/1,000: a packet begins a run of three lost ones.
    bursts: u64,
    /// In 1/1,000.
    duplicates: u64,
    /// The sender's clock against ours.
    drift_ppm: i64,
}

const CLEAN: Net = Net { seed: 1, jitter: 0, loss: 0, bursts: 0, duplicates: 0, drift_ppm: 0 };

/// A packet and when it comes.
#[derive(Clone)]
struct Sent {
    at: u64,
    incoming: Incoming,
    payload: Vec<u8>,
}

fn incoming(ssrc: u32, sequence: u16, timestamp: u32) -> Incoming {
    Incoming { from: StreamId(1), ssrc, sequence, timestamp, marker: false, lasts: 160 }
}

/// A voiced sound that wanders, so that no two periods are the same, yet never pauses.
fn speech(length: usize) -> Vec<i16> {
    let mut phase = 0.0f64;
    (0..length)
        .map(|n| {
            let t = n as f64 / 8_000.0;
            phase += (130.0 + 25.0 * (t * 5.0).sin()) / 8_000.0;
            let p = phase * std::f64::consts::TAU;
            let loud = 5_000.0 + 1_500.0 * (t * 11.0).sin();
            ((p.sin() + 0.5 * (2.0 * p).sin() + 0.25 * (5.0 * p).cos()) * loud) as i16
        })
        .map(heard_as)
        .collect()
}

/// A sample after A-law.
fn heard_as(sample: i16) -> i16 {
    let mut code = [0];
    Law::A.encode(&[sample], &mut code);
    Law::A.samples()[usize::from(code[0])]
}

/// Packets of `lasts` samples through the net, in the order of their arrival.
fn through(net: Net, samples: &[i16], lasts: usize) -> Vec<Sent> {
    let mut rng = Rng::seeded(net.seed);
    let mut sent = Vec::new();
    let mut burst = 0;
    for (number, part) in samples.chunks(lasts).enumerate() {
        let mut payload = vec![0; part.len()];
        Law::A.encode(part, &mut payload);
        let ideal = (number * lasts) as i64 * 125;
        let leaves = START as i64 + ideal + ideal * net.drift_ppm / 1_000_000;
        let at = leaves as u64 + 5_300 + rng.below(net.jitter.max(1));
        let mut incoming = incoming(7, 65_500u16.wrapping_add(number as u16), (number * lasts) as u32);
        incoming.lasts = lasts as u32;
        if burst == 0 && rng.below(1_000) < net.bursts {
            burst = 3;
        }
        let lost = rng.below(1_000) < net.loss;
        if burst > 0 || lost {
            burst = burst.max(1) - 1;
            continue;
        }
        if rng.below(1_000) < net.duplicates {
            sent.push(Sent { at: at + rng.below(30_000), incoming, payload: payload.clone() });
        }
        sent.push(Sent { at, incoming, payload });
    }
    sent.sort_by_key(|sent| sent.at);
    sent
}

/// A listener who asks every 20 ms.
struct Listener {
    voice: Voice,
    now: u64,
    heard: Vec<i16>,
}

impl Listener {
    fn new() -> Self {
        Listener { voice: Voice::new(Codec::Pcma, Rate::Narrow, 1), now: START, heard: Vec::new() }
    }

    /// Hears until `until`, µs after the start; what comes meanwhile comes.
    fn hears(&mut self, sent: &[Sent], until: u64) {
        let mut coming =
            sent.iter().filter(|sent| sent.at > self.now).collect::<Vec<_>>().into_iter().peekable();
        while self.now < START + until {
            self.now += 20_000;
            while let Some(sent) = coming.next_if(|sent| sent.at <= self.now) {
                self.voice.packet(Moment::from_micros(sent.at), &sent.incoming, &sent.payload);
            }
            self.ask();
        }
    }

    fn ask(&mut self) {
        let frame = self.voice.frame(self.now / 20_000, Moment::from_micros(self.now));
        self.heard.extend_from_slice(frame);
    }
}

fn heard(net: Net, samples: &[i16], lasts: usize) -> Listener {
    let mut listener = Listener::new();
    listener.hears(&through(net, samples, lasts), samples.len() as u64 * 125 + 400_000);
    listener
}

fn rms(samples: &[i16]) -> f32 {
    comfort::power(samples).sqrt()
}

/// The quietest stretch of 20 ms, between the first and the last second.
fn quietest(heard: &[i16]) -> f32 {
    let inside = &heard[8_000..heard.len() - 8_000];
    inside.windows(160).step_by(40).map(rms).fold(f32::MAX, f32::min)
}

/// Where `part` stands in `whole`, if it does to the bit.
fn place(whole: &[i16], part: &[i16]) -> Option<usize> {
    whole.windows(part.len()).position(|window| window == part)
}

#[test]
fn a_steady_stream_is_heard_to_the_bit_whatever_the_length_of_its_packets() {
    let said = speech(16_000);
    for lasts in [80, 160, 240, 320, 480] {
        let listener = heard(CLEAN, &said, lasts);
        // It fades in over 10 ms at most.
        let place = place(&listener.heard, &said[80..])
            .unwrap_or_else(|| panic!("packets of {lasts}: {:?}", listener.voice.figures()));
        let delay = place - 80;
        assert!(delay <= 480 + lasts, "{delay} samples for packets of {lasts}");
        let figures = listener.voice.figures();
        assert_eq!((figures.lost, figures.late, figures.shortened, figures.lengthened), (0, 0, 0, 0));
    }
}

#[test]
fn through_jitter_and_loss_there_is_no_gap_over_twenty_milliseconds() {
    let said = speech(8_000 * 60);
    for seed in 1..=8 {
        let net = Net { seed, jitter: 40_000, loss: 30, duplicates: 10, ..CLEAN };
        let listener = heard(net, &said, 160);
        let figures = listener.voice.figures();
        assert!(
            quietest(&listener.heard) > rms(&said) / 10.0,
            "{} with seed {seed}: {figures:?}",
            quietest(&listener.heard)
        );
        assert!((60..140).contains(&figures.lost), "3 % of 3,000: {figures:?}");
        assert!(figures.late < 30 && figures.duplicates > 10, "{figures:?}");
        assert!(figures.target <= Duration::from_millis(50), "{figures:?}");
    }
}

#[test]
fn a_hole_leads_to_the_packet_after_it_which_is_then_heard_to_the_bit() {
    let said = speech(8_000 * 4);
    let step = |samples: &[i16]| samples.windows(2).map(|two| two[0].abs_diff(two[1])).max().unwrap();
    for lost in [1, 2] {
        let mut sent = through(CLEAN, &said, 160);
        // Every other packet is 45 ms late, so the voice waits, and the packet after the hole is there.
        let first = 149 + lost;
        let number = |packet: &Sent| packet.incoming.timestamp as usize / 160;
        sent.iter_mut().filter(|packet| number(packet) % 2 == 0).for_each(|packet| packet.at += 45_000);
        sent.retain(|packet| !(first..first + lost).contains(&number(packet)));
        sent.sort_by_key(|packet| packet.at);
        let mut listener = Listener::new();
        listener.hears(&sent, 4_000_000);
        let figures = listener.voice.figures();
        assert!(figures.lost >= lost as u64, "{figures:?}");
        let after = (first + lost) * 160;
        let place = place(&listener.heard, &said[after..after + 160]).expect("no crossing is needed");
        let hole = &listener.heard[place - lost * 160 - 1..place + 1];
        assert!(step(hole) <= step(&said) * 5 / 4, "{} of {}", step(hole), step(&said));
        assert!(rms(hole) > rms(&said) / 3.0, "{lost}: {}", rms(hole));
    }
}

#[test]
fn bursts_of_loss_are_heard_as_a_dip_and_not_as_silence() {
    let net = Net { bursts: 10, jitter: 20_000, seed: 5, ..CLEAN };
    let listener = heard(net, &speech(8_000 * 30), 160);
    assert!(listener.voice.figures().lost >= 30);
    assert!(quietest(&listener.heard) > 300.0, "{}", quietest(&listener.heard));
}

#[test]
fn what_overtakes_is_put_back_into_its_order() {
    let net = Net { jitter: 45_000, seed: 3, ..CLEAN };
    let said = speech(8_000 * 20);
    let listener = heard(net, &said, 160);
    let figures = listener.voice.figures();
    assert!(figures.lost < 12, "{figures:?}");
    // Whatever 60 ms are heard late in the call were said.
    let found =
        listener.heard[120_000..150_000].chunks(480).filter(|part| place(&said, part).is_some()).count();
    assert!(found >= 56, "{found} of 62");
}

#[test]
fn a_clock_that_drifts_neither_starves_nor_floods_the_voice() {
    let said = speech(8_000 * 240);
    for drift_ppm in [200, -200] {
        let listener = heard(Net { drift_ppm, ..CLEAN }, &said, 160);
        let figures = listener.voice.figures();
        // 200 ppm of 240 s are 48 ms, 384 samples. At the end the sender stops, which is concealed for 120 ms.
        assert!(figures.shortened + figures.lengthened < 600, "{figures:?}");
        assert!(figures.concealed <= 960, "{figures:?}");
        assert_eq!((figures.lost, figures.dropped), (0, 0), "{figures:?}");
        assert!(quietest(&listener.heard) > 2_000.0, "{drift_ppm}");
    }
}

#[test]
fn after_a_hiccup_of_the_network_the_delay_comes_back() {
    let said = speech(8_000 * 30);
    let mut sent = through(CLEAN, &said, 160);
    for packet in &mut sent {
        // Nothing passes for 250 ms, then all of it at once.
        if (START + 5_000_000..START + 5_250_000).contains(&packet.at) {
            packet.at = START + 5_250_000;
        }
    }
    let mut listener = Listener::new();
    listener.hears(&sent, 30_000_000);
    let figures = listener.voice.figures();
    assert!(figures.shortened > 1_000, "{figures:?}");
    assert_eq!((figures.lost, figures.late, figures.dropped), (0, 0, 0), "nothing of it was given up");
    let end = listener.heard.len() - 1_600;
    let said_at = place(&said, &listener.heard[end..end + 480]).expect("the end was said");
    assert!(end - said_at < 480, "{} samples late", end - said_at);
}

#[test]
fn after_a_stall_of_ours_what_is_too_old_is_dropped_and_nothing_is_later_than_before() {
    let said = speech(8_000 * 10);
    let sent = through(CLEAN, &said, 160);
    let mut listener = Listener::new();
    listener.hears(&sent, 2_000_000);
    let before = listener.heard.len() - 480;
    let delay = before - place(&said, &listener.heard[before..]).unwrap();
    // The worker stands still; its sockets are read after the first slot that it serves again.
    listener.now += 300_000;
    listener.ask();
    for sent in sent.iter().filter(|s| (START + 2_000_000..=listener.now).contains(&s.at)) {
        listener.voice.packet(Moment::from_micros(listener.now), &sent.incoming, &sent.payload);
    }
    listener.heard.extend([0; 14 * 160]);
    listener.hears(&sent, 9_000_000);
    let after = listener.heard.len() - 480;
    let said_at = place(&said, &listener.heard[after..]).expect("heard as said");
    assert!((after - said_at).abs_diff(delay) <= 160, "{} {delay}", after - said_at);
    let figures = listener.voice.figures();
    assert!(figures.shortened < 500, "{figures:?}");
}

#[test]
fn another_source_or_another_clock_is_a_new_beginning() {
    let said = speech(8_000 * 4);
    for jump in [(99, 0u16, 0u32), (7, 20_000, 0), (7, 0, 50_000_000)] {
        let mut sent = through(CLEAN, &said, 160);
        for packet in sent.iter_mut().skip(100) {
            packet.incoming.ssrc = jump.0;
            packet.incoming.sequence = packet.incoming.sequence.wrapping_add(jump.1);
            packet.incoming.timestamp = packet.incoming.timestamp.wrapping_add(jump.2);
        }
        let mut listener = Listener::new();
        listener.hears(&sent, 3_900_000);
        let figures = listener.voice.figures();
        assert_eq!((figures.restarts, figures.lost), (1, 0), "{jump:?}");
        assert!(place(&listener.heard, &said[16_160..30_000]).is_some(), "{jump:?}");
    }
}

#[test]
fn a_pause_of_the_sender_is_filled_with_the_noise_it_describes_and_is_no_loss() {
    let said = speech(8_000 * 4);
    let mut sent = through(CLEAN, &said, 160);
    sent.retain(|packet| !(8_000..16_000).contains(&packet.incoming.timestamp));
    // Numbers go on where the pause began.
    for packet in sent.iter_mut().filter(|packet| packet.incoming.timestamp >= 16_000) {
        packet.incoming.sequence = packet.incoming.sequence.wrapping_sub(49);
    }
    let mut listener = Listener::new();
    listener.hears(&sent, 1_000_000);
    listener.voice.comfort(&incoming(7, 65_500u16.wrapping_add(50), 8_000), &[50, 127]);
    listener.hears(&sent, 3_900_000);
    let figures = listener.voice.figures();
    assert_eq!((figures.lost, figures.restarts), (0, 0), "{figures:?}");
    let noise = rms(&listener.heard[11_000..15_000]);
    assert!((70.0..140.0).contains(&noise), "{noise}");
    assert!(place(&listener.heard, &said[16_160..30_000]).is_some());
}

#[test]
fn a_sender_whose_clock_rests_while_it_is_silent_is_heard_again_at_once() {
    let said = speech(8_000 * 6);
    let mut sent = through(CLEAN, &said, 160);
    for packet in sent.iter_mut().skip(100) {
        packet.at += 1_500_000;
    }
    let mut listener = Listener::new();
    listener.hears(&sent, 7_400_000);
    let begins = place(&listener.heard, &said[16_160..40_000]).expect("all of it is heard");
    assert!(begins < 16_160 + 12_000 + 640, "{begins}");
}

#[test]
fn who_vanishes_leaves_noise_that_fades_and_then_nothing() {
    let mut listener = Listener::new();
    let mut said = speech(8_000);
    let mut noise = Noise::new(3);
    noise.described(&[55]);
    said[2_000..4_000].iter_mut().for_each(|sample| *sample = noise.sample() as i16);
    listener.hears(&through(CLEAN, &said, 160), 5_000_000);
    let second = |n: usize| rms(&listener.heard[n * 8_000 + 2_000..n * 8_000 + 6_000]);
    assert!(second(1) > 20.0, "{}", second(1));
    assert_eq!(second(4), 0.0);
}

#[test]
fn all_who_ask_in_one_tick_get_the_same_frame() {
    let said = speech(8_000);
    let mut listener = Listener::new();
    listener.hears(&through(CLEAN, &said, 160), 500_000);
    let (tick, now) = (listener.now / 20_000, Moment::from_micros(listener.now + 7_000));
    let first = listener.voice.frame(tick, now).to_vec();
    assert_eq!(listener.voice.frame(tick, now), first);
    assert_eq!(listener.heard[listener.heard.len() - 160..], first);
}

#[test]
fn events_take_numbers_and_no_time() {
    let said = speech(8_000 * 2);
    let sent = through(CLEAN, &said, 160);
    let mut listener = Listener::new();
    let mut shift = 0;
    for packet in &sent {
        let mut packet = packet.clone();
        packet.incoming.sequence = packet.incoming.sequence.wrapping_add(shift);
        if packet.incoming.timestamp == 8_000 {
            for _ in 0..3 {
                listener.voice.other(&packet.incoming);
                packet.incoming.sequence = packet.incoming.sequence.wrapping_add(1);
                shift += 1;
            }
        }
        listener.hears(&[packet], listener.now - START + 20_000);
    }
    listener.hears(&[], listener.now - START + 60_000);
    assert_eq!(listener.voice.figures().lost, 0);
}

#[test]
fn any_packets_are_taken_without_panic_and_every_tick_has_its_frame() {
    let mut rng = Rng::seeded(77);
    for codec in Codec::ALL {
        let mut voice = Voice::new(*codec, Rate::Narrow, 1);
        let mut now = START;
        for turn in 0..30_000u64 {
            now += rng.below(15_000);
            let wild = rng.below(10) == 0;
            let sequence = if wild { rng.u32() as u16 } else { (turn / 2) as u16 + rng.below(4) as u16 };
            let timestamp = if wild { rng.u32() } else { (turn as u32 / 2) * 160 };
            let ssrc = u32::from(rng.below(500) == 0);
            let mut payload = vec![0; rng.below(700) as usize];
            rng.fill(&mut payload);
            let incoming = incoming(ssrc, sequence, timestamp);
            match rng.below(20) {
                0 => voice.comfort(&incoming, &payload),
                1 => voice.other(&incoming),
                _ => voice.packet(Moment::from_micros(now), &incoming, &payload),
            }
            let tick = now / 20_000 + rng.below(2) * rng.below(40);
            assert_eq!(voice.frame(tick, Moment::from_micros(now)).len(), voice.rate().frame());
        }
    }
}
