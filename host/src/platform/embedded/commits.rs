//! Whether anybody committed to a database, at the cost of reading a few bytes.
//!
//! Asking SQLite takes locks on the file, which costs more than all else that a
//! reading activity does. Beside a database with a write-ahead log lies its
//! index, in which each commit changes the header before anyone can see it
//! (<https://sqlite.org/walformat.html#the_wal_index_file_format>). As long as
//! the header is what it was, so is the database.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// One copy of the header: among others a counter of commits.
const HEADER_BYTES: usize = 48;

/// The commits to one database.
pub(super) struct Commits {
    /// None if there is none to be read. Then SQLite is asked each time.
    index: Option<File>,
    seen: Option<[u8; HEADER_BYTES]>,
}

impl Commits {
    /// Of the database in this file, to which somebody must be connected.
    pub(super) fn of(path: &Path) -> Self {
        let mut index = path.as_os_str().to_owned();
        index.push("-shm");
        Self {
            index: File::open(index).ok(),
            seen: None,
        }
    }

    /// Looks at the database, unless nobody committed anything since it was
    /// looked at before.
    ///
    /// # Errors
    ///
    /// Those of looking. It is done again the next time.
    pub(super) fn look<T, E>(
        &mut self,
        look: impl FnOnce() -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let now = self.header();
        if now.is_some() && now == self.seen {
            return Ok(None);
        }
        let seen = look()?;
        self.seen = now;
        Ok(Some(seen))
    }

    fn header(&self) -> Option<[u8; HEADER_BYTES]> {
        let mut header = [0; HEADER_BYTES];
        // It may be changed while it is read. What comes of that is none that
        // was seen before, or is seen again.
        self.index.as_ref()?.read_exact_at(&mut header, 0).ok()?;
        Some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    fn database(dir: &tempfile::TempDir) -> (Connection, Commits) {
        let path = dir.path().join("test.db");
        let db = Connection::open(&path).unwrap();
        db.pragma_update(None, "journal_mode", "WAL").unwrap();
        db.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        (db, Commits::of(&path))
    }

    impl Commits {
        fn none_since(&mut self) -> bool {
            let looked = self.look(|| Ok::<_, String>(()));
            looked.unwrap().is_none()
        }
    }

    #[test]
    fn a_commit_of_any_connection_is_seen_once() {
        let dir = tempfile::tempdir().unwrap();
        let (db, mut commits) = database(&dir);
        assert!(!commits.none_since(), "it was never asked");
        assert!(commits.none_since());
        db.execute("INSERT INTO t VALUES (1)", []).unwrap();
        assert!(!commits.none_since());
        assert!(commits.none_since());
        let other = Connection::open(dir.path().join("test.db")).unwrap();
        other.execute("DELETE FROM t", []).unwrap();
        assert!(!commits.none_since());
        assert!(commits.none_since());
    }

    #[test]
    fn what_is_not_committed_is_not_seen() {
        let dir = tempfile::tempdir().unwrap();
        let (mut db, mut commits) = database(&dir);
        commits.none_since();
        let transaction = db.transaction().unwrap();
        transaction.execute("INSERT INTO t VALUES (1)", []).unwrap();
        assert!(commits.none_since());
        transaction.commit().unwrap();
        assert!(!commits.none_since());
    }

    #[test]
    fn a_log_that_begins_anew_hides_no_commit() {
        let dir = tempfile::tempdir().unwrap();
        let (db, mut commits) = database(&dir);
        for _ in 0..3 {
            db.execute("INSERT INTO t VALUES (1)", []).unwrap();
            assert!(!commits.none_since());
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .unwrap();
            commits.none_since();
        }
    }

    #[test]
    fn a_look_that_failed_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let (_db, mut commits) = database(&dir);
        let failed = commits.look(|| Err::<(), _>("locked"));
        assert_eq!(failed, Err("locked"));
        assert!(!commits.none_since());
        assert!(commits.none_since());
    }

    #[test]
    fn without_a_log_nothing_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let mut commits = Commits::of(&dir.path().join("none.db"));
        assert!(!commits.none_since());
        assert!(!commits.none_since());
    }
}
