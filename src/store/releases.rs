//! Releases of the flows: numbered snapshots of all files, who published them and why, and which is in force.
//!
//! A release is never changed nor deleted; what changes is its standing. Each change is one transaction, which holds only if
//! what its author saw in force still is: of two at once, one wins, and the other is told.

use aws_lc_rs::digest::{SHA256, digest};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{FromRow, Row};

use super::{Store, StoreError};
use crate::engine::happened::Origin;
use crate::ids::ReleaseId;
use crate::moment::Moment;

/// A release without its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    pub release: ReleaseId,
    pub at: Moment,
    pub author: String,
    pub comment: String,
    /// What was in force when it was made.
    pub parent: Option<ReleaseId>,
    pub origin: Origin,
    /// Whose content it has again.
    pub again: Option<ReleaseId>,
    pub standing: Standing,
    pub approved_by: Option<String>,
    /// The share of the calls that took it on trial, or shall.
    pub percent: Option<u8>,
    /// Equal for equal files.
    pub content: Vec<u8>,
}

/// Where a release stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Waits for another person to agree.
    Proposed,
    /// A share of the calls takes it.
    OnTrial,
    InForce,
    /// Was in force.
    Replaced,
    /// A person ended its trial.
    Aborted,
    /// Its trial went badly.
    TakenBack,
}

const STANDINGS: [(Standing, &str); 6] = [
    (Standing::Proposed, "proposed"),
    (Standing::OnTrial, "on_trial"),
    (Standing::InForce, "in_force"),
    (Standing::Replaced, "replaced"),
    (Standing::Aborted, "aborted"),
    (Standing::TakenBack, "taken_back"),
];

const ORIGINS: [(Origin, &str); 5] = [
    (Origin::FirstStart, "first_start"),
    (Origin::Publish, "publish"),
    (Origin::Rollback, "rollback"),
    (Origin::Reload, "reload"),
    (Origin::Watch, "watch"),
];

impl Standing {
    pub fn word(self) -> &'static str {
        word(&STANDINGS, self)
    }
}

/// As the journal has it too.
pub fn origin_word(origin: Origin) -> &'static str {
    word(&ORIGINS, origin)
}

fn word<T: PartialEq>(table: &[(T, &'static str)], value: T) -> &'static str {
    table.iter().find(|(known, _)| *known == value).map_or("", |(_, word)| word)
}

fn value<T: Copy>(table: &[(T, &'static str)], word: &str) -> Result<T, sqlx::Error> {
    let found = table.iter().find(|(_, known)| *known == word).map(|(value, _)| *value);
    found.ok_or_else(|| sqlx::Error::Decode(format!("releases: there is no `{word}`").into()))
}

/// A release to be made.
#[derive(Clone, Debug)]
pub struct NewRelease {
    pub at: Moment,
    pub author: String,
    pub comment: String,
    pub origin: Origin,
    pub again: Option<ReleaseId>,
    pub standing: Standing,
    pub percent: Option<u8>,
}

/// Which releases have calls now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Current {
    pub in_force: Option<ReleaseId>,
    pub on_trial: Option<ReleaseId>,
}

/// What one transaction does: some releases change their standing, and one may be made.
#[derive(Clone, Debug, Default)]
pub struct Change<'a> {
    /// What must still be so.
    pub seen: Current,
    pub moves: Vec<(ReleaseId, Standing)>,
    /// Who agreed to which release.
    pub approved: Option<(ReleaseId, &'a str)>,
    /// With its files by name.
    pub new: Option<(&'a NewRelease, &'a [(String, String)])>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Done; the number of the new release, if one was made.
    Done(Option<ReleaseId>),
    /// Somebody else was first: this is how it is now.
    Overtaken(Current),
}

/// The digest of a release's files.
pub fn content(files: &[(String, String)]) -> Vec<u8> {
    let mut all = Vec::new();
    for (name, text) in files {
        all.extend_from_slice(&(name.len() as u64).to_be_bytes());
        all.extend_from_slice(name.as_bytes());
        all.extend_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    }
    digest(&SHA256, &all).as_ref().to_vec()
}

const COLUMNS: &str =
    "release, at, author, comment, parent, origin, again, standing, approved_by, percent, content";

impl FromRow<'_, SqliteRow> for Release {
    fn from_row(row: &SqliteRow) -> Result<Release, sqlx::Error> {
        let id = |column| -> Result<Option<ReleaseId>, sqlx::Error> {
            Ok(row.try_get::<Option<i64>, _>(column)?.map(release_id))
        };
        let percent: Option<i64> = row.try_get("percent")?;
        Ok(Release {
            release: release_id(row.try_get("release")?),
            at: Moment::from_micros(row.try_get::<i64, _>("at")?.max(0) as u64),
            author: row.try_get("author")?,
            comment: row.try_get("comment")?,
            parent: id("parent")?,
            origin: value(&ORIGINS, row.try_get("origin")?)?,
            again: id("again")?,
            standing: value(&STANDINGS, row.try_get("standing")?)?,
            approved_by: row.try_get("approved_by")?,
            percent: percent.and_then(|percent| u8::try_from(percent).ok()),
            content: row.try_get("content")?,
        })
    }
}

fn release_id(number: i64) -> ReleaseId {
    ReleaseId(number.max(0) as u64)
}

impl Store {
    /// The newest first, at most so many.
    pub async fn releases(&self, limit: u32) -> Result<Vec<Release>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM releases ORDER BY release DESC LIMIT ?");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(limit).fetch_all(&self.readers).await?)
    }

    pub async fn release(&self, release: ReleaseId) -> Result<Option<Release>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM releases WHERE release = ?");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(release.0 as i64);
        Ok(query.fetch_optional(&self.readers).await?)
    }

    /// The newest release with this content that was in force before and is no more, or was taken back.
    pub async fn release_left(&self, content: &[u8]) -> Result<Option<ReleaseId>, StoreError> {
        let text = "SELECT max(release) FROM releases WHERE content = ? \
                    AND standing IN ('replaced', 'aborted', 'taken_back')";
        let found: Option<i64> =
            sqlx::query_scalar(text).bind(content.to_vec()).fetch_one(&self.readers).await?;
        Ok(found.map(release_id))
    }

    /// The newest release that was in force before this one and is no more.
    pub async fn release_before(&self, release: ReleaseId) -> Result<Option<ReleaseId>, StoreError> {
        let text = "SELECT max(release) FROM releases WHERE standing = 'replaced' AND release < ?";
        let found: Option<i64> =
            sqlx::query_scalar(text).bind(release.0 as i64).fetch_one(&self.readers).await?;
        Ok(found.map(release_id))
    }

    /// A release's files by name; none if there is no such release.
    pub async fn release_files(&self, release: ReleaseId) -> Result<Vec<(String, String)>, StoreError> {
        let text = "SELECT name, text FROM release_files JOIN flow_files USING (hash) WHERE release = ? ORDER BY name";
        Ok(sqlx::query_as(text).bind(release.0 as i64).fetch_all(&self.readers).await?)
    }

    pub async fn current_releases(&self) -> Result<Current, StoreError> {
        Ok(current(&mut *self.readers.acquire().await?).await?)
    }

    /// Does all of `change` or nothing. It must not be given up half way: let a task of its own wait for it.
    ///
    /// The transaction is said in plain SQL, for the reason that the journal's writer has, whose connection this is.
    pub async fn change_releases(&self, change: &Change<'_>) -> Result<Changed, StoreError> {
        let mut connection = self.writer.acquire().await?;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        let done = perform(&mut connection, change).await;
        let end = if matches!(done, Ok(Changed::Done(_))) { "COMMIT" } else { "ROLLBACK" };
        let ended = sqlx::query(end).execute(&mut *connection).await;
        if ended.is_err() {
            // SQLite may have rolled back by itself already.
            let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
        }
        let done = done?;
        ended?;
        Ok(done)
    }
}

async fn current(connection: &mut SqliteConnection) -> Result<Current, sqlx::Error> {
    let text = "SELECT release, standing FROM releases WHERE standing IN ('in_force', 'on_trial')";
    let rows: Vec<(i64, String)> = sqlx::query_as(text).fetch_all(connection).await?;
    let of = |standing: Standing| {
        rows.iter().find(|(_, word)| word == standing.word()).map(|(number, _)| release_id(*number))
    };
    Ok(Current { in_force: of(Standing::InForce), on_trial: of(Standing::OnTrial) })
}

async fn perform(connection: &mut SqliteConnection, change: &Change<'_>) -> Result<Changed, sqlx::Error> {
    let now = current(connection).await?;
    if now != change.seen {
        return Ok(Changed::Overtaken(now));
    }
    for (release, standing) in &change.moves {
        let who = change.approved.filter(|(of, _)| of == release).map(|(_, who)| who.to_owned());
        sqlx::query(
            "UPDATE releases SET standing = ?, approved_by = coalesce(?, approved_by) WHERE release = ?",
        )
        .bind(standing.word())
        .bind(who)
        .bind(release.0 as i64)
        .execute(&mut *connection)
        .await?;
    }
    let Some((new, files)) = change.new else { return Ok(Changed::Done(None)) };
    let number: i64 = sqlx::query_scalar("SELECT coalesce(max(release), 0) + 1 FROM releases")
        .fetch_one(&mut *connection)
        .await?;
    put_release(connection, number, new, now.in_force, &content(files)).await?;
    for (name, text) in files {
        put_file(connection, number, name, text).await?;
    }
    Ok(Changed::Done(Some(release_id(number))))
}

async fn put_release(
    connection: &mut SqliteConnection,
    number: i64,
    new: &NewRelease,
    parent: Option<ReleaseId>,
    content: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO releases (release, at, author, comment, parent, origin, again, standing, percent, content) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(number)
    .bind(super::rows::micros(new.at))
    .bind(new.author.clone())
    .bind(new.comment.clone())
    .bind(parent.map(|parent| parent.0 as i64))
    .bind(origin_word(new.origin))
    .bind(new.again.map(|again| again.0 as i64))
    .bind(new.standing.word())
    .bind(new.percent.map(i64::from))
    .bind(content.to_vec())
    .execute(connection)
    .await?;
    Ok(())
}

/// A text that many releases share is kept once.
async fn put_file(
    connection: &mut SqliteConnection,
    release: i64,
    name: &str,
    text: &str,
) -> Result<(), sqlx::Error> {
    let hash = digest(&SHA256, text.as_bytes()).as_ref().to_vec();
    sqlx::query("INSERT INTO flow_files (hash, text) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(hash.clone())
        .bind(text.to_owned())
        .execute(&mut *connection)
        .await?;
    sqlx::query("INSERT INTO release_files (release, name, hash) VALUES (?, ?, ?)")
        .bind(release)
        .bind(name.to_owned())
        .bind(hash)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::made::{Folder, arrived, write};

    fn new(author: &str, standing: Standing) -> NewRelease {
        NewRelease {
            at: Moment::from_micros(5),
            author: author.to_owned(),
            comment: "why".to_owned(),
            origin: Origin::Publish,
            again: None,
            standing,
            percent: None,
        }
    }

    fn files(text: &str) -> Vec<(String, String)> {
        vec![("main.yaml".to_owned(), text.to_owned()), ("same.yaml".to_owned(), "same".to_owned())]
    }

    fn seen(in_force: u64) -> Current {
        Current { in_force: (in_force > 0).then_some(ReleaseId(in_force)), on_trial: None }
    }

    /// Puts a release in force after `before`.
    async fn publish(store: &Store, author: &str, before: u64, text: &str) -> Changed {
        let moves = seen(before).in_force.map(|old| (old, Standing::Replaced)).into_iter().collect();
        let new = new(author, Standing::InForce);
        let files = files(text);
        let change = Change { seen: seen(before), moves, approved: None, new: Some((&new, &files)) };
        store.change_releases(&change).await.expect("written")
    }

    #[tokio::test]
    async fn releases_are_numbered_and_each_has_its_files_again() {
        let folder = Folder::new();
        let store = folder.store().await;
        assert_eq!(store.current_releases().await.expect("read"), Current::default());
        assert_eq!(publish(&store, "a", 0, "one").await, Changed::Done(Some(ReleaseId(1))));
        assert_eq!(publish(&store, "b", 1, "two").await, Changed::Done(Some(ReleaseId(2))));
        let all = store.releases(10).await.expect("read");
        let told: Vec<_> = all.iter().map(|r| (r.release.0, r.standing, r.parent.map(|p| p.0))).collect();
        assert_eq!(told, [(2, Standing::InForce, Some(1)), (1, Standing::Replaced, None)]);
        assert_eq!(store.release_files(ReleaseId(1)).await.expect("read"), files("one"));
        assert_eq!(store.release(ReleaseId(2)).await.expect("read").as_ref(), all.first());
        assert_eq!(store.release(ReleaseId(9)).await.expect("read"), None);
        assert_eq!(store.release_before(ReleaseId(2)).await.expect("read"), Some(ReleaseId(1)));
        let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM flow_files")
            .fetch_one(&store.readers)
            .await
            .expect("counted");
        assert_eq!(kept, 3, "what two releases share is kept once");
        assert_eq!(store.release_left(&content(&files("one"))).await.expect("read"), Some(ReleaseId(1)));
        assert_eq!(store.release_left(&content(&files("two"))).await.expect("read"), None);
    }

    #[tokio::test]
    async fn of_two_who_saw_the_same_release_one_wins_and_the_other_changes_nothing() {
        let folder = Folder::new();
        let store = folder.store().await;
        publish(&store, "start", 0, "one").await;
        let (one, two) = tokio::join!(publish(&store, "a", 1, "two"), publish(&store, "b", 1, "three"));
        let (done, overtaken): (Vec<_>, Vec<_>) =
            [one, two].into_iter().partition(|changed| matches!(changed, Changed::Done(_)));
        assert_eq!(done, [Changed::Done(Some(ReleaseId(2)))]);
        assert_eq!(overtaken, [Changed::Overtaken(seen(2))]);
        assert_eq!(store.releases(10).await.expect("read").len(), 2);
        // The connection is the journal's too, and must not be left within a transaction.
        write(&store, [arrived(1)]).await;
    }

    #[tokio::test]
    async fn a_change_that_fails_half_way_leaves_nothing() {
        let folder = Folder::new();
        let store = folder.store().await;
        publish(&store, "start", 0, "one").await;
        let new = new("a", Standing::InForce);
        // The second file of the same name is refused by the table, after all else was written.
        let twice = [files("two"), files("two")].concat();
        let moves = vec![(ReleaseId(1), Standing::Replaced)];
        let change = Change { seen: seen(1), moves, approved: None, new: Some((&new, &twice)) };
        assert!(store.change_releases(&change).await.is_err());
        assert_eq!(store.current_releases().await.expect("read"), seen(1));
        assert_eq!(store.releases(10).await.expect("read").len(), 1);
        write(&store, [arrived(1)]).await;
        assert_eq!(publish(&store, "a", 1, "two").await, Changed::Done(Some(ReleaseId(2))));
    }
}
