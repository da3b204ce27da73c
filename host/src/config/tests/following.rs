//! Replacing published grants, beside changes of the file.

use super::published::published;
use super::*;
use crate::authorization::{Revocation, Revoked, Revoking};
use crate::catalogue::id;
use tempfile::TempDir;

const LOCAL: &str = "[platform]\n[store]\nurl = \"postgresql://koppel@127.0.0.1/koppel\"\none-machine = true\n[queue]\nurl = \"nats://127.0.0.1:4222\"\ngrants = \"published\"\n";

fn grants(right: &str) -> String {
    format!("[rights]\n{right} = [\"GetEmployerByEmployerId\"]\n")
}

/// A host with the first version in force.
fn live() -> (TempDir, Live) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("platform.toml");
    std::fs::write(&path, LOCAL).unwrap();
    let config = Config::load(&path).unwrap();
    let config = config.with_grants(&published(1, &grants("one")));
    (dir, Live::new(config.unwrap()))
}

fn write(dir: &TempDir, text: &str) {
    std::fs::write(dir.path().join("platform.toml"), text).unwrap();
}

/// The only right, and the version that it is from.
fn in_force(live: &Live) -> (String, u64) {
    live.with(|config| {
        let rights: Vec<_> = config.grants.rights.keys().cloned().collect();
        assert_eq!(rights.len(), 1, "{rights:?}");
        (
            rights[0].clone(),
            config.published.as_ref().unwrap().version,
        )
    })
}

fn publish(live: &Live, version: u64, text: &str) -> Option<Reload> {
    live.publish(&published(version, text))
}

#[test]
fn newer_grants_replace_older_ones_and_never_the_other_way_round() {
    let (_dir, live) = live();
    assert!(matches!(
        publish(&live, 3, &grants("three")),
        Some(Reload::Replaced)
    ));
    assert_eq!(in_force(&live), ("three".to_owned(), 3));
    for late in [1, 2, 3] {
        assert!(publish(&live, late, &grants("late")).is_none());
        assert!(!live.refuse(late, "late".to_owned()));
    }
    assert_eq!(in_force(&live), ("three".to_owned(), 3));
    assert!(live.refused().is_none());
}

#[test]
fn broken_grants_leave_the_old_ones_in_force_until_better_ones_are_published() {
    let (_dir, live) = live();
    let Some(Reload::Kept(error)) = publish(&live, 2, "[rights]\nx = [\"GetEmployer\"]\n") else {
        panic!("broken grants were put in force");
    };
    let told = "published grants, version 2:2:6: there is no activity \"GetEmployer\"; did you mean \"GetEmployersByUserId\"?";
    assert_eq!(error.to_string(), told);
    assert_eq!(in_force(&live), ("one".to_owned(), 1));
    let refused = live.refused().unwrap();
    assert_eq!((refused.version, refused.why.as_str()), (2, told));
    assert_eq!(live.newest(), 2);
    // An older one does not come back because a newer one is broken.
    assert!(publish(&live, 2, &grants("two")).is_none());
    assert!(matches!(
        publish(&live, 3, &grants("three")),
        Some(Reload::Replaced)
    ));
    assert_eq!(in_force(&live), ("three".to_owned(), 3));
    assert!(live.refused().is_none());
}

#[test]
fn grants_of_an_unknown_kind_leave_the_old_ones_in_force() {
    let (_dir, live) = live();
    assert!(live.refuse(2, "it is in format 9".to_owned()));
    assert!(!live.refuse(2, "it is in format 9".to_owned()));
    assert_eq!(live.refused().unwrap().why, "it is in format 9");
    assert_eq!(in_force(&live), ("one".to_owned(), 1));
    // A change of the file mends nothing.
    assert!(matches!(live.reload(), Reload::Replaced));
    assert_eq!(live.refused().unwrap().version, 2);
}

#[test]
fn a_changed_file_keeps_the_published_grants() {
    let (dir, live) = live();
    publish(&live, 2, &grants("two"));
    write(&dir, &(LOCAL.to_owned() + "workers = 9\n"));
    assert!(matches!(live.reload(), Reload::Replaced));
    assert_eq!(live.with(|config| config.queue.workers), 9);
    assert_eq!(in_force(&live), ("two".to_owned(), 2));
}

#[test]
fn a_broken_file_keeps_no_host_from_following() {
    let (dir, live) = live();
    write(&dir, "[platform");
    assert!(matches!(live.reload(), Reload::Kept(_)));
    assert!(matches!(
        publish(&live, 2, &grants("two")),
        Some(Reload::Replaced)
    ));
    assert_eq!(in_force(&live), ("two".to_owned(), 2));
}

#[test]
fn a_file_that_is_mended_puts_refused_grants_in_force() {
    let (dir, live) = live();
    let application =
        "[clients.a]\napplication = { id = \"30cbb99f-d691-5ddb-b4af-7031857482c0\" }\n";
    write(&dir, &(LOCAL.to_owned() + application));
    assert!(matches!(live.reload(), Reload::Replaced));
    let text = grants("two") + "[clients.a]\nlimits = { requests = 1 }\n";
    assert!(matches!(publish(&live, 2, &text), Some(Reload::Kept(_))));
    assert_eq!(in_force(&live), ("one".to_owned(), 1));
    // One that does not mend it is in force with the grants as they were.
    write(&dir, &(LOCAL.to_owned() + "workers = 9\n" + application));
    assert!(matches!(live.reload(), Reload::Replaced));
    assert_eq!(in_force(&live), ("one".to_owned(), 1));
    assert_eq!(live.refused().unwrap().version, 2);
    write(
        &dir,
        &(LOCAL.to_owned() + "[clients.a]\ncomponent = \"a.wasm\"\n"),
    );
    assert!(matches!(live.reload(), Reload::Replaced));
    assert_eq!(in_force(&live), ("two".to_owned(), 2));
    assert!(live.refused().is_none());
}

#[test]
fn a_file_that_says_that_grants_are_elsewhere_takes_a_restart() {
    let (dir, live) = live();
    write(&dir, &LOCAL.replace("grants = \"published\"\n", ""));
    let Reload::Kept(error) = live.reload() else {
        panic!("the grants of the file were put in force");
    };
    assert_eq!(
        error.to_string(),
        format!(
            "{}: `grants` under [queue] says now that the grants are elsewhere, which takes a restart",
            dir.path().join("platform.toml").display()
        )
    );
    assert_eq!(live.standing().fault, Some(error.to_string()));
    assert_eq!(in_force(&live), ("one".to_owned(), 1));
    // The other way round it would grant nothing at all.
    let path = dir.path().join("platform.toml");
    let live = Live::new(Config::load(&path).unwrap());
    write(&dir, LOCAL);
    assert!(matches!(live.reload(), Reload::Kept(_)));
    assert_eq!(live.with(Config::granting), Granting::File);
}

#[test]
fn what_was_taken_back_stays_so_whatever_is_published() {
    let (dir, _) = live();
    let path = dir.path().join("platform.toml");
    let text = grants("one") + "[clients.a]\nactivities = [\"GetEmployerByEmployerId\"]\n";
    let mut config = Config::load(&path).unwrap();
    config = config.with_grants(&published(1, &text)).unwrap();
    config.grants.revoked = Revoked::shared();
    let revocation = Revocation {
        what: Revoking::Client("a".to_owned()),
        by: "anna".to_owned(),
        why: "it leaked".to_owned(),
        time: String::new(),
    };
    config
        .grants
        .revoked
        .replace([revocation].into_iter().collect());
    let live = Live::new(config);
    publish(&live, 2, &text);
    assert_eq!(in_force(&live).1, 2);
    let revoked = live.with(|config| config.grants.revoked.clone());
    let now = revoked.now().unwrap();
    assert_eq!(now.all()[0].what, Revoking::Client("a".to_owned()));
    let granted = live.with(|config| config.grants.clients["a"].activities);
    assert!(granted.contains(id::GetEmployerByEmployerId));
}
