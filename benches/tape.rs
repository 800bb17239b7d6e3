//! `cargo bench --bench tape -- [--calls=N] [--seconds=N] [--folder=PATH]`: what recording costs, step by step.
//!
//! N calls (1,200) of 100 packets a second for so many seconds (20) on a virtual clock, through a worker's ring and the
//! disk thread's turns, all on one thread, so that each step is timed by itself: copied into the ring, copied out into
//! blocks, hashed, sealed (AES-256-GCM), written to files below PATH (a folder of its own, removed afterwards).
//! Then tapes of a second each, opened and closed; then all tapes of the first part verified.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hotline::ids::CallId;
use hotline::media::command::Codec;
use hotline::moment::Moment;
use hotline::net::clock::Clock;
use hotline::recording::block::sha256;
use hotline::recording::frame::{Inlet, Side, Taped, ring};
use hotline::recording::recorder::{Recorder, TapeCommand, TapeEvent};
use hotline::recording::seal::TapeKey;
use hotline::recording::shelf::{Shelf, Verified};
use hotline::recording::tape::{Disk, Files, Sink};
use hotline::recording::verify::Verdict;

const START: Moment = Moment::from_micros(1_795_000_000_000_000);

/// 20 ms, a packet's and a turn's length.
const FRAME: Duration = Duration::from_millis(20);

/// Packets of a second of a call: both sides, 20 ms each.
const PACKETS: u32 = 100;

/// A disk that takes everything at once and keeps nothing.
struct Nowhere;

impl Disk for Nowhere {
    fn create(&mut self, _: &Path) -> io::Result<Box<dyn Sink>> {
        Ok(Box::new(Nowhere))
    }

    fn remove(&mut self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Nowhere {
    fn write_at(&mut self, bytes: &[u8], _: u64) -> io::Result<()> {
        std::hint::black_box(bytes);
        Ok(())
    }
}

struct Wish {
    calls: u64,
    seconds: u64,
    folder: PathBuf,
}

/// Seconds spent: with copying in, and in the disk thread's turns; the longest turn; packets.
#[derive(Default)]
struct Spent {
    copy_in: Duration,
    turns: Duration,
    longest: Duration,
    packets: u64,
    closed: usize,
}

fn main() {
    let wish = wish();
    let folder = wish.folder.join(format!("hotline-bench-tape-{}", std::process::id()));
    let key = TapeKey::new([7; 32]);
    println!("{} calls, {} s, both sides, 20 ms of G.711", wish.calls, wish.seconds);
    // The first run warms up, and pays for pages that the kernel has yet to give.
    talk(&wish, &folder, None, Box::new(Nowhere));
    let plain = talk(&wish, &folder, None, Box::new(Nowhere));
    let sealed = talk(&wish, &folder, Some(key.clone()), Box::new(Nowhere));
    let written = talk(&wish, &folder, Some(key.clone()), Box::new(Files));
    let hash = alone(|block| _ = std::hint::black_box(sha256(&[block])));
    let seal = key.seal(CallId(1));
    let mut number = 0;
    let seal = alone(|block| {
        number += 1;
        std::hint::black_box(seal.close(number, &[0; 48], block));
    });
    let each = |time: Duration, of: &Spent| time.as_secs_f64() * 1e9 / of.packets as f64;
    let line = |what: &str, nanos: f64| {
        // 10,000 packets a second are 100 calls.
        println!("  {what:<34} {nanos:>7.0} ns a packet  {:>6.2} % of a core per 100 calls", nanos / 1e3);
    };
    line("copied into the ring", each(written.copy_in, &written));
    line("copied out into blocks", each(plain.turns, &plain) - hash);
    line("hashed, SHA-256", hash);
    line("sealed, AES-256-GCM", seal);
    line("  the same by difference", each(sealed.turns, &sealed) - each(plain.turns, &plain));
    line("created and written", each(written.turns, &written) - each(sealed.turns, &sealed));
    line("together", each(written.copy_in + written.turns, &written));
    println!("  longest turn of the disk thread      {:>7.1} ms", written.longest.as_secs_f64() * 1e3);
    assert_eq!(written.closed as u64, wish.calls, "every tape was closed");
    prove(&folder, &key, wish.calls);
    short_tapes(&folder, &key);
    // What cannot be removed is the system's to clean.
    let _ = std::fs::remove_dir_all(&folder);
}

fn wish() -> Wish {
    let words: Vec<String> = std::env::args().collect();
    let told = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)).map(str::to_owned);
    let number = |name: &str, usual: u64| told(name).map_or(usual, |text| text.parse().expect("a number"));
    Wish {
        calls: number("--calls=", 1_200),
        seconds: number("--seconds=", 20),
        folder: told("--folder=").map_or_else(std::env::temp_dir, PathBuf::from),
    }
}

/// All calls from open to close: every 20 ms each sends two packets, then the disk thread has its turn.
fn talk(wish: &Wish, folder: &Path, key: Option<TapeKey>, disk: Box<dyn Disk>) -> Spent {
    let (mut ring, outlet) = ring();
    let (mut recorder, events) = Recorder::new(folder.to_owned(), key, vec![outlet], disk);
    let call = |number: u64| CallId(START.as_micros() + number);
    let clock = Clock::start();
    let mut spent = Spent::default();
    let mut now = START;
    let open = (0..wish.calls).map(|number| TapeCommand::Open { call: call(number), started: START });
    recorder.turn(now, open);
    for tick in 0..wish.seconds as u32 * PACKETS / 2 {
        now = START + FRAME * tick;
        let began = clock.now();
        for number in 0..wish.calls {
            for side in [Side::Caller, Side::Bank] {
                put(&mut ring, call(number), side, tick, now);
            }
        }
        let filled = clock.now();
        recorder.turn(now, std::iter::empty());
        let turn = clock.now().since(filled);
        spent.copy_in += filled.since(began);
        spent.turns += turn;
        spent.longest = spent.longest.max(turn);
        spent.packets += wish.calls * 2;
        drop(events.try_iter().collect::<Vec<_>>());
    }
    let began = clock.now();
    recorder
        .turn(now, (0..wish.calls).map(|number| TapeCommand::Close { call: call(number), at: now + FRAME }));
    recorder.turn(now + Duration::from_secs(1), std::iter::empty());
    spent.turns += clock.now().since(began);
    spent.closed = events.try_iter().filter(|event| matches!(event, TapeEvent::Closed { .. })).count();
    spent
}

fn put(ring: &mut Inlet, call: CallId, side: Side, tick: u32, at: Moment) {
    let payload = [tick as u8 | 0x40; 160];
    let taped =
        Taped { call, side, codec: Codec::Pcma, rtp_time: tick * 160, at, made: false, payload: &payload };
    ring.put(&taped).expect("the ring has room");
}

/// What a step takes by itself on a second's block, in nanoseconds for each of its packets.
fn alone(mut step: impl FnMut(&mut [u8])) -> f64 {
    let mut block = vec![0x55; PACKETS as usize * 176];
    let clock = Clock::start();
    let began = clock.now();
    let rounds = 5_000;
    for _ in 0..rounds {
        step(std::hint::black_box(&mut block));
    }
    clock.now().since(began).as_secs_f64() * 1e9 / f64::from(rounds * PACKETS)
}

fn prove(folder: &Path, key: &TapeKey, calls: u64) {
    let clock = Clock::start();
    let began = clock.now();
    let verified = Shelf::new(folder, Some(key.clone())).verify_all(|_| None).expect("the tapes are listed");
    let took = clock.now().since(began).as_secs_f64();
    let clean = verified.iter().filter(|verified| match verified {
        Verified::Report(report) => {
            let sides = [&report.caller, &report.bank];
            report.verdict == Verdict::Whole && sides.iter().all(|side| side.audio_ms == report.length_ms)
        }
        _ => false,
    });
    println!("  verified: {} of {calls} tapes whole, every 20 ms there, in {took:.1} s", clean.count());
}

/// Tapes of a second, a thousand a second: what opening and closing costs.
fn short_tapes(folder: &Path, key: &TapeKey) {
    const EACH_TURN: u64 = 20;
    const TURNS: u64 = 300;
    let (mut ring, outlet) = ring();
    let folder = folder.join("short");
    let (mut recorder, events) = Recorder::new(folder, Some(key.clone()), vec![outlet], Box::new(Files));
    let clock = Clock::start();
    let mut spent = Duration::ZERO;
    let call = |turn: u64, number: u64| CallId(START.as_micros() + turn * 1_000 + number);
    for turn in 0..TURNS + 70 {
        let now = START + FRAME * turn as u32;
        let mut commands = Vec::new();
        for number in 0..EACH_TURN {
            if turn < TURNS {
                commands.push(TapeCommand::Open { call: call(turn, number), started: now });
            }
            for age in 0..50.min(turn + 1) {
                if turn - age < TURNS {
                    put(&mut ring, call(turn - age, number), Side::Bank, age as u32, now);
                }
            }
            if let Some(old) = turn.checked_sub(50).filter(|old| *old < TURNS) {
                commands.push(TapeCommand::Close { call: call(old, number), at: now });
            }
        }
        let began = clock.now();
        recorder.turn(now, commands.into_iter());
        spent += clock.now().since(began);
    }
    let closed = events.try_iter().filter(|event| matches!(event, TapeEvent::Closed { .. })).count();
    let each = spent.as_secs_f64() * 1e6 / closed as f64;
    println!("  {closed} tapes of a second and 50 packets: {each:.0} us each in the disk thread");
}
