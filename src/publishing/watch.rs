//! Publishing what is saved: the demo's way, so that who edits a flow hears it with the next call.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Refused;
use super::desk::{Desk, Done, Wish};
use super::draft::Look;
use crate::engine::happened::Origin;

/// The folder is looked at so often; what has changed is published when it looks the same twice.
pub const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Who is named as the author.
const AUTHOR: &str = "demo";

/// Tells when a folder has changed and come to rest.
#[derive(Debug, Default)]
struct Rest {
    /// What was seen last.
    seen: Option<Look>,
    /// What was told last.
    told: Option<Look>,
}

impl Rest {
    /// A folder that cannot be read looks like no other.
    fn sees(&mut self, look: Option<Look>) -> bool {
        let rests = self.seen == look;
        self.seen.clone_from(&look);
        if !rests || self.told == look {
            return false;
        }
        self.told = look;
        true
    }
}

/// Publishes the folder whenever it has changed, for ever; `say` is given each line for people.
pub async fn watch(desk: Desk, folder: PathBuf, mut say: impl FnMut(&str)) {
    // What was saved before the first look is published too; if nothing was, it is what is in force.
    let mut rest = Rest::default();
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if rest.sees(look(&folder).await) {
            let wish = Wish {
                author: AUTHOR.to_owned(),
                comment: "saved".to_owned(),
                origin: Origin::Watch,
                percent: None,
                base: None,
            };
            if let Some(line) = told(&desk.publish(wish).await) {
                say(&line);
            }
        }
    }
}

async fn look(folder: &Path) -> Option<Look> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || Look::at(&folder).ok()).await.ok().flatten()
}

/// What people read of it; nothing if what was saved is what is in force.
pub fn told(published: &Result<Done, Refused>) -> Option<String> {
    match published {
        Ok(done) => {
            let (release, changed) = (done.release.release, done.changed.join(", "));
            Some(format!("{}release {release}: {changed} changed", done.warnings))
        }
        Err(Refused::NoChange(_)) => None,
        Err(Refused::Proof(failure)) => Some(format!("{}The old flows stay in force.", failure.text)),
        Err(error) => Some(format!("the flows were not published: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_when_it_rests() {
        let folder = std::env::temp_dir().join(format!("hotline-watch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let now = |text: &str| {
            std::fs::write(folder.join("main.yaml"), text).expect("written");
            Look::at(&folder).ok()
        };
        let first = now("1");
        let mut rest = Rest { seen: first.clone(), told: first.clone() };
        assert!(!rest.sees(first), "nothing has changed");
        let (half, whole) = (now("22"), now("333"));
        assert!(!rest.sees(half), "it has just changed");
        assert!(!rest.sees(whole.clone()), "and again");
        assert!(rest.sees(whole.clone()), "it rests");
        assert!(!rest.sees(whole.clone()), "it was told");
        assert!(!rest.sees(None), "the folder is away");
        assert!(!rest.sees(whole.clone()) && !rest.sees(whole), "and back as it was");
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
