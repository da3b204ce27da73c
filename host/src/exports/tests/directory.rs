use super::*;
use std::sync::Barrier;

#[test]
fn a_file_appears_only_when_it_is_published() {
    let exports = Exports::new();
    let mut writer = exports.dir.create("a.xaf").unwrap();
    assert!(exports.names().is_empty());
    writer.write(b"one ").unwrap();
    writer.write(b"").unwrap();
    writer.write(b"two").unwrap();
    assert!(exports.names().is_empty());
    let sealed = writer.seal().unwrap();
    assert!(exports.names().is_empty());
    assert_eq!(sealed.read(7).unwrap().unwrap(), b"one two");
    sealed.publish().unwrap();
    assert_eq!(exports.names(), ["a.xaf"]);
    assert_eq!(exports.read("a.xaf"), b"one two");
    assert!(exports.staged().is_empty());
}

#[test]
fn the_receipt_has_the_size_and_the_sha256_of_the_bytes() {
    let exports = Exports::new();
    // The examples of FIPS 180-2: "abc", and no bytes at all.
    let sealed = exports.sealed("abc", b"abc");
    let expected = Receipt {
        name: "abc".to_owned(),
        size: 3,
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
    };
    assert_eq!(sealed.receipt(), &expected);
    assert_eq!(sealed.publish().unwrap(), expected);

    let empty = exports.dir.create("empty").unwrap().seal().unwrap();
    assert_eq!(
        empty.publish().unwrap(),
        Receipt {
            name: "empty".to_owned(),
            size: 0,
            sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned(),
        }
    );
    assert_eq!(exports.read("empty"), b"");
}

#[test]
fn a_file_that_is_not_finished_is_removed() {
    let exports = Exports::new();
    let mut writer = exports.dir.create("a").unwrap();
    writer.write(b"bytes").unwrap();
    assert_eq!(exports.staged().len(), 1);
    drop(writer);
    assert!(exports.staged().is_empty());
    drop(exports.sealed("a", b"bytes"));
    assert!(exports.staged().is_empty());
    assert!(exports.names().is_empty());
}

#[test]
fn a_file_is_never_replaced() {
    let exports = Exports::new();
    exports.publish("a", b"first");
    let refused = error(exports.dir.create("a"));
    assert_eq!(refused, ExportError::AlreadyExists);
    assert_eq!(refused.to_string(), "a file of this name exists already");
    assert_eq!(exports.read("a"), b"first");
    // A folder has the name just as well.
    std::fs::create_dir(exports.path().join("folder")).unwrap();
    let refused = error(exports.dir.create("folder"));
    assert_eq!(refused, ExportError::AlreadyExists);
}

#[test]
fn of_two_writers_of_one_name_the_first_to_publish_has_it() {
    let exports = Exports::new();
    let (one, two) = (exports.sealed("a", b"one"), exports.sealed("a", b"two"));
    two.publish().unwrap();
    assert_eq!(error(one.publish()), ExportError::AlreadyExists);
    assert_eq!(exports.read("a"), b"two");
    assert!(exports.staged().is_empty());
}

#[test]
fn when_many_writers_race_for_one_name_exactly_one_has_it() {
    let exports = Exports::new();
    let barrier = Barrier::new(8);
    let outcomes: Vec<(u8, Result<Receipt, ExportError>)> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8_u8)
            .map(|number| {
                let (exports, barrier) = (&exports, &barrier);
                scope.spawn(move || {
                    let sealed = exports.sealed("a", &[number; 10]);
                    barrier.wait();
                    (number, sealed.publish())
                })
            })
            .collect();
        let join = |writer: std::thread::ScopedJoinHandle<'_, _>| writer.join().unwrap();
        writers.into_iter().map(join).collect()
    });
    let mut winners = Vec::new();
    for (number, outcome) in outcomes {
        match outcome {
            Ok(_) => winners.push(number),
            Err(error) => assert_eq!(error, ExportError::AlreadyExists),
        }
    }
    let [winner] = winners[..] else {
        panic!("{winners:?} all have it");
    };
    assert_eq!(exports.read("a"), [winner; 10]);
    assert!(exports.staged().is_empty());
}

/// Leaves a staging folder as a process that was killed does: its lock is there
/// and nobody holds it. Gives the path of a file in it.
fn crash(exports: &Exports) -> PathBuf {
    let staging = exports.path().join(STAGING);
    std::fs::write(staging.join(format!("crashed{LOCK}")), "").unwrap();
    std::fs::create_dir(staging.join("crashed")).unwrap();
    staging.join("crashed/left")
}

#[test]
fn what_a_crash_left_is_removed_when_the_directory_is_opened() {
    let exports = Exports::new();
    exports.publish("a", b"kept");
    std::fs::write(crash(&exports), [0; 900]).unwrap();
    // One that was killed before it had a folder.
    let lock = exports.path().join(STAGING).join(format!("early{LOCK}"));
    std::fs::write(lock, "").unwrap();
    let again = exports.again(QUOTA);
    assert!(exports.staged().is_empty());
    // The folders and locks of the two that live are all there is.
    assert_eq!(names_in(&exports.path().join(STAGING)).len(), 4);
    assert_eq!(exports.read("a"), b"kept");
    // It counts no more.
    again.create("b").unwrap().write(&[0; 996]).unwrap();
}

#[test]
fn a_handle_that_is_dropped_leaves_no_staging() {
    let exports = Exports::new();
    let staging = exports.path().join(STAGING);
    let again = exports.again(QUOTA);
    drop(again.create("a").unwrap());
    assert_eq!(names_in(&staging).len(), 4);
    drop(again);
    assert_eq!(names_in(&staging).len(), 2);
    drop(exports.dir);
    assert!(names_in(&staging).is_empty());
}

#[test]
fn a_crash_between_the_name_and_the_clearing_away_leaves_the_file_whole() {
    let exports = Exports::new();
    exports.publish("a", b"whole");
    // As publishing leaves it just before the end.
    std::fs::hard_link(exports.path().join("a"), crash(&exports)).unwrap();
    exports.again(QUOTA);
    assert!(exports.staged().is_empty());
    assert_eq!(exports.read("a"), b"whole");
}

#[test]
fn opening_the_directory_again_leaves_a_file_being_written_alone() {
    let exports = Exports::new();
    let mut writer = exports.dir.create("a").unwrap();
    writer.write(b"one ").unwrap();
    let sealed = exports.sealed("b", b"sealed");
    exports.again(QUOTA);
    writer.write(b"two").unwrap();
    writer.seal().unwrap().publish().unwrap();
    assert_eq!(exports.read("a"), b"one two");
    assert_eq!(sealed.read(6).unwrap().unwrap(), b"sealed");
    sealed.publish().unwrap();
    assert_eq!(exports.read("b"), b"sealed");
    assert!(exports.staged().is_empty());
}

#[test]
fn the_directory_is_made_with_the_ones_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/c");
    let dir = ExportDir::open(&path, QUOTA).unwrap();
    dir.create("x").unwrap().seal().unwrap().publish().unwrap();
    drop(dir);
    assert_eq!(names_in(&path), [STAGING, "x"]);
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = error(ExportDir::open(&file.join("exports"), QUOTA));
    let ExportError::Io(why) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(&error.to_string(), why);
    assert_eq!(std::fs::read(&file).unwrap(), b"");
}

#[cfg(unix)]
#[test]
fn a_symlink_of_the_wanted_name_is_not_followed() {
    use std::os::unix::fs::symlink;
    let exports = Exports::new();
    let outside = exports.folder.path().join("outside");
    std::fs::write(&outside, "outside").unwrap();
    let nowhere = exports.folder.path().join("nowhere");
    for (name, target) in [("there", &outside), ("dangling", &nowhere)] {
        // There before the file is begun, and there before it is published.
        symlink(target, exports.path().join(name)).unwrap();
        assert_eq!(error(exports.dir.create(name)), ExportError::AlreadyExists);
        let late = format!("late-{name}");
        let sealed = exports.sealed(&late, b"bytes");
        symlink(target, exports.path().join(&late)).unwrap();
        assert_eq!(error(sealed.publish()), ExportError::AlreadyExists);
        assert!(exports.path().join(&late).is_symlink());
    }
    assert_eq!(std::fs::read(&outside).unwrap(), b"outside");
    assert!(!nowhere.exists());
    assert!(exports.staged().is_empty());
}

#[cfg(unix)]
#[test]
fn a_staging_directory_that_leads_elsewhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, outside) = (folder.path().join("exports"), folder.path().join("outside"));
    for directory in [&path, &outside] {
        std::fs::create_dir(directory).unwrap();
        std::fs::write(directory.join("precious"), "kept").unwrap();
    }
    for target in [outside.as_path(), Path::new(".")] {
        std::os::unix::fs::symlink(target, path.join(STAGING)).unwrap();
        let error = error(ExportDir::open(&path, QUOTA));
        assert!(matches!(error, ExportError::Io(_)), "{error:?}");
        std::fs::remove_file(path.join(STAGING)).unwrap();
    }
    for directory in [&path, &outside] {
        assert_eq!(std::fs::read(directory.join("precious")).unwrap(), b"kept");
    }
}
