//! Documents are held against the tree: files, functions and limits that they name.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Tree;

/// Names that begin a path of this repository; anything else in backticks is taken for something other than a path.
const TOPS: [&str; 9] =
    ["src/", "tests/", "docs/", "prompts/", "ivr-flows/", "docker/", "benches/", ".ci/", "web/"];

/// Files at the root that documents may name by themselves.
const ENDINGS: [&str; 4] = [".md", ".toml", ".sample.yaml", "Makefile"];

/// The texts that people read: at the root, in docs/, and the README of any folder.
fn documents(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    let told = |path: &str| {
        path.ends_with(".md")
            && (!path.contains('/') || path.starts_with("docs/") || path.ends_with("/README.md"))
    };
    tree.others.iter().filter(move |(path, _)| told(path)).map(|(path, text)| (path.as_str(), text.as_str()))
}

/// What stands in backticks on one line.
fn quoted(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .flat_map(|(number, line)| line.split('`').skip(1).step_by(2).map(move |word| (number + 1, word)))
}

/// Where links lead: `docs/sip.md` of `[...](docs/sip.md#digest)`.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(number, line)| {
        line.split("](").skip(1).filter_map(move |rest| Some((number + 1, rest.split_once(')')?.0)))
    })
}

pub fn paths(tree: &Tree) -> Vec<String> {
    let known = tree.paths();
    let exists = |path: &str| {
        let folder = format!("{}/", path.trim_end_matches('/'));
        known.contains(path) || known.iter().any(|known| known.starts_with(&folder))
    };
    let mut offences = Vec::new();
    for (document, text) in documents(tree) {
        let home = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, word) in quoted(text) {
            let plain = !word.contains(|c: char| c.is_whitespace() || "*<>{}$".contains(c));
            let root_file = !word.contains('/') && ENDINGS.iter().any(|ending| word.ends_with(ending));
            let beside = format!("{home}/{word}");
            if plain && (TOPS.iter().any(|top| word.starts_with(top)) || root_file) && !exists(word) {
                // A document may name its neighbours without their folder.
                if home.is_empty() || !exists(&beside) {
                    offences.push(format!("{document}:{number}: no `{word}`"));
                }
            }
        }
        for (number, link) in links(text) {
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains(':') && !exists(&joined(home, target)) {
                offences.push(format!("{document}:{number}: the link `{link}` leads nowhere"));
            }
        }
    }
    offences
}

/// `target` as seen from the folder `home`.
fn joined(home: &str, target: &str) -> String {
    let mut parts: Vec<&str> = home.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Functions, named `like_this()` or `Type::like_this()`, must be there.
pub fn functions(tree: &Tree) -> Vec<String> {
    let mut offences = Vec::new();
    for (document, text) in documents(tree) {
        for (number, word) in quoted(text) {
            let Some(path) = word.strip_suffix("()") else { continue };
            let name = path.rsplit("::").next().unwrap_or(path);
            let declared = format!("fn {name}");
            let there =
                |file: &super::tree::File| super::code::find_word(&file.code, &declared).next().is_some();
            if !tree.files.iter().any(there) {
                offences.push(format!("{document}:{number}: no function `{word}`"));
            }
        }
    }
    offences
}

/// Rows ``| `src/…/limits.rs` | `NAME` | `value` | …`` must say what the code says, and none of a `limits.rs` be missing.
pub fn limits(tree: &Tree) -> Vec<String> {
    let Some((_, text)) = tree.others.iter().find(|(path, _)| path == "docs/limits.md") else {
        return vec!["docs/limits.md is not there".to_owned()];
    };
    let constants = constants(tree);
    let mut offences = Vec::new();
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (number, row) in text.lines().enumerate().filter(|(_, line)| line.starts_with("| `src/")) {
        let words: Vec<&str> = row.split('`').skip(1).step_by(2).take(3).collect();
        let [file, name, value] = words[..] else { continue };
        told.insert((file, name));
        match constants.get(&(file, name)) {
            None => offences.push(format!("line {}: {file} has no `{name}`", number + 1)),
            Some(is) if *is != value => {
                offences.push(format!("line {}: `{name}` is `{is}`, not `{value}`", number + 1));
            }
            Some(_) => {}
        }
    }
    let of_limits = constants.keys().filter(|(file, _)| file.ends_with("/limits.rs"));
    let missing = of_limits.filter(|key| !told.contains(*key));
    offences.extend(missing.map(|(file, name)| format!("`{name}` of {file} is not in the table")));
    offences
}

/// Every constant outside tests: by file and name, its value as written.
fn constants(tree: &Tree) -> BTreeMap<(&str, &str), &str> {
    let mut constants = BTreeMap::new();
    for file in &tree.files {
        for (at, line) in file.live.lines().enumerate() {
            let Some((_, rest)) = line.split_once("const ") else { continue };
            let Some((name, _)) = rest.split_once(':') else { continue };
            let written = file.text.lines().nth(at).and_then(|line| line.split_once(" = "));
            if let Some((_, value)) = written {
                constants.insert((file.path.as_str(), name), value.trim_end_matches(';'));
            }
        }
    }
    constants
}

#[cfg(test)]
fn with_document(path: &str, text: &str) -> Tree {
    let mut tree = Tree::sample("src/sip/limits.rs", "pub const HEADERS: usize = 256;\nfn read() {}\n");
    tree.others.push((path.to_owned(), text.to_owned()));
    tree
}

#[test]
fn a_path_a_link_and_a_function_that_are_not_there_are_found() {
    let text = "see `src/sip/limits.rs`, `src/sip/gone.rs`, [map](../README.md), `read()`, `Sip::gone()`\n";
    let tree = with_document("docs/sip.md", text);
    assert_eq!(
        paths(&tree),
        ["docs/sip.md:1: no `src/sip/gone.rs`", "docs/sip.md:1: the link `../README.md` leads nowhere"]
    );
    assert_eq!(functions(&tree), ["docs/sip.md:1: no function `Sip::gone()`"]);
}

#[test]
fn a_limit_told_wrongly_or_not_at_all_is_found() {
    let row = |value: &str| format!("| `src/sip/limits.rs` | `HEADERS` | `{value}` | 400 |\n");
    let told = |text: &str| limits(&with_document("docs/limits.md", text));
    assert_eq!(told(&row("256")), [""; 0]);
    assert_eq!(told(&row("255")), ["line 1: `HEADERS` is `256`, not `255`"]);
    assert_eq!(told(""), ["`HEADERS` of src/sip/limits.rs is not in the table"]);
    let unknown = row("256") + "| `src/sip/limits.rs` | `GONE` | `1` | |\n";
    assert_eq!(told(&unknown), ["line 2: src/sip/limits.rs has no `GONE`"]);
}
