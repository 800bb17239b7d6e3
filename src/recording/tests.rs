//! Tapes as a whole: written, read, cut, changed, rendered.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use super::block::{Damage, HEADER_BYTES, Header, Mark, sha256};
use super::frame::{Side, Taped, ring_of};
use super::index::tape_path;
use super::made::{CALL, Folder, Frame, START, frame, ms};
use super::read::{Tape, TapeError};
use super::seal::TapeKey;
use super::shelf::{Shelf, Verified};
use super::tape::{Files, TapeWriter};
use super::timeline::{RATE, Timeline};
use super::verify::{Report, Verdict, verify};
use super::wav::{self, Wav};
use crate::media::codec::coder::PAYLOAD_BYTES;
use crate::media::codec::{Encoder, Law, Rate};
use crate::media::command::Codec;
use crate::moment::Moment;
use crate::rng::Rng;

/// A packet of any codec.
struct Packet {
    side: Side,
    codec: Codec,
    rtp_time: u32,
    at: Moment,
    payload: Vec<u8>,
}

/// A tape made block by block.
struct Press {
    folder: Folder,
    writer: TapeWriter,
}

impl Press {
    fn new(key: Option<&TapeKey>) -> Press {
        let folder = Folder::new();
        let writer = TapeWriter::new(tape_path(&folder.0, CALL), CALL, START, key, Vec::new());
        Press { folder, writer }
    }

    fn block(&mut self, frames: impl IntoIterator<Item = Frame>) {
        let (mut ring, mut disk) = ring_of(1_024);
        for frame in frames {
            frame.put(&mut ring);
            disk.take(|record| assert!(!self.writer.packet(&record), "the block is full"));
        }
        self.writer.flush(&mut Files).expect("written");
    }

    /// As `block`, of payloads of any kind.
    fn packets(&mut self, packets: &[Packet]) {
        let (mut ring, mut disk) = ring_of(1_024);
        for Packet { side, codec, rtp_time, at, payload } in packets {
            let (side, codec, rtp_time, at) = (*side, *codec, *rtp_time, *at);
            let taped = Taped { call: CALL, side, codec, rtp_time, at, made: false, payload };
            ring.put(&taped).expect("the ring has room");
            disk.take(|record| assert!(!self.writer.packet(&record), "the block is full"));
        }
        self.writer.flush(&mut Files).expect("written");
    }

    fn mark(&mut self, millis: u64, mark: Mark) {
        self.writer.mark(START + ms(millis), &mark);
    }

    fn end(&mut self, millis: u64) {
        self.mark(millis, Mark::End { why: "ended".into() });
        self.block([]);
    }

    fn path(&self) -> PathBuf {
        tape_path(&self.folder.0, CALL)
    }

    fn tape(&self) -> Tape {
        Tape::read(&self.path(), None).expect("readable")
    }

    fn timeline(&self) -> Timeline {
        Timeline::new(self.tape())
    }

    fn report(&self) -> Report {
        verify(self.tape(), None)
    }
}

/// The caller's packets `from..to` (each 20 ms), on time.
fn caller(from: u32, to: u32) -> impl Iterator<Item = Frame> {
    (from..to).map(|n| frame(Side::Caller, 5_000 + n * 160, START + ms(u64::from(n) * 20), 0x11))
}

fn bank(from: u32, to: u32) -> impl Iterator<Item = Frame> {
    (from..to).map(|n| frame(Side::Bank, 77 + n * 160, START + ms(u64::from(n) * 20), 0x91))
}

#[test]
fn a_tape_cut_at_any_byte_of_its_last_block_loses_that_block_and_nothing_else() {
    let mut press = Press::new(None);
    press.block(caller(0, 5));
    let kept = std::fs::metadata(press.path()).expect("there").len() as usize;
    press.block(caller(5, 8));
    let bytes = std::fs::read(press.path()).expect("readable");
    for cut in kept..bytes.len() {
        std::fs::write(press.path(), &bytes[..cut]).expect("written");
        let tape = press.tape();
        assert_eq!((tape.packets.len(), tape.figures.torn_bytes), (5, (cut - kept) as u64));
        let report = verify(tape, Some(START + ms(160)));
        assert_eq!((report.verdict, report.missing_ms), (Verdict::Unfinished, 80));
        if cut > kept {
            assert_eq!(report.remarks[0], format!("torn tail: {} bytes ignored", cut - kept));
        }
    }
}

#[test]
fn a_tape_whose_last_block_became_zeros_in_a_power_cut_is_torn_not_damaged() {
    let mut press = Press::new(None);
    press.block(caller(0, 5));
    let mut bytes = std::fs::read(press.path()).expect("readable");
    bytes.extend([0; 300]);
    std::fs::write(press.path(), &bytes).expect("written");
    let report = press.report();
    assert_eq!((report.verdict, report.packets), (Verdict::Unfinished, 5));
    assert_eq!(report.remarks[0], "torn tail: 300 bytes ignored");
}

#[test]
fn a_tape_of_the_first_format_is_read_and_one_of_a_format_to_come_is_called_so() {
    let header = Header { call: CALL, started: START, key: None };
    let written = |version: u8| {
        let mut bytes = header.encode();
        bytes[8] = version;
        let hash = sha256(&[&bytes[..HEADER_BYTES - 32]]);
        bytes[HEADER_BYTES - 32..].copy_from_slice(&hash);
        Header::decode(&bytes).map(|(header, _)| header)
    };
    assert_eq!((written(1), written(2), written(3)), (Ok(header), Ok(header), Ok(header)));
    assert_eq!((written(4), written(0)), (Err(Damage::Newer(4)), Err(Damage::Newer(0))));
}

#[test]
fn every_single_changed_byte_is_found() {
    for key in [None, Some(TapeKey::new([3; 32]))] {
        let mut press = Press::new(key.as_ref());
        press.block(caller(0, 2));
        press.block(bank(0, 2));
        press.end(40);
        let bytes = std::fs::read(press.path()).expect("readable");
        for place in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[place] ^= flip;
                std::fs::write(press.path(), &changed).expect("written");
                match Tape::inspect(&press.path(), None) {
                    Ok(tape) => {
                        assert!(tape.figures.damage.is_some(), "byte {place} ^ {flip:#x}");
                        assert_eq!(verify(tape, None).verdict, Verdict::Damaged);
                    }
                    Err(error) => assert!(place < HEADER_BYTES, "byte {place}: {error}"),
                }
            }
        }
    }
}

#[test]
fn blocks_cannot_be_swapped_or_taken_out() {
    let mut press = Press::new(None);
    let length = |press: &Press| std::fs::metadata(press.path()).expect("there").len() as usize;
    press.block(caller(0, 2));
    let first = length(&press);
    press.block(caller(2, 4));
    let second = length(&press);
    press.end(80);
    let bytes = std::fs::read(press.path()).expect("readable");
    let (head, a, b, c) =
        (&bytes[..HEADER_BYTES], &bytes[HEADER_BYTES..first], &bytes[first..second], &bytes[second..]);
    for changed in [[head, b, a, c].concat(), [head, a, c].concat(), [head, b, c].concat()] {
        std::fs::write(press.path(), &changed).expect("written");
        assert_eq!(press.report().verdict, Verdict::Damaged);
    }
    std::fs::write(press.path(), [head, a, b, c].concat()).expect("written");
    assert_eq!(press.report().verdict, Verdict::Whole);
}

#[test]
fn a_sealed_tape_says_nothing_without_its_key_but_its_chain_is_still_proven() {
    let key = TapeKey::new([9; 32]);
    let mut press = Press::new(Some(&key));
    press.block(caller(0, 50));
    press.end(1_000);
    let bytes = std::fs::read(press.path()).expect("readable");
    assert!(!bytes.windows(16).any(|window| window == [0x11; 16]), "the voice is readable");
    assert!(matches!(Tape::read(&press.path(), None), Err(TapeError::Sealed { .. })));
    let other = TapeKey::new([8; 32]);
    assert!(matches!(Tape::read(&press.path(), Some(&other)), Err(TapeError::WrongKey { .. })));
    let without = verify(Tape::inspect(&press.path(), None).expect("a tape"), None);
    assert_eq!((without.verdict, without.packets, without.blocks), (Verdict::Whole, 0, 2));
    let with = verify(Tape::read(&press.path(), Some(&key)).expect("opens"), None);
    assert_eq!((with.verdict, with.packets, with.caller.audio_ms), (Verdict::Whole, 50, 1_000));
}

#[test]
fn what_is_not_a_tape_is_called_so() {
    let press = Press::new(None);
    for bytes in [&b""[..], b"HLTAPE\r\n", &[b'x'; 100]] {
        std::fs::create_dir_all(press.path().parent().expect("a folder")).expect("folder");
        std::fs::write(press.path(), bytes).expect("written");
        let read = Tape::read(&press.path(), None).err();
        assert!(matches!(read, Some(TapeError::Damaged { source: Damage::NotATape, .. })));
    }
}

#[test]
fn every_millisecond_has_a_name() {
    let mut press = Press::new(None);
    // 0.0 silence, 0.2 audio with 60 ms lost at 0.5, 1.0 pause, 1.4 audio, 1.6 gap of 5, 1.7 audio, 2.0 silence to 2.4.
    press.block(caller(10, 25).chain(caller(28, 50)));
    press.mark(1_000, Mark::Pause { reason: "card number".into() });
    press.mark(1_400, Mark::Resume);
    press.block(caller(70, 80));
    press.mark(1_700, Mark::Gap { why: "ring full".into(), frames: 5 });
    press.block(caller(85, 100).chain(bank(0, 120)));
    press.end(2_400);
    let report = press.report();
    let side = report.caller;
    assert_eq!(report.length_ms, 2_400);
    assert_eq!((side.silence_ms, side.loss_ms, side.pause_ms, side.gap_ms), (600, 60, 400, 100));
    assert_eq!(side.audio_ms, 2_400 - 600 - 60 - 400 - 100);
    assert_eq!((report.bank.audio_ms, report.bank.pause_ms), (2_400, 0));
    let json = serde_json::to_value(&report).expect("plain");
    assert_eq!(json["caller"]["gap_ms"], 100);
    assert_eq!(json["verdict"], "whole");
}

#[test]
fn a_slot_that_our_own_sound_missed_is_silence_and_a_packet_lost_on_its_way_to_us_is_loss() {
    for (made, [silence, loss]) in [(true, [60, 0]), (false, [0, 60])] {
        let mut press = Press::new(None);
        press.block(bank(0, 20).chain(bank(23, 50)).map(|frame| Frame { made, ..frame }));
        press.end(1_000);
        let side = press.report().bank;
        assert_eq!((side.silence_ms, side.loss_ms), (silence, loss), "made: {made}");
        assert_eq!(side.audio_ms, 940);
    }
}

/// Where the first loud sample of a channel is.
fn onset(sound: &[i16], channel: usize) -> usize {
    sound.iter().skip(channel).step_by(2).position(|s| s.unsigned_abs() > 8_000).expect("a loud sample")
}

/// One side's packets of three seconds of quiet, loud for the 20 ms from `loud` on; arrival as `arrives` says (ms late).
fn click(side: Side, rtp: u32, loud: u32, mut arrives: impl FnMut(u32) -> u64) -> Vec<Frame> {
    let packet = |n: u32| {
        let octet = if n == loud { 0x00 } else { 0xff };
        let at = START + ms(u64::from(n) * 20 + arrives(n));
        frame(side, rtp.wrapping_add(n * 160), at, octet)
    };
    let mut frames: Vec<_> = (0..150).map(packet).collect();
    frames.sort_by_key(|frame| frame.at);
    frames
}

#[test]
fn jittered_reordered_and_doubled_packets_line_up_with_the_other_side_within_20_ms() {
    for seed in 0..20 {
        let mut rng = Rng::seeded(seed);
        let mut press = Press::new(None);
        let mut voice = click(Side::Caller, u32::MAX - 9_000, 100, |_| 2 + rng.below(60));
        voice.extend_from_within(20..30);
        voice.sort_by_key(|frame| frame.at);
        press.block(voice);
        press.block(click(Side::Bank, 12, 100, |_| 0));
        press.end(3_000);
        let timeline = press.timeline();
        let mut sound = vec![0; timeline.samples() as usize * 2];
        timeline.stereo(0, &mut sound);
        let apart = onset(&sound, 0).abs_diff(onset(&sound, 1));
        assert!(apart <= 160, "seed {seed}: {apart} samples apart");
        let report = press.report();
        assert_eq!((report.caller.duplicates, report.caller.loss_ms), (10, 0), "seed {seed}");
    }
}

#[test]
fn a_new_source_with_another_rtp_time_and_codec_is_placed_by_its_arrival() {
    let mut press = Press::new(None);
    press.block(click(Side::Bank, 1_000, 149, |_| 0));
    // After a transfer: three seconds later, RTP time anywhere, 5 ms late from the start.
    let later = click(Side::Bank, 3_000_000_000, 0, |_| 0).into_iter().map(|mut frame| {
        frame.at = frame.at + ms(3_005);
        frame.codec = Codec::Pcma;
        frame.octet = 0x2a;
        frame
    });
    press.block(later);
    press.end(6_005);
    let mut sound = vec![0; 400];
    let timeline = press.timeline();
    timeline.stereo(3_005 * 8 - 100, &mut sound);
    assert_eq!((sound[99 * 2 + 1], sound[100 * 2 + 1]), (0, -32_256));
    assert_eq!(timeline.samples(), 6_005 * 8);
    let mut wide = vec![0; 320];
    timeline.stereo(149 * 160, &mut wide);
    assert_eq!(wide[1], -32_124);
}

#[test]
fn a_phone_whose_clock_runs_fast_stays_aligned_for_an_hour() {
    let mut press = Press::new(None);
    // 100 ppm: a packet every 19.998 ms, 360 ms ahead after an hour.
    for minute in 0..60u64 {
        for second in 0..60 {
            let packets = (0..50).map(|n| {
                let n = (minute * 60 + second) * 50 + n;
                let at = START + std::time::Duration::from_micros(n * 19_998);
                frame(Side::Caller, n as u32 * 160, at, 0x22)
            });
            press.block(packets);
        }
    }
    let timeline = press.timeline();
    for (n, placed) in timeline.side(Side::Caller).iter().enumerate() {
        let at = n as i64 * 19_998 * 8 / 1_000;
        assert!((placed.start - at).abs() <= 160, "packet {n} is {} off", placed.start - at);
    }
    assert_eq!(press.report().caller.loss_ms, 0);
}

#[test]
fn ranges_of_the_wav_are_those_of_the_exported_file_and_it_reads_as_stereo() {
    let mut press = Press::new(None);
    press.block(caller(0, 60));
    press.block(bank(30, 80));
    press.end(1_650);
    let timeline = Arc::new(press.timeline());
    let mut file = Cursor::new(Vec::new());
    wav::write(&timeline, &mut file).expect("written");
    let file = file.into_inner();
    assert_eq!(wav::wav_len(&timeline), file.len() as u64);
    for (start, length) in [(0, file.len()), (0, 10), (40, 9), (43, 7), (101, 333), (file.len() - 3, 99)] {
        let end = (start + length).min(file.len());
        assert_eq!(wav::read_range(&timeline, start as u64, length), file[start..end], "{start}+{length}");
    }
    assert_eq!(wav::read_range(&timeline, file.len() as u64, 5), b"");
    let mut streamed = Wav::new(Arc::clone(&timeline));
    let mut all = Vec::new();
    streamed.read_to_end(&mut all).expect("in memory");
    assert_eq!(all, file);
    assert_eq!(streamed.seek(SeekFrom::End(-4)).expect("within"), file.len() as u64 - 4);
    let mut read = hound::WavReader::new(Cursor::new(file)).expect("a WAV");
    assert_eq!((read.spec().channels, read.spec().sample_rate, read.duration()), (2, RATE, 13_200));
    let samples: Vec<i16> = read.samples().map(|s| s.expect("a sample")).collect();
    let left = Law::Mu.samples()[0x11];
    let right = Law::Mu.samples()[0x91];
    assert_eq!((samples[0], samples[1]), (left, 0));
    assert_eq!((samples[8_000 * 2], samples[8_000 * 2 + 1]), (left, right));
    assert_eq!((samples[12_000 * 2], samples[12_000 * 2 + 1]), (0, right));
}

/// Three seconds of a tone of 440 Hz that begins after the first, by 20 ms.
fn tone(side: Side, codec: Codec) -> Vec<Packet> {
    let mut encoder = Encoder::new(codec, Rate::Wide);
    let (length, rate) = (encoder.rate().frame(), encoder.rate().hertz() as f32);
    let frames = (0..150).map(|number: u32| {
        let samples: Vec<i16> = (0..length)
            .map(|n| {
                let at = (number as usize * length + n) as f32 / rate;
                if at < 1.0 { 0.0 } else { (at * 440.0 * std::f32::consts::TAU).sin() * 8_000.0 }
            })
            .map(|sample| sample as i16)
            .collect();
        let at = START + ms(u64::from(number) * 20);
        let mut payload = [0; PAYLOAD_BYTES];
        let length = encoder.encode(&samples, &mut payload);
        let rtp_time = 90_000 + number * codec.frame_units();
        Packet { side, codec, rtp_time, at, payload: payload[..length].to_vec() }
    });
    frames.collect()
}

#[test]
fn g722_and_opus_are_rendered_where_they_belong_and_alike_for_every_range() {
    let mut press = Press::new(None);
    press.packets(&tone(Side::Caller, Codec::Opus));
    press.packets(&tone(Side::Bank, Codec::G722));
    press.end(3_000);
    let report = press.report();
    assert_eq!((report.verdict, report.length_ms), (Verdict::Whole, 3_000));
    for account in [report.caller, report.bank] {
        assert_eq!((account.audio_ms, account.loss_ms, account.silence_ms), (3_000, 0, 0));
    }
    let timeline = Arc::new(press.timeline());
    let mut sound = vec![0; timeline.samples() as usize * 2];
    timeline.stereo(0, &mut sound);
    let power = |channel: usize, from: usize, to: usize| {
        let samples = sound[from * 2..to * 2].iter().skip(channel).step_by(2);
        samples.map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / (to - from) as f64
    };
    for channel in [0, 1] {
        assert!(power(channel, 2_000, 7_800) < 1e4, "{channel}: {}", power(channel, 2_000, 7_800));
        assert!((2e7..5e7).contains(&power(channel, 9_000, 23_000)), "{}", power(channel, 9_000, 23_000));
    }
    let mut file = Cursor::new(Vec::new());
    wav::write(&timeline, &mut file).expect("written");
    let file = file.into_inner();
    for start in [44, 31_007, 40_000, 60_001] {
        assert_eq!(wav::read_range(&timeline, start as u64, 4_321), file[start..start + 4_321], "{start}");
    }
}

#[test]
fn a_call_that_changes_its_codec_on_the_way_stays_in_time() {
    let mut press = Press::new(None);
    press.block(caller(0, 50));
    let mut later = tone(Side::Caller, Codec::Opus);
    later.iter_mut().for_each(|packet| packet.at = packet.at + ms(1_000));
    press.packets(&later);
    press.end(4_000);
    let report = press.report();
    assert_eq!((report.caller.audio_ms, report.caller.loss_ms), (4_000, 0));
    let mut sound = vec![0; 4_000 * 16];
    press.timeline().stereo(0, &mut sound);
    let first = sound.iter().step_by(2).skip(8_000).position(|sample| sample.unsigned_abs() > 2_000);
    assert!(
        first.is_some_and(|at| (7_900..8_300).contains(&at)),
        "the tone begins after two seconds: {first:?}"
    );
}

#[test]
fn the_shelf_lists_exports_and_verifies_and_names_what_it_cannot_read() {
    let mut press = Press::new(None);
    press.block(caller(0, 50));
    press.end(1_000);
    let shelf = Shelf::new(&press.folder.0, None);
    let listed = shelf.list(10).expect("readable");
    assert_eq!(listed.iter().map(|entry| entry.call).collect::<Vec<_>>(), [CALL]);
    let out = press.folder.0.join("out.wav");
    let bytes = shelf.export(CALL, &out).expect("exported");
    assert_eq!(bytes, std::fs::metadata(&out).expect("there").len());
    assert_eq!(shelf.last_heard(CALL), Some(START + ms(1_000)));
    let nobody = crate::ids::CallId(7);
    assert_eq!(
        shelf.export(nobody, &out).err().map(|e| e.to_string()),
        Some(format!("call {nobody} has no tape"))
    );
    std::fs::write(press.path().with_file_name(format!("{nobody}.tape")), "junk").expect("written");
    let verified = shelf.verify_all(|_| Some(START + ms(1_500))).expect("readable");
    let [Verified::Report(report), Verified::Unreadable { call, .. }] = &verified[..] else {
        panic!("{verified:?}");
    };
    assert_eq!((report.verdict, report.missing_ms, *call), (Verdict::Whole, 500, nobody));
}
