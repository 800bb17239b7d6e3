//! Where tapes are: `tapes/YYYY/MM/DD/<call>.tape` below the data folder, by the UTC day the call arrived.

use std::io;
use std::path::{Path, PathBuf};

use crate::ids::CallId;
use crate::moment::Moment;

/// Most tapes that one listing looks at.
pub const LISTED: usize = 100_000;

/// A tape on the shelf, not opened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    pub call: CallId,
    /// When the call arrived, which its id tells.
    pub arrived: Moment,
    pub bytes: u64,
    #[serde(skip)]
    pub path: PathBuf,
}

/// Where the tape of `call` is, or will be. `data`: the data folder.
pub fn tape_path(data: &Path, call: CallId) -> PathBuf {
    let micros = i64::try_from(call.0).unwrap_or(i64::MAX);
    let arrived = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX);
    let day = arrived.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y/%m/%d").to_string();
    data.join("tapes").join(day).join(format!("{call}.tape"))
}

/// The tapes, newest first, at most `limit` (and `LISTED`). A data folder without tapes has none.
pub fn list(data: &Path, limit: usize) -> io::Result<Vec<Entry>> {
    let limit = limit.min(LISTED);
    let mut entries = Vec::new();
    for year in newest_first(&data.join("tapes"))? {
        for month in newest_first(&year)? {
            for day in newest_first(&month)? {
                for path in newest_first(&day)? {
                    if entries.len() == limit {
                        return Ok(entries);
                    }
                    entries.extend(entry(path));
                }
            }
        }
    }
    Ok(entries)
}

/// A file that is no tape, or vanished meanwhile, is not listed.
fn entry(path: PathBuf) -> Option<Entry> {
    let call: CallId = path.file_name()?.to_str()?.strip_suffix(".tape")?.parse().ok()?;
    let bytes = std::fs::metadata(&path).ok()?.len();
    Some(Entry { call, arrived: Moment::from_micros(call.0), bytes, path })
}

fn newest_first(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?,
        // Not there yet, or a stray file where a folder is expected.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Vec::new(),
        Err(e) => return Err(e),
    };
    paths.sort_unstable_by(|a, b| b.cmp(a));
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::made::Folder;

    #[test]
    fn a_tape_lies_under_the_day_its_call_arrived() {
        let call = CallId(1_795_000_000_123_456);
        let expected = format!("data/tapes/2026/11/18/{call}.tape");
        assert_eq!(tape_path(Path::new("data"), call), PathBuf::from(expected));
    }

    #[test]
    fn tapes_are_listed_newest_first_across_days_and_strangers_are_not() {
        let folder = Folder::new();
        let day = 86_400_000_000;
        let calls: Vec<_> = (0..4).map(|n| CallId(1_795_000_000_000_000 + n * day)).collect();
        for call in &calls {
            let path = tape_path(&folder.0, *call);
            std::fs::create_dir_all(path.parent().expect("below tapes")).expect("folder");
            std::fs::write(path.with_file_name("notes.txt"), "x").expect("stranger");
            std::fs::write(path, "tape").expect("file");
        }
        let listed = list(&folder.0, 3).expect("readable");
        let expected: Vec<_> = calls.iter().rev().take(3).copied().collect();
        assert_eq!(listed.iter().map(|e| e.call).collect::<Vec<_>>(), expected);
        assert_eq!(list(&folder.0.join("nowhere"), 3).expect("empty"), []);
    }
}
