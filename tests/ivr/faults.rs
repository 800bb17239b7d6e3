//! Faults planted into a flow that is right: each must be found where it is, and nothing else be said.

use hotline::diagnostic::{Diagnostic, render_all};

use super::bank;

/// What is replaced, by what, and the code. Where the caret must be stands `«`, or the words behind the code.
pub type Fault = (&'static str, &'static str, &'static str);

/// A text with one fault, and what must be said of it.
pub struct Planted {
    pub text: String,
    pub code: &'static str,
    /// Line and column, from 1.
    pub place: (usize, usize),
}

impl Planted {
    pub fn into(good: &str, (from, to, expected): Fault) -> Planted {
        assert!(good.contains(from), "{from:?} is not in the flow");
        let marked = good.replacen(from, to, 1);
        let text = marked.replace('«', "");
        let (code, at) = match expected.split_once(' ') {
            Some((code, words)) => (code, text.find(words)),
            None => (expected, marked.find('«')),
        };
        let before = &text[..at.unwrap_or_else(|| panic!("where {to:?} is wrong is not told"))];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Planted { text, code, place: (line, column) }
    }

    /// What is wrong with what was found; empty if it is that fault and no other.
    fn missed(&self, found: &[Diagnostic]) -> String {
        let is: Vec<_> = found.iter().map(|found| (found.code, found.position())).collect();
        if is == [(self.code, self.place)] {
            return String::new();
        }
        format!("\n#### expected {} at {:?}, found {is:?}\n{}", self.code, self.place, render_all(found))
    }
}

/// Findings with these codes are another matter, such as a node that nothing leads to any more.
fn but_for(beside: &[&str], mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.retain(|found| !beside.contains(&found.code));
    found
}

/// Plants each fault by itself into the flow `test`.
pub fn are_found(good: &str, faults: &[Fault], beside: &[&str]) {
    are_found_by(|text| but_for(beside, bank::findings("test.yaml", text)), good, faults);
}

/// Likewise, where `check` says what is found.
pub fn are_found_by(check: impl Fn(&str) -> Vec<Diagnostic>, good: &str, faults: &[Fault]) {
    let mut wrong = String::new();
    for fault in faults {
        let planted = Planted::into(good, *fault);
        wrong.push_str(&planted.missed(&check(&planted.text)));
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The flow `test` is right, and stays so with each of these changes by itself, which are close to a fault.
pub fn are_none(good: &str, right: &[(&str, &str)], beside: &[&str]) {
    are_none_by(|text| but_for(beside, bank::findings("test.yaml", text)), good, right);
}

/// Likewise, where `check` says what is found.
pub fn are_none_by(check: impl Fn(&str) -> Vec<Diagnostic>, good: &str, right: &[(&str, &str)]) {
    for (from, to) in [("", "")].iter().chain(right) {
        assert!(good.contains(from), "{from:?} is not in the flow");
        let found = check(&good.replacen(from, to, 1));
        assert!(found.is_empty(), "{from:?} -> {to:?}\n{}", render_all(&found));
    }
}
