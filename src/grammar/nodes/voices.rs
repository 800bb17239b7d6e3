//! What callers leave behind, whom else they talk with, and what all of them are told.

use super::super::flow::NAME;
use super::super::{Kind, Map, Names, Shape, kind, may, need, one_of};
use super::{BARGE_IN, NEXT, PROMPTS, TIMEOUT};

pub(super) const RECORD: Kind = kind(
    "record",
    "Takes a message after a tone, on the call's tape. Who hangs up has left what they said.",
    &[
        need("name", Shape::Like("name", NAME), "complaint", "What the bank calls messages like this one."),
        may("prompts", PROMPTS, "leave_msg", "Said before the tone."),
        may("min", Shape::Duration("500ms", "10s"), "2s", "A shorter one is none.").or("1s"),
        may("max", Shape::Duration("1s", "5m"), "30s", "It ends after so long.").or("1m"),
        may("end", Shape::Word(&["#", "*", "none"]), "none", "The key that ends it.").or("\"#\""),
        NEXT,
        need("on_short", Shape::Target, "person", "If it was too short to be one."),
        need("on_failed", Shape::Target, "person", "If it cannot be recorded."),
    ],
    "record: { name: complaint, prompts: leave_msg, max: 2m, next: goodbye, on_short: person, on_failed: person }",
);

pub(super) const SURVEY: Kind = kind(
    "survey",
    "Asks how the talk was. A wrong key is forgiven once.",
    &[
        need("prompts", PROMPTS, "svy", "The question."),
        may(
            "scores",
            Shape::Like("two keys such as `1-5`", "^[0-9]-[0-9]$"),
            "1-3",
            "The keys that are scores, the lowest and the highest.",
        )
        .or("1-5"),
        TIMEOUT,
        BARGE_IN,
        NEXT,
        may("on_low", Shape::Fields(&LOW), "", "Where low scores lead."),
        may("on_no_answer", Shape::Target, "goodbye", "Silence.").or_depends("`next`"),
    ],
    "survey: { prompts: svy, on_low: { up_to: 2, then: person }, next: goodbye }",
);

const LOW: Map = Map {
    name: "low scores",
    about: "Scores that lead elsewhere.",
    fields: &[
        need("up_to", Shape::Whole(0, 8), "2", "The highest of them; less than the highest score."),
        need("then", Shape::Target, "person", "Where they lead."),
    ],
    names: None,
};

pub(super) const EMERGENCY: Kind = kind(
    "emergency",
    "Says the emergency broadcast, if one is on. No key stops it but 0, for a loss.",
    &[
        need("next", Shape::Target, "main", "If none is on, and after one of level `info`."),
        need("deflect", Shape::Target, "cards", "After one of level `deflect`: what is still possible."),
        need("loss", Shape::Target, "person", "Key 0 while it is said; a person must be reached from there."),
    ],
    "emergency: { next: main, deflect: cards, loss: person }",
);

pub(super) const PROFILE: Kind = kind(
    "profile",
    "Remembers a few things of the caller's number, or recalls them in a later call.",
    &[
        one_of(
            "recall",
            Shape::Names(&Names {
                what: "name",
                pattern: r"^[\p{L}\p{N}_-]{1,32}$",
                value: Shape::Variable,
                least: 1,
                most: 8,
            }),
            "{ language: $language, tries: $tries }",
            "The variables that take what is known: numbers, texts, `$language`.",
        ),
        one_of(
            "remember",
            Shape::Names(&Names {
                what: "name",
                pattern: r"^[\p{L}\p{N}_-]{1,32}$",
                value: Shape::Value,
                least: 1,
                most: 8,
            }),
            "{ language: $language, tries: 3 }",
            "What to remember: numbers, fixed texts, `$language`; nothing that a caller may have typed.",
        ),
        NEXT,
        may("on_unknown", Shape::Target, "person", "With `recall`: nothing of it is known.")
            .or_depends("`next`"),
    ],
    "profile: { recall: { language: $language }, next: main }",
);

pub(super) const AGENT_RETURN: Kind = kind(
    "agent_return",
    "Gives the caller back to the agent who sent them into this flow. Such a flow has no other end.",
    &[
        need("result", Shape::Word(&["ok", "fail"]), "ok", "Whether the caller has proven who they are."),
        may(
            "level",
            Shape::Like("name", "^[A-Za-z0-9_-]{1,32}$"),
            "pin",
            "With `ok`: what was proven, in the bank's own word.",
        ),
        need("prompts", PROMPTS, "sv_ok", "Said to the caller first."),
    ],
    "agent_return: { result: ok, level: pin, prompts: sv_ok }",
);

pub(super) const BOT: Kind = kind(
    "bot",
    "Lets the caller talk with a program elsewhere, in the format of Twilio's Media Streams.",
    &[
        need(
            "to",
            Shape::Like("bot of the configuration", ""),
            "assistant",
            "Which bot, by its name under `bots`.",
        ),
        may(
            "with",
            Shape::Names(&Names {
                what: "name",
                pattern: "^[A-Za-z0-9_-]{1,64}$",
                value: Shape::Value,
                least: 0,
                most: 16,
            }),
            "{ account: $account }",
            "What it is told, as texts; never a secret.",
        ),
        may(
            "into",
            Shape::Names(&Names {
                what: "slot such as `card.last4`",
                pattern: r"^[^.]+(\.[^.]+)*$",
                value: Shape::Variable,
                least: 0,
                most: 16,
            }),
            "{ intent: $ok }",
            "Slots of its result, and the variables that take them.",
        ),
        may("max", Shape::Duration("5s", "30m"), "2m", "It has the caller so long at most.").or("5m"),
        need("next", Shape::Target, "main", "When it ends."),
        may("on_person", Shape::Target, "person", "When it asks for a person.").or_depends("`next`"),
        need(
            "on_failed",
            Shape::Target,
            "person",
            "It is not there in time, breaks off, talks nonsense, or takes too long.",
        ),
    ],
    "bot: { to: assistant, with: { account: $account }, into: { intent: $ok }, next: main, on_person: person, on_failed: person }",
);
