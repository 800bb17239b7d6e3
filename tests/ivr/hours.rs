//! Opening hours where clocks are changed, days are moved and halved, and nights belong to two days.

use hotline::ivr::run::{Caller, Run};
use hotline::moment::Moment;

use super::bank;
use super::faults::{self, Fault};

/// Whether a flow with these hours is open at a time, told in UTC.
fn is_open(zone: &str, calendar: &str, time: &str) -> bool {
    let text = format!(
        "
flow: test
languages: [en]
start: opening
nodes:
  opening:
    hours:
      zone: {zone}
      {calendar}
      open: agent
      closed: bye
  agent: {{ queue: {{ to: general, on_timeout: bye, on_full: bye }} }}
  bye: {{ hangup: }}
"
    );
    let instant: jiff::Timestamp = time.parse().expect("a time");
    let now = Moment::from_micros(instant.as_microsecond() as u64);
    let caller = Caller { number: String::new(), dialled: String::new(), language: "en".into() };
    let (run, _) = Run::start(now, bank::flow(&text), caller, 7);
    run.node() == "agent"
}

/// At each of these times they are open or not.
pub fn holds(zone: &str, calendar: &str, rows: &[(&str, bool, &str)]) {
    for (time, open, why) in rows {
        assert_eq!(is_open(zone, calendar, time), *open, "{zone} {calendar} at {time}: {why}");
    }
}

#[test]
fn the_hour_that_is_left_out_in_spring_never_comes() {
    // 29 March 2026, a Sunday: in Berlin 02:00 is 03:00.
    let early = "weekly: { sun: 02:00-03:00 }";
    holds(
        "Europe/Berlin",
        early,
        &[
            ("2026-03-22T01:30:00Z", true, "02:30 on the Sunday before"),
            ("2026-03-29T00:59:59Z", false, "01:59:59"),
            ("2026-03-29T01:00:00Z", false, "03:00: there was no 02:30"),
            ("2026-03-29T00:30:00Z", false, "01:30"),
            ("2026-04-05T00:30:00Z", true, "02:30 summer time"),
        ],
    );
    let through = "weekly: { sun: 01:00-04:00 }";
    holds(
        "Europe/Berlin",
        through,
        &[
            ("2026-03-29T00:00:00Z", true, "01:00 winter time"),
            ("2026-03-29T01:00:00Z", true, "03:00 summer time"),
            ("2026-03-29T01:59:59Z", true, "03:59:59"),
            ("2026-03-29T02:00:00Z", false, "04:00, two hours after it began"),
        ],
    );
}

#[test]
fn the_hour_that_comes_twice_in_autumn_is_open_twice() {
    // 25 October 2026, a Sunday: in Berlin 03:00 is 02:00 again.
    holds(
        "Europe/Berlin",
        "weekly: { sun: 02:00-03:00 }",
        &[
            ("2026-10-24T23:59:59Z", false, "01:59:59"),
            ("2026-10-25T00:00:00Z", true, "02:00 summer time"),
            ("2026-10-25T00:59:59Z", true, "02:59:59 summer time"),
            ("2026-10-25T01:00:00Z", true, "02:00 again"),
            ("2026-10-25T01:59:59Z", true, "02:59:59 for the second time"),
            ("2026-10-25T02:00:00Z", false, "03:00"),
        ],
    );
    // 1 November 2026 in New York: the hour from one to two.
    holds(
        "America/New_York",
        "weekly: { sun: [00:00-01:00, 02:00-24:00] }",
        &[
            ("2026-11-01T04:00:00Z", true, "midnight"),
            ("2026-11-01T05:30:00Z", false, "01:30"),
            ("2026-11-01T06:30:00Z", false, "01:30 again"),
            ("2026-11-01T07:00:00Z", true, "02:00"),
        ],
    );
}

#[test]
fn an_office_opens_by_the_clock_on_the_wall_and_not_by_the_sun() {
    let office = "weekly: { mon-sun: 09:00-17:00 }";
    holds(
        "Europe/Berlin",
        office,
        &[
            ("2026-03-28T08:00:00Z", true, "nine in winter"),
            ("2026-03-30T07:00:00Z", true, "nine in summer"),
            ("2026-03-30T06:59:59Z", false, "not yet"),
            ("2026-03-30T15:00:00Z", false, "five in summer"),
            ("2026-10-26T08:00:00Z", true, "nine in winter again"),
            ("2026-10-26T07:59:59Z", false, "not yet"),
        ],
    );
    // Clocks are changed at midnight there: 8 September 2024 began at one o'clock.
    holds(
        "America/Santiago",
        "weekly: { sun: 00:00-02:00 }",
        &[
            ("2024-09-08T03:59:59Z", false, "Saturday, 23:59:59"),
            ("2024-09-08T04:00:00Z", true, "Sunday, 01:00"),
            ("2024-09-08T04:59:59Z", true, "01:59:59"),
            ("2024-09-08T05:00:00Z", false, "02:00"),
        ],
    );
    // A zone that has no summer time, and half an hour's difference to all others.
    holds(
        "Asia/Kolkata",
        office,
        &[("2026-07-01T03:29:59Z", false, "08:59:59"), ("2026-07-01T03:30:00Z", true, "09:00")],
    );
}

#[test]
fn a_night_shift_is_two_stretches_and_has_no_seam_at_midnight() {
    let night = "weekly: { mon-sun: [00:00-06:00, 22:00-24:00] }";
    holds(
        "Asia/Shanghai",
        night,
        &[
            ("2026-11-20T13:59:59Z", false, "21:59:59"),
            ("2026-11-20T14:00:00Z", true, "22:00"),
            ("2026-11-20T15:59:59Z", true, "23:59:59"),
            ("2026-11-20T16:00:00Z", true, "midnight"),
            ("2026-11-20T21:59:59Z", true, "05:59:59"),
            ("2026-11-20T22:00:00Z", false, "06:00"),
        ],
    );
    // A holiday ends the evening's part at midnight, and begins the morning's.
    let holiday = "weekly: { mon-sun: [00:00-06:00, 22:00-24:00] }\n      holidays: [2026-11-21]";
    holds(
        "Asia/Shanghai",
        holiday,
        &[
            ("2026-11-20T15:59:59Z", true, "the evening before"),
            ("2026-11-20T16:00:00Z", false, "the holiday begins"),
            ("2026-11-21T15:59:59Z", false, "its last second"),
            ("2026-11-21T16:00:00Z", true, "the night after it"),
        ],
    );
}

#[test]
fn a_half_day_closes_at_noon_and_a_moved_working_day_is_worked() {
    // 24 December until noon, the 25th not at all; Saturday the 26th is worked for it.
    let calendar = "weekly: { mon-fri: 08:00-21:00 }\n      holidays: [2026-12-25]\n      \
                    working_days: { 2026-12-24: 08:00-12:00, 2026-12-26: [09:00-12:00, 13:00-17:00] }";
    holds(
        "Asia/Shanghai",
        calendar,
        &[
            ("2026-12-23T12:59:59Z", true, "the 23rd, 20:59:59"),
            ("2026-12-24T00:00:00Z", true, "the 24th, 08:00"),
            ("2026-12-24T03:59:59Z", true, "11:59:59"),
            ("2026-12-24T04:00:00Z", false, "noon"),
            ("2026-12-24T08:00:00Z", false, "the afternoon"),
            ("2026-12-25T02:00:00Z", false, "the 25th"),
            ("2026-12-26T00:59:59Z", false, "Saturday, 08:59:59"),
            ("2026-12-26T01:00:00Z", true, "Saturday, 09:00"),
            ("2026-12-26T04:30:00Z", false, "at lunch"),
            ("2026-12-26T08:59:59Z", true, "16:59:59"),
            ("2026-12-26T09:00:00Z", false, "17:00"),
            ("2026-12-27T02:00:00Z", false, "Sunday"),
        ],
    );
    // On the other side of the earth the 24th is another time.
    assert!(is_open("America/New_York", calendar, "2026-12-24T16:59:59Z"));
    assert!(!is_open("America/New_York", calendar, "2026-12-24T17:00:00Z"));
}

#[test]
fn a_day_that_comes_every_four_years_is_a_day_like_others() {
    let february = "weekly: { mon-sun: 08:00-21:00 }\n      holidays: [2028-02-28..2028-03-01]";
    holds(
        "Asia/Shanghai",
        february,
        &[
            ("2028-02-27T02:00:00Z", true, "the day before"),
            ("2028-02-29T02:00:00Z", false, "29 February is within"),
            ("2028-03-01T02:00:00Z", false, "the last of them"),
            ("2028-03-02T02:00:00Z", true, "the day after"),
        ],
    );
    let moved = "weekly: { mon-fri: 08:00-21:00 }\n      working_days: { 2032-02-29: 10:00-12:00 }";
    holds(
        "Asia/Shanghai",
        moved,
        &[
            ("2032-02-29T02:00:00Z", true, "a Sunday that is worked"),
            ("2032-02-29T04:00:00Z", false, "until noon"),
        ],
    );
}

const FAULTS: &[Fault] = &[
    ("22:00-24:00", "«22:00-06:00", "flow-018"),
    ("22:00-24:00", "«22:00-22:00", "flow-018"),
    ("22:00-24:00", "«22:00-24:01", "flow-018"),
    ("22:00-24:00", "«05:59-24:00", "flow-018"),
    ("2026-12-25]", "«2027-02-29]", "flow-025"),
    ("2026-12-25]", "2026-12-25, «2026-12-31..2026-12-30]", "flow-025"),
    ("2026-12-25]", "2026-12-25, «2026-01-01..2027-01-03]", "flow-025"),
    ("2026-12-24: ", "«2026-12-25: ", "flow-025"),
    ("2026-12-24: ", "«2026-12-24..2026-12-26: ", "flow-025"),
    ("2026-12-24: 08:00-12:00", "2026-12-24: «until 12:00", "flow-018"),
    ("Europe/Berlin", "«Europe/Brelin", "flow-017"),
    ("mon-sun: ", "«sun-mon: ", "flow-018"),
];

#[test]
fn what_is_no_calendar_is_refused_where_it_stands() {
    const GOOD: &str = "
flow: test
languages: [en]
start: opening
nodes:
  opening:
    hours:
      zone: Europe/Berlin
      weekly: { mon-sun: [00:00-06:00, 22:00-24:00] }
      holidays: [2026-12-25]
      working_days: { 2026-12-24: 08:00-12:00 }
      open: agent
      closed: bye
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: }
";
    faults::are_none(GOOD, &[], &[]);
    faults::are_found(GOOD, FAULTS, &[]);
}
