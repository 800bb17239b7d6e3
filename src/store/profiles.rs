//! What is remembered of callers. It stands here and not in the journal, which forgets nothing: callers may wish to be
//! forgotten.

use sqlx::sqlite::SqliteConnection;

use super::rows::micros;
use super::{Store, StoreError};
use crate::engine::happened::{Happened, Kept, What};
use crate::moment::Moment;

/// What an event changes here.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Keep(Box<Kept>),
    Forget(String),
}

impl Change {
    pub fn of(event: &Happened) -> Option<Change> {
        match &event.what {
            What::ProfileRemembered { kept, .. } => kept.clone().map(Change::Keep),
            What::ProfileForgotten { number, .. } => Some(Change::Forget(number.clone())),
            _ => None,
        }
    }
}

pub(super) async fn put(connection: &mut SqliteConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
    for change in changes {
        let query = match change {
            Change::Keep(kept) => {
                sqlx::query("INSERT OR REPLACE INTO profiles (number, since, json) VALUES (?, ?, ?)")
                    .bind(kept.number.clone())
                    .bind(micros(kept.since))
                    .bind(serde_json::to_string(&kept.values).expect("texts by name"))
            }
            Change::Forget(number) => {
                sqlx::query("DELETE FROM profiles WHERE number = ?").bind(number.clone())
            }
        };
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

impl Store {
    /// Everything that is remembered of callers.
    pub async fn profiles(&self) -> Result<Vec<Kept>, StoreError> {
        let rows: Vec<(i64, String, i64, String)> =
            sqlx::query_as("SELECT rowid, number, since, json FROM profiles")
                .fetch_all(&self.readers)
                .await?;
        let kept = |(row, number, since, json): (i64, String, i64, String)| {
            let values = serde_json::from_str(&json).map_err(|source| StoreError::Row {
                table: "profiles",
                row,
                source,
            })?;
            Ok(Kept { number, since: Moment::from_micros(since.max(0) as u64), values })
        };
        rows.into_iter().map(kept).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::happened::Forgotten;
    use crate::store::made::{Folder, arrived, event, write};

    #[tokio::test]
    async fn what_is_remembered_comes_back_and_what_is_forgotten_is_nowhere() {
        let folder = Folder::new();
        let store = folder.store().await;
        let kept = |number: &str, language: &str| Kept {
            number: number.to_owned(),
            since: Moment::from_micros(7),
            values: [("language".to_owned(), language.to_owned())].into(),
        };
        let remembered = |number, language| {
            let kept = Some(Box::new(kept(number, language)));
            event(1, 1, What::ProfileRemembered { names: vec!["language".to_owned()], kept })
        };
        let forgotten = What::ProfileForgotten {
            why: Forgotten::Asked,
            user: Some("super".to_owned()),
            number: "13800000001".to_owned(),
        };
        let entries = [
            arrived(1),
            remembered("13800000001", "fr-secret"),
            remembered("13800000002", "en"),
            remembered("13800000002", "zh-CN"),
        ];
        write(&store, entries).await;
        write(&store, [event(1, 2, forgotten)]).await;
        assert_eq!(store.profiles().await.expect("readable"), [kept("13800000002", "zh-CN")]);
        let journal: Vec<String> =
            sqlx::query_scalar("SELECT json FROM journal").fetch_all(&store.readers).await.expect("readable");
        assert!(!journal.concat().contains("fr-secret"), "the journal forgets nothing and must not know");
        assert!(!journal.last().expect("an entry").contains("13800000001"));
        assert_eq!(
            store.verify_journal().await.expect("readable").first_bad,
            None,
            "the chain holds all the same"
        );
        store.close().await;
        let file = std::fs::read(folder.0.join("hotline.db")).expect("readable");
        let left = file.windows(9).any(|bytes| bytes == b"fr-secret");
        assert!(!left, "what is forgotten is not left in the file's free space");
    }
}
