//! Which messages callers have left.

use super::calls::{ROWS, parse};
use super::{Store, StoreError};
use crate::call::record::CallRecord;

impl Store {
    /// Calls with messages, newest first; with `open` only those with one that is not done. At most `limit` (and `ROWS`).
    pub async fn calls_with_messages(&self, open: bool, limit: u32) -> Result<Vec<CallRecord>, StoreError> {
        let sql = "SELECT call, json FROM calls WHERE messages > 0 AND (?1 = 0 OR messages_open > 0) \
                   ORDER BY arrived DESC, call DESC LIMIT ?2";
        let rows = sqlx::query_as(sql).bind(open).bind(limit.min(ROWS)).fetch_all(&self.readers).await?;
        rows.into_iter().map(|row| parse("calls", row)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::happened::{MessageEnd, MessageState, What};
    use crate::ids::CallId;
    use crate::store::made::{Folder, arrived, call, event, to_version_1, write};

    fn began(number: u32) -> What {
        What::MessageBegan { number, name: "complaint".into() }
    }

    fn left(number: u32) -> What {
        What::MessageLeft { number, name: "complaint".into(), ms: 5_000, end: MessageEnd::Key }
    }

    async fn found(store: &Store, open: bool) -> Vec<CallId> {
        let records = store.calls_with_messages(open, 10).await.expect("readable");
        records.iter().map(|record| record.call).collect()
    }

    #[tokio::test]
    async fn messages_are_found_until_they_are_done_and_afterwards_among_all() {
        let folder = Folder::new();
        let store = folder.store().await;
        write(&store, [arrived(1), event(1, 2, began(1)), event(1, 7, left(1)), arrived(2)]).await;
        write(&store, [arrived(3), event(3, 2, began(1)), event(3, 3, What::MessageShort { number: 1 })])
            .await;
        assert_eq!(found(&store, true).await, [call(1)]);
        let mark = |state| What::MessageMarked { number: 1, state, user: "super".into() };
        write(&store, [event(1, 60, mark(MessageState::Heard))]).await;
        assert_eq!(found(&store, true).await, [call(1)], "heard is not done");
        write(&store, [event(1, 90, mark(MessageState::Done))]).await;
        assert_eq!((found(&store, true).await, found(&store, false).await), (vec![], vec![call(1)]));
        let record = store.call(call(1)).await.expect("readable").expect("there");
        assert_eq!((record.messages[0].state, record.messages[0].ms), (MessageState::Done, Some(5_000)));
    }

    #[tokio::test]
    async fn a_message_that_a_dead_server_was_taking_ends_with_the_last_that_was_heard() {
        let folder = Folder::new();
        let store = folder.store().await;
        write(&store, [arrived(1), event(1, 2, began(1)), arrived(2), event(2, 2, began(1))]).await;
        let heard = |id| (id == call(1)).then(|| event(1, 9, began(1)).at);
        let cause = crate::call::cause::Cause::ServerRestarted;
        store.close_open_calls(cause, heard).await.expect("closed");
        assert_eq!(found(&store, true).await, [call(1)], "of the other nothing was recorded");
        let record = store.call(call(1)).await.expect("readable").expect("there");
        let message = &record.messages[0];
        assert_eq!((message.ms, message.end), (Some(7_000), Some(MessageEnd::CallEnded)));
        assert_eq!(store.verify_journal().await.expect("readable").first_bad, None);
    }

    #[tokio::test]
    async fn records_of_the_version_before_have_no_messages() {
        let folder = Folder::new();
        let store = folder.store().await;
        write(&store, [arrived(1)]).await;
        to_version_1(&store).await;
        store.close().await;
        let store = folder.store().await;
        assert_eq!(found(&store, false).await, []);
        write(&store, [event(1, 2, began(1)), event(1, 7, left(1))]).await;
        assert_eq!(found(&store, true).await, [call(1)]);
    }
}
