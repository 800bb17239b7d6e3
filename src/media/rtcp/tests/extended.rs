//! Extended reports (RFC 3611): round trips without sending, and what a call sounds like.

use super::*;
use crate::media::command::Codec;
use crate::media::quality::{Delay, Heard};

fn terms(heard: Option<Heard>) -> Terms<'static> {
    Terms { cname: "x", leaving: false, extended: Extended::ALL, heard }
}

fn written(
    sender: &mut Sender,
    reception: &mut Reception,
    now: Moment,
    terms: Terms<'_>,
) -> Vec<(u32, XrBlock)> {
    let mut buffer = [0; REPORT_BYTES];
    let length = sender.write(now, reception, terms, &mut buffer);
    let compound = Compound::parse(&buffer[..length]).unwrap();
    let of = |part| match part {
        Part::Extended { ssrc, blocks } => blocks.map(|block| (ssrc, block)).collect(),
        _ => Vec::new(),
    };
    compound.parts().flat_map(of).collect()
}

fn heard(reception: &Reception) -> Heard {
    Heard { codec: Codec::Pcma, losses: reception.losses(), delay: Delay::default() }
}

#[test]
fn who_sends_nothing_learns_the_round_trip_by_the_echo_of_its_reference_time() {
    let (mut ours, mut theirs) = (Sender::new(99, 8_000), Sender::new(7, 8_000));
    let (mut here, mut there) = (Reception::new(8_000), Reception::new(8_000));
    let blocks = written(&mut ours, &mut here, start(), terms(None));
    let [(99, XrBlock::ReferenceTime { ntp: time })] = blocks[..] else { panic!("{blocks:?}") };
    assert_eq!(time, ntp(start()));
    there.reference_time(start() + MS * 30, 99, time);
    let blocks = written(&mut theirs, &mut there, start() + MS * 130, terms(None));
    let [(7, XrBlock::ReferenceTime { .. }), (7, XrBlock::Echo { ssrc, last, delay })] = blocks[..] else {
        panic!("{blocks:?}")
    };
    assert_eq!((ssrc, last, delay), (99, compact(time), 6_553));
    ours.echo(start() + MS * 160, 98, last, delay);
    assert_eq!(ours.round_trip_us(), None, "about somebody else");
    ours.echo(start() + MS * 160, ssrc, last, delay);
    assert!(ours.round_trip_us().unwrap().abs_diff(60_000) < 50);
    let again = written(&mut theirs, &mut there, start() + MS * 5_000, terms(None));
    assert!(!again.iter().any(|(_, block)| matches!(block, XrBlock::Echo { .. })), "echoed once");
}

#[test]
fn a_call_is_described_in_the_figures_of_rfc_3611() {
    // 400 packets: 100 lost by itself, 200 to 209 lost but for 205: 9 of a burst of 10.
    let lost = |number: &u16| *number == 100 || ((200..210).contains(number) && *number != 205);
    let mut reception = received((0..400).filter(|number| !lost(number)));
    let terms = terms(Some(heard(&reception)));
    let blocks = written(&mut Sender::new(99, 8_000), &mut reception, start(), terms);
    let voip = blocks.iter().find_map(|(_, block)| match block {
        XrBlock::Voip(voip) => Some(*voip),
        _ => None,
    });
    let voip = voip.unwrap();
    assert_eq!((voip.ssrc, voip.loss_rate, voip.discard_rate), (7, 6, 0), "10 of 400, in 1/256");
    assert_eq!((voip.burst_density, voip.gap_density), (230, 0), "9 of 10; 1 of 390");
    assert_eq!((voip.burst_ms, voip.gap_ms), (200, 390 * 20 / 2));
    assert_eq!((voip.round_trip_ms, voip.end_system_ms), (0, 20));
    let rating = heard(&reception).rating();
    assert_eq!(f64::from(voip.r_factor), rating.r().round());
    assert_eq!(f64::from(voip.mos[1]), (rating.mos() * 10.0).round());
    assert!(voip.mos[0] >= voip.mos[1], "who only listens does not notice delay");
}

#[test]
fn statistics_tell_of_the_time_since_the_last_ones() {
    let mut reception = received((0..200).filter(|number| *number != 20));
    let first = reception.statistics().unwrap();
    assert_eq!((first.ssrc, first.first, first.end, first.lost, first.jitter), (7, 0, 200, 1, [0; 4]));
    for number in 200..400u16 {
        let wobble = if number % 2 == 0 { 0 } else { 5 };
        let now = start() + MS * (20 * u32::from(number) + wobble);
        reception.packet(now, 7, number, u32::from(number) * 160);
    }
    let second = reception.statistics().unwrap();
    assert_eq!((second.first, second.end, second.lost), (200, 400, 0));
    // Packet 200 comes as even as 199 did; all others 5 ms later or earlier than the one before: 40 ticks.
    // Mean 199 · 40 / 200 = 39.8, deviation the root of 40 · 39.8 - 39.8² = 7.96.
    assert_eq!(second.jitter, [0, 40, 39, 2]);
    let bytes = second.bytes();
    assert_eq!((&bytes[..4], &bytes[8..12]), (&[6, 0xE0, 0, 9][..], &[0, 200, 1, 144][..]));
}

#[test]
fn who_did_not_ask_for_extended_reports_gets_none() {
    let mut reception = received(0..10);
    reception.reference_time(start(), 7, 1);
    let heard = Some(heard(&reception));
    let plain = Terms { extended: Extended::default(), ..terms(heard) };
    assert_eq!(written(&mut Sender::new(99, 8_000), &mut reception, start(), plain), []);
    let one = Extended { voip: true, ..Extended::default() };
    let blocks = written(
        &mut Sender::new(99, 8_000),
        &mut reception,
        start(),
        Terms { extended: one, ..terms(heard) },
    );
    assert!(matches!(blocks[..], [(99, XrBlock::Voip(_))]), "{blocks:?}");
}

#[test]
fn what_cannot_be_is_not_believed() {
    let mut sender = Sender::new(99, 8_000);
    sender.packet(start(), 0, 160);
    report(&mut sender, &mut Reception::new(8_000), start(), false);
    let good = Block {
        ssrc: 99,
        fraction_lost: 10,
        cumulative_lost: 1,
        highest_sequence: 1,
        jitter: 80,
        last_report: compact(ntp(start())),
        delay: 65_536,
    };
    let later = start() + MS * 1_020;
    for (bad, why) in [
        (Block { cumulative_lost: 2, ..good }, "more lost than was sent"),
        (Block { jitter: 80_001, ..good }, "jitter of ten seconds"),
        (Block { ssrc: 98, ..good }, "another source"),
    ] {
        sender.block(later, &bad);
        assert_eq!(sender.told_losses(), None, "{why}");
    }
    for (bad, why) in [
        (Block { last_report: good.last_report + 1, ..good }, "a report that we never sent"),
        (Block { last_report: compact(ntp(later + MS * 9_000)), ..good }, "a report of the future"),
        (Block { delay: 2 * 65_536, ..good }, "held back longer than it is old"),
    ] {
        sender.block(later, &bad);
        assert_eq!(sender.round_trip_us(), None, "{why}");
    }
    sender.block(start() + Duration::from_secs(62), &good);
    assert_eq!(sender.round_trip_us(), None, "over a minute");
    sender.block(later, &good);
    assert!(sender.round_trip_us().unwrap().abs_diff(20_000) < 50);
    let voip = XrBlock::Voip(xr::Voip {
        ssrc: 99,
        loss_rate: 0,
        discard_rate: 128,
        burst_density: 0,
        gap_density: 0,
        burst_ms: 0,
        gap_ms: 0,
        round_trip_ms: 0,
        end_system_ms: 0,
        r_factor: 101,
        mos: [44, 44],
        buffer_ms: [60; 3],
        configuration: 0,
    });
    let XrBlock::Voip(voip) = voip else { unreachable!() };
    sender.voip(&voip);
    assert_eq!(sender.told_delay().buffer_us, None, "R beyond 100");
    sender.voip(&xr::Voip { r_factor: 90, ..voip });
    assert_eq!(sender.told_delay().buffer_us, Some(60_000));
}

#[test]
fn a_report_with_everything_fits() {
    let mut sender = Sender::new(99, 8_000);
    sender.packet(start(), 0, 160);
    let mut reception = received(0..10);
    reception.reference_time(start(), 7, 1);
    let heard = Some(heard(&reception));
    let mut buffer = [0; REPORT_BYTES];
    let cname = "长".repeat(200);
    let all = Terms { cname: &cname, leaving: true, extended: Extended::ALL, heard };
    let length = sender.write(start(), &mut reception, all, &mut buffer);
    let kinds: Vec<_> = Compound::parse(&buffer[..length]).unwrap().parts().collect();
    assert!(matches!(
        kinds[..],
        [Part::SenderReport { .. }, Part::Cname { .. }, Part::Extended { .. }, Part::Bye { .. }]
    ));
    assert!(length + 64 <= REPORT_BYTES, "{length}: room for encryption's trailer");
}

#[test]
fn any_extended_report_is_read_within_its_bounds() {
    bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| {
        let blocks: Vec<_> = xr::XrBlocks::of(bytes).collect();
        // An echo takes twelve bytes, any other block more.
        assert!(blocks.len() <= bytes.len() / 12);
        let (mut sender, mut reception) = (Sender::new(99, 8_000), Reception::new(8_000));
        for block in blocks {
            match block {
                XrBlock::ReferenceTime { ntp } => reception.reference_time(start(), 1, ntp),
                XrBlock::Echo { ssrc, last, delay } => sender.echo(start(), ssrc, last, delay),
                XrBlock::Voip(voip) => sender.voip(&voip),
            }
        }
        assert_eq!(sender.round_trip_us(), None, "nothing was sent that could have come back");
    });
}

#[test]
fn a_leg_keeps_under_a_kilobyte_for_its_quality() {
    let ledger = size_of::<crate::media::histogram::Ledger>();
    let watch = size_of::<crate::media::quality::watch::Watch>();
    let bytes = size_of::<Reception>() + size_of::<Sender>() + ledger + watch;
    assert!(bytes < 1_024, "{bytes} bytes");
}
