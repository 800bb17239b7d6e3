//! The tables, as steps from each version to the next. A step that was released is never changed.

use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::StoreError;

/// Times are microseconds since the Unix epoch; calls are `CallId`s as numbers.
const STEPS: &[&str] = &[
    "
CREATE TABLE journal (
    seq   INTEGER PRIMARY KEY,
    at    INTEGER NOT NULL,
    call  INTEGER,
    agent TEXT,
    kind  TEXT NOT NULL,
    json  TEXT NOT NULL,
    hash  BLOB NOT NULL
) STRICT;
CREATE INDEX journal_call ON journal (call) WHERE call IS NOT NULL;
CREATE TABLE calls (
    call           INTEGER PRIMARY KEY,
    from_number    TEXT NOT NULL,
    dialled        TEXT NOT NULL,
    arrived        INTEGER NOT NULL,
    answered       INTEGER,
    ended          INTEGER,
    cause          TEXT,
    queue          TEXT,
    queued         INTEGER,
    agent          TEXT,
    agent_answered INTEGER,
    talk_ms        INTEGER NOT NULL,
    missed_offers  INTEGER NOT NULL,
    recorded       INTEGER NOT NULL,
    recording_gaps INTEGER NOT NULL,
    json           TEXT NOT NULL
) STRICT;
CREATE INDEX calls_arrived ON calls (arrived);
CREATE INDEX calls_queue ON calls (queue, arrived);
CREATE INDEX calls_agent ON calls (agent, arrived);
CREATE INDEX calls_open ON calls (call) WHERE ended IS NULL;
PRAGMA user_version = 1;
",
    "
CREATE INDEX journal_emergency ON journal (kind, seq)
    WHERE kind IN ('emergency_started', 'emergency_heard', 'emergency_left', 'emergency_ended');
CREATE TABLE profiles (
    number TEXT PRIMARY KEY,
    since  INTEGER NOT NULL,
    json   TEXT NOT NULL
) STRICT;
ALTER TABLE calls ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN messages_open INTEGER NOT NULL DEFAULT 0;
CREATE INDEX calls_messages ON calls (arrived) WHERE messages > 0;
CREATE TABLE callbacks (
    id      INTEGER PRIMARY KEY,
    call    INTEGER,
    number  TEXT NOT NULL,
    queue   TEXT NOT NULL,
    since   INTEGER NOT NULL,
    wanted  INTEGER NOT NULL,
    done    INTEGER,
    done_by TEXT
) STRICT;
CREATE UNIQUE INDEX callbacks_open ON callbacks (number, queue) WHERE done IS NULL;
CREATE TABLE flow_files (
    hash BLOB PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;
CREATE TABLE releases (
    release     INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    author      TEXT NOT NULL,
    comment     TEXT NOT NULL,
    parent      INTEGER,
    origin      TEXT NOT NULL,
    again       INTEGER,
    standing    TEXT NOT NULL,
    approved_by TEXT,
    percent     INTEGER,
    content     BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX releases_current ON releases (standing) WHERE standing IN ('in_force', 'on_trial');
CREATE TABLE release_files (
    release INTEGER NOT NULL,
    name    TEXT NOT NULL,
    hash    BLOB NOT NULL,
    PRIMARY KEY (release, name)
) STRICT;
PRAGMA user_version = 2;
",
    "
ALTER TABLE calls ADD COLUMN release INTEGER;
PRAGMA user_version = 3;
",
];

/// Of several programs that open an old file at once, one does the work and the others find it done.
pub async fn bring_up_to_date(writer: &SqlitePool) -> Result<(), StoreError> {
    let known = STEPS.len() as i64;
    loop {
        let found = version(&mut *writer.acquire().await?).await?;
        if found > known {
            return Err(StoreError::Newer { found, known });
        }
        if found == known {
            return Ok(());
        }
        let mut change = writer.begin_with("BEGIN IMMEDIATE").await?;
        // What has been found may have been another's to change until now.
        let found = version(&mut change).await?;
        if let Some(step) = usize::try_from(found).ok().and_then(|place| STEPS.get(place)) {
            sqlx::raw_sql(*step).execute(&mut *change).await?;
        }
        change.commit().await?;
    }
}

async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use crate::store::made::{Folder, arrived, to_version_1, write};

    #[tokio::test]
    async fn of_programs_that_open_an_old_file_at_once_none_fails() {
        for _ in 0..10 {
            let folder = Folder::new();
            let store = folder.store().await;
            write(&store, (1..100).map(arrived)).await;
            to_version_1(&store).await;
            store.close().await;
            let path = folder.0.join("hotline.db");
            let open = || Store::open_existing(&path);
            let opened = tokio::join!(open(), open(), open(), open());
            for store in [opened.0, opened.1, opened.2, opened.3] {
                store.expect("it opens").close().await;
            }
        }
    }
}
