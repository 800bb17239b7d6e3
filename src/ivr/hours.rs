//! Opening hours: weekly, with holidays and moved working days, in the bank's time zone.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use super::flow::NodeId;
use super::scope::{By, Scope};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Key, Node, Value};
use crate::diagnostic::{Span, suggest};
use crate::moment::Moment;

/// Longest span of holidays, days: a year.
const MAX_SPAN_DAYS: i32 = 366;
/// Weekday names as written, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A stretch of a day, in minutes from midnight, the end not included.
type Range = (u16, u16);

#[derive(Clone, Debug)]
pub(super) struct Hours {
    zone: TimeZone,
    /// Monday first.
    weekly: [Vec<Range>; 7],
    /// Days that differ from their weekday; an empty list is a holiday.
    days: BTreeMap<Date, Vec<Range>>,
}

impl Hours {
    /// Where the clock hangs that they are told by.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether the bank is open. Far outside the calendar (year 9999): closed.
    pub fn open_at(&self, now: Moment) -> bool {
        let micros = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        let Ok(instant) = Timestamp::from_microsecond(micros) else { return false };
        let local = self.zone.to_datetime(instant);
        let weekday = local.date().weekday().to_monday_zero_offset() as usize;
        let minute = local.hour() as u16 * 60 + local.minute() as u16;
        let ranges = self.days.get(&local.date()).unwrap_or(&self.weekly[weekday]);
        ranges.iter().any(|(from, to)| (*from..*to).contains(&minute))
    }
}

/// The fields of an `hours` node: the calendar, where to when open, where to when closed.
pub(super) fn read(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<(Hours, NodeId, NodeId)> {
    let zone = fields.need("zone").and_then(|node| zone(node, scope));
    let weekly = fields.need("weekly").and_then(|node| weekly(node, scope));
    let mut days = BTreeMap::new();
    if let Some(node) = fields.take("holidays") {
        holidays(node, &mut days, scope);
    }
    if let Some(node) = fields.take("working_days") {
        working_days(node, &mut days, scope);
    }
    let open = fields.need("open").and_then(|node| scope.target(node, By::Itself, "`open`"));
    let closed = fields.need("closed").and_then(|node| scope.target(node, By::Itself, "`closed`"));
    let days = days.into_iter().map(|(date, (_, ranges))| (date, ranges)).collect();
    Some((Hours { zone: zone?, weekly: weekly?, days }, open?, closed?))
}

fn zone(node: &Node, scope: &mut Scope<'_>) -> Option<TimeZone> {
    const USUAL: [&str; 8] = [
        "Asia/Shanghai",
        "Asia/Urumqi",
        "Asia/Hong_Kong",
        "Asia/Singapore",
        "Asia/Tokyo",
        "Europe/London",
        "America/New_York",
        "UTC",
    ];
    let name = scope.out.text(node, "a time zone such as Asia/Shanghai")?;
    match TimeZone::get(name) {
        Ok(zone) => Some(zone),
        Err(_) => {
            let guess = suggest::nearest(name, USUAL);
            let added = scope.out.error("flow-017", node.span, format!("there is no time zone `{name}`"));
            match guess {
                Some(guess) => added.label(format!("did you mean `{guess}`?")),
                None => added.help("time zones are written like `Asia/Shanghai`"),
            };
            None
        }
    }
}

fn weekly(node: &Node, scope: &mut Scope<'_>) -> Option<[Vec<Range>; 7]> {
    let entries = scope.out.entries(node, "days with their hours, such as `mon-fri: 08:00-21:00`")?;
    let mut week: [Vec<Range>; 7] = Default::default();
    let mut given: [Option<Span>; 7] = [None; 7];
    for (key, node) in entries {
        let ranges = ranges(node, scope);
        let Some((first, last)) = weekdays(key, scope) else { continue };
        for day in first..=last {
            if let Some(earlier) = given[day].replace(key.span) {
                let message = format!("the hours of `{}` are given twice", DAYS[day]);
                scope.out.error("flow-018", key.span, message).see(earlier, "here already");
                break;
            }
            week[day].clone_from(&ranges);
        }
    }
    Some(week)
}

/// `mon` or `mon-fri`, as places in the week.
fn weekdays(key: &Key, scope: &mut Scope<'_>) -> Option<(usize, usize)> {
    let (first, last) = key.text.split_once('-').unwrap_or((&key.text, &key.text));
    let place = |name: &str| DAYS.iter().position(|day| *day == name);
    let found = place(first).zip(place(last)).filter(|(first, last)| first <= last);
    if found.is_none() {
        scope
            .out
            .error("flow-018", key.span, format!("`{}` is not a day of the week", key.text))
            .label("expected mon, tue, wed, thu, fri, sat, sun, or a span such as mon-fri");
    }
    found
}

fn ranges(node: &Node, scope: &mut Scope<'_>) -> Vec<Range> {
    if matches!(&node.value, Value::Scalar(scalar) if scalar.text == "closed") {
        return Vec::new();
    }
    let mut all: Vec<Range> = Vec::new();
    for item in scope.out.items(node, "hours such as 08:00-21:00, or `closed`").unwrap_or(&[]) {
        let Some(text) = scope.out.text(item, "hours such as 08:00-21:00") else { continue };
        let Some((from, to)) = text.split_once('-').and_then(|(a, b)| minute(a).zip(minute(b))) else {
            scope
                .out
                .error("flow-018", item.span, format!("`{text}` is not a range of hours"))
                .label("expected hours such as 08:00-21:00");
            continue;
        };
        if from >= to {
            let added = scope.out.error("flow-018", item.span, format!("`{text}` ends before it starts"));
            added.help("hours past midnight are two ranges: until 24:00, and from 00:00 on the next day");
            continue;
        }
        if all.iter().any(|(other_from, other_to)| from < *other_to && *other_from < to) {
            scope.out.error("flow-018", item.span, format!("`{text}` overlaps the hours before it"));
            continue;
        }
        all.push((from, to));
    }
    all
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    if minute.len() != 2 || hour.is_empty() || hour.len() > 2 {
        return None;
    }
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u16>().ok())?;
    let (hour, minute) = (number(hour)?, number(minute)?);
    (minute < 60 && (hour < 24 || (hour == 24 && minute == 0))).then_some(hour * 60 + minute)
}

type Days = BTreeMap<Date, (Span, Vec<Range>)>;

fn holidays(node: &Node, days: &mut Days, scope: &mut Scope<'_>) {
    for item in scope.out.items(node, "a list of dates such as 2026-10-01").unwrap_or(&[]) {
        let Some(text) = scope.out.text(item, "a date such as 2026-10-01") else { continue };
        let Some((first, last)) = dates(text, item.span, scope) else { continue };
        let mut day = first;
        for _ in 0..=MAX_SPAN_DAYS {
            days.insert(day, (item.span, Vec::new()));
            match day.tomorrow() {
                Ok(next) if next <= last => day = next,
                _ => break,
            }
        }
    }
}

fn working_days(node: &Node, days: &mut Days, scope: &mut Scope<'_>) {
    let entries = scope.out.entries(node, "dates with their hours, such as `2026-10-10: 09:00-17:00`");
    for (key, node) in entries.unwrap_or(&[]) {
        let ranges = ranges(node, scope);
        let Some((day, last)) = dates(&key.text, key.span, scope) else { continue };
        if day != last {
            scope.out.error("flow-025", key.span, "working days are given one by one");
        } else if let Some((earlier, _)) = days.get(&day) {
            let message = format!("{day} is both a holiday and a working day");
            scope.out.error("flow-025", key.span, message).see(*earlier, "a holiday here");
        } else {
            days.insert(day, (key.span, ranges));
        }
    }
}

/// `2026-10-01` or `2026-10-01..2026-10-07`.
fn dates(text: &str, span: Span, scope: &mut Scope<'_>) -> Option<(Date, Date)> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let date = |text: &str| (text.len() == 10).then(|| text.parse::<Date>().ok())?;
    let found = date(first).zip(date(last));
    let Some((first, last)) = found else {
        scope
            .out
            .error("flow-025", span, format!("`{text}` is not a date"))
            .label("expected a date such as 2026-10-01, or 2026-10-01..2026-10-07");
        return None;
    };
    let length = first.until(last).map_or(i32::MAX, |span| span.get_days());
    if !(0..=MAX_SPAN_DAYS).contains(&length) {
        scope.out.error("flow-025", span, "the span of days must run forwards, a year at most");
        return None;
    }
    Some((first, last))
}
