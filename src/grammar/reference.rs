//! The declarations as a page for people: `docs/ivr-reference.md`.

use std::fmt::Write as _;

use super::{Field, Given, Kind, Map, Names, Shape, config, flow, nodes, script};
use crate::diagnostic::codes::CODES;

/// Where the limits stand with their reasons, held against the code by a test.
const LIMITS: &str = include_str!("../../docs/limits.md");

/// Before everything else: how to read the tables.
const HEAD: &str = "# Reference of flows, their tests and the configuration

`hotline schema --reference` writes this page from the declarations in `src/grammar/`, by which also the server reads; `make grammar` renews it.
What it is all for, in prose: [ivr.md](ivr.md). From an empty file to a published flow: [ivr-tutorial.md](ivr-tutorial.md).

In an editor with a YAML language server (VS Code with its YAML extension) this first line of a file gives completion and explanations:

```yaml
# yaml-language-server: $schema=flow.schema.json
```

The path is the way from the file to its schema: `hotline schema flow`, `hotline schema test` and `hotline schema config` print those of flows, of their tests and of `hotline.yaml`.

What the tables call

| | |
|---|---|
| text | any single value; quoted where YAML would see something else in it |
| duration | whole numbers with units: `200ms`, `5s`, `1m30s`, `2h` |
| node | the name of a node of the same flow: where the call goes |
| prompts | the name of a prompt (its file without ending), or a list of up to 16; each must exist in every language of the flow |
| `$variable` | a variable, parameter or constant of the flow, or `$caller`, `$dialled`, `$language` |
| value | written as its kind: `some text`, `12`, `12345.67`, `2026-10-01`, `08:30`, `1h30m`; a number may be a sum, `$tries + 1` |
";

/// The whole page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut parts = Parts::default();
    section(&mut page, 2, "The file of a flow", &flow::FLOW, &mut parts);
    parts.write(&mut page);
    page.push_str("\n## Nodes\n\nA node is a name with exactly one kind below it.\n");
    snippets(&mut page);
    let all: Vec<String> = nodes::NAMES.iter().map(|name| format!("[`{name}`](#{name})")).collect();
    let _ = writeln!(page, "\n{}", all.join(" · "));
    nodes::NODES.iter().for_each(|kind| node(&mut page, kind, &mut parts));
    parts.write(&mut page);
    section(&mut page, 2, "Tests of a flow", &script::FILE, &mut parts);
    parts.write(&mut page);
    steps(&mut page, &mut parts);
    parts.write(&mut page);
    section(&mut page, 2, "The configuration", &config::CONFIGURATION, &mut parts);
    parts.write(&mut page);
    limits(&mut page);
    diagnostics(&mut page);
    page
}

/// Maps inside others, each to be told once.
#[derive(Default)]
struct Parts {
    waiting: Vec<&'static Map>,
    told: Vec<&'static str>,
}

impl Parts {
    fn inside(&mut self, shape: &Shape) {
        match shape {
            Shape::Fields(map) if !self.told.contains(&map.name) => {
                self.told.push(map.name);
                self.waiting.push(map);
            }
            Shape::List(of, ..) | Shape::OneOrMore(of) => self.inside(of),
            Shape::Names(names) => self.inside(&names.value),
            Shape::Either(one, other) => {
                self.inside(one);
                self.inside(other);
            }
            _ => {}
        }
    }

    /// Those that were met, and what they have inside.
    fn write(&mut self, page: &mut String) {
        while !self.waiting.is_empty() {
            let map = self.waiting.remove(0);
            section(page, 3, &format!("In it: {}", map.name), map, self);
        }
    }
}

fn section(page: &mut String, level: usize, title: &str, map: &Map, parts: &mut Parts) {
    let _ = writeln!(page, "\n{} {title}\n\n{}", "#".repeat(level), map.about);
    table(page, map.fields, map.names, parts);
}

fn node(page: &mut String, kind: &Kind, parts: &mut Parts) {
    let map = &kind.map;
    let _ = writeln!(page, "\n### {}\n\n{}\n\n```yaml\nhere:\n  {}\n```", map.name, map.about, kind.example);
    if let Some(shape) = &kind.bare {
        let _ =
            writeln!(page, "\nIt has no fields: behind it stands a {}, where the call goes.", shape.told());
        return;
    }
    table(page, map.fields, map.names, parts);
    let ways = ways("", map);
    match ways[..] {
        [] => page.push_str("\nNo way leads on from here in this flow.\n"),
        _ => drop(writeln!(page, "\nThe call goes on by {}.", ways.join(", "))),
    }
}

/// The ways out of a node, as its fields name them. `of`: the field that they stand in, with a dot.
fn ways(of: &str, map: &Map) -> Vec<String> {
    let leading = map.fields.iter().filter(|field| field.shape.leads());
    let each = leading.flat_map(|field| {
        let name = format!("{of}{}", field.name);
        match &field.shape {
            Shape::Names(names) => {
                let what = names.what.split(',').next().unwrap_or(names.what);
                vec![format!("each {what} of `{name}`")]
            }
            Shape::Fields(map) => ways(&format!("{name}."), map),
            Shape::List(Shape::Fields(map), ..) => vec![format!("`then` of each {}", map.name)],
            _ => vec![format!("`{name}`")],
        }
    });
    each.collect()
}

fn snippets(page: &mut String) {
    let without: Vec<String> = flow::WITHOUT_SNIPPETS.iter().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(
        page,
        "\nIn a kind, and in every map inside it, may stand `{}`: a name of `snippets`, or a list of them. Their fields are put there; \
         what is written beside it comes first. Not in {}, whose keys are names.",
        flow::USE,
        without.join(", ")
    );
}

fn table(page: &mut String, fields: &[Field], names: Option<&Names>, parts: &mut Parts) {
    if !fields.is_empty() || names.is_some() {
        page.push_str("\n| field | holds | left out | meaning |\n|---|---|---|---|\n");
    }
    for field in fields {
        parts.inside(&field.shape);
        let Field { name, about, .. } = field;
        let _ = writeln!(page, "| `{name}` | {} | {} | {about} |", field.shape.told(), left_out(field));
    }
    if let Some(names) = names {
        let _ = writeln!(page, "| any other {} | {} | | What it is to be. |", names.what, names.value.told());
    }
}

fn left_out(field: &Field) -> String {
    match field.given {
        Given::Always => "must be given".to_owned(),
        Given::Perhaps => String::new(),
        Given::Otherwise(default) => format!("`{default}`"),
        Given::Depends(told) => told.to_owned(),
        Given::OneOf => "one of those marked so".to_owned(),
        Given::OneOfWith(other) => format!("one of those marked so; `{other}` may stand beside it"),
    }
}

fn steps(page: &mut String, parts: &mut Parts) {
    page.push_str("\n### Steps\n\nA step is one word, or one of these with a value.\n");
    for (title, steps) in
        [("the caller", &script::STEPS[..script::DONE]), ("what is expected", &script::STEPS[script::DONE..])]
    {
        let _ = writeln!(page, "\n| {title} | holds | meaning | example |\n|---|---|---|---|");
        for step in steps {
            parts.inside(&step.shape);
            let Field { name, about, example, .. } = step;
            let example = match step.shape {
                Shape::Alone => format!("`- {name}`"),
                _ if example.is_empty() => String::new(),
                _ => format!("`- {name}: {example}`"),
            };
            let _ = writeln!(page, "| `{name}` | {} | {about} | {example} |", step.shape.told());
        }
    }
    let after = &script::AFTER;
    let _ = writeln!(
        page,
        "\nBeside `presses` may stand `{}` ({}): {}",
        after.name,
        after.shape.told(),
        after.about
    );
}

/// The rows of docs/limits.md that are about flows and the configuration.
fn limits(page: &mut String) {
    page.push_str("\n## Limits\n\nWhat is not a field's own range stands here; all limits of the server with their names: [limits.md](limits.md).\n");
    page.push_str("\n| at most | of what |\n|---|---|\n");
    let rows =
        LIMITS.lines().filter(|line| line.starts_with("| `src/ivr/") || line.starts_with("| `src/config/"));
    for row in rows {
        let mut cells = row.trim_matches('|').split(" | ").skip(2);
        let (Some(value), Some(about)) = (cells.next(), cells.next()) else { continue };
        let value = value.trim_matches(['`', ' ']).replace('_', ",");
        let value = value
            .strip_prefix("Duration::from,secs(")
            .map_or(value.clone(), |seconds| format!("{} s", seconds.trim_end_matches(')')));
        let _ = writeln!(page, "| {value} | {} |", about.trim());
    }
}

fn diagnostics(page: &mut String) {
    page.push_str("\n## Diagnostics\n\nEvery mistake has a code that never changes; `hotline check --explain CODE` prints the same.\n");
    let mut family = "";
    for (code, about, explanation) in CODES {
        let this = code.split('-').next().unwrap_or_default();
        if this != family {
            family = this;
            page.push_str("\n| code | | |\n|---|---|---|\n");
        }
        let _ =
            writeln!(page, "| {code} | {about} | {} |", explanation.replace('|', "\\|").replace('\n', " "));
    }
}
