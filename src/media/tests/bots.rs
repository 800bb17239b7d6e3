//! A caller and a bot: what each hears, and that the caller's stream is one.

use super::*;
use crate::media::bot::{Frame, Speaker, line};
use crate::media::limits::{BOT_HEARS, BOT_SAYS};

/// Ann talks with a bot.
fn talking(codec: Codec) -> (Rig, Speaker) {
    let mut rig = Rig::with_two(codec, codec);
    let (ours, speaker) = line();
    rig.command(Command::Converse { stream: ANN, line: Box::new(ours) });
    rig.heard_by(ANN);
    (rig, speaker)
}

/// A frame of one loudness.
fn flat(level: i16) -> Frame {
    let mut frame = [0; 160];
    Law::Mu.encode(&[level; FRAME_SAMPLES], &mut frame);
    frame
}

fn level(frame: &[u8], law: Law) -> i16 {
    let mut samples = [0; FRAME_SAMPLES];
    law.decode(frame, &mut samples);
    samples[FRAME_SAMPLES - 1]
}

fn near(level: i16, wanted: i16) -> bool {
    (i32::from(level) - i32::from(wanted)).abs() <= i32::from(wanted.abs()) / 20 + 20
}

/// Ann's phone says so many packets of one loudness, from this one on, as they are due.
fn says(rig: &mut Rig, codec: Codec, level: i16, packets: std::ops::Range<u16>) {
    let law = codec.law().unwrap();
    for number in packets {
        let mut payload = [0; FRAME_SAMPLES];
        law.encode(&[level; FRAME_SAMPLES], &mut payload);
        rig.says(ANN, &rtp(codec.payload_type(), number, u32::from(number) * 160, &payload));
        rig.passes(Duration::from_millis(20));
    }
}

#[test]
fn the_bot_hears_every_20_ms_what_the_caller_says_in_whatever_law() {
    for codec in [Codec::Pcma, Codec::Pcmu] {
        let (mut rig, mut bot) = talking(codec);
        says(&mut rig, codec, 8_000, 0..30);
        let heard: Vec<Frame> = std::iter::from_fn(|| bot.hear()).collect();
        assert!((29..=31).contains(&heard.len()), "{}", heard.len());
        assert!(heard[10..].iter().all(|frame| near(level(frame, Law::Mu), 8_000)), "{codec:?}");
    }
}

#[test]
fn the_bot_hears_silence_from_a_caller_of_whom_nothing_comes() {
    let (mut rig, mut bot) = talking(Codec::Pcma);
    rig.passes(Duration::from_millis(400));
    let heard: Vec<Frame> = std::iter::from_fn(|| bot.hear()).collect();
    assert_eq!(heard.len(), 20);
    assert!(heard.iter().all(|frame| level(frame, Law::Mu).abs() < 50));
}

#[test]
fn the_caller_hears_what_the_bot_says_and_silence_between() {
    let (mut rig, mut bot) = talking(Codec::Pcma);
    rig.passes(Duration::from_millis(60));
    assert!(bot.say(flat(4_000)) && bot.say(flat(6_000)));
    rig.passes(Duration::from_millis(80));
    let heard: Vec<i16> = rig.heard_by(ANN).iter().map(|packet| level(&packet.payload, Law::A)).collect();
    assert_eq!(heard.len(), 7);
    let expected = [0, 0, 0, 4_000, 6_000, 0, 0];
    assert!(heard.iter().zip(expected).all(|(level, wanted)| near(*level, wanted)), "{heard:?}");
    assert_eq!((bot.said(), bot.played()), (2, 2));
}

#[test]
fn a_bot_that_falls_silent_is_not_heard_in_the_next_slot_already() {
    let (mut rig, mut bot) = talking(Codec::Pcmu);
    (0..BOT_SAYS).for_each(|_| assert!(bot.say(flat(8_000))));
    assert!(!bot.say(flat(8_000)), "no room for more");
    rig.passes(Duration::from_millis(40));
    rig.heard_by(ANN);
    bot.falls_silent();
    rig.passes(Duration::from_millis(20));
    assert_eq!(bot.played(), BOT_SAYS as u64, "passed over");
    assert!(bot.say(flat(5_000)));
    rig.passes(Duration::from_millis(20));
    let heard: Vec<i16> = rig.heard_by(ANN).iter().map(|packet| level(&packet.payload, Law::Mu)).collect();
    assert!(near(heard[0], 0) && near(heard[1], 5_000), "{heard:?}");
}

#[test]
fn what_a_bot_does_not_take_is_lost_and_counted() {
    let (mut rig, mut bot) = talking(Codec::Pcma);
    rig.passes(Duration::from_millis(20) * (BOT_HEARS as u32 + 5));
    assert_eq!(bot.shed(), 5);
    assert_eq!(std::iter::from_fn(|| bot.hear()).count(), BOT_HEARS);
}

#[test]
fn the_far_end_sees_one_stream_from_prompt_to_bot_to_music() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    rig.passes(Duration::from_millis(100));
    let (ours, mut bot) = line();
    rig.command(Command::Converse { stream: ANN, line: Box::new(ours) });
    bot.say(flat(4_000));
    rig.passes(Duration::from_millis(100));
    assert!(!bot.is_gone());
    rig.hears(ANN, Source::Silence);
    assert!(bot.is_gone(), "the line ends with the next thing heard");
    rig.passes(Duration::from_millis(100));
    let heard = rig.heard_by(ANN);
    assert_eq!(heard.len(), 15);
    for pair in heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), 160);
        assert_eq!(pair[1].ssrc, pair[0].ssrc);
    }
}

#[test]
fn a_caller_whose_codec_changes_goes_on_talking() {
    let (mut rig, mut bot) = talking(Codec::Pcma);
    says(&mut rig, Codec::Pcma, 8_000, 0..20);
    rig.command(Command::Connect { stream: ANN, session: session(ANN, Codec::Pcmu) });
    rig.heard_by(ANN);
    while bot.hear().is_some() {}
    bot.say(flat(4_000));
    says(&mut rig, Codec::Pcmu, 6_000, 20..50);
    let heard = rig.heard_by(ANN);
    assert!(heard.iter().all(|packet| packet.payload_type == Codec::Pcmu.payload_type()));
    assert!(near(level(&heard[0].payload, Law::Mu), 4_000));
    let last = std::iter::from_fn(|| bot.hear()).last().unwrap();
    assert!(near(level(&last, Law::Mu), 6_000));
}

#[test]
fn both_sides_are_on_the_tape() {
    let (mut rig, mut bot) = talking(Codec::Pcma);
    rig.command(Command::Record { stream: ANN, call: CALL });
    bot.say(flat(4_000));
    says(&mut rig, Codec::Pcma, 8_000, 0..5);
    let tape = rig.tape();
    let of = |side: Side| tape.iter().filter(|packet| packet.side == side).count();
    assert_eq!((of(Side::Caller), of(Side::Bank)), (5, 5));
    let first = tape.iter().find(|packet| packet.side == Side::Bank).unwrap();
    assert!(near(level(&first.payload, Law::A), 4_000));
}

#[test]
fn a_stream_that_closes_lets_go_of_its_bot() {
    let (mut rig, bot) = talking(Codec::Pcma);
    rig.command(Command::Close { stream: ANN });
    assert!(bot.is_gone());
    let (ours, bot) = line();
    rig.command(Command::Converse { stream: ANN, line: Box::new(ours) });
    assert!(bot.is_gone(), "of a stream that is not open");
}

#[test]
fn a_tick_of_a_conversation_allocates_nothing() {
    for codec in [Codec::Pcma, Codec::G722, Codec::Opus] {
        let (mut rig, mut bot) = talking(codec);
        rig.wire.sent.reserve(100);
        rig.passes(Duration::from_millis(100));
        let slot = rig.slot(ANN);
        let mut wire = super::allocations::Sink::default();
        let count = super::allocations::allocations(|| {
            for turn in 0..20u64 {
                let now = rig.now + Duration::from_millis(20) * turn as u32;
                if turn % 3 != 0 {
                    bot.say(flat(4_000));
                }
                if turn % 7 == 0 {
                    bot.falls_silent();
                }
                rig.switch.generate(now, slot, now, &mut wire);
                bot.hear();
            }
        });
        assert_eq!(count, 0, "{codec:?}");
    }
}
