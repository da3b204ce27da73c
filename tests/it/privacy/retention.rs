//! What was kept for long enough is erased.

use crate::cli::{json, koppel, text};
use crate::harness::{TestHost, configuration};
use crate::products::{FLOWERS, connector, party, place, run, turn};
use koppel_host::config::Config;
use koppel_host::durable::{Clock, Millis, SystemClock};
use koppel_host::egress::SystemResolver;
use koppel_host::ledger::Redactor;
use koppel_host::runs::{Host, RetentionError};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A clock that is so many days ahead.
struct Ahead(i64);

impl Clock for Ahead {
    fn now(&self) -> Millis {
        SystemClock.now() + self.0 * 86_400_000
    }
}

/// The host on the files of another, so many days later.
fn later(dir: &Path, days: i64) -> Arc<Host> {
    let config = Config::load(&dir.join("platform.toml")).unwrap();
    let host = Host::start_with(
        config,
        Arc::new(SystemResolver),
        Redactor::default(),
        Arc::new(Ahead(days)),
    );
    Arc::new(host.unwrap())
}

/// A host that ordered flowers, with this `[retention]`.
async fn ordered(retention: &str) -> TestHost {
    let (_, port) = party().await;
    let text = configuration(&connector(FLOWERS, port)) + retention;
    let host = TestHost::with(&text).await;
    turn(&host, "on", "fleurtjedag", "anna");
    run(&host, place(None)).await.outcome.unwrap();
    host
}

/// Whether an order is readable in the files.
fn readable(dir: &Path) -> bool {
    let files = std::fs::read_dir(dir.join("data")).unwrap();
    files.into_iter().any(|file| {
        let path = file.unwrap().path();
        let is_stored = ["ledger.db", "runs.db"].iter().any(|name| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with(name)
        });
        is_stored && memchr::memmem::find(&std::fs::read(path).unwrap(), b"Sanne Jansen").is_some()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_and_runs_are_erased_when_their_period_is_over_and_the_chain_holds() {
    let host =
        ordered("[retention]\nproduct = \"P30D\"\nlookup = \"P1D\"\nruns = \"P20D\"\n").await;
    let dir = host.dir.path();
    let nothing = json(&koppel(dir, &["--json", "retention", "apply"]));
    assert_eq!(
        nothing,
        json!({
            "dry-run": false,
            "contents": {},
            "runs": 0,
            "kept-for-ever": ["journal", "declaration", "other"],
        })
    );
    let soon = later(dir, 25);
    let applied = soon.apply_retention(false).await.unwrap();
    assert_eq!((applied.contents.len(), applied.runs), (0, 1));
    assert!(readable(dir));

    let then = later(dir, 31);
    let counted = then.apply_retention(true).await.unwrap();
    assert!(readable(dir));
    let applied = then.apply_retention(false).await.unwrap();
    assert_eq!(applied, counted);
    // The order and the reply.
    assert_eq!(
        serde_json::to_value(&applied).unwrap(),
        json!({"contents": {"product": 2}, "runs": 0})
    );
    assert!(!readable(dir));
    let again = then.apply_retention(false).await.unwrap();
    assert!(again.contents.is_empty());
    let verified = koppel(dir, &["ledger", "verify"]);
    assert!(
        text(&verified.stdout)
            .contains("rows (of 2 the contents were erased), the last one has hash "),
        "{verified:?}"
    );
    // The change of a module is about nobody, and was not to be erased.
    let messages = json(&koppel(dir, &["--json", "messages"]));
    let summaries: Vec<_> = messages.as_array().unwrap().iter().collect();
    assert!(summaries.iter().all(|row| row["summary"] == "[erased]"));
    let shown = koppel(dir, &["messages", &summaries[0]["seq"].to_string()]);
    let shown = text(&shown.stdout);
    assert!(
        shown.contains(
            " by retention: kept for as long as [retention] says: product P30D, lookup P1D"
        ),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_works_erases_once_a_day() {
    let host = ordered("[retention]\nproduct = \"P30D\"\n").await;
    let dir = host.dir.path();
    let then = later(dir, 31);
    let working = then.work();
    let mut tries = 0;
    while readable(dir) && tries < 200 {
        // What is left is the job of the run, which has no period.
        let found = then.ledger().verify().await.unwrap().unwrap();
        if found.erased == 2 {
            break;
        }
        tries += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    working.stop(Duration::from_secs(5)).await;
    assert_eq!(then.ledger().verify().await.unwrap().unwrap().erased, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_periods_everything_is_kept_and_short_ones_are_told() {
    let host = ordered("").await;
    let dir = host.dir.path();
    assert!(matches!(
        host.host.apply_retention(false).await,
        Err(RetentionError::None)
    ));
    let refused = koppel(dir, &["retention", "apply"]);
    assert_eq!(refused.status.code(), Some(3));
    assert_eq!(
        text(&refused.stderr),
        "error: there is no [retention] in the configuration, so everything is kept: write, say, `lookup = \"P90D\"` under [retention]\n"
    );
    let config = std::fs::read_to_string(dir.join("platform.toml")).unwrap();
    host.write_configuration(&(config + "[retention]\ndeclaration = \"P5Y\"\n"));
    let valid = koppel(dir, &["validate"]);
    let told = text(&valid.stdout);
    assert!(valid.status.success(), "{valid:?}");
    assert!(
        told.starts_with("warning platform.toml:")
            && told.contains("[retention] declaration = \"P5Y\" is shorter than the seven years"),
        "{told}"
    );
}
