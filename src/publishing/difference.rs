//! What is different between two drafts: unified diffs, file by file.

use std::time::Duration;

use similar::TextDiff;

use super::draft::Draft;

/// Longest search for the smallest difference of a file; beyond it a larger one is shown.
const SEARCH: Duration = Duration::from_millis(500);

/// One file that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FileDifference {
    pub name: String,
    /// `added`, `removed` or `changed`.
    pub what: String,
    /// As `diff -u` prints it.
    pub diff: String,
}

/// The files that differ, by name. `from` and `to` say where each comes from.
pub fn between(old: (&str, &Draft), new: (&str, &Draft)) -> Vec<FileDifference> {
    let ((from, old), (to, new)) = (old, new);
    let file = |name: String| {
        let what = match (old.text(&name), new.text(&name)) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        let text = |draft: &Draft| draft.text(&name).unwrap_or_default().to_owned();
        let (before, after) = (text(old), text(new));
        let diff = TextDiff::configure().timeout(SEARCH).diff_lines(&before, &after);
        let diff = diff.unified_diff().header(&format!("{from}/{name}"), &format!("{to}/{name}")).to_string();
        FileDifference { name, what: what.to_owned(), diff }
    };
    old.changed(new).into_iter().map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_that_differs_is_shown_with_its_lines() {
        let draft = |files: &[(&str, &str)]| {
            Draft::of(files.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect())
        };
        let old = draft(&[("a.yaml", "1\n2\n3\n"), ("b.yaml", "same\n"), ("c.yaml", "gone\n")]);
        let new = draft(&[("a.yaml", "1\ntwo\n3\n"), ("b.yaml", "same\n"), ("d.yaml", "new\n")]);
        let all = between(("release 1", &old), ("folder", &new));
        let told: Vec<_> = all.iter().map(|file| (file.name.as_str(), file.what.as_str())).collect();
        assert_eq!(told, [("a.yaml", "changed"), ("c.yaml", "removed"), ("d.yaml", "added")]);
        assert_eq!(
            all[0].diff,
            "--- release 1/a.yaml\n+++ folder/a.yaml\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n"
        );
        assert!(all[2].diff.ends_with("+new\n"), "{}", all[2].diff);
        assert_eq!(between(("x", &old), ("y", &old)), []);
    }
}
