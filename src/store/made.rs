//! Journals made for tests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Store;
use super::journal::{CAPACITY, Journal};
use crate::engine::happened::{Happened, What};
use crate::ids::{AgentId, CallId};
use crate::moment::Moment;

pub const START: Moment = Moment::from_micros(1_795_000_000_000_000);

/// A folder that goes away with the test.
pub struct Folder(pub PathBuf);

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

impl Folder {
    pub fn new() -> Folder {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("hotline-store-{}-{number}", std::process::id());
        Folder(std::env::temp_dir().join(name))
    }

    pub async fn store(&self) -> Store {
        Store::open(&self.0.join("hotline.db")).await.expect("the store opens")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The `n`th call; they arrive a minute apart.
pub fn call(n: u64) -> CallId {
    CallId(START.as_micros() + n * 60_000_000)
}

/// Something about call `n`, so many seconds after it arrived. Its number is given when it is written.
pub fn event(n: u64, seconds: u64, what: What) -> Happened {
    let at = Moment::from_micros(call(n).0) + Duration::from_secs(seconds);
    Happened { seq: 0, at, call: Some(call(n)), agent: None, what }
}

pub fn arrived(n: u64) -> Happened {
    event(n, 0, What::CallArrived { from: format!("+8613800{n:06}"), dialled: "95500".into() })
}

pub fn talks(n: u64, agent: &str) -> Happened {
    let answered = What::AgentAnswered { queue: Some("loans".into()), waited_ms: 3_000 };
    Happened { agent: Some(AgentId::from(agent)), ..event(n, 10, answered) }
}

/// Writes events through a journal and waits until they are on disk.
pub async fn write(store: &Store, events: impl IntoIterator<Item = Happened>) {
    let (journal, handle) = Journal::spawn(store, CAPACITY).await.expect("the journal starts");
    for event in events {
        handle.record(event).expect("room");
    }
    journal.close().await;
}

/// Back to the first version of the tables, as a server of that time left them.
pub async fn to_version_1(store: &Store) {
    let back = "ALTER TABLE calls DROP COLUMN release; DROP INDEX calls_messages; ALTER TABLE calls DROP COLUMN messages; \
                ALTER TABLE calls DROP COLUMN messages_open; DROP INDEX journal_emergency; DROP TABLE profiles; \
                DROP TABLE callbacks; DROP TABLE flow_files; DROP TABLE releases; DROP TABLE release_files; \
                PRAGMA user_version = 1;";
    sqlx::raw_sql(back).execute(&store.writer).await.expect("older");
}
