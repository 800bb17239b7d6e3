//! English, for customers of a Chinese bank.
//!
//! Money is read as it stands on a statement, "twelve thousand three hundred and forty-five point six seven yuan":
//! jiao and fen are words that hardly any customer who chooses English knows, and "cents" are another currency's.
//! Days are "October first", since the recorded ordinals are whole words and need no "the" and "of".

use std::time::Duration;

use jiff::civil::{Date, Time};

use super::super::value::Money;
use super::{DAY, DIGITS, HOUR, MAX_WHOLE, MINUTE, Manner, Word};

const TEENS: [Word; 10] = [
    Word("num_10"),
    Word("num_11"),
    Word("num_12"),
    Word("num_13"),
    Word("num_14"),
    Word("num_15"),
    Word("num_16"),
    Word("num_17"),
    Word("num_18"),
    Word("num_19"),
];

/// Twenty to ninety.
const TENS: [Word; 8] = [
    Word("num_20"),
    Word("num_30"),
    Word("num_40"),
    Word("num_50"),
    Word("num_60"),
    Word("num_70"),
    Word("num_80"),
    Word("num_90"),
];

const AND: Word = Word("num_and");
const HUNDRED: Word = Word("num_hundred");
const THOUSAND: Word = Word("num_thousand");
const MILLION: Word = Word("num_million");
const BILLION: Word = Word("num_billion");
const MINUS: Word = Word("num_minus");
const POINT: Word = Word("num_point");
const YUAN: Word = Word("num_yuan");
/// The nought of years and minutes: "eight oh five".
const OH: Word = Word("num_oh");
const AM: Word = Word("num_am");
const PM: Word = Word("num_pm");
const NOON: Word = Word("num_noon");
const MIDNIGHT: Word = Word("num_midnight");

const MONTHS: [Word; 12] = [
    Word("num_month_1"),
    Word("num_month_2"),
    Word("num_month_3"),
    Word("num_month_4"),
    Word("num_month_5"),
    Word("num_month_6"),
    Word("num_month_7"),
    Word("num_month_8"),
    Word("num_month_9"),
    Word("num_month_10"),
    Word("num_month_11"),
    Word("num_month_12"),
];

const DAYS_OF_MONTH: [Word; 31] = [
    Word("num_ord_1"),
    Word("num_ord_2"),
    Word("num_ord_3"),
    Word("num_ord_4"),
    Word("num_ord_5"),
    Word("num_ord_6"),
    Word("num_ord_7"),
    Word("num_ord_8"),
    Word("num_ord_9"),
    Word("num_ord_10"),
    Word("num_ord_11"),
    Word("num_ord_12"),
    Word("num_ord_13"),
    Word("num_ord_14"),
    Word("num_ord_15"),
    Word("num_ord_16"),
    Word("num_ord_17"),
    Word("num_ord_18"),
    Word("num_ord_19"),
    Word("num_ord_20"),
    Word("num_ord_21"),
    Word("num_ord_22"),
    Word("num_ord_23"),
    Word("num_ord_24"),
    Word("num_ord_25"),
    Word("num_ord_26"),
    Word("num_ord_27"),
    Word("num_ord_28"),
    Word("num_ord_29"),
    Word("num_ord_30"),
    Word("num_ord_31"),
];

/// One of it and several of it, with its length in seconds.
const UNITS: [(u64, Word, Word); 4] = [
    (DAY, Word("num_day"), Word("num_days")),
    (HOUR, Word("num_hour"), Word("num_hours")),
    (MINUTE, Word("num_minute"), Word("num_minutes")),
    (1, Word("num_second"), Word("num_seconds")),
];

/// Every word that a value said in this manner may need.
pub(super) fn vocabulary(manner: Manner) -> Vec<Word> {
    const LARGE: [Word; 5] = [HUNDRED, THOUSAND, MILLION, BILLION, AND];
    let below_hundred: [&[Word]; 3] = [&DIGITS, &TEENS, &TENS];
    let more: &[&[Word]] = match manner {
        Manner::Digits | Manner::Phone => return DIGITS.to_vec(),
        Manner::Number => &[&LARGE, &[MINUS]],
        Manner::Money => &[&LARGE, &[MINUS, POINT, YUAN]],
        Manner::Date => &[&MONTHS, &DAYS_OF_MONTH, &[HUNDRED, THOUSAND, AND, OH]],
        Manner::Time => {
            let minutes: [&[Word]; 4] = [&DIGITS[1..], &TEENS, &TENS[..4], &[OH, AM, PM, NOON, MIDNIGHT]];
            return minutes.concat();
        }
        Manner::Duration => {
            let units = UNITS.iter().flat_map(|(_, one, several)| [*one, *several]);
            let numbers = [below_hundred.concat(), LARGE.to_vec()].concat();
            return numbers.into_iter().chain(units).collect();
        }
    };
    [below_hundred.concat(), more.concat()].concat()
}

/// "One thousand and five". A trillion and more: as digits.
pub(super) fn number(number: i64) -> Vec<Word> {
    let mut words = Vec::new();
    if number < 0 {
        words.push(MINUS);
    }
    whole(number.unsigned_abs(), &mut words);
    words
}

/// "Zero point three zero yuan"; whole amounts without decimals.
pub(super) fn money(money: Money) -> Vec<Word> {
    let size = money.fen.unsigned_abs();
    let mut words = Vec::new();
    if money.fen < 0 {
        words.push(MINUS);
    }
    whole(size / 100, &mut words);
    if !size.is_multiple_of(100) {
        words.push(POINT);
        words.extend(super::each_digit(&format!("{:02}", size % 100), &DIGITS));
    }
    words.push(YUAN);
    words
}

/// "October first twenty twenty-six".
pub(super) fn date(date: Date) -> Vec<Word> {
    let place = |number: i8| usize::from(number.unsigned_abs()) - 1;
    let mut words = vec![MONTHS[place(date.month())], DAYS_OF_MONTH[place(date.day())]];
    year(u64::from(date.year().unsigned_abs()), &mut words);
    words
}

/// "Nineteen forty-nine", "nineteen oh five", "nineteen hundred"; "two thousand and five" in a millennium's first years.
fn year(year: u64, words: &mut Vec<Word>) {
    let (century, rest) = (year / 100, year % 100);
    if year < 1_000 || (century.is_multiple_of(10) && rest < 10) {
        return whole(year, words);
    }
    whole(century, words);
    match rest {
        0 => words.push(HUNDRED),
        1..10 => words.extend([OH, DIGITS[rest as usize]]),
        _ => whole(rest, words),
    }
}

/// "Eight oh five a.m.", "three p.m."; twelve is "noon" or "midnight", since "12 p.m." is taken for either.
pub(super) fn time(time: Time) -> Vec<Word> {
    let (hour, minute) = (u64::from(time.hour().unsigned_abs()), u64::from(time.minute().unsigned_abs()));
    let mut words = Vec::new();
    whole(if hour.is_multiple_of(12) { 12 } else { hour % 12 }, &mut words);
    match minute {
        0 => {}
        1..10 => words.extend([OH, DIGITS[minute as usize]]),
        _ => whole(minute, &mut words),
    }
    words.push(match (hour, minute) {
        (0, 0) => MIDNIGHT,
        (12, 0) => NOON,
        (0..12, _) => AM,
        _ => PM,
    });
    words
}

/// "Two days three hours and five minutes".
pub(super) fn duration(duration: Duration) -> Vec<Word> {
    let mut left = duration.as_secs();
    let mut words = Vec::new();
    for (size, one, several) in UNITS {
        let count = left / size;
        left %= size;
        if count == 0 && (size > 1 || !words.is_empty()) {
            continue;
        }
        if left == 0 && !words.is_empty() {
            words.push(AND);
        }
        whole(count, &mut words);
        words.push(if count == 1 { one } else { several });
    }
    words
}

fn whole(number: u64, words: &mut Vec<Word>) {
    if number == 0 {
        words.push(DIGITS[0]);
    }
    if number >= MAX_WHOLE {
        words.extend(super::each_digit(&number.to_string(), &DIGITS));
        return;
    }
    for (size, unit) in [(1_000_000_000, BILLION), (1_000_000, MILLION), (1_000, THOUSAND)] {
        let count = number / size % 1_000;
        if count > 0 {
            hundreds(count, words);
            words.push(unit);
        }
    }
    let rest = number % 1_000;
    if (1..100).contains(&rest) && number >= 1_000 {
        words.push(AND);
    }
    hundreds(rest, words);
}

fn hundreds(number: u64, words: &mut Vec<Word>) {
    let (hundreds, rest) = (number / 100, (number % 100) as usize);
    if hundreds > 0 {
        words.extend([DIGITS[hundreds as usize], HUNDRED]);
        if rest > 0 {
            words.push(AND);
        }
    }
    match rest {
        0 => {}
        1..10 => words.push(DIGITS[rest]),
        10..20 => words.push(TEENS[rest - 10]),
        _ => {
            words.push(TENS[rest / 10 - 2]);
            if !rest.is_multiple_of(10) {
                words.push(DIGITS[rest % 10]);
            }
        }
    }
}
