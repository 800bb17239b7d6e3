//! How large things may be and what files are called.

use super::code::{closing, find_word, line};
use super::tree::Tree;

/// Lines of a function: a screenful.
const FUNCTION: usize = 70;

/// Lines of a file.
const FILE: usize = 600;

/// Lines of a file of tests.
const TEST_FILE: usize = 800;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 10] =
    ["util", "utils", "manager", "managers", "helper", "helpers", "common", "misc", "stuff", "base"];

pub fn functions(tree: &Tree) -> Vec<String> {
    let mut offences = Vec::new();
    for file in &tree.files {
        for place in find_word(&file.code, "fn") {
            let Some(open) = file.code[place.end..].find(['{', ';']).map(|at| place.end + at) else {
                continue;
            };
            if file.code.as_bytes()[open] != b'{' {
                continue;
            }
            let (first, last) = (line(&file.code, place.start), line(&file.code, closing(&file.code, open)));
            let lines = last - first + 1;
            if lines > FUNCTION {
                offences.push(format!("{}:{first}: a function of {lines} lines", file.path));
            }
        }
    }
    offences
}

pub fn files(tree: &Tree) -> Vec<String> {
    let too_long = |file: &&super::tree::File| {
        let lines = file.text.lines().count();
        lines > if file.live.trim().is_empty() { TEST_FILE } else { FILE }
    };
    let told = |file: &super::tree::File| format!("{}: {} lines", file.path, file.text.lines().count());
    tree.files.iter().filter(too_long).map(told).collect()
}

pub fn names(tree: &Tree) -> Vec<String> {
    let empty = |path: &&str| path.trim_end_matches(".rs").split('/').any(|name| EMPTY_NAMES.contains(&name));
    tree.files.iter().map(|file| file.path.as_str()).filter(empty).map(str::to_owned).collect()
}

#[test]
fn a_long_function_and_a_long_file_are_found() {
    let body = "    let _ = 1;\n".repeat(69);
    let sample = Tree::sample("src/sip/x.rs", &format!("fn long() {{\n{body}}}\nfn short() {{\n}}\n"));
    assert_eq!(functions(&sample), ["src/sip/x.rs:1: a function of 71 lines"]);
    assert_eq!(files(&Tree::sample("src/sip/x.rs", &"fn f() {}\n".repeat(601))).len(), 1);
    assert!(files(&sample).is_empty());
}

#[test]
fn an_empty_name_is_found() {
    assert_eq!(names(&Tree::sample("src/sip/utils.rs", "")), ["src/sip/utils.rs"]);
    assert_eq!(names(&Tree::sample("src/common/x.rs", "")).len(), 1);
    assert!(names(&Tree::sample("src/sip/commonly.rs", "")).is_empty());
}
