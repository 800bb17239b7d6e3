//! The declarations as JSON Schema, draft 7: what the YAML language server of editors understands best.

use serde_json::{Map as Object, Value, json};

use super::{Field, Given, Map, Names, Shape, config, flow, nodes, script};
use crate::diagnostic::yaml::{self, Node};
use crate::diagnostic::{Findings, Source};

/// Which files a schema is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Flow,
    Test,
    Config,
}

impl Of {
    /// All of them, as the command line names them.
    pub const ALL: [(&'static str, Of); 3] = [("flow", Of::Flow), ("test", Of::Test), ("config", Of::Config)];

    /// The map that such a file is.
    pub fn map(self) -> &'static Map {
        match self {
            Of::Flow => &flow::FLOW,
            Of::Test => &script::FILE,
            Of::Config => &config::CONFIGURATION,
        }
    }
}

/// The schema of such files.
pub fn schema(of: Of) -> Value {
    let mut writer = Writer::default();
    let mut schema = writer.map(of.map());
    if of == Of::Flow {
        // A file with snippets and without a name is no flow, and has nothing else.
        schema.insert("if".to_owned(), json!({ "required": ["snippets"], "not": { "required": ["flow"] } }));
        schema.insert("then".to_owned(), json!({ "propertyNames": { "const": "snippets" } }));
        let required = schema.remove("required");
        schema.insert("else".to_owned(), json!({ "required": required }));
    }
    schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    schema.insert("title".to_owned(), json!(format!("Hotline: {}", of.map().name)));
    schema.insert("definitions".to_owned(), Value::Object(writer.definitions));
    Value::Object(schema)
}

/// A value as flows write it, as JSON. What cannot be read is null; a test holds every example and default to it.
pub fn value(written: &str) -> Value {
    document(&format!("it: {written}\n"))["it"].take()
}

/// A whole file as JSON. What cannot be read is null.
pub fn document(text: &str) -> Value {
    let source = Source::new("text", text);
    let root = yaml::parse(&mut Findings::new(&source));
    root.as_ref().map_or(Value::Null, of_node)
}

fn of_node(node: &Node) -> Value {
    match &node.value {
        yaml::Value::Null | yaml::Value::Refused => Value::Null,
        yaml::Value::Scalar(scalar) => {
            let looks = |value: &Value| value.is_number() || value.is_boolean();
            let read = serde_json::from_str(&scalar.text).ok().filter(|value| scalar.plain && looks(value));
            read.unwrap_or_else(|| scalar.text.clone().into())
        }
        yaml::Value::List(items) => items.iter().map(of_node).collect(),
        yaml::Value::Map(entries) => {
            entries.iter().map(|(key, node)| (key.text.clone(), of_node(node))).collect()
        }
    }
}

/// What stands behind `use`.
fn used() -> Value {
    json!({
        "description": "Snippets by name, one or a list: their fields are put here.",
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
    })
}

/// One of several fields, or of pairs of them.
fn one_of(map: &Map) -> Vec<Value> {
    let one = |(at, field): (usize, &Field)| match field.given {
        Given::OneOf => Some(json!({ "required": [field.name] })),
        // Of a pair the first speaks for both.
        Given::OneOfWith(other) => map.fields[at..]
            .iter()
            .any(|later| later.name == other)
            .then(|| json!({ "anyOf": [{ "required": [field.name] }, { "required": [other] }] })),
        _ => None,
    };
    map.fields.iter().enumerate().filter_map(one).collect()
}

#[derive(Default)]
struct Writer {
    /// What is being written may take fields from snippets.
    snippets: bool,
    /// Maps that stand in several places, by their names.
    definitions: Object<String, Value>,
}

impl Writer {
    fn map(&mut self, map: &Map) -> Object<String, Value> {
        let properties: Object<String, Value> =
            map.fields.iter().map(|field| (field.name.to_owned(), self.field(field))).collect();
        let needed = |field: &&Field| matches!(field.given, Given::Always);
        let required: Vec<&str> = map.fields.iter().filter(needed).map(|field| field.name).collect();
        let one_of = one_of(map);
        let mut schema = Object::new();
        // Nothing at all counts as an empty map.
        let empty = required.is_empty() && one_of.is_empty();
        schema.insert("type".to_owned(), if empty { json!(["object", "null"]) } else { json!("object") });
        schema.insert("description".to_owned(), json!(map.about));
        schema.insert("properties".to_owned(), Value::Object(properties));
        let others = map.names.map_or(json!(false), |names| self.shape(&names.value));
        schema.insert("additionalProperties".to_owned(), others);
        let mut needs = Object::new();
        if !required.is_empty() {
            needs.insert("required".to_owned(), json!(required));
        }
        if !one_of.is_empty() {
            needs.insert("oneOf".to_owned(), json!(one_of));
        }
        if self.snippets {
            schema["properties"][flow::USE] = used();
            schema.insert("if".to_owned(), json!({ "required": [flow::USE] }));
            schema.insert("else".to_owned(), Value::Object(needs));
        } else {
            schema.append(&mut needs);
        }
        schema
    }

    fn field(&mut self, field: &Field) -> Value {
        let snippets = self.snippets;
        self.snippets &= !flow::WITHOUT_SNIPPETS.contains(&field.name);
        let mut schema = self.shape(&field.shape);
        self.snippets = snippets;
        schema["description"] = json!(field.about);
        if let Given::Otherwise(default) = field.given {
            schema["default"] = value(default);
        }
        if !field.example.is_empty() {
            schema["examples"] = json!([value(field.example)]);
        }
        schema
    }

    fn shape(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Text | Shape::Value => json!({ "type": ["string", "number", "boolean"] }),
            Shape::Like(_, "") | Shape::Target | Shape::VariableName => {
                json!({ "type": ["string", "number"] })
            }
            Shape::Like(_, pattern) => json!({ "type": ["string", "number"], "pattern": pattern }),
            Shape::Word(words) => json!({ "enum": words }),
            Shape::Truth => json!({ "type": "boolean" }),
            Shape::Whole(least, i64::MAX) => json!({ "type": "integer", "minimum": least }),
            Shape::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Shape::Duration(..) => {
                json!({ "type": "string", "pattern": "^(?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$" })
            }
            Shape::Prompts => {
                json!({ "anyOf": [{ "type": ["string", "number"] }, { "type": "array", "items": { "type": ["string", "number"] }, "maxItems": 16 }] })
            }
            Shape::Variable => json!({ "type": "string", "pattern": "^\\$" }),
            Shape::Json => json!({}),
            Shape::List(of, least, most) => {
                let mut list = json!({ "type": "array", "items": self.shape(of), "minItems": least });
                if *most > 0 {
                    list["maxItems"] = json!(most);
                }
                list
            }
            Shape::OneOrMore(of) => {
                let of = self.shape(of);
                json!({ "anyOf": [of, { "type": "array", "items": of }] })
            }
            Shape::Fields(map) => self.defined(map),
            Shape::Names(names) => self.names(names),
            Shape::Either(Shape::Alone, other) => self.shape(other),
            Shape::Either(one, other) => json!({ "anyOf": [self.shape(one), self.shape(other)] }),
            Shape::Alone => json!(false),
            Shape::Snippet => json!({ "type": "object" }),
            Shape::Node => self.node(),
            Shape::Step => self.step(),
        }
    }

    fn names(&mut self, names: &Names) -> Value {
        let mut map = json!({ "type": "object", "additionalProperties": self.shape(&names.value) });
        let pattern = json!({ "pattern": names.pattern });
        if self.snippets {
            map["properties"] = json!({ flow::USE: used() });
        }
        if !names.pattern.is_empty() {
            let or_used = json!({ "anyOf": [pattern, { "const": flow::USE }] });
            map["propertyNames"] = if self.snippets { or_used } else { pattern };
        }
        if names.least > 0 {
            map["minProperties"] = json!(names.least);
        }
        if names.most > 0 {
            map["maxProperties"] = json!(names.most);
        }
        map
    }

    /// A reference to the map, which is written down once.
    fn defined(&mut self, map: &Map) -> Value {
        if !self.definitions.contains_key(map.name) {
            // Before its own fields, which may hold it again.
            self.definitions.insert(map.name.to_owned(), Value::Null);
            let schema = self.map(map);
            self.definitions.insert(map.name.to_owned(), Value::Object(schema));
        }
        json!({ "$ref": format!("#/definitions/{}", map.name.replace(' ', "%20")) })
    }

    /// One key, the kind.
    fn node(&mut self) -> Value {
        let mut kinds = Object::new();
        for kind in nodes::NODES {
            self.snippets = !flow::WITHOUT_SNIPPETS.contains(&kind.map.name);
            let mut schema = match &kind.bare {
                Some(shape) => self.shape(shape),
                None => self.defined(&kind.map),
            };
            schema["description"] = json!(kind.map.about);
            kinds.insert(kind.map.name.to_owned(), schema);
        }
        self.snippets = false;
        json!({ "type": "object", "properties": kinds, "additionalProperties": false, "minProperties": 1, "maxProperties": 1 })
    }

    /// A word, or a map of one key; `presses` may have `after` beside it.
    fn step(&mut self) -> Value {
        let alone = |field: &&Field| matches!(field.shape, Shape::Alone | Shape::Either(Shape::Alone, _));
        let words: Vec<&str> = script::STEPS.iter().filter(alone).map(|field| field.name).collect();
        let mapped = || script::STEPS.iter().filter(|field| !matches!(field.shape, Shape::Alone));
        let mut properties: Object<String, Value> =
            mapped().map(|field| (field.name.to_owned(), self.field(field))).collect();
        properties.insert("after".to_owned(), self.field(&script::AFTER));
        let one_of: Vec<Value> = mapped().map(|field| json!({ "required": [field.name] })).collect();
        let with_fields = json!({
            "type": "object", "properties": properties, "additionalProperties": false, "oneOf": one_of,
            "dependencies": { "after": ["presses"] },
        });
        json!({ "anyOf": [{ "enum": words }, with_fields] })
    }
}
