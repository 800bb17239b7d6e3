//! Who hears what.

use super::*;
use crate::ids::PlayId;
use crate::media::event::DigitBy;
use crate::recording::frame::Side;

const FRAME: Duration = Duration::from_millis(20);

fn prompts(names: &[&str]) -> Source {
    let library = library();
    let prompts = names.iter().map(|name| library.find("en", name).unwrap()).collect();
    Source::Prompts { play: PlayId(5), prompts }
}

fn voice(codec: Codec, number: u16) -> Vec<u8> {
    let payload: Vec<u8> = (0..160).map(|n| (n as u16 * 7 + number) as u8).collect();
    rtp(codec.payload_type(), number, u32::from(number) * 160, &payload)
}

#[test]
fn a_prompt_is_heard_whole_on_one_timeline_and_its_end_is_told_once() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcmu);
    rig.hears(ANN, prompts(&["steps"]));
    rig.passes(FRAME * 20);
    let heard = rig.heard_by(ANN);
    assert_eq!(heard.len(), 20);
    let payload: Vec<u8> = heard[..16].iter().flat_map(|h| h.payload.clone()).collect();
    let library = library();
    assert_eq!(payload, library.law(library.find("en", "steps").unwrap(), Law::A));
    assert!(heard[16..].iter().all(|h| h.payload == Codec::Pcma.silence()));
    for pair in heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
        assert_eq!(pair[1].ssrc, pair[0].ssrc);
    }
    assert!(heard[0].marker && heard[1..].iter().all(|h| !h.marker));
    assert_eq!(rig.events(), [Event::Played { stream: ANN, play: PlayId(5) }]);
}

#[test]
fn a_new_source_ends_a_play_without_telling() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcmu);
    rig.hears(ANN, prompts(&["steps"]));
    rig.passes(FRAME * 3);
    rig.hears(ANN, Source::Silence);
    rig.passes(FRAME * 30);
    assert_eq!(rig.events(), []);
}

#[test]
fn after_a_stall_each_stream_gets_one_frame_and_its_timestamp_jumps() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcmu);
    rig.hears(ANN, prompts(&["steps"]));
    rig.passes(FRAME * 2);
    let before = rig.heard_by(ANN);
    rig.stalls(FRAME * 10);
    let after = rig.heard_by(ANN);
    assert_eq!(after.len(), 1, "no burst");
    assert_eq!(after[0].sequence, before[1].sequence.wrapping_add(1));
    assert_eq!(after[0].timestamp.wrapping_sub(before[1].timestamp), 1_600);
    assert!(rig.stats.slots_late.get() > 0 && rig.stats.slots_skipped.get() > 0);
}

#[test]
fn streams_are_spread_over_the_twenty_milliseconds() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcmu);
    rig.passes(FRAME);
    rig.wire.sent.clear();
    let mut busy = 0;
    for _ in 0..20 {
        rig.passes(Duration::from_millis(1));
        assert!(rig.wire.sent.len() <= 1);
        busy += rig.wire.sent.len();
        rig.wire.sent.clear();
    }
    assert_eq!(busy, 2);
}

#[test]
fn a_relay_is_bit_exact_both_ways_under_the_streams_own_header() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, false);
    for number in 1..=5 {
        rig.says(ANN, &voice(Codec::Pcma, number));
        rig.says(BOB, &voice(Codec::Pcma, number + 100));
        rig.passes(FRAME);
    }
    for (listener, first) in [(BOB, 1), (ANN, 101)] {
        let heard = rig.heard_by(listener);
        assert_eq!(heard.len(), 5);
        for (number, packet) in (first..).zip(&heard) {
            assert_eq!(packet.payload, voice(Codec::Pcma, number)[12..]);
            assert_eq!(packet.to, remote(listener));
            assert_ne!(packet.ssrc, 0xA11CE, "the peer's own SSRC stays with its leg");
            assert_eq!(packet.sequence, heard[0].sequence.wrapping_add(number - first));
        }
    }
}

#[test]
fn padding_extension_and_contributing_sources_are_not_passed_on() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, false);
    let mut datagram = rtp(8, 1, 160, &[]);
    datagram[0] = 0b1011_0001;
    datagram.extend([1, 2, 3, 4]);
    datagram.extend([0xBE, 0xDE, 0, 1, 9, 9, 9, 9]);
    datagram.extend([0x55; 160]);
    datagram.extend([0, 0, 0, 4]);
    rig.says(ANN, &datagram);
    assert_eq!(rig.heard_by(BOB)[0].payload, [0x55; 160]);
}

#[test]
fn codecs_that_differ_are_transcoded_for_each_listener() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcmu, false);
    rig.enters(session(StreamId(3), Codec::Pcma), StreamId(3));
    rig.hears(StreamId(3), Source::Peer { stream: ANN, digits: false });
    let datagram = voice(Codec::Pcma, 1);
    rig.says(ANN, &datagram);
    let mut expected = datagram[12..].to_vec();
    Codec::Pcma.transcode(Codec::Pcmu, &mut expected);
    let bob = &rig.heard_by(BOB)[0];
    assert_eq!((bob.payload_type, &bob.payload), (0, &expected));
    let third = &rig.heard_by(StreamId(3))[0];
    assert_eq!((third.payload_type, &third.payload[..]), (8, &datagram[12..]));
}

#[test]
fn from_prompt_to_peer_to_music_the_far_end_sees_one_stream() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    rig.hears(ANN, prompts(&["steps"]));
    rig.passes(FRAME * 4);
    rig.hears(ANN, Source::Peer { stream: BOB, digits: false });
    for number in 1..=3 {
        rig.passes(FRAME);
        rig.says(BOB, &voice(Codec::Pcma, number));
    }
    rig.hears(ANN, Source::Loop(library().find("en", "one").unwrap()));
    rig.passes(FRAME * 3);
    let heard = rig.heard_by(ANN);
    assert_eq!(heard.len(), 10);
    let markers: Vec<usize> = (0..10).filter(|n| heard[*n].marker).collect();
    assert_eq!(markers, [0, 4, 7]);
    for pair in heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert!((160..=320).contains(&pair[1].timestamp.wrapping_sub(pair[0].timestamp)));
    }
}

#[test]
fn a_press_is_told_once_and_not_relayed_unless_asked() {
    for digits in [false, true] {
        let mut rig = Rig::talking(Codec::Pcma, Codec::Pcmu, digits);
        rig.says(ANN, &voice(Codec::Pcma, 1));
        for (sequence, ended, duration) in [(2, false, 160), (3, false, 320), (4, true, 480), (5, true, 480)]
        {
            rig.says(ANN, &rtp(EVENTS, sequence, 320, &press(5, ended, duration)));
        }
        rig.says(ANN, &voice(Codec::Pcma, 6));
        assert_eq!(rig.events(), [Event::Digit { stream: ANN, symbol: '5', by: DigitBy::Event }]);
        let heard = rig.heard_by(BOB);
        let events = heard.iter().filter(|h| h.payload_type == EVENTS).count();
        assert_eq!(events, if digits { 4 } else { 0 });
        for pair in heard.windows(2) {
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1), "withheld events are no loss");
        }
    }
}

#[test]
fn tones_are_told_once_where_they_are_looked_for() {
    let tone = |n: usize| {
        let t = n as f64 / 8_000.0 * std::f64::consts::TAU;
        ((t * 770.0).sin() * 8_000.0 + (t * 1_336.0).sin() * 8_000.0) as i16
    };
    for in_band_digits in [true, false] {
        let mut rig = Rig::new();
        let session = Session { in_band_digits, telephone_event: None, ..session(ANN, Codec::Pcma) };
        rig.enters(session, ANN);
        for number in 0..10usize {
            let samples: Vec<i16> =
                (0..160).map(|n| if number < 5 { tone(number * 160 + n) } else { 0 }).collect();
            let mut payload = [0; 160];
            Law::A.encode(&samples, &mut payload);
            // The numbers wrap on the way.
            let sequence = (number as u16).wrapping_sub(3);
            rig.says(ANN, &rtp(8, sequence, number as u32 * 160, &payload));
        }
        let told = [Event::Digit { stream: ANN, symbol: '5', by: DigitBy::Tone }];
        assert_eq!(rig.events(), told[..usize::from(in_band_digits)]);
    }
}

#[test]
fn tones_are_told_in_every_codec() {
    for codec in Codec::ALL {
        let mut rig = Rig::new();
        let session = Session { in_band_digits: true, telephone_event: None, ..session(ANN, *codec) };
        rig.enters(session, ANN);
        let mut encoder = Encoder::new(*codec, Rate::Wide);
        let (frame, rate) = (encoder.rate().frame(), f64::from(encoder.rate().hertz()));
        for number in 0..20usize {
            let tone = |n: usize| {
                let t = (number * frame + n) as f64 / rate * std::f64::consts::TAU;
                ((t * 770.0).sin() * 8_000.0 + (t * 1_336.0).sin() * 8_000.0) as i16
            };
            let samples: Vec<i16> =
                (0..frame).map(|n| if (3..12).contains(&number) { tone(n) } else { 0 }).collect();
            let mut payload = [0; 320];
            let length = encoder.encode(&samples, &mut payload);
            let timestamp = number as u32 * codec.frame_units();
            rig.says(ANN, &rtp(codec.payload_type(), number as u16, timestamp, &payload[..length]));
        }
        let told = [Event::Digit { stream: ANN, symbol: '5', by: DigitBy::Tone }];
        assert_eq!(rig.events(), told, "{codec:?}");
    }
}

#[test]
fn a_prompt_is_heard_whole_in_every_codec_on_the_codecs_clock() {
    for codec in Codec::ALL {
        let mut rig = Rig::with_two(*codec, Codec::Pcmu);
        rig.hears(ANN, prompts(&["steps"]));
        rig.passes(FRAME * 20);
        let heard = rig.heard_by(ANN);
        assert_eq!((heard.len(), heard[0].payload_type), (20, codec.payload_type()));
        for pair in heard.windows(2) {
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
            assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), codec.frame_units());
        }
        let mut decoder = crate::media::codec::Decoder::new(*codec, Rate::Narrow);
        let mut power = |packet: &Heard| {
            let mut samples = [0; Rate::LONGEST];
            let count = decoder.decode(&packet.payload, &mut samples);
            assert_eq!(count, decoder.rate().frame());
            samples[..count].iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / count as f64
        };
        let powers: Vec<f64> = heard.iter().map(&mut power).collect();
        assert!(powers[0] > 1e6 && powers[19] < 1e4, "{codec:?}: loud steps, then silence: {powers:?}");
        assert_eq!(rig.events(), [Event::Played { stream: ANN, play: PlayId(5) }]);
    }
}

#[test]
fn equal_codecs_are_relayed_on_their_own_clock_and_unequal_ones_are_not() {
    let mut rig = Rig::talking(Codec::Opus, Codec::Opus, false);
    let packet = [0x08, 1, 2, 3, 4, 5];
    for number in 0..3u16 {
        rig.says(ANN, &rtp(111, number, u32::from(number) * 960, &packet));
        rig.passes(FRAME);
    }
    let heard = rig.heard_by(BOB);
    assert_eq!(heard.len(), 3);
    assert!(heard.iter().all(|packet_heard| packet_heard.payload == packet));
    assert_eq!(heard[2].timestamp.wrapping_sub(heard[0].timestamp), 1_920);
    let mut rig = Rig::talking(Codec::G722, Codec::Pcma, false);
    rig.says(ANN, &rtp(9, 0, 0, &[0x42; 160]));
    assert!(
        rig.heard_by(BOB).iter().all(|heard| heard.payload != [0x42; 160]),
        "never the bytes of another codec"
    );
}

#[test]
fn a_direction_that_forbids_it_stops_the_audio() {
    for (direction, ann_hears, bob_hears) in [
        (Direction::SendRecv, 1, 1),
        (Direction::SendOnly, 1, 0),
        (Direction::RecvOnly, 0, 1),
        (Direction::Inactive, 0, 0),
    ] {
        let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, true);
        let held = Session { direction, ..session(ANN, Codec::Pcma) };
        rig.command(Command::Connect { stream: ANN, session: held });
        rig.says(ANN, &voice(Codec::Pcma, 1));
        rig.says(BOB, &voice(Codec::Pcma, 1));
        rig.says(ANN, &rtp(EVENTS, 2, 320, &press(1, false, 160)));
        assert_eq!(rig.heard_by(ANN).len(), ann_hears, "{direction:?}");
        let voices = rig.heard_by(BOB).iter().filter(|h| h.payload_type == 8).count();
        assert_eq!(voices, bob_hears, "{direction:?}");
        assert_eq!(rig.events().len(), bob_hears, "{direction:?}: digits are input too");
    }
}

#[test]
fn on_hold_a_play_ends_in_its_time_though_nothing_is_sent() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    let held = Session { direction: Direction::Inactive, ..session(ANN, Codec::Pcma) };
    rig.command(Command::Connect { stream: ANN, session: held });
    rig.hears(ANN, prompts(&["one"]));
    rig.passes(FRAME);
    assert_eq!(rig.heard_by(ANN), []);
    assert_eq!(rig.events().len(), 1);
}

#[test]
fn the_tape_gets_the_caller_as_received_and_the_bank_as_sent() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcmu, false);
    rig.command(Command::Record { stream: ANN, call: CALL });
    let (from_ann, from_bob) = (voice(Codec::Pcma, 1), voice(Codec::Pcmu, 9));
    rig.says(ANN, &from_ann);
    rig.says(BOB, &from_bob);
    rig.says(ANN, &rtp(EVENTS, 2, 320, &press(1, false, 160)));
    let tape = rig.tape();
    assert_eq!(tape.len(), 2, "presses are not on the tape");
    assert_eq!((tape[0].side, tape[0].codec, tape[0].call), (Side::Caller, Codec::Pcma, CALL));
    assert_eq!((tape[0].rtp_time, &tape[0].payload[..160]), (160, &from_ann[12..]));
    let sent = &rig.heard_by(ANN)[0];
    assert_eq!((tape[1].side, tape[1].codec), (Side::Bank, Codec::Pcma));
    assert_eq!((tape[1].rtp_time, &tape[1].payload[..160]), (sent.timestamp, &sent.payload[..]));
    assert!(!tape[0].made && !tape[1].made, "both came from somebody");
    rig.hears(ANN, prompts(&["steps"]));
    rig.passes(FRAME * 2);
    let tape = rig.tape();
    assert_eq!((tape.len(), tape.iter().all(|packet| packet.made)), (2, true), "a prompt is our own");
    rig.command(Command::StopRecording { stream: ANN });
    rig.says(ANN, &voice(Codec::Pcma, 3));
    assert_eq!(rig.tape().len(), 0);
}

#[test]
fn a_tape_that_goes_on_while_a_key_sounds_waits_for_its_end() {
    let mut rig = Rig::new();
    rig.enters(Session { in_band_digits: true, telephone_event: None, ..session(ANN, Codec::Pcma) }, ANN);
    let mut number = 0;
    let mut says = |rig: &mut Rig, keys: &[f32]| {
        let sine = |n: usize| {
            let time = (usize::from(number) * 160 + n) as f32 / 8_000.0;
            keys.iter().map(|hertz| 4_000.0 * (std::f32::consts::TAU * hertz * time).sin()).sum::<f32>()
                as i16
        };
        let mut payload = [0; 160];
        Law::A.encode(&std::array::from_fn::<i16, 160, _>(sine), &mut payload);
        rig.says(ANN, &rtp(Codec::Pcma.payload_type(), number, u32::from(number) * 160, &payload));
        number += 1;
    };
    for _ in 0..5 {
        says(&mut rig, &[770.0, 1_336.0]);
    }
    rig.command(Command::Record { stream: ANN, call: CALL });
    for _ in 0..50 {
        says(&mut rig, &[770.0, 1_336.0]);
    }
    let of_caller = |rig: &mut Rig| rig.tape().iter().filter(|packet| packet.side == Side::Caller).count();
    assert_eq!(of_caller(&mut rig), 0, "held for a second");
    for _ in 0..10 {
        says(&mut rig, &[]);
    }
    let taped = of_caller(&mut rig);
    assert!((6..10).contains(&taped), "{taped} frames after its end");
    says(&mut rig, &[770.0, 1_336.0]);
    assert_eq!(of_caller(&mut rig), 1, "keys pressed later are no secret");
}

#[test]
fn a_full_tape_ring_is_told_once_a_second_and_the_audio_goes_on() {
    let mut rig = Rig::with_tape_of(2);
    rig.enters(session(ANN, Codec::Pcma), ANN);
    rig.command(Command::Record { stream: ANN, call: CALL });
    for number in 0..10 {
        rig.says(ANN, &voice(Codec::Pcma, number));
        rig.passes(FRAME);
    }
    rig.passes(Duration::from_millis(800));
    let gaps: Vec<Event> = rig.events();
    assert_eq!(gaps.len(), 1);
    let Event::TapeGap { call: CALL, frames } = gaps[0] else { panic!("{gaps:?}") };
    assert!(frames > 10, "{frames} lost of both sides");
    assert!(rig.heard_by(ANN).len() >= 49);
}
