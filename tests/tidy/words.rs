//! Words that must not stand in code, and hosts and paths that must not stand anywhere.

use super::code::{find_word, line};
use super::tree::Tree;

/// In no code: what is unfinished, and exceptions without a reason (`#[expect(..., reason = "...")]` has one).
const NOWHERE: [&str; 5] = ["todo!", "unimplemented!", "dbg!", "#[allow", "#![allow"];

/// In tests only: there a panic is the message.
const TESTS_ONLY: [&str; 1] = [".unwrap()"];

/// In no comment: what is worth doing is worth an issue.
const NOTES: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// Homes and registries: what works by them works on one machine, or lets that machine's mirror into the house.
const MACHINES: [&str; 9] = [
    "/root/",
    "/home/",
    "/Users/",
    "/work/",
    "crates.io/api",
    "index.crates.io",
    "pypi.org",
    "registry.npmjs",
    "proxy.golang",
];

pub fn code(tree: &Tree) -> Vec<String> {
    let mut offences = Vec::new();
    for file in tree.files.iter().filter(|file| !file.path.starts_with("tests/tidy/")) {
        let mut look = |text: &str, words: &[&str]| {
            for word in words {
                for place in find_word(text, word) {
                    if *word == "#[allow" && is_shared_module(&file.text, place.start) {
                        continue;
                    }
                    offences.push(format!("{}:{}: `{word}`", file.path, line(text, place.start)));
                }
            }
        };
        look(&file.code, &NOWHERE);
        look(&file.live, &TESTS_ONLY);
        look(&file.text, &NOTES);
    }
    offences
}

/// A module that several programs share leaves something unused in each: `expect` would be wrong in one of them.
fn is_shared_module(text: &str, at: usize) -> bool {
    text[at..].starts_with("#[allow(dead_code, reason = ")
}

pub fn machines(tree: &Tree) -> Vec<String> {
    let rust = tree.files.iter().map(|file| (file.path.as_str(), file.text.as_str()));
    let others = tree.others.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let mut offences = Vec::new();
    for (path, text) in rust.chain(others).filter(|(path, _)| !path.starts_with("tests/tidy/")) {
        for word in MACHINES {
            if let Some(at) = text.find(word) {
                offences.push(format!("{path}:{}: `{word}`", line(text, at)));
            }
        }
    }
    offences
}

#[test]
fn unfinished_code_is_found_and_words_in_texts_are_not() {
    let bad = "fn f() { todo!() }\n// TODO later\n#[allow(dead_code)]\nfn g() { x.unwrap(); }\n";
    assert_eq!(code(&Tree::sample("src/sip/x.rs", bad)).len(), 4);
    let good =
        "fn f() { say(\"todo!\"); x.unwrap_or(1); }\n#[cfg(test)]\nmod tests { fn g() { x.unwrap(); } }\n";
    assert_eq!(code(&Tree::sample("src/sip/x.rs", good)), [""; 0]);
}

#[test]
fn a_path_of_one_machine_is_found() {
    let sample = Tree::sample("src/sip/x.rs", "const FOLDER: &str = \"/home/me/hotline\";\n");
    assert_eq!(machines(&sample), ["src/sip/x.rs:1: `/home/`"]);
}
