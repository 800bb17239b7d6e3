//! One planted fault each, in a flow that is right otherwise: the code, the line and the column must be exact.

use super::bank;

const GOOD: &str = include_str!("good.yaml");

/// Faults, and right flows beside them, that there are at least.
const ENOUGH: usize = 120;

/// What is replaced, by what (`«` stands where the caret must be), and the code.
const FAULTS: &[(&str, &str, &str)] = &[
    // YAML itself.
    ("    goto: main\n", "\u{ab}\tgoto: main\n", "yaml-001"),
    ("timeout: 5s", "timeout: 5s\n      «timeout: 6s", "yaml-002"),
    ("        9: agent\n", "        9: agent\n        «9: urgent\n", "yaml-002"),
    ("        9: agent\n", "        9: agent\n        A: agent\n        «a: urgent\n", "yaml-002"),
    ("prompts: [welcome, rec_notice]", "prompts: «*greeting", "yaml-003"),
    ("prompts: [welcome, rec_notice]", "prompts: «&greeting [welcome]", "yaml-003"),
    // Fields.
    ("barge_in: false", "«bargein: false", "yaml-004"),
    ("timeout: 8s", "timeout: 8s\n      «first_digit: 8s", "yaml-004"),
    ("      max: 19\n", "", "yaml-005 collect:"),
    ("prompts: closed, ", "", "yaml-005 play: { next: bye }"),
    ("start: welcome\n", "", "yaml-005 flow:"),
    ("barge_in: false", "barge_in: «no", "yaml-006"),
    ("retries: 2", "retries: «two", "yaml-006"),
    ("retries: 2", "retries: «\"2\"", "yaml-006"),
    ("    goto: main", "    goto: «[main]", "yaml-006"),
    ("digits: $account", "digits: «account", "yaml-006"),
    ("timeout: 5s", "timeout: «5", "yaml-007"),
    ("timeout: 5s", "timeout: «5sec", "yaml-007"),
    ("timeout: 5s", "timeout: «10m", "yaml-008"),
    ("priority: 90", "priority: «900", "yaml-008"),
    ("priority: 90", "priority: «$account", "flow-010"),
    ("agent: 1001,", "agent: «$tries,", "flow-010"),
    ("max: 19", "max: «190", "yaml-008"),
    ("agent: 1001,", "agent: 1001, «number: 95501,", "yaml-010"),
    ("digits: $account,", "digits: $account, phone: «$account,", "yaml-010"),
    // Names.
    ("    goto: main", "    «gto: main", "flow-001"),
    ("  bye:\n    hangup: {", "  bye:\n    «hang-up-now: {", "flow-001"),
    ("flow: good", "flow: «better", "flow-002"),
    ("        9: agent\n", "        9: «agnet\n", "flow-003"),
    (
        "retries: 2\n      on_no_input: { prompts: noinput, then: agent }",
        "retries: 2\n      on_no_input: { prompts: noinput, then: «nobody }",
        "flow-003",
    ),
    ("start: welcome", "start: «wellcome", "flow-004"),
    ("to: general", "to: «genral", "flow-005"),
    ("agent: 1001", "agent: «1009", "flow-006"),
    ("number: 95501", "number: «95502", "flow-007"),
    ("prompts: closed", "prompts: «clsoed", "flow-008"),
    ("prompts: closed", "prompts: [closed, «only_zh]", "flow-008"),
    ("digits: $account", "digits: «$acount", "flow-009"),
    ("$tries >= 3", "«$trys >= 3", "flow-009"),
    ("tries: 1", "«tires: 1", "flow-009"),
    ("into: account", "into: «acount", "flow-009"),
    ("tries: 1", "tries: «one", "flow-010"),
    ("tries: 1", "tries: «$caller", "flow-010"),
    ("number: $tries", "number: «$account", "flow-010"),
    ("digits: $account", "digits: «$tries", "flow-010"),
    ("$tries >= 3", "$tries >= «'3'", "flow-010"),
    ("$caller starts_with '138'", "$caller == «138", "flow-010"),
    ("$caller starts_with '138'", "$caller «< '138'", "flow-010"),
    ("account: text", "account: «txt", "flow-010"),
    ("due: date", "due: «dated", "flow-010"),
    ("due: date", "due: «boolean", "flow-010"),
    // Kinds of values: one is used where another belongs.
    ("money: $amount", "money: «$tries", "flow-010"),
    ("money: $amount", "money: «$account", "flow-010"),
    ("money: $amount", "number: «$amount", "flow-010"),
    ("date: $due", "date: «$opens", "flow-010"),
    ("time: $opens", "time: «$due", "flow-010"),
    ("time: $opens", "digits: «$opens", "flow-010"),
    ("duration: $waited", "duration: «$tries", "flow-010"),
    ("duration: $waited", "phone: «$waited", "flow-010"),
    ("duration: $waited", "duration: «$pin", "flow-019"),
    ("due: 2026-10-01", "due: «$opens", "flow-010"),
    ("amount: 12345.67", "amount: «$tries", "flow-010"),
    ("tries: 1", "tries: «$amount", "flow-010"),
    ("tries: 1", "account: «$due", "flow-010"),
    ("$amount >= 20000", "$amount >= «$tries", "flow-010"),
    ("$amount >= 20000", "$amount >= «'20000'", "flow-010"),
    ("$due <= 2026-10-07", "$due <= «'2026-10-07'", "flow-010"),
    ("$due <= 2026-10-07", "$due <= «$opens", "flow-010"),
    ("$opens == 08:30", "$opens «starts_with 08:30", "flow-010"),
    ("$caller starts_with '138'", "$caller == «08:30", "flow-010"),
    ("$caller starts_with '138'", "$caller == «138x", "flow-010"),
    ("number: 95501", "number: «$amount", "flow-010"),
    // Values that are none.
    ("amount: 12345.67", "amount: «\"12,345.67\"", "flow-040"),
    ("amount: 12345.67", "amount: «12345.678", "flow-040"),
    ("amount: 12345.67", "amount: «¥5", "flow-040"),
    ("amount: 12345.67", "amount: «plenty", "flow-040"),
    ("amount: 12345.67", "amount: «999999999999999999", "flow-040"),
    ("due: 2026-10-01", "due: «2026-02-29", "flow-040"),
    ("due: 2026-10-01", "due: «01.10.2026", "flow-040"),
    ("due: 2026-10-01", "due: «\"2026-1-1\"", "flow-040"),
    ("opens: 08:30", "opens: «24:00", "flow-040"),
    ("opens: 08:30", "opens: «08:60", "flow-040"),
    ("opens: 08:30", "opens: «830", "flow-040"),
    ("waited: 1m30s", "waited: «90", "flow-040"),
    ("waited: 1m30s", "waited: «1d", "flow-040"),
    ("waited: 1m30s", "waited: «-5s", "flow-040"),
    ("$tries >= 3", "$tries >= «3.5", "flow-040"),
    ("$tries >= 3", "«2026-10-01 == $tries", "flow-040"),
    ("$amount >= 20000", "$amount >= «20.000", "flow-040"),
    ("$due <= 2026-10-07", "$due <= «2026-10-32", "flow-040"),
    ("$due <= 2026-10-07", "$due <= «7", "flow-040"),
    ("$opens == 08:30", "$opens == «25:30", "flow-040"),
    ("$waited > 90s", "$waited > «90", "flow-040"),
    // Values that no telephone can type.
    ("into: amount", "into: «due", "flow-041"),
    ("into: amount", "into: «opens", "flow-041"),
    ("into: amount", "into: «waited", "flow-041"),
    ("max: 7\n", "max: «16\n", "yaml-008"),
    ("money: $amount,", "digits: $account, money: «$amount,", "yaml-010"),
    ("        9: agent\n", "        9: agent\n        «10: agent\n", "flow-011"),
    ("\"*\": main", "«x: main", "flow-011"),
    ("timeout: 8s", "timeout: 8s\n      terminator: «9", "flow-011"),
    // Paths.
    ("  bye:\n", "  «lost:\n    goto: bye\n  bye:\n", "flow-012"),
    ("  bye:\n", "  «lost:\n    goto: lost_too\n  lost_too:\n    goto: bye\n  bye:\n", "flow-012"),
    ("        2: say_number\n", "        2: say_number\n        4: trap\n", "flow-013 trap:"),
    ("    goto: main", "    goto: «say_number", "flow-014"),
    (
        "      on_no_input: { prompts: noinput, then: agent }\n      on_invalid: { prompts: invalid, then: agent }\n  english",
        "      on_no_input: { prompts: noinput, then: «main }\n      on_invalid: { prompts: invalid, then: agent }\n  english",
        "flow-014",
    ),
    ("on_full: other_desk", "on_full: «urgent", "flow-014"),
    ("        2: say_number\n", "        2: say_number\n        4: cold\n", "flow-015 cold:"),
    (
        "- { when: \"$language",
        "- { when: «\"$caller starts_with '1381' and not $tries >= 3\", then: main }\n        - { when: \"$language",
        "flow-016",
    ),
    (
        "- { when: \"$due <= 2026-10-07",
        "- { when: «\"$amount > 20000.01\", then: say_date }\n        - { when: \"$due <= 2026-10-07",
        "flow-016",
    ),
    (
        "- { when: \"not ($waited",
        "- { when: «\"$due == 2026-09-30 and $opens == 8:30\", then: say_date }\n        - { when: \"not ($waited",
        "flow-016",
    ),
    // Hours.
    ("Asia/Shanghai", "«Asia/Shangai", "flow-017"),
    ("sat: 09:00-17:00", "sat: «17:00-09:00", "flow-018"),
    ("sat: 09:00-17:00", "sat: «9-17", "flow-018"),
    ("sat: 09:00-17:00", "sat: «09:00-25:00", "flow-018"),
    ("13:00-21:00", "«11:30-21:00", "flow-018"),
    ("sun: closed", "«sunday: closed", "flow-018"),
    ("sun: closed", "«fri-sun: closed", "flow-018"),
    ("2026-10-01..2026-10-07", "«2026-10-32", "flow-025"),
    ("2026-10-01..2026-10-07", "«2026-10-07..2026-10-01", "flow-025"),
    ("2026-10-10: 09", "«2026-10-05: 09", "flow-025"),
    // Secrets.
    ("digits: $account", "digits: «$pin", "flow-019"),
    ("$tries >= 3", "«$pin == '1'", "flow-019"),
    ("tries: 1", "pin: «'123456'", "flow-019"),
    ("tries: 1", "account: «$pin", "flow-019"),
    ("number: 95501", "number: «$pin", "flow-019"),
    ("        7: pin\n", "        7: lookup\n", "flow-129 $pin, tries"),
    (
        "on_status: { 404: closed }",
        "on_status: { 404: main, 409: read_back, 503: lookup }",
        "flow-014 lookup }\n      on_failed",
    ),
    (
        "on_failed: agent\n  values",
        "on_failed: breathe_once\n  breathe_once:\n    collect: { into: account, prompts: acct, max: 4, on_no_input: { then: agent }, on_invalid: { then: agent }, next: lookup }\n  values",
        "flow-129 $pin, tries",
    ),
    ("into: amount\n", "into: tries\n", "flow-130 $tries, next: enough"),
    // A person is near.
    ("humane: { complaints: agent }\n", "humane: { complaints: agent, «keys: 9 }\n", "yaml-004"),
    ("humane: { complaints: agent }\n", "humane: { complaints: agent, questions: «0 }\n", "yaml-008"),
    ("humane: { complaints: agent }\n", "humane: { complaints: agent, questions: «few }\n", "yaml-006"),
    ("humane: { complaints: agent }\n", "humane: { complaints: agent, prompts: «5s }\n", "yaml-008"),
    ("humane: { complaints: agent }\n", "humane: { complaints: agent, prompts: «60 }\n", "yaml-007"),
    ("humane: { complaints: agent }\n", "humane: { complaints: agent, person_key: «x }\n", "flow-011"),
    ("humane: { complaints: agent }\n", "humane: { complaints: agent, person_key: «99 }\n", "flow-011"),
    ("humane: { complaints: agent }\n", "humane: { complaints: «agnet }\n", "flow-003"),
    ("humane: { complaints: agent }\n", "humane: { complaints: «welcome }\n", "flow-074"),
    (
        "      prompts: main\n      keys:\n        0",
        "      prompts: [main, main, main, main, main, main]\n      keys:\n        0",
        "flow-072 main:\n    menu",
    ),
    (
        "on_no_input: { prompts: noinput, then: agent }\n      on_invalid: { prompts: invalid, then: agent }\n  english",
        "on_no_input: { prompts: noinput, then: bye }\n      on_invalid: { prompts: invalid, then: agent }\n  english",
        "flow-070 main:\n    menu",
    ),
    ("on_failed: agent\n  values", "on_failed: pin\n  values", "flow-131 pin:\n    collect"),
    // Counting, shares, events, pauses, languages.
    ("$tries + 2 - 1", "$tries + «two - 1", "flow-060"),
    ("$tries + 2 - 1", "«$tries+1", "flow-060"),
    ("$tries + 2 - 1", "$tries «1", "flow-060"),
    ("$tries + 2 - 1", "$tries + 2 «-", "flow-060"),
    ("$tries + 2 - 1", "$tries + «$trees", "flow-009"),
    ("$tries + 2 - 1", "$tries + «$account", "flow-010"),
    ("$tries + 2 - 1", "$tries + «$pin", "flow-019"),
    ("share: 80", "share: 70", "flow-061 ways:"),
    ("share: 80", "share: 90", "flow-061 ways:"),
    ("share: 20", "share: «20%", "yaml-006"),
    ("share: 20", "share: «-20", "yaml-008"),
    ("then: breathe }\n  count", "then: «breath }\n  count", "flow-003"),
    ("name: tried_out", "name: «tried out", "flow-026"),
    ("name: tried_out", "name: «language", "flow-026"),
    ("value: $tries", "value: «$account", "flow-062"),
    ("value: $tries", "value: «$caller", "flow-062"),
    ("value: $tries", "value: «$pin", "flow-019"),
    ("for: 500ms", "for: «100ms", "yaml-008"),
    ("for: 500ms", "for: «61s", "yaml-008"),
    ("for: 500ms", "for: «1", "yaml-007"),
    ("for: 500ms, next: main", "for: 500ms, next: «ask_language", "flow-014"),
    ("keys: { 1: zh-CN, 2: en }", "keys: { 1: zh-CN, 2: «fr }", "flow-023"),
    ("keys: { 1: zh-CN, 2: en }", "keys: { 1: zh-CN, «12: en }", "flow-011"),
    ("default: zh-CN", "default: «de", "flow-023"),
    ("default: zh-CN, ", "", "yaml-005 language: { prompts: lang"),
    // Constants.
    ("{ max_tries: number }", "{ max_tries: number, «max_trees: number }", "flow-063"),
    ("{ max_tries: number }", "{ «max_tries: text }", "flow-063"),
    ("{ max_tries: number }", "{ max_tries: number, «desk: text }", "flow-024"),
    ("tries: $tries + 2", "«max_tries: $tries + 2", "flow-063"),
    ("  pin: secret\n", "  pin: secret\n  «max_tries: number\n", "flow-026"),
    // The rest.
    ("min: 6\n      max: 19", "min: «20\n      max: 19", "flow-020"),
    ("retries: 2", "retries: «9", "flow-021"),
    ("$tries >= 3", "$tries «= 3", "flow-022"),
    ("$tries >= 3", "«($tries >= 3", "flow-022"),
    ("$tries >= 3", "$tries >=« ", "flow-022"),
    ("$tries >= 3", "$tries >= «'3", "flow-022"),
    ("$tries >= 3", "«3x == 3", "flow-022"),
    ("[zh-CN, en]", "[zh-CN, en, «fr]", "flow-023"),
    ("== 'en'", "== «'fr'", "flow-023"),
    ("language: en,", "language: «zh,", "flow-023"),
    ("  pin: secret\n", "  pin: secret\n  «spare: text\n", "flow-024"),
    ("  pin: secret\n", "  pin: secret\n  «caller: text\n", "flow-026"),
    ("next: again }\n  again:\n", "next: again and again }\n  «\"again and again\":\n", "flow-026"),
    ("    goto: main", "    goto: main\n    «hangup:", "flow-027"),
    ("  again:\n    goto: main", "  «again:", "flow-027"),
    ("    goto: main", "    «goto:main", "flow-027"),
    // Hosts.
    ("to: bank", "to: «bnak", "flow-050"),
    ("to: bank", "to: «\"http://192.0.2.7/\"", "flow-050"),
    ("\"/customers/{$caller}\"", "«customers", "flow-051"),
    ("/customers/{$caller}", "«/cus tomers/{$caller}", "flow-051"),
    ("/customers/{$caller}", "«/customers/../{$caller}", "flow-051"),
    ("/customers/{$caller}", "/customers/{«caller}", "flow-051"),
    ("/customers/{$caller}", "/customers/«{$caller", "flow-051"),
    ("/customers/{$caller}", "/customers/{«$callr}", "flow-009"),
    ("/customers/{$caller}", "/customers/{«$pin}", "flow-052"),
    (
        "to: bank\n      path: \"/customers/{$caller}\"\n      body: { pin: ",
        "to: weather\n      path: /x\n      body: { pin: «",
        "flow-052",
    ),
    ("pin: $pin, tries", "pin: { pin: «$pni }, tries", "flow-009"),
    ("method: post", "method: «pots", "flow-053"),
    ("404: closed", "«4o4: closed", "flow-054"),
    ("404: closed", "«102: closed", "flow-054"),
    ("404: closed", "404: «colsed", "flow-003"),
    ("timeout: 800ms", "timeout: «8s", "flow-055"),
    ("timeout: 800ms\n      retries: 1", "timeout: «4s\n      retries: 3", "flow-055"),
    ("retries: 1\n      answer", "retries: «4\n      answer", "yaml-008"),
    (
        "method: post\n      to: bank\n      path: \"/customers/{$caller}\"\n      body",
        "to: bank\n      path: /x\n      «body",
        "flow-056",
    ),
    ("body: { pin: $pin, tries: $tries }", "body: «$pin", "flow-056"),
    ("body: { pin: $pin, tries: $tries }", "body: { pin: «[$pin] }", "flow-056"),
    ("customer.account: $account", "«customer..account: $account", "flow-057"),
    ("customer.account: $account", "customer.account: $tries", "flow-057 $tries }\n      next"),
    ("customer.account: $account", "customer.account: «$pin", "flow-057"),
    ("customer.account: $account", "customer.account: «account", "yaml-006"),
    ("customer.account: $account", "customer.account: «$acount", "flow-009"),
    (
        "      on_status: { 404: closed }\n      on_failed: agent\n",
        "      on_status: { 404: closed }\n",
        "yaml-005 http:",
    ),
    (
        "on_status: { 404: closed }\n      on_failed: agent",
        "on_status: { 404: closed }\n      on_failed: «lookup",
        "flow-014",
    ),
];

/// Nodes that some faults need besides; harmless where nothing leads to them is not an option, so only there.
fn with_company(text: String) -> String {
    let trap = "  trap:\n    menu:\n      prompts: main\n      keys: { 1: trap }\n      on_no_input: { then: trap_2 }\n      on_invalid: { then: trap }\n  trap_2:\n    menu:\n      prompts: main\n      keys: { 1: trap }\n      on_no_input: { then: trap_3 }\n      on_invalid: { then: trap }\n  trap_3:\n    collect: { into: account, prompts: acct, max: 5, terminator: none, on_no_input: { then: trap }, on_invalid: { then: trap }, next: trap }\n";
    let cold = "  cold:\n    menu:\n      prompts: main\n      keys: { 1: bye }\n      on_no_input: { then: bye }\n      on_invalid: { then: bye }\n";
    match () {
        () if text.contains("4: trap") => text + trap,
        () if text.contains("4: cold") => text + cold,
        () => text,
    }
}

#[test]
fn the_good_flow_is_good() {
    let found = bank::findings("good.yaml", GOOD);
    assert!(found.is_empty(), "{}", hotline::diagnostic::render_all(&found));
}

/// Close to a fault and right: what must not be complained about.
const RIGHT: &[(&str, &str)] = &[
    ("timeout: 5s", "timeout: 1m"),
    ("timeout: 5s", "timeout: 1500ms"),
    ("      timeout: 5s\n      retries: 2\n", ""),
    ("retries: 2", "retries: 0"),
    ("retries: 2", "retries: 5"),
    ("max: 19", "max: 6"),
    ("max: 19", "max: 32"),
    ("      min: 6\n      max: 19", "      max: 19"),
    ("max: 19", "max: 19\n      terminator: none"),
    ("max: 19", "max: 19\n      terminator: \"#\""),
    ("        9: agent\n", "        9: agent\n        A: agent\n"),
    ("        9: agent\n", "        \"9\": agent\n"),
    ("\"*\": main", "'*': main"),
    ("barge_in: false", "barge_in: true"),
    ("prompts: [welcome, rec_notice]", "prompts: welcome"),
    (
        "play: { prompts: [welcome, rec_notice], barge_in: false, next: opening }",
        "play:\n      prompts:\n        - welcome\n        - rec_notice\n      barge_in: false\n      next: opening",
    ),
    ("digits: $account", "phone: $account"),
    ("digits: $account", "digits: $caller"),
    ("tries: 1", "tries: -1"),
    ("tries: 1", "tries: $tries"),
    ("tries: 1", "account: 0123"),
    ("tries: 1", "account: $caller"),
    ("$tries >= 3", "(tries >= 3 or tries < 0)"),
    ("$tries >= 3", "not not $dialled ends_with '5'"),
    ("== 'en'", "!= 'zh-CN'"),
    ("number: 95501", "number: $account"),
    ("priority: 90", "priority: 0"),
    ("priority: 90", "priority: $tries"),
    ("agent: 1001", "agent: $account"),
    (", on_empty: closed", ""),
    ("13:00-21:00", "12:00-24:00"),
    ("sat: 09:00-17:00", "sat: [9:00-17:00]"),
    ("        sun: closed\n", ""),
    ("2026-10-01..2026-10-07", "2026-10-01, 2026-10-02"),
    ("      holidays: [2026-10-01..2026-10-07]\n", ""),
    ("Asia/Shanghai", "Europe/Berlin"),
    ("hangup: { prompts: goodbye }", "hangup:"),
    ("hangup: { prompts: goodbye }", "hangup: {}"),
    ("on_timeout: urgent,", "on_timeout: agent,"),
    // Layout and comments.
    ("flow: good\n", "# The bank's flow.\nflow: good # its name is the file's\n"),
    ("flow: good\n", "---\nflow: good\n"),
    ("flow: good", "flow: \"good\""),
    ("flow: good", "flow: 'good'"),
    ("languages: [zh-CN, en]", "languages:\n  - zh-CN\n  - en"),
    ("languages: [zh-CN, en]", "languages: [ zh-CN , en ]"),
    ("languages: [zh-CN, en]", "languages: [en, zh-CN]"),
    ("languages: [zh-CN, en]", "languages: [zh-CN, en, en]"),
    ("start: welcome", "start: \"welcome\""),
    ("    goto: main", "    goto: \"main\""),
    ("    goto: main", "    { goto: main }"),
    ("    goto: main", "    goto:   main   # once more"),
    ("        9: agent\n", "        9: agent   # a person\n"),
    ("        9: agent\n", "        9: \"agent\"\n"),
    ("        9: agent\n", "        9: agent\n\n\n"),
    // Fields, their order and their least and most.
    ("to: urgent, priority: 90,", "priority: 90, to: urgent,"),
    ("priority: 90", "priority: 100"),
    (", priority: 90", ""),
    ("timeout: 5s", "timeout: 1s"),
    ("timeout: 5s", "timeout: 60s"),
    ("timeout: 5s", "timeout: \"5s\""),
    ("between_digits: 4s", "between_digits: 1s"),
    ("      timeout: 8s\n", ""),
    ("      between_digits: 4s\n", ""),
    ("max: 19", "max: 19\n      retries: 1\n      barge_in: false"),
    ("max: 19", "max: 20"),
    ("min: 6\n      max: 19", "min: 19\n      max: 19"),
    ("barge_in: false, ", ""),
    (
        "{ prompts: noinput, then: agent }\n      on_invalid: { prompts: invalid, then: agent }\n  english",
        "{ then: agent }\n      on_invalid: { then: agent }\n  english",
    ),
    ("prompts: noinput, then: agent", "prompts: [noinput, invalid], then: agent"),
    ("prompts: noinput, then: agent", "then: agent, prompts: noinput"),
    // Keys.
    ("        9: agent\n", "        9: agent\n        4: agent\n"),
    ("        9: agent\n", "        9: agent\n        B: agent\n        c: agent\n        D: agent\n"),
    ("\"#\": english", "'#': english"),
    ("        0: urgent\n", "        \"0\": urgent\n"),
    // Names.
    ("  again:\n", "  \"again\":\n"),
    ("next: again }\n  again:\n", "next: once-more_2 }\n  once-more_2:\n"),
    ("next: again }\n  again:\n", "next: 再来一次 }\n  再来一次:\n"),
    ("next: again }\n  again:\n", "next: hangup }\n  hangup:\n"),
    // Values and conditions.
    ("into: account\n", "into: $account\n"),
    ("tries: 1", "tries: 0"),
    ("tries: 1", "tries: 9000000000000"),
    ("tries: 1", "account: \"no number\""),
    ("tries: 1", "account: ''"),
    ("language: en, tries: 1,", "tries: 1,"),
    ("language: en, tries: 1,", "language: zh-CN,"),
    ("tries: 1", "tries: 1, account: $dialled"),
    ("digits: $account", "phone: $caller"),
    ("digits: $account", "digits: $dialled"),
    (
        "say: { before: acct_thanks, digits",
        "say: { before: acct_thanks, after: [to_agent], barge_in: false, digits",
    ),
    ("say: { before: acct_thanks, digits", "say: { digits"),
    ("$tries >= 3", "$tries != 3"),
    ("$tries >= 3", "$tries>=3"),
    ("$tries >= 3", "$tries >= -3"),
    ("not $tries >= 3", "not ( $tries >= 3 )"),
    ("\"$caller starts_with '138' and not $tries >= 3\"", "'$caller starts_with \"138\"'"),
    ("\"$caller starts_with '138' and not $tries >= 3\"", "$account == $caller"),
    ("$caller starts_with '138'", "caller starts_with '138'"),
    ("$language == 'en'", "language == 'en' or caller == ''"),
    // Where the call goes.
    ("agent: 1001", "agent: \"1002\""),
    ("number: 95501", "number: \"95500\""),
    ("number: 95501", "number: $caller"),
    ("on_full: other_desk", "on_full: agent"),
    ("on_failed: agent", "on_failed: main"),
    (", on_empty: closed", ", on_empty: other_desk"),
    ("hangup: { prompts: goodbye }", "hangup: { prompts: [goodbye] }"),
    // Hours.
    ("mon-fri: [08:00-12:00, 13:00-21:00]", "mon: 08:00-12:00\n        tue-fri: [08:00-12:00]"),
    ("mon-fri: [08:00-12:00, 13:00-21:00]", "mon-fri: 00:00-24:00"),
    ("mon-fri: [08:00-12:00, 13:00-21:00]", "mon-fri: [13:00-21:00, 08:00-12:00]"),
    ("sun: closed", "sun: []"),
    ("sun: closed", "sun: 9:30-9:31"),
    ("2026-10-01..2026-10-07", "2026-10-01..2026-10-01"),
    ("2026-10-01..2026-10-07", "2028-02-29"),
    (
        "        2026-10-10: 09:00-17:00\n",
        "        2026-10-10: [09:00-12:00, 13:00-17:00]\n        2026-10-11: closed\n",
    ),
    ("      working_days:\n        2026-10-10: 09:00-17:00\n", ""),
    ("Asia/Shanghai", "UTC"),
    // A person is near.
    (
        "humane: { complaints: agent }\n",
        "humane: { questions: 3, prompts: 60s, person_key: 9, complaints: agent }\n",
    ),
    ("humane: { complaints: agent }\n", "humane:\n  complaints: other_desk\n"),
    ("humane: { complaints: agent }\n", "humane: { complaints: agent, prompts: 5m }\n"),
    ("humane: { complaints: agent }\n", "humane: { complaints: agent, person_key: \"0\" }\n"),
    ("$tries + 2 - 1", "1 - $tries"),
    ("$tries + 2 - 1", "$max_tries"),
    ("$tries + 2 - 1", "$tries - $max_tries"),
    ("share: 20, then: count }\n        - { share: 80", "share: 0, then: count }\n        - { share: 100"),
    ("for: 500ms", "for: 1m"),
    ("value: $tries", "value: \"twice\""),
    ("value: $tries", "value: $max_tries"),
    ("value: $tries", "value: $language"),
    (", value: $tries", ""),
    (", timeout: 6s", ", barge_in: false"),
    (
        "to: bank\n      path: \"/customers/{$caller}\"\n      body: { pin: $pin, ",
        "to: weather\n      path: /x\n      body: { ",
    ),
    ("method: post", "method: PUT"),
    ("/customers/{$caller}", "/customers/{$account}/{$tries}?to={$dialled}&all"),
    ("pin: $pin, tries: $tries", "a: { b: { c: { pin: $pin } } }, name: \"12\", ok: false"),
    ("timeout: 800ms", "timeout: 5s"),
    ("      timeout: 800ms\n      retries: 1\n", ""),
    ("404: closed", "404: closed, 200: agent, 503: agent"),
    ("      on_status: { 404: closed }\n", ""),
    ("      answer: { customer.account: $account, customer.tries: $tries }\n", ""),
    ("amount: 12345.67", "amount: 0"),
    ("amount: 12345.67", "amount: -0.5"),
    ("amount: 12345.67", "amount: $amount"),
    ("due: 2026-10-01", "due: 2024-02-29"),
    ("due: 2026-10-01", "due: \"2026-10-01\""),
    ("opens: 08:30", "opens: 8:30"),
    ("opens: 08:30", "opens: \"00:00\""),
    ("waited: 1m30s", "waited: 0s"),
    ("waited: 1m30s", "waited: 26h"),
    ("$amount >= 20000", "20000.00 <= $amount"),
    ("$amount >= 20000", "$amount != 0.3"),
    ("$due <= 2026-10-07", "$due != $due"),
    ("$opens == 08:30", "($opens >= 8:30 and $opens < 17:00)"),
    ("$waited > 90s", "$waited>1m30s"),
    ("$tries >= 3", "$tries >= -3"),
    // Two keys are a choice.
    ("into: amount\n      prompts: acct\n      max: 7\n", "into: tries\n      prompts: acct\n      max: 2\n"),
    ("value: $tries, next: enough", "value: 3, next: enough"),
    ("max: 7\n", "max: 15\n"),
];

#[test]
fn what_is_close_to_a_fault_and_right_is_not_complained_about() {
    let mut wrong = String::new();
    for (from, to) in RIGHT {
        assert!(GOOD.contains(from), "{from}");
        let found = bank::findings("good.yaml", &GOOD.replacen(from, to, 1));
        if !found.is_empty() {
            wrong
                .push_str(&format!("\n#### {from:?} -> {to:?}\n{}", hotline::diagnostic::render_all(&found)));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_planted_fault_is_found_where_it_is_and_nothing_else_is() {
    let mut wrong = String::new();
    for (place, (from, to, expected)) in FAULTS.iter().enumerate() {
        assert_eq!(GOOD.matches(from).count().min(1), 1, "fault {place} replaces nothing: {from}");
        let marked = with_company(GOOD.replacen(from, to, 1));
        // A caret that cannot be marked inside the replacement stands at the first place of these words.
        let (code, at) = match expected.split_once(' ') {
            Some((code, words)) => (code, marked.find(words).expect("the words are there")),
            None => (*expected, marked.find('«').unwrap_or_else(|| panic!("fault {place} has no mark"))),
        };
        let text = marked.replace('«', "");
        let line = text[..at].matches('\n').count() + 1;
        let column = text[..at].chars().rev().take_while(|c| *c != '\n').count() + 1;
        let found = bank::findings("good.yaml", &text);
        let is: Vec<_> = found.iter().map(|d| (d.code, d.position())).collect();
        if is != [(code, (line, column))] {
            let said = hotline::diagnostic::render_all(&found);
            wrong.push_str(&format!(
                "\n#### {from:?} -> {to:?}: expected {code} at {line}:{column}, found {is:?}\n{said}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Codes that no change of the good flow can give, with the tests that plant them and why those are elsewhere.
const ELSEWHERE: &[(&[&str], &str, &str)] = &[
    (
        &["yaml-009", "flow-028"],
        include_str!("bad_flows.rs"),
        "too many nodes, and two files, need more than a change",
    ),
    (&["yaml-011"], include_str!("../../src/config/tests.rs"), "a file that is not there"),
    (&["yaml-015", "yaml-016"], include_str!("../../src/publishing/draft.rs"), "files that are not taken"),
    (
        &["flow-064", "flow-065", "flow-066", "flow-067", "flow-068", "flow-069"],
        include_str!("subflows.rs"),
        "flows that call each other",
    ),
    (&["flow-071", "flow-073"], include_str!("humane.rs"), "questions and menus one behind the other"),
    (
        &["flow-093", "flow-094", "flow-095", "flow-096", "flow-097"],
        include_str!("messages.rs"),
        "messages and ratings",
    ),
    (
        &["flow-110", "flow-111", "flow-112", "flow-113"],
        include_str!("assisted.rs"),
        "flows that agents start",
    ),
    (&["flow-120", "flow-121", "flow-122"], include_str!("bots.rs"), "bots"),
    (&["flow-123", "flow-124"], include_str!("trial.rs"), "mocks of bots"),
    (
        &["flow-085", "flow-086", "flow-087", "flow-088", "flow-089"],
        include_str!("waits.rs"),
        "waiting in queues",
    ),
    (&["flow-100", "flow-101"], include_str!("emergency.rs"), "broadcasts and checks of entries"),
    (&["flow-102"], include_str!("profile.rs"), "profiles"),
    (&["yaml-012", "yaml-013", "yaml-014"], include_str!("snippets.rs"), "snippets"),
    (&["flow-080"], include_str!("../api/flows.rs"), "what is looked at when flows are published"),
];

#[test]
fn every_code_for_flows_is_planted_and_there_are_enough_faults_and_right_ones() {
    let planted: Vec<&str> = FAULTS.iter().map(|(.., code)| code.split(' ').next().unwrap_or("")).collect();
    for (codes, text, why) in ELSEWHERE {
        for code in *codes {
            assert!(text.contains(&format!("\"{code}")), "{code} is said to be planted elsewhere: {why}");
            assert!(!planted.contains(code), "{code} is planted here");
        }
    }
    let elsewhere = |code: &&str| ELSEWHERE.iter().any(|(codes, ..)| codes.contains(code));
    let of_flows = |code: &str| code.starts_with("flow-") || code.starts_with("yaml-");
    for (code, ..) in hotline::diagnostic::codes::CODES.iter().filter(|(code, ..)| of_flows(code)) {
        assert!(planted.contains(code) || elsewhere(code), "{code} is never planted");
    }
    assert!(FAULTS.len() >= ENOUGH, "{} faults", FAULTS.len());
    assert!(RIGHT.len() >= ENOUGH, "{} right ones", RIGHT.len());
}

#[test]
fn two_files_may_not_define_one_flow() {
    let names = bank::Names::all();
    let sources = ["a/good.yaml", "b/good.yaml"].map(|name| hotline::diagnostic::Source::new(name, GOOD));
    let found = hotline::ivr::compile(&sources, &bank::world(&names)).expect_err("two of one name");
    assert_eq!(found[0].code, "flow-028");
    assert_eq!(found[0].source.name, "b/good.yaml");
}

#[test]
fn a_file_full_of_mistakes_gives_a_readable_number_of_them() {
    let mut text = GOOD.to_owned();
    for node in 0..400 {
        text.push_str(&format!("  lost_{node}:\n    gooto: nowhere_{node}\n"));
    }
    let found = bank::findings("good.yaml", &text);
    assert_eq!(found.len(), hotline::diagnostic::MAX_FINDINGS + 1);
    assert!(found.iter().all(|d| d.code == "flow-001"));
    assert!(found.last().is_some_and(|d| d.message.ends_with("(the last of 300 more in this file)")));
}

#[test]
fn a_flow_of_too_many_nodes_is_refused_and_not_worked_on() {
    let mut text = "flow: big\nlanguages: [en]\nstart: n0\nnodes:\n".to_owned();
    for node in 0..600 {
        text.push_str(&format!("  n{node}: {{ goto: n{} }}\n", node + 1));
    }
    let found = bank::findings("big.yaml", &text);
    assert!(found.iter().any(|d| d.code == "yaml-009" && d.position() == (505, 3)));
    assert!(found.len() <= hotline::diagnostic::MAX_FINDINGS + 1);
}
