//! What is asked of the records and the journal.

use super::{Store, StoreError};
use crate::call::record::CallRecord;
use crate::engine::happened::Happened;
use crate::ids::{AgentId, CallId, QueueId, ReleaseId};
use crate::moment::Moment;

use super::rows::micros;

/// Most rows that one question is answered with.
pub const ROWS: u32 = 10_000;

/// Which calls. Everything that is `None` is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Arrived at this time or later.
    pub since: Option<Moment>,
    /// Arrived before this time.
    pub until: Option<Moment>,
    pub agent: Option<AgentId>,
    pub queue: Option<QueueId>,
    /// Took this release of the flows.
    pub release: Option<ReleaseId>,
    /// Called from or to a number that ends in these symbols, so that prefixes do not matter.
    pub number: Option<String>,
    /// At most `ROWS`; zero means `ROWS`.
    pub limit: u32,
    pub offset: u32,
}

impl Store {
    /// Calls, newest first.
    pub async fn calls(&self, filter: &Filter) -> Result<Vec<CallRecord>, StoreError> {
        let sql = "SELECT call, json FROM calls \
                   WHERE arrived >= ?1 AND arrived < ?2 \
                   AND (?3 IS NULL OR agent = ?3) AND (?4 IS NULL OR queue = ?4) \
                   AND (?5 IS NULL OR substr(from_number, -length(?5)) = ?5 OR substr(dialled, -length(?5)) = ?5) \
                   AND (?6 IS NULL OR release = ?6) \
                   ORDER BY arrived DESC, call DESC LIMIT ?7 OFFSET ?8";
        let rows = sqlx::query_as(sql)
            .bind(filter.since.map_or(0, micros))
            .bind(filter.until.map_or(i64::MAX, micros))
            .bind(filter.agent.as_ref().map(AgentId::as_str))
            .bind(filter.queue.as_ref().map(QueueId::as_str))
            .bind(filter.number.as_deref().filter(|number| !number.is_empty()))
            .bind(filter.release.map(|release| i64::try_from(release.0).unwrap_or(i64::MAX)))
            .bind(rows(filter.limit))
            .bind(filter.offset)
            .fetch_all(&self.readers)
            .await?;
        rows.into_iter().map(|row| parse("calls", row)).collect()
    }

    pub async fn call(&self, call: CallId) -> Result<Option<CallRecord>, StoreError> {
        let row = sqlx::query_as("SELECT call, json FROM calls WHERE call = ?")
            .bind(call.0 as i64)
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| parse("calls", row)).transpose()
    }

    /// What happened to a call, in order; at most `ROWS`.
    pub async fn events_of(&self, call: CallId) -> Result<Vec<Happened>, StoreError> {
        let rows = sqlx::query_as("SELECT seq, json FROM journal WHERE call = ? ORDER BY seq LIMIT ?")
            .bind(call.0 as i64)
            .bind(ROWS)
            .fetch_all(&self.readers)
            .await?;
        rows.into_iter().map(|row| parse("journal", row)).collect()
    }

    /// Events with numbers above `seq`, in order; at most `limit` (and `ROWS`).
    pub async fn events_since(&self, seq: u64, limit: u32) -> Result<Vec<Happened>, StoreError> {
        let rows = sqlx::query_as("SELECT seq, json FROM journal WHERE seq > ? ORDER BY seq LIMIT ?")
            .bind(i64::try_from(seq).unwrap_or(i64::MAX))
            .bind(rows(limit))
            .fetch_all(&self.readers)
            .await?;
        rows.into_iter().map(|row| parse("journal", row)).collect()
    }
}

fn rows(limit: u32) -> u32 {
    if limit == 0 { ROWS } else { limit.min(ROWS) }
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(
    table: &'static str,
    (row, json): (i64, String),
) -> Result<T, StoreError> {
    serde_json::from_str(&json).map_err(|source| StoreError::Row { table, row, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::cause::Cause;
    use crate::engine::happened::What;
    use crate::store::made::{Folder, arrived, call, event, talks, write};

    async fn found(store: &Store, filter: Filter) -> Vec<CallId> {
        store.calls(&filter).await.expect("readable").iter().map(|record| record.call).collect()
    }

    #[tokio::test]
    async fn calls_are_found_by_time_agent_queue_and_the_end_of_a_number() {
        let folder = Folder::new();
        let store = folder.store().await;
        let queued = event(3, 2, What::QueueEntered { queue: "cards".into(), priority: 5 });
        write(&store, [arrived(1), talks(1, "1001"), arrived(2), talks(2, "1002"), arrived(3), queued]).await;
        let any = Filter::default;
        assert_eq!(found(&store, any()).await, [call(3), call(2), call(1)]);
        assert_eq!(found(&store, Filter { limit: 1, offset: 1, ..any() }).await, [call(2)]);
        assert_eq!(found(&store, Filter { agent: Some("1001".into()), ..any() }).await, [call(1)]);
        assert_eq!(found(&store, Filter { queue: Some("cards".into()), ..any() }).await, [call(3)]);
        let second = Moment::from_micros(call(2).0);
        assert_eq!(found(&store, Filter { since: Some(second), ..any() }).await, [call(3), call(2)]);
        assert_eq!(found(&store, Filter { until: Some(second), ..any() }).await, [call(1)]);
        let number = |text: &str| Filter { number: Some(text.into()), ..Filter::default() };
        assert_eq!(found(&store, number("13800000002")).await, [call(2)]);
        assert_eq!(found(&store, number("95500")).await.len(), 3);
        assert_eq!(found(&store, number("%")).await, []);
        assert_eq!(store.call(CallId(5)).await.expect("readable"), None);
    }

    fn answered(n: u64, release: u64) -> Happened {
        event(n, 1, What::CallAnswered { flow: "main".to_owned(), release: ReleaseId(release) })
    }

    #[tokio::test]
    async fn the_release_of_a_call_outlives_the_server_that_answered_it() {
        let folder = Folder::new();
        let store = folder.store().await;
        // The third is answered by flows that nobody published, the fourth by nobody.
        let calls = [arrived(1), answered(1, 7), arrived(2), answered(2, 8), arrived(3), answered(3, 0)];
        write(&store, calls.into_iter().chain([arrived(4)])).await;
        store.close().await;
        let store = folder.store().await;
        store.close_open_calls(Cause::ServerRestarted, |_| None).await.expect("closed");
        let of = |release| Filter { release: Some(ReleaseId(release)), ..Filter::default() };
        assert_eq!(found(&store, of(7)).await, [call(1)]);
        assert_eq!(found(&store, of(8)).await, [call(2)]);
        assert_eq!(found(&store, of(0)).await, []);
        let record = store.call(call(1)).await.expect("readable").expect("recorded");
        assert_eq!((record.release, record.cause), (Some(ReleaseId(7)), Some(Cause::ServerRestarted)));
    }

    #[tokio::test]
    async fn records_of_the_version_before_have_no_release_and_new_ones_do() {
        let folder = Folder::new();
        let store = folder.store().await;
        write(&store, [arrived(1), answered(1, 0)]).await;
        let before = "ALTER TABLE calls DROP COLUMN release; PRAGMA user_version = 2;";
        sqlx::raw_sql(before).execute(&store.writer).await.expect("older");
        store.close().await;
        let store = folder.store().await;
        write(&store, [arrived(2), answered(2, 3)]).await;
        let all = store.calls(&Filter::default()).await.expect("readable");
        let releases: Vec<_> = all.iter().map(|record| (record.call, record.release)).collect();
        assert_eq!(releases, [(call(2), Some(ReleaseId(3))), (call(1), None)]);
    }
}
