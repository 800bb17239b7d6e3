//! What a leg sounds like, as the switch measures and tells it.

use super::*;
use crate::media::event::{Figures, Way};
use crate::media::limits::REPORT_INTERVAL;
use crate::media::rtcp::xr::XrBlock;
use crate::media::rtcp::{Compound, Part};

const FRAME: Duration = Duration::from_millis(20);

fn voice(number: u16) -> Vec<u8> {
    rtp(8, number, u32::from(number) * 160, &[0x33; 160])
}

/// Ann speaks for so many packets; those that `loses` picks do not arrive.
fn speaks(rig: &mut Rig, numbers: std::ops::Range<u16>, loses: impl Fn(u16) -> bool) {
    for number in numbers {
        rig.passes(FRAME);
        if !loses(number) {
            rig.says(ANN, &voice(number));
        }
    }
}

fn closes(rig: &mut Rig, stream: StreamId) -> Figures {
    rig.command(Command::Close { stream });
    match rig.events().pop() {
        Some(Event::Closed { figures, .. }) => *figures,
        other => panic!("{other:?}"),
    }
}

fn crossings(rig: &mut Rig) -> Vec<(StreamId, Way, bool)> {
    let crossing = |event| match event {
        Event::Quality { stream, way, poor, .. } => Some((stream, way, poor)),
        _ => None,
    };
    rig.events().into_iter().filter_map(crossing).collect()
}

#[test]
fn a_leg_that_loses_much_is_told_once_and_again_when_it_is_better() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, false);
    speaks(&mut rig, 0..1_000, |_| false);
    assert_eq!(crossings(&mut rig), [], "a clean leg is nobody's business");
    speaks(&mut rig, 1_000..3_000, |number| number % 5 == 0);
    assert_eq!(crossings(&mut rig), [(ANN, Way::Heard, true)]);
    assert_eq!(rig.stats.legs_poor.get(), 1);
    speaks(&mut rig, 3_000..4_000, |_| false);
    assert_eq!(crossings(&mut rig), [(ANN, Way::Heard, false)]);
    let figures = closes(&mut rig, ANN);
    let (heard, worst) = (figures.heard.unwrap(), figures.heard_worst.unwrap());
    // 400 of 4,000 lost: 95 · 10 / (10 + 25.1) = 27.1 off R, and 1.2 for 40 ms.
    assert!((64.0..66.0).contains(&heard.r()), "{heard:?}");
    // A fifth lost: 95 · 20 / (20 + 25.1) = 42.1 off.
    assert!((49.0..51.5).contains(&worst.r()), "{worst:?}");
    assert_eq!(
        (figures.packets_received, figures.packets_lost, figures.codec),
        (3_600, 400, Some(Codec::Pcma))
    );
}

#[test]
fn hold_and_too_little_sound_are_not_judged() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, false);
    speaks(&mut rig, 0..200, |_| false);
    let held = Session { direction: Direction::SendOnly, ..session(ANN, Codec::Pcma) };
    rig.command(Command::Connect { stream: ANN, session: held });
    rig.passes(REPORT_INTERVAL * 6);
    rig.command(Command::Connect { stream: ANN, session: session(ANN, Codec::Pcma) });
    speaks(&mut rig, 200..220, |number| number > 205 && number < 219);
    rig.passes(REPORT_INTERVAL * 3);
    assert_eq!(crossings(&mut rig), [], "of 20 packets nobody can tell");
    assert_eq!(closes(&mut rig, ANN).packets_late, 0);
}

#[test]
fn the_time_inside_is_booked_to_the_leg_the_packet_came_from_and_to_the_worker() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, false);
    rig.wire.spent = Duration::from_micros(30);
    speaks(&mut rig, 0..99, |_| false);
    rig.wire.spent = Duration::from_micros(700);
    speaks(&mut rig, 99..100, |_| false);
    let passage = closes(&mut rig, ANN).passage;
    assert_eq!((passage.packets, passage.p50_us, passage.p99_us, passage.max_us), (100, 32, 32, 700));
    assert_eq!(rig.stats.passages.count(), 100);
    assert!((rig.stats.passages.sum() - (99.0 * 30.0 + 700.0) / 1e6).abs() < 1e-9);
    assert_eq!(closes(&mut rig, BOB).passage.packets, 0, "Bob said nothing");
}

#[test]
fn packets_that_leave_together_are_booked_when_they_have_left() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, false);
    rig.wire.batched = true;
    for number in 0..3 {
        rig.says(ANN, &voice(number));
    }
    assert_eq!(rig.stats.passages.count(), 0);
    rig.wire.spent = Duration::from_micros(250);
    rig.switch.left(rig.now, &rig.wire);
    rig.switch.left(rig.now, &rig.wire);
    assert_eq!(rig.stats.passages.count(), 3);
    assert_eq!(closes(&mut rig, ANN).passage.max_us, 250);
}

#[test]
fn what_the_server_itself_dropped_is_told_of_its_leg() {
    let mut rig = Rig::talking(Codec::Pcma, Codec::Pcma, false);
    speaks(&mut rig, 0..100, |number| (50..55).contains(&number));
    rig.wire.queue.shed = 5;
    let figures = closes(&mut rig, ANN);
    assert_eq!((figures.packets_lost, figures.packets_shed), (5, 5));
    assert_eq!((closes(&mut rig, BOB).packets_shed, rig.stats.packets_shed.get()), (0, 5));
}

#[test]
fn what_nobody_hears_has_no_time_inside() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    speaks(&mut rig, 0..10, |_| false);
    assert_eq!((rig.stats.passages.count(), closes(&mut rig, ANN).passage.packets), (0, 0));
}

#[test]
fn generated_frames_are_booked_with_their_lateness_against_their_slots() {
    let mut rig = Rig::with_two(Codec::Pcma, Codec::Pcma);
    rig.wire.spent = Duration::from_micros(200);
    rig.passes(FRAME * 50);
    let booked = rig.stats.pacing_errors.count();
    assert_eq!(booked, 100, "two callers hear silence for a second");
    assert!((rig.stats.pacing_errors.sum() - 100.0 * 200e-6).abs() < 1e-9);
    rig.wire.spent = Duration::ZERO;
    rig.stalls(Duration::from_millis(15));
    let late = rig.stats.pacing_errors.sum() - 100.0 * 200e-6;
    assert!(rig.stats.pacing_errors.count() > booked && late > 0.0 && late <= 2.0 * 15e-3, "{late}");
}

#[test]
fn a_peer_that_asked_gets_extended_reports_and_its_own_are_believed() {
    let mut rig = Rig::new();
    rig.enters(Session { extended: Extended::ALL, ..session(ANN, Codec::Pcma) }, ANN);
    rig.enters(session(BOB, Codec::Pcma), BOB);
    rig.hears(BOB, Source::Peer { stream: ANN, digits: false });
    speaks(&mut rig, 0..1_000, |_| false);
    let blocks_to = |rig: &Rig, stream: StreamId| -> Vec<XrBlock> {
        let slot = rig.slot(stream);
        let reports = rig.wire.reports.iter().filter(|(to, ..)| *to == slot);
        reports
            .flat_map(|(_, _, report)| {
                let of = |part| match part {
                    Part::Extended { blocks, .. } => blocks.collect::<Vec<_>>(),
                    _ => Vec::new(),
                };
                Compound::parse(report).unwrap().parts().flat_map(of).collect::<Vec<_>>()
            })
            .collect()
    };
    let voip = blocks_to(&rig, ANN).into_iter().filter(|block| matches!(block, XrBlock::Voip(_))).count();
    assert!((2..=10).contains(&voip), "{voip} in twenty seconds");
    assert_eq!(blocks_to(&rig, BOB), [], "Bob did not ask");
    // A report of Ann's: an empty RR, then an XR with a reference time.
    let mut report = [0x80, 201, 0, 1, 0, 0, 0, 7].to_vec();
    report.extend([0x80, 207, 0, 4, 0, 0, 0, 7, 4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]);
    let from = SocketAddr::new(remote(ANN).ip(), 4_001);
    rig.comes_on(Channel::Rtcp, from, ANN, &report);
    rig.passes(REPORT_INTERVAL * 2);
    let echoes: Vec<_> =
        blocks_to(&rig, ANN).into_iter().filter(|block| matches!(block, XrBlock::Echo { .. })).collect();
    assert!(matches!(echoes[..], [XrBlock::Echo { ssrc: 7, last: 0x0304_0506, .. }]), "{echoes:?}");
}

#[test]
#[ignore = "prints a measurement: run it by name with --release, alone on the machine"]
fn the_cost_of_a_packets_figures() {
    use crate::media::histogram::{Histogram, Ledger};
    use crate::media::rtcp::Reception;
    use crate::net::clock::Clock;

    const PACKETS: u64 = 10_000_000;
    let clock = Clock::start();
    let nanos = |began: Moment| clock.now().since(began).as_nanos() as f64 / PACKETS as f64;
    let mut reception = Reception::new(8_000);
    let began = clock.now();
    for number in 0..PACKETS {
        let now = Moment::from_micros(1_000_000_000 + number * 20_000 + number % 7);
        reception.packet(std::hint::black_box(now), 7, number as u16, (number * 160) as u32);
    }
    println!("sequence, jitter and fate: {:.1} ns", nanos(began));
    let (histogram, mut ledger) = (Histogram::default(), Ledger::default());
    let began = clock.now();
    for number in 0..PACKETS {
        let spent = std::hint::black_box((number % 97) as u32);
        histogram.add(spent, 1);
        ledger.add(spent);
    }
    println!("booking a passage: {:.1} ns", nanos(began));
    let began = clock.now();
    for _ in 0..PACKETS {
        std::hint::black_box(clock.now());
    }
    println!("looking at the clock: {:.1} ns", nanos(began));
    assert_eq!(ledger.passage().packets, PACKETS);
    std::hint::black_box(reception.losses());
}
