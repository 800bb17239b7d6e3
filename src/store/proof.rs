//! Proves that the journal is as it was written.

use serde::Serialize;

use super::rows::{FIRST, Hash, chained, kind};
use super::{Store, StoreError};

/// Rows read at a time.
const PAGE: i64 = 1_000;

/// What the journal's verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Events that are as they were written, up to the first that is not.
    pub events: u64,
    /// Numbers that nothing is stored under: events lost because the disk refused for too long.
    pub missing: u64,
    pub first_bad: Option<Bad>,
    /// Of the last good event, in hexadecimal: kept elsewhere, it proves later that nothing was cut off the end.
    pub hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bad {
    pub seq: i64,
    pub why: &'static str,
}

type Row = (i64, i64, Option<i64>, Option<String>, String, String, Vec<u8>);

impl Store {
    /// Reads the whole journal. Bad events are in the answer; an error means that it could not be read.
    pub async fn verify_journal(&self) -> Result<Proof, StoreError> {
        let mut proof = Proof::default();
        let (mut last, mut hash) = (0, FIRST);
        loop {
            let sql = "SELECT seq, at, call, agent, kind, json, hash FROM journal \
                       WHERE seq > ? ORDER BY seq LIMIT ?";
            let rows: Vec<Row> = sqlx::query_as(sql).bind(last).bind(PAGE).fetch_all(&self.readers).await?;
            let full = rows.len() as i64 == PAGE;
            for row in &rows {
                match check(row, &hash) {
                    Ok(found) => hash = found,
                    Err(why) => {
                        proof.first_bad = Some(Bad { seq: row.0, why });
                        break;
                    }
                }
                proof.events += 1;
                proof.missing += (row.0 - last - 1) as u64;
                last = row.0;
            }
            if !full || proof.first_bad.is_some() {
                proof.hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
                return Ok(proof);
            }
        }
    }
}

fn check(row: &Row, previous: &Hash) -> Result<Hash, &'static str> {
    let (seq, at, call, agent, name, json, stored) = row;
    let hash = chained(previous, *seq, json);
    if hash[..] != stored[..] {
        return Err("changed, or an event before it was taken out");
    }
    let event: serde_json::Value = serde_json::from_str(json).map_err(|_| "not an event")?;
    let id = call.map(|call| crate::ids::CallId(call as u64).to_string());
    let same = event["at"].as_i64() == Some(*at)
        && event["call"].as_str() == id.as_deref()
        && event["agent"].as_str() == agent.as_deref()
        && kind(json) == name;
    if same { Ok(hash) } else { Err("its columns do not agree with it") }
}

#[cfg(test)]
mod tests {
    use crate::store::Store;
    use crate::store::made::{Folder, arrived, talks, write};

    /// The first bad event after somebody ran `change` over five events.
    async fn first_bad(change: &'static str) -> Option<i64> {
        let folder = Folder::new();
        let store: Store = folder.store().await;
        write(&store, [arrived(1), talks(1, "1001"), arrived(2), talks(2, "1002"), arrived(3)]).await;
        assert_eq!(store.verify_journal().await.expect("readable").first_bad, None);
        sqlx::query(change).execute(&store.writer).await.expect("SQL");
        store.verify_journal().await.expect("readable").first_bad.map(|bad| bad.seq)
    }

    #[tokio::test]
    async fn a_changed_event_is_found() {
        let change = "UPDATE journal SET json = replace(json, '1001', '1003') WHERE seq = 2";
        assert_eq!(first_bad(change).await, Some(2));
        assert_eq!(first_bad("UPDATE journal SET hash = zeroblob(32) WHERE seq = 4").await, Some(4));
        assert_eq!(first_bad("UPDATE journal SET hash = x'00' WHERE seq = 5").await, Some(5));
    }

    #[tokio::test]
    async fn a_column_that_disagrees_with_its_event_is_found() {
        assert_eq!(first_bad("UPDATE journal SET agent = '1003' WHERE seq = 2").await, Some(2));
        assert_eq!(first_bad("UPDATE journal SET at = at + 1 WHERE seq = 3").await, Some(3));
        assert_eq!(first_bad("UPDATE journal SET call = call + 1 WHERE seq = 1").await, Some(1));
        assert_eq!(first_bad("UPDATE journal SET kind = 'held' WHERE seq = 1").await, Some(1));
    }

    #[tokio::test]
    async fn an_event_taken_out_moved_or_put_in_is_found() {
        assert_eq!(first_bad("DELETE FROM journal WHERE seq = 3").await, Some(4));
        assert_eq!(first_bad("UPDATE journal SET seq = 9 WHERE seq = 5").await, Some(9));
        let forged =
            "INSERT INTO journal SELECT 6, at, call, agent, kind, json, hash FROM journal WHERE seq = 5";
        assert_eq!(first_bad(forged).await, Some(6));
    }
}
