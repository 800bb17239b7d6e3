//! Events and records as rows.

use std::sync::LazyLock;

use aws_lc_rs::digest::{Context, SHA256};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection};

use crate::call::record::CallRecord;
use crate::engine::happened::Happened;
use crate::moment::Moment;

pub type Hash = [u8; 32];

/// What the first event is chained to.
pub const FIRST: Hash = [0; 32];

/// An event, ready to be written.
pub struct JournalRow {
    pub seq: i64,
    at: i64,
    call: Option<i64>,
    agent: Option<String>,
    kind: String,
    json: String,
    pub hash: Hash,
}

impl JournalRow {
    /// `event` bears the number it is stored under. `previous`: the hash of the event before.
    pub fn new(event: &Happened, previous: &Hash) -> JournalRow {
        let json = serde_json::to_string(event).expect("an event is plain data with text for keys");
        JournalRow {
            seq: event.seq as i64,
            at: micros(event.at),
            call: event.call.map(|call| call.0 as i64),
            agent: event.agent.as_ref().map(|agent| agent.to_string()),
            kind: kind(&json).to_owned(),
            hash: chained(previous, event.seq as i64, &json),
            json,
        }
    }

    fn bind(&self, query: Statement) -> Statement {
        query
            .bind(self.seq)
            .bind(self.at)
            .bind(self.call)
            .bind(self.agent.clone())
            .bind(self.kind.clone())
            .bind(self.json.clone())
            .bind(self.hash.to_vec())
    }
}

/// A statement that owns what is bound to it.
type Statement = Query<'static, Sqlite, SqliteArguments>;

/// Rows that one statement writes: as many as are there, in the fewest statements. Each statement is a way to the
/// database's thread and back, which costs more than writing a row; few sizes, because the text of each is prepared once
/// and kept.
const ROWS_AT_ONCE: [usize; 3] = [64, 8, 1];

/// The same statement for each of `ROWS_AT_ONCE`.
fn texts(head: &str, columns: usize, tail: &str) -> [String; 3] {
    let row = format!("({})", vec!["?"; columns].join(", "));
    ROWS_AT_ONCE.map(|rows| format!("{head} VALUES {}{tail}", vec![row.as_str(); rows].join(", ")))
}

async fn put<T>(
    connection: &mut SqliteConnection,
    texts: &'static [String; 3],
    mut rows: &[T],
    bind: impl Fn(&T, Statement) -> Statement,
) -> Result<(), sqlx::Error> {
    for (size, text) in ROWS_AT_ONCE.into_iter().zip(texts) {
        while let Some((now, later)) = rows.split_at_checked(size) {
            let query = now.iter().fold(sqlx::query(text.as_str()), |query, row| bind(row, query));
            query.execute(&mut *connection).await?;
            rows = later;
        }
    }
    Ok(())
}

/// Appends events to the journal.
pub async fn put_events(connection: &mut SqliteConnection, rows: &[JournalRow]) -> Result<(), sqlx::Error> {
    static TEXTS: LazyLock<[String; 3]> =
        LazyLock::new(|| texts("INSERT INTO journal (seq, at, call, agent, kind, json, hash)", 7, ""));
    put(connection, &TEXTS, rows, JournalRow::bind).await
}

/// The hash of an event in its chain.
pub fn chained(previous: &Hash, seq: i64, json: &str) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(previous);
    context.update(&seq.to_be_bytes());
    context.update(json.as_bytes());
    let mut hash = FIRST;
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The name of what happened: the only key of the object `what`, or the word alone. Found in the text, for taking events
/// apart costs more than writing them; quotes within values are escaped, so that nothing else looks like the field.
pub fn kind(json: &str) -> &str {
    const FIELD: &str = "\"what\":";
    let what = json.find(FIELD).map_or("", |at| &json[at + FIELD.len()..]);
    what.split('"').nth(1).unwrap_or_default()
}

/// Number and hash of the last event, or of what comes before the first.
pub async fn last_event(connection: &mut SqliteConnection) -> Result<(i64, Hash), sqlx::Error> {
    let last: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1")
            .fetch_optional(connection)
            .await?;
    // A hash of another length was tampered with; what follows will not verify, as it should not.
    Ok(last.map_or((0, FIRST), |(seq, hash)| (seq, hash.try_into().unwrap_or(FIRST))))
}

/// Writes records, each in place of its older self. What never changes of a call is not written again, nor its index.
pub async fn put_records(
    connection: &mut SqliteConnection,
    records: &[CallRecord],
) -> Result<(), sqlx::Error> {
    static TEXTS: LazyLock<[String; 3]> = LazyLock::new(|| {
        let head = "INSERT INTO calls (call, from_number, dialled, arrived, answered, ended, cause, queue, \
                    queued, agent, agent_answered, talk_ms, missed_offers, recorded, recording_gaps, messages, messages_open, release, json)";
        let changing = [
            "answered",
            "ended",
            "cause",
            "queue",
            "queued",
            "agent",
            "agent_answered",
            "talk_ms",
            "missed_offers",
            "recorded",
            "recording_gaps",
            "messages",
            "messages_open",
            "release",
            "json",
        ];
        let set = changing.map(|column| format!("{column} = excluded.{column}")).join(", ");
        texts(head, 19, &format!(" ON CONFLICT (call) DO UPDATE SET {set}"))
    });
    put(connection, &TEXTS, records, bind_record).await
}

fn bind_record(record: &CallRecord, query: Statement) -> Statement {
    query
        .bind(record.call.0 as i64)
        .bind(record.from.clone())
        .bind(record.dialled.clone())
        .bind(micros(record.arrived))
        .bind(record.answered.map(micros))
        .bind(record.ended.map(micros))
        .bind(record.cause.map(|cause| cause.word()))
        .bind(record.queue.as_ref().map(|queue| queue.as_str().to_owned()))
        .bind(record.queued.map(micros))
        .bind(record.agent.as_ref().map(|agent| agent.as_str().to_owned()))
        .bind(record.agent_answered.map(micros))
        .bind(i64::try_from(record.talk_ms).unwrap_or(i64::MAX))
        .bind(record.missed_offers)
        .bind(record.recorded)
        .bind(record.recording_gaps)
        .bind(count(record, false))
        .bind(count(record, true))
        .bind(record.release.map(|release| release.0 as i64))
        .bind(serde_json::to_string(record).expect("a record is plain data"))
}

/// Messages that were left; with `open` those that are not done. A record holds few.
fn count(record: &CallRecord, open: bool) -> i64 {
    record.messages_left(open).count() as i64
}

/// SQLite's integers are signed; times fit until the year 294247.
pub fn micros(at: Moment) -> i64 {
    i64::try_from(at.as_micros()).unwrap_or(i64::MAX)
}
