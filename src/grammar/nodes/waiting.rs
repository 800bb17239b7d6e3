//! Waiting for an agent, and being called back instead.

use super::super::flow::KEY;
use super::super::{Field, Kind, Map, Shape, kind, may, need};
use super::{KEYS, NEXT, PROMPTS};

pub(super) const QUEUE: Kind = kind("queue", "Waits for an agent.", FIELDS, EXAMPLE);

const EXAMPLE: &str = "queue: { to: general, prompts: to_agent, tell: { every: 60s }, keys: { \"*\": main }, on_timeout: goodbye, on_full: goodbye }";

const FIELDS: &[Field] = &[
    need("to", Shape::Like("queue of the configuration", ""), "general", "Which queue."),
    may(
        "priority",
        Shape::Either(&Shape::Whole(0, 100), &Shape::Variable),
        "90",
        "Higher is sooner. A variable is a number; beyond 0 and 100 it counts as these.",
    )
    .or_depends("the queue's"),
    may("prompts", PROMPTS, "to_agent", "Said first."),
    may(
        "music",
        Shape::Like("prompt, or `none`", ""),
        "none",
        "What is heard meanwhile, in a loop; `none`: silence.",
    )
    .or_depends("the queue's"),
    may(
        "comfort",
        Shape::Either(&Shape::Word(&["none"]), &Shape::Fields(&COMFORT)),
        "{ prompts: [comfort, antifraud], every: 30s }",
        "Messages that take turns.",
    )
    .or_depends("the queue's"),
    may(
        "tell",
        Shape::Fields(&TELL),
        "{ position: false, estimate: true, every: 60s }",
        "What callers are told of their place. Left out, nothing.",
    ),
    may("keys", Shape::Names(&KEYS), "{ \"*\": main }", "Keys that leave the queue, at any time."),
    may("offer", Shape::Fields(&OFFER), "", "Something else that the caller may choose, offered once."),
    may(
        "agent_id",
        Shape::Truth,
        "true",
        "Whether the agent's number is said when one has picked up, before they talk.",
    )
    .or("false"),
    need("on_timeout", Shape::Target, "goodbye", "After the queue's `max_wait`."),
    need("on_full", Shape::Target, "goodbye", "If `max_waiting` callers wait already."),
    may(
        "on_empty",
        Shape::Target,
        "goodbye",
        "If none of its agents is logged in. Left out, the caller waits.",
    ),
];

const INTERVAL: Shape = Shape::Duration("10s", "10m");
const WAIT: Shape = Shape::Duration("10s", "1h");

const COMFORT: Map = Map {
    name: "comfort",
    about: "What is said to who waits.",
    fields: &[
        need("prompts", PROMPTS, "comfort", "One after the other."),
        need("every", INTERVAL, "30s", "How long after whatever was said last."),
    ],
    names: None,
};

const TELL: Map = Map {
    name: "tell",
    about: "What callers are told of their place: at least one of the two.",
    fields: &[
        may("position", Shape::Truth, "false", "How many are before them: on entry, and when it is better.")
            .or("true"),
        may("estimate", Shape::Truth, "false", "How long it will take, in minutes, if that is known.")
            .or("true"),
        may("every", INTERVAL, "60s", "Also when nothing has changed, so often."),
    ],
    names: None,
};

const OFFER: Map = Map {
    name: "offer",
    about: "Made after a wait or for a long estimate, whichever comes first; one of the two is given.",
    fields: &[
        need("prompts", PROMPTS, "cb_offer", "The offer. The caller keeps the place while it is said."),
        may("after", WAIT, "60s", "After so long a wait."),
        may("estimate", WAIT, "2m", "When more than so long a wait is still to come."),
        need("keys", Shape::Names(&KEYS), "{ 1: main }", "Where the keys lead that take it."),
        may("stay", KEY, "2", "The key that declines it."),
    ],
    names: None,
};

pub(super) const CALLBACK: Kind = kind(
    "callback",
    "Writes down that the caller is to be called back.",
    &[
        need(
            "number",
            Shape::Variable,
            "$caller",
            "The number, a text: 5 to 15 digits. One that the caller typed was typed with `check: phone`.",
        ),
        need("queue", Shape::Like("queue of the configuration", ""), "general", "Whose agents are to call."),
        NEXT,
        need("on_refused", Shape::Target, "person", "If the number cannot be called."),
    ],
    "callback: { number: $caller, queue: general, next: goodbye, on_refused: person }",
);
