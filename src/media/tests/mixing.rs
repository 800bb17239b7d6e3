//! Who hears whom by samples: conferences, supervisors, mixes of one.

use super::*;
use crate::media::codec::Decoder;
use crate::media::limits::LISTENERS;
use crate::recording::frame::Side;

const FRAME: Duration = Duration::from_millis(20);
const CAT: StreamId = StreamId(3);

/// One millisecond of a far end's sound, as a level.
fn level(codec: Codec, payload: &[u8]) -> i32 {
    let mut samples = vec![0; payload.len()];
    codec.law().unwrap().decode(payload, &mut samples);
    let sum: i64 = samples.iter().map(|sample| i64::from(*sample)).sum();
    (sum / samples.len().max(1) as i64) as i32
}

/// A packet of one level.
fn flat(codec: Codec, number: u16, sample: i16) -> Vec<u8> {
    let mut payload = [0; 160];
    codec.law().unwrap().encode(&[sample; 160], &mut payload);
    rtp(codec.payload_type(), number, u32::from(number) * 160, &payload)
}

fn mix(of: &[StreamId]) -> Source {
    Source::Mix { streams: of.into(), digits: false }
}

impl Rig {
    /// Ann, Bob and Cat, each hearing the two others.
    fn conference() -> Rig {
        let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcmu);
        rig.enters(session(CAT, Codec::Pcma), CAT);
        rig.hears(ANN, mix(&[BOB, CAT]));
        rig.hears(BOB, mix(&[ANN, CAT]));
        rig.hears(CAT, mix(&[ANN, BOB]));
        rig
    }

    /// Each of these says frames of one level, numbered from `first`.
    fn talk(&mut self, who: &[(StreamId, Codec, i16)], numbers: std::ops::Range<u16>) {
        for number in numbers {
            for (stream, codec, sample) in who {
                self.says(*stream, &flat(*codec, number, *sample));
            }
            self.passes(FRAME);
        }
    }

    /// The level of the last frame that `stream`'s far end heard.
    fn hears_level(&mut self, stream: StreamId, codec: Codec) -> i32 {
        level(codec, &self.heard_by(stream).last().expect("something is heard").payload)
    }
}

const ALL: [(StreamId, Codec, i16); 3] =
    [(ANN, Codec::Pcma, 1_000), (BOB, Codec::Pcmu, 3_000), (CAT, Codec::Pcma, 5_000)];

fn near(level: i32, wanted: i32) -> bool {
    (level - wanted).abs() < wanted / 16 + 40
}

#[test]
fn in_a_conference_everybody_hears_the_others_and_not_themselves() {
    let mut rig = Rig::conference();
    rig.talk(&ALL, 0..20);
    for (stream, codec, wanted) in
        [(ANN, Codec::Pcma, 8_000), (BOB, Codec::Pcmu, 6_000), (CAT, Codec::Pcma, 4_000)]
    {
        let heard = rig.heard_by(stream);
        assert_eq!(heard.len(), 20, "a frame in each slot");
        for pair in heard.windows(2) {
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
            assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
        }
        let level = level(codec, &heard[19].payload);
        assert!(near(level, wanted), "{stream:?}: {level}");
    }
}

#[test]
fn eight_make_a_conference_and_too_many_are_left_out_and_counted() {
    let mut rig = Rig::new();
    let parties: Vec<StreamId> = (1..=8).map(StreamId).collect();
    parties.iter().for_each(|stream| rig.enters(session(*stream, Codec::Pcma), *stream));
    for stream in &parties {
        let others: Vec<StreamId> = parties.iter().copied().filter(|other| other != stream).collect();
        rig.hears(*stream, mix(&others));
    }
    let who: Vec<_> = parties.iter().map(|stream| (*stream, Codec::Pcma, 500)).collect();
    rig.talk(&who, 0..10);
    assert!(parties.iter().all(|stream| {
        let level = rig.hears_level(*stream, Codec::Pcma);
        near(level, 3_500)
    }));
    assert_eq!(rig.stats.links_refused.get(), 0);
    rig.enters(session(StreamId(9), Codec::Pcma), StreamId(9));
    let mut nine = parties.clone();
    nine.push(StreamId(9));
    rig.hears(StreamId(9), mix(&nine));
    assert_eq!(rig.stats.links_refused.get(), 1, "{LISTENERS} listeners, 8 sources");
}

#[test]
fn a_supervisor_listens_whispers_and_barges_in() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, false);
    rig.enters(session(CAT, Codec::Pcma), CAT);
    let who = [(ANN, Codec::Pcma, 1_000), (BOB, Codec::Pcma, 3_000), (CAT, Codec::Pcma, 5_000)];
    let levels = |rig: &mut Rig| [ANN, BOB, CAT].map(|stream| rig.hears_level(stream, Codec::Pcma));
    rig.hears(CAT, mix(&[ANN, BOB]));
    rig.talk(&who, 0..15);
    let listening = levels(&mut rig);
    assert!(
        near(listening[0], 3_000) && near(listening[1], 1_000) && near(listening[2], 4_000),
        "{listening:?}"
    );
    rig.hears(BOB, mix(&[ANN, CAT]));
    rig.talk(&who, 15..30);
    let whispering = levels(&mut rig);
    assert!(near(whispering[0], 3_000), "the caller hears no whisper: {whispering:?}");
    assert!(near(whispering[1], 6_000) && near(whispering[2], 4_000), "{whispering:?}");
    rig.hears(ANN, mix(&[BOB, CAT]));
    rig.talk(&who, 30..45);
    let barged = levels(&mut rig);
    assert!(near(barged[0], 8_000) && near(barged[1], 6_000), "{barged:?}");
    rig.hears(ANN, Source::Peer { stream: BOB, digits: false });
    rig.hears(BOB, Source::Peer { stream: ANN, digits: false });
    rig.hears(CAT, Source::Silence);
    rig.heard_by(BOB);
    rig.says(ANN, &flat(Codec::Pcma, 45, 1_000));
    let relayed = rig.heard_by(BOB);
    assert_eq!(relayed.len(), 1, "relayed again, at once and to the bit");
    assert_eq!(relayed[0].payload, flat(Codec::Pcma, 45, 1_000)[12..]);
}

#[test]
fn the_far_end_sees_one_stream_from_relay_to_mix_and_back() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, false);
    rig.enters(session(CAT, Codec::Pcma), CAT);
    let who = [(ANN, Codec::Pcma, 1_000), (BOB, Codec::Pcma, 3_000), (CAT, Codec::Pcma, 5_000)];
    rig.talk(&who, 0..10);
    rig.hears(BOB, mix(&[ANN, CAT]));
    rig.talk(&who, 10..20);
    rig.hears(BOB, Source::Peer { stream: ANN, digits: false });
    rig.talk(&who, 20..30);
    let heard = rig.heard_by(BOB);
    assert!(heard.len() >= 29, "{}", heard.len());
    for pair in heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert!((pair[1].timestamp.wrapping_sub(pair[0].timestamp) as i32) < 400);
        assert!(pair[1].timestamp.wrapping_sub(pair[0].timestamp) as i32 >= 160);
    }
}

#[test]
fn who_is_silent_held_or_not_yet_connected_is_missing_and_the_others_are_heard() {
    let mut rig = Rig::conference();
    rig.talk(&ALL, 0..10);
    let held = Session { direction: Direction::SendOnly, ..session(CAT, Codec::Pcma) };
    rig.command(Command::Connect { stream: CAT, session: held });
    rig.talk(&ALL, 10..30);
    let without = rig.hears_level(ANN, Codec::Pcma);
    assert!(near(without, 3_000), "Cat is on hold: {without}");
    rig.command(Command::Connect { stream: CAT, session: session(CAT, Codec::Pcma) });
    rig.talk(&ALL, 30..50);
    let again = rig.hears_level(ANN, Codec::Pcma);
    assert!(near(again, 8_000), "{again}");
    let local = "127.0.0.1".parse().unwrap();
    let dan = StreamId(4);
    rig.command(Command::Open { stream: dan, local, port: 4_000, seed: 4 });
    rig.hears(ANN, mix(&[BOB, dan]));
    rig.hears(dan, mix(&[ANN, BOB]));
    rig.talk(&ALL, 50..70);
    let early = rig.hears_level(ANN, Codec::Pcma);
    assert!(near(early, 3_000), "{early}");
    rig.command(Command::Connect { stream: dan, session: session(dan, Codec::Pcmu) });
    for number in 70..90 {
        rig.says(BOB, &flat(Codec::Pcmu, number, 3_000));
        rig.says(ANN, &flat(Codec::Pcma, number, 1_000));
        rig.says(dan, &flat(Codec::Pcmu, number, 2_000));
        rig.passes(FRAME);
    }
    let (ann, late) = (rig.hears_level(ANN, Codec::Pcma), rig.hears_level(dan, Codec::Pcmu));
    assert!(near(ann, 5_000) && near(late, 4_000), "{ann} {late}");
}

#[test]
fn who_closes_in_the_middle_is_gone_without_a_click() {
    let mut rig = Rig::conference();
    rig.talk(&ALL, 0..20);
    rig.heard_by(ANN);
    rig.command(Command::Close { stream: CAT });
    rig.talk(&ALL[..2], 20..30);
    let heard = rig.heard_by(ANN);
    assert_eq!(heard.len(), 10);
    let mut samples = vec![0; 1_600];
    let payload: Vec<u8> = heard.iter().flat_map(|h| h.payload.clone()).collect();
    Law::A.decode(&payload, &mut samples);
    assert!(near(i32::from(samples[0]), 8_000), "{}", samples[0]);
    assert!(near(i32::from(samples[1_599]), 3_000), "{}", samples[1_599]);
    let step = samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max();
    assert!(step < Some(600), "{step:?}");
}

#[test]
fn who_hears_themselves_hears_an_echo() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    rig.hears(ANN, mix(&[ANN]));
    rig.talk(&[(ANN, Codec::Pcma, 4_000)], 0..10);
    let echo = rig.hears_level(ANN, Codec::Pcma);
    assert!(near(echo, 4_000), "{echo}");
    rig.command(Command::Close { stream: ANN });
}

#[test]
fn several_listeners_of_one_voice_hear_the_same() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    for stream in 3..=6 {
        rig.enters(session(StreamId(stream), Codec::Pcma), StreamId(stream));
        rig.hears(StreamId(stream), mix(&[ANN]));
    }
    for number in 0..30u16 {
        rig.says(ANN, &flat(Codec::Pcma, number, (number * 300) as i16));
        rig.passes(FRAME);
    }
    let heard: Vec<Vec<Vec<u8>>> = (3..=6)
        .map(|stream| rig.heard_by(StreamId(stream)).into_iter().skip(5).map(|h| h.payload).collect())
        .collect();
    assert!(heard[0].len() == 25 && heard.iter().all(|theirs| *theirs == heard[0]));
}

#[test]
fn a_press_of_one_reaches_the_others_if_asked_at_its_time_among_our_frames() {
    for digits in [false, true] {
        let mut rig = Rig::conference();
        rig.hears(BOB, Source::Mix { streams: [ANN, CAT].into(), digits });
        rig.talk(&ALL, 0..10);
        rig.heard_by(BOB);
        for (number, duration) in [(10, 160), (11, 320), (12, 480)] {
            rig.says(ANN, &rtp(EVENTS, number, 1_600, &press(7, number == 12, duration)));
            rig.says(CAT, &flat(Codec::Pcma, number, 5_000));
            rig.passes(FRAME);
        }
        assert_eq!(rig.events().len(), 1, "told once in any case");
        let heard = rig.heard_by(BOB);
        let events: Vec<_> = heard.iter().filter(|h| h.payload_type == EVENTS).collect();
        assert_eq!(events.len(), if digits { 3 } else { 0 });
        if let [first, .., last] = events[..] {
            assert_eq!(first.timestamp, last.timestamp);
            assert!(first.marker && !last.marker);
            assert_eq!(last.payload, press(7, true, 480));
            let frame = heard.iter().find(|h| h.payload_type == 0).unwrap();
            assert!((first.timestamp.wrapping_sub(frame.timestamp) as i32).abs() <= 320);
        }
        for pair in heard.windows(2) {
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1), "one sequence for both");
        }
    }
}

#[test]
fn a_mix_is_taped_as_it_is_sent() {
    let mut rig = Rig::conference();
    rig.command(Command::Record { stream: ANN, call: CALL });
    rig.talk(&ALL, 0..10);
    let tape = rig.tape();
    let (sent, bank): (Vec<_>, Vec<_>) =
        (rig.heard_by(ANN), tape.iter().filter(|frame| frame.side == Side::Bank).collect());
    assert_eq!((sent.len(), bank.len()), (10, 10));
    assert!(sent.iter().zip(bank).all(|(sent, taped)| taped.payload[..160] == sent.payload[..]));
    assert_eq!(tape.iter().filter(|frame| frame.side == Side::Caller).count(), 10);
}

#[test]
fn after_a_stall_a_mix_sends_one_frame_and_is_no_later_than_before() {
    let mut rig = Rig::conference();
    rig.talk(&ALL, 0..20);
    rig.heard_by(ANN);
    rig.stalls(FRAME * 10);
    assert_eq!(rig.heard_by(ANN).len(), 1, "no burst");
    for number in 20..30 {
        for (stream, codec, sample) in ALL {
            rig.says(stream, &flat(codec, number, sample));
        }
    }
    rig.talk(&ALL, 30..40);
    assert_eq!(rig.heard_by(ANN).len(), 10);
    let level = rig.hears_level(CAT, Codec::Pcma);
    assert!(near(level, 4_000), "{level}");
}

#[test]
fn an_unknown_stream_in_a_mix_is_left_out_and_counted() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    rig.hears(ANN, mix(&[BOB, StreamId(99), BOB]));
    assert_eq!(rig.stats.commands_ignored.get(), 1);
    rig.talk(&[(BOB, Codec::Pcma, 2_000)], 0..10);
    let level = rig.hears_level(ANN, Codec::Pcma);
    assert!(near(level, 2_000), "Bob once: {level}");
}

/// Packets of a tone, whatever the codec.
struct Singer {
    encoder: Encoder,
    codec: Codec,
    hertz: f32,
    sung: u16,
}

impl Singer {
    fn new(codec: Codec, hertz: f32) -> Singer {
        Singer { encoder: Encoder::new(codec, codec.rate()), codec, hertz, sung: 0 }
    }

    fn packet(&mut self) -> Vec<u8> {
        let (frame, rate) = (self.encoder.rate().frame(), self.encoder.rate().hertz() as f32);
        let turn = self.hertz * std::f32::consts::TAU / rate;
        let from = usize::from(self.sung) * frame;
        let samples: Vec<i16> =
            (from..from + frame).map(|n| ((n as f32 * turn).sin() * 6_000.0) as i16).collect();
        let mut payload = [0; 320];
        let length = self.encoder.encode(&samples, &mut payload);
        let timestamp = u32::from(self.sung) * self.codec.frame_units();
        self.sung += 1;
        rtp(self.codec.payload_type(), self.sung, timestamp, &payload[..length])
    }
}

/// How much of a tone there is in what a far end heard, as the amplitude of a sine; the first half is left out.
fn amplitude(codec: Codec, heard: &[Heard], hertz: f32) -> f32 {
    let mut decoder = Decoder::new(codec, codec.rate());
    let mut sound = Vec::new();
    for packet in heard {
        let mut samples = [0; Rate::LONGEST];
        let count = decoder.decode(&packet.payload, &mut samples);
        sound.extend_from_slice(&samples[..count]);
    }
    let sound = &sound[sound.len() / 2..];
    let turn = hertz * std::f32::consts::TAU / decoder.rate().hertz() as f32;
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in sound.iter().enumerate() {
        re += f32::from(*sample) * (n as f32 * turn).cos();
        im += f32::from(*sample) * (n as f32 * turn).sin();
    }
    2.0 * re.hypot(im) / sound.len() as f32
}

#[test]
fn every_pair_of_codecs_hears_each_other_on_its_own_clock() {
    for ann in Codec::ALL {
        for bob in Codec::ALL {
            let mut rig = Rig::talking(*ann, *bob, false);
            let (mut at_ann, mut at_bob) = (Singer::new(*ann, 450.0), Singer::new(*bob, 1_150.0));
            for _ in 0..60 {
                rig.says(ANN, &at_ann.packet());
                rig.says(BOB, &at_bob.packet());
                rig.passes(FRAME);
            }
            for (who, codec, other, own) in [(ANN, *ann, 1_150.0, 450.0), (BOB, *bob, 450.0, 1_150.0)] {
                let heard = rig.heard_by(who);
                assert!(heard.iter().all(|packet| packet.payload_type == codec.payload_type()));
                for pair in heard.windows(2) {
                    let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
                    assert_eq!(step, codec.frame_units(), "{ann:?} and {bob:?}");
                }
                let (there, not) = (amplitude(codec, &heard, other), amplitude(codec, &heard, own));
                assert!((4_000.0..8_000.0).contains(&there), "{ann:?} and {bob:?}: {who:?} hears {there}");
                assert!(not < 300.0, "{ann:?} and {bob:?}: {who:?} hears themselves: {not}");
            }
        }
    }
}

#[test]
fn a_conference_of_three_codecs_hears_all_others() {
    let parties = [(ANN, Codec::Opus, 450.0), (BOB, Codec::G722, 700.0), (CAT, Codec::Pcmu, 1_150.0)];
    let mut rig = Rig::new();
    parties.iter().for_each(|(who, codec, _)| rig.enters(session(*who, *codec), *who));
    for (who, ..) in parties {
        let others: Vec<StreamId> =
            parties.iter().map(|(other, ..)| *other).filter(|other| *other != who).collect();
        rig.hears(who, mix(&others));
    }
    let mut singers = parties.map(|(_, codec, hertz)| Singer::new(codec, hertz));
    for _ in 0..60 {
        for (place, (who, ..)) in parties.iter().enumerate() {
            let packet = singers[place].packet();
            rig.says(*who, &packet);
        }
        rig.passes(FRAME);
    }
    for (who, codec, own) in parties {
        let heard = rig.heard_by(who);
        for (_, _, hertz) in parties {
            let there = amplitude(codec, &heard, hertz);
            let expected = if hertz == own { 0.0..400.0 } else { 4_000.0..8_000.0 };
            assert!(expected.contains(&there), "{who:?} hears {there} of {hertz} Hz");
        }
    }
}
