//! The language of flows, of their tests and of the configuration, declared once: which fields there are, what each
//! holds, what it is when left out, and an example of it.
//!
//! The readers (`ivr`, `ivr::trial`, `config`) take the names of node kinds and of test steps from here; `schema` writes
//! what editors complete by, `reference` what people read. `tests/ivr/grammar/` holds the readers to every line: each
//! reads exactly the fields declared, refuses what is declared refused, and takes a default that is written out for the
//! one that is left out. So nothing here can be true of the pages and not of the server.
//!
//! To add a kind of node: an entry in `nodes::NODES`, then `make grammar`. To add a field: a line in its map.

pub mod config;
pub mod flow;
pub mod nodes;
pub mod reference;
pub mod schema;
pub mod script;

/// A map with fields of its own.
pub struct Map {
    /// What it is called in the schema, and above its table.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    pub fields: &'static [Field],
    /// What the other keys are, if there may be any.
    pub names: Option<&'static Names>,
}

/// One field of a map.
pub struct Field {
    pub name: &'static str,
    pub shape: Shape,
    pub given: Given,
    /// A value, as it stands in a flow. Empty for what has fields itself: then it is made of their examples.
    pub example: &'static str,
    pub about: &'static str,
}

/// Whether a field must be written.
pub enum Given {
    Always,
    /// Left out, nothing is meant.
    Perhaps,
    /// Left out, this is meant.
    Otherwise(&'static str),
    /// Left out, what is meant hangs on other fields: told in words.
    Depends(&'static str),
    /// Exactly one of the map's fields that say so.
    OneOf,
    /// One of them too, and this other field, which says the same of it, may stand beside it.
    OneOfWith(&'static str),
}

/// Keys that are names chosen by who writes them.
pub struct Names {
    /// What they are: "a key of the telephone".
    pub what: &'static str,
    /// What each must look like. Empty: like anything.
    pub pattern: &'static str,
    pub value: Shape,
    pub least: usize,
    /// 0: as many as one likes.
    pub most: usize,
}

/// What a field holds.
pub enum Shape {
    /// Any text.
    Text,
    /// A text that looks like something: what it is, and how it looks.
    Like(&'static str, &'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Truth,
    /// A whole number, from and to.
    Whole(i64, i64),
    /// A time with its unit, from and to.
    Duration(&'static str, &'static str),
    /// The name of a node of this flow: where the call goes.
    Target,
    /// Prompts by name, one or a list.
    Prompts,
    /// `$name`.
    Variable,
    /// The name of a variable, with or without `$`.
    VariableName,
    /// A value as flows write it, or a variable.
    Value,
    /// Whatever JSON can hold.
    Json,
    /// A list of so many at least and at most (0: as many as one likes).
    List(&'static Shape, usize, usize),
    /// One, or a list.
    OneOrMore(&'static Shape),
    Fields(&'static Map),
    Names(&'static Names),
    /// This or that.
    Either(&'static Shape, &'static Shape),
    /// The word alone, without anything behind it.
    Alone,
    /// Fields of nodes, which `use` puts into them.
    Snippet,
    /// One of `nodes::NODES`.
    Node,
    /// One of `script::STEPS`.
    Step,
}

/// A kind of node.
pub struct Kind {
    /// Its name, what it does, its fields.
    pub map: Map,
    /// What stands behind its name if it has no fields.
    pub bare: Option<Shape>,
    /// A node as one would write it.
    pub example: &'static str,
}

/// A kind of node with fields.
const fn kind(
    name: &'static str,
    about: &'static str,
    fields: &'static [Field],
    example: &'static str,
) -> Kind {
    Kind { map: Map { name, about, fields, names: None }, bare: None, example }
}

/// A field that must be written.
const fn need(name: &'static str, shape: Shape, example: &'static str, about: &'static str) -> Field {
    Field { name, shape, given: Given::Always, example, about }
}

/// A field that may be left out.
const fn may(name: &'static str, shape: Shape, example: &'static str, about: &'static str) -> Field {
    Field { name, shape, given: Given::Perhaps, example, about }
}

/// One of several fields of which one must be written.
const fn one_of(name: &'static str, shape: Shape, example: &'static str, about: &'static str) -> Field {
    Field { name, shape, given: Given::OneOf, example, about }
}

impl Field {
    /// Left out, `value` is meant.
    const fn or(mut self, value: &'static str) -> Field {
        self.given = Given::Otherwise(value);
        self
    }

    /// The field `other` may stand beside it.
    const fn beside(mut self, other: &'static str) -> Field {
        self.given = Given::OneOfWith(other);
        self
    }

    /// Left out, what is meant hangs on other things.
    const fn or_depends(mut self, told: &'static str) -> Field {
        self.given = Given::Depends(told);
        self
    }
}

impl Kind {
    /// Its other keys are names.
    const fn with_names(mut self, names: &'static Names) -> Kind {
        self.map.names = Some(names);
        self
    }
}

impl Shape {
    /// Whether a value leads to a node; of maps, whether one of their fields does.
    pub fn leads(&self) -> bool {
        match self {
            Shape::Target => true,
            Shape::List(of, ..) | Shape::OneOrMore(of) => of.leads(),
            Shape::Names(names) => names.value.leads(),
            Shape::Fields(map) => map.fields.iter().any(|field| field.shape.leads()),
            Shape::Either(one, other) => one.leads() || other.leads(),
            _ => false,
        }
    }

    /// As a table says it.
    pub fn told(&self) -> String {
        match self {
            Shape::Text => "text".to_owned(),
            Shape::Like(what, _) => (*what).to_owned(),
            Shape::Word(words) => {
                words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" \\| ")
            }
            Shape::Truth => "`true` \\| `false`".to_owned(),
            Shape::Whole(0, i64::MAX) => "whole number".to_owned(),
            Shape::Whole(least, most) => format!("whole number, {least} to {most}"),
            Shape::Duration(least, most) => format!("duration, `{least}` to `{most}`"),
            Shape::Target => "node".to_owned(),
            Shape::Prompts => "prompts".to_owned(),
            Shape::Variable => "`$variable`".to_owned(),
            Shape::VariableName => "variable".to_owned(),
            Shape::Value => "value or `$variable`".to_owned(),
            Shape::Json => "anything JSON can hold".to_owned(),
            Shape::List(of, _, 0) => format!("list: {}", of.told()),
            Shape::List(of, least, most) => format!("list of {least} to {most}: {}", of.told()),
            Shape::OneOrMore(of) => format!("{}, or a list of them", of.told()),
            Shape::Fields(map) => format!("fields: {}", map.written()),
            Shape::Names(names) => format!("map: {} → {}", names.what, names.value.told()),
            Shape::Either(one, other) => format!("{}; or {}", one.told(), other.told()),
            Shape::Alone => "stands alone".to_owned(),
            Shape::Snippet => "fields of nodes".to_owned(),
            Shape::Node => "one kind of node".to_owned(),
            Shape::Step => "step".to_owned(),
        }
    }
}

impl Map {
    /// Its fields' names, as one would write them.
    fn written(&self) -> String {
        let fields: Vec<&str> = self.fields.iter().map(|field| field.name).collect();
        format!("`{{ {} }}`", fields.join(", "))
    }
}
