//! Typing the tree: what a field must hold, and what to say if it does not.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::yaml::{Key, Node, Value};
use super::{Findings, Span, suggest};

/// A map being read field by field. Unknown and missing fields are reported by `finish`.
pub struct Fields<'t> {
    /// What to call it in messages: "`menu`", "agent `1001`".
    what: String,
    /// Where to point if something is missing.
    at: Span,
    entries: &'t [(Key, Node)],
    known: Vec<&'static str>,
    missing: Vec<&'static str>,
    /// The other keys are names that somebody else checks.
    names: bool,
}

impl<'t> Fields<'t> {
    /// `None`, and a report, if it is not a map. Nothing at all counts as an empty one.
    pub fn of(node: &'t Node, at: Span, what: impl Into<String>, out: &mut Findings) -> Option<Fields<'t>> {
        let what = what.into();
        let entries: &[(Key, Node)] = match &node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            Value::Refused => return None,
            _ => {
                let message = format!("{what} needs fields, and this is {}", node.kind());
                out.error("yaml-006", node.span, message).label("expected `name: value` pairs");
                return None;
            }
        };
        Some(Fields { what, at, entries, known: Vec::new(), missing: Vec::new(), names: false })
    }

    /// A field that may be left out. Written but empty counts as left out.
    pub fn take(&mut self, name: &'static str) -> Option<&'t Node> {
        self.known.push(name);
        self.entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// A field that must be there.
    pub fn need(&mut self, name: &'static str) -> Option<&'t Node> {
        let found = self.take(name);
        if found.is_none() {
            self.missing.push(name);
        }
        found
    }

    /// Where the name of a field stands; the map itself if it is left out.
    pub fn place(&self, name: &str) -> Span {
        self.entries.iter().find(|(key, _)| key.text == name).map_or(self.at, |(key, _)| key.span)
    }

    /// The fields that no `take` asked for, so far.
    pub fn rest(&self) -> impl Iterator<Item = (&'t Key, &'t Node)> + use<'t> {
        let known = self.known.clone();
        self.entries.iter().filter(move |(key, _)| !known.contains(&key.text.as_str())).map(|(k, n)| (k, n))
    }

    /// All keys that no `take` asked for are names, checked by who reads them: `finish` leaves them alone.
    pub fn names_follow(&mut self) {
        self.names = true;
    }

    /// Reports unknown and missing fields. A misspelled field is one mistake, not two.
    pub fn finish(self, out: &mut Findings) {
        if self.entries.iter().any(|(key, node)| key.text == "use" && matches!(node.value, Value::Refused)) {
            // A snippet that is not there may have had what is missing.
            return;
        }
        let mut missing = self.missing.clone();
        for (key, _) in self.rest().filter(|_| !self.names) {
            let guess = suggest::nearest(&key.text, self.known.iter().copied());
            missing.retain(|name| guess != Some(*name));
            let added = out.error("yaml-004", key.span, format!("{} has no field `{}`", self.what, key.text));
            match guess {
                Some(guess) => added.label(format!("did you mean `{guess}`?")),
                None => added.help(format!("it has: {}", self.known.join(", "))),
            };
        }
        for name in missing {
            let message = format!("{} lacks `{name}`", self.what);
            out.error("yaml-005", self.at, message).label(format!("`{name}` must be given"));
        }
    }
}

impl Findings {
    fn wrong(&mut self, node: &Node, expected: &str) {
        let is = match &node.value {
            Value::Refused => return,
            Value::Scalar(scalar) => format!("`{}`", scalar.text.chars().take(40).collect::<String>()),
            _ => node.kind().to_owned(),
        };
        self.error("yaml-006", node.span, format!("expected {expected}, found {is}"))
            .label(format!("must be {expected}"));
    }

    /// Any single value, as written.
    pub fn text<'t>(&mut self, node: &'t Node, expected: &str) -> Option<&'t str> {
        match &node.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => {
                self.wrong(node, expected);
                None
            }
        }
    }

    /// A whole number without quotes, inside `range` (else `yaml-008`).
    pub fn integer(&mut self, node: &Node, expected: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let number = match &node.value {
            Value::Scalar(scalar) if scalar.plain => scalar.text.parse::<i64>().ok(),
            _ => None,
        };
        let Some(number) = number else {
            self.wrong(node, expected);
            return None;
        };
        if !range.contains(&number) {
            let (least, most) = (range.start(), range.end());
            self.error("yaml-008", node.span, format!("{expected} must be from {least} to {most}"))
                .label(format!("{number} is outside"));
            return None;
        }
        Some(number)
    }

    /// `true` or `false`, nothing else.
    pub fn truth(&mut self, node: &Node) -> Option<bool> {
        match &node.value {
            Value::Scalar(scalar) if scalar.plain && scalar.text == "true" => Some(true),
            Value::Scalar(scalar) if scalar.plain && scalar.text == "false" => Some(false),
            _ => {
                self.wrong(node, "`true` or `false`");
                None
            }
        }
    }

    /// A duration with its unit, inside `range` (else `yaml-008`).
    pub fn duration(&mut self, node: &Node, range: RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.text(node, "a duration such as `5s`")?;
        let Some(duration) = parse_duration(text) else {
            let added = self.error("yaml-007", node.span, format!("`{text}` is not a duration"));
            if text.parse::<f64>().is_ok() {
                added.label(format!("the unit is missing: did you mean `{text}s`?"));
            } else {
                added.label("expected a number with ms, s, m or h, such as `5s` or `1m30s`");
            }
            return None;
        };
        if !range.contains(&duration) {
            let (least, most) = (write_duration(*range.start()), write_duration(*range.end()));
            self.error("yaml-008", node.span, format!("this must be from {least} to {most}"))
                .label(format!("`{text}` is outside"));
            return None;
        }
        Some(duration)
    }

    /// A list; a single value counts as a list of one.
    pub fn items<'t>(&mut self, node: &'t Node, expected: &str) -> Option<&'t [Node]> {
        match &node.value {
            Value::List(items) => Some(items),
            Value::Scalar(_) => Some(std::slice::from_ref(node)),
            _ => {
                self.wrong(node, expected);
                None
            }
        }
    }

    /// A map whose keys are names.
    pub fn entries<'t>(&mut self, node: &'t Node, expected: &str) -> Option<&'t [(Key, Node)]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            _ => {
                self.wrong(node, expected);
                None
            }
        }
    }
}

/// `5s`, `200ms`, `1m30s`, `2h`: whole numbers, each unit at most once, the larger first.
pub fn parse_duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let (mut rest, mut next_unit, mut total) = (text, 0, 0u64);
    if text.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let unit = UNITS.iter().skip(next_unit).position(|(name, _)| *name == &rest[..letters])? + next_unit;
        rest = &rest[letters..];
        next_unit = unit + 1;
        total = total.checked_add(number.checked_mul(UNITS[unit].1)?)?;
    }
    Some(Duration::from_millis(total))
}

/// The shortest way to write it with units; milliseconds at finest.
pub fn write_duration(duration: Duration) -> String {
    let mut left = duration.as_millis();
    if left == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if left >= size {
            text.push_str(&format!("{}{name}", left / size));
            left %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Source, yaml};

    #[test]
    fn durations_read_back_what_they_write() {
        for text in ["5s", "200ms", "1m30s", "2h", "0s"] {
            assert_eq!(write_duration(parse_duration(text).expect("a duration")), text);
        }
        for text in ["5", "s", "5x", "5s5s", "5s1m", "-5s", "5.5s", "", "99999999999999999999h"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_misspelled_field_is_one_mistake() {
        let source = Source::new("t.yaml", "promts: x\n");
        let mut out = Findings::new(&source);
        let node = yaml::parse(&mut out).expect("YAML");
        let mut fields = Fields::of(&node, Span::default(), "`play`", &mut out).expect("a map");
        assert!(fields.need("prompts").is_none());
        assert!(fields.need("next").is_none());
        fields.finish(&mut out);
        let codes: Vec<_> = out.into_sorted().iter().map(|d| d.code).collect();
        assert_eq!(codes, ["yaml-005", "yaml-004"]);
    }
}
