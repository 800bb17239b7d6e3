//! What was broadcast when a server ended.

use super::calls::parse;
use super::{Store, StoreError};
use crate::engine::happened::{Happened, What};

/// As the index has it: the planner uses it only for these very words.
const ENTRIES: &str = "kind IN ('emergency_started', 'emergency_heard', 'emergency_left', 'emergency_ended')";

impl Store {
    /// The last emergency broadcast whose end is not in the journal, how many callers heard it and how many of them
    /// hung up meanwhile. Its time may be over.
    pub async fn broadcast(&self) -> Result<Option<(Happened, u64, u64)>, StoreError> {
        let last = format!(
            "SELECT seq, json FROM journal WHERE {ENTRIES} AND kind = 'emergency_started' \
             AND seq > (SELECT coalesce(max(seq), 0) FROM journal WHERE {ENTRIES} AND kind = 'emergency_ended') \
             ORDER BY seq DESC LIMIT 1"
        );
        let row: Option<(i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(last)).fetch_optional(&self.readers).await?;
        let Some(row) = row else { return Ok(None) };
        let seq = row.0;
        let started: Happened = parse("journal", row)?;
        let What::EmergencyStarted { number, .. } = started.what else { return Ok(None) };
        let heard = self.count_since(seq, "emergency_heard", number).await?;
        let left = self.count_since(seq, "emergency_left", number).await?;
        Ok(Some((started, heard, left)))
    }

    /// Entries of a kind about the broadcast `number`: a late one may still be about the one before.
    async fn count_since(&self, seq: i64, kind: &'static str, number: u64) -> Result<u64, StoreError> {
        let count = format!(
            "SELECT count(*) FROM journal WHERE {ENTRIES} AND kind = ?1 AND seq > ?2 \
             AND json_extract(json, '$.what.' || ?1 || '.number') = ?3"
        );
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count))
            .bind(kind)
            .bind(seq)
            .bind(i64::try_from(number).unwrap_or(i64::MAX))
            .fetch_one(&self.readers)
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::happened::{Broadcast, EmergencyEnd, Level, What};
    use crate::moment::Moment;
    use crate::store::made::{Folder, arrived, event, write};

    fn started(number: u64) -> What {
        let broadcast = Broadcast { level: Level::Info, prompts: vec!["emg".to_owned()], time: None };
        What::EmergencyStarted { number, user: "super".to_owned(), broadcast, until: Moment::from_micros(9) }
    }

    #[tokio::test]
    async fn a_broadcast_that_was_not_ended_is_found_with_its_listeners() {
        let folder = Folder::new();
        let store = folder.store().await;
        assert!(store.broadcast().await.expect("readable").is_none());
        let heard = |number| What::EmergencyHeard { number, level: Level::Info };
        let ended =
            What::EmergencyEnded { number: 1, why: EmergencyEnd::Replaced, user: None, heard: 1, left: 0 };
        let entries = [
            event(1, 0, started(1)),
            arrived(1),
            event(1, 1, heard(1)),
            event(1, 2, ended),
            event(1, 2, started(2)),
            arrived(2),
            event(2, 3, heard(2)),
            event(1, 3, What::EmergencyLeft { number: 1 }),
            event(2, 4, What::EmergencyLeft { number: 2 }),
        ];
        write(&store, entries).await;
        let (found, heard, left) = store.broadcast().await.expect("readable").expect("it is on");
        assert_eq!((found.what, heard, left), (started(2), 1, 1));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "EXPLAIN QUERY PLAN SELECT count(*) FROM journal WHERE {} AND kind = 'emergency_heard' AND seq > 1",
            super::ENTRIES
        )))
        .fetch_all(&store.readers)
        .await
        .expect("a plan");
        assert!(plan[0].3.contains("journal_emergency"), "a long journal is not read through: {plan:?}");
    }
}
