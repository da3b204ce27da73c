//! Telling that a file is still the one that was read, without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

/// How old the last change of a file must be before its stamp says anything:
/// clocks of file systems are coarse, and two changes within one tick look the
/// same.
const SETTLED: Duration = Duration::from_secs(2);

/// What changes when a file is written or replaced. The time of the last
/// change of its inode cannot be set by who writes the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether a change after now must change the stamp.
    pub(super) fn settled(&self) -> bool {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let latest = self.modified.0.max(self.changed.0);
        u64::try_from(latest).is_ok_and(|latest| Duration::from_secs(latest) + SETTLED < now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, FileTimes, metadata, rename, write};

    #[test]
    fn a_file_that_was_written_or_replaced_has_another_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write(&path, "one").unwrap();
        let first = Stamp::of(&metadata(&path).unwrap());
        assert_eq!(first, Stamp::of(&metadata(&path).unwrap()));
        // Replaced by one that says it is as old and as long.
        let other = dir.path().join("b");
        write(&other, "two").unwrap();
        let times = FileTimes::new().set_modified(metadata(&path).unwrap().modified().unwrap());
        File::options()
            .write(true)
            .open(&other)
            .unwrap()
            .set_times(times)
            .unwrap();
        rename(&other, &path).unwrap();
        let second = Stamp::of(&metadata(&path).unwrap());
        assert_ne!(first, second);
        write(&path, "three").unwrap();
        assert_ne!(second, Stamp::of(&metadata(&path).unwrap()));
    }

    #[test]
    fn a_file_that_just_changed_is_not_settled() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write(&path, "one").unwrap();
        let mut stamp = Stamp::of(&metadata(&path).unwrap());
        assert!(!stamp.settled());
        stamp.modified.0 -= 10;
        assert!(!stamp.settled(), "a time that was set back does not help");
        stamp.changed.0 -= 10;
        assert!(stamp.settled());
    }
}
