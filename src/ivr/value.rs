//! Kinds of values: how each is written, and how values of one kind are ordered.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use jiff::civil::{Date, Time};

use super::run::Held;
use crate::diagnostic::fields::{parse_duration, write_duration};

/// What a variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    /// Yuan, exact to the fen.
    Money,
    Date,
    /// Of day, to the minute.
    Time,
    Duration,
    /// What a caller typed that nobody may see. It is collected, and sent to hosts that may have it.
    Secret,
}

impl Kind {
    pub(super) const ALL: [Kind; 7] =
        [Kind::Text, Kind::Number, Kind::Money, Kind::Date, Kind::Time, Kind::Duration, Kind::Secret];

    /// As it stands under `vars`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "number",
            Kind::Money => "money",
            Kind::Date => "date",
            Kind::Time => "time",
            Kind::Duration => "duration",
            Kind::Secret => "secret",
        }
    }

    /// How a value is written; completes "expected ...".
    pub(super) fn example(self) -> &'static str {
        match self {
            Kind::Text => "a text",
            Kind::Number => "a whole number",
            Kind::Money => "yuan with at most two decimals, such as 12345.67",
            Kind::Date => "a date such as 2026-10-01",
            Kind::Time => "a time of day such as 08:30",
            Kind::Duration => "a duration such as 1h30m, 90s",
            Kind::Secret => "what the caller types",
        }
    }

    /// The kind that a value looks like when written without quotes; `None`: like none.
    pub(super) fn of_literal(text: &str) -> Option<Kind> {
        // A whole number is also an amount: the number comes first.
        let bare = [Kind::Number, Kind::Money, Kind::Date, Kind::Time, Kind::Duration];
        bare.into_iter().find(|kind| kind.read(text).is_some())
    }

    /// A value of this kind from text, the text of a flow or of another system alike. `None`: it is not one.
    /// A secret is only ever typed by the caller.
    pub(super) fn read(self, text: &str) -> Option<Held> {
        match self {
            Kind::Text => Some(Held::Text(text.to_owned())),
            Kind::Number => text.parse().ok().map(Held::Number),
            Kind::Money | Kind::Date | Kind::Time | Kind::Duration => self.quantity(text).map(Held::Quantity),
            Kind::Secret => None,
        }
    }

    /// As `read`, for the kinds that are quantities; `None` for all others.
    pub(super) fn quantity(self, text: &str) -> Option<Quantity> {
        match self {
            Kind::Money => Money::read(text).map(Quantity::Money),
            Kind::Date => date(text).map(Quantity::Date),
            Kind::Time => time(text).map(Quantity::Time),
            Kind::Duration => parse_duration(text).map(Quantity::Duration),
            Kind::Text | Kind::Number | Kind::Secret => None,
        }
    }

    /// Whether values of this kind come before and after one another.
    pub(super) fn is_ordered(self) -> bool {
        !matches!(self, Kind::Text | Kind::Secret)
    }
}

/// With its article, as messages name it.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Money => f.write_str("an amount of money"),
            other => write!(f, "a {}", other.name()),
        }
    }
}

/// A value that is more than a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    Money(Money),
    Date(Date),
    Time(Time),
    Duration(Duration),
}

impl Quantity {
    /// `None` if they are of different kinds.
    pub fn order(self, other: Quantity) -> Option<Ordering> {
        match (self, other) {
            (Quantity::Money(one), Quantity::Money(other)) => Some(one.cmp(&other)),
            (Quantity::Date(one), Quantity::Date(other)) => Some(one.cmp(&other)),
            (Quantity::Time(one), Quantity::Time(other)) => Some(one.cmp(&other)),
            (Quantity::Duration(one), Quantity::Duration(other)) => Some(one.cmp(&other)),
            _ => None,
        }
    }
}

/// As it is read: to other systems it is written in the same way.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quantity::Money(Money { fen }) => {
                let (sign, size) = (if *fen < 0 { "-" } else { "" }, fen.unsigned_abs());
                write!(f, "{sign}{}.{:02}", size / 100, size % 100)
            }
            Quantity::Date(date) => write!(f, "{date}"),
            Quantity::Time(time) => write!(f, "{:02}:{:02}", time.hour(), time.minute()),
            Quantity::Duration(duration) => f.write_str(&write_duration(*duration)),
        }
    }
}

/// An amount of yuan in hundredths, the fen: exact, because a customer compares it with a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Money {
    pub fen: i64,
}

impl Money {
    /// `12345.67`, `-5`, `0.3`: at most two decimals, neither separators nor a plus.
    fn read(text: &str) -> Option<Money> {
        let (negative, size) = text.strip_prefix('-').map_or((false, text), |size| (true, size));
        let (yuan, decimals) = size.split_once('.').unwrap_or((size, "00"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(yuan) || !digits(decimals) || decimals.len() > 2 {
            return None;
        }
        let hundredths: i64 = format!("{decimals:0<2}").parse().ok()?;
        let fen = yuan.parse::<i64>().ok()?.checked_mul(100)?.checked_add(hundredths)?;
        Some(Money { fen: if negative { -fen } else { fen } })
    }

    /// What a caller types: whole yuan, as telephones have no decimal point.
    pub fn of_keys(yuan: i64) -> Money {
        Money { fen: yuan.saturating_mul(100) }
    }
}

/// `2026-10-01`, and no other way to write it.
fn date(text: &str) -> Option<Date> {
    let shape = |(place, byte): (usize, u8)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    let whole = text.len() == 10 && text.bytes().enumerate().all(shape);
    whole.then(|| text.parse().ok())?
}

/// `8:30`, `08:30`; midnight is `00:00`.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=2).contains(&hour.len()) || minute.len() != 2 || !digits(hour) || !digits(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fen(text: &str) -> Option<i64> {
        Money::read(text).map(|money| money.fen)
    }

    #[test]
    fn money_is_read_exactly_or_not_at_all() {
        let table = [
            ("12345.67", 1_234_567),
            ("10005.00", 1_000_500),
            ("0.30", 30),
            ("0.3", 30),
            ("0.05", 5),
            ("0", 0),
            ("-0.01", -1),
            ("-12", -1_200),
            ("92233720368547758.07", i64::MAX),
        ];
        for (text, expected) in table {
            assert_eq!(fen(text), Some(expected), "{text}");
        }
        for text in
            ["", "-", ".", "1.", ".5", "1.234", "1,000", "+1", "1.2.3", "--1", "1e3", " 1", "１", "1.-5"]
        {
            assert_eq!(fen(text), None, "{text}");
        }
        assert_eq!(fen("92233720368547758.08"), None);
    }

    #[test]
    fn dates_are_days_that_exist() {
        for text in ["2026-10-01", "2024-02-29", "2000-02-29", "9999-12-31"] {
            assert_eq!(date(text).map(|date| date.to_string()).as_deref(), Some(text));
        }
        let wrong =
            ["2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "26-10-01", "2026/10/01"];
        for text in wrong.into_iter().chain(["20261001", "2026-1-01", "", "+002026-10", "2026-10-01T00:00"]) {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_minutes_of_one_day() {
        for (text, expected) in [("08:30", (8, 30)), ("8:05", (8, 5)), ("00:00", (0, 0)), ("23:59", (23, 59))]
        {
            assert_eq!(time(text).map(|time| (time.hour(), time.minute())), Some(expected));
        }
        for text in ["24:00", "8", "08:60", "8:5", "008:30", ":30", "08:", "-8:30", "08:30:00", "8.30"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn a_bare_value_has_the_kind_it_looks_like() {
        let table = [
            ("12", Some(Kind::Number)),
            ("12.5", Some(Kind::Money)),
            ("2026-10-01", Some(Kind::Date)),
            ("12:30", Some(Kind::Time)),
            ("90s", Some(Kind::Duration)),
            ("12x", None),
            ("2026-02-30", None),
        ];
        for (text, kind) in table {
            assert_eq!(Kind::of_literal(text), kind, "{text}");
        }
    }

    #[test]
    fn no_text_becomes_a_secret() {
        assert!(Kind::Secret.read("123456").is_none());
    }

    #[test]
    fn quantities_read_back_what_they_write() {
        for (kind, text) in [
            (Kind::Money, "12345.67"),
            (Kind::Money, "-0.05"),
            (Kind::Money, "0.30"),
            (Kind::Date, "2026-10-01"),
            (Kind::Time, "08:30"),
            (Kind::Duration, "1h30m"),
        ] {
            assert_eq!(kind.quantity(text).map(|value| value.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn quantities_are_ordered_within_their_kind_only() {
        let of = |kind: Kind, text: &str| kind.quantity(text).expect("a value");
        let table = [
            (Kind::Money, "-0.01", "0.01"),
            (Kind::Date, "2024-02-29", "2024-03-01"),
            (Kind::Time, "9:59", "10:00"),
            (Kind::Duration, "59m59s", "1h"),
        ];
        for (kind, less, more) in table {
            assert_eq!(of(kind, less).order(of(kind, more)), Some(Ordering::Less));
            assert_eq!(of(kind, more).order(of(kind, more)), Some(Ordering::Equal));
            for (other, value, _) in table.into_iter().filter(|(other, ..)| *other != kind) {
                assert_eq!(of(kind, less).order(of(other, value)), None);
            }
        }
    }
}
