//! A machine that keeps the house in order. Each rule looks at the whole tree, and at a small sample that breaks it,
//! so that a rule that has gone blind is noticed.

mod code;
mod documents;
mod layers;
mod shape;
mod tree;
mod words;

use tree::Tree;

/// One offence: where, and what to do.
fn report(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}:\n  {}\n", offences.join("\n  "));
}

#[test]
fn every_folder_imports_only_what_lies_below_it() {
    report("imports by folder (table in tests/tidy/layers.rs)", &layers::imports(&Tree::read()));
}

#[test]
fn deterministic_folders_touch_no_world() {
    report("words that a folder must not contain (tests/tidy/layers.rs)", &layers::worlds(&Tree::read()));
}

#[test]
fn functions_and_files_fit_their_frames() {
    let tree = Tree::read();
    report("functions of at most 70 lines", &shape::functions(&tree));
    report("files of at most 600 lines, tests 800", &shape::files(&tree));
    report("names from the trade", &shape::names(&tree));
}

#[test]
fn no_source_file_lies_outside_the_module_tree() {
    report("files that no `mod` reaches", &Tree::read().dead);
}

#[test]
fn no_word_stands_where_it_must_not() {
    let tree = Tree::read();
    report("unfinished or unexplained code", &words::code(&tree));
    report("hosts and paths of one machine", &words::machines(&tree));
}

#[test]
fn documents_name_only_what_exists() {
    let tree = Tree::read();
    report("paths in documents", &documents::paths(&tree));
    report("functions in documents", &documents::functions(&tree));
    report("the table of limits in docs/limits.md", &documents::limits(&tree));
}
