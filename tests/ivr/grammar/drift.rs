//! Each reader is held to what is declared of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use hotline::config;
use hotline::diagnostic::fields::{parse_duration, write_duration};
use hotline::diagnostic::{Diagnostic, Source, render_all};
use hotline::grammar::config::CONFIGURATION;
use hotline::grammar::flow::FLOW;
use hotline::grammar::nodes::NODES;
use hotline::grammar::reference;
use hotline::grammar::schema::{Of, document, schema, value};
use hotline::grammar::{Field, Given, Kind, Map, Shape, script};
use hotline::ivr::trial::Stage;
use hotline::ivr::{self, World};
use hotline::media::prompts::Wordbook;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::super::bank;
use super::sample::{changed, maps, of, whole};

/// What every example of a node may name, and a call that comes to it. `it` is the node on trial.
const STAGE: &str = "flow: test
languages: [zh-CN, en]
start: begin
constants: { max_tries: number }
vars: { account: text, tries: number, balance: money, due: date, opens: time, waited: duration, pin: secret, ok: text }
nodes:
  begin: { collect: { into: pin, prompts: pin, max: 6, on_no_input: { then: person }, on_invalid: { then: person }, next: choice } }
  choice: { menu: { prompts: main, keys: { 1: it, 2: main, 3: cards, 4: person, 5: goodbye }, on_no_input: { then: person }, on_invalid: { then: person } } }
  main: { play: { prompts: main, next: person } }
  cards: { play: { prompts: card_menu, next: person } }
  person: { queue: { to: general, on_timeout: goodbye, on_full: goodbye } }
  goodbye: { hangup: { prompts: goodbye } }
  it: ";

/// For tests of broadcasts and messages.
const SMALL: &str = "{ emergency: { next: main, deflect: told, loss: person } }
  told: { record: { name: complaint, next: main, on_short: main, on_failed: person } }
";

/// What a `call` may call.
const VERIFY: &str = "flow: verify
languages: [zh-CN, en]
parameters: { account: text }
results: { ok: text }
start: back
nodes:
  back: { return: { ok: $account } }
";

/// What the limits of one field leave of another's: there the ends of a range cannot be shown by themselves.
const ENTANGLED: [(&str, &str); 9] = [
    ("collect", "min"),
    ("collect", "max"),
    ("check", "luhn"),
    ("record", "max"),
    ("low scores", "up_to"),
    ("http", "timeout"),
    ("http", "retries"),
    ("way", "share"),
    ("media", "trunk_port"),
];

/// Left out together: the second (the path of a map, and its field) makes no sense without the first.
const TOGETHER: [(&str, &str, &str, &str); 4] = [
    ("http", "method", "", "body"),
    ("profile", "recall", "", "on_unknown"),
    ("configuration", "users", "", "publishing"),
    ("media", "trunk_port", "/trunks/0", "shared_sockets"),
];

/// Reads a document. What it became, as far as that is to be seen.
type Reader<'r> = &'r dyn Fn(&Value) -> Result<String, Vec<Diagnostic>>;

fn compiled(text: &str) -> Result<String, Vec<Diagnostic>> {
    let names = bank::Names::all();
    let sources = [Source::new("test.yaml", text), Source::new("verify.yaml", VERIFY)];
    let compiled = ivr::compile(&sources, &bank::world(&names))?;
    Ok(without_places(&format!("{:?}", compiled.flows[&"test".into()])))
}

/// Where things stand differs with what is written out.
fn without_places(text: &str) -> String {
    let (before, chart) = text.split_once(", chart: ").unwrap_or((text, ""));
    let stops = chart.split_once("stops: ").map_or("", |(_, stops)| stops);
    let pieces = stops.split("Span {").map(|piece| piece.split_once('}').map_or(piece, |(_, rest)| rest));
    format!("{before}{}", pieces.collect::<String>())
}

fn a_flow(flow: &Value) -> Result<String, Vec<Diagnostic>> {
    compiled(&flow.to_string())
}

fn a_configuration(configuration: &Value) -> Result<String, Vec<Diagnostic>> {
    let source = Source::new("hotline.yaml", configuration.to_string());
    let flows = |_: &Path| Ok(vec!["main".to_owned()]);
    config::read(&source, Path::new(""), &flows).map(|loaded| format!("{:?}", loaded.config))
}

/// Does `with` a reader of tests of the small flow.
fn with_tests(with: impl FnOnce(Reader<'_>)) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words = Wordbook::read(&root.join("prompts")).expect("the prompts");
    let world = World { catalogue: &words, ..bank::world(&bank::Names::all()) };
    let small = Source::new("small.yaml", STAGE.replace("flow: test", "flow: small") + SMALL);
    let stage = Stage::set(&[small], &world, &words).unwrap_or_else(|found| panic!("{}", render_all(&found)));
    with(&|tests| {
        let source = Source::new("small.test.yaml", tests.to_string());
        ivr::trial::script::read(&source, &stage).map(|_| String::new())
    });
}

fn validator(of: Of) -> Validator {
    jsonschema::validator_for(&schema(of)).expect("a schema")
}

/// Everything that is declared of one kind of document.
struct Held<'r> {
    map: &'static Map,
    read: Reader<'r>,
    /// Whether the schema takes it.
    fits: &'r dyn Fn(&Value) -> bool,
}

impl Held<'_> {
    fn all(&self, document: &Value) {
        self.right(document, "with all fields");
        for (place, map) in maps(self.map, document) {
            self.names(document, &place, map);
            for field in map.fields {
                self.given(document, &place, map, field);
                self.range(document, &place, map, field);
            }
            self.exactly_one(document, &place, map);
        }
    }

    fn right(&self, document: &Value, what: &str) -> String {
        let name = self.map.name;
        let read = (self.read)(document);
        let became =
            read.unwrap_or_else(|found| panic!("{name}, {what}: {document}\n{}", render_all(&found)));
        assert!((self.fits)(document), "the schema refuses {name}, {what}: {document}");
        became
    }

    fn wrong(&self, document: &Value, what: &str) {
        assert!((self.read)(document).is_err(), "{}, {what}, is not refused: {document}", self.map.name);
    }

    /// The reader takes the declared names, and no others.
    fn names(&self, document: &Value, place: &str, map: &Map) {
        let document = changed(document, place, |map| drop(map.insert("zzzzzz".to_owned(), json!(1))));
        if map.names.is_some() {
            return;
        }
        let found = (self.read)(&document).expect_err("a field that does not exist");
        let it_has = |found: &Diagnostic| {
            let help = found.help.as_deref()?.strip_prefix("it has: ")?;
            Some(help.split(", ").map(str::to_owned).collect::<BTreeSet<_>>())
        };
        let read: BTreeSet<String> = found.iter().find_map(it_has).unwrap_or_else(|| panic!("{found:?}"));
        let mut declared: BTreeSet<String> = map.fields.iter().map(|field| field.name.to_owned()).collect();
        if map.name == "step" {
            declared.insert("after".to_owned());
        }
        assert_eq!(read, declared, "fields of {} at `{place}`: read (left), declared (right)", map.name);
        assert!(!(self.fits)(&document), "the schema lets an unknown field of {} through", map.name);
    }

    /// A field is needed, or means its default, as declared.
    fn given(&self, document: &Value, place: &str, map: &Map, field: &Field) {
        let mut without = changed(document, place, |fields| drop(fields.remove(field.name)));
        for (.., at, other) in
            TOGETHER.iter().filter(|(of, first, ..)| (*of, *first) == (map.name, field.name))
        {
            without = changed(&without, at, |fields| drop(fields.remove(*other)));
        }
        let told = format!("`{place}` without `{}`", field.name);
        match field.given {
            Given::Always => {
                self.wrong(&without, &told);
                assert!(!(self.fits)(&without), "the schema of {} does not need `{}`", map.name, field.name);
            }
            Given::Perhaps => drop(self.right(&without, &told)),
            Given::Otherwise(default) => {
                let left_out = self.right(&without, &told);
                let written =
                    changed(&without, place, |map| drop(map.insert(field.name.to_owned(), value(default))));
                let written = self.right(&written, &format!("`{place}` with `{}: {default}`", field.name));
                assert_eq!(left_out, written, "{told} is not `{default}`");
                assert_ne!(value(default), of(field), "{told}: the example is the default and shows nothing");
            }
            Given::Depends(_) => assert!((self.fits)(&without), "{told}"),
            Given::OneOf | Given::OneOfWith(_) => {}
        }
    }

    fn exactly_one(&self, document: &Value, place: &str, map: &Map) {
        let choice: Vec<&Field> =
            map.fields.iter().filter(|field| matches!(field.given, Given::OneOf)).collect();
        let none =
            changed(document, place, |map| choice.iter().for_each(|field| drop(map.remove(field.name))));
        for (at, field) in choice.iter().enumerate() {
            let mut one = changed(&none, place, |map| drop(map.insert(field.name.to_owned(), of(field))));
            for (.., at, other) in
                TOGETHER.iter().filter(|(of, first, ..)| *of == map.name && *first != field.name)
            {
                one = changed(&one, &format!("{place}{at}"), |fields| drop(fields.remove(*other)));
            }
            self.right(&one, &format!("`{place}` with `{}`", field.name));
            let other = choice[(at + 1) % choice.len()];
            let two = changed(&one, place, |map| drop(map.insert(other.name.to_owned(), of(other))));
            self.wrong(&two, &format!("`{place}` with `{}` and `{}`", field.name, other.name));
            assert!(!(self.fits)(&two) && !(self.fits)(&none), "{} takes none or two", map.name);
        }
        if !choice.is_empty() {
            self.wrong(&none, &format!("`{place}` with none of those of which one is needed"));
        }
    }

    /// The ends of a range are in it, and what lies beyond is not.
    fn range(&self, document: &Value, place: &str, map: &Map, field: &Field) {
        if document.pointer(place).is_none_or(|map| map.get(field.name).is_none()) {
            return;
        }
        let (inside, outside) = ends(&field.shape);
        let with = |end: &Value| {
            changed(document, place, |map| drop(map.insert(field.name.to_owned(), end.clone())))
        };
        let entangled = ENTANGLED.contains(&(map.name, field.name));
        for end in inside.iter().filter(|_| !entangled) {
            self.right(&with(end), &format!("`{place}` with `{}: {end}`", field.name));
        }
        for end in &outside {
            self.wrong(&with(end), &format!("`{place}` with `{}: {end}`", field.name));
            if matches!(field.shape, Shape::Whole(..)) {
                assert!(!(self.fits)(&with(end)), "the schema of {} takes `{}: {end}`", map.name, field.name);
            }
        }
    }
}

/// Values at the ends of a range, and just beyond them.
fn ends(shape: &Shape) -> (Vec<Value>, Vec<Value>) {
    match shape {
        Shape::Whole(least, i64::MAX) => (vec![json!(least)], vec![json!(least - 1)]),
        Shape::Whole(least, most) => {
            (vec![json!(least), json!(most)], vec![json!(least - 1), json!(most + 1)])
        }
        Shape::Duration(least, most) => {
            let time = |text: &str| parse_duration(text).expect("a duration");
            let below = time(least).checked_sub(Duration::from_millis(1));
            let beyond = [below, Some(time(most) + Duration::from_millis(1))];
            let written = beyond.into_iter().flatten().map(|time| json!(write_duration(time)));
            (vec![json!(least), json!(most)], written.collect())
        }
        Shape::Either(one, other) => {
            let ((mut inside, mut outside), (more, beyond)) = (ends(one), ends(other));
            inside.extend(more);
            outside.extend(beyond);
            (inside, outside)
        }
        _ => (Vec::new(), Vec::new()),
    }
}

fn with_node(node: &Value) -> String {
    format!("{}{node}\n", stage(node.get("agent_return").is_some()))
}

/// Flows that agents start have no other end.
fn stage(assisted: bool) -> &'static str {
    const ASSISTED: &str = "flow: test
languages: [zh-CN, en]
start: begin
nodes:
  begin: { play: { prompts: main, next: it } }
  it: ";
    if assisted { ASSISTED } else { STAGE }
}

fn held(kind: &'static Kind, schema: &Validator) {
    let name = kind.map.name;
    let read = |fields: &Value| compiled(&with_node(&json!({ (name): fields })));
    let fits = |fields: &Value| schema.is_valid(&document(&with_node(&json!({ (name): fields }))));
    Held { map: &kind.map, read: &read, fits: &fits }.all(&whole(&kind.map));
}

#[test]
fn every_kind_of_node_is_read_as_it_is_declared() {
    let schema = validator(Of::Flow);
    NODES.iter().filter(|kind| kind.bare.is_none()).for_each(|kind| held(kind, &schema));
}

#[test]
fn every_example_of_a_node_compiles_and_fits_the_schema() {
    let schema = validator(Of::Flow);
    for kind in NODES {
        let results = if kind.map.name == "return" { "results: { ok: text }\n" } else { "" };
        let stage = stage(kind.map.name == "agent_return");
        let flow = format!("{results}{stage}\n    {}\n", kind.example);
        assert!(kind.example.starts_with(&format!("{}: ", kind.map.name)), "{}", kind.example);
        compiled(&flow).unwrap_or_else(|found| panic!("{}", render_all(&found)));
        assert!(schema.is_valid(&document(&flow)), "{}", kind.example);
    }
}

#[test]
fn a_check_of_a_number_is_a_list_or_a_range_with_one_end_or_both() {
    let schema = validator(Of::Flow);
    let of_kind = |kind: &&Kind| kind.map.name == "collect";
    let mut collect = whole(&NODES.iter().find(of_kind).expect("the kind").map);
    (collect["into"], collect["max"]) = (json!("tries"), json!(10));
    let mut with = |check: &Value| {
        collect["check"] = check.clone();
        let flow = with_node(&json!({ "collect": &collect }));
        (compiled(&flow).is_ok(), schema.is_valid(&document(&flow)))
    };
    for right in [
        json!({ "from": 0 }),
        json!({ "to": 50_000 }),
        json!({ "from": 1, "to": 50_000, "prompts": "invalid" }),
        json!({ "one_of": ["100000"] }),
    ] {
        assert_eq!(with(&right), (true, true), "{right}");
    }
    for wrong in [
        json!({ "prompts": "invalid" }),
        json!({ "from": -1 }),
        json!({ "to": -1 }),
        json!({ "from": 1, "one_of": ["100000"] }),
        json!({ "to": 1, "date": "mmdd" }),
    ] {
        assert_eq!(with(&wrong), (false, false), "{wrong}");
    }
}

#[test]
fn snippets_stand_where_the_schema_lets_them() {
    let schema = validator(Of::Flow);
    let once = "retries: 1, on_no_input: { then: person }, on_invalid: { then: person }";
    let flow =
        |node: &str| format!("snippets: {{ once: {{ {once} }}, nine: {{ 9: person }} }}\n{STAGE}{node}\n");
    let both = |text: &str| (compiled(text).is_ok(), schema.is_valid(&document(text)));
    for right in [
        "{ menu: { prompts: main, keys: { 1: cards }, use: once } }",
        "{ menu: { prompts: main, keys: { 1: cards, use: nine }, use: [once] } }",
    ] {
        assert_eq!(both(&flow(right)), (true, true), "{right}");
    }
    for wrong in [
        "{ menu: { prompts: main, keys: { 1: cards }, uses: once } }",
        "{ http: { to: bank, path: /, answer: { use: once }, next: main, on_failed: person } }",
    ] {
        assert_eq!(both(&flow(wrong)), (false, false), "{wrong}");
    }
    for head in ["use: once\n", "humane: { use: once }\n"] {
        assert_eq!(both(&format!("{head}{}", flow("{ goto: main }"))), (false, false), "{head}");
    }
    assert!(schema.is_valid(&document("snippets: { once: { retries: 1 } }\n")));
    assert!(!schema.is_valid(&document("snippets: { once: { retries: 1 } }\nstart: begin\n")));
}

#[test]
fn the_head_of_a_flow_is_read_as_it_is_declared() {
    let schema = validator(Of::Flow);
    let fits = |flow: &Value| schema.is_valid(flow);
    Held { map: &FLOW, read: &a_flow, fits: &fits }.all(&whole(&FLOW));
}

#[test]
fn the_configuration_is_read_as_it_is_declared() {
    let schema = validator(Of::Config);
    let fits = |configuration: &Value| schema.is_valid(configuration);
    let mut everything = whole(&CONFIGURATION);
    for (place, map) in maps(&CONFIGURATION, &everything.clone()) {
        // Where the example is short, all fields are filled in.
        if let (Some(short), Value::Object(all)) = (everything.pointer_mut(&place), whole(map)) {
            let short = short.as_object_mut().expect("a map");
            all.into_iter().for_each(|(name, value)| _ = short.entry(name).or_insert(value));
        }
    }
    Held { map: &CONFIGURATION, read: &a_configuration, fits: &fits }.all(&everything);
}

#[test]
fn files_of_tests_are_read_as_they_are_declared() {
    let schema = validator(Of::Test);
    let fits = |tests: &Value| schema.is_valid(tests);
    let everything = whole(&script::FILE);
    // What a test says itself hides what its file says for all of them.
    let of_file =
        changed(&everything, "/tests/0", |test| test.retain(|name, _| name == "name" || name == "steps"));
    let of_test = json!({ "tests": everything["tests"] });
    with_tests(|read| {
        let file = Held { map: &script::FILE, read, fits: &fits };
        file.all(&of_file);
        file.all(&of_test);
    });
}

#[test]
fn every_step_of_a_test_is_read_as_it_is_declared() {
    const STEP: Map = Map { name: "step", about: "", fields: script::STEPS, names: None };
    let schema = validator(Of::Test);
    let file = |step: &Value| json!({ "tests": [{ "name": "a test", "steps": [step] }] });
    let fits = |step: &Value| schema.is_valid(&file(step));
    with_tests(|read| {
        let read_step = |step: &Value| read(&file(step));
        for field in script::STEPS {
            let mut forms = vec![json!({ (field.name): of(field) })];
            if let Shape::Either(_, Shape::Fields(map)) | Shape::Fields(map) = &field.shape {
                forms = vec![json!({ (field.name): whole(map) })];
            }
            if matches!(field.shape, Shape::Alone | Shape::Either(Shape::Alone, _)) {
                Held { map: &STEP, read: &read_step, fits: &fits }.right(&json!(field.name), "alone");
            }
            for form in forms.iter().filter(|_| !matches!(field.shape, Shape::Alone)) {
                let step = Held { map: &STEP, read: &read_step, fits: &fits };
                step.right(form, "by itself");
                step.names(form, "", &STEP);
                step.range(form, "", &STEP, field);
                for (place, map) in maps(&STEP, form).into_iter().filter(|(place, _)| !place.is_empty()) {
                    step.names(form, &place, map);
                    step.exactly_one(form, &place, map);
                    map.fields.iter().for_each(|field| step.given(form, &place, map, field));
                    map.fields.iter().for_each(|field| step.range(form, &place, map, field));
                }
            }
        }
        let after = |step: Value| (read_step(&step).is_ok(), fits(&step));
        assert_eq!(after(json!({ "presses": "9", "after": "2s" })), (true, true));
        assert_eq!(after(json!({ "silence": "3s", "after": "2s" })), (false, false));
    });
}

#[test]
fn an_unknown_kind_is_told_all_that_are_declared() {
    let found = compiled(&with_node(&json!({ "zzzzzz": {} }))).expect_err("no kind");
    let names: Vec<&str> = NODES.iter().map(|kind| kind.map.name).collect();
    assert!(render_all(&found).contains(&format!("the kinds are: {}", names.join(", "))));
    let explained = hotline::diagnostic::codes::explain("flow-001").expect("a code");
    assert!(explained.contains("hotline schema --reference"), "{explained}");
    for name in names {
        assert!(reference::page().contains(&format!("\n### {name}\n")), "the reference lacks {name}");
    }
}
