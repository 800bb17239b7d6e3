//! What flows recall and remember of callers: what the checker says.

use super::faults::{self, Fault};

const GOOD: &str = "flow: test
languages: [zh-CN, en]
start: who
vars: { visits: number, last: text, pin: secret, sum: money }
nodes:
  who: { profile: { recall: { visits: $visits, last: $last, language: $language }, next: count, on_unknown: new } }
  new: { set: { visits: 0, last: none, next: count } }
  count: { set: { visits: $visits + 1, next: keep } }
  keep: { profile: { remember: { visits: $visits, last: loans, language: $language }, next: pin } }
  pin:
    collect: { into: pin, prompts: pin, max: 6, on_no_input: { then: agent }, on_invalid: { then: agent }, next: sum }
  sum:
    collect: { into: sum, prompts: pin, max: 6, on_no_input: { then: agent }, on_invalid: { then: agent }, next: which }
  which: { switch: { cases: [{ when: \"$last == 'loans' and $sum > 5\", then: agent }], else: agent } }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: }
";

const FAULTS: &[Fault] = &[
    ("recall: { visits: $visits", "recall: { visits: «$visit", "flow-009"),
    ("recall: { visits: $visits", "recall: { visits: «visits", "yaml-006"),
    ("recall: { visits: $visits", "recall: { visits: «$pin", "flow-102"),
    ("recall: { visits: $visits", "recall: { visits: «$sum", "flow-102"),
    ("recall: { visits: $visits", "recall: { \"«visits of\": $visits", "flow-102 \"visits of"),
    ("on_unknown: new", "on_unknown: «knew", "flow-003"),
    ("remember: { visits: $visits", "remember: { visits: «$pin", "flow-019"),
    ("remember: { visits: $visits", "remember: { visits: «$last", "flow-062"),
    ("remember: { visits: $visits", "remember: { visits: «$caller", "flow-062"),
    (
        "remember: { visits: $visits, last: loans, language: $language }, next: pin",
        "«remember: { visits: $visits }, recall: { last: $last }, next: pin",
        "yaml-010",
    ),
    ("remember: { visits: $visits, last: loans, language: $language }", "remember: «{}", "yaml-008"),
    ("language: $language }, next: pin", "language: $language }, next: pin, on_unknown: «pin", "flow-102"),
    ("remember: { visits", "«rember: { visits", "yaml-004"),
];

const RIGHT: &[(&str, &str)] = &[
    ("remember: { visits: $visits", "remember: { visits: 7"),
    ("remember: { visits: $visits, last: loans", "remember: { last: ''"),
];

#[test]
fn each_planted_fault_is_found_where_it_is_and_what_is_close_and_right_is_not_complained_about() {
    faults::are_found(GOOD, FAULTS, &[]);
    faults::are_none(GOOD, RIGHT, &[]);
}
