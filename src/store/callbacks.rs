//! Wishes to be called back, folded from the journal.
//!
//! A wish is open until somebody says that it is done; while it is, another one for the same number and queue is the same.

use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;

use super::rows::micros;
use super::{Store, StoreError};
use crate::engine::happened::{Happened, What};
use crate::ids::{CallId, QueueId};
use crate::moment::Moment;

/// Most wishes that one question is answered with.
pub const WISHES: u32 = 1_000;

/// Somebody wants to be called back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// The number under which the journal has the wish.
    pub id: u64,
    /// The call in which it was said.
    pub call: Option<CallId>,
    pub number: String,
    pub queue: QueueId,
    /// Since when they have waited.
    pub since: Moment,
    pub wanted: Moment,
    pub done: Option<Moment>,
    pub done_by: Option<String>,
}

/// A change to the table, from one event.
pub(super) enum Change {
    Wanted(Callback),
    Done { id: i64, at: i64, user: String },
}

impl Change {
    /// `event` bears the number it is stored under.
    pub fn of(event: &Happened) -> Option<Change> {
        match &event.what {
            What::CallbackWanted { queue, number, since } => Some(Change::Wanted(Callback {
                id: event.seq,
                call: event.call,
                number: number.clone(),
                queue: queue.clone(),
                since: *since,
                wanted: event.at,
                done: None,
                done_by: None,
            })),
            What::CallbackDone { wish, user } => {
                let id = i64::try_from(*wish).ok()?;
                Some(Change::Done { id, at: micros(event.at), user: user.clone() })
            }
            _ => None,
        }
    }
}

/// Folds changes in, in order.
pub(super) async fn put(connection: &mut SqliteConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
    for change in changes {
        let query = match change {
            Change::Wanted(wish) => sqlx::query(
                "INSERT INTO callbacks (id, call, number, queue, since, wanted) SELECT ?1, ?2, ?3, ?4, ?5, ?6 \
                 WHERE NOT EXISTS (SELECT 1 FROM callbacks WHERE number = ?3 AND queue = ?4 AND done IS NULL)",
            )
            .bind(i64::try_from(wish.id).unwrap_or(i64::MAX))
            .bind(wish.call.map(|call| call.0 as i64))
            .bind(wish.number.clone())
            .bind(wish.queue.as_str().to_owned())
            .bind(micros(wish.since))
            .bind(micros(wish.wanted)),
            Change::Done { id, at, user } => {
                sqlx::query("UPDATE callbacks SET done = ?2, done_by = ?3 WHERE id = ?1 AND done IS NULL")
                    .bind(*id)
                    .bind(*at)
                    .bind(user.clone())
            }
        };
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

type Row = (i64, Option<i64>, String, String, i64, i64, Option<i64>, Option<String>);

impl From<Row> for Callback {
    fn from((id, call, number, queue, since, wanted, done, done_by): Row) -> Callback {
        let moment = |micros: i64| Moment::from_micros(u64::try_from(micros).unwrap_or(0));
        Callback {
            id: u64::try_from(id).unwrap_or(0),
            call: call.map(|call| CallId(call as u64)),
            number,
            queue: queue.as_str().into(),
            since: moment(since),
            wanted: moment(wanted),
            done: done.map(moment),
            done_by,
        }
    }
}

const COLUMNS: &str = "SELECT id, call, number, queue, since, wanted, done, done_by FROM callbacks";

impl Store {
    /// Open wishes, who has waited longest first; with `all` also those that are done, at most `WISHES`.
    pub async fn callbacks(&self, all: bool) -> Result<Vec<Callback>, StoreError> {
        let sql = match all {
            true => format!("{COLUMNS} ORDER BY done IS NOT NULL, since, id LIMIT ?"),
            false => format!("{COLUMNS} WHERE done IS NULL ORDER BY since, id LIMIT ?"),
        };
        let rows: Vec<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(WISHES).fetch_all(&self.readers).await?;
        Ok(rows.into_iter().map(Callback::from).collect())
    }

    pub async fn callback(&self, id: u64) -> Result<Option<Callback>, StoreError> {
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = ?")))
            .bind(i64::try_from(id).unwrap_or(i64::MAX))
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.map(Callback::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::made::{Folder, event, write};

    fn moment(call: u64, at: u64) -> Moment {
        event(call, at, What::ServerStopping).at
    }

    fn wanted(call: u64, at: u64, number: &str, queue: &str) -> Happened {
        let number = number.to_owned();
        event(call, at, What::CallbackWanted { queue: queue.into(), number, since: moment(call, at - 1) })
    }

    #[tokio::test]
    async fn a_wish_is_open_until_it_is_done_and_the_same_wish_is_one() {
        let folder = Folder::new();
        let store = folder.store().await;
        let (one, other) = ("13800138000", "13900139000");
        write(&store, [wanted(1, 5, one, "general"), wanted(2, 6, one, "general")]).await;
        write(
            &store,
            [wanted(3, 7, one, "cards"), wanted(4, 8, other, "general"), wanted(5, 9, one, "general")],
        )
        .await;
        let open = store.callbacks(false).await.expect("readable");
        let found: Vec<_> =
            open.iter().map(|wish| (wish.id, wish.number.as_str(), wish.queue.as_str())).collect();
        assert_eq!(found, [(1, one, "general"), (3, one, "cards"), (4, other, "general")]);

        let done = What::CallbackDone { wish: 1, user: "super".into() };
        let again = What::CallbackDone { wish: 1, user: "admin".into() };
        write(&store, [event(1, 20, done), event(1, 21, again)]).await;
        let wish = store.callback(1).await.expect("readable").expect("there");
        assert_eq!(
            (wish.done, wish.done_by.as_deref()),
            (Some(moment(1, 20)), Some("super")),
            "the first word holds"
        );
        // Wanted once more after that, it is a new wish.
        write(&store, [wanted(6, 30, one, "general")]).await;
        let open: Vec<u64> =
            store.callbacks(false).await.expect("readable").iter().map(|wish| wish.id).collect();
        assert_eq!(open, [3, 4, 8]);
        assert_eq!(store.callbacks(true).await.expect("readable").len(), 4);
        assert_eq!(store.callback(99).await.expect("readable"), None);
    }

    #[tokio::test]
    async fn wishes_survive_a_restart() {
        let folder = Folder::new();
        let store = folder.store().await;
        write(&store, [wanted(1, 5, "13800138000", "general")]).await;
        let before = store.callbacks(false).await.expect("readable");
        store.close().await;
        let after = folder.store().await.callbacks(false).await.expect("readable");
        assert_eq!((after.len(), &after), (1, &before));
    }
}
