//! Tests of flows: the file, a test, its steps, stand-ins for hosts.

use super::flow::{LANGUAGES, NAME};
use super::{Field, Map, Names, Shape, may, need, one_of};

/// A file of tests.
pub const FILE: Map = Map {
    name: "file of tests",
    about: "`main.test.yaml` beside `main.yaml`. What stands at its left edge holds for all its tests.",
    fields: &[
        FLOW,
        CALLER,
        DIALLED,
        LANGUAGE,
        AT,
        SEED,
        EMERGENCY,
        PROFILE,
        MOCKS,
        need("tests", Shape::List(&Shape::Fields(&TEST), 0, 0), "", "The tests."),
    ],
    names: None,
};

/// One test.
pub const TEST: Map = Map {
    name: "test",
    about: "One call of a caller who has a plan.",
    fields: &[
        need("name", Shape::Text, "nine is a person", "What it shows."),
        need(
            "steps",
            Shape::List(&Shape::Step, 0, 0),
            "[{ hears: welcome }, { presses: 9 }, { queue: general }]",
            "What the caller does, and what is expected.",
        ),
        FLOW,
        CALLER,
        DIALLED,
        LANGUAGE,
        AT,
        SEED,
        EMERGENCY,
        PROFILE,
        MOCKS,
    ],
    names: None,
};

const FLOW: Field =
    may("flow", Shape::Text, "small", "The flow under test.").or_depends("the one the file is called after");
const CALLER: Field = may("caller", Shape::Text, "\"13900000001\"", "Who calls.").or("\"13800138000\"");
const DIALLED: Field =
    may("dialled", Shape::Text, "\"95500\"", "The number that was dialled.").or_depends("the bank's first");
const LANGUAGE: Field = may("language", Shape::Word(LANGUAGES), "en", "The language the call begins in.")
    .or_depends("the flow's first");
const AT: Field = may(
    "at",
    Shape::Like("time such as `2026-11-28 09:30`, perhaps with an offset", r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d"),
    "2026-11-28 09:30",
    "When the call begins, by the clock of the flow's first `hours`.",
)
.or("2026-03-02 10:00");
const SEED: Field = may(
    "seed",
    Shape::Whole(0, i64::MAX),
    "7",
    "What parts callers at `percent`: another seed, another way.",
)
.or("0");
const EMERGENCY: Field = may("emergency", Shape::Fields(&BROADCAST), "", "The broadcast that is on.");
const PROFILE: Field = may(
    "profile",
    Shape::Names(&Names { what: "name", pattern: "", value: Shape::Text, least: 0, most: 0 }),
    "{ language: en }",
    "What is remembered of the caller.",
);
const MOCKS: Field = may(
    "mocks",
    Shape::List(&Shape::Either(&Shape::Fields(&MOCK), &Shape::Fields(&BOT_MOCK)), 0, 0),
    "[{ host: bank, method: get, path: \"/customers/*\", status: 200, body: { name: Li }, delay: 300ms, times: 1 }, { bot: assistant, result: { intent: loss }, transfer: true, after: 20s, times: 1 }]",
    "Stand-ins for the hosts that the flow asks, and for bots. The first that fits answers, those of a test before those of the file.",
);

/// A stand-in for a host.
pub const MOCK: Map = Map {
    name: "mock",
    about: "What a host answers to a flow on trial. A question that no mock answers fails the test.",
    fields: &[
        need("host", Shape::Like("host of the configuration", ""), "bank", "The host."),
        may(
            "method",
            Shape::Word(&["get", "post", "put", "patch", "delete"]),
            "get",
            "How it is asked; left out, anyhow.",
        ),
        need("path", Shape::Text, "/customers/*", "What it is asked for; a star stands for anything."),
        one_of("status", Shape::Whole(100, 599), "200", "What it answers."),
        one_of(
            "failure",
            Shape::Word(&["unreachable", "timeout", "busy", "too_large", "malformed"]),
            "unreachable",
            "Why it does not.",
        ),
        may("body", Shape::Json, "{ name: Li }", "What the answer holds."),
        may("delay", Shape::Duration("0s", "1m"), "300ms", "After how long.").or("0s"),
        may("times", Shape::Whole(1, 1000), "1", "How often it answers; left out, always."),
    ],
    names: None,
};

/// A broadcast.
pub const BROADCAST: Map = Map {
    name: "broadcast",
    about: "What `hotline emergency start` would have put on.",
    fields: &[
        need("level", Shape::Word(&["info", "deflect", "full"]), "info", "What comes after it."),
        need("prompts", Shape::OneOrMore(&Shape::Text), "goodbye", "What is said."),
        may(
            "time",
            Shape::Like("time of day", "^[0-9]{1,2}:[0-9]{2}$"),
            "\"14:30\"",
            "Of day, for prompts recorded in two halves.",
        ),
    ],
    names: None,
};

/// A stand-in for a bot.
pub const BOT_MOCK: Map = Map {
    name: "mock of a bot",
    about: "How a conversation ends. Without a result and a failure the bot just closes.",
    fields: &[
        need("bot", Shape::Like("bot of the configuration", ""), "assistant", "The bot."),
        may("result", Shape::Json, "{ intent: loss }", "Its slots."),
        may("transfer", Shape::Truth, "true", "Whether it asks for a person.").or("false"),
        may(
            "failure",
            Shape::Word(&[
                "unreachable",
                "untrusted",
                "timeout",
                "busy",
                "broken",
                "nonsense",
                "too_long",
                "unknown_bot",
                "abandoned",
            ]),
            "timeout",
            "Why there is no conversation, or no end to it; without `result` and `transfer`.",
        ),
        may("after", Shape::Duration("0s", "1m"), "20s", "How long they talk.").or("10s"),
        may("times", Shape::Whole(1, 1000), "1", "For how many conversations; left out, all."),
    ],
    names: None,
};

/// Everything a step can be: first what the caller does, then what is expected.
pub const STEPS: &[Field] = &[
    need(
        "presses",
        Shape::Like("keys", "^[0-9*#A-Da-d]*$"),
        "\"1#\"",
        "Presses these keys, at once or `after` some time.",
    ),
    need(
        "silence",
        Shape::Either(&Shape::Alone, &Shape::Duration("0s", "10m")),
        "3s",
        "Listens to the end and does nothing until the flow gives up waiting; or does nothing for so long.",
    ),
    need("hangs_up", Shape::Alone, "", "Gives up."),
    need(
        "queue_leaves",
        Shape::Word(&["timeout", "full", "empty"]),
        "timeout",
        "Comes back from the queue, for this reason.",
    ),
    need("position", Shape::Whole(0, 1000), "3", "In the queue: so many callers are before this one."),
    need(
        "estimate",
        Shape::Either(&Shape::Word(&["unknown"]), &Shape::Duration("0s", "24h")),
        "5m",
        "In the queue: so long a wait is expected.",
    ),
    need("agent_answers", Shape::Text, "1001", "This agent picks up."),
    need("transfer_fails", Shape::Alone, "", "Comes back from the transfer."),
    need("speaks", Shape::Duration("0s", "10m"), "5s", "Speaks a message so long, after the tone."),
    need("message_fails", Shape::Alone, "", "The message cannot be recorded."),
    need(
        "hears",
        Shape::OneOrMore(&Shape::Text),
        "[noinput, main]",
        "Exactly these prompts are said, from what the caller did last until the flow waits. With `...` as the last one the first few, and what follows still plays.",
    ),
    need(
        "queue",
        Shape::Either(&Shape::Text, &Shape::Fields(&IN_QUEUE)),
        "general",
        "The caller waits there, whatever was said before.",
    ),
    need("transfer", Shape::Fields(&TRANSFERRED), "", "The caller is transferred there."),
    need(
        "callback",
        Shape::Either(&Shape::Text, &Shape::Fields(&CALLED_BACK)),
        "general",
        "Wished since the caller did something last: to be called back by this queue's agents.",
    ),
    need("message", Shape::Text, "complaint", "A message of this name has been left since."),
    need(
        "survey",
        Shape::Like("key, or `no_answer`", "^([0-9]|no_answer)$"),
        "5",
        "The rating that has been given since.",
    ),
    need(
        "agent_return",
        Shape::Word(&["ok", "fail", "cancelled"]),
        "ok",
        "Back with the agent who sent the caller into the flow.",
    ),
    need("ends", Shape::Alone, "", "The flow hangs up."),
    need(
        "at",
        Shape::Text,
        "main",
        "The caller is at this node; `verify/pin` is a node of a flow that was called.",
    ),
    need(
        "remark",
        Shape::Either(
            &Shape::Text,
            &Shape::Names(&Names { what: "name", pattern: "", value: Shape::Text, least: 1, most: 1 }),
        ),
        "{ language: en }",
        "Noted for the journal since the caller did something last.",
    ),
    need(
        "variables",
        Shape::Names(&Names {
            what: "variable",
            pattern: NAME,
            value: Shape::Either(&Shape::Text, &Shape::Fields(&TYPED)),
            least: 0,
            most: 0,
        }),
        "{ account: \"1234\" }",
        "What variables hold; of a secret only how many keys: `{ pin: { typed: 6 keys } }`.",
    ),
    need("language", Shape::Word(LANGUAGES), "en", "The language the call goes on in."),
];

/// Stands beside `presses`.
pub const AFTER: Field = may(
    "after",
    Shape::Duration("0s", "10m"),
    "2s",
    "So long after what was before, be it in the middle of a prompt.",
)
.or("0s");

/// How many of `STEPS`, from the first, are what the caller does.
pub const DONE: usize = 10;

/// The steps' names: what the reader of tests knows.
pub const NAMES: [&str; STEPS.len()] = {
    let mut names = [""; STEPS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = STEPS[at].name;
        at += 1;
    }
    names
};

const IN_QUEUE: Map = Map {
    name: "expected queue",
    about: "A queue, and the priority the caller has there.",
    fields: &[
        need("to", Shape::Text, "urgent", "The queue."),
        may("priority", Shape::Whole(0, 100), "90", "Left out, any."),
    ],
    names: None,
};

const CALLED_BACK: Map = Map {
    name: "expected callback",
    about: "Who calls back, and whom.",
    fields: &[
        need("to", Shape::Text, "general", "The queue."),
        may("number", Shape::Text, "\"13800138000\"", "Left out, any."),
    ],
    names: None,
};

const TRANSFERRED: Map = Map {
    name: "expected transfer",
    about: "Where a call is transferred.",
    fields: &[
        one_of("agent", Shape::Text, "1001", "An agent."),
        one_of("number", Shape::Text, "\"95501\"", "A number; it need not be the bank's."),
    ],
    names: None,
};

const TYPED: Map = Map {
    name: "typed secret",
    about: "All that may be known of a secret.",
    fields: &[need("typed", Shape::Like("number of keys", "^[0-9]+( *keys?)?$"), "6 keys", "How many keys.")],
    names: None,
};
