//! The journal and the call records, on disk (SQLite). Written in batches, off the engine thread.
