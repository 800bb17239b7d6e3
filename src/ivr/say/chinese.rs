//! Mandarin, as a bank's clerk says it.
//!
//! Two is 两 where it is counted (两千, 两元, 两点, 两天) and before 百, and 二 inside a number (十二, 二十), in digits and
//! in dates. A gap is one 零.

use std::time::Duration;

use jiff::civil::{Date, Time};

use super::super::value::Money;
use super::{DAY, DIGITS, HOUR, MAX_WHOLE, MINUTE, Manner, Word};

pub(super) const LIANG: Word = Word("num_liang");
const YAO: Word = Word("num_yao");
const SHI: Word = Word("num_10");
const BAI: Word = Word("num_hundred");
const QIAN: Word = Word("num_thousand");
const WAN: Word = Word("num_wan");
const YI: Word = Word("num_yi");
const FU: Word = Word("num_minus");

const YUAN: Word = Word("num_yuan");
const JIAO: Word = Word("num_jiao");
/// Of money, of an hour, and of a span of minutes that seconds follow.
const FEN: Word = Word("num_fen");
const ZHENG: Word = Word("num_zheng");

const NIAN: Word = Word("num_nian");
const YUE: Word = Word("num_yue");
const RI: Word = Word("num_ri");

/// The decimal point is the same word.
const DIAN: Word = Word("num_point");
const LINGCHEN: Word = Word("num_lingchen");
const SHANGWU: Word = Word("num_shangwu");
const ZHONGWU: Word = Word("num_zhongwu");
const XIAWU: Word = Word("num_xiawu");
const WANSHANG: Word = Word("num_wanshang");

const TIAN: Word = Word("num_tian");
const XIAOSHI: Word = Word("num_xiaoshi");
const FENZHONG: Word = Word("num_minute");
const MIAO: Word = Word("num_miao");

/// 幺 for one, so that it is not heard as seven.
pub(super) const PHONE_DIGITS: [Word; 10] = {
    let mut digits = DIGITS;
    digits[1] = YAO;
    digits
};

/// Every word that a value said in this manner may need.
pub(super) fn vocabulary(manner: Manner) -> Vec<Word> {
    const COUNTING: [Word; 6] = [SHI, LIANG, BAI, QIAN, WAN, YI];
    let more: &[&[Word]] = match manner {
        Manner::Digits => &[&DIGITS],
        Manner::Phone => &[&PHONE_DIGITS],
        Manner::Number => &[&DIGITS, &COUNTING, &[FU]],
        Manner::Money => &[&DIGITS, &COUNTING, &[FU, YUAN, JIAO, FEN, ZHENG]],
        Manner::Date => &[&DIGITS, &[SHI, NIAN, YUE, RI]],
        Manner::Time => &[&DIGITS, &[SHI, LIANG, LINGCHEN, SHANGWU, ZHONGWU, XIAWU, WANSHANG, DIAN, FEN]],
        Manner::Duration => &[&DIGITS, &COUNTING, &[TIAN, XIAOSHI, FENZHONG, FEN, MIAO]],
    };
    more.concat()
}

/// 一万零五. A trillion and more: as digits.
pub(super) fn number(number: i64) -> Vec<Word> {
    let mut words = Vec::new();
    if number < 0 {
        words.push(FU);
    }
    whole(number.unsigned_abs(), &mut words);
    words
}

/// 一万两千三百四十五元六角七分, 一万零五元整, 三角. What is not there is not said; a missing 角 is a 零.
pub(super) fn money(money: Money) -> Vec<Word> {
    let size = money.fen.unsigned_abs();
    let (yuan, jiao, fen) = (size / 100, size / 10 % 10, size % 10);
    let mut words = Vec::new();
    if money.fen < 0 {
        words.push(FU);
    }
    if yuan > 0 || size == 0 {
        counted(yuan, YUAN, &mut words);
    }
    if jiao > 0 {
        counted(jiao, JIAO, &mut words);
    } else if fen > 0 && yuan > 0 {
        words.push(DIGITS[0]);
    }
    if fen > 0 {
        counted(fen, FEN, &mut words);
    }
    if yuan > 0 && jiao == 0 && fen == 0 {
        words.push(ZHENG);
    }
    words
}

/// 二零二六年十月一日.
pub(super) fn date(date: Date) -> Vec<Word> {
    let mut words = super::each_digit(&date.year().unsigned_abs().to_string(), &DIGITS);
    words.push(NIAN);
    whole(u64::from(date.month().unsigned_abs()), &mut words);
    words.push(YUE);
    whole(u64::from(date.day().unsigned_abs()), &mut words);
    words.push(RI);
    words
}

/// 下午三点零五分, 凌晨零点, 中午十二点.
pub(super) fn time(time: Time) -> Vec<Word> {
    let (hour, minute) = (u64::from(time.hour().unsigned_abs()), u64::from(time.minute().unsigned_abs()));
    let part = match hour {
        0..6 => LINGCHEN,
        6..12 => SHANGWU,
        12 => ZHONGWU,
        13..18 => XIAWU,
        _ => WANSHANG,
    };
    let mut words = vec![part];
    counted(if hour > 12 { hour - 12 } else { hour }, DIAN, &mut words);
    if minute > 0 {
        if minute < 10 {
            words.push(DIGITS[0]);
        }
        whole(minute, &mut words);
        words.push(FEN);
    }
    words
}

/// 一小时三十分钟, 一分零五秒, 两天零五分钟: minutes and seconds below ten, and what follows a gap, have a 零 before them.
pub(super) fn duration(duration: Duration) -> Vec<Word> {
    let seconds = duration.as_secs();
    let minutes_end = if seconds.is_multiple_of(MINUTE) { FENZHONG } else { FEN };
    let parts = [
        (seconds / DAY, TIAN),
        (seconds % DAY / HOUR, XIAOSHI),
        (seconds % HOUR / MINUTE, minutes_end),
        (seconds % MINUTE, MIAO),
    ];
    let (mut words, mut gap) = (Vec::new(), false);
    for (count, unit) in parts {
        if count == 0 {
            gap = !words.is_empty();
            continue;
        }
        let short = count < 10 && !matches!(unit, TIAN | XIAOSHI);
        if !words.is_empty() && (gap || short) {
            words.push(DIGITS[0]);
        }
        counted(count, unit, &mut words);
        gap = false;
    }
    if words.is_empty() {
        counted(0, MIAO, &mut words);
    }
    words
}

/// A number before what it counts.
fn counted(number: u64, unit: Word, words: &mut Vec<Word>) {
    match number {
        2 => words.push(LIANG),
        _ => whole(number, words),
    }
    words.push(unit);
}

/// Sections of four digits, with 亿 and 万; one 零 for every gap.
fn whole(number: u64, words: &mut Vec<Word>) {
    if number == 0 {
        words.push(DIGITS[0]);
    }
    if number >= MAX_WHOLE {
        words.extend(super::each_digit(&number.to_string(), &DIGITS));
        return;
    }
    let sections =
        [(number / 100_000_000, Some(YI)), (number / 10_000 % 10_000, Some(WAN)), (number % 10_000, None)];
    let (mut started, mut gap) = (false, false);
    for (size, unit) in sections {
        if size == 0 {
            gap = started;
            continue;
        }
        if started && (gap || size < 1_000) {
            words.push(DIGITS[0]);
        }
        match (size, unit) {
            (2, Some(_)) => words.push(LIANG),
            _ => section(size, started, words),
        }
        words.extend(unit);
        (started, gap) = (true, false);
    }
}

fn section(section: u64, started: bool, words: &mut Vec<Word>) {
    let units = [(1_000, Some(QIAN)), (100, Some(BAI)), (10, Some(SHI)), (1, None)];
    let (mut begun, mut gap) = (false, false);
    for (size, unit) in units {
        let digit = section / size % 10;
        if digit == 0 {
            gap = begun;
            continue;
        }
        if gap {
            words.push(DIGITS[0]);
        }
        match (digit, size) {
            // 十二, not 一十二, at the very beginning.
            (1, 10) if !begun && !started => {}
            (2, 100 | 1_000) => words.push(LIANG),
            _ => words.push(DIGITS[digit as usize]),
        }
        words.extend(unit);
        (begun, gap) = (true, false);
    }
}
