mod extended;
mod traces;

use std::time::Duration;

use super::xr::{Extended, XrBlock};
use super::*;
use crate::media::event::Figures;

const MS: Duration = Duration::from_millis(1);

fn start() -> Moment {
    Moment::from_micros(1_795_000_000_000_000)
}

fn report(sender: &mut Sender, reception: &mut Reception, now: Moment, leaving: bool) -> Vec<u8> {
    let terms = Terms { cname: "leg@bank", leaving, extended: Extended::default(), heard: None };
    let mut buffer = [0; REPORT_BYTES];
    let length = sender.write(now, reception, terms, &mut buffer);
    buffer[..length].to_vec()
}

fn figures(reception: &Reception) -> Figures {
    let mut figures = Figures::default();
    reception.figures(&mut figures);
    figures
}

/// Packets 20 ms apart with these sequence numbers, perfectly timed.
fn received(sequences: impl IntoIterator<Item = u16>) -> Reception {
    let mut reception = Reception::new(8_000);
    for sequence in sequences {
        let now = start() + MS * 20 * u32::from(sequence);
        reception.packet(now, 7, sequence, u32::from(sequence) * 160);
    }
    reception
}

#[test]
fn a_written_report_reads_back() {
    let mut reception = received([1, 2, 4]);
    reception.sender_report(start(), 7, ntp(start()));
    let mut sender = Sender::new(99, 8_000);
    sender.packet(start(), 1_000, 160);
    let bytes = report(&mut sender, &mut reception, start() + MS * 500, true);
    let parts: Vec<_> = Compound::parse(&bytes).unwrap().parts().collect();
    let [
        Part::SenderReport { ssrc: 99, ntp: time, rtp_time, packets: 1, octets: 160, mut blocks },
        Part::Cname { cname, .. },
        Part::Bye { sources },
    ] = parts[..]
    else {
        panic!("{parts:?}")
    };
    assert_eq!((time, rtp_time), (ntp(start() + MS * 500), 5_000), "half a second later by the RTP clock");
    let block = blocks.next().unwrap();
    assert_eq!(
        (block.ssrc, block.fraction_lost, block.cumulative_lost, block.highest_sequence),
        (7, 64, 1, 4)
    );
    assert_eq!((block.last_report, block.delay), (compact(ntp(start())), 32_768));
    assert!(blocks.next().is_none());
    assert_eq!((cname, sources), (&b"leg@bank"[..], &99u32.to_be_bytes()[..]));
}

#[test]
fn who_has_sent_nothing_lately_only_reports_on_what_came() {
    let (mut sender, mut reception) = (Sender::new(99, 8_000), Reception::new(8_000));
    let kind = |bytes: &[u8]| bytes[1];
    assert_eq!(kind(&report(&mut sender, &mut reception, start(), false)), RR);
    sender.packet(start(), 0, 160);
    assert_eq!(kind(&report(&mut sender, &mut reception, start(), false)), SR);
    assert_eq!(kind(&report(&mut sender, &mut reception, start(), false)), SR);
    assert_eq!(kind(&report(&mut sender, &mut reception, start(), false)), RR);
}

#[test]
fn the_longest_report_fits() {
    let mut sender = Sender::new(99, 8_000);
    sender.packet(start(), 0, 160);
    let mut buffer = [0; REPORT_BYTES];
    let cname = "长".repeat(200);
    let terms = Terms { cname: &cname, leaving: true, extended: Extended::default(), heard: None };
    let length = sender.write(start(), &mut received([1]), terms, &mut buffer);
    assert!(Compound::parse(&buffer[..length]).is_ok());
}

#[test]
fn loss_is_what_was_expected_and_did_not_come() {
    let mut reception = received((0..100).filter(|sequence| sequence % 10 != 5));
    assert_eq!((figures(&reception).packets_received, figures(&reception).packets_lost), (90, 10));
    assert_eq!(reception.block(start()).unwrap().fraction_lost, 25);
    assert_eq!(reception.block(start()).unwrap().fraction_lost, 0, "nothing expected since");
}

#[test]
fn late_packets_are_not_lost_and_duplicates_do_not_make_loss_negative() {
    let reception = received([0, 2, 1, 3, 3, 3]);
    assert_eq!((figures(&reception).packets_received, figures(&reception).packets_lost), (6, 0));
    let mut reception = received([0, 1, 1, 1]);
    assert_eq!(reception.block(start()).unwrap().cumulative_lost, -2);
}

#[test]
fn sequence_numbers_wrap_and_restart() {
    let mut reception = Reception::new(8_000);
    for sequence in 65_530..65_546u32 {
        reception.packet(start(), 7, sequence as u16, 0);
    }
    assert_eq!(reception.block(start()).unwrap().highest_sequence, 0x1_0000 + 9);
    reception.packet(start(), 7, 30_000, 0);
    assert_eq!(figures(&reception).packets_received, 16, "one stray says nothing");
    reception.packet(start(), 7, 30_001, 0);
    reception.packet(start(), 8, 500, 0);
    let figures = figures(&reception);
    assert_eq!((figures.packets_received, figures.packets_lost), (18, 0));
}

#[test]
fn even_spacing_has_no_jitter_and_uneven_spacing_has() {
    assert_eq!(figures(&received(0..200)).jitter_us, 0);
    let mut reception = Reception::new(8_000);
    for sequence in 0..500u16 {
        let wobble = if sequence % 2 == 0 { 0 } else { 10 };
        let now = start() + MS * (20 * u32::from(sequence) + wobble);
        reception.packet(now, 7, sequence, u32::from(sequence) * 160);
    }
    let jitter = figures(&reception).jitter_us;
    assert!((9_000..=10_000).contains(&jitter), "{jitter} µs of 10 ms");
}

#[test]
fn telephone_events_do_not_count_as_jitter() {
    let mut reception = received(0..10);
    for sequence in 10..30 {
        reception.untimed_packet(start() + MS * 20 * u32::from(sequence), 7, sequence);
    }
    assert_eq!((figures(&reception).jitter_us, figures(&reception).packets_lost), (0, 0));
}

#[test]
fn the_round_trip_is_what_the_peer_did_not_hold_back() {
    let mut sender = Sender::new(99, 8_000);
    (0..3).for_each(|_| sender.packet(start(), 0, 160));
    report(&mut sender, &mut Reception::new(8_000), start(), false);
    let block = Block {
        ssrc: 99,
        fraction_lost: 12,
        cumulative_lost: 1,
        highest_sequence: 1,
        jitter: 0,
        last_report: compact(ntp(start())),
        delay: 65_536,
    };
    sender.block(start() + MS * 1_080, &block);
    sender.block(start(), &Block { ssrc: 1, fraction_lost: 200, ..block });
    let mut figures = Figures::default();
    sender.figures(&mut figures);
    assert_eq!(figures.peer_loss_fraction, 12);
    assert!(figures.round_trip_us.unwrap().abs_diff(80_000) < 50);
}

#[test]
fn ntp_counts_from_1900() {
    assert_eq!(ntp(Moment::ZERO), 2_208_988_800 << 32);
    assert_eq!(ntp(Moment::from_micros(500_000)) as u32, 1 << 31);
}

#[test]
fn what_rfc_3550_a_2_rules_out_is_refused() {
    let mut good = report(&mut Sender::new(1, 8_000), &mut Reception::new(8_000), start(), false);
    assert!(Compound::parse(&good).is_ok());
    assert_eq!(Compound::parse(&good[..good.len() - 1]).unwrap_err(), Malformed::Truncated);
    assert_eq!(Compound::parse(&good[8..]).unwrap_err(), Malformed::First, "begins with SDES");
    assert_eq!(Compound::parse(&[]).unwrap_err(), Malformed::Truncated);
    good[0] = 0x80 | 3;
    assert_eq!(Compound::parse(&good).unwrap_err(), Malformed::Truncated, "three blocks announced");
    good[0] = 0x80 | 0x20;
    assert_eq!(Compound::parse(&good).unwrap_err(), Malformed::Padding, "not the last packet");
    good[0] = 0x40;
    assert_eq!(Compound::parse(&good).unwrap_err(), Malformed::Version);
}

#[test]
fn any_bytes_are_read_without_panic() {
    bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| {
        // Most random bytes fail at once; with a plausible head more of them get further.
        let headed = [&[0x81, RR, 0, 7], bytes].concat();
        for datagram in [bytes, &headed] {
            let Ok(compound) = Compound::parse(datagram) else { continue };
            for part in compound.parts() {
                if let Part::Extended { blocks, .. } = part {
                    assert!(blocks.count() <= datagram.len() / 12);
                }
                if let Part::SenderReport { blocks, .. } | Part::ReceiverReport { blocks, .. } = part {
                    assert!(blocks.count() < 32);
                }
            }
        }
    });
}
