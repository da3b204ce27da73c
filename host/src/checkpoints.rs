//! Checkpoints: what the write-ahead log of an SQLite file holds is written into
//! the file (<https://sqlite.org/wal.html#ckpt>). SQLite does so as part of a
//! commit, for which all who write wait, tens of milliseconds when there is much
//! to do. Here a thread does it beside them until hardly anything is left; then a
//! commit does the rest, and the log begins anew.

use crate::joined::Joined;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// From how many pages on the log begins anew: a page that changed more than once
/// since it began is written into the file once.
const LONG: i64 = 4_000;

/// How many pages wait for the thread before it is woken.
const MANY: i64 = 1_000;

/// How many pages a commit writes into the file itself.
const FEW: i64 = 256;

/// From how many pages on it does so however many they are: the thread does not
/// keep up with those who write.
const LONGEST: i64 = 4 * LONG;

/// The thread that writes the log of one file into it.
pub(crate) struct Checkpoints {
    thread: Joined<SyncSender<()>>,
    turn: Turn,
}

/// Held by whoever makes a checkpoint: SQLite has another one do nothing.
type Turn = Arc<Mutex<()>>;

/// What a log holds.
struct Log {
    pages: i64,
    /// Those that are in the file.
    done: i64,
}

impl Checkpoints {
    /// For the file of this path, which is there.
    ///
    /// # Errors
    ///
    /// When no thread can be started.
    pub(crate) fn of(path: &Path) -> std::io::Result<Self> {
        // One that is woken while it works looks again.
        let (wake, woken) = sync_channel(1);
        let (path, turn) = (path.to_owned(), Turn::default());
        let takes = turn.clone();
        let work = move || work(&path, &takes, &woken);
        Ok(Self {
            thread: Joined::start("koppel-pages", wake, work)?,
            turn,
        })
    }

    /// From now on this connection makes no checkpoints by itself.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub(crate) fn take(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.pragma_update(None, "wal_autocheckpoint", 0)
    }

    /// Is to be told after each commit through a connection that it took.
    pub(crate) fn committed(&self, connection: &Connection) {
        // The commit stands whatever comes of this, which the next does again.
        if let Err(error) = self.look(connection) {
            tracing::debug!(%error, "the write-ahead log is not written back");
        }
    }

    /// Writes all of the log into the file and empties it: what was replaced or
    /// erased is not to stay there. Others may be reading; then it goes with a
    /// later one.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub(crate) fn truncate(&self, connection: &Connection) -> rusqlite::Result<()> {
        let _turn = lock(&self.turn);
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    fn look(&self, connection: &Connection) -> rusqlite::Result<()> {
        let log = Log::of(connection)?;
        let left = log.pages - log.done;
        if log.pages >= LONGEST || (log.pages >= LONG && left <= FEW) {
            // If somebody is at it, the next commit does the rest.
            match self.turn.try_lock() {
                Err(TryLockError::WouldBlock) => {}
                _turn => checkpoint(connection)?,
            }
        } else if left >= MANY || log.pages >= LONG {
            // If it was woken and has not begun yet, it sees this as well.
            let _ = self.thread.way().map(|wake| wake.try_send(()));
        }
        Ok(())
    }
}

impl Log {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        // It counts, and does nothing.
        connection
            .prepare_cached("PRAGMA wal_checkpoint(NOOP)")?
            .query_row([], |row| {
                Ok(Self {
                    pages: row.get(1)?,
                    done: row.get(2)?,
                })
            })
    }
}

/// Writes as much into the file as nobody reads in the log; waits for nobody.
fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?
        .query_row([], |_| Ok(()))
}

fn lock(turn: &Turn) -> MutexGuard<'_, ()> {
    // It guards nothing that could be left half done.
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(path: &PathBuf, turn: &Turn, woken: &Receiver<()>) {
    let mut connection = None;
    while woken.recv().is_ok() {
        let _turn = lock(turn);
        let done = match connection.take() {
            Some(open) => Ok(open),
            // Never makes a file where there is none any more.
            None => Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE),
        }
        .and_then(|open| checkpoint(connection.insert(open)));
        if let Err(error) = done {
            tracing::warn!(path = %path.display(), %error, "the write-ahead log is not written back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};
    use tempfile::TempDir;

    /// A database in a file, and what takes its checkpoints.
    fn database() -> (TempDir, PathBuf, Connection, Checkpoints) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("some.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        let checkpoints = Checkpoints::of(&path).unwrap();
        checkpoints.take(&connection).unwrap();
        connection
            .execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, bytes BLOB) STRICT")
            .unwrap();
        (dir, path, connection, checkpoints)
    }

    /// Commits somewhat more than so many pages.
    fn commit(connection: &Connection, pages: i64) {
        let insert = "INSERT INTO t (bytes) VALUES (zeroblob(?1 * 4096))";
        connection.execute(insert, [pages]).unwrap();
    }

    fn until(connection: &Connection, holds: impl Fn(&Log) -> bool) {
        let since = Instant::now();
        while !holds(&Log::of(connection).unwrap()) {
            assert!(since.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_long_log_is_written_back_by_another_and_begins_anew_with_the_next_commit() {
        let (_dir, _, connection, checkpoints) = database();
        commit(&connection, LONG);
        assert_eq!(Log::of(&connection).unwrap().done, 0);
        checkpoints.committed(&connection);
        until(&connection, |log| {
            log.pages >= LONG && log.pages == log.done
        });
        commit(&connection, 1);
        checkpoints.committed(&connection);
        let log = Log::of(&connection).unwrap();
        assert!(log.pages < 10, "{} pages", log.pages);
    }

    #[test]
    fn a_short_log_is_left_alone() {
        let (_dir, _, connection, checkpoints) = database();
        commit(&connection, MANY / 2);
        checkpoints.committed(&connection);
        drop(checkpoints);
        assert_eq!(Log::of(&connection).unwrap().done, 0);
    }

    #[test]
    fn a_log_does_not_grow_on_however_much_is_written() {
        let (_dir, path, connection, checkpoints) = database();
        let mut longest = 0;
        for _ in 0..LONGEST / 64 * 2 {
            commit(&connection, 64);
            checkpoints.committed(&connection);
            longest = longest.max(Log::of(&connection).unwrap().pages);
        }
        assert!((LONG..LONGEST + 100).contains(&longest), "{longest} pages");
        // Nothing is lost by it.
        drop(checkpoints);
        drop(connection);
        let connection = Connection::open(&path).unwrap();
        let rows: i64 = connection
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, LONGEST / 64 * 2);
    }

    #[test]
    fn a_commit_writes_the_rest_itself_when_hardly_anything_is_left() {
        let (_dir, path, connection, checkpoints) = database();
        commit(&connection, LONG);
        // Whoever reads in the log keeps it from beginning anew.
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT n FROM t").unwrap();
        checkpoint(&connection).unwrap();
        commit(&connection, FEW / 2);
        reader.execute_batch("COMMIT").unwrap();
        assert!(Log::of(&connection).unwrap().done <= LONG + 10);
        checkpoints.committed(&connection);
        let log = Log::of(&connection).unwrap();
        assert_eq!(log.done, log.pages);
    }

    #[test]
    fn a_log_is_emptied_whoever_works_on_it() {
        let (_dir, path, connection, checkpoints) = database();
        let mut log = path.into_os_string();
        log.push("-wal");
        for _ in 0..20 {
            commit(&connection, MANY + 1);
            checkpoints.committed(&connection);
            checkpoints.truncate(&connection).unwrap();
            assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
        }
    }

    #[test]
    fn a_file_that_is_gone_is_not_made_again() {
        let (dir, path, connection, checkpoints) = database();
        commit(&connection, MANY);
        let moved = dir.path().join("moved.db");
        std::fs::rename(&path, &moved).unwrap();
        checkpoints.committed(&connection);
        drop(checkpoints);
        assert!(!path.exists());
    }
}
