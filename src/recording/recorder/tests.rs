use std::sync::atomic::AtomicU64;

use super::*;
use crate::recording::block::Mark;
use crate::recording::frame::{Inlet, Side, ring_of};
use crate::recording::made::{CALL, Filling, Folder, START, frame, hanging, ms};
use crate::recording::read::Tape;
use crate::recording::verify::{Verdict, verify};

/// A recorder without a thread, and the worker's end of its ring.
struct Desk {
    folder: Folder,
    recorder: Recorder,
    events: Receiver<TapeEvent>,
    ring: Inlet,
    full: Filling,
}

impl Desk {
    fn new() -> Desk {
        let folder = Folder::new();
        let full = Filling::default();
        let (ring, outlet) = ring_of(4_096 * 184);
        let disk = Box::new(full.clone());
        let (recorder, events) = Recorder::new(folder.0.clone(), None, vec![outlet], disk);
        Desk { folder, recorder, events, ring, full }
    }

    fn at(&mut self, millis: u64, commands: impl IntoIterator<Item = TapeCommand>) {
        self.recorder.turn(START + ms(millis), commands.into_iter());
    }

    /// A packet that the worker received so many milliseconds after the start.
    fn hears(&mut self, millis: u64) {
        frame(Side::Caller, (millis * 8) as u32, START + ms(millis), 0x55).put(&mut self.ring);
    }

    /// Packets from `from` to `to`, 20 ms each, with a turn after each.
    fn hears_all(&mut self, from: u64, to: u64) {
        for millis in (from..to).step_by(20) {
            self.hears(millis);
            self.at(millis, []);
        }
    }

    fn tape(&self) -> Tape {
        Tape::read(&tape_path(&self.folder.0, CALL), None).expect("the tape is there")
    }

    fn set_full(&self, full: bool) {
        self.full.0.store(full, Ordering::Relaxed);
    }
}

fn open() -> TapeCommand {
    TapeCommand::Open { call: CALL, started: START }
}

/// Something to be written.
fn says(call: CallId) -> TapeCommand {
    TapeCommand::Mark { call, at: START, mark: Mark::Resume }
}

fn close(millis: u64) -> TapeCommand {
    TapeCommand::Close { call: CALL, at: START + ms(millis) }
}

#[test]
fn a_call_from_open_to_close_is_whole_and_its_hash_is_told() {
    let mut desk = Desk::new();
    desk.at(0, [open()]);
    desk.hears_all(0, 2_000);
    desk.at(2_000, [close(2_000)]);
    desk.at(2_300, []);
    let report = verify(desk.tape(), Some(START + ms(2_000)));
    assert_eq!(report.verdict, Verdict::Whole);
    assert_eq!((report.length_ms, report.caller.audio_ms, report.missing_ms), (2_000, 2_000, 0));
    assert_eq!(report.bank.silence_ms, 2_000);
    let hash = desk.tape().figures.hash;
    let closed = TapeEvent::Closed { call: CALL, bytes: report.bytes, hash };
    assert_eq!(desk.events.try_iter().collect::<Vec<_>>(), [closed]);
}

#[test]
fn at_any_moment_all_but_the_last_second_is_on_disk() {
    let mut desk = Desk::new();
    desk.at(0, [open()]);
    for millis in (0..5_000).step_by(20) {
        desk.hears_all(millis, millis + 20);
        // What a kill at this moment would leave; no file before the first block.
        let left = Tape::read(&tape_path(&desk.folder.0, CALL), None).ok();
        let whole = |tape: &Tape| tape.figures.damage.is_none() && tape.figures.torn_bytes == 0;
        assert!(left.as_ref().is_none_or(whole));
        let lost = (START + ms(millis)).since(left.map_or(START, |tape| tape.last_heard()));
        assert!(lost < BLOCK_EVERY + TURN, "{lost:?} would be lost at {millis} ms");
    }
}

#[test]
fn a_call_of_a_moment_costs_one_write_and_a_tape_that_says_nothing_costs_none() {
    let mut desk = Desk::new();
    desk.at(0, [open()]);
    desk.hears_all(0, 100);
    desk.at(100, [close(100)]);
    desk.at(280, []);
    assert!(!tape_path(&desk.folder.0, CALL).exists());
    desk.at(300, []);
    assert_eq!(verify(desk.tape(), None).verdict, Verdict::Whole);
    assert_eq!(desk.full.writes(), 1);
    desk.at(400, [TapeCommand::Open { call: CallId(CALL.0 + 1), started: START + ms(400) }]);
    desk.at(4_000, []);
    assert_eq!(desk.full.writes(), 1);
}

#[test]
fn tapes_opened_at_once_are_written_at_times_of_their_own_and_keep_them_after_a_stall() {
    let mut desk = Desk::new();
    let calls = 400;
    let id = |n: u64| CallId(CALL.0 + n);
    desk.at(0, (0..calls).map(|n| TapeCommand::Open { call: id(n), started: START }));
    let mut before = 0;
    let mut most = |desk: &mut Desk, from: u64, to: u64| {
        let mut most = 0;
        for millis in (from..to).step_by(20) {
            desk.at(millis, (0..calls).map(|n| says(id(n))));
            most = most.max(desk.full.writes() - before);
            before = desk.full.writes();
        }
        most
    };
    let usual = most(&mut desk, 20, 1_620);
    assert!(usual <= 22, "{usual} of {calls} in one turn");
    // The disk stood still, and all are overdue.
    assert_eq!(most(&mut desk, 4_000, 4_020), calls);
    let after = most(&mut desk, 4_020, 5_620);
    assert!(after <= 22, "{after} of {calls} in one turn after the stall");
}

#[test]
fn packets_before_their_open_and_behind_their_close_are_on_the_tape() {
    let mut desk = Desk::new();
    desk.hears_all(0, 100);
    desk.at(100, [open()]);
    desk.hears_all(100, 200);
    desk.at(200, [close(260)]);
    desk.hears_all(200, 260);
    desk.at(600, []);
    let report = verify(desk.tape(), None);
    assert_eq!((report.verdict, report.packets, report.caller.audio_ms), (Verdict::Whole, 13, 260));
}

#[test]
fn packets_of_no_call_are_kept_within_bounds_then_counted() {
    let mut desk = Desk::new();
    (0..STRAYS as u64 + 10).for_each(|n| desk.hears(n * 20));
    desk.at(0, []);
    assert_eq!(desk.recorder.strays.len(), STRAYS);
    assert_eq!(desk.recorder.figures.frames_strayed.load(Ordering::Relaxed), 10);
    desk.at(1_100, []);
    assert_eq!(desk.recorder.strays.len(), 0);
    assert_eq!(desk.recorder.figures.frames_strayed.load(Ordering::Relaxed), STRAYS as u64 + 10);
}

#[test]
fn a_full_disk_fails_the_tape_and_space_brings_it_back_with_a_named_gap() {
    let mut desk = Desk::new();
    desk.at(0, [open()]);
    desk.hears_all(0, 1_000);
    desk.set_full(true);
    desk.hears_all(1_000, 4_000);
    desk.set_full(false);
    desk.hears_all(4_000, 10_000);
    desk.at(10_000, [close(10_000)]);
    desk.at(10_300, []);
    let events: Vec<_> = desk.events.try_iter().collect();
    let [
        TapeEvent::Failing { .. },
        TapeEvent::Failed { why, .. },
        TapeEvent::Recovered { frames, .. },
        TapeEvent::AllWell,
        TapeEvent::Closed { .. },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert!(why.contains("space"), "{why}");
    let report = verify(desk.tape(), None);
    assert_eq!((report.verdict, report.gaps.len()), (Verdict::Whole, 1));
    assert_eq!((&report.gaps[0].why, report.gaps[0].frames), (why, *frames));
    assert_eq!(report.caller.gap_ms, u64::from(*frames) * 20);
    assert_eq!(report.caller.gap_ms + report.caller.audio_ms, 10_000);
    assert_eq!(desk.recorder.figures.failing_tapes.load(Ordering::Relaxed), 0);
}

#[test]
fn a_disk_full_from_the_start_says_so_once_leaves_no_stub_and_the_close_does_not_hang() {
    let mut desk = Desk::new();
    desk.set_full(true);
    desk.at(0, [open()]);
    desk.hears_all(0, 12_000);
    assert_eq!(desk.recorder.figures.failing_tapes.load(Ordering::Relaxed), 1);
    desk.at(12_000, [close(12_000)]);
    desk.at(12_300, []);
    let events: Vec<_> = desk.events.try_iter().collect();
    let [TapeEvent::Failing { .. }, TapeEvent::Failed { .. }, TapeEvent::Failed { .. }, TapeEvent::AllWell] =
        &events[..]
    else {
        panic!("{events:?}");
    };
    assert!(desk.recorder.rack.is_empty());
    assert!(!tape_path(&desk.folder.0, CALL).exists(), "a file without a header is no tape");
}

#[test]
fn a_tape_that_a_full_disk_did_not_let_begin_begins_when_there_is_room() {
    let mut desk = Desk::new();
    desk.set_full(true);
    desk.at(0, [open()]);
    desk.hears_all(0, 1_000);
    desk.set_full(false);
    desk.hears_all(1_000, 8_000);
    desk.at(8_000, [close(8_000)]);
    desk.at(8_300, []);
    let report = verify(desk.tape(), None);
    assert_eq!((report.verdict, report.gaps.len()), (Verdict::Whole, 1));
    assert_eq!(report.caller.gap_ms + report.caller.audio_ms, 8_000);
}

#[test]
fn the_alarm_is_raised_once_for_many_tapes_and_is_over_with_the_last_of_them() {
    let mut desk = Desk::new();
    let id = |n: u64| CallId(CALL.0 + n);
    desk.set_full(true);
    desk.at(0, (0..3).map(|n| TapeCommand::Open { call: id(n), started: START }));
    desk.at(20, (0..3).map(|n| says(id(n))));
    desk.at(800, []);
    let first: Vec<_> = desk.events.try_iter().collect();
    assert!(matches!(first[0], TapeEvent::Failing { .. }), "{first:?}");
    let failing = |event: &&TapeEvent| matches!(event, TapeEvent::Failing { .. });
    assert_eq!((first.len(), first.iter().filter(failing).count()), (4, 1));
    for n in 0..2 {
        desk.at(900, [TapeCommand::Close { call: id(n), at: START + ms(900) }]);
    }
    desk.at(1_200, []);
    let ended: Vec<_> = desk.events.try_iter().collect();
    assert!(!ended.contains(&TapeEvent::AllWell), "one tape is failing still: {ended:?}");
    desk.set_full(false);
    desk.at(6_000, []);
    assert_eq!(desk.events.try_iter().last(), Some(TapeEvent::AllWell));
    desk.at(6_020, []);
    assert_eq!(desk.events.try_iter().next(), None);
}

#[test]
fn more_tapes_than_the_limit_are_refused_by_name() {
    let mut desk = Desk::new();
    desk.set_full(true);
    let open = |n: usize| TapeCommand::Open { call: CallId(CALL.0 + n as u64), started: START };
    desk.at(0, (0..OPEN_TAPES + 1).map(open));
    let last = desk.events.try_iter().last();
    let Some(TapeEvent::Failed { call, why }) = last else { panic!("{last:?}") };
    assert_eq!((call, why), (CallId(CALL.0 + OPEN_TAPES as u64), "4096 tapes are open already".into()));
}

#[test]
fn a_stopped_server_ends_its_tapes_in_order() {
    let folder = Folder::new();
    let (mut ring, outlet) = ring_of(64 * 184);
    let clock = || START + ms(500);
    let recorder = Recorder::spawn(folder.0.clone(), None, vec![outlet], clock).expect("a thread");
    recorder.commands.send(open()).expect("room");
    for n in 0..25u32 {
        frame(Side::Bank, n * 160, START + ms(u64::from(n) * 20), 0x55).put(&mut ring);
    }
    assert_eq!(recorder.stop(ms(60_000)), Ok(()));
    let tape = Tape::read(&tape_path(&folder.0, CALL), None).expect("the tape is there");
    assert_eq!(tape.end(), Some((START + ms(500), "server_stopped")));
    assert_eq!(tape.packets.len(), 25);
}

#[test]
fn a_disk_that_hangs_is_not_waited_for_even_with_no_room_for_a_word() {
    let folder = Folder::new();
    for full in [false, true] {
        let (disk, knocked, gate) = hanging();
        // A second for each look at the clock: the tape is due at once.
        let looks = AtomicU64::new(0);
        let clock = move || START + Duration::from_secs(looks.fetch_add(1, Ordering::Relaxed));
        let recorder = Recorder::spawn_on(Box::new(disk), folder.0.clone(), None, Vec::new(), clock);
        let recorder = recorder.expect("a thread");
        recorder.commands.send(open()).expect("room");
        recorder.commands.send(says(CALL)).expect("room");
        knocked.recv().expect("the disk is asked");
        while full && recorder.commands.send(close(1)).is_ok() {}
        assert_eq!(recorder.stop(ms(50)), Err(NotStopped::StandsStill), "full: {full}");
        drop(gate);
    }
}
