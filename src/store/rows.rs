//! Events and records as rows.

use aws_lc_rs::digest::{Context, SHA256};
use sqlx::SqliteConnection;

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
        let json = serde_json::to_value(event).expect("an event is plain data with text for keys");
        let kind = kind(&json["what"]);
        let json = json.to_string();
        JournalRow {
            seq: event.seq as i64,
            at: micros(event.at),
            call: event.call.map(|call| call.0 as i64),
            agent: event.agent.as_ref().map(|agent| agent.to_string()),
            kind,
            hash: chained(previous, event.seq as i64, &json),
            json,
        }
    }

    pub async fn insert(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let sql = "INSERT INTO journal (seq, at, call, agent, kind, json, hash) VALUES (?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(self.seq)
            .bind(self.at)
            .bind(self.call)
            .bind(&self.agent)
            .bind(&self.kind)
            .bind(&self.json)
            .bind(&self.hash[..])
            .execute(connection)
            .await?;
        Ok(())
    }
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

/// The name of what happened: the only key of the object, or the word alone.
pub fn kind(what: &serde_json::Value) -> String {
    let word = what.as_str().or_else(|| what.as_object()?.keys().next().map(String::as_str));
    word.unwrap_or_default().to_owned()
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

/// Writes a record, in place of its older self.
pub async fn put_record(connection: &mut SqliteConnection, record: &CallRecord) -> Result<(), sqlx::Error> {
    let sql = "INSERT OR REPLACE INTO calls (call, from_number, dialled, arrived, answered, ended, cause, queue, \
               queued, agent, agent_answered, talk_ms, missed_offers, recorded, recording_gaps, json) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(record.call.0 as i64)
        .bind(&record.from)
        .bind(&record.dialled)
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
        .bind(serde_json::to_string(record).expect("a record is plain data"))
        .execute(connection)
        .await?;
    Ok(())
}

/// SQLite's integers are signed; times fit until the year 294247.
pub fn micros(at: Moment) -> i64 {
    i64::try_from(at.as_micros()).unwrap_or(i64::MAX)
}
