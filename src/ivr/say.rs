//! Saying digits and numbers with recorded words, in the grammar of each language.

use super::World;
use crate::diagnostic::Findings;
use crate::diagnostic::Span;
use crate::media::prompts::PromptId;

/// Most symbols said of one value: longer than any account number.
const MAX_SYMBOLS: usize = 40;

/// The words of one language, found before the flow runs. A word the language does not use, or that is
/// missing while no node says such a value, is `None`.
#[derive(Debug, Default)]
pub(super) struct Words {
    chinese: bool,
    /// 0..=20 and, in English, the tens up to 90.
    numbers: Vec<Option<PromptId>>,
    hundred: Option<PromptId>,
    thousand: Option<PromptId>,
    /// 万.
    ten_thousand: Option<PromptId>,
    million: Option<PromptId>,
    /// 亿.
    hundred_million: Option<PromptId>,
    minus: Option<PromptId>,
    /// 幺: how one is read in telephone numbers.
    yao: Option<PromptId>,
    and: Option<PromptId>,
}

/// How a value is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Digits,
    Phone,
    Number,
}

impl Words {
    pub fn of(language: &str, world: &World<'_>) -> Words {
        let find = |name: &str| world.catalogue.find(language, name);
        Words {
            chinese: language.starts_with("zh"),
            numbers: (0..=90).map(|number| find(&format!("num_{number}"))).collect(),
            hundred: find("num_hundred"),
            thousand: find("num_thousand"),
            ten_thousand: find("num_wan"),
            million: find("num_million"),
            hundred_million: find("num_yi"),
            minus: find("num_minus"),
            yao: find("num_yao"),
            and: find("num_and"),
        }
    }

    /// The words that `manner` may need and that are not recorded.
    fn missing(&self, manner: Manner) -> Vec<String> {
        let mut missing = Vec::new();
        let mut need = |word: Option<PromptId>, name: &str| {
            if word.is_none() {
                missing.push(name.to_owned());
            }
        };
        let numbers: Vec<usize> = match (manner, self.chinese) {
            (Manner::Number, false) => (0..=20).chain((30..=90).step_by(10)).collect(),
            (Manner::Number, true) => (0..=10).collect(),
            _ => (0..=9).collect(),
        };
        for number in numbers {
            need(self.number(number), &format!("num_{number}"));
        }
        if manner == Manner::Phone && self.chinese {
            need(self.yao, "num_yao");
        }
        if manner == Manner::Number {
            need(self.hundred, "num_hundred");
            need(self.thousand, "num_thousand");
            need(self.minus, "num_minus");
            if self.chinese {
                need(self.ten_thousand, "num_wan");
                need(self.hundred_million, "num_yi");
            } else {
                need(self.million, "num_million");
            }
        }
        missing
    }

    fn number(&self, number: usize) -> Option<PromptId> {
        self.numbers.get(number).copied().flatten()
    }

    /// One by one; anything that is not a digit is passed over.
    pub fn digits(&self, text: &str, manner: Manner) -> Vec<PromptId> {
        text.chars()
            .filter_map(|symbol| symbol.to_digit(10))
            .take(MAX_SYMBOLS)
            .filter_map(|digit| match (digit, manner) {
                (1, Manner::Phone) if self.chinese => self.yao,
                _ => self.number(digit as usize),
            })
            .collect()
    }

    /// As a whole number: 一万零五, one hundred and five. Numbers of a trillion and more are said as digits.
    pub fn whole(&self, number: i64) -> Vec<PromptId> {
        let size = number.unsigned_abs();
        let mut words = Vec::new();
        if number < 0 {
            words.push(self.minus);
        }
        if size >= 1_000_000_000_000 {
            words.extend(self.digits(&size.to_string(), Manner::Digits).into_iter().map(Some));
        } else if self.chinese {
            self.chinese_number(size, &mut words);
        } else {
            self.english_number(size, &mut words);
        }
        words.into_iter().flatten().collect()
    }

    /// Sections of four digits, with 亿 and 万; one 零 for every gap.
    fn chinese_number(&self, number: u64, words: &mut Vec<Option<PromptId>>) {
        if number == 0 {
            words.push(self.number(0));
        }
        let sections = [
            (number / 100_000_000, self.hundred_million),
            (number / 10_000 % 10_000, self.ten_thousand),
            (number % 10_000, None),
        ];
        let (mut started, mut gap) = (false, false);
        for (section, unit) in sections {
            if section == 0 {
                gap = started;
                continue;
            }
            if started && (gap || section < 1_000) {
                words.push(self.number(0));
            }
            self.chinese_section(section as usize, started, words);
            words.push(unit);
            (started, gap) = (true, false);
        }
    }

    fn chinese_section(&self, section: usize, started: bool, words: &mut Vec<Option<PromptId>>) {
        let units = [(1_000, self.thousand), (100, self.hundred), (10, self.number(10)), (1, None)];
        let (mut begun, mut gap) = (false, false);
        for (size, unit) in units {
            let digit = section / size % 10;
            if digit == 0 {
                gap = begun;
                continue;
            }
            if gap {
                words.push(self.number(0));
            }
            // 十二, not 一十二, at the very beginning.
            if size != 10 || digit != 1 || begun || started {
                words.push(self.number(digit));
            }
            words.push(unit);
            (begun, gap) = (true, false);
        }
    }

    fn english_number(&self, number: u64, words: &mut Vec<Option<PromptId>>) {
        if number == 0 {
            words.push(self.number(0));
        }
        // A thousand millions and more: "two thousand million" is understood and needs no further recording.
        let (millions, thousands, rest) = (number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
        if millions >= 1_000 {
            self.english_hundreds((millions / 1_000) as usize, words);
            words.push(self.thousand);
        }
        if millions > 0 {
            self.english_hundreds((millions % 1_000) as usize, words);
            words.push(self.million);
        }
        if thousands > 0 {
            self.english_hundreds(thousands as usize, words);
            words.push(self.thousand);
        }
        if rest > 0 && rest < 100 && number >= 1_000 {
            words.push(self.and);
        }
        self.english_hundreds(rest as usize, words);
    }

    fn english_hundreds(&self, number: usize, words: &mut Vec<Option<PromptId>>) {
        let (hundreds, rest) = (number / 100, number % 100);
        if hundreds > 0 {
            words.push(self.number(hundreds));
            words.push(self.hundred);
            if rest > 0 {
                words.push(self.and);
            }
        }
        if rest > 20 {
            words.push(self.number(rest / 10 * 10));
            if rest % 10 > 0 {
                words.push(self.number(rest % 10));
            }
        } else if rest > 0 {
            words.push(self.number(rest));
        }
    }
}

/// Reports the words that saying in this manner needs and a language lacks, once per node.
pub(super) fn check(
    words: &[Words],
    languages: &[std::sync::Arc<str>],
    manner: Manner,
    span: Span,
    out: &mut Findings,
) {
    for (words, language) in words.iter().zip(languages) {
        let missing = words.missing(manner);
        if !missing.is_empty() {
            let message = format!("to say this in {language}, prompts are missing: {}", missing.join(", "));
            out.error("flow-008", span, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [(u32, &str); 10] = [
        (100, "hundred"),
        (101, "thousand"),
        (102, "万"),
        (103, "million"),
        (104, "亿"),
        (105, "minus"),
        (106, "幺"),
        (107, "and"),
        (108, ""),
        (109, ""),
    ];

    fn words(chinese: bool) -> Words {
        let word = |id| Some(PromptId(id));
        Words {
            chinese,
            numbers: (0..=90).map(word).collect(),
            hundred: word(100),
            thousand: word(101),
            ten_thousand: word(102),
            million: word(103),
            hundred_million: word(104),
            minus: word(105),
            yao: word(106),
            and: word(107),
        }
    }

    fn read(prompts: Vec<PromptId>, chinese: bool) -> String {
        const DIGITS: [&str; 11] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十"];
        let names = prompts.iter().map(|prompt| match (prompt.0, chinese) {
            (100, true) => "百".to_owned(),
            (101, true) => "千".to_owned(),
            (id @ 0..=10, true) => DIGITS[id as usize].to_owned(),
            (id @ 0..=90, _) => id.to_string(),
            (id, _) => NAMES[(id - 100) as usize].1.to_owned(),
        });
        names.collect::<Vec<_>>().join(if chinese { "" } else { " " })
    }

    #[test]
    fn whole_numbers_are_read_as_chinese_speakers_read_them() {
        let table = [
            (0, "零"),
            (10, "十"),
            (12, "十二"),
            (20, "二十"),
            (105, "一百零五"),
            (110, "一百一十"),
            (1_005, "一千零五"),
            (1_050, "一千零五十"),
            (10_005, "一万零五"),
            (12_345, "一万二千三百四十五"),
            (100_000, "十万"),
            (101_000, "十万一千"),
            (1_000_010, "一百万零一十"),
            (100_000_000, "一亿"),
            (100_010_000, "一亿零一万"),
            (-7, "minus七"),
        ];
        for (number, expected) in table {
            assert_eq!(read(words(true).whole(number), true), expected, "{number}");
        }
    }

    #[test]
    fn whole_numbers_are_read_in_english() {
        let table = [
            (0, "0"),
            (15, "15"),
            (42, "40 2"),
            (105, "1 hundred and 5"),
            (1_005, "1 thousand and 5"),
            (12_345, "12 thousand 3 hundred and 40 5"),
            (2_000_000, "2 million"),
            (3_001_000_000, "3 thousand 1 million"),
        ];
        for (number, expected) in table {
            assert_eq!(read(words(false).whole(number), false), expected, "{number}");
        }
    }

    #[test]
    fn one_is_yao_in_chinese_telephone_numbers_only() {
        assert_eq!(read(words(true).digits("+110-2", Manner::Phone), true), "幺幺零二");
        assert_eq!(read(words(true).digits("110", Manner::Digits), true), "一一零");
        assert_eq!(read(words(false).digits("110", Manner::Phone), false), "1 1 0");
        assert_eq!(words(true).digits(&"9".repeat(1_000), Manner::Digits).len(), MAX_SYMBOLS);
    }
}
