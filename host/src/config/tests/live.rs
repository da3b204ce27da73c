//! Replacing the configuration in force.

use super::*;
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

const GOOD: &str = "[platform]\ndata = \"one.db\"\n";
const OTHER: &str = "[platform]\ndata = \"two.db\"\n";
const BROKEN: &str = "[platform]\ndata = \"two.db\"\nledgre = \"x\"\n";

/// A configuration in force, with the folder of its file.
fn live() -> (TempDir, Live) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("platform.toml");
    std::fs::write(&path, GOOD).unwrap();
    let live = Live::new(Config::load(&path).unwrap());
    (dir, live)
}

fn data(live: &Live) -> String {
    live.with(|config| {
        let name = config.data.file_name().unwrap();
        name.to_str().unwrap().to_owned()
    })
}

fn write(dir: &TempDir, text: &str) {
    std::fs::write(dir.path().join("platform.toml"), text).unwrap();
}

#[test]
fn a_good_file_replaces_the_configuration_for_everyone() {
    let (dir, live) = live();
    let (other, held) = (live.clone(), live.now());
    write(&dir, OTHER);
    // Nothing changes until it is read again.
    assert_eq!(data(&live), "one.db");
    assert!(matches!(live.reload(), Reload::Replaced));
    assert_eq!(data(&live), "two.db");
    assert_eq!(data(&other), "two.db");
    // Who still holds the old one has a whole old one.
    assert!(held.data.ends_with("one.db"));
}

#[test]
fn a_broken_file_leaves_the_old_configuration_in_force() {
    let (dir, live) = live();
    write(&dir, BROKEN);
    let Reload::Kept(error) = live.reload() else {
        panic!("a broken file was put in force");
    };
    assert_eq!(
        error.to_string(),
        format!(
            "{}:3:1: unknown field `ledgre`, expected one of `source`, `data`, `ledger`, `compiled`, `oci-cache`, `signatures`, `trusted-keys`, `runs`, `loket`",
            dir.path().join("platform.toml").display()
        )
    );
    assert_eq!(data(&live), "one.db");
    write(&dir, OTHER);
    assert!(matches!(live.reload(), Reload::Replaced));
    assert_eq!(data(&live), "two.db");
}

#[test]
fn a_file_that_is_gone_leaves_the_old_configuration_in_force() {
    let (dir, live) = live();
    std::fs::remove_file(dir.path().join("platform.toml")).unwrap();
    let Reload::Kept(error) = live.reload() else {
        panic!("a missing file was put in force");
    };
    assert_eq!(error.faults[0].line, None);
    assert_eq!(data(&live), "one.db");
}

#[test]
fn a_watched_file_is_read_again_when_it_is_written_or_replaced() {
    let (dir, live) = live();
    let (report, reports) = mpsc::channel();
    let watching = live.watch(move |reload| drop(report.send(reload))).unwrap();
    let next = || reports.recv_timeout(Duration::from_secs(10)).unwrap();

    write(&dir, BROKEN);
    assert!(matches!(next(), Reload::Kept(_)));
    assert_eq!(data(&live), "one.db");

    let new = dir.path().join("new.toml");
    std::fs::write(&new, OTHER).unwrap();
    std::fs::rename(&new, dir.path().join("platform.toml")).unwrap();
    assert!(matches!(next(), Reload::Replaced));
    assert_eq!(data(&live), "two.db");

    // The thread that reads ends with the watch, and its sender with it.
    drop(watching);
    assert!(reports.recv_timeout(Duration::from_secs(10)).is_err());
    write(&dir, GOOD);
    assert_eq!(data(&live), "two.db");
}
