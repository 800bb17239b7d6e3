//! The kinds of node.

use super::flow::{LANGUAGES, NAME};
use super::{Field, Kind, Map, Names, Shape, kind, may, need, one_of};

mod voices;
mod waiting;

use voices::{AGENT_RETURN, BOT, EMERGENCY, PROFILE, RECORD, SURVEY};
use waiting::{CALLBACK, QUEUE};

/// All kinds, in the order in which they are listed.
pub const NODES: &[Kind] = &[
    PLAY,
    MENU,
    COLLECT,
    SAY,
    SET,
    SWITCH,
    HOURS,
    HTTP,
    BOT,
    QUEUE,
    CALLBACK,
    TRANSFER,
    RECORD,
    SURVEY,
    PERCENT,
    EVENT,
    WAIT,
    LANGUAGE,
    PROFILE,
    EMERGENCY,
    CALL,
    RETURN,
    AGENT_RETURN,
    GOTO,
    HANGUP,
];

/// Their names: what the reader of flows knows.
pub const NAMES: [&str; NODES.len()] = {
    let mut names = [""; NODES.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = NODES[at].map.name;
        at += 1;
    }
    names
};

const PROMPTS: Shape = Shape::Prompts;
const NEXT: Field = need("next", Shape::Target, "person", "What comes afterwards.");
const BARGE_IN: Field = may("barge_in", Shape::Truth, "false", "Whether a key stops the prompts.").or("true");
const TIMEOUT: Field = may(
    "timeout",
    Shape::Duration("1s", "1m"),
    "8s",
    "Silence that counts as no answer, from the end of the prompts.",
)
.or("5s");
const RETRIES: Field = may(
    "retries",
    Shape::Whole(0, 5),
    "1",
    "How often the question is put again; silence and wrong keys count together.",
)
.or("2");
const ON_NO_INPUT: Field = need(
    "on_no_input",
    Shape::Fields(&FAILED),
    "",
    "Silence: said before the question comes again; after the last try, `then`.",
);
const ON_INVALID: Field =
    need("on_invalid", Shape::Fields(&FAILED), "", "The same for a key or an entry that means nothing here.");

const KEYS: Names =
    Names { what: "key", pattern: "^[0-9*#A-Da-d]$", value: Shape::Target, least: 1, most: 16 };

const FAILED: Map = Map {
    name: "failed",
    about: "What happens if an answer fails to come, or means nothing.",
    fields: &[
        may("prompts", PROMPTS, "noinput", "Said before the question is put again."),
        need("then", Shape::Target, "person", "Where the call goes after the last try."),
    ],
    names: None,
};

const PLAY: Kind = kind(
    "play",
    "Says prompts.",
    &[need("prompts", PROMPTS, "[welcome, rec_notice]", "What is said."), BARGE_IN, NEXT],
    "play: { prompts: welcome, barge_in: false, next: main }",
);

const MENU: Kind = kind(
    "menu",
    "Asks for one key.",
    &[
        need("prompts", PROMPTS, "main", "The question."),
        need(
            "keys",
            Shape::Names(&KEYS),
            "{ 1: person, \"*\": goodbye }",
            "Where each key leads. `\"*\"` and `\"#\"` are quoted.",
        ),
        TIMEOUT,
        RETRIES,
        BARGE_IN,
        ON_NO_INPUT,
        ON_INVALID,
    ],
    "menu: { prompts: main, keys: { 1: cards, 9: person }, on_no_input: { prompts: noinput, then: person }, on_invalid: { then: person } }",
);

const COLLECT: Kind = kind(
    "collect",
    "Asks for several keys, into a variable of kind text, number, money or secret. A star takes the entry back.",
    &[
        need("into", Shape::VariableName, "account", "The variable."),
        need("prompts", PROMPTS, "acct", "The question."),
        may("min", Shape::Whole(1, 32), "6", "Fewest keys.").or("1"),
        need(
            "max",
            Shape::Whole(1, 32),
            "19",
            "Most keys; a number or an amount has at most 15. The last one ends the entry.",
        ),
        may("terminator", Shape::Word(&["#", "none"]), "none", "The key that ends the entry.").or("\"#\""),
        may("between_digits", Shape::Duration("1s", "1m"), "3s", "Silence after a key that ends the entry.")
            .or("4s"),
        may(
            "check",
            Shape::Either(&Shape::Word(&["luhn", "date", "day", "phone"]), &Shape::Fields(&CHECK)),
            "{ prompts: invalid, luhn: 16 }",
            "What an entry must be besides long enough; one that is not counts as invalid.",
        ),
        TIMEOUT,
        RETRIES,
        BARGE_IN,
        ON_NO_INPUT,
        ON_INVALID,
        NEXT,
    ],
    "collect: { into: account, prompts: acct, min: 6, max: 19, on_no_input: { then: person }, on_invalid: { then: person }, next: main }",
);

const CHECK: Map = Map {
    name: "check",
    about: "A check with its own prompts. In a word: `luhn`, `date` (YYYYMMDD), `day` (MMDD), `phone` (5 to 15 digits, which `callback` may have).",
    fields: &[
        may("prompts", PROMPTS, "invalid", "Said in place of those of `on_invalid`."),
        one_of(
            "luhn",
            Shape::Whole(2, 32),
            "16",
            "Card numbers: entries of so many digits and more have a check digit that fits (ISO/IEC 7812-1).",
        ),
        one_of("date", Shape::Word(&["yyyymmdd", "mmdd"]), "yyyymmdd", "A day that there is."),
        one_of(
            "one_of",
            Shape::List(&Shape::Like("digits", "^[0-9]+$"), 1, 50),
            "[\"100000\"]",
            "One of these entries.",
        ),
        one_of("from", Shape::Whole(0, i64::MAX), "1", "Of numbers and amounts: not less.").beside("to"),
        one_of("to", Shape::Whole(0, i64::MAX), "50000", "Of numbers and amounts: not more.").beside("from"),
    ],
    names: None,
};

const SAY: Kind = kind(
    "say",
    "Says a value. Which words it takes, and which of them a language lacks, the checker knows.",
    &[
        may("before", PROMPTS, "acct_thanks", "Said before it."),
        one_of("digits", Shape::Variable, "$account", "A text or a constant, digit by digit."),
        one_of("phone", Shape::Variable, "$caller", "A text as telephone numbers are told: one is 幺."),
        one_of("number", Shape::Variable, "$tries", "A number."),
        one_of("money", Shape::Variable, "$balance", "An amount of money."),
        one_of("date", Shape::Variable, "$due", "A date."),
        one_of("time", Shape::Variable, "$opens", "A time of day."),
        one_of("duration", Shape::Variable, "$waited", "A duration."),
        may("after", PROMPTS, "goodbye", "Said after it."),
        BARGE_IN,
        NEXT,
    ],
    "say: { before: acct_thanks, digits: $account, next: person }",
);

const SET: Kind = kind(
    "set",
    "Gives variables their values, in the order written: `tries: $tries + 1`.",
    &[
        may("language", Shape::Word(LANGUAGES), "en", "The language the call goes on in; one of the flow's."),
        NEXT,
    ],
    "set: { language: en, tries: $tries + 1, next: main }",
)
.with_names(&Names { what: "variable", pattern: NAME, value: Shape::Value, least: 0, most: 0 });

const SWITCH: Kind = kind(
    "switch",
    "Goes by conditions; the first case that holds is taken.",
    &[
        need("cases", Shape::List(&Shape::Fields(&CASE), 1, 50), "", "The cases."),
        need("else", Shape::Target, "goodbye", "If none holds."),
    ],
    "switch: { cases: [{ when: \"$caller starts_with '138' and not $tries >= 3\", then: main }], else: person }",
);

const CASE: Map = Map {
    name: "case",
    about: "A condition, and where it leads.",
    fields: &[
        need(
            "when",
            Shape::Like("condition", ""),
            "\"$tries >= 3\"",
            "Comparisons with `==` `!=` `<` `<=` `>` `>=` `starts_with` `ends_with`, joined by `and`, `or`, `not` and parentheses; texts in quotes.",
        ),
        need("then", Shape::Target, "person", "Where it leads."),
    ],
    names: None,
};

const HOURS: Kind = kind(
    "hours",
    "Goes by the clock: opening hours, holidays, moved working days.",
    &[
        need(
            "zone",
            Shape::Like("time zone", "^[A-Za-z0-9_+/-]+$"),
            "Asia/Shanghai",
            "Where the clock hangs, by its name in the IANA database.",
        ),
        need(
            "weekly",
            Shape::Names(&Names {
                what: "day, or days such as `mon-fri`",
                pattern: "^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$",
                value: RANGES,
                least: 0,
                most: 7,
            }),
            "{ mon-fri: [08:00-12:00, 13:00-21:00], sun: closed }",
            "Hours by the day of the week; a day left out is closed.",
        ),
        may(
            "holidays",
            Shape::OneOrMore(&Shape::Like(
                "date, or dates such as `2026-10-01..2026-10-07`",
                r"^\d{4}-\d\d-\d\d(\.\.\d{4}-\d\d-\d\d)?$",
            )),
            "[2026-10-01..2026-10-07]",
            "Days closed whatever the week says.",
        ),
        may(
            "working_days",
            Shape::Names(&Names {
                what: "date",
                pattern: r"^\d{4}-\d\d-\d\d$",
                value: RANGES,
                least: 0,
                most: 0,
            }),
            "{ 2026-10-10: 09:00-17:00 }",
            "Days with hours of their own.",
        ),
        need("open", Shape::Target, "person", "Where the call goes while the bank is open."),
        need("closed", Shape::Target, "goodbye", "And while it is not."),
    ],
    "hours: { zone: Asia/Shanghai, weekly: { mon-fri: [08:00-12:00, 13:00-21:00], sat: 09:00-17:00 }, holidays: [2026-10-01..2026-10-07], open: main, closed: goodbye }",
);

const RANGES: Shape = Shape::OneOrMore(&Shape::Like(
    "hours such as `08:00-21:00`, or `closed`",
    r"^(closed|\s*\d{1,2}:\d\d\s*-\s*\d{1,2}:\d\d\s*)$",
));

const HTTP: Kind = kind(
    "http",
    "Asks one of the bank's own servers.",
    &[
        may("method", Shape::Word(&["get", "post", "put", "patch", "delete"]), "post", "How it is asked.")
            .or("get"),
        need(
            "to",
            Shape::Like("host of the configuration", ""),
            "bank",
            "Which server, by its name under `http.hosts`.",
        ),
        need(
            "path",
            Shape::Like("path", "^/"),
            "\"/cards/{$account}/block\"",
            "What is asked for; values stand in braces, and are encoded.",
        ),
        may(
            "body",
            Shape::Json,
            "{ by: ivr, pin: $pin }",
            "JSON that is sent: texts, numbers, true, false, variables, maps up to 4 deep; not with `get`.",
        ),
        may(
            "timeout",
            Shape::Duration("50ms", "10s"),
            "800ms",
            "For each try; at most what the configuration allows for the host.",
        )
        .or_depends("2s, or less if the host has less"),
        may("retries", Shape::Whole(0, 3), "1", "Tries after the first; all together take at most 15 s.")
            .or_depends("1 for `get`, else 0"),
        may(
            "answer",
            Shape::Names(&Names {
                what: "field of the answer such as `card.last4`",
                pattern: r"^[^.]+(\.[^.]+)*$",
                value: Shape::Variable,
                least: 0,
                most: 16,
            }),
            "{ card.last4: $ok }",
            "Fields of the host's JSON, and the variables that take them.",
        ),
        need("next", Shape::Target, "person", "After a status 2xx, the answer having all fields."),
        may(
            "on_status",
            Shape::Names(&Names {
                what: "status, 200 to 599",
                pattern: "^[2-5][0-9][0-9]$",
                value: Shape::Target,
                least: 0,
                most: 0,
            }),
            "{ 404: goodbye }",
            "After these statuses, whatever the answer holds.",
        ),
        need(
            "on_failed",
            Shape::Target,
            "person",
            "Any other status, no answer in time, or an answer that lacks a field.",
        ),
    ],
    "http: { to: bank, path: \"/customers/{$caller}\", answer: { customer.account: $account }, next: main, on_status: { 404: goodbye }, on_failed: person }",
);

const TRANSFER: Kind = kind(
    "transfer",
    "Connects to one agent, or goes on with the flow of another of the bank's numbers.",
    &[
        one_of(
            "agent",
            Shape::Like("agent of the configuration, or `$variable`", ""),
            "1001",
            "The agent, who is rung for 20 s if ready.",
        ),
        one_of(
            "number",
            Shape::Like("number of the configuration, or `$variable`", ""),
            "95501",
            "The number.",
        ),
        may("prompts", PROMPTS, "to_agent", "Said first."),
        need(
            "on_failed",
            Shape::Target,
            "person",
            "If the agent is not ready or does not answer, or there is none of that name; if the number is not the bank's.",
        ),
    ],
    "transfer: { agent: 1001, on_failed: person }",
);

const PERCENT: Kind = kind(
    "percent",
    "Parts callers by shares, to compare two ways of doing something.",
    &[need(
        "ways",
        Shape::List(&Shape::Fields(&WAY), 2, 10),
        "[{ share: 20, then: person }, { share: 80, then: goodbye }]",
        "The ways; their shares make 100.",
    )],
    "percent: { ways: [{ share: 20, then: main }, { share: 80, then: person }] }",
);

const WAY: Map = Map {
    name: "way",
    about: "A share of the callers, and where they go.",
    fields: &[
        need("share", Shape::Whole(0, 100), "20", "Percent of the callers."),
        need("then", Shape::Target, "person", "Where they go."),
    ],
    names: None,
};

const EVENT: Kind = kind(
    "event",
    "Writes a remark to the journal, for reports and alarms.",
    &[
        need(
            "name",
            Shape::Like("name", NAME),
            "auth_locked",
            "What it is called; not `language`, `way` or `ended`.",
        ),
        may(
            "value",
            Shape::Value,
            "$tries",
            "A fixed text, a number or `$language`: nothing that a caller may have typed.",
        ),
        NEXT,
    ],
    "event: { name: auth_locked, value: $tries, next: person }",
);

const WAIT: Kind = kind(
    "wait",
    "Silence. No key ends it; keys pressed in it are kept for the next question.",
    &[need("for", Shape::Duration("500ms", "1m"), "2s", "How long."), NEXT],
    "wait: { for: 2s, next: main }",
);

const LANGUAGE: Kind = kind(
    "language",
    "Asks once in which language the call goes on. Silence and a wrong key mean `default`.",
    &[
        need("prompts", PROMPTS, "lang", "The question."),
        need(
            "keys",
            Shape::Names(&Names {
                what: "key",
                pattern: "^[0-9*#A-Da-d]$",
                value: Shape::Word(LANGUAGES),
                least: 1,
                most: 16,
            }),
            "{ 1: zh-CN, 2: en }",
            "Which language each key stands for.",
        ),
        need(
            "default",
            Shape::Word(LANGUAGES),
            "zh-CN",
            "The language of those who do not choose; the question is put in it.",
        ),
        TIMEOUT,
        BARGE_IN,
        NEXT,
    ],
    "language: { prompts: lang, keys: { 1: zh-CN, 2: en }, default: zh-CN, next: main }",
);

const CALL: Kind = kind(
    "call",
    "Calls another flow, and goes on when it returns.",
    &[
        need("flow", Shape::Like("flow", ""), "verify", "Which flow, by its name."),
        may(
            "with",
            Shape::Names(&Names {
                what: "parameter",
                pattern: NAME,
                value: Shape::Value,
                least: 0,
                most: 64,
            }),
            "{ account: $account }",
            "What its parameters are given: all of them. A parameter of kind secret takes secrets alone.",
        )
        .or_depends("nothing, to a flow without parameters"),
        may(
            "into",
            Shape::Names(&Names {
                what: "result",
                pattern: NAME,
                value: Shape::VariableName,
                least: 0,
                most: 64,
            }),
            "{ ok: $ok }",
            "The variables that take those of its results that are wanted.",
        ),
        may(
            "next",
            Shape::Target,
            "person",
            "Where the call goes when it returns; a flow that never returns has no `next`.",
        )
        .or_depends("given if and only if the flow returns"),
    ],
    "call: { flow: verify, with: { account: $account }, into: { ok: $ok }, next: main }",
);

const RETURN: Kind =
    kind("return", "Goes back to the flow that called this one.", &[], "return: { ok: \"yes\" }")
        .with_names(&Names { what: "result", pattern: NAME, value: Shape::Value, least: 0, most: 64 });

const GOTO: Kind = Kind {
    map: Map { name: "goto", about: "Goes to another node.", fields: &[], names: None },
    bare: Some(Shape::Target),
    example: "goto: main",
};

const HANGUP: Kind = kind(
    "hangup",
    "Ends the call.",
    &[may("prompts", PROMPTS, "goodbye", "Said first.")],
    "hangup: { prompts: goodbye }",
);
