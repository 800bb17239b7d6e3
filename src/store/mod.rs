//! The journal and the call records, on disk (SQLite). Written in batches, off the engine thread.
//!
//! [`Store`] is the file; [`journal`] the one writer, fed by the engine; [`calls`], [`callbacks`] and [`proof`] what is asked of it;
//! [`releases`] the flows as they were published; [`restart`] closes what a dead server left open. The journal is the truth: `calls` and `callbacks` are folded from it.

pub mod callbacks;
pub mod calls;
mod emergency;
pub mod journal;
mod messages;
mod profiles;
pub mod proof;
pub mod releases;
pub mod restart;
mod rows;
mod schema;

#[cfg(test)]
mod made;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

/// Connections that read. Readers never wait for the writer (WAL).
const READERS: u32 = 4;

/// How long a connection waits for a lock that another process (a report, a backup) holds.
const BUSY: Duration = Duration::from_secs(5);

/// Why the store cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path}: {source}")]
    File {
        path: String,
        #[source]
        source: io::Error,
    },
    /// The disk is full, or the file is locked, damaged or no database.
    #[error("the database refuses: {0}")]
    Database(#[from] sqlx::Error),
    #[error(
        "the database is of a newer version of the server (schema {found}, known {known}): start that version"
    )]
    Newer { found: i64, known: i64 },
    /// A row that no server wrote; `Store::verify_journal` of the journal tells more.
    #[error("row {row} of table {table} cannot be read: {source}")]
    Row {
        table: &'static str,
        row: i64,
        #[source]
        source: serde_json::Error,
    },
}

/// The database file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    /// One connection: SQLite has one writer at a time anyway, and so nothing ever waits for itself.
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Opens the file, creates it and its folder if need be (readable by its owner only), and brings its tables
    /// up to date.
    pub async fn open(path: &Path) -> Result<Store, StoreError> {
        let file_error = |source| StoreError::File { path: path.display().to_string(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(file_error)?;
        }
        OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(file_error)?;
        Store::open_existing(path).await
    }

    /// Opens the file for a report. An error if it is not there.
    pub async fn open_existing(path: &Path) -> Result<Store, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY);
        let writing = options
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            // What is forgotten of a caller is overwritten, and not only taken off the list.
            .pragma("secure_delete", "ON")
            // In WAL mode a killed server loses nothing by this; a power cut may cost the last moments.
            .synchronous(SqliteSynchronous::Normal);
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(writing).await?;
        schema::bring_up_to_date(&writer).await?;
        let readers =
            SqlitePoolOptions::new().max_connections(READERS).connect_with(options.read_only(true)).await?;
        Ok(Store { writer, readers })
    }

    /// Waits for what is under way and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::made::{Folder, arrived, write};

    #[tokio::test]
    async fn the_file_and_its_log_are_their_owners_only() {
        let folder = Folder::new();
        let store = folder.store().await;
        write(&store, [arrived(1)]).await;
        for name in ["hotline.db", "hotline.db-wal"] {
            let mode = std::fs::metadata(folder.0.join(name)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[tokio::test]
    async fn a_newer_or_missing_or_foreign_file_is_refused_with_the_reason() {
        let folder = Folder::new();
        let store = folder.store().await;
        sqlx::query("PRAGMA user_version = 99").execute(&store.writer).await.expect("set");
        store.close().await;
        let newer = Store::open(&folder.0.join("hotline.db")).await;
        assert!(matches!(newer, Err(StoreError::Newer { found: 99, .. })));
        let missing = folder.0.join("missing.db");
        assert!(Store::open_existing(&missing).await.is_err() && !missing.exists());
        let foreign = folder.0.join("foreign.db");
        std::fs::write(&foreign, "this is no database, it is a letter".repeat(100)).expect("written");
        assert!(matches!(Store::open(&foreign).await, Err(StoreError::Database(_))));
    }
}
