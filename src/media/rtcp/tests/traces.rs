//! Packet traces whose figures are worked out by hand.

use super::*;

/// A packet of a trace: when it comes (ms), its number, its timestamp.
type Arrival = (u64, u16, u32);

fn heard(clock_rate: u32, mut trace: Vec<Arrival>) -> Reception {
    trace.sort_by_key(|(at, ..)| *at);
    let mut reception = Reception::new(clock_rate);
    for (at, sequence, timestamp) in trace {
        reception.packet(start() + Duration::from_millis(at), 7, sequence, timestamp);
    }
    reception
}

/// Packet `number` of G.711, `late` ms after its time.
fn voice(number: u64, late: u64) -> Arrival {
    (number * 20 + late, number as u16, number as u32 * 160)
}

#[test]
fn packets_a_tenth_of_a_second_behind_the_fastest_are_late_and_not_lost() {
    let trace = (0..500).map(|number| voice(number, if (200..205).contains(&number) { 101 } else { 1 }));
    let figures = figures(&heard(8_000, trace.collect()));
    assert_eq!((figures.packets_received, figures.packets_lost, figures.packets_late), (500, 0, 0), "100 ms");
    let trace = (0..500).map(|number| voice(number, if (200..205).contains(&number) { 102 } else { 1 }));
    let figures = self::figures(&heard(8_000, trace.collect()));
    assert_eq!((figures.packets_received, figures.packets_lost, figures.packets_late), (500, 0, 5), "101 ms");
    assert_eq!((figures.bursts, figures.burst_packets, figures.burst_missing), (1, 5, 5));
}

#[test]
fn bursts_losses_and_repeats_of_a_trace_are_told_apart() {
    // Lost: 100 by itself; 200, 201 and 210 in one burst of 11. Repeated: 300.
    let lost = [100, 200, 201, 210];
    let mut trace: Vec<_> = (0..400).filter(|number| !lost.contains(number)).map(|n| voice(n, 0)).collect();
    trace.push(voice(300, 5));
    let reception = heard(8_000, trace);
    let figures = figures(&reception);
    assert_eq!((figures.packets_received, figures.packets_lost, figures.packets_repeated), (397, 4, 1));
    assert_eq!((figures.bursts, figures.burst_packets, figures.burst_missing), (1, 11, 3));
    let losses = reception.losses();
    assert_eq!((losses.expected, losses.missing, losses.runs), (400, 4, 3));
}

#[test]
fn losses_across_the_wrap_of_sequence_numbers_are_counted() {
    let trace = (65_000..66_000u64).filter(|number| number % 100 != 50).map(|number| voice(number, 0));
    let figures = figures(&heard(8_000, trace.collect()));
    assert_eq!((figures.packets_received, figures.packets_lost, figures.jitter_us), (990, 10, 0));
}

#[test]
fn a_hold_is_neither_jitter_nor_lateness_whether_the_phones_clock_stands_or_runs() {
    for clock_runs in [true, false] {
        let after = |number: u64| {
            let (at, sequence, timestamp) = voice(number, 10_000);
            (at, sequence, if clock_runs { timestamp + 80_000 } else { timestamp })
        };
        let trace = (0..100).map(|n| voice(n, 0)).chain((100..200).map(after)).collect();
        let figures = figures(&heard(8_000, trace));
        assert_eq!((figures.packets_lost, figures.packets_late), (0, 0), "clock runs: {clock_runs}");
        assert_eq!((figures.jitter_us, figures.jitter_max_us), (0, 0), "clock runs: {clock_runs}");
    }
}

#[test]
fn a_source_that_restarts_keeps_what_was_counted_and_hides_nothing() {
    let mut reception = heard(8_000, (0..100).filter(|n| *n != 50).map(|n| voice(n, 0)).collect());
    for number in 0..100u64 {
        // Another SSRC, other numbers, another clock; one lost again.
        if number != 70 {
            let now = start() + Duration::from_millis(2_000 + number * 20);
            reception.packet(now, 8, 9_000 + number as u16, 77_777 + number as u32 * 160);
        }
    }
    let figures = figures(&reception);
    assert_eq!((figures.packets_received, figures.packets_lost, figures.packets_late), (198, 2, 0));
    assert_eq!(reception.block(start()).unwrap().cumulative_lost, 1, "of the present source");
    assert_eq!(reception.losses().runs, 2);
}

#[test]
fn clocks_that_part_slowly_make_no_packet_late() {
    // 100 ppm for half an hour part by 180 ms, in steps of a microsecond here.
    let mut reception = Reception::new(48_000);
    for number in 0..90_000u64 {
        let now = start() + Duration::from_micros(number * 20_002);
        reception.packet(now, 7, number as u16, (number * 960) as u32);
    }
    let figures = figures(&reception);
    assert_eq!((figures.packets_late, figures.packets_lost), (0, 0));
    assert!(figures.jitter_us < 50, "{} µs", figures.jitter_us);
}

#[test]
fn a_codec_of_another_clock_begins_anew_and_keeps_the_totals() {
    let mut reception = heard(8_000, (0..50).map(|n| voice(n, 0)).collect());
    reception.set_clock(48_000);
    for number in 50..100u64 {
        let now = start() + Duration::from_millis(number * 20);
        reception.packet(now, 7, number as u16, number as u32 * 960);
    }
    let figures = figures(&reception);
    assert_eq!((figures.packets_received, figures.packets_lost, figures.jitter_us), (100, 0, 0));
}

#[test]
fn losses_of_an_interval_are_each_told_once() {
    let mut reception = Reception::new(8_000);
    let mut told = (0, 0);
    for number in 0..1_000u64 {
        if number % 10 != 3 {
            let (at, sequence, timestamp) = voice(number, 0);
            reception.packet(start() + Duration::from_millis(at), 7, sequence, timestamp);
        }
        if number % 100 == 99 {
            let losses = reception.take_losses();
            told = (told.0 + losses.expected, told.1 + losses.missing);
        }
    }
    // The last 64 may still come.
    assert_eq!(told, (1_000 - 64, 94));
}
