//! The files of flows as a whole: read from the folder of drafts once, or kept as a release.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::shelf::{About, Shelf};
use crate::diagnostic::{Diagnostic, Source};
use crate::store::releases::content;

/// Most files of a release.
pub const MAX_FILES: usize = 2_000;

/// Most bytes of a release's files together: the bank's are under a megabyte.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Times the folder is read until nothing changes meanwhile.
const READINGS: usize = 5;

/// Tests of flows are called `*.test.yaml`.
const TESTS: &str = ".test.yaml";

/// All files of flows and their tests, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft(Vec<(String, String)>);

/// Why the folder could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    #[error("{path}: {source}")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("no flow (*.yaml) in {0}")]
    NoFlows(PathBuf),
    #[error("{0} has more than {MAX_FILES} files, or more than {MAX_BYTES} bytes in them")]
    TooLarge(PathBuf),
    #[error("{0} changes while it is read; try again when nobody writes to it")]
    Restless(PathBuf),
    /// What is there is known, and must not be taken.
    #[error("{}", one_line(.0))]
    Files(Vec<Diagnostic>),
}

fn one_line(found: &[Diagnostic]) -> String {
    let said: Vec<String> =
        found.iter().map(|found| format!("{}: {}", found.file(), found.message)).collect();
    said.join("; ")
}

/// What tells that a file was touched: its time and size.
type Touched = (Option<SystemTime>, u64);

/// The files of a folder as they look from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look(BTreeMap<String, Touched>);

impl Look {
    /// Looks at the folder's files of flows and tests; folders below it and hidden files are none.
    pub fn at(folder: &Path) -> Result<Look, DraftError> {
        let shelf = Shelf::open(folder)?;
        let unreadable = |source| DraftError::Unreadable { path: folder.to_owned(), source };
        let (mut files, mut refused) = (BTreeMap::new(), Vec::new());
        let mut bytes = 0;
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let name = match shelf.name(&entry.map_err(unreadable)?.file_name()) {
                Ok(Some(name)) => name,
                Ok(None) => continue,
                Err(found) => {
                    refused.push(*found);
                    continue;
                }
            };
            match shelf.about(&name)? {
                About::Gone | About::NoFile => continue,
                About::Refused(found) => refused.push(*found),
                About::File(about) => {
                    bytes += about.len();
                    files.insert(name, (about.modified().ok(), about.len()));
                }
            }
            if files.len() + refused.len() > MAX_FILES || bytes > MAX_BYTES {
                return Err(DraftError::TooLarge(folder.to_owned()));
            }
        }
        refused.sort_by(|one, other| one.source.name.cmp(&other.source.name));
        if refused.is_empty() { Ok(Look(files)) } else { Err(DraftError::Files(refused)) }
    }
}

impl Draft {
    /// Reads the folder as it was at one moment: nothing changed between the first file and the last.
    ///
    /// # Errors
    /// What cannot be read, or that the folder never rests.
    pub fn read(folder: &Path) -> Result<Draft, DraftError> {
        let mut look = Look::at(folder)?;
        for _ in 0..READINGS {
            let read = Draft::read_files(folder, &look);
            let again = Look::at(folder)?;
            if again == look {
                return read;
            }
            look = again;
        }
        Err(DraftError::Restless(folder.to_owned()))
    }

    fn read_files(folder: &Path, look: &Look) -> Result<Draft, DraftError> {
        let shelf = Shelf::open(folder)?;
        let mut files = Vec::with_capacity(look.0.len());
        for (name, (_, size)) in &look.0 {
            let mut text = String::new();
            // No more than was seen: what grows meanwhile is read again.
            let read = shelf.open_file(name).and_then(|file| file.take(*size).read_to_string(&mut text));
            read.map_err(|source| DraftError::Unreadable { path: folder.join(name), source })?;
            files.push((name.clone(), text));
        }
        if files.iter().all(|(name, _)| name.ends_with(TESTS)) {
            return Err(DraftError::NoFlows(folder.to_owned()));
        }
        Ok(Draft(files))
    }

    /// Files that were kept.
    pub fn of(mut files: Vec<(String, String)>) -> Draft {
        files.sort();
        Draft(files)
    }

    pub fn files(&self) -> &[(String, String)] {
        &self.0
    }

    /// Equal for equal files.
    pub fn content(&self) -> Vec<u8> {
        content(&self.0)
    }

    /// As the checker reads them, named as if they stood in `place`.
    pub fn flows(&self, place: &Path) -> Vec<Arc<Source>> {
        self.sources(place, |name| !name.ends_with(TESTS))
    }

    /// The tests beside the flows, likewise.
    pub fn tests(&self, place: &Path) -> Vec<Arc<Source>> {
        self.sources(place, |name| name.ends_with(TESTS))
    }

    fn sources(&self, place: &Path, wanted: impl Fn(&str) -> bool) -> Vec<Arc<Source>> {
        let files = self.0.iter().filter(|(name, _)| wanted(name));
        files.map(|(name, text)| Source::new(place.join(name).display().to_string(), text.clone())).collect()
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// The names of files that are not the same in both.
    pub fn changed(&self, other: &Draft) -> Vec<String> {
        let names: BTreeSet<&String> = self.0.iter().chain(&other.0).map(|(name, _)| name).collect();
        let differs = |name: &&String| self.text(name) != other.text(name);
        names.into_iter().filter(differs).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("hotline-draft-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).expect("a folder");
            Folder(path)
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.0.join(name), text).expect("written");
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_draft_is_the_flows_and_their_tests_and_nothing_else() {
        let folder = Folder::new("whole");
        assert!(matches!(Draft::read(&folder.0), Err(DraftError::NoFlows(_))));
        folder.write("main.test.yaml", "tests");
        assert!(matches!(Draft::read(&folder.0), Err(DraftError::NoFlows(_))), "tests alone are none");
        folder.write("main.yaml", "flow");
        folder.write("b.yml", "other");
        folder.write(".hidden.yaml", "no");
        folder.write("notes.txt", "no");
        std::fs::create_dir_all(folder.0.join("old.yaml")).expect("a folder");
        let draft = Draft::read(&folder.0).expect("read");
        let names: Vec<_> = draft.files().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b.yml", "main.test.yaml", "main.yaml"]);
        let named = |sources: Vec<Arc<Source>>| sources.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
        assert_eq!(named(draft.flows(Path::new("x"))), ["x/b.yml", "x/main.yaml"]);
        assert_eq!(named(draft.tests(Path::new("x"))), ["x/main.test.yaml"]);
        assert_eq!(Draft::of(draft.files().to_vec()).content(), draft.content());
        folder.write("main.yaml", "FLOW");
        std::fs::remove_file(folder.0.join("b.yml")).expect("removed");
        let later = Draft::read(&folder.0).expect("read");
        assert_eq!(draft.changed(&later), ["b.yml", "main.yaml"]);
        assert_ne!(draft.content(), later.content());
    }

    #[test]
    fn a_folder_that_never_rests_is_not_read_in_part() {
        let folder = Folder::new("restless");
        // Each file names the round; a draft of two rounds would show it.
        let write = |round: usize| {
            for name in 0..20 {
                folder.write(&format!("f{name}.yaml"), &"x".repeat(1 + round % 50));
            }
        };
        write(0);
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1.. {
                    if stop.load(std::sync::atomic::Ordering::Relaxed) {
                        return;
                    }
                    write(round);
                }
            });
            for _ in 0..20 {
                match Draft::read(&folder.0) {
                    Err(DraftError::Restless(_)) | Ok(_) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let draft = Draft::read(&folder.0).expect("it rests");
        let sizes: BTreeSet<usize> = draft.files().iter().map(|(_, text)| text.len()).collect();
        assert_eq!(sizes.len(), 1, "all of one round");
    }

    fn refused(folder: &Folder) -> Vec<(&'static str, String)> {
        match Draft::read(&folder.0) {
            Err(DraftError::Files(found)) => {
                let name = |d: &Diagnostic| d.source.name.rsplit('/').next().unwrap_or_default().to_owned();
                found.iter().map(|found| (found.code, name(found))).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_whose_name_is_no_text_is_told_of_and_not_left_out() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = Folder::new("names");
        folder.write("main.yaml", "flow");
        for name in [&b"caf\xe9.yaml"[..], b"a\nerror.yaml", b"\x1b[2J.test.yaml", b"no\xff.txt"] {
            let path = folder.0.join(std::ffi::OsStr::from_bytes(name));
            std::fs::write(path, "x").expect("written");
        }
        let found = refused(&folder);
        let names = [r"\u{1b}[2J.test.yaml", r"a\nerror.yaml", "caf\u{fffd}.yaml"];
        assert_eq!(found, names.map(|name| ("yaml-015", name.to_owned())));
    }

    #[test]
    fn a_link_leads_to_another_file_of_the_folder_and_nowhere_else() {
        use std::os::unix::fs::symlink;
        let folder = Folder::new("links");
        let elsewhere = Folder::new("links-elsewhere");
        elsewhere.write("secret.yaml", "secret");
        folder.write("main.yaml", "flow");
        std::fs::create_dir_all(folder.0.join("..data")).expect("a folder");
        folder.write("..data/other.yaml", "other");
        // As clusters lay out what they mount.
        symlink("..data/other.yaml", folder.0.join("other.yaml")).expect("a link");
        let draft = Draft::read(&folder.0).expect("read");
        assert_eq!(draft.text("other.yaml"), Some("other"));
        symlink(elsewhere.0.join("secret.yaml"), folder.0.join("a.yaml")).expect("a link");
        let around = format!("../{}/secret.yaml", elsewhere.0.file_name().expect("a name").display());
        symlink(around, folder.0.join("b.yaml")).expect("a link");
        symlink("nothing.yaml", folder.0.join("c.yaml")).expect("a link");
        symlink("d.yaml", folder.0.join("d.yaml")).expect("a link");
        symlink("/proc/self/environ", folder.0.join("e.test.yaml")).expect("a link");
        let found = refused(&folder);
        let names = ["a.yaml", "b.yaml", "c.yaml", "d.yaml", "e.test.yaml"];
        assert_eq!(found, names.map(|name| ("yaml-016", name.to_owned())));
    }

    #[test]
    fn a_folder_that_is_too_large_is_refused() {
        let folder = Folder::new("large");
        folder.write("main.yaml", &" ".repeat(MAX_BYTES as usize + 1));
        assert!(matches!(Draft::read(&folder.0), Err(DraftError::TooLarge(_))));
    }
}
