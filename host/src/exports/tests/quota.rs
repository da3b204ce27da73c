use super::*;

#[track_caller]
fn exceeded<T>(result: Result<T, ExportError>, quota: u64) {
    let error = error(result);
    assert_eq!(error, ExportError::QuotaExceeded { quota });
    assert_eq!(
        error.to_string(),
        format!("the quota of {quota} bytes is used up")
    );
}

#[test]
fn the_quota_is_exact_to_the_byte() {
    let exports = Exports::new();
    let mut writer = exports.dir.create("a").unwrap();
    writer.write(&[1; 999]).unwrap();
    exceeded(writer.write(&[2; 2]), QUOTA);
    // What was refused left no trace: one byte still fits, and no more.
    writer.write(&[3]).unwrap();
    exceeded(writer.write(&[4]), QUOTA);
    writer.write(b"").unwrap();
    let receipt = writer.seal().unwrap().publish().unwrap();
    assert_eq!(receipt.size, 1_000);
    let mut expected = vec![1; 999];
    expected.push(3);
    assert_eq!(exports.read("a"), expected);
    assert_eq!(receipt.sha256, hex::encode(Sha256::digest(&expected)));
    exceeded(exports.dir.create("b").unwrap().write(&[5]), QUOTA);
}

#[test]
fn a_quota_of_nothing_allows_empty_files_only() {
    let folder = tempfile::tempdir().unwrap();
    let dir = ExportDir::open(folder.path(), 0).unwrap();
    let mut writer = dir.create("a").unwrap();
    exceeded(writer.write(&[0]), 0);
    assert_eq!(writer.seal().unwrap().publish().unwrap().size, 0);
}

#[test]
fn files_that_are_there_already_count() {
    let exports = Exports::new();
    exports.publish("mine", &[0; 600]);
    std::fs::write(exports.path().join("another's"), [0; 300]).unwrap();
    std::fs::create_dir(exports.path().join("folder")).unwrap();
    let again = exports.again(QUOTA);
    let mut writer = again.create("b").unwrap();
    exceeded(writer.write(&[0; 101]), QUOTA);
    writer.write(&[0; 100]).unwrap();
}

#[cfg(unix)]
#[test]
fn what_a_symlink_leads_to_does_not_count() {
    let exports = Exports::new();
    let outside = exports.folder.path().join("outside");
    std::fs::write(&outside, [0; 2_000]).unwrap();
    std::os::unix::fs::symlink(&outside, exports.path().join("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", exports.path().join("dangling")).unwrap();
    let again = exports.again(QUOTA);
    again.create("a").unwrap().write(&[0; 1_000]).unwrap();
}

#[test]
fn more_than_the_quota_may_be_there_already() {
    let exports = Exports::new();
    exports.publish("a", &[0; 1_000]);
    let again = exports.again(10);
    let mut writer = again.create("b").unwrap();
    exceeded(writer.write(&[0]), 10);
    writer.seal().unwrap().publish().unwrap();
}

#[test]
fn what_is_not_published_gives_its_quota_back() {
    let exports = Exports::new();
    let mut writer = exports.dir.create("a").unwrap();
    writer.write(&[0; 1_000]).unwrap();
    exceeded(exports.dir.create("b").unwrap().write(&[0]), QUOTA);
    drop(writer);
    drop(exports.sealed("a", &[0; 1_000]));
    // The loser of a race as well.
    let loser = exports.sealed("c", &[0; 500]);
    exports.publish("c", &[1; 500]);
    assert_eq!(error(loser.publish()), ExportError::AlreadyExists);
    exports.publish("d", &[0; 500]);
    exceeded(exports.dir.create("e").unwrap().write(&[0]), QUOTA);
}

#[test]
fn files_that_were_taken_away_count_no_more() {
    let exports = Exports::new();
    exports.publish("a", &[0; 700]);
    exports.publish("b", &[0; 200]);
    let held = exports.sealed("c", &[0; 100]);
    exceeded(exports.dir.create("d").unwrap().write(&[0]), QUOTA);
    // As whoever the files are for does.
    std::fs::remove_file(exports.path().join("a")).unwrap();
    let mut writer = exports.dir.create("d").unwrap();
    exceeded(writer.write(&[0; 701]), QUOTA);
    writer.write(&[0; 700]).unwrap();
    exceeded(writer.write(&[0]), QUOTA);
    drop(writer);
    held.publish().unwrap();
    exports.publish("e", &[0; 700]);
    exceeded(exports.dir.create("f").unwrap().write(&[0]), QUOTA);
}

#[test]
fn two_handles_share_one_quota() {
    let exports = Exports::new();
    let other = exports.dir.clone();
    let mut one = exports.dir.create("one").unwrap();
    let mut two = other.create("two").unwrap();
    one.write(&[0; 600]).unwrap();
    exceeded(two.write(&[0; 401]), QUOTA);
    two.write(&[0; 400]).unwrap();
    exceeded(one.write(&[0]), QUOTA);
    drop(two);
    one.write(&[0; 400]).unwrap();
}

#[test]
fn writers_at_the_same_time_never_exceed_the_quota() {
    let exports = Exports::new();
    let written: u64 = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|number| {
                let exports = &exports;
                scope.spawn(move || {
                    let mut writer = exports.dir.create(&format!("f{number}")).unwrap();
                    let mut written = 0;
                    while writer.write(&[0; 3]).is_ok() {
                        written += 3;
                    }
                    assert_eq!(writer.seal().unwrap().publish().unwrap().size, written);
                    written
                })
            })
            .collect();
        let join = |writer: std::thread::ScopedJoinHandle<'_, u64>| writer.join().unwrap();
        writers.into_iter().map(join).sum()
    });
    // The last byte is too few for another three.
    assert_eq!(written, 999);
    let sizes = exports
        .names()
        .into_iter()
        .map(|name| exports.read(&name).len());
    assert_eq!(sizes.sum::<usize>(), 999);
}
