//! After a server died: calls without an end get one.

use super::calls::parse;
use super::rows::{JournalRow, last_event, put_events, put_records};
use super::{Store, StoreError};
use crate::call::cause::Cause;
use crate::call::record::CallRecord;
use crate::engine::happened::{Happened, MessageEnd, Party, What};
use crate::ids::CallId;
use crate::moment::Moment;

impl Store {
    /// Closes every call that has no end, in the journal and in its record, with `cause`. It ended when something was
    /// last heard of it: its last event, or what `last_heard` says (its tape's last packet). Call this before
    /// `Journal::spawn`. Returns the closed records.
    pub async fn close_open_calls(
        &self,
        cause: Cause,
        last_heard: impl Fn(CallId) -> Option<Moment>,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let mut change = self.writer.begin().await?;
        let open: Vec<(i64, String)> =
            sqlx::query_as("SELECT call, json FROM calls WHERE ended IS NULL ORDER BY call")
                .fetch_all(&mut *change)
                .await?;
        let (mut seq, mut hash) = last_event(&mut change).await?;
        let (mut rows, mut closed) = (Vec::with_capacity(open.len()), Vec::with_capacity(open.len()));
        for row in open {
            let mut record: CallRecord = parse("calls", row)?;
            let last: Option<i64> = sqlx::query_scalar("SELECT max(at) FROM journal WHERE call = ?")
                .bind(record.call.0 as i64)
                .fetch_one(&mut *change)
                .await?;
            let last = Moment::from_micros(last.map_or(0, |at| at.max(0) as u64)).max(record.arrived);
            let at = last_heard(record.call).map_or(last, |heard| heard.max(last));
            let talk = match &record.survey {
                // The talk was over.
                Some(_) => record.talk_ms,
                None => record.agent_answered.map_or(0, |since| at.since(since).as_millis() as u64),
            };
            let over = What::CallEnded { cause, by: Party::Server, talk_ms: talk };
            for what in message_under_way(&record, at).into_iter().chain([over]) {
                seq += 1;
                let event = Happened { seq: seq as u64, at, call: Some(record.call), agent: None, what };
                record.apply(&event);
                let row = JournalRow::new(&event, &hash);
                hash = row.hash;
                rows.push(row);
            }
            closed.push(record);
        }
        put_events(&mut change, &rows).await?;
        put_records(&mut change, &closed).await?;
        change.commit().await?;
        Ok(closed)
    }
}

/// The end of a message that was being spoken: up to the last that was heard it is on the tape.
fn message_under_way(record: &CallRecord, at: Moment) -> Option<What> {
    let message = record.messages.iter().find(|message| message.ms.is_none())?;
    let (number, name) = (message.number, message.name.clone());
    let ms = at.since(message.began).as_millis() as u64;
    Some(match ms {
        0 => What::MessageShort { number },
        _ => What::MessageLeft { number, name, ms, end: MessageEnd::CallEnded },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::made::{Folder, arrived, call, event, talks, write};

    fn moment(n: u64, seconds: u64) -> Moment {
        event(n, seconds, What::RecordingStarted).at
    }

    #[tokio::test]
    async fn calls_of_a_dead_server_end_when_something_was_last_heard_of_them() {
        let folder = Folder::new();
        let store = folder.store().await;
        let over = What::CallEnded { cause: Cause::Abandoned, by: Party::Caller, talk_ms: 0 };
        write(&store, [arrived(1), event(1, 4, over), arrived(2), talks(2, "1001"), arrived(3)]).await;
        let heard = |id| (id == call(2)).then(|| moment(2, 25));
        let closed = store.close_open_calls(Cause::ServerRestarted, heard).await.expect("closed");
        let ends: Vec<_> = closed.iter().map(|r| (r.call, r.ended, r.talk_ms)).collect();
        let expected = [(call(2), Some(moment(2, 25)), 15_000), (call(3), Some(moment(3, 0)), 0)];
        assert_eq!(ends, expected);
        let record = store.call(call(2)).await.expect("readable").expect("recorded");
        assert_eq!((record.cause, record.ended_by), (Some(Cause::ServerRestarted), Some(Party::Server)));
        let untouched = store.call(call(1)).await.expect("readable").expect("recorded");
        assert_eq!(untouched.cause, Some(Cause::Abandoned));
        let last = store.events_of(call(2)).await.expect("readable").pop().expect("an event");
        assert!(matches!(last.what, What::CallEnded { cause: Cause::ServerRestarted, .. }));
        assert_eq!(store.verify_journal().await.expect("readable").first_bad, None);
        let again = store.close_open_calls(Cause::ServerRestarted, |_| None).await.expect("closed");
        assert_eq!(again, [], "nothing is open any more");
    }

    #[tokio::test]
    async fn a_caller_who_was_asked_how_it_was_did_not_talk_meanwhile() {
        let folder = Folder::new();
        let store = folder.store().await;
        let asked = What::SurveyBegan { queue: "loans".into(), flow: "survey".into(), talk_ms: 20_000 };
        write(&store, [arrived(1), talks(1, "1001"), event(1, 30, asked)]).await;
        let heard = |_| Some(moment(1, 90));
        let closed = store.close_open_calls(Cause::ServerRestarted, heard).await.expect("closed");
        assert_eq!((closed[0].talk_ms, closed[0].ended), (20_000, Some(moment(1, 90))));
    }

    #[tokio::test]
    async fn a_store_that_was_not_closed_opens_with_all_that_was_committed() {
        let folder = Folder::new();
        let left = folder.store().await;
        write(&left, [arrived(1), arrived(2)]).await;
        // The file as a kill would leave it: main file and write-ahead log, copied while open.
        let after = Folder::new();
        std::fs::create_dir_all(&after.0).expect("folder");
        for name in ["hotline.db", "hotline.db-wal"] {
            std::fs::copy(folder.0.join(name), after.0.join(name)).expect("copied");
        }
        let store = after.store().await;
        let closed = store.close_open_calls(Cause::ServerRestarted, |_| None).await.expect("closed");
        assert_eq!(closed.iter().map(|r| r.call).collect::<Vec<_>>(), [call(1), call(2)]);
    }
}
