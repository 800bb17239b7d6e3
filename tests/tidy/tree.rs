//! The repository as the rules see it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::code;

/// Folders that are not ours to judge: made by building, running or fetching.
const FOREIGN: [&str; 6] = [".git", "target", "data", "node_modules", "__pycache__", ".venv"];

/// One Rust file.
pub struct File {
    /// From the root of the repository, with slashes.
    pub path: String,
    pub text: String,
    /// `text` without comments and the insides of literals.
    pub code: String,
    /// `code` without tests; empty in a file that is a test as a whole.
    pub live: String,
}

pub struct Tree {
    pub files: Vec<File>,
    /// Every other text file.
    pub others: Vec<(String, String)>,
    /// Rust files that no `mod` reaches.
    pub dead: Vec<String>,
}

impl Tree {
    pub fn read() -> Tree {
        let mut all = BTreeMap::new();
        collect(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut all);
        Tree::of(all)
    }

    /// A tree of these files, by path.
    pub fn of(all: BTreeMap<String, String>) -> Tree {
        let (rust, others): (BTreeMap<_, _>, _) =
            all.into_iter().partition(|(path, _)| path.ends_with(".rs"));
        let codes: BTreeMap<&str, String> =
            rust.iter().map(|(path, text)| (path.as_str(), code::blanked(text))).collect();
        let roots = ["src/lib.rs", "src/main.rs", "tests/main.rs"].into_iter();
        let benches = codes.keys().copied().filter(|path| path.starts_with("benches/"));
        let mut reached = BTreeMap::new();
        for root in roots.chain(benches) {
            walk(root, !root.starts_with("src/"), &codes, &mut reached);
        }
        let dead = codes.keys().filter(|path| !reached.contains_key(**path)).map(|path| (*path).to_owned());
        let dead = dead.collect();
        let files = rust.iter().map(|(path, text)| {
            let code = codes[path.as_str()].clone();
            let is_test = reached.get(path.as_str()).copied().unwrap_or(false);
            let live = if is_test { String::new() } else { code::without_tests(&code) };
            File { path: path.clone(), text: text.clone(), code, live }
        });
        Tree { files: files.collect(), others: others.into_iter().collect(), dead }
    }

    /// A tree of one file that the library reaches.
    #[cfg(test)]
    pub fn sample(path: &str, text: &str) -> Tree {
        let code = code::blanked(text);
        let live = code::without_tests(&code);
        let file = File { path: path.to_owned(), text: text.to_owned(), code, live };
        Tree { files: vec![file], others: Vec::new(), dead: Vec::new() }
    }

    pub fn paths(&self) -> BTreeSet<&str> {
        let rust = self.files.iter().map(|file| file.path.as_str());
        rust.chain(self.others.iter().map(|(path, _)| path.as_str())).collect()
    }
}

fn collect(folder: &Path, prefix: &str, all: &mut BTreeMap<String, String>) {
    let entries = std::fs::read_dir(folder).expect("the repository can be read");
    for entry in entries {
        let path: PathBuf = entry.expect("the repository can be read").path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if FOREIGN.contains(&name) {
            continue;
        }
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            collect(&path, &format!("{name}/"), all);
        } else {
            // What is not text (sounds, messages with odd bytes) is known by its name only.
            all.insert(name, std::fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

/// Notes `path` and every file its `mod` items lead to, and whether they belong to tests.
fn walk<'a>(
    path: &'a str,
    is_test: bool,
    codes: &BTreeMap<&'a str, String>,
    reached: &mut BTreeMap<&'a str, bool>,
) {
    let Some(code) = codes.get(path) else { return };
    if reached.insert(path, is_test).is_some() {
        return;
    }
    let folder = match path.rsplit_once('/') {
        Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    };
    let live = code::without_tests(code);
    for (at, _) in code.match_indices("mod ") {
        let name: String = code[at + 4..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let declared = code[at + 4 + name.len()..].starts_with(';');
        let glued = at > 0 && code::is_word(code.as_bytes()[at - 1]);
        if name.is_empty() || !declared || glued {
            continue;
        }
        let only_tests = is_test || !live[at..].starts_with("mod ");
        for child in [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")] {
            if let Some((child, _)) = codes.get_key_value(child.as_str()) {
                walk(child, only_tests, codes, reached);
            }
        }
    }
}

#[test]
fn a_file_that_no_mod_reaches_is_dead_and_test_modules_are_known() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let tree = Tree::of(BTreeMap::from([
        file("src/lib.rs", "pub mod sip;"),
        file("src/sip/mod.rs", "mod parse;\n#[cfg(test)]\nmod made;"),
        file("src/sip/parse.rs", "fn a() {}"),
        file("src/sip/made.rs", "fn b() {}"),
        file("src/sip/forgotten.rs", "fn c() {}"),
    ]));
    assert_eq!(tree.dead, ["src/sip/forgotten.rs"]);
    let live = |path: &str| !tree.files.iter().find(|file| file.path == path).expect("there").live.is_empty();
    assert!(live("src/sip/parse.rs") && !live("src/sip/made.rs"));
}
