//! The tables, as steps from each version to the next. A step that was released is never changed.

use sqlx::sqlite::SqlitePool;

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
];

pub async fn bring_up_to_date(writer: &SqlitePool) -> Result<(), StoreError> {
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(writer).await?;
    let known = STEPS.len() as i64;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for step in &STEPS[usize::try_from(found).unwrap_or(0)..] {
        let mut change = writer.begin().await?;
        sqlx::raw_sql(*step).execute(&mut *change).await?;
        change.commit().await?;
    }
    Ok(())
}
