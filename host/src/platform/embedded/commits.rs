//! Whether anybody committed to a database, at the cost of reading a few bytes
//! of memory.
//!
//! Asking SQLite takes locks on the file, which costs more than all else that a
//! reading activity does. Beside a database with a write-ahead log lies its
//! index, memory that all who are connected share, in which each commit changes
//! the header before anyone can see it
//! (<https://sqlite.org/walformat.html#the_wal_index_file_format>). As long as
//! the header is what it was, so is the database.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use vm_memory::mmap::{MmapRegion, MmapRegionBuilder};
use vm_memory::{FileOffset, VolatileMemory};

/// One copy of the header, of 48 bytes: among others a counter of commits.
type Header = [u64; 6];

/// As much of the index as is mapped: what SQLite makes it at least.
const INDEX_BYTES: usize = 32 << 10;

/// The commits to one database.
pub(super) struct Commits {
    /// None if there is none to be read. Then SQLite is asked each time.
    index: Option<MmapRegion>,
    seen: Option<Header>,
}

impl Commits {
    /// Of the database in this file. Somebody must be connected to it for as
    /// long as these are kept: only then does SQLite not shorten the index, and
    /// nobody loses a lock when its file is closed.
    pub(super) fn of(path: &Path) -> Self {
        let mut index = path.as_os_str().to_owned();
        index.push("-shm");
        Self {
            index: mapped(Path::new(&index)),
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

    fn header(&self) -> Option<Header> {
        let index = self.index.as_ref()?;
        let mut header = Header::default();
        // It may be changed while it is read. What comes of that is none that
        // was seen before, or is seen again.
        for (at, word) in header.iter_mut().enumerate() {
            let there = index.get_atomic_ref::<AtomicU64>(at * size_of::<u64>());
            *word = there.ok()?.load(Ordering::Acquire);
        }
        Some(header)
    }
}

/// The index, as everybody who is connected sees it; none if it cannot be mapped.
fn mapped(path: &Path) -> Option<MmapRegion> {
    let file = File::open(path).ok()?;
    // Beyond its end is nothing to be read.
    if file.metadata().ok()?.len() < INDEX_BYTES as u64 {
        return None;
    }
    let region = MmapRegionBuilder::new(INDEX_BYTES)
        .with_file_offset(FileOffset::new(file, 0))
        .with_mmap_prot(libc::PROT_READ)
        .with_mmap_flags(libc::MAP_SHARED);
    region.build().ok()
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
