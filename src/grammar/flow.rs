//! The file of a flow: what it says before its nodes.

use super::{Field, Map, Names, Shape, may, need};

/// The languages that prompts and numbers are spoken in.
pub(super) const LANGUAGES: &[&str] = &["zh-CN", "en"];
/// Names of nodes and variables: letters of any script, digits, `_` and `-`.
pub(super) const NAME: &str = r"^[\p{L}\p{N}_-]+$";
/// Keys of the telephone.
pub(super) const KEY: Shape = Shape::Like("key: 0 to 9, `\"*\"`, `\"#\"`", "^[0-9*#A-Da-d]$");

/// A whole flow.
pub const FLOW: Map = Map {
    name: "flow",
    about: "A file of YAML in the folder `flows` of the configuration. Its name is the file's.",
    fields: FIELDS,
    names: None,
};

const FIELDS: &[Field] = &[
    need("flow", Shape::Text, "test", "The flow's name: that of its file, without `.yaml`."),
    need(
        "languages",
        Shape::OneOrMore(&Shape::Word(LANGUAGES)),
        "[zh-CN, en]",
        "What it speaks. The first is for callers who speak none of them; every prompt must exist in all.",
    ),
    need("start", Shape::Target, "begin", "Where a call begins."),
    may(
        "vars",
        Shape::Names(&VARIABLES),
        "{ tries: number }",
        "Variables with their kinds; read with `$name`. `caller`, `dialled` and `language` are always there.",
    ),
    may(
        "parameters",
        Shape::Names(&VARIABLES),
        "{ account: text }",
        "What a flow that calls this one must give it: variables like those of `vars`.",
    ),
    may("results", Shape::Names(&VARIABLES), "{ ok: text }", "What its `return` gives back; never a secret."),
    may(
        "constants",
        Shape::Names(&VARIABLES),
        "{ max_tries: number }",
        "Which of the configuration's `constants` it reads.",
    ),
    may(
        "snippets",
        Shape::Names(&SNIPPETS),
        "{ once: { retries: 1 } }",
        "Fields that many nodes have alike, for `use` in nodes. A file that has nothing but these is for all flows of its folder.",
    ),
    may("humane", Shape::Fields(&HUMANE), "", "Limits of its own for how far a person may be."),
    need(
        "nodes",
        Shape::Names(&NODES),
        "{ begin: { goto: person }, person: { queue: { to: general, on_timeout: goodbye, on_full: goodbye } }, goodbye: { hangup: { prompts: goodbye } } }",
        "The nodes by their names, up to 500.",
    ),
];

const VARIABLES: Names = Names {
    what: "name",
    pattern: NAME,
    value: Shape::Word(&["text", "number", "money", "date", "time", "duration", "secret"]),
    least: 0,
    most: 64,
};

const SNIPPETS: Names = Names { what: "name", pattern: "", value: Shape::Snippet, least: 0, most: 0 };

/// The field that puts snippets where it stands.
pub const USE: &str = "use";

/// Kinds and fields whose keys are names of variables, results or another system's: no snippet belongs there.
pub const WITHOUT_SNIPPETS: [&str; 6] = ["set", "return", "with", "into", "body", "answer"];

const NODES: Names = Names { what: "name", pattern: NAME, value: Shape::Node, least: 0, most: 500 };

/// `humane:` of a flow.
pub const HUMANE: Map = Map {
    name: "humane",
    about: "What must hold for callers who keep silent, press wrong keys or press the key for a person (flow-070 to flow-074 warn).",
    fields: HUMANE_FIELDS,
    names: None,
};

const HUMANE_FIELDS: &[Field] = &[
    may("questions", Shape::Whole(1, 10), "4", "A person is reached within so many questions.").or("3"),
    may(
        "prompts",
        Shape::Duration("10s", "5m"),
        "90s",
        "And within so much time of prompts, repeats included.",
    )
    .or("60s"),
    may("person_key", KEY, "0", "The key for a person, wherever a menu has it.").or("9"),
    may(
        "complaints",
        Shape::Target,
        "person",
        "Where complaints are taken: the first menu of a number must have a key for it.",
    ),
];
